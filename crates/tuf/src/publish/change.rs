//! Changes of a repository.

use serde_json::{Value, json};

use super::Repository;
use crate::document::Delegation;
use crate::verify::counter_of;
use crate::{Error, FileMeta, Key, Role, Targets};

/// A change that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A person who may sign tags: a delegation of that name, and a place among the keys of `targets/releases`.
    AddSigner {
        /// Name.
        name: String,
        /// Keys; any of them is enough.
        keys: Vec<Key>,
    },
    /// The opposite.
    RemoveSigner {
        /// Name.
        name: String,
    },
    /// A tag in all delegations whose keys are here, or in `targets` if there are no delegations.
    SignTag {
        /// The tag.
        tag: String,
        /// The manifest.
        file: FileMeta,
        /// Counts this release, from here on at least, so that verifiers can tell an older one from a return on purpose.
        /// Seconds since 1970 are a good start: publishers who do not count drop what others counted.
        count_from: Option<u64>,
    },
    /// A tag in one role.
    SignTagIn {
        /// The role.
        role: Role,
        /// The tag.
        tag: String,
        /// The manifest.
        file: FileMeta,
    },
    /// No such tag any more, in all roles whose keys are here.
    RevokeTag {
        /// The tag.
        tag: String,
    },
    /// No such tag any more, in one role.
    RevokeTagIn {
        /// The role.
        role: Role,
        /// The tag.
        tag: String,
    },
    /// The same content signed again by the keys that are here.
    Witness {
        /// The role.
        role: Role,
    },
    /// A delegation made or altered.
    Delegate(DelegationChange),
    /// No such delegation any more.
    Undelegate {
        /// The role.
        role: Role,
    },
    /// Other keys for one of the four roles.
    Rotate {
        /// The role.
        role: Role,
        /// All its keys from now on.
        keys: Vec<Key>,
        /// How many must sign.
        threshold: u64,
    },
}

/// What shall be different about a delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationChange {
    /// The role.
    pub role: Role,
    /// Keys that come.
    pub add_keys: Vec<Key>,
    /// Ids of keys that go.
    pub remove_keys: Vec<String>,
    /// Prefixes of tags that come; the empty one is for all.
    pub add_paths: Vec<String>,
    /// Prefixes that go.
    pub remove_paths: Vec<String>,
    /// All prefixes go, before others come.
    pub clear_paths: bool,
    /// How many keys must sign; one, for a new delegation.
    pub threshold: Option<u64>,
}

impl DelegationChange {
    /// Nothing yet.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            add_keys: Vec::new(),
            remove_keys: Vec::new(),
            add_paths: Vec::new(),
            remove_paths: Vec::new(),
            clear_paths: false,
            threshold: None,
        }
    }
}

