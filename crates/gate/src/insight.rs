//! What the registry's pages show of an image.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sealift_depot::{Manifest, Target};
use sealift_model::Severity;
use sealift_oci::{Digest, Platform, RepositoryName};
use sealift_pipeline::verify;
use sealift_sign::predicate_type;
use sealift_web::{Counts, Details, Finding, Insight, Package, Signature, Summary, Verdict};

use crate::gate::{Gate, Inner};
use crate::herald::EXAMINE;
use crate::record::{self, Status};
use crate::shape::{Shape, shape};
use crate::{Error, examine};

impl Insight for Gate {
    fn summary<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Option<Summary>> {
        Box::pin(async move {
            let known = record::examination(&self.0.depot, repository, digest).await.ok()??;
            Some(Summary {
                examined: Timestamp::from_second(known.examined_secs).ok()?,
                status: match known.status {
                    Status::Passed => "passed",
                    Status::Failed => "failed",
                    Status::Listed => "listed",
                    Status::Unreadable => "unreadable",
                },
                reason: known.reason,
                counts: counts(&known.counts),
                packages: known.packages,
            })
        })
    }

    fn history<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Vec<(Timestamp, Counts)>> {
        Box::pin(async move {
            let key = record::key(repository, digest);
            let points = record::history(&self.0.depot, &key).await.unwrap_or_default();
            let point = |point: record::Point| {
                Some((Timestamp::from_second(point.secs).ok()?, counts(&point.counts)))
            };
            points.into_iter().filter_map(point).collect()
        })
    }

    fn details<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Option<Details>> {
        Box::pin(async move {
            let manifest = self.0.image(repository, digest).await?;
            let contents = record::contents(&self.0.depot, digest).await.ok()??;
            let (inner, repository) = (Arc::clone(&self.0), repository.clone());
            let _seat = self.0.seats.acquire().await;
            let found = tokio::task::spawn_blocking(move || {
                details(&inner, &repository, &manifest, &contents)
            });
            found.await.ok()?.ok()
        })
    }

    fn signatures<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Vec<Signature>> {
        Box::pin(async move {
            let target = Target::Digest(digest.clone());
            let Ok(Some(manifest)) = self.0.depot.manifest(repository, &target).await else {
                return Vec::new();
            };
            let (inner, repository) = (Arc::clone(&self.0), repository.clone());
            let _seat = self.0.seats.acquire().await;
            let found =
                tokio::task::spawn_blocking(move || signatures(&inner, &repository, &manifest));
            found.await.ok().and_then(Result::ok).unwrap_or_default()
        })
    }

    fn verdict<'a>(
        &'a self,
        repository: &'a RepositoryName,
        target: &'a Target,
    ) -> BoxFuture<'a, Option<Verdict>> {
        Box::pin(async move {
            let rules = self.0.rules();
            if !rules.judges() {
                return None;
            }
            let verdict = Gate::verdict(self, repository, target).await.ok()??;
            let reason = |reason: &crate::Reason| {
                (reason.gate.to_owned(), reason.message.clone(), reason.remedy.clone())
            };
            Some(Verdict {
                reasons: verdict.reasons.iter().map(reason).collect(),
                warnings: verdict.warnings.clone(),
                is_dry_run: rules.settings.dry_run,
            })
        })
    }
}

impl Gate {
    /// When the advisories were made, if there are any, and how many images wait to be examined.
    pub async fn state(&self) -> Result<(Option<Timestamp>, u64), Error> {
        let rules = self.0.rules();
        let made = tokio::task::spawn_blocking(move || examine::database_secs(&rules));
        let made = made.await.ok().flatten();
        let waiting = self.0.depot.queue_length(EXAMINE).await?.jobs;
        Ok((made.and_then(|secs| Timestamp::from_second(secs).ok()), waiting))
    }
}

impl Inner {
    async fn image(&self, repository: &RepositoryName, digest: &Digest) -> Option<Arc<Manifest>> {
        let target = Target::Digest(digest.clone());
        let manifest = self.depot.manifest(repository, &target).await.ok()??;
        let is_image = shape(&manifest.media_type, &manifest.bytes) == Shape::Image;
        is_image.then_some(manifest)
    }
}

