//! Rego over Facts, to a Verdict.
