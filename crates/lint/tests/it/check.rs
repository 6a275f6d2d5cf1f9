//! How the tests lint.

use expect_test::Expect;
use sealift_diagnostic::{Diagnostic, render_short};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, lint};

/// Findings with the default configuration and an empty `.dockerignore`.
pub(crate) fn found(source: &str) -> Vec<Diagnostic> {
    let config = Config::default();
    let context = Context { dockerignore: Some(""), context_files: None, config: &config };
    lint(&parse(source, &Limits::default()), &context)
}

/// Findings of one rule only.
pub(crate) fn check(rule: &str, source: &str, expected: Expect) {
    let mut found = found(source);
    found.retain(|finding| finding.rule.as_deref() == Some(rule));
    expected.assert_eq(&render_short(&found, "", source));
}

/// The rule has nothing to say about any of the texts.
#[track_caller]
pub(crate) fn silent(rule: &str, sources: &[&str]) {
    for source in sources {
        let found = found(source);
        let hits: Vec<&Diagnostic> =
            found.iter().filter(|finding| finding.rule.as_deref() == Some(rule)).collect();
        assert!(hits.is_empty(), "{source}\n{hits:#?}");
        let syntax = found.iter().find(|finding| finding.rule.as_deref() == Some("SL0001"));
        assert!(syntax.is_none(), "{source}\n{syntax:#?}");
    }
}
