//! Debian's own Java archives: it knows which of Maven's packages each is, and says so in a repository of links.
#![allow(clippy::print_stdout, reason = "tests say what they measured, and why they were skipped")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealift_catalog::{INSPECTION, catalog, wanted};
use sealift_image::{ReadLimits, open_directory_inspected};
use sealift_model::{Confidence, PackageKind, Scope};
use zip::{ZipArchive, ZipWriter};

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
    assert!(right * 100 >= truth.len() * 85, "{right} of {} are right", truth.len());
    assert!(wrong == 0, "{wrong} of {} are wrong", truth.len());
}

/// Archives of Maven's repository, from any folder: what `META-INF/maven` says of each is the truth, and is taken out of
/// the copy that is looked at. Every fifth is held out; the list of known groups is to be tuned by the others only.
#[test]
fn archives_without_projects() {
    let Some(folder) = std::env::var_os("SEALIFT_JARS") else {
        println!("SKIPPED: set SEALIFT_JARS to a folder of archives from Maven's repository");
        return;
    };
    let root = std::env::temp_dir().join(format!("sealift-jars-{}", std::process::id()));
    let mut measured = Vec::new();
    for is_held_out in [false, true] {
        fs::create_dir_all(&root).unwrap();
        let truth = strip(Path::new(&folder), &root, is_held_out);
        assert!(truth.len() > 20, "{} archives say what they are", truth.len());
        let (right, wrong, nameless) = judge(&root, &truth);
        fs::remove_dir_all(&root).unwrap();
        let set = if is_held_out { "held out" } else { "tuned by" };
        println!("{set}: {right} right, {wrong} wrong, {nameless} without a group");
        measured.push((set, right, wrong, truth.len()));
    }
    for (set, right, wrong, total) in measured {
        assert_eq!(wrong, 0, "{set}");
        let floor = if set == "held out" { 70 } else { 90 };
        assert!(right * 100 >= total * floor, "{set}: {right} of {total} are right");
    }
}

// Copies of one set's archives without what Maven put into them, and what that said.
fn strip(folder: &Path, root: &Path, is_held_out: bool) -> BTreeMap<String, Names> {
    let mut truth = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".jar") else { continue };
        // By the letters, without the version, so that versions of one package are in one set.
        let letters = name.bytes().take_while(|byte| !byte.is_ascii_digit());
        let hash = letters.fold(0_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
        if (hash % 5 == 0) != is_held_out {
            continue;
        }
        let mut archive = ZipArchive::new(File::open(&path).unwrap()).unwrap();
        let Some(own) = own_name(&mut archive, stem) else { continue };
        let mut writer = ZipWriter::new(File::create(root.join(&name)).unwrap());
        for place in 0..archive.len() {
            let file = archive.by_index_raw(place).unwrap();
            if !file.name().unwrap().starts_with("META-INF/maven/") {
                writer.raw_copy_file(file).unwrap();
            }
        }
        writer.finish().unwrap();
        truth.insert(format!("/{name}"), Names::from([own]));
    }
    truth
}

// Only the project that the file is named after for certain: `artifact-version`.
fn own_name(archive: &mut ZipArchive<File>, stem: &str) -> Option<(String, String)> {
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let is_its =
        |name: &&String| name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties");
    names.iter().filter(is_its).find_map(|name| {
        let mut text = String::new();
        archive.by_name(name).ok()?.read_to_string(&mut text).ok()?;
        let value = |key: &str| {
            let mut pairs = text.lines().filter_map(|line| line.split_once('='));
            pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
        };
        let (group, artifact) = (value("groupId")?, value("artifactId")?);
        (stem == format!("{artifact}-{}", value("version")?)).then_some((group, artifact))
    })
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
                println!("{path}: no group instead of {names:?}");
                nameless += 1;
            }
        }
    }
    (right, wrong, nameless)
}
