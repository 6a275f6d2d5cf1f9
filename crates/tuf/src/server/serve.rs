//! The endpoints, without HTTP.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::feed::{read_range, write};
use super::upload::{judge, read_files};
use super::{Code, Document, HashKind, NewDocument, Refusal, ServerKeys, Store, StoreError};
use crate::publish::expiry;
use crate::{Envelope, Gun, Limits, Meta, Role, Root};

/// A server of trust data.
pub struct Server<'a> {
    store: &'a dyn Store,
    keys: &'a dyn ServerKeys,
    limits: Limits,
    renew_before: SignedDuration,
}

/// Which document of a role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pick {
    /// The newest.
    Newest,
    /// The one of a version.
    Version(u64),
    /// The one with this hash in lower-case hex.
    Hash(HashKind, String),
}

/// A document to hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// When it came.
    pub modified: Timestamp,
    /// When it has to be made again.
    pub expires: Timestamp,
    /// Whether this address will always give these bytes.
    pub is_immutable: bool,
}

/// Reads the name of a document as it stands in an address: `ROLE.json`, `ROLE.HASH.json` or `N.ROLE.json`.
pub fn parse_name(name: &str) -> Option<(Role, Pick)> {
    let name = name.strip_suffix(".json")?;
    if let Ok(role) = Role::parse(name) {
        return Some((role, Pick::Newest));
    }
    let (left, right) = name.split_once('.')?;
    if let Ok(role) = Role::parse(left) {
        let is_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        let kind = HashKind::of_digits(right.len()).filter(|_| right.bytes().all(is_hex))?;
        return Some((role, Pick::Hash(kind, right.to_owned())));
    }
    let is_number = !left.is_empty() && left.bytes().all(|byte| byte.is_ascii_digit());
    let version = left.parse().ok().filter(|_| is_number)?;
    Some((Role::parse(right).ok()?, Pick::Version(version)))
}

fn not_found() -> Refusal {
    Refusal::with(Code::MetadataNotFound, json!({}))
}

impl<'a> Server<'a> {
    /// A server over a store and its keys.
    pub fn new(store: &'a dyn Store, keys: &'a dyn ServerKeys) -> Self {
        Self { store, keys, limits: Limits::default(), renew_before: SignedDuration::ZERO }
    }

    /// Signs timestamps and snapshots again this long before they expire, so that nobody sees one that just did.
    #[must_use]
    pub fn renew_before(mut self, renew_before: SignedDuration) -> Self {
        self.renew_before = renew_before;
        self
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.store
    }

