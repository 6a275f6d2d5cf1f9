//! Text that knows which bytes of the file it came from, although continuations and comments were cut out of it.

use std::{fmt, ops::Deref, ops::Range};

use sealift_diagnostic::Span;

/// A stretch of joined text that is contiguous in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    at: usize,
    source: usize,
}

/// Joined text of an instruction, with the way back to the source for every byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    text: String,
    segments: Vec<Segment>,
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where a byte range of this text lies in the source; a range over a line continuation covers it.
    pub fn span(&self, range: Range<usize>) -> Span {
        let start = self.source(range.start);
        if range.end <= range.start {
            Span::at(start)
        } else {
            Span::new(start, self.source(range.end - 1) + 1)
        }
    }

    /// Where all of this text lies in the source.
    pub fn full_span(&self) -> Span {
        self.span(0..self.text.len())
    }

    /// Where the lines of the source begin in this text, the first left out: each was continued from the one before.
    pub fn continued_at(&self) -> impl Iterator<Item = usize> {
        let inside = |at: &usize| *at > 0 && *at < self.text.len();
        self.segments.iter().skip(1).map(|segment| segment.at).filter(inside)
    }

    /// A part of this text; empty when the range does not fit.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or("").to_owned();
        let first = self.segments.partition_point(|segment| segment.at <= range.start).max(1) - 1;
        let segments = self
            .segments
            .iter()
            .skip(first)
            .take_while(|segment| segment.at <= range.end)
            .map(|segment| Segment {
                at: segment.at.saturating_sub(range.start),
                source: segment.source + range.start.saturating_sub(segment.at),
            })
            .collect();
        Self { text, segments }
    }

    /// A part of this text as a word.
    pub(crate) fn word(&self, range: Range<usize>) -> Word {
        Word { text: self.text.get(range.clone()).unwrap_or("").to_owned(), span: self.span(range) }
    }

    /// Append text that starts at `source` in the file.
    pub(crate) fn push(&mut self, text: &str, source: usize) {
        self.segments.push(Segment { at: self.text.len(), source });
        self.text.push_str(text);
    }

    fn source(&self, at: usize) -> usize {
        let after = self.segments.partition_point(|segment| segment.at <= at);
        let segment = after.checked_sub(1).and_then(|index| self.segments.get(index));
        segment.map_or(0, |segment| segment.source + (at - segment.at))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// A word as written — unexpanded, with its quotes — and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Where.
    pub span: Span,
}

impl Word {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_finds_its_way_back() {
        let mut text = Text::default();
        text.push("RUN a ", 10);
        text.push("b c", 20);
        assert_eq!(text.as_str(), "RUN a b c");
        assert_eq!(text.span(0..3), Span::new(10, 13));
        assert_eq!(text.span(4..7), Span::new(14, 21));
        assert_eq!(text.continued_at().collect::<Vec<_>>(), [6]);
        let part = text.slice(4..9);
        assert_eq!(part.as_str(), "a b c");
        assert_eq!(part.span(0..1), Span::new(14, 15));
        assert_eq!(part.span(2..5), Span::new(20, 23));
        assert_eq!(part.slice(4..5).full_span(), Span::new(22, 23));
        assert_eq!(text.slice(7..99).as_str(), "");
    }
}
