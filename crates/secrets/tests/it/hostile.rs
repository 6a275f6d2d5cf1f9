//! Texts that are made to hurt.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sealift_secrets::{Config, Rules, Scanner};

// Far above what is needed, so that a slow machine does not fail; a quadratic scan would take minutes.
const PATIENCE: Duration = Duration::from_mins(1);

#[track_caller]
fn check(text: &[u8]) -> usize {
    let start = Instant::now();
    let found = Scanner::default().scan("a.txt", text);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    for secret in &found.secrets {
        assert!(
            secret.range.end <= text.len() && secret.line > 0 && secret.end_line >= secret.line
        );
    }
    found.secrets.len()
}

#[test]
fn long_lines_and_repetitions() {
    for part in [
        "key=",
        "-eyJ",
        "://a:",
        "-----BEGIN ",
        "token = \"",
        "curl -u ",
        "x",
        "a\u{0}",
        "=",
        "ghp_",
        "sk-",
        "\"",
    ] {
        check(part.repeat(1_000_000 / part.len()).as_bytes());
    }
}

#[test]
fn millions_of_candidates_are_bounded_and_said() {
    let mut text = String::new();
    for number in 0..20_000 {
        let _ = writeln!(text, "db_password = \"Zf3D0LXCM3EIM{number:06}bgJpU\"");
    }
    let found = Scanner::default().scan("a.txt", text.as_bytes());
    assert_eq!(found.secrets.len(), 1000);
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
}

#[test]
fn what_is_behind_the_limit_is_said() {
    let config = Config { file_bytes_max: 10, ..Config::default() };
    let found = Scanner::new(config).scan("a", b"0123456789abc");
    assert_eq!(found.notes, ["only its first 10 bytes were searched for secrets"]);
}

#[test]
fn patterns_that_explode_are_refused_or_bounded() {
    let none = &mut |_: &str| Err(String::new());
    let nested =
        format!("[[rules]]\nid = 'a'\nregex = '''{}a{}'''", "(".repeat(100), ")".repeat(100));
    assert!(Rules::read(&nested, none).is_err());
    let large = "[[rules]]\nid = 'a'\nregex = '''((a{1,1000}){1,1000}){1,1000}'''";
    let scan = Rules::read(large, none)
        .map(|rules| Scanner::new(Config { rules, ..Config::default() }).scan("a", b"aaaa"));
    // It may be refused when it is read or when it is used; either says so.
    if let Ok(found) = scan {
        assert!(found.secrets.is_empty() && found.notes.len() == 1, "{found:?}");
    }
    let slow = "[[rules]]\nid = 'a'\nregex = '''(a|a)*(a|a)*b'''";
    let rules = Rules::read(slow, none).unwrap();
    let start = Instant::now();
    Scanner::new(Config { rules, ..Config::default() }).scan("a", "a".repeat(100_000).as_bytes());
    assert!(start.elapsed() < PATIENCE);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), path in "[a-zA-Z./]{0,20}") {
        Scanner::default().scan(&path, &bytes);
    }

    #[test]
    fn no_text_of_parts_panics(parts in prop::collection::vec(
        prop::sample::select(vec![
            "key", "=", "\"", "eyJ", ".", "-----BEGIN", "PRIVATE KEY", "-----", "://", "@", ":", "curl", " -u ", " -H ",
            "PuTTY-User-Key-File-", "Private-Lines:", "ghp_", "AKIA", "\n", "\\", "é", "data:", "kind: Secret", "  ", "password",
            "0123456789abcdef", "Authorization: Basic ", "ZXlK", "\u{feff}", "<add key=\"Password\" value=\"",
        ]), 0..40), name in prop::sample::select(vec!["a.yaml", "a.tf", ".netrc", ".pgpass", ".npmrc", "nuget.config",
            ".docker/config.json", "etc/shadow", ".git/HEAD", "a"])) {
        check(parts.concat().as_bytes());
        Scanner::default().scan(name, parts.concat().as_bytes());
    }

    #[test]
    fn no_configuration_panics(text in "\\PC{0,200}") {
        Rules::read(&text, &mut |_| Err(String::new())).ok();
    }
}
