//! What a program's bytes tell: who built it, of what, in which version.
//!
//! Entry: [`Program::parse`] finds sections and segments in ELF, PE and Mach-O files; each other module reads one kind of record
//! out of them.
//!
//! Invariants: pure functions from bytes; nothing is read beyond the bytes that are there; every count and length that a
//! file states is held against a limit; the work for a file grows with its size, not with what it states.

pub mod bytes;
mod container;

pub mod assembly;
pub mod go;
pub mod go_functions;
pub mod kernel;
pub mod native_image;
pub mod note;
pub mod resources;
pub mod rust;
pub mod signature;

pub use container::{Format, Program, Section, Segment};
