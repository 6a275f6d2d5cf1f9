//! Extensions of certificates (RFC 5280 §4.2): read all that signatures need, written for those that we issue.

use super::object_identifier;
use crate::cursor::Cursor;
use crate::{Error, der};

const EXTENSIONS_MAX: usize = 64;
const NAMES_MAX: usize = 256;
const BOOLEAN: u8 = 0x01;
const UTF8_STRING: u8 = 0x0C;

const SUBJECT_KEY_ID: &str = "2.5.29.14";
const KEY_USAGE: &str = "2.5.29.15";
const ALTERNATIVE_NAME: &str = "2.5.29.17";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const NAME_CONSTRAINTS: &str = "2.5.29.30";
const CRL_DISTRIBUTION_POINTS: &str = "2.5.29.31";
const CERTIFICATE_POLICIES: &str = "2.5.29.32";
const AUTHORITY_KEY_ID: &str = "2.5.29.35";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

/// One extension as it stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Dotted identifier.
    pub id: String,
    /// Whether who does not understand it must refuse the certificate.
    pub is_critical: bool,
    /// The bytes inside of its octet string.
    pub value: Vec<u8>,
}

/// A use of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KeyUsage {
    /// Signatures of all but certificates and lists.
    DigitalSignature = 0,
    /// Signatures that shall not be denied later.
    ContentCommitment = 1,
    /// Certificates.
    CertificateSigning = 5,
    /// Revocation lists.
    ListSigning = 6,
}

/// A name that the subject has besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlternativeName {
    /// An electronic mail address.
    Email(String),
    /// A host.
    Dns(String),
    /// An address of the web.
    Uri(String),
    /// A name of another kind, with its text if it has one.
    Other {
        /// Dotted identifier of the kind.
        id: String,
        /// Text.
        text: Option<String>,
    },
    /// A kind that is not read here.
    Unread,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) all: Vec<Extension>,
    pub(super) is_authority: bool,
    pub(super) path_length_max: Option<u32>,
    pub(super) key_usage: Option<u16>,
    pub(super) extended_key_usages: Option<Vec<String>>,
    pub(super) alternative_names: Vec<AlternativeName>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) crl_addresses: Vec<String>,
    pub(super) has_name_constraints: bool,
    pub(super) unknown_critical: Option<String>,
}

impl Extensions {
    /// Reads the whole field of the extensions.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut field = Cursor::new(bytes);
        let mut outer = Cursor::new(der::element(&mut field, super::EXTENSIONS)?);
        let mut rest = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
        let mut extensions = Self::default();
        while !rest.is_empty() {
            let extension = Extension::read(der::element(&mut rest, der::SEQUENCE)?)?;
            // Twice the same extension could say two things.
            let is_new = extensions.all.iter().all(|other| other.id != extension.id);
            if !is_new || extensions.all.len() == EXTENSIONS_MAX {
                return None;
            }
            extensions.take(&extension)?;
            extensions.all.push(extension);
        }
        outer.is_empty().then_some(extensions)
    }

    fn take(&mut self, extension: &Extension) -> Option<()> {
        let mut value = Cursor::new(&extension.value);
        match extension.id.as_str() {
            BASIC_CONSTRAINTS => {
                let mut parts = Cursor::new(der::element(&mut value, der::SEQUENCE)?);
                self.is_authority = read_boolean(&mut parts)?;
                if !parts.is_empty() {
                    self.path_length_max = Some(read_small(&mut parts)?);
                }
                // RFC 5280 §4.2.1.9: no length without authority.
                let is_sound = self.is_authority || self.path_length_max.is_none();
                (is_sound && parts.is_empty()).then_some(())?;
            }
            KEY_USAGE => self.key_usage = Some(read_bits(&mut value)?),
            EXTENDED_KEY_USAGE => {
                let mut parts = Cursor::new(der::element(&mut value, der::SEQUENCE)?);
                let mut purposes = Vec::new();
                while !parts.is_empty() {
                    (purposes.len() < EXTENSIONS_MAX).then_some(())?;
                    let purpose = der::element(&mut parts, der::OBJECT_IDENTIFIER)?;
                    purposes.push(object_identifier::text(purpose)?);
                }
                self.extended_key_usages = Some(purposes);
            }
            ALTERNATIVE_NAME => {
                let names = der::element(&mut value, der::SEQUENCE)?;
                self.alternative_names = read_names(names)?;
            }
            SUBJECT_KEY_ID => {
                self.subject_key_id = Some(der::element(&mut value, der::OCTET_STRING)?.to_vec());
            }
            AUTHORITY_KEY_ID => {
                let mut parts = Cursor::new(der::element(&mut value, der::SEQUENCE)?);
                self.authority_key_id = der::optional(&mut parts, 0x80)?.0.map(<[u8]>::to_vec);
            }
            CRL_DISTRIBUTION_POINTS => {
                self.crl_addresses = read_points(der::element(&mut value, der::SEQUENCE)?)?;
            }
            // A path without a wanted policy has the policies that it has (RFC 5280 §6.1).
            CERTIFICATE_POLICIES => return Some(()),
            NAME_CONSTRAINTS => {
                self.has_name_constraints = true;
                return Some(());
            }
            _ => {
                if extension.is_critical && self.unknown_critical.is_none() {
                    self.unknown_critical = Some(extension.id.clone());
                }
                return Some(());
            }
        }
        value.is_empty().then_some(())
    }
}

