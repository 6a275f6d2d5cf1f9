//! Alpine packages, from apk's database (apk-tools, `lib/apk/db/installed`).
//!
//! A line is a letter, a colon and a value; an empty line ends a package. `F:` names a directory, the `R:` behind it
//! files in it.

use std::fmt::Write as _;

use sealift_model::{Hash, HashAlgorithm, License, Method, Package, PackageKind, SourcePackage};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::os_purl::{self, Parts};
use crate::{os_license, supplier};

/// apk's database, where it is and where apk 3 has it on a merged `/usr`.
pub(crate) const INSTALLED: Cataloger = Cataloger {
    name: "apk",
    what: "Alpine's packages, as apk's database lists them",
    evidence: &[Pattern::Exact("lib/apk/db/installed"), Pattern::Exact("usr/lib/apk/db/installed")],
    companions: &[],
    read,
};

const NAME_BYTES_MAX: usize = 300;
const VALUE_BYTES_MAX: usize = 1 << 20;
const PACKAGES_MAX: usize = 200_000;
const RELATIONS_MAX: usize = 10_000;
const COMPLAINTS_MAX: usize = 20;
// A directory counts once for each of its files: a long one with many would fill the memory.
const FILES_BYTES_MAX: usize = 256 << 20;

#[derive(Default)]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    architecture: Option<String>,
    license: Option<String>,
    description: Option<String>,
    url: Option<String>,
    origin: Option<String>,
    maintainer: Option<String>,
    hash: Option<Hash>,
    needs: Vec<Vec<String>>,
    provides: Vec<String>,
    files: Vec<String>,
    is_empty: bool,
}

impl Entry {
    fn new() -> Self {
        Self { is_empty: true, ..Self::default() }
    }
}

struct Reader<'a> {
    context: &'a Context<'a>,
    found: Found,
    entry: Entry,
    directory: String,
    files_bytes: usize,
    n_complaints: usize,
}

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut reader = Reader {
        context,
        found: Found::default(),
        entry: Entry::new(),
        directory: String::new(),
        files_bytes: 0,
        n_complaints: 0,
    };
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for (number, line) in whole.split(|byte| *byte == b'\n').enumerate() {
        if reader.found.drafts.len() >= PACKAGES_MAX {
            reader.complain(number, "is beyond the limit of packages, the rest is not read");
            break;
        }
        if line.is_empty() {
            reader.close();
        } else {
            reader.line(number, line);
        }
    }
    if !reader.entry.is_empty && !bytes.ends_with(b"\n\n") {
        reader
            .found
            .notes
            .push(context.note("the last package has no end, the file may be cut off"));
    }
    reader.close();
    reader.found
}

impl Reader<'_> {
    fn complain(&mut self, number: usize, what: &str) {
        self.n_complaints += 1;
        if self.n_complaints <= COMPLAINTS_MAX {
            self.found.notes.push(self.context.note(format!("line {} {what}", number + 1)));
        }
    }

    fn line(&mut self, number: usize, line: &[u8]) {
        let [field, b':', value @ ..] = line else {
            self.complain(number, "is no field");
            return;
        };
        if value.len() > VALUE_BYTES_MAX {
            self.complain(number, "is longer than the limit");
            return;
        }
        self.entry.is_empty = false;
        let text = String::from_utf8_lossy(value);
        let some = || Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let entry = &mut self.entry;
        match field {
            b'P' => entry.name = some(),
            b'V' => entry.version = some(),
            b'A' => entry.architecture = some(),
            b'L' => entry.license = some(),
            b'T' => entry.description = some(),
            b'U' => entry.url = some(),
            b'o' => entry.origin = some(),
            b'm' => entry.maintainer = some(),
            b'C' => entry.hash = hash(text.trim()),
            b'D' => entry.needs = names(&text).map(|name| vec![name]).collect(),
            b'p' => entry.provides = names(&text).collect(),
            b'F' => self.directory = text.into_owned(),
            b'R' => self.file(number, &text),
            // Sizes, times, checksums of files, modes, and fields of versions to come.
            _ => {}
        }
    }

    fn file(&mut self, number: usize, name: &str) {
        let slash = if self.directory.is_empty() { "" } else { "/" };
        self.files_bytes += self.directory.len() + name.len() + 2;
        if self.files_bytes > FILES_BYTES_MAX {
            self.complain(number, "is beyond the limit of file names");
            return;
        }
        self.entry.files.push(format!("/{}{slash}{name}", self.directory));
    }

    fn close(&mut self) {
        let entry = std::mem::replace(&mut self.entry, Entry::new());
        self.directory.clear();
        if entry.is_empty {
            return;
        }
        let place = self.found.drafts.len() + 1;
        match &entry.name {
            Some(name) if name.len() <= NAME_BYTES_MAX => {
                if entry.version.is_none() {
                    let message = format!("package `{name}` has no version");
                    self.found.notes.push(self.context.note(message));
                }
                let name = name.clone();
                self.found.drafts.push(draft(name, entry, self.context));
            }
            Some(_) => {
                let message = format!("the name of package {place} is too long");
                self.found.notes.push(self.context.note(message));
            }
            None => {
                let message = format!("package {place} has no name");
                self.found.notes.push(self.context.note(message));
            }
        }
    }
}

