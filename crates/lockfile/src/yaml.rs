//! The YAML that package managers write: nested keys and lists, one a line. Anything finer is not read.

/// A line: how far it is indented, whether it begins a list's item, its key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Blanks before it, those before a list's hyphen and the hyphen among them.
    pub(crate) indent: usize,
    /// True if it begins an item of a list.
    pub(crate) is_item: bool,
    /// What is before the colon, or all of an item without one. Without quotes.
    pub(crate) key: &'a str,
    /// What is behind the colon, without quotes.
    pub(crate) value: &'a str,
}

/// The lines that are neither empty nor comments.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().filter_map(|line| {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let content = content.trim_end();
        if content.is_empty() || content.starts_with('#') || matches!(content, "---" | "...") {
            return None;
        }
        let (is_item, content, indent) = match content.strip_prefix("- ") {
            Some(rest) => (true, rest.trim_start(), indent + 2),
            None => (false, content, indent),
        };
        let (key, value) = split(content);
        Some(Line { indent, is_item, key: unquoted(key), value: unquoted(value) })
    })
}

// A colon ends a key if a blank or nothing is behind it.
fn split(content: &str) -> (&str, &str) {
    let start = match content.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) => {
            let end = content[1..].bytes().position(|byte| byte == *quote);
            end.map_or(content.len(), |end| end + 2)
        }
        _ => 0,
    };
    let behind = &content[start..];
    let colon = behind.find(": ").or_else(|| behind.ends_with(':').then(|| behind.len() - 1));
    match colon {
        Some(colon) => (&content[..start + colon], behind[colon + 1..].trim()),
        None => (content, ""),
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values() {
        let check = |text, indent, is_item, key, value| {
            let expected = Some(Line { indent, is_item, key, value });
            assert_eq!(lines(text).next(), expected, "{text}");
        };
        check("a: b", 0, false, "a", "b");
        check("  \"a: b\": 'c'", 2, false, "a: b", "c");
        check("# x\n\n- a (= 1):", 2, true, "a (= 1)", "");
        check("  - http://x", 4, true, "http://x", "");
        check("\"", 0, false, "\"", "");
        check("'é: ", 0, false, "'é:", "");
        assert_eq!(lines("---\n\n#\n").next(), None);
    }
}
