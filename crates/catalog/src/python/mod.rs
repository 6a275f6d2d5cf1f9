//! Installed Python packages: wheels (`*.dist-info`, PEP 376 and the core metadata specification) and eggs
//! (`*.egg-info`).

pub(crate) mod lock;
mod markers;
pub(crate) mod requirements;

use sealift_model::{Hash, License, Method, Note, Package, PackageKind, Purl, Scope, Supplier};
use serde_json::Value;

use self::markers::{Environment, normalized, required};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::deb822::{self, Paragraph};
use crate::declared::{download_url, hash};
use crate::license::{classifier_id, python_expression};
use crate::supplier::supplier;

/// Packages that pip and its like installed.
pub(crate) const WHEEL: Cataloger = Cataloger {
    name: "python-wheel",
    what: "Python packages that pip and its like installed",
    evidence: &[Pattern::Named(".dist-info", "METADATA")],
    companions: &[
        Pattern::Named(".dist-info", "RECORD"),
        Pattern::Named(".dist-info", "direct_url.json"),
    ],
    read,
};

/// Packages that distutils and setuptools installed.
pub(crate) const EGG: Cataloger = Cataloger {
    name: "python-egg",
    what: "Python packages that distutils and setuptools installed",
    evidence: &[Pattern::Named(".egg-info", "PKG-INFO"), Pattern::Ending(".egg-info")],
    companions: &[
        Pattern::Named(".egg-info", "requires.txt"),
        Pattern::Named(".egg-info", "installed-files.txt"),
    ],
    read,
};

const NAME_BYTES_MAX: usize = 300;
const FILES_MAX: usize = 200_000;
const REQUIREMENTS_MAX: usize = 10_000;
const DECLARED_CHARS_MAX: usize = 200;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let (header, complaints) = deb822::parse_first(bytes, deb822::LIMITS);
    let mut notes: Vec<Note> =
        complaints.into_iter().map(|complaint| context.note(complaint)).collect();
    let drafts = match header.line("Name") {
        Some(name) if name.len() <= NAME_BYTES_MAX => {
            vec![draft(name, &header, context, &mut notes)]
        }
        Some(_) => {
            notes.push(context.note("the name is too long"));
            Vec::new()
        }
        None => {
            notes.push(context.note("it has no name"));
            Vec::new()
        }
    };
    Found { drafts, notes }
}

fn draft(name: &str, header: &Paragraph, context: &Context<'_>, notes: &mut Vec<Note>) -> Draft {
    let version = header.line("Version").filter(|version| !is_unknown(version)).map(str::to_owned);
    if version.is_none() {
        notes.push(context.note(format!("package `{name}` has no version")));
    }
    let place = Place::of(context.path_bytes());
    let environment = Environment { python_version: place.python_version() };
    let mut specifiers: Vec<String> = header.all("Requires-Dist").map(str::to_owned).collect();
    specifiers.extend(egg_requirements(&place, context));
    let requires = specifiers
        .iter()
        .take(REQUIREMENTS_MAX)
        .filter_map(|specifier| required(specifier, &environment))
        .map(|name| vec![normalized(&name)])
        .collect();

    let mut purl = Purl::new(PackageKind::Python.purl_type(), &normalized(name));
    purl.version.clone_from(&version);
    let (download_url, hashes) = origin(&place, context).unwrap_or_default();
    Draft {
        built_from: Vec::new(),
        surroundings: String::from_utf8_lossy(place.site).into_owned(),
        provides: vec![normalized(name)],
        requires,
        package: Package {
            name: name.to_owned(),
            version,
            purl,
            licenses: licenses(header),
            supplier: author(header),
            homepage: homepage(header),
            summary: header.line("Summary").filter(|text| !is_unknown(text)).map(str::to_owned),
            evidence: vec![context.evidence(Method::Manifest)],
            introduced_by: context.introduced(),
            scope: place.scope(),
            files: files(&place, context),
            download_url,
            hashes,
            ..Package::new(PackageKind::Python, "")
        },
    }
}

fn is_unknown(text: &str) -> bool {
    text.eq_ignore_ascii_case("unknown")
}

// Where the metadata is.
struct Place<'a> {
    /// The directory of metadata, or the file if it is one.
    info: &'a [u8],
    /// The directory that has it, `usr/lib/python3/dist-packages`.
    site: &'a [u8],
}

