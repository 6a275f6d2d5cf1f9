//! Byte ranges of a source text, and their lines and columns.

use std::ops::Range;

/// A byte range of a source text: `start` inclusive, `end` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
}

impl Span {
    /// The span from `start` to `end`; an end before the start makes it empty.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The empty span at `offset`.
    pub fn at(offset: usize) -> Self {
        Self { start: offset, end: offset }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether the span covers nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `offset` lies inside.
    pub fn contains(&self, offset: usize) -> bool {
        self.start <= offset && offset < self.end
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The text it covers; empty when the span does not fit the source.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or("")
    }

    /// The span as a range.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The span moved to character borders inside `source`.
    pub(crate) fn clamp(self, source: &str) -> Self {
        let start = source.floor_char_boundary(self.start);
        Self { start, end: source.ceil_char_boundary(self.end).max(start) }
    }
}

/// Starts of the lines of a source, for many look-ups.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Index `source`.
    pub fn new(source: &str) -> Self {
        let mut starts = vec![0];
        starts
            .extend(source.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1));
        Self { starts }
    }

    /// Line of `offset`, counted from one.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Line and column of `offset`, both counted from one; the column counts characters.
    pub fn line_column(&self, source: &str, offset: usize) -> (usize, usize) {
        let offset = source.floor_char_boundary(offset);
        let line = self.line(offset);
        let start = self.line_start(line);
        (line, source.get(start..offset).map_or(0, |text| text.chars().count()) + 1)
    }

    /// Offset of the first byte of a line counted from one; the last line's for any later one.
    pub fn line_start(&self, line: usize) -> usize {
        let at = line.saturating_sub(1).min(self.starts.len() - 1);
        self.starts.get(at).copied().unwrap_or(0)
    }

    /// Number of lines.
    pub fn count(&self) -> usize {
        self.starts.len()
    }
}

/// Line and column of `offset` in `source`, both counted from one; the column counts characters.
pub fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let offset = source.floor_char_boundary(offset);
    let before = &source[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let source = "ä b\r\nc\n";
        let index = LineIndex::new(source);
        for (offset, expected) in
            [(0, (1, 1)), (1, (1, 1)), (2, (1, 2)), (6, (2, 1)), (8, (3, 1)), (999, (3, 1))]
        {
            assert_eq!(line_column(source, offset), expected, "offset {offset}");
            assert_eq!(index.line_column(source, offset), expected, "offset {offset}");
        }
        assert_eq!((index.line_start(2), index.line_start(99), index.count()), (6, 8, 3));
    }

    #[test]
    fn span_that_does_not_fit_gives_no_text() {
        assert_eq!(Span::new(1, 2).text("ä"), "");
        assert_eq!(Span::new(5, 9).text("abc"), "");
        assert_eq!(Span::new(1, 1).clamp("ä"), Span::new(0, 2).clamp("ä").join(Span::at(0)));
    }
}
