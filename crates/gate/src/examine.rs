//! An image that was pushed, looked at once: packages, secrets, findings, and the documents that go beside it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use jiff::Timestamp;
use sealift_database::Database;
use sealift_depot::{Children, Depot, Manifest, NewManifest, Target};
use sealift_model::Report;
use sealift_oci::{
    ANNOTATION_CREATED, Descriptor, Digest, Manifest as ImageManifest, Platform, Raw, Reference,
    RepositoryName, media_type,
};
use sealift_pipeline::open::Opened;
use sealift_pipeline::secrets::SecretRequest;
use sealift_pipeline::{contents, scan, seal, secrets};

use crate::Error;
use crate::record::{self, Contents, Counts, Examination, Status};
use crate::rules::{Environment, Rules};
use crate::source::{Shelf, describe};

// Of a folder of documents so many are looked at for the newest.
const DOCUMENTS_LOOKED_MAX: usize = 10_000;

/// The artifact type of an SBOM.
pub const SBOM_TYPE: &str = "application/spdx+json";
/// The artifact type of a report.
pub const REPORT_TYPE: &str = "application/vnd.sealift.report+json";
/// Who pushed what the gate made.
pub const GATE_USER: &str = "sealift-gate";

/// What was found in an image.
pub(crate) struct Found {
    pub(crate) contents: Contents,
    pub(crate) report: Report,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    pub(crate) database_secs: Option<i64>,
    // A document that is there already is not made again.
    pub(crate) sbom: Option<Vec<u8>>,
}

/// Looks at an image. Its layers are read unless their contents are known. It blocks as long as that takes.
pub(crate) fn look(
    environment: &Environment,
    rules: &Rules,
    shelf: &Arc<Shelf>,
    manifest: &Manifest,
    name: &Reference,
    known: Option<Contents>,
) -> Result<Found, Error> {
    let opened = shelf.open(manifest, name, &Platform::host())?;
    let is_known = known.is_some();
    let contents = match known {
        Some(contents) => contents,
        None => read(environment, &opened)?,
    };
    let report = report(environment, rules, &contents, &opened, name)?;
    let (status, reason) = held_against(rules, &report);
    let sbom = (!is_known).then(|| sbom(&opened, name, &contents)).flatten();
    let database_secs = database_secs(rules);
    Ok(Found { contents, report, status, reason, database_secs, sbom })
}

/// The findings on contents, as they are known today.
pub(crate) fn report(
    environment: &Environment,
    rules: &Rules,
    contents: &Contents,
    opened: &Opened,
    name: &Reference,
) -> Result<Report, Error> {
    let session = environment.session();
    let mut artifact = contents::artifact(opened);
    artifact.name = name.familiar();
    if let Some(image) = &mut artifact.image {
        image.config.clone_from(&contents.config);
    }
    let mut report = match rules.scan.advisories {
        None => scan::without_advisories(&session, &contents.inventory, artifact),
        Some(_) => scan::scan(&session, &contents.inventory, artifact, &rules.scan)?,
    };
    report.notes.extend(contents.notes.iter().cloned());
    report.secrets = Some(contents.secrets.clone());
    Ok(report)
}

fn held_against(rules: &Rules, report: &Report) -> (Status, Option<String>) {
    let found = report.secrets.as_deref().unwrap_or_default();
    let threshold = rules.scan.fail_on.as_ref().map(secrets::threshold);
    if let Err(error) = secrets::gate(&secrets::sure(found), threshold) {
        return (Status::Failed, Some(reason_of(&error)));
    }
    if rules.scan.advisories.is_none() {
        return (Status::Listed, None);
    }
    match scan::gate(report, &rules.scan) {
        Ok(()) => (Status::Passed, None),
        Err(error) => (Status::Failed, Some(reason_of(&error))),
    }
}

fn read(environment: &Environment, opened: &Opened) -> Result<Contents, Error> {
    let request = SecretRequest::default();
    let (mut inventory, found) =
        contents::look(&environment.session(), &opened.image, Some(&request))?;
    contents::check_complete(&inventory)?;
    let found = found.unwrap_or_default();
    for layer in &mut inventory.layers {
        layer.instruction = layer.instruction.as_deref().map(|text| found.conceal(text));
    }
    let config = String::from_utf8_lossy(opened.image.config.bytes());
    let config = found.conceal(&config);
    Ok(Contents { inventory, secrets: found.findings, notes: found.notes, config })
}

/// When the advisories were made: the database, or the newest of the documents that take its place.
pub(crate) fn database_secs(rules: &Rules) -> Option<i64> {
    let folder = rules.scan.advisories.as_ref()?;
    match Database::open(folder) {
        Ok(database) => Some(database.made_secs()),
        Err(_) => newest_secs(folder),
    }
}