impl<'a> Place<'a> {
    fn of(path: &'a [u8]) -> Self {
        let parent = |path: &'a [u8]| match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => &path[..slash],
            None => &path[..0],
        };
        let info = if path.ends_with(b".egg-info") { path } else { parent(path) };
        Self { info, site: parent(info) }
    }

    // From a part `python3.11` of the path.
    fn python_version(&self) -> Option<String> {
        self.site.split(|byte| *byte == b'/').rev().find_map(|part| {
            let version = std::str::from_utf8(part.strip_prefix(b"python")?).ok()?;
            let (major, minor) = version.split_once('.')?;
            let is_number =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            (is_number(major) && is_number(minor)).then(|| version.to_owned())
        })
    }

    fn scope(&self) -> Scope {
        let has = |names: &[&[u8]]| {
            self.site.split(|byte| *byte == b'/').any(|part| names.contains(&part))
        };
        if has(&[b"tests", b"test", b"testdata", b"test-data"]) {
            Scope::TestData
        } else if has(&[b"_vendor", b"_vendored", b"vendored"]) {
            Scope::Embedded
        } else {
            Scope::Installed
        }
    }
}

// Lines before the first section; a section is an extra, or has a marker.
fn egg_requirements(place: &Place<'_>, context: &Context<'_>) -> Vec<String> {
    let Some(companion) = context.companion(&[place.info, b"/requires.txt"].concat()) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(companion.bytes);
    text.lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .take(REQUIREMENTS_MAX)
        .map(str::to_owned)
        .collect()
}

// An expression if there is one (PEP 639), else what the licence field says if it is a name, else the classifiers,
// else the beginning of the licence field.
fn licenses(header: &Paragraph) -> Vec<License> {
    if let Some(expression) = header.line("License-Expression") {
        let spdx = python_expression(expression);
        return vec![License::declared(shorten(expression), spdx)];
    }
    let field = header.line("License").filter(|text| !is_unknown(text));
    let is_whole = header.get("License").is_some_and(|text| text.trim().lines().count() == 1);
    let spdx = field.filter(|_| is_whole).and_then(python_expression);
    if let (Some(field), Some(_)) = (field, &spdx) {
        return vec![License::declared(shorten(field), spdx)];
    }
    let classified: Vec<License> = header
        .all("Classifier")
        .filter_map(|classifier| classifier.strip_prefix("License ::"))
        .filter_map(|rest| rest.rsplit("::").next())
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != "OSI Approved")
        .take(20)
        .map(|name| License::declared(shorten(name), classifier_id(name).map(str::to_owned)))
        .collect();
    match field {
        _ if classified.iter().any(|license| license.spdx.is_some()) => classified,
        Some(field) => vec![License::declared(shorten(field), None)],
        None => classified,
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(DECLARED_CHARS_MAX).collect()
}

// The first of whoever is named. Newer metadata has `Name <mail>` in the mail field only.
fn author(header: &Paragraph) -> Option<Supplier> {
    ["Author", "Maintainer"].iter().find_map(|role| {
        let first = |name: &str| {
            header
                .line(name)
                .filter(|text| !is_unknown(text))
                .and_then(|text| text.split(',').next())
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        match (first(role), first(&format!("{role}-email"))) {
            (Some(name), Some(mail)) if !name.contains('<') && !mail.contains('<') => {
                supplier(&format!("{name} <{mail}>"))
            }
            (Some(name), _) => supplier(name),
            (None, Some(mail)) => supplier(mail),
            (None, None) => None,
        }
    })
}

fn homepage(header: &Paragraph) -> Option<String> {
    if let Some(page) = header.line("Home-page").filter(|page| !is_unknown(page)) {
        return Some(page.to_owned());
    }
    header.all("Project-URL").find_map(|entry| {
        let (label, url) = entry.split_once(',')?;
        let label = label.trim().to_ascii_lowercase();
        let is_home = matches!(label.as_str(), "homepage" | "home" | "home page");
        is_home.then(|| url.trim().to_owned())
    })
}

// `RECORD` (PEP 376): a CSV of path, hash, size; paths are relative to the directory that has the metadata.
fn files(place: &Place<'_>, context: &Context<'_>) -> Vec<String> {
    let Some(record) = context.companion(&[place.info, b"/RECORD"].concat()) else {
        return egg_files(place, context);
    };
    let text = String::from_utf8_lossy(record.bytes);
    let site = String::from_utf8_lossy(place.site).into_owned();
    text.lines()
        .filter_map(first_column)
        .filter_map(|path| absolute(&site, &path))
        .take(FILES_MAX)
        .collect()
}

// `installed-files.txt`: a path a line, relative to itself.
fn egg_files(place: &Place<'_>, context: &Context<'_>) -> Vec<String> {
    let Some(list) = context.companion(&[place.info, b"/installed-files.txt"].concat()) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(list.bytes);
    let info = String::from_utf8_lossy(place.info).into_owned();
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.filter_map(|path| absolute(&info, path)).take(FILES_MAX).collect()
}

// `direct_url.json` (PyPA, "Recording the Direct URL Origin of installed distributions"): what was installed from an
// address and not from an index.
fn origin(place: &Place<'_>, context: &Context<'_>) -> Option<(Option<String>, Vec<Hash>)> {
    let record = context.companion(&[place.info, b"/direct_url.json"].concat())?;
    let record: Value = serde_json::from_slice(record.bytes).ok()?;
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    let url = text("/url").and_then(download_url)?;
    let url = match (text("/vcs_info/vcs"), text("/vcs_info/commit_id")) {
        (Some(vcs), Some(commit)) => format!("{vcs}+{url}@{commit}"),
        _ => url,
    };
    let hashes = record.pointer("/archive_info/hashes").and_then(Value::as_object);
    let hashes = hashes.into_iter().flatten().filter_map(|(name, hex)| hash(name, hex.as_str()?));
    Some((Some(url), hashes.take(4).collect()))
}

fn first_column(line: &str) -> Option<String> {
    let column = match line.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.find("\",").or_else(|| quoted.strip_suffix('"').map(str::len))?;
            quoted[..end].replace("\"\"", "\"")
        }
        None => line.split(',').next()?.to_owned(),
    };
    if column.is_empty() { None } else { Some(column) }
}

