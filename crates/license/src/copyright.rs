//! Debian's copyright files: those in the machine-readable format (copyright-format 1.0), and free text.

use std::collections::BTreeMap;

use sealift_deb822::{self as deb822, Limits, Paragraph};

use crate::notice::read_text;
use crate::words::{is_copyright, is_decoration};
use crate::{expression, name};

const LICENSES_MAX: usize = 100;
const BYTES_MAX: usize = 4 << 20;
const LIMITS: Limits = Limits { paragraphs_max: 50_000, fields_max: 100, value_bytes_max: 1 << 20 };
const HOLDERS_BYTES_MAX: usize = 4000;
const DECLARED_BYTES_MAX: usize = 1000;
// Texts of licences that are compared with the known ones; further ones are only read by name.
const TEXTS_BYTES_MAX: usize = 2 << 20;

/// A licence that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// In the file's words; of a text that has no name for it, the expression.
    pub declared: String,
    /// As an SPDX expression, if it is one.
    pub spdx: Option<String>,
    /// True if it was recognised by its text or by what the file says in sentences.
    pub is_detected: bool,
}

/// What a copyright file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copyright {
    /// The licences, each once.
    pub licenses: Vec<Named>,
    /// The lines that say who holds the copyright, each once, up to a few thousand bytes.
    pub holders: Option<String>,
}

/// Reads a copyright file.
pub fn read(bytes: &[u8]) -> Copyright {
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    if is_machine_readable(bytes) { machine_readable(bytes) } else { free_text(bytes) }
}

fn is_machine_readable(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(2000)];
    let text = String::from_utf8_lossy(start);
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| {
        let lower = line.trim_start_matches('\u{feff}').to_ascii_lowercase();
        lower.starts_with("format:") || lower.starts_with("format-specification:")
    })
}

fn machine_readable(bytes: &[u8]) -> Copyright {
    let (paragraphs, _) = deb822::parse(bytes, LIMITS);
    let texts = Texts::new(&paragraphs);
    let is_packaging = |paragraph: &&Paragraph| {
        paragraph.get("Files").is_some_and(|files| {
            files.split_whitespace().all(|file| file.starts_with("debian/") || file == "debian")
        })
    };
    // A paragraph of its own beside `Files` only has the text of a licence that others name.
    let all: Vec<&Paragraph> = paragraphs
        .iter()
        .enumerate()
        .filter(|(place, paragraph)| *place == 0 || paragraph.get("Files").is_some())
        .map(|(_, paragraph)| paragraph)
        .collect();
    // How a package was made is licensed apart from what is in it.
    let program: Vec<&Paragraph> =
        all.iter().copied().filter(|paragraph| !is_packaging(paragraph)).collect();
    let has_license = program.iter().any(|paragraph| paragraph.some("License").is_some());
    let chosen = if has_license { program } else { all };

    let mut copyright = Copyright::default();
    let mut holders = Holders::default();
    for paragraph in chosen {
        for line in paragraph.all("Copyright").flat_map(str::lines) {
            holders.add(line);
        }
        let Some(license) = paragraph.get("License") else { continue };
        let synopsis = license.lines().next().unwrap_or_default();
        let declared = synopsis.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_known = copyright.licenses.iter().any(|known| known.declared == declared);
        if declared.is_empty() || is_known || copyright.licenses.len() >= LICENSES_MAX {
            continue;
        }
        let own_text = license.split_once('\n').map(|(_, text)| text);
        let (spdx, is_detected) = texts.expression(&declared, own_text);
        let declared = declared.chars().take(DECLARED_BYTES_MAX).collect();
        copyright.licenses.push(Named { declared, spdx, is_detected });
    }
    copyright.holders = holders.finish();
    copyright
}

// The texts of licences by the names that the file gives them, and what was recognised in them.
struct Texts {
    readings: BTreeMap<String, Option<String>>,
}

