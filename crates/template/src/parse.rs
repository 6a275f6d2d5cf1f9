//! From text to nodes.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::TemplateError;

const DEPTH_MAX: usize = 100;

/// A template, and those that it defines by name.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) named: BTreeMap<String, Vec<Node>>,
}

/// A part of a template.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Output(Pipeline),
    /// `if`: the first that holds.
    If {
        branches: Vec<(Pipeline, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    Range {
        key: Option<String>,
        value: Option<String>,
        over: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    With {
        with: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// `template`: another one by its name, with this data.
    Call {
        line: usize,
        name: String,
        with: Option<Pipeline>,
    },
    Break(usize),
    Continue(usize),
}

/// Commands, each of which gets the result of the one before as its last argument.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) line: usize,
    /// `$x :=`, or `$x =` if it is there already.
    pub(super) variable: Option<(String, bool)>,
    pub(super) commands: Vec<Vec<Term>>,
}

/// A value, or the name of a function.
#[derive(Debug)]
pub(super) enum Term {
    /// `.` and `.a.b`
    Dot(Vec<String>),
    /// `$` (without a name) and `$x.a.b`
    Variable(String, Vec<String>),
    Literal(Value),
    Function(String),
    Group(Box<Pipeline>, Vec<String>),
}

/// Reads a template.
pub(super) fn parse(text: &str) -> Result<Parsed, TemplateError> {
    let pieces = pieces(text)?;
    let mut parser = Parser { pieces: &pieces, depth: 0, named: BTreeMap::new() };
    let (nodes, end) = parser.block()?;
    match end {
        End::Text => Ok(Parsed { nodes, named: parser.named }),
        End::Done(line) => Err(TemplateError::new(line, "`end` without a beginning")),
        End::Else(line, _) => Err(TemplateError::new(line, "`else` without a beginning")),
    }
}

enum Piece {
    Text(String),
    Action(usize, Vec<Token>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Pipe,
    Comma,
    Declare,
    Assign,
    Word(String),
    /// `.a.b`, or `.` alone; true if it follows without a space.
    Fields(Vec<String>, bool),
    Variable(String),
    Literal(Value),
}

// Texts and actions, with the spaces taken away that `{{-` and `-}}` take.
fn pieces(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let (mut rest, mut line, mut trims) = (text, 1, false);
    loop {
        let start = rest.find("{{");
        let before = &rest[..start.unwrap_or(rest.len())];
        let trims_end = start.is_some_and(|start| {
            let mut after = rest[start + 2..].chars();
            after.next() == Some('-') && after.next().is_some_and(char::is_whitespace)
        });
        let mut shown = before;
        if trims {
            shown = shown.trim_start();
        }
        if trims_end {
            shown = shown.trim_end();
        }
        if !shown.is_empty() {
            pieces.push(Piece::Text(shown.to_owned()));
        }
        line += before.matches('\n').count();
        let Some(start) = start else { return Ok(pieces) };
        let inner = &rest[start + 2 + usize::from(trims_end)..];
        let (tokens, length) = action(inner, line)?;
        let taken = &inner[..length];
        trims = taken.ends_with("-}}");
        if let Some(tokens) = tokens {
            pieces.push(Piece::Action(line, tokens));
        }
        line += taken.matches('\n').count();
        rest = &inner[length..];
    }
}

// The tokens up to `}}` (none for a comment), and how long that is.
fn action(text: &str, line: usize) -> Result<(Option<Vec<Token>>, usize), TemplateError> {
    let unended = || TemplateError::new(line, "an action never ends");
    if text.trim_start().starts_with("/*") {
        let end = text.find("*/").ok_or_else(unended)? + 2;
        let close = text[end..].find("}}").ok_or_else(unended)? + 2;
        return Ok((None, end + close));
    }
    let mut tokens = Vec::new();
    let mut place = 0;
    let mut follows_space = true;
    loop {
        let rest = &text[place..];
        if rest.starts_with("}}") {
            return Ok((Some(tokens), place + 2));
        }
        let trimmed = rest.trim_start();
        let is_spaced = follows_space || trimmed.len() < rest.len();
        if is_spaced && trimmed.starts_with("-}}") {
            return Ok((Some(tokens), text.len() - trimmed.len() + 3));
        }
        if trimmed.len() < rest.len() {
            place = text.len() - trimmed.len();
            follows_space = true;
            continue;
        }
        if rest.is_empty() {
            return Err(unended());
        }
        let (token, length) = token(rest, follows_space, line)?;
        tokens.push(token);
        place += length;
        follows_space = false;
    }
}

fn token(text: &str, follows_space: bool, line: usize) -> Result<(Token, usize), TemplateError> {
    let first = text.chars().next().unwrap_or(' ');
    Ok(match first {
        '(' => (Token::Open, 1),
        ')' => (Token::Close, 1),
        '|' => (Token::Pipe, 1),
        ',' => (Token::Comma, 1),
        ':' if text.starts_with(":=") => (Token::Declare, 2),
        '=' => (Token::Assign, 1),
        '"' => quoted(text, line)?,
        '`' => {
            let end = text[1..].find('`').ok_or_else(|| unended_text(line))? + 1;
            (Token::Literal(Value::String(text[1..end].to_owned())), end + 1)
        }
        '.' => fields(text, follows_space),
        '$' => {
            let length = word_length(&text[1..]);
            (Token::Variable(text[1..=length].to_owned()), length + 1)
        }
        '\'' => character(text, line)?,
        '0'..='9' | '-' | '+' => number(text, line)?,
        first if first.is_alphabetic() || first == '_' => {
            let length = word_length(text);
            (Token::Word(text[..length].to_owned()), length)
        }
        other => return Err(TemplateError::new(line, format!("unexpected `{other}`"))),
    })
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())
}

fn fields(text: &str, follows_space: bool) -> (Token, usize) {
    let (mut names, mut place) = (Vec::new(), 0);
    while text[place..].starts_with('.') {
        let length = word_length(&text[place + 1..]);
        if length == 0 {
            // `.` alone is the value itself.
            place += usize::from(names.is_empty());
            break;
        }
        names.push(text[place + 1..place + 1 + length].to_owned());
        place += 1 + length;
    }
    (Token::Fields(names, follows_space), place.max(1))
}

fn unended_text(line: usize) -> TemplateError {
    TemplateError::new(line, "a text never ends")
}

fn unknown_escape(line: usize) -> TemplateError {
    TemplateError::new(line, "an escape in a text is not known")
}

fn quoted(text: &str, line: usize) -> Result<(Token, usize), TemplateError> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((place, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Literal(Value::String(value)), place + 1)),
            '\n' => return Err(unended_text(line)),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                Some(c @ ('"' | '\\' | '\'')) => value.push(c),
                Some(c @ ('x' | 'u' | 'U')) => {
                    let digits = match c {
                        'x' => 2,
                        'u' => 4,
                        _ => 8,
                    };
                    let mut number = 0_u32;
                    for _ in 0..digits {
                        let digit = chars.next().and_then(|(_, c)| c.to_digit(16));
                        let digit = digit.ok_or_else(|| unknown_escape(line))?;
                        number = number.wrapping_mul(16).wrapping_add(digit);
                    }
                    value.push(char::from_u32(number).ok_or_else(|| unknown_escape(line))?);
                }
                _ => return Err(unknown_escape(line)),
            },
            c => value.push(c),
        }
    }
    Err(unended_text(line))
}

