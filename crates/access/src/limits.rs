//! How often: the generic cell rate algorithm (ITU-T I.371), for users, addresses and repositories.
//!
//! The memory is set when a limit is: a table of fixed size, in which a key has four places. A flood of keys drives out
//! those that used the least, so that who is over a limit stays over it.

use std::fmt;
use std::hash::{BuildHasher, Hasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::Principal;

const SETS: usize = 1 << 14;
const PLACES: usize = 4;
const COUNT_MAX: u64 = 10_000_000;

/// So many in so long, as `100/m`, `200/6h`, `10/30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, all of them at once if need be.
    pub count: u64,
    /// In how many seconds.
    pub seconds: u64,
}

impl Rate {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fault = "a limit is written as `100/m` or `200/6h`, with s, m, h or d";
        let (count, period) = text.split_once('/').ok_or(fault)?;
        let count: u64 = count.trim().parse().map_err(|_| fault)?;
        let period = period.trim();
        let unit = period.chars().last().ok_or(fault)?;
        let number = match &period[..period.len() - unit.len_utf8()] {
            "" => 1,
            number => number.parse::<u64>().map_err(|_| fault)?,
        };
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(fault),
        };
        if !(1..=COUNT_MAX).contains(&count) || !(1..=366).contains(&number) {
            return Err("a limit is out of range");
        }
        Ok(Self { count, seconds: number * seconds })
    }

    // Microseconds in which one becomes free.
    fn interval(self) -> i64 {
        i64::try_from(self.seconds * 1_000_000 / self.count).unwrap_or(i64::MAX).max(1)
    }

    // How far ahead of the time the last one may be.
    fn tolerance(self) -> i64 {
        let period = i64::try_from(self.seconds * 1_000_000).unwrap_or(i64::MAX);
        period - self.interval()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}s", self.count, self.seconds)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Limits of one kind of thing. What is not set is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateSettings {
    /// For each user.
    pub user: Option<Rate>,
    /// For each address; of IPv6, for each network of 64 bits.
    pub address: Option<Rate>,
    /// For each repository.
    pub repository: Option<Rate>,
}

/// How often who may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Manifests that are read.
    pub pulls: RateSettings,
    /// Manifests that are written.
    pub pushes: RateSettings,
    /// Requests of any kind.
    pub requests: RateSettings,
    /// Wrong passwords and tokens.
    pub failed_logins: RateSettings,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let unlimited = RateSettings::default();
        // By address alone: whoever could lock a user out by guessing would.
        let guesses = RateSettings { address: Some(Rate { count: 30, seconds: 60 }), ..unlimited };
        Self { pulls: unlimited, pushes: unlimited, requests: unlimited, failed_logins: guesses }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// A manifest that is read.
    Pull,
    /// A manifest that is written.
    Push,
    /// A wrong password or token.
    Login,
    /// Any request.
    Request,
}

/// Too often: after so many seconds it may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

/// Counters for all limits.
pub(crate) struct Limits {
    settings: LimitSettings,
    kinds: [Option<Box<Kinds>>; 4],
}

#[derive(Default)]
struct Kinds {
    user: Option<Table>,
    address: Option<Table>,
    repository: Option<Table>,
}

impl Limits {
    pub(crate) fn new(settings: &LimitSettings) -> Self {
        let tables = |rates: RateSettings| {
            let kinds = Kinds {
                user: rates.user.map(Table::new),
                address: rates.address.map(Table::new),
                repository: rates.repository.map(Table::new),
            };
            (rates != RateSettings::default()).then(|| Box::new(kinds))
        };
        let kinds = [settings.pulls, settings.pushes, settings.failed_logins, settings.requests];
        Self { settings: *settings, kinds: kinds.map(tables) }
    }

    pub(crate) fn settings(&self) -> &LimitSettings {
        &self.settings
    }

    /// Counts one, if there is room for it.
    pub(crate) fn take(
        &self,
        what: Throttled,
        who: &Who<'_>,
        now: Timestamp,
    ) -> Result<(), RetryAfter> {
        self.ask(what, who, now, true)
    }

