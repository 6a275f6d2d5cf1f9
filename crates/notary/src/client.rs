//! Looking at a repository: what a tag means, who says so, and what is kept of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sealift_tuf::verify::{FirstUse, Pin, Policy, verify_kept};
use sealift_tuf::{Gun, Limits, Role, State, Trusted, Update};
use serde_json::Value;

use crate::{Error, Pins, Server, States};

// Each look is one of several processes' that want the same: somebody wins each time.
const TRIES_MAX: u32 = 20;

/// What a look may trust.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Pins besides the kept ones.
    pub pins: Vec<Pin>,
    /// Trust what the server shows of a repository that was never seen.
    pub trust_first_use: bool,
    /// Oldest acceptable proof of freshness.
    pub max_staleness: Option<SignedDuration>,
    /// Use what is kept, and not the server.
    pub is_offline: bool,
}

/// What a tag means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTag {
    /// The tag.
    pub tag: String,
    /// SHA-256 of the manifest in lower-case hex.
    pub digest: String,
    /// Length of the manifest in bytes.
    pub length: u64,
    /// What its publisher added.
    pub custom: Option<Value>,
    /// Names of the signers who say the same; `Repo Admin` for `targets`.
    pub signers: Vec<String>,
    /// All roles that say the same, with the keys that signed them. The first one decided.
    pub roles: Vec<RoleProof>,
    /// When the first document that this rests on expires.
    pub expires: Timestamp,
    /// Versions of all documents that this rests on.
    pub versions: BTreeMap<Role, u64>,
    /// When the server said so.
    pub checked_at: Timestamp,
}

/// A role that says something, and who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleProof {
    /// The role.
    pub role: Role,
    /// Ids of the keys that signed, as the parent role has them.
    pub key_ids: Vec<String>,
    /// SHA-256 of those keys themselves, in hex: one key has one, whatever its ids are.
    pub fingerprints: Vec<String>,
}

/// A client of one server.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    /// The server.
    pub server: &'a dyn Server,
    /// What is kept.
    pub states: &'a States,
    /// Kept pins.
    pub pins: &'a Pins,
    /// The time.
    pub now: Timestamp,
}

impl Client<'_> {
    /// The verified repository. What was seen is marked before it is returned.
    pub fn look(&self, gun: &Gun, look: &Look) -> Result<Trusted, Error> {
        let policy = self.policy(gun, look)?;
        for _ in 0..TRIES_MAX {
            let before = self.states.read_kept(gun)?;
            if look.is_offline {
                let nothing = State::new(gun);
                let state = before.state.as_ref().unwrap_or(&nothing);
                return verify_kept(gun, &policy, state, self.now)
                    .map_err(|source| self.refused(gun, source));
            }
            let (trusted, state) = self.update(gun, &policy, before.state.clone())?;
            if self.states.replace(gun, &before, &state)? {
                return Ok(trusted);
            }
        }
        Err(Error::Busy { gun: gun.to_string(), tries: TRIES_MAX })
    }

    fn policy(&self, gun: &Gun, look: &Look) -> Result<Policy, Error> {
        let mut pins = self.pins.of(gun)?;
        pins.extend(look.pins.iter().cloned());
        let first_use = if look.trust_first_use { FirstUse::Trust } else { FirstUse::Refuse };
        let max_staleness = look.max_staleness;
        Ok(Policy { pins, first_use, max_staleness, limits: Limits::default() })
    }

    fn refused(&self, gun: &Gun, source: sealift_tuf::Error) -> Error {
        let (source, state) = (Box::new(source), self.states.marks_path(gun));
        Error::Refused { gun: gun.to_string(), source, state }
    }

    fn update(
        &self,
        gun: &Gun,
        policy: &Policy,
        known: Option<State>,
    ) -> Result<(Trusted, State), Error> {
        let is_known = known.is_some();
        let refused = |source| self.refused(gun, source);
        let mut update = Update::new(gun, policy, known, self.now);
        let mut is_first = true;
        while let Some(wanted) = update.wants() {
            let answer = self.server.document(gun, &wanted.name, wanted.bytes_max)?;
            if is_first && !is_known && answer.is_none() {
                let (server, gun) = (self.server.name(), gun.to_string());
                return Err(Error::NoRepository { server, gun });
            }
            is_first = false;
            update.give(answer.as_deref()).map_err(refused)?;
        }
        update.finish().map_err(refused)
    }

    /// What a tag means. A tag that nobody signed is an error.
    pub fn lookup(&self, gun: &Gun, tag: &str, look: &Look) -> Result<SignedTag, Error> {
        let trusted = self.look(gun, look)?;
        signed_tag(&trusted, tag).map_err(|source| self.refused(gun, source))
    }

    /// All tags that can be used, in order.
    pub fn list(&self, gun: &Gun, look: &Look) -> Result<Vec<SignedTag>, Error> {
        let trusted = self.look(gun, look)?;
        let tags = trusted.tags();
        Ok(tags.iter().filter_map(|line| signed_tag(&trusted, &line.tag).ok()).collect())
    }
}

/// What a verified repository says of a tag.
pub(crate) fn signed_tag(trusted: &Trusted, tag: &str) -> Result<SignedTag, sealift_tuf::Error> {
    let target = trusted.resolve(tag)?;
    let mut roles = Vec::new();
    let mut expires = trusted.root.expires.min(trusted.timestamp.expires);
    expires = expires.min(trusted.snapshot.expires);
    let mut versions = BTreeMap::from([
        (Role::ROOT, trusted.root.version),
        (Role::SNAPSHOT, trusted.snapshot.version),
        (Role::TIMESTAMP, trusted.timestamp.version),
    ]);
    for (role, entry) in &trusted.roles {
        let Ok(targets) = &entry.content else { continue };
        let says_so = entry.says(tag).and_then(sealift_tuf::FileMeta::sha256)
            == Some(target.sha256)
            && !entry.refused_tags.contains_key(tag);
        // Whoever delegates to a role that counts, counts too.
        let is_above = target.role.as_str().starts_with(&format!("{role}/"));
        if says_so || is_above {
            expires = expires.min(targets.expires);
            versions.insert(role.clone(), targets.version);
        }
        if says_so {
            roles.push(proof(role, entry));
        }
    }
    roles.sort_by_key(|proof| proof.role != target.role);
    Ok(SignedTag {
        tag: tag.to_owned(),
        digest: target.digest(),
        length: target.length,
        custom: target.custom,
        signers: target.signers,
        roles,
        expires,
        versions,
        checked_at: trusted.checked_at,
    })
}

fn proof(role: &Role, entry: &sealift_tuf::verify::TrustedRole) -> RoleProof {
    let mut key_ids = Vec::new();
    for (id, key) in &entry.authority.keys {
        if key.identity().is_ok_and(|identity| entry.signed_by.contains(&identity)) {
            key_ids.push(id.clone());
        }
    }
    RoleProof {
        role: role.clone(),
        key_ids,
        fingerprints: entry.signed_by.iter().cloned().collect(),
    }
}
