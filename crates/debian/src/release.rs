//! Release files (wiki.debian.org/DebianRepository/Format, §Release files): what a suite consists of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_oci::Digest;

use crate::control::{self, Paragraph};
use crate::{Error, Source};

/// How far a release file's date may lie ahead of our clock.
const FUTURE_SECS_MAX: i64 = 3600;

/// A suite's signed table of contents.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    /// Date of the state.
    pub date: Timestamp,
    /// End of its validity, if it has one.
    pub valid_until: Option<Timestamp>,
    /// True if files can be had by their digest.
    pub by_hash: bool,
    suite: String,
    codename: String,
    architectures: Vec<String>,
    all_is_apart: bool,
    files: BTreeMap<String, Listed>,
}

/// A file that a release file lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub digest: Digest,
    pub size: u64,
}

/// A package index in the best form that the suite has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexFile {
    /// Path below the suite's directory.
    pub path: String,
    /// Path below the suite's directory at which it is fetched.
    pub fetch_path: String,
    /// As it is fetched.
    pub packed: Listed,
    /// As it is read, if the suite says so.
    pub plain: Option<Listed>,
}

impl Release {
    /// Reads the signed text; `url` names it in errors.
    pub(crate) fn parse(text: &str, url: &str) -> Result<Self, Error> {
        let paragraph = control::single(text, url)?;
        let malformed =
            |message: String| Error::Malformed { what: url.to_owned(), line: 0, message };
        let date = paragraph
            .get("Date")
            .and_then(parse_date)
            .ok_or_else(|| malformed("there is no readable `Date`".to_owned()))?;
        let valid_until = match paragraph.get("Valid-Until") {
            Some(text) => Some(
                parse_date(text)
                    .ok_or_else(|| malformed(format!("`Valid-Until: {text}` is not a date")))?,
            ),
            None => None,
        };
        let no_support = paragraph.get("No-Support-for-Architecture-all");
        Ok(Self {
            date,
            valid_until,
            by_hash: paragraph.get("Acquire-By-Hash") == Some("yes"),
            suite: paragraph.get("Suite").unwrap_or_default().to_owned(),
            codename: paragraph.get("Codename").unwrap_or_default().to_owned(),
            architectures: words(&paragraph, "Architectures"),
            all_is_apart: no_support != Some("Packages"),
            files: parse_files(&paragraph, url)?,
        })
    }