// The identity of the package (apk-tools, "checksum"): `Q1` and a SHA-1, or `Q2` and a SHA-256, in base 64.
fn hash(text: &str) -> Option<Hash> {
    let (algorithm, n_bytes, text) = match text.split_at_checked(2)? {
        ("Q1", rest) => (HashAlgorithm::Sha1, 20, rest),
        ("Q2", rest) => (HashAlgorithm::Sha256, 32, rest),
        _ => return None,
    };
    let text = text.trim_end_matches('=');
    if text.len() != (n_bytes * 8_usize).div_ceil(6) {
        return None;
    }
    let mut hex = String::new();
    let (mut bits, mut n_bits) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            write!(hex, "{:02x}", bits >> n_bits & 0xff).ok()?;
        }
    }
    Some(Hash { algorithm, hex })
}

// `so:libc.musl-x86_64.so.1 busybox>=1.2 !conflict package@repository`.
fn names(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace()
        .filter(|word| !word.starts_with('!'))
        .filter_map(|word| word.split(['<', '>', '=', '~', '@']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .take(RELATIONS_MAX)
}

fn draft(name: String, entry: Entry, context: &Context<'_>) -> Draft {
    let source = entry.version.as_ref().map(|version| SourcePackage {
        name: entry.origin.clone().unwrap_or_else(|| name.clone()),
        version: version.clone(),
    });
    let purl = os_purl::purl(&Parts {
        kind: PackageKind::Apk,
        name: &name.to_lowercase(),
        version: entry.version.as_deref(),
        architecture: entry.architecture.as_deref(),
        distro: context.distro,
        namespace: Some("alpine"),
        upstream: entry.origin.as_deref().filter(|origin| *origin != name),
    });
    let licenses = entry
        .license
        .map(|declared| License::declared(declared.clone(), os_license::expression(&declared)));
    let mut provides = vec![name.clone()];
    provides.extend(entry.provides);
    Draft {
        built_from: Vec::new(),
        surroundings: entry.architecture.clone().unwrap_or_default(),
        provides,
        requires: entry.needs,
        package: Package {
            name,
            version: entry.version,
            architecture: entry.architecture,
            source,
            purl,
            licenses: licenses.into_iter().collect(),
            supplier: entry.maintainer.as_deref().and_then(supplier::supplier),
            homepage: entry.url,
            summary: entry.description,
            evidence: vec![context.evidence(Method::Database)],
            introduced_by: context.layer_of(&entry.files).or_else(|| context.introduced()),
            files: entry.files,
            hashes: entry.hash.into_iter().collect(),
            ..Package::new(PackageKind::Apk, "")
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes() {
        let found = hash("Q1DadJ0cqdT+ImyeY5FgTxf2bLAQA=").unwrap();
        assert_eq!(found.algorithm, HashAlgorithm::Sha1);
        assert_eq!(found.hex, "0da749d1ca9d4fe226c9e6391604f17f66cb0100");
        let found = hash(&format!("Q2{}=", "/".repeat(43))).unwrap();
        assert_eq!(found.hex, "f".repeat(64));
        for bad in [
            "",
            "Q",
            "Q1",
            "Q1abc=",
            "Q3DadJ0cqdT+ImyeY5FgTxf2bLAQA=",
            "Q1DadJ0cqdT-ImyeY5FgTxf2bLAQA=",
        ] {
            assert_eq!(hash(bad), None, "{bad}");
        }
    }
}
