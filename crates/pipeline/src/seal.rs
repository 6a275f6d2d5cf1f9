//! Sealing: the signature and the attestations of an image, stored beside it as referrers.
//!
//! Sealing twice changes nothing that is still right: a good signature by the same key stays, and of each kind of
//! attestation only the newest of a key is kept.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use sealift_build::Built;
use sealift_model::{ArtifactKind, Inventory, Report, Verdict};
use sealift_oci::{Descriptor, Digest, Reference};
use sealift_sbom::Subject as SbomSubject;
use sealift_sign::provenance::{BUILD_TYPE, BUILDER_LOCAL, Builder, Dependency, Provenance};
use sealift_sign::summary::Summary;
use sealift_sign::vulnerabilities::Scan;
use sealift_sign::{Artifact, Form, Subject, Verification, predicate_type};
use serde_json::{Map, Value};

use crate::keys::Signer;
use crate::open::Opened;
use crate::session::nanoseconds;
use crate::transfer::Delivery;
use crate::{Error, Session};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const SCANNER_URI: &str = "https://github.com/sealift/sealift";

/// An attestation to be made.
pub struct Claim {
    /// Type of the predicate.
    pub predicate_type: &'static str,
    /// The predicate.
    pub predicate: Vec<u8>,
    /// True if an older one stays right: it describes the same fact.
    pub is_lasting: bool,
}

/// What sealing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Artifacts that were made.
    pub made: usize,
    /// Artifacts that were there and stay.
    pub kept: usize,
}

/// How the image came to be; what the provenance says.
pub struct Making<'a> {
    /// What the builder says.
    pub built: &'a Built,
    /// The Dockerfile's path in the project.
    pub dockerfile: &'a Path,
    /// Its text.
    pub dockerfile_text: &'a str,
    /// The stage, if not the last.
    pub target: Option<&'a str>,
    /// Names of the build arguments; their values may be secret.
    pub argument_names: Vec<String>,
    /// Start, in seconds since 1970.
    pub started_secs: i64,
    /// End, in seconds since 1970.
    pub finished_secs: i64,
}

/// Names what lies in the local store, signs it, and sends it to the registry of that name.
pub(crate) fn sign_and_push(
    session: &Session<'_>,
    descriptor: &Descriptor,
    name: &Reference,
    signer: &Signer,
) -> Result<Delivery, Error> {
    let name = name.clone().or_latest();
    session.store.tag(&name, descriptor)?;
    let opened = crate::open::open_descriptor(session, descriptor, &name)?;
    seal(session, &opened, &name, signer, &[])?;
    // With the signature that it has now.
    let opened = crate::open::open_descriptor(session, descriptor, &name)?;
    crate::transfer::push(session, &opened, &name)
}

/// Signs an image and stores its attestations.
pub fn seal(
    session: &Session<'_>,
    opened: &Opened,
    name: &Reference,
    signer: &Signer,
    claims: &[Claim],
) -> Result<Sealed, Error> {
    let known = crate::verify::proved(opened, &[signer.key.public()])?;
    let created = timestamp(session.document_secs());
    let full_name = name.to_string();
    let mut sealed = Sealed::default();
    if known.signatures.iter().any(|signature| {
        signature.form == Form::Bundle && signature.name.as_ref() == Some(&full_name)
    }) {
        sealed.kept += 1;
    } else {
        let subject = Subject { descriptor: &opened.descriptor, name: Some(&full_name) };
        store(
            session,
            &sealift_sign::sign_image(&signer.key, &subject, &BTreeMap::new(), created)?,
        )?;
        sealed.made += 1;
    }
    let attested = attest(session, opened, name, signer, claims)?;
    sealed.made += attested.made;
    sealed.kept += attested.kept;
    Ok(sealed)
}

/// Stores attestations of an image, without a signature.
pub fn attest(
    session: &Session<'_>,
    opened: &Opened,
    name: &Reference,
    signer: &Signer,
    claims: &[Claim],
) -> Result<Sealed, Error> {
    let known = crate::verify::proved(opened, &[signer.key.public()])?;
    let created = timestamp(session.document_secs());
    let repository = format!("{}/{}", name.registry(), name.repository());
    let mut sealed = Sealed::default();
    let subject = Subject { descriptor: &opened.descriptor, name: Some(&repository) };
    for claim in claims {
        if is_kept(&known, claim) {
            sealed.kept += 1;
            continue;
        }
        let artifact = sealift_sign::attest(
            &signer.key,
            &subject,
            claim.predicate_type,
            &claim.predicate,
            created,
        )?;
        store(session, &artifact)?;
        for old in
            known.attestations.iter().filter(|old| old.predicate_type == claim.predicate_type)
        {
            // Other signatures lie in the same manifest of the older form.
            if old.form == Form::Bundle && old.artifact != *artifact.manifest.digest() {
                session.store.remove_referrer(&old.artifact)?;
            }
        }
        sealed.made += 1;
    }
    Ok(sealed)
}

