//! What was scanned, as VEX documents and paths in ignore files name it.

use sealift_model::{Artifact, Distro, Finding, PackageKind, Purl};

/// What was scanned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Names, with tags and with digests.
    names: Vec<String>,
    /// The repositories of the names with digests, and the digests; of an image that is stored in several, each.
    digests: Vec<(String, String)>,
    tags: Vec<String>,
    architecture: Option<String>,
    /// How trivy names the packages of the distribution, `app:1.0 (debian 12)`.
    system_target: String,
}

impl Subject {
    /// The subject of a report.
    pub fn new(artifact: &Artifact, distro: Option<&Distro>) -> Self {
        let system_target = match distro {
            Some(Distro { id, version_id: Some(version), .. }) => {
                format!("{} ({id} {version})", artifact.name)
            }
            Some(Distro { id, .. }) => format!("{} ({id})", artifact.name),
            None => artifact.name.clone(),
        };
        let mut subject = Self { system_target, ..Self::default() };
        if !artifact.name.is_empty() {
            subject.names.push(artifact.name.clone());
        }
        let Some(image) = &artifact.image else { return subject };
        subject.names.extend(image.tags.iter().chain(&image.digests).cloned());
        for name in &image.digests {
            if let Some((repository, digest)) = name.split_once('@') {
                subject.digests.push((repository.to_owned(), digest.to_owned()));
            }
        }
        subject.tags = image
            .tags
            .iter()
            .filter_map(|name| Some(name.rsplit_once(':')?.1.to_owned()))
            .collect();
        let config = serde_json::from_str::<serde_json::Value>(&image.config).unwrap_or_default();
        subject.architecture = config["architecture"].as_str().map(str::to_owned);
        subject
    }

    /// Whether a document means this subject by a name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        !name.is_empty() && self.names.iter().any(|known| known == name)
    }

    /// Whether a package URL of an image means this subject (package-url, type `oci`): each part that is there must fit.
    pub(crate) fn is_image(&self, purl: &Purl) -> bool {
        if !matches!(purl.kind.as_str(), "oci" | "docker") {
            return false;
        }
        self.digests.iter().any(|(repository, digest)| {
            let full = full_name(repository);
            let last = full.rsplit('/').next().unwrap_or_default();
            let name_fits = last == purl.name.to_lowercase()
                && purl.namespace.as_ref().is_none_or(|namespace| {
                    full_name(&format!("{namespace}/{}", purl.name)) == full
                });
            let version_fits = purl.version.as_ref().is_none_or(|version| {
                version == digest || (purl.kind == "docker" && self.tags.contains(version))
            });
            let mut qualifiers = purl.qualifiers.iter();
            name_fits
                && version_fits
                && qualifiers.all(|(key, value)| match key.as_str() {
                    "repository_url" => is_repository(value, &full),
                    "tag" => self.tags.contains(value),
                    "arch" => self.architecture.as_ref() == Some(value),
                    _ => false,
                })
        })
    }

    /// The places of a finding as trivy names them: its target and the path of its file there.
    pub(crate) fn places(&self, finding: &Finding) -> Vec<String> {
        let kind = finding.package.kind;
        if kind.is_os() {
            return vec![self.system_target.clone()];
        }
        let target = match kind {
            PackageKind::Python => Some("Python"),
            PackageKind::Npm => Some("Node.js"),
            PackageKind::Maven => Some("Java"),
            PackageKind::Gem => Some("Ruby"),
            PackageKind::Conda => Some("Conda"),
            _ => None,
        };
        let mut places: Vec<String> = target.into_iter().map(str::to_owned).collect();
        if let Some(path) = &finding.package.path {
            places.push(path.trim_start_matches('/').to_owned());
        }
        places
    }
}

// `debian` is `docker.io/library/debian`; Docker Hub goes by several names.
fn full_name(repository: &str) -> String {
    let lower = repository.to_lowercase();
    let (host, path) = match lower.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("docker.io", lower.as_str()),
    };
    let host = if host == "index.docker.io" { "docker.io" } else { host };
    let library = if host == "docker.io" && !path.contains('/') { "library/" } else { "" };
    format!("{host}/{library}{path}")
}

// The purl types say that the name is part of the address; some tools leave it away.
fn is_repository(value: &str, full: &str) -> bool {
    let value = value.trim_end_matches('/');
    let parent = full.rsplit_once('/').map_or("", |(parent, _)| parent);
    let value = match value.to_lowercase() {
        it if it.starts_with("index.docker.io") => it.replacen("index.", "", 1),
        it => it,
    };
    value == parent
        || full_name(&value) == full
        || (parent == "docker.io/library" && value == "docker.io")
}
