//! tar: a hardened reader and a reproducible writer.
//!
//! Formats: POSIX.1-1988 ustar, POSIX.1-2001 pax interchange, GNU tar's own (tar(5), GNU tar manual appendix).
//! Where GNU tar, Go's `archive/tar` (Docker, containerd) and libarchive disagree on what a header means, the
//! reader refuses it.

mod block;
mod entry;
mod pax;
mod reader;
mod sparse;
mod writer;

pub use reader::{Entry, Reader};
pub use writer::Writer;

const BLOCK_BYTES: usize = 512;

// What is wrong with a header; the reader adds where.
type Fault = std::borrow::Cow<'static, str>;
