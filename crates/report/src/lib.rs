//! Reports in the formats that people and programs read.
//!
//! Entry points: [`FORMATS`] and [`find_format`]; [`table`] for people, [`json`] for programs that read
//! `trivy image --format json`; [`FINDING_FORMATS`] for findings on texts. All show the same findings in the same number and order, and the same report gives the
//! same bytes: the time is the report's. Texts of advisories are foreign; each format escapes and bounds them.

mod asff;
mod attest;
mod bom;
mod comparison;
mod csv;
mod findings;
mod format;
mod gitlab;
mod grype;
mod html;
mod json;
mod junit;
mod markdown;
mod packages;
mod part;
mod read;
mod remark;
mod sarif;
mod secrets;
mod table;
mod template;
mod text;
mod wire;

pub use findings::{
    FINDING_FORMATS, FindingFormat, FindingWriter, Findings, LintedFile, Subject,
    UnknownFindingFormat, find_finding_format,
};
pub use format::{Context, Encode, FORMATS, Format, UnknownFormat, find_format};
pub use json::json;
pub use read::{OldReport, REPORT_BYTES_MAX, ReadError, read};
pub use secrets::ADVICE as SECRET_ADVICE;
pub use table::{TableOptions, table};
pub use template::by_template;
