//! A repository of our own, with a server and its clock, for tests.

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{Certificate, SealingKey, SigningKey};
use sealift_tuf::server::{MemoryStore, Pick, Refusal, SealedKeys, Server, Store, parse_name};
use sealift_tuf::verify::{FirstUse, Pin, Policy};
use sealift_tuf::{
    Change, Envelope, Error, FileMeta, Gun, Key, Keys, Limits, Meta, Repository, Role, State,
    Trusted, Update, seal,
};
use serde_json::{Map, Value};

pub(crate) const GUN: &str = "registry.example/team/app";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn start() -> Timestamp {
    time("2026-11-21T00:00:00Z")
}

pub(crate) fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

pub(crate) fn gun() -> Gun {
    Gun::parse(GUN).unwrap()
}

/// Key ring and public parts of a publisher.
pub(crate) struct Publisher {
    pub(crate) keys: Keys,
    pub(crate) root: Key,
    pub(crate) targets: Key,
    pub(crate) alice: Key,
}

/// A copy of a private key, as a second holder has it.
pub(crate) fn copy(key: &SigningKey) -> SigningKey {
    SigningKey::from_pkcs8_der(key.pkcs8().unwrap().expose()).unwrap()
}

pub(crate) fn certificate(key: &SigningKey, name: &str) -> Key {
    let certificate = Certificate::self_signed(key, name, start() - days(1), start() + days(3650));
    Key::of_certificate(&certificate.unwrap()).unwrap()
}

impl Publisher {
    pub(crate) fn new() -> Self {
        let [root, targets, alice] = [(); 3].map(|()| SigningKey::generate_p256());
        let mut publisher = Self {
            root: certificate(&root, GUN),
            targets: Key::bare(&targets.public()),
            alice: Key::bare(&alice.public()),
            keys: Keys::default(),
        };
        for key in [root, targets, alice] {
            publisher.keys.add(key);
        }
        publisher
    }
}

/// A server with one repository, its publisher, and what a client keeps.
pub(crate) struct Lab {
    pub(crate) store: &'static MemoryStore,
    pub(crate) server: Server<'static>,
    server_keys: &'static SealedKeys<'static>,
    pub(crate) publisher: Publisher,
    pub(crate) now: Timestamp,
}

impl Lab {
    /// A repository with the signer alice and the tag v1, which points to a digest of ones.
    pub(crate) fn new() -> Self {
        // A test ends with its process, so that the store may stay.
        let store: &'static MemoryStore = Box::leak(Box::default());
        let sealing = SealingKey::new(&SealingKey::generate()).unwrap();
        let keys: &'static SealedKeys<'static> =
            Box::leak(Box::new(SealedKeys::new(store, sealing)));
        let publisher = Publisher::new();
        let server = Server::new(store, keys);
        let lab = Self { store, server, server_keys: keys, publisher, now: start() };
        let [snapshot, timestamp] = [Role::SNAPSHOT, Role::TIMESTAMP]
            .map(|role| Key::from_json(&lab.server.key(&gun(), &role).unwrap()).unwrap());
        let publisher = &lab.publisher;
        let first = [publisher.root.clone(), publisher.targets.clone(), snapshot, timestamp];
        let mut repository = Repository::create(&gun(), first, &publisher.keys, lab.now);
        let keys = vec![publisher.alice.clone()];
        repository.apply(&Change::AddSigner { name: "alice".to_owned(), keys }).unwrap();
        lab.publish(&repository).unwrap();
        lab.sign("v1", 1);
        lab
    }

    /// The same server over a store that stands before its own.
    pub(crate) fn server_over<'a>(&'a self, store: &'a dyn Store) -> Server<'a> {
        Server::new(store, self.server_keys)
    }

    pub(crate) fn publish(&self, repository: &Repository) -> Result<(), Refusal> {
        let upload = repository.upload(&self.publisher.keys, self.now).unwrap();
        self.upload(upload)
    }

    pub(crate) fn upload(&self, upload: Vec<(Role, Vec<u8>)>) -> Result<(), Refusal> {
        let files: Vec<(String, Vec<u8>)> =
            upload.into_iter().map(|(role, bytes)| (role.to_string(), bytes)).collect();
        self.server.upload(&gun(), &files, self.now)
    }

    /// The repository as the publisher sees it now.
    pub(crate) fn open(&self) -> Repository {
        let (trusted, _) = self.look(None).unwrap();
        Repository::open(&trusted, &self.publisher.keys)
    }

    pub(crate) fn change(&self, change: &Change) {
        let mut repository = self.open();
        repository.apply(change).unwrap();
        self.publish(&repository).unwrap();
    }

