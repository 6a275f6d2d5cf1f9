//! What package managers of several languages keep beside what they installed: rocks of Lua, packages of Dart, Julia,
//! OCaml, Haskell, Conan and vcpkg, packs of SWI-Prolog.

use sealift_lockfile as lockfile;
use sealift_lockfile::{Entry, Listing};
use sealift_model::{PackageKind, Scope};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::deb822::{LIMITS, Paragraph, parse, parse_first};
use crate::listed::{declared, installed, notes};

/// Rocks of LuaRocks, and rockspecs of projects.
pub(crate) const ROCK: Cataloger = Cataloger {
    name: "lua-rock",
    what: "Lua rocks that LuaRocks installed",
    evidence: &[Pattern::Ending(".rockspec")],
    companions: &[],
    read: rock,
};

/// Dart's packages in its cache, and its projects.
pub(crate) const PUB: Cataloger = Cataloger {
    name: "pub-package",
    what: "Dart packages in pub's cache, and projects",
    evidence: &[Pattern::Named("", "pubspec.yaml")],
    companions: &[],
    read: pub_package,
};

/// Julia's packages in a depot, and its projects.
pub(crate) const JULIA: Cataloger = Cataloger {
    name: "julia-package",
    what: "Julia packages in a depot, and projects",
    evidence: &[Pattern::Named("", "Project.toml"), Pattern::Named("", "JuliaProject.toml")],
    companions: &[],
    read: julia,
};

/// Packages of an opam switch.
pub(crate) const OPAM: Cataloger = Cataloger {
    name: "opam-package",
    what: "OCaml packages of an opam switch",
    evidence: &[Pattern::Named("", "opam")],
    companions: &[],
    read: opam,
};

/// Packages that a Haskell compiler has registered.
pub(crate) const HASKELL: Cataloger = Cataloger {
    name: "haskell-package",
    what: "Haskell packages that a compiler has registered",
    evidence: &[Pattern::InAny("package.conf.d", ".conf"), Pattern::InAny("package.db", ".conf")],
    companions: &[],
    read: haskell,
};

/// Packages in Conan's cache.
pub(crate) const CONAN: Cataloger = Cataloger {
    name: "conan-package",
    what: "Conan packages in its cache",
    evidence: &[Pattern::Named("", "conaninfo.txt")],
    companions: &[],
    read: conan,
};

/// What vcpkg has installed, and its journal of it.
pub(crate) const VCPKG: Cataloger = Cataloger {
    name: "vcpkg-status",
    what: "C and C++ packages that vcpkg installed",
    evidence: &[Pattern::Named("vcpkg", "status"), Pattern::InAny("vcpkg/updates", "")],
    companions: &[],
    read: vcpkg,
};

/// SWI-Prolog's packs.
pub(crate) const PACK: Cataloger = Cataloger {
    name: "prolog-pack",
    what: "Packs of SWI-Prolog",
    evidence: &[Pattern::Named("", "pack.pl")],
    companions: &[],
    read: pack,
};

// The last parts of a path, the file's name first.
fn parts(path: &str) -> Vec<&str> {
    path.rsplit('/').take(8).collect()
}

fn one(listing: &Listing, kind: PackageKind, surroundings: &str, context: &Context<'_>) -> Found {
    let mut found = notes(&listing.complaints, context);
    found
        .drafts
        .extend(listing.entries.first().map(|it| installed(it, kind, surroundings, context)));
    found
}

// `…/rocks-5.1/NAME/VERSION/NAME-VERSION.rockspec`.
fn rock(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    let mut listing = lockfile::rockspec(bytes);
    // Rocks are the same in either case (package-url, `luarocks`).
    for entry in &mut listing.entries {
        entry.name.make_ascii_lowercase();
        entry.needs.iter_mut().for_each(|need| need.make_ascii_lowercase());
        entry.needs.retain(|need| need != "lua");
    }
    match parts(&path)[..] {
        [_, version, _, rocks, ..] if rocks.starts_with("rocks") => {
            for entry in &mut listing.entries {
                entry.version.get_or_insert_with(|| version.to_owned());
            }
            one(&listing, PackageKind::LuaRocks, &path[..path.find(rocks).unwrap_or(0)], context)
        }
        _ => declared(listing, PackageKind::LuaRocks, context),
    }
}

// `…/hosted/pub.dev/NAME-VERSION/pubspec.yaml`.
fn pub_package(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    let listing = lockfile::pub_manifest(bytes);
    match parts(&path)[..] {
        [_, _, host, "hosted", ..] => one(&listing, PackageKind::Pub, host, context),
        _ => declared(listing, PackageKind::Pub, context),
    }
}

// `…/packages/NAME/SLUG/Project.toml`.
fn julia(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    // Files of this name may have nothing to do with Julia.
    if memchr::memmem::find(bytes, b"uuid").is_none() {
        return Found::default();
    }
    let listing = lockfile::julia_project(bytes);
    let name = listing.entries.first().map(|entry| entry.name.clone()).unwrap_or_default();
    match parts(&path)[..] {
        [_, slug, folder, "packages", ..] if folder == name && slug.len() <= 8 => {
            one(&listing, PackageKind::Julia, "", context)
        }
        // Parts of Julia itself have no version of their own.
        _ if path.contains("/stdlib/") => notes(&listing.complaints, context),
        _ => declared(listing, PackageKind::Julia, context),
    }
}

