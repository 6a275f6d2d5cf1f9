//! Robots: accounts of programs, each with a token that expires and with what it may do.
//!
//! A token is `sealift_robot_`, ten letters that name the robot, thirty-two of chance, and six that are the CRC-32 of
//! the rest, as scanners for secrets know it from others. It is shown once; what is kept is its SHA-256.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use sealift_crypto::{SealingKey, constant_time_equal};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Denial, Kind, Principal, Records, Rule};

const PREFIX: &str = "sealift_robot_";
const ID_LETTERS: usize = 10;
const SECRET_LETTERS: usize = 32;
const SUM_LETTERS: usize = 6;
const NAME_BYTES_MAX: usize = 64;
const PERMISSIONS_MAX: usize = 100;

/// A robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robot {
    /// Its name.
    pub name: String,
    /// What it may do, as `REPOSITORY[:TAG]:ACTIONS`.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When its token ends; never if there is none.
    pub expires: Option<Timestamp>,
    // Of the token, in hexadecimal digits.
    token_sha256: String,
}

// As it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    name: String,
    permissions: Vec<String>,
    created: String,
    expires: Option<String>,
    token_sha256: String,
}

impl Robot {
    fn to_text(&self) -> io::Result<String> {
        let kept = Kept {
            name: self.name.clone(),
            permissions: self.permissions.clone(),
            created: self.created.to_string(),
            expires: self.expires.map(|expires| expires.to_string()),
            token_sha256: self.token_sha256.clone(),
        };
        Ok(serde_json::to_string(&kept)?)
    }

    fn of_text(text: &str) -> io::Result<Self> {
        let kept: Kept = serde_json::from_str(text)?;
        let time = |text: &str| {
            let fault = |_| io::Error::new(io::ErrorKind::InvalidData, "a time cannot be read");
            text.parse::<Timestamp>().map_err(fault)
        };
        Ok(Self {
            created: time(&kept.created)?,
            // A time that cannot be read is not no time.
            expires: kept.expires.as_deref().map(time).transpose()?,
            name: kept.name,
            permissions: kept.permissions,
            token_sha256: kept.token_sha256,
        })
    }

    /// Whether its token has ended.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn principal(&self) -> Result<Principal, Denial> {
        robot_principal(&self.name, &self.permissions)
    }
}

/// As whom a robot with these permissions comes in.
pub fn robot_principal(name: &str, permissions: &[String]) -> Result<Principal, Denial> {
    let name = format!("robot:{name}");
    let rules: Result<Vec<Rule>, _> =
        permissions.iter().map(|text| Rule::parse(&format!("{name}={text}"))).collect();
    let rules = rules.map_err(|_| Denial::Wrong("the robot's permissions cannot be read"))?;
    Ok(Principal {
        name: Some(name),
        kind: Kind::Robot,
        permissions: Some(rules.into()),
        ..Principal::ANONYMOUS
    })
}

/// The robots of a registry.
#[derive(Clone)]
pub struct Robots(Arc<dyn Records>);

impl Robots {
    /// Those that are kept there.
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self(records)
    }

    /// Makes one. The token is known to nobody else from now on.
    pub async fn add(
        &self,
        name: &str,
        permissions: &[String],
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> io::Result<String> {
        let fault = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
        check_name(name).map_err(|reason| fault(reason.to_owned()))?;
        if permissions.is_empty() || permissions.len() > PERMISSIONS_MAX {
            return Err(fault("a robot needs 1 to 100 permissions".to_owned()));
        }
        for text in permissions {
            // A text with `=` in it would be a rule for somebody else.
            let read = if text.contains('=') {
                Err("it has a `=`")
            } else {
                Rule::parse(&format!("robot:{name}={text}"))
            };
            read.map_err(|reason| fault(format!("the permission `{text}`: {reason}")))?;
        }
        if self.list().await?.iter().any(|(_, robot)| robot.name == name) {
            let text = format!("there is a robot `{name}`");
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        let token = new_token();
        let robot = Robot {
            name: name.to_owned(),
            permissions: permissions.to_vec(),
            created: now,
            expires,
            token_sha256: hash(&token),
        };
        let id = parse(&token).ok_or_else(|| fault("the token cannot be read".to_owned()))?;
        self.0.put(id, &robot.to_text()?).await?;
        Ok(token)
    }

    /// Removes the one with this name; says whether there was one.
    pub async fn remove(&self, name: &str) -> io::Result<bool> {
        let mut is_removed = false;
        for (id, robot) in self.list().await? {
            if robot.name == name {
                is_removed |= self.0.remove(&id).await?;
            }
        }
        Ok(is_removed)
    }

    /// All of them, with their identifiers, by name.
    pub async fn list(&self) -> io::Result<Vec<(String, Robot)>> {
        let mut robots = Vec::new();
        for (id, text) in self.0.list().await? {
            robots.push((id, Robot::of_text(&text)?));
        }
        robots.sort_by(|(_, left), (_, right)| left.name.cmp(&right.name));
        Ok(robots)
    }

    /// The robot whose token this is.
    pub(crate) async fn principal(&self, token: &str, now: Timestamp) -> Result<Principal, Denial> {
        let id = parse(token).ok_or(Denial::Wrong("not a robot's token"))?;
        let robot = self.of_id(id, now).await?;
        if !constant_time_equal(robot.token_sha256.as_bytes(), hash(token).as_bytes()) {
            return Err(Denial::Wrong("not the token of this robot"));
        }
        robot.principal()
    }

    async fn of_id(&self, id: &str, now: Timestamp) -> Result<Robot, Denial> {
        let found = self.0.get(id).await;
        let text = found.map_err(|_| Denial::Wrong("the robots cannot be read"))?;
        let text = text.ok_or(Denial::Wrong("no such robot"))?;
        let robot = Robot::of_text(&text).map_err(|_| Denial::Wrong("the robot cannot be read"))?;
        if robot.is_expired(now) {
            return Err(Denial::Wrong("the robot's token has expired"));
        }
        Ok(robot)
    }

    /// The robot with this name, as whom it would come in now.
    pub async fn find(&self, name: &str, now: Timestamp) -> Result<Principal, Denial> {
        Ok(self.named(name, now).await?.0)
    }

    /// The robot with this name, as it is now, and what its token is known by.
    pub(crate) async fn named(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<(Principal, String), Denial> {
        let robots = self.list().await.map_err(|_| Denial::Wrong("the robots cannot be read"))?;
        let found = robots.into_iter().find(|(_, robot)| robot.name == name);
        let (id, _) = found.ok_or(Denial::Wrong("no such robot"))?;
        let robot = self.of_id(&id, now).await?;
        Ok((robot.principal()?, robot.token_sha256))
    }
}

/// Whether something was meant to be a robot's token.
pub(crate) fn is_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

fn check_name(name: &str) -> Result<(), &'static str> {
    let is_letter = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
    };
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_letter) {
        return Err("a robot's name has 1 to 64 small letters, digits, `-`, `_` and `.`");
    }
    Ok(())
}

