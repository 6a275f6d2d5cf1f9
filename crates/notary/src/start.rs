//! New repositories and new keys: `init`, and the rotation of each of the four roles.

use std::str::FromStr;

use jiff::SignedDuration;
use sealift_crypto::{Certificate, KeyKind, SigningKey};
use sealift_oci::Reference;
use sealift_tuf::verify::Pin;
use sealift_tuf::{Change, Gun, Key, Limits, Repository, Role, lifetime_hours};

use crate::publisher::{Opened, Published};
use crate::{Error, KeyUse, Look, Publisher};

const ROOT_KEYS_MAX: u64 = 16;

/// How many of how many root keys must sign: `2/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// How many must sign.
    pub needed: u64,
    /// How many there are.
    pub keys: u64,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (needed, keys) = text.split_once('/').unwrap_or((text, text));
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
        let threshold = Self { needed: number(needed)?, keys: number(keys)? };
        if threshold.needed < 1
            || threshold.needed > threshold.keys
            || threshold.keys > ROOT_KEYS_MAX
        {
            return Err(format!(
                "write it as `2/3`: at least 1, and of {ROOT_KEYS_MAX} keys at most"
            ));
        }
        Ok(threshold)
    }
}

/// The name of a repository and its tag, as Docker has them.
pub fn name_of(reference: &Reference) -> Result<(Gun, Option<String>), Error> {
    let gun = Gun::parse(&format!("{}/{}", reference.registry(), reference.repository()))?;
    Ok((gun, reference.tag().map(str::to_owned)))
}