// Of a folder and what lies in it. A document that comes or goes is a change of its folder.
fn newest_secs(folder: &Path) -> Option<i64> {
    let changed = |path: &Path| {
        let modified = std::fs::metadata(path).ok()?.modified().ok()?;
        i64::try_from(modified.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
    };
    let within =
        std::fs::read_dir(folder).into_iter().flatten().take(DOCUMENTS_LOOKED_MAX).flatten();
    within.filter_map(|entry| changed(&entry.path())).chain(changed(folder)).max()
}

fn reason_of(error: &sealift_pipeline::Error) -> String {
    match error {
        sealift_pipeline::Error::Gate { finding, .. } => finding.clone(),
        other => other.to_string(),
    }
}

fn sbom(opened: &Opened, name: &Reference, contents: &Contents) -> Option<Vec<u8>> {
    let claims = seal::sbom_claims(opened, name, &contents.inventory);
    claims.into_iter().next().map(|claim| claim.predicate)
}

/// Keeps what was found: the documents beside the image, and the record. With what was known of it before.
pub(crate) async fn keep(
    depot: &Depot,
    repository: &RepositoryName,
    manifest: &Manifest,
    found: Found,
    now: Timestamp,
) -> Result<(Option<Examination>, Examination), Error> {
    let old = record::examination(depot, repository, &manifest.digest).await.ok().flatten();
    let counts = Counts::of(&found.report);
    if found.sbom.is_some() {
        record::keep_contents(depot, &manifest.digest, &found.contents).await?;
    }
    let sbom = match found.sbom {
        Some(document) => {
            Some(attach(depot, repository, manifest, SBOM_TYPE, document, now).await?)
        }
        None => old.as_ref().and_then(|old| old.sbom.clone()),
    };
    let is_changed = old.as_ref().is_none_or(|old| {
        old.counts != counts || old.status != found.status || old.report.is_none()
    });
    let known = old.as_ref().and_then(|old| old.report.clone());
    let report = if is_changed {
        let document = sealift_report::json(&found.report).into_bytes();
        let new = attach(depot, repository, manifest, REPORT_TYPE, document, now).await?;
        if let Some(known) = known.filter(|known| *known != new) {
            // Somebody may have deleted it.
            let _ = depot.delete_manifest(repository, &known, GATE_USER).await;
        }
        Some(new)
    } else {
        known
    };
    let examination = Examination {
        repository: repository.to_string(),
        digest: manifest.digest.clone(),
        examined_secs: now.as_second(),
        database_secs: found.database_secs,
        status: found.status,
        reason: found.reason,
        counts,
        packages: found.contents.inventory.components().count(),
        sbom,
        report,
    };
    record::keep(depot, &record::key(repository, &manifest.digest), &examination).await?;
    Ok((old, examination))
}

/// Keeps that an image cannot be examined.
pub(crate) async fn keep_failure(
    depot: &Depot,
    repository: &RepositoryName,
    digest: &Digest,
    reason: String,
    now: Timestamp,
) -> Result<Examination, Error> {
    let examination = Examination {
        repository: repository.to_string(),
        digest: digest.clone(),
        examined_secs: now.as_second(),
        database_secs: None,
        status: Status::Unreadable,
        reason: Some(reason),
        counts: Counts::default(),
        packages: 0,
        sbom: None,
        report: None,
    };
    record::keep(depot, &record::key(repository, digest), &examination).await?;
    Ok(examination)
}

// A document as an artifact that refers to the image.
async fn attach(
    depot: &Depot,
    repository: &RepositoryName,
    subject: &Manifest,
    kind: &str,
    document: Vec<u8>,
    now: Timestamp,
) -> Result<Digest, Error> {
    let config = put(depot, repository, Bytes::from_static(b"{}"), media_type::EMPTY).await?;
    let layer = put(depot, repository, Bytes::from(document), kind).await?;
    let manifest = ImageManifest {
        artifact_type: Some(kind.to_owned()),
        subject: Some(describe(subject)),
        annotations: BTreeMap::from([(ANNOTATION_CREATED.to_owned(), now.to_string())]),
        ..ImageManifest::new(config, vec![layer])
    };
    let manifest = Raw::encode(manifest);
    let new = NewManifest {
        target: Target::Digest(manifest.digest().clone()),
        tags: &[],
        media_type: media_type::MANIFEST,
        bytes: Bytes::copy_from_slice(manifest.bytes()),
        by: GATE_USER,
        children: Children::Required,
    };
    Ok(depot.put_manifest(repository, new).await?.digest)
}

async fn put(
    depot: &Depot,
    repository: &RepositoryName,
    bytes: Bytes,
    kind: &str,
) -> Result<Descriptor, Error> {
    let (digest, size) = (Digest::sha256(&bytes), bytes.len() as u64);
    depot.put_blob(repository, bytes, &digest, GATE_USER).await?;
    Ok(Descriptor::new(kind, digest, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_a_time_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, "{}").unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        // Newer than the folder.
        file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(9_000_000_001))
            .unwrap();
        assert_eq!(newest_secs(folder.path()), Some(9_000_000_001));
        assert_eq!(newest_secs(&path), Some(9_000_000_001));
        assert_eq!(newest_secs(&folder.path().join("none")), None);
    }
}
