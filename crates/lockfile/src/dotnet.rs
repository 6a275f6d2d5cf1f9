//! NuGet's `packages.lock.json` (NuGet wiki, "Enable repeatable package restore using lock file"), `packages.config`, and the
//! `*.deps.json` that a .NET program has beside it (dotnet/sdk, "runtime-configuration-file").

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

use crate::listing::{Entry, HashAlgorithm, Listing, decoded, json, line};

const FILES_MAX: usize = 20_000;

/// Reads `packages.lock.json`.
pub fn nuget_lock(bytes: &[u8]) -> Listing {
    let value = match json(bytes) {
        Ok(value) => value,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    let Some(frameworks) = value.get("dependencies").and_then(Value::as_object) else {
        listing.complain("it has no dependencies");
        return listing;
    };
    for package in frameworks.values().filter_map(Value::as_object).flatten() {
        let (name, fields) = package;
        // A project of the same solution is no package, and has no `resolved`.
        let Some(version) = fields.get("resolved").and_then(Value::as_str) else { continue };
        let Some(mut entry) = Entry::new(name, Some(version)) else { continue };
        if let Some(hash) = fields.get("contentHash").and_then(Value::as_str) {
            sha512(&mut entry, hash);
        }
        for need in object(fields.get("dependencies")).keys() {
            entry.need(need);
        }
        // Several frameworks mostly have the same packages.
        let is_same = |it: &&mut Entry| it.name == entry.name && it.version == entry.version;
        match listing.entries.iter_mut().rev().take(2_000).find(is_same) {
            Some(known) => entry.needs.iter().for_each(|need| known.need(need)),
            None => listing.add(entry),
        }
    }
    listing
}

fn object(value: Option<&Value>) -> &Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.and_then(Value::as_object).unwrap_or(&EMPTY)
}

fn sha512(entry: &mut Entry, text: &str) {
    let text = text.strip_prefix("sha512-").unwrap_or(text);
    if let Ok(bytes) = BASE64_STANDARD.decode(text) {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        let hex: String =
            bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        entry.hash(HashAlgorithm::Sha512, &hex);
    }
}

/// Reads `packages.config`.
pub fn packages_config(bytes: &[u8]) -> Listing {
    let text = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    let mut reader = quick_xml::Reader::from_str(&text);
    loop {
        let element = match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => element,
            Ok(Event::Eof) => return listing,
            Ok(_) => continue,
            Err(error) => {
                listing.complain(format!("it is no XML: {error}"));
                return listing;
            }
        };
        if element.local_name().as_ref() != "package" {
            continue;
        }
        let attribute = |name: &str| {
            let attributes = element.attributes().filter_map(Result::ok).take(50);
            let value = attributes.into_iter().find(|it| it.key.as_ref() == name)?.value;
            Some(value.into_owned())
        };
        let is_development = attribute("developmentDependency").as_deref() == Some("true");
        let id = attribute("id").unwrap_or_default();
        match Entry::new(&id, attribute("version").as_deref()) {
            Some(_) if is_development => {}
            Some(entry) => listing.add(entry),
            None => listing.complain("a package has no id"),
        }
    }
}

/// Reads a `*.nuspec`: the package itself.
pub fn nuspec(bytes: &[u8]) -> Listing {
    let content = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut reader = quick_xml::Reader::from_str(&content);
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut needs = Vec::new();
    let mut depth = 0_usize;
    let mut value = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                value.clear();
                needs.extend(dependency(&element));
            }
            Ok(Event::Empty(element)) => needs.extend(dependency(&element)),
            Ok(Event::End(element)) => {
                // `package`, `metadata`, and the fields in it.
                if depth == 3 && fields.len() < 100 {
                    let name = element.local_name().into_inner().to_owned();
                    fields.entry(name).or_insert_with(|| std::mem::take(&mut value));
                }
                depth = depth.saturating_sub(1);
            }
            Ok(Event::Text(part)) if value.len() < 2_000 => value.push_str(&part),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return Listing::refused(format!("it is no XML: {error}")),
        }
    }
    let field = |name: &str| fields.get(name).map(String::as_str);
    let Some(mut entry) = Entry::new(field("id").unwrap_or_default(), field("version")) else {
        return Listing::refused("it has no id");
    };
    // A licence may be the name of a file, which has a dot and an ending.
    entry.license =
        field("license").and_then(line).filter(|text| !text.to_ascii_lowercase().contains(".txt"));
    entry.homepage = field("projectUrl").and_then(line);
    entry.author = field("authors").and_then(line);
    entry.summary = field("description").and_then(line);
    for need in &needs {
        entry.need(need);
    }
    Listing { entries: vec![entry], complaints: Vec::new() }
}

