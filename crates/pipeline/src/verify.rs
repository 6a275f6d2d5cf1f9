//! Verification: every byte of an image hashed again, its signature and attestations proved by trusted keys, its
//! policy judged again. Fail closed: what is unknown, missing or unreadable is a refusal.

use std::io::Read;

use sealift_crypto::PublicKey;
use sealift_model::{Outcome, Severity, Verdict};
use sealift_oci::{Digest, Reference};
use sealift_policy::{ProvenanceFacts, ScanStatus, SignatureFacts};
use sealift_scan::Expression;
use sealift_sign::summary::Summary;
use sealift_sign::{Requirements, Verification, predicate_type};
use serde::Deserialize;

use crate::judge::{Evidence, PolicyRequest};
use crate::keys::TrustedKey;
use crate::open::Opened;
use crate::{Error, Session};

/// Something that can be required of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A signature.
    Signature,
    /// An SBOM, SPDX or CycloneDX.
    Sbom,
    /// A vulnerability report.
    Vulnerabilities,
    /// A policy verdict that is a pass.
    Policy,
    /// Build provenance.
    Provenance,
}

impl Proof {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Signature, Self::Sbom, Self::Vulnerabilities, Self::Policy, Self::Provenance];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Sbom => "sbom",
            Self::Vulnerabilities => "vulnerabilities",
            Self::Policy => "policy",
            Self::Provenance => "provenance",
        }
    }
}

/// What to prove.
pub struct VerifyRequest {
    /// Keys that are trusted.
    pub keys: Vec<TrustedKey>,
    /// What must be there.
    pub require: Vec<Proof>,
    /// Policies to judge again; without any, the attested verdict counts.
    pub policy: PolicyRequest,
    /// Which findings of an attested report make it count as failed. Such a report tells severities only; whether it
    /// meets anything else is not known.
    pub fail_on: Option<Expression>,
    /// Whether layers count that were hashed before and not touched since.
    pub hashing: Hashing,
}

/// Whether layers count that were hashed before and not touched since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hashing {
    /// They do.
    #[default]
    Stamps,
    /// Every byte is hashed again.
    Again,
}

/// What was proved.
#[derive(Debug)]
pub struct Verified {
    /// Digest of the image.
    pub digest: Digest,
    /// Layers that were hashed, and their bytes.
    pub layers: usize,
    /// Bytes of all layers, compressed.
    pub layer_bytes: u64,
    /// Layers that were hashed before and not touched since.
    pub stamped: usize,
    /// Signatures, attestations, and what proves nothing.
    pub verification: Verification,
    /// The attested verdict, if there is one.
    pub attested: Option<Summary>,
    /// The verdict of the policies at hand, if there are any.
    pub judged: Option<Verdict>,
}

/// What the referrers of an image prove under some keys.
pub fn proved(opened: &Opened, keys: &[PublicKey]) -> Result<Verification, Error> {
    let source = opened.referrers.source.clone();
    let read = |descriptor: &sealift_oci::Descriptor| -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let reader = source.open(descriptor).map_err(|error| error.to_string())?;
        let limit = descriptor.size.saturating_add(1);
        reader.take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    };
    Ok(sealift_sign::verify(&opened.descriptor, &opened.referrers.manifests, &read, keys))
}

/// Proves an image.
pub fn verify(
    session: &Session<'_>,
    opened: &Opened,
    request: &VerifyRequest,
) -> Result<Verified, Error> {
    check_keys(request)?;
    prove(session, opened, request)
}

/// The same for an image that was judged by a trust policy: without keys what is required is not there.
pub fn prove(
    session: &Session<'_>,
    opened: &Opened,
    request: &VerifyRequest,
) -> Result<Verified, Error> {
    let (layer_bytes, stamped) = check_layers(session, opened, request.hashing)?;
    session.check()?;
    let keys: Vec<PublicKey> = request.keys.iter().map(|trusted| trusted.key.clone()).collect();
    let verification = proved(opened, &keys)?;
    check_requirements(opened, request, &verification)?;
    let attested = attested_verdict(&verification)?;
    if let Some(summary) = &attested
        && summary.verdict.outcome == Outcome::Fail
    {
        return Err(refused("policy verdict", "the attested verdict is a refusal"));
    }
    let judged = judge_again(session, opened, request, &verification)?;
    Ok(Verified {
        digest: opened.descriptor.digest.clone(),
        layers: opened.image.manifest.value().layers.len(),
        layer_bytes,
        stamped,
        verification,
        attested,
        judged,
    })
}

