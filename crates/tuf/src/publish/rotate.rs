//! Other keys for the four roles.

use super::Repository;
use crate::{Error, Key, Role};

impl Repository {
    /// Gives a role other keys. What it signed is signed again where the publisher does that.
    pub(super) fn rotate(
        &mut self,
        role: &Role,
        keys: &[Key],
        threshold: u64,
    ) -> Result<(), Error> {
        if !Role::BASE.contains(role) {
            return Err(Error::Change(format!("keys of `{role}` are changed as a delegation")));
        }
        let mut identities = std::collections::BTreeSet::new();
        for key in keys {
            identities.insert(key.identity()?);
            let is_ours = key
                .certificates()
                .first()
                .is_some_and(|leaf| leaf.common_name() == Some(self.gun().as_str()));
            if *role == Role::ROOT && !is_ours {
                let gun = self.gun();
                return Err(Error::Change(format!("a root key must be a certificate for `{gun}`")));
            }
        }
        // One key under two names is one signer.
        if threshold < 1 || threshold > identities.len() as u64 {
            let n_keys = identities.len();
            return Err(Error::Change(format!("`{role}` would need {threshold} of {n_keys} keys")));
        }
        self.change_root().set_role(role, keys, threshold);
        if *role == Role::TARGETS {
            self.mark(role);
        }
        Ok(())
    }
}
