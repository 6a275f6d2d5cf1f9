//! Lengths of time as Go writes them: `1h30m`, `1.5s`, `100ms`; a bare number is nanoseconds.

use std::time::Duration;

/// Reads one; negative ones are none.
pub(super) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() || text.len() > 64 {
        return None;
    }
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        nanoseconds = nanoseconds.checked_add(product(number, unit)?)?;
        rest = tail;
    }
    // As many as Go's type holds.
    let nanoseconds = u64::try_from(nanoseconds).ok()?;
    (nanoseconds <= i64::MAX.cast_unsigned()).then(|| Duration::from_nanos(nanoseconds))
}

fn product(number: &str, unit: &str) -> Option<u128> {
    let scale: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits =
        |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u128>().ok() };
    let whole = digits(whole)?.checked_mul(scale)?;
    // What is finer than a nanosecond is nothing.
    let fraction = fraction.get(..fraction.len().min(18))?;
    let power = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    whole.checked_add(digits(fraction)?.checked_mul(scale)? / power)
}

/// One for people.
pub(super) fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{duration:?}"),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_writes_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1h30m", Some(5_400_000)),
            ("1.5s", Some(1500)),
            ("100ms", Some(100)),
            (".5m", Some(30_000)),
            ("+168h", Some(604_800_000)),
            ("1m1m", Some(120_000)),
            ("", None),
            ("60", None),
            ("-1s", None),
            ("1", None),
            ("h", None),
            (".s", None),
            ("1.2.3s", None),
            ("1d", None),
            ("9999999999999999999999h", None),
            ("99999999999h", None),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(parse("1µs"), Some(Duration::from_micros(1)));
        assert_eq!(shown(Duration::from_hours(168)), "168h");
    }
}
