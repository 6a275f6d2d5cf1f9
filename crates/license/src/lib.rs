//! Licences as SPDX expressions, by what others wrote: names, copyright files, texts.
//!
//! Entry: [`name`] for the names of ecosystems, [`os`] for those of distributions, [`copyright`] for Debian's files,
//! [`read_text`] for the text of a licence.
//!
//! Invariant: what is given as an expression is a valid one, and a wrong one is worse than none.

pub mod copyright;
pub mod name;
pub mod os;

mod expression;
mod notice;
mod spelled;
mod text;
mod words;

pub use notice::{Reading, read_text};