/// Without a key nothing can be proved.
pub(crate) fn check_keys(request: &VerifyRequest) -> Result<(), Error> {
    if request.keys.is_empty() {
        return Err(Error::usage(
            "no public key is trusted, so nothing can be proved",
            "give one with `--key FILE`, or put it into ~/.config/sealift/keys with the ending .pub",
        ));
    }
    Ok(())
}

// Every layer is read and hashed, compressed and not, unless it was before and nobody touched it. The manifest and the
// config were when the image was opened.
fn check_layers(
    session: &Session<'_>,
    opened: &Opened,
    hashing: Hashing,
) -> Result<(u64, usize), Error> {
    let manifest = opened.image.manifest.value();
    let mut stamps = session.store.stamps();
    let mut stamped = 0;
    for (number, (descriptor, diff_id)) in opened.image.layers().enumerate() {
        let digest = &descriptor.digest;
        // Of other sources nobody knows when their files change.
        let is_stored = opened.image.blobs().is_at(digest, &session.store.blob_path(digest));
        let facts = stamps.look(digest).filter(|_| is_stored);
        let is_whole = facts.is_some_and(|facts| facts.size() == descriptor.size);
        if hashing == Hashing::Stamps && is_whole && stamps.knows(digest, diff_id) {
            stamped += 1;
            continue;
        }
        hash_layer(opened, number, digest)?;
        if let Some(facts) = facts {
            stamps.add(digest, diff_id, facts);
        }
    }
    stamps.save()?;
    Ok((manifest.layers.iter().map(|layer| layer.size).sum(), stamped))
}

fn hash_layer(opened: &Opened, number: usize, digest: &Digest) -> Result<(), Error> {
    let altered = |why: String| Error::Altered {
        what: format!("layer {}", number + 1),
        digest: digest.clone(),
        why,
    };
    let mut reader = opened.image.open_layer(number).map_err(|error| altered(error.to_string()))?;
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| altered(error.to_string()))?;
    reader.finish().map(drop).map_err(|error| altered(error.to_string()))
}

fn check_requirements(
    opened: &Opened,
    request: &VerifyRequest,
    verification: &Verification,
) -> Result<(), Error> {
    let has = |proof: Proof| request.require.contains(&proof);
    let mut attestations = Vec::new();
    for (proof, kind) in [
        (Proof::Sbom, predicate_type::SPDX),
        (Proof::Vulnerabilities, predicate_type::VULNERABILITIES),
        (Proof::Policy, predicate_type::VERIFICATION_SUMMARY),
        (Proof::Provenance, predicate_type::PROVENANCE),
    ] {
        let is_other_sbom = proof == Proof::Sbom
            && verification
                .attestations
                .iter()
                .any(|attestation| attestation.predicate_type == predicate_type::CYCLONEDX);
        if has(proof) && !is_other_sbom {
            attestations.push(kind.to_owned());
        }
    }
    let requirements =
        Requirements { signature: has(Proof::Signature), attestations, ..Requirements::default() };
    match requirements.evaluate(verification).into_iter().next() {
        Some(refusal) => {
            Err(Error::Refused { what: opened.title.clone(), why: refusal.to_string() })
        }
        None => Ok(()),
    }
}

fn attested_verdict(verification: &Verification) -> Result<Option<Summary>, Error> {
    let newest = newest(verification, predicate_type::VERIFICATION_SUMMARY);
    newest
        .map(|predicate| {
            sealift_sign::summary::decode(predicate)
                .map_err(|error| refused("policy verdict", &error.to_string()))
        })
        .transpose()
}

fn newest<'a>(verification: &'a Verification, kind: &str) -> Option<&'a [u8]> {
    verification
        .attestations
        .iter()
        .filter(|attestation| attestation.predicate_type == kind)
        .max_by_key(|attestation| attestation.created)
        .map(|attestation| attestation.predicate.as_slice())
}

