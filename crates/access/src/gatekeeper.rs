//! The one who is asked for every request: who is it, and may they.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{SealingKey, Secret};
use sha2::{Digest as _, Sha256};

use super::certificates;
use super::foreign::{self, TokenServer};
use super::header::{name_and_password, of_scheme, quoted};
use super::limits::{Limits, Who};
use super::{
    Action, CertificateSettings, Decision, Denial, Issuer, LimitSettings, Passwords, Principal,
    Request, RetryAfter, Robots, Rules, Thing, Throttled, Workloads, robots, token,
};

// So many passwords are hashed at once; the same password is hashed once.
const PASSWORDS_AT_ONCE: usize = 4;
const REMEMBERED_MAX: usize = 10_000;
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_mins(5);
// The name under which `docker login` shows an identity token as a password.
const WORKLOAD_NAME: &str = "oidc";

/// What a gatekeeper goes by. A new one takes the place of the old one while requests are answered.
#[derive(Clone, Default)]
pub struct Parts {
    /// What a browser shows when it asks for a password.
    pub realm: String,
    /// Nobody has to say who they are; rules, if there are any, are for `anonymous`.
    pub is_open: bool,
    /// Who has a password.
    pub passwords: Option<Passwords>,
    /// Who is in which group: names by group.
    pub groups: Arc<BTreeMap<String, Vec<String>>>,
    /// Accounts of programs.
    pub robots: Option<Robots>,
    /// Issuers of identity tokens.
    pub workloads: Workloads,
    /// Clients' certificates.
    pub certificates: Option<CertificateSettings>,
    /// The built-in token server.
    pub issuer: Option<Arc<Issuer>>,
    /// Another token server.
    pub token_server: Option<TokenServer>,
    /// Who may do what.
    pub rules: Rules,
    /// How often.
    pub limits: LimitSettings,
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

// The parts, and what was found out by them: nothing of it outlives them but what was counted.
pub(crate) struct State {
    pub(crate) parts: Parts,
    limits: Arc<Limits>,
    secret: Secret,
    remembered: Mutex<HashMap<[u8; 32], (Principal, Timestamp)>>,
}

impl State {
    fn new(parts: Parts, limits: Arc<Limits>) -> Arc<Self> {
        let (secret, remembered) = (SealingKey::generate(), Mutex::default());
        Arc::new(Self { parts, limits, secret, remembered })
    }

    // Keyed twice, as HMAC does, so that nothing can be appended. Who reads the memory later has no use for it.
    fn digest(&self, name: &str, password: &Secret) -> [u8; 32] {
        let key = self.secret.expose();
        let inner = Sha256::new().chain_update(key).chain_update(name).chain_update([0]);
        let inner = inner.chain_update(password.expose()).finalize();
        Sha256::new().chain_update(key).chain_update(inner).finalize().into()
    }

    // Docker shows the password with every request, and its hash takes a tenth of a second of work, on purpose.
    fn recall(&self, name: &str, password: &Secret, now: Timestamp) -> Option<Principal> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (principal, until) = remembered.get(&self.digest(name, password))?;
        (*until > now).then(|| principal.clone())
    }

    fn remember(&self, name: &str, password: &Secret, principal: &Principal, now: Timestamp) {
        let until = now.saturating_add(REMEMBERED_FOR).unwrap_or(Timestamp::MAX);
        let digest = self.digest(name, password);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(digest, (principal.clone(), until));
    }

    /// A user, with the groups that they are in.
    pub(crate) fn user(&self, name: &str) -> Principal {
        let is_in = |names: &[String]| names.iter().any(|member| member == name);
        let groups = self.parts.groups.iter().filter(|(_, names)| is_in(names));
        let groups = groups.map(|(group, _)| group.clone()).collect();
        Principal { groups, ..Principal::user(name) }
    }

    // Whether they may be wrong once more.
    fn room(&self, who: &Who<'_>, now: Timestamp) -> Result<(), Denial> {
        let looked = self.limits.look(Throttled::Login, who, now);
        looked.map_err(|RetryAfter(seconds)| Denial::TooMany(seconds))
    }

