//! What an image carries, in the one form that policies see.

use sealift_crypto::PublicKey;
use sealift_pipeline::Error;
use sealift_pipeline::open::Opened;
use sealift_sign::{Verification, What};
use sealift_trust::tag_map;
use sealift_trust::{
    Attestation, Bound, Evidence, Format, Identity, Policy, Rule, Signature, SignedAt, TimeSource,
    Unproved,
};

/// What cosign's signatures prove under the keys that a rule listens to.
pub(crate) fn cosign(
    policy: &Policy,
    rule: &Rule,
    opened: &Opened,
    evidence: &mut Evidence,
) -> Result<(), Error> {
    let keys: Vec<PublicKey> = policy
        .voices(rule)
        .flat_map(|signer| &signer.keys)
        .map(|known| known.key.clone())
        .collect();
    add(sealift_pipeline::verify::proved(opened, &keys)?, evidence);
    Ok(())
}

fn add(verification: Verification, evidence: &mut Evidence) {
    let at = |created: Option<jiff::Timestamp>| {
        created.map(|time| SignedAt { secs: time.as_second(), source: TimeSource::Signer })
    };
    for signature in verification.signatures {
        evidence.signatures.push(Signature {
            format: Format::Cosign,
            identity: Identity::Key { fingerprint: signature.key },
            bound: signature.name.map_or(Bound::Nothing, Bound::Name),
            signed_at: at(signature.created),
            expires_secs: None,
            vouched: None,
            artifact: signature.artifact.to_string(),
            fault: None,
        });
    }
    for attestation in verification.attestations {
        if attestation.predicate_type == tag_map::PREDICATE_TYPE {
            match tag_map::decode(&attestation.predicate, &attestation.key) {
                Ok(map) => evidence.tag_maps.push(map),
                Err(error) => evidence.refusals.push(error.to_string()),
            }
            continue;
        }
        evidence.attestations.push(Attestation {
            predicate_type: attestation.predicate_type,
            format: Format::Cosign,
            identity: Identity::Key { fingerprint: attestation.key },
            signed_at: at(attestation.created),
            artifact: attestation.artifact.to_string(),
        });
    }
    for unproved in verification.unproved {
        evidence.unproved.push(Unproved {
            format: Some(Format::Cosign),
            is_signature: unproved.what == What::Signature,
            text: unproved.to_string(),
            why: None,
        });
    }
    evidence.refusals.extend(verification.refusals.iter().map(ToString::to_string));
}

/// Whether a key is one of a rule's signers; a key that merely attests binds no tags.
pub(crate) fn is_of_signers(policy: &Policy, rule: &Rule, fingerprint: &str) -> bool {
    rule.signers
        .iter()
        .flat_map(|position| &policy.signers[*position].keys)
        .any(|known| known.key.fingerprint() == fingerprint)
}
