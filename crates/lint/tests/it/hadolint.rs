//! The rules beside hadolint's own, over real Dockerfiles: what both find, what only one of the two does.
//!
//! `SEALIFT_DOCKERFILES` names a folder of Dockerfiles and `SEALIFT_HADOLINT` the program. `SEALIFT_DIFFERENCES` lists the
//! places in which the two differ for one of hadolint's ids. docs/lint-compatibility.md has the reasons.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use sealift_diagnostic::LineIndex;
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, lint, rules};

/// A file, the first line of an instruction of it, and an id of hadolint's.
type Place = (PathBuf, usize, String);

/// Files that one call of hadolint is given.
const BATCH: usize = 200;

#[test]
fn compare_with_hadolint() {
    let folder = std::env::var_os("SEALIFT_DOCKERFILES");
    let program = std::env::var_os("SEALIFT_HADOLINT");
    let (Some(folder), Some(program)) = (folder, program) else {
        eprintln!("SKIPPED: set SEALIFT_DOCKERFILES and SEALIFT_HADOLINT to compare with hadolint");
        return;
    };
    let mut files = Vec::new();
    collect(Path::new(&folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "there is no file in {folder:?}");
    let (theirs, refused) = theirs(Path::new(&program), &files);
    let refused_by_them = refused.len();
    files.retain(|path| !refused.contains(path));
    let (ours, refused_by_us) = ours(&files);
    let wanted = std::env::var("SEALIFT_DIFFERENCES").unwrap_or_default();
    println!(
        "{} files; syntax errors: theirs {refused_by_them} more, ours {refused_by_us}",
        files.len()
    );
    println!("{}", table(&ours, &theirs, &wanted));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

/// What we find, under each of hadolint's ids that the rule has.
fn ours(files: &[PathBuf]) -> (BTreeSet<Place>, usize) {
    let config = Config::default();
    let context = Context { dockerignore: Some(""), ..Context::new(&config) };
    let (mut places, mut refused) = (BTreeSet::new(), 0);
    for path in files {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let parsed = parse(&text, &Limits::default());
        refused += usize::from(!parsed.problems.is_empty());
        let index = LineIndex::new(&text);
        for finding in lint(&parsed, &context) {
            let instructions = &parsed.file.instructions;
            let next = instructions.partition_point(|it| it.span.end < finding.span.start);
            let start = instructions.get(next).map_or(finding.span.start, |it| it.span.start);
            for alias in finding.aliases.iter().filter(|alias| is_theirs(alias)) {
                places.insert((path.clone(), index.line(start), (*alias).to_owned()));
            }
        }
    }
    (places, refused)
}

/// What hadolint finds: lines such as `FILE:3 DL3008 warning: …`.
fn theirs(program: &Path, files: &[PathBuf]) -> (BTreeSet<Place>, BTreeSet<PathBuf>) {
    let (mut places, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for batch in files.chunks(BATCH) {
        let output =
            Command::new(program).args(["--no-fail", "-f", "tty"]).args(batch).output().unwrap();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Some((place, rest)) = line.split_once(' ') else { continue };
            let id = rest.split_whitespace().next().unwrap_or("");
            let Some((path, number)) = place.rsplit_once(':') else { continue };
            match number.parse() {
                Ok(number) if is_theirs(id) => {
                    places.insert((PathBuf::from(path), number, id.to_owned()));
                }
                _ => {
                    // A syntax error has a column too.
                    refused.insert(PathBuf::from(path.split(':').next().unwrap_or("")));
                }
            }
        }
    }
    (places, refused)
}

fn is_theirs(id: &str) -> bool {
    id.get(2..).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        && (id.starts_with("DL") || id.starts_with("SC"))
}

/// One row for each id of hadolint's that either reports.
///
/// A rule with several of their ids reports each; it differs only if hadolint has none of them at that place.
fn table(ours: &BTreeSet<Place>, theirs: &BTreeSet<Place>, wanted: &str) -> String {
    let mut rows: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut places = String::new();
    for place in ours.union(theirs) {
        let (path, line, id) = place;
        let column = match (ours.contains(place), theirs.contains(place)) {
            (true, true) => 0,
            (false, _) => 2,
            (true, false) if siblings(id).any(|it| theirs.contains(&(path.clone(), *line, it))) => {
                continue;
            }
            (true, false) => 1,
        };
        rows.entry(id).or_default()[column] += 1;
        if id == wanted && column > 0 {
            let who = ["", "ours", "theirs"][column];
            writeln!(places, "only {who}: {}:{line}", path.display()).unwrap();
        }
    }
    let mut text = format!(
        "{places}{:8} {:>6} {:>9} {:>11}  rules\n",
        "id", "both", "only ours", "only theirs"
    );
    for (id, [both, only_ours, only_theirs]) in rows {
        let names: Vec<&str> = named(id).collect();
        writeln!(text, "{id:8} {both:>6} {only_ours:>9} {only_theirs:>11}  {}", names.join(" "))
            .unwrap();
    }
    text
}

/// Our rules with this alias.
fn named(alias: &str) -> impl Iterator<Item = &'static str> {
    rules().filter(move |rule| rule.aliases.contains(&alias)).map(|rule| rule.id)
}

/// The other ids of the rules that have this one.
fn siblings(alias: &str) -> impl Iterator<Item = String> {
    rules()
        .filter(move |rule| rule.aliases.contains(&alias))
        .flat_map(|rule| rule.aliases)
        .map(|&other| other.to_owned())
}