    pub(super) fn keys(&self) -> &dyn ServerKeys {
        self.keys
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A document. A timestamp that is about to expire is made again, and the snapshot with it.
    pub fn document(
        &self,
        gun: &Gun,
        role: &Role,
        pick: &Pick,
        now: Timestamp,
    ) -> Result<Served, Refusal> {
        let found = match pick {
            Pick::Newest if *role == Role::TIMESTAMP => self.timestamp(gun, now)?,
            Pick::Newest => self.store.newest(gun, role)?,
            Pick::Version(version) => self.store.by_version(gun, role, *version)?,
            Pick::Hash(kind, hash) => self.store.by_hash(gun, role, *kind, hash)?,
        };
        let Document { bytes, modified, expires, .. } = found.ok_or_else(not_found)?;
        Ok(Served { bytes, modified, expires, is_immutable: *pick != Pick::Newest })
    }

    fn timestamp(&self, gun: &Gun, now: Timestamp) -> Result<Option<Document>, Refusal> {
        let Some(current) = self.store.newest(gun, &Role::TIMESTAMP)? else { return Ok(None) };
        let limit = now.saturating_add(self.renew_before).unwrap_or(Timestamp::MAX);
        if current.expires > limit {
            return Ok(Some(current));
        }
        let Some(documents) = self.renewed(gun, &current, limit, now)? else {
            // Its keys are not here: the publisher must sign.
            return Ok(Some(current));
        };
        match self.store.update(gun, &documents, now) {
            // Another reader was faster.
            Ok(()) | Err(StoreError::OldVersion) => Ok(self.store.newest(gun, &Role::TIMESTAMP)?),
            Err(error) => Err(error.into()),
        }
    }

    // A timestamp, and a snapshot if it is about to expire too. Its version follows that of the timestamp at hand, which was
    // read before the snapshot: so it is refused if somebody published meanwhile, and never leads back to what was replaced.
    fn renewed(
        &self,
        gun: &Gun,
        current: &Document,
        limit: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Vec<NewDocument>>, Refusal> {
        let broken = |_| Refusal::plain(Code::Updating);
        let (Some(root), Some(snapshot)) =
            (self.store.newest(gun, &Role::ROOT)?, self.store.newest(gun, &Role::SNAPSHOT)?)
        else {
            return Ok(None);
        };
        let root = Envelope::parse(&root.bytes, &Role::ROOT, &self.limits).map_err(broken)?;
        let root = Root::read(&root, &self.limits).map_err(broken)?;
        let mut documents = Vec::new();
        let (mut bytes, mut expires) = (snapshot.bytes, snapshot.expires);
        if expires <= limit {
            let role = Role::SNAPSHOT;
            let envelope = Envelope::parse(&bytes, &role, &self.limits).map_err(broken)?;
            let mut meta = Meta::read(&envelope, &role).map_err(broken)?;
            meta.version += 1;
            meta.expires = expiry(&role, now);
            let Some(sealed) = self.seal(gun, &role, &root, &meta.to_map(&role))? else {
                return Ok(None);
            };
            let version = meta.version;
            documents.push(NewDocument {
                role,
                version,
                bytes: sealed.clone(),
                expires: meta.expires,
            });
            (bytes, expires) = (sealed, meta.expires);
        }
        let follows = (current.version, now);
        match self.make_timestamp(gun, &root, (&bytes, expires), follows) {
            Ok(timestamp) => {
                documents.push(timestamp);
                Ok(Some(documents))
            }
            Err(refusal) if refusal.code == Code::InvalidUpdate => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// An upload: names of roles with documents. All of it is stored, or nothing.
    pub fn upload(
        &self,
        gun: &Gun,
        files: &[(String, Vec<u8>)],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let files = read_files(self, files)?;
        let documents = judge(self, gun, &files, now)?;
        match self.store.update(gun, &documents, now) {
            // Perhaps only a timestamp was signed again meanwhile, here or by another replica; what is older stays so.
            Err(old @ StoreError::OldVersion) => {
                let documents = judge(self, gun, &files, now).map_err(|_| old)?;
                Ok(self.store.update(gun, &documents, now)?)
            }
            result => Ok(result?),
        }
    }

    fn ids_in_root(&self, gun: &Gun, role: &Role) -> Result<Vec<String>, Refusal> {
        let Some(document) = self.store.newest(gun, &Role::ROOT)? else { return Ok(Vec::new()) };
        let root = Envelope::parse(&document.bytes, &Role::ROOT, &self.limits)
            .and_then(|envelope| Root::read(&envelope, &self.limits))
            .map_err(|_| Refusal::plain(Code::Updating))?;
        Ok(root.authority(role).keys.into_keys().collect())
    }

    fn check_key_role(role: &Role) -> Result<(), Refusal> {
        if [Role::SNAPSHOT, Role::TIMESTAMP].contains(role) {
            return Ok(());
        }
        Err(Refusal::plain(Code::MetadataNotFound))
    }

    /// The public key of a role that the server signs, as JSON; it is made if there is none.
    pub fn key(&self, gun: &Gun, role: &Role) -> Result<Vec<u8>, Refusal> {
        Self::check_key_role(role)?;
        let key = self.keys.get_or_create(gun, role, &self.ids_in_root(gun, role)?)?;
        Ok(key.to_value().to_string().into_bytes())
    }

    /// A new key for a role that the server signs, as JSON. It counts when a root names it.
    pub fn rotate_key(&self, gun: &Gun, role: &Role) -> Result<Vec<u8>, Refusal> {
        Self::check_key_role(role)?;
        let key = self.keys.create(gun, role, &self.ids_in_root(gun, role)?)?;
        Ok(key.to_value().to_string().into_bytes())
    }

    /// Deletes a repository.
    pub fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), Refusal> {
        Ok(self.store.delete(gun, now)?)
    }

    /// A page of changes as JSON, of one repository or of all.
    pub fn changes(
        &self,
        gun: Option<&Gun>,
        after: &str,
        records: &str,
    ) -> Result<Vec<u8>, Refusal> {
        let range = read_range(after, records)?;
        Ok(write(&self.store.changes(gun, range)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents() {
        let [hash, longer, longest] = [64, 96, 128].map(|n_digits| "a".repeat(n_digits));
        for (name, role, pick) in [
            ("root.json".to_owned(), "root", Pick::Newest),
            ("targets/a/b.json".to_owned(), "targets/a/b", Pick::Newest),
            (
                format!("targets/a.{hash}.json"),
                "targets/a",
                Pick::Hash(HashKind::Sha256, hash.clone()),
            ),
            (format!("root.{longer}.json"), "root", Pick::Hash(HashKind::Sha384, longer.clone())),
            (format!("root.{longest}.json"), "root", Pick::Hash(HashKind::Sha512, longest.clone())),
            ("12.root.json".to_owned(), "root", Pick::Version(12)),
        ] {
            assert_eq!(parse_name(&name), Some((Role::parse(role).unwrap(), pick)), "{name}");
        }
        for name in [
            "root",
            "foo.json",
            "root.abc.json",
            "+1.root.json",
            ".root.json",
            "1..json",
            "../root.json",
        ] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}
