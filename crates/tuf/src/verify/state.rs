//! What is kept of a repository between two looks: the highest versions ever seen, tags, and the documents themselves.
//!
//! Versions only rise. Docker keeps none of delegations, so that a server can take a signer's tags back to what they
//! were; here each role and each tag has its mark.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sealift_crypto::strict_json;
use serde::{Deserialize, Serialize};

use super::Pin;
use super::trusted::counter_of;
use crate::{Envelope, Error, FileMeta, Gun, Limits, Meta, Role, Root, Targets};

const PAST_MAX: usize = 16;

/// What is kept of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    gun: String,
    checked_at: i64,
    // The pins that a root of the chain up to here was signed by.
    pins: BTreeSet<String>,
    marks: BTreeMap<String, Mark>,
    tags: BTreeMap<String, BTreeMap<String, TagMark>>,
    documents: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    version: u64,
    content: String,
    // Nobody delegated to it when it was looked for last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_gone: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TagMark {
    digest: String,
    counter: Option<u64>,
    past: Vec<String>,
}

impl State {
    /// Nothing kept yet.
    pub fn new(gun: &Gun) -> Self {
        Self {
            gun: gun.to_string(),
            checked_at: 0,
            pins: BTreeSet::new(),
            marks: BTreeMap::new(),
            tags: BTreeMap::new(),
            documents: BTreeMap::new(),
        }
    }

    /// What another program kept of a repository after it had verified it. Versions are believed, tags are not counted.
    pub fn from_documents(gun: &Gun, documents: &BTreeMap<Role, Vec<u8>>) -> Result<Self, Error> {
        let mut state = Self::new(gun);
        for (role, bytes) in documents {
            let envelope = Envelope::parse(bytes, role, &Limits::default())?;
            let version = match role.as_str() {
                "root" => Root::read(&envelope, &Limits::default())?.version,
                "snapshot" | "timestamp" => Meta::read(&envelope, role)?.version,
                _ => Targets::read(&envelope, role, &Limits::default())?.version,
            };
            state.keep(role, version, &envelope);
        }
        Ok(state)
    }

    /// Reads what was kept. What cannot be read is an error: forgetting would open the way back.
    pub fn from_json(gun: &Gun, bytes: &[u8]) -> Result<Self, Error> {
        let error = |reason: String| Error::State { gun: gun.to_string(), reason };
        let state: Self = strict_json::from_slice(bytes, "state of a repository")
            .map_err(|source| error(source.to_string()))?;
        if state.gun != gun.as_str() {
            return Err(error("it is of another repository".to_owned()));
        }
        Ok(state)
    }

    /// What to keep.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("all keys are text")
    }

    /// The kept documents, by role. They can be fetched again, unlike the rest.
    pub fn documents(&self) -> &BTreeMap<String, String> {
        &self.documents
    }

    /// The same with these documents: those of them that are what the marks say.
    #[must_use]
    pub fn with_documents(mut self, documents: BTreeMap<String, String>) -> Self {
        let is_marked = |name: &str, text: &str| {
            let Ok(role) = Role::parse(name) else { return false };
            let Some(mark) = self.marks.get(name) else { return false };
            Envelope::parse(text.as_bytes(), &role, &Limits::default())
                .is_ok_and(|envelope| envelope.content_id() == mark.content)
        };
        let documents =
            documents.into_iter().filter(|(name, text)| is_marked(name, text)).collect();
        self.documents = documents;
        self
    }

    /// When the server was asked last.
    pub fn checked_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.checked_at).ok().filter(|_| self.checked_at > 0)
    }

    pub(super) fn set_checked_at(&mut self, now: Timestamp) {
        self.checked_at = now.as_second();
    }

    pub(super) fn is_pinned_by(&self, pins: &[Pin]) -> bool {
        pins.iter().any(|pin| self.pins.contains(&pin.name()))
    }

    pub(super) fn add_pins(&mut self, pins: &[&Pin]) {
        self.pins.extend(pins.iter().map(|pin| pin.name()));
    }

    /// The kept document of a role.
    pub fn document(&self, role: &Role) -> Option<&[u8]> {
        self.documents.get(role.as_str()).map(String::as_bytes)
    }

    /// The highest version of a role that was seen.
    pub fn version(&self, role: &Role) -> Option<u64> {
        self.marks.get(role.as_str()).map(|mark| mark.version)
    }

    /// Refuses a document that is older than what was seen, or another of the same version.
    pub(super) fn check(
        &self,
        role: &Role,
        version: u64,
        envelope: &Envelope,
    ) -> Result<(), Error> {
        let Some(mark) = self.marks.get(role.as_str()) else { return Ok(()) };
        if version < mark.version {
            return Err(Error::Rollback { role: role.clone(), version, known: mark.version });
        }
        if version == mark.version && envelope.content_id() != mark.content {
            return Err(Error::Forked { role: role.clone(), version });
        }
        Ok(())
    }

    /// Raises a mark and keeps the document.
    pub(super) fn keep(&mut self, role: &Role, version: u64, envelope: &Envelope) {
        let mark = Mark { version, content: envelope.content_id(), is_gone: false };
        self.marks.insert(role.as_str().to_owned(), mark);
        let text = String::from_utf8_lossy(envelope.bytes()).into_owned();
        self.documents.insert(role.as_str().to_owned(), text);
    }

    /// The roles that have marks.
    pub(super) fn roles(&self) -> Vec<Role> {
        self.marks.keys().filter_map(|name| Role::parse(name).ok()).collect()
    }

    /// Notes that nobody delegates to a role any more.
    pub(super) fn set_gone(&mut self, role: &Role) {
        if let Some(mark) = self.marks.get_mut(role.as_str()) {
            mark.is_gone = true;
        }
    }

    /// Whether a role that is delegated to must have a document.
    pub(super) fn is_expected(&self, role: &Role) -> bool {
        self.marks.get(role.as_str()).is_some_and(|mark| !mark.is_gone)
    }

    /// Drops mark and document of a role whose old key may have lied.
    pub(super) fn forget(&mut self, role: &Role) {
        self.marks.remove(role.as_str());
        self.documents.remove(role.as_str());
    }

    /// Drops documents of roles that are no more; their marks stay.
    pub(super) fn drop_documents_except(&mut self, roles: &[&Role]) {
        self.documents.retain(|name, _| roles.iter().any(|role| role.as_str() == name));
    }

    /// Looks at the tags of a role; what went back is refused and keeps its mark.
    pub(super) fn check_tags(&mut self, role: &Role, targets: &Targets) -> BTreeMap<String, Error> {
        let marks = self.tags.entry(role.as_str().to_owned()).or_default();
        let mut refused = BTreeMap::new();
        for (tag, file) in &targets.targets {
            if let Err(error) = check_tag(marks, tag, file) {
                refused.insert(tag.clone(), error);
            }
        }
        refused
    }
}