    pub(crate) fn sign(&self, tag: &str, byte: u8) {
        let file = FileMeta::of_manifest([byte; 32], 523);
        self.change(&Change::SignTag { tag: tag.to_owned(), file, count_from: None });
    }

    pub(crate) fn policy(&self) -> Policy {
        let pins = vec![Pin::Key(self.publisher.root.id().to_owned())];
        Policy { pins, first_use: FirstUse::Refuse, ..Policy::default() }
    }

    /// Verifies against the server.
    pub(crate) fn look(&self, known: Option<&State>) -> Result<(Trusted, State), Error> {
        self.look_with(&self.policy(), known, |_, bytes| bytes)
    }

    /// Verifies against a server that gives other answers.
    pub(crate) fn look_with(
        &self,
        policy: &Policy,
        known: Option<&State>,
        alter: impl Fn(&str, Option<Vec<u8>>) -> Option<Vec<u8>>,
    ) -> Result<(Trusted, State), Error> {
        let mut update = Update::new(&gun(), policy, known.cloned(), self.now);
        while let Some(wanted) = update.wants() {
            let answer = alter(&wanted.name, self.get(&wanted.name));
            update.give(answer.as_deref())?;
        }
        update.finish()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        let (role, pick) = parse_name(name)?;
        Some(self.server.document(&gun(), &role, &pick, self.now).ok()?.bytes)
    }

    pub(crate) fn newest(&self, role: &Role) -> Vec<u8> {
        self.server.document(&gun(), role, &Pick::Newest, self.now).unwrap().bytes
    }

    /// Documents that the server's own keys sign over given ones: a server that lies.
    pub(crate) fn forge(&self, changes: &[(Role, Option<Vec<u8>>)]) -> Forged {
        let limits = Limits::default();
        let role = Role::SNAPSHOT;
        let bytes = self.newest(&role);
        let envelope = Envelope::parse(&bytes, &role, &limits).unwrap();
        let mut snapshot = Meta::read(&envelope, &role).unwrap();
        snapshot.version += 1;
        for (role, bytes) in changes {
            match bytes {
                Some(bytes) => snapshot.meta.insert(role.to_string(), FileMeta::of(bytes)),
                None => snapshot.meta.remove(role.as_str()),
            };
        }
        let snapshot = self.seal_as_server(&role, snapshot.to_map(&role));
        let roles = changes.iter().filter_map(|(role, bytes)| Some((role.clone(), bytes.clone()?)));
        Forged { roles: roles.collect(), ..self.forge_over(snapshot) }
    }

    /// A new timestamp over any snapshot.
    pub(crate) fn forge_over(&self, snapshot: Vec<u8>) -> Forged {
        let role = Role::TIMESTAMP;
        let envelope = Envelope::parse(&self.newest(&role), &role, &Limits::default()).unwrap();
        let mut timestamp = Meta::read(&envelope, &role).unwrap();
        timestamp.version += 1;
        timestamp.meta.insert("snapshot".to_owned(), FileMeta::of(&snapshot));
        let timestamp = self.seal_as_server(&role, timestamp.to_map(&role));
        Forged { timestamp, snapshot, roles: Vec::new() }
    }

    pub(crate) fn seal_as_server(&self, role: &Role, map: Map<String, Value>) -> Vec<u8> {
        use sealift_tuf::server::ServerKeys as _;
        let unsigned = seal(role, &map, &[]).unwrap();
        let envelope = Envelope::parse(&unsigned, role, &Limits::default()).unwrap();
        let root =
            Envelope::parse(&self.newest(&Role::ROOT), &Role::ROOT, &Limits::default()).unwrap();
        let root = sealift_tuf::Root::read(&root, &Limits::default()).unwrap();
        let signatures = self
            .server_keys
            .sign(&gun(), role, &root.authority(role), envelope.canonical())
            .unwrap();
        let signatures = serde_json::to_vec(&signatures).unwrap();
        [&b"{\"signed\":"[..], envelope.canonical(), b",\"signatures\":", &signatures, b"}"]
            .concat()
    }
}

/// What a lying server gives out.
pub(crate) struct Forged {
    pub(crate) timestamp: Vec<u8>,
    pub(crate) snapshot: Vec<u8>,
    pub(crate) roles: Vec<(Role, Vec<u8>)>,
}

impl Forged {
    pub(crate) fn answer(&self, name: &str, honest: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match parse_name(name).map(|(role, _)| role) {
            Some(role) if role == Role::TIMESTAMP => Some(self.timestamp.clone()),
            Some(role) if role == Role::SNAPSHOT => Some(self.snapshot.clone()),
            Some(role) => {
                let forged = self.roles.iter().find(|(other, _)| *other == role);
                forged.map(|(_, bytes)| bytes.clone()).or(honest)
            }
            None => honest,
        }
    }
}
