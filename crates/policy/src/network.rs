//! Networks of addresses: what OPA's `net.cidr_*` say that the interpreter does not know.

use std::net::IpAddr;

use regorus::Value;

use crate::extension::{items, text};

const NETWORKS_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Network {
    is_v6: bool,
    first: u128,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let bad = || format!("`{text}` is no network");
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let (is_v6, bits, number) = match address {
            IpAddr::V4(address) => (false, 32, u128::from(u32::from(address)) << 96),
            IpAddr::V6(address) => (true, 128, u128::from(address)),
        };
        let prefix = prefix.map_or(Ok(bits), str::parse).map_err(|_| bad())?;
        if prefix > bits {
            return Err(bad());
        }
        Ok(Self { is_v6, first: number & mask(prefix), prefix })
    }

    fn contains(self, other: Self) -> bool {
        self.is_v6 == other.is_v6
            && self.prefix <= other.prefix
            && other.first & mask(self.prefix) == self.first
    }

    fn text(self) -> String {
        let prefix = self.prefix;
        if self.is_v6 {
            return format!("{}/{prefix}", std::net::Ipv6Addr::from(self.first));
        }
        let number = u32::try_from(self.first >> 96).unwrap_or_default();
        format!("{}/{prefix}", std::net::Ipv4Addr::from(number))
    }
}

fn mask(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0)
}

/// `net.cidr_intersects`.
pub(crate) fn intersects(arguments: &[Value]) -> Result<Value, String> {
    let (left, right) =
        (Network::parse(text(arguments, 0)?)?, Network::parse(text(arguments, 1)?)?);
    Ok(Value::from(left.contains(right) || right.contains(left)))
}

/// `net.cidr_merge`: the fewest networks that hold the same addresses.
pub(crate) fn merge(arguments: &[Value]) -> Result<Value, String> {
    let mut networks = Vec::new();
    for item in items(arguments.first())? {
        networks.push(Network::parse(text(std::slice::from_ref(item), 0)?)?);
    }
    if networks.len() > NETWORKS_MAX {
        return Err(format!("there are more than {NETWORKS_MAX} networks"));
    }
    networks.sort_unstable();
    let mut merged: Vec<Network> = Vec::new();
    for network in networks {
        let mut network = network;
        if merged.last().is_some_and(|last| last.contains(network)) {
            continue;
        }
        while let Some(last) = merged.last().copied() {
            let wider = Network {
                prefix: network.prefix.saturating_sub(1),
                first: network.first & mask(network.prefix.saturating_sub(1)),
                ..network
            };
            let are_halves = last.prefix == network.prefix
                && network.prefix > 0
                && last != network
                && wider.contains(last);
            if !are_halves {
                break;
            }
            merged.pop();
            network = wider;
        }
        merged.push(network);
    }
    let texts = merged.into_iter().map(|network| Value::from(network.text()));
    Ok(Value::from(texts.collect::<std::collections::BTreeSet<Value>>()))
}

/// `net.cidr_contains_matches`: pairs of keys whose first network holds the second.
pub(crate) fn contains_matches(arguments: &[Value]) -> Result<Value, String> {
    let (left, right) = (keyed(arguments.first())?, keyed(arguments.get(1))?);
    if left.len().saturating_mul(right.len()) > NETWORKS_MAX * 100 {
        return Err("there are too many networks".to_owned());
    }
    let mut pairs = std::collections::BTreeSet::new();
    for (outer_key, outer) in &left {
        for (inner_key, inner) in &right {
            if outer.contains(*inner) {
                pairs.insert(Value::from(vec![outer_key.clone(), inner_key.clone()]));
            }
        }
    }
    Ok(Value::from(pairs))
}

fn keyed(value: Option<&Value>) -> Result<Vec<(Value, Network)>, String> {
    // A network may stand alone or be the first of an array.
    let network = |value: &Value| match value {
        Value::Array(array) => Network::parse(text(&array.iter().cloned().collect::<Vec<_>>(), 0)?),
        other => Network::parse(text(std::slice::from_ref(other), 0)?),
    };
    match value {
        Some(value @ Value::String(_)) => Ok(vec![(value.clone(), network(value)?)]),
        Some(Value::Array(array)) => array
            .iter()
            .enumerate()
            .map(|(index, item)| Ok((Value::from(index), network(item)?)))
            .collect(),
        Some(Value::Set(set)) => {
            set.iter().map(|item| Ok((item.clone(), network(item)?))).collect()
        }
        Some(Value::Object(object)) => {
            object.iter_sorted().map(|(key, item)| Ok((key.clone(), network(item)?))).collect()
        }
        _ => Err("networks are wanted".to_owned()),
    }
}

/// trivy's `cidr.is_public`: whether a network, or one of several, has public addresses; `*` is all of them.
pub(crate) fn is_public(arguments: &[Value]) -> Result<Value, String> {
    const PRIVATE: [&str; 6] =
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128"];
    for network in named(arguments)? {
        let Some(network) = network else { return Ok(Value::Bool(true)) };
        let is_within = |text: &&str| Network::parse(text).is_ok_and(|it| it.contains(network));
        if !PRIVATE.iter().any(is_within) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// trivy's `cidr.count_addresses`.
pub(crate) fn count_addresses(arguments: &[Value]) -> Result<Value, String> {
    let mut count = 0_u64;
    for network in named(arguments)? {
        let free = network.map_or(64, |it| if it.is_v6 { 128 } else { 32 } - it.prefix);
        count = count.saturating_add(1_u64.checked_shl(free).unwrap_or(u64::MAX));
    }
    Ok(Value::from(count))
}

// The networks of a text or of several; none stands for all addresses.
fn named(arguments: &[Value]) -> Result<Vec<Option<Network>>, String> {
    let one = |value: &Value| match text(std::slice::from_ref(value), 0)? {
        "*" | "internet" | "any" => Ok(None),
        text => Network::parse(text).map(Some),
    };
    match arguments.first() {
        Some(value @ Value::String(_)) => Ok(vec![one(value)?]),
        other => items(other)?.into_iter().map(one).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let check = |texts: &[&str], expected: &[&str]| {
            let list: Vec<Value> = texts.iter().map(|text| Value::from(*text)).collect();
            let merged = merge(&[Value::from(list)]).unwrap();
            let found: Vec<String> = merged
                .as_set()
                .unwrap()
                .iter()
                .map(|it| it.as_string().unwrap().to_string())
                .collect();
            assert_eq!(found, expected);
        };
        check(&["192.0.2.0/25", "192.0.2.128/25"], &["192.0.2.0/24"]);
        check(&["10.0.0.0/8", "10.1.0.0/16", "::/1", "8000::/1"], &["10.0.0.0/8", "::/0"]);
        check(&["10.0.0.1", "10.0.0.3"], &["10.0.0.1/32", "10.0.0.3/32"]);
        let pair = |left: &str, right: &str| intersects(&[left.into(), right.into()]);
        assert_eq!(pair("10.0.0.0/8", "10.2.3.4"), Ok(Value::from(true)));
        assert_eq!(pair("10.0.0.0/8", "a00::/8"), Ok(Value::from(false)));
        assert!(pair("10.0.0.0/33", "10.0.0.0/8").is_err());
    }
}
