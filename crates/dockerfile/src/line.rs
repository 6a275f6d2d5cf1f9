//! Physical lines, and the joining of continued ones into one logical line.

use sealift_diagnostic::Span;

use crate::{Text, split};

/// A comment outside heredocs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its words, without `#` and white space at both ends.
    pub text: String,
    /// From `#` to the end of the line.
    pub span: Span,
    /// Its line, counted from one.
    pub line: usize,
}

/// One physical line without its line break.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
    /// Where the next line starts.
    pub(crate) next: usize,
    /// Counted from one.
    pub(crate) number: usize,
}

/// Walks over the physical lines of a source.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    source: &'a str,
    at: usize,
    /// Lines that were read.
    count: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(source: &'a str, at: usize) -> Self {
        Self { source, at, count: 0 }
    }

    /// All of it.
    pub(crate) fn source(&self) -> &'a str {
        self.source
    }

    /// Where the next line starts, if there is one.
    pub(crate) fn next_start(&self) -> Option<usize> {
        (self.at < self.source.len()).then_some(self.at)
    }

    pub(crate) fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.source.get(self.at..).filter(|rest| !rest.is_empty())?;
        let bytes = rest.as_bytes();
        let (mut end, length) = match memchr::memchr(b'\n', bytes) {
            Some(at) => (at, at + 1),
            None => (rest.len(), rest.len()),
        };
        while end > 0 && bytes[end - 1] == b'\r' {
            end -= 1;
        }
        let start = self.at;
        self.at += length;
        self.count += 1;
        Some(Line { text: &rest[..end], start, next: self.at, number: self.count })
    }

    /// Everything between two offsets.
    pub(crate) fn between(&self, start: usize, end: usize) -> &'a str {
        self.source.get(start..end).unwrap_or("")
    }
}

impl<'a> Line<'a> {
    /// Its text without white space at its start, and where that starts in the source.
    pub(crate) fn trimmed(&self) -> (&'a str, usize) {
        let trimmed = split::trim_start(self.text);
        (trimmed, self.start + self.text.len() - trimmed.len())
    }
}

const ROOM_BYTES: usize = 4096;

/// A logical line: continuations joined, comments and blank lines inside cut out.
#[derive(Debug, Default)]
pub(crate) struct Logical {
    pub(crate) text: Text,
    pub(crate) blanks: Vec<Span>,
}

/// The comment that a trimmed line is, if it is one.
pub(crate) fn comment(trimmed: &str, start: usize, line: usize) -> Option<Comment> {
    let text = trimmed.strip_prefix('#')?.trim().to_owned();
    Some(Comment { text, span: Span::new(start, start + trimmed.trim_end().len()), line })
}

impl Logical {
    /// Nothing yet, with room for the longest line of most files, as one after another is read.
    pub(crate) fn with_room(source: &str) -> Self {
        Self { text: Text::with_room(source.len().min(ROOM_BYTES)), blanks: Vec::new() }
    }

    /// Read the logical line that starts with this physical one; comments inside it go to the others.
    pub(crate) fn read(
        &mut self,
        first: &Line<'_>,
        lines: &mut Lines<'_>,
        comments: &mut Vec<Comment>,
        escape: char,
    ) {
        self.text.clear();
        self.blanks.clear();
        let (trimmed, start) = first.trimmed();
        let (part, mut continued) = without_continuation(trimmed, escape);
        self.text.push(part, start);
        while continued && let Some(line) = lines.next() {
            let (trimmed, start) = line.trimmed();
            if let Some(comment) = comment(trimmed, start, line.number) {
                comments.push(comment);
            } else if trimmed.is_empty() {
                self.blanks.push(Span::new(line.start, line.next));
            } else {
                let part;
                (part, continued) = without_continuation(line.text, escape);
                self.text.push(part, line.start);
            }
        }
    }
}

/// A line without the escape character that continues it; a doubled one continues nothing.
fn without_continuation(line: &str, escape: char) -> (&str, bool) {
    let blanks = line.bytes().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let trimmed = &line[..line.len() - blanks];
    match trimmed.strip_suffix(escape) {
        Some(part) if !part.ends_with(escape) => (part, true),
        _ => (line, false),
    }
}
