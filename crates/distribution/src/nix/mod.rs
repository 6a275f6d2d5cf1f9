//! Nix's packages: the paths of its store, from its database (Nix manual, "Store object"; `libstore/schema.sql`), and
//! from the names of the store's folders where there is none.
//!
//! A store path is `HASH-NAME-VERSION`, and `-OUTPUT` behind that for all outputs but the usual one. What has no version
//! is a script, a configuration or an environment, and no package.

mod derivation;

use std::collections::{BTreeMap, HashMap, HashSet};

use sealift_archive::RelativePath;
use sealift_image::{FileFact, FileTree};
use sealift_model::{Distro, Evidence, Hash, HashAlgorithm, Method, Package, PackageKind, Purl};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::sqlite::{self, Row};

/// `/nix/var/nix/db/db.sqlite`.
pub(crate) const DATABASE: Cataloger = Cataloger {
    name: "nix",
    what: "Packages of Nix's store, and what refers to what",
    evidence: &[Pattern::Exact("nix/var/nix/db/db.sqlite")],
    companions: &[Pattern::Exact("nix/var/nix/db/db.sqlite-wal"), Pattern::In("nix/store", ".drv")],
    read,
};

const STORE: &str = "nix/store";
const PATHS_MAX: usize = 200_000;
const REFERENCES_MAX: usize = 5_000_000;
const FILES_MAX: usize = 1_000_000;
const NAME_BYTES_MAX: usize = 300;
const HASH_CHARS: usize = 32;

// Outputs as Nixpkgs names them (Nixpkgs manual, "Multiple-output packages").
const OUTPUTS: [&str; 26] = [
    "bin",
    "cpp",
    "data",
    "debug",
    "dev",
    "devdoc",
    "devman",
    "dist",
    "doc",
    "examples",
    "getent",
    "info",
    "lib",
    "libgcc",
    "login",
    "man",
    "modules",
    "mount",
    "out",
    "py",
    "python",
    "static",
    "swap",
    "terminfo",
    "tools",
    "dev_private",
];

/// What a store path says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    version: String,
}

// A row of `ValidPaths`.
struct Valid {
    path: String,
    named: Option<Named>,
    hash: Option<Hash>,
}

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let mut valid: BTreeMap<i64, Valid> = BTreeMap::new();
    let mut references: HashMap<i64, Vec<i64>> = HashMap::new();
    let (mut n_others, mut n_references) = (0_usize, 0_usize);
    let log = context.companion(&[context.path_bytes(), b"-wal"].concat());
    let mut each_path = |row: &Row<'_>| match valid_path(row) {
        Some(path) if valid.len() < PATHS_MAX => {
            valid.insert(row.id, path);
        }
        _ => n_others += 1,
    };
    let mut each_reference = |row: &Row<'_>| {
        n_references += 1;
        if let (Some(from), Some(to)) = (row.integer(0), row.integer(1))
            && from != to
            && n_references <= REFERENCES_MAX
        {
            references.entry(from).or_default().push(to);
        }
    };
    let complaints = sqlite::rows(
        bytes,
        log.map_or(&[], |log| log.bytes),
        &mut [("ValidPaths", &mut each_path), ("Refs", &mut each_reference)],
    );
    found.notes.extend(complaints.notes(context));
    if n_others > 0 {
        found.notes.push(context.note(format!("{n_others} rows could not be read as store paths")));
    }
    if n_references > REFERENCES_MAX {
        found.notes.push(context.note("it has more references than the limit"));
    }
    let (mut n_missing, mut n_files) = (0_usize, 0_usize);
    let mut n_steps = REFERENCES_MAX;
    for (id, path) in &valid {
        let Some(named) = &path.named else { continue };
        if !context.has_directory(&path.path) {
            n_missing += usize::from(context.resolved(&path.path).is_none());
            continue;
        }
        let files = context.files_below(&path.path, FILES_MAX - n_files);
        n_files += files.len();
        let mut draft =
            draft(named, &path.path, files, context, context.evidence(Method::Database));
        draft.requires = needs(*id, &valid, &references, &mut n_steps);
        draft.package.hashes = path.hash.clone().into_iter().collect();
        found.drafts.push(draft);
    }
    if n_missing > 0 {
        found.notes.push(context.note(format!("{n_missing} packages are not in the store")));
    }
    found
}

