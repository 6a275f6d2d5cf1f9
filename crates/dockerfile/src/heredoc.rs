//! Heredocs: `<<NAME`, `<<-NAME`, `<<"NAME"`.

use std::ops::Range;

use sealift_diagnostic::{Diagnostic, Span};

use crate::{Text, line::Lines, split};

/// One heredoc of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// Its delimiter, which is also its file name.
    pub name: String,
    /// Its lines verbatim, the delimiter's excluded.
    pub body: String,
    /// Whether leading tabs are taken off (`<<-`).
    pub strip_tabs: bool,
    /// Whether variables are expanded: the name had no quotes.
    pub expand: bool,
    /// File descriptor in front of `<<`; zero when none.
    pub descriptor: u32,
    /// The operator, `<<NAME`.
    pub operator_span: Span,
    /// The body.
    pub body_span: Span,
    /// The line with the delimiter that ends it; empty when it is missing.
    pub end_span: Span,
}

/// A heredoc operator, before its body is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opener {
    pub(crate) name: String,
    strip_tabs: bool,
    expand: bool,
    descriptor: u32,
}

impl Heredoc {
    /// The body as a program or file sees it, before variables are expanded.
    pub fn content(&self) -> String {
        if !self.strip_tabs {
            return self.body.clone();
        }
        self.body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
    }

    /// The operator that `word` is, all of it.
    pub(crate) fn opener(word: &str) -> Option<Opener> {
        let word = word.trim();
        let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest = word[digits..].strip_prefix("<<")?;
        let (strip_tabs, rest) = match rest.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        if rest.contains('<') {
            return None;
        }
        let (name, expand) = unquote(rest)?;
        let descriptor = if digits == 0 { 0 } else { word[..digits].parse().ok()? };
        Some(Opener { name, strip_tabs, expand, descriptor })
    }
}

/// A name without quotes, and whether it had none; `None` when it is not one word.
fn unquote(text: &str) -> Option<(String, bool)> {
    let mut name = String::new();
    let mut quote: Option<char> = None;
    let mut plain = true;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (_, None) if letter.is_whitespace() => return None,
            ('\'' | '"', None) => (quote, plain) = (Some(letter), false),
            (_, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => {
                plain = false;
                name.extend(letters.next());
            }
            _ => name.push(letter),
        }
    }
    (quote.is_none() && !name.is_empty()).then_some((name, plain))
}

/// Whether there may be an operator in a text.
pub(crate) fn may_open(text: &str) -> bool {
    memchr::memchr_iter(b'<', text.as_bytes()).any(|at| text.as_bytes().get(at + 1) == Some(&b'<'))
}

/// The operators among the words of a range, with where they stand.
pub(crate) fn openers(text: &str, range: Range<usize>) -> Vec<(Opener, Range<usize>)> {
    if !may_open(&text[range.clone()]) {
        return Vec::new();
    }
    split::quoted(text, range, '\\')
        .filter_map(|range| Some((Heredoc::opener(&text[range.clone()])?, range)))
        .collect()
}

/// Read the bodies of the heredocs that the range of `line` opens.
pub(crate) fn read(
    line: &Text,
    range: Range<usize>,
    lines: &mut Lines<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Heredoc> {
    let mut heredocs = Vec::new();
    for (opener, range) in openers(line.as_str(), range) {
        let heredoc = body(opener, line.span(range), lines);
        if heredoc.end_span.is_empty() {
            problems.push(
                Diagnostic::error(
                    heredoc.operator_span,
                    format!("heredoc `{}` has no end", heredoc.name),
                )
                .with_label("opened here")
                .with_help(format!(
                    "end it with a line that is `{}` and nothing else",
                    heredoc.name
                )),
            );
        }
        heredocs.push(heredoc);
    }
    heredocs
}

fn body(opener: Opener, operator_span: Span, lines: &mut Lines<'_>) -> Heredoc {
    let start = lines.next_start().unwrap_or(operator_span.end);
    let mut end = start;
    let mut end_span = Span::at(start);
    while let Some(line) = lines.next() {
        let text = if opener.strip_tabs { line.text.trim_start_matches('\t') } else { line.text };
        if text == opener.name {
            end_span = Span::new(line.start, line.start + line.text.len());
            break;
        }
        end = line.next;
    }
    Heredoc {
        name: opener.name,
        body: lines.between(start, end).to_owned(),
        strip_tabs: opener.strip_tabs,
        expand: opener.expand,
        descriptor: opener.descriptor,
        operator_span,
        body_span: Span::new(start, end),
        end_span,
    }
}
