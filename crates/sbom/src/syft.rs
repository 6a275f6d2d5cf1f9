//! Syft's own JSON, schema 16, which grype reads best.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{Inventory, LicenseSource, Package, PackageId};
use sealift_oci::Digest;
use sealift_template::{Surroundings, Template, TemplateError, TemplateLimits};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::components::{Components, unique};
use crate::syft_metadata::metadata;
use crate::{Subject, facts, text};

/// The version of the schema that documents follow.
pub(crate) const SCHEMA: &str = "16.0.18";

/// Writes a document, entry by entry: all of them at once would take ten times the memory of their text.
pub(crate) fn encode(inventory: &Inventory, subject: &Subject) -> String {
    let mut json = serde_json::to_string_pretty(&Document::new(inventory, subject))
        .expect("texts and lists are JSON");
    json.push('\n');
    json
}

/// Fills a template of the user's, over the same data.
pub fn fill(
    template: &Template,
    inventory: &Inventory,
    subject: &Subject,
    limits: &TemplateLimits,
) -> Result<String, TemplateError> {
    let document =
        serde_json::to_value(Document::new(inventory, subject)).expect("texts and lists are JSON");
    let surroundings = Surroundings { now_secs: subject.created_secs, ..Surroundings::default() };
    template.fill(&document, &surroundings, limits)
}

/// Entries of `artifacts` for some of the packages; for one that is not listed, its owner's.
pub fn artifacts(
    inventory: &Inventory,
    subject: &Subject,
    wanted: &BTreeSet<PackageId>,
) -> BTreeMap<PackageId, Value> {
    let Document { components, ids, .. } = Document::new(inventory, subject);
    let known = wanted.iter().filter_map(|id| Some((*id, *components.places.get(id)?)));
    known
        .map(|(id, place)| (id, artifact(components.packages[place], &ids[place], inventory)))
        .collect()
}

/// The entry `source`.
pub fn source_of(inventory: &Inventory, subject: &Subject) -> Value {
    let Document { components, source_id, .. } = Document::new(inventory, subject);
    source(inventory, &components, subject, &source_id)
}

struct Document<'a> {
    inventory: &'a Inventory,
    subject: &'a Subject,
    components: Components<'a>,
    /// Of the components.
    ids: Vec<String>,
    source_id: String,
}

impl<'a> Document<'a> {
    fn new(inventory: &'a Inventory, subject: &'a Subject) -> Self {
        let components = Components::new(inventory);
        let ids = unique(components.packages.iter().map(|package| artifact_id(package)).collect());
        let source_id = Digest::sha256(subject.name.as_bytes()).hex().to_owned();
        Self { inventory, subject, components, ids, source_id }
    }

    fn artifacts(&self) -> impl Iterator<Item = Value> {
        let packages = self.components.packages.iter().zip(&self.ids);
        packages.map(|(package, id)| artifact(package, id, self.inventory))
    }

    fn relationships(&self) -> impl Iterator<Item = Value> {
        let (ids, source_id) = (&self.ids, &self.source_id);
        let contains =
            ids.iter().map(move |id| json!({"parent": source_id, "child": id, "type": "contains"}));
        // As syft has it: the parent is a dependency of the child. It has no word for what something was built from.
        let needs = ids.iter().enumerate().flat_map(move |(from, child)| {
            let edge = move |to: usize| json!({"parent": ids[to], "child": child, "type": "dependency-of"});
            self.components.edges(from).into_iter().map(edge)
        });
        contains.chain(needs)
    }
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { inventory, subject, components, source_id, .. } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("artifactRelationships", &Each(|| self.relationships()))?;
        map.serialize_entry("artifacts", &Each(|| self.artifacts()))?;
        map.serialize_entry(
            "descriptor",
            &json!({
                "name": "sealift",
                "version": env!("CARGO_PKG_VERSION"),
                "configuration": {"created": subject.timestamp()},
            }),
        )?;
        map.serialize_entry("distro", &distro(inventory))?;
        map.serialize_entry("files", &json!([]))?;
        map.serialize_entry(
            "schema",
            &json!({
                "version": SCHEMA,
                "url": format!(
                    "https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-{SCHEMA}.json"
                ),
            }),
        )?;
        map.serialize_entry("source", &source(inventory, components, subject, source_id))?;
        map.end()
    }
}