fn valid_path(row: &Row<'_>) -> Option<Valid> {
    let path = row.text(1)?.strip_prefix('/')?.to_owned();
    let whole = store_name(&path)?;
    let deriver = row.text(4);
    let deriver = deriver.as_deref().and_then(|path| store_name(path.strip_prefix('/')?));
    let named = match deriver.and_then(|name| name.strip_suffix(".drv")) {
        // The output's name is what the path has behind the derivation's.
        Some(derivation) if is_output(whole, derivation) => name_and_version(derivation),
        _ => name_and_version(without_output(whole)),
    };
    // `sha256:` of the path's archive.
    let hash = row.text(2);
    let hex = hash
        .as_deref()
        .and_then(|hash| hash.strip_prefix("sha256:"))
        .filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let hash =
        hex.map(|hex| Hash { algorithm: HashAlgorithm::Sha256, hex: hex.to_ascii_lowercase() });
    Some(Valid { path, named, hash })
}

// The paths of packages that one leads to, without those in between that are none.
fn needs(
    id: i64,
    valid: &BTreeMap<i64, Valid>,
    references: &HashMap<i64, Vec<i64>>,
    n_steps: &mut usize,
) -> Vec<Vec<String>> {
    let mut needs = Vec::new();
    let mut visited = HashSet::from([id]);
    let mut open = vec![id];
    while let Some(from) = open.pop() {
        for to in references.get(&from).into_iter().flatten() {
            *n_steps = n_steps.saturating_sub(1);
            if *n_steps == 0 || !visited.insert(*to) {
                continue;
            }
            match valid.get(to) {
                Some(path) if path.named.is_some() => needs.push(vec![path.path.clone()]),
                Some(_) => open.push(*to),
                None => {}
            }
        }
    }
    needs
}

fn draft(
    named: &Named,
    path: &str,
    files: Vec<String>,
    context: &Context<'_>,
    evidence: Evidence,
) -> Draft {
    let mut purl = Purl::new(PackageKind::Nix.purl_type(), &named.name);
    purl.version = Some(named.version.clone());
    Draft {
        built_from: Vec::new(),
        surroundings: String::new(),
        provides: vec![path.to_owned()],
        requires: Vec::new(),
        package: Package {
            name: named.name.clone(),
            version: Some(named.version.clone()),
            purl,
            evidence: vec![evidence],
            introduced_by: context.layer_of(&files).or_else(|| context.introduced()),
            files,
            ..Package::new(PackageKind::Nix, "")
        },
    }
}

/// The store's folders that the database does not tell of.
pub fn folders(tree: &FileTree, distro: Option<&Distro>, known: &[Draft]) -> Found {
    let mut found = Found::default();
    let Ok(store) = RelativePath::parse(STORE.as_bytes()) else { return found };
    let known: HashSet<&str> = known
        .iter()
        .filter(|draft| draft.package.kind == PackageKind::Nix)
        .flat_map(|draft| draft.provides.iter().map(String::as_str))
        .collect();
    let is_folder = |path: &[u8]| path.split(|byte| *byte == b'/').count() == 3;
    let entries = || tree.below(&store).filter(|fact| is_folder(fact.path.as_bytes()));
    let mut recipes = HashMap::new();
    for fact in entries().filter(|fact| fact.path.as_bytes().ends_with(b".drv")) {
        let Some(bytes) = tree.read(&fact.path) else { continue };
        let context = Context::new(tree, &fact, distro);
        match derivation::parse(bytes) {
            Ok(recipe) => {
                let named = recipe.named();
                for output in recipe.outputs {
                    recipes.insert(output, (named.clone(), context.evidence(Method::Manifest)));
                }
            }
            Err(reason) => found.notes.push(context.note(reason)),
        }
    }
    let mut n_files = 0;
    for fact in entries().filter(FileFact::is_directory) {
        let path = fact.path.to_string();
        if known.contains(path.as_str()) {
            continue;
        }
        let context = Context::new(tree, &fact, distro);
        if found.drafts.len() >= PATHS_MAX {
            found.notes.push(context.note("it is beyond the limit of store paths"));
            break;
        }
        let by_name = || name_and_version(without_output(store_name(&path)?));
        let (named, recipe) = match recipes.remove(path.as_str()) {
            Some((named, evidence)) => (named, Some(evidence)),
            None => (by_name(), None),
        };
        let Some(named) = named else { continue };
        let files = context.files_below(&path, FILES_MAX - n_files);
        n_files += files.len();
        let evidence = context.evidence(Method::FileName);
        let mut draft = draft(&named, &path, files, &context, evidence);
        draft.package.evidence.splice(0..0, recipe);
        found.drafts.push(draft);
    }
    found
}

