//! PAX extended headers (POSIX.1-2001 pax, "pax Header Block"), with GNU's sparse and Schilling's attribute keys.

use std::collections::BTreeMap;

use super::Fault;
use crate::Mtime;

const XATTR: &[u8] = b"SCHILY.xattr.";

/// What an extended header says; `None` where it is silent.
#[derive(Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link_path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<Mtime>,
    pub(super) user_name: Option<Vec<u8>>,
    pub(super) group_name: Option<Vec<u8>>,
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) sparse: PaxSparse,
}

/// GNU's three ways of writing a sparse file with PAX keys.
#[derive(Default)]
pub(super) struct PaxSparse {
    pub(super) major: Option<u64>,
    pub(super) minor: Option<u64>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: Option<u64>,
    pub(super) chunks: Option<u64>,
    /// Offsets and lengths in turn, of formats 0.0 and 0.1.
    pub(super) map: Vec<u64>,
    pub(super) has_map: bool,
}

impl Pax {
    /// The records of an extended header for one entry.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut pax = Self::default();
        for_each_record(bytes, |key, value| pax.set(key, value))?;
        Ok(pax)
    }

    /// Checks a global header. Docker ignores them and GNU tar obeys them, so only harmless keys pass.
    pub(super) fn check_global(bytes: &[u8]) -> Result<(), Fault> {
        for_each_record(bytes, |key, _| {
            let decisive = matches!(
                key,
                b"path" | b"linkpath" | b"size" | b"uid" | b"gid" | b"uname" | b"gname"
            ) || key.starts_with(b"GNU.sparse.")
                || key.starts_with(XATTR);
            if decisive {
                let key = String::from_utf8_lossy(key);
                return Err(format!("a global extended header sets `{key}`").into());
            }
            Ok(())
        })
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        let has_nul = memchr::memchr(0, value).is_some();
        match key {
            b"path" | b"linkpath" | b"uname" | b"gname" | b"GNU.sparse.name" if has_nul => {
                let key = String::from_utf8_lossy(key);
                return Err(format!("`{key}` has a NUL byte").into());
            }
            // An empty value takes the key back.
            b"path" => self.path = non_empty(value),
            b"linkpath" => self.link_path = non_empty(value),
            b"uname" => self.user_name = non_empty(value),
            b"gname" => self.group_name = non_empty(value),
            b"size" => self.size = decimal(key, value)?,
            b"uid" => self.uid = decimal(key, value)?,
            b"gid" => self.gid = decimal(key, value)?,
            b"mtime" => self.mtime = time(value)?,
            b"GNU.sparse.major" => self.sparse.major = decimal(key, value)?,
            b"GNU.sparse.minor" => self.sparse.minor = decimal(key, value)?,
            b"GNU.sparse.name" => self.sparse.name = non_empty(value),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => {
                self.sparse.real_size = decimal(key, value)?;
            }
            b"GNU.sparse.numblocks" => self.sparse.chunks = decimal(key, value)?,
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                let is_offset = key == b"GNU.sparse.offset";
                if is_offset != self.sparse.map.len().is_multiple_of(2) {
                    return Err("the sparse map's offsets and lengths do not alternate".into());
                }
                let number = decimal(key, value)?.ok_or("the sparse map has an empty number")?;
                self.sparse.map.push(number);
                self.sparse.has_map = true;
            }
            b"GNU.sparse.map" => {
                self.sparse.map.clear();
                for number in value.split(|byte| *byte == b',') {
                    let number = decimal(key, number)?.ok_or("the sparse map has a gap")?;
                    self.sparse.map.push(number);
                }
                self.sparse.has_map = true;
            }
            _ => {
                if let Some(name) = key.strip_prefix(XATTR) {
                    self.xattrs.insert(name.to_vec(), value.to_vec());
                }
            }
        }
        Ok(())
    }
}

