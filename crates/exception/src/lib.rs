//! What people say of findings: ignore files and VEX documents.
//!
//! Entry points: [`Exceptions::read_ignores`] and [`Exceptions::read_vex`], then [`answer`].
//! Ignore files of other scanners are read as those scanners read them, and more strictly where a mistake would make an
//! entry wider than it was meant: what is not understood is an error. Of a VEX document, what cannot be read is a note
//! and suppresses nothing. Pure: texts in, answers out.

mod answer;
mod condition;
mod error;
mod exception;
mod expiry;
mod pattern;
mod subject;

mod ignore;

mod grype;
mod osv;
mod own;
mod trivy;
mod yaml;

mod vex;

mod csaf;
mod cyclonedx;
mod openvex;

pub use answer::{Answers, answer};
pub use error::Error;
pub use exception::{Exception, Exceptions};
pub use ignore::{BYTES_MAX, NAMES};
pub use subject::Subject;
pub use vex::BYTES_MAX as VEX_BYTES_MAX;
