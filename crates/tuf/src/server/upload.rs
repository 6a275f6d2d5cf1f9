//! Judging an upload: the checks of notary-server in its order, with its words where clients know them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::refusal::notary_text;
use super::{Code, NewDocument, Refusal, Server, StoreError};
use crate::envelope::write;
use crate::publish::expiry;
use crate::verify::{check_root, check_self_signed};
use crate::{Authority, Envelope, Error, FileMeta, Gun, Meta, Role, Root, Targets};

/// An upload on its way: what it brings, and what is loaded to judge it.
struct Judgement<'a> {
    server: &'a Server<'a>,
    gun: &'a Gun,
    now: Timestamp,
    root: Root,
    root_bytes: Vec<u8>,
    // Of the upload and, where needed to judge it, of the store.
    loaded: BTreeMap<Role, Targets>,
    accepted: Vec<NewDocument>,
}

/// Reads the files of an upload: name of a role, and the document.
pub(super) fn read_files(
    server: &Server<'_>,
    files: &[(String, Vec<u8>)],
) -> Result<BTreeMap<Role, Envelope>, Refusal> {
    let mut read = BTreeMap::new();
    for (name, bytes) in files {
        let name = name.strip_suffix(".json").unwrap_or(name);
        if name.is_empty() {
            return Err(Refusal::plain(Code::NoFilename));
        }
        let role = Role::parse(name)
            .map_err(|_| Refusal::with(Code::InvalidRole, json!(crate::error::printable(name))))?;
        let envelope = Envelope::parse(bytes, &role, server.limits())
            .map_err(|_| Refusal::plain(Code::MalformedJson))?;
        if read.insert(role, envelope).is_some() {
            return Err(Refusal::plain(Code::MalformedUpload));
        }
    }
    // Docker sends empty forms when it has nothing to say, and takes a refusal for a failure.
    Ok(read)
}

/// Judges an upload; returns what to store, with the server's own documents.
pub(super) fn judge(
    server: &Server<'_>,
    gun: &Gun,
    files: &BTreeMap<Role, Envelope>,
    now: Timestamp,
) -> Result<Vec<NewDocument>, Refusal> {
    let stored = stored_root(server, gun)?;
    let (root, root_bytes, accepted) = match (files.get(&Role::ROOT), stored) {
        (Some(envelope), stored) => {
            let root =
                judge_root(server, gun, envelope, stored.as_ref().map(|(root, _)| root), now)?;
            let document = new_document(&Role::ROOT, root.version, root.expires, envelope.bytes());
            (root, envelope.bytes().to_vec(), vec![document])
        }
        (None, Some((root, bytes))) => (root, bytes, Vec::new()),
        (None, None) => {
            let text = "no pre-existing root and no root provided in update.";
            return Err(Refusal::invalid("ErrValidation", text));
        }
    };
    let mut judgement =
        Judgement { server, gun, now, root, root_bytes, loaded: BTreeMap::new(), accepted };
    let mut roles: Vec<&Role> = files.keys().filter(|role| role.has_targets()).collect();
    roles.sort_by_key(|role| (role.depth(), role.as_str()));
    for role in roles {
        judgement.judge_targets(role, &files[role])?;
    }
    judgement.add_snapshot(files.get(&Role::SNAPSHOT))?;
    Ok(judgement.accepted)
}

fn stored_root(server: &Server<'_>, gun: &Gun) -> Result<Option<(Root, Vec<u8>)>, Refusal> {
    let Some(document) = server.store().newest(gun, &Role::ROOT)? else { return Ok(None) };
    let root = Envelope::parse(&document.bytes, &Role::ROOT, server.limits())
        .and_then(|envelope| Root::read(&envelope, server.limits()))
        .map_err(|_| Refusal::plain(Code::Updating))?;
    Ok(Some((root, document.bytes)))
}

fn judge_root(
    server: &Server<'_>,
    gun: &Gun,
    envelope: &Envelope,
    stored: Option<&Root>,
    now: Timestamp,
) -> Result<Root, Refusal> {
    let bad = |text: &str| Refusal::invalid("ErrBadRoot", text);
    let current = stored.map_or(1, |root| root.version);
    let new = envelope.signed().get("version").and_then(Value::as_u64).unwrap_or(0);
    if new != current && new != current + 1 {
        return Err(bad(&format!(
            "Root modifications must increment the version. Current {current}, new {new}"
        )));
    }
    let judge = || -> Result<Root, Error> {
        let root = Root::read(envelope, server.limits())?;
        match stored {
            Some(previous) => check_root(envelope, &root, previous, gun, Some(now))?,
            None => check_self_signed(envelope, &root, gun, Some(now))?,
        }
        check_expiry(&Role::ROOT, root.expires, now)?;
        Ok(root)
    };
    judge().map_err(|error| bad(&notary_text(&error)))
}

