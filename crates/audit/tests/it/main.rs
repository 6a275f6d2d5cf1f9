//! Files with faults, what is found in them, and what mending makes of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod check;
mod compose;
mod fixes;
mod hostile;
mod image;
mod kubernetes;
mod project;
mod table;
