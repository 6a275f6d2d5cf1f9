//! Java archives, and archives in archives: Maven's `pom.properties`, else the manifest and the file's name
//! (JAR File Specification, "JAR Manifest").

use std::collections::BTreeMap;

use sealift_archive::RelativePath;
use sealift_image::{FileKind, FileTree, Look};
use sealift_model::{Evidence, Method, PackageKind, Scope};

use crate::cataloger::{Context, Draft, Found};
use crate::component::{NAME_BYTES_MAX, component, license};
use crate::inspection::Extract;
use crate::supplier::supplier;
use crate::zip_view::ZipView;

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
const REPOSITORY: &str = "usr/share/maven-repo";

// What a part of an extract is, in its first byte.
const ARCHIVE: u8 = b'A';
const MANIFEST: u8 = b'M';
const POM: u8 = b'P';

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
        for entry in zip.entries() {
            self.n_entries += 1;
            if self.n_entries > ENTRIES_MAX {
                return self.complain(place, "and what comes before it have too many entries");
            }
            let kind = match entry.name {
                b"META-INF/MANIFEST.MF" => MANIFEST,
                name if is_pom(name) && n_poms < POMS_MAX => POM,
                name if is_archive(name) => {
                    nested.push(entry);
                    continue;
                }
                _ => continue,
            };
            n_poms += usize::from(kind == POM);
            let left = INFLATED_BYTES_MAX.saturating_sub(self.inflated_bytes);
            if let Some(text) = zip.read(entry, TEXT_BYTES_MAX.min(left)) {
                self.inflated_bytes += text.len();
                self.part(place, kind, &text[..text.len().min(KEPT_TEXT_BYTES_MAX)]);
            } else {
                self.inflated_bytes += TEXT_BYTES_MAX;
                self.complain(place, "has an entry that cannot be read");
            }
        }
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

fn is_pom(name: &[u8]) -> bool {
    name.starts_with(b"META-INF/maven/") && name.ends_with(b"/pom.properties")
}

/// What an archive says it is.
struct Identity {
    group: Option<String>,
    artifact: String,
    version: Option<String>,
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
    let file = path.rsplit('/').next().unwrap_or("");
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let texts = |kind: u8| parts.iter().map(|(_, part)| &part[..]).filter(move |it| it[0] == kind);
    let manifest = texts(MANIFEST).next().map(|text| attributes(&text[1..])).unwrap_or_default();
    let mut poms: Vec<Identity> = texts(POM).filter_map(|text| pom(&text[1..])).collect();
    // The archive's own one is the only one, or the one that its name begins with.
    let own = match poms.len() {
        1 => Some(0),
        _ => (0..poms.len())
            .filter(|place| is_named(stem, &poms[*place].artifact))
            .max_by_key(|place| poms[*place].artifact.len()),
    };
    let own = match own {
        Some(own) => poms.remove(own),
        None => by_manifest(stem, &manifest),
    };
    let start = drafts.len();
    let mut draft = archive_draft(&own, &path, context);
    draft.package.scope = if place.is_empty() { Scope::Installed } else { Scope::Embedded };
    draft.package.licenses =
        manifest.get("bundle-license").and_then(|text| license(text)).into_iter().collect();
    let vendor = manifest.get("implementation-vendor").or_else(|| manifest.get("bundle-vendor"));
    draft.package.supplier = vendor.and_then(|name| supplier(name));
    draft.package.homepage = manifest.get("bundle-docurl").cloned();
    draft.provides = vec![path.clone()];
    drafts.push(draft);
    for (number, pom) in poms.iter().enumerate() {
        let mut draft = archive_draft(pom, &path, context);
        draft.package.scope = Scope::Embedded;
        draft.provides = vec![format!("{path}#{number}")];
        drafts[start].requires.push(draft.provides.clone());
        drafts.push(draft);
    }
    // What an archive contains it needs.
    if let Some((outer, _)) = path.rsplit_once("!/")
        && let Some(outer) = drafts.iter_mut().rev().find(|it| it.provides[0] == outer)
    {
        outer.requires.push(vec![path]);
    }
}

fn archive_draft(identity: &Identity, path: &str, context: &Context<'_>) -> Draft {
    let Identity { group, artifact, version } = identity;
    let evidence = Evidence {
        path: path.to_owned(),
        layer: context.layer(),
        method: Method::Manifest,
        confidence: Method::Manifest.confidence(),
    };
    let mut draft = component(PackageKind::Maven, artifact, version.as_deref(), evidence, context);
    rename(&mut draft, group.as_deref(), artifact);
    draft
}

