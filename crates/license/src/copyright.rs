//! Licences from Debian's copyright files (copyright-format 1.0, and free text as far as it is certain).

use sealift_deb822::{self as deb822, Limits};

use crate::name::debian_expression;

const LICENSES_MAX: usize = 100;
const BYTES_MAX: usize = 4 << 20;
const LIMITS: Limits = Limits { paragraphs_max: 50_000, fields_max: 100, value_bytes_max: 1 << 20 };

/// A licence that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// In the file's words.
    pub declared: String,
    /// As an SPDX expression, if it is one.
    pub spdx: Option<String>,
}

/// The licences that a copyright file names, each once.
pub fn licenses(bytes: &[u8]) -> Vec<Named> {
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    if is_machine_readable(bytes) { machine_readable(bytes) } else { free_text(bytes) }
}

fn is_machine_readable(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(2000)];
    let text = String::from_utf8_lossy(start);
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| {
        let lower = line.to_ascii_lowercase();
        lower.starts_with("format:") || lower.starts_with("format-specification:")
    })
}

fn machine_readable(bytes: &[u8]) -> Vec<Named> {
    let (paragraphs, _) = deb822::parse(bytes, LIMITS);
    // A paragraph of its own beside `Files` only has the text of a licence that others name.
    let named = paragraphs
        .iter()
        .enumerate()
        .filter(|(place, paragraph)| *place == 0 || paragraph.get("Files").is_some())
        .filter_map(|(_, paragraph)| paragraph.get("License"))
        .filter_map(|license| license.lines().next());
    let mut licenses: Vec<Named> = Vec::new();
    for synopsis in named {
        let declared = synopsis.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_known = licenses.iter().any(|license| license.declared == declared);
        if declared.is_empty() || is_known || licenses.len() >= LICENSES_MAX {
            continue;
        }
        let spdx = debian_expression(&declared);
        licenses.push(Named { declared, spdx });
    }
    licenses
}

// A free text that points at the common licences. Which versions of the GNU ones it grants is not said by the pointer.
fn free_text(bytes: &[u8]) -> Vec<Named> {
    const COMMON: &str = "/usr/share/common-licenses/";
    let text = String::from_utf8_lossy(bytes);
    let mut licenses: Vec<Named> = Vec::new();
    for (at, _) in text.match_indices(COMMON) {
        let name: String = text[at + COMMON.len()..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
            .take(40)
            .collect();
        let name = name.trim_end_matches('.');
        let spdx = match name {
            "Apache-2.0" => Some("Apache-2.0"),
            "Artistic" => Some("Artistic-1.0-Perl"),
            "BSD" => Some("BSD-3-Clause"),
            "CC0-1.0" => Some("CC0-1.0"),
            "MPL-1.1" => Some("MPL-1.1"),
            "MPL-2.0" => Some("MPL-2.0"),
            _ => None,
        };
        let is_known = licenses.iter().any(|license| license.declared == name);
        if !name.is_empty() && !is_known && licenses.len() < LICENSES_MAX {
            let spdx = spdx.map(str::to_owned);
            licenses.push(Named { declared: name.to_owned(), spdx });
        }
    }
    licenses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, Option<&str>)]) {
        let licenses = licenses(text.as_bytes());
        let found: Vec<(&str, Option<&str>)> = licenses
            .iter()
            .map(|license| (license.declared.as_str(), license.spdx.as_deref()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn copyright_files() {
        check(
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nLicense: GPL-2+\n\nFiles: *\nLicense:  Expat  or ISC\n text\n\nFiles: x\nLicense: GPL-2+\n\nFiles: y\nLicense: my own\n\nLicense: BSD-3-clause\n text\n",
            &[
                ("GPL-2+", Some("GPL-2.0-or-later")),
                ("Expat or ISC", Some("MIT OR ISC")),
                ("my own", None),
            ],
        );
        check(
            "This is free; see `/usr/share/common-licenses/GPL-2'.\nAnd /usr/share/common-licenses/Apache-2.0.\n/usr/share/common-licenses/GPL-2",
            &[("GPL-2", None), ("Apache-2.0", Some("Apache-2.0"))],
        );
        check("", &[]);
        check("/usr/share/common-licenses/", &[]);
        assert_eq!(licenses(b"\xff\xfe\0").len(), 0);
    }
}
