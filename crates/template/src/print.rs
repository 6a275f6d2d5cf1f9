//! Values as text: as Go's `fmt` writes them, and by its verbs.

use std::borrow::Cow;

use serde_json::Value;

const WIDTH_MAX: usize = 10_000;

/// A value as `%v` has it.
pub(super) fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed("<no value>"),
        Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Value::Number(number) => Cow::Owned(number_text(number)),
        // Data is nested no deeper than the reader of JSON allows.
        Value::Array(list) => {
            let items: Vec<_> = list.iter().map(shown).collect();
            Cow::Owned(format!("[{}]", items.join(" ")))
        }
        Value::Object(map) => {
            let mut items: Vec<_> =
                map.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect();
            items.sort_unstable();
            Cow::Owned(format!("map[{}]", items.join(" ")))
        }
    }
}

// As Go's `%v`: with an exponent for what is large or small.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) if float == 0.0 || (1e-4..1e6).contains(&float.abs()) => float.to_string(),
        Some(float) => with_exponent(&format!("{float:e}")),
        None => number.to_string(),
    }
}

// Go writes the exponent with a sign and two digits.
fn with_exponent(text: &str) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text in Go's quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Go writes some of them as `\x01`, which JSON does not have.
            c if c.is_control() || turns_direction(c) => {
                out.extend(format!("\\u{:04x}", u32::from(c)).chars());
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `printf`
pub(super) fn printf(format: &str, values: &[Cow<'_, Value>]) -> Result<String, String> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = format;
    while let Some(percent) = rest.find('%') {
        out.push_str(&rest[..percent]);
        rest = &rest[percent + 1..];
        let (verb, after) = Verb::read(rest)?;
        rest = after;
        if verb.letter == '%' {
            out.push('%');
            continue;
        }
        match values.next() {
            Some(value) => verb.write(value, &mut out),
            None => out.extend(format!("%!{}(MISSING)", verb.letter).chars()),
        }
    }
    out.push_str(rest);
    for value in values {
        out.extend(format!("%!(EXTRA {})", shown(value)).chars());
    }
    Ok(out)
}

struct Verb {
    is_left: bool,
    is_zero: bool,
    has_sign: bool,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

impl Verb {
    fn read(text: &str) -> Result<(Self, &str), String> {
        let flags = text.trim_start_matches(['-', '0', '+', ' ', '#']);
        let set = &text[..text.len() - flags.len()];
        let (width, rest) = digits(flags)?;
        let (precision, rest) = match rest.strip_prefix('.') {
            Some(rest) => {
                let (precision, rest) = digits(rest)?;
                (Some(precision), rest)
            }
            None => (None, rest),
        };
        let letter = rest.chars().next().ok_or("printf: a `%` at the end says nothing")?;
        let verb = Self {
            is_left: set.contains('-'),
            is_zero: set.contains('0'),
            has_sign: set.contains('+'),
            width,
            precision,
            letter,
        };
        Ok((verb, &rest[letter.len_utf8()..]))
    }

    fn write(&self, value: &Value, out: &mut String) {
        let mut text = match (self.letter, value) {
            ('q', Value::String(text)) => quoted(text),
            ('f' | 'F', Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(0.0);
                format!("{number:.*}", self.precision.unwrap_or(6).min(100))
            }
            ('e', Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(0.0);
                with_exponent(&format!("{number:.*e}", self.precision.unwrap_or(6).min(100)))
            }
            ('x', Value::String(text)) => crate::texts::hex(text.as_bytes()),
            ('x', Value::Number(number)) => format!("{:x}", number.as_i64().unwrap_or(0)),
            ('X', Value::Number(number)) => format!("{:X}", number.as_i64().unwrap_or(0)),
            ('X', Value::String(text)) => crate::texts::hex(text.as_bytes()).to_uppercase(),
            ('o', Value::Number(number)) => format!("{:o}", number.as_i64().unwrap_or(0)),
            ('b', Value::Number(number)) => format!("{:b}", number.as_i64().unwrap_or(0)),
            ('c', Value::Number(number)) => {
                let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
                number.and_then(char::from_u32).unwrap_or('\u{fffd}').to_string()
            }
            ('v' | 's', Value::Null) => "<nil>".to_owned(),
            ('s' | 'v' | 'd' | 'q' | 't' | 'f' | 'g' | 'e' | 'x', _) => shown(value).into_owned(),
            (letter, _) => format!("%!{letter}({})", shown(value)),
        };
        if let (Some(precision), 's' | 'v') = (self.precision, self.letter) {
            text = text.chars().take(precision).collect();
        }
        if self.has_sign && value.is_number() && !text.starts_with('-') {
            text.insert(0, '+');
        }
        let missing = self.width.saturating_sub(text.chars().count());
        if self.is_left {
            out.push_str(&text);
            out.push_str(&" ".repeat(missing));
        } else if self.is_zero && value.is_number() {
            let (sign, digits) = match text.strip_prefix(['-', '+']) {
                Some(digits) => text.split_at(text.len() - digits.len()),
                None => ("", text.as_str()),
            };
            out.push_str(sign);
            out.push_str(&"0".repeat(missing));
            out.push_str(digits);
        } else {
            out.push_str(&" ".repeat(missing));
            out.push_str(&text);
        }
    }
}

fn digits(text: &str) -> Result<(usize, &str), String> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    let number = if digits.is_empty() { Some(0) } else { digits.parse().ok() };
    match number.filter(|number| *number <= WIDTH_MAX) {
        Some(number) => Ok((number, rest)),
        None => Err(format!("printf: a width is more than {WIDTH_MAX}")),
    }
}
