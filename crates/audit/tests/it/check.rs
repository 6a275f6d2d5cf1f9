//! How the tests audit.

use expect_test::Expect;
use sealift_audit::{Beside, Context, FileKind, Limits, fix, lint};
use sealift_diagnostic::{Diagnostic, Fixed, Tier, render_short};
use sealift_lint::Config;

/// Findings with the default configuration and nothing beside the file.
pub(crate) fn found(kind: FileKind, text: &str) -> Vec<Diagnostic> {
    beside(kind, text, &[])
}

/// Findings with other files beside this one.
pub(crate) fn beside(kind: FileKind, text: &str, files: &[(&str, &str)]) -> Vec<Diagnostic> {
    in_project(kind, "compose.yaml", text, &[], files)
}

/// Findings of one file of a project, with others beside it.
pub(crate) fn in_project(
    kind: FileKind,
    path: &str,
    text: &str,
    project: &[&str],
    files: &[(&str, &str)],
) -> Vec<Diagnostic> {
    let config = Config::default();
    let project: Vec<String> = project.iter().map(|&name| name.to_owned()).collect();
    let read = |path: &str| beside_of(files, path);
    let limits = Limits::default();
    lint(text, kind, &Context { config: &config, path, project: &project, read: &read, limits })
}

/// What lies at a path beside the file.
pub(crate) fn beside_of(files: &[(&str, &str)], path: &str) -> Beside {
    if path.starts_with(['/', '.']) {
        return Beside::Outside;
    }
    let found = files.iter().find(|(name, _)| *name == path);
    found.map_or(Beside::Missing, |(_, text)| Beside::Text((*text).to_owned()))
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
    let read = |_: &str| Beside::Missing;
    let limits = Limits::default();
    let context =
        Context { config: &config, path: "compose.yaml", project: &[], read: &read, limits };
    let fixed = fix(text, kind, &context, tier);
    let again = fix(&fixed.text, kind, &context, tier);
    assert_eq!(again.text, fixed.text, "mending again changes something");
    let broken = fixed.left.iter().find(|it| it.rule.as_deref() == Some("SL0001"));
    let was_broken = found(kind, text).iter().any(|it| it.rule.as_deref() == Some("SL0001"));
    assert!(was_broken || broken.is_none(), "{broken:?}\n{}", fixed.text);
    fixed
}
