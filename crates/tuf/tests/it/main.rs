//! Against what real programs said to each other. Each test says aloud if it has to skip.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test's helpers are tests too")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

mod attacks;
mod documents;
mod flows;
mod hostile;
mod lab;
mod oracle;
mod properties;
mod races;
mod recorded;
mod rotation;
mod store_suite;
mod transcripts;
