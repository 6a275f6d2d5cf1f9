//! The examples that rules give in their documentation.

use sealift_diagnostic::{Diagnostic, Tier};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, fix, lint, rules};

fn found(source: &str, id: &str) -> Vec<Diagnostic> {
    let mut config = Config::default();
    if let Some(rule) = rules().find(|rule| rule.id == id) {
        // A rule that is off by default is on where it has a level.
        config.levels.insert(id.to_owned(), rule.level);
    }
    let context = Context { dockerignore: Some(""), ..Context::new(&config) };
    let mut found = lint(&parse(source, &Limits::default()), &context);
    found.retain(|finding| finding.rule.as_deref() == Some(id));
    found
}

#[test]
fn each_bad_example_has_its_finding_and_each_good_one_has_not() {
    for rule in rules().filter(|rule| !rule.bad.is_empty()) {
        let bad = found(rule.bad, rule.id);
        assert!(!bad.is_empty(), "{} finds nothing in its bad example\n{}", rule.id, rule.bad);
        let good = found(rule.good, rule.id);
        assert!(good.is_empty(), "{} {}\n{good:#?}", rule.id, rule.good);
        let best = bad[0].fixes.first().map(|fix| fix.tier);
        if matches!(best, Some(Tier::Safe | Tier::Suggested)) {
            let config = Config::default();
            let context = Context { dockerignore: Some(""), ..Context::new(&config) };
            let mended = fix(rule.bad, &context, &Limits::default(), Tier::Suggested);
            let left = found(&mended.text, rule.id);
            assert!(left.is_empty(), "{} is not mended\n{}\n{left:#?}", rule.id, mended.text);
        }
    }
}
