//! The one who is asked for every request: who is it, and may they.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{SealingKey, Secret};
use sha2::{Digest as _, Sha256};

use super::foreign::{self, TokenServer};
use super::header::{name_and_password, of_scheme, quoted};
use super::{Action, Decision, Denial, Passwords, Principal, Request, Rules, Thing};

// So many passwords are hashed at once; the same password is hashed once.
const PASSWORDS_AT_ONCE: usize = 4;
const REMEMBERED_MAX: usize = 10_000;
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// What a gatekeeper goes by. A new one takes the place of the old one while requests are answered.
#[derive(Default)]
pub struct Parts {
    /// What a browser shows when it asks for a password.
    pub realm: String,
    /// Nobody has to say who they are; rules, if there are any, are for `anonymous`.
    pub is_open: bool,
    /// Who has a password.
    pub passwords: Option<Passwords>,
    /// Another token server.
    pub token_server: Option<TokenServer>,
    /// Who may do what.
    pub rules: Rules,
}

impl Parts {
    /// Nobody has to say who they are.
    pub fn open() -> Self {
        Self { is_open: true, ..Self::default() }
    }
}

/// Says who somebody is, and what they may do.
#[derive(Clone)]
pub struct Gatekeeper(Arc<Inner>);

struct Inner {
    state: RwLock<Arc<State>>,
    turns: [tokio::sync::Mutex<()>; PASSWORDS_AT_ONCE],
}

// The parts, and what was found out by them: nothing of it outlives them.
struct State {
    parts: Parts,
    secret: Secret,
    remembered: Mutex<HashMap<[u8; 32], (Principal, Timestamp)>>,
}

impl State {
    fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self { parts, secret: SealingKey::generate(), remembered: Mutex::default() })
    }

    // Keyed twice, as HMAC does, so that nothing can be appended. Who reads the memory later has no use for it.
    fn digest(&self, credentials: &str) -> [u8; 32] {
        let key = self.secret.expose();
        let inner = Sha256::new().chain_update(key).chain_update(credentials).finalize();
        Sha256::new().chain_update(key).chain_update(inner).finalize().into()
    }

    // Docker shows the password with every request, and its hash takes a tenth of a second of work, on purpose.
    fn recall(&self, credentials: &str, now: Timestamp) -> Option<Principal> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (principal, until) = remembered.get(&self.digest(credentials))?;
        (*until > now).then(|| principal.clone())
    }

    fn remember(&self, credentials: &str, principal: &Principal, now: Timestamp) {
        let until = now.saturating_add(REMEMBERED_FOR).unwrap_or(Timestamp::MAX);
        let digest = self.digest(credentials);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(digest, (principal.clone(), until));
    }
}

impl Gatekeeper {
    /// Who goes by these.
    pub fn new(parts: Parts) -> Self {
        let state = RwLock::new(State::new(parts));
        Self(Arc::new(Inner { state, turns: Default::default() }))
    }

    /// Lets everybody do everything.
    pub fn open() -> Self {
        Self::new(Parts::open())
    }