// `'a'` is a number in Go.
fn character(text: &str, line: usize) -> Result<(Token, usize), TemplateError> {
    let mut chars = text[1..].chars();
    match (chars.next(), chars.next()) {
        (Some(c), Some('\'')) if !matches!(c, '\\' | '\'' | '\n') => {
            let number = Number::from(u32::from(c));
            Ok((Token::Literal(Value::Number(number)), 2 + c.len_utf8()))
        }
        _ => Err(TemplateError::new(line, "this is no character")),
    }
}

fn number(text: &str, line: usize) -> Result<(Token, usize), TemplateError> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let mut length = text[1..].find(|c| !is_part(c)).map_or(text.len(), |end| end + 1);
    // `1e-7`
    let is_exponent = !text.starts_with("0x") && text[..length].ends_with(['e', 'E']);
    if is_exponent && let Some(rest) = text[length..].strip_prefix(['-', '+']) {
        length += 1 + rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    }
    let digits = text[..length].replace('_', "");
    let based = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find_map(|(prefix, base)| {
        i64::from_str_radix(digits.to_ascii_lowercase().strip_prefix(prefix)?, base).ok()
    });
    let number = match based.or_else(|| digits.parse::<i64>().ok()) {
        Some(number) => Some(Number::from(number)),
        None => digits.parse::<f64>().ok().and_then(Number::from_f64),
    };
    let number = number.ok_or_else(|| {
        let shown: String = digits.chars().take(40).collect();
        TemplateError::new(line, format!("`{shown}` is no number"))
    })?;
    Ok((Token::Literal(Value::Number(number)), length))
}

