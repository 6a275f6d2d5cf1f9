//! Where a registry may send a server that asks on behalf of others: not into the networks that the server can reach and
//! the registry cannot. Names are looked up once, and the addresses that were looked at are those that are used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Client, Endpoint, Error};

/// Looks names up, and forgets addresses of private networks.
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(format!("`{}` is in a private network", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

impl Client {
    /// What asks this URL on behalf of a registry.
    pub(crate) async fn http_for(
        &self,
        endpoint: &Endpoint,
        url: &Url,
    ) -> Result<&reqwest::Client, Error> {
        let Some(public_only) = &self.inner.public_only else { return Ok(&self.inner.http) };
        let host = url.host_str().unwrap_or_default();
        let own = name_of(&endpoint.host);
        if host == own || is_private(own).await {
            return Ok(&self.inner.http);
        }
        match address(host) {
            Some(address) if !is_public(address) => Err(Error::Redirect {
                host: endpoint.host.clone(),
                location: url.as_str().chars().take(200).collect(),
                reason: "it leads into a private network",
            }),
            _ => Ok(public_only),
        }
    }
}

// The host without its port.
fn name_of(host: &str) -> &str {
    match host.rfind(']') {
        Some(end) => &host[..=end],
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

// A registry that lies in a private network itself may point to its neighbours.
async fn is_private(host: &str) -> bool {
    if let Some(address) = address(host) {
        return !is_public(address);
    }
    match tokio::net::lookup_host((host, 0)).await {
        Ok(mut found) => found.all(|address| !is_public(address.ip())),
        Err(_) => false,
    }
}

/// True for an address of the public internet (the registries of IANA for special purposes, RFC 6890).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        // IPv4 in other clothes: mapped, translated (RFC 6052), and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(embedded(high, low))
        }
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        [0x2001, 0x0db8, ..] => false,
        // What is not of 2000::/3 is not given out.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses() {
        for text in ["1.1.1.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_public_registry_does_not_send_us_home() {
        let settings = crate::Settings { public_only: true, ..crate::Settings::default() };
        let client = Client::new(settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let check = |registry: &str, url: &str| {
            let host = registry.to_owned();
            let endpoint = Endpoint { account: host.clone(), host, repository: String::new() };
            let url = Url::parse(url).unwrap();
            runtime.block_on(async {
                let http = match client.http_for(&endpoint, &url).await {
                    Ok(http) if std::ptr::eq(http, &raw const client.inner.http) => return "any",
                    Ok(http) => http,
                    Err(_) => return "refused",
                };
                // Only a name that leads here is asked for: nothing of this leaves the machine.
                if url.host_str() != Some("localhost") {
                    return "public";
                }
                let error = http.get(url).send().await.unwrap_err();
                assert!(format!("{error:?}").contains("private network"), "{error:?}");
                "unresolved"
            })
        };
        assert_eq!(check("1.1.1.1", "https://169.254.169.254/latest/meta-data"), "refused");
        assert_eq!(check("1.1.1.1:443", "https://[::1]/"), "refused");
        assert_eq!(check("1.1.1.1", "http://localhost:1/"), "unresolved");
        assert_eq!(check("1.1.1.1", "https://8.8.8.8/"), "public");
        assert_eq!(check("1.1.1.1", "https://1.1.1.1:8443/"), "any");
        assert_eq!(check("10.0.0.1:5000", "http://10.0.0.2/"), "any");
    }

    #[test]
    fn names_of_hosts() {
        assert_eq!(name_of("a.b:5000"), "a.b");
        assert_eq!(name_of("a.b"), "a.b");
        assert_eq!(name_of("[::1]:5000"), "[::1]");
        assert_eq!(name_of("[::1]"), "[::1]");
        assert_eq!(address("[::1]"), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    }
}
