//! A repository that was verified: who may say what, and what was said.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::{Authority, Error, FileMeta, Gun, Meta, Role, Root, Targets};

/// A verified repository.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// Its name.
    pub gun: Gun,
    /// Its root.
    pub root: Root,
    /// Its snapshot.
    pub snapshot: Meta,
    /// Its timestamp.
    pub timestamp: Meta,
    /// `targets` and all delegations that were published.
    pub roles: BTreeMap<Role, TrustedRole>,
    /// Delegations that have keys and no document yet.
    pub unpublished: Vec<Role>,
    /// When the server said so.
    pub checked_at: Timestamp,
}

/// A role that holds tags.
#[derive(Clone, Debug)]
pub struct TrustedRole {
    /// Who may sign it.
    pub authority: Authority,
    /// Prefixes of the tags that it may hold.
    pub paths: Vec<String>,
    /// Identities of the keys that signed it; empty if it cannot be used.
    pub signed_by: BTreeSet<String>,
    /// Its content, or why it cannot be used.
    pub content: Result<Targets, Error>,
    /// What a role says that cannot be used. It proves nothing; a publisher may look at it and sign it again.
    pub unproved: Option<Targets>,
    /// Tags that went back.
    pub refused_tags: BTreeMap<String, Error>,
}

/// What a tag points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// SHA-256 of the manifest.
    pub sha256: [u8; 32],
    /// Length of the manifest.
    pub length: u64,
    /// What its publisher added.
    pub custom: Option<Value>,
    /// The role that decided.
    pub role: Role,
    /// Names of the signers who say the same.
    pub signers: Vec<String>,
}

/// A line of `trust inspect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTag {
    /// The tag.
    pub tag: String,
    /// SHA-256 of the manifest in hex.
    pub digest: String,
    /// Names of the signers who say the same; `Repo Admin` for `targets`.
    pub signers: Vec<String>,
}

/// The release counter of a tag, as our publisher writes it.
pub(crate) fn counter_of(file: &FileMeta) -> Option<u64> {
    file.custom.as_ref()?.get("sealift")?.get("counter")?.as_u64()
}

impl Target {
    /// SHA-256 of the manifest in lower-case hex.
    pub fn digest(&self) -> String {
        crate::hash::hex(&self.sha256)
    }
}

impl TrustedRole {
    fn covers(&self, tag: &str) -> bool {
        self.paths.iter().any(|prefix| tag.starts_with(prefix))
    }

    /// What it says of a tag, if it may.
    pub fn says(&self, tag: &str) -> Option<&FileMeta> {
        let targets = self.content.as_ref().ok()?;
        targets.targets.get(tag).filter(|_| self.covers(tag))
    }
}

impl Trusted {
    /// What a tag points to. Docker looks in `targets/releases`, then in `targets`; a role that should have an answer
    /// and cannot be used is a refusal, not a reason to look further.
    pub fn resolve(&self, tag: &str) -> Result<Target, Error> {
        for role in [Role::RELEASES, Role::TARGETS] {
            let Some(trusted) = self.roles.get(&role) else { continue };
            if let Err(reason) = &trusted.content {
                if !trusted.covers(tag) {
                    continue;
                }
                return Err(Error::RefusedRole { role, reason: Box::new(reason.clone()) });
            }
            let Some(file) = trusted.says(tag) else { continue };
            if let Some(error) = trusted.refused_tags.get(tag) {
                return Err(error.clone());
            }
            let sha256 =
                file.sha256().ok_or_else(|| Error::TagHash(crate::error::printable(tag)))?;
            let (length, custom) = (file.length, file.custom.clone());
            let signers = self.signers_of(tag, sha256);
            return Ok(Target { sha256, length, custom, role, signers });
        }
        Err(Error::UnknownTag(crate::error::printable(tag)))
    }

    // Signers are the delegations of `targets` besides `releases`.
    fn signers_of(&self, tag: &str, sha256: [u8; 32]) -> Vec<String> {
        let says_so = |trusted: &TrustedRole| {
            trusted.says(tag).and_then(FileMeta::sha256) == Some(sha256)
                && !trusted.refused_tags.contains_key(tag)
        };
        let mut signers: Vec<String> = self
            .roles
            .iter()
            .filter(|(role, trusted)| {
                role.depth() == 1 && **role != Role::RELEASES && says_so(trusted)
            })
            .filter_map(|(role, _)| role.signer_name().map(str::to_owned))
            .collect();
        if signers.is_empty() && self.roles.get(&Role::TARGETS).is_some_and(says_so) {
            signers.push("Repo Admin".to_owned());
        }
        signers
    }

    /// All tags that can be used, in order.
    pub fn tags(&self) -> Vec<SignedTag> {
        let names = [Role::RELEASES, Role::TARGETS]
            .iter()
            .filter_map(|role| self.roles.get(role)?.content.as_ref().ok())
            .flat_map(|targets| targets.targets.keys())
            .collect::<BTreeSet<_>>();
        let line = |tag: &String| {
            let target = self.resolve(tag).ok()?;
            let digest = crate::hash::hex(&target.sha256);
            Some(SignedTag { tag: tag.clone(), digest, signers: target.signers })
        };
        names.into_iter().filter_map(line).collect()
    }

    /// Signers and the ids of their keys, in order.
    pub fn signers(&self) -> Vec<(String, Vec<String>)> {
        let Some(Ok(targets)) = self.roles.get(&Role::TARGETS).map(|role| &role.content) else {
            return Vec::new();
        };
        let mut signers: Vec<(String, Vec<String>)> = targets
            .delegations
            .iter()
            .filter(|delegation| delegation.name != Role::RELEASES.as_str())
            .filter_map(|delegation| {
                let name = delegation.name.strip_prefix("targets/")?;
                Some((name.to_owned(), delegation.key_ids.clone()))
            })
            .collect();
        signers.sort();
        signers
    }

    /// Everything that was refused, in order, for a report.
    pub fn refusals(&self) -> Vec<Error> {
        let mut refusals = Vec::new();
        for (role, trusted) in &self.roles {
            if let Err(reason) = &trusted.content {
                refusals.push(Error::RefusedRole {
                    role: role.clone(),
                    reason: Box::new(reason.clone()),
                });
            }
            refusals.extend(trusted.refused_tags.values().cloned());
        }
        refusals
    }
}