impl Extension {
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        let mut parts = Cursor::new(content);
        let id = object_identifier::text(der::element(&mut parts, der::OBJECT_IDENTIFIER)?)?;
        let is_critical = read_boolean(&mut parts)?;
        let value = der::element(&mut parts, der::OCTET_STRING)?.to_vec();
        parts.is_empty().then_some(Self { id, is_critical, value })
    }

    /// The content of the octet string that the value is.
    pub fn octets(&self) -> Option<&[u8]> {
        self.only(der::OCTET_STRING)
    }

    /// The text of the UTF-8 string that the value is.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.only(UTF8_STRING)?).ok()
    }

    fn only(&self, tag: u8) -> Option<&[u8]> {
        let mut value = Cursor::new(&self.value);
        let content = der::element(&mut value, tag)?;
        value.is_empty().then_some(content)
    }

    /// Whether the key may sign certificates, and how many authorities may stand below.
    pub fn basic_constraints(is_authority: bool, path_length_max: Option<u8>) -> Self {
        let mut content = Vec::new();
        if is_authority {
            content.extend([BOOLEAN, 1, 0xFF]);
        }
        if let Some(length) = path_length_max {
            content.extend([der::INTEGER, 1, length & 0x7F]);
        }
        Self::new(BASIC_CONSTRAINTS, true, der::write(der::SEQUENCE, &[&content]))
    }

    /// What the key is for.
    pub fn key_usage(usages: &[KeyUsage]) -> Self {
        let bits = usages.iter().fold(0_u8, |bits, usage| bits | 0x80 >> *usage as u8);
        let n_unused = u8::try_from(bits.trailing_zeros().min(7)).unwrap_or(7);
        Self::new(KEY_USAGE, true, der::write(der::BIT_STRING, &[&[n_unused, bits]]))
    }

    /// The purposes of the key, as dotted identifiers.
    pub fn extended_key_usage(is_critical: bool, purposes: &[&str]) -> Result<Self, Error> {
        let mut content = Vec::new();
        for purpose in purposes {
            content.extend(
                object_identifier::write(purpose)
                    .ok_or(Error::Certificate("a purpose that is not a dotted identifier"))?,
            );
        }
        let value = der::write(der::SEQUENCE, &[&content]);
        Ok(Self::new(EXTENDED_KEY_USAGE, is_critical, value))
    }

    /// Further names of the subject: mail, host or web addresses.
    pub fn alternative_names(names: &[AlternativeName]) -> Result<Self, Error> {
        let mut content = Vec::new();
        for name in names {
            let (tag, text) = match name {
                AlternativeName::Email(text) => (0x81, text),
                AlternativeName::Dns(text) => (0x82, text),
                AlternativeName::Uri(text) => (0x86, text),
                AlternativeName::Other { .. } | AlternativeName::Unread => {
                    return Err(Error::Certificate("a name of a kind that is not written here"));
                }
            };
            content.extend(der::write(tag, &[text.as_bytes()]));
        }
        Ok(Self::new(ALTERNATIVE_NAME, false, der::write(der::SEQUENCE, &[&content])))
    }

    pub(super) fn subject_key_id(id: &[u8]) -> Self {
        Self::new(SUBJECT_KEY_ID, false, der::write(der::OCTET_STRING, &[id]))
    }

    pub(super) fn authority_key_id(id: &[u8]) -> Self {
        let value = der::write(der::SEQUENCE, &[&der::write(0x80, &[id])]);
        Self::new(AUTHORITY_KEY_ID, false, value)
    }

    fn new(id: &str, is_critical: bool, value: Vec<u8>) -> Self {
        Self { id: id.to_owned(), is_critical, value }
    }

    pub(crate) fn to_der(&self) -> Result<Vec<u8>, Error> {
        let id = object_identifier::write(&self.id)
            .ok_or(Error::Certificate("an extension that is not a dotted identifier"))?;
        let critical: &[u8] = if self.is_critical { &[BOOLEAN, 1, 0xFF] } else { &[] };
        Ok(der::write(
            der::SEQUENCE,
            &[&id, critical, &der::write(der::OCTET_STRING, &[&self.value])],
        ))
    }
}

