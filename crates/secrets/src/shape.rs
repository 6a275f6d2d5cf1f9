//! How a provider's keys look: literal parts, and runs of letters of a class.
//!
//! A shape is written as a text: `ghp_<n36>` is the literal `ghp_` and 36 letters of class `n`; `<w20-64>` is 20 to 64
//! letters, `<w20->` at least 20. The first literal is the anchor that is searched for, or the one behind a `^`.

use std::ops::Range;

/// Letters of one class, a bit each.
pub(crate) type Class = u128;

// Longest run; a bound for what has no other.
const RUN_MAX: u16 = 1024;

const fn range(from: u8, to: u8) -> Class {
    let (mut class, mut letter) = (0, from);
    while letter <= to {
        class |= 1 << letter;
        letter += 1;
    }
    class
}

const fn letters(text: &[u8]) -> Class {
    let (mut class, mut at) = (0, 0);
    while at < text.len() {
        class |= 1 << text[at];
        at += 1;
    }
    class
}

const DIGITS: Class = range(b'0', b'9');
const SMALL: Class = range(b'a', b'z');
const CAPITAL: Class = range(b'A', b'Z');
/// Letters and digits.
pub(crate) const ALPHANUMERIC: Class = DIGITS | SMALL | CAPITAL;
/// What may stand in a word.
pub(crate) const WORD: Class = ALPHANUMERIC | letters(b"_");

/// The class of a letter in a shape.
const fn class(name: u8) -> Option<Class> {
    Some(match name {
        b'n' => ALPHANUMERIC,
        b'd' => DIGITS,
        b'l' => DIGITS | SMALL,
        b'z' => SMALL,
        b'a' => SMALL | CAPITAL,
        b'U' => DIGITS | CAPITAL,
        b'x' => DIGITS | range(b'a', b'f'),
        b'X' => DIGITS | range(b'a', b'f') | range(b'A', b'F'),
        b'h' => DIGITS | range(b'a', b'h') | range(b'A', b'H'),
        b'W' => WORD,
        b'w' => WORD | letters(b"-"),
        b'g' => WORD | letters(b"-="),
        b'q' => WORD | letters(b"-=."),
        b't' => WORD | letters(b"-.~"),
        b'b' => ALPHANUMERIC | letters(b"+/"),
        b'k' => WORD | letters(b"+/=-"),
        b'p' => ALPHANUMERIC | letters(b"%"),
        b'2' => CAPITAL | range(b'2', b'7'),
        b'y' => letters(b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
        b'e' => letters(b"="),
        b's' => range(b'!', b'~') & !letters(b"\"'`"),
        _ => return None,
    })
}

/// Whether a byte is of a class.
pub(crate) const fn is_in(byte: u8, class: Class) -> bool {
    byte < 128 && class >> byte & 1 == 1
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Text(&'static [u8]),
    Run { class: Class, least: u16, most: u16 },
}

/// A shape that was read.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    parts: Vec<Part>,
    anchor: usize,
}

impl Shape {
    /// Reads a shape of the table; `None` if it is none, which a test keeps from happening.
    pub(crate) fn read(text: &'static str) -> Option<Self> {
        let (mut parts, mut anchor) = (Vec::new(), None);
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(run) = rest.strip_prefix('<') {
                let (inside, behind) = run.split_once('>')?;
                if inside == "uuid" {
                    parts.extend(uuid());
                } else {
                    parts.push(read_run(inside)?);
                }
                rest = behind;
                continue;
            }
            let (literal, behind) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            let marked = literal.strip_prefix('^');
            if marked.is_some() {
                anchor = Some(parts.len());
            }
            parts.push(Part::Text(marked.unwrap_or(literal).as_bytes()));
            rest = behind;
        }
        let first = parts.iter().position(|part| matches!(part, Part::Text(_)));
        Some(Self { anchor: anchor.or(first).unwrap_or(usize::MAX), parts })
    }

    /// The literal to search for; a shape of runs only has none.
    pub(crate) fn anchor(&self) -> Option<&'static str> {
        match self.parts.get(self.anchor) {
            Some(Part::Text(text)) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// The letters that can be behind the anchor.
    pub(crate) fn letters_behind_anchor(&self) -> impl Iterator<Item = char> {
        let class = match self.parts.get(self.anchor.saturating_add(1)) {
            Some(Part::Run { class, .. }) => *class,
            _ => 0,
        };
        (0..128).filter(move |byte| is_in(*byte, class)).map(char::from)
    }

    /// The range of the whole, if the anchor is at this place.
    pub(crate) fn around(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        if self.anchor == 0 && !is_free_before(text, at) {
            return None;
        }
        let mut start = at;
        for part in self.parts.get(..self.anchor)?.iter().rev() {
            start = match part {
                Part::Text(literal) => {
                    text[..start].ends_with(literal).then(|| start - literal.len())?
                }
                Part::Run { class, least, most } => {
                    let run = text[..start].iter().rev().take(usize::from(*most));
                    let count = run.take_while(|byte| is_in(**byte, *class)).count();
                    (count >= usize::from(*least)).then(|| start - count)?
                }
            };
        }
        let end = follow(&self.parts[self.anchor..], text, at)?;
        (is_free_before(text, start) && self.is_free_behind(text, end)).then_some(start..end)
    }

    /// The end, if the shape begins at this place.
    pub(crate) fn from(&self, text: &[u8], start: usize) -> Option<usize> {
        follow(&self.parts, text, start).filter(|end| self.is_free_behind(text, *end))
    }

    // A longer word is something else.
    fn is_free_behind(&self, text: &[u8], end: usize) -> bool {
        let last = match self.parts.last() {
            Some(Part::Run { class, .. }) => *class,
            _ => 0,
        };
        text.get(end).is_none_or(|byte| !is_in(*byte, last | WORD))
    }
}

// Whether a word can begin here. An escape sequence of a text in a text (`\n`) is no part of a word.
fn is_free_before(text: &[u8], start: usize) -> bool {
    match text[..start] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        // The ending of a file's name.
        [.., before, b'.'] if is_in(before, WORD) => false,
        [.., byte] => !is_in(byte, WORD),
        [] => true,
    }
}

