//! Ids of objects: SHA-1, or SHA-256 in repositories that say so.

use std::fmt;

/// The longest id, in bytes.
const BYTES_MAX: usize = 32;

/// The id of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    bytes: [u8; BYTES_MAX],
    length: u8,
}

impl Id {
    /// An id of twenty or thirty-two bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let length = u8::try_from(bytes.len()).ok().filter(|length| [20, 32].contains(length))?;
        let mut all = [0; BYTES_MAX];
        all[..bytes.len()].copy_from_slice(bytes);
        Some(Self { bytes: all, length })
    }

    /// An id in hexadecimal digits.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        if text.len() != 40 && text.len() != 64 {
            return None;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
        let bytes: Option<Vec<u8>> =
            text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
        Self::from_bytes(&bytes?)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_back() {
        for text in ["00ff".repeat(10), "0123456789abcdef".repeat(4)] {
            assert_eq!(Id::from_hex(text.as_bytes()).unwrap().to_string(), text);
        }
        for text in ["", "00", &"0g".repeat(20), &"00".repeat(21)] {
            assert_eq!(Id::from_hex(text.as_bytes()), None, "{text}");
        }
    }
}
