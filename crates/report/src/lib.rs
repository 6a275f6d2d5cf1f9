//! Reports as table and JSON.
//!
//! Entry points: [`table`] for people, [`json`] for programs that read `trivy image --format json`.
//! Both show the same findings in the same number, and both say so when only example advisories were used.

mod json;
mod table;
mod wire;

pub use json::json;
pub use table::{TableOptions, table};
