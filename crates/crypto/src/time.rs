//! Times of DER documents (X.690 §11.7, RFC 5280 §4.1.2.5): always UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::cursor::Cursor;
use crate::{Error, der};

pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;

/// Reads a time of a certificate: two digits of the year until 2049.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Option<Timestamp> {
    let tag = der::next_tag(cursor)?;
    let text = der::element(cursor, tag)?.strip_suffix(b"Z")?;
    match (tag, text.len()) {
        (UTC_TIME, 12) => {
            let century: &[u8] = if number(&text[..2])? < 50 { b"20" } else { b"19" };
            from_digits(&[century, text].concat(), 0)
        }
        (GENERALIZED_TIME, 14) => from_digits(text, 0),
        _ => None,
    }
}

/// Reads a time that may have a fraction of a second, as RFC 3161 §2.4.2 has it.
pub(crate) fn read_with_fraction(cursor: &mut Cursor<'_>) -> Option<Timestamp> {
    let text = der::element(cursor, GENERALIZED_TIME)?.strip_suffix(b"Z")?;
    let (seconds, fraction) = text.split_at_checked(14)?;
    let nanoseconds = match fraction {
        [] => 0,
        // DER: at least one digit and no zero at the end; nine are all that are told apart.
        [b'.', digits @ .., last @ b'1'..=b'9'] if digits.len() < 9 => {
            let mut padded = [b'0'; 9];
            padded[..digits.len()].copy_from_slice(digits);
            padded[digits.len()] = *last;
            number(&padded)?
        }
        _ => return None,
    };
    from_digits(seconds, nanoseconds)
}

fn from_digits(text: &[u8], nanoseconds: i32) -> Option<Timestamp> {
    let part = |at: usize| number(text.get(at..at + 2)?)?.try_into().ok();
    let year = number(text.get(..4)?)?.try_into().ok()?;
    let time = DateTime::new(year, part(4)?, part(6)?, part(8)?, part(10)?, part(12)?, nanoseconds)
        .ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0_i32, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| i32::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Writes a time of a certificate.
pub(crate) fn write(time: Timestamp) -> Result<Vec<u8>, Error> {
    let text = digits(time)?;
    // Two digits of the year stand for 1950 to 2049.
    if ("1950".."2050").contains(&&text[..4]) {
        Ok(der::write(UTC_TIME, &[&text.as_bytes()[2..]]))
    } else {
        Ok(der::write(GENERALIZED_TIME, &[text.as_bytes()]))
    }
}

/// Writes a time with all digits of the year.
pub(crate) fn write_generalized(time: Timestamp) -> Result<Vec<u8>, Error> {
    Ok(der::write(GENERALIZED_TIME, &[digits(time)?.as_bytes()]))
}

fn digits(time: Timestamp) -> Result<String, Error> {
    let time = time.to_zoned(TimeZone::UTC);
    let year = u16::try_from(time.year()).map_err(|_| Error::Certificate("a year before 0"))?;
    Ok(format!(
        "{year:04}{:02}{:02}{:02}{:02}{:02}Z",
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_of_certificates() {
        for text in ["1950-01-01T00:00:00Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z"] {
            let bytes = write(time(text)).unwrap();
            assert_eq!(read(&mut Cursor::new(&bytes)), Some(time(text)));
        }
        for text in ["261301000000Z", "2611210000Z", "261121000000+", "26112100000xZ"] {
            let bytes = der::write(UTC_TIME, &[text.as_bytes()]);
            assert_eq!(read(&mut Cursor::new(&bytes)), None, "{text}");
        }
    }

    #[test]
    fn times_with_fractions() {
        let read = |text: &str| {
            let bytes = der::write(GENERALIZED_TIME, &[text.as_bytes()]);
            read_with_fraction(&mut Cursor::new(&bytes))
        };
        assert_eq!(read("20261121120000Z"), Some(time("2026-11-21T12:00:00Z")));
        assert_eq!(read("20261121120000.25Z"), Some(time("2026-11-21T12:00:00.25Z")));
        assert_eq!(read("20261121120000.000000001Z"), Some(time("2026-11-21T12:00:00.000000001Z")));
        for text in [
            "20261121120000",
            "20261121120000.Z",
            "20261121120000.50Z",
            "20261121120000.0000000001Z",
            "20261121120000.5xZ",
            "20261121120060Z",
            "2026112112Z",
            "20261121120000,5Z",
            "20261121120000.5+0100",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
