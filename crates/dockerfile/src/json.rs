//! The exec form: a JSON array of strings (RFC 8259), read strictly and without recursion.

use std::ops::Range;

use crate::{Text, Word};

/// What the arguments of an instruction are as JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Array {
    /// An array of strings; each word's span includes its quotes.
    Strings(Vec<Word>),
    /// A well-formed array with something else in it, at this offset of the line.
    NotStrings(usize),
    /// No array, or not well-formed: the shell form.
    No,
}

/// Read a range of a line.
pub(crate) fn read(line: &Text, range: Range<usize>) -> Array {
    let text = &line.as_str()[..range.end];
    let mut reader = Reader { text, at: range.start };
    reader.array(line).unwrap_or(Array::No)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn array(&mut self, line: &Text) -> Option<Array> {
        let mut words = Vec::new();
        let mut odd = None;
        self.skip_white();
        self.expect(b'[')?;
        self.skip_white();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.skip_white();
                let start = self.at;
                if self.peek() == Some(b'"') {
                    let text = self.string()?;
                    words.push(Word::new(text, line.span(start..self.at)));
                } else {
                    self.value()?;
                    odd.get_or_insert(start);
                }
                self.skip_white();
                match self.bump()? {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
        }
        self.skip_white();
        if self.at != self.text.len() {
            return None;
        }
        Some(odd.map_or(Array::Strings(words), Array::NotStrings))
    }

    /// Any value; nesting is kept on the heap.
    fn value(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.skip_white();
            match self.peek()? {
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    self.skip_white();
                    if self.peek()? == closer(bracket) {
                        self.at += 1;
                    } else {
                        if bracket == b'{' {
                            self.key()?;
                        }
                        open.push(bracket);
                        continue;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                _ => self.scalar()?,
            }
            loop {
                let Some(bracket) = open.last().copied() else { return Some(()) };
                self.skip_white();
                match self.bump()? {
                    b',' => {
                        if bracket == b'{' {
                            self.skip_white();
                            self.key()?;
                        }
                        break;
                    }
                    byte if byte == closer(bracket) => {
                        open.pop();
                    }
                    _ => return None,
                }
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.skip_white();
        self.expect(b':')
    }

    fn scalar(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        self.at += length;
        (matches!(word, "true" | "false" | "null") || is_number(word)).then_some(())
    }

    fn string(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut value = String::new();
        loop {
            let rest = &self.text[self.at..];
            let is_end = |byte: u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            let plain = rest.bytes().position(is_end)?;
            value.push_str(&rest[..plain]);
            self.at += plain;
            match self.bump()? {
                b'"' => return Some(value),
                b'\\' => value.push(self.escaped()?),
                _ => return None,
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.bump()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                let before = self.at;
                let second = self.text[self.at..].starts_with("\\u").then(|| {
                    self.at += 2;
                    self.hex()
                });
                match second {
                    Some(Some(second)) if (0xdc00..0xe000).contains(&second) => {
                        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    _ => {
                        self.at = before;
                        char::REPLACEMENT_CHARACTER
                    }
                }
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn skip_white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte; never part of a longer character when it is compared with ASCII and refused otherwise.
    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek().filter(u8::is_ascii)?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.bump()? == byte).then_some(())
    }
}

fn closer(bracket: u8) -> u8 {
    if bracket == b'{' { b'}' } else { b']' }
}

/// RFC 8259 §6.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Result<&[&str], usize>>) {
        let mut line = Text::default();
        line.push(text, 0);
        let found = read(&line, 0..text.len());
        let found = match &found {
            Array::Strings(words) => {
                Some(Ok(words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>()))
            }
            Array::NotStrings(at) => Some(Err(*at)),
            Array::No => None,
        };
        assert_eq!(found, expected.map(|expected| expected.map(<[&str]>::to_vec)), "{text}");
    }

    #[test]
    fn arrays_of_strings() {
        check(r#"["a", "b c"] "#, Some(Ok(&["a", "b c"])));
        check("[]", Some(Ok(&[])));
        check(r#"["\u00e4\n\"\ud83d\ude00\ud83dx"]"#, Some(Ok(&["ä\n\"😀\u{fffd}x"])));
        check(r#"["a", 1]"#, Some(Err(6)));
        check(r#"[{"a":[1,{}],"b":null}, [], -0.5e+3]"#, Some(Err(1)));
    }

    #[test]
    fn all_else_is_the_shell_form() {
        for text in [
            "",
            "[",
            "]",
            "a",
            "['a']",
            r#"["a",]"#,
            r#"["a"] b"#,
            r#"["a" "b"]"#,
            r#"["\x"]"#,
            "[01]",
            "[+1]",
            "[tru]",
            r#"[{"a"}]"#,
            "[\"\u{1}\"]",
            r#"["a"#,
            "[[[[",
            "[ä]",
            r#"["\u12"#,
            r#"["\u+123"]"#,
        ] {
            check(text, None);
        }
    }

    #[test]
    fn deep_nesting_is_harmless() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        check(&deep, Some(Err(1)));
        check(&"[".repeat(1_000_000), None);
    }
}