// A list of which one entry at a time is in memory.
struct Each<F>(F);

impl<I: Iterator<Item = Value>, F: Fn() -> I> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

fn artifact_id(package: &Package) -> String {
    let version = package.version.as_deref().unwrap_or_default();
    let exact = format!("{}\0{}\0{version}", package.purl, package.name);
    Digest::sha256(exact.as_bytes()).hex()[..16].to_owned()
}

fn artifact(package: &Package, id: &str, inventory: &Inventory) -> Value {
    let (kind, language) = kind_and_language(text::purl_type(package));
    let licenses: Vec<Value> = package
        .licenses
        .iter()
        .filter_map(|license| {
            let value = text::some(&license.declared)
                .or_else(|| license.spdx.as_deref().and_then(text::some))?;
            let is_declared = license.source == LicenseSource::Declared;
            Some(json!({
                "value": value,
                "spdxExpression": license.spdx.as_deref().unwrap_or_default(),
                "type": if is_declared { "declared" } else { "concluded" },
                "urls": [],
                "locations": [],
            }))
        })
        .collect();
    let cpes = package.cpes.iter().filter_map(|cpe| text::cpe(cpe));
    let cpes: Vec<Value> =
        cpes.map(|cpe| json!({"cpe": cpe, "source": "sealift-generated"})).collect();
    let mut artifact = json!({
        "id": id,
        "name": text::line(&package.name),
        "version": package.version.as_deref().map(text::line).unwrap_or_default(),
        "type": kind,
        "foundBy": "sealift",
        "locations": locations(package, inventory),
        "licenses": licenses,
        "language": language,
        "cpes": cpes,
        "purl": text::purl(package).unwrap_or_default(),
    });
    if let Some((kind, metadata)) = metadata(package) {
        artifact["metadataType"] = json!(kind);
        artifact["metadata"] = metadata;
    }
    artifact
}

// What syft has no place for stands among the annotations of the first location.
fn locations(package: &Package, inventory: &Inventory) -> Vec<Value> {
    let facts = facts::of_package(package, inventory);
    let is_evidence = |fact: &&facts::Fact| fact.0.starts_with("sealift:evidence");
    let mut kinds = facts.iter().filter(is_evidence).map(|(name, _)| name.as_str());
    let mut locations: Vec<Value> = package
        .evidence
        .iter()
        .map(|evidence| {
            let path = text::line(&evidence.path);
            let kind = kinds.next().unwrap_or_default();
            let mut location = json!({
                "path": path,
                "accessPath": path,
                "annotations": {"evidence": "primary", "sealift:evidence": kind},
            });
            if let Some(layer) = &evidence.layer {
                location["layerID"] = json!(layer.diff_id.to_string());
            }
            location
        })
        .collect();
    if let Some(first) = locations.first_mut() {
        for (name, value) in facts.iter().filter(|fact| !is_evidence(fact)) {
            first["annotations"][name] = json!(value);
        }
    }
    locations
}

fn source(
    inventory: &Inventory,
    components: &Components<'_>,
    subject: &Subject,
    id: &str,
) -> Value {
    let Some(digest) = &subject.digest else {
        return json!({
            "id": id,
            "name": text::line(&subject.name),
            "version": "",
            "type": "directory",
            "metadata": {"path": text::line(&subject.name)},
        });
    };
    let layers = layers(inventory, components);
    let size: u64 =
        inventory.layers.iter().map(|layer| layer.size_bytes).fold(0, u64::saturating_add);
    let reference = subject.reference.as_ref();
    let tags: Vec<String> = reference
        .filter(|reference| reference.tag().is_some())
        .map(|_| subject.name.clone())
        .into_iter()
        .collect();
    let repository = reference
        .map(|reference| format!("{}/{}@{digest}", reference.registry(), reference.repository()));
    let annotations: serde_json::Map<String, Value> = facts::of_subject(subject, inventory)
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    let mut source = json!({
        "id": id,
        "name": text::line(&subject.name),
        "version": digest.to_string(),
        "type": "image",
        "metadata": {
            "userInput": reference.map_or_else(|| subject.name.clone(), ToString::to_string),
            "imageID": subject.config_digest.as_ref().map(ToString::to_string).unwrap_or_default(),
            "manifestDigest": digest.to_string(),
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "tags": tags,
            "imageSize": size,
            "layers": layers,
            "repoDigests": repository.into_iter().collect::<Vec<_>>(),
            "architecture": subject.architecture.as_deref().unwrap_or_default(),
            "os": "linux",
            "annotations": annotations,
        },
    });
    if let Some(supplier) = subject.supplier.as_deref().and_then(text::some) {
        source["supplier"] = json!(supplier);
    }
    source
}

