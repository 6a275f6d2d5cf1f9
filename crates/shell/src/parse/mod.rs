//! The parser: recursive descent over the bytes, each of which is read once.

mod compound;
mod expansion;
mod heredoc;
mod simple;
mod words;

use sealift_diagnostic::Span;

use crate::{
    Body, Chain, Command, CommandKind, Connector, Few, Heredoc, Pipeline, Problem, ProblemKind,
    Script, Statement,
};

/// Deepest nesting of commands, substitutions and expansions that is read.
const DEPTH_MAX: usize = 48;

/// Most problems that are told.
const PROBLEMS_MAX: usize = 100;

/// Words that end a list where a command may stand, by their first byte.
const fn closers(first: u8) -> &'static [&'static str] {
    match first {
        b't' => &["then"],
        b'e' => &["elif", "else", "esac"],
        b'f' => &["fi"],
        b'd' => &["do", "done"],
        b'}' => &["}"],
        _ => &[],
    }
}

/// Words that open a construct where a command may stand, by their first byte.
const fn openers(first: u8) -> &'static [&'static str] {
    match first {
        b'i' => &["if"],
        b'f' => &["for", "function"],
        b'w' => &["while"],
        b'u' => &["until"],
        b'c' => &["case"],
        b'{' => &["{"],
        b'[' => &["[["],
        b's' => &["select"],
        _ => &[],
    }
}