fn dependency(element: &BytesStart<'_>) -> Option<String> {
    if element.local_name().as_ref() != "dependency" {
        return None;
    }
    let mut attributes = element.attributes().filter_map(Result::ok).take(50);
    Some(attributes.find(|it| it.key.as_ref() == "id")?.value.into_owned())
}

/// A library of a `*.deps.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepsLibrary {
    /// Name, version, and the keys of what it needs.
    pub entry: Entry,
    /// What it is.
    pub kind: LibraryKind,
    /// Its files, by the paths that they have below the program's folder.
    pub files: Vec<String>,
}

/// What a library is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryKind {
    /// The program itself, or another project of its solution.
    Project,
    /// A package from NuGet.
    Package,
    /// A part of .NET's runtime that is published with the program.
    RuntimePack,
    /// A file that a project refers to without a package.
    Reference,
}

/// Reads a `*.deps.json`: its libraries, and complaints.
pub fn deps_json(bytes: &[u8]) -> (Vec<DepsLibrary>, Vec<String>) {
    let value = match json(bytes) {
        Ok(value) => value,
        Err(refused) => return (Vec::new(), refused.complaints),
    };
    let targets = object(value.get("targets"));
    let name = value.get("runtimeTarget").and_then(|target| target.get("name").or(Some(target)));
    let named = name.and_then(Value::as_str).and_then(|name| targets.get(name));
    let target = named.or_else(|| targets.values().next()).and_then(Value::as_object);
    let Some(target) = target else {
        return (Vec::new(), vec!["it has no target".to_owned()]);
    };
    let libraries = object(value.get("libraries"));
    let mut found = Listing::default();
    let mut read = Vec::new();
    for (key, assets) in target {
        let library = libraries.get(key);
        let Some(library) = self::library(key, assets, library.unwrap_or(&Value::Null)) else {
            found.complain("a library has no name");
            continue;
        };
        found.add(library.entry.clone());
        if found.entries.len() == read.len() {
            break;
        }
        read.push(library);
    }
    (read, found.complaints)
}

fn library(key: &str, assets: &Value, library: &Value) -> Option<DepsLibrary> {
    let (name, version) = key.split_once('/')?;
    let kind = match library.get("type").and_then(Value::as_str) {
        Some("project" | "msbuildproject") => LibraryKind::Project,
        Some("runtimepack") => LibraryKind::RuntimePack,
        Some("reference" | "referenceassembly") => LibraryKind::Reference,
        _ => LibraryKind::Package,
    };
    let name = match kind {
        LibraryKind::RuntimePack => name.strip_prefix("runtimepack.").unwrap_or(name),
        _ => name,
    };
    let mut entry = Entry::new(name, Some(version))?;
    if let Some(hash) = library.get("sha512").and_then(Value::as_str) {
        sha512(&mut entry, hash);
    }
    for need in object(assets.get("dependencies")).keys() {
        entry.need(need.strip_prefix("runtimepack.").unwrap_or(need));
    }
    let mut files = Vec::new();
    // NuGet's placeholder for an empty folder is no file.
    let is_file = |path: &str| !path.ends_with("/_._") && path != "_._" && !path.contains("..");
    for list in ["runtime", "native"] {
        // The folders of the package are not published.
        let names = object(assets.get(list)).keys().filter(|path| is_file(path));
        files.extend(names.filter_map(|path| path.rsplit('/').next()).map(str::to_owned));
    }
    files.extend(object(assets.get("runtimeTargets")).keys().filter(|path| is_file(path)).cloned());
    for (path, fields) in object(assets.get("resources")) {
        let locale = fields.get("locale").and_then(Value::as_str).unwrap_or_default();
        let file = path.rsplit('/').next().unwrap_or_default();
        files.push(format!("{locale}/{file}"));
    }
    files.truncate(FILES_MAX);
    Some(DepsLibrary { entry, kind, files })
}
