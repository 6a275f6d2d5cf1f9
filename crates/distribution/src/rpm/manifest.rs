//! The list of packages of images without rpm: `rpm -qa` with ten columns (Mariner, `container-manifest-2`).
//!
//! Name, version and release, time of installation, time of building, vendor, epoch, size, architecture, epoch as
//! a number, source package.

use super::package::{self, Identity};
use crate::cataloger::{Context, Found};

const COLUMNS: usize = 10;
const COMPLAINTS_MAX: usize = 20;
const LINES_MAX: usize = 200_000;
const LINE_BYTES_MAX: usize = 16 << 10;

pub(super) fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let mut complain = |number: usize, what: &str| {
        if found.notes.len() < COMPLAINTS_MAX {
            found.notes.push(context.note(format!("line {} {what}", number + 1)));
        }
    };
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if number >= LINES_MAX {
            complain(number, "is beyond the limit of lines, the rest is not read");
            break;
        }
        if line.is_empty() {
            continue;
        }
        if line.len() > LINE_BYTES_MAX {
            complain(number, "is longer than the limit");
            continue;
        }
        let line = String::from_utf8_lossy(line);
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        if columns.len() < COLUMNS || columns[0].is_empty() {
            complain(number, "is no package");
            continue;
        }
        let some = |column: usize| {
            let text = columns[column];
            (!text.is_empty() && text != "(none)").then(|| text.to_owned())
        };
        let version = some(1);
        if version.is_none() {
            complain(number, "has no version");
        }
        let identity = Identity {
            name: columns[0].to_owned(),
            epoch: some(8).and_then(|epoch| epoch.parse().ok()),
            version,
            release: None,
            architecture: some(7),
            source_rpm: some(9),
            vendor: some(4),
        };
        found.drafts.push(package::of(identity, context));
    }
    found
}