enum End {
    /// The end of the template.
    Text,
    Done(usize),
    Else(usize, Vec<Token>),
}

struct Parser<'a> {
    named: BTreeMap<String, Vec<Node>>,
    pieces: &'a [Piece],
    depth: usize,
}

impl Parser<'_> {
    fn block(&mut self) -> Result<(Vec<Node>, End), TemplateError> {
        let mut nodes = Vec::new();
        while let Some((piece, rest)) = self.pieces.split_first() {
            self.pieces = rest;
            let (line, tokens) = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.clone()));
                    continue;
                }
                Piece::Action(line, tokens) => (*line, tokens.as_slice()),
            };
            let keyword = match tokens.first() {
                Some(Token::Word(word)) => word.as_str(),
                _ => "",
            };
            let after = tokens.get(1..).unwrap_or_default();
            match keyword {
                "end" => return Ok((nodes, End::Done(line))),
                "else" => return Ok((nodes, End::Else(line, after.to_vec()))),
                "if" => nodes.push(self.branches(line, after)?),
                "range" => nodes.push(self.range(line, after)?),
                "with" => nodes.push(self.with(line, after)?),
                "break" => nodes.push(Node::Break(line)),
                "continue" => nodes.push(Node::Continue(line)),
                "define" => {
                    let (name, rest) = name(line, after)?;
                    if !rest.is_empty() {
                        return Err(TemplateError::new(line, "`define` has a name only"));
                    }
                    self.define(line, name)?;
                }
                "template" => {
                    let (name, rest) = name(line, after)?;
                    let with = if rest.is_empty() { None } else { Some(pipeline(line, rest, 0)?) };
                    nodes.push(Node::Call { line, name, with });
                }
                "block" => {
                    let (name, rest) = name(line, after)?;
                    let with = Some(pipeline(line, rest, 0)?);
                    self.define(line, name.clone())?;
                    nodes.push(Node::Call { line, name, with });
                }
                _ => nodes.push(Node::Output(pipeline(line, tokens, 0)?)),
            }
        }
        Ok((nodes, End::Text))
    }

    fn inner(&mut self, line: usize) -> Result<(Vec<Node>, End), TemplateError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_deep(line));
        }
        let found = self.block()?;
        self.depth -= 1;
        match found.1 {
            End::Text => Err(TemplateError::new(line, "what begins here has no `end`")),
            _ => Ok(found),
        }
    }

    fn define(&mut self, line: usize, name: String) -> Result<(), TemplateError> {
        let (body, end) = self.inner(line)?;
        if matches!(end, End::Else(..)) {
            return Err(TemplateError::new(line, "`else` without a beginning"));
        }
        self.named.insert(name, body);
        Ok(())
    }

    fn branches(&mut self, line: usize, tokens: &[Token]) -> Result<Node, TemplateError> {
        let mut condition = pipeline(line, tokens, 0)?;
        let mut branches = Vec::new();
        loop {
            let (body, end) = self.inner(line)?;
            branches.push((condition, body));
            match end {
                End::Else(line, tokens)
                    if tokens.first() == Some(&Token::Word("if".to_owned())) =>
                {
                    condition = pipeline(line, &tokens[1..], 0)?;
                }
                end => {
                    let otherwise = self.otherwise(end)?;
                    return Ok(Node::If { branches, otherwise });
                }
            }
        }
    }

    fn otherwise(&mut self, end: End) -> Result<Vec<Node>, TemplateError> {
        let End::Else(line, tokens) = end else { return Ok(Vec::new()) };
        if !tokens.is_empty() {
            return Err(TemplateError::new(line, "only `else` and `else if` are known"));
        }
        let (body, end) = self.inner(line)?;
        match end {
            End::Else(line, _) => Err(TemplateError::new(line, "`else` without a beginning")),
            _ => Ok(body),
        }
    }

    fn range(&mut self, line: usize, tokens: &[Token]) -> Result<Node, TemplateError> {
        let (key, value, rest) = match tokens {
            [
                Token::Variable(key),
                Token::Comma,
                Token::Variable(value),
                Token::Declare,
                rest @ ..,
            ] => (Some(key.clone()), Some(value.clone()), rest),
            [Token::Variable(value), Token::Declare, rest @ ..] => {
                (None, Some(value.clone()), rest)
            }
            rest => (None, None, rest),
        };
        let over = pipeline(line, rest, 0)?;
        let (body, end) = self.inner(line)?;
        let otherwise = self.otherwise(end)?;
        Ok(Node::Range { key, value, over, body, otherwise })
    }

    fn with(&mut self, line: usize, tokens: &[Token]) -> Result<Node, TemplateError> {
        let with = pipeline(line, tokens, 0)?;
        let (body, end) = self.inner(line)?;
        let otherwise = self.otherwise(end)?;
        Ok(Node::With { with, body, otherwise })
    }
}

