//! What the tests ask.

use sealift_secrets::Scanner;

/// The rules that find something in a text, with what they found.
pub(crate) fn found(path: &str, text: &str) -> Vec<(String, String)> {
    let found = Scanner::default().scan(path, text.as_bytes());
    found
        .secrets
        .iter()
        .map(|secret| (secret.rule.to_string(), text[secret.range.clone()].to_owned()))
        .collect()
}

/// Checks which rules find what.
#[track_caller]
pub(crate) fn check(path: &str, text: &str, expected: &[(&str, &str)]) {
    let found = found(path, text);
    let found: Vec<(&str, &str)> =
        found.iter().map(|(rule, secret)| (rule.as_str(), secret.as_str())).collect();
    assert_eq!(found, expected, "{text}");
}
