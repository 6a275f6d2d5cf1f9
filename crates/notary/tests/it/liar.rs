//! A server that lies: it has the keys of an honest one, and what else a thief may have.

use sealift_crypto::SigningKey;
use sealift_notary::{Error, Server, Upload};
use sealift_tuf::server::{ServerKeys as _, parse_name};
use sealift_tuf::{Envelope, FileMeta, Gun, Key, Limits, Meta, Role, Root, Signer, seal};
use serde_json::{Map, Value};

use crate::desk::{Local, gun};

type Lie<'a> = dyn Fn(&str, Option<Vec<u8>>) -> Option<Vec<u8>> + Sync + 'a;

/// An honest server whose answers somebody alters.
pub(crate) struct Liar<'a> {
    pub(crate) honest: &'a Local,
    pub(crate) lie: Box<Lie<'a>>,
}

impl<'a> Liar<'a> {
    pub(crate) fn new(
        honest: &'a Local,
        lie: impl Fn(&str, Option<Vec<u8>>) -> Option<Vec<u8>> + Sync + 'a,
    ) -> Self {
        Self { honest, lie: Box::new(lie) }
    }

    /// Gives these documents instead of the newest ones, and nothing to prove them.
    pub(crate) fn instead(honest: &'a Local, documents: Vec<(Role, Vec<u8>)>) -> Self {
        Self::new(honest, move |name, answer| {
            let Some((role, _)) = parse_name(name) else { return answer };
            let found = documents.iter().find(|(other, _)| *other == role);
            found.map(|(_, bytes)| bytes.clone()).or(answer)
        })
    }

    /// Gives these documents, or none, with a snapshot and a timestamp that the server's own keys signed over them.
    pub(crate) fn proving(honest: &'a Local, changes: &[(Role, Option<Vec<u8>>)]) -> Self {
        let read = |role: &Role| {
            let envelope = Envelope::parse(&honest.newest(role), role, &Limits::default()).unwrap();
            let mut meta = Meta::read(&envelope, role).unwrap();
            meta.version += 1;
            meta
        };
        let mut snapshot = read(&Role::SNAPSHOT);
        let mut documents = Vec::new();
        for (role, bytes) in changes {
            match bytes {
                Some(bytes) => {
                    snapshot.meta.insert(role.to_string(), FileMeta::of(bytes));
                    documents.push((role.clone(), bytes.clone()));
                }
                None => drop(snapshot.meta.remove(role.as_str())),
            }
        }
        let role = Role::SNAPSHOT;
        let snapshot = seal_as_server(honest, &role, &snapshot.to_map(&role));
        documents.extend(Self::timestamp_over(honest, snapshot));
        Self::instead(honest, documents)
    }

    /// A snapshot, and a new timestamp of the server's own key over it.
    pub(crate) fn timestamp_over(honest: &Local, snapshot: Vec<u8>) -> Vec<(Role, Vec<u8>)> {
        let role = Role::TIMESTAMP;
        let envelope = Envelope::parse(&honest.newest(&role), &role, &Limits::default()).unwrap();
        let mut timestamp = Meta::read(&envelope, &role).unwrap();
        timestamp.version += 1;
        timestamp.meta.insert("snapshot".to_owned(), FileMeta::of(&snapshot));
        let timestamp = seal_as_server(honest, &role, &timestamp.to_map(&role));
        vec![(Role::SNAPSHOT, snapshot), (role, timestamp)]
    }
}

impl Server for Liar<'_> {
    fn name(&self) -> String {
        self.honest.name()
    }

    fn document(&self, gun: &Gun, name: &str, _: usize) -> Result<Option<Vec<u8>>, Error> {
        Ok((self.lie)(name, self.honest.get(gun, name)))
    }

    fn publish(&self, gun: &Gun, upload: &Upload) -> Result<bool, Error> {
        self.honest.publish(gun, upload)
    }

    fn key(&self, gun: &Gun, role: &Role, is_new: bool) -> Result<Key, Error> {
        self.honest.key(gun, role, is_new)
    }

    fn delete(&self, gun: &Gun) -> Result<(), Error> {
        self.honest.delete(gun)
    }
}

pub(crate) fn seal_as_server(honest: &Local, role: &Role, map: &Map<String, Value>) -> Vec<u8> {
    let unsigned = seal(role, map, &[]).unwrap();
    let envelope = Envelope::parse(&unsigned, role, &Limits::default()).unwrap();
    let root =
        Envelope::parse(&honest.newest(&Role::ROOT), &Role::ROOT, &Limits::default()).unwrap();
    let root = Root::read(&root, &Limits::default()).unwrap();
    let authority = root.authority(role);
    let signatures = honest.keys.sign(&gun(), role, &authority, envelope.canonical()).unwrap();
    let signatures = serde_json::to_vec(&signatures).unwrap();
    [&b"{\"signed\":"[..], envelope.canonical(), b",\"signatures\":", &signatures, b"}"].concat()
}

/// A role's document altered and signed again by a key that may sign it, one version later.
pub(crate) fn resigned(
    honest: &Local,
    role: &Role,
    key: &SigningKey,
    alter: impl FnOnce(&mut Map<String, Value>),
) -> Vec<u8> {
    let envelope = Envelope::parse(&honest.newest(role), role, &Limits::default()).unwrap();
    let mut map = envelope.signed().clone();
    let version = map["version"].as_u64().unwrap() + 1;
    map.insert("version".to_owned(), version.into());
    alter(&mut map);
    let public = Key::bare(&key.public());
    seal(role, &map, &[Signer { key: &public, private: key }]).unwrap()
}

/// A document whose list of signatures somebody altered.
pub(crate) fn with_signatures(document: &[u8], alter: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(document).unwrap();
    alter(value["signatures"].as_array_mut().unwrap());
    serde_json::to_vec(&value).unwrap()
}
