//! Image references as Docker reads them (distribution/reference, docker.io/library defaults in this one place).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Digest;

const DEFAULT_REGISTRY: &str = "docker.io";
const DEFAULT_NAMESPACE: &str = "library/";
const TAG_BYTES_MAX: usize = 128;
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// A name of an image: registry, repository, tag and digest, each checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct ReferenceError {
    /// The text, cut to 300 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Reference {
    /// Reads `[registry/]repository[:tag][@digest]`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let error = |reason: &str| ReferenceError {
            text: text.chars().take(300).collect(),
            reason: reason.to_owned(),
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse::<Digest>().map_err(|cause| error(cause.reason))?))
            }
            None => (text, None),
        };
        let (registry, path) = split_registry(rest);
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if !is_registry(registry) {
            return Err(error("the registry is not a host name with an optional port"));
        }
        if path.is_empty() {
            return Err(error("the repository is empty"));
        }
        if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(error("the repository must be lower-case"));
        }
        if !path.split('/').all(is_path_component) {
            return Err(error(
                "a part of the repository is not letters and digits joined by `.`, `_`, `__` or `-`",
            ));
        }
        if !tag.is_none_or(is_tag) {
            return Err(error(
                "the tag is not 1 to 128 letters, digits, `_`, `.` and `-`, the first a letter, digit or `_`",
            ));
        }
        let repository = if registry == DEFAULT_REGISTRY && !path.contains('/') {
            format!("{DEFAULT_NAMESPACE}{path}")
        } else {
            path.to_owned()
        };
        if repository.len() > NAME_BYTES_MAX {
            return Err(error("the repository is longer than 255 characters"));
        }
        Ok(Self { registry: registry.to_owned(), repository, tag: tag.map(str::to_owned), digest })
    }

    /// Host and port of the registry, `docker.io` if none was named.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Path in the registry, `library/debian`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// True if the text named no registry or Docker Hub.
    pub fn is_default_registry(&self) -> bool {
        self.registry == DEFAULT_REGISTRY
    }

    /// The same with the tag `latest`, if it has neither tag nor digest.
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }

    /// The same repository at a digest, without tag.
    #[must_use]
    pub fn at_digest(&self, digest: &Digest) -> Self {
        Self { tag: None, digest: Some(digest.clone()), ..self.clone() }
    }

    /// The same repository with another tag, without digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        if !is_tag(tag) {
            return Err(ReferenceError {
                text: tag.chars().take(300).collect(),
                reason: "not a tag".to_owned(),
            });
        }
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// Repository as people write it: without `docker.io/` and `library/`, unless that names another one.
    pub fn familiar_name(&self) -> String {
        let whole = || format!("{}/{}", self.registry, self.repository);
        if self.registry != DEFAULT_REGISTRY {
            return whole();
        }
        let short = match self.repository.strip_prefix(DEFAULT_NAMESPACE) {
            Some(short) if !short.contains('/') => short,
            _ => &self.repository,
        };
        // `docker.io/localhost/app` without its first part is on another registry.
        if split_registry(short) == (DEFAULT_REGISTRY, short) { short.to_owned() } else { whole() }
    }

    /// The whole reference as people write it.
    pub fn familiar(&self) -> String {
        self.append_suffix(self.familiar_name())
    }

    fn append_suffix(&self, mut text: String) -> String {
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(&digest.to_string());
        }
        text
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.append_suffix(format!("{}/{}", self.registry, self.repository)))
    }
}

impl std::str::FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.familiar())
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

// The first part is a registry if it has a dot, a colon or an upper-case letter, or is `localhost`.
fn split_registry(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some(("index.docker.io" | "registry-1.docker.io", path)) => (DEFAULT_REGISTRY, path),
        Some((first, path))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            (first, path)
        }
        _ => (DEFAULT_REGISTRY, text),
    }
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("ipv6", rest.strip_prefix(':').or((!rest.is_empty()).then_some("-")))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.len() <= 253
        && host.split('.').all(is_label)
        && port.is_none_or(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        })
}

// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*
pub(crate) fn is_path_component(text: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    if !is_alphanumeric(first) || !is_alphanumeric(last) {
        return false;
    }
    text.split(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit()).all(
        |separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        },
    )
}

pub(crate) fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= TAG_BYTES_MAX
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, canonical: &str, familiar: &str) {
        let reference = Reference::parse(text).unwrap();
        assert_eq!(reference.to_string(), canonical, "{text}");
        assert_eq!(reference.familiar(), familiar, "{text}");
    }

    #[test]
    fn docker_rules() {
        check("debian", "docker.io/library/debian", "debian");
        check("python:3.11-slim", "docker.io/library/python:3.11-slim", "python:3.11-slim");
        check("docker.io/localhost/a", "docker.io/localhost/a", "docker.io/localhost/a");
        check("docker.io/docker.io/a/b", "docker.io/docker.io/a/b", "docker.io/docker.io/a/b");
        check("index.docker.io/team/app:1", "docker.io/team/app:1", "team/app:1");
        check("localhost:5000/app", "localhost:5000/app", "localhost:5000/app");
        check(
            "registry.local:5000/a/b__c:v1",
            "registry.local:5000/a/b__c:v1",
            "registry.local:5000/a/b__c:v1",
        );
        check("[::1]:5000/app:1", "[::1]:5000/app:1", "[::1]:5000/app:1");
        let digest = Digest::sha256(b"x");
        check(
            &format!("a/b:1@{digest}"),
            &format!("docker.io/a/b:1@{digest}"),
            &format!("a/b:1@{digest}"),
        );
    }

    #[test]
    fn refuses_bad_names() {
        let long_tag = format!("a:{}", "x".repeat(129));
        // With `library/` in front it has 256.
        let long_name = "x".repeat(248);
        for text in [
            "",
            ":1",
            "a:",
            "a/",
            "/a",
            "A",
            "a..b/c",
            "a___b",
            "../a",
            "a:-x",
            "a@sha256:12",
            "a b",
            "a:1:2",
            "host:99999/a",
            "-host.x/a",
            "a/b\0",
            "registry.local:5000/",
            long_tag.as_str(),
            long_name.as_str(),
        ] {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_round_trips(text in "\\PC{0,40}") {
            if let Ok(reference) = Reference::parse(&text) {
                assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference);
                assert_eq!(Reference::parse(&reference.familiar()).unwrap(), reference);
            }
        }
    }
}
