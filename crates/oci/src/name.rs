//! Names inside a registry: repositories and tags, each checked once (distribution-spec, §Pulling manifests).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reference::{NAME_BYTES_MAX, is_path_component, is_tag};

/// The name of a repository: parts of lower-case letters and digits, joined by `/`, at most 255 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(Arc<str>);

/// A tag: 1 to 128 letters, digits, `_`, `.` and `-`, the first neither `.` nor `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Arc<str>);

/// Why a text is neither repository nor tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {reason}")]
pub struct NameError {
    /// What it should have been.
    pub what: &'static str,
    /// The text, cut to 300 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl RepositoryName {
    /// Reads a name, `team/app`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.len() > NAME_BYTES_MAX {
            "it is longer than 255 characters"
        } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            "it must be lower-case"
        } else if !text.split('/').all(is_path_component) {
            "a part of it is not letters and digits joined by `.`, `_`, `__` or `-`"
        } else {
            return Ok(Self(text.into()));
        };
        Err(NameError { what: "repository name", text: text.chars().take(300).collect(), reason })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    /// Reads a tag, `1.4-slim`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if is_tag(text) {
            return Ok(Self(text.into()));
        }
        Err(NameError {
            what: "tag",
            text: text.chars().take(300).collect(),
            reason: "a tag is 1 to 128 letters, digits, `_`, `.` and `-`, the first a letter, digit or `_`",
        })
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_of {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, out)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_of!(RepositoryName);
text_of!(Tag);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_specification() {
        for text in ["a", "team/app", "a/b/c/d", "a.b", "a__b", "a---b", "0", &"x".repeat(255)] {
            assert_eq!(RepositoryName::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "A",
            "a/B",
            "..",
            "a/../b",
            "a..b",
            "a___b",
            "-a",
            "a-",
            "a b",
            "a:1",
            "a@b",
            "ä",
            "a\0",
            "a\n",
            "a%2fb",
            "a\\b",
            &"x".repeat(256),
        ] {
            assert!(RepositoryName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn tags_of_the_specification() {
        for text in ["latest", "1.0", "_x", "A-b_c.d", &"x".repeat(128)] {
            assert_eq!(Tag::parse(text).unwrap().as_str(), text);
        }
        for text in ["", ".x", "-x", "a/b", "a b", "a:b", "sha256:ab", "ä", "a\n", &"x".repeat(129)]
        {
            assert!(Tag::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn as_json_they_are_checked_again() {
        let name: RepositoryName = serde_json::from_str("\"team/app\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"team/app\"");
        assert!(serde_json::from_str::<RepositoryName>("\"../app\"").is_err());
        assert!(serde_json::from_str::<Tag>("\"a/b\"").is_err());
        assert_eq!(
            Tag::parse("a/b").unwrap_err().to_string(),
            "`a/b` is not a tag: a tag is 1 to 128 letters, digits, `_`, `.` and `-`, the first a letter, digit or `_`"
        );
    }
}
