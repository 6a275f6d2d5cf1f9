//! Distinguished names as text (RFC 4514), with the rules that notation has for trusted identities.

use std::collections::BTreeMap;
use std::fmt;

use sealift_crypto::certificate::Name;

use crate::text::clean;

const MANDATORY: [&str; 3] = ["C", "ST", "O"];
const TEXT_BYTES_MAX: usize = 4096;
// RFC 4514 §3, and what notation's parser and ours both call by a short name.
const SHORT_NAMES: [&str; 12] =
    ["CN", "L", "ST", "S", "O", "OU", "C", "STREET", "POSTALCODE", "DC", "UID", "SERIALNUMBER"];

/// Attributes of a name: each at most once, country, state and organisation among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(BTreeMap<String, String>);

impl DistinguishedName {
    /// Reads a text. The reason why not is part of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err("is too long".to_owned());
        }
        if text.contains("=#") {
            return Err("has a value in hexadecimal, which has no place there".to_owned());
        }
        let mut attributes = BTreeMap::new();
        for part in split(text, &[',', ';'])? {
            let kind_end = part.find('=').ok_or("has an attribute without a value")?;
            let (kind, value) = part.split_at(kind_end);
            if split(&value[1..], &['+'])?.len() > 1 {
                return Err("has two attributes in one place".to_owned());
            }
            add(&mut attributes, kind.trim(), unescape(&value[1..])?)?;
        }
        Self::complete(attributes)
    }

    /// The subject of a certificate.
    pub fn of_name(name: &Name) -> Result<Self, String> {
        let mut attributes = BTreeMap::new();
        for attribute in name.attributes() {
            let Some(text) = &attribute.text else {
                return Err(format!("has an attribute `{}` that is no text", attribute.kind));
            };
            // Attributes without a short name cannot be asked for.
            if SHORT_NAMES.contains(&attribute.kind.as_str()) {
                add(&mut attributes, &attribute.kind, text.clone())?;
            }
        }
        Self::complete(attributes)
    }

    /// Its attributes, in the order in which certificates have them: the country first.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let order =
            ["C", "ST", "L", "STREET", "POSTALCODE", "DC", "O", "OU", "CN", "UID", "SERIALNUMBER"];
        order.into_iter().filter_map(|kind| Some((kind, self.0.get(kind)?.as_str())))
    }

    /// The same with another common name; without one the organisation's name is taken.
    pub(crate) fn with_common_name(&self, change: impl FnOnce(&str) -> String) -> Self {
        let mut attributes = self.0.clone();
        let known = self.0.get("CN").or_else(|| self.0.get("O"));
        let name = change(known.map_or("", String::as_str));
        attributes.insert("CN".to_owned(), name);
        Self(attributes)
    }

    fn complete(attributes: BTreeMap<String, String>) -> Result<Self, String> {
        match MANDATORY.iter().find(|kind| !attributes.contains_key(**kind)) {
            None => Ok(Self(attributes)),
            Some(kind) => Err(format!(
                "has no attribute `{kind}`; country, state and organisation must be there"
            )),
        }
    }

    /// Whether all attributes of this name are in the other.
    pub fn is_part_of(&self, other: &Self) -> bool {
        self.0.iter().all(|(kind, value)| other.0.get(kind) == Some(value))
    }
}

/// As it can be read again.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (kind, value)) in self.attributes().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(out, "{comma}{kind}=")?;
            let last = value.chars().count().saturating_sub(1);
            for (place, character) in value.chars().enumerate() {
                let is_special = ",+\"\\<>;=".contains(character)
                    || place == 0 && "# ".contains(character)
                    || place == last && character == ' ';
                let escape = if is_special { "\\" } else { "" };
                write!(out, "{escape}{character}")?;
            }
        }
        Ok(())
    }
}

fn add(attributes: &mut BTreeMap<String, String>, kind: &str, value: String) -> Result<(), String> {
    let kind = if kind == "S" { "ST" } else { kind };
    if !SHORT_NAMES.contains(&kind) {
        return Err(format!("has an attribute `{}` that is not known", clean(kind)));
    }
    if value.is_empty() {
        return Err(format!("has an empty attribute `{kind}`"));
    }
    match attributes.insert(kind.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(format!("has the attribute `{kind}` twice")),
    }
}

// The parts between separators that are not escaped.
fn split<'a>(text: &'a str, separators: &[char]) -> Result<Vec<&'a str>, String> {
    let mut parts = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (index, character) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if character == '\\' {
            is_escaped = true;
        } else if separators.contains(&character) {
            parts.push(&text[start..index]);
            start = index + character.len_utf8();
        }
    }
    if is_escaped {
        return Err("ends with a backslash".to_owned());
    }
    parts.push(&text[start..]);
    Ok(parts)
}

