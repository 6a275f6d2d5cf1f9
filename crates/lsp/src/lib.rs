//! The language server protocol, version 3.17, over a linter: findings while one types, fixes, explanations.
//!
//! Entry points: [`serve`], [`Workspace`].
//! Invariants: memory is bounded by the limits on messages and documents; what a client sends wrongly gets an error of the
//! protocol and never ends the server, except a header that cannot be read, after which nobody knows where a message begins.
//! Follows microsoft.github.io/language-server-protocol/specifications/lsp/3.17.

// expect-test writes raw strings with hashes.
#![cfg_attr(test, allow(clippy::needless_raw_string_hashes))]

mod action;
mod document;
mod hover;
mod instruction;
mod message;
mod position;
mod server;

pub use message::Error;
pub use server::{Ending, serve};

use std::path::Path;

use sealift_diagnostic::{Diagnostic, Rule};

/// What the server asks of the linter.
pub trait Workspace {
    /// The findings of a text that is to be saved at `path`; an error is shown to the person in one line.
    fn lint(&self, path: &Path, text: &str) -> Result<Vec<Diagnostic>, String>;
    /// The text with everything mended that can be mended safely.
    fn fix_all(&self, path: &Path, text: &str) -> Result<String, String>;
    /// The words of a rule.
    fn rule(&self, id: &str) -> Option<&'static Rule>;
}
