//! Which findings a report shows.

use sealift_exception::Exceptions;
use sealift_model::Severity;

/// Which findings a report shows; the default is all in what can run. What is left out is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Severities to show; empty shows all. As with other scanners, a list without `Unknown` hides what nobody rated.
    pub severities: Vec<Severity>,
    /// Leave out findings that no version repairs.
    pub ignore_unfixed: bool,
    /// Leave out findings with these words for what is said of a repair (`FixState::as_str`).
    pub ignore_statuses: Vec<String>,
    /// Show findings in packages of which nothing ever runs, as kernel headers.
    pub include_not_running: bool,
    /// Judge packages that a lock file or a manifest names, whether they are there or not.
    pub include_declared: bool,
    /// What people say of findings.
    pub exceptions: Exceptions,
    /// The present, in seconds since 1970: exceptions are over by it, whatever time the report is to bear.
    pub now_secs: i64,
    /// Leave out titles, descriptions and links, which cost most of the time of a match.
    pub without_texts: bool,
}
