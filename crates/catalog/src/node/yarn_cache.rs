//! Yarn's cache: an archive for each package, `.yarn/cache/*.zip`. With Plug'n'Play (yarnpkg.com, "Plug'n'Play") programs
//! run from these archives, and there is no `node_modules`.

use sealift_archive::RelativePath;
use sealift_image::Look;
use sealift_model::{Evidence, Method, Scope};
use serde_json::{Map, Value};

use super::{described, identity, is_name};
use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Found};
use crate::zip_view::ZipView;

const MANIFEST_BYTES_MAX: usize = 1 << 20;
const ENTRIES_MAX: usize = 200_000;
// The cache of a project, and the one that all projects of a user have.
const FOLDERS: [&[u8]; 2] = [b".yarn/cache", b".yarn/berry/cache"];

/// True for the archives of a cache.
pub(crate) fn is_cached(path: &RelativePath) -> bool {
    let path = path.as_bytes();
    let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else { return false };
    path.ends_with(b".zip") && FOLDERS.iter().any(|folder| path[..slash].ends_with(folder))
}

/// All of an archive is looked at.
pub(crate) fn look(path: &RelativePath, start: &[u8]) -> Look {
    if start.starts_with(b"PK") && is_cached(path) { Look::Whole } else { Look::Pass }
}

/// The manifest of the package, with its place in the archive.
pub(crate) fn extract(path: &RelativePath, content: &[u8]) -> Option<Extract> {
    if !is_cached(path) {
        return None;
    }
    let complaint =
        |what: &str| Some(Extract { complaints: vec![what.to_owned()], ..Extract::default() });
    let Some(zip) = ZipView::new(content) else {
        return complaint("it is no zip archive, or is cut off");
    };
    let entry = zip.entries().take(ENTRIES_MAX).find_map(|entry| {
        let name = std::str::from_utf8(entry.name).ok()?;
        let place = name.strip_prefix("node_modules/")?.strip_suffix("/package.json")?;
        let is_own = is_name(place) && place.contains('/') == place.starts_with('@');
        (is_own && place.matches('/').count() < 2).then(|| (name.to_owned(), entry))
    });
    let Some((name, entry)) = entry else { return complaint("it has no manifest") };
    match zip.read(entry, MANIFEST_BYTES_MAX) {
        Some(bytes) => {
            Some(Extract { parts: vec![(name, bytes.into_owned())], ..Extract::default() })
        }
        None => complaint("its manifest cannot be read"),
    }
}

/// The package of an archive.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    found.notes.extend(extract.complaints.iter().map(|complaint| context.note(complaint)));
    let path = context.path();
    let is_there = |file: &str| {
        let root = path.trim_start_matches('/').split(".yarn/").next().unwrap_or_default();
        context.resolved(&format!("{root}{file}")).is_some()
    };
    // The archives of what is in `node_modules` too were only needed to install it.
    if is_there("node_modules/.yarn-state.yml") {
        return found;
    }
    for (place, bytes) in &extract.parts {
        let manifest: Map<String, Value> = match serde_json::from_slice(bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                found.notes.push(context.note(format!("its manifest is none: {error}")));
                continue;
            }
        };
        let (Some(name), Some(version)) = identity(&manifest) else {
            found.notes.push(context.note("its manifest has no name or no version"));
            continue;
        };
        let evidence =
            Evidence { path: format!("{path}!/{place}"), ..context.evidence(Method::Manifest) };
        let mut draft = described(&manifest, name, version.into(), evidence, context);
        let is_run = is_there(".pnp.cjs") || is_there(".pnp.js");
        draft.package.scope = if is_run { Scope::Installed } else { Scope::Embedded };
        draft.provides = vec![format!("{path}!/{place}")];
        found.drafts.push(draft);
    }
    found
}
