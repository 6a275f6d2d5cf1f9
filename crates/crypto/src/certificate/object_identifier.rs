//! Object identifiers as text: `2.5.29.17` (X.690 §8.19).

use crate::der;

/// The dotted text of an identifier. `None` if it is not one, or a number in it has more than 63 bits.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    if bytes.last()? & 0x80 != 0 {
        return None;
    }
    let mut text = String::new();
    let mut number = 0_u64;
    let mut is_first_byte = true;
    for byte in bytes {
        if is_first_byte && *byte == 0x80 {
            return None;
        }
        number = number.checked_mul(128).filter(|number| *number < 1 << 63)?;
        number |= u64::from(byte & 0x7F);
        is_first_byte = byte & 0x80 == 0;
        if is_first_byte {
            if text.is_empty() {
                let first = (number / 40).min(2);
                text = format!("{first}.{}", number - first * 40);
            } else {
                text.push('.');
                text.push_str(&number.to_string());
            }
            number = 0;
        }
    }
    Some(text)
}

/// The element of a dotted text. `None` if it is not one.
pub(crate) fn write(text: &str) -> Option<Vec<u8>> {
    let mut numbers = text.split('.').map(|number| number.parse::<u64>().ok());
    let (first, second) = (numbers.next()??, numbers.next()??);
    if first > 2 || (first < 2 && second > 39) {
        return None;
    }
    let mut bytes = Vec::new();
    push(&mut bytes, second.checked_add(first * 40)?);
    for number in numbers {
        push(&mut bytes, number?);
    }
    Some(der::write(der::OBJECT_IDENTIFIER, &[&bytes]))
}

fn push(bytes: &mut Vec<u8>, number: u64) {
    let mut shift = 63;
    while shift > 0 && number >> shift == 0 {
        shift -= 7;
    }
    while shift > 0 {
        bytes.push(0x80 | (number >> shift & 0x7F).to_le_bytes()[0]);
        shift -= 7;
    }
    bytes.push((number & 0x7F).to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for oid in
            ["2.5.29.17", "1.3.6.1.4.1.57264.1.8", "2.999.1", "0.0", "1.2.840.113549.1.9.16.2.47"]
        {
            let bytes = write(oid).unwrap();
            assert_eq!(text(&bytes[2..]).as_deref(), Some(oid));
        }
        for oid in ["", "1", "3.1", "1.40", "1.2.x", "1.2.", "1..2"] {
            assert_eq!(write(oid), None, "{oid}");
        }
        for bytes in [&[][..], &[0x2B, 0x80], &[0x2B, 0x80, 1], &[0xFF; 12]] {
            assert_eq!(text(bytes), None, "{bytes:?}");
        }
    }
}