// `…/.opam-switch/packages/NAME.VERSION/opam`. The folders beside it are recipes of what could be installed.
fn opam(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    let [_, folder, "packages", ".opam-switch", ..] = parts(&path)[..] else {
        return Found::default();
    };
    let mut listing = lockfile::opam(bytes);
    let Some((name, version)) = folder.split_once('.') else { return Found::default() };
    if let Some(entry) = listing.entries.first_mut() {
        name.clone_into(&mut entry.name);
        entry.version = Some(version.to_owned());
    }
    let switch = path.split("/.opam-switch/").next().unwrap_or_default();
    one(&listing, PackageKind::Opam, switch, context)
}

fn haskell(bytes: &[u8], context: &Context<'_>) -> Found {
    let (fields, complaints) = parse_first(bytes, LIMITS);
    let mut found = notes(&complaints, context);
    let entry = fields.line("name").and_then(|name| Entry::new(name, fields.line("version")));
    let Some(mut entry) = entry else {
        found.notes.push(context.note("it has no name"));
        return found;
    };
    // Parts of a package are registered like packages; the runtime is part of the compiler.
    if fields.some("lib-name").is_some() || entry.name.starts_with("z-") || entry.name == "rts" {
        return found;
    }
    entry.key = fields.line("id").map(str::to_owned);
    let needs = fields.get("depends").unwrap_or_default().split_whitespace();
    entry.needs = needs.take(1_000).map(str::to_owned).collect();
    let text =
        |name: &str| fields.some(name).and_then(|text| text.lines().next()).map(str::to_owned);
    entry.license = text("license");
    entry.homepage = text("homepage");
    entry.summary = text("synopsis");
    entry.author = text("maintainer");
    let path = context.path();
    let database = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    found.drafts.push(installed(&entry, PackageKind::Hackage, database, context));
    found
}

// Conan 1: `…/data/NAME/VERSION/USER/CHANNEL/package/ID/conaninfo.txt`. Conan 2's cache does not say what a folder is.
fn conan(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    let listing = lockfile::conan_info(bytes);
    let [_, _, "package", channel, user, version, name, "data"] = parts(&path)[..] else {
        return declared(listing, PackageKind::Conan, context);
    };
    let Some(mut own) = Entry::new(name, Some(version)) else { return Found::default() };
    if user != "_" {
        own.qualifiers = vec![("channel", channel.to_owned()), ("user", user.to_owned())];
    }
    own.needs = listing.entries.into_iter().map(|entry| entry.name).collect();
    let own = Listing { entries: vec![own], complaints: listing.complaints };
    one(&own, PackageKind::Conan, "", context)
}

// What is said later holds, and updates come later than the status.
fn vcpkg(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    let mut found = Found::default();
    let home = path.split("/updates/").next().unwrap_or_default();
    let is_update = home.len() < path.len();
    let home = if is_update { home } else { home.trim_end_matches("/status") };
    let status = format!("{}/status", home.trim_start_matches('/'));
    // One file speaks for all of them.
    if is_update && context.resolved(&status).is_some() {
        return found;
    }
    let updates: Vec<String> =
        context.files_in(&format!("{}/updates", home.trim_start_matches('/')));
    let first_update = updates.first().map(|path| format!("/{path}"));
    if is_update && first_update.as_ref() != Some(&path) {
        return found;
    }
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut read = |bytes: &[u8]| {
        let (more, complaints) = parse(bytes, LIMITS);
        paragraphs.extend(more);
        found.notes.extend(complaints.iter().map(|complaint| context.note(complaint)));
    };
    read(bytes);
    for update in updates.iter().filter(|update| format!("/{update}") != path) {
        if let Some(companion) = context.companion(update.as_bytes()) {
            read(companion.bytes);
        }
    }
    let mut known: Vec<(String, String, &Paragraph)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for paragraph in &paragraphs {
        // A feature is part of its package.
        let Some(name) = paragraph.line("Package").filter(|_| paragraph.get("Feature").is_none())
        else {
            continue;
        };
        let key = (name.to_owned(), paragraph.line("Architecture").unwrap_or_default().to_owned());
        let place = *places.entry(key.clone()).or_insert(known.len());
        match known.get_mut(place) {
            Some(entry) => entry.2 = paragraph,
            None => known.push((key.0, key.1, paragraph)),
        }
    }
    for (name, triplet, paragraph) in known {
        if paragraph.line("Status") != Some("install ok installed") {
            continue;
        }
        let Some(entry) = vcpkg_entry(&name, &triplet, paragraph) else { continue };
        let mut draft = installed(&entry, PackageKind::Vcpkg, &triplet, context);
        draft.package.architecture = Some(triplet).filter(|text| !text.is_empty());
        draft.package.scope = Scope::Installed;
        found.drafts.push(draft);
    }
    found
}

fn vcpkg_entry(name: &str, triplet: &str, paragraph: &Paragraph) -> Option<Entry> {
    let version = paragraph.line("Version").map(|version| match paragraph.line("Port-Version") {
        Some(port) if port != "0" => format!("{version}#{port}"),
        _ => version.to_owned(),
    });
    let mut entry = Entry::new(name, version.as_deref())?;
    entry.summary = paragraph.line("Description").map(str::to_owned);
    if !triplet.is_empty() {
        entry.qualifiers = vec![("triplet", triplet.to_owned())];
    }
    // `zlib:x64-linux`, `fmt[core]`.
    let needs = paragraph.get("Depends").unwrap_or_default().split(',');
    let needs = needs.filter_map(|need| need.trim().split([':', '[', ' ']).next());
    entry.needs = needs.filter(|it| !it.is_empty()).take(1_000).map(str::to_owned).collect();
    Some(entry)
}

// `…/pack/NAME/pack.pl`.
fn pack(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    let [_, _, "pack" | "packs", ..] = parts(&path)[..] else { return Found::default() };
    one(&lockfile::prolog_pack(bytes), PackageKind::Other, "", context)
}
