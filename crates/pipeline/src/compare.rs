//! Holding a report against an older image or an older report.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sealift_model::Report;
use sealift_report::{OldReport, REPORT_BYTES_MAX};
use sealift_scan::Earlier;

use crate::scan::{ScanRequest, scan};
use crate::{Error, Session, examine};

/// What is older.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Whatever can be scanned; it is, with the same advisories and options.
    Image(String),
    /// A JSON report.
    Report(PathBuf),
}

/// Fills the report's comparison, and leaves out what is not new if only that is wanted.
pub fn compare(
    session: &Session<'_>,
    report: &mut Report,
    before: &Before,
    only_new: bool,
    request: &ScanRequest,
) -> Result<(), Error> {
    let earlier = match before {
        Before::Image(text) => {
            let old = examine::examine(session, text)?;
            let old_report = scan(session, &old.inventory, old.artifact, request)?;
            Earlier::of_image(&old.inventory, old_report)
        }
        Before::Report(path) => {
            let OldReport { name, created_secs, findings } = read(path)?;
            let name = if name.is_empty() { path.display().to_string() } else { name };
            Earlier { name, created_secs, findings, packages: None }
        }
    };
    sealift_scan::compare(report, &earlier);
    if only_new {
        sealift_scan::only_new(report);
    }
    Ok(())
}

fn read(path: &Path) -> Result<OldReport, Error> {
    let fail = |source| Error::file("read", path, source);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(REPORT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    let hint = "`sealift scan -f json -o FILE IMAGE` writes one that can be compared with";
    if bytes.len() > REPORT_BYTES_MAX {
        return Err(Error::usage(format!("`{}` is larger than a report", path.display()), hint));
    }
    sealift_report::read(&bytes).map_err(|error| {
        Error::usage(format!("cannot compare with `{}`: {error}", path.display()), hint)
    })
}