fn is_kept(known: &Verification, claim: &Claim) -> bool {
    known.attestations.iter().any(|old| {
        old.predicate_type == claim.predicate_type
            && (claim.is_lasting || old.predicate.trim_ascii() == claim.predicate.trim_ascii())
    })
}

fn store(session: &Session<'_>, artifact: &Artifact) -> Result<(), Error> {
    for blob in &artifact.blobs {
        session.store.put_blob(&blob.bytes)?;
    }
    session.store.add_referrer(&artifact.manifest)?;
    Ok(())
}

/// The SBOMs, dated as the image is, so that the same image has the same ones.
pub fn sbom_claims(opened: &Opened, name: &Reference, inventory: &Inventory) -> Vec<Claim> {
    let subject = sbom_subject(opened, name);
    let inventory = &sealift_sbom::present(inventory, ArtifactKind::Image);
    [
        (predicate_type::SPDX, sealift_sbom::spdx::encode(inventory, &subject)),
        (predicate_type::CYCLONEDX, sealift_sbom::cyclonedx::encode(inventory, &subject)),
    ]
    .map(|(predicate_type, document)| Claim {
        predicate_type,
        predicate: document.into_bytes(),
        is_lasting: false,
    })
    .into()
}

/// What an SBOM says it is about.
pub fn sbom_subject(opened: &Opened, name: &Reference) -> SbomSubject {
    let config = opened.image.config.value();
    let created = config.created.as_deref().and_then(nanoseconds).unwrap_or(0) / 1_000_000_000;
    let mut subject = SbomSubject::image(name, &opened.descriptor.digest, created);
    subject.architecture = Some(config.architecture.clone()).filter(|text| !text.is_empty());
    subject.config_digest = Some(opened.image.config.digest().clone());
    subject.take_manifest(opened.image.manifest.bytes());
    subject.take_labels(&config.config.labels);
    subject
}

/// The vulnerability report.
pub fn report_claim(report: &Report) -> Result<Claim, Error> {
    let document = sealift_report::json(report);
    let time = timestamp(report.created_secs);
    let predicate = sealift_sign::vulnerabilities::encode(&Scan {
        scanner_uri: SCANNER_URI,
        scanner_version: VERSION,
        database_uri: &report.database.source,
        database_version: report.database.newest_modified.as_deref().unwrap_or("unknown"),
        report: document.as_bytes(),
        started: time,
        finished: time,
    })?;
    Ok(Claim { predicate_type: predicate_type::VULNERABILITIES, predicate, is_lasting: false })
}

/// The verdict.
pub fn verdict_claim(
    session: &Session<'_>,
    name: &Reference,
    verdict: &Verdict,
    inputs: &[Claim],
) -> Claim {
    let predicate = sealift_sign::summary::encode(&Summary {
        verifier_version: VERSION.to_owned(),
        time: timestamp(session.document_secs()),
        resource_uri: name.to_string(),
        verdict: verdict.clone(),
        verified_levels: Vec::new(),
        inputs: inputs.iter().map(|claim| Digest::sha256(&claim.predicate)).collect(),
    });
    Claim { predicate_type: predicate_type::VERIFICATION_SUMMARY, predicate, is_lasting: false }
}

/// The provenance (SLSA v1). A fully cached build was made by an earlier run, whose provenance stays.
pub fn provenance_claim(making: &Making<'_>) -> Claim {
    let built = making.built;
    let mut external = Map::new();
    let text = |text: String| Value::String(text);
    external.insert("dockerfile".to_owned(), text(making.dockerfile.display().to_string()));
    if let Some(target) = making.target {
        external.insert("target".to_owned(), text(target.to_owned()));
    }
    let names = making.argument_names.iter().map(|name| text(name.clone())).collect();
    external.insert("buildArgumentNames".to_owned(), Value::Array(names));
    let mut dependencies = vec![Dependency {
        uri: format!("file:{}", making.dockerfile.display()),
        digest: Digest::sha256(making.dockerfile_text.as_bytes()),
        name: Some("dockerfile".to_owned()),
    }];
    dependencies.extend(built.bases.iter().map(|base| Dependency {
        uri: format!("oci://{}", base.reference),
        digest: base.digest.clone(),
        name: Some(if base.is_final_base { "base" } else { "build-base" }.to_owned()),
    }));
    let predicate = sealift_sign::provenance::encode(&Provenance {
        build_type: BUILD_TYPE.to_owned(),
        external_parameters: external,
        internal_parameters: Map::new(),
        dependencies,
        builder: Builder {
            id: BUILDER_LOCAL.to_owned(),
            version: BTreeMap::from([("sealift".to_owned(), VERSION.to_owned())]),
        },
        invocation_id: None,
        started: timestamp(making.started_secs),
        finished: timestamp(making.finished_secs),
    });
    let is_lasting = built.steps == built.cached;
    Claim { predicate_type: predicate_type::PROVENANCE, predicate, is_lasting }
}

/// The time of a document.
pub fn timestamp(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap_or(Timestamp::UNIX_EPOCH)
}
