//! Texts with secrets, and what users say of them.

use sealift_secrets::{Baseline, Config, Rules, Scanner};

use crate::{parts, text};

/// A text and, behind a separator, its path: what is found is in it, in order, and never shown whole.
pub fn secrets(bytes: &[u8]) {
    let parts = parts(bytes);
    let path = parts.get(1).and_then(|part| text(part)).unwrap_or("a.txt");
    let found = Scanner::default().scan(path, parts[0]);
    let mut last = 0;
    for secret in &found.secrets {
        // A text in wide letters is read as another one, whose places are not those of its bytes.
        let is_wide = parts[0].starts_with(&[0xff, 0xfe]) || parts[0].starts_with(&[0xfe, 0xff]);
        assert!(is_wide || secret.range.end <= parts[0].len());
        assert!(secret.range.start >= last && secret.range.end >= secret.range.start);
        assert!(secret.line > 0 && secret.column > 0 && secret.end_line >= secret.line);
        assert_eq!(secret.fingerprint.len(), 64);
        if !is_wide && secret.range.len() > 8 && !parts[0][secret.range.clone()].contains(&0xe2) {
            let whole = String::from_utf8_lossy(&parts[0][secret.range.clone()]).into_owned();
            assert!(!secret.masked.contains(&whole), "a secret was shown");
        }
        last = secret.range.end;
    }
}

/// A configuration of gitleaks with, behind separators, a text to use it on and a baseline.
pub fn secret_config(bytes: &[u8]) {
    let parts = parts(bytes);
    let part = |place: usize| parts.get(place).and_then(|part| text(part)).unwrap_or_default();
    if let Ok(rules) = Rules::read(part(0), &mut |_| Err("there is none".to_owned())) {
        Scanner::new(Config { rules, ..Config::default() }).scan("a.txt", part(1).as_bytes());
    }
    if let Ok(baseline) = Baseline::read(part(2)) {
        baseline.knows("", "a", "a.txt", 1);
    }
}
