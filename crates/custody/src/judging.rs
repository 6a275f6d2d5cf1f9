//! The judgement of an image at hand.

use sealift_crypto::strict_json;
use sealift_oci::{Reference, media_type};
use sealift_pipeline::keys::TrustedKey;
use sealift_pipeline::open::Opened;
use sealift_pipeline::{Error, Session};
use sealift_trust::revocation::RevocationList;
use sealift_trust::{Evidence, Judgement, Question, Rule, Signer, tag_map};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::dct::TrustServer;
use crate::evidence;
use crate::marks::Marks;
use crate::policy_file::PolicyFile;

/// By what an image is judged.
pub struct Trust<'a> {
    /// The policy.
    pub file: &'a PolicyFile,
    /// A signer who must have signed, whatever the rule says.
    pub signer: Option<&'a str>,
    /// Revocation lists, read already.
    pub revocations: &'a [RevocationList],
    /// What was seen before.
    pub marks: &'a Marks,
    /// Where trust data of Docker Content Trust comes from.
    pub server: &'a TrustServer,
}

/// A judgement, and the keys that the rule listens to.
#[derive(Debug)]
pub struct Judged {
    /// The judgement.
    pub judgement: Judgement,
    /// The keys, for what else is proved with keys.
    pub keys: Vec<TrustedKey>,
}

impl Judged {
    /// The refusal as an error, if it is one.
    pub fn check(&self) -> Result<(), Error> {
        let Some(refusal) = &self.judgement.refusal else { return Ok(()) };
        let (what, _) = self.judgement.proof.text.split_once(": ").unwrap_or_default();
        Err(Error::Refused { what: what.to_owned(), why: refusal.to_string() })
    }
}

/// Judges an image under its name.
pub fn judge(session: &Session<'_>, trust: &Trust<'_>, opened: &Opened) -> Result<Judged, Error> {
    let name = opened.reference.as_ref().ok_or_else(|| {
        Error::usage(
            format!("`{}` has no name, and a trust policy judges names", opened.title),
            "give it one, as in `oci-dir:PATH:registry.example.com/team/app:1.0`",
        )
    })?;
    let policy = &trust.file.policy;
    let mut evidence = Evidence::default();
    let mut keys = Vec::new();
    if let Ok(Some(rule)) = policy.rule(name) {
        keys = keys_of(trust, &rule);
        check_shape(opened, &mut evidence);
        evidence::cosign(policy, &rule, opened, &mut evidence)?;
        let folder = &trust.file.folder;
        crate::notation::notation(policy, &rule, folder, opened, session.now_secs, &mut evidence)?;
        let (server, now_secs) = (trust.server, session.now_secs);
        crate::keyless::keyless(policy, &rule, opened, now_secs, &mut evidence)?;
        crate::dct::dct(policy, &rule, opened, server, now_secs, &mut evidence);
        take_maps(trust, &rule, name, &mut evidence)?;
    }
    let manifest = opened.image.manifest.digest();
    let question = Question {
        image: name,
        digest: &opened.descriptor.digest,
        child: Some(manifest).filter(|digest| **digest != opened.descriptor.digest),
        signer: trust.signer,
        revocations: trust.revocations,
        now_secs: session.now_secs,
    };
    Ok(Judged { judgement: sealift_trust::judge(policy, &question, &evidence), keys })
}

fn keys_of(trust: &Trust<'_>, rule: &Rule) -> Vec<TrustedKey> {
    named(trust.file, trust.file.policy.voices(rule))
}

/// The keys of all signers of a policy, by name.
pub fn keys_of_policy(file: &PolicyFile) -> Vec<TrustedKey> {
    named(file, file.policy.signers.iter())
}

fn named<'a>(file: &PolicyFile, signers: impl Iterator<Item = &'a Signer>) -> Vec<TrustedKey> {
    let keys = |signer: &'a Signer| {
        signer.keys.iter().map(|known| TrustedKey {
            name: signer.name.clone(),
            path: file.folder.join(&known.file),
            key: known.key.clone(),
        })
    };
    signers.flat_map(keys).collect()
}

// A document means one thing: its own media type is the one it was listed with, and it is a manifest or an index.
fn check_shape(opened: &Opened, evidence: &mut Evidence) {
    let manifest = opened.image.manifest.value();
    let listed = &opened.descriptor.media_type;
    let own = manifest.media_type.as_deref();
    if !media_type::is_index(listed) && own.is_some_and(|own| own != listed) {
        evidence.refusals.push(format!(
            "manifest: it was listed as `{listed}` and says that it is `{}`",
            own.unwrap_or_default()
        ));
    }
    if is_ambiguous(opened.image.manifest.bytes()) {
        evidence.refusals.push("manifest: it is both a manifest and an index".to_owned());
    }
    if media_type::is_index(listed) {
        let blobs = opened.image.blobs().as_ref();
        let limit = sealift_oci::DOCUMENT_BYTES_MAX as u64;
        match sealift_image::read_blob_verified(blobs, &opened.descriptor, limit) {
            Ok(bytes) if is_ambiguous(&bytes) => {
                evidence.refusals.push("index: it is both a manifest and an index".to_owned());
            }
            Ok(_) => {}
            Err(error) => evidence.refusals.push(format!("index: {error}")),
        }
    }
}

#[derive(Deserialize)]
struct Shape {
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
}

// Two readers could take it for different things. A key that stands there twice is one more way to that.
fn is_ambiguous(bytes: &[u8]) -> bool {
    match strict_json::from_slice::<Shape>(bytes, "manifest") {
        Ok(shape) => {
            shape.manifests.is_some() && (shape.layers.is_some() || shape.config.is_some())
        }
        Err(_) => true,
    }
}

// The maps that lie beside the image, and the newest that was seen; the newest of all is kept.
fn take_maps(
    trust: &Trust<'_>,
    rule: &Rule,
    name: &Reference,
    evidence: &mut Evidence,
) -> Result<(), Error> {
    let repository = tag_map::repository(name);
    let is_trusted = |key: &str| evidence::is_of_signers(&trust.file.policy, rule, key);
    evidence.tag_maps.retain(|map| is_trusted(&map.key));
    let known = trust.marks.tag_map(&repository)?.filter(|known| is_trusted(&known.key));
    let newest = evidence
        .tag_maps
        .iter()
        .filter(|map| map.repository == repository)
        .max_by_key(|map| map.counter);
    let newer = newest
        .filter(|map| known.as_ref().is_none_or(|known| map.counter > known.counter))
        .cloned();
    if let (Some(known), Some(newer)) = (&known, &newer)
        && let Err(error) = tag_map::check_next(known, newer)
    {
        evidence.replays.push(error.to_string());
        return Ok(());
    }
    if let Some(newer) = newer {
        trust.marks.keep_tag_map(&newer, &is_trusted)?;
    }
    evidence.tag_maps.extend(known);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_one_thing() {
        for (text, expected) in [
            (r#"{"schemaVersion":2,"config":{},"layers":[]}"#, false),
            (r#"{"schemaVersion":2,"manifests":[]}"#, false),
            (r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, true),
            (r#"{"schemaVersion":2,"manifests":[],"config":{}}"#, true),
            (r#"{"layers":[],"layers":[]}"#, true),
            ("[]", true),
        ] {
            assert_eq!(is_ambiguous(text.as_bytes()), expected, "{text}");
        }
    }
}
