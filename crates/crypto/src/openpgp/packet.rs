//! Packets and armour (RFC 9580 §4 and §6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::cursor::Cursor;

const PACKETS_MAX: usize = 50_000;

pub(super) const TAG_SIGNATURE: u8 = 2;
pub(super) const TAG_SECRET_KEY: u8 = 5;
pub(super) const TAG_PUBLIC_KEY: u8 = 6;
pub(super) const TAG_SECRET_SUBKEY: u8 = 7;
pub(super) const TAG_USER_ID: u8 = 13;
pub(super) const TAG_PUBLIC_SUBKEY: u8 = 14;
pub(super) const TAG_USER_ATTRIBUTE: u8 = 17;

#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

/// Splits bytes into packets of either format. Partial and indeterminate lengths are for data only and refused.
pub(super) fn split(bytes: &[u8]) -> Result<Vec<Packet<'_>>, Error> {
    let mut cursor = Cursor::new(bytes);
    let mut packets = Vec::new();
    while !cursor.is_empty() {
        let offset = bytes.len() - cursor.rest().len();
        let error = |reason| Error::Packet { offset, reason };
        if packets.len() == PACKETS_MAX {
            return Err(error("there are more than 50000 packets"));
        }
        let first = cursor.u8().ok_or_else(|| error("the packet ends early"))?;
        if first & 0x80 == 0 {
            return Err(error("not the first byte of a packet"));
        }
        let (tag, length) = if first & 0x40 == 0 {
            ((first >> 2) & 15, old_length(&mut cursor, first & 3))
        } else {
            (first & 63, new_length(&mut cursor))
        };
        let length = length.ok_or_else(|| error("no definite length of the packet"))?;
        let body = cursor.take(length).ok_or_else(|| error("the packet ends early"))?;
        packets.push(Packet { tag, body });
    }
    Ok(packets)
}

// RFC 9580 §4.2.2.
fn old_length(cursor: &mut Cursor<'_>, kind: u8) -> Option<usize> {
    match kind {
        0 => cursor.u8().map(usize::from),
        1 => cursor.u16().map(usize::from),
        2 => cursor.u32().and_then(|length| usize::try_from(length).ok()),
        _ => None,
    }
}

// RFC 9580 §4.2.1.
fn new_length(cursor: &mut Cursor<'_>) -> Option<usize> {
    match cursor.u8()? {
        first @ 0..=191 => Some(usize::from(first)),
        first @ 192..=223 => {
            Some(((usize::from(first) - 192) << 8) + usize::from(cursor.u8()?) + 192)
        }
        224..=254 => None,
        255 => usize::try_from(cursor.u32()?).ok(),
    }
}

/// Reads a length of a signature subpacket, which has no partial form (RFC 9580 §5.2.3.7).
pub(super) fn subpacket_length(cursor: &mut Cursor<'_>) -> Option<usize> {
    match cursor.u8()? {
        first @ 0..=191 => Some(usize::from(first)),
        first @ 192..=254 => {
            Some(((usize::from(first) - 192) << 8) + usize::from(cursor.u8()?) + 192)
        }
        255 => usize::try_from(cursor.u32()?).ok(),
    }
}

/// Reads a multiprecision integer; its first byte is never zero (RFC 9580 §3.2).
pub(super) fn integer<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let bits = usize::from(cursor.u16()?);
    let bytes = cursor.take(bits.div_ceil(8))?;
    let top_bits = bytes.first().map_or(0, |first| 8 - first.leading_zeros() as usize);
    let expected = if bits == 0 { 0 } else { (bits - 1) % 8 + 1 };
    (top_bits == expected).then_some(bytes)
}

