//! Names and passwords (RFC 7617) against a file of htpasswd, bcrypt only.
//!
//! A hash takes a tenth of a second of work, on purpose.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::Error;

const FILE_BYTES_MAX: usize = 4 << 20;
const USERS_MAX: usize = 100_000;
const COST_MAX: u32 = 16;
// Of a password that nobody has, with the cost that htpasswd writes today.
const NOBODY: &str = "$2y$10$abcdefghijklmnopqrstuuOKwnTvgZkeyOyyvDTkWzqCYsRGVr6n2";

/// Names with hashes of passwords.
#[derive(Clone, Debug, Default)]
pub struct Passwords(Arc<Users>);

#[derive(Debug, Default)]
struct Users {
    hashes: HashMap<String, String>,
    // Of a password that nobody has, with the largest cost of all.
    nobody: String,
}

impl Passwords {
    /// Reads a file of htpasswd.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(Error::file(path))?;
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
        let costs = users.values().filter_map(|hash| hash.get(4..6));
        let cost = costs.max().unwrap_or("10");
        let nobody = format!("{}{cost}{}", &NOBODY[..4], &NOBODY[6..]);
        Ok(Self(Arc::new(Users { hashes: users, nobody })))
    }

    /// Names, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.hashes.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// What changes when the password of this one does.
    pub(crate) fn proof(&self, name: &str) -> Option<String> {
        let hash = Sha256::digest(self.0.hashes.get(name)?.as_bytes());
        Some(hash[..16].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
    }

    /// Whether it is the password of this one.
    pub fn is_right(&self, name: &str, password: &[u8]) -> bool {
        let hash = self.0.hashes.get(name);
        // As long for a name that is not there, so that the time does not say so.
        let is_right = bcrypt::verify(password, hash.unwrap_or(&self.0.nobody));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_can_be_computed() {
        assert!(is_bcrypt(NOBODY) && bcrypt::verify("x", NOBODY).is_ok());
        let hash = |cost| bcrypt::hash("a", cost).unwrap();
        let text = format!("a:{}\nb:{}\n", hash(4), hash(5));
        let passwords = Passwords::parse(text.as_bytes()).unwrap();
        assert!(passwords.0.nobody.starts_with("$2y$05$") && is_bcrypt(&passwords.0.nobody));
        assert!(!passwords.is_right("c", b"a") && passwords.is_right("b", b"a"));
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
