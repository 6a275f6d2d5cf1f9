//! `Gemfile.lock` (bundler.io, "Gemfile.lock"): a section for each source, its gems with what they need below.

use sealift_model::PackageKind;

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::NAME_BYTES_MAX;
use crate::declared::{Entries, declared, hash, is_of_package};

/// Bundler's lock files.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "gemfile-lock",
    what: "Ruby gems that Bundler's lock files name",
    evidence: &[Pattern::Named("", "Gemfile.lock"), Pattern::Named("", "gems.locked")],
    companions: &[],
    read,
};

const BYTES_MAX: usize = 16 << 20;
const GEMS_MAX: usize = 50_000;
const NEEDS_MAX: usize = 2_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if is_of_package(&context.path()) {
        return found;
    }
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for a lock file"));
        return found;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        found.notes.push(context.note("it is not UTF-8"));
        return found;
    };
    let mut entries = Entries::new();
    let mut open: Option<Draft> = None;
    let mut section = "";
    for line in text.lines() {
        let content = line.trim();
        match line.len() - line.trim_start().len() {
            _ if content.is_empty() => {}
            0 => section = content,
            2 if section == "CHECKSUMS" => checksum(content, &mut entries, context),
            // What is at `PATH` is the project itself.
            4 if matches!(section, "GEM" | "GIT" | "PLUGIN SOURCE") => {
                entries.extend(open.take());
                open = gem(content, context).filter(|_| entries.len() < GEMS_MAX);
                if open.is_none() {
                    found.notes.push(context.note(format!("`{content}` is no gem with a version")));
                    found.notes.truncate(100);
                }
            }
            6 => {
                let need = content.split(' ').next().unwrap_or_default().trim_end_matches('!');
                if let Some(draft) = open.as_mut().filter(|it| it.requires.len() < NEEDS_MAX) {
                    draft.requires.push(vec![key(need, context)]);
                }
            }
            _ => {}
        }
        // The gem of a section ends with it.
        if !line.starts_with("    ") {
            entries.extend(open.take());
        }
    }
    entries.extend(open);
    found.drafts = entries.into_drafts();
    found
}

fn key(name: &str, context: &Context<'_>) -> String {
    format!("{}#{name}", context.path())
}

// `name (version-platform)`.
fn identity(content: &str) -> Option<(&str, &str, Option<&str>)> {
    let (name, rest) = content.split_once(" (")?;
    let (version, _) = rest.split_once(')')?;
    let (version, platform) = match version.split_once('-') {
        Some((version, platform)) => (version, Some(platform)),
        None => (version, None),
    };
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    let is_name = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(['/', ' ']);
    (is_name && is_version && version.len() <= NAME_BYTES_MAX).then_some((name, version, platform))
}

// Of a gem with compiled parts there is one for each platform; they are one gem to those who need it.
fn gem(content: &str, context: &Context<'_>) -> Option<Draft> {
    let (name, version, _) = identity(content)?;
    let mut draft = declared(PackageKind::Gem, name, Some(version), context);
    draft.provides = vec![key(name, context)];
    Some(draft)
}

// `name (version) sha256=…`. Platforms have hashes of their own, and which one is meant is not known.
fn checksum(content: &str, entries: &mut Entries, context: &Context<'_>) {
    let Some((name, version, None)) = identity(content) else { return };
    let value = content.rsplit_once(' ').and_then(|(_, value)| value.split_once('='));
    let hash = value.and_then(|(function, hex)| hash(function, hex));
    if let Some(hash) = hash.filter(|_| entries.has(name, version)) {
        let mut draft = declared(PackageKind::Gem, name, Some(version), context);
        draft.package.hashes.push(hash);
        entries.add(draft);
    }
}