fn check_expiry(role: &Role, at: Timestamp, now: Timestamp) -> Result<(), Error> {
    if at < now { Err(Error::Expired { role: role.clone(), at }) } else { Ok(()) }
}

fn new_document(role: &Role, version: u64, expires: Timestamp, bytes: &[u8]) -> NewDocument {
    NewDocument { role: role.clone(), version, bytes: bytes.to_vec(), expires }
}

impl Judgement<'_> {
    fn judge_targets(&mut self, role: &Role, envelope: &Envelope) -> Result<(), Refusal> {
        let bad = |error: &Error| Refusal::invalid("ErrBadTargets", &notary_text(error));
        self.load_ancestors(role)?;
        let authority = self.authority(role).ok_or_else(|| {
            let text = format!("tuf: invalid role {role}. delegation does not exist");
            Refusal::invalid("ErrBadTargets", &text)
        })?;
        let judge = || -> Result<Targets, Error> {
            envelope.check_signatures(role, &authority)?;
            let targets = Targets::read(envelope, role, self.server.limits())?;
            check_expiry(role, targets.expires, self.now)?;
            Ok(targets)
        };
        let targets = judge().map_err(|error| bad(&error))?;
        let document = new_document(role, targets.version, targets.expires, envelope.bytes());
        self.accepted.push(document);
        self.loaded.insert(role.clone(), targets);
        Ok(())
    }

    // A delegation is judged by what its parents say, uploaded or stored; each parent by its own parents.
    fn load_ancestors(&mut self, role: &Role) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        let mut next = role.parent();
        while let Some(parent) = next {
            next = parent.parent();
            if !self.loaded.contains_key(&parent) {
                missing.push(parent);
            }
        }
        for parent in missing.into_iter().rev() {
            let Some(document) = self.server.store().newest(self.gun, &parent)? else { continue };
            let Some(authority) = self.authority(&parent) else { continue };
            let limits = self.server.limits();
            let targets = Envelope::parse(&document.bytes, &parent, limits)
                .and_then(|envelope| {
                    envelope.check_signatures(&parent, &authority)?;
                    Targets::read(&envelope, &parent, limits)
                })
                .map_err(|error| Refusal::invalid("ErrBadTargets", &notary_text(&error)))?;
            self.loaded.insert(parent, targets);
        }
        Ok(())
    }

    fn authority(&self, role: &Role) -> Option<Authority> {
        match role.parent() {
            None => Some(self.root.authority(role)),
            Some(parent) => self.loaded.get(&parent)?.authority(role),
        }
    }

    fn add_snapshot(&mut self, uploaded: Option<&Envelope>) -> Result<(), Refusal> {
        let (bytes, snapshot) = match uploaded {
            Some(envelope) => (envelope.bytes().to_vec(), self.judge_snapshot(envelope)?),
            None => self.make_snapshot()?,
        };
        let document = new_document(&Role::SNAPSHOT, snapshot.version, snapshot.expires, &bytes);
        self.accepted.push(document);
        // Whoever publishes meanwhile brings a snapshot of the same version.
        let current = self.server.store().newest(self.gun, &Role::TIMESTAMP)?;
        let follows = (current.map_or(0, |document| document.version), self.now);
        let of = (bytes.as_slice(), snapshot.expires);
        let timestamp = self.server.make_timestamp(self.gun, &self.root, of, follows)?;
        self.accepted.push(timestamp);
        Ok(())
    }

    // A publisher who holds the key of the snapshot must tell of exactly what is uploaded and stored.
    fn judge_snapshot(&self, envelope: &Envelope) -> Result<Meta, Refusal> {
        let role = Role::SNAPSHOT;
        let bad = |error: Error| Refusal::invalid("ErrBadSnapshot", &notary_text(&error));
        envelope.check_signatures(&role, &self.root.authority(&role)).map_err(bad)?;
        let snapshot = Meta::read(envelope, &role).map_err(bad)?;
        check_expiry(&role, snapshot.expires, self.now).map_err(bad)?;
        for name in snapshot.meta.keys() {
            let said = Role::parse(name).map_err(bad)?;
            let bytes = match self.accepted.iter().find(|document| document.role == said) {
                Some(document) => document.bytes.clone(),
                None if said == Role::ROOT => self.root_bytes.clone(),
                None => match self.server.store().newest(self.gun, &said)? {
                    Some(document) => document.bytes,
                    None => return Err(bad(Error::Missing(said.to_string()))),
                },
            };
            snapshot.meta[name].check(&said, &role, &bytes).map_err(bad)?;
        }
        for document in &self.accepted {
            if !snapshot.meta.contains_key(document.role.as_str()) {
                return Err(bad(Error::NoHash { role: document.role.clone(), by: role }));
            }
        }
        Ok(snapshot)
    }

    fn make_snapshot(&self) -> Result<(Vec<u8>, Meta), Refusal> {
        let role = Role::SNAPSHOT;
        let mut snapshot = match self.server.store().newest(self.gun, &role)? {
            Some(document) => Envelope::parse(&document.bytes, &role, self.server.limits())
                .and_then(|envelope| Meta::read(&envelope, &role))
                .map_err(|_| Refusal::plain(Code::Updating))?,
            None if self.loaded.contains_key(&Role::TARGETS) => {
                Meta { version: 0, ..Meta::new(self.now) }
            }
            None => return Err(Refusal::invalid("ErrValidation", "targets must be loaded first")),
        };
        for document in &self.accepted {
            let meta = FileMeta::of(&document.bytes);
            snapshot.meta.insert(document.role.as_str().to_owned(), meta);
        }
        // A role that is no more delegated to must not come back with its old content.
        let is_left = |name: &String| {
            let Ok(role) = Role::parse(name) else { return false };
            let parent = role.parent().and_then(|parent| self.loaded.get(&parent));
            parent.is_none_or(|parent| parent.delegation(&role).is_some())
        };
        snapshot.meta.retain(|name, _| is_left(name));
        snapshot.version += 1;
        snapshot.expires = expiry(&role, self.now);
        let map = snapshot.to_map(&role);
        let bytes = self.server.seal(self.gun, &role, &self.root, &map)?.ok_or_else(|| {
            let text = "no snapshot was included in update and server does not hold current snapshot key for repository";
            let error = json!({ "Missing": "snapshot", "Msg": text });
            Refusal::with(Code::InvalidUpdate, json!({ "Name": "ErrBadHierarchy", "Error": error }))
        })?;
        Ok((bytes, snapshot))
    }
}

