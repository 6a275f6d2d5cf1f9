//! What a dollar or a backquote opens.

use sealift_diagnostic::Span;

use super::Parser;
use crate::{Expansion, Part, PartKind, ProblemKind};

/// Operators of `${…}`, a longer one before what it starts with.
const OPERATORS: [&str; 23] = [
    ":-", ":=", ":?", ":+", "-", "=", "?", "+", "##", "#", "%%", "%", "//", "/#", "/%", "/", "^^",
    "^", ",,", ",", ":", "@", "*",
];

impl<'a> Parser<'a> {
    /// What the dollar here opens; `None` when it is a plain one.
    pub(super) fn dollar(&mut self, quoted: bool) -> Option<PartKind<'a>> {
        let start = self.at;
        let next = self.peek_at(1)?;
        self.at += 1;
        match next {
            b'\'' if !quoted => Some(self.ansi_c()),
            b'"' if !quoted => Some(self.double()),
            b'(' => Some(self.substitution()),
            b'{' => Some(self.nested(|it| Some(it.expansion())).unwrap_or(PartKind::Literal("$"))),
            b'[' => self.old_arithmetic(start),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    self.at += 1;
                }
                Some(PartKind::Variable(self.slice(start + 1, self.at)))
            }
            b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' => {
                self.at += 1;
                Some(PartKind::Variable(self.slice(start + 1, self.at)))
            }
            _ => None,
        }
    }

    fn substitution(&mut self) -> PartKind<'a> {
        let open = Span::new(self.at - 1, self.at + 1);
        if self.starts_with("((")
            && let Some(end) = self.arithmetic_end(self.at + 2)
        {
            self.at += 2;
            let parts = self.arithmetic(end);
            self.at = end + 2;
            return PartKind::Arithmetic(parts);
        }
        self.at += 1;
        let body = self.nested(Self::list);
        self.close(b')', "$(", open);
        PartKind::Substitution(body)
    }

    /// Where the `))` of arithmetic stands that starts here; `None` when it is no arithmetic, or too deep to say.
    pub(super) fn arithmetic_end(&self, start: usize) -> Option<usize> {
        let mut open = 0_usize;
        let mut at = start;
        while at < self.end && self.depth < super::DEPTH_MAX {
            match self.bytes[at] {
                b'\\' => at += 1,
                b'(' => open += 1,
                b')' if open == 0 => {
                    return (at + 1 < self.end && self.bytes[at + 1] == b')').then_some(at);
                }
                b')' => open -= 1,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// The parts of arithmetic up to its end.
    pub(super) fn arithmetic(&mut self, end: usize) -> Vec<Part<'a>> {
        let outer = std::mem::replace(&mut self.end, end);
        let parts = self.nested(|it| it.quoted_parts(None));
        self.end = outer;
        parts
    }

    /// `$[…]`, from behind the dollar.
    fn old_arithmetic(&mut self, start: usize) -> Option<PartKind<'a>> {
        const BYTES_MAX: usize = 256;
        let near = &self.bytes[self.at..(self.at + BYTES_MAX).min(self.end)];
        let Some(close) = near.iter().position(|byte| *byte == b']') else {
            self.at = start;
            return None;
        };
        let end = self.at + close;
        self.at += 1;
        let parts = self.arithmetic(end);
        self.at = end + 1;
        Some(PartKind::Arithmetic(parts))
    }

    pub(super) fn backquote(&mut self) -> PartKind<'a> {
        let open = Span::new(self.at, self.at + 1);
        self.at += 1;
        let mut end = self.at;
        while end < self.end && self.bytes[end] != b'`' {
            end += if self.bytes[end] == b'\\' { 2 } else { 1 };
        }
        let is_closed = end < self.end;
        let end = self.text.ceil_char_boundary(end.min(self.end)).min(self.end);
        if !is_closed {
            self.problem(ProblemKind::Unclosed("`"), open);
        }
        let outer = std::mem::replace(&mut self.end, end);
        let mut body = self.nested(Self::list);
        while self.at < self.end {
            self.unexpected();
            body.append(&mut self.nested(Self::list));
        }
        self.end = outer;
        self.at = end + usize::from(is_closed);
        PartKind::Backquote(body)
    }

    /// `${…}`, from behind the dollar.
    fn expansion(&mut self) -> PartKind<'a> {
        let open = Span::new(self.at - 1, self.at + 1);
        self.at += 1;
        let second = self.peek_at(1);
        let is_prefix =
            second.is_some_and(|b| b.is_ascii_alphanumeric() || b"_@*?#$!-".contains(&b));
        // `${#}` and `${#-x}` are about the parameter `#` itself.
        let length = self.peek() == Some(b'#')
            && is_prefix
            && (second != Some(b'-') || self.peek_at(2) == Some(b'}'));
        let indirect = self.peek() == Some(b'!') && is_prefix;
        self.at += usize::from(length || indirect);
        let start = self.at;
        match self.peek() {
            Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => self.at += 1,
            _ => {
                while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    self.at += 1;
                }
            }
        }
        let name = self.slice(start, self.at);
        let index = self.index();
        let operator = OPERATORS.into_iter().find(|it| self.starts_with(it)).unwrap_or("");
        let is_bad = name.is_empty() || (operator.is_empty() && self.peek() != Some(b'}'));
        self.at += operator.len();
        let argument = self.expansion_argument();
        if self.peek() == Some(b'}') {
            self.at += 1;
            if is_bad {
                self.problem(ProblemKind::BadExpansion, Span::new(open.start, self.at));
            }
        } else {
            self.problem(ProblemKind::Unclosed("${"), open);
        }
        PartKind::Expansion(Box::new(Expansion {
            name,
            length,
            indirect,
            index,
            operator,
            argument,
        }))
    }

    /// The index between square brackets.
    fn index(&mut self) -> Option<&'a str> {
        const BYTES_MAX: usize = 256;
        let near = &self.bytes[self.at..(self.at + BYTES_MAX).min(self.end)];
        if near.first() != Some(&b'[') {
            return None;
        }
        let close = near.iter().position(|byte| *byte == b']')?;
        let index = self.slice(self.at + 1, self.at + close);
        self.at += close + 1;
        Some(index)
    }

    /// What follows the operator of an expansion, up to its `}`.
    fn expansion_argument(&mut self) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut literal = self.at;
        while let Some(byte) = self.peek() {
            let before = self.at;
            let kind = match byte {
                b'}' => break,
                b'\\' => {
                    self.at += 1;
                    let start = self.at;
                    self.step();
                    Some(PartKind::Escaped(self.slice(start, self.at)))
                }
                b'\'' => self.closed_single(),
                b'"' => Some(self.double()),
                b'$' => self.dollar(false),
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

    /// `'…'` inside an expansion; within double quotes an apostrophe may stand alone.
    fn closed_single(&mut self) -> Option<PartKind<'a>> {
        let start = self.at + 1;
        let near = &self.bytes[start..self.end];
        let length = near.iter().position(|byte| matches!(byte, b'\'' | b'}' | b'\n'))?;
        (near[length] == b'\'').then(|| {
            self.at = start + length + 1;
            PartKind::Single(self.slice(start, start + length))
        })
    }
}
