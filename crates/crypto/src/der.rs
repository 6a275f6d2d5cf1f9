//! The little of DER (X.690) that keys and signatures need, read strictly: shortest lengths, shortest integers.

use crate::cursor::Cursor;

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;

/// Takes an element with this tag and returns its content.
pub(crate) fn element<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    if cursor.u8()? != tag {
        return None;
    }
    let length = match cursor.u8()? {
        short @ 0..=0x7F => usize::from(short),
        0x81 => cursor.u8().map(usize::from).filter(|length| *length >= 0x80)?,
        0x82 => cursor.u16().map(usize::from).filter(|length| *length >= 0x100)?,
        // Lists of revoked certificates are as large as that; what is smaller has limits of its own.
        0x83 => {
            let high = usize::from(cursor.u8()?);
            let low = cursor.u16().map(usize::from)?;
            Some(high << 16 | low).filter(|length| *length >= 0x1_0000)?
        }
        _ => return None,
    };
    cursor.take(length)
}

/// Takes an element with this tag and returns all its bytes, the tag and the length among them.
pub(crate) fn whole<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    let before = cursor.rest();
    element(cursor, tag)?;
    Some(&before[..before.len() - cursor.rest().len()])
}

/// The tag of the next element.
pub(crate) fn next_tag(cursor: &Cursor<'_>) -> Option<u8> {
    cursor.rest().first().copied()
}

/// What [`optional`] finds.
pub(crate) struct Found<'a>(pub(crate) Option<&'a [u8]>);

/// Takes an element with this tag if it comes next. `None` if it comes and cannot be read.
pub(crate) fn optional<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Option<Found<'a>> {
    if next_tag(cursor) == Some(tag) {
        element(cursor, tag).map(|content| Found(Some(content)))
    } else {
        Some(Found(None))
    }
}

/// Writes an element.
pub(crate) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    match u16::try_from(length).expect("what is written here is smaller than 64 KiB") {
        short @ 0..=0x7F => bytes.push(short.to_le_bytes()[0]),
        middle @ 0x80..=0xFF => bytes.extend([0x81, middle.to_le_bytes()[0]]),
        long => {
            bytes.push(0x82);
            bytes.extend(long.to_be_bytes());
        }
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Takes a positive integer and returns its bytes without leading zero.
pub(crate) fn positive_integer<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    match element(cursor, INTEGER)? {
        [0, rest @ ..] if rest.first().is_some_and(|byte| byte & 0x80 != 0) => Some(rest),
        [first, ..] if *first == 0 || first & 0x80 != 0 => None,
        [] => None,
        bytes => Some(bytes),
    }
}

/// The two numbers of an ECDSA signature, each padded to so many bytes.
pub(crate) fn decode_ecdsa_signature(signature: &[u8], n_bytes: usize) -> Option<Vec<u8>> {
    let mut outer = Cursor::new(signature);
    let mut inner = Cursor::new(element(&mut outer, SEQUENCE)?);
    let mut numbers = vec![0; 2 * n_bytes];
    for half in numbers.chunks_exact_mut(n_bytes) {
        let number = positive_integer(&mut inner)?;
        let start = half.len().checked_sub(number.len())?;
        half[start..].copy_from_slice(number);
    }
    (outer.is_empty() && inner.is_empty()).then_some(numbers)
}

/// An ECDSA signature of two numbers of the same length.
pub(crate) fn encode_ecdsa_signature(numbers: &[u8]) -> Vec<u8> {
    let (left, right) = numbers.split_at(numbers.len() / 2);
    write(SEQUENCE, &[&write_positive(left), &write_positive(right)])
}

/// A positive integer of big-endian bytes, which may begin with zeros.
pub(crate) fn write_positive(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len() - 1);
    let number = &number[start..];
    let zero: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
    write(INTEGER, &[zero, number])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_round_trip() {
        let mut numbers = [0; 64];
        numbers[0] = 0x80;
        numbers[63] = 1;
        let der = encode_ecdsa_signature(&numbers);
        assert_eq!(der[..4], [0x30, 38, 2, 33]);
        assert_eq!(decode_ecdsa_signature(&der, 32), Some(numbers.to_vec()));
    }

    #[test]
    fn refuses_what_is_not_der() {
        for bytes in [
            &[][..],
            &[0x30, 6, 2, 1, 1, 2, 1],             // cut
            &[0x30, 6, 2, 1, 1, 2, 1, 1, 0],       // trailing byte
            &[0x30, 7, 2, 1, 1, 2, 1, 1, 0],       // trailing byte inside
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1],    // long length
            &[0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0], // indefinite length
            &[0x30, 7, 2, 2, 0, 1, 2, 1, 1],       // needless zero
            &[0x30, 6, 2, 1, 0x80, 2, 1, 1],       // negative
            &[0x30, 6, 2, 1, 0, 2, 1, 1],          // zero
            &[0x30, 5, 2, 0, 2, 1, 1],             // empty
            &[0x31, 6, 2, 1, 1, 2, 1, 1],          // wrong tag
        ] {
            assert_eq!(decode_ecdsa_signature(bytes, 32), None, "{bytes:?}");
        }
        assert!(decode_ecdsa_signature(&[0x30, 6, 2, 1, 1, 2, 1, 1], 32).is_some());
    }
}
