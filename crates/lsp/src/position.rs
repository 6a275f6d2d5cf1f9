//! Places in a text as the protocol counts them: lines from zero, and units of UTF-16 or UTF-8 in the line.

use sealift_diagnostic::Span;
use serde_json::{Value, json};

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// Units of UTF-16: what every client knows.
    #[default]
    Utf16,
    /// Bytes.
    Utf8,
}

impl Encoding {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Utf16 => "utf-16",
            Self::Utf8 => "utf-8",
        }
    }

    fn units(self, text: &str) -> usize {
        match self {
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
            Self::Utf8 => text.len(),
        }
    }
}

/// Where the lines of a text begin: after `\n`, `\r\n` or a lone `\r`.
#[derive(Debug)]
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        Self { starts: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect() }
    }

    /// A span as a range of the protocol.
    pub(crate) fn range(&self, text: &str, span: Span, encoding: Encoding) -> Value {
        json!({
            "start": self.position(text, span.start, encoding),
            "end": self.position(text, span.end, encoding),
        })
    }

    fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Value {
        let offset = text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let column = encoding.units(&text[self.starts[line]..offset]);
        json!({ "line": line, "character": column })
    }

    /// A range of the protocol as a span; what lies outside is moved to the nearest place.
    pub(crate) fn span(&self, text: &str, range: &Value, encoding: Encoding) -> Option<Span> {
        let start = self.offset(text, &range["start"], encoding)?;
        Some(Span::new(start, self.offset(text, &range["end"], encoding)?))
    }

    /// A position of the protocol as an offset.
    pub(crate) fn offset(&self, text: &str, position: &Value, encoding: Encoding) -> Option<usize> {
        let line = usize::try_from(position["line"].as_u64()?).unwrap_or(usize::MAX);
        let units = usize::try_from(position["character"].as_u64()?).unwrap_or(usize::MAX);
        let Some(start) = self.starts.get(line) else { return Some(text.len()) };
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let content = text[*start..end].trim_end_matches(['\n', '\r']);
        let mut counted = 0;
        for (at, letter) in content.char_indices() {
            if counted >= units {
                return Some(start + at);
            }
            counted += encoding.units(letter.encode_utf8(&mut [0; 4]));
        }
        Some(start + content.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, offset: usize, encoding: Encoding, expected: (u64, u64)) {
        let lines = Lines::new(text);
        let position = lines.position(text, offset, encoding);
        assert_eq!(position, json!({ "line": expected.0, "character": expected.1 }));
        assert_eq!(lines.offset(text, &position, encoding), Some(offset));
    }

    #[test]
    fn positions_there_and_back() {
        let text = "aé😀b\r\nc\rd\ne";
        check(text, 0, Encoding::Utf16, (0, 0));
        check(text, 7, Encoding::Utf16, (0, 4));
        check(text, 7, Encoding::Utf8, (0, 7));
        check(text, 10, Encoding::Utf16, (1, 0));
        check(text, 12, Encoding::Utf16, (2, 0));
        check(text, 15, Encoding::Utf16, (3, 1));
    }

    #[test]
    fn positions_outside_are_moved() {
        let text = "ab\r\nc";
        let lines = Lines::new(text);
        let offset = |line: u64, character: u64| {
            lines.offset(text, &json!({ "line": line, "character": character }), Encoding::Utf16)
        };
        assert_eq!(offset(0, 99), Some(2));
        assert_eq!(offset(9, 0), Some(5));
        assert_eq!(offset(u64::MAX, u64::MAX), Some(5));
        assert_eq!(lines.offset(text, &json!({ "line": -1 }), Encoding::Utf16), None);
    }
}
