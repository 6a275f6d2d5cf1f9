//! The part of CBOR (RFC 8949) that COSE envelopes need, read strictly and written in one form.
//!
//! Definite lengths, shortest heads, no key twice, no floats, bounded depth and number of items.

use crate::Error;

const DEPTH_MAX: usize = 8;
const ITEMS_MAX: usize = 4096;

/// A value that borrows from what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A number from 0.
    Unsigned(u64),
    /// The number `-1 - n`.
    Negative(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Value<'a>>),
    Map(Vec<(Value<'a>, Value<'a>)>),
    Tag(u64, Box<Value<'a>>),
    Bool(bool),
    Null,
}

impl Value<'_> {
    /// Seconds since 1970 if it is a time of tag 1.
    pub(crate) fn epoch_secs(&self) -> Option<i64> {
        let Self::Tag(1, number) = self else { return None };
        match **number {
            Self::Unsigned(secs) => i64::try_from(secs).ok(),
            Self::Negative(secs) => i64::try_from(secs).ok().map(|secs| -1 - secs),
            _ => None,
        }
    }

    /// As people read it in a message.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Unsigned(number) => number.to_string(),
            Self::Negative(number) => (-1 - i128::from(*number)).to_string(),
            Self::Text(text) => crate::text::clean(text),
            _ => "a value of another kind".to_owned(),
        }
    }
}

/// Reads one value and nothing after it.
pub(crate) fn read(bytes: &[u8]) -> Result<Value<'_>, Error> {
    let mut reader = Reader { rest: bytes, n_items: 0 };
    let value = reader.value(0)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(error("bytes after its end")) }
}

struct Reader<'a> {
    rest: &'a [u8],
    n_items: usize,
}

impl<'a> Reader<'a> {
    // The recursion is as deep as the limit.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        self.n_items += 1;
        if depth > DEPTH_MAX || self.n_items > ITEMS_MAX {
            return Err(error("it is nested too deeply, or has too many parts"));
        }
        let (major, argument) = self.head()?;
        match major {
            0 => Ok(Value::Unsigned(argument)),
            1 => Ok(Value::Negative(argument)),
            2 => self.take(argument).map(Value::Bytes),
            3 => std::str::from_utf8(self.take(argument)?)
                .map(Value::Text)
                .map_err(|_| error("a text that is not UTF-8")),
            4 => {
                // What claims more parts than there are bytes ends where the bytes end.
                let mut parts = Vec::new();
                for _ in 0..argument {
                    parts.push(self.value(depth + 1)?);
                }
                Ok(Value::Array(parts))
            }
            5 => self.map(argument, depth),
            6 => Ok(Value::Tag(argument, Box::new(self.value(depth + 1)?))),
            _ => match argument {
                20 => Ok(Value::Bool(false)),
                21 => Ok(Value::Bool(true)),
                22 => Ok(Value::Null),
                _ => Err(error("a simple value or a float that has no place there")),
            },
        }
    }

    fn map(&mut self, n_entries: u64, depth: usize) -> Result<Value<'a>, Error> {
        let mut entries: Vec<(Value<'a>, Value<'a>)> = Vec::new();
        for _ in 0..n_entries {
            let key = self.value(depth + 1)?;
            if !matches!(key, Value::Unsigned(_) | Value::Negative(_) | Value::Text(_)) {
                return Err(error("a key of a map that is neither a number nor a text"));
            }
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(error(&format!("the key `{}` stands twice", key.name())));
            }
            entries.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Map(entries))
    }

    fn head(&mut self) -> Result<(u8, u64), Error> {
        let first = self.take(1)?[0];
        let (major, short) = (first >> 5, first & 0x1F);
        let n_bytes = match short {
            0..=23 => return Ok((major, u64::from(short))),
            24..=27 => 1_u64 << (short - 24),
            31 => return Err(error("an indefinite length")),
            _ => return Err(error("a head that is reserved")),
        };
        if major == 7 {
            return Err(error("a simple value or a float that has no place there"));
        }
        let argument =
            self.take(n_bytes)?.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let least = [24, 1 << 8, 1 << 16, 1 << 32][usize::from(short - 24)];
        if argument < least {
            return Err(error("a number that is longer than it must be"));
        }
        Ok((major, argument))
    }

    fn take(&mut self, n_bytes: u64) -> Result<&'a [u8], Error> {
        let (head, rest) = usize::try_from(n_bytes)
            .ok()
            .and_then(|n_bytes| self.rest.split_at_checked(n_bytes))
            .ok_or_else(|| error("it ends too early"))?;
        self.rest = rest;
        Ok(head)
    }
}

fn error(reason: &str) -> Error {
    Error::Envelope { format: "COSE", reason: format!("not the CBOR that is read here: {reason}") }
}

