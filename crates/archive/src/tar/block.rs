//! One header block of 512 bytes.

use super::{BLOCK_BYTES, Fault};

/// A header block whose checksum is right.
pub(super) struct Block([u8; BLOCK_BYTES]);

/// Which of the three layouts a block has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    V7,
    Ustar,
    Gnu,
}

impl Block {
    pub(super) fn parse(bytes: &[u8; BLOCK_BYTES]) -> Result<Self, Fault> {
        let block = Self(*bytes);
        let stored = octal(&bytes[148..156]).map_err(|_| "the checksum is not a number")?;
        let outside = || bytes[..148].iter().chain(&bytes[156..]);
        let unsigned: u64 = 256 + outside().map(|byte| u64::from(*byte)).sum::<u64>();
        // Some old writers summed signed characters.
        let signed: i64 = 256 + outside().map(|byte| i64::from(byte.cast_signed())).sum::<i64>();
        if stored != unsigned && i64::try_from(stored) != Ok(signed) {
            return Err("the checksum is wrong".into());
        }
        Ok(block)
    }

    pub(super) fn format(&self) -> Format {
        match &self.0[257..265] {
            b"ustar\x0000" => Format::Ustar,
            b"ustar  \0" => Format::Gnu,
            // Some writers leave the version empty.
            [b'u', b's', b't', b'a', b'r', 0, ..] => Format::Ustar,
            _ => Format::V7,
        }
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0[156]
    }

    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[..100]);
        let prefix = text(&self.0[345..500]);
        // GNU has times and sparse maps where ustar has the prefix.
        if self.format() != Format::Ustar || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    pub(super) fn link_name(&self) -> &[u8] {
        text(&self.0[157..257])
    }

    pub(super) fn mode(&self) -> Result<u32, Fault> {
        let mode = natural(&self.0[100..108]).map_err(|fault| of("mode", fault))?;
        Ok(u32::try_from(mode & 0o7777).expect("twelve bits fit"))
    }

    pub(super) fn uid(&self) -> Result<u64, Fault> {
        natural(&self.0[108..116]).map_err(|fault| of("user id", fault))
    }

    pub(super) fn gid(&self) -> Result<u64, Fault> {
        natural(&self.0[116..124]).map_err(|fault| of("group id", fault))
    }

    pub(super) fn size(&self) -> Result<u64, Fault> {
        natural(&self.0[124..136]).map_err(|fault| of("size", fault))
    }

    pub(super) fn mtime_secs(&self) -> Result<i64, Fault> {
        number(&self.0[136..148]).map_err(|fault| of("time", fault))
    }

    pub(super) fn user_name(&self) -> &[u8] {
        if self.format() == Format::V7 { &[] } else { text(&self.0[265..297]) }
    }

    pub(super) fn group_name(&self) -> &[u8] {
        if self.format() == Format::V7 { &[] } else { text(&self.0[297..329]) }
    }

    pub(super) fn device(&self) -> Result<(u32, u32), Fault> {
        if self.format() == Format::V7 {
            return Err("a device without device numbers".into());
        }
        let part = |field: &[u8]| {
            let value = natural(field).map_err(|fault| of("device number", fault))?;
            u32::try_from(value).map_err(|_| Fault::from("the device number is too large"))
        };
        Ok((part(&self.0[329..337])?, part(&self.0[337..345])?))
    }

    /// The part of an old GNU sparse map that is in the header, whether more follows, and the file's real size.
    pub(super) fn sparse(&self) -> Result<(&[u8], bool, u64), Fault> {
        let size = natural(&self.0[483..495]).map_err(|fault| of("sparse size", fault))?;
        Ok((&self.0[386..482], self.0[482] != 0, size))
    }
}

/// A number that must not be negative.
pub(super) fn natural(field: &[u8]) -> Result<u64, Fault> {
    u64::try_from(number(field)?).map_err(|_| "is negative".into())
}

// Octal text, or GNU's base 256 if the first bit is set.
fn number(field: &[u8]) -> Result<i64, Fault> {
    let first = field[0];
    if first & 0x80 == 0 {
        return octal(field)
            .and_then(|value| i64::try_from(value).map_err(|_| Fault::from("is too large")));
    }
    let negative = first & 0x40 != 0;
    let start = if negative { -1_i64 } else { 0 };
    let first = if negative { first } else { first & 0x7f };
    let mut value = start;
    for (index, byte) in field.iter().enumerate() {
        let byte = if index == 0 { first } else { *byte };
        value = value.checked_mul(256).ok_or("is too large")? | i64::from(byte);
    }
    Ok(value)
}

fn octal(field: &[u8]) -> Result<u64, Fault> {
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if !rest.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Err("is not an octal number".into());
    }
    let mut value = 0_u64;
    for digit in digits {
        if !matches!(digit, b'0'..=b'7') {
            return Err("is not an octal number".into());
        }
        value = value.checked_mul(8).ok_or("is too large")? | u64::from(digit - b'0');
    }
    Ok(value)
}

fn text(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

fn of(what: &str, fault: Fault) -> Fault {
    format!("the {what} {fault}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &[u8], expected: Option<i64>) {
        assert_eq!(number(field).ok(), expected, "{field:?}");
    }

    #[test]
    fn numbers() {
        check(b"0000644\0", Some(0o644));
        check(b"    644 ", Some(0o644));
        check(b"644\0\0\0\0\0", Some(0o644));
        check(b"\0\0\0\0\0\0\0\0", Some(0));
        check(b"        ", Some(0));
        check(b"77777777777\0", Some(0o77_777_777_777));
        check(b"0000648\0", None);
        check(b"64 4\0   ", None);
        check(b"644\0junk", None);
        check(b"-0000001", None);
        check(b"\x80\0\0\0\0\0\x01\0", Some(256));
        check(b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1));
        check(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2));
        check(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX));
        check(b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None);
        check(b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None);
        check(b"\xc0\0\0\0\0\0\0\0\0\0\0\0", None);
        assert!(natural(b"\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
    }
}