fn new_token() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut body = String::from("robot_");
    let (first, second) = (SealingKey::generate(), SealingKey::generate());
    for byte in [first.expose(), second.expose()].concat().iter().take(ID_LETTERS + SECRET_LETTERS)
    {
        body.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    let sum = sum(&body);
    format!("sealift_{body}{sum}")
}

// The CRC-32 in six digits of base 62.
fn sum(body: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut number = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; SUM_LETTERS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

// The letters that name the robot, if the token is whole.
fn parse(token: &str) -> Option<&str> {
    let rest = token.strip_prefix(PREFIX)?;
    if rest.len() != ID_LETTERS + SECRET_LETTERS + SUM_LETTERS || !rest.is_ascii() {
        return None;
    }
    let (id, _) = rest.split_at(ID_LETTERS);
    let (body, found) = token.strip_prefix("sealift_")?.split_at(6 + ID_LETTERS + SECRET_LETTERS);
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
    (body[6..].bytes().all(is_letter) && sum(body) == found).then_some(id)
}

fn hash(token: &str) -> String {
    let hash = Sha256::digest(token.as_bytes());
    hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::RecordFile;
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn tokens() {
        let token = new_token();
        assert_eq!(token.len(), 62);
        assert_eq!(parse(&token), Some(&token[14..24]));
        assert_ne!(token, new_token());
        for index in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[index] = if altered[index] == b'a' { b'b' } else { b'a' };
            assert_eq!(parse(std::str::from_utf8(&altered).unwrap()), None, "byte {index}");
        }
        for text in ["", PREFIX, &token[..61], &format!("{token}a"), &token.replace('_', "-")] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn made_used_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("robots.json");
        let robots = Robots::new(Arc::new(RecordFile::new(&path)));
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let hour = SignedDuration::from_hours(1);
        let permissions = ["team/**:push".to_owned()];
        let add = |name: &str| run(robots.add(name, &permissions, Some(now + hour), now));
        let token = add("ci").unwrap();
        assert!(add("ci").unwrap_err().to_string().contains("there is a robot"));
        assert!(!std::fs::read_to_string(&path).unwrap().contains(&token));
        // Another process, for which it is the same file.
        let others = Robots::new(Arc::new(RecordFile::new(&path)));
        let ask = |token: &str, now| run(others.principal(token, now));
        let principal = ask(&token, now).unwrap();
        assert_eq!((principal.name.as_deref(), principal.kind), (Some("robot:ci"), Kind::Robot));
        assert_eq!(ask(&token, now + hour), Err(Denial::Wrong("the robot's token has expired")));
        // The right name with other letters of chance.
        let body = format!("robot_{}{}", &token[14..24], "a".repeat(32));
        let forged = format!("sealift_{body}{}", sum(&body));
        assert_eq!(ask(&forged, now), Err(Denial::Wrong("not the token of this robot")));
        assert_eq!(ask(&new_token(), now), Err(Denial::Wrong("no such robot")));
        assert_eq!(run(robots.list()).unwrap()[0].1.name, "ci");
        assert!(run(robots.remove("ci")).unwrap() && !run(robots.remove("ci")).unwrap());
        assert_eq!(ask(&token, now), Err(Denial::Wrong("no such robot")));
        std::fs::write(&path, "{").unwrap();
        assert_eq!(ask(&token, now), Err(Denial::Wrong("the robots cannot be read")));
    }

    #[test]
    fn refused() {
        let folder = tempfile::tempdir().unwrap();
        let robots = Robots::new(Arc::new(RecordFile::new(&folder.path().join("r"))));
        let now = Timestamp::UNIX_EPOCH;
        for (name, permissions) in [
            ("", &["a:pull"][..]),
            ("A", &["a:pull"]),
            ("a:b", &["a:pull"]),
            ("a*", &["a:pull"]),
            ("a", &[]),
            ("a", &["a"]),
            ("a", &["a=b:pull"]),
            ("a", &["a:read"]),
        ] {
            let permissions: Vec<String> =
                permissions.iter().map(|text| (*text).to_owned()).collect();
            assert!(run(robots.add(name, &permissions, None, now)).is_err(), "{name}");
        }
        assert!(run(robots.list()).unwrap().is_empty());
    }
}
