//! Tokens of a token server, as distribution's authentication asks for them.

use jiff::Timestamp;

use super::{
    Action, Authentication, Denial, Principal, Thing, TokenKeys, TokenRules, of_scheme, quoted,
    verify_token,
};

/// Authentication by tokens.
pub struct Bearer {
    realm: String,
    rules: TokenRules,
    keys: TokenKeys,
}

impl Bearer {
    /// Tokens come from the realm, which is an address.
    pub fn new(realm: &str, rules: TokenRules, keys: TokenKeys) -> Self {
        Self { realm: realm.to_owned(), rules, keys }
    }
}

impl Authentication for Bearer {
    // A signature costs less than handing the work over.
    fn recall(
        &self,
        credentials: Option<&str>,
        now: Timestamp,
    ) -> Option<Result<Principal, Denial>> {
        Some(self.check(credentials, now))
    }

    fn check(&self, credentials: Option<&str>, now: Timestamp) -> Result<Principal, Denial> {
        let credentials = credentials.ok_or(Denial::Missing)?;
        let token =
            of_scheme(credentials, "bearer").ok_or(Denial::Wrong("another scheme than Bearer"))?;
        let (name, grants) = verify_token(token, &self.keys, &self.rules, now)
            .map_err(|fault| Denial::Wrong(fault.0))?;
        Ok(Principal { name, grants: Some(grants) })
    }

    fn challenge(&self, wanted: Option<(Action, Thing<'_>)>, denial: Denial) -> Option<String> {
        let mut challenge =
            format!("Bearer realm={},service={}", quoted(&self.realm), quoted(&self.rules.service));
        if let Some((action, thing)) = wanted {
            let (kind, name) = thing.parts();
            let scope = format!("{kind}:{name}:{}", action.as_scope());
            challenge += ",scope=";
            challenge += &quoted(&scope);
        }
        challenge += match denial {
            Denial::Missing => "",
            Denial::Wrong(_) => ",error=\"invalid_token\"",
            Denial::NotAllowed => ",error=\"insufficient_scope\"",
        };
        Some(challenge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let rules = TokenRules { service: "trust".to_owned(), issuer: "auth".to_owned() };
        let bearer = Bearer::new("https://auth.example/token", rules, TokenKeys::default());
        let start = "Bearer realm=\"https://auth.example/token\",service=\"trust\"";
        assert_eq!(bearer.challenge(None, Denial::Missing).unwrap(), start);
        let thing = Thing::Repository("localhost:5443/team/app");
        let wanted = Some((Action::Push, thing));
        assert_eq!(
            bearer.challenge(wanted, Denial::NotAllowed).unwrap(),
            format!(
                "{start},scope=\"repository:localhost:5443/team/app:push,pull\",error=\"insufficient_scope\""
            )
        );
        let wanted = Some((Action::All, Thing::Catalog));
        let asked = bearer.challenge(wanted, Denial::Wrong("x")).unwrap();
        assert!(asked.contains("scope=\"registry:catalog:*\",error=\"invalid_token\""), "{asked}");
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(bearer.check(None, now), Err(Denial::Missing));
        assert!(matches!(bearer.check(Some("Basic YQ=="), now), Err(Denial::Wrong(_))));
        assert!(matches!(bearer.check(Some("Bearer a.b.c"), now), Err(Denial::Wrong(_))));
    }
}
