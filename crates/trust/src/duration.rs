//! Durations as people write them: `30m`, `24h`, `7d`, `2w`.

const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads a duration into seconds: a whole number above 0 and a unit. Nothing longer than a century.
pub fn read_duration(text: &str) -> Result<i64, String> {
    let bad = || format!("`{}` is not a duration such as `24h` or `7d`", crate::text::clean(text));
    let unit = text.chars().next_back().ok_or_else(bad)?;
    let (_, secs) = UNITS.iter().find(|(letter, _)| *letter == unit).ok_or_else(bad)?;
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let number: i64 = digits.parse().map_err(|_| bad())?;
    let secs = number.checked_mul(*secs).filter(|secs| (1..=3_155_760_000).contains(secs));
    secs.ok_or_else(bad)
}

/// Seconds as a duration, in the largest unit that fits.
pub fn write_duration(secs: i64) -> String {
    let fits = |unit: i64| secs != 0 && secs % unit == 0;
    // A week is rarely how people count.
    let unit = UNITS[1..].iter().find(|(_, unit)| fits(*unit));
    unit.map_or_else(|| format!("{secs}s"), |(letter, unit)| format!("{}{letter}", secs / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_and_written() {
        for (text, secs) in [("24h", 86_400), ("7d", 604_800), ("30m", 1_800), ("2w", 1_209_600)] {
            assert_eq!(read_duration(text), Ok(secs));
        }
        for text in ["", "h", "0h", "-1h", "1", "1y", "1.5h", "99999999999999999999d", "+1h", "ä"]
        {
            assert!(read_duration(text).is_err(), "{text}");
        }
        assert_eq!(write_duration(86_400), "1d");
        assert_eq!(write_duration(5_400), "90m");
        assert_eq!(write_duration(61), "61s");
    }
}
