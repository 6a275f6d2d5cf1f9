//! Tokens of another token server, as distribution's authentication asks for them.

use jiff::Timestamp;

use super::header::quoted;
use super::{Action, Denial, Kind, Principal, Thing, TokenKeys, TokenRules, verify_token};

/// A token server that is believed.
#[derive(Clone, Debug)]
pub struct TokenServer {
    /// Its address.
    pub realm: String,
    /// Who has to have written a token, and for whom.
    pub rules: TokenRules,
    /// What it signs with.
    pub keys: TokenKeys,
}

impl TokenServer {
    /// Whose a token is, and what it allows.
    pub(crate) fn principal(&self, token: &str, now: Timestamp) -> Result<Principal, Denial> {
        let (name, grants) = verify_token(token, &self.keys, &self.rules, now)
            .map_err(|fault| Denial::Wrong(fault.0))?;
        let kind = if name.is_some() { Kind::User } else { Kind::Anonymous };
        Ok(Principal { name, kind, grants: Some(grants), ..Principal::ANONYMOUS })
    }
}

/// What to ask for.
pub(crate) fn challenge(
    realm: &str,
    service: &str,
    wanted: &[(Action, Thing<'_>)],
    denial: Denial,
) -> String {
    let mut challenge = format!("Bearer realm={},service={}", quoted(realm), quoted(service));
    let scope = |(action, thing): &(Action, Thing<'_>)| {
        let (kind, name) = thing.scope_parts();
        format!("{kind}:{name}:{}", action.as_scope())
    };
    let mut scopes: Vec<String> = wanted.iter().map(scope).collect();
    scopes.dedup();
    if !scopes.is_empty() {
        challenge += ",scope=";
        challenge += &quoted(&scopes.join(" "));
    }
    challenge += match denial {
        Denial::Missing | Denial::TooMany(_) => "",
        Denial::Wrong(_) => ",error=\"invalid_token\"",
        Denial::NotAllowed => ",error=\"insufficient_scope\"",
    };
    challenge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let (realm, service) = ("https://auth.example/token", "trust");
        let start = "Bearer realm=\"https://auth.example/token\",service=\"trust\"";
        assert_eq!(challenge(realm, service, &[], Denial::Missing), start);
        let app = Thing::Repository("localhost:5443/team/app");
        let wanted = [(Action::Push, app), (Action::Pull, Thing::Tag("b", "1"))];
        assert_eq!(
            challenge(realm, service, &wanted, Denial::NotAllowed),
            format!(
                "{start},scope=\"repository:localhost:5443/team/app:push,pull repository:b:pull\",error=\"insufficient_scope\""
            )
        );
        let wanted = [(Action::Admin, Thing::Catalog)];
        let asked = challenge(realm, service, &wanted, Denial::Wrong("x"));
        assert!(asked.contains("scope=\"registry:catalog:*\",error=\"invalid_token\""), "{asked}");
    }
}
