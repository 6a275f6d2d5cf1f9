//! Syft's own JSON, schema 16, which grype reads best.

use std::collections::BTreeMap;

use sealift_model::{Inventory, Package, Supplier};
use sealift_oci::Digest;
use serde_json::{Value, json};

use crate::components::{Components, unique};
use crate::{Subject, text};

/// The version of the schema that documents follow.
pub(crate) const SCHEMA: &str = "16.0.18";

/// Writes a document.
pub(crate) fn encode(inventory: &Inventory, subject: &Subject) -> String {
    let components = Components::new(inventory);
    let ids = unique(components.packages.iter().map(|package| artifact_id(package)).collect());
    let source_id = Digest::sha256(subject.name.as_bytes()).hex().to_owned();
    let artifacts: Vec<Value> =
        components.packages.iter().zip(&ids).map(|(package, id)| artifact(package, id)).collect();
    let mut relationships: Vec<Value> = ids
        .iter()
        .map(|id| json!({"parent": source_id, "child": id, "type": "contains"}))
        .collect();
    for (from, needs) in components.needs.iter().enumerate() {
        // As syft has it: the parent is a dependency of the child.
        relationships.extend(
            needs
                .iter()
                .map(|to| json!({"parent": ids[*to], "child": ids[from], "type": "dependency-of"})),
        );
    }
    let document = json!({
        "artifacts": artifacts,
        "artifactRelationships": relationships,
        "source": source(&components, subject, &source_id),
        "distro": distro(inventory),
        "descriptor": {
            "name": "sealift",
            "version": env!("CARGO_PKG_VERSION"),
            "configuration": {"created": subject.timestamp()},
        },
        "schema": {
            "version": SCHEMA,
            "url": format!(
                "https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-{SCHEMA}.json"
            ),
        },
    });
    let mut json = serde_json::to_string_pretty(&document).expect("texts and lists are JSON");
    json.push('\n');
    json
}

fn artifact_id(package: &Package) -> String {
    let version = package.version.as_deref().unwrap_or_default();
    let exact = format!("{}\0{}\0{version}", package.purl, package.name);
    Digest::sha256(exact.as_bytes()).hex()[..16].to_owned()
}

fn artifact(package: &Package, id: &str) -> Value {
    let (kind, language) = kind_and_language(text::purl_type(package));
    let locations: Vec<Value> = package
        .evidence
        .iter()
        .map(|evidence| {
            let mut location = json!({
                "path": text::line(&evidence.path),
                "accessPath": text::line(&evidence.path),
                "annotations": {"evidence": "primary"},
            });
            if let Some(layer) = &evidence.layer {
                location["layerID"] = json!(layer.diff_id.to_string());
            }
            location
        })
        .collect();
    let licenses: Vec<Value> = package
        .licenses
        .iter()
        .filter_map(|license| {
            let value = text::some(&license.declared)
                .or_else(|| license.spdx.as_deref().and_then(text::some))?;
            Some(json!({
                "value": value,
                "spdxExpression": license.spdx.as_deref().unwrap_or_default(),
                "type": "declared",
                "urls": [],
                "locations": [],
            }))
        })
        .collect();
    let mut artifact = json!({
        "id": id,
        "name": text::line(&package.name),
        "version": package.version.as_deref().map(text::line).unwrap_or_default(),
        "type": kind,
        "foundBy": "sealift",
        "locations": locations,
        "licenses": licenses,
        "language": language,
        "cpes": [],
        "purl": text::purl(package).unwrap_or_default(),
    });
    if let Some((kind, metadata)) = metadata(package) {
        artifact["metadataType"] = json!(kind);
        artifact["metadata"] = metadata;
    }
    artifact
}

// What matchers look into: the source package, above all.
fn metadata(package: &Package) -> Option<(&'static str, Value)> {
    let version = package.version.as_deref().unwrap_or_default();
    let supplier = match &package.supplier {
        Some(Supplier::Person(name) | Supplier::Organization(name)) => text::line(name),
        None => String::new(),
    };
    match text::purl_type(package) {
        "deb" => {
            let source = package.source.as_ref();
            let files: Vec<Value> = package
                .files
                .iter()
                .map(|path| json!({"path": path, "isConfigFile": false}))
                .collect();
            let source_version = source.map(|source| source.version.as_str());
            let metadata = json!({
                "package": package.name,
                "source": source.map(|source| source.name.as_str()).unwrap_or_default(),
                "version": version,
                "sourceVersion": source_version.filter(|text| *text != version).unwrap_or_default(),
                "architecture": package.architecture.as_deref().unwrap_or_default(),
                "maintainer": supplier,
                "installedSize": 0,
                "files": files,
            });
            Some(("dpkg-db-entry", metadata))
        }
        "pypi" => {
            let metadata = json!({
                "name": package.name,
                "version": version,
                "author": supplier,
                "authorEmail": "",
                "platform": "",
                "sitePackagesRootPath": "",
            });
            Some(("python-package", metadata))
        }
        _ => None,
    }
}

fn source(components: &Components<'_>, subject: &Subject, id: &str) -> Value {
    let Some(digest) = &subject.digest else {
        return json!({
            "id": id,
            "name": text::line(&subject.name),
            "version": "",
            "type": "directory",
            "metadata": {"path": text::line(&subject.name)},
        });
    };
    let layers: BTreeMap<_, _> = components
        .packages
        .iter()
        .flat_map(|package| {
            package
                .evidence
                .iter()
                .filter_map(|seen| seen.layer.as_ref())
                .chain(package.introduced_by.as_ref())
        })
        .map(|layer| (layer.index, layer.diff_id.to_string()))
        .collect();
    let layers: Vec<Value> = layers
        .values()
        .map(|digest| {
            json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": digest,
                "size": 0,
            })
        })
        .collect();
    let reference = subject.reference.as_ref();
    let tags: Vec<String> = reference
        .filter(|reference| reference.tag().is_some())
        .map(|_| subject.name.clone())
        .into_iter()
        .collect();
    let repository = reference
        .map(|reference| format!("{}/{}@{digest}", reference.registry(), reference.repository()));
    json!({
        "id": id,
        "name": text::line(&subject.name),
        "version": digest.to_string(),
        "type": "image",
        "metadata": {
            "userInput": reference.map_or_else(|| subject.name.clone(), ToString::to_string),
            "imageID": "",
            "manifestDigest": digest.to_string(),
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "tags": tags,
            "imageSize": 0,
            "layers": layers,
            "repoDigests": repository.into_iter().collect::<Vec<_>>(),
            "architecture": subject.architecture.as_deref().unwrap_or_default(),
            "os": "linux",
        },
    })
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
pub(crate) fn kind_and_language(purl_type: &str) -> (&'static str, &'static str) {
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
    ("wordpress-plugin", "wordpress-plugin", ""),
];
