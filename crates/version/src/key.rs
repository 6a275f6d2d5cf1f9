//! Keys: byte strings that compare as the versions do.

/// Appends a number of any size: how many digits, then the digits. Leading zeros do not count.
pub(crate) fn push_number(key: &mut Vec<u8>, digits: &str) {
    let significant = digits.trim_start_matches('0');
    let length = u16::try_from(significant.len()).unwrap_or(u16::MAX);
    key.extend_from_slice(&length.to_be_bytes());
    key.extend_from_slice(significant.as_bytes());
}

/// Splits the leading digits off.
pub(crate) fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}