impl Texts {
    fn new(paragraphs: &[Paragraph]) -> Self {
        let mut texts: BTreeMap<String, &str> = BTreeMap::new();
        for license in paragraphs.iter().filter_map(|paragraph| paragraph.get("License")) {
            let Some((name, text)) = license.split_once('\n') else { continue };
            let name = key(name);
            // A name that stands for two texts says nothing.
            texts.entry(name).and_modify(|known| *known = longer(known, text)).or_insert(text);
        }
        let mut budget = TEXTS_BYTES_MAX;
        let mut readings = BTreeMap::new();
        for (name, text) in texts {
            if name::is_strict(&name) || text.len() > budget {
                continue;
            }
            budget -= text.len();
            readings.insert(name, only(text));
        }
        Self { readings }
    }

    // The expression of a licence field, and whether a text helped to it.
    fn expression(&self, declared: &str, own_text: Option<&str>) -> (Option<String>, bool) {
        let helped = std::cell::Cell::new(false);
        let by_text = |term: &str| {
            let found = self.readings.get(&key(term)).cloned().flatten();
            helped.set(helped.get() || found.is_some());
            found
        };
        let by_name = |term: &str| {
            if name::is_strict(&key(term)) {
                return name::debian_term(term);
            }
            by_text(term).or_else(|| name::debian_term(term))
        };
        if let Some(expression) = expression::read_debian(declared, &by_name) {
            return (Some(expression), helped.get());
        }
        // The text of the whole, under a name with operators in it.
        if let Some(expression) = by_text(declared) {
            return (Some(expression), true);
        }
        if own_text.is_some() && !declared.contains(' ') {
            return (None, false);
        }
        // What is known of an expression is worth more than nothing, if what is not known is still named.
        let has_known = std::cell::Cell::new(false);
        let with_references = |term: &str| {
            let found = by_name(term);
            has_known.set(has_known.get() || found.is_some());
            found.or_else(|| reference(term))
        };
        let expression = expression::read_debian(declared, &with_references);
        (expression.filter(|_| has_known.get()), helped.get())
    }
}

// The one licence that a text is; as it stands, with its broken words joined, or behind an introduction.
fn only(text: &str) -> Option<String> {
    let one = |text: &str| read_text(text.as_bytes()).only().map(str::to_owned);
    let found = one(text);
    if found.is_some() {
        return found;
    }
    let notice = "COPYRIGHT AND PERMISSION NOTICE";
    if let Some((_, terms)) = text.split_once(notice) {
        return one(terms);
    }
    text.contains("-\n").then(|| one(&joined(text))).flatten()
}

// `fur-` at the end of a line and `nished` in the next are one word.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let broken = out.ends_with("-\n") && line.trim_start().starts_with(char::is_lowercase);
        if broken {
            out.truncate(out.len() - 2);
        }
        out.push_str(if broken { line.trim_start() } else { line });
        out.push('\n');
    }
    out
}

fn longer<'a>(left: &'a str, right: &'a str) -> &'a str {
    if right.len() > left.len() { right } else { left }
}

fn key(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

// A name of the file's own, as SPDX refers to licences that are not in its list.
fn reference(term: &str) -> Option<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = term.trim_end_matches(',').chars().map(plain).collect();
    let name = name.trim_matches('-');
    let is_name = !name.is_empty() && name.len() <= 100;
    is_name.then(|| format!("LicenseRef-{name}"))
}

fn free_text(bytes: &[u8]) -> Copyright {
    let text = String::from_utf8_lossy(bytes);
    let mut copyright = Copyright::default();
    for expression in read_text(bytes).expressions {
        if copyright.licenses.len() < LICENSES_MAX {
            let declared = expression.clone();
            copyright.licenses.push(Named { declared, spdx: Some(expression), is_detected: true });
        }
    }
    for pointed in pointers(&text) {
        let is_said = copyright.licenses.iter().any(|known| pointed.is_in(&known.declared));
        if !is_said && copyright.licenses.len() < LICENSES_MAX {
            let spdx = pointed.spdx.map(str::to_owned);
            copyright.licenses.push(Named { declared: pointed.name, spdx, is_detected: false });
        }
    }
    let mut holders = Holders::default();
    for line in text.lines().filter(|line| is_copyright(line)) {
        holders.add(line);
    }
    copyright.holders = holders.finish();
    copyright
}