    /// Whether there is room for one.
    pub(crate) fn look(
        &self,
        what: Throttled,
        who: &Who<'_>,
        now: Timestamp,
    ) -> Result<(), RetryAfter> {
        self.ask(what, who, now, false)
    }

    fn ask(
        &self,
        what: Throttled,
        who: &Who<'_>,
        now: Timestamp,
        is_counted: bool,
    ) -> Result<(), RetryAfter> {
        let Some(kinds) = &self.kinds[what as usize] else { return Ok(()) };
        let address = network(who.address);
        let keys = [
            (&kinds.address, Some(&address[..])),
            (&kinds.user, who.user.map(str::as_bytes)),
            (&kinds.repository, who.repository.map(str::as_bytes)),
        ];
        let asked = || keys.iter().filter_map(|(table, key)| Some((table.as_ref()?, (*key)?)));
        // Nothing is counted of what is refused.
        let wait = asked().map(|(table, key)| table.wait(key, now, false)).max().unwrap_or(0);
        if wait > 0 {
            return Err(RetryAfter(u64::try_from(wait).unwrap_or(0).div_ceil(1_000_000)));
        }
        if is_counted {
            for (table, key) in asked() {
                table.wait(key, now, true);
            }
        }
        Ok(())
    }
}

/// Whom something is counted for.
pub(crate) struct Who<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) address: IpAddr,
    pub(crate) repository: Option<&'a str>,
}

impl<'a> Who<'a> {
    pub(crate) fn of(
        principal: &'a Principal,
        address: IpAddr,
        repository: Option<&'a str>,
    ) -> Self {
        Self { user: principal.name.as_deref(), address, repository }
    }
}

// Who has one address of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> [u8; 9] {
    let mut key = [0; 9];
    match address.to_canonical() {
        IpAddr::V4(address) => key[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => {
            key[0] = 6;
            key[1..].copy_from_slice(&Ipv6Addr::octets(&address)[..8]);
        }
    }
    // No network of IPv6 is mistaken for an address of IPv4.
    if address.to_canonical().is_ipv4() {
        key[8] = 4;
    }
    key
}

// The time at which all that was counted for a key is paid for.
#[derive(Clone, Copy, Default)]
struct Entry {
    tag: u64,
    paid: i64,
}

struct Table {
    rate: Rate,
    // Strangers do not choose who shares a set.
    hashing: RandomState,
    sets: Vec<Mutex<[Entry; PLACES]>>,
}

impl Table {
    fn new(rate: Rate) -> Self {
        let sets = (0..SETS).map(|_| Mutex::default()).collect();
        Self { rate, hashing: RandomState::new(), sets }
    }

