//! Recall over samples of another scanner, which are not here: `SEALIFT_SECRET_SAMPLES` names a file with one JSON object
//! a line, `{"Rule", "Path", "Text", "Want"}`, where `Want` says whether the text has a secret of the rule.

use std::collections::{BTreeMap, BTreeSet};

use sealift_secrets::Scanner;
use serde_json::Value;

#[test]
fn samples_of_another_scanner() {
    let Ok(path) = std::env::var("SEALIFT_SECRET_SAMPLES") else {
        eprintln!("SKIPPED: SEALIFT_SECRET_SAMPLES names no file");
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let lines: BTreeSet<&str> = text.lines().collect();
    let scanner = Scanner::default();
    let (mut wanted, mut found, mut others, mut wrong) = (0, 0, 0, 0);
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut reported: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        let sample: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| sample[name].as_str().unwrap().to_owned();
        let (rule, text) = (field("Rule"), field("Text"));
        let secrets = scanner.scan(&field("Path"), text.as_bytes()).secrets;
        if sample["Want"].as_bool().unwrap() {
            wanted += 1;
            if secrets.is_empty() {
                missing.entry(rule).or_default().push(text);
            } else {
                found += 1;
            }
        } else {
            others += 1;
            if secrets.iter().any(|secret| secret.rule == rule) {
                wrong += 1;
                reported.entry(rule).or_default().push(text);
            }
        }
    }
    for (word, list) in [("missing", &missing), ("reported", &reported)] {
        for (rule, texts) in list {
            eprintln!("{word} {rule}: {} as {:?}", texts.len(), &texts[..texts.len().min(3)]);
        }
    }
    eprintln!("found {found} of {wanted}, reported {wrong} of {others} that are none");
    assert!(found * 100 >= wanted * 95, "{found} of {wanted}");
    assert!(wrong * 100 <= others * 5, "{wrong} of {others}");
}