/// Decodes one armoured block: what stands between, but without, its `BEGIN` and `END` lines.
pub(super) fn decode_armor<'a>(
    first_line: usize,
    lines: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, Error> {
    let mut base64 = Vec::new();
    let mut checksum = None;
    let mut in_header = true;
    for (index, line) in lines.enumerate() {
        let error = |reason| Error::Armor { line: first_line + index, reason };
        if line.contains(&b'\r') {
            return Err(error("a carriage return inside the line"));
        }
        if in_header {
            if line.is_empty() {
                in_header = false;
            } else if !line.windows(2).any(|pair| pair == b": ") {
                return Err(error("neither a header nor the empty line after the headers"));
            }
        } else if checksum.is_some() {
            return Err(error("a line after the checksum"));
        } else if let Some(text) = line.strip_prefix(b"=") {
            checksum = Some(text);
        } else {
            base64.extend_from_slice(line);
        }
    }
    let error = |reason| Error::Armor { line: first_line, reason };
    let bytes = STANDARD.decode(&base64).map_err(|_| error("the body is not base64"))?;
    if let Some(text) = checksum {
        let expected = STANDARD.decode(text).map_err(|_| error("the checksum is not base64"))?;
        if expected != crc24(&bytes) {
            return Err(error("the checksum does not match"));
        }
    }
    if bytes.is_empty() {
        return Err(error("the block is empty"));
    }
    Ok(bytes)
}

// RFC 9580 §6.1.1.
fn crc24(bytes: &[u8]) -> [u8; 3] {
    let mut crc: u32 = 0x00B7_04CE;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4CFB;
            }
        }
    }
    let [_, high, middle, low] = crc.to_be_bytes();
    [high, middle, low]
}

/// Splits a text into lines without their end, which is `\n` or `\r\n`.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    // The part after the last `\n` is a line only if it has bytes; a lone `\r` there is one, and refused later.
    if text.last().is_none_or(|byte| *byte == b'\n') {
        lines.pop();
    } else if let Some(last) = lines.last_mut() {
        let start = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        *last = &text[start..];
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_of_the_specification() {
        // The empty text has the initial value.
        assert_eq!(crc24(b""), [0xB7, 0x04, 0xCE]);
        assert_eq!(crc24(b"123456789"), [0x21, 0xCF, 0x02]);
    }

    #[test]
    fn packets_of_both_formats() {
        let bytes = [0x88, 1, 7, 0x89, 0, 1, 8, 0xC2, 1, 9, 0xC2, 0xFF, 0, 0, 0, 1, 10];
        let bodies: Vec<u8> = split(&bytes).unwrap().iter().map(|packet| packet.body[0]).collect();
        assert_eq!(bodies, [7, 8, 9, 10]);
        assert!(split(&bytes).unwrap().iter().all(|packet| packet.tag == TAG_SIGNATURE));
    }

    #[test]
    fn refuses_bad_packets() {
        for bytes in [
            &[0x08, 1, 7][..],
            &[0x88, 2, 7],
            &[0x8B, 1],
            &[0xC2, 0xE1, 0, 0],
            &[0xC2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x8A, 0xFF, 0xFF, 0xFF, 0xFF, 0],
            &[0x99],
        ] {
            assert!(split(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn integers_are_normal() {
        assert_eq!(integer(&mut Cursor::new(&[0, 9, 1, 2])), Some(&[1, 2][..]));
        assert_eq!(integer(&mut Cursor::new(&[0, 0])), Some(&[][..]));
        assert_eq!(integer(&mut Cursor::new(&[0, 9, 3, 2])), None);
        assert_eq!(integer(&mut Cursor::new(&[0, 9, 0, 2])), None);
        assert_eq!(integer(&mut Cursor::new(&[0, 9, 1])), None);
        assert_eq!(integer(&mut Cursor::new(&[0xFF, 0xFF, 1])), None);
    }

    #[test]
    fn line_ends() {
        assert_eq!(lines(b"a\r\nb\n\nc"), [&b"a"[..], b"b", b"", b"c"]);
        assert_eq!(lines(b"a\n"), [b"a"]);
        assert_eq!(lines(b"a\r"), [b"a\r"]);
        assert_eq!(lines(b"").len(), 0);
    }
}