    // Microseconds until one more may come; 0 if it may come now, and then it is counted if it is to be.
    fn wait(&self, key: &[u8], now: Timestamp, is_counted: bool) -> i64 {
        let mut hasher = self.hashing.build_hasher();
        hasher.write(key);
        let tag = hasher.finish();
        let set = (tag >> 32) as usize % SETS;
        let mut set = self.sets[set].lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.as_microsecond();
        let known = set.iter().position(|entry| entry.tag == tag);
        let (interval, tolerance) = (self.rate.interval(), self.rate.tolerance());
        // Later than that it can only be if the clock was set back, which is to lock nobody out.
        let limit = now.saturating_add(interval + tolerance);
        let paid = known.map(|at| set[at].paid).filter(|paid| *paid <= limit);
        let paid = paid.unwrap_or(now).max(now);
        let wait = paid - tolerance - now;
        if wait > 0 {
            return wait;
        }
        if is_counted {
            let least = (0..PLACES).min_by_key(|at| set[*at].paid).unwrap_or(0);
            set[known.unwrap_or(least)] = Entry { tag, paid: paid.saturating_add(interval) };
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn limits(rate: &str) -> Limits {
        let rate = Some(Rate::parse(rate).unwrap());
        let pulls = RateSettings { user: rate, address: rate, repository: None };
        Limits::new(&LimitSettings { pulls, ..LimitSettings::default() })
    }

    fn who(address: &str) -> Who<'static> {
        Who { user: None, address: address.parse().unwrap(), repository: None }
    }

    #[test]
    fn rates() {
        for (text, count, seconds) in
            [("100/m", 100, 60), ("200/6h", 200, 21_600), ("1/s", 1, 1), ("5 / 2d", 5, 172_800)]
        {
            assert_eq!(Rate::parse(text), Ok(Rate { count, seconds }), "{text}");
        }
        for text in [
            "",
            "/",
            "1",
            "1/",
            "0/m",
            "-1/m",
            "1/w",
            "1/0m",
            "1/999d",
            "1e9/m",
            "1/é",
            "99999999999999999999/s",
        ] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
        let read = serde_json::from_str::<LimitSettings>(r#"{"pulls": {"user": "10/m"}}"#).unwrap();
        assert_eq!(read.pulls.user, Some(Rate { count: 10, seconds: 60 }));
        assert!(serde_json::from_str::<LimitSettings>(r#"{"pull": {}}"#).is_err());
    }

    #[test]
    fn all_at_once_then_one_by_one() {
        let limits = limits("10/m");
        let take = |second| limits.take(Throttled::Pull, &who("192.0.2.1"), at(second));
        for number in 0..10 {
            assert_eq!(take(0), Ok(()), "{number}");
        }
        assert_eq!(take(0), Err(RetryAfter(6)));
        assert_eq!(take(1), Err(RetryAfter(5)));
        assert_eq!((take(6), take(6)), (Ok(()), Err(RetryAfter(6))));
        // Another kind, another address.
        assert_eq!(limits.take(Throttled::Push, &who("192.0.2.1"), at(6)), Ok(()));
        assert_eq!(limits.take(Throttled::Pull, &who("192.0.2.2"), at(6)), Ok(()));
        // A clock that is set back locks nobody out.
        assert_eq!(take(-1_000_000), Ok(()));
    }

    #[test]
    fn looking_does_not_count() {
        let limits = limits("1/m");
        for _ in 0..3 {
            assert_eq!(limits.look(Throttled::Pull, &who("192.0.2.1"), at(0)), Ok(()));
        }
        assert_eq!(limits.take(Throttled::Pull, &who("192.0.2.1"), at(0)), Ok(()));
        assert_eq!(limits.look(Throttled::Pull, &who("192.0.2.1"), at(0)), Err(RetryAfter(60)));
        // What one of two limits refuses is not counted by the other.
        let user = |name, address: &str| {
            Who { user: Some(name), ..who(address) }.user.map(|user| {
                let who =
                    Who { user: Some(user), address: address.parse().unwrap(), repository: None };
                limits.take(Throttled::Pull, &who, at(0))
            })
        };
        assert_eq!(user("alice", "192.0.2.1"), Some(Err(RetryAfter(60))));
        assert_eq!(user("alice", "192.0.2.2"), Some(Ok(())));
    }

    #[test]
    fn addresses() {
        let same = |left: &str, right: &str| {
            network(left.parse().unwrap()) == network(right.parse().unwrap())
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:1") && !same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1") && !same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn a_million_addresses_do_not_free_who_is_over_the_limit() {
        let limits = limits("10/m");
        let bad = who("198.51.100.7");
        while limits.take(Throttled::Pull, &bad, at(0)).is_ok() {}
        let start = Instant::now();
        for number in 0..1_000_000_u32 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from(0x0a00_0000 + number));
            let _ = limits.take(Throttled::Pull, &Who { address, ..who("10.0.0.0") }, at(0));
        }
        assert!(limits.take(Throttled::Pull, &bad, at(0)).is_err());
        assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
        let table = limits.kinds[0].as_ref().unwrap().address.as_ref().unwrap();
        assert!(std::mem::size_of_val(&*table.sets) < 2 << 20);
    }
}
