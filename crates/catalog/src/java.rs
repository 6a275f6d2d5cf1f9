//! Java archives, and archives in archives: Maven's `pom.properties` and `pom.xml`, else the manifest and the file's name
//! (JAR File Specification, "JAR Manifest").

mod classes;
mod groups;
mod identity;
mod jenkins;
pub(crate) mod jvm;
pub(crate) mod native_image;
pub(crate) mod project;
mod repository;

use std::collections::BTreeMap;

use sealift_archive::RelativePath;
use sealift_image::Look;
use sealift_model::{Evidence, PackageKind, Scope};

use classes::Classes;
use identity::{Identified, Identity};
use project::Kept;
pub(crate) use repository::name_by_repository;

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Draft, Found};
use crate::component::{component, license};
use crate::supplier::supplier;
use crate::zip_view::{ZipEntry, ZipView};

const ENDINGS: [&str; 9] = [".jar", ".war", ".ear", ".par", ".sar", ".nar", ".jpi", ".hpi", ".kar"];
const DEPTH_MAX: usize = 6;
const ARCHIVES_MAX: usize = 5_000;
const ENTRIES_MAX: usize = 1_000_000;
const POMS_MAX: usize = 2_000;
const TEXT_BYTES_MAX: usize = 1 << 20;
// Of a manifest only the main section counts, which comes first.
const KEPT_TEXT_BYTES_MAX: usize = 64 << 10;
const KEPT_BYTES_MAX: usize = 16 << 20;
const NESTED_BYTES_MAX: usize = 64 << 20;
// All archives that are open at once, and all that is inflated for one file.
const OPEN_BYTES_MAX: usize = 128 << 20;
const INFLATED_BYTES_MAX: usize = 1 << 30;

// What a part of an extract is, in its first byte.
const ARCHIVE: u8 = b'A';
const MANIFEST: u8 = b'M';
const POM: u8 = b'P';
const PROJECT: u8 = b'X';
const CLASSES: u8 = b'C';

/// True for the names of Java archives.
pub(crate) fn is_archive(path: &[u8]) -> bool {
    ENDINGS.iter().any(|end| {
        let start = path.len().checked_sub(end.len());
        start.is_some_and(|start| path[start..].eq_ignore_ascii_case(end.as_bytes()))
    })
}

/// How much to look at. A script may be in front of an archive that starts itself.
pub(crate) fn look(path: &RelativePath, start: &[u8]) -> Look {
    let is_its = start.starts_with(b"PK") || start.starts_with(b"#!");
    if is_its && is_archive(path.as_bytes()) { Look::Whole } else { Look::Pass }
}

/// A part for each archive, and for each text in it that says what it is, named by the archive's path in the file.
#[expect(clippy::unnecessary_wraps, reason = "an inspector's function")]
pub(crate) fn extract(content: &[u8]) -> Option<Extract> {
    let mut walk = Walk { extract: Extract::default(), ..Walk::default() };
    if ZipView::new(content).is_none() {
        walk.extract.complaints.push("it is no zip archive, or is cut off".to_owned());
    } else {
        walk.archive(content, "", 0, 0);
    }
    walk.extract.complaints.dedup();
    walk.extract.complaints.truncate(100);
    Some(walk.extract)
}

#[derive(Default)]
struct Walk {
    extract: Extract,
    n_archives: usize,
    n_entries: usize,
    inflated_bytes: usize,
    kept_bytes: usize,
}

impl Walk {
    // Goes as deep as `DEPTH_MAX`.
    fn archive(&mut self, content: &[u8], place: &str, depth: usize, open_bytes: usize) {
        let Some(zip) = ZipView::new(content) else {
            return self.complain(place, "is no zip archive");
        };
        self.n_archives += 1;
        self.part(place, ARCHIVE, b"");
        let mut nested = Vec::new();
        let mut n_poms = 0;
        let mut classes = Classes::default();
        for entry in zip.entries() {
            self.n_entries += 1;
            if self.n_entries > ENTRIES_MAX {
                return self.complain(place, "and what comes before it have too many entries");
            }
            let kind = match entry.name {
                b"META-INF/MANIFEST.MF" => MANIFEST,
                name if is_pom(name, b"/pom.properties") && n_poms < POMS_MAX => POM,
                name if is_pom(name, b"/pom.xml") && n_poms < POMS_MAX => PROJECT,
                name if is_archive(name) => {
                    nested.push(entry);
                    continue;
                }
                name => {
                    classes.add(name);
                    continue;
                }
            };
            n_poms += usize::from(kind != MANIFEST);
            let left = INFLATED_BYTES_MAX.saturating_sub(self.inflated_bytes);
            if let Some(text) = zip.read(entry, TEXT_BYTES_MAX.min(left)) {
                self.inflated_bytes += text.len();
                if kind == PROJECT {
                    // What is no project says nothing, and the manifest is there too.
                    if let Some(text) = project::compact(&text) {
                        self.part(place, kind, text.as_bytes());
                    }
                    continue;
                }
                self.part(place, kind, &text[..text.len().min(KEPT_TEXT_BYTES_MAX)]);
            } else {
                self.inflated_bytes += TEXT_BYTES_MAX;
                self.complain(place, "has an entry that cannot be read");
            }
        }
        self.part(place, CLASSES, classes.text().as_bytes());
        self.nested(zip, nested, place, depth, open_bytes);
    }

