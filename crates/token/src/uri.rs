//! The URI of a key in a token (RFC 7512), as far as it names a key: what is not known is refused.

use std::fmt;
use std::path::PathBuf;

use crate::Error;

const SCHEME: &str = "pkcs11:";
const BYTES_MAX: usize = 4096;

/// Which key, in which token, reached through which module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    /// Label of the token.
    pub token: Option<String>,
    /// Serial number of the token.
    pub serial: Option<String>,
    /// Maker of the token.
    pub manufacturer: Option<String>,
    /// Model of the token.
    pub model: Option<String>,
    /// Number of the slot.
    pub slot: Option<u64>,
    /// Label of the key.
    pub object: Option<String>,
    /// Id of the key.
    pub id: Option<Vec<u8>>,
    /// The module's file.
    pub module_path: PathBuf,
    /// Where the PIN is.
    pub pin_source: Option<PinSource>,
}

/// Where a PIN is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinSource {
    /// The first line of a file.
    File(PathBuf),
}

impl Uri {
    /// Whether a text means a key in a token.
    pub fn is(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Reads a URI. A PIN in it (`pin-value`) is refused: every process of the machine can read command lines.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let error = |reason: &str| Error::Uri(reason.to_owned());
        if text.len() > BYTES_MAX {
            return Err(error("it is longer than 4096 bytes"));
        }
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| error("it has no `pkcs11:`"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        let attributes = path.split(';').map(|attribute| (attribute, true));
        let attributes = attributes.chain(query.split('&').map(|attribute| (attribute, false)));
        for (attribute, is_path) in attributes.filter(|(attribute, _)| !attribute.is_empty()) {
            let (name, value) =
                attribute.split_once('=').ok_or_else(|| error("a part of it is not NAME=VALUE"))?;
            if seen.contains(&name) {
                return Err(Error::Uri(format!("`{}` stands twice", printable(name))));
            }
            seen.push(name);
            if is_path {
                uri.set_path(name, value)?;
            } else {
                uri.set_query(name, value)?;
            }
        }
        if uri.module_path.as_os_str().is_empty() {
            return Err(error("it does not say `module-path`"));
        }
        if uri.object.is_none() && uri.id.is_none() {
            return Err(error("it names no key by `object` or `id`"));
        }
        Ok(uri)
    }

    fn set_path(&mut self, name: &str, value: &str) -> Result<(), Error> {
        match name {
            "token" => self.token = Some(text(value)?),
            "serial" => self.serial = Some(text(value)?),
            "manufacturer" => self.manufacturer = Some(text(value)?),
            "model" => self.model = Some(text(value)?),
            "object" => self.object = Some(text(value)?),
            "id" => self.id = Some(decode(value)?),
            "slot-id" => {
                let slot = value.parse().map_err(|_| {
                    Error::Uri(format!("`slot-id` is `{}`, no number", printable(value)))
                })?;
                self.slot = Some(slot);
            }
            "type" if value == "private" => {}
            "type" => return Err(Error::Uri("its `type` is not `private`".to_owned())),
            other => return Err(unknown(other)),
        }
        Ok(())
    }

    fn set_query(&mut self, name: &str, value: &str) -> Result<(), Error> {
        match name {
            "module-path" => {
                let path = PathBuf::from(text(value)?);
                if !path.is_absolute() {
                    return Err(Error::Uri("`module-path` is not absolute".to_owned()));
                }
                self.module_path = path;
            }
            "pin-source" => {
                let source = text(value)?;
                let path = source.strip_prefix("file:").unwrap_or(&source);
                let path = path.strip_prefix("//").unwrap_or(path);
                if !path.starts_with('/') {
                    let reason = "`pin-source` is not an absolute path or `file:` and one";
                    return Err(Error::Uri(reason.to_owned()));
                }
                self.pin_source = Some(PinSource::File(PathBuf::from(path)));
            }
            "pin-value" => {
                let reason = "a PIN in it can be read by every process; write `pin-source=file:…`";
                return Err(Error::Uri(reason.to_owned()));
            }
            other => return Err(unknown(other)),
        }
        Ok(())
    }
}

/// The key's name for people; nothing secret can stand in it.
impl fmt::Display for Uri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = || {
            let id = self.id.as_deref().unwrap_or_default();
            id.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
        };
        let key = self.object.clone().unwrap_or_else(id);
        match &self.token {
            Some(token) => write!(out, "{} in {}", printable(&key), printable(token)),
            None => write!(out, "{}", printable(&key)),
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::Uri(format!("`{}` is not understood", printable(name)))
}

fn text(value: &str) -> Result<String, Error> {
    String::from_utf8(decode(value)?)
        .ok()
        .filter(|text| !text.contains(char::is_control))
        .ok_or_else(|| Error::Uri("a value is no text".to_owned()))
}

// Percent-encoding; nothing else has a meaning.
fn decode(value: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let byte = tail
            .get(..2)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| Error::Uri("a `%` is not followed by two hex digits".to_owned()))?;
        bytes.push(byte);
        rest = &tail[2..];
    }
    Ok(bytes)
}