    /// Goes by others from now on. What was remembered of the old ones is forgotten.
    pub fn replace(&self, parts: Parts) {
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = State::new(parts);
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether nobody has to say who they are.
    pub fn is_open(&self) -> bool {
        self.state().parts.is_open
    }

    /// Who asks. Who gives no credentials is [`Principal::ANONYMOUS`]; who gives wrong ones is refused.
    pub async fn identify(&self, request: &Request<'_>) -> Result<Principal, Denial> {
        let state = self.state();
        let (Some(credentials), false) = (request.authorization, state.parts.is_open) else {
            return Ok(Principal::ANONYMOUS);
        };
        if let Some(token) = of_scheme(credentials, "bearer") {
            let server = state.parts.token_server.as_ref();
            let server = server.ok_or(Denial::Wrong("no tokens are taken"))?;
            return server.principal(token, request.now);
        }
        let encoded = of_scheme(credentials, "basic").ok_or(Denial::Wrong("an unknown scheme"))?;
        if let Some(principal) = state.recall(credentials, request.now) {
            return Ok(principal);
        }
        let (name, password) = name_and_password(encoded)?;
        let sum: usize = credentials.bytes().map(usize::from).sum();
        let _turn = self.0.turns[sum % PASSWORDS_AT_ONCE].lock().await;
        // Somebody else may have waited for the same answer.
        if let Some(principal) = state.recall(credentials, request.now) {
            return Ok(principal);
        }
        let principal = Principal::user(&name);
        let checking = Arc::clone(&state);
        let check = move || {
            let passwords = checking.parts.passwords.as_ref();
            passwords.is_some_and(|passwords| passwords.is_right(&name, password.expose()))
        };
        if !tokio::task::spawn_blocking(check).await.unwrap_or(false) {
            return Err(Denial::Wrong("wrong name or password"));
        }
        state.remember(credentials, &principal, request.now);
        Ok(principal)
    }

    /// Whether somebody may do something, and which rule says so.
    pub fn decide(&self, principal: &Principal, action: Action, thing: Thing<'_>) -> Decision {
        let parts = &self.state().parts;
        if parts.is_open && parts.rules.is_empty() {
            return Decision::Allowed { rule: None };
        }
        parts.rules.decide(principal, action, thing)
    }

    /// Who asks, if they may do all of what they want. If they want nothing, they have to say who they are wherever one
    /// can: Docker shows its credentials to nobody who did not ask for them.
    pub async fn admit(
        &self,
        request: &Request<'_>,
        wanted: &[(Action, Thing<'_>)],
    ) -> Result<Principal, Denial> {
        let principal = self.identify(request).await?;
        let is_open = self.state().parts.is_open;
        let is_allowed = wanted
            .iter()
            .all(|(action, thing)| self.decide(&principal, *action, *thing).is_allowed());
        let is_unknown = principal.is_anonymous() && !is_open;
        match (is_allowed, is_unknown) {
            (true, true) if wanted.is_empty() => Err(Denial::Missing),
            (true, _) => Ok(principal),
            (false, true) => Err(Denial::Missing),
            (false, false) => Err(Denial::NotAllowed),
        }
    }

    /// What to ask for, as `WWW-Authenticate` has it; `None` if saying who one is would not help.
    pub fn challenge(&self, wanted: &[(Action, Thing<'_>)], denial: Denial) -> Option<String> {
        let parts = &self.state().parts;
        if parts.is_open {
            return None;
        }
        if let Some(server) = &parts.token_server {
            return Some(foreign::challenge(&server.realm, &server.rules.service, wanted, denial));
        }
        // Who may not do it may not do it with the same password either.
        let helps = matches!(denial, Denial::Missing | Denial::Wrong(_));
        helps.then(|| format!("Basic realm={}", quoted(&parts.realm)))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn header(name_and_password: &str) -> String {
        format!("Basic {}", STANDARD.encode(name_and_password))
    }

    fn parts() -> Parts {
        let hash = bcrypt::hash("secret123", 4).unwrap();
        let passwords = Passwords::parse(format!("# users\n\nalice:{hash}\n").as_bytes()).unwrap();
        Parts { realm: "lab".to_owned(), passwords: Some(passwords), ..Parts::default() }
    }

    fn request(authorization: Option<&str>) -> Request<'_> {
        Request {
            authorization,
            peer: "192.0.2.1:1234".parse().unwrap(),
            client_certificate: None,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_right_password_is_remembered_for_a_while() {
        let gatekeeper = Gatekeeper::new(parts());
        let header = header("alice:secret123");
        let recall = |now| gatekeeper.state().recall(&header, now);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(recall(now), None);
        let alice = Principal::user("alice");
        let identify = |text: &str| run(gatekeeper.identify(&request(Some(text))));
        assert_eq!(identify(&header), Ok(alice.clone()));
        assert_eq!(recall(now), Some(alice));
        assert_eq!(recall(now + SignedDuration::from_mins(5)), None);
        // Docker writes `Basic`, others do not.
        assert!(identify(&header.replace("Basic", "basic")).is_ok());
        gatekeeper.replace(Parts::default());
        assert_eq!(recall(now), None);
        assert!(identify(&header).is_err());
    }

    #[test]
    fn wrong_ones_are_not() {
        let gatekeeper = Gatekeeper::new(parts());
        for wrong in [
            header("alice:secret124"),
            header("alice:"),
            header("alice"),
            header("bob:secret123"),
            header(":"),
            "Basic ???".to_owned(),
            "Bearer YWxpY2U6c2VjcmV0MTIz".to_owned(),
            "Negotiate YWxpY2U6c2VjcmV0MTIz".to_owned(),
            "Basic".to_owned(),
            String::new(),
        ] {
            let found = run(gatekeeper.identify(&request(Some(&wrong))));
            assert!(matches!(found, Err(Denial::Wrong(_))), "{wrong}");
            assert_eq!(gatekeeper.state().recall(&wrong, Timestamp::UNIX_EPOCH), None);
        }
        assert_eq!(run(gatekeeper.identify(&request(None))), Ok(Principal::ANONYMOUS));
        assert_eq!(gatekeeper.challenge(&[], Denial::Missing).unwrap(), "Basic realm=\"lab\"");
        assert_eq!(gatekeeper.challenge(&[], Denial::NotAllowed), None);
    }

    #[test]
    fn who_is_admitted() {
        let mut parts = parts();
        let rules = ["alice=a:push", "anonymous=open:pull"]
            .map(|text| super::super::Rule::parse(text).unwrap());
        parts.rules = Rules::new(rules.to_vec());
        let gatekeeper = Gatekeeper::new(parts);
        let alice = header("alice:secret123");
        let admit = |given: Option<&str>, wanted: &[(Action, Thing<'_>)]| {
            run(gatekeeper.admit(&request(given), wanted)).map(|principal| principal.name)
        };
        let alices = Ok(Some("alice".to_owned()));
        assert_eq!(admit(None, &[]), Err(Denial::Missing));
        assert_eq!(admit(Some(&alice), &[]), alices);
        let (a, open) = (Thing::Repository("a"), Thing::Repository("open"));
        assert_eq!(admit(None, &[(Action::Pull, open)]), Ok(None));
        assert_eq!(admit(None, &[(Action::Pull, open), (Action::Push, a)]), Err(Denial::Missing));
        assert_eq!(admit(Some(&alice), &[(Action::Push, a)]), alices);
        assert_eq!(
            admit(Some(&alice), &[(Action::Push, a), (Action::Pull, open)]),
            Err(Denial::NotAllowed)
        );
        assert_eq!(
            admit(Some("x"), &[(Action::Pull, open)]),
            Err(Denial::Wrong("an unknown scheme"))
        );
        let everybody = Gatekeeper::open();
        assert!(run(everybody.admit(&request(None), &[(Action::Admin, Thing::Server)])).is_ok());
        assert!(run(everybody.admit(&request(Some("x")), &[])).is_ok());
    }
}
