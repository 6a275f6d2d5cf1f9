//! The parser: from the text of a Dockerfile to its tree and its problems.

use sealift_diagnostic::{Diagnostic, Span, closest};
use thiserror::Error;

use crate::{
    Comment, Dockerfile, Heredoc, Instruction, InstructionKind, Keyword, Onbuild, Text,
    directive::Directives,
    flag, heredoc, json,
    line::{self, Lines, Logical},
    shape::Shaper,
    split,
};

/// Rule id of every problem that the parser reports.
pub const SYNTAX_RULE: &str = "SL0001";

/// Bounds on what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest file.
    pub file_bytes_max: usize,
    /// Longest physical line outside heredocs.
    pub line_bytes_max: usize,
    /// Most instructions.
    pub instructions_max: usize,
    /// Most stages.
    pub stages_max: usize,
    /// Most problems that are reported.
    pub problems_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes_max: 16 << 20,
            line_bytes_max: 1 << 20,
            instructions_max: 100_000,
            stages_max: 1000,
            problems_max: 1000,
        }
    }
}

/// What parsing gives: always a tree, and what is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parse {
    /// The tree.
    pub file: Dockerfile,
    /// Errors in the order of the file; with one of them the file must not be built.
    pub problems: Vec<Diagnostic>,
}

/// Bytes that are no text of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // Each field is named in its message.
pub enum DecodeError {
    #[error("the file has `{bytes}` bytes, but the limit is `{bytes_max}`")]
    TooLong { bytes: usize, bytes_max: usize },
    #[error("the file is UTF-16, not UTF-8")]
    Utf16,
    #[error("the file is not UTF-8: byte `{offset}` cannot be read")]
    NotUtf8 { offset: usize },
}

impl DecodeError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLong { .. } => None,
            Self::Utf16 | Self::NotUtf8 { .. } => Some("save the file as UTF-8".to_owned()),
        }
    }
}

/// The text of a file's bytes; a byte order mark stays in it.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, DecodeError> {
    if bytes.len() > limits.file_bytes_max {
        return Err(DecodeError::TooLong { bytes: bytes.len(), bytes_max: limits.file_bytes_max });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(DecodeError::Utf16);
    }
    std::str::from_utf8(bytes).map_err(|error| DecodeError::NotUtf8 { offset: error.valid_up_to() })
}

/// Parse a Dockerfile.
pub fn parse(source: &str, limits: &Limits) -> Parse {
    let mut parser = Parser::new(source);
    if source.len() > limits.file_bytes_max {
        let message = format!(
            "the file has `{}` bytes, but the limit is `{}`",
            source.len(),
            limits.file_bytes_max
        );
        parser.problems.push(Diagnostic::error(Span::at(0), message));
    } else {
        parser.file(limits);
    }
    parser.finish(limits)
}

/// Parse one instruction by itself, such as an `ONBUILD` trigger of a base image.
pub fn parse_instruction(source: &str, escape: char) -> Result<Instruction, Vec<Diagnostic>> {
    let mut parser = Parser::new(source);
    let mut logical = Logical::default();
    let instruction = parser.lines.next().and_then(|first| {
        logical.read(&first, &mut parser.lines, &mut parser.comments, escape);
        parser.instruction(&logical.text, escape)
    });
    match instruction {
        Some(instruction) if parser.problems.is_empty() => Ok(instruction),
        _ => Err(parser.problems),
    }
}

/// How many instructions most files have at most.
const INSTRUCTIONS: usize = 16;

/// Longest message.
const MESSAGE_BYTES_MAX: usize = 300;

/// Room is made for as many instructions of this length as a file of this many bytes has.
const INSTRUCTION_BYTES: usize = 128;
const ROOM_BYTES: usize = 4096;

