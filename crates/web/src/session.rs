//! Who is logged in: a cookie that says so, sealed by the server, so that any replica believes it.
//!
//! A session ends with its time, with the logout, with all sessions of the user, and when their password is another one.
//! What ended is a record of the depot, which all replicas read. What cannot be read is no session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sealift_access::{Gatekeeper, Principal};
use sealift_crypto::{SealingKey, Secret, constant_time_equal, hmac_sha256};
use sealift_depot::{Depot, Error};

const NAME: &str = "sealift-session";
// Browsers take a cookie of this name only over HTTPS, from this host, for all of it.
const SECURE_NAME: &str = "__Host-sealift-session";
const LASTING_SECS: i64 = 8 * 3600;
const COOKIE_BYTES_MAX: usize = 1024;
const ID_BYTES: usize = 12;

// Records: when all sessions of a user were ended, and single ones that were.
const ALL_ENDED: &str = "page-sessions-ended";
const ENDED: &str = "page-session-ended";
const SWEPT_MAX: usize = 100;

/// How a browser comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By HTTPS, to here or to what stands before.
    Secure,
    /// In the clear.
    Plain,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Secure => SECURE_NAME,
            Self::Plain => NAME,
        }
    }

    fn cookie(self, value: &str, lasting_secs: i64) -> String {
        let secure = if self == Self::Secure { "; Secure" } else { "" };
        let name = self.name();
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lasting_secs}{secure}")
    }

    // The cookie's value, if it is not longer than any of ours.
    fn value(self, cookies: &str) -> Option<&str> {
        let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == self.name())?;
        (value.len() <= COOKIE_BYTES_MAX).then_some(value)
    }
}

/// A session that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Whose it is.
    pub(crate) user: String,
    /// Until when.
    pub(crate) until: Timestamp,
    started_ms: i64,
    id: String,
}

impl Session {
    fn to_text(&self) -> String {
        format!("{} {} {} {}", self.until.as_second(), self.started_ms, self.id, self.user)
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut words = text.splitn(4, ' ');
        let until = Timestamp::from_second(words.next()?.parse().ok()?).ok()?;
        let started_ms = words.next()?.parse().ok()?;
        let id = words.next()?.to_owned();
        Some(Self { user: words.next()?.to_owned(), until, started_ms, id })
    }

    fn key(&self) -> String {
        format!("{} {}", self.user, self.id)
    }
}

/// Seals and opens cookies.
pub(crate) struct Sessions {
    secret: Secret,
    depot: Depot,
}

impl Sessions {
    /// With a secret of at least 32 bytes.
    pub(crate) fn new(secret: Secret, depot: Depot) -> Self {
        Self { secret, depot }
    }

    /// What to set after a login. The cookie goes to this origin only, and no script reads it.
    pub(crate) async fn begin(
        &self,
        (user, proof): (&str, &str),
        now: Timestamp,
        way: Way,
    ) -> Result<String, Error> {
        // A clock that was set back must not make a new session older than the end of the old ones.
        let ended = self.all_ended(user).await?;
        let chance = SealingKey::generate();
        let session = Session {
            user: user.to_owned(),
            until: now.saturating_add(jiff::SignedDuration::from_secs(LASTING_SECS)).unwrap_or(now),
            started_ms: now.as_millisecond().max(ended.saturating_add(1)),
            id: URL_SAFE_NO_PAD.encode(&chance.expose()[..ID_BYTES]),
        };
        let text = session.to_text();
        let tag = self.tag(&text, proof);
        let value = format!("{}.{}", URL_SAFE_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(tag));
        Ok(way.cookie(&value, LASTING_SECS))
    }

    /// What to set after a logout.
    pub(crate) fn forget(way: Way) -> String {
        way.cookie("", 0)
    }

    /// Ends one session; its cookie counts no more, whoever has it.
    pub(crate) async fn end(&self, session: &Session, now: Timestamp) -> Result<(), Error> {
        let until = session.until.as_second().to_string();
        self.depot.put_record(ENDED, &session.key(), until.as_bytes()).await?;
        // Those whose time is over need no record.
        let prefix = format!("{} ", session.user);
        let old = self.depot.records(ENDED, &prefix, None, SWEPT_MAX).await?;
        for (key, value) in old.items {
            if number(&value).is_some_and(|until| until <= now.as_second()) {
                self.depot.delete_record(ENDED, &key).await?;
            }
        }
        Ok(())
    }

    /// Ends all sessions of a user.
    pub(crate) async fn end_all(&self, user: &str, now: Timestamp) -> Result<(), Error> {
        // Sessions that began by a clock that ran ahead end too.
        let end = now.as_millisecond().max(self.all_ended(user).await?);
        self.depot.put_record(ALL_ENDED, user, end.to_string().as_bytes()).await
    }

    /// The session of a cookie header, and who that is now.
    pub(crate) async fn open(
        &self,
        cookies: &str,
        gatekeeper: &Gatekeeper,
        now: Timestamp,
        way: Way,
    ) -> Option<(Session, Principal)> {
        let (text, tag) = way.value(cookies)?.split_once('.')?;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let session = Session::of_text(&text)?;
        let known = gatekeeper.user(&session.user);
        let proof = known.as_ref().map_or("", |(_, proof)| proof.as_str());
        let is_sealed = constant_time_equal(&self.tag(&text, proof), &tag);
        let (principal, _) = known.filter(|_| is_sealed && session.until > now)?;
        if session.started_ms <= self.all_ended(&session.user).await.ok()? {
            return None;
        }
        let ended = self.depot.record(ENDED, &session.key()).await.ok()?;
        ended.is_none().then_some((session, principal))
    }