/// Parse a script. It never fails: see [`Script::problems`].
pub fn parse(text: &str) -> Script<'_> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        end: text.len(),
        depth: 0,
        heredocs: Vec::new(),
        pending: Vec::new(),
        problems: Vec::new(),
    };
    let mut body = parser.list();
    while parser.at < parser.end {
        parser.unexpected();
        body.append(&mut parser.list());
    }
    let Parser { heredocs, problems, .. } = parser;
    Script { text, body, heredocs, problems }
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Where reading ends: a backquote's content is read as a text of its own.
    end: usize,
    depth: usize,
    heredocs: Vec<Heredoc<'a>>,
    /// Heredocs whose bodies start at the next line.
    pending: Vec<usize>,
    problems: Vec<Problem>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    fn peek_at(&self, offset: usize) -> Option<u8> {
        let at = self.at + offset;
        if at < self.end { self.bytes.get(at).copied() } else { None }
    }

    fn starts_with(&self, text: &str) -> bool {
        self.bytes[self.at.min(self.end)..self.end].starts_with(text.as_bytes())
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or("")
    }

    fn problem(&mut self, kind: ProblemKind, span: Span) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { kind, span });
        }
    }

    /// Step over the character here, whatever its length.
    fn step(&mut self) {
        self.at = (self.at + 1).min(self.end);
        while self.at < self.end && !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// Read something nested, unless it is too deep: then reading ends.
    fn nested<T: Default>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= DEPTH_MAX {
            self.problem(ProblemKind::TooDeep, Span::new(self.at, self.end));
            self.at = self.end;
            return T::default();
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Pass over blanks and continued lines.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.at += 2,
                Some(b'\\') if self.peek_at(1) == Some(b'\r') && self.peek_at(2) == Some(b'\n') => {
                    self.at += 3;
                }
                Some(b'#') => {
                    let rest = &self.bytes[self.at..self.end];
                    self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// Pass over a line end, and the bodies of heredocs that follow it.
    fn line_end(&mut self) {
        self.at += 1;
        self.heredoc_bodies();
    }

    /// Pass over blanks and line ends.
    fn space(&mut self) {
        self.blanks();
        while self.peek() == Some(b'\n') {
            self.line_end();
            self.blanks();
        }
    }

    /// Whether this word, all of it, stands here.
    fn is_word(&self, word: &str) -> bool {
        self.starts_with(word) && self.peek_at(word.len()).is_none_or(is_metacharacter)
    }

    fn take_word(&mut self, word: &str) -> Option<Span> {
        self.is_word(word).then(|| {
            let start = self.at;
            self.at += word.len();
            Span::new(start, self.at)
        })
    }

    /// Take the word that a construct needs here.
    fn expect_word(&mut self, word: &'static str, construct: Span) {
        self.space();
        if self.take_word(word).is_none() {
            self.problem(ProblemKind::Missing(word), construct);
        }
    }

    /// Whether what stands here ends a list.
    fn at_closer(&self) -> bool {
        match self.peek() {
            None | Some(b')') => true,
            Some(b';') => self.peek_at(1) == Some(b';') || self.starts_with(";&"),
            Some(byte) => closers(byte).iter().any(|word| self.is_word(word)),
        }
    }

    /// What stands here belongs nowhere: tell, and pass over it.
    fn unexpected(&mut self) {
        let start = self.at;
        if self.peek() == Some(b';') {
            while matches!(self.peek(), Some(b';' | b'&')) {
                self.at += 1;
            }
        } else {
            self.step();
            while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
                self.at += 1;
            }
        }
        self.problem(ProblemKind::Unexpected, Span::new(start, self.at));
    }

    /// Statements up to something that ends a list.
    fn list(&mut self) -> Body<'a> {
        let mut body = Vec::new();
        loop {
            self.space();
            if self.at_closer() {
                return body;
            }
            let start = self.at;
            let chain = self.chain();
            self.blanks();
            let mut background = false;
            match self.peek() {
                Some(b'&') if self.peek_at(1) != Some(b'&') => {
                    background = true;
                    self.at += 1;
                }
                Some(b';') if !self.at_closer() => self.at += 1,
                Some(b'\n') => self.line_end(),
                _ if self.at_closer() => {}
                _ => self.unexpected(),
            }
            if self.at == start {
                self.unexpected();
            }
            body.push(Statement { chain, background });
        }
    }

    fn chain(&mut self) -> Chain<'a> {
        let first = self.pipeline();
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let connector = if self.starts_with("&&") {
                Connector::And
            } else if self.starts_with("||") {
                Connector::Or
            } else {
                return Chain { first, rest };
            };
            self.at += 2;
            self.space();
            rest.push((connector, self.pipeline()));
        }
    }

    fn pipeline(&mut self) -> Pipeline<'a> {
        let start = self.at;
        let mut negation = None;
        while let Some(span) = self.take_word("!") {
            negation = Some(span);
            self.blanks();
        }
        let mut commands = Few::One(self.command());
        loop {
            self.blanks();
            if self.peek() != Some(b'|') || self.peek_at(1) == Some(b'|') {
                break;
            }
            self.at += if self.peek_at(1) == Some(b'&') { 2 } else { 1 };
            self.space();
            commands.push(self.command());
        }
        let end = commands.last().map_or(self.at, |command| command.span.end);
        Pipeline { negation, commands, span: Span::new(start, end) }
    }

    fn command(&mut self) -> Command<'a> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'(') => self.nested(Self::bracket),
            Some(byte) => match self.opener(byte) {
                Some(opener) => self.nested(|it| it.construct(opener)),
                None => return self.simple(),
            },
            None => return self.simple(),
        };
        let end = self.at;
        let redirects = self.redirects();
        let end = redirects.last().map_or(end, |redirect| redirect.span.end);
        Command { kind, redirects, span: Span::new(start, end) }
    }

    /// Take the reserved word that opens a construct.
    fn opener(&mut self, first: u8) -> Option<Span> {
        openers(first).iter().find_map(|word| self.take_word(word))
    }

    fn construct(&mut self, opener: Span) -> CommandKind<'a> {
        match opener.text(self.text) {
            "if" => self.if_command(opener),
            "while" | "until" => self.loop_command(opener),
            "case" => self.case_command(opener),
            "{" => self.group(opener),
            "[[" => self.test_command(opener),
            "function" => self.function_command(opener),
            _ => self.for_command(opener),
        }
    }
}

fn is_metacharacter(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}
