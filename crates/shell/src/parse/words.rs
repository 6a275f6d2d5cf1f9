//! Words and their quotes.

use sealift_diagnostic::Span;

use super::{Parser, is_metacharacter};
use crate::{Few, Part, PartKind, ProblemKind, Word};

/// How far the end of a bracket pattern or a brace list is looked for.
const PATTERN_BYTES_MAX: usize = 256;

/// Bytes that neither end a word nor open anything in it.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let others = b" \t\r\n;&|<>()\\'\"$`*?[@+!~{";
    let mut at = 0;
    while at < others.len() {
        plain[others[at] as usize] = false;
        at += 1;
    }
    plain
};

/// Where a word stands, which decides what ends it and what is special in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An argument.
    Argument,
    /// Behind `=` of an assignment: `~` is special behind `:` too, patterns are not.
    Value,
    /// Behind `=~`: brackets and `|` are plain.
    Pattern,
}

impl<'a> Parser<'a> {
    /// The word here, if one starts here.
    pub(super) fn word(&mut self) -> Option<Word<'a>> {
        self.word_in(Place::Argument)
    }

    /// The value of an assignment.
    pub(super) fn value(&mut self) -> Option<Word<'a>> {
        self.word_in(Place::Value)
    }

    /// The regular expression behind `=~`.
    pub(super) fn pattern_word(&mut self) -> Option<Word<'a>> {
        self.word_in(Place::Pattern)
    }

    /// An operator of `[[ … ]]` as a word; a line end stands for itself.
    pub(super) fn operator_word(&mut self) -> Word<'a> {
        let start = self.at;
        if self.starts_with("&&") || self.starts_with("||") {
            self.at += 2;
        } else {
            self.step();
        }
        let span = Span::new(start, self.at);
        let kind = PartKind::Literal(self.slice(start, self.at));
        Word { parts: Few::One(Part { kind, span }), span }
    }

    fn word_in(&mut self, place: Place) -> Option<Word<'a>> {
        let start = self.at;
        self.plain();
        // Nearly every word is plain, and ends where any word does.
        if matches!(self.peek(), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&')) {
            let span = Span::new(start, self.at);
            return self.literal(start, self.at).map(|text| Word { parts: Few::One(text), span });
        }
        let mut parts = Few::new();
        let mut literal = start;
        loop {
            self.plain();
            let Some(byte) = self.peek() else { break };
            let is_special = match byte {
                b'\\' | b'\'' | b'"' | b'$' | b'`' => true,
                b'*' | b'?' | b'[' => place == Place::Argument,
                b'@' | b'+' | b'!' => place == Place::Argument && self.peek_at(1) == Some(b'('),
                b'~' => self.at == start || (place == Place::Value && self.follows_colon(start)),
                b'{' => place == Place::Argument,
                b'<' | b'>' if self.peek_at(1) == Some(b'(') => true,
                b'(' | b')' | b'|' | b'<' | b'>' if place == Place::Pattern => false,
                _ if is_metacharacter(byte) => break,
                _ => false,
            };
            if !is_special {
                self.at += 1;
                continue;
            }
            let before = self.at;
            let Some(part) = self.part() else {
                self.at = before + 1;
                continue;
            };
            if let Some(text) = self.literal(literal, before) {
                parts.push(text);
            }
            parts.push(part);
            literal = self.at;
        }
        if let Some(text) = self.literal(literal, self.at) {
            parts.push(text);
        }
        (self.at > start).then(|| Word { parts, span: Span::new(start, self.at) })
    }

    /// Pass over bytes that are plain wherever a word stands.
    fn plain(&mut self) {
        let rest = &self.bytes[self.at.min(self.end)..self.end];
        self.at += rest.iter().take_while(|byte| PLAIN[usize::from(**byte)]).count();
    }

    fn follows_colon(&self, start: usize) -> bool {
        self.at > start && self.bytes.get(self.at - 1) == Some(&b':')
    }

    /// The plain text between two places, if there is some.
    pub(super) fn literal(&self, start: usize, end: usize) -> Option<Part<'a>> {
        let kind = PartKind::Literal(self.slice(start, end));
        (start < end).then_some(Part { kind, span: Span::new(start, end) })
    }

    /// The special part here; `None` when the byte is plain after all.
    fn part(&mut self) -> Option<Part<'a>> {
        let start = self.at;
        let kind = match self.peek()? {
            b'\\' => self.escaped(),
            b'\'' => self.single(),
            b'"' => self.double(),
            b'$' => self.dollar(false)?,
            b'`' => self.backquote(),
            b'~' => self.tilde(),
            b'{' => self.brace()?,
            b'[' => self.bracket_pattern()?,
            b'<' | b'>' => self.process(),
            _ if self.peek_at(1) == Some(b'(') => self.pattern_list(),
            _ => {
                self.at += 1;
                PartKind::Glob(self.slice(start, self.at))
            }
        };
        Some(Part { kind, span: Span::new(start, self.at) })
    }

    fn escaped(&mut self) -> PartKind<'a> {
        self.at += 1;
        let start = self.at;
        match self.peek() {
            // A continued line leaves nothing.
            Some(b'\n') => {
                self.at += 1;
                PartKind::Escaped("")
            }
            Some(b'\r') if self.peek_at(1) == Some(b'\n') => {
                self.at += 2;
                PartKind::Escaped("")
            }
            // At the end of the text a backslash is itself.
            None => PartKind::Literal(self.slice(start - 1, start)),
            Some(_) => {
                self.step();
                PartKind::Escaped(self.slice(start, self.at))
            }
        }
    }

    fn single(&mut self) -> PartKind<'a> {
        let start = self.at + 1;
        let rest = &self.bytes[start..self.end];
        if let Some(length) = rest.iter().position(|byte| *byte == b'\'') {
            self.at = start + length + 1;
            return PartKind::Single(self.slice(start, start + length));
        }
        self.problem(ProblemKind::Unclosed("'"), Span::new(self.at, start));
        self.at = self.end;
        PartKind::Single(self.slice(start, self.end))
    }

    /// `$'…'`, from behind the dollar.
    pub(super) fn ansi_c(&mut self) -> PartKind<'a> {
        let open = self.at;
        self.at += 1;
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'\'' => {
                    self.at += 1;
                    return PartKind::AnsiC(self.slice(start, self.at - 1));
                }
                b'\\' => self.at = (self.at + 2).min(self.end),
                _ => self.at += 1,
            }
        }
        self.problem(ProblemKind::Unclosed("'"), Span::new(open, open + 1));
        PartKind::AnsiC(self.slice(start, self.end))
    }

    pub(super) fn double(&mut self) -> PartKind<'a> {
        let open = Span::new(self.at, self.at + 1);
        self.at += 1;
        let parts = self.nested(|it| it.quoted_parts(Some(b'"')));
        if self.peek() == Some(b'"') {
            self.at += 1;
        } else {
            self.problem(ProblemKind::Unclosed("\""), open);
        }
        PartKind::Double(parts)
    }

    /// What stands between double quotes, or in a heredoc, up to the closing byte.
    pub(super) fn quoted_parts(&mut self, close: Option<u8>) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut literal = self.at;
        loop {
            let rest = &self.bytes[self.at.min(self.end)..self.end];
            let is_plain =
                |byte: &&u8| !matches!(byte, b'\\' | b'$' | b'`') && Some(**byte) != close;
            self.at += rest.iter().take_while(is_plain).count();
            let Some(byte) = self.peek().filter(|byte| Some(*byte) != close) else { break };
            let before = self.at;
            let kind = match byte {
                b'\\' => match self.peek_at(1) {
                    Some(b'$' | b'`' | b'\\' | b'"' | b'\n' | b'\r') => Some(self.escaped()),
                    _ => None,
                },
                b'$' => self.dollar(true),
                b'`' => Some(self.backquote()),
                _ => None,
            };
            match kind {
                Some(kind) => {
                    parts.extend(self.literal(literal, before));
                    parts.push(Part { kind, span: Span::new(before, self.at) });
                    literal = self.at;
                }
                None => self.at = before + 1,
            }
        }
        parts.extend(self.literal(literal, self.at));
        parts
    }

    fn tilde(&mut self) -> PartKind<'a> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            self.at += 1;
        }
        PartKind::Tilde(self.slice(start, self.at))
    }

    /// What stands in front of the first metacharacter, quote or end, within limits.
    fn near(&self) -> &'a [u8] {
        let end = (self.at + PATTERN_BYTES_MAX).min(self.end);
        let near = &self.bytes[self.at..end];
        let length = near.iter().position(|byte| is_metacharacter(*byte)).unwrap_or(near.len());
        &near[..length]
    }

    /// The `{` of a list such as `{a,b}` or `{1..3}`.
    fn brace(&mut self) -> Option<PartKind<'a>> {
        let near = self.near();
        let close = near.iter().position(|byte| *byte == b'}')?;
        let inner = &near[1..close];
        let is_list = inner.contains(&b',') || inner.windows(2).any(|pair| pair == b"..");
        is_list.then(|| {
            self.at += 1;
            PartKind::Brace
        })
    }

    fn bracket_pattern(&mut self) -> Option<PartKind<'a>> {
        let near = self.near();
        // A `]` right behind the opening, or behind its negation, belongs to the set.
        let first = 1 + usize::from(matches!(near.get(1), Some(b'!' | b'^')));
        let close = near.iter().skip(first + 1).position(|byte| *byte == b']')? + first + 1;
        let is_plain = !near[..close].iter().any(|byte| matches!(byte, b'$' | b'`' | b'"' | b'\''));
        is_plain.then(|| {
            let start = self.at;
            self.at += close + 1;
            PartKind::Glob(self.slice(start, self.at))
        })
    }

    /// `@(a|b)` and its like.
    fn pattern_list(&mut self) -> PartKind<'a> {
        let start = self.at;
        self.at += 2;
        let mut open = 1_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.at = (self.at + 1).min(self.end),
                b'(' => open += 1,
                b')' => open -= 1,
                b'\n' => break,
                _ => {}
            }
            self.at = (self.at + 1).min(self.end);
            if open == 0 {
                break;
            }
        }
        self.at = self.text.ceil_char_boundary(self.at).min(self.end);
        PartKind::Glob(self.slice(start, self.at))
    }

    fn process(&mut self) -> PartKind<'a> {
        let open = Span::new(self.at, self.at + 2);
        self.at += 2;
        let body = self.nested(Self::list);
        self.close(b')', "(", open);
        PartKind::Process(body)
    }
}
