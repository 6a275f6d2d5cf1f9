//! A tree as YAML, without secrets.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::keys::{Inside, inside, join, row};
use super::tree::{Node, Value};

const HIDDEN: &str = "\"…\"";

/// The tree as YAML; secrets are dots.
pub(super) fn yaml(root: &Node) -> String {
    let mut text = String::new();
    if root.entries().is_empty() {
        text.push_str("{}\n");
    }
    block(root, "", 0, &mut text);
    text
}

fn block(node: &Node, path: &str, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                let path = match inside(path) {
                    Inside::Any => format!("{path}.*"),
                    Inside::Anything => path.to_owned(),
                    _ => join(path, &entry.key),
                };
                let _ = write!(text, "{indent}{}:", scalar(&entry.key, true));
                value(&entry.node, &path, &entry.key, depth, text);
            }
        }
        Value::List(items) => {
            for item in items {
                let _ = write!(text, "{indent}-");
                value(item, &format!("{path}[]"), "", depth, text);
            }
        }
        Value::Nothing | Value::Text { .. } => {}
    }
}

fn value(node: &Node, path: &str, key: &str, depth: usize, text: &mut String) {
    let is_secret = row(path).is_some_and(|row| row.is_secret) || is_secret_name(path, key);
    match &node.value {
        Value::Nothing => text.push('\n'),
        _ if is_secret => {
            let _ = writeln!(text, " {HIDDEN}");
        }
        Value::Text { text: content, is_plain } => {
            let _ = writeln!(text, " {}", scalar(&without_password(content), *is_plain));
        }
        Value::Map(entries) if entries.is_empty() => text.push_str(" {}\n"),
        Value::List(items) if items.is_empty() => text.push_str(" []\n"),
        Value::Map(_) | Value::List(_) => {
            text.push('\n');
            block(node, path, depth + 1, text);
        }
    }
}

// In sections whose keys this crate does not know, and in options of who knows what, the name tells.
fn is_secret_name(path: &str, key: &str) -> bool {
    let key = key.to_lowercase();
    let is_free = path.starts_with("sealift") || row(path).is_none();
    let words = [
        "password",
        "secret",
        "token",
        "accesskey",
        "credential",
        "authorization",
        "apikey",
        "api-key",
    ];
    is_free && key != "tokens" && words.iter().any(|word| key.contains(word))
}

// An address can have a password in it.
fn without_password(text: &str) -> Cow<'_, str> {
    let whole = || {
        let (scheme, rest) = text.split_once("://")?;
        let (login, host) =
            rest.split_once(['/', '?']).map_or(rest, |(it, _)| it).rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        let path = &rest[login.len() + 1 + host.len()..];
        Some(format!("{scheme}://{user}:…@{host}{path}"))
    };
    whole().map_or(Cow::Borrowed(text), Cow::Owned)
}

// Plain where that reads as the same text, and JSON's quotes else, which YAML reads too.
fn scalar(text: &str, is_plain: bool) -> String {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "/._-$^+~".contains(c);
    let is_simple = is_plain
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/.".contains(c))
        && text.chars().all(is_fine);
    if is_simple { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