    fn nested(
        &mut self,
        zip: ZipView<'_>,
        nested: Vec<ZipEntry<'_>>,
        place: &str,
        depth: usize,
        open_bytes: usize,
    ) {
        for entry in nested {
            let name = String::from_utf8_lossy(entry.name);
            let inner =
                if place.is_empty() { name.into_owned() } else { format!("{place}!/{name}") };
            if depth >= DEPTH_MAX || inner.len() > 4096 {
                self.complain(&inner, "is an archive too deep in archives");
                continue;
            }
            let left = OPEN_BYTES_MAX
                .saturating_sub(open_bytes)
                .min(INFLATED_BYTES_MAX.saturating_sub(self.inflated_bytes));
            if left == 0 || self.n_archives >= ARCHIVES_MAX {
                return self.complain(&inner, "and what comes behind it is too much to read");
            }
            if let Some(bytes) = zip.read(entry, NESTED_BYTES_MAX.min(left)) {
                self.inflated_bytes += bytes.len();
                self.archive(&bytes, &inner, depth + 1, open_bytes + bytes.len());
            } else {
                // What was inflated in vain has its price too.
                self.inflated_bytes += NESTED_BYTES_MAX;
                self.complain(&inner, "cannot be read or is too large");
            }
        }
    }

    fn part(&mut self, place: &str, kind: u8, text: &[u8]) {
        self.kept_bytes += place.len() + text.len();
        if self.kept_bytes > KEPT_BYTES_MAX {
            return self.complain(place, "and what comes behind it says too much");
        }
        self.extract.parts.push((place.to_owned(), [&[kind], text].concat()));
    }

    fn complain(&mut self, place: &str, what: &str) {
        if self.extract.complaints.len() < 1000 {
            let place = if place.is_empty() { "it" } else { place };
            self.extract.complaints.push(format!("{place} {what}"));
        }
    }
}

fn is_pom(name: &[u8], end: &[u8]) -> bool {
    name.starts_with(b"META-INF/maven/") && name.ends_with(end)
}

/// A package for each archive, and for each of Maven's that was put into another one's archive.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    found.notes.extend(extract.complaints.iter().map(|complaint| context.note(complaint)));
    let mut rest = &extract.parts[..];
    while let Some((place, _)) = rest.first() {
        let len = 1 + rest[1..].iter().take_while(|(_, part)| part[0] != ARCHIVE).count();
        let (parts, behind) = rest.split_at(len);
        rest = behind;
        archive(place, parts, context, &mut found.drafts);
    }
    found
}

