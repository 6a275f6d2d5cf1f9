//! A repository as a publisher has it in hands: documents, what of them is changed, and how it is signed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::SigningKey;

use crate::document::lifetime_hours;
use crate::envelope::{Signer, seal};
use crate::{Authority, Error, FileMeta, Gun, Key, Meta, Role, Root, Targets, Trusted};

/// The private keys that a publisher has.
#[derive(Default)]
pub struct Keys(BTreeMap<String, SigningKey>);

impl Keys {
    /// Adds a key.
    pub fn add(&mut self, key: SigningKey) {
        self.0.insert(key.public().fingerprint(), key);
    }

    /// The private part of a key, whatever name it has.
    pub fn get(&self, key: &Key) -> Option<&SigningKey> {
        self.0.get(&key.identity().ok()?)
    }

    fn signers<'a>(&'a self, authority: &'a Authority) -> Vec<Signer<'a>> {
        let mut seen = BTreeSet::new();
        let signer = |key: &'a Key| {
            let private = self.get(key)?;
            seen.insert(key.identity().ok()?).then_some(Signer { key, private })
        };
        authority.keys.values().filter_map(signer).collect()
    }
}

/// A repository that is being changed.
pub struct Repository {
    gun: Gun,
    pub(super) root: Root,
    // The root of before, whose keys must sign a new one too; none for a new repository.
    pub(super) old_root: Option<Root>,
    targets: BTreeMap<Role, Targets>,
    // What the server has of roles that cannot be used: only a witness signs that again.
    unproved: BTreeMap<Role, Targets>,
    snapshot: Option<Meta>,
    changed: BTreeSet<Role>,
    // Identities of the keys that are here.
    held: BTreeSet<String>,
}

impl Repository {
    /// A new repository. The root key must be a certificate for its name; snapshot and timestamp are the server's.
    pub fn create(
        gun: &Gun,
        [root, targets, snapshot, timestamp]: [Key; 4],
        keys: &Keys,
        now: Timestamp,
    ) -> Self {
        let mut document = Root::new(now);
        for (role, key) in Role::BASE.iter().zip([root, targets, snapshot, timestamp]) {
            document.set_role(role, &[key], 1);
        }
        let first = Targets::new(now);
        Self {
            gun: gun.clone(),
            root: document,
            old_root: None,
            targets: BTreeMap::from([(Role::TARGETS, first)]),
            unproved: BTreeMap::new(),
            snapshot: None,
            changed: BTreeSet::from([Role::ROOT, Role::TARGETS]),
            held: held(keys),
        }
    }

    /// A repository as it was verified. A role that could not be used cannot be changed.
    pub fn open(trusted: &Trusted, keys: &Keys) -> Self {
        let targets = trusted
            .roles
            .iter()
            .filter_map(|(role, trusted)| Some((role.clone(), trusted.content.clone().ok()?)))
            .collect();
        let unproved = trusted
            .roles
            .iter()
            .filter_map(|(role, trusted)| Some((role.clone(), trusted.unproved.clone()?)))
            .collect();
        Self {
            unproved,
            gun: trusted.gun.clone(),
            root: trusted.root.clone(),
            old_root: Some(trusted.root.clone()),
            targets,
            snapshot: Some(trusted.snapshot.clone()),
            changed: BTreeSet::new(),
            held: held(keys),
        }
    }

    /// Its name.
    pub fn gun(&self) -> &Gun {
        &self.gun
    }

    /// Its root, changed or not.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// A role that holds tags.
    pub fn targets(&self, role: &Role) -> Result<&Targets, Error> {
        self.targets.get(role).ok_or_else(|| Error::Change(format!("`{role}` is not there")))
    }

    pub(super) fn roles_of_tags(&self) -> impl Iterator<Item = &Targets> {
        self.targets.values()
    }

    /// A role to be changed; a delegation without a document gets its first one.
    pub(super) fn edit(&mut self, role: &Role) -> Result<&mut Targets, Error> {
        self.authority(role)?;
        if self.unproved.contains_key(role) {
            return Err(Error::Change(format!(
                "`{role}` cannot be used as it is: look at it, then witness it or delegate anew"
            )));
        }
        self.changed.insert(role.clone());
        let expires = self.root.expires;
        Ok(self
            .targets
            .entry(role.clone())
            .or_insert_with(|| Targets { version: 0, ..Targets::new(expires) }))
    }

    /// Signs a role as it is. Of a role that cannot be used that is the server's word, so that it must be wanted.
    pub(super) fn witness(&mut self, role: &Role) -> Result<(), Error> {
        if let Some(targets) = self.unproved.remove(role) {
            self.targets.insert(role.clone(), targets);
        }
        self.targets(role)?;
        self.edit(role).map(|_| ())
    }

    pub(super) fn change_root(&mut self) -> &mut Root {
        self.changed.insert(Role::ROOT);
        &mut self.root
    }

    pub(super) fn mark(&mut self, role: &Role) {
        self.changed.insert(role.clone());
    }

