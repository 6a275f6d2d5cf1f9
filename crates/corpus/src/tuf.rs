//! Documents, keys, key files and staged changes of Docker Content Trust.

use std::collections::BTreeMap;

use sealift_crypto::{Certificate, SealingKey, Secret};
use sealift_tuf::server::{MemoryStore, SealedKeys, Server};
use sealift_tuf::verify::{Pin, Policy};
use sealift_tuf::{
    Envelope, Error, Gun, Home, Key, KeyFile, Limits, Meta, Role, Root, State, Targets, Update,
    read_change, read_public_key, seal, write_change,
};

use crate::crypto::signer_public;
use crate::text;

/// The repository of the seeds.
pub const GUN: &str = "registry.example/app";

/// Anything of a repository: what is written is read as the same, and nothing that nobody signed is believed.
pub fn tuf(bytes: &[u8]) {
    documents(bytes);
    keys(bytes);
    if let Ok(change) = read_change(bytes)
        && let Ok(written) = write_change(&change)
    {
        assert_eq!(read_change(&written).unwrap(), change, "a staged change is another one");
    }
    let gun = Gun::parse(GUN).unwrap();
    if let Ok(state) = State::from_json(&gun, bytes) {
        assert_eq!(State::from_json(&gun, &state.to_json()).unwrap(), state);
        // Documents that are not what the marks say are left out, once and for all.
        let documents = state.documents().clone();
        let kept = state.with_documents(documents.clone());
        assert_eq!(kept.clone().with_documents(documents), kept);
    }
    for path in ["private/a.key", "tuf/a/metadata/targets.json", "tuf/a/changelist/1.change"] {
        let (home, notes) = Home::from_files(&BTreeMap::from([(path.to_owned(), bytes.to_vec())]));
        assert_eq!(home.keys.len() + home.repositories.len() + notes.len(), 1, "`{path}` is lost");
        for note in notes {
            assert!(!note.contains(char::is_control), "a message has control characters: {note:?}");
        }
    }
    unsigned(&gun, bytes);
}

/// The file of pins: what is written is read as the same, and every pin in it can be used.
pub fn pins(bytes: &[u8]) {
    match sealift_notary::parse_pins(bytes) {
        Ok(pins) => {
            for pin in pins.values().flatten() {
                assert!(sealift_notary::parse_pin(pin).is_ok(), "`{pin}` is kept and is no pin");
            }
            let written = serde_json::to_vec_pretty(&pins).unwrap();
            assert_eq!(sealift_notary::parse_pins(&written).unwrap(), pins);
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains(char::is_control), "control characters: {line:?}");
        }
    }
}

fn printable(error: &Error) {
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "a message has control characters: {line:?}");
}

fn documents(bytes: &[u8]) {
    let limits = Limits::default();
    let delegation = Role::RELEASES;
    for role in Role::BASE.iter().chain([&delegation]) {
        let envelope = match Envelope::parse(bytes, role, &limits) {
            Ok(envelope) => envelope,
            Err(error) => {
                printable(&error);
                continue;
            }
        };
        let map = match role.as_str() {
            "root" => Root::read(&envelope, &limits).map(|root| root.to_map()),
            "snapshot" | "timestamp" => Meta::read(&envelope, role).map(|meta| meta.to_map(role)),
            _ => Targets::read(&envelope, role, &limits).map(|targets| targets.to_map()),
        };
        match map.and_then(|map| seal(role, &map, &[])) {
            Ok(written) => {
                let again = Envelope::parse(&written, role, &limits).unwrap();
                let map = match role.as_str() {
                    "root" => Root::read(&again, &limits).unwrap().to_map(),
                    "snapshot" | "timestamp" => Meta::read(&again, role).unwrap().to_map(role),
                    _ => Targets::read(&again, role, &limits).unwrap().to_map(),
                };
                assert_eq!(seal(role, &map, &[]).unwrap(), written, "a document changes");
            }
            Err(error) => printable(&error),
        }
    }
}

fn keys(bytes: &[u8]) {
    if let Ok(key) = Key::from_json(bytes) {
        assert_eq!(Key::from_value(&key.to_value()).unwrap(), key);
        assert!(key.verify("ecdsa", b"message", &[0; 64]).is_err());
    }
    let Some(text) = text(bytes) else { return };
    if let Ok(chain) = Certificate::chain_from_pem(text) {
        for certificate in chain {
            assert_eq!(Certificate::from_der(certificate.der()).unwrap(), certificate);
        }
    }
    if let Ok((key, _)) = read_public_key(text) {
        assert!(key.public_key().is_ok());
    }
    if let Ok(file) = KeyFile::parse(text)
        && let Ok(key) = file.open(Some(&Secret::new(b"seed".to_vec())))
    {
        key.public().verify(b"message", &key.sign(b"message").unwrap()).unwrap();
    }
}

// Neither a server nor a consumer takes it alone for anything.
fn unsigned(gun: &Gun, bytes: &[u8]) {
    let now = "2026-11-21T00:00:00Z".parse().expect("it is a time");
    let pin = Pin::Key(signer_public().fingerprint());
    let policy = Policy { pins: vec![pin], ..Policy::default() };
    let mut update = Update::new(gun, &policy, None, now);
    let mut n_steps = 0;
    while update.wants().is_some() && update.give(Some(bytes)).is_ok() {
        n_steps += 1;
        assert!(n_steps < 4, "one document is a whole repository");
    }
    assert!(update.finish().is_err());
    let store = MemoryStore::default();
    let keys = SealedKeys::new(&store, SealingKey::new(&Secret::new(vec![7; 32])).unwrap());
    let server = Server::new(&store, &keys);
    for role in Role::BASE {
        let files = [(role.to_string(), bytes.to_vec())];
        assert!(server.upload(gun, &files, now).is_err(), "an upload without a repository passes");
    }
}