// A file of `/usr/share/common-licenses`.
struct Pointer {
    name: String,
    spdx: Option<&'static str>,
}

impl Pointer {
    // True if an expression has a licence of the family already: then the pointer only says where its text is.
    fn is_in(&self, expression: &str) -> bool {
        let family = match self.spdx {
            Some(spdx) if !self.name.ends_with("GPL") => spdx,
            _ => self.name.split('-').next().unwrap_or_default(),
        };
        let is_family = |id: &str| {
            id == family || id.strip_prefix(family).is_some_and(|rest| rest.starts_with('-'))
        };
        expression.split([' ', '(', ')']).any(is_family)
    }
}

// Which versions of the GNU licences a package may be used under is not said by the place of a text.
fn pointers(text: &str) -> Vec<Pointer> {
    const COMMON: &str = "common-licenses/";
    let mut pointers: Vec<Pointer> = Vec::new();
    for (at, _) in text.match_indices(COMMON) {
        let name: String = text[at + COMMON.len()..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
            .take(40)
            .collect();
        let name = name.trim_end_matches(['.', '-']).to_owned();
        let spdx = match name.as_str() {
            "Apache-2.0" => Some("Apache-2.0"),
            "Artistic" => Some("Artistic-1.0-Perl"),
            "BSD" => Some("BSD-3-Clause"),
            "CC0-1.0" => Some("CC0-1.0"),
            "MPL-1.1" => Some("MPL-1.1"),
            "MPL-2.0" => Some("MPL-2.0"),
            "GPL" => Some("GPL-1.0-or-later"),
            "LGPL" => Some("LGPL-2.0-or-later"),
            _ => None,
        };
        if !name.is_empty() && !pointers.iter().any(|known| known.name == name) {
            pointers.push(Pointer { name, spdx });
        }
        if pointers.len() >= LICENSES_MAX {
            break;
        }
    }
    pointers
}

// Lines, each once, in order, as long as there is room.
#[derive(Default)]
struct Holders {
    lines: Vec<String>,
    bytes: usize,
}

impl Holders {
    fn add(&mut self, line: &str) {
        let line: String = line
            .trim_matches(is_decoration)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let is_full = self.bytes + line.len() > HOLDERS_BYTES_MAX;
        if !line.is_empty() && !is_full && !self.lines.contains(&line) {
            self.bytes += line.len() + 1;
            self.lines.push(line);
        }
    }

    fn finish(self) -> Option<String> {
        (!self.lines.is_empty()).then(|| self.lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, Option<&str>)]) {
        let copyright = read(text.as_bytes());
        let found: Vec<(&str, Option<&str>)> = copyright
            .licenses
            .iter()
            .map(|license| (license.declared.as_str(), license.spdx.as_deref()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn copyright_files() {
        check(
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nLicense: GPL-2+\n\nFiles: *\nLicense:  Expat  or ISC\n text\n\nFiles: x\nLicense: GPL-2+\n\nFiles: y\nLicense: my own\n\nFiles: debian/*\nLicense: GPL-3\n\nLicense: BSD-3-clause\n text\n",
            &[
                ("GPL-2+", Some("GPL-2.0-or-later")),
                ("Expat or ISC", Some("MIT OR ISC")),
                ("my own", None),
            ],
        );
        check(
            "This is free; see `/usr/share/common-licenses/GPL-2'.\nAnd /usr/share/common-licenses/Apache-2.0.\n/usr/share/common-licenses/GPL-2",
            &[("Apache-2.0", Some("Apache-2.0")), ("GPL-2", None)],
        );
        check("", &[]);
        check("/usr/share/common-licenses/", &[]);
        assert_eq!(read(b"\xff\xfe\0"), Copyright::default());
    }
}
