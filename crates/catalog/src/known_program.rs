//! Programs that no package manager brought: known by bytes that only they have, by the note of a package that they carry, or by
//! the version resource of a Windows program.

use std::collections::HashMap;

use sealift_archive::RelativePath;
use sealift_image::FileMeta;
use sealift_model::{Method, PackageKind};
use sealift_program::{Program, assembly, note, resources, signature};

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Draft, Found};
use crate::component::{NAME_BYTES_MAX, component};

const EVIDENCE_MAX: usize = 100;

/// True for a file with a name that a signature has.
pub(crate) fn has_signature(path: &RelativePath, meta: &FileMeta) -> bool {
    let name = path.file_name().unwrap_or_default();
    meta.size > 64 && signature::candidates(name).next().is_some()
}

/// The part `identities`: a line with name and version for each signature that the bytes have.
pub(crate) fn identify(path: &RelativePath, content: &[u8]) -> Option<Extract> {
    let mut lines = String::new();
    for found in signature::identify(path.file_name().unwrap_or_default(), content) {
        let signature = signature::all().nth(found.signature)?;
        lines.extend([signature.name, " ", &found.version, "\n"]);
    }
    let parts = vec![("identities".to_owned(), lines.into_bytes())];
    (!parts[0].1.is_empty()).then(|| Extract { parts, complaints: Vec::new() })
}

/// The programs that were recognised.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let lines = String::from_utf8_lossy(extract.part("identities").unwrap_or_default());
    let path = context.path();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for (name, version) in lines.lines().filter_map(|line| line.split_once(' ')) {
        let Some(known) = signature::all().find(|it| it.name == name) else { continue };
        if !known.unless.is_empty() && context.resolved(&above(folder, known.unless)).is_some() {
            continue;
        }
        let evidence = context.evidence(Method::Signature);
        let mut draft = component(PackageKind::Binary, name, Some(version), evidence, context);
        draft.package.cpes.extend(signature::cpe(known.cpe, version));
        found.drafts.push(draft);
    }
    found
}

// A path from a folder, without a slash at the beginning.
fn above(folder: &str, path: &str) -> String {
    let (mut folder, mut path) = (folder, path);
    while let Some(rest) = path.strip_prefix("../") {
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        path = rest;
    }
    format!("{folder}/{path}").trim_start_matches('/').to_owned()
}

/// The part `note` of an ELF file that says which package it belongs to.
pub(crate) fn package_note(_: &RelativePath, content: &[u8]) -> Option<Extract> {
    let json = note::json(&Program::parse(content)?)?.to_vec();
    Some(Extract { parts: vec![("note".to_owned(), json)], complaints: Vec::new() })
}

/// The package of a note. Distributions write the name of the source package there, so that it is none of theirs by itself; where
/// theirs is installed, it owns the file.
pub(crate) fn read_note(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    match note::package(extract.part("note").unwrap_or_default()) {
        Ok(note) => {
            let evidence = context.evidence(Method::BuildRecord);
            let version = note.version.as_deref();
            let name = note.name.as_str();
            let mut draft = component(PackageKind::Binary, name, version, evidence, context);
            draft.package.architecture = note.architecture;
            draft.package.cpes.extend(note.cpe.filter(|cpe| cpe.starts_with("cpe:2.3:")));
            found.drafts.push(draft);
        }
        Err(complaint) => found.notes.push(context.note(complaint)),
    }
    found
}

/// The parts `name` and `version` of a Windows program; assemblies of .NET have packages.
pub(crate) fn details(_: &RelativePath, content: &[u8]) -> Option<Extract> {
    let program = Program::parse(content)?;
    let information = resources::version_information(&program)?;
    if assembly::assembly(&program).is_some() {
        return None;
    }
    let text = |key: &str| information.texts.get(key).map_or("", String::as_str);
    // Behind a plus is the commit it was built from.
    let version = text("ProductVersion").split(['+', ' ']).next().unwrap_or_default();
    let version = if version.is_empty() { text("FileVersion") } else { version };
    let parts = [("name", text("ProductName")), ("version", version)];
    let is_sound = parts.iter().all(|(_, it)| !it.is_empty() && it.len() <= NAME_BYTES_MAX);
    let parts = parts.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).to_vec();
    is_sound.then(|| Extract { parts, complaints: Vec::new() })
}

/// The product of a version resource.
pub(crate) fn read_details(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let text = |name| String::from_utf8_lossy(extract.part(name).unwrap_or_default());
    let (product, version) = (text("name"), text("version"));
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        let evidence = context.evidence(Method::Signature);
        let mut draft = component(PackageKind::Binary, &product, Some(&version), evidence, context);
        // A product's name may have a slash in it.
        draft.package.purl.namespace = None;
        draft.package.purl.name = product.into_owned();
        found.drafts.push(draft);
    }
    found
}

/// Makes one of the drafts of one program that was installed together: the same name, version and folder above `bin` and
/// `lib`, from the same layer.
pub(crate) fn join(drafts: &mut Vec<Draft>) {
    let mut places: HashMap<(String, Option<String>, String, Option<usize>), usize> =
        HashMap::new();
    let mut joined: Vec<Draft> = Vec::new();
    for draft in std::mem::take(drafts) {
        let package = &draft.package;
        let Some(evidence) =
            package.evidence.first().filter(|_| package.kind == PackageKind::Binary)
        else {
            joined.push(draft);
            continue;
        };
        let prefix = prefix(&evidence.path).to_owned();
        let layer = evidence.layer.as_ref().map(|layer| layer.index);
        let key = (package.name.clone(), package.version.clone(), prefix, layer);
        let Some(place) = places.get(&key).copied() else {
            places.insert(key, joined.len());
            joined.push(draft);
            continue;
        };
        let known = &mut joined[place].package;
        for evidence in draft.package.evidence {
            if known.evidence.len() < EVIDENCE_MAX && !known.evidence.contains(&evidence) {
                known.evidence.push(evidence);
            }
        }
    }
    *drafts = joined;
}

// The folder below which something was installed.
fn prefix(path: &str) -> &str {
    const FOLDERS: [&str; 6] = ["bin", "sbin", "lib", "lib64", "libexec", "lib32"];
    let mut at = 0;
    for part in path.split('/') {
        if FOLDERS.contains(&part) {
            let prefix = path[..at].trim_end_matches('/');
            return prefix.strip_suffix("/usr").unwrap_or(prefix);
        }
        at += part.len() + 1;
    }
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(prefix("/usr/local/lib/python3/bin/x"), "/usr/local");
        assert_eq!(
            (prefix("/usr/bin/x"), prefix("/bin/x"), prefix("/opt/x/y")),
            ("", "", "/opt/x")
        );
        assert_eq!(above("/opt/jdk/lib/server", "../../release"), "opt/jdk/release");
        assert_eq!(above("/a", "../../../b"), "b");
    }
}
