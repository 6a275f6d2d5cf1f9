//! What the pages of an image show, fetched from where it is known.

use std::sync::Arc;

use futures_util::StreamExt as _;
use maud::Markup;
use sealift_depot::{Error, Manifest, Target};
use sealift_oci::{
    Descriptor, Digest, ImageConfig, Index, Manifest as ImageManifest, RepositoryName, media_type,
};

use crate::insight::{Summary, Verdict};
use crate::layout::{Part, plain};
use crate::looking::{page, platform_of};
use crate::pages::chart::Course;
use crate::pages::findings::Filter;
use crate::pages::image::{self, Child, Head, View};
use crate::pages::layers::Layer;
use crate::pages::overview::{self, Overview};
use crate::pages::{findings, layers, packages, trust};
use crate::query::encode;
use crate::service::{Shown, Visit, Web};

const REFERRERS: usize = 100;
const CONFIG_BYTES_MAX: u64 = 4 << 20;
const MANIFEST_BYTES_SHOWN: usize = 256 << 10;
// More images of an index are not looked at.
const CHILDREN_MAX: usize = 64;
const ENTRIES_MAX: usize = 200;

// An image as it was asked for.
struct Asked<'a> {
    name: &'a RepositoryName,
    target: &'a Target,
    manifest: Arc<Manifest>,
    head: Head,
    // None if it is an image.
    children: Option<Vec<Child>>,
    visit: &'a Visit,
}

impl Asked<'_> {
    // What packages and findings are asked of: an index has none of its own.
    fn parts(&self, view: View) -> Option<Markup> {
        let query = match view {
            View::Layers => "?view=layers",
            View::Packages => "?view=packages",
            View::Findings => "?view=findings",
            _ => return None,
        };
        let children = self.children.as_ref()?;
        Some(image::platforms(self.name, children, query))
    }
}

impl Web {
    pub(crate) async fn image(
        &self,
        name: &RepositoryName,
        target: &Target,
        visit: &Visit,
    ) -> Result<Shown, Error> {
        if !self.may_pull(visit, name) || !self.may_pull_target(visit, name, target) {
            return Ok(Shown::Absent);
        }
        let Some(manifest) = self.depot.manifest(name, target).await? else {
            return Ok(Shown::Absent);
        };
        let children = if media_type::is_index(&manifest.media_type) {
            Some(self.children(name, &manifest).await?)
        } else {
            None
        };
        let mut head = self.head(name, target, &manifest, children.as_deref()).await;
        if let Some(children) = &children {
            head.summary = together(children);
        }
        let view = View::of(visit.query.get("view"));
        let title = format!("{} – {name} {}", view.title(), head.target);
        let asked = Asked { name, target, manifest, head, children, visit };
        let content = match asked.parts(view) {
            Some(parts) => parts,
            None => self.view(&asked, view).await?,
        };
        let body = image::frame(&asked.head, view, &content);
        Ok(page(&title, Part::Repositories, body))
    }

    async fn head(
        &self,
        name: &RepositoryName,
        target: &Target,
        manifest: &Manifest,
        children: Option<&[Child]>,
    ) -> Head {
        let summary = match &self.insight {
            Some(insight) => insight.summary(name, &manifest.digest).await,
            None => None,
        };
        Head {
            repository: name.clone(),
            registry: self.name.clone(),
            target: match target {
                Target::Tag(tag) => tag.to_string(),
                Target::Digest(digest) => digest.to_string(),
            },
            digest: manifest.digest.clone(),
            media_type: manifest.media_type.clone(),
            pushed: manifest.pushed,
            by: manifest.pushed_by.clone(),
            summary,
            is_image: match children {
                Some(children) => children.iter().any(|child| child.is_image),
                None => is_image(manifest),
            },
        }
    }

    async fn view(&self, asked: &Asked<'_>, view: View) -> Result<Markup, Error> {
        let Asked { name, manifest, head, visit, .. } = asked;
        let (digest, address) = (&manifest.digest, head.address());
        let field = |field: &str| visit.query.get(field).to_owned();
        let page = visit.query.get("page").parse().unwrap_or(0).min(100_000);
        Ok(match view {
            View::Overview => self.overview(asked).await?,
            View::Layers => {
                let found = self.layers(name, manifest).await?;
                layers::body(&address, found, visit.query.get("sort") == "size")
            }
            View::Packages => match self.details(name, digest).await {
                Some(found) => {
                    let wanted = packages::Wanted { text: field("q"), kind: field("kind"), page };
                    packages::body(&address, &found.packages, &wanted)
                }
                None => image::not_examined(head, self.insight.is_some()),
            },
            View::Findings => match self.details(name, digest).await {
                Some(found) => {
                    let filter = Filter {
                        severity: field("severity"),
                        text: field("q"),
                        is_fixed_only: visit.query.get("fixed") == "yes",
                        is_exploited_only: visit.query.get("exploited") == "yes",
                        page,
                    };
                    let history = self.history(name, digest).await;
                    let course = Course { points: &history, now: self.now() };
                    findings::body(&address, &found.findings, course, &filter)
                }
                None => image::not_examined(head, self.insight.is_some()),
            },
            View::Trust => self.trust(asked).await,
            View::Referrers => self.referrers(asked).await?,
            View::History => match asked.target {
                Target::Tag(tag) => image::history(name, &self.depot.tag_history(name, tag).await?),
                Target::Digest(_) => image::history(name, &[]),
            },
            View::Manifest => image::manifest(head, &readable(&manifest.bytes)),
        })
    }

