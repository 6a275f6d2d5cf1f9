//! Splitting the arguments of an instruction into words, as byte ranges of its joined line.

use std::ops::Range;

/// White space between the arguments of most instructions; no-break spaces are part of a word.
pub(crate) fn is_blank(letter: char) -> bool {
    matches!(letter, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

/// A text without white space at its start.
pub(crate) fn trim_start(text: &str) -> &str {
    let blanks = text.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let rest = &text[blanks..];
    // Only letters that are not plain ones need to be asked what they are.
    match rest.as_bytes().first() {
        Some(b'!'..=b'~') => rest,
        _ => rest.trim_start(),
    }
}

/// The range without white space at both ends.
pub(crate) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = trim_start(&text[range.clone()]);
    let start = range.end - part.len();
    match part.as_bytes().last() {
        Some(b'!'..=b'~') => start..range.end,
        _ => start..start + part.trim_end().len(),
    }
}

/// Words between blanks; quotes mean nothing.
pub(crate) fn blank_delimited(
    text: &str,
    range: Range<usize>,
) -> impl Iterator<Item = Range<usize>> {
    let is_blank = |byte: &u8| is_blank(char::from(*byte));
    let bytes = &text.as_bytes()[..range.end];
    let mut at = range.start;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(|byte| !is_blank(byte))?;
        at = bytes[start..].iter().position(is_blank).map_or(bytes.len(), |end| start + end);
        Some(start..at)
    })
}

/// Words between white space, where quotes and escapes keep white space inside a word; both stay in the word.
pub(crate) fn quoted(
    text: &str,
    range: Range<usize>,
    escape: char,
) -> impl Iterator<Item = Range<usize>> {
    let text = &text[..range.end];
    let mut at = range.start;
    std::iter::from_fn(move || {
        let start = text.len() - trim_start(&text[at..]).len();
        at = end_of_quoted(text, start, escape);
        (start < at).then_some(start..at)
    })
}

/// Where the word ends that starts here.
fn end_of_quoted(text: &str, start: usize, escape: char) -> usize {
    let mut quote: Option<char> = None;
    let mut at = start;
    while let Some(letter) = letter(text, at) {
        let next = at + letter.len_utf8();
        let escapes = letter == escape && quote != Some('\'');
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter.is_whitespace() => return at,
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            _ if escapes => {
                at = next + self::letter(text, next).map_or(0, char::len_utf8);
                continue;
            }
            _ => {}
        }
        at = next;
    }
    text.len()
}

/// The letter at a place, which is the start of one; most have one byte.
fn letter(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at) {
        Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
        _ => text.get(at..)?.chars().next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, escape: char, expected: &[&str]) {
        let words: Vec<&str> =
            quoted(text, 0..text.len(), escape).map(|range| &text[range]).collect();
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
