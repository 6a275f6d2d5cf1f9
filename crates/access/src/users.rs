//! Users of a file of htpasswd: adding, changing, removing. Lines that are not theirs stay as they are.

use std::path::Path;

use sealift_crypto::Secret;

use super::file::{self, Held};
use super::{Error, Passwords};

const FILE_BYTES_MAX: usize = 4 << 20;
const PASSWORD_BYTES_MIN: usize = 8;
// bcrypt looks at no more, and the rest would seem to protect.
const PASSWORD_BYTES_MAX: usize = 72;
const NAME_BYTES_MAX: usize = 255;
const COST: u32 = 10;

/// Adds a user, or gives one another password. Says whether there was one.
pub fn add_user(path: &Path, name: &str, password: &Secret) -> Result<bool, Error> {
    check(name, password).map_err(|reason| Error::User(reason.to_owned()))?;
    let hash = bcrypt::hash(password.expose(), COST)
        .map_err(|error| Error::User(format!("the password cannot be hashed: {error}")))?;
    change(path, |text| {
        let was_there = lines_of(&text, name) > 0;
        let mut changed = without(&text, name);
        let hash = hash.replacen("$2b$", "$2y$", 1);
        changed = format!("{changed}{name}:{hash}\n");
        (was_there, changed)
    })
}

/// Removes a user. Says whether there was one.
pub fn remove_user(path: &Path, name: &str) -> Result<bool, Error> {
    change(path, |text| (lines_of(&text, name) > 0, without(&text, name)))
}

/// The names of all users.
pub fn list_users(path: &Path) -> Result<Vec<String>, Error> {
    Ok(Passwords::read(path)?.names().into_iter().map(str::to_owned).collect())
}

fn check(name: &str, password: &Secret) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err("a name has 1 to 255 bytes");
    }
    if name.contains(|letter: char| letter == ':' || letter.is_control()) || name.starts_with('#') {
        return Err("a name has neither `:` nor control characters, and does not begin with `#`");
    }
    if matches!(name, "anonymous" | "oidc") {
        return Err("`anonymous` and `oidc` are no names of users");
    }
    let password = password.expose();
    if password.contains(&0) {
        return Err("a password has no zero bytes");
    }
    match password.len() {
        0..PASSWORD_BYTES_MIN => Err("a password has at least 8 bytes"),
        PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX => Ok(()),
        _ => Err("a password has at most 72 bytes, since bcrypt looks at no more"),
    }
}

fn change(path: &Path, change: impl FnOnce(String) -> (bool, String)) -> Result<bool, Error> {
    let fault = Error::file(path);
    let held = Held::new(path).map_err(&fault)?;
    let bytes = file::read(path, FILE_BYTES_MAX).map_err(&fault)?.unwrap_or_default();
    let of_line = |(line, reason)| Error::Passwords { path: path.to_owned(), line, reason };
    Passwords::parse(&bytes).map_err(of_line)?;
    let (was_there, text) = change(String::from_utf8_lossy(&bytes).into_owned());
    // Whoever reads it next must be able to.
    Passwords::parse(text.as_bytes()).map_err(of_line)?;
    held.replace(text.as_bytes()).map_err(&fault)?;
    Ok(was_there)
}

fn is_of(line: &str, name: &str) -> bool {
    !line.starts_with('#') && line.split_once(':').is_some_and(|(found, _)| found == name)
}

fn lines_of(text: &str, name: &str) -> usize {
    text.lines().filter(|line| is_of(line, name)).count()
}

fn without(text: &str, name: &str) -> String {
    let mut kept = String::new();
    for line in text.lines().filter(|line| !is_of(line, name)) {
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_changed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let secret = |text: &str| Secret::from(text.to_owned());
        assert!(!add_user(&path, "alice", &secret("secret123")).unwrap());
        let old = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("# ours\n{old}")).unwrap();
        assert!(!add_user(&path, "bob", &secret("secret456")).unwrap());
        assert!(add_user(&path, "alice", &secret("secret789")).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# ours\nbob:$2y$10$"), "{text}");
        let passwords = Passwords::read(&path).unwrap();
        assert!(passwords.is_right("alice", b"secret789"));
        assert!(!passwords.is_right("alice", b"secret123"));
        assert_eq!(list_users(&path).unwrap(), ["alice", "bob"]);
        assert!(remove_user(&path, "bob").unwrap() && !remove_user(&path, "bob").unwrap());
        assert_eq!(list_users(&path).unwrap(), ["alice"]);
        // What cannot be read is not written over.
        std::fs::write(&path, "broken").unwrap();
        assert!(add_user(&path, "carol", &secret("secret123")).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "broken");
    }

    #[test]
    fn refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let long = "x".repeat(73);
        for (name, password) in [
            ("", "secret123"),
            ("a:b", "secret123"),
            ("a\nb", "secret123"),
            ("#a", "secret123"),
            ("anonymous", "secret123"),
            ("oidc", "secret123"),
            ("alice", ""),
            ("alice", "short"),
            ("alice", &long),
            ("alice", "secret\0 123"),
        ] {
            assert!(add_user(&path, name, &Secret::from(password.to_owned())).is_err(), "{name}");
        }
        assert!(!path.exists());
    }
}
