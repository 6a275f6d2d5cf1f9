//! Diagnostics as text: a snippet of the source with a caret, then why and what to do.

use annotate_snippets::{AnnotationKind, Group, Level as Title, Renderer, Snippet};

use crate::{Diagnostic, Level, LineIndex, Span};

/// Width of the reports; longer source lines are cut around the caret.
const WIDTH: usize = 120;
/// Longest stretch of source shown with one line; a minified line must not fill the screen or the time.
const EXCERPT_BYTES_MAX: usize = 2000;

/// Render the diagnostics on one file, one block each, in the given order.
pub fn render(diagnostics: &[Diagnostic], path: &str, source: &str, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let index = LineIndex::new(source);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let report = [group(diagnostic, path, source, &index)];
        text.push_str(&renderer.render(&report));
        text.push_str("\n\n");
    }
    text
}

/// One line for each diagnostic: `path:line:column level rule message`.
pub fn render_short(diagnostics: &[Diagnostic], path: &str, source: &str) -> String {
    let index = LineIndex::new(source);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let (line, column) = index.line_column(source, diagnostic.span.start);
        let rule = diagnostic.rule.as_deref().map(|rule| format!(" {rule}")).unwrap_or_default();
        let prefix = if path.is_empty() { String::new() } else { format!("{path}:") };
        let message = annotate_snippets::normalize_untrusted_str(&diagnostic.message);
        let level = diagnostic.level;
        text.extend([format!("{prefix}{line}:{column} {level}{rule} {message}\n")]);
    }
    text
}

fn group<'a>(
    diagnostic: &'a Diagnostic,
    path: &'a str,
    source: &'a str,
    index: &LineIndex,
) -> Group<'a> {
    let mut title = title(diagnostic.level).primary_title(clean(&diagnostic.message));
    if let Some(rule) = &diagnostic.rule {
        title = title.id(clean(rule));
    }
    let primary = Excerpt::new(source, index, diagnostic.span);
    let mut annotation = AnnotationKind::Primary.span(primary.span.range());
    if let Some(label) = &diagnostic.label {
        annotation = annotation.label(clean(label));
    }
    let mut group = title.element(primary.snippet(path).annotation(annotation));
    for (span, label) in &diagnostic.related {
        let excerpt = Excerpt::new(source, index, *span);
        let annotation = AnnotationKind::Context.span(excerpt.span.range()).label(clean(label));
        group = group.element(excerpt.snippet(path).annotation(annotation));
    }
    if let Some(why) = &diagnostic.why {
        group = group.element(Title::NOTE.with_name("why").message(clean(why)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Title::HELP.message(clean(help)));
    }
    if !diagnostic.aliases.is_empty() {
        let aliases = clean(&diagnostic.aliases.join(", "));
        group = group.element(Title::NOTE.with_name("also known as").message(aliases));
    }
    group
}

/// Text that came from a file, without terminal control characters.
fn clean(text: &str) -> String {
    annotate_snippets::normalize_untrusted_str(text)
}

fn title(level: Level) -> Title<'static> {
    match level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
        Level::Info => Title::INFO.with_name("info"),
        Level::Style => Title::NOTE.with_name("style"),
    }
}

/// The one line that is shown for a span: its first.
struct Excerpt<'a> {
    text: &'a str,
    line: usize,
    span: Span,
}

impl<'a> Excerpt<'a> {
    fn new(source: &'a str, index: &LineIndex, span: Span) -> Self {
        let span = span.clamp(source);
        let line = index.line(span.start);
        let line_start = index.line_start(line);
        let rest = &source[line_start..];
        let line_end = line_start + rest.find('\n').unwrap_or(rest.len());
        let text = source[line_start..line_end].trim_end_matches('\r');
        let start = (span.start - line_start).min(text.len());
        let end = (span.end - line_start).clamp(start, text.len());
        let (cut, text) = cut(text, start);
        Self { text, line, span: Span::new(start - cut, (end - cut).min(text.len())) }
    }

    fn snippet<T: Clone>(&self, path: &'a str) -> Snippet<'a, T> {
        Snippet::source(self.text).line_start(self.line).path(path)
    }
}

/// A very long line cut to the part around `at`: how much was cut off before it, and the part.
fn cut(text: &str, at: usize) -> (usize, &str) {
    if text.len() <= EXCERPT_BYTES_MAX {
        return (0, text);
    }
    let start = text.floor_char_boundary(at.saturating_sub(EXCERPT_BYTES_MAX / 2));
    let end = text.floor_char_boundary(start + EXCERPT_BYTES_MAX);
    (start, &text[start..end])
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(source: &str, diagnostic: Diagnostic, expected: Expect) {
        expected.assert_eq(&render(&[diagnostic], "Dockerfile", source, false));
    }

    #[test]
    fn block_has_caret_reason_and_remedy() {
        check(
            "FROM debian\nFORM x\n",
            Diagnostic::error(Span::new(12, 16), "unknown instruction `FORM`")
                .with_rule("SL0001")
                .with_label("not an instruction")
                .with_why("the build stops here")
                .with_help("write `FROM`")
                .with_related(Span::new(0, 4), "as here"),
            expect![[r#"
                error[SL0001]: unknown instruction `FORM`
                 --> Dockerfile:2:1
                  |
                2 | FORM x
                  | ^^^^ not an instruction
                  |
                 ::: Dockerfile:1:1
                  |
                1 | FROM debian
                  | ---- as here
                  |
                  = why: the build stops here
                  = help: write `FROM`

            "#]],
        );
    }

    #[test]
    fn hostile_text_and_spans_are_harmless() {
        check(
            "RUN \u{1b}[31mä\r\n",
            Diagnostic::new(Level::Style, Span::new(4, 9999), "bad \u{1b}[2J byte"),
            expect![[r#"
                style: bad ␛[2J byte
                 --> Dockerfile:1:5
                  |
                1 | RUN ␛[31mä
                  |     ^^^^^^

            "#]],
        );
        let source = "x".repeat(3_000_000);
        let text = render(
            &[Diagnostic::error(Span::new(2_999_999, 3_000_000), "here")],
            "f",
            &source,
            false,
        );
        assert!(text.len() < 20_000, "{}", text.len());
        render(&[Diagnostic::error(Span { start: 9, end: 3 }, "odd")], "f", "", true);
    }

    #[test]
    fn short_form_is_one_line_each() {
        let diagnostic = Diagnostic::error(Span::new(2, 3), "odd").with_rule("SL1001");
        expect![[r#"
            f:2:1 error SL1001 odd
        "#]]
        .assert_eq(&render_short(&[diagnostic], "f", "a\nb\n"));
    }
}