    /// Refuses a release file of another suite, from the future, or older than what was seen before.
    pub(crate) fn check(
        &self,
        url: &str,
        suite: &str,
        now: Timestamp,
        newest: Option<Timestamp>,
    ) -> Result<(), Error> {
        let asked = suite.trim_end_matches('/');
        if self.suite != asked && self.codename != asked {
            return Err(Error::WrongSuite {
                url: url.to_owned(),
                suite: suite.to_owned(),
                found: format!("{} ({})", self.suite, self.codename),
            });
        }
        if self.date.as_second() > now.as_second().saturating_add(FUTURE_SECS_MAX) {
            return Err(Error::NotYetValid { url: url.to_owned(), date: self.date.to_string() });
        }
        match newest {
            Some(newest) if self.date < newest => Err(Error::Replayed {
                url: url.to_owned(),
                date: self.date.to_string(),
                newest: newest.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// The end of validity, if it has passed.
    pub(crate) fn expired(&self, now: Timestamp) -> Option<Timestamp> {
        self.valid_until.filter(|valid_until| *valid_until < now)
    }

    /// The package indices of a source's components.
    pub(crate) fn indices(
        &self,
        source: &Source,
        architecture: &str,
        url: &str,
    ) -> Result<Vec<IndexFile>, Error> {
        let mut indices = Vec::new();
        for component in &source.components {
            let index = self.index(component, architecture).ok_or_else(|| Error::NoIndex {
                url: url.to_owned(),
                component: component.clone(),
                architecture: architecture.to_owned(),
            })?;
            indices.push(index);
            // Otherwise packages for all architectures are in each architecture's index.
            if self.all_is_apart && self.architectures.iter().any(|name| name == "all") {
                indices.extend(self.index(component, "all"));
            }
        }
        Ok(indices)
    }

    fn index(&self, component: &str, architecture: &str) -> Option<IndexFile> {
        let directory = format!("{component}/binary-{architecture}");
        let plain_path = format!("{directory}/Packages");
        for suffix in [".xz", ".zst", ".gz", ""] {
            let path = format!("{plain_path}{suffix}");
            let Some(packed) = self.files.get(&path) else { continue };
            let fetch_path = if self.by_hash {
                format!("{directory}/by-hash/SHA256/{}", packed.digest.hex())
            } else {
                path.clone()
            };
            return Some(IndexFile {
                path,
                fetch_path,
                packed: packed.clone(),
                plain: self.files.get(&plain_path).cloned(),
            });
        }
        None
    }
}

// Only SHA-256 counts; MD5 and SHA-1 are not read at all.
fn parse_files(paragraph: &Paragraph<'_>, url: &str) -> Result<BTreeMap<String, Listed>, Error> {
    let malformed = |message: String| Error::Malformed { what: url.to_owned(), line: 0, message };
    let text = paragraph
        .get("SHA256")
        .ok_or_else(|| malformed("there is no `SHA256` list of files".to_owned()))?;
    let mut files = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (Some(hex), Some(size), Some(path), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(malformed(format!("`{line}` is not digest, size and path")));
        };
        let digest = format!("sha256:{hex}").parse();
        let (Ok(digest), Ok(size)) = (digest, size.parse()) else {
            return Err(malformed(format!("`{line}` is not digest, size and path")));
        };
        files.insert(path.to_owned(), Listed { digest, size });
    }
    Ok(files)
}

fn words(paragraph: &Paragraph<'_>, name: &str) -> Vec<String> {
    paragraph.get(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

// RFC 2822 with the zone by name, always UTC.
pub(crate) fn parse_date(text: &str) -> Option<Timestamp> {
    let without_zone = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT"))?;
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(format!("{without_zone}+0000").as_bytes())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn text(extra: &str) -> String {
        format!(
            "Suite: oldstable\nCodename: bookworm\nDate: Sat, 11 Jul 2026 10:16:37 UTC\n{extra}SHA256:\n \
             {EMPTY} 0 main/binary-amd64/Packages\n {EMPTY}  20 main/binary-amd64/Packages.xz\n"
        )
    }

    fn source() -> Source {
        Source {
            url: "http://d/debian".to_owned(),
            suites: vec!["bookworm".to_owned()],
            components: vec!["main".to_owned()],
            keyring: "k".to_owned(),
        }
    }

    fn check(text: &str, suite: &str, now: &str, newest: Option<&str>, expected: Expect) {
        let now: Timestamp = now.parse().unwrap();
        let actual = Release::parse(text, "URL").and_then(|release| {
            release.check("URL", suite, now, newest.map(|newest| newest.parse().unwrap()))?;
            match release.expired(now) {
                Some(valid_until) => Ok(format!("expired {valid_until}")),
                None => {
                    Ok(format!("{:?}", release.indices(&source(), "amd64", "URL")?[0].fetch_path))
                }
            }
        });
        expected.assert_eq(&actual.unwrap_or_else(|error| error.to_string()));
    }

    const NOW: &str = "2026-07-12T00:00:00Z";

    #[test]
    fn accepted() {
        check(&text(""), "bookworm", NOW, None, expect![[r#""main/binary-amd64/Packages.xz""#]]);
        check(
            &text("Acquire-By-Hash: yes\n"),
            "oldstable",
            NOW,
            Some("2026-07-11T10:16:37Z"),
            expect![[
                r#""main/binary-amd64/by-hash/SHA256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855""#
            ]],
        );
    }

    #[test]
    fn refused() {
        check(
            &text(""),
            "trixie",
            NOW,
            None,
            expect!["`URL` is the release file of `oldstable (bookworm)`, not of suite `trixie`"],
        );
        check(
            &text(""),
            "bookworm",
            "2026-07-11T09:00:00Z",
            None,
            expect!["`URL` is dated 2026-07-11T10:16:37Z, which is in the future"],
        );
        check(
            &text(""),
            "bookworm",
            NOW,
            Some("2026-07-11T10:16:38Z"),
            expect![
                "`URL` is dated 2026-07-11T10:16:37Z, but a state of 2026-07-11T10:16:38Z was served before"
            ],
        );
        check(
            &text("Valid-Until: Sat, 11 Jul 2026 11:00:00 UTC\n"),
            "bookworm",
            NOW,
            None,
            expect!["expired 2026-07-11T11:00:00Z"],
        );
        check(
            &text("Valid-Until: soon\n"),
            "bookworm",
            NOW,
            None,
            expect!["`URL` is malformed at line 0: `Valid-Until: soon` is not a date"],
        );
        check(
            "Suite: x\nSHA256:\n",
            "x",
            NOW,
            None,
            expect!["`URL` is malformed at line 0: there is no readable `Date`"],
        );
        check(
            &text("").replace("SHA256", "MD5Sum"),
            "bookworm",
            NOW,
            None,
            expect!["`URL` is malformed at line 0: there is no `SHA256` list of files"],
        );
        check(
            &text("").replace("  20 ", " twenty "),
            "bookworm",
            NOW,
            None,
            expect![
                "`URL` is malformed at line 0: `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 twenty main/binary-amd64/Packages.xz` is not digest, size and path"
            ],
        );
        check(
            &text("").replace("amd64", "s390x"),
            "bookworm",
            NOW,
            None,
            expect!["`URL` has no package index for component `main` and architecture `amd64`"],
        );
    }

    #[test]
    fn packages_for_all_architectures_are_apart_unless_said() {
        let more = format!(" {EMPTY} 0 main/binary-all/Packages\n");
        let both = text("Architectures: all amd64\n") + &more;
        let release = Release::parse(&both, "URL").unwrap();
        assert_eq!(release.indices(&source(), "amd64", "URL").unwrap().len(), 2);
        let one =
            text("Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\n") + &more;
        let release = Release::parse(&one, "URL").unwrap();
        assert_eq!(release.indices(&source(), "amd64", "URL").unwrap().len(), 1);
    }
}