// A boolean that is false if it is left out. Some write the false that DER leaves out.
fn read_boolean(cursor: &mut Cursor<'_>) -> Option<bool> {
    match der::optional(cursor, BOOLEAN)?.0 {
        None | Some([0]) => Some(false),
        Some([0xFF]) => Some(true),
        Some(_) => None,
    }
}

fn read_small(cursor: &mut Cursor<'_>) -> Option<u32> {
    match der::element(cursor, der::INTEGER)? {
        [byte] if *byte < 0x80 => Some(u32::from(*byte)),
        [0, byte] if *byte >= 0x80 => Some(u32::from(*byte)),
        _ => None,
    }
}

// Bit 0 is the highest.
fn read_bits(cursor: &mut Cursor<'_>) -> Option<u16> {
    let (n_unused, bits) = der::element(cursor, der::BIT_STRING)?.split_first()?;
    let last = bits.last().copied().unwrap_or(0);
    let is_padded_with_zero =
        *n_unused < 8 && last & ((1_u16 << n_unused) - 1).to_le_bytes()[0] == 0;
    if !is_padded_with_zero {
        return None;
    }
    match bits {
        [first] => Some(u16::from(*first) << 8),
        [first, second] => Some(u16::from_be_bytes([*first, *second])),
        _ => None,
    }
}

fn read_names(content: &[u8]) -> Option<Vec<AlternativeName>> {
    let mut rest = Cursor::new(content);
    let mut names = Vec::new();
    while !rest.is_empty() {
        (names.len() < NAMES_MAX).then_some(())?;
        let tag = der::next_tag(&rest)?;
        let value = der::element(&mut rest, tag)?;
        names.push(match tag {
            0x81 => AlternativeName::Email(visible(value)?),
            0x82 => AlternativeName::Dns(visible(value)?),
            0x86 => AlternativeName::Uri(visible(value)?),
            0xA0 => read_other_name(value)?,
            _ => AlternativeName::Unread,
        });
    }
    Some(names)
}

fn read_other_name(content: &[u8]) -> Option<AlternativeName> {
    let mut parts = Cursor::new(content);
    let id = object_identifier::text(der::element(&mut parts, der::OBJECT_IDENTIFIER)?)?;
    let mut value = Cursor::new(der::element(&mut parts, 0xA0)?);
    let text = match der::next_tag(&value) {
        Some(UTF8_STRING) => {
            let text = std::str::from_utf8(der::element(&mut value, UTF8_STRING)?).ok()?;
            let is_sound = value.is_empty() && !text.contains(char::is_control);
            Some(is_sound.then(|| text.to_owned())?)
        }
        _ => None,
    };
    parts.is_empty().then_some(AlternativeName::Other { id, text })
}

// IA5String without control characters: a NUL or a line break only ever deceives.
fn visible(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.bytes().all(|byte| (0x20..0x7F).contains(&byte)).then(|| text.to_owned())
}

fn read_points(content: &[u8]) -> Option<Vec<String>> {
    let mut rest = Cursor::new(content);
    let mut addresses = Vec::new();
    while !rest.is_empty() {
        let mut point = Cursor::new(der::element(&mut rest, der::SEQUENCE)?);
        let Some(name) = der::optional(&mut point, 0xA0)?.0 else { continue };
        let mut name = Cursor::new(name);
        let Some(full) = der::optional(&mut name, 0xA0)?.0 else { continue };
        for name in read_names(full)? {
            if let AlternativeName::Uri(address) = name
                && addresses.len() < NAMES_MAX
            {
                addresses.push(address);
            }
        }
    }
    Some(addresses)
}
