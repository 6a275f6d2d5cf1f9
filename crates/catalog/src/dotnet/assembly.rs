//! .NET's assemblies: what the metadata and the version resource of a library or program say of it.

use std::collections::HashSet;

use sealift_archive::RelativePath;
use sealift_image::Look;
use sealift_model::{Confidence, Method, PackageKind, Scope};
use sealift_program::assembly::assembly;
use sealift_program::resources::version_information;
use sealift_program::{Format, Program};

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Draft, Found};
use crate::component::{component, is_test_data};
use crate::supplier::supplier;

const TEXTS: [&str; 4] = ["ProductVersion", "FileVersion", "ProductName", "CompanyName"];
// A number as large is one of a build, and no part of a package's version.
const NUMBER_MAX: u32 = 9_999;

/// True for the names of libraries. A program is no package of NuGet, but what it is made of is.
pub(crate) fn is_candidate(path: &RelativePath) -> bool {
    let name = path.file_name().unwrap_or_default();
    let ending = &name[name.len().saturating_sub(4)..];
    ending.eq_ignore_ascii_case(b".dll")
}

/// How much to look at.
pub(crate) fn look(path: &RelativePath, start: &[u8]) -> Look {
    if start.starts_with(b"MZ") && is_candidate(path) { Look::Whole } else { Look::Pass }
}

/// What an assembly says of itself; one that has but texts in a language says nothing of its own.
pub(crate) fn extract(path: &RelativePath, content: &[u8]) -> Option<Extract> {
    if !is_candidate(path) || !content.starts_with(b"MZ") {
        return None;
    }
    let program = Program::parse(content).filter(|program| program.format == Format::Pe)?;
    let assembly = assembly(&program).filter(|assembly| assembly.culture.is_none())?;
    let mut extract = Extract::default();
    let mut part = |name: &str, text: String| {
        extract.parts.push((name.to_owned(), text.into_bytes()));
    };
    part("name", assembly.name);
    let texts = version_information(&program).map(|information| information.texts);
    let mut texts = texts.unwrap_or_default();
    for name in TEXTS {
        if let Some(text) = texts.remove(name) {
            part(name, text);
        }
    }
    Some(extract)
}

/// The package that an assembly is of, as far as it tells.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let text = |name: &str| {
        let text = String::from_utf8_lossy(extract.part(name)?);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    };
    let path = context.path();
    let Some(name) = text("name") else { return found };
    // What programs are compiled against is not what they run with.
    if path.contains("/ref/") || path.contains("/packs/") {
        return found;
    }
    let product = text("ProductVersion");
    let version = product.as_deref().and_then(version);
    // A commit behind the version comes from the tools that make packages.
    let is_packed = version.is_some() && product.is_some_and(|text| text.contains('+'));
    let version = version.or_else(|| self::version(&text("FileVersion")?));
    // Without a version it is of little use, and mostly one of the pieces that come with another one.
    let Some(version) = version else { return found };
    let mut evidence = context.evidence(Method::BuildRecord);
    evidence.confidence = if is_packed { Confidence::Medium } else { Confidence::Low };
    let mut draft = component(PackageKind::Nuget, &name, Some(&version), evidence, context);
    draft.package.supplier = text("CompanyName").and_then(|name| supplier(&name));
    draft.package.summary = text("ProductName");
    if is_test_data(&path) {
        draft.package.scope = Scope::TestData;
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder.clone_into(&mut draft.surroundings);
    found.drafts.push(draft);
    found
}

// `13.0.1+ae9fe44`, `6.0.5`, `2.0.0-rc.1`: what is behind the plus is a commit; four numbers that end with 0 are three.
fn version(text: &str) -> Option<String> {
    let text = text.split(['+', ' ', '@']).next()?;
    let numbers = text.split('-').next()?;
    let parts: Vec<u32> =
        numbers.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let is_version = (2..=4).contains(&parts.len())
        && parts.iter().all(|part| *part <= NUMBER_MAX)
        && parts.iter().any(|part| *part > 0);
    if !is_version {
        return None;
    }
    let short = if parts.len() == 4 { text.strip_suffix(".0") } else { None };
    Some(short.unwrap_or(text).to_owned())
}

fn is_assembly(draft: &Draft) -> bool {
    let ending = draft.package.evidence[0].path.rsplit('.').next().unwrap_or_default();
    draft.package.kind == PackageKind::Nuget && ending.eq_ignore_ascii_case("dll")
}

/// An assembly that a package has among its files is that package.
pub(crate) fn settle(drafts: &mut Vec<Draft>) {
    if !drafts.iter().any(is_assembly) {
        return;
    }
    let packages = drafts
        .iter()
        .filter(|draft| draft.package.kind == PackageKind::Nuget && !is_assembly(draft));
    let claimed: HashSet<String> =
        packages.flat_map(|draft| draft.package.files.iter().cloned()).collect();
    let folders: HashSet<String> = drafts
        .iter()
        .filter_map(|draft| draft.package.evidence[0].path.strip_suffix(".nuspec"))
        .filter_map(|path| Some(path.rsplit_once('/')?.0.to_owned()))
        .collect();
    // A runtime that is published with its program, or Mono: its parts are no packages.
    let runtimes: HashSet<String> = drafts
        .iter()
        .filter(|draft| is_assembly(draft))
        .filter(|it| ["System.Private.CoreLib", "mscorlib"].contains(&it.package.name.as_str()))
        .map(|draft| draft.surroundings.clone())
        .collect();
    drafts.retain(|draft| {
        if !is_assembly(draft) {
            return true;
        }
        let path = &draft.package.evidence[0].path;
        let is_packed = || {
            let mut folder = path.as_str();
            while let Some((outer, _)) = folder.rsplit_once('/') {
                if folders.contains(outer) {
                    return true;
                }
                folder = outer;
            }
            false
        };
        let is_part = runtimes.contains(&draft.surroundings)
            && ["System", "Microsoft.", "mscorlib", "netstandard", "WindowsBase", "Mono."]
                .iter()
                .any(|start| draft.package.name.starts_with(start));
        !(claimed.contains(path) || is_part || is_packed())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(version(text).as_deref(), expected, "{text}");
        };
        check("13.0.1+ae9fe44e1323", Some("13.0.1"));
        check("6.0.5", Some("6.0.5"));
        check("1.2.3.0", Some("1.2.3"));
        check("1.2.3.4", Some("1.2.3.4"));
        check("2.0.0-rc.1+x", Some("2.0.0-rc.1"));
        check("4.6.26515.06 @BuiltBy: dlab14", None);
        check("13.0.1.25517", None);
        check("0.0.0.0", None);
        check("1", None);
        check("v1.0", None);
        check("", None);
    }
}