fn judge_again(
    session: &Session<'_>,
    opened: &Opened,
    request: &VerifyRequest,
    verification: &Verification,
) -> Result<Option<Verdict>, Error> {
    if request.policy.is_empty() {
        return Ok(None);
    }
    let policies = crate::policies::load(&request.policy, crate::policies::Tests::Without)?;
    let inventory = crate::contents::inventory_of_every_byte(&opened.image)?;
    crate::contents::check_complete(&inventory)?;
    let evidence = Evidence {
        inventory: Some(&inventory),
        scan_status: attested_scan(verification, request.fail_on.as_ref()),
        signatures: signature_facts(verification, &request.keys),
        reference: signed_name(verification),
        provenance: attested_provenance(verification),
        now_secs: Some(session.now_secs),
        ..Evidence::default()
    };
    let facts = crate::judge::facts(Some(opened), &evidence, &request.policy);
    let verdict = crate::judge::judge(&facts, &request.policy, &policies)?.judgement.verdict;
    if verdict.outcome == Outcome::Fail {
        let first = verdict.violations.iter().max_by_key(|violation| violation.level);
        let why = first.map_or_else(String::new, |violation| {
            format!("{} ({}, rule `{}`)", violation.message, violation.file, violation.rule)
        });
        return Err(refused("policy", &why));
    }
    Ok(Some(verdict))
}

// The name that was signed counts, not the one under which somebody shows the image.
fn signed_name(verification: &Verification) -> Option<Reference> {
    let name = verification.signatures.iter().find_map(|signature| signature.name.as_deref())?;
    Reference::parse(name).ok()
}

/// The newest provenance that a trusted key has signed. What cannot be read proves nothing.
pub fn attested_provenance(verification: &Verification) -> Option<ProvenanceFacts> {
    let predicate: serde_json::Value =
        serde_json::from_slice(newest(verification, predicate_type::PROVENANCE)?).ok()?;
    let text = |pointer: &str| Some(predicate.pointer(pointer)?.as_str()?.to_owned());
    let material = |it: &serde_json::Value| {
        let digests = it.get("digest").and_then(|digest| digest.as_object());
        let digest = digests.and_then(|digests| {
            let (name, value) = digests.iter().next()?;
            Some(format!("{name}:{}", value.as_str()?))
        });
        Some((it.get("uri")?.as_str()?.to_owned(), digest))
    };
    let dependencies = predicate.pointer("/buildDefinition/resolvedDependencies");
    Some(ProvenanceFacts {
        verified: true,
        builder: text("/runDetails/builder/id")?,
        build_type: text("/buildDefinition/buildType")?,
        materials: dependencies
            .and_then(|list| list.as_array())
            .into_iter()
            .flatten()
            .filter_map(material)
            .collect(),
    })
}

/// The signatures as policies see them.
pub fn signature_facts(verification: &Verification, keys: &[TrustedKey]) -> Vec<SignatureFacts> {
    verification
        .signatures
        .iter()
        .map(|signature| SignatureFacts {
            verified: true,
            key: key_name(keys, &signature.key).map(str::to_owned),
            fingerprint: Some(signature.key.clone()),
        })
        .collect()
}

/// The name of the key with a fingerprint.
pub fn key_name<'a>(keys: &'a [TrustedKey], fingerprint: &str) -> Option<&'a str> {
    keys.iter()
        .find(|trusted| trusted.key.fingerprint() == fingerprint)
        .map(|trusted| trusted.name.as_str())
}

#[derive(Deserialize)]
struct AttestedScan {
    scanner: AttestedScanner,
}

#[derive(Deserialize)]
struct AttestedScanner {
    result: AttestedReport,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttestedReport {
    results: Vec<AttestedResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttestedResult {
    #[serde(default)]
    vulnerabilities: Vec<AttestedFinding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttestedFinding {
    severity: String,
}

// A report that cannot be read leaves the status unknown, and a policy that wants `passed` refuses that.
fn attested_scan(verification: &Verification, fail_on: Option<&Expression>) -> ScanStatus {
    let Some(predicate) = newest(verification, predicate_type::VULNERABILITIES) else {
        return ScanStatus::Unknown;
    };
    let Ok(scan) = serde_json::from_slice::<AttestedScan>(predicate) else {
        return ScanStatus::Unknown;
    };
    let mut findings =
        scan.scanner.result.results.iter().flat_map(|result| &result.vulnerabilities);
    let Some(expression) = fail_on else { return ScanStatus::Passed };
    let Some(threshold) = expression.severity() else { return ScanStatus::Unknown };
    let is_bad = |finding: &AttestedFinding| {
        finding.severity.parse::<Severity>().is_ok_and(|severity| severity >= threshold)
    };
    if findings.any(is_bad) { ScanStatus::Failed } else { ScanStatus::Passed }
}

fn refused(what: &str, why: &str) -> Error {
    Error::Refused { what: what.to_owned(), why: why.to_owned() }
}
