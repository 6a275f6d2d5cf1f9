//! What pip, npm, gem and cargo say of what they installed, against what is found. `tests/setup` makes the folders.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealift_archive::RelativePath;
use sealift_catalog::wanted;
use sealift_model::{Inventory, PackageKind, RelationKind, Scope};
use serde_json::Value;

use crate::inventory;

// `None`, loudly, if a tool or what it installed is not there.
fn skip<T>(what: &str) -> Option<T> {
    let mut out = std::io::stderr();
    writeln!(out, "SKIPPED: {what}; tests/setup makes it").unwrap();
    None
}

fn folder(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("SEALIFT_INSTALLED").map(PathBuf::from);
    let cache = || std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let root = named.or_else(|| Some(cache().or_else(home)?.join("sealift-installed")))?;
    let path = root.join(name);
    if path.is_dir() { Some(path) } else { skip(&format!("{} is not there", path.display())) }
}

fn said(program: &Path, arguments: &[&str], folder: &Path) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.ok().filter(|output| !output.stdout.is_empty());
    match output {
        Some(output) => Some(String::from_utf8(output.stdout).unwrap()),
        None => skip(&format!("{} says nothing", program.display())),
    }
}

// The inventory of what is below folders; each file is at its own path.
fn found(folders: &[PathBuf]) -> Inventory {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut pending = folders.to_vec();
    while let Some(folder) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.map(Result::unwrap) {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            let place = path.to_str().unwrap().trim_start_matches('/').to_owned();
            if kind.is_dir() {
                pending.push(path);
            } else if kind.is_file() && wanted(&RelativePath::parse(place.as_bytes()).unwrap()) {
                files.push((place, std::fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    inventory(&[&files])
}

fn label(inventory: &Inventory, id: sealift_model::PackageId) -> String {
    let package = &inventory.packages[id.0];
    let name = match &package.purl.namespace {
        Some(namespace) => format!("{namespace}/{}", package.purl.name),
        None => package.purl.name.clone(),
    };
    format!("{name}@{}", package.version.as_deref().unwrap_or("?"))
}

fn installed(inventory: &Inventory, kind: PackageKind) -> BTreeSet<String> {
    let ids = (0..inventory.packages.len()).map(sealift_model::PackageId);
    let is_installed = |id: &sealift_model::PackageId| {
        let package = &inventory.packages[id.0];
        package.kind == kind && package.scope == Scope::Installed
    };
    ids.filter(is_installed).map(|id| label(inventory, id)).collect()
}

fn edges(inventory: &Inventory, kind: PackageKind) -> BTreeSet<(String, String)> {
    let needs = inventory.relations.iter().filter(|it| it.kind == RelationKind::DependsOn);
    let needs = needs.filter(|it| inventory.packages[it.from.0].kind == kind);
    needs.map(|it| (label(inventory, it.from), label(inventory, it.to))).collect()
}

#[track_caller]
fn same(found: &BTreeSet<String>, truth: &BTreeSet<String>) {
    assert!(truth.len() > 20, "{truth:?}");
    let lost: Vec<&String> = truth.difference(found).collect();
    let phantoms: Vec<&String> = found.difference(truth).collect();
    assert!(lost.is_empty() && phantoms.is_empty(), "lost {lost:?}, phantoms {phantoms:?}");
}

const PYTHON_EDGES: &str = "\
import json
from importlib.metadata import distributions
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name
there = {canonicalize_name(it.metadata['Name']): it.version for it in distributions()}
edges = []
for it in distributions():
    for text in it.requires or []:
        need = Requirement(text)
        name = canonicalize_name(need.name)
        if name in there and (need.marker is None or need.marker.evaluate({'extra': ''})):
            own = canonicalize_name(it.metadata['Name'])
            edges.append([f'{own}@{it.version}', f'{name}@{there[name]}'])
print(json.dumps(edges))
";

#[test]
fn as_pip_lists() {
    let Some(root) = folder("venv") else { return };
    let python = root.join("bin/python");
    let list = said(&python, &["-m", "pip", "list", "--format", "json"], &root);
    let edges_said = said(&python, &["-c", PYTHON_EDGES], &root);
    let (Some(list), Some(edges_said)) = (list, edges_said) else { return };
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let normal = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
    let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    let truth: BTreeSet<String> = list
        .iter()
        .map(|it| format!("{}@{}", normal(&text(it, "name")), text(it, "version")))
        .collect();
    let inventory = found(&[root.join("lib")]);
    same(&installed(&inventory, PackageKind::Python), &truth);
    let truth: BTreeSet<(String, String)> = serde_json::from_str(&edges_said).unwrap();
    assert!(truth.len() > 20);
    assert_eq!(edges(&inventory, PackageKind::Python), truth);
}

#[test]
fn as_npm_lists() {
    let Some(root) = folder("npm") else { return };
    let Some(list) = said(Path::new("npm"), &["ls", "--all", "--json", "--long"], &root) else {
        return;
    };
    let list: Value = serde_json::from_str(&list).unwrap();
    let mut truth = BTreeSet::new();
    let mut pending = vec![&list];
    while let Some(node) = pending.pop() {
        for child in node["dependencies"].as_object().into_iter().flatten().map(|it| it.1) {
            if let (Some(name), Some(version)) = (child["name"].as_str(), child["version"].as_str())
            {
                truth.insert(format!("{name}@{version}"));
            }
            pending.push(child);
        }
    }
    let inventory = found(std::slice::from_ref(&root));
    let mut packages = installed(&inventory, PackageKind::Npm);
    assert!(packages.remove("installed@1.0.0"), "the project itself");
    same(&packages, &truth);
    let hidden = std::fs::read(root.join("node_modules/.package-lock.json")).unwrap();
    let hidden: Value = serde_json::from_slice(&hidden).unwrap();
    let truth = locked_edges(hidden["packages"].as_object().unwrap());
    assert!(truth.len() > 200);
    let edges = edges(&inventory, PackageKind::Npm);
    let lost: Vec<&(String, String)> = truth.difference(&edges).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let is_declared = |label: &str| !packages.contains(label);
    let phantoms: Vec<&(String, String)> = edges
        .difference(&truth)
        .filter(|(from, to)| from != "installed@1.0.0" && !is_declared(to))
        .collect();
    assert!(phantoms.is_empty(), "{phantoms:?}");
}

// What each entry needs, looked up in the folders above it.
fn locked_edges(packages: &serde_json::Map<String, Value>) -> BTreeSet<(String, String)> {
    let label = |place: &str| {
        let entry = &packages[place];
        let name = place.rsplit("node_modules/").next().unwrap();
        let name = entry["name"].as_str().unwrap_or(name);
        format!("{name}@{}", entry["version"].as_str().unwrap())
    };
    let mut edges = BTreeSet::new();
    for (place, entry) in packages {
        for list in ["dependencies", "optionalDependencies", "peerDependencies"] {
            for need in entry[list].as_object().into_iter().flatten().map(|it| it.0) {
                let mut above = Some(place.as_str());
                while let Some(folder) = above {
                    let slash = if folder.is_empty() { "" } else { "/" };
                    let candidate = format!("{folder}{slash}node_modules/{need}");
                    if packages.contains_key(&candidate) {
                        edges.insert((label(place), label(&candidate)));
                        break;
                    }
                    let outer = folder.rsplit_once("node_modules/").map(|(outer, _)| outer);
                    above = outer.map(|outer| outer.trim_end_matches('/'));
                }
            }
        }
    }
    edges.retain(|(from, to)| from != to);
    edges
}

#[test]
fn as_gem_lists() {
    let root = Path::new("/");
    let gem = Path::new("gem");
    let (Some(list), Some(paths)) =
        (said(gem, &["list", "--local"], root), said(gem, &["env", "gempath"], root))
    else {
        return;
    };
    let mut truth = BTreeSet::new();
    for line in list.lines() {
        // `json (2.6.3, default: 2.6.1)`; a platform may be behind a version.
        let Some((name, versions)) = line.split_once(" (") else { continue };
        for version in versions.trim_end_matches(')').split(", ") {
            let version = version.trim_start_matches("default: ").split(' ').next().unwrap();
            truth.insert(format!("{name}@{version}"));
        }
    }
    let folders: Vec<PathBuf> =
        paths.trim().split(':').map(|path| Path::new(path).join("specifications")).collect();
    let inventory = found(&folders);
    same(&installed(&inventory, PackageKind::Gem), &truth);
}

// This workspace's own lock file.
#[test]
fn cargo() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let arguments = [
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--offline",
        "--filter-platform",
        "x86_64-unknown-linux-gnu",
    ];
    let Some(text) = said(Path::new("cargo"), &arguments, &root) else { return };
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let labels: BTreeMap<&str, String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let (name, version) = (it["name"].as_str().unwrap(), it["version"].as_str().unwrap());
            (it["id"].as_str().unwrap(), format!("{name}@{version}"))
        })
        .collect();
    let lock = std::fs::read(root.join("Cargo.lock")).unwrap();
    let found = inventory(&[&[("src/Cargo.lock", &lock)]]);
    let ids = (0..found.packages.len()).map(sealift_model::PackageId);
    let names: BTreeSet<String> = ids.map(|id| label(&found, id)).collect();
    let truth: BTreeSet<String> = labels.values().cloned().collect();
    let lost: Vec<&String> = truth.difference(&names).collect();
    assert!(truth.len() > 200 && lost.is_empty(), "lost {lost:?}");
    // The lock file has more: what features that no member asks for would need.
    let phantoms: Vec<&String> = names.iter().filter(|name| !is_locked(&lock, name)).collect();
    assert_eq!(phantoms, Vec::<&String>::new());

    let found = edges(&found, PackageKind::Cargo);
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let truth = nodes.iter().flat_map(|node| {
        let from = &labels[node["id"].as_str().unwrap()];
        let to = node["dependencies"].as_array().unwrap().iter();
        to.map(move |to| (from.clone(), to.as_str().unwrap()))
    });
    let lost: Vec<_> = truth
        .map(|(from, to)| (from, labels[to].clone()))
        .filter(|edge| !found.contains(edge))
        .collect();
    assert!(lost.is_empty(), "lost {lost:?}");
}

fn is_locked(lock: &[u8], label: &str) -> bool {
    let (name, version) = label.rsplit_once('@').unwrap();
    let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
    std::str::from_utf8(lock).unwrap().contains(&entry)
}
