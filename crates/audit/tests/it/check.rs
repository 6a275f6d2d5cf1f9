//! How the tests audit.

use std::collections::BTreeMap;

use expect_test::Expect;
use sealift_audit::{Context, FileKind, Limits, fix, lint};
use sealift_diagnostic::{Diagnostic, Fixed, Tier, render_short};
use sealift_lint::Config;

/// Findings with the default configuration and nothing beside the file.
pub(crate) fn found(kind: FileKind, text: &str) -> Vec<Diagnostic> {
    beside(kind, text, &[])
}

/// Findings with other files beside this one.
pub(crate) fn beside(kind: FileKind, text: &str, files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let files: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let read = |path: &str| files.get(path).cloned();
    let config = Config::default();
    lint(text, kind, &Context { config: &config, read: &read, limits: Limits::default() })
}

/// All findings, one line each.
pub(crate) fn check(kind: FileKind, text: &str, expected: Expect) {
    expected.assert_eq(&render_short(&found(kind, text), "", text));
}

/// Findings of some rules, one line each.
pub(crate) fn check_rules(kind: FileKind, rules: &[&str], text: &str, expected: Expect) {
    let mut found = found(kind, text);
    found.retain(|finding| finding.rule.as_deref().is_some_and(|rule| rules.contains(&rule)));
    expected.assert_eq(&render_short(&found, "", text));
}

/// What mending up to a tier makes of a text; doing it again changes nothing.
pub(crate) fn mended(kind: FileKind, text: &str, tier: Tier) -> Fixed {
    let config = Config::default();
    let context = Context { config: &config, read: &|_| None, limits: Limits::default() };
    let fixed = fix(text, kind, &context, tier);
    let again = fix(&fixed.text, kind, &context, tier);
    assert_eq!(again.text, fixed.text, "mending again changes something");
    let broken = fixed.left.iter().find(|it| it.rule.as_deref() == Some("SL0001"));
    let was_broken = found(kind, text).iter().any(|it| it.rule.as_deref() == Some("SL0001"));
    assert!(was_broken || broken.is_none(), "{broken:?}\n{}", fixed.text);
    fixed
}
