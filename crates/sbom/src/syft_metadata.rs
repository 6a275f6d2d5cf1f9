//! The part of syft's JSON that depends on the kind of a package, as far as matchers look into it. The names of the
//! shapes are those of schema 16.

use sealift_model::{Package, Supplier};
use serde_json::{Value, json};

use crate::text;

/// The shape's name, and the metadata.
pub(crate) fn metadata(package: &Package) -> Option<(&'static str, Value)> {
    Some(match text::purl_type(package) {
        "deb" => ("dpkg-db-entry", deb(package)),
        "apk" => ("apk-db-entry", apk(package)),
        "rpm" => ("rpm-db-entry", rpm(package)),
        "alpm" => ("alpm-db-entry", alpm(package)),
        "pypi" => ("python-package", python(package)),
        "npm" => ("javascript-npm-package", npm(package)),
        "gem" => ("ruby-gemspec", gem(package)),
        "golang" => ("go-module-buildinfo-entry", go(package)),
        "cargo" => ("rust-cargo-lock-entry", cargo(package)),
        "maven" => ("java-archive", java(package)),
        _ => return None,
    })
}

fn deb(package: &Package) -> Value {
    let source = package.source.as_ref();
    let files: Vec<Value> =
        package.files.iter().map(|path| json!({"path": path, "isConfigFile": false})).collect();
    let source_version = source.map(|source| source.version.as_str());
    json!({
        "package": package.name,
        "source": source.map(|source| source.name.as_str()).unwrap_or_default(),
        "version": version(package),
        "sourceVersion": source_version.filter(|it| *it != version(package)).unwrap_or_default(),
        "architecture": architecture(package),
        "maintainer": supplier(package),
        "installedSize": 0,
        "files": files,
    })
}

fn apk(package: &Package) -> Value {
    let files: Vec<Value> = package.files.iter().map(|path| json!({"path": path})).collect();
    json!({
        "package": package.name,
        "originPackage": source_name(package),
        "maintainer": supplier(package),
        "version": version(package),
        "architecture": architecture(package),
        "url": homepage(package),
        "description": summary(package),
        "size": 0,
        "installedSize": 0,
        "pullDependencies": [],
        "provides": [],
        "pullChecksum": "",
        "gitCommitOfApkPort": "",
        "files": files,
    })
}

// `epoch:version-release`; the epoch may be missing.
fn rpm(package: &Package) -> Value {
    let whole = version(package);
    let (epoch, rest) = match whole.split_once(':') {
        Some((epoch, rest)) => (epoch.parse::<u32>().ok(), rest),
        None => (None, whole),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let source = package.source.as_ref().map(|source| {
        let version = source.version.split_once(':').map_or(source.version.as_str(), |(_, it)| it);
        format!("{}-{version}.src.rpm", source.name)
    });
    let files: Vec<Value> = package
        .files
        .iter()
        .map(|path| {
            json!({
                "path": path,
                "mode": 0,
                "size": 0,
                "digest": {"algorithm": "", "value": ""},
                "userName": "",
                "groupName": "",
                "flags": "",
            })
        })
        .collect();
    json!({
        "name": package.name,
        "version": version,
        "epoch": epoch,
        "architecture": architecture(package),
        "release": release,
        "sourceRpm": source.unwrap_or_default(),
        "size": 0,
        "vendor": supplier(package),
        "files": files,
    })
}

fn alpm(package: &Package) -> Value {
    let files: Vec<Value> = package.files.iter().map(|path| json!({"path": path})).collect();
    json!({
        "basepackage": source_name(package),
        "package": package.name,
        "version": version(package),
        "description": summary(package),
        "architecture": architecture(package),
        "size": 0,
        "packager": supplier(package),
        "url": homepage(package),
        "validation": "",
        "reason": 0,
        "files": files,
        "backup": [],
    })
}

fn python(package: &Package) -> Value {
    let files: Vec<Value> = package.files.iter().map(|path| json!({"path": path})).collect();
    json!({
        "name": package.name,
        "version": version(package),
        "author": supplier(package),
        "authorEmail": "",
        "platform": "",
        "files": files,
        "sitePackagesRootPath": "",
    })
}

fn npm(package: &Package) -> Value {
    json!({
        "name": package.name,
        "version": version(package),
        "author": supplier(package),
        "homepage": homepage(package),
        "description": summary(package),
        "url": package.download_url.as_deref().map(text::line).unwrap_or_default(),
        "private": false,
    })
}

fn gem(package: &Package) -> Value {
    let authors: Vec<String> =
        Some(supplier(package)).filter(|it| !it.is_empty()).into_iter().collect();
    json!({
        "name": package.name,
        "version": version(package),
        "authors": authors,
        "homepage": homepage(package),
    })
}

fn go(package: &Package) -> Value {
    json!({"architecture": architecture(package), "mainModule": ""})
}

fn cargo(package: &Package) -> Value {
    let checksum = package.hashes.first().map(|hash| hash.hex.as_str());
    json!({
        "name": package.name,
        "version": version(package),
        "source": "",
        "checksum": checksum.unwrap_or_default(),
        "dependencies": [],
    })
}

fn java(package: &Package) -> Value {
    let path = package.evidence.first().map(|evidence| text::line(&evidence.path));
    let namespace = package.purl.namespace.as_deref().unwrap_or_default();
    json!({
        "virtualPath": path.unwrap_or_default(),
        "pomProperties": {
            "path": "",
            "name": "",
            "groupId": namespace,
            "artifactId": package.purl.name,
            "version": version(package),
        },
    })
}

fn version(package: &Package) -> &str {
    package.version.as_deref().unwrap_or_default()
}

fn architecture(package: &Package) -> &str {
    package.architecture.as_deref().unwrap_or_default()
}

fn source_name(package: &Package) -> &str {
    package.source.as_ref().map(|source| source.name.as_str()).unwrap_or_default()
}

fn supplier(package: &Package) -> String {
    match &package.supplier {
        Some(Supplier::Person(name) | Supplier::Organization(name)) => text::line(name),
        None => String::new(),
    }
}

fn homepage(package: &Package) -> String {
    package.homepage.as_deref().map(text::line).unwrap_or_default()
}

fn summary(package: &Package) -> String {
    package.summary.as_deref().map(text::line).unwrap_or_default()
}
