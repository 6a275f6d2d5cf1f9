//! Jenkins' plugins: archives whose manifest says which plugin they are (jenkins.io, "Plugin structure").

use std::collections::BTreeMap;

use sealift_model::{Confidence, Method, PackageKind, Purl};

use crate::cataloger::Draft;

/// Makes a draft of an archive one of a plugin, if its manifest says so.
pub(super) fn become_plugin(draft: &mut Draft, manifest: &BTreeMap<String, String>) {
    let text = |key: &str| manifest.get(key).map(String::as_str);
    let Some(name) = text("short-name").or_else(|| text("extension-name")) else { return };
    // Its version may have the builder behind it.
    let Some(version) = text("plugin-version").and_then(|it| it.split(' ').next()) else { return };
    let group =
        text("group-id").map(str::to_owned).or_else(|| draft.package.purl.namespace.clone());
    let package = &mut draft.package;
    package.kind = PackageKind::Jenkins;
    name.clone_into(&mut package.name);
    package.version = Some(version.to_owned());
    // Plugins are published as Maven's packages, and advisories name them so.
    let kind = if group.is_some() { "maven" } else { PackageKind::Jenkins.purl_type() };
    package.purl =
        Purl { namespace: group, version: package.version.clone(), ..Purl::new(kind, name) };
    package.summary = text("long-name").map(str::to_owned).or(package.summary.take());
    package.homepage = text("url").map(str::to_owned).or(package.homepage.take());
    package.evidence[0].method = Method::Manifest;
    package.evidence[0].confidence = Confidence::High;
    draft.provides.push(name.to_owned());
    // `structs:1.20,matrix-auth:2.0;resolution:=optional`.
    let needs = text("plugin-dependencies").unwrap_or_default().split(',');
    let needs = needs.filter(|need| !need.contains("optional"));
    let names = needs.filter_map(|need| need.split(':').next()).map(str::trim);
    let names = names.filter(|name| !name.is_empty()).take(500);
    draft.requires.extend(names.map(|name| vec![name.to_owned()]));
}