// Where the parts end that begin at this place. The longest runs are tried first; the depth is that of the table's
// shapes, and few of them have two runs without a length.
fn follow(parts: &[Part], text: &[u8], at: usize) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else { return Some(at) };
    match *part {
        Part::Text(literal) => {
            text[at..].starts_with(literal).then(|| follow(rest, text, at + literal.len()))?
        }
        Part::Run { class, least, most } => {
            let run = text[at..].iter().take(usize::from(most));
            let count = run.take_while(|byte| is_in(**byte, class)).count();
            if rest.is_empty() {
                return (count >= usize::from(least)).then_some(at + count);
            }
            (usize::from(least)..=count).rev().find_map(|count| follow(rest, text, at + count))
        }
    }
}

fn read_run(text: &str) -> Option<Part> {
    let (name, counts) = text.split_at_checked(1)?;
    let class = class(name.as_bytes()[0])?;
    let (least, most) = match counts.split_once('-') {
        None => (counts.parse().ok()?, counts.parse().ok()?),
        Some((least, "")) => (least.parse().ok()?, RUN_MAX),
        Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
    };
    Some(Part::Run { class, least, most })
}

fn uuid() -> [Part; 9] {
    let run = |count| Part::Run {
        class: DIGITS | range(b'a', b'f') | range(b'A', b'F'),
        least: count,
        most: count,
    };
    let dash = Part::Text(b"-");
    [run(8), dash, run(4), dash, run(4), dash, run(4), dash, run(12)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(shape: &'static str, text: &str, expected: Option<&str>) {
        let shape = Shape::read(shape).unwrap();
        let anchor = shape.anchor().unwrap();
        let found =
            text.match_indices(anchor).find_map(|(at, _)| shape.around(text.as_bytes(), at));
        assert_eq!(found.map(|range| &text[range]), expected);
    }

    #[test]
    fn shapes() {
        check("ab_<d3>", "x ab_123.", Some("ab_123"));
        check("ab_<d3>", "x ab_1234", None);
        check("ab_<d3>", "xab_123", None);
        check("ab_<d3>", "\\nab_123\\n", Some("ab_123"));
        check("<l3>^.mid.<x2->", "q abc.mid.0f0 ", Some("abc.mid.0f0"));
        check("<l3>^.mid.<x2->", ".mid.00", None);
        check("k-<w2-9>END<d1->", "k-aaENDbEND12", Some("k-aaENDbEND12"));
        check(
            "k-<uuid>",
            "k-01234567-89ab-cdef-0123-456789abcdef",
            Some("k-01234567-89ab-cdef-0123-456789abcdef"),
        );
        assert!(Shape::read("<?3>").is_none() && Shape::read("<n").is_none());
        assert!(Shape::read("<n3>").unwrap().anchor().is_none());
    }
}
