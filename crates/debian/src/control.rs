//! Debian's control format (deb822(5), Debian policy §5.1): paragraphs of fields.
//!
//! Nothing is copied: names and values are slices of the text.

use crate::Error;

/// A paragraph may have this many fields.
const FIELDS_MAX: usize = 1000;

/// Reads a text paragraph by paragraph.
pub(crate) struct Paragraphs<'a> {
    rest: &'a str,
    line: usize,
    what: &'a str,
}

/// One paragraph.
#[derive(Debug, Default)]
pub(crate) struct Paragraph<'a> {
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Paragraphs<'a> {
    /// `what` names the text in errors.
    pub(crate) fn new(text: &'a str, what: &'a str) -> Self {
        Self { rest: text, line: 0, what }
    }

    /// The next paragraph, if there is one.
    pub(crate) fn next_paragraph(&mut self) -> Result<Option<Paragraph<'a>>, Error> {
        while let Some((line, rest)) = split_line(self.rest)
            && line.trim().is_empty()
        {
            self.rest = rest;
            self.line += 1;
        }
        let start = self.rest;
        let mut fields: Vec<(&'a str, &'a str)> = Vec::new();
        // Start of the last field's value in `start`, so that continuation lines extend it.
        let mut value_start = 0;
        while let Some((line, rest)) = split_line(self.rest)
            && !line.trim().is_empty()
        {
            self.line += 1;
            let line_start = start.len() - self.rest.len();
            let line_end = line_start + line.len();
            self.rest = rest;
            if line.starts_with('#') {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                let Some(last) = fields.last_mut() else {
                    return Err(self.malformed("a continuation line follows no field"));
                };
                last.1 = &start[value_start..line_end];
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                return Err(self.malformed("there is no `:` after the field's name"));
            };
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(self.malformed("the field has no proper name"));
            }
            if fields.len() >= FIELDS_MAX {
                return Err(self.malformed("the paragraph has too many fields"));
            }
            value_start = line_start + name.len() + 1;
            fields.push((name, value));
        }
        if fields.is_empty() {
            return Ok(None);
        }
        Ok(Some(Paragraph { fields }))
    }

    fn malformed(&self, message: &str) -> Error {
        Error::Malformed {
            what: self.what.to_owned(),
            line: self.line,
            message: message.to_owned(),
        }
    }
}

impl<'a> Paragraph<'a> {
    /// The value of a field, without blanks around it. Names are compared without regard to case.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// The only paragraph of a text.
pub(crate) fn single<'a>(text: &'a str, what: &'a str) -> Result<Paragraph<'a>, Error> {
    let mut paragraphs = Paragraphs::new(text, what);
    let error = |message: &str| Error::Malformed {
        what: what.to_owned(),
        line: 0,
        message: message.to_owned(),
    };
    let Some(paragraph) = paragraphs.next_paragraph()? else {
        return Err(error("there is no paragraph"));
    };
    match paragraphs.next_paragraph()? {
        Some(_) => Err(error("there is more than one paragraph")),
        None => Ok(paragraph),
    }
}

// The first line without its end, and the rest.
fn split_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    match text.split_once('\n') {
        Some((line, rest)) => Some((line, rest)),
        None => Some((text, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    fn check(text: &str, expected: Expect) {
        let mut paragraphs = Paragraphs::new(text, "test");
        let mut actual = String::new();
        loop {
            match paragraphs.next_paragraph() {
                Ok(Some(paragraph)) => {
                    for (name, value) in &paragraph.fields {
                        let _ = writeln!(actual, "{name}={:?}", value.trim());
                    }
                    actual.push_str("--\n");
                }
                Ok(None) => break,
                Err(error) => {
                    actual.push_str(&error.to_string());
                    break;
                }
            }
        }
        expected.assert_eq(&actual);
    }

    #[test]
    fn fields_continuations_comments() {
        check(
            "\n\nPackage: a\nDescription: short\n long\n .\n more\n# remark\nSize:5\n\n\nPackage: b\n \t\nPackage: c",
            expect![[r#"
                Package="a"
                Description="short\n long\n .\n more"
                Size="5"
                --
                Package="b"
                --
                Package="c"
                --
            "#]],
        );
    }

    #[test]
    fn refuses_other_texts() {
        check(
            " lead\n",
            expect!["`test` is malformed at line 1: a continuation line follows no field"],
        );
        check(
            "A: b\nno colon\n",
            expect!["`test` is malformed at line 2: there is no `:` after the field's name"],
        );
        check(": x\n", expect!["`test` is malformed at line 1: the field has no proper name"]);
        check(
            &"A: b\n".repeat(FIELDS_MAX + 1),
            expect!["`test` is malformed at line 1001: the paragraph has too many fields"],
        );
    }

    #[test]
    fn lookup_ignores_case_and_single_is_single() {
        assert_eq!(single("Valid-until: x\n", "t").unwrap().get("Valid-Until"), Some("x"));
        assert!(single("A: b\n\nC: d\n", "t").is_err());
        assert!(single("\n", "t").is_err());
    }
}
