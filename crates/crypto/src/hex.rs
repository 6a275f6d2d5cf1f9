//! Hexadecimal text of bytes.

/// Lower-case hex digits.
pub(crate) fn lower(bytes: &[u8]) -> String {
    text(bytes, *b"0123456789abcdef")
}

/// Upper-case hex digits, as OpenPGP fingerprints are written.
pub(crate) fn upper(bytes: &[u8]) -> String {
    text(bytes, *b"0123456789ABCDEF")
}

fn text(bytes: &[u8], digits: [u8; 16]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(digits[usize::from(byte >> 4)]));
        text.push(char::from(digits[usize::from(byte & 15)]));
    }
    text
}
