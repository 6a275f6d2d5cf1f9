//! Which page an address means.

use sealift_depot::Target;
use sealift_oci::{Digest, RepositoryName, Tag};

use crate::pages::admin::Desk;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Repositories,
    Repository(RepositoryName),
    Image(RepositoryName, Target),
    Login,
    Logout,
    Account,
    Storage,
    Desk(Desk),
    Style,
    Icon,
}

impl Address {
    /// Reads a path; `None` if there is no such page. `/r/NAME` is a repository, `/r/NAME/-/TAG` an image in it.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let path = crate::query::decode(&path.replace('+', "%2b"));
        Some(match path.as_str() {
            "/" => Self::Repositories,
            "/-/login" => Self::Login,
            "/-/logout" => Self::Logout,
            "/-/account" => Self::Account,
            "/-/storage" => Self::Storage,
            "/-/admin" => Self::Desk(Desk::Users),
            "/-/admin/robots" => Self::Desk(Desk::Robots),
            "/-/admin/collect" => Self::Desk(Desk::Collection),
            "/-/admin/retain" => Self::Desk(Desk::Retention),
            "/-/admin/log" => Self::Desk(Desk::Log),
            crate::layout::STYLE_PATH => Self::Style,
            "/-/icon.svg" => Self::Icon,
            other => {
                let rest = other.strip_prefix("/r/")?;
                match rest.split_once("/-/") {
                    None => {
                        Self::Repository(RepositoryName::parse(rest.trim_end_matches('/')).ok()?)
                    }
                    Some((name, target)) => {
                        Self::Image(RepositoryName::parse(name).ok()?, parse_target(target)?)
                    }
                }
            }
        })
    }
}

fn parse_target(text: &str) -> Option<Target> {
    if text.contains(':') {
        return text.parse::<Digest>().ok().map(Target::Digest);
    }
    Tag::parse(text).ok().map(Target::Tag)
}

/// The path of a repository.
pub(crate) fn of_repository(name: &RepositoryName) -> String {
    format!("/r/{name}")
}

/// The path of an image.
pub(crate) fn of_image(name: &RepositoryName, target: &str) -> String {
    format!("/r/{name}/-/{target}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let name = || RepositoryName::parse("team/app").unwrap();
        let digest = Digest::sha256(b"x");
        let image = Address::Image(name(), Target::Digest(digest.clone()));
        for (path, expected) in [
            ("/".to_owned(), Some(Address::Repositories)),
            ("/r/team/app".to_owned(), Some(Address::Repository(name()))),
            (of_image(&name(), &digest.to_string()), Some(image.clone())),
            (of_image(&name(), &digest.to_string().replace(':', "%3A")), Some(image)),
            ("/r/../x".to_owned(), None),
            ("/r/team/app/-/sha256:1".to_owned(), None),
            ("/r/team/app/-/a/b".to_owned(), None),
            ("/x".to_owned(), None),
        ] {
            assert_eq!(Address::parse(&path), expected, "{path}");
        }
    }
}