fn name(line: usize, tokens: &[Token]) -> Result<(String, &[Token]), TemplateError> {
    match tokens {
        [Token::Literal(Value::String(name)), rest @ ..] => Ok((name.clone(), rest)),
        _ => Err(TemplateError::new(line, "the name of a template is missing")),
    }
}

fn too_deep(line: usize) -> TemplateError {
    TemplateError::new(line, format!("more than {DEPTH_MAX} levels"))
}

// The depth of parentheses is limited, and so this recursion is too.
fn pipeline(line: usize, tokens: &[Token], depth: usize) -> Result<Pipeline, TemplateError> {
    if depth > DEPTH_MAX {
        return Err(too_deep(line));
    }
    let (variable, mut tokens) = match tokens {
        [Token::Variable(name), Token::Declare, rest @ ..] => (Some((name.clone(), true)), rest),
        [Token::Variable(name), Token::Assign, rest @ ..] => (Some((name.clone(), false)), rest),
        rest => (None, rest),
    };
    let mut commands = vec![Vec::new()];
    while let Some((token, rest)) = tokens.split_first() {
        tokens = rest;
        let command = commands.last_mut().expect("there is one from the start");
        match token {
            Token::Pipe => commands.push(Vec::new()),
            Token::Open => {
                let end =
                    closing(tokens).ok_or_else(|| TemplateError::new(line, "a `)` is missing"))?;
                let group = Box::new(pipeline(line, &tokens[..end], depth + 1)?);
                tokens = &tokens[end + 1..];
                command.push(Term::Group(group, following(&mut tokens)));
            }
            Token::Fields(names, _) => command.push(Term::Dot(names.clone())),
            Token::Variable(name) => {
                command.push(Term::Variable(name.clone(), following(&mut tokens)));
            }
            Token::Literal(value) => command.push(Term::Literal(value.clone())),
            Token::Word(word) => command.push(match word.as_str() {
                "true" => Term::Literal(Value::Bool(true)),
                "false" => Term::Literal(Value::Bool(false)),
                "nil" => Term::Literal(Value::Null),
                _ => Term::Function(word.clone()),
            }),
            Token::Close | Token::Comma | Token::Declare | Token::Assign => {
                return Err(TemplateError::new(line, "unexpected `)`, `,`, `=` or `:=`"));
            }
        }
    }
    if commands.iter().any(Vec::is_empty) {
        return Err(TemplateError::new(line, "there is nothing where a value should be"));
    }
    Ok(Pipeline { line, variable, commands })
}

// Fields that follow at once: `$x.a`, `(index …).a`.
fn following(tokens: &mut &[Token]) -> Vec<String> {
    match tokens.split_first() {
        Some((Token::Fields(names, false), rest)) if !names.is_empty() => {
            *tokens = rest;
            names.clone()
        }
        _ => Vec::new(),
    }
}

fn closing(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Open => depth += 1,
            Token::Close if depth == 0 => return Some(place),
            Token::Close => depth -= 1,
            _ => {}
        }
    }
    None
}
