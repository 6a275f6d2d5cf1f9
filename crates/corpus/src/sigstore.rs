//! Trusted roots, bundles, checkpoints, timestamps and paths of certificates, as keyless signatures have them.

use std::sync::LazyLock;

use jiff::Timestamp;
use sealift_crypto::Certificate;
use sealift_crypto::chain::{Purpose, Question, validate};
use sealift_crypto::timestamp::Token;
use sealift_sigstore::{
    Artifact, Bundle, Checkpoint, IdentityPolicy, Matcher, Signer, TrustedRoot, verify_bundle,
};

use crate::text;

/// What the seeds' bundles sign.
pub const CONTENT: &[u8] = b"the content";
/// Who signed them.
pub const IDENTITY: &str = "https://ci.test/team/app/release.yml@refs/heads/main";
/// When.
pub const TIME: &str = "2026-06-01T12:00:00Z";

// The instance that made the seeds; the example `sigstore_seeds` writes both.
static ROOT: LazyLock<TrustedRoot> = LazyLock::new(|| {
    TrustedRoot::from_json(include_bytes!("../fixtures/trusted_root.json"))
        .expect("the fixture is a trusted root")
});

fn time(text: &str) -> Timestamp {
    text.parse().expect("it is a time")
}

fn printable(line: &str) {
    assert!(!line.contains(char::is_control), "a message has control characters: {line:?}");
}

/// A trusted root: every authority has a path, every log an identifier.
pub fn trusted_root(bytes: &[u8]) {
    match TrustedRoot::from_json(bytes) {
        Ok(root) => {
            let authorities =
                root.certificate_authorities.iter().chain(&root.timestamp_authorities);
            assert!(authorities.clone().all(|authority| !authority.path.is_empty()));
            let logs = root.logs.iter().chain(&root.certificate_logs);
            assert!(logs.clone().all(|log| !log.ids.is_empty()));
        }
        Err(refusal) => printable(&refusal.to_string()),
    }
}

/// A bundle: what passes is what the seeds' instance signed, and when.
pub fn bundle(bytes: &[u8]) {
    let any = || Matcher::expression(".*").expect("it is an expression");
    let policy = IdentityPolicy::new(any(), any());
    let signer = Signer::Identity(&policy, &ROOT);
    let now = time("2026-11-21T00:00:00Z");
    match verify_bundle(bytes, Artifact::Bytes(CONTENT), signer, now) {
        Ok(proof) => {
            let identity = proof.identity.expect("an identity was asked for");
            assert_eq!(identity.name, IDENTITY, "another identity is proved");
            assert_eq!(proof.time, Some(time(TIME)), "another moment is proved");
        }
        Err(refusal) => printable(&refusal.to_string()),
    }
    if let Ok(bundle) = Bundle::from_json(bytes) {
        let _ = bundle.key_hint();
    }
}

/// A checkpoint: what passes as signed by the seeds' log is of its one tree.
pub fn checkpoint(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(checkpoint) = Checkpoint::parse(text) else { return };
    for log in &ROOT.logs {
        if log.ids.iter().any(|id| checkpoint.is_signed_by(id, &log.key)) {
            assert_eq!(checkpoint.size, 5, "a tree that the log never had");
        }
    }
}

/// A timestamp: what passes is the moment that the seeds' authority signed.
pub fn timestamp(bytes: &[u8]) {
    let token = match Token::from_der(bytes) {
        Ok(token) => token,
        Err(refusal) => return printable(&refusal.to_string()),
    };
    for authority in &ROOT.timestamp_authorities {
        match token.verify(CONTENT, &authority.path, &authority.path) {
            Ok(verified) => assert_eq!(verified.time, time(TIME), "another moment is proved"),
            Err(refusal) => printable(&refusal.to_string()),
        }
    }
}

/// Certificates in PEM, the first of which is asked for and the last of which is trusted: each step of a path is signed.
pub fn certificates(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(certificates) = Certificate::chain_from_pem(text) else { return };
    let [leaf, intermediates @ ..] = certificates.as_slice() else { return };
    for certificate in &certificates {
        assert_eq!(Certificate::from_der(certificate.der()).unwrap(), *certificate);
        printable(&certificate.subject().to_string());
        let _ = certificate.signed_part_without("2.5.29.17");
    }
    let roots = certificates.last().map_or(&[][..], std::slice::from_ref);
    for purpose in [Purpose::CodeSigning, Purpose::TimeStamping, Purpose::Any] {
        let at = time(TIME);
        match validate(&Question { leaf, intermediates, roots, purpose, at }) {
            Ok(path) => {
                assert_eq!(path.first(), Some(&leaf));
                assert!(path.len() == 1 || path.last().is_some_and(|last| roots.contains(last)));
                for step in path.windows(2) {
                    assert!(step[0].is_signed_by(step[1]), "a step of the path is not signed");
                }
            }
            Err(refusal) => printable(&refusal.to_string()),
        }
    }
}
