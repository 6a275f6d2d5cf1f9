//! What is assigned to a name: `name = value` in the ways of many languages, configurations and commands.

use std::ops::Range;

use crate::shape::{WORD, is_in};

// What may stand between a word of the name and the end of the name.
const NAME_REST_MAX: usize = 24;
const GAP_MAX: usize = 4;
const VALUE_GAP_MAX: usize = 8;
/// Bytes before a word that may belong to its name.
const NAME_START_MAX: usize = 50;
const VALUE_MAX: usize = 512;

/// Where the value begins that is assigned to a name, of which a word ends here.
pub(crate) fn value_start(text: &[u8], word_end: usize) -> Option<usize> {
    let rest = &text[word_end..];
    let name = count(rest, NAME_REST_MAX, |byte| {
        is_in(byte, WORD) || matches!(byte, b' ' | b'\t' | b'.' | b'-')
    });
    let gap = count(&rest[name..], GAP_MAX, |byte| {
        byte.is_ascii_whitespace() || matches!(byte, b'\'' | b'"' | b'`' | b'\\' | b']' | b')')
    });
    let at = name + gap;
    let operator = operator_len(&rest[at..])?;
    let from = at + operator;
    let gap = count(&rest[from..], VALUE_GAP_MAX, |byte| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'\'' | b'"' | b'`' | b'=' | b'\\' | b'(' | b'[')
    });
    Some(word_end + from + gap)
}

fn operator_len(rest: &[u8]) -> Option<usize> {
    Some(match rest {
        [b'=', b'>', ..] | [b'|', b'|', ..] | [b'?', b'=', ..] => 2,
        [b':', b':', b':', b'=', ..] => 4,
        [b':', b':', b'=', ..] => 3,
        [b':', b'=', ..] => 2,
        [b'=' | b':' | b'>' | b',', ..] => 1,
        _ => return None,
    })
}

fn count(text: &[u8], most: usize, is: impl Fn(u8) -> bool) -> usize {
    text.iter().take(most).take_while(|byte| is(**byte)).count()
}

/// The whole name around a word.
pub(crate) fn name_around(text: &[u8], word: Range<usize>) -> Range<usize> {
    let is_part = |byte: &&u8| is_in(**byte, WORD) || matches!(**byte, b'-' | b'.');
    let before = text[..word.start].iter().rev().take(NAME_START_MAX).take_while(is_part).count();
    let behind = text[word.end..].iter().take(NAME_REST_MAX).take_while(is_part).count();
    word.start - before..word.end + behind
}

/// The value that begins here: to the quote that ends it, or as far as a word goes.
pub(crate) fn value(text: &[u8], start: usize) -> Range<usize> {
    let quote = text[..start].last().copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let rest = &text[start..text.len().min(start + VALUE_MAX)];
    let end = rest.iter().position(|byte| match quote {
        Some(quote) => *byte == quote || matches!(*byte, b'\n' | b'\r' | b'\\'),
        None => {
            byte.is_ascii_whitespace()
                || matches!(
                    *byte,
                    b'"' | b'\''
                        | b'`'
                        | b';'
                        | b','
                        | b')'
                        | b'}'
                        | b']'
                        | b'<'
                        | b'>'
                        | b'|'
                        | b'\\'
                        | b'&'
                )
        }
    });
    start..start + end.unwrap_or(rest.len())
}

// Words so short stand in others by chance, `sumOf` has no `sumo`.
const SHORT_WORD: usize = 5;

/// Whether the word here is one of a name: no letter before it, or a small one before its capital.
pub(crate) fn is_word_of_name(text: &[u8], word: Range<usize>) -> bool {
    let is_parted = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
    if word.len() <= SHORT_WORD && text[word.clone()].windows(2).any(is_parted) {
        return false;
    }
    let Some(before) = word.start.checked_sub(1).and_then(|at| text.get(at)) else { return true };
    let capital = text.get(word.start).is_some_and(u8::is_ascii_uppercase);
    !before.is_ascii_alphabetic() || (capital && before.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_many_languages() {
        for text in [
            "token = 'v1'",
            "token: v1",
            "  \"token\" => \"v1\"",
            "token := `v1`",
            "token ::= \"v1\"",
            "$token .= \"v1\"",
            "setProperty(\"token\", \"v1\")",
            "<token>\n    v1\n</token>",
            "{\"x\": \"token=v1\\nb=c\"}",
            "{\\\"token\\\": \\\"v1\\\"}",
            "env[\"token\"] = \"v1\"",
            "token_of_this.thing ?= v1;",
            "if (token === 'v1')",
        ] {
            let end = text.find("token").unwrap() + 5;
            let start = value_start(text.as_bytes(), end).unwrap();
            assert_eq!(&text[value(text.as_bytes(), start)], "v1", "{text}");
        }
        assert_eq!(value_start(b"token", 5), None);
        assert_eq!(value_start(b"token of nothing at all and more words = 1", 5), None);
    }

    #[test]
    fn names() {
        let text = b"x = this.my-apiKey2 = 1";
        let at = text.windows(6).position(|it| it == b"apiKey").unwrap();
        assert_eq!(&text[name_around(text, at..at + 3)], b"this.my-apiKey2");
        assert!(is_word_of_name(b"my_lob", 3..6) && is_word_of_name(b"myLob", 2..5));
        assert!(!is_word_of_name(b"glob", 1..4) && !is_word_of_name(b"sumObj", 0..4));
    }
}
