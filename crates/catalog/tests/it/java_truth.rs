//! Debian's own Java archives: it knows which of Maven's packages each is, and says so in a repository of links.
#![allow(clippy::print_stdout, reason = "tests say what they measured, and why they were skipped")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealift_catalog::{INSPECTION, catalog, wanted};
use sealift_image::{ReadLimits, open_directory_inspected};
use sealift_model::{Confidence, PackageKind, Scope};

const REPOSITORY: &str = "usr/share/maven-repo";
const PACKAGES: [&str; 24] = [
    "libmaven3-core-java",
    "libguice-java",
    "libmaven-resolver-java",
    "libplexus-utils2-java",
    "libplexus-interpolation-java",
    "libcommons-cli-java",
    "libcommons-io-java",
    "libcommons-lang3-java",
    "libcommons-logging-java",
    "libcommons-codec-java",
    "libhttpclient-java",
    "libhttpcore-java",
    "libguava-java",
    "libjsoup-java",
    "libslf4j-java",
    "libwagon-http-java",
    "libspring-core-java",
    "libasm-java",
    "libcglib-java",
    "junit4",
    "libhamcrest-java",
    "libjackson2-core-java",
    "liblog4j2-java",
    "libjsr305-java",
];

type Names = BTreeSet<(String, String)>;

#[test]
fn debians_archives() {
    let root = std::env::temp_dir().join(format!("sealift-java-{}", std::process::id()));
    if let Err(why) = unpack(&root) {
        println!("SKIPPED: Debian's Java archives cannot be had: {why}");
        let _ = fs::remove_dir_all(&root);
        return;
    }
    let truth = truth(&root);
    assert!(truth.len() > 60, "{} archives have a name", truth.len());
    let (right, wrong, nameless) = judge(&root, &truth);
    println!("with the repository: {right} right, {wrong} wrong, {nameless} without a group");
    assert_eq!((right, wrong, nameless), (truth.len(), 0, 0));
    // Without it, an archive has but itself to tell; it may keep silent, and is not to name another package.
    fs::remove_dir_all(root.join(REPOSITORY)).unwrap();
    let (right, wrong, nameless) = judge(&root, &truth);
    println!("without: {right} right, {wrong} wrong, {nameless} without a group");
    fs::remove_dir_all(&root).unwrap();
    assert!(right * 100 >= truth.len() * 75, "{right} of {} are right", truth.len());
    assert!(wrong * 100 <= truth.len() * 2, "{wrong} of {} are wrong", truth.len());
}

fn unpack(root: &Path) -> Result<(), String> {
    let archives = root.join("debs");
    fs::create_dir_all(&archives).map_err(|error| error.to_string())?;
    let run = |command: &mut Command| {
        let output = command.current_dir(&archives).output().map_err(|error| error.to_string())?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(error) }
    };
    run(Command::new("apt-get").args(["-qq", "download"]).args(PACKAGES))?;
    for archive in fs::read_dir(&archives).map_err(|error| error.to_string())? {
        let archive = archive.map_err(|error| error.to_string())?.path();
        run(Command::new("dpkg-deb").arg("-x").arg(archive).arg(root))?;
    }
    fs::remove_dir_all(&archives).map_err(|error| error.to_string())
}

// Absolute paths of archives in the image to the names that the repository's links give them.
fn truth(root: &Path) -> BTreeMap<String, Names> {
    let root = fs::canonicalize(root).unwrap();
    let repository = root.join(REPOSITORY);
    let mut truth: BTreeMap<String, Names> = BTreeMap::new();
    let mut folders = vec![repository.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            let is_link = metadata.is_symlink() && path.extension().is_some_and(|it| it == "jar");
            // A link may lead to a package that is not there.
            let Some(real) = fs::canonicalize(&path).ok().filter(|_| is_link) else { continue };
            // What lies in the repository itself goes with it.
            if real.starts_with(&repository) {
                continue;
            }
            let inner = path.strip_prefix(&repository).unwrap();
            let parts: Vec<String> =
                inner.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let [group @ .., artifact, _, _] = &parts[..] else { continue };
            let real = PathBuf::from("/").join(real.strip_prefix(&root).unwrap());
            let names = truth.entry(real.to_string_lossy().into_owned()).or_default();
            names.insert((group.join("."), artifact.clone()));
        }
    }
    truth
}

fn judge(root: &Path, truth: &BTreeMap<String, Names>) -> (usize, usize, usize) {
    let limits = ReadLimits::default();
    let tree =
        open_directory_inspected(root, &|path, _| wanted(path), &INSPECTION, &limits).unwrap();
    let inventory = catalog(&tree);
    let (mut right, mut wrong, mut nameless) = (0, 0, 0);
    for (path, names) in truth {
        let found: Vec<_> = inventory
            .packages
            .iter()
            .filter(|it| it.kind == PackageKind::Maven && it.scope == Scope::Installed)
            .filter(|it| it.evidence[0].path == *path)
            .collect();
        let [package] = found[..] else { panic!("{path} is {} packages", found.len()) };
        match &package.purl.namespace {
            Some(group) if names.contains(&(group.clone(), package.purl.name.clone())) => {
                right += 1;
            }
            Some(_) => {
                println!("{path}: {} instead of {names:?}", package.purl);
                wrong += 1;
            }
            None => {
                assert_eq!(package.evidence[0].confidence, Confidence::Low, "{path}");
                nameless += 1;
            }
        }
    }
    (right, wrong, nameless)
}
