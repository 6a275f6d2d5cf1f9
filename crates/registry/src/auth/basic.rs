//! Names and passwords (RFC 7617) against a file of htpasswd, bcrypt only.
//!
//! A hash takes a tenth of a second of work, on purpose. Docker shows the password with every request, so that one that
//! was right is remembered for a while, under a keyed hash of it that is of no use to who reads the memory later.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{SealingKey, Secret};
use sha2::{Digest as _, Sha256};

use super::{Action, Authentication, Denial, Principal, Thing, of_scheme, quoted};
use crate::Error;

const FILE_BYTES_MAX: usize = 4 << 20;
const USERS_MAX: usize = 100_000;
const COST_MAX: u32 = 16;
const REMEMBERED_MAX: usize = 10_000;
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_mins(5);
// Of a password that nobody has, with the cost that htpasswd writes today.
const NOBODY: &str = "$2y$10$abcdefghijklmnopqrstuuOKwnTvgZkeyOyyvDTkWzqCYsRGVr6n2";

/// Names with hashes of passwords.
#[derive(Clone, Debug, Default)]
pub struct Passwords(HashMap<String, String>);

impl Passwords {
    /// Reads a file of htpasswd.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(Error::folder(path))?;
        Self::parse(&bytes).map_err(|(line, reason)| Error::Passwords {
            path: path.to_owned(),
            line,
            reason,
        })
    }

    /// Reads the text of one; an error has the number of the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, (usize, &'static str)> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err((0, "the file is larger than 4 MiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| (0, "the file is not UTF-8"))?;
        let mut users = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_end_matches('\r');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |reason| (index + 1, reason);
            let (name, hash) = line.split_once(':').ok_or(fault("there is no colon"))?;
            if name.is_empty() || name.contains(char::is_control) {
                return Err(fault("the name is empty or has control characters"));
            }
            if !is_bcrypt(hash) {
                return Err(fault("the password is not hashed with bcrypt"));
            }
            if users.len() == USERS_MAX {
                return Err(fault("there are more than 100,000 users"));
            }
            if users.insert(name.to_owned(), hash.to_owned()).is_some() {
                return Err(fault("the name was there before"));
            }
        }
        Ok(Self(users))
    }

    fn is_right(&self, name: &str, password: &[u8]) -> bool {
        let hash = self.0.get(name);
        // As long for a name that is not there, so that the time does not say so.
        let is_right = bcrypt::verify(password, hash.map_or(NOBODY, String::as_str));
        hash.is_some() && is_right.unwrap_or(false)
    }
}

// `$2y$10$`, then 22 characters of salt and 31 of hash.
fn is_bcrypt(hash: &str) -> bool {
    let Some(rest) = ["$2a$", "$2b$", "$2y$"].iter().find_map(|kind| hash.strip_prefix(kind))
    else {
        return false;
    };
    let Some((cost, rest)) = rest.split_once('$') else { return false };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    cost.len() == 2
        && cost.parse().is_ok_and(|cost: u32| (4..=COST_MAX).contains(&cost))
        && rest.len() == 53
        && rest.bytes().all(is_letter)
}

/// Authentication by name and password.
pub struct Basic {
    realm: String,
    passwords: Passwords,
    secret: Secret,
    remembered: Mutex<HashMap<[u8; 32], (String, Timestamp)>>,
}

impl Basic {
    /// With these passwords; the realm is what a browser shows.
    pub fn new(realm: &str, passwords: Passwords) -> Self {
        let secret = SealingKey::generate();
        Self { realm: realm.to_owned(), passwords, secret, remembered: Mutex::default() }
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<[u8; 32], (String, Timestamp)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Keyed twice, as HMAC does, so that nothing can be appended.
    fn digest(&self, credentials: &str) -> [u8; 32] {
        let key = self.secret.expose();
        let inner = Sha256::new().chain_update(key).chain_update(credentials).finalize();
        Sha256::new().chain_update(key).chain_update(inner).finalize().into()
    }
}

impl Authentication for Basic {
    fn recall(
        &self,
        credentials: Option<&str>,
        now: Timestamp,
    ) -> Option<Result<Principal, Denial>> {
        let Some(credentials) = credentials else { return Some(Err(Denial::Missing)) };
        let remembered = self.remembered();
        let (name, until) = remembered.get(&self.digest(credentials))?;
        (*until > now).then(|| Ok(Principal::named(name)))
    }

