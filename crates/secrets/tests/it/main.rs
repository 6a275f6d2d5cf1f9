//! The scanner at its border: texts in, secrets out.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod check;

mod configuration;
mod finding;
mod hostile;
mod samples;
