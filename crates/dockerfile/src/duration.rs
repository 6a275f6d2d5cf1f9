//! Durations as Go writes them: `1m30s`, `1.5h`, `250ms`.

use thiserror::Error;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no duration")]
pub struct DurationError {
    /// The text.
    pub text: String,
}

impl DurationError {
    /// How to write one.
    pub fn hint(&self) -> Option<String> {
        let plain = !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit());
        Some(if plain {
            format!("add a unit: `{}s`", self.text)
        } else {
            "write a number with a unit, such as `30s`, `1m30s` or `500ms`".to_owned()
        })
    }
}

/// Nanoseconds of a duration.
pub fn parse_duration(text: &str) -> Result<i64, DurationError> {
    nanos(text).ok_or_else(|| DurationError { text: text.to_owned() })
}

fn nanos(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        total = total.checked_add(scaled(number, unit_nanos(unit)?)?)?;
        rest = tail;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

fn unit_nanos(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// A decimal number times a unit, cut to whole nanoseconds.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // More digits than a nanosecond of an hour has cannot change the result.
    let fraction = &fraction[..fraction.len().min(18)];
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    whole.checked_mul(unit)?.checked_add(part * unit / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("30s", Some(30_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            (".5s", Some(500_000_000)),
            ("250ms", Some(250_000_000)),
            ("0", Some(0)),
            ("-1s", Some(-1_000_000_000)),
            ("30", None),
            ("", None),
            ("s", None),
            ("1x", None),
            ("1..5s", None),
            (".s", None),
            ("99999999999999999999h", None),
            ("1.99999999999999999999999999999s", Some(1_999_999_999)),
        ] {
            assert_eq!(parse_duration(text).ok(), expected, "{text}");
        }
        assert_eq!(parse_duration("30").unwrap_err().hint().unwrap(), "add a unit: `30s`");
    }
}
