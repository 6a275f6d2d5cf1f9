//! Somebody's desk: a keyring, a folder of state, a server to talk to, and a clock.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{SealingKey, Secret, SigningKey};
use sealift_notary::{
    Client, Error, KeyEntry, Keyring, Look, Need, Passphrases, Pins, Published, Publisher, Server,
    States, Threshold, Upload,
};
use sealift_tuf::server::{Code, MemoryStore, SealedKeys, parse_name};
use sealift_tuf::{Change, FileMeta, Gun, Key, Role};
use tempfile::TempDir;

pub(crate) const GUN: &str = "localhost:5443/team/app";
pub(crate) const ONE: Threshold = Threshold { needed: 1, keys: 1 };

pub(crate) fn gun() -> Gun {
    Gun::parse(GUN).unwrap()
}

pub(crate) fn file(byte: u8) -> FileMeta {
    FileMeta::of_manifest([byte; 32], 523)
}

pub(crate) fn sign(tag: &str, byte: u8) -> Change {
    Change::SignTag { tag: tag.to_owned(), file: file(byte), count_from: None }
}

/// Our server without HTTP.
pub(crate) struct Local {
    pub(crate) server: sealift_tuf::server::Server<'static>,
    pub(crate) keys: &'static SealedKeys<'static>,
    pub(crate) now: Mutex<Timestamp>,
    pub(crate) log: Mutex<Vec<String>>,
}

impl Local {
    pub(crate) fn new() -> Self {
        // A test ends with its process, so that the store may stay.
        let store: &'static MemoryStore = Box::leak(Box::default());
        let sealing = SealingKey::new(&SealingKey::generate()).unwrap();
        let keys: &'static SealedKeys<'static> =
            Box::leak(Box::new(SealedKeys::new(store, sealing)));
        let server = sealift_tuf::server::Server::new(store, keys);
        let now = Mutex::new(Timestamp::now());
        Self { server, keys, now, log: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    pub(crate) fn wait(&self, days: i64) {
        let mut now = self.now.lock().unwrap();
        *now += SignedDuration::from_hours(24 * days);
    }

    pub(crate) fn newest(&self, role: &Role) -> Vec<u8> {
        self.get(&gun(), &format!("{role}.json")).unwrap()
    }

    pub(crate) fn get(&self, gun: &Gun, name: &str) -> Option<Vec<u8>> {
        let (role, pick) = parse_name(name)?;
        Some(self.server.document(gun, &role, &pick, self.now()).ok()?.bytes)
    }
}

impl Server for Local {
    fn name(&self) -> String {
        "https://notary.test".to_owned()
    }

    fn document(&self, gun: &Gun, name: &str, _: usize) -> Result<Option<Vec<u8>>, Error> {
        self.log.lock().unwrap().push(name.to_owned());
        Ok(self.get(gun, name))
    }

    fn publish(&self, gun: &Gun, upload: &Upload) -> Result<bool, Error> {
        let files: Vec<(String, Vec<u8>)> =
            upload.iter().map(|(role, bytes)| (role.to_string(), bytes.clone())).collect();
        match self.server.upload(gun, &files, self.now()) {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.code == Code::Version => Ok(false),
            Err(refusal) => panic!("{}", String::from_utf8(refusal.to_json()).unwrap()),
        }
    }

    fn key(&self, gun: &Gun, role: &Role, is_new: bool) -> Result<Key, Error> {
        let bytes =
            if is_new { self.server.rotate_key(gun, role) } else { self.server.key(gun, role) };
        Ok(Key::from_json(&bytes.unwrap())?)
    }

    fn delete(&self, gun: &Gun) -> Result<(), Error> {
        self.server.delete(gun, self.now()).unwrap();
        Ok(())
    }
}

// Stretching a passphrase takes its time; the keyring's own tests do it.
struct Word;

impl Passphrases for Word {
    fn passphrase(&self, _: &Need<'_>) -> Result<Option<Secret>, Error> {
        Ok(None)
    }
}

/// Somebody's keyring and state.
pub(crate) struct Desk {
    _folder: TempDir,
    pub(crate) keyring: Keyring,
    pub(crate) states: States,
    pub(crate) pins: Pins,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            keyring: Keyring::new(folder.path().join("keys")),
            states: States::new(folder.path().join("trust")),
            pins: Pins::new(folder.path().join("trust")),
            _folder: folder,
        }
    }

    pub(crate) fn client<'a>(&'a self, server: &'a dyn Server, now: Timestamp) -> Client<'a> {
        Client { server, states: &self.states, pins: &self.pins, now }
    }

    pub(crate) fn publisher<'a>(&'a self, server: &'a dyn Server, now: Timestamp) -> Publisher<'a> {
        Publisher {
            client: self.client(server, now),
            look: Look::default(),
            keyring: &self.keyring,
            passphrases: &Word,
        }
    }

    pub(crate) fn open(&self, name: &str) -> SigningKey {
        let entries = self.keyring.list().unwrap();
        let entry = entries.iter().find(|entry| entry.name.starts_with(name)).unwrap();
        self.keyring.open(entry, &Word).unwrap()
    }

    pub(crate) fn signer(&self, name: &str) -> KeyEntry {
        self.keyring.add_signer(name, &SigningKey::generate_p256(), &Word).unwrap()
    }

    pub(crate) fn add_signer(&self, name: &str) -> Change {
        let entry = self.signer(name);
        let keys = vec![Key::bare(entry.public.as_ref().unwrap())];
        Change::AddSigner { name: name.to_owned(), keys }
    }
}

/// A publisher's desk with a repository: signer alice, tag v1 of ones.
pub(crate) fn published(server: &dyn Server, now: Timestamp) -> (Desk, Published) {
    let desk = Desk::new();
    let publisher = desk.publisher(server, now);
    publisher.init(&gun(), ONE, &[desk.add_signer("alice")]).unwrap();
    let published = publisher.publish(&gun(), &[sign("v1", 1)]).unwrap();
    (desk, published)
}

/// A look that trusts the first use.
pub(crate) fn first_use() -> Look {
    Look { trust_first_use: true, ..Look::default() }
}
