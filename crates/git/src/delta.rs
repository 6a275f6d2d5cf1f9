//! Deltas: how to make an object of another one.

use crate::Error;

const CUT: Error = Error::Damaged("a delta is cut off");

/// What a delta makes of its base.
pub(crate) fn apply(base: &[u8], delta: &[u8], bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut at = 0;
    let from = number(delta, &mut at)?;
    let length = number(delta, &mut at)?;
    if from != base.len() {
        return Err(Error::Damaged("a delta is for another base"));
    }
    if length > bytes_max {
        return Err(Error::TooLarge("an object"));
    }
    let mut out = Vec::new();
    while let Some(&operation) = delta.get(at) {
        at += 1;
        let piece = if operation & 0x80 != 0 {
            let mut bytes = [0_u8; 7];
            for (bit, byte) in bytes.iter_mut().enumerate() {
                if operation & (1 << bit) != 0 {
                    *byte = *delta.get(at).ok_or(CUT)?;
                    at += 1;
                }
            }
            let [a, b, c, d, low, middle, high] = bytes.map(usize::from);
            let start = a | b << 8 | c << 16 | d << 24;
            let size = match low | middle << 8 | high << 16 {
                0 => 0x1_0000,
                size => size,
            };
            let end = start.checked_add(size);
            let piece = end.and_then(|end| base.get(start..end));
            piece.ok_or(Error::Damaged("a delta copies what its base does not have"))?
        } else if operation > 0 {
            let piece = delta.get(at..at + usize::from(operation)).ok_or(CUT)?;
            at += usize::from(operation);
            piece
        } else {
            return Err(Error::Damaged("a delta has an unknown operation"));
        };
        if out.len() + piece.len() > length {
            return Err(Error::Damaged("a delta makes more than it says"));
        }
        out.extend_from_slice(piece);
    }
    if out.len() == length { Ok(out) } else { Err(CUT) }
}

/// A number of which each byte has seven bits, the lowest first.
fn number(bytes: &[u8], at: &mut usize) -> Result<usize, Error> {
    let mut value = 0_usize;
    for shift in (0..usize::BITS - 7).step_by(7) {
        let byte = *bytes.get(*at).ok_or(CUT)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::TooLarge("a delta"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_inserts() {
        // Ten bytes to seven: two inserted, five copied from the third on.
        let delta = [10, 7, 2, b'x', b'y', 0x91, 3, 5];
        assert_eq!(apply(b"0123456789", &delta, 100).unwrap(), b"xy34567");
    }

    #[test]
    fn hostile_ones() {
        let base = [0_u8; 10];
        for delta in [
            &[][..],
            &[10],
            &[9, 1, 1, 1],
            &[10, 7, 0],
            &[10, 7, 5, 1],
            &[10, 7, 0x91, 9, 5],
            &[10, 2, 3, 1, 2, 3],
            &[10, 7, 1, 1],
            &[0xff; 30],
            &[10, 0xff, 0xff, 0xff, 0xff, 0x0f],
        ] {
            assert!(apply(&base, delta, 1000).is_err(), "{delta:?}");
        }
    }
}
