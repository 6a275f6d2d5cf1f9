//! Addresses of the trust server. The name of a repository stands in the middle of a path, with its slashes and colons
//! as they are, which is why no table of routes can find it.

use sealift_tuf::server::{Pick, parse_name};
use sealift_tuf::{Gun, Role};

/// What a path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `/v2/`: is somebody there, and who may come in.
    Base,
    /// `/_notary_server/health`
    Health,
    /// `/metrics`
    Metrics,
    /// `/v2/_trust/changefeed`: changes of all repositories.
    AllChanges,
    /// `/v2/GUN/_trust/changefeed`
    Changes(Gun),
    /// `/v2/GUN/_trust/tuf/`: all of a repository.
    Repository(Gun),
    /// `/v2/GUN/_trust/tuf/ROLE.json`, or one of a version or a hash.
    Document(Gun, Role, Pick),
    /// `/v2/GUN/_trust/tuf/ROLE.key`: a key that the server holds.
    Key(Gun, Role),
}

/// Why a path means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFault {
    /// There is no such place.
    Unknown,
    /// What stands in the place of a repository is not the name of one.
    Gun,
}

impl Address {
    /// Reads the path of a request.
    pub fn parse(path: &str) -> Result<Self, AddressFault> {
        match path {
            "/v2/" | "/v2" => return Ok(Self::Base),
            "/_notary_server/health" => return Ok(Self::Health),
            "/metrics" => return Ok(Self::Metrics),
            "/v2/_trust/changefeed" => return Ok(Self::AllChanges),
            _ => {}
        }
        let rest = path.strip_prefix("/v2/").ok_or(AddressFault::Unknown)?;
        // The first one: no later part of a name can be `_trust` then.
        let (name, rest) = rest.split_once("/_trust/").ok_or(AddressFault::Unknown)?;
        let gun = || {
            let name = decoded(name).filter(|name| !name.starts_with("_trust/"));
            name.and_then(|name| Gun::parse(&name).ok()).ok_or(AddressFault::Gun)
        };
        if rest == "changefeed" {
            return gun().map(Self::Changes);
        }
        let rest = rest.strip_prefix("tuf/").ok_or(AddressFault::Unknown)?;
        if rest.is_empty() {
            return gun().map(Self::Repository);
        }
        if let Some(role) = rest.strip_suffix(".key") {
            let role =
                [Role::SNAPSHOT, Role::TIMESTAMP].into_iter().find(|held| held.as_str() == role);
            return Ok(Self::Key(gun()?, role.ok_or(AddressFault::Unknown)?));
        }
        let (role, pick) = parse_name(rest).ok_or(AddressFault::Unknown)?;
        Ok(Self::Document(gun()?, role, pick))
    }

    /// The repository that it is about, if it is about one.
    pub fn gun(&self) -> Option<&Gun> {
        match self {
            Self::Changes(gun)
            | Self::Repository(gun)
            | Self::Document(gun, ..)
            | Self::Key(gun, _) => Some(gun),
            Self::Base | Self::Health | Self::Metrics | Self::AllChanges => None,
        }
    }
}

// Some clients escape the colon of a port and the brackets of an address. Nothing else needs it in a name.
fn decoded(name: &str) -> Option<String> {
    let mut pieces = name.split('%');
    let mut text = pieces.next()?.to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        text.push(match code {
            "3A" | "3a" => ':',
            "5B" | "5b" => '[',
            "5D" | "5d" => ']',
            _ => return None,
        });
        text += rest;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use sealift_tuf::server::HashKind;

    use super::*;

    fn gun(name: &str) -> Gun {
        Gun::parse(name).unwrap()
    }

    #[test]
    fn addresses() {
        let app = || gun("localhost:5443/team/app");
        let nested = Role::parse("targets/a/b").unwrap();
        let hash = "a".repeat(64);
        for (path, address) in [
            ("/v2/", Address::Base),
            ("/v2/_trust/changefeed", Address::AllChanges),
            ("/v2/localhost:5443/team/app/_trust/changefeed", Address::Changes(app())),
            ("/v2/localhost%3A5443/team/app/_trust/tuf/", Address::Repository(app())),
            (
                "/v2/localhost:5443/team/app/_trust/tuf/targets/a/b.json",
                Address::Document(app(), nested, Pick::Newest),
            ),
            (
                "/v2/localhost:5443/team/app/_trust/tuf/7.root.json",
                Address::Document(app(), Role::ROOT, Pick::Version(7)),
            ),
            (
                &format!("/v2/a/_trust/tuf/snapshot.{hash}.json"),
                Address::Document(
                    gun("a"),
                    Role::SNAPSHOT,
                    Pick::Hash(HashKind::Sha256, hash.clone()),
                ),
            ),
            ("/v2/a/_trust/tuf/timestamp.key", Address::Key(gun("a"), Role::TIMESTAMP)),
        ] {
            assert_eq!(Address::parse(path), Ok(address), "{path}");
        }
    }

    #[test]
    fn refused() {
        use AddressFault::{Gun, Unknown};
        for (path, fault) in [
            ("", Unknown),
            ("/", Unknown),
            ("/v2/foo", Unknown),
            ("/v2//_trust/tuf/root.json", Gun),
            ("/v2/../_trust/tuf/root.json", Gun),
            ("/v2/a/%2e%2e/_trust/tuf/root.json", Gun),
            ("/v2/a%2Fb/_trust/tuf/root.json", Gun),
            ("/v2/a%/_trust/tuf/root.json", Gun),
            ("/v2/a/_trust/tuf", Unknown),
            ("/v2/a/_trust/tuf/root", Unknown),
            ("/v2/a/_trust/tuf/../root.json", Unknown),
            ("/v2/a/_trust/tuf/targets/../root.json", Unknown),
            ("/v2/a/_trust/tuf/targets.key", Unknown),
            ("/v2/a/_trust/tuf/root.key", Unknown),
            ("/v2/a/_trust/tuf/snapshot.abcd.json", Unknown),
            ("/v2/a/_trust/b/_trust/tuf/root.json", Unknown),
            ("/v2/_trust/a/_trust/tuf/root.json", Gun),
        ] {
            assert_eq!(Address::parse(path), Err(fault), "{path}");
        }
        let long = format!("/v2/{}/_trust/tuf/root.json", "a/".repeat(300));
        assert_eq!(Address::parse(&long), Err(Gun));
    }
}
