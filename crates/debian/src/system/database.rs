//! The record of the installed packages: for scanners (`var/lib/dpkg/status.d`) or for dpkg itself (dpkg(1), FILES).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealift_archive::RelativePath;

use crate::lay::Unpacked;
use crate::recipe::Database;
use crate::system::add;
use crate::tree::{Node, Tree, literal};

/// Files of `control.tar` that dpkg keeps, beside `list`.
const KEPT: [&str; 10] = [
    "conffiles",
    "config",
    "md5sums",
    "postinst",
    "postrm",
    "preinst",
    "prerm",
    "shlibs",
    "symbols",
    "templates",
];

/// Writes the record. By default it is dpkg's own if dpkg is in the image.
pub(crate) fn add_database(tree: &mut Tree, packages: &[Unpacked<'_>], wish: Option<Database>) {
    let has_dpkg = packages.iter().any(|package| package.candidate.name == "dpkg");
    let database =
        wish.unwrap_or(if has_dpkg { Database::Dpkg } else { Database::StatusDirectory });
    match database {
        Database::StatusDirectory => add_status_directory(tree, packages),
        Database::Dpkg => add_dpkg(tree, packages),
    }
}

fn add_status_directory(tree: &mut Tree, packages: &[Unpacked<'_>]) {
    for package in packages {
        let name = package.candidate.name;
        let path = format!("var/lib/dpkg/status.d/{name}");
        add(tree, &path, Node::file(status(package), 0o644));
        if let Some(md5sums) = package.deb.extra.get("md5sums") {
            add(tree, &format!("{path}.md5sums"), Node::file(md5sums.bytes.clone(), 0o644));
        }
    }
}

fn add_dpkg(tree: &mut Tree, packages: &[Unpacked<'_>]) {
    let folder = "var/lib/dpkg";
    for name in ["info", "updates", "triggers", "parts", "alternatives"] {
        add(tree, &format!("{folder}/{name}"), Node::directory(0o755));
    }
    let mut sorted: Vec<&Unpacked<'_>> = packages.iter().collect();
    sorted.sort_by_key(|package| package.candidate.name);
    let mut text = String::new();
    let mut triggers: BTreeMap<String, String> = BTreeMap::new();
    for package in sorted {
        text.push_str(&status(package));
        add_conffiles(&mut text, package);
        text.push('\n');
        add_info(tree, package);
        collect_triggers(package, &mut triggers);
    }
    tree.insert(literal("var/lib/dpkg/status"), Node::file(text, 0o644));
    add(tree, "var/lib/dpkg/info/format", Node::file("1\n", 0o644));
    add(tree, "var/lib/dpkg/available", Node::file("", 0o644));
    // Without it dpkg believes that it comes from times before triggers, and triggers everything.
    add(tree, "var/lib/dpkg/triggers/Unincorp", Node::file("", 0o644));
    add(tree, "var/lib/dpkg/diversions", Node::file("", 0o644));
    add(tree, "var/lib/dpkg/statoverride", Node::file("", 0o644));
    for (name, text) in triggers {
        add(tree, &format!("var/lib/dpkg/triggers/{name}"), Node::file(text, 0o644));
    }
}

// So that an upgrade knows which of them nobody has touched, and asks no questions about those.
fn add_conffiles(text: &mut String, package: &Unpacked<'_>) {
    if !package.deb.conffiles.is_empty() {
        text.push_str("Conffiles:\n");
    }
    for (path, md5) in &package.deb.conffiles {
        let _ = writeln!(text, " /{path} {md5}");
    }
}

fn add_info(tree: &mut Tree, package: &Unpacked<'_>) {
    let mut name = package.candidate.name.to_owned();
    let is_same = package.deb.control.lines().any(|line| line == "Multi-Arch: same");
    if is_same {
        name.push(':');
        name.push_str(package.candidate.architecture);
    }
    let mut list = String::from("/.\n");
    for path in package.deb.paths.iter().filter(|path| !path.is_root()) {
        let _ = writeln!(list, "/{path}");
    }
    let base = format!("var/lib/dpkg/info/{name}");
    add(tree, &format!("{base}.list"), Node::file(list, 0o644));
    for kept in KEPT {
        if let Some(file) = package.deb.extra.get(kept) {
            add(tree, &format!("{base}.{kept}"), Node::file(file.bytes.clone(), file.mode & 0o755));
        }
    }
    if let Some(file) = package.deb.extra.get("triggers") {
        add(tree, &format!("{base}.triggers"), Node::file(file.bytes.clone(), 0o644));
    }
}

// What dpkg writes when a package says what it wants to hear of (deb-triggers(5); dpkg, doc/triggers.txt).
fn collect_triggers(package: &Unpacked<'_>, triggers: &mut BTreeMap<String, String>) {
    let Some(file) = package.deb.extra.get("triggers") else { return };
    let name = package.candidate.name;
    for line in String::from_utf8_lossy(&file.bytes).lines() {
        let mut words = line.split_whitespace();
        let (Some(directive), Some(trigger)) = (words.next(), words.next()) else { continue };
        let suffix = match directive {
            "interest" | "interest-await" => "",
            "interest-noawait" => "/noawait",
            _ => continue,
        };
        if trigger.starts_with('/') {
            let text = triggers.entry("File".to_owned()).or_default();
            let _ = writeln!(text, "{trigger} {name}{suffix}");
        } else if is_plain(trigger) {
            let text = triggers.entry(trigger.to_owned()).or_default();
            let _ = writeln!(text, "{name}{suffix}");
        }
    }
}

fn is_plain(name: &str) -> bool {
    RelativePath::parse(name.as_bytes()).is_ok_and(|path| path.parts().count() == 1)
        && !matches!(name, "File" | "Unincorp" | "Lock")
        && name.bytes().all(|byte| byte.is_ascii_graphic())
}

// The package's own words, and that it is installed.
fn status(package: &Unpacked<'_>) -> String {
    let mut text = String::new();
    for line in package.deb.control.lines().filter(|line| !line.trim().is_empty()) {
        if line.to_ascii_lowercase().starts_with("status:") {
            continue;
        }
        text.push_str(line);
        text.push('\n');
        if line.to_ascii_lowercase().starts_with("package:") {
            text.push_str("Status: install ok installed\n");
        }
    }
    text
}