    /// What forms of a session have to send back: other sites cannot know it.
    pub(crate) fn token(&self, cookies: &str, way: Way) -> String {
        let session = way.value(cookies).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(hmac_sha256(&self.secret, &[b"form\0", session.as_bytes()]))
    }

    // In milliseconds; before all sessions if they were never ended.
    async fn all_ended(&self, user: &str) -> Result<i64, Error> {
        let known = self.depot.record(ALL_ENDED, user).await?;
        // What is there and is no time is the end of all.
        Ok(known.map_or(i64::MIN, |value| number(&value).unwrap_or(i64::MAX)))
    }

    fn tag(&self, text: &str, proof: &str) -> [u8; 32] {
        hmac_sha256(&self.secret, &[b"session\0", proof.as_bytes(), b"\0", text.as_bytes()])
    }
}

fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use sealift_access::{Parts, Passwords};
    use sealift_depot::Settings;

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn gatekeeper(password: &str) -> Gatekeeper {
        let hash = bcrypt::hash(password, 4).unwrap();
        let passwords = Passwords::parse(format!("anna maria:{hash}\n").as_bytes()).unwrap();
        Gatekeeper::new(Parts { passwords: Some(passwords), ..Parts::default() })
    }

    fn sessions(folder: &tempfile::TempDir, secret: u8) -> Sessions {
        let depot = Depot::open_folder(folder.path(), &Settings::default()).unwrap();
        Sessions::new(Secret::new(vec![secret; 32]), depot)
    }

    async fn begin(sessions: &Sessions, gatekeeper: &Gatekeeper, now: Timestamp) -> String {
        let (_, proof) = gatekeeper.user("anna maria").unwrap();
        let begun = sessions.begin(("anna maria", &proof), now, Way::Secure).await.unwrap();
        assert!(begun.contains("; HttpOnly; SameSite=Strict") && begun.ends_with("; Secure"));
        begun.split(';').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_session_is_the_servers_word() {
        let folder = tempfile::tempdir().unwrap();
        let (sessions, gatekeeper) = (sessions(&folder, 7), gatekeeper("secret123"));
        let pair = begin(&sessions, &gatekeeper, at(1000)).await;
        let header = format!("other=1; {pair}; x");
        let (session, who) =
            sessions.open(&header, &gatekeeper, at(1000), Way::Secure).await.unwrap();
        assert_eq!(
            (session.user.as_str(), who.name.as_deref()),
            ("anna maria", Some("anna maria"))
        );
        let end = at(1000 + LASTING_SECS);
        assert_eq!(sessions.open(&header, &gatekeeper, end, Way::Secure).await, None);
        assert_eq!(sessions.open(&header, &gatekeeper, at(1000), Way::Plain).await, None);
        // Nobody else's word counts, nor a changed one.
        let others = Sessions::new(Secret::new(vec![8; 32]), sessions.depot.clone());
        assert_eq!(others.open(&header, &gatekeeper, at(1000), Way::Secure).await, None);
        for at_byte in 0..pair.len() {
            let mut changed = pair.clone().into_bytes();
            changed[at_byte] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let found = sessions.open(&changed, &gatekeeper, at(1000), Way::Secure).await;
            // The last letter of a text in base64 has bits that mean nothing.
            assert!(found.is_none_or(|(found, _)| found == session), "{changed}");
        }
        let token = sessions.token(&header, Way::Secure);
        assert_ne!(token, sessions.token("", Way::Secure));
    }

    #[tokio::test]
    async fn sessions_end() {
        let folder = tempfile::tempdir().unwrap();
        let (sessions, keeper) = (sessions(&folder, 7), gatekeeper("secret123"));
        let first = begin(&sessions, &keeper, at(1000)).await;
        let second = begin(&sessions, &keeper, at(1000)).await;
        let is_open = async |cookie: &str, keeper: &Gatekeeper| {
            sessions.open(cookie, keeper, at(2000), Way::Secure).await.is_some()
        };
        let (session, _) = sessions.open(&first, &keeper, at(2000), Way::Secure).await.unwrap();
        sessions.end(&session, at(2000)).await.unwrap();
        assert!(!is_open(&first, &keeper).await && is_open(&second, &keeper).await);
        // With another password, and without a user of that name.
        assert!(!is_open(&second, &gatekeeper("secret456")).await);
        assert!(!is_open(&second, &Gatekeeper::new(Parts::default())).await);
        sessions.end_all("anna maria", at(2000)).await.unwrap();
        assert!(!is_open(&second, &keeper).await);
        // A new one counts, also where the clock was set back.
        let third = begin(&sessions, &keeper, at(1500)).await;
        assert!(is_open(&third, &keeper).await);
        // What cannot be read lets nobody in.
        sessions.depot.put_record(ALL_ENDED, "anna maria", b"soon").await.unwrap();
        assert!(!is_open(&third, &keeper).await);
    }
}
