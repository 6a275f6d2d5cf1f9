//! Lines of YAML as files of settings have them: keys with values, items of lists. What is in block scalars is skipped.
//!
//! It is no reader of YAML: anchors, flow collections, and texts over several lines are not understood.

const LINES_MAX: usize = 200_000;

/// A line that says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Column of the key, or of the item's text.
    pub indent: usize,
    /// True behind a dash.
    pub is_item: bool,
    /// `key:`; none for an item that is a text.
    pub key: Option<&'a str>,
    /// What is behind the key or the dash, without quotes and comment.
    pub value: &'a str,
}

/// The lines, as far as the limit goes.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    // The column that a block scalar's lines are behind of.
    let mut block: Option<usize> = None;
    text.lines().take(LINES_MAX).filter_map(move |raw| {
        let mut rest = raw.trim_start_matches(' ');
        let mut indent = raw.len() - rest.len();
        if rest.trim().is_empty() || block.is_some_and(|column| indent > column) {
            return None;
        }
        block = None;
        if rest.starts_with('#') {
            return None;
        }
        let mut parent = indent;
        let mut is_item = false;
        while let Some(item) = rest.strip_prefix("- ") {
            let text = item.trim_start_matches(' ');
            parent = indent;
            indent += rest.len() - text.len();
            rest = text;
            is_item = true;
        }
        let (key, value) = match key(rest) {
            Some((key, value)) => {
                parent = indent;
                (Some(unquoted(key)), value.trim())
            }
            None => (None, rest.trim()),
        };
        let is_block = value.starts_with(['|', '>'])
            && value[1..]
                .trim_start_matches(['-', '+', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                .trim_start()
                .chars()
                .next()
                .is_none_or(|next| next == '#');
        if is_block {
            block = Some(parent);
        }
        Some(Line { indent, is_item, key, value: if is_block { "" } else { plain(value) } })
    })
}

fn key(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end();
    let is_quoted = text.starts_with(['"', '\'']);
    let start = if is_quoted { text[1..].find(&text[..1])? + 2 } else { 0 };
    let colon = match text[start..].find(": ") {
        Some(colon) => start + colon,
        None if text.ends_with(':') => text.len() - 1,
        None => return None,
    };
    // ` #` before the colon: it is in a comment.
    if text[..colon].contains(" #") {
        return None;
    }
    Some((&text[..colon], text.get(colon + 1..).unwrap_or_default()))
}

// Without a comment and quotes.
fn plain(value: &str) -> &str {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = &value[1..];
            inner.find(quote).map_or(inner, |end| &inner[..end])
        }
        Some('#') => "",
        _ => value.split(" #").next().unwrap_or_default().trim_end(),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings() {
        let text = "a: 1 # x\n'b' : \"2 # y\"\nc:\n  - d: e\n    f: |\n      uses: no\n\n      more: no\n  - - g\n  -   \"h: i\"\n#j: k\nl: >-  # m\n n: o\np:\n- q=1\nr: http://x#y\n";
        let found: Vec<(usize, bool, Option<&str>, &str)> =
            lines(text).map(|line| (line.indent, line.is_item, line.key, line.value)).collect();
        assert_eq!(
            found,
            [
                (0, false, Some("a"), "1"),
                (0, false, Some("b"), "2 # y"),
                (0, false, Some("c"), ""),
                (4, true, Some("d"), "e"),
                (4, false, Some("f"), ""),
                (6, true, None, "g"),
                (6, true, None, "h: i"),
                (0, false, Some("l"), ""),
                (0, false, Some("p"), ""),
                (2, true, None, "q=1"),
                (0, false, Some("r"), "http://x#y"),
            ]
        );
    }

    #[test]
    fn hostile() {
        for text in [
            "",
            ":",
            "- ",
            "-",
            "\"",
            "'a",
            "- - - -",
            "|",
            "a: |",
            "\u{e4}: \u{e4}",
            "a: \"\u{e4}",
            "\t:\t",
        ] {
            assert!(lines(text).count() <= 1, "{text}");
        }
        assert!(lines(&"- ".repeat(1 << 20)).count() <= 1);
        assert_eq!(lines(&"a: b\n".repeat(LINES_MAX + 5)).count(), LINES_MAX);
    }
}