impl Repository {
    /// Makes a change. Nothing is changed if it fails.
    pub fn apply(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::AddSigner { name, keys } => self.add_signer(name, keys),
            Change::RemoveSigner { name } => self.remove_signer(name),
            Change::SignTag { tag, file, count_from } => self.sign_tag(tag, file, *count_from),
            Change::SignTagIn { role, tag, file } => self.set_tag(role, tag, file.clone()),
            Change::RevokeTag { tag } => self.revoke_tag(tag),
            Change::RevokeTagIn { role, tag } => self.unset_tag(role, tag),
            Change::Witness { role } => self.witness(role),
            Change::Delegate(change) => self.delegate(change),
            Change::Undelegate { role } => self.undelegate(role),
            Change::Rotate { role, keys, threshold } => self.rotate(role, keys, *threshold),
        }
    }

    fn add_signer(&mut self, name: &str, keys: &[Key]) -> Result<(), Error> {
        let role = Role::of_signer(name)?;
        if keys.is_empty() {
            return Err(Error::Change(format!("signer `{name}` needs a key")));
        }
        for role in [role, Role::RELEASES] {
            let mut change = DelegationChange::new(role);
            change.add_keys = keys.to_vec();
            change.add_paths = vec![String::new()];
            self.delegate(&change)?;
        }
        Ok(())
    }

    fn remove_signer(&mut self, name: &str) -> Result<(), Error> {
        let role = Role::of_signer(name)?;
        let targets = self.targets(&Role::TARGETS)?;
        let gone = targets
            .delegation(&role)
            .ok_or_else(|| Error::Change(format!("there is no signer `{name}`")))?
            .key_ids
            .clone();
        // A key may be another signer's too.
        let is_kept = |id: &String| {
            let others = targets.delegations.iter().filter(|other| {
                other.name != role.as_str() && other.name != Role::RELEASES.as_str()
            });
            others.into_iter().any(|other| other.key_ids.contains(id))
        };
        let remove_keys: Vec<String> = gone.into_iter().filter(|id| !is_kept(id)).collect();
        if let Some(releases) = targets.delegation(&Role::RELEASES) {
            let n_left = releases.key_ids.iter().filter(|id| !remove_keys.contains(id)).count();
            if (n_left as u64) < releases.threshold {
                let role = Role::RELEASES;
                return Err(Error::Change(format!("without `{name}` nobody could sign `{role}`")));
            }
            let change = DelegationChange { remove_keys, ..DelegationChange::new(Role::RELEASES) };
            self.delegate(&change)?;
        }
        self.undelegate(&role)
    }

    fn sign_tag(
        &mut self,
        tag: &str,
        file: &FileMeta,
        count_from: Option<u64>,
    ) -> Result<(), Error> {
        let mut file = file.clone();
        if let Some(least) = count_from {
            let counters =
                self.roles_of_tags().filter_map(|targets| counter_of(targets.targets.get(tag)?));
            let next = counters.max().unwrap_or(0).saturating_add(1).max(least);
            let custom = file.custom.get_or_insert_with(|| Value::Object(serde_json::Map::new()));
            let Some(custom) = custom.as_object_mut() else {
                return Err(Error::Change("what goes with a tag must be a JSON object".to_owned()));
            };
            custom.insert("sealift".to_owned(), json!({ "counter": next }));
        }
        for role in self.roles_to_sign()? {
            self.set_tag(&role, tag, file.clone())?;
        }
        Ok(())
    }

    fn revoke_tag(&mut self, tag: &str) -> Result<(), Error> {
        let mut n_found = 0;
        for role in self.roles_to_sign()? {
            if self.targets(&role).is_ok_and(|targets| targets.targets.contains_key(tag)) {
                self.unset_tag(&role, tag)?;
                n_found += 1;
            }
        }
        if n_found == 0 {
            let tag = crate::error::printable(tag);
            return Err(Error::Change(format!("no role whose key is here has a tag `{tag}`")));
        }
        Ok(())
    }

    fn set_tag(&mut self, role: &Role, tag: &str, file: FileMeta) -> Result<(), Error> {
        if !crate::name::is_tag(tag) {
            return Err(Error::Change(format!("`{}` is not a tag", crate::error::printable(tag))));
        }
        if !self.may_hold(role, tag) {
            return Err(Error::Change(format!("`{role}` may not hold the tag `{tag}`")));
        }
        self.edit(role)?.targets.insert(tag.to_owned(), file);
        Ok(())
    }

    fn unset_tag(&mut self, role: &Role, tag: &str) -> Result<(), Error> {
        if !self.targets(role).is_ok_and(|targets| targets.targets.contains_key(tag)) {
            let tag = crate::error::printable(tag);
            return Err(Error::Change(format!("`{role}` has no tag `{tag}`")));
        }
        self.edit(role)?.targets.remove(tag);
        Ok(())
    }

    fn delegate(&mut self, change: &DelegationChange) -> Result<(), Error> {
        let role = &change.role;
        let parent =
            role.parent().ok_or_else(|| Error::Change(format!("`{role}` is not a delegation")))?;
        let old = self.targets(&parent)?;
        let mut delegation = old.delegation(role).cloned().unwrap_or_else(|| Delegation {
            key_ids: Vec::new(),
            name: role.as_str().to_owned(),
            paths: Vec::new(),
            threshold: 1,
        });
        delegation.key_ids.retain(|id| !change.remove_keys.contains(id));
        for key in &change.add_keys {
            key.public_key()?;
            if !delegation.key_ids.iter().any(|id| id == key.id()) {
                delegation.key_ids.push(key.id().to_owned());
            }
        }
        if change.clear_paths {
            delegation.paths.clear();
        }
        delegation.paths.retain(|path| !change.remove_paths.contains(path));
        for path in &change.add_paths {
            if !delegation.paths.contains(path) {
                delegation.paths.push(path.clone());
            }
        }
        delegation.threshold = change.threshold.unwrap_or(delegation.threshold);
        check_delegation(role, &delegation)?;
        let targets = self.edit(&parent)?;
        targets.keys.extend(change.add_keys.iter().map(|key| (key.id().to_owned(), key.clone())));
        set_delegation(targets, delegation);
        targets.drop_unused_keys();
        Ok(())
    }

    fn undelegate(&mut self, role: &Role) -> Result<(), Error> {
        let parent =
            role.parent().ok_or_else(|| Error::Change(format!("`{role}` is not a delegation")))?;
        if self.targets(&parent)?.delegation(role).is_none() {
            return Err(Error::Change(format!("there is no delegation `{role}`")));
        }
        let targets = self.edit(&parent)?;
        targets.delegations.retain(|delegation| delegation.name != role.as_str());
        targets.drop_unused_keys();
        self.forget(role);
        Ok(())
    }
}

fn check_delegation(role: &Role, delegation: &Delegation) -> Result<(), Error> {
    let n_keys = delegation.key_ids.len();
    if delegation.threshold < 1 || delegation.threshold > n_keys as u64 {
        let threshold = delegation.threshold;
        return Err(Error::Change(format!("`{role}` would need {threshold} of {n_keys} keys")));
    }
    Ok(())
}

// In order of names, as Docker has them.
fn set_delegation(targets: &mut Targets, delegation: Delegation) {
    match targets.delegations.iter_mut().find(|old| old.name == delegation.name) {
        Some(old) => *old = delegation,
        None => targets.delegations.push(delegation),
    }
}
