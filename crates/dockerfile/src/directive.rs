//! Parser directives: `# syntax=`, `# escape=`, `# check=` at the very top.

use sealift_diagnostic::{Diagnostic, Span};

/// One parser directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Name in lower case.
    pub name: String,
    /// Value.
    pub value: String,
    /// The whole comment.
    pub span: Span,
    /// The value.
    pub value_span: Span,
}

/// Directives seen so far, and whether there may be more.
#[derive(Debug, Default)]
pub(crate) struct Directives {
    pub(crate) list: Vec<Directive>,
    done: bool,
}

impl Directives {
    /// Take a line that starts at `start`; false when it is no directive, after which no line is.
    pub(crate) fn take(
        &mut self,
        line: &str,
        start: usize,
        problems: &mut Vec<Diagnostic>,
    ) -> bool {
        if self.done {
            return false;
        }
        let Some(directive) = read(line, start) else {
            self.done = true;
            return false;
        };
        if let Some(first) = self.list.iter().find(|first| first.name == directive.name) {
            problems.push(
                Diagnostic::error(
                    directive.span,
                    format!("directive `{}` is given twice", directive.name),
                )
                .with_related(first.span, "first here")
                .with_help("keep one of the two"),
            );
        }
        if directive.name == "escape" && !matches!(directive.value.as_str(), "\\" | "`") {
            problems.push(
                Diagnostic::error(
                    directive.value_span,
                    format!("`{}` cannot be the escape character", directive.value),
                )
                .with_help("it is either a backslash or a backtick"),
            );
        }
        self.list.push(directive);
        true
    }

    /// An instruction has begun.
    pub(crate) fn finish(&mut self) {
        self.done = true;
    }

    /// The escape character in force.
    pub(crate) fn escape(&self) -> char {
        let chosen = self.list.iter().find(|directive| directive.name == "escape");
        if chosen.is_some_and(|directive| directive.value == "`") { '`' } else { '\\' }
    }
}

fn read(line: &str, start: usize) -> Option<Directive> {
    let body = line.strip_prefix('#')?;
    let (name, value) = body.split_once('=')?;
    let name = name.trim();
    let value_text = value.trim();
    let known = ["syntax", "escape", "check"].iter().any(|known| known.eq_ignore_ascii_case(name));
    if !known || value_text.is_empty() {
        return None;
    }
    let value_start = start + line.len() - value.trim_start().len();
    Some(Directive {
        name: name.to_ascii_lowercase(),
        value: value_text.to_owned(),
        span: Span::new(start, start + line.trim_end().len()),
        value_span: Span::new(value_start, value_start + value_text.len()),
    })
}