/// Writes a value; the keys of maps in the order of RFC 8949 §4.2.1.
pub(crate) fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Unsigned(number) => head(0, *number, out),
        Value::Negative(number) => head(1, *number, out),
        Value::Bytes(bytes) => {
            head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(parts) => {
            head(4, parts.len() as u64, out);
            for part in parts {
                write(part, out);
            }
        }
        Value::Map(entries) => {
            head(5, entries.len() as u64, out);
            let mut written: Vec<(Vec<u8>, &Value<'_>)> =
                entries.iter().map(|(key, value)| (to_vec(key), value)).collect();
            written.sort_by(|left, right| left.0.cmp(&right.0));
            for (key, value) in written {
                out.extend(key);
                write(value, out);
            }
        }
        Value::Tag(number, content) => {
            head(6, *number, out);
            write(content, out);
        }
        Value::Bool(is_true) => head(7, 20 + u64::from(*is_true), out),
        Value::Null => head(7, 22, out),
    }
}

/// The bytes of a value.
pub(crate) fn to_vec(value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let bytes = argument.to_be_bytes();
    let (short, n_bytes) = match argument {
        0..24 => (bytes[7], 0),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    out.push((major << 5) + short);
    out.extend(&bytes[8 - n_bytes..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_specification() {
        for (bytes, value) in [
            (&[0x00][..], Value::Unsigned(0)),
            (&[0x17], Value::Unsigned(23)),
            (&[0x18, 0x18], Value::Unsigned(24)),
            (&[0x19, 0x03, 0xE8], Value::Unsigned(1000)),
            (&[0x1A, 0x00, 0x0F, 0x42, 0x40], Value::Unsigned(1_000_000)),
            (&[0x1B, 0, 0, 0, 0xE8, 0xD4, 0xA5, 0x10, 0], Value::Unsigned(1_000_000_000_000)),
            (&[0x38, 0x63], Value::Negative(99)),
            (&[0x83, 1, 2, 3], Value::Array([1, 2, 3].map(Value::Unsigned).to_vec())),
            (&[0xF4], Value::Bool(false)),
            (&[0xF6], Value::Null),
        ] {
            assert_eq!(read(bytes).unwrap(), value);
            assert_eq!(to_vec(&value), bytes);
        }
        let time = read(&[0xC1, 0x1A, 0x51, 0x4B, 0x67, 0xB0]).unwrap();
        assert_eq!(time.epoch_secs(), Some(1_363_896_240));
        assert_eq!(read(&[0xC1, 0x20]).unwrap().epoch_secs(), Some(-1));
        assert_eq!(read(&[0x01]).unwrap().epoch_secs(), None);
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        for (bytes, reason) in [
            (&[][..], "it ends too early"),
            (&[0x18, 0x17], "a number that is longer than it must be"),
            (&[0x19, 0x00, 0xFF], "a number that is longer than it must be"),
            (&[0x5F, 0x41, 0, 0xFF], "an indefinite length"),
            (&[0x9F, 0xFF], "an indefinite length"),
            (&[0xBF, 0xFF], "an indefinite length"),
            (&[0x1C], "a head that is reserved"),
            (&[0xF9, 0x3C, 0], "a simple value or a float that has no place there"),
            (&[0xF7], "a simple value or a float that has no place there"),
            (&[0xA2, 1, 0, 1, 0], "the key `1` stands twice"),
            (&[0xA1, 0x41, 0, 0], "a key of a map that is neither a number nor a text"),
            (&[0x61, 0xFF], "a text that is not UTF-8"),
            (&[0x5B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "it ends too early"),
            (&[0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "it ends too early"),
            (&[0xBB, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "it ends too early"),
            (&[0x00, 0x00], "bytes after its end"),
            (&[0x81; 100], "it is nested too deeply, or has too many parts"),
        ] {
            let expected =
                format!("not a valid COSE envelope: not the CBOR that is read here: {reason}");
            assert_eq!(read(bytes).unwrap_err().to_string(), expected);
        }
        let many = [&[0x99, 0xFF, 0xFF][..], &vec![0; 0xFFFF]].concat();
        assert!(read(&many).is_err());
    }

    #[test]
    fn maps_are_written_in_order() {
        let value = Value::Map(vec![
            (Value::Text("b"), Value::Null),
            (Value::Negative(0), Value::Null),
            (Value::Unsigned(33), Value::Null),
            (Value::Unsigned(2), Value::Null),
        ]);
        assert_eq!(to_vec(&value), [0xA4, 2, 0xF6, 0x18, 33, 0xF6, 0x20, 0xF6, 0x61, b'b', 0xF6]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            if let Ok(value) = read(&bytes) {
                let written = to_vec(&value);
                assert_eq!(read(&written).unwrap_or(Value::Null).name(), value.name());
            }
        }
    }
}
