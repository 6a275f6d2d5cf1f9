//! Text that knows which bytes of the file it came from, although continuations and comments were cut out of it.

use std::{fmt, ops::Deref, ops::Range};

use sealift_diagnostic::Span;
use smol_str::SmolStr;

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
    segments: Segments,
}

/// The segments of a text. Most texts have one, which has its own place so that nothing is allocated for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Segments {
    first: Option<Segment>,
    more: Vec<Segment>,
}

const LINE_BYTES: usize = 32;

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where a byte range of this text lies in the source; a range over a line continuation covers it.
    pub fn span(&self, range: Range<usize>) -> Span {
        let (segment, after) = self.segments.around(range.start);
        let source = |segment: Segment, at: usize| segment.source + (at - segment.at);
        let start = segment.map_or(0, |segment| source(segment, range.start));
        if range.end <= range.start {
            return Span::at(start);
        }
        let last = range.end - 1;
        let segment = match after {
            // Most ranges are words of one line.
            Some(after) if after.at <= last => self.segments.around(last).0,
            _ => segment,
        };
        Span::new(start, segment.map_or(0, |segment| source(segment, last)) + 1)
    }

    /// Where all of this text lies in the source.
    pub fn full_span(&self) -> Span {
        self.span(0..self.text.len())
    }

    /// Where the lines of the source begin in this text, the first left out: each was continued from the one before.
    pub fn continued_at(&self) -> impl Iterator<Item = usize> {
        let inside = |at: &usize| *at > 0 && *at < self.text.len();
        self.segments.more.iter().map(|segment| segment.at).filter(inside)
    }

    /// A part of this text; empty when the range does not fit.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or("").to_owned();
        Self { text, segments: self.segments.slice(range) }
    }

    /// A part of this text as a word.
    pub(crate) fn word(&self, range: Range<usize>) -> Word {
        Word::new(self.text.get(range.clone()).unwrap_or(""), self.span(range))
    }

    /// Nothing yet, with room for so many bytes in lines of a common length.
    pub(crate) fn with_room(bytes: usize) -> Self {
        let more = Vec::with_capacity(bytes / LINE_BYTES);
        Self { text: String::with_capacity(bytes), segments: Segments { first: None, more } }
    }

    /// Append text that starts at `source` in the file.
    pub(crate) fn push(&mut self, text: &str, source: usize) {
        self.segments.push(Segment { at: self.text.len(), source });
        self.text.push_str(text);
    }

    /// Take everything out, and keep the room.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.segments.first = None;
        self.segments.more.clear();
    }
}

impl Segments {
    fn push(&mut self, segment: Segment) {
        if self.first.is_none() {
            self.first = Some(segment);
        } else {
            self.more.push(segment);
        }
    }

    /// The segment that a byte of the text is in, and the one after it.
    fn around(&self, at: usize) -> (Option<Segment>, Option<Segment>) {
        match self.more.first().copied() {
            Some(second) if second.at <= at => {
                let after = self.more.partition_point(|segment| segment.at <= at);
                (Some(self.more[after - 1]), self.more.get(after).copied())
            }
            second => (self.first, second),
        }
    }

    /// Those of a part of the text.
    fn slice(&self, range: Range<usize>) -> Self {
        let cut = |segment: &Segment| Segment {
            at: segment.at.saturating_sub(range.start),
            source: segment.source + range.start.saturating_sub(segment.at),
        };
        let start = self.more.partition_point(|segment| segment.at <= range.start);
        let first = if start == 0 { self.first.as_ref() } else { self.more.get(start - 1) };
        let Some(first) = first.filter(|segment| segment.at <= range.end) else {
            return Self::default();
        };
        let end = self.more.partition_point(|segment| segment.at <= range.end).max(start);
        Self { first: Some(cut(first)), more: self.more[start..end].iter().map(cut).collect() }
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
    /// The word. A short one, as nearly all are, needs no memory of its own.
    pub text: SmolStr,
    /// Where.
    pub span: Span,
}

impl Word {
    /// A word at its place.
    pub fn new(text: impl Into<SmolStr>, span: Span) -> Self {
        Self { text: text.into(), span }
    }

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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn a_part_knows_what_the_whole_knows(
            lines in prop::collection::vec(("[a-c]{0,3}", 0_usize..4), 0..6),
            cuts in (0_usize..20, 0_usize..20),
        ) {
            let (mut text, mut source) = (Text::default(), 0);
            let mut sources = Vec::new();
            for (line, gap) in &lines {
                source += gap;
                text.push(line, source);
                sources.extend(source..source + line.len());
                source += line.len();
            }
            let from = cuts.0.min(text.len());
            let part = text.slice(from..text.len().min(from + cuts.1));
            for (whole, here) in [(&sources[..], &text), (&sources[from..from + part.len()], &part)] {
                for start in 0..whole.len() {
                    for end in start + 1..=whole.len() {
                        let expected = Span::new(whole[start], whole[end - 1] + 1);
                        prop_assert_eq!(here.span(start..end), expected);
                    }
                }
            }
        }
    }
}
