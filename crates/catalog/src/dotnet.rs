//! .NET's programs: the `*.deps.json` beside a program lists the packages it is made of, and their files; NuGet's cache has a
//! `*.nuspec` for each package.

pub(crate) mod assembly;

use sealift_lockfile::{DepsLibrary, LibraryKind, deps_json, nuspec};
use sealift_model::{Method, PackageKind, Scope};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::is_test_data;
use crate::listed::{draft, installed, notes};

/// What a program is made of.
pub(crate) const DEPS: Cataloger = Cataloger {
    name: "dotnet-deps",
    what: "NuGet packages that a .NET program is made of",
    evidence: &[Pattern::Ending(".deps.json")],
    companions: &[],
    read,
};

/// Packages in NuGet's cache.
pub(crate) const CACHE: Cataloger = Cataloger {
    name: "nuget-cache",
    what: "NuGet packages in NuGet's cache",
    evidence: &[Pattern::Ending(".nuspec")],
    companions: &[],
    read: read_nuspec,
};

// `…/packages/NAME/VERSION/NAME.nuspec`, names in lower case.
fn read_nuspec(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    let parts: Vec<&str> = path.rsplit('/').take(4).collect();
    let [file, version, name, packages] = parts[..] else { return Found::default() };
    let is_its = file.strip_suffix(".nuspec") == Some(name) && packages.ends_with("packages");
    if !is_its || !version.starts_with(|c: char| c.is_ascii_digit()) {
        return Found::default();
    }
    let listing = nuspec(bytes);
    let mut found = notes(&listing.complaints, context);
    found.drafts.extend(listing.entries.iter().map(|entry| {
        let mut draft = installed(entry, PackageKind::Nuget, packages, context);
        // Names are the same in either case.
        draft.provides.iter_mut().for_each(|name| name.make_ascii_lowercase());
        draft.requires.iter_mut().flatten().for_each(|name| name.make_ascii_lowercase());
        draft
    }));
    found
}

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let (libraries, complaints) = deps_json(bytes);
    let mut found = notes(&complaints, context);
    let path = context.path();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let key = |name: &str| format!("{path}#{}", name.to_ascii_lowercase());
    for library in &libraries {
        // A file without a package says itself what it is.
        if library.kind == LibraryKind::Reference {
            continue;
        }
        let entry = &library.entry;
        let mut draft = draft(entry, PackageKind::Nuget, Method::BuildRecord, context);
        draft.package.files = files(library, folder, context);
        draft.package.scope = scope(library, !draft.package.files.is_empty());
        if is_test_data(&path) {
            draft.package.scope = Scope::TestData;
        }
        draft.provides = vec![key(&entry.name)];
        draft.requires = entry.needs.iter().map(|need| vec![key(need)]).collect();
        found.drafts.push(draft);
    }
    found
}

// Those of its files that are there.
fn files(library: &DepsLibrary, folder: &str, context: &Context<'_>) -> Vec<String> {
    let here = library.files.iter().map(|file| format!("{folder}/{file}"));
    here.filter(|path| context.resolved(path).is_some()).collect()
}

// A package without files only names others; one whose files are not there comes from the framework, or was never put
// there. A program may be one file with all of them inside, and then none is beside it.
fn scope(library: &DepsLibrary, is_there: bool) -> Scope {
    match library.kind {
        LibraryKind::Project => Scope::Installed,
        _ if is_there => Scope::Installed,
        _ => Scope::Declared,
    }
}
