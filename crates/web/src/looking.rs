//! What a page shows, fetched from where it is known.

use std::sync::Arc;

use maud::{Markup, html};
use sealift_access::{Action, Thing};
use sealift_depot::{Error, Manifest, Statistics, Target};
use sealift_oci::{
    Descriptor, Digest, ImageConfig, Index, Manifest as ImageManifest, RepositoryName, media_type,
};

use crate::address::{Address, of_image};
use crate::insight::Verdict;
use crate::layout::bytes;
use crate::pages::findings::Filter;
use crate::pages::image::{self, Head, Layer, View};
use crate::pages::{findings, packages, repositories, repository, storage};
use crate::service::{Shown, Visit, Web};

const PAGE: usize = 50;
// Of so many repositories names are looked at for one page of a search.
const SEARCHED_MAX: usize = 20_000;
const REFERRERS_MAX: usize = 200;
const CONFIG_BYTES_MAX: u64 = 4 << 20;

impl Web {
    /// Shows what an address means.
    pub(crate) async fn look(&self, address: &Address, visit: &Visit) -> Shown {
        let shown = match address {
            Address::Repositories => self.repositories(visit).await,
            Address::Repository(name) => self.repository(name, visit).await,
            Address::Image(name, target) => self.image(name, target, visit).await,
            Address::Storage => self.storage(visit).await,
            Address::Administration
            | Address::Robots
            | Address::Collection
            | Address::Retention => Ok(self.administration(visit, None).await),
            Address::Login | Address::Logout | Address::Style | Address::Icon => Ok(Shown::Absent),
        };
        shown.unwrap_or_else(|error| match error {
            Error::NameUnknown | Error::ManifestUnknown | Error::BlobUnknown { .. } => {
                Shown::Absent
            }
            _ => Shown::Failed,
        })
    }

    fn may_pull(&self, visit: &Visit, name: &RepositoryName) -> bool {
        self.may(&visit.principal, Action::Pull, Thing::Repository(name.as_str()))
    }