fn printable(text: &str) -> String {
    let visible = |character: char| if character.is_control() { '\u{FFFD}' } else { character };
    text.chars().take(80).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn reads_what_others_write() {
        let uri = Uri::parse(
            "pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=1f;token=my%20ci;id=%01%AB;object=release;type=private?module-path=/usr/lib/m.so&pin-source=file:///run/pin",
        )
        .unwrap();
        assert_eq!(uri.token.as_deref(), Some("my ci"));
        assert_eq!(uri.id.as_deref(), Some(&[1, 0xAB][..]));
        assert_eq!(uri.pin_source, Some(PinSource::File("/run/pin".into())));
        assert_eq!(uri.to_string(), "release in my ci");
        let uri = Uri::parse("pkcs11:id=%01;slot-id=7?module-path=/m.so&pin-source=/pin").unwrap();
        assert_eq!((uri.slot, uri.to_string().as_str()), (Some(7), "01"));
        assert_eq!(uri.pin_source, Some(PinSource::File("/pin".into())));
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&Uri::parse(text).unwrap_err().to_string());
    }

    #[test]
    fn refuses_what_is_not_understood() {
        check("file:x", expect!["not the URI of a key in a token: it has no `pkcs11:`"]);
        check("pkcs11:", expect!["not the URI of a key in a token: it does not say `module-path`"]);
        check(
            "pkcs11:token=a?module-path=/m.so",
            expect!["not the URI of a key in a token: it names no key by `object` or `id`"],
        );
        check(
            "pkcs11:object=a;object=b?module-path=/m.so",
            expect!["not the URI of a key in a token: `object` stands twice"],
        );
        check(
            "pkcs11:object=a;x-y=b?module-path=/m.so",
            expect!["not the URI of a key in a token: `x-y` is not understood"],
        );
        check(
            "pkcs11:object=a?module-path=m.so",
            expect!["not the URI of a key in a token: `module-path` is not absolute"],
        );
        check(
            "pkcs11:object=a?module-path=/m.so&pin-value=1234",
            expect![
                "not the URI of a key in a token: a PIN in it can be read by every process; write `pin-source=file:…`"
            ],
        );
        check(
            "pkcs11:object=a%4?module-path=/m.so",
            expect!["not the URI of a key in a token: a `%` is not followed by two hex digits"],
        );
        check(
            "pkcs11:object=%1b?module-path=/m.so",
            expect!["not the URI of a key in a token: a value is no text"],
        );
        check(
            "pkcs11:object=a;type=public?module-path=/m.so",
            expect!["not the URI of a key in a token: its `type` is not `private`"],
        );
        check(
            "pkcs11:object?module-path=/m.so",
            expect!["not the URI of a key in a token: a part of it is not NAME=VALUE"],
        );
        assert!(Uri::parse(&format!("pkcs11:object={}", "a".repeat(5000))).is_err());
        assert!(Uri::parse("pkcs11:object=%é1").is_err());
    }
}
