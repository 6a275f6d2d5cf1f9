//! Notes of packages in ELF files (systemd, "Package Metadata for Executable Files"): JSON that says which package a program
//! belongs to.

use serde_json::Value;

use crate::bytes::{available, size_at, u32_at};
use crate::container::Program;

const SECTION: &str = ".note.package";
const OWNER: &[u8] = b"FDO\0";
const PACKAGE_METADATA: u32 = 0xcafe_1a7e;
const JSON_BYTES_MAX: usize = 64 << 10;
const NOTES_MAX: usize = 16;
const TEXT_BYTES_MAX: usize = 500;

/// What a note says; names as the specification has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageNote {
    /// Which packages it belongs to: `deb`, `rpm`, …
    pub kind: Option<String>,
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Its processor.
    pub architecture: Option<String>,
    /// The distribution.
    pub os: Option<String>,
    /// The distribution's version.
    pub os_version: Option<String>,
    /// Its name in the National Vulnerability Database, of the distribution.
    pub os_cpe: Option<String>,
    /// Its name in the National Vulnerability Database.
    pub cpe: Option<String>,
}

/// The JSON of a program's note.
pub fn json<'a>(program: &Program<'a>) -> Option<&'a [u8]> {
    let mut rest = program.section(SECTION)?;
    for _ in 0..NOTES_MAX {
        let name_size = size_at(rest, 0, program.endian)?;
        let size = size_at(rest, 4, program.endian)?;
        let kind = u32_at(rest, 8, program.endian)?;
        let name = available(rest, 12, name_size as u64);
        let start = 12_usize.checked_add(name_size.checked_next_multiple_of(4)?)?;
        let content = available(rest, start as u64, size as u64);
        if kind == PACKAGE_METADATA && name == OWNER && content.len() == size {
            let content = &content[..content.len().min(JSON_BYTES_MAX)];
            let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            return Some(&content[..end]);
        }
        rest = rest.get(start.checked_add(size.checked_next_multiple_of(4)?)?..)?;
    }
    None
}

/// Reads the JSON of a note; an error says why it cannot be.
pub fn package(json: &[u8]) -> Result<PackageNote, String> {
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| format!("its note of the package is no JSON: {error}"))?;
    let text = |key: &str| {
        let text = value.get(key)?.as_str()?.trim();
        (!text.is_empty() && text.len() <= TEXT_BYTES_MAX).then(|| text.to_owned())
    };
    Ok(PackageNote {
        kind: text("type"),
        name: text("name").ok_or("its note of the package has no name")?,
        version: text("version"),
        architecture: text("architecture"),
        os: text("os"),
        os_version: text("osVersion"),
        os_cpe: text("osCpe"),
        cpe: text("appCpe"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes() {
        let note = package(br#"{"type":"deb","os":"debian","name":"systemd","version":"252.39-1","architecture":"amd64","osCpe":"cpe:/o:debian"}"#);
        let note = note.unwrap_or_default();
        assert_eq!((note.name.as_str(), note.kind.as_deref()), ("systemd", Some("deb")));
        assert_eq!(note.version.as_deref(), Some("252.39-1"));
        for bad in [&b""[..], b"{", b"[]", b"{}", br#"{"name":1}"#, br#"{"name":" "}"#] {
            assert!(package(bad).is_err());
        }
    }
}
