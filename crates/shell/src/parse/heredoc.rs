//! Heredocs: their delimiters and bodies.

use sealift_diagnostic::Span;

use super::Parser;
use crate::{Few, Heredoc, Part, PartKind, ProblemKind, Word};

impl<'a> Parser<'a> {
    /// The delimiter behind `<<`; its body is read at the end of the line.
    pub(super) fn heredoc(&mut self, strip_tabs: bool) -> (Word<'a>, usize) {
        let start = self.at;
        let target = self.word().unwrap_or_else(|| {
            self.problem(ProblemKind::Missing("a delimiter"), Span::new(start, self.at));
            Word { parts: Few::new(), span: Span::at(start) }
        });
        let delimiter = target.text(self.text).into_owned();
        let quoted = target.is_quoted();
        let index = self.heredocs.len();
        self.heredocs.push(Heredoc {
            delimiter,
            quoted,
            strip_tabs,
            span: None,
            parts: Vec::new(),
        });
        self.pending.push(index);
        (target, index)
    }

    /// Read the bodies of the heredocs of the line that ended here.
    pub(super) fn heredoc_bodies(&mut self) {
        for index in std::mem::take(&mut self.pending) {
            let start = self.at;
            let mut end = None;
            let heredoc = &self.heredocs[index];
            while end.is_none() && self.at < self.end {
                let rest = &self.bytes[self.at..self.end];
                let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                let line = self.text.get(self.at..self.at + length).unwrap_or("");
                let line = line.strip_suffix('\r').unwrap_or(line);
                let line = if heredoc.strip_tabs { line.trim_start_matches('\t') } else { line };
                if line == heredoc.delimiter {
                    end = Some(self.at);
                }
                self.at = (self.at + length + 1).min(self.end);
            }
            let after = self.at;
            let quoted = heredoc.quoted;
            if end.is_none() {
                self.problem(ProblemKind::EndlessHeredoc, Span::new(start.min(after), after));
            }
            let span = Span::new(start, end.unwrap_or(after));
            let parts = if quoted { Vec::new() } else { self.heredoc_parts(span) };
            let heredoc = &mut self.heredocs[index];
            (heredoc.span, heredoc.parts) = (Some(span), parts);
            self.at = after;
        }
    }

    /// What is expanded in a body.
    fn heredoc_parts(&mut self, span: Span) -> Vec<Part<'a>> {
        let (end, depth) = (self.end, self.depth);
        self.at = span.start;
        self.end = span.end;
        let mut parts = self.nested(|it| it.quoted_parts(None));
        parts.retain(|part| !matches!(part.kind, PartKind::Literal(_)));
        (self.end, self.depth) = (end, depth);
        parts
    }
}