    async fn repositories(&self, visit: &Visit) -> Result<Shown, Error> {
        let wanted = visit.query.get("q").to_lowercase();
        let mut after = Some(visit.query.get("after").to_owned()).filter(|text| !text.is_empty());
        let (mut rows, mut looked, mut more) = (Vec::new(), 0, false);
        'pages: loop {
            let page = self.depot.repositories(after.as_deref(), 500).await?;
            for name in &page.items {
                looked += 1;
                after = Some(name.to_string());
                if !name.as_str().contains(&wanted) || !self.may_pull(visit, name) {
                    continue;
                }
                if rows.len() == PAGE {
                    more = true;
                    after = rows.last().map(|row: &repositories::Row| row.name.to_string());
                    break 'pages;
                }
                rows.push(self.repository_row(name).await?);
            }
            if !page.more || page.items.is_empty() {
                break;
            }
            if looked >= SEARCHED_MAX {
                more = true;
                break;
            }
        }
        if rows.is_empty() && visit.visitor.name.is_none() && wanted.is_empty() {
            return Ok(Shown::Forbidden);
        }
        let next = after.filter(|_| more);
        let body = repositories::body(&rows, visit.query.get("q"), next.as_deref());
        Ok(Shown::Page("Repositories".to_owned(), body))
    }

    async fn repository_row(&self, name: &RepositoryName) -> Result<repositories::Row, Error> {
        let numbers = self.depot.repository_statistics(name).await?;
        Ok(repositories::Row {
            name: name.clone(),
            tags: numbers.tags,
            bytes: numbers.bytes,
            is_mirror: self.office.is_mirrored(name.as_str()),
        })
    }

    async fn repository(&self, name: &RepositoryName, visit: &Visit) -> Result<Shown, Error> {
        if !self.may_pull(visit, name) {
            return Ok(Shown::Absent);
        }
        let after = Some(visit.query.get("after")).filter(|text| !text.is_empty());
        let page = self.depot.tag_details(name, after, PAGE).await?;
        let mut rows = Vec::new();
        for detail in page.items {
            let (mut summary, mut signatures) = (None, 0);
            if let Some(insight) = &self.insight {
                summary = insight.summary(name, &detail.digest).await;
                let found = insight.signatures(name, &detail.digest).await;
                signatures =
                    found.iter().filter(|it| it.is_proved && it.what == "signature").count();
            }
            rows.push(repository::Row {
                tag: detail.tag.to_string(),
                digest: detail.digest,
                updated: detail.updated,
                by: detail.by,
                bytes: detail.size,
                summary,
                signatures,
            });
        }
        let next = rows.last().map(|row| row.tag.clone()).filter(|_| page.more);
        let body = repository::body(name, &self.name, &rows, next.as_deref());
        Ok(Shown::Page(name.to_string(), body))
    }

    async fn image(
        &self,
        name: &RepositoryName,
        target: &Target,
        visit: &Visit,
    ) -> Result<Shown, Error> {
        if !self.may_pull(visit, name) {
            return Ok(Shown::Absent);
        }
        let Some(manifest) = self.depot.manifest(name, target).await? else {
            return Ok(Shown::Absent);
        };
        let text = match target {
            Target::Tag(tag) => tag.to_string(),
            Target::Digest(digest) => digest.to_string(),
        };
        let view = View::of(visit.query.get("view"));
        let content = self.view(name, target, &manifest, view, visit).await?;
        let head = head(name, &text, &manifest);
        Ok(Shown::Page(format!("{name} {text}"), image::frame(&head, view, &content)))
    }

    async fn view(
        &self,
        name: &RepositoryName,
        target: &Target,
        manifest: &Arc<Manifest>,
        view: View,
        visit: &Visit,
    ) -> Result<Markup, Error> {
        let digest = &manifest.digest;
        let text = match target {
            Target::Tag(tag) => tag.to_string(),
            Target::Digest(digest) => digest.to_string(),
        };
        let address = of_image(name, &text);
        Ok(match view {
            View::Overview => self.overview(name, target, manifest, &text).await?,
            View::Layers => image::layers(&self.layers(name, manifest).await?),
            View::Packages => match self.details(name, digest).await {
                Some(found) => packages::body(&address, &found.packages, visit.query.get("q")),
                None => not_examined(),
            },
            View::Findings => match self.details(name, digest).await {
                Some(found) => {
                    let filter = Filter {
                        severity: visit.query.get("severity").to_owned(),
                        text: visit.query.get("q").to_owned(),
                        is_fixed_only: visit.query.get("fixed") == "yes",
                    };
                    findings::body(&address, &found.findings, &filter)
                }
                None => not_examined(),
            },
            View::Trust => {
                let signatures = match &self.insight {
                    Some(insight) => insight.signatures(name, digest).await,
                    None => Vec::new(),
                };
                image::trust(&signatures, self.verdict(name, target).await.as_ref())
            }
            View::Referrers => {
                let found = self.depot.referrers(name, digest, None, None, REFERRERS_MAX).await?;
                let found: Vec<Descriptor> =
                    found.items.into_iter().map(|referrer| referrer.descriptor).collect();
                image::referrers(name, &found)
            }
        })
    }

    async fn overview(
        &self,
        name: &RepositoryName,
        target: &Target,
        manifest: &Arc<Manifest>,
        text: &str,
    ) -> Result<Markup, Error> {
        let (mut summary, mut history) = (None, Vec::new());
        if let Some(insight) = &self.insight {
            summary = insight.summary(name, &manifest.digest).await;
            history = insight.history(name, &manifest.digest).await;
        }
        let children = match serde_json::from_slice::<Index>(&manifest.bytes) {
            Ok(index) if media_type::is_index(&manifest.media_type) => index.manifests,
            _ => Vec::new(),
        };
        let config = self.config(name, manifest).await?;
        let facts = config.as_ref().map(facts).unwrap_or_default();
        let verdict = self.verdict(name, target).await;
        let head = head(name, text, manifest);
        Ok(image::overview(&head, &facts, &children, summary.as_ref(), &history, verdict.as_ref()))
    }

    async fn details(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Option<crate::insight::Details> {
        self.insight.as_ref()?.details(name, digest).await
    }

    async fn verdict(&self, name: &RepositoryName, target: &Target) -> Option<Verdict> {
        self.insight.as_ref()?.verdict(name, target).await
    }

    async fn config(
        &self,
        name: &RepositoryName,
        manifest: &Manifest,
    ) -> Result<Option<ImageConfig>, Error> {
        let Ok(image) = serde_json::from_slice::<ImageManifest>(&manifest.bytes) else {
            return Ok(None);
        };
        let kind = image.config.media_type.as_str();
        if !matches!(kind, media_type::CONFIG | media_type::DOCKER_CONFIG) {
            return Ok(None);
        }
        let Some(blob) = self.depot.blob(name, &image.config.digest).await? else {
            return Ok(None);
        };
        if blob.size > CONFIG_BYTES_MAX {
            return Ok(None);
        }
        let mut body = self.depot.read_blob(&blob, 0..blob.size).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = futures_util::StreamExt::next(&mut body).await {
            let Ok(piece) = piece else { return Ok(None) };
            bytes.extend_from_slice(&piece);
        }
        Ok(serde_json::from_slice(&bytes).ok())
    }

    async fn layers(
        &self,
        name: &RepositoryName,
        manifest: &Manifest,
    ) -> Result<Vec<Layer>, Error> {
        let Ok(image) = serde_json::from_slice::<ImageManifest>(&manifest.bytes) else {
            return Ok(Vec::new());
        };
        let config = self.config(name, manifest).await?;
        let history = config.map(|config| config.history).unwrap_or_default();
        let mut steps = history.iter().filter(|step| !step.empty_layer);
        let layer = |layer: &Descriptor| {
            let step = steps.next().and_then(|step| step.created_by.clone());
            Layer {
                digest: layer.digest.clone(),
                bytes: layer.size,
                instruction: step.unwrap_or_else(|| layer.media_type.clone()),
            }
        };
        Ok(image.layers.iter().map(layer).collect())
    }

    async fn storage(&self, visit: &Visit) -> Result<Shown, Error> {
        if !self.may(&visit.principal, Action::Admin, Thing::Server) {
            return Ok(Shown::Forbidden);
        }
        let numbers = self.depot.statistics().await?;
        let facts = storage_facts(&numbers);
        let others = self.office.numbers();
        let body = storage::body(&facts, &others.mirror, &others.gate);
        Ok(Shown::Page("Storage".to_owned(), body))
    }
}