fn counts(known: &record::Counts) -> Counts {
    Counts {
        critical: known.critical,
        high: known.high,
        medium: known.medium,
        low: known.low,
        unknown: known.unknown,
        secrets: known.secrets,
    }
}

fn details(
    inner: &Inner,
    repository: &RepositoryName,
    manifest: &Manifest,
    contents: &record::Contents,
) -> Result<Details, Error> {
    let name = inner.name(repository, None, &manifest.digest)?;
    let opened = inner.shelf(repository).open(manifest, &name, &Platform::host())?;
    let report = examine::report(&inner.environment, &inner.rules(), contents, &opened, &name)?;
    let mut packages: Vec<Package> = contents
        .inventory
        .components()
        .map(|(_, package)| Package {
            name: package.name.clone(),
            version: package.version.clone().unwrap_or_default(),
            kind: package.kind.purl_type().to_owned(),
            license: package
                .licenses
                .iter()
                .map(|license| license.spdx.as_deref().unwrap_or(&license.declared))
                .collect::<Vec<_>>()
                .join(", "),
            layer: package.introduced_by.as_ref().map(|layer| layer.index + 1),
        })
        .collect();
    packages.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    let mut findings: Vec<(Severity, Finding)> = report
        .findings
        .iter()
        .map(|finding| {
            let shown = Finding {
                id: finding.id.clone(),
                severity: word(finding.severity).to_owned(),
                package: finding.package.name.clone(),
                version: finding.package.version.clone(),
                fixed: finding.fix.version().map(str::to_owned),
                title: finding.title.clone(),
                url: finding.primary_url.clone(),
                is_exploited: finding.kev.is_some(),
                likelihood: finding
                    .epss
                    .and_then(|epss| u16::try_from(epss.score_millionths / 1000).ok()),
            };
            (finding.severity, shown)
        })
        .collect();
    findings.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    let findings = findings.into_iter().map(|(_, finding)| finding).collect();
    Ok(Details { packages, findings })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Unknown => "unknown",
        _ => "low",
    }
}

fn signatures(
    inner: &Inner,
    repository: &RepositoryName,
    manifest: &Manifest,
) -> Result<Vec<Signature>, Error> {
    let name = inner.name(repository, None, &manifest.digest)?;
    // Of an index, any of its images does: what refers to the index is asked for.
    let mut opened = inner.shelf(repository).open(manifest, &name, &Platform::host())?;
    // The registry's own word is no signature.
    opened.referrers.manifests.retain(|artifact| {
        let kind = artifact.artifact_type.as_deref();
        kind != Some(examine::SBOM_TYPE) && kind != Some(examine::REPORT_TYPE)
    });
    let rules = inner.rules();
    let keys = match &rules.trust {
        Some(file) => sealift_custody::keys_of_policy(file),
        None => rules.keys.clone(),
    };
    let public: Vec<_> = keys.iter().map(|trusted| trusted.key.clone()).collect();
    let proved = verify::proved(&opened, &public)?;
    let by = |fingerprint: &str| {
        let name = verify::key_name(&keys, fingerprint).unwrap_or("a key without name");
        format!("{name} ({})", fingerprint.get(..16).unwrap_or(fingerprint))
    };
    let mut shown: Vec<Signature> = proved
        .signatures
        .iter()
        .map(|signature| Signature {
            what: "signature".to_owned(),
            by: by(&signature.key),
            at: signature.created,
            is_proved: true,
        })
        .collect();
    shown.extend(proved.attestations.iter().map(|attestation| Signature {
        what: predicate_type::noun(&attestation.predicate_type).to_owned(),
        by: by(&attestation.key),
        at: attestation.created,
        is_proved: true,
    }));
    shown.extend(proved.unproved.iter().map(|unproved| Signature {
        what: if unproved.what == sealift_sign::What::Signature {
            "signature".to_owned()
        } else {
            "attestation".to_owned()
        },
        by: unproved.to_string(),
        at: None,
        is_proved: false,
    }));
    Ok(shown)
}