fn check_tag(
    marks: &mut BTreeMap<String, TagMark>,
    tag: &str,
    file: &FileMeta,
) -> Result<(), Error> {
    // A tag without a usable hash is refused when somebody asks for it.
    let Some(digest) = file.sha256().map(|hash| crate::hash::hex(&hash)) else { return Ok(()) };
    let counter = counter_of(file);
    let Some(mark) = marks.get_mut(tag) else {
        marks.insert(tag.to_owned(), TagMark { digest, counter, past: Vec::new() });
        return Ok(());
    };
    if mark.digest == digest {
        if let (Some(found), Some(known)) = (counter, mark.counter)
            && found < known
        {
            return Err(Error::TagCounter { tag: crate::error::printable(tag), found, known });
        }
        mark.counter = counter.or(mark.counter);
        return Ok(());
    }
    match (counter, mark.counter) {
        (Some(found), Some(known)) if found <= known => {
            return Err(Error::TagCounter { tag: crate::error::printable(tag), found, known });
        }
        (None, _) if mark.past.contains(&digest) => {
            let (tag, known) = (crate::error::printable(tag), mark.digest.clone());
            return Err(Error::TagRollback { tag, found: digest, known });
        }
        _ => {}
    }
    let replaced = std::mem::replace(&mut mark.digest, digest);
    mark.counter = counter.or(mark.counter);
    mark.past.retain(|past| *past != mark.digest);
    mark.past.push(replaced);
    if mark.past.len() > PAST_MAX {
        mark.past.remove(0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(byte: u8, counter: Option<u64>) -> FileMeta {
        let mut file = FileMeta::of_manifest([byte; 32], 1);
        file.custom = counter.map(|counter| json!({ "sealift": { "counter": counter } }));
        file
    }

    fn check(steps: &[(u8, Option<u64>)]) -> String {
        let mut marks = BTreeMap::new();
        let results = steps.iter().map(|(byte, counter)| {
            match check_tag(&mut marks, "v1", &file(*byte, *counter)) {
                Ok(()) => "ok",
                Err(Error::TagRollback { .. }) => "back",
                Err(Error::TagCounter { .. }) => "counter",
                Err(_) => "other",
            }
        });
        results.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tags_never_go_back() {
        assert_eq!(check(&[(1, None), (1, None), (2, None), (3, None)]), "ok ok ok ok");
        assert_eq!(check(&[(1, None), (2, None), (1, None), (2, None)]), "ok ok back ok");
        // With a counter a publisher can go back on purpose.
        assert_eq!(check(&[(1, Some(1)), (2, Some(2)), (1, Some(3))]), "ok ok ok");
        assert_eq!(
            check(&[(1, Some(1)), (2, Some(2)), (1, Some(1)), (3, Some(2))]),
            "ok ok counter counter"
        );
        assert_eq!(check(&[(1, None), (2, None), (1, Some(1)), (1, None)]), "ok ok ok ok");
    }

    #[test]
    fn round_trip() {
        let gun = Gun::parse("host/app").unwrap();
        let state = State::new(&gun);
        assert_eq!(State::from_json(&gun, &state.to_json()).unwrap(), state);
        let other = Gun::parse("host/other").unwrap();
        assert!(State::from_json(&other, &state.to_json()).is_err());
        assert!(State::from_json(&gun, b"{}").is_err());
    }
}
