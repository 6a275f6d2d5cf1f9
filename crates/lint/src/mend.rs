//! The edits that fixes of commands are made of.
//!
//! Invariant: an edit is made only where the file's bytes are known: a word in quotes, one over a continuation, or one
//! of a script inside quotes gives no edit.

use sealift_diagnostic::{Edit, Fix, Span, Tier};
use sealift_dockerfile::{Command, Dockerfile, Heredoc, Program, Text, Word};

use crate::{edit, edit::line_break, shell, view::RunView};

/// Whether a word stands in the file letter by letter.
pub(crate) fn is_verbatim(word: &Word) -> bool {
    !word.is_empty() && word.span.len() == word.text.len()
}

/// Put `text` behind a word.
pub(crate) fn insert_after(word: &Word, text: &str) -> Option<Edit> {
    is_verbatim(word).then(|| Edit::insert(word.span.end, text))
}

/// Put `text` in place of a word.
pub(crate) fn replace(word: &Word, text: &str) -> Option<Edit> {
    is_verbatim(word).then(|| Edit::replace(word.span, text))
}

/// Put a flag behind the word that says what to do, and behind a `-y` that follows it.
pub(crate) fn insert_flag(command: &shell::Command, verb: &Word, flag: &str) -> Option<Edit> {
    const YES: [&str; 8] = ["-y", "-qy", "-yq", "-qqy", "-yqq", "-qq", "--yes", "--assume-yes"];
    let words = command.arguments();
    let at = words.iter().position(|word| word.span == verb.span)?;
    let next = words.get(at + 1).filter(|word| YES.contains(&word.as_str()) && is_verbatim(word));
    insert_after(next.unwrap_or(verb), &format!(" {flag}")).filter(|_| is_verbatim(verb))
}

/// A fix of one edit, if there is one.
pub(crate) fn fix(tier: Tier, title: impl Into<String>, edit: Option<Edit>) -> Option<Fix> {
    edit.map(|edit| Fix::new(tier, title, vec![edit]))
}

/// The text that the shell of a `RUN` is given, as it stands in the file.
pub(crate) enum Script<'a> {
    /// The rest of the line.
    Line(&'a Text),
    /// The body of a heredoc.
    Body(&'a Heredoc),
}

impl<'a> Script<'a> {
    /// The script of a `RUN`; `None` for an array, and where a heredoc feeds some other program.
    pub(crate) fn of(run: &RunView<'a>) -> Option<Self> {
        let Command::Shell(line) = &run.run.command else { return None };
        let heredocs = &run.instruction.heredocs;
        let Some(heredoc) = heredocs.first() else { return Some(Self::Line(line)) };
        match run.run.program(heredocs) {
            Program::Shell(text) if !text.starts_with(line.as_str()) => Some(Self::Body(heredoc)),
            _ => None,
        }
    }

    /// Its text.
    pub(crate) fn text(&self) -> &'a str {
        match self {
            Self::Line(line) => line.as_str(),
            Self::Body(heredoc) => heredoc.body.as_str(),
        }
    }

    /// Where a byte of the file stands in the text.
    fn offset(&self, source: usize) -> Option<usize> {
        match self {
            Self::Body(heredoc) => source.checked_sub(heredoc.body_span.start),
            Self::Line(line) => {
                let (mut low, mut high) = (0, line.len());
                while low < high {
                    let middle = low.midpoint(high);
                    let found = line.span(middle..middle + 1).start;
                    if found < source { low = middle + 1 } else { high = middle }
                }
                (line.span(low..low + 1).start == source).then_some(low)
            }
        }
    }

    /// Where the last byte of the text that is no blank ends in the file.
    pub(crate) fn end(&self) -> usize {
        let length = self.text().trim_end().len();
        match self {
            Self::Body(heredoc) => heredoc.body_span.start + length,
            Self::Line(line) => line.span(length.saturating_sub(1)..length).end,
        }
    }

    /// Whether a command of its own may follow the last one: no comment, nothing left open or in the background.
    pub(crate) fn is_open_to_more(&self) -> bool {
        let text = self.text().trim_end();
        let last = text.rsplit('\n').next().unwrap_or("");
        let comment = last.contains(" #") || last.contains("\t#") || last.starts_with('#');
        !text.is_empty() && !comment && !text.ends_with(['&', '|', ';', '\\', '`', '^'])
    }
}

/// Let a command follow the last one of a `RUN`, written as the lines before it are.
pub(crate) fn append(file: &Dockerfile, run: &RunView<'_>, command: &str) -> Option<Edit> {
    let script = Script::of(run).filter(Script::is_open_to_more)?;
    let stops = script.text().trim_start().starts_with("set -e");
    let (end, joint) = (line_break(file), if stops { ";" } else { "&&" });
    let text = match script {
        Script::Body(_) if stops => format!("{end}{command}"),
        Script::Body(_) => format!(" && {command}"),
        Script::Line(line) => {
            let text = line.as_str();
            let lines: Vec<usize> = line.continued_at().collect();
            let begins = |at: &&usize| text[**at..].trim_start().starts_with("&&");
            let leading = lines.iter().rev().find(begins);
            let indent = |at: usize| {
                let rest = &text[at..];
                rest[..rest.len() - rest.trim_start().len()].to_owned()
            };
            let escape = file.escape;
            match (leading, lines.last()) {
                (Some(at), _) => format!(" {escape}{end}{}&& {command}", indent(*at)),
                (None, Some(at)) if text[..*at].trim_end().ends_with(joint) => {
                    let gap = if joint == ";" { "" } else { " " };
                    format!("{gap}{joint} {escape}{end}{}{command}", indent(*at))
                }
                (None, Some(_)) => format!(" {escape}{end}    && {command}"),
                (None, None) => format!(" && {command}"),
            }
        }
    };
    Some(Edit::insert(script.end(), text))
}

/// Take a command away that only `&&` or `;` joins to the next one.
pub(crate) fn remove(
    file: &Dockerfile,
    run: &RunView<'_>,
    command: &shell::Command,
) -> Option<Edit> {
    let script = Script::of(run)?;
    let last = command.words.last()?;
    let next = run.commands.iter().find(|it| it.span().start >= last.span.end)?;
    let span = Span::new(command.span().start, next.span().start);
    let before = script.text().get(..script.offset(span.start)?)?.trim_end_matches([' ', '\t']);
    let joint =
        script.text().get(script.offset(last.span.end - 1)? + 1..script.offset(span.end)?)?;
    let first = before.is_empty() || before.ends_with("&&") || before.ends_with([';', '\n']);
    let plain = command.words.iter().all(is_verbatim)
        && command.assignments.is_empty()
        && command.redirects.is_empty()
        && next.assignments.is_empty()
        && !(command.piped || command.nested || next.piped || next.nested);
    // Between the two there may be a comment, which must not go.
    let quiet = !file.comments.iter().any(|it| span.contains(it.span.start));
    let alone = plain && quiet && first && matches!(joint.trim(), "&&" | ";");
    alone.then(|| Edit::delete(span))
}

/// Take one argument of a command away, with the blanks before it.
pub(crate) fn remove_word(
    file: &Dockerfile,
    command: &shell::Command,
    word: &Word,
) -> Option<Edit> {
    let at = command.words.iter().position(|it| it.span == word.span)?;
    let before = command.words.get(at.checked_sub(1)?)?;
    let plain = is_verbatim(word) && is_verbatim(before);
    edit::remove_word(file, before.span, word.span).filter(|_| plain)
}