fn archive(
    place: &str,
    parts: &[(String, Vec<u8>)],
    context: &Context<'_>,
    drafts: &mut Vec<Draft>,
) {
    let mut path = context.path();
    if !place.is_empty() {
        path = format!("{path}!/{place}");
    }
    let texts = |kind: u8| {
        let texts = parts.iter().map(|(_, part)| &part[..]).filter(move |it| it[0] == kind);
        texts.map(|text| String::from_utf8_lossy(&text[1..]))
    };
    let manifest = texts(MANIFEST).next().map(|text| attributes(&text)).unwrap_or_default();
    let classes = texts(CLASSES).next().map(|text| Classes::parse(&text)).unwrap_or_default();
    let projects: Vec<Kept> = texts(PROJECT).map(|text| Kept::parse(&text)).collect();
    let mut poms: Vec<Identity> =
        texts(POM).filter_map(|text| identity::by_properties(&text)).collect();
    for identity in projects.iter().filter_map(|project| project.identity.as_ref()) {
        match poms.iter_mut().find(|pom| pom.artifact == identity.artifact) {
            Some(pom) => pom.complete(identity),
            None => poms.push(identity.clone()),
        }
    }
    let own = identity::identify(&path, &mut poms, &manifest, &classes);
    let start = drafts.len();
    // What is in an archive and says nothing of itself is no package.
    let is_known = own.identity.group.is_some() || own.identity.version.is_some();
    let is_listed = place.is_empty() || is_known;
    if is_listed {
        let mut draft = archive_draft(&own, &path, context);
        draft.package.scope = if place.is_empty() { Scope::Installed } else { Scope::Embedded };
        let project = projects.iter().find(|project| project.is_of(&own.identity));
        describe(&mut draft, &manifest, project);
        if is_plugin(&path) {
            jenkins::become_plugin(&mut draft, &manifest);
        }
        drafts.push(draft);
    }
    for (number, identity) in poms.into_iter().enumerate() {
        let mut draft = archive_draft(&Identified::by_project(identity), &path, context);
        draft.package.scope = Scope::Embedded;
        draft.provides[0] = format!("{path}#{number}");
        if let Some(outer) = drafts.get_mut(start).filter(|_| is_listed) {
            outer.requires.push(vec![draft.provides[0].clone()]);
        }
        drafts.push(draft);
    }
    // What an archive contains it needs.
    let mut outer = path.as_str();
    while let Some((before, _)) = outer.rsplit_once("!/") {
        outer = before;
        if drafts.len() > start
            && let Some(outer) = drafts[..start].iter_mut().rev().find(|it| it.provides[0] == outer)
        {
            outer.requires.push(vec![path]);
            return;
        }
    }
}

fn is_plugin(path: &str) -> bool {
    let ending = path.rsplit('.').next().unwrap_or_default();
    ending.eq_ignore_ascii_case("hpi") || ending.eq_ignore_ascii_case("jpi")
}

fn archive_draft(own: &Identified, path: &str, context: &Context<'_>) -> Draft {
    let Identity { group, artifact, version } = &own.identity;
    let evidence = Evidence {
        path: path.to_owned(),
        layer: context.layer(),
        method: own.method,
        confidence: own.confidence,
    };
    let mut draft = component(PackageKind::Maven, artifact, version.as_deref(), evidence, context);
    draft.provides = vec![path.to_owned()];
    rename(&mut draft, group.as_deref(), artifact);
    // Archives of one folder, or of one archive, prefer each other.
    let around = path.rsplit_once("!/").or_else(|| path.rsplit_once('/'));
    around.map_or("", |(around, _)| around).clone_into(&mut draft.surroundings);
    draft
}

fn rename(draft: &mut Draft, group: Option<&str>, artifact: &str) {
    draft.package.name = match group {
        Some(group) => format!("{group}:{artifact}"),
        None => artifact.to_owned(),
    };
    draft.package.purl.namespace = group.map(str::to_owned);
    artifact.clone_into(&mut draft.package.purl.name);
    draft.provides.truncate(1);
    if group.is_some() {
        draft.provides.push(draft.package.name.clone());
    }
}

// What the manifest and its project say beside its name.
fn describe(draft: &mut Draft, manifest: &BTreeMap<String, String>, project: Option<&Kept>) {
    let attribute = |key: &str| manifest.get(key);
    let package = &mut draft.package;
    package.licenses =
        attribute("bundle-license").and_then(|text| license(text)).into_iter().collect();
    let vendor = attribute("implementation-vendor").or_else(|| attribute("bundle-vendor"));
    package.supplier = vendor.and_then(|name| supplier(name));
    package.homepage = attribute("bundle-docurl").cloned();
    let Some(project) = project else { return };
    if !project.licenses.is_empty() {
        package.licenses = project.licenses.iter().filter_map(|name| license(name)).collect();
    }
    let organization = project.organization.as_deref().and_then(supplier);
    package.supplier = organization.or(package.supplier.take());
    package.homepage = project.homepage.clone().or(package.homepage.take());
    package.summary.clone_from(&project.summary);
    draft.requires.extend(project.needs.iter().map(|need| vec![need.clone()]));
}

// The main section: up to an empty line; a line that begins with a blank goes on.
fn attributes(text: &str) -> BTreeMap<String, String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        match (line.strip_prefix(' '), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => lines.push(line.to_owned()),
        }
    }
    let pair = |line: &String| {
        let (key, value) = line.split_once(':')?;
        Some((key.to_ascii_lowercase(), identity::known(value)?))
    };
    lines.iter().filter_map(pair).collect()
}
