//! `BuildKit`'s Dockerfile language: a lossless parser, its tree, variables, heredocs and stages.
//!
//! Entry points: [`parse`], [`stages`], [`variables::expand`].
//! Invariants: parsing is total — a mistake becomes a [`Diagnostic`] and the rest of the file is still parsed; every
//! node carries the bytes it came from, so that an edit leaves all others alone; text is kept unexpanded.
//! Follows docs.docker.com/reference/dockerfile and the tests of `BuildKit`'s parser.
//!
//! [`Diagnostic`]: sealift_diagnostic::Diagnostic

// expect-test writes raw strings with hashes.
#![cfg_attr(test, allow(clippy::needless_raw_string_hashes))]

mod text;
mod tree;

mod directive;
mod duration;
mod flag;
mod heredoc;
mod json;
mod keyword;
mod line;
mod mount;
mod parse;
mod shape;
mod split;
mod stage;

pub mod variables;

pub use directive::Directive;
pub use duration::{DurationError, parse_duration};
pub use flag::Flag;
pub use heredoc::Heredoc;
pub use keyword::Keyword;
pub use line::Comment;
pub use mount::{Mount, MountError, MountKind, Sharing, parse_mount};
pub use parse::{DecodeError, Limits, Parse, SYNTAX_RULE, decode, parse, parse_instruction};
pub use stage::{Stage, Stages, stages};
pub use text::{Text, Word};
pub use tree::{
    Argument, Command, Copy, Dockerfile, Expose, From, Healthcheck, Instruction, InstructionKind,
    Network, Onbuild, Pair, Pairs, Program, Run, Security, Source, Volume,
};
