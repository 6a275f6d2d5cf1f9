//! What notation's signatures prove: under the certificates of a rule's signers, or under notation's own policy.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use sealift_notation::{
    Check, Outcome, Question, RevocationLists, Signed, SignedTime, Statement, StoreName, StoreType,
    TrustStore, envelope_of, is_signature, verify,
};
use sealift_oci::{Manifest, Raw};
use sealift_pipeline::Error;
use sealift_pipeline::open::Opened;
use sealift_trust::{
    Bound, Evidence, Format, Identity, Policy, Refusal, RefusalKind, Rule, Signature, SignedAt,
    TimeSource, Unproved, tag_map,
};

/// Who is trusted, in notation's words.
struct Ground {
    statement: Statement,
    store: TrustStore,
    lists: RevocationLists,
}

/// Adds what is proved of an image by notation's signatures.
pub(crate) fn notation(
    policy: &Policy,
    rule: &Rule,
    folder: &Path,
    opened: &Opened,
    now_secs: i64,
    evidence: &mut Evidence,
) -> Result<(), Error> {
    let listed = opened.referrers.manifests.iter().any(|artifact| {
        artifact.artifact_type.as_deref().is_none_or(|kind| kind == sealift_notation::ARTIFACT_TYPE)
    });
    if !rule.formats.contains(&Format::Notation) || !listed {
        return Ok(());
    }
    let Some(ground) = ground(policy, rule, folder, opened)? else { return Ok(()) };
    for artifact in opened.referrers.read()? {
        if is_signature(artifact.value()) {
            let digest = artifact.digest().to_string();
            // The other formats' verifier names it among what it does not know.
            evidence.unproved.retain(|unproved| !unproved.text.contains(&digest));
            examine(&ground, opened, &artifact, now_secs, evidence);
        }
    }
    Ok(())
}

fn ground(
    policy: &Policy,
    rule: &Rule,
    folder: &Path,
    opened: &Opened,
) -> Result<Option<Ground>, Error> {
    if let (Some(own), Some(name)) = (&policy.notation, &opened.reference) {
        let statement = own
            .for_repository(&tag_map::repository(name))
            .map_err(|error| Error::Refused { what: name.familiar(), why: error.to_string() })?;
        let store = TrustStore::read(&folder.join("truststore/x509"), &statement.stores);
        let statement = statement.clone();
        return Ok(Some(Ground { statement, store, lists: RevocationLists::default() }));
    }
    let mut store = TrustStore::default();
    let (mut names, mut lists) = (Vec::new(), Vec::new());
    for (number, signer) in policy.voices(rule).enumerate() {
        for (kind, certificates) in [
            (StoreType::Authority, &signer.certificates),
            (StoreType::Timestamp, &signer.timestamp_authorities),
        ] {
            if certificates.is_empty() {
                continue;
            }
            let name = StoreName::new(kind, &format!("signer-{number}"))
                .map_err(|reason| Error::usage(reason, "name it otherwise"))?;
            store.insert(name.clone(), certificates.clone()).map_err(|error| {
                Error::usage(error.to_string(), error.hint().unwrap_or_default())
            })?;
            names.push(name);
        }
        lists.extend(signer.certificate_lists.iter().cloned());
    }
    let statement = Statement::strict("rule", names.clone());
    let has_any = names.iter().any(|name| name.kind == StoreType::Authority);
    Ok(has_any.then(|| Ground { statement, store, lists: RevocationLists::new(lists) }))
}

fn examine(
    ground: &Ground,
    opened: &Opened,
    artifact: &Raw<Manifest>,
    now_secs: i64,
    evidence: &mut Evidence,
) {
    let digest = artifact.digest();
    let read = || -> Result<(String, Vec<u8>), String> {
        let descriptor =
            envelope_of(artifact.value(), &opened.descriptor).map_err(|error| error.to_string())?;
        let bytes = opened.referrers.blob(descriptor).map_err(|error| error.to_string())?;
        Ok((descriptor.media_type.clone(), bytes))
    };
    let (media_type, envelope) = match read() {
        Ok(found) => found,
        Err(reason) => {
            evidence.refusals.push(format!("notation signature ({digest}): {reason}"));
            return;
        }
    };
    let outcome = verify(&Question {
        statement: &ground.statement,
        store: &ground.store,
        lists: &ground.lists,
        media_type: &media_type,
        envelope: &envelope,
        artifact: &opened.descriptor,
        annotations: &BTreeMap::new(),
        now: Timestamp::from_second(now_secs).unwrap_or_default(),
    });
    take(&outcome, &digest.to_string(), evidence);
}

fn take(outcome: &Outcome, artifact: &str, evidence: &mut Evidence) {
    let refusal = outcome.refusal().map(ToString::to_string);
    let Some(signed) = &outcome.signed else {
        let reason = refusal.unwrap_or_else(|| "nothing was proved".to_owned());
        evidence.refusals.push(format!("notation signature ({artifact}): {reason}"));
        return;
    };
    let Some(authority) = &signed.authority else {
        let reason = refusal.unwrap_or_else(|| "no trusted authority".to_owned());
        evidence.unproved.push(Unproved {
            format: Some(Format::Notation),
            is_signature: true,
            text: format!("notation signature ({artifact}): {reason}"),
            why: Some(reason),
        });
        return;
    };
    let fault = refusal.map(|text| Refusal { kind: kind_of(outcome), text });
    evidence.signatures.push(Signature {
        format: Format::Notation,
        identity: Identity::Certificate {
            key: signed.key().fingerprint(),
            authority: authority.fingerprint(),
            subject: signed.subject(),
        },
        bound: Bound::Nothing,
        signed_at: Some(signed_at(signed)),
        // Whether its end counts is the statement's matter, and it was asked.
        expires_secs: None,
        vouched: None,
        artifact: artifact.to_owned(),
        fault,
    });
}

fn kind_of(outcome: &Outcome) -> RefusalKind {
    let failed = outcome.checks.iter().find(|result| {
        result.action == sealift_notation::Action::Enforce && result.fault.is_some()
    });
    match failed.map(|result| result.check) {
        Some(Check::Expiry | Check::AuthenticTimestamp) => RefusalKind::Expired,
        Some(Check::Revocation) => RefusalKind::Revoked,
        Some(Check::Authenticity) => RefusalKind::Signers,
        Some(Check::Integrity) | None => RefusalKind::Tampered,
    }
}

fn signed_at(signed: &Signed) -> SignedAt {
    let source = match signed.time {
        SignedTime::Claimed(_) => TimeSource::Signer,
        SignedTime::SigningAuthority(_) | SignedTime::Timestamp(_) => TimeSource::Authority,
    };
    SignedAt { secs: signed.time.moment().as_second(), source }
}
