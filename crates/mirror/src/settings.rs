//! What a mirror can be told.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// The upstreams of a registry, a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Settings {
    /// The upstreams; of two prefixes that fit a name, the longer one counts.
    pub upstreams: Vec<UpstreamSettings>,
}

/// One upstream.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    /// What names of repositories begin with, whole parts of the path; empty for all names.
    pub prefix: String,
    /// The registry, `https://registry-1.docker.io`, and a path if its repositories are looked for below one.
    pub url: String,
    /// Values of `?ns=` that mean this upstream, besides its prefix and the host of its URL.
    pub namespaces: Vec<String>,
    /// The upstream's repositories have the prefix in their names too.
    pub keep_prefix: bool,
    /// For how long a tag is not asked for again.
    pub ttl: Period,
    /// For how long the upstream is not asked again for what it does not have.
    pub negative_ttl: Period,
    /// For how long a tag may be served that the upstream cannot confirm; 0 is for ever.
    pub stale: Period,
    /// For how long a beginning of an answer is waited for, and for the next bytes of one.
    pub timeout: Period,
    /// For how long an upstream that was not reached is not tried again.
    pub pause: Period,
    /// Name of the account.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Password>,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
    /// A `config.json` of Docker's with the credential for the upstream's host, or with the helper that has it.
    pub docker_config: Option<PathBuf>,
    /// Files with certificates of authorities that are trusted, PEM.
    pub ca_files: Vec<PathBuf>,
    /// Hosts, with their ports if those are not the usual ones, of token servers that may be asked besides the upstream.
    pub token_hosts: BTreeSet<String>,
    /// Requests a second; none is no limit.
    pub requests_per_second: Option<f64>,
    /// Requests at once, above which the limit counts.
    pub burst: u32,
    /// Whether images may be pushed below the prefix too.
    pub accept_pushes: bool,
    /// Larger blobs are not fetched.
    pub blob_bytes_max: u64,
    /// For how long a copy stays that nobody pulls; 0 is for ever.
    pub keep: Period,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            url: String::new(),
            namespaces: Vec::new(),
            keep_prefix: false,
            ttl: Period(Duration::from_mins(10)),
            negative_ttl: Period(Duration::from_mins(1)),
            stale: Period(Duration::ZERO),
            timeout: Period(Duration::from_secs(15)),
            pause: Period(Duration::from_secs(5)),
            username: None,
            password: None,
            password_file: None,
            docker_config: None,
            ca_files: Vec::new(),
            token_hosts: BTreeSet::new(),
            requests_per_second: None,
            burst: 20,
            accept_pushes: false,
            blob_bytes_max: 64 << 30,
            keep: Period(Duration::ZERO),
        }
    }
}

/// A password, which is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password(…)")
    }
}

/// A length of time: `90s`, `1h30m`, or a number of seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period(pub Duration);

impl Period {
    /// Reads one, as Go writes durations.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(secs) = text.parse::<u32>() {
            return Some(Self(Duration::from_secs(secs.into())));
        }
        let mut total = Duration::ZERO;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
            let count: u32 = rest[..end].parse().ok()?;
            rest = &rest[end..];
            let unit_end = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
            let unit = match &rest[..unit_end] {
                "ms" => Duration::from_millis(1),
                "s" => Duration::from_secs(1),
                "m" => Duration::from_mins(1),
                "h" => Duration::from_hours(1),
                "d" => Duration::from_hours(24),
                _ => return None,
            };
            total = total.checked_add(unit.checked_mul(count)?)?;
            rest = &rest[unit_end..];
        }
        (!text.is_empty()).then_some(Self(total))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Period;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a length of time, `90s` or `1h30m`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Period, E> {
                Period::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_u64<E: de::Error>(self, secs: u64) -> Result<Period, E> {
                Ok(Period(Duration::from_secs(secs)))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        let secs = |text| Period::parse(text).map(|period| period.0.as_secs());
        assert_eq!(secs("90"), Some(90));
        assert_eq!(secs("1h30m"), Some(5400));
        assert_eq!(secs("168h"), Some(604_800));
        assert_eq!(secs("7d"), Some(604_800));
        assert_eq!(Period::parse("250ms").unwrap().0.as_millis(), 250);
        for text in ["", "s", "1x", "-1s", "1.5h", "99999999999s", "1h 2m", "1h2"] {
            assert_eq!(secs(text), None, "{text}");
        }
        // What is longer than anybody lives is not wrong.
        assert!(secs("4294967295d4294967295d").is_some());
    }

    #[test]
    fn settings_from_a_file() {
        let text = r#"[{"prefix":"docker.io","url":"https://registry-1.docker.io","ttl":"1h","password":"geheim"}]"#;
        let settings: Settings = serde_json::from_str(text).unwrap();
        assert_eq!(settings.upstreams[0].ttl, Period(Duration::from_hours(1)));
        assert!(!format!("{settings:?}").contains("geheim"));
        let unknown = serde_json::from_str::<Settings>(r#"[{"urls":""}]"#);
        assert!(unknown.unwrap_err().to_string().contains("unknown field"));
    }
}