    async fn overview(&self, asked: &Asked<'_>) -> Result<Markup, Error> {
        let Asked { name, target, manifest, head, children, .. } = asked;
        let history = self.history(name, &manifest.digest).await;
        let config = self.config(name, manifest).await?;
        let document = serde_json::from_slice::<ImageManifest>(&manifest.bytes).ok();
        let size = document.as_ref().filter(|_| children.is_none()).map(|document| {
            let sizes = document.layers.iter().map(|layer| layer.size);
            (sizes.fold(document.config.size, u64::saturating_add), document.layers.len())
        });
        let mut lists = config.as_ref().map(lists).unwrap_or_default();
        let annotations = document.map(|document| document.annotations).unwrap_or_default();
        lists.push(("Annotations", annotations.into_iter().take(ENTRIES_MAX).collect()));
        let verdict = if head.is_image { self.verdict(name, target).await } else { None };
        Ok(overview::body(&Overview {
            head,
            size,
            config: config.as_ref().map(facts).unwrap_or_default(),
            lists,
            children: children.as_deref().unwrap_or_default(),
            course: Course { points: &history, now: self.now() },
            verdict: verdict.as_ref(),
            signers: self.signers(name, &manifest.digest).await,
        }))
    }

    async fn trust(&self, asked: &Asked<'_>) -> Markup {
        let Asked { name, target, manifest, head, .. } = asked;
        let signatures = match &self.insight {
            Some(insight) => insight.signatures(name, &manifest.digest).await,
            None => Vec::new(),
        };
        let verdict = if head.is_image { self.verdict(name, target).await } else { None };
        let image = format!("{}/{name}@{}", self.name, manifest.digest);
        trust::body(&image, &signatures, verdict.as_ref())
    }

    async fn referrers(&self, asked: &Asked<'_>) -> Result<Markup, Error> {
        let Asked { name, manifest, head, visit, .. } = asked;
        let after = visit.query.get("after").parse::<Digest>().ok();
        let (digest, after) = (&manifest.digest, after.as_ref());
        let found = self.depot.referrers(name, digest, None, after, REFERRERS).await?;
        let shown: Vec<Descriptor> =
            found.items.into_iter().map(|referrer| referrer.descriptor).collect();
        let next = shown.last().filter(|_| found.more).map(|last| {
            format!("{}?view=referrers&after={}", head.address(), encode(&last.digest.to_string()))
        });
        Ok(trust::referrers(name, &shown, next.as_deref()))
    }

