//! Physical lines, and the joining of continued ones into one logical line.

use sealift_diagnostic::Span;

use crate::Text;

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

    /// The next line, left in place.
    pub(crate) fn peek(&self) -> Option<Line<'a>> {
        let rest = self.source.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let text = rest[..length].trim_end_matches(['\r', '\n']);
        Some(Line { text, start: self.at, next: self.at + length, number: self.count + 1 })
    }

    pub(crate) fn next(&mut self) -> Option<Line<'a>> {
        let line = self.peek()?;
        self.at = line.next;
        self.count = line.number;
        Some(line)
    }

    /// Everything between two offsets.
    pub(crate) fn between(&self, start: usize, end: usize) -> &'a str {
        self.source.get(start..end).unwrap_or("")
    }
}

/// A logical line: continuations joined, comments and blank lines inside cut out.
#[derive(Debug, Default)]
pub(crate) struct Logical {
    pub(crate) text: Text,
    pub(crate) comments: Vec<Comment>,
    pub(crate) blanks: Vec<Span>,
    /// The line that it starts in.
    pub(crate) number: usize,
}

/// The comment that a line is, if it is one.
pub(crate) fn comment(line: &Line<'_>) -> Option<Comment> {
    let trimmed = line.text.trim_start();
    let text = trimmed.strip_prefix('#')?.trim().to_owned();
    let start = line.start + line.text.len() - trimmed.len();
    Some(Comment {
        text,
        span: Span::new(start, start + trimmed.trim_end().len()),
        line: line.number,
    })
}

/// Read the logical line that starts with the next physical one.
pub(crate) fn logical(lines: &mut Lines<'_>, escape: char) -> Option<Logical> {
    let first = lines.next()?;
    let trimmed = first.text.trim_start();
    let mut logical = Logical { number: first.number, ..Logical::default() };
    let mut start = first.start + first.text.len() - trimmed.len();
    let (mut part, mut continued) = without_continuation(trimmed, escape);
    logical.text.push(part, start);
    while continued && let Some(line) = lines.next() {
        if let Some(comment) = comment(&line) {
            logical.comments.push(comment);
        } else if line.text.trim_start().is_empty() {
            logical.blanks.push(Span::new(line.start, line.next));
        } else {
            start = line.start;
            (part, continued) = without_continuation(line.text, escape);
            logical.text.push(part, start);
        }
    }
    Some(logical)
}

/// A line without the escape character that continues it; a doubled one continues nothing.
fn without_continuation(line: &str, escape: char) -> (&str, bool) {
    let trimmed = line.trim_end_matches([' ', '\t']);
    match trimmed.strip_suffix(escape) {
        Some(part) if !part.ends_with(escape) => (part, true),
        _ => (line, false),
    }
}