impl Server<'_> {
    /// Signs a document of the server's; nothing if too few keys of the role are here.
    pub(super) fn seal(
        &self,
        gun: &Gun,
        role: &Role,
        root: &Root,
        map: &Map<String, Value>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let authority = root.authority(role);
        let fail = |error: Error| StoreError::Failed(error.to_string());
        let canonical = sealift_crypto::canonical_json::olpc(&Value::Object(map.clone()))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let signatures = self.keys().sign(gun, role, &authority, &canonical)?;
        if signatures.is_empty() || (signatures.len() as u64) < authority.threshold {
            return Ok(None);
        }
        write(role, &canonical, &signatures).map(Some).map_err(fail)
    }

    /// A timestamp over a snapshot with its expiry; it follows one of this version, and is made at this time.
    pub(super) fn make_timestamp(
        &self,
        gun: &Gun,
        root: &Root,
        (snapshot, snapshot_expires): (&[u8], Timestamp),
        (previous, now): (u64, Timestamp),
    ) -> Result<NewDocument, Refusal> {
        let role = Role::TIMESTAMP;
        let version = previous.saturating_add(1);
        let mut timestamp = Meta { version, ..Meta::new(expiry(&role, now)) };
        timestamp.meta.insert(Role::SNAPSHOT.as_str().to_owned(), FileMeta::of(snapshot));
        let map = timestamp.to_map(&role);
        let bytes = self.seal(gun, &role, root, &map)?.ok_or_else(|| {
            Refusal::invalid("ErrBadRoot", "no  timestamp keys exist on the server")
        })?;
        // It has to be made again when either of them ends.
        let expires = timestamp.expires.min(snapshot_expires);
        Ok(NewDocument { role, version, bytes, expires })
    }
}
