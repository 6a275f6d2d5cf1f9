//! The order of the crates, as the table of ARCHITECTURE.md has it; the budget of foreign crates; who may be async.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

const FOREIGN_CRATES_MAX: usize = 300;
const PREFIX: &str = "sealift-";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// A line of ARCHITECTURE.md's table: `| 3 | scan | advisory | no |`.
struct Place {
    row: u32,
    same_row: BTreeSet<String>,
    is_async: bool,
}

/// Checks what depends on what.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let architecture =
        std::fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let places = read_table(&architecture);
    ensure!(!places.is_empty(), "ARCHITECTURE.md has no table of crates");
    let metadata = cargo(root, &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Metadata = serde_json::from_str(&metadata)?;
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let Some(name) = short_name(&package.name) else { continue };
        let Some(place) = places.get(name) else {
            problems.push(format!("crate `{name}` is not in ARCHITECTURE.md's table"));
            continue;
        };
        if !architecture.contains(&format!("**`{name}`**")) {
            problems.push(format!("crate `{name}` has no paragraph in ARCHITECTURE.md"));
        }
        check_dependencies(name, place, package, &places, &mut problems);
    }
    problems.extend(check_budget(root)?);
    Ok(problems)
}

fn check_dependencies(
    name: &str,
    place: &Place,
    package: &Package,
    places: &BTreeMap<String, Place>,
    problems: &mut Vec<String>,
) {
    for dependency in package.dependencies.iter().filter(|known| known.kind.is_none()) {
        let is_async = matches!(dependency.name.as_str(), "tokio" | "reqwest" | "hyper" | "axum");
        if is_async && !place.is_async {
            problems
                .push(format!("crate `{name}` is not async, but depends on `{}`", dependency.name));
        }
        let Some(other) = short_name(&dependency.name) else { continue };
        let Some(below) = places.get(other) else { continue };
        let is_allowed =
            below.row < place.row || (below.row == place.row && place.same_row.contains(other));
        if !is_allowed {
            problems.push(format!(
                "crate `{name}` (row {}) depends on `{other}` (row {})",
                place.row, below.row
            ));
        }
    }
}

fn check_budget(root: &Path) -> anyhow::Result<Vec<String>> {
    let tree = cargo(root, &["tree", "-p", "sealift", "-e", "normal,build", "--prefix", "none"])?;
    let crates: BTreeSet<&str> = tree
        .lines()
        .filter(|line| {
            !line.is_empty() && short_name(line.split(' ').next().unwrap_or_default()).is_none()
        })
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    eprintln!("tidy: {} foreign crates of {FOREIGN_CRATES_MAX}", crates.len());
    let is_over = crates.len() > FOREIGN_CRATES_MAX;
    Ok(is_over
        .then(|| format!("{} foreign crates, more than {FOREIGN_CRATES_MAX}", crates.len()))
        .into_iter()
        .collect())
}

// The binary is `sealift`, all others carry it as prefix.
fn short_name(package: &str) -> Option<&str> {
    match package {
        "sealift" => Some("sealift"),
        other => other.strip_prefix(PREFIX),
    }
}

fn read_table(architecture: &str) -> BTreeMap<String, Place> {
    architecture.lines().filter_map(read_line).collect()
}

fn read_line(line: &str) -> Option<(String, Place)> {
    let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
    let row = cells.next()?.parse().ok()?;
    let name = cells.next()?.trim_matches('`').to_owned();
    let same_row =
        cells.next()?.split([',', ' ']).map(|word| word.trim_matches('`').to_owned()).collect();
    let is_async = cells.next()? == "yes";
    Some((name, Place { row, same_row, is_async }))
}

/// Runs cargo and returns what it prints.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo {} failed:\n{errors}", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_upward_is_found() {
        let places = read_table(
            "| 0 | `oci` | – | no |\n| 3 | `scan` | `advisory` | no |\n| 3 | `advisory` | – | no |\n",
        );
        let check = |name: &str, needs: &[&str]| {
            let dependencies = needs
                .iter()
                .map(|name| Dependency { name: (*name).to_owned(), kind: None })
                .collect();
            let package = Package { name: name.to_owned(), dependencies };
            let mut problems = Vec::new();
            check_dependencies(name, &places[name], &package, &places, &mut problems);
            problems
        };
        assert!(check("scan", &["sealift-oci", "sealift-advisory"]).is_empty());
        assert_eq!(check("oci", &["sealift-scan"]).len(), 1);
        assert_eq!(check("advisory", &["sealift-scan"]).len(), 1);
        assert_eq!(check("scan", &["tokio"]).len(), 1);
    }
}
