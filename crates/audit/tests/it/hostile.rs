//! Files that mean harm.

use std::time::{Duration, Instant};

use sealift_audit::FileKind::{self, Compose};

use crate::check::{found, mended};

fn quick(kind: FileKind, text: &str) -> Vec<String> {
    let start = Instant::now();
    let messages = found(kind, text).into_iter().map(|it| it.message).collect();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    messages
}

#[test]
fn bombs_of_aliases_end() {
    let mut text = "a0: &a0 {image: x}\n".to_owned();
    for level in 1..40 {
        let below = format!("*a{}", level - 1);
        let list = [below.as_str(); 10].join(", ");
        text.extend([
            "a",
            &level.to_string(),
            ": &a",
            &level.to_string(),
            " {<<: [",
            &list,
            "]}\n",
        ]);
    }
    text.push_str("services: {web: *a39, b: {<<: *a39}}\n");
    let messages = quick(Compose, &text);
    assert!(messages.iter().any(|it| it.starts_with("aliases stand for more")), "{messages:?}");
}

#[test]
fn circles_of_merge_keys_end() {
    quick(
        Compose,
        "services: &s\n  a: &a\n    image: x\n    <<: *a\n  b: {extends: c, image: x}\n  c: {extends: b}\n",
    );
    let messages = quick(Compose, "a: &a [*a]\nservices: {w: {image: x}}\n");
    assert!(messages.iter().any(|it| it.contains("an alias stands inside")), "{messages:?}");
}

#[test]
fn deep_and_large_files_end() {
    let deep = "[".repeat(100_000);
    assert!(!quick(Compose, &format!("services: {deep}")).is_empty());
    let nested: Vec<String> =
        (0..5000).map(|depth| format!("{}a:\n", " ".repeat(depth % 200))).collect();
    quick(Compose, &nested.concat());
    let wide: Vec<String> =
        (0..2000).map(|number| format!("  s{number}: {{image: a:1}}\n")).collect();
    quick(Compose, &format!("services:\n{}", wide.concat()));
    quick(Compose, &"---\n".repeat(100_000));
    quick(Compose, &format!("services: {{a: {{image: \"{}\"}}}}", "x".repeat(10_000_000)));
}

#[test]
fn odd_bytes_are_harmless() {
    for text in [
        "",
        "\u{feff}",
        "services:",
        "services: {}",
        "services: []",
        "services: {a: }",
        "services: {a: null}",
        "services:\n  ? [a]\n  : {image: x}\n",
        "services:\n\t a: b\n",
        "\0",
        "services: {\0: \u{1b}[2J}",
        "services: {web: {image: x, ports: [a, {}, [], 1:2:3:4:5, \":\", \"::\"], volumes: [\":\", {}, \"::::\"]}}",
        "services: {web: {image: x, environment: [a, =b, \"=\"], security_opt: [\":\", {}], ulimits: [x]}}",
        "services:\n  web: &w\n    image: x\n  two: *w\n",
        "%YAML 9.9\n---\nservices: {}\n",
        "services: !!map\n  a: !x {image: &i y}\n",
    ] {
        found(Compose, text);
        mended(Compose, text, sealift_diagnostic::Tier::Suggested);
    }
}
