//! What packages need and provide, and their files, as rpm itself says it.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealift_model::RelationKind;

use super::real::{Folder, rpm};
use crate::inventory;

// Name, and lines of the specification; each has a file, a directory, a link and a file that is not there.
const PACKAGES: [(&str, &str); 7] = [
    ("lake", "Provides: water = 2\nProvides: libwater.so.1()(64bit)\nVendor: Sea"),
    ("river", "Requires: water >= 1\nRequires: libwater.so.1()(64bit)\nRequires: absent"),
    ("boat", "Requires: /usr/share/lake/file\nRequires: river%{?_isa} >= 1\nEpoch: 3"),
    ("crew", "Requires: (boat or absent)\nRequires: (lake and river)\nRequires: (sail if storm)"),
    ("sail", "Requires: /usr/share/crew/link\nRequires: sail\nRecommends: lake"),
    ("plain", "License: MIT and (GPLv2+ or BSD)"),
    ("multi", "Requires(post): sail\nRequires(pre): crew\nConflicts: plain\nObsoletes: old < 1"),
];
const RICH: [(&str, &str); 3] = [("crew", "boat"), ("crew", "lake"), ("crew", "river")];

fn build(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (name, lines) in PACKAGES {
        let license = if lines.contains("License:") { "" } else { "License: MIT\n" };
        let text = format!(
            "Name: {name}\nVersion: 1.5\nRelease: 1%{{?dist}}\nSummary: x\n{license}{lines}\nAutoReqProv: no\n%description\nx\n%install\nmkdir -p %{{buildroot}}/usr/share/{name}/folder\necho {name} > %{{buildroot}}/usr/share/{name}/file\nln -s file %{{buildroot}}/usr/share/{name}/link\n%files\n/usr/share/{name}\n%ghost /var/log/{name}.log\n"
        );
        let spec = folder.join(format!("{name}.spec"));
        // A file that is not there must be, while it is built.
        let text = text.replace(
            "%files",
            &format!(
                "mkdir -p %{{buildroot}}/var/log\ntouch %{{buildroot}}/var/log/{name}.log\n%files"
            ),
        );
        fs::write(&spec, text).unwrap();
        let output = Command::new("rpmbuild")
            .args(["-bb", "--define=debug_package %{nil}", "--define=_build_id_links none"])
            .arg(format!("--define=_topdir {}", folder.display()))
            .arg(&spec)
            .output()
            .ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for architecture in fs::read_dir(folder.join("RPMS")).unwrap() {
        let files = fs::read_dir(architecture.unwrap().path()).unwrap();
        paths.extend(files.map(|file| file.unwrap().path()));
    }
    Some(paths)
}

fn query(root: &Path, backend: &str, arguments: &[&str]) -> Vec<String> {
    let output = rpm(root, backend).arg("-q").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if !output.status.success() {
        return Vec::new();
    }
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn check(root: &Path, backend: &str, database: &[u8]) {
    let path = "var/lib/rpm/rpmdb.sqlite";
    let found = inventory(&[&[(path, database)]]);
    assert_eq!(found.notes, [], "{backend}");
    let names: BTreeSet<&str> =
        found.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, PACKAGES.iter().map(|(name, _)| *name).collect(), "{backend}");

    let mut expected: BTreeSet<(String, String)> =
        RICH.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    for name in &names {
        let needed = query(root, backend, &["--qf", "[%{REQUIRENAME}\\n]", name]);
        for need in needed.iter().filter(|need| !need.starts_with(['(', '\n'])) {
            let providers = query(root, backend, &["--qf", "%{NAME}\\n", "--whatprovides", need]);
            let others = providers.into_iter().filter(|provider| provider != name);
            expected.extend(others.map(|provider| ((*name).to_owned(), provider)));
        }
    }
    let name = |id| found.package(id).unwrap().name.clone();
    let ours: BTreeSet<(String, String)> = found
        .relations
        .iter()
        .filter(|relation| relation.kind == RelationKind::DependsOn)
        .map(|relation| (name(relation.from), name(relation.to)))
        .collect();
    assert!(expected.len() >= 9, "{expected:?}");
    assert_eq!(ours, expected, "{backend}");

    for package in &found.packages {
        let listed =
            query(root, backend, &["--qf", "[%{FILEMODES:perms} %{FILENAMES}\\n]", &package.name]);
        let files = listed.iter().filter(|line| !line.starts_with('d'));
        let files: Vec<&str> = files.filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        assert_eq!(package.files, files, "{backend} {}", package.name);
        assert_eq!(files.len(), 3);
        let hash = query(root, backend, &["--qf", "%{SHA256HEADER}\\n", &package.name]);
        let ours: Vec<&str> = package.hashes.iter().map(|hash| hash.hex.as_str()).collect();
        assert_eq!(ours, hash, "{backend} {}", package.name);
        let licence = query(root, backend, &["--qf", "%{LICENSE}\\n", &package.name]);
        assert_eq!(vec![package.licenses[0].declared.clone()], licence);
    }
}

#[test]
fn rpm_finds_the_same() {
    let name = format!("sealift-rpm-relations-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    let _ = fs::remove_dir_all(&folder.0);
    fs::create_dir_all(&folder.0).unwrap();
    let Some(packages) = build(&folder.0) else {
        eprintln!("SKIPPED: `rpmbuild` is not here, no relations of rpm's own were compared");
        return;
    };
    for (backend, name) in [("sqlite", "rpmdb.sqlite"), ("ndb", "Packages.db")] {
        let root = folder.0.join(backend);
        fs::create_dir_all(&root).unwrap();
        let flags = ["-i", "--nodeps", "--justdb", "--nosignature", "--ignorearch"];
        let output = rpm(&root, backend).args(flags).args(&packages).output().unwrap();
        if String::from_utf8_lossy(&output.stderr).contains("invalid %_db_backend") {
            eprintln!("SKIPPED: this `rpm` writes no {backend}");
            continue;
        }
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let database = fs::read(root.join("var/lib/rpm").join(name)).unwrap();
        check(&root, backend, &database);
    }
}