// By the digests of their uncompressed bytes, as locations name them.
fn layers(inventory: &Inventory, components: &Components<'_>) -> Vec<Value> {
    let layer = |digest: String, size: u64| {
        json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": digest,
            "size": size,
        })
    };
    if !inventory.layers.is_empty() {
        let known = inventory.layers.iter();
        return known.map(|it| layer(it.diff_id.to_string(), it.size_bytes)).collect();
    }
    let mut seen: BTreeMap<usize, String> = BTreeMap::new();
    for package in &components.packages {
        let evidence = package.evidence.iter().filter_map(|evidence| evidence.layer.as_ref());
        let layers = evidence.chain(package.introduced_by.as_ref());
        seen.extend(layers.map(|layer| (layer.index, layer.diff_id.to_string())));
    }
    seen.into_values().map(|digest| layer(digest, 0)).collect()
}

fn distro(inventory: &Inventory) -> Value {
    let Some(distro) = &inventory.distro else { return json!({}) };
    let mut value = json!({"id": distro.id, "name": distro.id});
    let mut add = |key: &str, part: &Option<String>| {
        if let Some(part) = part {
            value[key] = json!(part);
        }
    };
    add("prettyName", &distro.pretty_name);
    add("versionID", &distro.version_id);
    add("versionCodename", &distro.codename);
    if !distro.id_like.is_empty() {
        value["idLike"] = json!(distro.id_like);
    }
    value
}

/// What syft calls the packages of a purl type, and the language that they are for.
pub fn kind_and_language(purl_type: &str) -> (&'static str, &'static str) {
    KINDS
        .iter()
        .find(|(purl_type_of, _, _)| *purl_type_of == purl_type)
        .map_or(("UnknownPackage", ""), |(_, kind, language)| (kind, language))
}

/// The purl type of what syft calls a kind of package.
pub(crate) fn purl_type_of(kind: &str) -> Option<&'static str> {
    KINDS.iter().find(|(_, name, _)| *name == kind).map(|(purl_type, _, _)| *purl_type)
}

const KINDS: &[(&str, &str, &str)] = &[
    ("alpm", "alpm", ""),
    ("apk", "apk", ""),
    ("bitnami", "bitnami", ""),
    ("cargo", "rust-crate", "rust"),
    ("cocoapods", "pod", "swift"),
    ("composer", "php-composer", "php"),
    ("conan", "conan", "c++"),
    ("conda", "conda", ""),
    ("cran", "R-package", "R"),
    ("deb", "deb", ""),
    ("gem", "gem", "ruby"),
    ("generic", "binary", ""),
    ("github", "github-action", ""),
    ("golang", "go-module", "go"),
    ("hackage", "hackage", "haskell"),
    ("hex", "hex", "elixir"),
    ("luarocks", "lua-rocks", "lua"),
    ("maven", "java-archive", "java"),
    ("nix", "nix", ""),
    ("npm", "npm", "javascript"),
    ("nuget", "dotnet", "dotnet"),
    ("opam", "opam", "ocaml"),
    ("otp", "erlang-otp", "erlang"),
    ("ebuild", "portage", ""),
    ("pub", "dart-pub", "dart"),
    ("pypi", "python", "python"),
    ("rpm", "rpm", ""),
    ("swift", "swift", "swift"),
    ("terraform", "terraform", ""),
    ("jenkins", "jenkins-plugin", "java"),
    ("julia", "julia", "julia"),
    ("brew", "homebrew", ""),
    ("pecl", "php-pecl", "php"),
    ("snap", "snap", ""),
    ("wordpress", "wordpress-plugin", ""),
    ("wordpress-plugin", "wordpress-plugin", ""),
];
