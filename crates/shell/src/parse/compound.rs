//! Compound commands.

use sealift_diagnostic::Span;

use super::Parser;
use crate::{Arm, Branch, CommandKind, For, ProblemKind, Word, is_name};

impl<'a> Parser<'a> {
    /// `( … )` or `(( … ))`.
    pub(super) fn bracket(&mut self) -> CommandKind<'a> {
        let open = Span::new(self.at, self.at + 1);
        if self.starts_with("((")
            && let Some(end) = self.arithmetic_end(self.at + 2)
        {
            self.at += 2;
            let parts = self.arithmetic(end);
            self.at = end + 2;
            return CommandKind::Arithmetic(parts);
        }
        self.at += 1;
        let body = self.list();
        self.close(b')', "(", open);
        CommandKind::Subshell(body)
    }

    /// Take the byte that closes a construct; a reserved word in its place is passed over.
    pub(super) fn close(&mut self, byte: u8, opener: &'static str, open: Span) {
        while self.at < self.end && self.peek() != Some(byte) {
            self.unexpected();
            self.list();
        }
        if self.peek() == Some(byte) {
            self.at += 1;
        } else {
            self.problem(ProblemKind::Unclosed(opener), open);
        }
    }

    pub(super) fn group(&mut self, opener: Span) -> CommandKind<'a> {
        let body = self.list();
        self.expect_word("}", opener);
        CommandKind::Group(body)
    }

    pub(super) fn if_command(&mut self, opener: Span) -> CommandKind<'a> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.list();
            self.expect_word("then", opener);
            let body = self.list();
            branches.push(Branch { condition, body });
            if self.take_word("elif").is_none() {
                break;
            }
        }
        if self.take_word("else").is_some() {
            otherwise = Some(self.list());
        }
        self.expect_word("fi", opener);
        CommandKind::If { branches, otherwise }
    }

    pub(super) fn loop_command(&mut self, opener: Span) -> CommandKind<'a> {
        let until = opener.text(self.text) == "until";
        let condition = self.list();
        let body = self.do_group(opener);
        CommandKind::Loop { until, condition, body }
    }

    fn do_group(&mut self, opener: Span) -> crate::Body<'a> {
        self.expect_word("do", opener);
        let body = self.list();
        self.expect_word("done", opener);
        body
    }

    pub(super) fn for_command(&mut self, opener: Span) -> CommandKind<'a> {
        self.blanks();
        if self.starts_with("((")
            && let Some(end) = self.arithmetic_end(self.at + 2)
        {
            self.at += 2;
            let header = self.arithmetic(end);
            self.at = end + 2;
            self.separator();
            return CommandKind::ArithmeticFor { header, body: self.do_group(opener) };
        }
        let name = self.bare_word();
        if !is_name(name) {
            self.problem(ProblemKind::Missing("a name"), opener);
        }
        self.space();
        let mut values = None;
        if self.take_word("in").is_some() {
            let mut words = Vec::new();
            self.blanks();
            while let Some(word) = self.word() {
                words.push(word);
                self.blanks();
            }
            values = Some(words);
        }
        self.separator();
        let body = self.do_group(opener);
        let select = (opener.text(self.text) == "select").then_some(opener);
        CommandKind::For(For { name, values, body, select })
    }

    /// One `;` or line end, which may be missing.
    fn separator(&mut self) {
        self.blanks();
        if self.peek() == Some(b';') && self.peek_at(1) != Some(b';') {
            self.at += 1;
        }
        self.space();
    }

    /// A run of plain characters, as a name is.
    fn bare_word(&mut self) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(|byte| !super::is_metacharacter(byte)) {
            self.step();
        }
        self.slice(start, self.at)
    }

    pub(super) fn case_command(&mut self, opener: Span) -> CommandKind<'a> {
        self.blanks();
        let subject = self.word().unwrap_or_default();
        self.expect_word("in", opener);
        let mut arms = Vec::new();
        loop {
            self.space();
            if self.at >= self.end || self.is_word("esac") {
                break;
            }
            let start = self.at;
            arms.push(self.arm());
            if self.at == start {
                self.unexpected();
            }
        }
        self.expect_word("esac", opener);
        CommandKind::Case { subject, arms }
    }

    fn arm(&mut self) -> Arm<'a> {
        if self.peek() == Some(b'(') {
            self.at += 1;
            self.blanks();
        }
        let start = self.at;
        let mut patterns: Vec<Word<'a>> = Vec::new();
        while let Some(word) = self.word() {
            patterns.push(word);
            self.blanks();
            if self.peek() != Some(b'|') {
                break;
            }
            self.at += 1;
            self.blanks();
        }
        if self.peek() == Some(b')') {
            self.at += 1;
        } else {
            self.problem(ProblemKind::Missing(")"), Span::new(start, self.at));
        }
        let body = self.list();
        let start = self.at;
        for end in [";;&", ";;", ";&"] {
            if self.starts_with(end) {
                self.at += end.len();
                break;
            }
        }
        Arm { patterns, body, end: self.slice(start, self.at) }
    }

    pub(super) fn function_command(&mut self, opener: Span) -> CommandKind<'a> {
        self.blanks();
        let name = self.bare_word();
        if name.is_empty() {
            self.problem(ProblemKind::Missing("a name"), opener);
        }
        self.blanks();
        if self.peek() == Some(b'(') {
            self.at += 1;
            self.blanks();
            if self.peek() == Some(b')') {
                self.at += 1;
            }
        }
        self.function_body(name, Some(opener))
    }

    pub(super) fn function_body(
        &mut self,
        name: &'a str,
        keyword: Option<Span>,
    ) -> CommandKind<'a> {
        self.space();
        let body = self.nested(Self::command);
        CommandKind::Function { name, keyword, body: Box::new(body) }
    }

    /// `[[ … ]]`: its operators are words of their own.
    pub(super) fn test_command(&mut self, opener: Span) -> CommandKind<'a> {
        let mut words: Vec<Word<'a>> = Vec::new();
        loop {
            self.space();
            if self.take_word("]]").is_some() {
                return CommandKind::Test(words);
            }
            if self.at >= self.end || self.peek() == Some(b';') {
                self.problem(ProblemKind::Missing("]]"), opener);
                return CommandKind::Test(words);
            }
            let is_pattern = words.last().is_some_and(|word| word.start() == "=~");
            let word = if is_pattern { self.pattern_word() } else { self.word() };
            match word {
                Some(word) => words.push(word),
                None => words.push(self.operator_word()),
            }
        }
    }
}
