//! Files of variables: `NAME=VALUE` lines, as `env_file` names them.
//!
//! Follows the compose specification's syntax of env files: comments, `export`, quotes that may hold several lines; with
//! `format: raw` a value is what stands behind the `=`.

use sealift_diagnostic::{Diagnostic, Span};
use sealift_dockerfile::SYNTAX_RULE;

use super::files::shown;
use crate::rules;
use crate::workload::{Source, Variable, Workload};
use crate::{Context, Format};

/// More mistakes than these are not told one by one.
const PROBLEMS_MAX: usize = 20;

/// What the rules on variables find in a file.
pub(crate) fn lint(text: &str, format: Format, context: &Context<'_>) -> Vec<Diagnostic> {
    if text.len() > context.limits.bytes {
        let message = format!("the file is larger than {} bytes", context.limits.bytes);
        return vec![Diagnostic::error(Span::at(0), message).with_rule(SYNTAX_RULE)];
    }
    let (variables, mut findings) = read(text, format);
    let name = context.path.rsplit('/').next().unwrap_or(context.path);
    let name = if name.is_empty() { "env_file" } else { name };
    let mut workload = Workload::new(Source::Compose, "file", shown(name), Span::at(0));
    workload.variables = variables;
    findings.extend(rules::run_on_variables(&workload));
    findings
}

fn read(text: &str, format: Format) -> (Vec<Variable>, Vec<Diagnostic>) {
    let (mut variables, mut problems) = (Vec::new(), Vec::new());
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let line = text[at..end].trim_end_matches('\r');
        let start = at + line.len() - line.trim_start().len();
        let line = line.trim_start();
        at = end + 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (line.trim_end(), None),
        };
        let bare = name.strip_prefix("export ").filter(|_| format == Format::Compose);
        let bare = bare.unwrap_or(name).trim();
        if bare.is_empty() || bare.contains(char::is_whitespace) {
            if problems.len() < PROBLEMS_MAX {
                // The line may hold a secret, so that nothing of it is repeated.
                let problem = Diagnostic::error(
                    Span::new(start, start + name.len()),
                    "this is no `NAME=VALUE`: a name has no blanks and is not empty",
                );
                problems.push(problem.with_rule(SYNTAX_RULE));
            }
            continue;
        }
        let Some(value) = value else { continue };
        let value_at = start + name.len() + 1;
        let span = match format {
            Format::Raw => Span::new(value_at, value_at + value.len()),
            Format::Compose => {
                let span = value_span(text, value_at, value);
                // A quoted value may end on a later line.
                if span.end >= at {
                    at = text[span.end..].find('\n').map_or(text.len(), |it| span.end + it + 1);
                }
                span
            }
        };
        let value = span.text(text);
        variables.push(Variable { name: bare.to_owned(), value: value.to_owned(), span });
    }
    (variables, problems)
}

/// Where a value stands, without its quotes and without a comment behind it.
fn value_span(text: &str, at: usize, rest_of_line: &str) -> Span {
    let blanks = rest_of_line.len() - rest_of_line.trim_start().len();
    let start = at + blanks;
    let shown = &rest_of_line[blanks..];
    if let Some(quote) = shown.chars().next().filter(|letter| matches!(letter, '"' | '\'')) {
        let inner = start + 1;
        let mut letters = text[inner..].char_indices();
        while let Some((offset, letter)) = letters.next() {
            if letter == '\\' && quote == '"' {
                letters.next();
            } else if letter == quote {
                return Span::new(inner, inner + offset);
            }
        }
        // Without an end it is the line.
        return Span::new(inner, inner + shown[1..].trim_end().len());
    }
    let end = shown.find(" #").unwrap_or(shown.len());
    let value = if shown.starts_with('#') { "" } else { shown[..end].trim_end() };
    Span::new(start, start + value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, format: Format, expected: &[(&str, &str)]) {
        let (variables, _) = read(text, format);
        let found: Vec<_> =
            variables.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
        assert_eq!(found, expected, "{text}");
        for variable in &variables {
            assert_eq!(variable.span.text(text), variable.value, "{text}");
        }
    }

    #[test]
    fn lines_are_variables() {
        check(
            "# c\n\nA=1\r\nexport B = two words # c\nC='x # y'\nD=\"a\\\"\nb\" # c\nE\nF=\nG=#\nH=a#b\n",
            Format::Compose,
            &[
                ("A", "1"),
                ("B", "two words"),
                ("C", "x # y"),
                ("D", "a\\\"\nb"),
                ("F", ""),
                ("G", ""),
                ("H", "a#b"),
            ],
        );
        check("A='x' # y\n", Format::Raw, &[("A", "'x' # y")]);
        check("\u{feff}A=1", Format::Compose, &[("A", "1")]);
    }

    #[test]
    fn odd_lines_are_told_and_the_rest_is_read() {
        let (variables, problems) = read("=x\na b=c\nA=\"open\nB=1\n", Format::Compose);
        assert_eq!(problems.len(), 2);
        assert_eq!(variables.len(), 2, "{variables:?}");
        let (_, problems) = read(&"=\n".repeat(100_000), Format::Compose);
        assert_eq!(problems.len(), PROBLEMS_MAX);
    }

    #[test]
    fn open_quotes_do_not_take_time_without_end() {
        let start = std::time::Instant::now();
        read(&"A=\"x\n".repeat(50_000), Format::Compose);
        read(&"A='x\n".repeat(50_000), Format::Compose);
        assert!(start.elapsed() < std::time::Duration::from_secs(20));
    }
}
