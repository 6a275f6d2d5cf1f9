//! Simple commands, assignments and redirections.

use sealift_diagnostic::Span;

use super::{Parser, is_metacharacter};
use crate::{
    Assignment, Command, CommandKind, Few, Part, PartKind, ProblemKind, Redirect, Simple, Value,
    Word,
};

/// How many words most commands have at most.
const WORDS: usize = 8;

/// Commands whose arguments are assignments.
const DECLARATIONS: [&str; 6] = ["export", "declare", "local", "readonly", "typeset", "alias"];

/// Operators of redirections, a longer one before what it starts with.
const OPERATORS: [&str; 12] =
    ["<<<", "<<-", "<<", "<&", "<>", "<", "&>>", "&>", ">>", ">&", ">|", ">"];

impl<'a> Parser<'a> {
    pub(super) fn simple(&mut self) -> Command<'a> {
        let start = self.at;
        let mut end = self.at;
        let mut simple = Simple::default();
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect() {
                end = redirect.span.end;
                redirects.push(redirect);
                continue;
            }
            if simple.words.is_empty()
                && let Some(assignment) = self.assignment()
            {
                end = assignment.span.end;
                simple.assignments.push(assignment);
                continue;
            }
            let Some(word) = self.word() else { break };
            let is_first = simple.words.is_empty() && simple.assignments.is_empty();
            end = word.span.end;
            if is_first && self.opens_function() {
                let name = word.span.text(self.text);
                if let Some(kind) = self.function(name) {
                    return Command { kind, redirects, span: Span::new(start, self.at) };
                }
            }
            if simple.words.is_empty() {
                simple.words.reserve_exact(WORDS);
            }
            simple.words.push(word);
            if self.peek() == Some(b'(') && is_declaration(&simple) {
                self.array_argument(&mut simple);
                end = self.at;
            }
        }
        let is_empty =
            simple.words.is_empty() && simple.assignments.is_empty() && redirects.is_empty();
        if is_empty {
            self.problem(ProblemKind::NoCommand, self.here());
        }
        let kind = if is_empty { CommandKind::Missing } else { CommandKind::Simple(simple) };
        Command { kind, redirects, span: Span::new(start, end) }
    }

    /// The byte here, or the last one of the text.
    fn here(&self) -> Span {
        let start = self.text.floor_char_boundary(self.at.min(self.end));
        Span::new(start, self.text.ceil_char_boundary((start + 1).min(self.end).max(start)))
    }

    /// Whether blanks and `()` follow.
    fn opens_function(&self) -> bool {
        let rest = &self.bytes[self.at..self.end];
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        rest.get(blanks) == Some(&b'(')
    }

    /// What follows the name of a function.
    fn function(&mut self, name: &'a str) -> Option<CommandKind<'a>> {
        let before = self.at;
        self.blanks();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b')') {
            self.at += 1;
            return self.nested(|it| Some(it.function_body(name, None)));
        }
        self.at = before;
        None
    }

    /// `NAME=`, `NAME+=` or `NAME[…]=` with its value.
    fn assignment(&mut self) -> Option<Assignment<'a>> {
        let start = self.at;
        let rest = &self.bytes[start..self.end];
        let is_start = rest.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
        if !is_start {
            return None;
        }
        let length =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = self.slice(start, start + length);
        let mut next = length;
        let indexed = rest.get(next) == Some(&b'[');
        if indexed {
            let index = &rest[next..];
            let close = index.iter().take_while(|byte| !is_metacharacter(**byte));
            next += close.take(INDEX_BYTES_MAX).position(|byte| *byte == b']')? + 1;
        }
        let append = rest.get(next) == Some(&b'+');
        next += usize::from(append);
        if rest.get(next) != Some(&b'=') {
            return None;
        }
        self.at = start + next + 1;
        let value = if self.peek() == Some(b'(') {
            Value::Array(self.array())
        } else {
            let empty = Word { parts: Few::new(), span: Span::at(self.at) };
            Value::Word(self.value().unwrap_or(empty))
        };
        Some(Assignment { name, indexed, append, value, span: Span::new(start, self.at) })
    }

    /// `( … )` of an array.
    fn array(&mut self) -> Vec<Word<'a>> {
        let open = Span::new(self.at, self.at + 1);
        self.at += 1;
        let mut words = Vec::new();
        loop {
            self.space();
            match self.word() {
                Some(word) => words.push(word),
                None => break,
            }
        }
        self.close(b')', "(", open);
        words
    }

    /// `NAME=( … )` as an argument: the array becomes a part of the word.
    fn array_argument(&mut self, simple: &mut Simple<'a>) {
        let start = self.at;
        let words = self.array();
        let span = Span::new(start, self.at);
        if let Some(word) = simple.words.last_mut() {
            word.parts.push(Part { kind: PartKind::Array(words), span });
            word.span.end = span.end;
        }
    }

    /// Redirections behind a compound command.
    pub(super) fn redirects(&mut self) -> Vec<Redirect<'a>> {
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect() {
                Some(redirect) => redirects.push(redirect),
                None => return redirects,
            }
        }
    }

    fn redirect(&mut self) -> Option<Redirect<'a>> {
        let start = self.at;
        let rest = &self.bytes[start..self.end];
        let descriptor = match rest.first()? {
            b'0'..=b'9' => rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
            b'{' => {
                let name = rest[1..].iter().take(INDEX_BYTES_MAX);
                let length = name.take_while(|byte| byte.is_ascii_alphanumeric()).count();
                (rest.get(length + 1) == Some(&b'}')).then_some(length + 2)?
            }
            b'<' | b'>' | b'&' => 0,
            _ => return None,
        };
        // Most words end at a blank, and most commands have no redirection at all.
        if descriptor > 0 && !matches!(rest.get(descriptor), Some(b'<' | b'>' | b'&')) {
            return None;
        }
        let operator = OPERATORS
            .into_iter()
            .find(|operator| rest[descriptor..].starts_with(operator.as_bytes()))?;
        // `<(…)` is a word; `&>` behind a number is `&` behind a word.
        let is_process = operator.len() == 1 && rest.get(descriptor + 1) == Some(&b'(');
        if is_process || (descriptor > 0 && operator.starts_with('&')) {
            return None;
        }
        self.at += descriptor + operator.len();
        self.blanks();
        let descriptor = self.slice(start, start + descriptor);
        if operator == "<<" || operator == "<<-" {
            let (target, heredoc) = self.heredoc(operator == "<<-");
            let span = Span::new(start, self.at);
            return Some(Redirect { descriptor, operator, target, heredoc: Some(heredoc), span });
        }
        let target = self.word().unwrap_or_else(|| {
            self.problem(ProblemKind::Missing("a file"), Span::new(start, self.at));
            Word { parts: Few::new(), span: Span::at(self.at) }
        });
        let span = Span::new(start, self.at);
        Some(Redirect { descriptor, operator, target, heredoc: None, span })
    }
}

/// Longest index of an array and name of a descriptor that are looked at.
const INDEX_BYTES_MAX: usize = 256;

/// Whether the command takes assignments, and its last word so far is the start of one.
fn is_declaration(simple: &Simple<'_>) -> bool {
    let name = simple.words.first().map_or("", Word::start);
    DECLARATIONS.contains(&name)
        && simple.words.len() > 1
        && simple.words.last().is_some_and(|word| word.start().ends_with('='))
}
