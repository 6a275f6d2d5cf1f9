//! Who is logged in: a cookie that says so, sealed by the server, so that any replica believes it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sealift_crypto::{Secret, constant_time_equal, hmac_sha256};

const NAME: &str = "sealift-session";
const LASTING_SECS: i64 = 8 * 3600;
const COOKIE_BYTES_MAX: usize = 1024;

/// Seals and opens cookies.
pub(crate) struct Sessions(Secret);

impl Sessions {
    /// With a secret of at least 32 bytes.
    pub(crate) fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// What to set after a login. The cookie goes to this origin only, and no script reads it.
    pub(crate) fn begin(&self, user: &str, now: Timestamp, is_https: bool) -> String {
        let until = now.as_second().saturating_add(LASTING_SECS);
        let value = self.seal(&format!("{until} {user}"), b"session");
        let secure = if is_https { "; Secure" } else { "" };
        format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={LASTING_SECS}{secure}")
    }

    /// What to set after a logout.
    pub(crate) fn end() -> String {
        format!("{NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    }

    /// The user of a cookie header, if it has a session that still counts.
    pub(crate) fn user(&self, cookies: &str, now: Timestamp) -> Option<String> {
        let value = value(cookies)?;
        let text = self.open(value, b"session")?;
        let (until, user) = text.split_once(' ')?;
        let until: i64 = until.parse().ok()?;
        (until > now.as_second()).then(|| user.to_owned())
    }

    /// What forms of a session have to send back: other sites cannot know it.
    pub(crate) fn token(&self, cookies: &str) -> String {
        let session = value(cookies).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(hmac_sha256(&self.0, &[b"form\0", session.as_bytes()]))
    }

    /// Whether a form sent it back.
    pub(crate) fn is_token(&self, cookies: &str, given: &str) -> bool {
        constant_time_equal(self.token(cookies).as_bytes(), given.as_bytes())
    }

    fn seal(&self, text: &str, purpose: &[u8]) -> String {
        let tag = hmac_sha256(&self.0, &[purpose, b"\0", text.as_bytes()]);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(text), URL_SAFE_NO_PAD.encode(tag))
    }

    fn open(&self, value: &str, purpose: &[u8]) -> Option<String> {
        let (text, tag) = value.split_once('.')?;
        let text = URL_SAFE_NO_PAD.decode(text).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let right = hmac_sha256(&self.0, &[purpose, b"\0", &text]);
        constant_time_equal(&right, &tag).then(|| String::from_utf8(text).ok()).flatten()
    }
}

// The cookie's value, if it is not longer than any of ours.
fn value(cookies: &str) -> Option<&str> {
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == NAME)?;
    (value.len() <= COOKIE_BYTES_MAX).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    #[test]
    fn a_session_is_the_servers_word() {
        let sessions = Sessions::new(Secret::new(vec![7; 32]));
        let cookie = sessions.begin("anna maria", at(1000), true);
        let pair = cookie.split(';').next().unwrap();
        let header = format!("other=1; {pair}; x");
        assert_eq!(sessions.user(&header, at(1000)).as_deref(), Some("anna maria"));
        assert_eq!(sessions.user(&header, at(1000 + LASTING_SECS)), None);
        assert!(cookie.contains("HttpOnly") && cookie.contains("Secure"));
        // Nobody else's word counts, nor a changed one.
        let others = Sessions::new(Secret::new(vec![8; 32]));
        assert_eq!(others.user(&header, at(1000)), None);
        for at_byte in 0..pair.len() {
            let mut changed = pair.to_owned().into_bytes();
            changed[at_byte] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert_ne!(sessions.user(&changed, at(1000)).as_deref(), Some("anna marib"));
            if let Some(user) = sessions.user(&changed, at(1000)) {
                assert_eq!(user, "anna maria", "{changed}");
            }
        }
        assert!(sessions.is_token(&header, &sessions.token(&header)));
        assert!(!sessions.is_token(&header, &sessions.token("")));
        assert!(!sessions.is_token(&header, ""));
    }
}
