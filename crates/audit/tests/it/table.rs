//! Every rule finds its own bad example, says nothing on its good one, and is mended by its own fixes.

use sealift_audit::{FileKind, kind, rules_of_files};
use sealift_diagnostic::Tier;

use crate::check::{found, mended};

#[test]
fn examples_show_their_rules() {
    let mut seen = 0;
    for rule in rules_of_files() {
        let has = |text: &str| {
            assert!(!text.is_empty(), "{} has no example", rule.id);
            let kind = kind("", text).unwrap_or(FileKind::Compose);
            found(kind, text).iter().any(|it| it.rule.as_deref() == Some(rule.id))
        };
        assert!(has(rule.bad), "{} {} does not find its bad example", rule.id, rule.name);
        assert!(!has(rule.good), "{} {} finds its good example", rule.id, rule.name);
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn fixes_of_examples_mend_them() {
    for rule in rules_of_files() {
        let kind = kind("", rule.bad).unwrap_or(FileKind::Compose);
        let is_own = |it: &&sealift_diagnostic::Diagnostic| it.rule.as_deref() == Some(rule.id);
        let fixable = found(kind, rule.bad)
            .iter()
            .filter(is_own)
            .all(|it| it.fixes.iter().any(|fix| fix.tier <= Tier::Suggested));
        let fixed = mended(kind, rule.bad, Tier::Suggested);
        if fixable {
            assert!(!fixed.left.iter().any(|it| is_own(&it)), "{}\n{}", rule.id, fixed.text);
        }
        assert!(fixed.refused.is_empty(), "{} {:?}\n{}", rule.id, fixed.refused, fixed.text);
    }
}

#[test]
fn the_table_is_well_formed() {
    let all: Vec<_> = rules_of_files().collect();
    for rule in &all {
        assert!(rule.id.len() == 6 && rule.id.starts_with("SL"), "{}", rule.id);
        for text in [rule.why, rule.fix] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{}", rule.id);
        }
        if let Some(shared) = sealift_lint::rule(rule.id) {
            assert_eq!(shared.name, rule.name, "{}", rule.id);
        }
        let same = all.iter().filter(|other| other.id == rule.id && other.name != rule.name);
        assert_eq!(same.count(), 0, "{}", rule.id);
    }
}
