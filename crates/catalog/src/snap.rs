//! Snaps that were unpacked into the image (snapcraft.io, "The snap format"), and the Debian packages that were put into
//! them when they were built.

use sealift_model::{Method, Package, PackageKind, Purl, Scope};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, license, shorten};
use crate::yaml_lines;

/// `meta/snap.yaml`.
pub(crate) const SNAP: Cataloger = Cataloger {
    name: "snap",
    what: "Snaps that were unpacked into the image",
    evidence: &[Pattern::InAny("meta", "snap.yaml")],
    companions: &[],
    read: snap,
};

/// `snap/manifest.yaml`, and `dpkg.yaml` of a base snap.
pub(crate) const CONTENT: Cataloger = Cataloger {
    name: "snap-content",
    what: "Debian packages that were put into a snap",
    evidence: &[
        Pattern::InAny("snap", "manifest.yaml"),
        Pattern::InAny("usr/share/snappy", "dpkg.yaml"),
    ],
    companions: &[],
    read: content,
};

const BYTES_MAX: usize = 4 << 20;
const PACKAGES_MAX: usize = 20_000;

fn snap(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for the description of a snap"));
        return found;
    }
    let text = String::from_utf8_lossy(bytes);
    let get = |key: &str| {
        let mut lines = yaml_lines::lines(&text);
        let line = lines.find(|line| line.indent == 0 && line.key == Some(key))?;
        Some(line.value).filter(|value| !value.is_empty() && value.len() <= NAME_BYTES_MAX)
    };
    let Some(name) = get("name") else {
        found.notes.push(context.note("it has no name"));
        return found;
    };
    let version = get("version");
    if version.is_none() {
        found.notes.push(context.note(format!("snap `{name}` has no version")));
    }
    let evidence = context.evidence(Method::Manifest);
    let mut draft = component(PackageKind::Snap, name, version, evidence, context);
    let package = &mut draft.package;
    package.licenses = get("license").and_then(license).into_iter().collect();
    package.summary = get("summary").map(shorten);
    // One of the list; a snap of several is built once for each.
    let mut architectures = list(&text, "architectures");
    if let (Some(architecture), None) = (architectures.next(), architectures.next()) {
        package.architecture = Some(architecture.to_owned());
        package.purl.qualifiers.insert("arch".to_owned(), architecture.to_owned());
    }
    draft.provides = vec![name.to_owned()];
    draft.requires = get("base").map(|base| vec![base.to_owned()]).into_iter().collect();
    found.drafts.push(draft);
    found
}

fn content(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for the content of a snap"));
        return found;
    }
    let text = String::from_utf8_lossy(bytes);
    let is_manifest = context.path_bytes().ends_with(b"manifest.yaml");
    let is_of_snap = |line: yaml_lines::Line<'_>| {
        line.indent == 0 && matches!(line.key, Some("snapcraft-version" | "primed-stage-packages"))
    };
    if is_manifest && !yaml_lines::lines(&text).any(is_of_snap) {
        // Another manifest.
        return found;
    }
    let key = if is_manifest { "primed-stage-packages" } else { "packages" };
    let mut n_others = 0_usize;
    for text in list(&text, key).take(PACKAGES_MAX) {
        match package(text, context) {
            Some(draft) => found.drafts.push(draft),
            None => n_others += 1,
        }
    }
    if n_others > 0 {
        found.notes.push(context.note(format!("{n_others} lines could not be read as packages")));
    }
    found
}

// The items of a list below a key of the first column, each a text. Both ways of writing one: below each other, and
// `[a, b]`.
fn list<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    let mut is_open = false;
    yaml_lines::lines(text).flat_map(move |line| {
        let mut items: Vec<&str> = Vec::new();
        if line.indent == 0 && line.key.is_some() {
            is_open = line.key == Some(key);
            let inner = line.value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            if let Some(inner) = inner.filter(|_| is_open) {
                items = inner.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
            }
        } else if is_open && line.is_item && line.key.is_none() {
            items.push(line.value);
        }
        items
    })
}

// `name=version` or `name:architecture=version` of Ubuntu's archive.
fn package(text: &str, context: &Context<'_>) -> Option<Draft> {
    let (name, version) = text.split_once('=')?;
    let (name, architecture) = match name.split_once(':') {
        Some((name, architecture)) => (name, Some(architecture)),
        None => (name, None),
    };
    let is_name = !name.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_name || version.is_empty() {
        return None;
    }
    let mut purl = Purl::new(PackageKind::Deb.purl_type(), name);
    purl.namespace = Some("ubuntu".to_owned());
    purl.version = Some(version.to_owned());
    if let Some(architecture) = architecture {
        purl.qualifiers.insert("arch".to_owned(), architecture.to_owned());
    }
    let evidence = context.evidence(Method::Manifest);
    let draft = component(PackageKind::Deb, name, Some(version), evidence, context);
    let architecture = architecture.map(str::to_owned);
    let package = Package { purl, architecture, scope: Scope::Embedded, ..draft.package };
    Some(Draft { package, ..draft })
}