// What is behind the hash: `nix/store/HASH-this`.
fn store_name(path: &str) -> Option<&str> {
    let entry = path.strip_prefix(STORE)?.strip_prefix('/')?;
    let (hash, name) = entry.split_once('-')?;
    // Nix's base 32 has no `e`, `o`, `t` and `u`.
    let is_hash = hash.len() == HASH_CHARS
        && hash.bytes().all(|byte| {
            matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !matches!(byte, b'e' | b'o' | b't' | b'u')
        });
    (is_hash && !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains('/'))
        .then_some(name)
}

fn is_output(whole: &str, derivation: &str) -> bool {
    whole
        .strip_prefix(derivation)
        .is_some_and(|output| output.is_empty() || output.starts_with('-'))
}

fn without_output(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((rest, output)) if OUTPUTS.contains(&output) => rest,
        _ => name,
    }
}

// As Nix does it (manual, `builtins.parseDrvName`): the version is behind the first dash with no letter behind it.
fn name_and_version(text: &str) -> Option<Named> {
    let bytes = text.as_bytes();
    let dash = (0..bytes.len().saturating_sub(1))
        .find(|at| bytes[*at] == b'-' && !bytes[at + 1].is_ascii_alphabetic())?;
    let (name, version) = (&text[..dash], &text[dash + 1..]);
    // `python3-3.11.6-env`: links to what is packaged elsewhere.
    let is_package = !name.is_empty()
        && version.starts_with(|first: char| first.is_ascii_digit())
        && !version.ends_with("-env");
    is_package.then(|| Named { name: name.to_owned(), version: version.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = name_and_version(without_output(text));
            let found = found.as_ref().map(|it| (it.name.as_str(), it.version.as_str()));
            assert_eq!(found, expected, "{text}");
        };
        check("glibc-2.38-27", Some(("glibc", "2.38-27")));
        check("glibc-2.38-27-bin", Some(("glibc", "2.38-27")));
        check("bash-interactive-5.2-p15", Some(("bash-interactive", "5.2-p15")));
        check("perl5.38.2-Foo-Bar-1.2", Some(("perl5.38.2-Foo-Bar", "1.2")));
        check("a-1-x-2", Some(("a", "1-x-2")));
        for none in ["etc-profile", "source", "-1", "a-", "", "python3-3.11.6-env", "a--1"] {
            check(none, None);
        }
    }

    #[test]
    fn store_names() {
        let hash = "0123456789abcdfghijklmnpqrsvwxyz";
        assert_eq!(store_name(&format!("nix/store/{hash}-a-1")), Some("a-1"));
        for none in ["", "a", "b/c"] {
            assert_eq!(
                store_name(&format!("nix/store/{hash}-{none}")).filter(|_| none != "a"),
                None
            );
        }
        assert_eq!(store_name(&format!("nix/store/{}-a", hash.replace('z', "e"))), None);
        assert_eq!(store_name("nix/store/.links"), None);
        assert_eq!(store_name("usr"), None);
    }
}
