//! Shell scripts as `RUN` has them: a tree of POSIX shell with the extensions of bash and ksh.
//!
//! Entry points: [`parse`], [`faults`].
//! Invariants: total — any text gives a tree, and what is not understood gives a [`Problem`] with its place; linear
//! time; nesting is limited. Spans are byte ranges of the text that was parsed.
//! Follows POSIX.1-2024, XCU chapter 2, and the manual of bash where it goes beyond.

// expect-test writes raw strings with hashes.
#![cfg_attr(test, allow(clippy::needless_raw_string_hashes))]

mod few;
mod tree;
mod word;

mod parse;

mod problem;

mod dialect;
mod faults;

pub use dialect::Dialect;
pub use faults::{Fault, FaultKind, Settings, faults};
pub use few::Few;
pub use parse::parse;
pub use problem::{Problem, ProblemKind};
pub use tree::{
    Arm, Assignment, Body, Branch, Chain, Command, CommandKind, Connector, Expansion, For, Heredoc,
    Part, PartKind, Pipeline, Redirect, Script, Simple, Statement, Value, Word,
};
pub use word::{assignment_name, base_name, is_name};
