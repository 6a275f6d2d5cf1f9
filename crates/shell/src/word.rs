//! What words say once their quotes are gone.

use std::borrow::Cow;

use crate::{Few, Part, PartKind, Word};

/// Whether a text can be the name of a variable.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The last part of a path.
pub fn base_name(path: &str) -> &str {
    // Nearly all paths here are short: a loop over their bytes is done before a searcher has begun.
    let start = path.bytes().rposition(|byte| byte == b'/').map_or(0, |at| at + 1);
    &path[start..]
}

/// The name that `NAME=value` or `NAME+=value` assigns to.
pub fn assignment_name(text: &str) -> Option<&str> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let (name, rest) = text.split_at(text.bytes().take_while(is_letter).count());
    let assigns = rest.starts_with('=') || rest.starts_with("+=");
    (assigns && is_name(name)).then_some(name)
}

impl<'a> Word<'a> {
    /// The word without quotes; what is expanded stands in it as written.
    pub fn text(&self, source: &'a str) -> Cow<'a, str> {
        match self.parts.as_slice() {
            [] => Cow::Borrowed(""),
            [part] => part.text(source),
            parts => Cow::Owned(joined(parts, source)),
        }
    }

    /// The word if nothing in it is expanded, not even a pattern.
    pub fn literal(&self) -> Option<Cow<'a, str>> {
        let is_literal = |part: &Part<'_>| match &part.kind {
            PartKind::Literal(_) | PartKind::Escaped(_) | PartKind::Single(_) => true,
            PartKind::Double(parts) => parts
                .iter()
                .all(|part| matches!(part.kind, PartKind::Literal(_) | PartKind::Escaped(_))),
            _ => false,
        };
        self.parts.iter().all(is_literal).then(|| self.text(""))
    }

    /// Whether it is nothing but plain text.
    pub fn is_plain(&self) -> bool {
        matches!(self.parts, Few::One(Part { kind: PartKind::Literal(_), .. }))
    }

    /// The plain text that it starts with, before any quote or expansion.
    pub fn start(&self) -> &'a str {
        match self.parts.first() {
            Some(Part { kind: PartKind::Literal(text), .. }) => text,
            _ => "",
        }
    }

    /// Whether any part of it has quotes.
    pub fn is_quoted(&self) -> bool {
        self.parts.iter().any(|part| {
            matches!(
                part.kind,
                PartKind::Single(_)
                    | PartKind::Double(_)
                    | PartKind::AnsiC(_)
                    | PartKind::Escaped(_)
            )
        })
    }
}

impl<'a> Part<'a> {
    fn text(&self, source: &'a str) -> Cow<'a, str> {
        match &self.kind {
            PartKind::Literal(text)
            | PartKind::Escaped(text)
            | PartKind::Single(text)
            | PartKind::AnsiC(text) => Cow::Borrowed(text),
            PartKind::Double(parts) => match parts.as_slice() {
                [part] => part.text(source),
                parts => Cow::Owned(joined(parts, source)),
            },
            _ => Cow::Borrowed(self.span.text(source)),
        }
    }
}

fn joined<'a>(parts: &[Part<'a>], source: &'a str) -> String {
    parts.iter().map(|part| part.text(source)).collect()
}
