//! Keys: byte strings that compare as the versions do.

use std::cmp::Ordering;

// Up to here a number is its own byte; above, the byte says how many follow.
const SMALL_MAX: u64 = 0xef;
const LARGE: u8 = 0xff;
// Digits of which any number fits 64 bits.
const DIGITS_MAX: usize = 19;

/// Appends a number of any size; no number's bytes begin another's. Leading zeros do not count.
pub(crate) fn push_number(key: &mut Vec<u8>, digits: &str) {
    let significant = digits.trim_start_matches('0');
    if significant.len() > DIGITS_MAX {
        let length = u16::try_from(significant.len()).unwrap_or(u16::MAX);
        key.push(LARGE);
        key.extend_from_slice(&length.to_be_bytes());
        key.extend_from_slice(significant.as_bytes());
        return;
    }
    let number = significant.bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    push_small(key, number);
}

/// Appends a number.
pub(crate) fn push_small(key: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    if number <= SMALL_MAX {
        key.push(bytes[7]);
        return;
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    key.push(0xf0 + u8::try_from(bytes.len() - zeros).unwrap_or(8));
    key.extend_from_slice(&bytes[zeros..]);
}

/// Appends a number so that the larger sorts first.
pub(crate) fn push_inverted(key: &mut Vec<u8>, number: usize) {
    let start = key.len();
    push_small(key, u64::try_from(number).unwrap_or(u64::MAX));
    for byte in &mut key[start..] {
        *byte = !*byte;
    }
}

/// Appends words of which none holds a zero byte: what begins a longer one sorts first.
pub(crate) fn push_text(key: &mut Vec<u8>, text: &str) {
    key.extend_from_slice(text.as_bytes());
    key.push(0);
}

/// One of the parts of a version that has as many zeros behind it as a comparison wants.
pub(crate) struct Part {
    /// Where it sorts beside a zero.
    pub(crate) beside_zero: Ordering,
    /// Its bytes; none of another part on the same side begin with them.
    pub(crate) key: Vec<u8>,
}

/// Appends parts behind which zeros without end stand. A run of zeros and what ends it are one step: the longer the run,
/// the nearer to the end.
pub(crate) fn push_padded(key: &mut Vec<u8>, parts: &[Part]) {
    let mut zeros = 0;
    for part in parts {
        match part.beside_zero {
            Ordering::Equal => {
                zeros += 1;
                continue;
            }
            Ordering::Less => {
                key.push(1);
                push_small(key, u64::try_from(zeros).unwrap_or(u64::MAX));
            }
            Ordering::Greater => {
                key.push(3);
                push_inverted(key, zeros);
            }
        }
        key.extend_from_slice(&part.key);
        zeros = 0;
    }
    key.push(2);
}

/// True if all are digits, and there are some.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits off the run at the beginning of bytes that a test holds for.
pub(crate) fn split_while(text: &str, test: impl Fn(&u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !test(&byte)).unwrap_or(text.len());
    text.split_at(end)
}

/// Splits the leading digits off.
pub(crate) fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}
