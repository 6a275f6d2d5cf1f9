//! The examples of the rules: each rule finds its bad one, is silent on its good one, and its fixes mend the bad one.
//! What lies beside a Dockerfile an example says in comments at its top: `# .dockerignore: dist`,
//! `# sealift.toml: lint.labels.team = "text"`.

use sealift_diagnostic::{Diagnostic, NewFile, Rule, Tier, mend};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{CHECKS, Config, Context, LabelKind, LabelSchema, PackageIndex, Resolver, lint};

use crate::archive::Small;
use crate::resolving::Answers;

/// What lies in the folder of the examples.
const FILES: [&str; 6] =
    [".git/config", "app.py", "package.json", "package-lock.json", "requirements.txt", "src/a.c"];

fn found(rule: &Rule, text: &str, files: &[NewFile]) -> Vec<Diagnostic> {
    let registries = vec!["docker.io".to_owned()];
    let levels = [(rule.id.to_owned(), rule.level)].into();
    let today = Some("2026-06-01".to_owned());
    let labels = label_schema(text);
    let config = Config { levels, registries, today, labels, ..Config::default() };
    let names: Vec<String> = FILES.iter().map(|&name| name.to_owned()).collect();
    let said: Vec<&str> = beside(text, ".dockerignore").collect();
    let said = said.join("\n");
    // The rule on ignore files that are missing has none.
    let own = (rule.id != "SL4005").then_some(said.as_str());
    let dockerignore = files.first().map(|file| file.content.as_str()).or(own);
    // One rule speaks only where an archive is known.
    let packages = (rule.id == "SL2020").then_some(&Small as &dyn PackageIndex);
    // These speak, or mend, only where names can be looked up.
    let is_resolved = ["SL1005", "SL2002", "SL3054"].contains(&rule.id);
    let resolver = is_resolved.then_some(&Answers as &dyn Resolver);
    let context_files = Some(names.as_slice());
    let context =
        Context { dockerignore, context_files, packages, resolver, ..Context::new(&config) };
    lint(&parse(text, &Limits::default()), &context)
}

/// What an example says of a file beside it.
fn beside<'a>(text: &'a str, file: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(move |line| line.strip_prefix("# ")?.strip_prefix(file)?.strip_prefix(": "))
}

fn label_schema(text: &str) -> LabelSchema {
    let mut schema = LabelSchema::default();
    for line in beside(text, "sealift.toml") {
        let (key, value) = line.split_once(" = ").unwrap();
        if let Some(name) = key.strip_prefix("lint.labels.") {
            let kind = LabelKind::parse(value.trim_matches('"')).unwrap();
            schema.labels.insert(name.to_owned(), kind);
        } else {
            assert_eq!((key, value), ("lint.strict_labels", "true"));
            schema.is_strict = true;
        }
    }
    schema
}

fn of<'a>(rule: &Rule, found: &'a [Diagnostic]) -> Vec<&'a Diagnostic> {
    found.iter().filter(|finding| finding.rule.as_deref() == Some(rule.id)).collect()
}

#[test]
fn rules_find_their_bad_examples_and_not_their_good_ones() {
    for rule in CHECKS.iter().map(|check| &check.rule) {
        assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{} has no example", rule.id);
        let bad = found(rule, rule.bad, &[]);
        assert!(!of(rule, &bad).is_empty(), "{} finds nothing in\n{}", rule.id, rule.bad);
        let good = found(rule, rule.good, &[]);
        assert!(of(rule, &good).is_empty(), "{} finds fault with\n{}", rule.id, rule.good);
        for text in [rule.bad, rule.good] {
            let syntax = found(rule, text, &[]);
            let syntax = syntax.iter().find(|it| it.rule.as_deref() == Some("SL0001"));
            assert!(syntax.is_none() || rule.id == "SL0001", "{}: {syntax:?}", rule.id);
        }
    }
}

#[test]
fn fixes_mend_the_bad_examples() {
    for rule in CHECKS.iter().map(|check| &check.rule) {
        let before = found(rule, rule.bad, &[]);
        let mendable = of(rule, &before)
            .iter()
            .all(|finding| finding.fixes.iter().any(|fix| fix.tier <= Tier::Suggested));
        let fixed = mend(rule.bad, Tier::Suggested, &mut |text, files| found(rule, text, files));
        let left = of(rule, &fixed.left);
        assert!(!mendable || left.is_empty(), "{} is still found in\n{}", rule.id, fixed.text);
    }
}