fn storage_facts(numbers: &Statistics) -> Vec<(String, String)> {
    let rows = [
        ("Repositories", numbers.repositories.to_string()),
        ("Tags", numbers.tags.to_string()),
        ("Manifests", numbers.manifests.to_string()),
        ("Blobs", numbers.blobs.to_string()),
        ("Bytes of the blobs", bytes(numbers.blob_bytes)),
        ("Damaged blobs", numbers.damaged.to_string()),
        ("Uploads under way", numbers.uploads.to_string()),
        ("Free on the disk", bytes(numbers.free_bytes)),
    ];
    rows.map(|(name, value)| (name.to_owned(), value)).into()
}

fn head(name: &RepositoryName, target: &str, manifest: &Manifest) -> Head {
    Head {
        repository: name.clone(),
        target: target.to_owned(),
        digest: manifest.digest.clone(),
        media_type: manifest.media_type.clone(),
        pushed: manifest.pushed,
        by: manifest.pushed_by.clone(),
    }
}

fn not_examined() -> Markup {
    html! { div .panel { p { "It was not examined, so nobody knows what is inside." } } }
}

// What of a config people ask for first.
fn facts(config: &ImageConfig) -> Vec<(String, String)> {
    let container = &config.config;
    let user = if container.user.is_empty() { "root" } else { container.user.as_str() };
    let list = |words: &Option<Vec<String>>| words.clone().unwrap_or_default().join(" ");
    let ports: Vec<&str> = container.exposed_ports.keys().map(String::as_str).collect();
    let rows = [
        ("Platform", format!("{}/{}", config.os, config.architecture)),
        ("Made", config.created.clone().unwrap_or_default()),
        ("User", user.to_owned()),
        ("Entry point", list(&container.entrypoint)),
        ("Command", list(&container.cmd)),
        ("Ports", ports.join(", ")),
        ("Working folder", container.working_dir.clone()),
    ];
    let shown = rows.into_iter().filter(|(_, value)| !value.is_empty());
    shown.map(|(name, value)| (name.to_owned(), value)).collect()
}
