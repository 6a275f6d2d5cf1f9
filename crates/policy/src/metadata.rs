//! What a policy says of itself: `# METADATA` comments of OPA, and `__rego_metadata__` of trivy's older checks.

use serde_json::{Map, Value as Json};

use crate::document::{self, Kind};

const BYTES_MAX: usize = 64 << 10;

/// The annotations of a package: the block before its `package` line.
pub(crate) fn of_package(text: &str) -> Map<String, Json> {
    let mut block: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        match trimmed.strip_prefix('#') {
            Some(comment) if comment.trim() == "METADATA" => block = Some(String::new()),
            Some(comment) => {
                if let Some(block) = block.as_mut().filter(|block| block.len() < BYTES_MAX) {
                    block.push_str(comment.strip_prefix(' ').unwrap_or(comment));
                    block.push('\n');
                }
            }
            None if trimmed.is_empty() => {}
            None if trimmed.starts_with("package") => break,
            None => return Map::new(),
        }
    }
    // Annotations decide nothing, so that unreadable ones are as good as none.
    let value = block.and_then(|block| document::read(Kind::Yaml, "METADATA", &block).ok());
    match value {
        Some(Json::Object(object)) => brief(&object),
        _ => Map::new(),
    }
}

/// What reports show: `id`, `title`, `severity`, `description`, whether they stand at the top or under `custom`.
pub(crate) fn brief(annotations: &Map<String, Json>) -> Map<String, Json> {
    let custom = annotations.get("custom").and_then(Json::as_object);
    let names = ["id", "title", "severity", "description", "recommended_action"];
    let value = |name: &str| annotations.get(name).or_else(|| custom?.get(name));
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), value(name)?.clone())))
        .filter(|(_, value)| value.is_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations() {
        let text =
            "# METADATA\n# title: \"T\"\n# custom:\n#   id: DS-1\n#   severity: HIGH\npackage a\n";
        let expected = serde_json::json!({"id": "DS-1", "title": "T", "severity": "HIGH"});
        assert_eq!(Json::Object(of_package(text)), expected);
        assert!(of_package("package a\n# METADATA\n# title: x").is_empty());
        assert!(of_package("# METADATA\n# title: [\npackage a").is_empty());
    }
}
