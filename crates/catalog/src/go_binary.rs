//! Go programs: the modules that the linker's record names.

use std::collections::{BTreeMap, BTreeSet};

use sealift_archive::RelativePath;
use sealift_model::{Functions, Method, PackageKind, Scope};
use sealift_program::{Program, go, go_functions, signature};

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Draft, Found};
use crate::component::component;

const STANDARD: &str = "stdlib";

/// The parts `version`, `modules`, `functions` and, where only a variable has it, `main` of a program that Go built.
pub(crate) fn extract(_: &RelativePath, content: &[u8]) -> Option<Extract> {
    let program = Program::parse(content)?;
    let record = go::record(&program)?;
    let part = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let mut parts = vec![part("version", record.toolchain), part("modules", record.modules)];
    let modules = String::from_utf8_lossy(record.modules);
    let build = go::build(&String::from_utf8_lossy(record.toolchain), &modules);
    if build.main.is_some() && build.version().is_none() {
        let version = go::variable_version(&program, &build);
        parts.extend(version.map(|version| part("main", version.as_bytes())));
    }
    if let Some(functions) = go_functions::functions(&program) {
        parts.push(part("functions", &encode(&functions)));
    }
    Some(Extract { parts, complaints: Vec::new() })
}

// Of each package its path, a zero, how many names there are, and what is kept of each.
fn encode(functions: &BTreeMap<String, Vec<String>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, names) in functions {
        bytes.extend_from_slice(path.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&u32::try_from(names.len()).unwrap_or(u32::MAX).to_le_bytes());
        for name in names {
            let hash = Functions::hash(&format!("{path}.{name}"));
            bytes.extend_from_slice(&hash.to_le_bytes());
        }
    }
    bytes
}

// By the path of the package. What is cut off, in a cache that was damaged, is as if it were not there.
fn decode(mut bytes: &[u8]) -> Vec<(&str, Vec<u32>)> {
    let mut functions = Vec::new();
    let mut next = || -> Option<(&str, Vec<u32>)> {
        let end = memchr::memchr(0, bytes)?;
        let (path, rest) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]);
        let (count, rest) = rest.split_first_chunk()?;
        let size = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(4)?;
        let (hashes, rest) = rest.split_at_checked(size)?;
        bytes = rest;
        let (hashes, _) = hashes.as_chunks();
        Some((path, hashes.iter().map(|hash| u32::from_le_bytes(*hash)).collect()))
    };
    while let Some(package) = next() {
        functions.push(package);
    }
    functions
}

// The functions of each module, by its path. A package is the module's whose path is the longest one above it; what has no
// domain is the standard library's.
fn by_module<'a>(
    functions: &[(&str, Vec<u32>)],
    modules: impl Iterator<Item = &'a str>,
) -> BTreeMap<&'a str, Functions> {
    let modules: BTreeSet<&str> = modules.collect();
    let mut hashes: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (path, own) in functions {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let module = ends.rev().find_map(|end| modules.get(&path[..end]));
        let is_standard = || !path.split('/').next().is_some_and(|first| first.contains('.'));
        let Some(module) = module.copied().or_else(|| is_standard().then_some(STANDARD)) else {
            continue;
        };
        let all = hashes.entry(module).or_default();
        all.push(Functions::hash(path));
        all.extend(own);
    }
    hashes.into_iter().map(|(module, hashes)| (module, Functions::of(hashes))).collect()
}

/// The modules: the main one, those that it was built from, and the standard library.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let text = |name| String::from_utf8_lossy(extract.part(name).unwrap_or_default());
    let build = go::build(&text("version"), &text("modules"));
    // A module that takes the place of another has its packages under the other's path.
    let path_of = |module: &'_ go::Module| module.replaces.clone().unwrap_or(module.path.clone());
    let paths: Vec<String> = build.modules.iter().chain(&build.main).map(path_of).collect();
    let functions = decode(extract.part("functions").unwrap_or_default());
    let functions = by_module(&functions, paths.iter().map(String::as_str));
    let mut builder = Builder { context, drafts: Vec::new() };
    let draft = builder.add(STANDARD, build.go.as_deref(), Scope::Embedded);
    draft.package.functions = functions.get(STANDARD).cloned();
    for (module, path) in build.modules.iter().zip(&paths) {
        let draft = builder.add(&module.path, module.version.as_deref(), Scope::Embedded);
        draft.package.functions = functions.get(path.as_str()).cloned();
    }
    if let Some(main) = &build.main {
        let needs = builder.drafts.iter().map(|draft| draft.provides.clone()).collect();
        let variable = text("main");
        let version = build.version().or_else(|| (!variable.is_empty()).then(|| variable.into()));
        let draft = builder.add(&main.path, version.as_deref(), Scope::Installed);
        draft.requires = needs;
        let known = signature::go_module(&main.path);
        let cpe = known.zip(version).and_then(|(known, version)| {
            signature::cpe(known.cpe, version.strip_prefix('v').unwrap_or(&version))
        });
        draft.package.cpes.extend(cpe);
    }
    Found { drafts: builder.drafts, notes: Vec::new() }
}

struct Builder<'a> {
    context: &'a Context<'a>,
    drafts: Vec<Draft>,
}

impl Builder<'_> {
    fn add(&mut self, path: &str, version: Option<&str>, scope: Scope) -> &mut Draft {
        let mut draft = module(path, version, Method::BuildRecord, self.context);
        draft.package.scope = scope;
        draft.provides = vec![format!("{}#{path}", self.context.path())];
        let place = self.drafts.len();
        self.drafts.push(draft);
        &mut self.drafts[place]
    }
}

/// A module; its purl is in lower case, whatever its path is (purl types, `golang`).
pub(crate) fn module(
    path: &str,
    version: Option<&str>,
    method: Method,
    context: &Context<'_>,
) -> Draft {
    let evidence = context.evidence(method);
    let mut draft = component(PackageKind::Go, path, version, evidence, context);
    let purl = &mut draft.package.purl;
    purl.name.make_ascii_lowercase();
    if let Some(namespace) = &mut purl.namespace {
        namespace.make_ascii_lowercase();
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_their_modules() {
        let functions: BTreeMap<String, Vec<String>> = [
            ("net/http", "Get"),
            ("example.org/a", "A"),
            ("example.org/a/b/c", "C"),
            ("example.org/a/b/c/d", "D"),
            ("example.org/ab", "X"),
            ("app/cmd", "Run"),
            ("main", "main"),
        ]
        .map(|(path, name)| (path.to_owned(), vec![name.to_owned()]))
        .into();
        let bytes = encode(&functions);
        let modules = ["example.org/a", "example.org/a/b", "app"];
        let found = by_module(&decode(&bytes), modules.into_iter());
        for (module, name, expected) in [
            (STANDARD, "net/http.Get", true),
            (STANDARD, "net/http", true),
            (STANDARD, "main.main", true),
            (STANDARD, "app/cmd.Run", false),
            ("app", "app/cmd.Run", true),
            ("example.org/a", "example.org/a.A", true),
            ("example.org/a", "example.org/a/b/c.C", false),
            ("example.org/a/b", "example.org/a/b/c.C", true),
            ("example.org/a/b", "example.org/a/b/c/d.D", true),
            ("example.org/a", "example.org/ab.X", false),
        ] {
            assert_eq!(found[module].has(name), expected, "{module} {name}");
        }
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).len() < functions.len());
        }
    }
}
