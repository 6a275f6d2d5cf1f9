//! Secrets that are known: our own list of fingerprints, gitleaks' report, and `.gitleaksignore`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fingerprint;

/// Bytes that such a file may have.
pub const BASELINE_BYTES_MAX: u64 = 64 << 20;
const ENTRIES_MAX: usize = 1_000_000;
const VERSION: u32 = 1;

/// Secrets that are known and so no news.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    fingerprints: BTreeSet<String>,
    // File, rule, line.
    places: BTreeSet<(String, String, usize)>,
}

/// Why a file is no baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// It has too much.
    #[error("it has more than {ENTRIES_MAX} entries")]
    TooMany,
    /// It is made for another version.
    #[error("it is a baseline of version {0}, this program knows version {VERSION}")]
    Version(u32),
    /// It is neither.
    #[error(
        "it is neither a baseline of ours, nor a report of gitleaks in JSON, nor a list of its fingerprints: {0}"
    )]
    Unknown(String),
}

/// The file that this program writes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    secret_baseline: u32,
    secrets: Vec<Entry>,
}

/// What a baseline has of a secret: nothing that tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// What tells it from others.
    pub fingerprint: String,
    /// The rule.
    pub rule: String,
    /// Where it was, for people.
    pub place: String,
    /// Its line then, for people.
    pub line: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GitleaksFinding {
    #[serde(rename = "RuleID", default)]
    rule: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    start_line: usize,
    #[serde(default)]
    secret: String,
}

impl Baseline {
    /// Reads a baseline of any of the three kinds.
    pub fn read(text: &str) -> Result<Self, BaselineError> {
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let unknown = |error: serde_json::Error| BaselineError::Unknown(error.to_string());
        match start.as_bytes().first() {
            Some(b'{') => {
                let document: Document = serde_json::from_str(start).map_err(unknown)?;
                if document.secret_baseline != VERSION {
                    return Err(BaselineError::Version(document.secret_baseline));
                }
                let fingerprints: BTreeSet<String> =
                    document.secrets.into_iter().map(|entry| entry.fingerprint).collect();
                Self { fingerprints, places: BTreeSet::new() }.checked()
            }
            Some(b'[') => {
                let findings: Vec<GitleaksFinding> =
                    serde_json::from_str(start).map_err(unknown)?;
                let mut baseline = Self::default();
                for finding in findings {
                    let path = plain(&finding.file).to_owned();
                    // A report that was made with `--redact` has no secrets, only places.
                    if !finding.secret.is_empty() && finding.secret != "REDACTED" {
                        let secret = finding.secret.as_bytes();
                        baseline.fingerprints.insert(fingerprint(&finding.rule, secret, &path));
                    }
                    baseline.places.insert((path, finding.rule, finding.start_line));
                }
                baseline.checked()
            }
            _ => Self::read_ignore(start),
        }
    }

    // `.gitleaksignore`: `commit:file:rule:line` or `file:rule:line`, a line each; or our fingerprints.
    fn read_ignore(text: &str) -> Result<Self, BaselineError> {
        let mut baseline = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                baseline.fingerprints.insert(line.to_ascii_lowercase());
                continue;
            }
            let mut parts = line.rsplitn(3, ':');
            let (last, rule, path) = (parts.next(), parts.next(), parts.next());
            let entry = last.and_then(|line| line.parse().ok()).zip(rule).zip(path);
            let Some(((line, rule), path)) = entry else {
                return Err(BaselineError::Unknown(format!("line {number} is no fingerprint")));
            };
            let is_commit =
                |part: &str| part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            let path = match path.split_once(':') {
                Some((commit, path)) if is_commit(commit) => path,
                _ => path,
            };
            baseline.places.insert((plain(path).to_owned(), rule.to_owned(), line));
        }
        baseline.checked()
    }

    fn checked(self) -> Result<Self, BaselineError> {
        if self.fingerprints.len() + self.places.len() > ENTRIES_MAX {
            return Err(BaselineError::TooMany);
        }
        Ok(self)
    }

    /// Takes the entries of another.
    pub fn extend(&mut self, other: Self) {
        self.fingerprints.extend(other.fingerprints);
        self.places.extend(other.places);
    }

    /// Whether a secret is known.
    pub fn knows(&self, fingerprint: &str, rule: &str, path: &str, line: usize) -> bool {
        self.fingerprints.contains(fingerprint)
            || (!self.places.is_empty()
                && self.places.contains(&(plain(path).to_owned(), rule.to_owned(), line)))
    }

    /// Whether it has nothing.
    pub fn is_empty(&self) -> bool {
        self.fingerprints.is_empty() && self.places.is_empty()
    }
}

/// A baseline that knows these secrets, as text.
pub fn write_baseline(entries: impl IntoIterator<Item = Entry>) -> String {
    let mut secrets: Vec<Entry> = entries.into_iter().collect();
    secrets.sort();
    secrets.dedup();
    let document = Document { secret_baseline: VERSION, secrets };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn plain(path: &str) -> &str {
    path.trim_start_matches("./").trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_known() {
        let print = fingerprint("aws", b"x", "a");
        let entry = Entry {
            fingerprint: print.clone(),
            rule: "aws".to_owned(),
            place: "a".to_owned(),
            line: 3,
        };
        let baseline = Baseline::read(&write_baseline([entry.clone(), entry])).unwrap();
        assert!(baseline.knows(&print, "other", "b", 1));
        assert!(!baseline.knows(&fingerprint("aws", b"y", "a"), "aws", "a", 3));
    }

    #[test]
    fn files_of_gitleaks() {
        let report = r#"[{"RuleID":"aws","File":"a/b","StartLine":3,"Secret":"x","Fingerprint":"a/b:aws:3"}]"#;
        let baseline = Baseline::read(report).unwrap();
        assert!(baseline.knows("", "aws", "/a/b", 3));
        assert!(baseline.knows(&fingerprint("aws", b"x", "a/b"), "aws", "a/b", 9));
        let commit = "0".repeat(40);
        let baseline =
            Baseline::read(&format!("# known\n{commit}:a/b:aws:3\nc:d:4 # why\n")).unwrap();
        assert!(baseline.knows("", "aws", "a/b", 3) && baseline.knows("", "d", "c", 4));
        assert!(Baseline::read("").unwrap().is_empty());
        assert!(Baseline::read("what is this").is_err() && Baseline::read("{}").is_err());
        assert!(matches!(
            Baseline::read(r#"{"secret-baseline":9,"secrets":[]}"#),
            Err(BaselineError::Version(9))
        ));
    }
}
