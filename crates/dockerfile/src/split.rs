//! Splitting the arguments of an instruction into words, as byte ranges of its joined line.

use std::ops::Range;

/// White space between the arguments of most instructions; no-break spaces are part of a word.
pub(crate) fn is_blank(letter: char) -> bool {
    matches!(letter, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

/// The range without white space at both ends.
pub(crate) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

/// Words between blanks; quotes mean nothing.
pub(crate) fn blank_delimited(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in text[range.clone()].char_indices() {
        match (is_blank(letter), start) {
            (true, Some(from)) => {
                words.push(from..range.start + at);
                start = None;
            }
            (false, None) => start = Some(range.start + at),
            _ => {}
        }
    }
    words.extend(start.map(|from| from..range.end));
    words
}

/// Words between white space, where quotes and escapes keep white space inside a word; both stay in the word.
pub(crate) fn quoted(text: &str, range: Range<usize>, escape: char) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote: Option<char> = None;
    let mut letters = text[range.clone()].char_indices();
    while let Some((at, letter)) = letters.next() {
        let at = range.start + at;
        match quote {
            Some(open) => {
                if letter == open {
                    quote = None;
                } else if letter == escape && open != '\'' {
                    letters.next();
                }
            }
            None if letter.is_whitespace() => words.extend(start.take().map(|from| from..at)),
            None => {
                start.get_or_insert(at);
                if letter == '\'' || letter == '"' {
                    quote = Some(letter);
                } else if letter == escape {
                    letters.next();
                }
            }
        }
    }
    words.extend(start.map(|from| from..range.end));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, escape: char, expected: &[&str]) {
        let words: Vec<&str> =
            quoted(text, 0..text.len(), escape).into_iter().map(|range| &text[range]).collect();
        assert_eq!(words, expected, "{text}");
    }

    #[test]
    fn quotes_and_escapes_hold_words_together() {
        check(r#"a=1  b="x y" c='p q'"#, '\\', &["a=1", r#"b="x y""#, "c='p q'"]);
        check(r"a=x\ y b", '\\', &[r"a=x\ y", "b"]);
        check(r#"a="x\" y" b"#, '\\', &[r#"a="x\" y""#, "b"]);
        check(r"a='x\' b", '\\', &[r"a='x\'", "b"]);
        check(r"a=c:\ b", '`', &[r"a=c:\", "b"]);
        check("a=\"open end", '\\', &["a=\"open end"]);
        check("", '\\', &[]);
    }
}