    fn counted(
        &self,
        found: Result<Principal, Denial>,
        who: &Who<'_>,
        now: Timestamp,
    ) -> Result<Principal, Denial> {
        if let Err(Denial::Wrong(_)) = found {
            // What does not fit any more is refused next time.
            let _ = self.limits.take(Throttled::Login, who, now);
        }
        found
    }

    /// What was found out of somebody who gave something else than a password; wrong ones are counted.
    pub(crate) fn counted_by_address(
        &self,
        request: &Request<'_>,
        found: Result<Principal, Denial>,
    ) -> Result<Principal, Denial> {
        let who = Who { user: None, address: request.peer.ip(), repository: None };
        self.room(&who, request.now)?;
        self.counted(found, &who, request.now)
    }

    async fn by_token(&self, token: &str, now: Timestamp) -> Result<Principal, Denial> {
        let parts = &self.parts;
        if robots::is_token(token) {
            let robots = parts.robots.as_ref().ok_or(Denial::Wrong("no robots are known"))?;
            return robots.principal(token, now).await;
        }
        if parts.issuer.is_none() && parts.workloads.is_empty() {
            let server = parts.token_server.as_ref();
            return server.ok_or(Denial::Wrong("no tokens are taken"))?.principal(token, now);
        }
        let (name, _) = token::look(token).map_err(|fault| Denial::Wrong(fault.0))?;
        if let Some(issuer) = parts.issuer.as_ref().filter(|issuer| issuer.is_issuer(&name)) {
            return issuer.principal(token, now);
        }
        match &parts.token_server {
            Some(server) if server.rules.issuer == name => server.principal(token, now),
            _ => parts.workloads.principal(token, now).await,
        }
    }
}

impl Gatekeeper {
    /// Who goes by these.
    pub fn new(parts: Parts) -> Self {
        let limits = Arc::new(Limits::new(&parts.limits));
        let state = RwLock::new(State::new(parts, limits));
        Self(Arc::new(Inner { state, turns: Default::default() }))
    }

    /// Lets everybody do everything.
    pub fn open() -> Self {
        Self::new(Parts::open())
    }

    /// Goes by others from now on. What was remembered of the old ones is forgotten; what was counted stays, unless the
    /// limits are others.
    pub fn replace(&self, parts: Parts) {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        let limits = if *state.limits.settings() == parts.limits {
            Arc::clone(&state.limits)
        } else {
            Arc::new(Limits::new(&parts.limits))
        };
        *state = State::new(parts, limits);
    }

