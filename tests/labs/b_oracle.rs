//! Scans of Debian held against what Debian itself says: the changelogs of the installed packages, and apt.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealift_testkit::TestContext;

use crate::advisories::update_from_public;
use crate::foreign::{jq, unpack};
use crate::lab::{empty_lab, run};

const RECIPE: &str = r#"
name = "debian:12"
packages = ["apt", "base-files", "bash", "curl", "dpkg", "git", "gnupg", "libexpat1", "libxml2", "openssl", "perl", "python3.11", "sudo", "vim-tiny"]
essential = true
documentation = true

[[source]]
url = "http://deb.debian.org/debian"
suites = ["bookworm"]
"#;
const FINDINGS: &str = r#".Results[].Vulnerabilities[] | "\(.VulnerabilityID) \(.PkgName) \(.InstalledVersion) \(.FixedVersion)""#;

struct Row {
    id: String,
    package: String,
    installed: String,
    fixed: String,
}

fn scan(context: &TestContext, target: &str) -> Vec<Row> {
    context.expect(0, &["scan", target, "-f", "json", "-o", "report.json"]);
    let list = jq(context, FINDINGS, "report.json");
    let row = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let mut next = || words.next().unwrap();
        Row { id: next(), package: next(), installed: next(), fixed: next() }
    };
    list.lines().map(row).collect()
}

fn build(context: &TestContext, recipe: &str) -> PathBuf {
    context.write("base.toml", recipe);
    context.expect(0, &["base", "build", "--quiet", "--tag", "debian:12", "base.toml"]);
    unpack(context, "debian:12")
}

// What each package's own changelog names. The installed version's changelog has nothing newer than it.
fn named_in_changelogs(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut named = BTreeMap::new();
    for entry in fs::read_dir(root.join("usr/share/doc")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // Packages of one source share their folders by links, which are those of the image.
        let mut folder = entry.path();
        if let Ok(target) = fs::read_link(&folder) {
            folder = root.join("usr/share/doc").join(target);
        }
        let files = ["changelog.Debian.gz", "changelog.gz"].map(|file| folder.join(file));
        let Some(file) = files.iter().find(|file| file.is_file()) else { continue };
        let text = run("zcat", &[file.to_str().unwrap()]);
        let is_id = |it: char| it.is_ascii_alphanumeric() || it == '-';
        let ids = text.split(|it| !is_id(it)).filter(|word| word.starts_with("CVE-"));
        named.insert(name, ids.map(str::to_owned).collect());
    }
    named
}

#[test]
fn nothing_is_reported_that_the_changelog_says_is_fixed() {
    let context = empty_lab();
    if !update_from_public(&context, &["Debian"]) {
        return;
    }
    let root = build(&context, RECIPE);
    let named = named_in_changelogs(&root);
    let (packages, names) = (named.len(), named.values().map(BTreeSet::len).sum::<usize>());
    let rows = scan(&context, "debian:12");
    for Row { id, package, installed, fixed } in &rows {
        let says = named.get(package).is_some_and(|ids| ids.contains(id));
        assert!(
            !says,
            "{package} {installed}: {id} is reported, fixed in {fixed}, and the package's changelog has it"
        );
    }
    // Without changelogs to read this would prove nothing.
    assert!(packages > 100 && names > 500, "{packages} changelogs name {names} flaws");
    println!("{} findings, {packages} changelogs that name {names} flaws", rows.len());
}

