//! The advisory database: one file that is mapped and matched against, one of texts that is read only for what is shown.
//!
//! Entry points: [`build`] makes both from advisories, [`Database::open`] reads them. Any number of processes read at
//! once without a lock; a new database takes the place of the old one by renaming.
//!
//! Invariants: what is read is never believed: damage is an error, never a wrong answer. Ids of one flaw are merged over
//! `aliases` only, and never so that two CVEs become one. The same advisories give the same bytes.

mod build;
mod database;
mod file;
#[doc(hidden)]
pub mod fuzz;
mod identity;
mod map;
mod number;
mod order;
mod rows;
mod text;

pub use build::{Built, Contents, build};
pub use database::{
    CORE_NAME, Database, Error, Flaw, FlawId, Record, RecordId, Source, TEXTS_NAME,
};
pub use file::Damaged;
pub use order::scheme;
pub use rows::{End, Interval, Place, Row, Rows};
pub use text::Text;