    /// Those whose signatures were proved.
    pub(crate) async fn signers(&self, name: &RepositoryName, digest: &Digest) -> Vec<String> {
        let Some(insight) = &self.insight else { return Vec::new() };
        let found = insight.signatures(name, digest).await;
        let proved = found.into_iter().filter(|it| it.is_proved && it.what == "signature");
        let mut names: Vec<String> = proved.map(|signature| signature.by).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What an index lists.
    pub(crate) async fn children(
        &self,
        name: &RepositoryName,
        manifest: &Manifest,
    ) -> Result<Vec<Child>, Error> {
        let Ok(index) = serde_json::from_slice::<Index>(&manifest.bytes) else {
            return Ok(Vec::new());
        };
        let mut children = Vec::new();
        for entry in index.manifests.into_iter().take(CHILDREN_MAX) {
            children.push(self.child(name, &entry).await?);
        }
        Ok(children)
    }

    async fn child(&self, name: &RepositoryName, entry: &Descriptor) -> Result<Child, Error> {
        let target = Target::Digest(entry.digest.clone());
        let manifest = self.depot.manifest(name, &target).await?;
        let bytes = manifest.as_ref().map(|manifest| {
            let document = serde_json::from_slice::<ImageManifest>(&manifest.bytes);
            let layers = document.map(|document| document.layers).unwrap_or_default();
            layers.iter().fold(entry.size, |sum, layer| sum.saturating_add(layer.size))
        });
        let platform = entry.platform.as_ref();
        // Builders list attestations as images of no platform.
        let is_known = platform.is_none_or(|platform| platform.os != "unknown");
        let is_image =
            is_known && entry.artifact_type.is_none() && manifest.is_none_or(|it| is_image(&it));
        let summary = match &self.insight {
            Some(insight) if is_image => insight.summary(name, &entry.digest).await,
            _ => None,
        };
        let shown = platform.map(|platform| {
            platform_of(&platform.os, &platform.architecture, platform.variant.as_deref())
        });
        let shown = shown.or_else(|| entry.artifact_type.clone());
        let platform = shown.unwrap_or_else(|| entry.media_type.clone());
        Ok(Child { platform, digest: entry.digest.clone(), bytes, summary, is_image })
    }

    async fn details(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Option<crate::insight::Details> {
        self.insight.as_ref()?.details(name, digest).await
    }

    async fn history(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Vec<(jiff::Timestamp, crate::insight::Counts)> {
        match &self.insight {
            Some(insight) => insight.history(name, digest).await,
            None => Vec::new(),
        }
    }

    async fn verdict(&self, name: &RepositoryName, target: &Target) -> Option<Verdict> {
        self.insight.as_ref()?.verdict(name, target).await
    }

    /// The config of an image; `None` for what is no image.
    pub(crate) async fn config(
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
        while let Some(piece) = body.next().await {
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
        let layer = |(number, layer): (usize, &Descriptor)| {
            let step = steps.next().and_then(|step| step.created_by.clone());
            Layer {
                number: number + 1,
                digest: layer.digest.clone(),
                bytes: layer.size,
                instruction: step.unwrap_or_else(|| layer.media_type.clone()),
            }
        };
        Ok(image.layers.iter().enumerate().map(layer).collect())
    }
}

/// What is known of the images of an index, of each the worst.
pub(crate) fn together(children: &[Child]) -> Option<Summary> {
    let known =
        children.iter().filter(|child| child.is_image).filter_map(|child| child.summary.clone());
    let both = |one: Summary, other: Summary| {
        let counts = one.counts.worse(&other.counts);
        let worse = if other.counts.all() > one.counts.all() { other } else { one };
        Summary { counts, ..worse }
    };
    // Packages of several images are not counted.
    known.reduce(both).map(|summary| Summary { packages: 0, reason: None, ..summary })
}

fn is_image(manifest: &Manifest) -> bool {
    let document = serde_json::from_slice::<ImageManifest>(&manifest.bytes);
    document.is_ok_and(|document| {
        let kind = document.config.media_type.as_str();
        matches!(kind, media_type::CONFIG | media_type::DOCKER_CONFIG)
    })
}

// With an entry a line, where it is JSON and not too long.
fn readable(bytes: &[u8]) -> String {
    let document = serde_json::from_slice::<serde_json::Value>(bytes).ok();
    let text = document.and_then(|document| serde_json::to_string_pretty(&document).ok());
    let text = text.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
    let lines = text.lines().map(plain).collect::<Vec<_>>().join("\n");
    match lines.char_indices().nth(MANIFEST_BYTES_SHOWN) {
        Some((end, _)) => format!("{}\n…", &lines[..end]),
        None => lines,
    }
}

// What of a config people ask for first.
fn facts(config: &ImageConfig) -> Vec<(&'static str, String)> {
    let container = &config.config;
    let user = if container.user.is_empty() { "root" } else { container.user.as_str() };
    let list = |words: &Option<Vec<String>>| words.clone().unwrap_or_default().join(" ");
    let ports: Vec<&str> = container.exposed_ports.keys().map(String::as_str).collect();
    let made = config.created.as_deref().unwrap_or_default();
    let made = made
        .parse::<jiff::Timestamp>()
        .map_or_else(|_| made.to_owned(), |made| made.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let rows = [
        ("Platform", platform_of(&config.os, &config.architecture, config.variant.as_deref())),
        ("Made", made),
        ("User", user.to_owned()),
        ("Entry point", list(&container.entrypoint)),
        ("Command", list(&container.cmd)),
        ("Ports", ports.join(", ")),
        ("Working folder", container.working_dir.clone()),
    ];
    rows.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn lists(config: &ImageConfig) -> Vec<(&'static str, Vec<(String, String)>)> {
    let variable = |text: &String| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (name.to_owned(), value.to_owned())
    };
    let container = &config.config;
    let labels = container.labels.iter().map(|(name, value)| (name.clone(), value.clone()));
    vec![
        ("Environment", container.env.iter().map(variable).take(ENTRIES_MAX).collect()),
        ("Labels", labels.take(ENTRIES_MAX).collect()),
    ]
}
