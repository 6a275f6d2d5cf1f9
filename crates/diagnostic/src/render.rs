//! Diagnostics as text: a snippet of the source with a caret, then why and what to do.

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet,
};

use crate::{Diagnostic, Level, LineIndex, Span};

/// Width of the reports; longer source lines are cut around the caret.
const WIDTH: usize = 120;
/// Longest stretch of source shown with one line; a minified line must not fill the screen or the time.
const EXCERPT_BYTES_MAX: usize = 2000;
/// Places that are further from each other are shown one by one.
const EXCERPT_LINES_MAX: usize = 8;

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

/// Render a diagnostic on something that is no text, such as a file of an image, with the name of its place.
pub fn render_at(diagnostic: &Diagnostic, place: &str, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let group = Group::with_title(headline(diagnostic)).element(Origin::path(one_line(place)));
    let report = [advise(group, diagnostic)];
    renderer.render(&report) + "\n\n"
}

/// One line for each diagnostic: `path:line:column level rule message`.
pub fn render_short(diagnostics: &[Diagnostic], path: &str, source: &str) -> String {
    let index = LineIndex::new(source);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let (line, column) = index.line_column(source, diagnostic.span.start);
        let rule = diagnostic.rule.as_deref().map(|rule| format!(" {rule}")).unwrap_or_default();
        let prefix = if path.is_empty() { String::new() } else { format!("{path}:") };
        let message = one_line(&diagnostic.message);
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
    let primary =
        Place { span: diagnostic.span, label: diagnostic.label.as_deref(), primary: true };
    let related = diagnostic.related.iter().map(|(span, label)| Place {
        span: *span,
        label: Some(label),
        primary: false,
    });
    let places: Vec<Place<'_>> = std::iter::once(primary).chain(related).collect();
    // Places that are near each other are shown together, those that are not one by one.
    let mut group = Group::with_title(headline(diagnostic));
    let shown = if Excerpt::new(source, index, &places).is_some() { places.len() } else { 1 };
    for places in places.chunks(shown) {
        if let Some(excerpt) = Excerpt::new(source, index, places) {
            group = group.element(excerpt.snippet(path, places));
        }
    }
    advise(group, diagnostic)
}

fn headline(diagnostic: &Diagnostic) -> annotate_snippets::Title<'_> {
    let title = title(diagnostic.level).primary_title(one_line(&diagnostic.message));
    match &diagnostic.rule {
        Some(rule) => title.id(clean(rule)),
        None => title,
    }
}

/// Why, what to do, and what others call it.
fn advise<'a>(mut group: Group<'a>, diagnostic: &'a Diagnostic) -> Group<'a> {
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

/// A span to point at.
struct Place<'a> {
    span: Span,
    label: Option<&'a str>,
    primary: bool,
}

/// Text that came from a file, without terminal control characters.
fn clean(text: &str) -> String {
    annotate_snippets::normalize_untrusted_str(text)
}

/// The same without line ends, which could pass for another message.
fn one_line(text: &str) -> String {
    clean(text).replace('\n', "␊").replace('\r', "␍")
}

fn title(level: Level) -> Title<'static> {
    match level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
        Level::Info => Title::INFO.with_name("info"),
        Level::Style => Title::NOTE.with_name("style"),
    }
}

/// The lines that are shown for some places: only the first line of each span is marked.
struct Excerpt<'a> {
    text: &'a str,
    line: usize,
    /// Offset of `text` in the source.
    start: usize,
    /// Offset of the end of `text` in the source.
    end: usize,
}

impl<'a> Excerpt<'a> {
    /// `None` when the places are too far from each other.
    fn new(source: &'a str, index: &LineIndex, places: &[Place<'_>]) -> Option<Self> {
        let starts = || places.iter().map(|place| place.span.clamp(source).start);
        let (first, last) = (starts().min()?, starts().max()?);
        let (line, last_line) = (index.line(first), index.line(last));
        let start = index.line_start(line);
        let end = last + source[last..].find('\n').unwrap_or(source.len() - last);
        let text = source[start..end].trim_end_matches('\r');
        if text.len() <= EXCERPT_BYTES_MAX && last_line - line < EXCERPT_LINES_MAX {
            return Some(Self { text, line, start, end: start + text.len() });
        }
        if places.len() > 1 {
            return None;
        }
        // A very long line is cut to the part around the place.
        let near = first.saturating_sub(EXCERPT_BYTES_MAX / 2).max(start);
        let start = source.floor_char_boundary(near);
        let end = source.floor_char_boundary(start + EXCERPT_BYTES_MAX).min(end);
        Some(Self { text: &source[start..end], line, start, end })
    }

    fn snippet(&self, path: &'a str, places: &[Place<'_>]) -> Snippet<'a, Annotation<'a>> {
        let mut snippet = Snippet::source(self.text).line_start(self.line).path(path);
        for place in places {
            let kind =
                if place.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let mut annotation = kind.span(self.range(place.span));
            if let Some(label) = place.label {
                annotation = annotation.label(clean(label));
            }
            snippet = snippet.annotation(annotation);
        }
        snippet
    }

    /// The first line of a span, counted from the start of the excerpt.
    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let start =
            self.text.floor_char_boundary(span.start.clamp(self.start, self.end) - self.start);
        let end = self
            .text
            .ceil_char_boundary(span.end.clamp(self.start, self.end) - self.start)
            .max(start);
        let line = &self.text[start..end];
        start
            ..start
                + line.find('\n').map_or(line.len(), |at| line[..at].trim_end_matches('\r').len())
    }
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
                1 | FROM debian
                  | ---- as here
                2 | FORM x
                  | ^^^^ not an instruction
                  |
                  = why: the build stops here
                  = help: write `FROM`

            "#]],
        );
    }

    #[test]
    fn places_far_from_each_other_are_shown_one_by_one() {
        let source = format!("FROM debian{}FORM x\nRUN y \\\n  z\n", "\n".repeat(20));
        check(
            &source,
            Diagnostic::error(Span::new(31, 35), "odd")
                .with_related(Span::new(0, 4), "far")
                .with_related(Span::new(38, 49), "near"),
            expect![[r#"
                error: odd
                  --> Dockerfile:21:1
                   |
                21 | FORM x
                   | ^^^^
                   |
                  ::: Dockerfile:1:1
                   |
                 1 | FROM debian
                   | ---- far
                   |
                  ::: Dockerfile:22:1
                   |
                22 | RUN y \
                   | ------- near

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
        let odd = Diagnostic::error(Span::new(2, 3), "odd").with_rule("SL1001");
        let hostile = Diagnostic::error(Span::new(0, 1), "no `a\r\nf:9:9 error odd`");
        expect![[r#"
            f:2:1 error SL1001 odd
            f:1:1 error no `a␍␊f:9:9 error odd`
        "#]]
        .assert_eq(&render_short(&[odd, hostile], "f", "a\nb\n"));
    }
}
