//! Trust policies, tag maps and revocation lists.

use sealift_crypto::dsse;
use sealift_trust::revocation::{self, PAYLOAD_TYPE};
use sealift_trust::{Policy, read_policy, tag_map};

use crate::crypto::{signer, signer_public};
use crate::text;

/// Policies of ours and of others, in every language: none makes a reader panic, and messages are one line.
pub fn trust_policy(bytes: &[u8]) {
    for file in ["trust.toml", "policy.json"] {
        read(file, bytes);
    }
}

/// The same, for what is JSON in the shape of containers' policies.
pub fn containers_policy(bytes: &[u8]) {
    let whole =
        [br#"{"default":[{"type":"reject"}],"transports":{"docker":"#, bytes, b"}}"].concat();
    read("policy.json", &whole);
    read("policy.json", bytes);
}

fn read(file: &str, bytes: &[u8]) -> Option<Policy> {
    // Whatever file is named, the seeds' key lies there.
    let files = |_: &str| Ok(signer_public().to_pem().into_bytes());
    match read_policy(file, bytes, &files) {
        Ok(policy) => {
            for image in ["debian:12", "registry.example/team/app:1", "a.b/c"] {
                let image = sealift_oci::Reference::parse(image).unwrap();
                if let Ok(Some(rule)) = policy.rule(&image) {
                    assert!(rule.signers.iter().all(|position| *position < policy.signers.len()));
                }
            }
            if let Ok(imported) = sealift_trust::import(&policy, &|_| Vec::new())
                && let Err(error) = read_policy("trust.toml", imported.text.as_bytes(), &files)
            {
                let line = error.to_string();
                assert!(line.contains("more than"), "what was imported is refused: {line}");
            }
            Some(policy)
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains(char::is_control), "a message has control characters: {line:?}");
            None
        }
    }
}

/// A tag map: what is written is read as the same.
pub fn tag_map(bytes: &[u8]) {
    match tag_map::decode(bytes, "key") {
        Ok(map) => assert_eq!(tag_map::decode(&tag_map::encode(&map), "key").unwrap(), map),
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
    }
}

/// A revocation list: an envelope that nobody signed is refused, and what is written is read as the same.
pub fn revocation(bytes: &[u8]) {
    let keys = [signer_public()];
    if text(bytes).is_some() {
        let envelope = dsse::sign(&signer(), PAYLOAD_TYPE, bytes.to_vec()).unwrap().to_json();
        if let Ok(list) = revocation::verify(&envelope, &keys) {
            let again = revocation::sign(&list, &signer()).unwrap();
            assert_eq!(revocation::verify(&again, &keys).unwrap(), list);
        }
    }
    if let Ok(list) = revocation::verify(bytes, &keys) {
        assert_eq!(list.entries.len(), 1, "only the seed is signed: {list:?}");
    }
}
