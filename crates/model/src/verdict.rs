//! What a policy says.

use sealift_oci::Digest;

/// What all policies together say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The result.
    pub outcome: Outcome,
    /// Why, in the order of the policies.
    pub violations: Vec<Violation>,
    /// The policies that were judged: file name and digest of its text.
    pub policies: Vec<(String, Digest)>,
}

impl Verdict {
    /// The outcome that these violations amount to.
    pub fn from_violations(violations: Vec<Violation>, policies: Vec<(String, Digest)>) -> Self {
        let outcome = match violations.iter().map(|violation| violation.level).max() {
            Some(Level::Deny | Level::Error) => Outcome::Fail,
            Some(Level::Warn) => Outcome::Warn,
            None => Outcome::Pass,
        };
        Self { outcome, violations, policies }
    }
}

/// Result of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing is against it.
    Pass,
    /// There are warnings.
    Warn,
    /// It is refused.
    Fail,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// How serious.
    pub level: Level,
    /// Rego package, `docker.image`.
    pub package: String,
    /// Rule, `deny`.
    pub rule: String,
    /// File of the policy.
    pub file: String,
    /// What the rule says.
    pub message: String,
}

/// How serious a violation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A warning.
    Warn,
    /// A refusal.
    Deny,
    /// The rule itself failed, which is a refusal too.
    Error,
}