    /// What it goes by now, to change a part of it.
    pub fn parts(&self) -> Parts {
        self.state().parts.clone()
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether nobody has to say who they are.
    pub fn is_open(&self) -> bool {
        self.state().parts.is_open
    }

    /// Who asks. Who gives no credentials and no certificate is [`Principal::ANONYMOUS`]; who gives wrong ones is refused.
    pub async fn identify(&self, request: &Request<'_>) -> Result<Principal, Denial> {
        let state = self.state();
        if state.parts.is_open {
            return Ok(Principal::ANONYMOUS);
        }
        let Some(credentials) = request.authorization else {
            let settings = state.parts.certificates.as_ref();
            return match (settings, request.client_certificate) {
                (Some(settings), Some(der)) => certificates::principal(settings, der, request.now),
                _ => Ok(Principal::ANONYMOUS),
            };
        };
        if let Some(token) = of_scheme(credentials, "bearer") {
            return state.by_token(token, request.now).await;
        }
        let encoded = of_scheme(credentials, "basic").ok_or(Denial::Wrong("an unknown scheme"))?;
        let (name, password) = name_and_password(encoded)?;
        self.by_password(&state, &name, password, request).await
    }

    /// Who has this name and this password, which may be a token.
    pub(crate) async fn by_password(
        &self,
        state: &Arc<State>,
        name: &str,
        password: Secret,
        request: &Request<'_>,
    ) -> Result<Principal, Denial> {
        let now = request.now;
        if let Some(principal) = state.recall(name, &password, now) {
            return Ok(principal);
        }
        let who = Who { user: Some(name), address: request.peer.ip(), repository: None };
        state.room(&who, now)?;
        let text = std::str::from_utf8(password.expose()).unwrap_or_default();
        let is_workload = name == WORKLOAD_NAME && !state.parts.workloads.is_empty();
        let found = if robots::is_token(text) || is_workload {
            // Neither is remembered: it ends when it ends, and costs little.
            state.by_token(text, now).await.and_then(|found| {
                // A token of our own, or of another token server, is no password.
                let is_own = found.grants.is_some();
                if is_own { Err(Denial::Wrong("a token that is no password")) } else { Ok(found) }
            })
        } else {
            self.by_hash(state, name, password, &who, now).await
        };
        state.counted(found, &who, now)
    }

    async fn by_hash(
        &self,
        state: &Arc<State>,
        name: &str,
        password: Secret,
        who: &Who<'_>,
        now: Timestamp,
    ) -> Result<Principal, Denial> {
        let turn = usize::from(state.digest(name, &password)[0]) % PASSWORDS_AT_ONCE;
        let _turn = self.0.turns[turn].lock().await;
        // Somebody else may have waited for the same answer.
        if let Some(principal) = state.recall(name, &password, now) {
            return Ok(principal);
        }
        state.room(who, now)?;
        let (passwords, owned) = (state.parts.passwords.clone(), name.to_owned());
        let passwords = passwords.ok_or(Denial::Wrong("no passwords are known"))?;
        let check = move || {
            let is_right = passwords.is_right(&owned, password.expose());
            (is_right, password)
        };
        match tokio::task::spawn_blocking(check).await {
            Ok((true, password)) => {
                let principal = state.user(name);
                state.remember(name, &password, &principal, now);
                Ok(principal)
            }
            _ => Err(Denial::Wrong("wrong name or password")),
        }
    }

    /// The user of this name as they are now, with their groups, and what changes when their password does; `None` if
    /// nobody of this name has a password.
    pub fn user(&self, name: &str) -> Option<(Principal, String)> {
        let state = self.state();
        let proof = state.parts.passwords.as_ref()?.proof(name)?;
        Some((state.user(name), proof))
    }

    /// The rules that are about somebody, as they are written.
    pub fn rules_about(&self, principal: &Principal) -> Vec<String> {
        self.state().parts.rules.about(principal)
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
        let is_unknown = principal.is_anonymous() && !self.is_open();
        let mut wanted_all = wanted.iter();
        let is_allowed =
            wanted_all.all(|(action, thing)| self.decide(&principal, *action, *thing).is_allowed());
        match (is_allowed, is_unknown) {
            (true, true) if wanted.is_empty() => Err(Denial::Missing),
            (true, _) => Ok(principal),
            (false, true) => Err(Denial::Missing),
            (false, false) => Err(Denial::NotAllowed),
        }
    }

    /// Counts something that is about to be done; refuses it if it was done too often.
    pub fn throttle(
        &self,
        what: Throttled,
        principal: &Principal,
        peer: IpAddr,
        repository: Option<&str>,
        now: Timestamp,
    ) -> Result<(), RetryAfter> {
        self.state().limits.take(what, &Who::of(principal, peer, repository), now)
    }

    /// What to ask for, as `WWW-Authenticate` has it; `None` if saying who one is would not help.
    pub fn challenge(&self, wanted: &[(Action, Thing<'_>)], denial: Denial) -> Option<String> {
        let parts = &self.state().parts;
        if parts.is_open || matches!(denial, Denial::TooMany(_)) {
            return None;
        }
        if let Some(issuer) = &parts.issuer {
            let (realm, service) = (issuer.realm(), &issuer.settings().service);
            return Some(foreign::challenge(realm, service, wanted, denial));
        }
        if let Some(server) = &parts.token_server {
            return Some(foreign::challenge(&server.realm, &server.rules.service, wanted, denial));
        }
        // Who may not do it may not do it with the same password either.
        let helps = matches!(denial, Denial::Missing | Denial::Wrong(_));
        helps.then(|| format!("Basic realm={}", quoted(&parts.realm)))
    }

    /// The keys of the built-in token server, as a JSON Web Key Set, if there is one.
    pub fn key_set(&self) -> Option<String> {
        Some(self.state().parts.issuer.as_ref()?.key_set())
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
        let password = Secret::from("secret123".to_owned());
        let recall = |now| gatekeeper.state().recall("alice", &password, now);
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
        }
        assert!(gatekeeper.state().remembered.lock().unwrap().is_empty());
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