// Spaces around a value do not count unless they are escaped.
fn unescape(text: &str) -> Result<String, String> {
    let broken = || "has an escape that is not one of RFC 4514".to_owned();
    let mut bytes = Vec::new();
    // How many bytes stay whatever follows: up to the last that is no plain space.
    let mut n_kept = 0;
    let mut rest = text.trim_start_matches(' ').chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
            if character != ' ' {
                n_kept = bytes.len();
            }
            continue;
        }
        let first = rest.next().ok_or_else(broken)?;
        if " \"#+,;<=>\\".contains(first) {
            bytes.push(u8::try_from(first).map_err(|_| broken())?);
        } else {
            let second = rest.next().ok_or_else(broken)?;
            let digit = |digit: char| digit.to_digit(16).ok_or_else(broken);
            let byte = digit(first)? << 4 | digit(second)?;
            bytes.push(u8::try_from(byte).map_err(|_| broken())?);
        }
        n_kept = bytes.len();
    }
    bytes.truncate(n_kept);
    String::from_utf8(bytes).map_err(|_| "has a value that is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap()
    }

    #[test]
    fn parts_of_names() {
        let subject = parse(
            "CN=app, OU=team\\, one,O=Ship \\& Lift\\20,L=Bern,ST=BE,C=CH"
                .replace("\\&", "&")
                .as_str(),
        );
        for wanted in [
            "C=CH,ST=BE,O=Ship & Lift\\ ",
            "S=BE;C=CH; O = Ship & Lift\\20 ",
            "OU=team\\2c one,C=CH,ST=BE,O=Ship & Lift\\ ",
        ] {
            assert!(parse(wanted).is_part_of(&subject), "{wanted}");
        }
        for other in [
            "C=CH,ST=BE,O=Ship & Lift",
            "C=CH,ST=BE,O=ship & lift\\ ",
            "C=CH,ST=BE,O=Ship & Lift\\ ,CN=ap",
        ] {
            assert!(!parse(other).is_part_of(&subject), "{other}");
        }
    }

    #[test]
    fn names_that_are_refused() {
        for (text, reason) in [
            ("", "has an attribute without a value"),
            ("C=CH,ST=BE", "has no attribute `O`; country, state and organisation must be there"),
            ("C=CH,ST=BE,O=a,O=b", "has the attribute `O` twice"),
            ("C=CH,ST=BE,S=BE,O=a", "has the attribute `ST` twice"),
            ("C=CH,ST=BE,O=a+CN=b", "has two attributes in one place"),
            ("C=CH,ST=BE,O=#0401", "has a value in hexadecimal, which has no place there"),
            ("C=CH,ST=BE,O=", "has an empty attribute `O`"),
            ("C=CH,ST=BE,O= ", "has an empty attribute `O`"),
            ("C=CH,ST=BE,O=a,1.2.3=b", "has an attribute `1.2.3` that is not known"),
            ("C=CH,ST=BE,O=a\\", "ends with a backslash"),
            ("C=CH,ST=BE,O=a\\x", "has an escape that is not one of RFC 4514"),
            ("C=CH,ST=BE,O=\\ff", "has a value that is not UTF-8"),
            ("C=CH,ST=BE,O=a,", "has an attribute without a value"),
        ] {
            assert_eq!(DistinguishedName::parse(text).unwrap_err(), reason, "{text}");
        }
    }

    #[test]
    fn subjects() {
        let name = Name::new(&[("C", "CH"), ("ST", "BE"), ("O", "a, b"), ("CN", "app")]).unwrap();
        let subject = DistinguishedName::of_name(&name).unwrap();
        assert!(parse("C=CH,ST=BE,O=a\\, b").is_part_of(&subject));
        assert_eq!(parse(&name.to_string()), subject);
        let name = Name::new(&[("C", "CH"), ("O", "a")]).unwrap();
        assert!(
            DistinguishedName::of_name(&name).unwrap_err().starts_with("has no attribute `ST`")
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[CSTO=,+;\\\\ a#\"é]{0,40}") {
            let _ = DistinguishedName::parse(&text);
        }
    }

    #[test]
    fn a_name_is_written_as_it_is_read() {
        for text in ["C=US, ST=WA, O=wabbit", r"C=US, ST=WA, O=a\, b\+c, CN=\#x\ "] {
            let name = DistinguishedName::parse(text).unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(DistinguishedName::parse(&name.to_string()), Ok(name));
        }
    }
}
