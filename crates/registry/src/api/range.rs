//! Ranges of bytes: those that readers ask for (RFC 9110 §14), and those that writers say they send.

use std::ops::Range;

/// What a `Range` header means for so many bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: no range was asked for, or several, or one in another unit.
    Whole,
    /// A part.
    Part(Range<u64>),
    /// A part that there is not.
    Outside,
}

/// Reads a `Range` header for a thing of `size` bytes.
pub fn asked(header: Option<&str>, size: u64) -> Asked {
    let Some((unit, set)) = header.and_then(|header| header.split_once('=')) else {
        return Asked::Whole;
    };
    // One answer can hold several parts only as multipart, which nobody who pulls images asks for; a server may then
    // send the whole.
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Asked::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Asked::Whole };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last && first < size => {
            Asked::Part(first..last.saturating_add(1).min(size))
        }
        (Some(first), None) if last.is_empty() && first < size => Asked::Part(first..size),
        (None, Some(n)) if first.is_empty() && n > 0 && size > 0 => {
            Asked::Part(size.saturating_sub(n)..size)
        }
        (Some(_), Some(_)) => Asked::Outside,
        (Some(_), None) if last.is_empty() => Asked::Outside,
        (None, Some(_)) if first.is_empty() => Asked::Outside,
        _ => Asked::Whole,
    }
}

/// The part of an upload that a request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its first byte.
    pub first: u64,
    /// How many bytes it has.
    pub length: u64,
}

/// Reads the `Content-Range` of a chunk: `0-1023` as the specification has it, and `bytes 0-1023/*` as RFC 9110 has it.
/// `None` if it is neither.
pub fn chunk(header: &str) -> Option<Chunk> {
    let header = header.trim();
    let range =
        header.strip_prefix("bytes").map_or(header, |rest| rest.trim_start_matches([' ', '=']));
    let (range, total) = range.split_once('/').unwrap_or((range, "*"));
    if total != "*" && number(total).is_none() {
        return None;
    }
    let (first, last) = range.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let length = last.checked_sub(first)?.checked_add(1)?;
    Some(Chunk { first, length })
}

/// What an upload has, as its `Range` header says it.
pub fn received(offset: u64) -> String {
    // Nothing is said as one byte is: the form knows no empty range, and all registries write it so.
    format!("0-{}", offset.saturating_sub(1))
}

// Digits only: `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_readers() {
        let part = |first, end| Asked::Part(first..end);
        for (header, expected) in [
            ("bytes=500-1499", part(500, 1500)),
            ("bytes=500-", part(500, 2048)),
            ("bytes=-500", part(1548, 2048)),
            ("bytes=-5000", part(0, 2048)),
            ("bytes=2000-5000", part(2000, 2048)),
            ("bytes=2047-18446744073709551615", part(2047, 2048)),
            ("Bytes= 0-0", part(0, 1)),
            ("bytes=500-0", Asked::Outside),
            ("bytes=5000-10000", Asked::Outside),
            ("bytes=2048-", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=0-1,3-4", Asked::Whole),
            ("items=0-1", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=99999999999999999999-", Asked::Whole),
            ("0-1", Asked::Whole),
        ] {
            assert_eq!(asked(Some(header), 2048), expected, "{header}");
        }
        assert_eq!(asked(None, 2048), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-0"), 0), Asked::Outside);
        assert_eq!(asked(Some("bytes=-1"), 0), Asked::Outside);
    }

    #[test]
    fn ranges_of_writers() {
        for (header, expected) in [
            ("0-1023", Some((0, 1024))),
            ("1024-1024", Some((1024, 1))),
            ("bytes 5-9/*", Some((5, 5))),
            ("bytes 5-9/100", Some((5, 5))),
            ("bytes=5-9", Some((5, 5))),
            ("9-5", None),
            ("-5", None),
            ("5-", None),
            ("a-b", None),
            ("0-18446744073709551615", None),
            ("bytes 0-1/x", None),
            ("", None),
        ] {
            let expected = expected.map(|(first, length)| Chunk { first, length });
            assert_eq!(chunk(header), expected, "{header}");
        }
        assert_eq!([received(0), received(1), received(10)], ["0-0", "0-0", "0-9"]);
    }
}
