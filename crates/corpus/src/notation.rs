//! Envelopes and policies of the Notary Project, and lists of revoked certificates.

use std::collections::BTreeMap;

use sealift_crypto::{Certificate, RevocationList};
use sealift_notation::{
    Envelope, EnvelopeFormat, Error, PolicyKind, Question, RevocationLists, Statement, StoreName,
    StoreType, TrustPolicy, TrustStore, verify,
};

use crate::sign::image;

/// When the seeds are judged: their certificates are valid, their list is that of now.
pub const NOW: &str = "2026-11-21T12:00:00Z";
/// Serial number of the certificate that the list of the seeds has in it.
pub const REVOKED: &[u8] = &[7];

/// A self-signed certificate of the test signer.
pub fn signer_certificate() -> Certificate {
    one_certificate(include_str!("../fixtures/notation.pem"))
}

/// An authority with the key of the test signer.
pub fn authority() -> Certificate {
    one_certificate(include_str!("../fixtures/authority.pem"))
}

fn one_certificate(text: &str) -> Certificate {
    Certificate::chain_from_pem(text).expect("the fixture is a certificate").remove(0)
}

/// A JWS envelope: only what was signed is accepted.
pub fn jws(bytes: &[u8]) {
    envelope(EnvelopeFormat::Jws, bytes);
}

/// A COSE envelope: only what was signed is accepted.
pub fn cose(bytes: &[u8]) {
    envelope(EnvelopeFormat::Cose, bytes);
}

fn envelope(format: EnvelopeFormat, bytes: &[u8]) {
    match Envelope::parse(format.media_type(), bytes).and_then(|envelope| envelope.verify()) {
        Ok(_) => {}
        Err(error) => printable(&error),
    }
    let store_name = StoreName::new(StoreType::Authority, "seeds").unwrap();
    let mut store = TrustStore::default();
    store.insert(store_name.clone(), vec![signer_certificate()]).unwrap();
    let outcome = verify(&Question {
        statement: &Statement::strict("seeds", vec![store_name]),
        store: &store,
        lists: &RevocationLists::default(),
        media_type: format.media_type(),
        envelope: bytes,
        artifact: &image(),
        annotations: &BTreeMap::new(),
        now: NOW.parse().expect("it is a time"),
    });
    if outcome.is_accepted() {
        let signed = outcome.signed.unwrap();
        assert_eq!(signed.target.digest, image().digest, "an image that nobody signed passes");
        assert_eq!(signed.chain, [signer_certificate()]);
        let expected = BTreeMap::from([("seed".to_owned(), "yes".to_owned())]);
        assert_eq!(signed.target.annotations, expected, "annotations that nobody signed pass");
    }
}

fn printable(error: &Error) {
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "a message has control characters: {line:?}");
}

/// A trust policy of either kind: whoever is found is one of its statements, and names stay names.
pub fn policy(bytes: &[u8]) {
    for kind in [PolicyKind::Oci, PolicyKind::Blob] {
        let policy = match TrustPolicy::parse(kind, bytes) {
            Ok(policy) => policy,
            Err(error) => {
                printable(&error);
                continue;
            }
        };
        for statement in &policy.statements {
            for scope in &statement.scopes {
                let found = policy.for_repository(scope).unwrap();
                assert_eq!(found.name, statement.name, "a scope has two statements");
            }
            for store in &statement.stores {
                assert!(!store.name().contains('/'), "a store is a path");
                assert_eq!(store.to_string().parse::<StoreName>().unwrap(), *store);
            }
        }
    }
}

/// A list of revoked certificates: the one that counts has in it what was revoked.
pub fn revocation_list(bytes: &[u8]) {
    let Ok(list) = RevocationList::from_bytes(bytes) else { return };
    let again = RevocationList::from_der(list.der()).unwrap();
    assert_eq!(again.times(), list.times());
    if list.verify(&authority(), NOW.parse().expect("it is a time")).is_ok() {
        assert!(list.find(REVOKED).is_some(), "a list that nobody signed passes");
    }
}
