//! Where the server of a repository is: named by the user, or by Docker's rule.

use sealift_client::TrustRepository;
use sealift_tuf::Gun;

use crate::Error;

const HUB: &str = "docker.io";
const HUB_NOTARY: &str = "notary.docker.io";
const HUB_REGISTRY: &str = "registry-1.docker.io";

/// The address of a notary server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    scheme: Option<&'static str>,
    host: String,
    prefix: String,
}

impl ServerAddress {
    /// Reads an address: `https://HOST[:PORT][/PATH]`. Without a scheme the rules of registries hold.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fail = |reason| Error::Address { text: text.chars().take(200).collect(), reason };
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Some("https"), rest),
            Some(("http", rest)) => (Some("http"), rest),
            Some(_) => return Err(fail("its scheme is neither https nor http")),
            None => (None, text),
        };
        let (host, prefix) = rest.find('/').map_or((rest, ""), |place| rest.split_at(place));
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_host) {
            return Err(fail("it has no host, or one with characters that no host has"));
        }
        let is_path = |byte: u8| is_host(byte) || byte == b'/';
        if !prefix.bytes().all(is_path) || prefix.split('/').any(|part| matches!(part, "." | ".."))
        {
            return Err(fail("its path cannot be part of a request"));
        }
        let prefix = prefix.trim_end_matches('/').to_owned();
        Ok(Self { scheme, host: host.to_owned(), prefix })
    }

    /// Docker's rule: the server is at the registry; Docker Hub has one of its own.
    pub fn of(gun: &Gun) -> Self {
        let host = match registry(gun) {
            HUB => HUB_NOTARY,
            other => other,
        };
        // A loopback host may speak plain HTTP, as registries there do.
        Self { scheme: None, host: host.to_owned(), prefix: String::new() }
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Where a repository is on it.
    pub fn repository(&self, gun: &Gun) -> TrustRepository {
        let account = match registry(gun) {
            HUB => HUB_REGISTRY,
            other => other,
        };
        TrustRepository {
            scheme: self.scheme,
            host: self.host.clone(),
            prefix: self.prefix.clone(),
            name: gun.as_str().to_owned(),
            account: account.to_owned(),
        }
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(scheme) = self.scheme {
            write!(out, "{scheme}://")?;
        }
        write!(out, "{}{}", self.host, self.prefix)
    }
}

fn registry(gun: &Gun) -> &str {
    gun.as_str().split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in ["https://n.x", "http://localhost:4443", "n.x:1/trust", "https://[::1]:4443"] {
            assert_eq!(ServerAddress::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(ServerAddress::parse("https://n.x/").unwrap().to_string(), "https://n.x");
        for text in
            ["", "https://", "ftp://x", "https://a b", "https://u:p@x", "https://x/../y", "x?y"]
        {
            assert!(ServerAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_registry_of_the_name_is_the_server_and_has_the_credential() {
        for (name, host, account) in [
            ("localhost:5443/team/app", "localhost:5443", "localhost:5443"),
            ("docker.io/library/alpine", "notary.docker.io", "registry-1.docker.io"),
        ] {
            let gun = Gun::parse(name).unwrap();
            let repository = ServerAddress::of(&gun).repository(&gun);
            assert_eq!((repository.host.as_str(), repository.account.as_str()), (host, account));
            let other = ServerAddress::parse("https://n.x").unwrap().repository(&gun);
            assert_eq!((other.host.as_str(), other.account.as_str()), ("n.x", account));
        }
    }
}