#[test]
fn what_is_reported_can_be_upgraded_as_apt_says() {
    let context = empty_lab();
    if !update_from_public(&context, &["Debian"]) {
        return;
    }
    let mut apt = Apt::of_bookworm(&context);
    context.write("old/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    context.write("old/var/lib/dpkg/status", apt.old_snapshot());
    let candidates = apt.upgradable(&context.work().join("old/var/lib/dpkg/status"));
    let rows = scan(&context, "dir:old");
    let (mut agreed, mut reported, mut against) = (0, BTreeSet::new(), Vec::new());
    let mut known = BTreeMap::new();
    for Row { id, package, installed, fixed } in &rows {
        reported.insert(package.as_str());
        let candidate = candidates.get(package);
        // A fix is a version of the source package.
        let source = candidate.and_then(|it| apt.sources.get(&(package.clone(), it.clone())));
        let is_enough = source.is_some_and(|source| {
            let pair = (source.clone(), fixed.clone());
            *known.entry(pair).or_insert_with_key(|(source, fixed)| is_at_least(source, fixed))
        });
        if is_enough {
            agreed += 1;
        } else {
            against.push(format!(
                "{package} {installed}: {id} fixed in {fixed}, apt has {candidate:?}"
            ));
        }
    }
    let (findings, upgradable) = (rows.len(), candidates.len());
    println!(
        "{agreed} of {findings} findings agree; {} of {upgradable} upgradable packages are reported",
        reported.len()
    );
    assert!(findings > 100, "{findings} findings in {upgradable} packages that can be upgraded");
    assert!(against.len() * 50 <= findings, "{} of {findings}: {against:#?}", against.len());
}

fn is_at_least(version: &str, other: &str) -> bool {
    let order = ["--compare-versions", version, "ge", other];
    Command::new("dpkg").args(order).status().unwrap().success()
}

// apt with an archive's lists of its own.
struct Apt {
    folder: PathBuf,
    options: Vec<String>,
    /// Version of the source package, by name and version of the package.
    sources: BTreeMap<(String, String), String>,
}

impl Apt {
    fn of_bookworm(context: &TestContext) -> Self {
        let folder = context.work().join("apt");
        for inner in ["lists/partial", "cache/archives/partial", "parts"] {
            fs::create_dir_all(folder.join(inner)).unwrap();
        }
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
        let source = |path: &str, suite: &str| {
            format!("deb [signed-by={keyring}] http://deb.debian.org/{path} {suite} main\n")
        };
        let sources = [
            source("debian", "bookworm"),
            source("debian", "bookworm-updates"),
            source("debian-security", "bookworm-security"),
        ];
        fs::write(folder.join("sources.list"), sources.concat()).unwrap();
        let place =
            |name: &str, inner: &str| format!("--option={name}={}", folder.join(inner).display());
        let options = vec![
            place("Dir::State::lists", "lists"),
            place("Dir::Cache", "cache"),
            place("Dir::Etc::sourcelist", "sources.list"),
            place("Dir::Etc::sourceparts", "parts"),
            place("Dir::Etc::preferencesparts", "parts"),
            "--option=APT::Architecture=amd64".to_owned(),
            "--option=APT::Sandbox::User=root".to_owned(),
            "--option=Acquire::Languages=none".to_owned(),
        ];
        let apt = Self { folder, options, sources: BTreeMap::new() };
        apt.run("apt-get", &["update", "--quiet"]);
        apt
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let options = self.options.iter().map(String::as_str);
        run(program, &arguments.iter().copied().chain(options).collect::<Vec<_>>())
    }

    // A machine with every package of which the archive still has an older version, in its oldest.
    fn old_snapshot(&mut self) -> String {
        let mut versions: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for file in fs::read_dir(self.folder.join("lists")).unwrap().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if !name.contains("_Packages") {
                continue;
            }
            let path = file.path();
            let text = match path.extension().and_then(|end| end.to_str()) {
                Some("lz4") => {
                    run("/usr/lib/apt/apt-helper", &["cat-file", path.to_str().unwrap()])
                }
                _ => fs::read_to_string(&path).unwrap(),
            };
            for stanza in text.split("\n\n") {
                let field = |wanted: &str| {
                    let line = stanza.lines().find(|line| line.starts_with(wanted))?;
                    line.split_once(": ").map(|(_, value)| value.to_owned())
                };
                let (Some(name), Some(version)) = (field("Package:"), field("Version:")) else {
                    continue;
                };
                let source = field("Source:");
                let in_brackets =
                    |it: &String| Some(it.split_once(" (")?.1.trim_end_matches(')').to_owned());
                let source_version = source.as_ref().and_then(in_brackets);
                let source_version = source_version.unwrap_or_else(|| version.clone());
                self.sources.insert((name.clone(), version.clone()), source_version);
                let source = source.map(|it| format!("Source: {it}\n"));
                let stanza = format!(
                    "Package: {name}\nStatus: install ok installed\n{}Version: {version}\n\
                     Architecture: amd64\nMaintainer: x <x@example.org>\nDescription: x\n\n",
                    source.unwrap_or_default()
                );
                versions.entry(name).or_default().insert(version, stanza);
            }
        }
        let oldest = versions.into_values().filter(|all| all.len() > 1).map(|all| {
            let lowest = |left: (String, String), right: (String, String)| {
                if is_at_least(&left.0, &right.0) { right } else { left }
            };
            all.into_iter().reduce(lowest).unwrap().1
        });
        oldest.collect()
    }

    // Packages of a machine that would be upgraded, each with the version that it would get.
    fn upgradable(&self, status: &Path) -> BTreeMap<String, String> {
        let status = format!("--option=Dir::State::status={}", status.display());
        let list = self.run("apt", &["list", "--upgradable", &status]);
        let candidate = |line: &str| {
            let (name, rest) = line.split_once('/')?;
            Some((name.to_owned(), rest.split(' ').nth(1)?.to_owned()))
        };
        list.lines().filter_map(candidate).collect()
    }
}