    fn check(&self, credentials: Option<&str>, now: Timestamp) -> Result<Principal, Denial> {
        // Somebody else may have waited for the same answer.
        if let Some(answer) = self.recall(credentials, now) {
            return answer;
        }
        let credentials = credentials.ok_or(Denial::Missing)?;
        let encoded =
            of_scheme(credentials, "basic").ok_or(Denial::Wrong("another scheme than Basic"))?;
        let decoded = STANDARD.decode(encoded).map_err(|_| Denial::Wrong("not base64"))?;
        let decoded = Secret::new(decoded);
        let colon = decoded.expose().iter().position(|byte| *byte == b':');
        let (name, password) = decoded.expose().split_at(colon.ok_or(Denial::Wrong("no colon"))?);
        let name = std::str::from_utf8(name).map_err(|_| Denial::Wrong("the name is not UTF-8"))?;
        if !self.passwords.is_right(name, &password[1..]) {
            return Err(Denial::Wrong("wrong name or password"));
        }
        let until = now.saturating_add(REMEMBERED_FOR).unwrap_or(Timestamp::MAX);
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(self.digest(credentials), (name.to_owned(), until));
        Ok(Principal::named(name))
    }

    fn challenge(&self, _: Option<(Action, Thing<'_>)>, denial: Denial) -> Option<String> {
        // Who may not do it may not do it with the same password either.
        (denial != Denial::NotAllowed).then(|| format!("Basic realm={}", quoted(&self.realm)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name_and_password: &str) -> String {
        format!("Basic {}", STANDARD.encode(name_and_password))
    }

    fn basic() -> Basic {
        let hash = bcrypt::hash("secret123", 4).unwrap();
        Basic::new(
            "lab",
            Passwords::parse(format!("# users\n\nalice:{hash}\n").as_bytes()).unwrap(),
        )
    }

    #[test]
    fn a_right_password_is_remembered_for_a_while() {
        let (basic, now) = (basic(), Timestamp::UNIX_EPOCH);
        let header = header("alice:secret123");
        assert_eq!(basic.recall(Some(&header), now), None);
        let alice = Principal::named("alice");
        assert_eq!(basic.check(Some(&header), now), Ok(alice.clone()));
        assert_eq!(basic.recall(Some(&header), now), Some(Ok(alice)));
        assert_eq!(basic.recall(Some(&header), now + SignedDuration::from_mins(5)), None);
        // Docker writes `Basic`, others do not.
        assert!(basic.check(Some(&header.replace("Basic", "basic")), now).is_ok());
    }

    #[test]
    fn wrong_ones_are_not() {
        let (basic, now) = (basic(), Timestamp::UNIX_EPOCH);
        for wrong in [
            header("alice:secret124"),
            header("alice:"),
            header("alice"),
            header("bob:secret123"),
            header(":"),
            "Basic ???".to_owned(),
            "Bearer YWxpY2U6c2VjcmV0MTIz".to_owned(),
            "Basic".to_owned(),
            String::new(),
        ] {
            assert!(matches!(basic.check(Some(&wrong), now), Err(Denial::Wrong(_))), "{wrong}");
            assert_eq!(basic.recall(Some(&wrong), now), None);
        }
        assert_eq!(basic.recall(None, now), Some(Err(Denial::Missing)));
        assert_eq!(basic.challenge(None, Denial::Missing).unwrap(), "Basic realm=\"lab\"");
        assert_eq!(basic.challenge(None, Denial::NotAllowed), None);
    }

    #[test]
    fn the_hash_of_nobody_can_be_computed() {
        assert!(is_bcrypt(NOBODY) && bcrypt::verify("x", NOBODY).is_ok());
    }

    #[test]
    fn lines_of_htpasswd() {
        let fine = bcrypt::hash("a", 4).unwrap();
        let fault = |text: &str| Passwords::parse(text.as_bytes()).err();
        assert_eq!(fault(&format!("a:{fine}\r\nb:{fine}")), None);
        assert_eq!(fault("\nalice"), Some((2, "there is no colon")));
        for hash in [
            "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "$apr1$eWIoCYLq$0Xr8GLqZaRrBLtNGnRpVX/",
            "secret",
            "",
            &fine[..59],
            &fine.replace("$04$", "$31$"),
        ] {
            let reason = "the password is not hashed with bcrypt";
            assert_eq!(fault(&format!("a:{hash}")), Some((1, reason)), "{hash}");
        }
        assert_eq!(fault(&format!("a:{fine}\na:{fine}")), Some((2, "the name was there before")));
        assert!(fault(&format!(":{fine}")).is_some());
        assert!(Passwords::parse(b"a:\xff").is_err());
    }
}
