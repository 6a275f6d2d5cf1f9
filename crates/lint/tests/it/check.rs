//! How the tests lint.

use expect_test::Expect;
use sealift_diagnostic::{Diagnostic, Tier, mend, patch, render_short};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, lint};

/// Findings with the default configuration and an empty `.dockerignore`.
pub(crate) fn found(source: &str) -> Vec<Diagnostic> {
    let config = Config::default();
    let context = Context { dockerignore: Some(""), ..Context::new(&config) };
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

/// What fixes of one rule, up to a tier, make of a text: the patch, then what was refused.
#[allow(dead_code, reason = "each topic of rules uses it once it has fixes")]
pub(crate) fn mends(rule: &str, tier: Tier, source: &str, expected: Expect) {
    let mut only = |text: &str, _: &[sealift_diagnostic::NewFile]| {
        let mut found = found(text);
        for other in found.iter_mut().filter(|finding| finding.rule.as_deref() != Some(rule)) {
            other.fixes.clear();
        }
        found
    };
    let fixed = mend(source, tier, &mut only);
    let refused: Vec<String> = fixed
        .refused
        .iter()
        .map(|it| format!("refused: {}, {}\n", it.fix.title, it.refusal))
        .collect();
    let shown = patch("Dockerfile", Some(source), &fixed.text).replace('\r', "␍");
    expected.assert_eq(&format!("{shown}{}", refused.concat()));
    let again = mend(&fixed.text, tier, &mut only);
    assert_eq!(again.text, fixed.text, "mending what is mended changes nothing");
}
