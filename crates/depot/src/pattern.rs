//! Patterns of repositories and tags: `*` stands for anything but `/`, `**` for anything, `?` for one character but `/`.

use serde::{Deserialize, Deserializer, Serialize};

/// A pattern of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pattern(String);

const BYTES_MAX: usize = 512;

impl Pattern {
    /// Reads a pattern; any text of at most 512 bytes is one.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > BYTES_MAX {
            return Err(format!("a pattern has 1 to {BYTES_MAX} bytes"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The pattern that matches everything.
    pub fn all() -> Self {
        Self("**".to_owned())
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if the whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes())
    }

    /// What every name that matches begins with.
    pub fn prefix(&self) -> &str {
        self.0.find(['*', '?']).map_or(&self.0, |end| &self.0[..end])
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

// The set of places in the pattern that the name so far can have come to: time is the product of both lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut places = vec![false; pattern.len() + 1];
    places[0] = true;
    skip_stars(pattern, &mut places);
    for &byte in name {
        let mut next = vec![false; pattern.len() + 1];
        for (place, _) in places.iter().enumerate().filter(|(_, is_reached)| **is_reached) {
            match pattern.get(place) {
                Some(b'*') => {
                    let is_double = pattern.get(place + 1) == Some(&b'*')
                        || (place > 0 && pattern[place - 1] == b'*');
                    next[place] |= is_double || byte != b'/';
                }
                Some(b'?') => next[place + 1] |= byte != b'/',
                Some(&wanted) => next[place + 1] |= wanted == byte,
                None => {}
            }
        }
        skip_stars(pattern, &mut next);
        places = next;
    }
    places[pattern.len()]
}

fn skip_stars(pattern: &[u8], places: &mut [bool]) {
    for place in 0..pattern.len() {
        if places[place] && pattern[place] == b'*' {
            places[place + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_parts() {
        let check = |pattern: &str, name: &str| Pattern::parse(pattern).unwrap().matches(name);
        assert!(check("team/*", "team/app"));
        assert!(!check("team/*", "team/app/x"));
        assert!(!check("team/*", "team"));
        assert!(check("team/**", "team/app/x"));
        assert!(check("**", "anything/at/all"));
        assert!(check("**/app", "a/b/app"));
        assert!(check("v*", "v1.0"));
        assert!(check("v?.*", "v1.0"));
        assert!(!check("v?.*", "v10.0"));
        assert!(check("prod-*/app", "prod-eu/app"));
        assert!(!check("prod", "prods"));
        assert!(Pattern::parse("").is_err());
        assert_eq!(Pattern::parse("team/v*").unwrap().prefix(), "team/v");
        // It is not exponential.
        assert!(!check(&"*a".repeat(200), &"a".repeat(199)));
    }
}
