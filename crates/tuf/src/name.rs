//! Names of repositories and roles. Both come from the network and become paths, so that they are checked once, here.

use std::borrow::Cow;
use std::fmt;

use crate::Error;

const NAME_BYTES_MAX: usize = 255;

/// A globally unique name: registry and repository, `registry.example:5000/team/app`. It has no tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gun(String);

impl Gun {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_allowed = |character: char| {
            character.is_ascii_alphanumeric()
                || matches!(character, '.' | '_' | '-' | ':' | '[' | ']')
        };
        let is_segment = |segment: &str| {
            !segment.is_empty() && !matches!(segment, "." | "..") && segment.chars().all(is_allowed)
        };
        if text.len() <= NAME_BYTES_MAX && text.split('/').all(is_segment) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::Gun(crate::error::printable(text)))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The repository in its registry: the name without that of the registry before it, `team/app`.
    pub fn repository(&self) -> &str {
        repository_of(&self.0)
    }
}

/// What [`Gun::repository`] is of a name that was checked before.
pub fn repository_of(gun: &str) -> &str {
    let rest = gun.split_once('/').filter(|(first, _)| {
        first.contains(['.', ':']) || *first == "localhost" || first.starts_with('[')
    });
    rest.map_or(gun, |(_, repository)| repository)
}

impl fmt::Display for Gun {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A role: one of the four of the root, or a delegation, `targets/NAME`, of any depth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(Cow<'static, str>);

impl Role {
    /// The role that names all keys.
    pub const ROOT: Self = Self(Cow::Borrowed("root"));
    /// The role that lists tags and delegates.
    pub const TARGETS: Self = Self(Cow::Borrowed("targets"));
    /// The role that binds one state of all others.
    pub const SNAPSHOT: Self = Self(Cow::Borrowed("snapshot"));
    /// The role that says which snapshot is the newest.
    pub const TIMESTAMP: Self = Self(Cow::Borrowed("timestamp"));
    /// The delegation in which docker looks for a tag first.
    pub const RELEASES: Self = Self(Cow::Borrowed("targets/releases"));
    /// The four roles of every root.
    pub const BASE: [Self; 4] = [Self::ROOT, Self::TARGETS, Self::SNAPSHOT, Self::TIMESTAMP];

    /// Checks a name as Notary does: lower-case letters, digits, `-`, `_`, and no empty part.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let known = Self::BASE.into_iter().find(|role| role.as_str() == text);
        let is_segment = |segment: &str| {
            let is_allowed = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
            };
            !segment.is_empty() && segment.bytes().all(is_allowed)
        };
        let is_delegation = text.len() <= NAME_BYTES_MAX
            && text.strip_prefix("targets/").is_some_and(|rest| rest.split('/').all(is_segment));
        match known {
            Some(role) => Ok(role),
            None if is_delegation => Ok(Self(Cow::Owned(text.to_owned()))),
            None => Err(Error::RoleName(crate::error::printable(text))),
        }
    }

    /// The delegation of a signer.
    pub fn of_signer(name: &str) -> Result<Self, Error> {
        let role = Self::parse(&format!("targets/{name}"))?;
        if role.depth() == 1 && role != Self::RELEASES {
            Ok(role)
        } else {
            Err(Error::RoleName(crate::error::printable(name)))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `targets/…`.
    pub fn is_delegation(&self) -> bool {
        self.depth() > 0
    }

    /// How many parts follow `targets`.
    pub fn depth(&self) -> usize {
        self.0.matches('/').count()
    }

    /// The role among its ancestors, or itself, to which a role delegates.
    pub(crate) fn ancestor_below(&self, parent: &Self) -> Option<Self> {
        let mut role = self.clone();
        loop {
            let next = role.parent()?;
            if next == *parent {
                return Some(role);
            }
            role = next;
        }
    }

    /// The role that delegates to it.
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = self.0.rsplit_once('/')?;
        Some(if parent == "targets" { Self::TARGETS } else { Self(Cow::Owned(parent.to_owned())) })
    }

    /// Whether it holds tags.
    pub fn has_targets(&self) -> bool {
        *self == Self::TARGETS || self.is_delegation()
    }

    /// Name of a signer: what follows `targets/`.
    pub fn signer_name(&self) -> Option<&str> {
        self.0.strip_prefix("targets/")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Whether a tag can be written: Docker's tags are a part of it. Control characters would make other JSON.
pub(crate) fn is_tag(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles() {
        for text in ["root", "targets", "targets/a", "targets/a-b_c/9"] {
            assert_eq!(Role::parse(text).unwrap().as_str(), text);
        }
        let long = format!("targets/{}", "a".repeat(248));
        for text in [
            "",
            "foo",
            "targets/",
            "targets//a",
            "targets/a/",
            "targets/A",
            "targets/.",
            "root/a",
            "/targets",
            &long,
        ] {
            assert!(Role::parse(text).is_err(), "{text}");
        }
        let nested = Role::parse("targets/a/b").unwrap();
        assert_eq!((nested.depth(), nested.parent()), (2, Some(Role::parse("targets/a").unwrap())));
        assert_eq!(Role::parse("targets/a").unwrap().parent(), Some(Role::TARGETS));
        assert_eq!(Role::TARGETS.parent(), None);
        assert!(Role::of_signer("releases").is_err() && Role::of_signer("a/b").is_err());
    }

    #[test]
    fn names() {
        for text in ["docker.io/library/a", "localhost:5443/team/app", "[::1]:5000/a", "a"] {
            assert!(Gun::parse(text).is_ok(), "{text}");
        }
        for text in ["", "/", "a/", "/a", "a//b", "a/../b", "a/./b", "a b", "a\n", "a\\b", "é"] {
            assert!(Gun::parse(text).is_err(), "{text}");
        }
        for (text, repository) in [
            ("registry.example/team/app", "team/app"),
            ("localhost/app", "app"),
            ("host:5000/a", "a"),
            ("[::1]:5000/a/b", "a/b"),
            ("team/app", "team/app"),
            ("app", "app"),
        ] {
            assert_eq!(Gun::parse(text).unwrap().repository(), repository);
        }
    }
}
