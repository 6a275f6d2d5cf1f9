//! Which findings a report shows.

use sealift_model::Severity;

/// Which findings a report shows; the default is all. What is left out is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Severities to show; empty shows all. As with other scanners, a list without `Unknown` hides what nobody rated.
    pub severities: Vec<Severity>,
    /// Leave out findings that no version repairs.
    pub ignore_unfixed: bool,
}
