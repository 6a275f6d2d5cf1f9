//! Names of subjects and issuers (RFC 5280 §4.1.2.4), and their text (RFC 4514).

use std::fmt;

use super::object_identifier;
use crate::cursor::Cursor;
use crate::{Error, der, hex};

const ATTRIBUTES_MAX: usize = 64;
const SET: u8 = 0x31;
const UTF8_STRING: u8 = 0x0C;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
const COMMON_NAME: &str = "CN";

// RFC 4514 §3, and two that people write.
const SHORT_NAMES: &[(&str, &[u8])] = &[
    (COMMON_NAME, &[0x55, 4, 3]),
    ("SERIALNUMBER", &[0x55, 4, 5]),
    ("C", &[0x55, 4, 6]),
    ("L", &[0x55, 4, 7]),
    ("ST", &[0x55, 4, 8]),
    ("STREET", &[0x55, 4, 9]),
    ("O", &[0x55, 4, 10]),
    ("OU", &[0x55, 4, 11]),
    ("POSTALCODE", &[0x55, 4, 17]),
    ("UID", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 1]),
    ("DC", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25]),
];

/// A distinguished name. Two are equal if their bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    der: Vec<u8>,
    sets: Vec<Vec<Attribute>>,
}

/// One attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Short name such as `CN`, or the dotted identifier.
    pub kind: String,
    /// Its text; `None` if it is not in an encoding that is read here.
    pub text: Option<String>,
    value: Vec<u8>,
}

impl Name {
    /// Reads a whole `Name`.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut outer = Cursor::new(bytes);
        let mut rest = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
        let mut sets = Vec::new();
        let mut n_attributes = 0;
        while !rest.is_empty() {
            let mut set = Cursor::new(der::element(&mut rest, SET)?);
            let mut attributes = Vec::new();
            while !set.is_empty() {
                n_attributes += 1;
                if n_attributes > ATTRIBUTES_MAX {
                    return None;
                }
                attributes.push(Attribute::read(der::element(&mut set, der::SEQUENCE)?)?);
            }
            if attributes.is_empty() {
                return None;
            }
            sets.push(attributes);
        }
        outer.is_empty().then(|| Self { der: bytes.to_vec(), sets })
    }

    /// A name of attributes with short names, the most general first.
    pub fn new(attributes: &[(&str, &str)]) -> Result<Self, Error> {
        let mut content = Vec::new();
        for (kind, text) in attributes {
            let oid = SHORT_NAMES
                .iter()
                .find(|(name, _)| name == kind)
                .ok_or(Error::Certificate("an attribute of a name that has no short name"))?
                .1;
            let is_printable =
                |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
            // A country must be so; elsewhere both are allowed.
            let tag = if *kind == "C" && text.bytes().all(is_printable) {
                PRINTABLE_STRING
            } else {
                UTF8_STRING
            };
            let parts =
                [der::write(der::OBJECT_IDENTIFIER, &[oid]), der::write(tag, &[text.as_bytes()])];
            let attribute = der::write(der::SEQUENCE, &[&parts.concat()]);
            content.extend(der::write(SET, &[&attribute]));
        }
        Self::read(&der::write(der::SEQUENCE, &[&content]))
            .ok_or(Error::Certificate("the name has too many attributes"))
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// All attributes, in their order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.sets.iter().flatten()
    }

    /// Whether it has no attribute.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The common name, if there is exactly one and it is text.
    pub fn common_name(&self) -> Option<&str> {
        // Two would be two answers.
        let mut names = self.attributes().filter(|attribute| attribute.kind == COMMON_NAME);
        match (names.next(), names.next()) {
            (Some(name), None) => name.text.as_deref(),
            _ => None,
        }
    }
}

impl Attribute {
    fn read(content: &[u8]) -> Option<Self> {
        let mut parts = Cursor::new(content);
        let oid = der::element(&mut parts, der::OBJECT_IDENTIFIER)?;
        let tag = der::next_tag(&parts)?;
        let value = der::whole(&mut parts, tag)?;
        let text = der::element(&mut Cursor::new(value), tag)?;
        let text = match tag {
            UTF8_STRING => std::str::from_utf8(text).ok(),
            PRINTABLE_STRING | IA5_STRING => {
                std::str::from_utf8(text).ok().filter(|text| text.is_ascii())
            }
            _ => None,
        };
        let kind = match SHORT_NAMES.iter().find(|(_, known)| *known == oid) {
            Some((name, _)) => (*name).to_owned(),
            None => object_identifier::text(oid)?,
        };
        let text = text.map(str::to_owned);
        parts.is_empty().then(|| Self { kind, text, value: value.to_vec() })
    }
}

impl fmt::Display for Name {
    /// RFC 4514: the last attribute first, special characters escaped, what is not text in hexadecimal.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, set) in self.sets.iter().rev().enumerate() {
            for (position, attribute) in set.iter().enumerate() {
                match (index, position) {
                    (0, 0) => {}
                    (_, 0) => out.write_str(",")?,
                    _ => out.write_str("+")?,
                }
                write!(out, "{}=", attribute.kind)?;
                let has_short_name = !attribute.kind.starts_with(|first: char| first.is_numeric());
                match &attribute.text {
                    Some(text) if has_short_name => write_escaped(out, text)?,
                    _ => write!(out, "#{}", hex::lower(&attribute.value))?,
                }
            }
        }
        Ok(())
    }
}

fn write_escaped(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.len().saturating_sub(1);
    for (index, character) in text.char_indices() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(out, "\\{character}")?,
            '#' | ' ' if index == 0 => write!(out, "\\{character}")?,
            ' ' if index == last => out.write_str("\\ ")?,
            _ if character.is_control() => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    write!(out, "\\{byte:02x}")?;
                }
            }
            _ => write!(out, "{character}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_names() {
        let name = Name::new(&[("C", "CH"), ("O", "Ship, Lift & Co"), ("CN", " a#\"\n ")]).unwrap();
        assert_eq!(name.to_string(), r#"CN=\ a#\"\0a\ ,O=Ship\, Lift & Co,C=CH"#);
        assert_eq!(name.common_name(), Some(" a#\"\n "));
        assert_eq!(Name::new(&[]).unwrap().to_string(), "");
        assert_eq!(Name::new(&[("CN", "a"), ("CN", "b")]).unwrap().common_name(), None);
        assert!(Name::new(&[("XX", "a")]).is_err());
    }

    #[test]
    fn other_attributes_are_hexadecimal() {
        // CN=a + 1.2.3.4=b
        let bytes = [
            0x30, 0x16, 0x31, 0x14, 0x30, 0x08, 6, 3, 0x55, 4, 3, 0x13, 1, b'a', 0x30, 0x08, 6, 3,
            0x2A, 3, 4, 0x13, 1, b'b',
        ];
        let name = Name::read(&bytes).unwrap();
        assert_eq!(name.to_string(), "CN=a+1.2.3.4=#130162");
        assert_eq!(name.attributes().nth(1).unwrap().text.as_deref(), Some("b"));
        for length in 0..bytes.len() {
            assert_eq!(Name::read(&bytes[..length]), None);
        }
    }
}
