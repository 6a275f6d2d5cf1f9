//! What keyless signatures prove: bundles with certificates of identities that a rule names, under the trusted roots of
//! their signers. Nothing is fetched.

use jiff::Timestamp;
use sealift_crypto::{Hash, strict_json};
use sealift_oci::{Manifest, Raw};
use sealift_pipeline::Error;
use sealift_pipeline::open::Opened;
use sealift_sign::predicate_type;
use sealift_sigstore::{
    Artifact, Content, IdentityPolicy, Matcher, Proof, Refusal, Signer, is_bundle_type,
    verify_bundle,
};
use sealift_trust::{
    Attestation, Bound, Evidence, Format, Identity, Policy, Rule, Signature, SignedAt, TimeSource,
    Unproved,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    predicate_type: String,
}

/// Adds what is proved of an image by keyless signatures.
pub(crate) fn keyless(
    policy: &Policy,
    rule: &Rule,
    opened: &Opened,
    now_secs: i64,
    evidence: &mut Evidence,
) -> Result<(), Error> {
    let signers: Vec<_> = policy
        .voices(rule)
        .filter_map(|signer| Some((signer, signer.trusted_root.as_ref()?)))
        .filter(|(signer, _)| !signer.identities.is_empty())
        .collect();
    if signers.is_empty() || !rule.formats.contains(&Format::Cosign) {
        return Ok(());
    }
    let now = Timestamp::from_second(now_secs).unwrap_or_default();
    for artifact in opened.referrers.read()? {
        let [layer] = artifact.value().layers.as_slice() else { continue };
        if !is_about(&artifact, opened) || !is_bundle_type(&layer.media_type) {
            continue;
        }
        let bundle = opened.referrers.blob(layer)?;
        let mut first_refusal = None;
        let proved = signers.iter().find_map(|(signer, root)| {
            signer.identities.iter().find_map(|identity| {
                let wanted = IdentityPolicy::new(
                    matcher(&identity.subject)?,
                    Matcher::exact(&identity.issuer),
                );
                let digest = bytes_of(opened.descriptor.digest.hex())?;
                let image = Artifact::Digest(Hash::Sha256, &digest);
                verify_bundle(&bundle, image, Signer::Identity(&wanted, root), now)
                    .map_err(|refusal| first_refusal.get_or_insert(refusal).clone())
                    .ok()
            })
        });
        match (proved, first_refusal) {
            (Some(proof), _) => take(&proof, &artifact.digest().to_string(), evidence),
            // Signed with a key: others judge that.
            (None, None | Some(Refusal::Material { .. })) => {}
            (None, Some(refusal)) => explain(&artifact, &refusal, evidence),
        }
    }
    Ok(())
}

fn is_about(artifact: &Raw<Manifest>, opened: &Opened) -> bool {
    artifact.value().subject.as_ref().is_some_and(|subject| {
        subject.digest == opened.descriptor.digest
            && subject.media_type == opened.descriptor.media_type
            && subject.size == opened.descriptor.size
    })
}

// The verifier of keys only says that there is a certificate.
fn explain(artifact: &Raw<Manifest>, refusal: &Refusal, evidence: &mut Evidence) {
    let digest = artifact.digest().to_string();
    let reason = refusal.to_string();
    // What does not say what it is may be a signature.
    let kind = artifact.value().annotations.get("dev.sigstore.bundle.predicateType");
    evidence.unproved.retain(|unproved| !unproved.text.contains(&digest));
    evidence.unproved.push(Unproved {
        format: Some(Format::Cosign),
        is_signature: kind.is_none_or(|kind| kind == predicate_type::SIGN),
        text: format!("keyless signature ({digest}): {reason}"),
        why: Some(reason),
    });
}

fn take(proof: &Proof, artifact: &str, evidence: &mut Evidence) {
    let Some(identity) = &proof.identity else { return };
    // What the verifier of keys says of it is said better here.
    evidence.unproved.retain(|unproved| !unproved.text.contains(artifact));
    let identity =
        Identity::Keyless { subject: identity.name.clone(), issuer: identity.issuer.clone() };
    let signed_at =
        proof.time.map(|time| SignedAt { secs: time.as_second(), source: TimeSource::Log });
    let predicate_type = match &proof.content {
        Content::Message => predicate_type::SIGN.to_owned(),
        Content::Statement { payload, .. } => {
            match strict_json::from_slice::<Statement>(payload, "in-toto statement") {
                Ok(statement) => statement.predicate_type,
                Err(error) => {
                    evidence.refusals.push(format!("keyless signature ({artifact}): {error}"));
                    return;
                }
            }
        }
    };
    if predicate_type == predicate_type::SIGN {
        evidence.signatures.push(Signature {
            format: Format::Cosign,
            identity,
            bound: Bound::Nothing,
            signed_at,
            expires_secs: None,
            vouched: None,
            artifact: artifact.to_owned(),
            fault: None,
        });
        return;
    }
    evidence.attestations.push(Attestation {
        predicate_type,
        format: Format::Cosign,
        identity,
        signed_at,
        artifact: artifact.to_owned(),
    });
}

fn matcher(pattern: &str) -> Option<Matcher> {
    if pattern.contains('*') {
        Matcher::expression(&expression(pattern)).ok()
    } else {
        Some(Matcher::exact(pattern))
    }
}

// A pattern of identities as a regular expression: `*` stands for any characters but `/`, `**` for any.
fn expression(pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**") {
            text.push_str(".*");
            rest = after;
        } else if let Some(after) = rest.strip_prefix('*') {
            text.push_str("[^/]*");
            rest = after;
        } else {
            if r"\.+?()|[]{}^$".contains(character) {
                text.push('\\');
            }
            text.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    text
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_expressions() {
        let matches = |pattern: &str, text: &str| {
            Matcher::expression(&expression(pattern)).unwrap().matches(text)
        };
        assert!(matches("a@b.example", "a@b.example"));
        assert!(!matches("a@b.example", "a@bxexample"));
        assert!(matches("https://ci/*/x", "https://ci/y/x"));
        assert!(!matches("https://ci/*/x", "https://ci/y/z/x"));
        assert!(matches("https://ci/**", "https://ci/y/z/x"));
        for special in r"\.+?()|[]{}^$#&-~ é".chars() {
            let pattern = format!("a{special}*");
            assert!(matches(&pattern, &format!("a{special}b")), "{special}");
            assert!(!matches(&pattern, "axb") && !matches(&pattern, "b"), "{special}");
        }
        assert!(!matches("https://ci/(.*)", "https://ci/y"));
    }
}