// Records are `length SP key=value LF`; the length counts itself.
fn for_each_record(
    mut bytes: &[u8],
    mut each: impl FnMut(&[u8], &[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    while !bytes.is_empty() {
        let space = memchr::memchr(b' ', &bytes[..bytes.len().min(21)])
            .ok_or("an extended header's record has no length")?;
        let len = decimal(b"record length", &bytes[..space])?
            .and_then(|len| usize::try_from(len).ok())
            .filter(|len| *len > space + 1 && *len <= bytes.len())
            .ok_or("an extended header's record has a wrong length")?;
        let (record, rest) = bytes.split_at(len);
        let record = record[space + 1..]
            .strip_suffix(b"\n")
            .ok_or("an extended header's record does not end with a newline")?;
        let equals = memchr::memchr(b'=', record)
            .filter(|equals| *equals > 0)
            .ok_or("an extended header's record has no key")?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        if memchr::memchr(0, key).is_some() {
            return Err("an extended header's key has a NUL byte".into());
        }
        each(key, value)?;
        bytes = rest;
    }
    Ok(())
}

fn non_empty(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

fn decimal(key: &[u8], value: &[u8]) -> Result<Option<u64>, Fault> {
    if value.is_empty() {
        return Ok(None);
    }
    parse_decimal(value)
        // Sizes and offsets are signed in every other reader.
        .filter(|number| i64::try_from(*number).is_ok())
        .map(Some)
        .ok_or_else(|| {
            let (key, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(value));
            let value: String = value.chars().take(40).collect();
            format!("`{key}` is `{value}`, which is not a number in range").into()
        })
}

/// Digits and nothing else.
pub(super) fn parse_decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn time(value: &[u8]) -> Result<Option<Mtime>, Fault> {
    if value.is_empty() {
        return Ok(None);
    }
    let parse = || {
        let (negative, digits) = match value.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, value),
        };
        let dot = memchr::memchr(b'.', digits).unwrap_or(digits.len());
        let secs = i64::try_from(parse_decimal(&digits[..dot])?).ok()?;
        let fraction = digits.get(dot + 1..).unwrap_or(&[]);
        if !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let nanos = (0..9).fold(0, |nanos, place| {
            nanos * 10 + fraction.get(place).map_or(0, |digit| u32::from(digit - b'0'))
        });
        Some(match (negative, nanos) {
            (false, _) => Mtime { secs, nanos },
            (true, 0) => Mtime { secs: -secs, nanos: 0 },
            (true, _) => Mtime { secs: (-secs).checked_sub(1)?, nanos: 1_000_000_000 - nanos },
        })
    };
    parse().map(Some).ok_or_else(|| "`mtime` is not a time".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &str) -> String {
        let rest = format!(" {key}={value}\n");
        let mut len = rest.len() + 1;
        while len != rest.len() + len.to_string().len() {
            len += 1;
        }
        format!("{len}{rest}")
    }

    fn fault(text: &str) -> String {
        Pax::parse(text.as_bytes()).err().unwrap_or_default().into_owned()
    }

    #[test]
    fn the_last_record_wins_and_an_empty_one_takes_back() {
        let text = [
            record("path", "a"),
            record("path", "b=c\nd"),
            record("size", "9"),
            record("size", ""),
        ]
        .concat();
        let pax = Pax::parse(text.as_bytes()).unwrap();
        assert_eq!(pax.path.unwrap(), b"b=c\nd");
        assert_eq!(pax.size, None);
    }

    #[test]
    fn times() {
        for (text, secs, nanos) in [
            ("0", 0, 0),
            ("1.5", 1, 500_000_000),
            ("-1.5", -2, 500_000_000),
            ("-1", -1, 0),
            ("1.", 1, 0),
            ("1.0000000019", 1, 1),
        ] {
            assert_eq!(time(text.as_bytes()).unwrap(), Some(Mtime { secs, nanos }), "{text}");
        }
        for text in ["x", ".5", "-", "1.x", "--1", "99999999999999999999"] {
            assert!(time(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn refuses_bad_records() {
        for text in [
            "x",
            "6 a=b",
            "8 a=b\n\n",
            "5 a=b\n",
            "-6 a=b\n",
            "+6 a=b\n",
            "06a=b\n",
            "6 =ab\n",
            "6 abc\n",
            "0 a=b\n",
            "99999999999999999999999 a=b\n",
            "18446744073709551615 a=b\n",
        ] {
            assert_ne!(fault(text), "", "{text:?}");
        }
        assert_ne!(fault(&record("path", "a\0b")), "");
        assert_ne!(fault(&record("a\0b", "c")), "");
        assert_ne!(fault(&record("size", "-1")), "");
        assert_ne!(fault(&record("size", "0x10")), "");
        assert_ne!(fault(&record("size", "9223372036854775808")), "");
        assert_ne!(fault(&record("GNU.sparse.numbytes", "1")), "");
        assert_eq!(fault(&record("comment", "a\0b")), "");
    }

    #[test]
    fn global_headers_must_be_harmless() {
        assert!(Pax::check_global(record("comment", "0123abcd").as_bytes()).is_ok());
        for key in ["path", "size", "SCHILY.xattr.user.a", "GNU.sparse.map"] {
            assert!(Pax::check_global(record(key, "1").as_bytes()).is_err(), "{key}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = Pax::parse(&bytes);
        }
    }
}
