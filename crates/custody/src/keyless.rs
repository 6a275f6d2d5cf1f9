//! What keyless signatures prove: bundles, and cosign's older layers, with certificates of identities that a rule names, under
//! the trusted roots of their signers. Nothing is fetched.

use jiff::Timestamp;
use sealift_crypto::{Hash, strict_json};
use sealift_oci::{Manifest, Raw};
use sealift_pipeline::Error;
use sealift_pipeline::open::Opened;
use sealift_sign::{legacy, predicate_type};
use sealift_sigstore::{
    Artifact, Content, IdentityPolicy, Legacy, LegacyContent, Matcher, Proof, Refusal, TrustedRoot,
    is_bundle_type, verify_bundle, verify_legacy,
};
use sealift_trust::{
    Attestation, Bound, Evidence, Format, Identity, Policy, Rule, Signature, SignedAt, Signer,
    TimeSource, Unproved,
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
    let judge =
        Judge { opened, now: Timestamp::from_second(now_secs).unwrap_or_default(), signers };
    for artifact in opened.referrers.read()? {
        match legacy::Kind::of(artifact.value()) {
            Some(kind) => judge.legacy(&artifact, kind, evidence)?,
            None => judge.bundle(&artifact, evidence)?,
        }
    }
    Ok(())
}

struct Judge<'a> {
    opened: &'a Opened,
    now: Timestamp,
    signers: Vec<(&'a Signer, &'a TrustedRoot)>,
}

impl Judge<'_> {
    fn bundle(&self, artifact: &Raw<Manifest>, evidence: &mut Evidence) -> Result<(), Error> {
        let [layer] = artifact.value().layers.as_slice() else { return Ok(()) };
        if !is_about(artifact, self.opened) || !is_bundle_type(&layer.media_type) {
            return Ok(());
        }
        let bundle = self.opened.referrers.blob(layer)?;
        let digest = self.image();
        let proved = self.by_any(|wanted, root| {
            let image = Artifact::Digest(Hash::Sha256, digest.as_deref()?);
            let by = sealift_sigstore::Signer::Identity(wanted, root);
            Some(verify_bundle(&bundle, image, by, self.now))
        });
        let name = artifact.digest().to_string();
        let is_it = |unproved: &Unproved| unproved.text.contains(&name);
        match proved {
            Ok(proof) => {
                // What the verifier of keys says of it is said better here.
                evidence.unproved.retain(|unproved| !is_it(unproved));
                take(&proof, &name, evidence);
            }
            // Signed with a key: others judge that.
            Err(None | Some(Refusal::Material { .. })) => {}
            Err(Some(refusal)) => {
                evidence.unproved.retain(|unproved| !is_it(unproved));
                // What does not say what it is may be a signature.
                let kind = artifact.value().annotations.get("dev.sigstore.bundle.predicateType");
                let is_signature = kind.is_none_or(|kind| kind == predicate_type::SIGN);
                explain(&name, is_signature, &refusal, evidence);
            }
        }
        Ok(())
    }

    // cosign 1 and 2: every layer is a signature of its own. What is no layer of that kind, or names another image, proves
    // nothing and is said by the verifier of keys.
    fn legacy(
        &self,
        artifact: &Raw<Manifest>,
        kind: legacy::Kind,
        evidence: &mut Evidence,
    ) -> Result<(), Error> {
        let layers = &artifact.value().layers;
        if layers.len() > legacy::LAYERS_MAX {
            return Ok(());
        }
        for layer in layers {
            let note = |name: &str| layer.annotations.get(name).map(String::as_str);
            let Some(certificate) = note(legacy::ANNOTATION_CERTIFICATE) else { continue };
            if layer.media_type != kind.media_type() {
                continue;
            }
            let bytes = self.opened.referrers.blob(layer)?;
            let digest = self.image();
            let signature = note(legacy::ANNOTATION_SIGNATURE).unwrap_or_default();
            let proved = self.by_any(|wanted, root| {
                let content = match kind {
                    legacy::Kind::Signatures => {
                        LegacyContent::Message { payload: &bytes, signature }
                    }
                    legacy::Kind::Attestations => LegacyContent::Envelope {
                        envelope: &bytes,
                        artifact: Artifact::Digest(Hash::Sha256, digest.as_deref()?),
                    },
                };
                let signed = Legacy {
                    content,
                    certificate,
                    chain: note("dev.sigstore.cosign/chain"),
                    bundle: note("dev.sigstore.cosign/bundle"),
                    timestamp: note("dev.sigstore.cosign/rfc3161timestamp"),
                };
                Some(verify_legacy(&signed, wanted, root, self.now))
            });
            let name = artifact.digest().to_string();
            let is_signature = kind == legacy::Kind::Signatures;
            let is_it = |unproved: &Unproved| {
                unproved.is_signature == is_signature
                    && unproved.text.contains(&name)
                    && unproved.text.ends_with(legacy::BY_CERTIFICATE)
            };
            if let Some(position) = evidence.unproved.iter().position(is_it) {
                evidence.unproved.remove(position);
            }
            let about = || legacy::check_payload(&bytes, &self.opened.descriptor.digest);
            match proved {
                Ok(proof) => match if is_signature { about() } else { Ok(()) } {
                    Ok(()) => take(&proof, &name, evidence),
                    Err(fault) => {
                        evidence.refusals.push(format!("keyless signature ({name}): {fault}"));
                    }
                },
                Err(Some(refusal)) => explain(&name, is_signature, &refusal, evidence),
                Err(None) => {}
            }
        }
        Ok(())
    }

    fn image(&self) -> Option<Vec<u8>> {
        bytes_of(self.opened.descriptor.digest.hex())
    }

    // The proof by the first identity that has signed, or the refusal of the first that was asked.
    fn by_any(
        &self,
        prove: impl Fn(&IdentityPolicy, &TrustedRoot) -> Option<Result<Proof, Refusal>>,
    ) -> Result<Proof, Option<Refusal>> {
        let mut first_refusal = None;
        let proved = self.signers.iter().find_map(|(signer, root)| {
            signer.identities.iter().find_map(|identity| {
                let wanted = IdentityPolicy::new(
                    matcher(&identity.subject)?,
                    Matcher::exact(&identity.issuer),
                );
                prove(&wanted, root)?
                    .map_err(|refusal| first_refusal.get_or_insert(refusal).clone())
                    .ok()
            })
        });
        proved.ok_or(first_refusal)
    }
}

fn is_about(artifact: &Raw<Manifest>, opened: &Opened) -> bool {
    artifact.value().subject.as_ref().is_some_and(|subject| {
        subject.digest == opened.descriptor.digest
            && subject.media_type == opened.descriptor.media_type
            && subject.size == opened.descriptor.size
    })
}

// The verifier of keys only says that there is a certificate.
fn explain(artifact: &str, is_signature: bool, refusal: &Refusal, evidence: &mut Evidence) {
    let reason = refusal.to_string();
    evidence.unproved.push(Unproved {
        format: Some(Format::Cosign),
        is_signature,
        text: format!("keyless signature ({artifact}): {reason}"),
        why: Some(reason),
    });
}

fn take(proof: &Proof, artifact: &str, evidence: &mut Evidence) {
    let Some(identity) = &proof.identity else { return };
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
