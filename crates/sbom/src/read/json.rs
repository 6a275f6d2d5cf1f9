//! Looking into JSON that may be anything.

use serde_json::Value;

/// A text that is not empty.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.trim().is_empty())
}

/// A text that is not empty, owned.
pub(super) fn owned(value: &Value, key: &str) -> Option<String> {
    text(value, key).map(str::to_owned)
}

/// A text that says something: neither SPDX's `NOASSERTION` and `NONE` nor syft's `UNKNOWN`.
pub(super) fn said(value: &Value, key: &str) -> Option<String> {
    owned(value, key).filter(|text| !matches!(text.as_str(), "NOASSERTION" | "NONE" | "UNKNOWN"))
}

/// The items of a list; none if it is no list.
pub(super) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Texts of a list, or the one text that stands there instead.
pub(super) fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    match value.get(key) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