    pub(super) fn forget(&mut self, role: &Role) {
        let below = format!("{role}/");
        let is_gone = |other: &Role| other == role || other.as_str().starts_with(&below);
        self.targets.retain(|other, _| !is_gone(other));
        self.unproved.retain(|other, _| !is_gone(other));
        self.changed.retain(|other| !is_gone(other));
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.meta.retain(|name, _| name != role.as_str() && !name.starts_with(&below));
        }
    }

    fn authority(&self, role: &Role) -> Result<Authority, Error> {
        let Some(parent) = role.parent() else { return Ok(self.root.authority(role)) };
        self.targets(&parent)?
            .authority(role)
            .ok_or_else(|| Error::Change(format!("there is no delegation `{role}`")))
    }

    /// Whether all who delegate to a role let it hold a tag.
    pub(super) fn may_hold(&self, role: &Role, tag: &str) -> bool {
        let mut role = role.clone();
        while let Some(parent) = role.parent() {
            let covers = self.targets(&parent).is_ok_and(|targets| {
                targets.delegation(&role).is_some_and(|found| found.covers(tag))
            });
            if !covers {
                return false;
            }
            role = parent;
        }
        true
    }

    /// The roles in which Docker signs: all delegations of `targets` whose keys are here, or `targets` if there are none.
    pub(super) fn roles_to_sign(&self) -> Result<Vec<Role>, Error> {
        let targets = self.targets(&Role::TARGETS)?;
        if targets.delegations.is_empty() {
            return Ok(vec![Role::TARGETS]);
        }
        let mut roles = Vec::new();
        for delegation in &targets.delegations {
            let role = Role::parse(&delegation.name)?;
            let authority = self.authority(&role)?;
            if authority.keys.values().any(|key| self.is_held(key)) {
                roles.push(role);
            }
        }
        if roles.is_empty() {
            return Err(Error::Change("no key of any signer is here".to_owned()));
        }
        Ok(roles)
    }

    fn is_held(&self, key: &Key) -> bool {
        key.identity().is_ok_and(|identity| self.held.contains(&identity))
    }

    /// Roles that get their first document, as far as is known here.
    pub fn first_documents(&self) -> Vec<Role> {
        let is_first = |role: &&Role| self.targets.get(*role).is_some_and(|role| role.version == 0);
        self.changed.iter().filter(is_first).cloned().collect()
    }

    /// Counts a role on from a version: the server has documents of a delegation that was there before.
    pub fn count_from(&mut self, role: &Role, version: u64) {
        if let Some(targets) = self.targets.get_mut(role) {
            targets.version = targets.version.max(version);
        }
    }

    /// Whether something is to be published.
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The documents to upload, signed. The snapshot is among them if its key is here.
    pub fn upload(&self, keys: &Keys, now: Timestamp) -> Result<Vec<(Role, Vec<u8>)>, Error> {
        let mut upload = Vec::new();
        let mut root = self.root.clone();
        if self.changed.contains(&Role::ROOT) {
            root.version = self.old_root.as_ref().map_or(1, |old| old.version + 1);
            root.expires = expiry(&Role::ROOT, now);
            upload.push((Role::ROOT, self.seal_root(&root, keys)?));
        }
        for role in self.changed.iter().filter(|role| role.has_targets()) {
            let mut targets = self.targets(role)?.clone();
            let is_first = self.old_root.is_none() && targets.version == 1;
            targets.version += u64::from(!is_first);
            targets.expires = expiry(role, now);
            let authority = self.authority(role)?;
            upload.push((role.clone(), seal_enough(role, &targets.to_map(), &authority, keys)?));
        }
        if let Some(snapshot) = self.own_snapshot(&upload, keys, now)? {
            upload.push((Role::SNAPSHOT, snapshot));
        }
        Ok(upload)
    }

    // A new root is signed by its own keys and by those of the root before.
    fn seal_root(&self, root: &Root, keys: &Keys) -> Result<Vec<u8>, Error> {
        let mut authority = root.authority(&Role::ROOT);
        check_held(&Role::ROOT, &authority, keys)?;
        if let Some(old) = &self.old_root {
            let old = old.authority(&Role::ROOT);
            check_held(&Role::ROOT, &old, keys)?;
            authority.keys.extend(old.keys);
        }
        // A key that has two names here signs under both: each root knows it by its own.
        let signers: Vec<Signer<'_>> = authority
            .keys
            .values()
            .filter_map(|key| Some(Signer { key, private: keys.get(key)? }))
            .collect();
        seal(&Role::ROOT, &root.to_map(), &signers)
    }

    // If the server holds the key, it makes the snapshot.
    fn own_snapshot(
        &self,
        upload: &[(Role, Vec<u8>)],
        keys: &Keys,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, Error> {
        let authority = self.root.authority(&Role::SNAPSHOT);
        if upload.is_empty() || keys.signers(&authority).is_empty() {
            return Ok(None);
        }
        let mut snapshot =
            self.snapshot.clone().unwrap_or_else(|| Meta { version: 0, ..Meta::new(now) });
        snapshot.version += 1;
        snapshot.expires = expiry(&Role::SNAPSHOT, now);
        for (role, bytes) in upload {
            snapshot.meta.insert(role.as_str().to_owned(), FileMeta::of(bytes));
        }
        let map = snapshot.to_map(&Role::SNAPSHOT);
        seal_enough(&Role::SNAPSHOT, &map, &authority, keys).map(Some)
    }
}

fn held(keys: &Keys) -> BTreeSet<String> {
    keys.0.keys().cloned().collect()
}

/// When a role that is signed now expires.
pub(crate) fn expiry(role: &Role, now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(lifetime_hours(role))).unwrap_or(Timestamp::MAX)
}

fn check_held(role: &Role, authority: &Authority, keys: &Keys) -> Result<(), Error> {
    let held = keys.signers(authority).len();
    if (held as u64) < authority.threshold {
        return Err(Error::NoKey { role: role.clone(), needed: authority.threshold, held });
    }
    Ok(())
}

fn seal_enough(
    role: &Role,
    map: &serde_json::Map<String, serde_json::Value>,
    authority: &Authority,
    keys: &Keys,
) -> Result<Vec<u8>, Error> {
    check_held(role, authority, keys)?;
    seal(role, map, &keys.signers(authority))
}