impl Publisher<'_> {
    /// Whether the server has a repository.
    pub fn has(&self, gun: &Gun) -> Result<bool, Error> {
        let bytes_max = Limits::default().root_bytes;
        Ok(self.client.server.document(gun, "root.json", bytes_max)?.is_some())
    }

    /// Makes a repository, with these changes in its first version. Keys that are not in the keyring are made.
    pub fn init(
        &self,
        gun: &Gun,
        threshold: Threshold,
        changes: &[Change],
    ) -> Result<Published, Error> {
        if self.has(gun)? {
            return Err(Error::Exists { gun: gun.to_string() });
        }
        let marks = self.client.states.marks_path(gun);
        if self.client.states.read(gun)?.is_some() {
            return Err(Error::usage(
                format!("`{gun}` was seen before, and now its server has nothing of it"),
                format!(
                    "if it was deleted on purpose, delete `{}`; its verifiers must do the same",
                    marks.display()
                ),
            ));
        }
        let mut opened = self.open_named()?;
        let roots = self.root_keys(gun, threshold, &mut opened)?;
        let targets = self.repository_key(gun, KeyUse::Targets, &mut opened)?;
        let server = self.client.server;
        let snapshot = server.key(gun, &Role::SNAPSHOT, false)?;
        let timestamp = server.key(gun, &Role::TIMESTAMP, false)?;
        let first = [roots[0].clone(), targets, snapshot, timestamp];
        let mut repository = Repository::create(gun, first, opened.keys(), self.client.now);
        let pins = roots.iter().map(|key| Pin::Key(key.id().to_owned())).collect();
        let needed = threshold.needed;
        let all = Change::Rotate { role: Role::ROOT, keys: roots, threshold: needed };
        repository.apply(&all)?;
        for change in changes {
            repository.apply(change)?;
        }
        let upload = repository.upload(opened.keys(), self.client.now)?;
        if !server.publish(gun, &upload)? {
            return Err(Error::Exists { gun: gun.to_string() });
        }
        let look = Look { pins, ..self.look.clone() };
        let trusted = self.client.look(gun, &look)?;
        let roles = upload.into_iter().map(|(role, _)| role).collect();
        Ok(Published { trusted, roles, tries: 1 })
    }

    /// Gives a role new keys: those of root and targets are made here, that of the timestamp is the server's, and that of
    /// the snapshot as wanted.
    pub fn rotate(
        &self,
        gun: &Gun,
        role: &Role,
        threshold: Option<Threshold>,
        is_server_managed: bool,
    ) -> Result<Published, Error> {
        let has_choice = *role == Role::SNAPSHOT;
        let is_server = *role == Role::TIMESTAMP || has_choice && is_server_managed;
        if is_server_managed && !is_server {
            return Err(Error::usage(
                format!("the server cannot hold the key of `{role}`"),
                "leave `--server-managed` away; it is for `snapshot` and `timestamp`",
            ));
        }
        if threshold.is_some() && *role != Role::ROOT {
            let message = format!("`{role}` has one key");
            return Err(Error::usage(message, "`--threshold` is for `root`"));
        }
        // What cannot be changed is known before a key is made for it.
        let before = self.client.look(gun, &self.look)?;
        let mut opened = self.open_named()?;
        let wanted = Change::Rotate { role: role.clone(), keys: Vec::new(), threshold: 1 };
        self.open_for(&before, &wanted, &mut opened)?;
        let old = before.root.authority(role);
        let kept = Threshold { needed: old.threshold, keys: old.keys.len() as u64 };
        let (keys, needed) = if is_server {
            (vec![self.client.server.key(gun, role, true)?], 1)
        } else if *role == Role::ROOT {
            let threshold = threshold.unwrap_or(kept);
            let made = (0..threshold.keys).map(|_| self.new_root_key(gun, &mut opened));
            (made.collect::<Result<_, _>>()?, threshold.needed)
        } else {
            let key_use = if has_choice { KeyUse::Snapshot } else { KeyUse::Targets };
            (vec![self.new_repository_key(gun, key_use, &mut opened)?], 1)
        };
        let change = Change::Rotate { role: role.clone(), keys, threshold: needed };
        self.publish_with(gun, &[change], opened)
    }

    // Root keys of the keyring first, as Docker has one for all repositories.
    fn root_keys(
        &self,
        gun: &Gun,
        threshold: Threshold,
        opened: &mut Opened,
    ) -> Result<Vec<Key>, Error> {
        let mut keys = Vec::new();
        for entry in self.keyring.keys_for(KeyUse::Root, gun)? {
            if keys.len() as u64 == threshold.keys {
                break;
            }
            let key = self.keyring.open(&entry, self.passphrases)?;
            keys.push(self.certified(gun, &key)?);
            opened.add(key);
        }
        while (keys.len() as u64) < threshold.keys {
            keys.push(self.new_root_key(gun, opened)?);
        }
        Ok(keys)
    }

    fn new_root_key(&self, gun: &Gun, opened: &mut Opened) -> Result<Key, Error> {
        let key = SigningKey::generate_p256();
        self.keyring.add_role_key(&key, KeyUse::Root, None, self.passphrases)?;
        let public = self.certified(gun, &key)?;
        opened.add(key);
        Ok(public)
    }

    // The certificate says of which repository it is, and no more.
    fn certified(&self, gun: &Gun, key: &SigningKey) -> Result<Key, Error> {
        if !matches!(key.public().kind(), KeyKind::EcdsaP256 | KeyKind::Rsa) {
            return Err(Error::usage(
                "a root key must be one of P-256 or RSA: Notary knows no other certificates",
                "move the other root keys out of the keyring",
            ));
        }
        let now = self.client.now;
        let life = SignedDuration::from_hours(lifetime_hours(&Role::ROOT));
        // Clocks differ by a little.
        let from = now - SignedDuration::from_mins(5);
        let certificate = Certificate::self_signed(key, gun.as_str(), from, now + life)
            .map_err(|error| sealift_tuf::Error::Key(error.to_string()))?;
        Ok(Key::of_certificate(&certificate)?)
    }

    fn repository_key(
        &self,
        gun: &Gun,
        key_use: KeyUse,
        opened: &mut Opened,
    ) -> Result<Key, Error> {
        match self.keyring.keys_for(key_use, gun)?.first() {
            Some(entry) => {
                let key = self.keyring.open(entry, self.passphrases)?;
                let public = Key::bare(&key.public());
                opened.add(key);
                Ok(public)
            }
            None => self.new_repository_key(gun, key_use, opened),
        }
    }

    fn new_repository_key(
        &self,
        gun: &Gun,
        key_use: KeyUse,
        opened: &mut Opened,
    ) -> Result<Key, Error> {
        let key = SigningKey::generate_p256();
        self.keyring.add_role_key(&key, key_use, Some(gun), self.passphrases)?;
        let public = Key::bare(&key.public());
        opened.add(key);
        Ok(public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        assert_eq!("2/3".parse(), Ok(Threshold { needed: 2, keys: 3 }));
        assert_eq!("1".parse(), Ok(Threshold { needed: 1, keys: 1 }));
        for text in ["", "0", "3/2", "0/1", "1/17", "a/b", "1/"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }

    #[test]
    fn names() {
        for (text, gun, tag) in [
            ("localhost:5000/app:1", "localhost:5000/app", Some("1")),
            ("alpine", "docker.io/library/alpine", None),
        ] {
            let (found, found_tag) = name_of(&Reference::parse(text).unwrap()).unwrap();
            assert_eq!((found.as_str(), found_tag.as_deref()), (gun, tag));
        }
    }
}