struct Parser<'a> {
    lines: Lines<'a>,
    directives: Directives,
    comments: Vec<Comment>,
    instructions: Vec<Instruction>,
    problems: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        let mark = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self {
            lines: Lines::new(source, mark),
            directives: Directives::default(),
            comments: Vec::new(),
            instructions: Vec::with_capacity(INSTRUCTIONS),
            problems: Vec::new(),
        }
    }

    fn file(&mut self, limits: &Limits) {
        let mut has_stage = false;
        let mut stages = 0;
        let mut logical = Logical::with_room(self.lines.source());
        self.instructions.reserve(self.lines.source().len().min(ROOM_BYTES) / INSTRUCTION_BYTES);
        while let Some(line) = self.lines.next() {
            let (trimmed, start) = line.trimmed();
            if self.directives.take(trimmed, start, &mut self.problems) {
                continue;
            }
            if let Some(comment) = line::comment(trimmed, start, line.number) {
                self.comments.push(comment);
                continue;
            }
            if trimmed.is_empty() {
                continue;
            }
            self.directives.finish();
            if self.instructions.len() >= limits.instructions_max {
                let message = format!("more than `{}` instructions", limits.instructions_max);
                self.problems.push(Diagnostic::error(Span::at(line.start), message));
                return;
            }
            let escape = self.directives.escape();
            logical.read(&line, &mut self.lines, &mut self.comments, escape);
            if logical.text.len() > limits.line_bytes_max {
                let message =
                    format!("an instruction longer than `{}` bytes", limits.line_bytes_max);
                self.problems.push(Diagnostic::error(Span::at(line.start), message));
                continue;
            }
            let Some(mut instruction) = self.instruction(&logical.text, escape) else { continue };
            stages += usize::from(instruction.keyword == Some(Keyword::From));
            if stages > limits.stages_max {
                let message = format!("more than `{}` stages", limits.stages_max);
                self.problems.push(Diagnostic::error(instruction.span, message));
                return;
            }
            instruction.blank_continuations = std::mem::take(&mut logical.blanks);
            instruction.line_number = line.number;
            self.check_place(&instruction, &mut has_stage);
            self.instructions.push(instruction);
        }
        if !has_stage && self.problems.is_empty() {
            let message = if self.instructions.is_empty() {
                "the file has no instructions"
            } else {
                "the file has no `FROM`"
            };
            self.problems
                .push(Diagnostic::error(Span::at(0), message).with_help("start with `FROM image`"));
        }
    }

    /// Before the first stage there is nothing but `ARG`.
    fn check_place(&mut self, instruction: &Instruction, has_stage: &mut bool) {
        match instruction.keyword {
            Some(Keyword::From) => *has_stage = true,
            Some(Keyword::Arg) => {}
            // A mistyped `FROM` has its own error; it opens a stage all the same.
            None => *has_stage |= meant(&instruction.raw) == Some(Keyword::From.as_str()),
            Some(_) if *has_stage => {}
            Some(keyword) => {
                // One is enough: the others would repeat it.
                *has_stage = true;
                self.problems.push(
                    Diagnostic::error(
                        instruction.keyword_span,
                        format!("`{}` stands before the first `FROM`", keyword.as_str()),
                    )
                    .with_help("start with `FROM image`; only `ARG` may stand before it"),
                );
            }
        }
    }

    /// The instruction of a joined line; its heredocs are read on from the lines that follow.
    fn instruction(&mut self, text: &Text, escape: char) -> Option<Instruction> {
        let range = split::trim(text, 0..text.len());
        if range.is_empty() {
            return None;
        }
        let line = text.slice(range);
        let end = line.len();
        let keyword_end = line.find(split::is_blank).unwrap_or(end);
        let keyword_span = line.span(0..keyword_end);
        let keyword = Keyword::parse(&line[..keyword_end]);
        let (flags, arguments) = flag::read(&line, keyword_end);
        let arguments = split::trim(&line, arguments..end);
        let mut instruction = Instruction {
            span: line.full_span(),
            keyword_span,
            keyword,
            kind: InstructionKind::Invalid,
            raw: line.as_str().to_owned(),
            line,
            flags,
            heredocs: Vec::new(),
            blank_continuations: Vec::new(),
            line_number: 1,
        };
        let Some(keyword) = keyword else {
            self.problems.push(unknown(&instruction));
            return Some(instruction);
        };
        flag::check(keyword, &instruction.flags, &mut self.problems);
        if keyword == Keyword::Onbuild {
            let onbuild = self.onbuild(&instruction, arguments, escape);
            if let Some(onbuild) = onbuild {
                instruction.heredocs.clone_from(&onbuild.instruction.heredocs);
                instruction.span = instruction.span.join(onbuild.instruction.span);
                instruction.kind = InstructionKind::Onbuild(onbuild);
            }
            return Some(instruction);
        }
        let line = &instruction.line;
        if keyword.takes_heredocs()
            && heredoc::may_open(&line[arguments.clone()])
            && json::read(line, arguments.clone()) == json::Array::No
        {
            instruction.heredocs =
                heredoc::read(line, arguments.clone(), &mut self.lines, &mut self.problems);
            for heredoc in &instruction.heredocs {
                instruction.span = instruction.span.join(heredoc.body_span).join(heredoc.end_span);
            }
        }
        let shaped = Shaper {
            keyword,
            keyword_span,
            line: &instruction.line,
            arguments,
            flags: &instruction.flags,
            heredocs: &instruction.heredocs,
            escape,
            problems: &mut self.problems,
        }
        .shape();
        if let Some(kind) = shaped {
            instruction.kind = kind;
        }
        Some(instruction)
    }

    fn onbuild(
        &mut self,
        outer: &Instruction,
        arguments: std::ops::Range<usize>,
        escape: char,
    ) -> Option<Onbuild> {
        if arguments.is_empty() {
            self.problems
                .push(Diagnostic::error(outer.keyword_span, "`ONBUILD` needs an argument"));
            return None;
        }
        let rest = outer.line.slice(arguments.clone());
        let word_end = rest.find(split::is_blank).unwrap_or(rest.len());
        let refused = Keyword::parse(&rest[..word_end]).filter(|keyword| {
            matches!(keyword, Keyword::Onbuild | Keyword::From | Keyword::Maintainer)
        });
        if let Some(keyword) = refused {
            let message = format!("`{}` cannot be triggered by `ONBUILD`", keyword.as_str());
            self.problems.push(Diagnostic::error(rest.span(0..word_end), message));
            return None;
        }
        let instruction = self.instruction(&rest, escape)?;
        let mut expression = rest.as_str().to_owned();
        for Heredoc { body, name, .. } in &instruction.heredocs {
            expression.push('\n');
            expression.push_str(body);
            expression.push_str(name);
        }
        Some(Onbuild { instruction: Box::new(instruction), expression })
    }

    fn finish(mut self, limits: &Limits) -> Parse {
        self.problems.sort_by_key(|problem| problem.span.start);
        self.problems.truncate(limits.problems_max);
        for problem in &mut self.problems {
            // A word of the file in a message can be of any length.
            let end = problem.message.floor_char_boundary(MESSAGE_BYTES_MAX);
            problem.message.truncate(end);
            problem.rule = Some(SYNTAX_RULE.into());
        }
        let escape = self.directives.escape();
        let file = Dockerfile {
            source: self.lines.source().to_owned(),
            escape,
            directives: self.directives.list,
            comments: self.comments,
            instructions: self.instructions,
        };
        Parse { file, problems: self.problems }
    }
}

fn unknown(instruction: &Instruction) -> Diagnostic {
    let word: String = first_word(&instruction.raw).chars().take(60).collect();
    let diagnostic =
        Diagnostic::error(instruction.keyword_span, format!("unknown instruction `{word}`"));
    match meant(&instruction.raw) {
        Some(keyword) => diagnostic.with_help(format!("did you mean `{keyword}`?")),
        None => diagnostic.with_help(
            "if the line belongs to the instruction above, that one must end with the escape character",
        ),
    }
}

fn first_word(line: &str) -> &str {
    line.split(split::is_blank).next().unwrap_or("")
}

/// The keyword that was probably meant by the first word of a line.
fn meant(line: &str) -> Option<&'static str> {
    closest(first_word(line), Keyword::ALL.iter().map(|keyword| keyword.as_str()))
}