fn rename(draft: &mut Draft, group: Option<&str>, artifact: &str) {
    draft.package.name = match group {
        Some(group) => format!("{group}:{artifact}"),
        None => artifact.to_owned(),
    };
    draft.package.purl.namespace = group.map(str::to_owned);
    artifact.clone_into(&mut draft.package.purl.name);
}

fn is_named(stem: &str, artifact: &str) -> bool {
    stem.strip_prefix(artifact).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

fn known(text: &str) -> Option<String> {
    let text = text.trim();
    let is_known = !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.contains("${");
    is_known.then(|| text.to_owned())
}

fn pom(text: &[u8]) -> Option<Identity> {
    let text = String::from_utf8_lossy(text);
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        known(lines.find(|(name, _)| name.trim() == key)?.1)
    };
    Some(Identity {
        group: value("groupId"),
        artifact: value("artifactId")?,
        version: value("version"),
    })
}

// The main section: up to an empty line; a line that begins with a blank goes on.
fn attributes(text: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(text);
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        match (line.strip_prefix(' '), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => lines.push(line.to_owned()),
        }
    }
    let pair = |line: &String| {
        let (key, value) = line.split_once(':')?;
        Some((key.to_ascii_lowercase(), known(value)?))
    };
    lines.iter().filter_map(pair).collect()
}

fn by_manifest(stem: &str, manifest: &BTreeMap<String, String>) -> Identity {
    // A version begins with a digit behind a hyphen.
    let split = stem
        .match_indices('-')
        .find(|(at, _)| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let (artifact, version) = match split {
        Some((at, _)) if at > 0 => (&stem[..at], Some(stem[at + 1..].to_owned())),
        _ => (stem, None),
    };
    let attribute = |key: &str| manifest.get(key).cloned();
    let symbolic = attribute("bundle-symbolicname");
    let symbolic = symbolic.as_deref().and_then(|name| name.split(';').next()).map(str::trim);
    let by_symbolic = || {
        let group = symbolic?.strip_suffix(artifact)?.strip_suffix('.')?;
        (!group.is_empty()).then(|| group.to_owned())
    };
    let vendor = attribute("implementation-vendor-id").filter(|name| name.contains('.'));
    Identity {
        group: vendor.or_else(by_symbolic).filter(|name| !name.contains([' ', '/', ':'])),
        artifact: artifact.to_owned(),
        version: version
            .or_else(|| attribute("implementation-version"))
            .or_else(|| attribute("bundle-version")),
    }
}

/// Debian keeps Maven's names of its archives as links in a repository; those are right where archives say nothing, or
/// something else.
pub(crate) fn name_by_repository(drafts: &mut [Draft], tree: &FileTree) {
    let Ok(root) = RelativePath::parse(REPOSITORY.as_bytes()) else { return };
    let mut names: BTreeMap<String, Identity> = BTreeMap::new();
    for fact in tree.below(&root) {
        let is_link = matches!(fact.kind, FileKind::Symlink(_));
        let path = fact.path.to_string();
        if !(is_link || fact.is_file()) || !is_archive(path.as_bytes()) {
            continue;
        }
        let Some(identity) = by_path(&path) else { continue };
        let Some(real) = tree.resolve(&fact.path) else { continue };
        // `debian` stands for any version.
        let is_better = |old: &Identity| old.version.is_none() && identity.version.is_some();
        let real = format!("/{}", real.path);
        if names.get(&real).is_none_or(is_better) {
            names.insert(real, identity);
        }
    }
    for draft in drafts.iter_mut().filter(|it| it.package.kind == PackageKind::Maven) {
        let identity = draft.package.evidence.first().and_then(|it| names.get(&it.path));
        if let Some(identity) = identity.filter(|_| draft.package.scope == Scope::Installed) {
            rename(draft, identity.group.as_deref(), &identity.artifact);
            if let Some(version) = &identity.version {
                draft.package.version = Some(version.clone());
                draft.package.purl.version = Some(version.clone());
            }
        }
    }
}

// `org/apache/commons/commons-lang3/3.12.0/commons-lang3-3.12.0.jar`.
fn by_path(path: &str) -> Option<Identity> {
    let mut parts = path.strip_prefix(REPOSITORY)?.strip_prefix('/')?.rsplitn(4, '/');
    let (_, version, artifact) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Identity {
        group: Some(parts.next()?.replace('/', ".")),
        artifact: artifact.to_owned(),
        version: (version != "debian").then(|| version.to_owned()),
    })
}