// A path that leaves the root is none.
fn absolute(site: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = if path.starts_with('/') {
        Vec::new()
    } else {
        site.split('/').filter(|part| !part.is_empty()).collect()
    };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let check = |path: &str, site: &str, version: Option<&str>, scope: Scope| {
            let place = Place::of(path.as_bytes());
            assert_eq!(String::from_utf8_lossy(place.site), site);
            assert_eq!(place.python_version().as_deref(), version);
            assert_eq!(place.scope(), scope);
        };
        check(
            "usr/local/lib/python3.11/site-packages/a.dist-info/METADATA",
            "usr/local/lib/python3.11/site-packages",
            Some("3.11"),
            Scope::Installed,
        );
        check(
            "usr/lib/python3/dist-packages/a.egg-info",
            "usr/lib/python3/dist-packages",
            None,
            Scope::Installed,
        );
        check(
            "x/setuptools/_vendor/a.dist-info/METADATA",
            "x/setuptools/_vendor",
            None,
            Scope::Embedded,
        );
        check("a.egg-info/PKG-INFO", "", None, Scope::Installed);
    }

    #[test]
    fn record_columns() {
        assert_eq!(first_column("a/b.py,sha256=x,1").as_deref(), Some("a/b.py"));
        assert_eq!(first_column("\"a,\"\"b\"\".py\",sha256=x,1").as_deref(), Some("a,\"b\".py"));
        assert_eq!(first_column("\"open"), None);
        assert_eq!(first_column(""), None);
        assert_eq!(absolute("usr/lib", "../bin/x").as_deref(), Some("/usr/bin/x"));
        assert_eq!(absolute("usr", "../../etc/x"), None);
        assert_eq!(absolute("usr", "/etc/./x").as_deref(), Some("/etc/x"));
    }

    #[test]
    fn licences() {
        let check = |text: &str, expected: &[(&str, Option<&str>)]| {
            let (header, _) = deb822::parse_first(text.as_bytes(), deb822::LIMITS);
            let licenses = licenses(&header);
            let found: Vec<(&str, Option<&str>)> = licenses
                .iter()
                .map(|license| (license.declared.as_str(), license.spdx.as_deref()))
                .collect();
            assert_eq!(found, expected);
        };
        let mit = "Classifier: License :: OSI Approved :: MIT License\n";
        check("License-Expression: MIT OR ISC\nLicense: x", &[("MIT OR ISC", Some("MIT OR ISC"))]);
        check("License: Apache 2.0", &[("Apache 2.0", Some("Apache-2.0"))]);
        check(&format!("License: Dual\n{mit}"), &[("MIT License", Some("MIT"))]);
        check(&format!("License: UNKNOWN\n{mit}"), &[("MIT License", Some("MIT"))]);
        check("License: MIT\n and a long text", &[("MIT", None)]);
        check("Classifier: License :: OSI Approved :: BSD License", &[("BSD License", None)]);
        check("Classifier: License :: OSI Approved", &[]);
        check("", &[]);
    }

    #[test]
    fn authors() {
        let check = |text: &str, expected: Option<&str>| {
            let (header, _) = deb822::parse_first(text.as_bytes(), deb822::LIMITS);
            let name = author(&header).map(|supplier| match supplier {
                Supplier::Person(name) | Supplier::Organization(name) => name,
            });
            assert_eq!(name.as_deref(), expected);
        };
        check("Author: A B\nAuthor-email: a@b.org", Some("A B <a@b.org>"));
        check("Author-email: A B <a@b.org>, C <c@d.org>", Some("A B <a@b.org>"));
        check("Author: UNKNOWN\nMaintainer: C", Some("C"));
        check("Author-email: a@b.org", Some("a@b.org"));
        check("", None);
    }
}
