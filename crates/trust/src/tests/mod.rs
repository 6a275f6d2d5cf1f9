//! Policies, evidence and the question, in one line each.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod documents;
mod importing;
mod judging;
mod policies;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sealift_crypto::SigningKey;
use sealift_oci::{Digest, Reference};

use crate::revocation::RevocationList;
use crate::tag_map::{Entry, TagMap};
use crate::{
    Bound, Error, Evidence, Format, Identity, Judgement, Policy, Question, Signature, SignedAt,
    TimeSource,
};

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

/// The key of a name, the same in every test.
fn key(name: &str) -> &'static SigningKey {
    static KEYS: OnceLock<BTreeMap<&'static str, SigningKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        ["release", "ci", "qa", "security", "other"]
            .map(|name| (name, SigningKey::generate_p256()))
            .into()
    });
    &keys[name]
}

fn fingerprint(name: &str) -> String {
    key(name).public().fingerprint()
}

fn read(file: &str, text: &str) -> Result<Policy, Error> {
    let files = |path: &str| {
        if path == "root.json" {
            let kind = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
            return Ok(format!("{{\"mediaType\": \"{kind}\"}}").into_bytes());
        }
        let name = path.strip_suffix(".pub").ok_or_else(|| "no such file".to_owned())?;
        let known = ["release", "ci", "qa", "security", "other", "ci-signer", "release-signer"];
        if !known.contains(&name) {
            return Err("no such file".to_owned());
        }
        let name = name.strip_suffix("-signer").unwrap_or(name);
        Ok(key(name).public().to_pem().into_bytes())
    };
    crate::read_policy(file, text.as_bytes(), &files)
}

fn own(rules: &str) -> Policy {
    let signers = "version = 1\n\
        [[signer]]\nname = \"release\"\nkeys = [\"release.pub\"]\nroles = [\"targets/release\"]\n\
        [[signer]]\nname = \"ci\"\nkeys = [\"ci.pub\"]\n\
        trusted_root = \"root.json\"\n\
        identities = [{ subject = \"https://ci.example/*\", issuer = \"https://issuer.example\" }]\n\
        [[signer]]\nname = \"qa\"\nkeys = [\"qa.pub\"]\n";
    read("trust.toml", &format!("{signers}{rules}")).unwrap()
}

fn image() -> Digest {
    Digest::sha256(b"image")
}

fn signed(name: &str) -> Signature {
    Signature {
        format: Format::Cosign,
        identity: Identity::Key { fingerprint: fingerprint(name) },
        bound: Bound::Nothing,
        signed_at: Some(SignedAt { secs: NOW - DAY, source: TimeSource::Signer }),
        expires_secs: None,
        vouched: None,
        artifact: Digest::sha256(name.as_bytes()).to_string(),
        fault: None,
    }
}

fn evidence(signatures: &[Signature]) -> Evidence {
    Evidence { signatures: signatures.to_vec(), ..Evidence::default() }
}

fn map(counter: u64, tag: &str, digest: &Digest) -> TagMap {
    TagMap {
        repository: "registry.corp/team/app".to_owned(),
        counter,
        issued_secs: NOW - 3_600,
        expires_secs: NOW + DAY,
        tags: [(tag.to_owned(), Entry { digest: digest.clone(), counter: 1 })].into(),
        key: fingerprint("release"),
    }
}

struct Ask<'a> {
    image: &'a str,
    signer: Option<&'a str>,
    revocations: &'a [RevocationList],
}

impl Default for Ask<'_> {
    fn default() -> Self {
        Self { image: "registry.corp/team/app:1.0", signer: None, revocations: &[] }
    }
}

fn judge(policy: &Policy, evidence: &Evidence, ask: &Ask<'_>) -> Judgement {
    let reference = Reference::parse(ask.image).unwrap();
    let question = Question {
        image: &reference,
        digest: &image(),
        child: None,
        signer: ask.signer,
        revocations: ask.revocations,
        now_secs: NOW,
    };
    crate::judge(policy, &question, evidence)
}

/// `admitted`, or the line of the refusal, with digests cut.
fn verdict(policy: &Policy, evidence: &Evidence, ask: &Ask<'_>) -> String {
    let judgement = judge(policy, evidence, ask);
    let text = match (&judgement.refusal, judgement.outcome) {
        (Some(refusal), crate::Outcome::Refused) => refusal.to_string(),
        (None, crate::Outcome::Warned) => "warned".to_owned(),
        (None, crate::Outcome::Admitted) => "admitted".to_owned(),
        other => panic!("{other:?}"),
    };
    ["release", "ci", "qa", "security", "other"].iter().fold(
        text.replace(image().hex(), "IMAGE").replace(Digest::sha256(b"new").hex(), "NEW"),
        |text, name| text.replace(&fingerprint(name)[..16], &name.to_uppercase()),
    )
}

fn check(policy: &Policy, evidence: &Evidence, expected: &str) {
    assert_eq!(verdict(policy, evidence, &Ask::default()), expected);
}
