//! X.509 certificates (RFC 5280): read what signatures need of them, and write self-signed ones as Notary's roots are.
//!
//! A certificate here is a name, a key and a time; chains of authorities are checked one link at a time with
//! [`Certificate::is_signed_by`]. Whoever trusts one decides that it does.

use aws_lc_rs::rand;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::cursor::Cursor;
use crate::pem::Block;
use crate::{Error, PublicKey, SigningKey, der, scheme};

const LABEL: &str = "CERTIFICATE";
const CERTIFICATES_MAX: usize = 16;

const OID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const OID_BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];

const BOOLEAN: u8 = 0x01;
const UTF8_STRING: u8 = 0x0C;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SET: u8 = 0x31;
const VERSION: u8 = 0xA0;
const EXTENSIONS: u8 = 0xA3;

// Key usage: digital signature and key encipherment, critical; extended: code signing; no authority, critical.
const NOTARY_EXTENSIONS: &[u8] = &[
    0x30, 0x0E, 0x06, 0x03, 0x55, 0x1D, 0x0F, 0x01, 0x01, 0xFF, 0x04, 0x04, 0x03, 0x02, 0x05, 0xA0,
    0x30, 0x13, 0x06, 0x03, 0x55, 0x1D, 0x25, 0x04, 0x0C, 0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06, 0x01,
    0x05, 0x05, 0x07, 0x03, 0x03, 0x30, 0x0C, 0x06, 0x03, 0x55, 0x1D, 0x13, 0x01, 0x01, 0xFF, 0x04,
    0x02, 0x30, 0x00,
];

/// A certificate whose structure was understood. That says nothing of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    // Ranges of `der`.
    signed: std::ops::Range<usize>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    common_name: Option<String>,
    not_before: Timestamp,
    not_after: Timestamp,
    public_key: PublicKey,
    is_authority: bool,
}

impl Certificate {
    /// Reads DER.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let mut outer = Cursor::new(bytes);
        let mut parts = element(&mut outer, der::SEQUENCE)?;
        let before = bytes.len() - parts.rest().len();
        let signed = der::whole(&mut parts, der::SEQUENCE).ok_or_else(malformed)?;
        let algorithm = der::element(&mut parts, der::SEQUENCE).ok_or_else(malformed)?;
        let signature = der::element(&mut parts, der::BIT_STRING)
            .and_then(|bits| bits.strip_prefix(&[0]))
            .ok_or_else(malformed)?;
        if !parts.is_empty() || !outer.is_empty() {
            return Err(malformed());
        }
        let fields = Fields::read(signed)?;
        if fields.algorithm != algorithm {
            return Err(Error::Certificate("it names two algorithms of its signature"));
        }
        Ok(Self {
            der: bytes.to_vec(),
            signed: before..before + signed.len(),
            issuer: fields.issuer.to_vec(),
            subject: fields.subject.to_vec(),
            signature_algorithm: algorithm.to_vec(),
            signature: signature.to_vec(),
            common_name: common_name(fields.subject)?,
            not_before: fields.not_before,
            not_after: fields.not_after,
            public_key: PublicKey::from_spki_der(fields.key)?,
            is_authority: fields.is_authority,
        })
    }

    /// Reads a text of PEM `CERTIFICATE` blocks; there is at least one.
    pub fn chain_from_pem(text: &str) -> Result<Vec<Self>, Error> {
        let blocks = Block::parse_all(text)?;
        if blocks.is_empty() || blocks.len() > CERTIFICATES_MAX {
            return Err(Error::Certificate("there is none, or there are more than 16"));
        }
        let read = |block: &Block| {
            if block.label != LABEL || !block.headers.is_empty() {
                return Err(Error::Certificate("a PEM block of another kind"));
            }
            Self::from_der(block.content.expose())
        };
        blocks.iter().map(read).collect()
    }

    /// A self-signed certificate for signing, as Notary makes them for a root.
    pub fn self_signed(
        key: &SigningKey,
        common_name: &str,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Self, Error> {
        let mut serial = [0; 16];
        rand::fill(&mut serial).expect("the operating system gives random bytes");
        // A positive number without a needless zero.
        serial[0] = serial[0] & 0x3F | 0x40;
        let sequence = |parts: &[&[u8]]| der::write(der::SEQUENCE, parts);
        let public = key.public();
        let algorithm = scheme::identifier_of(public.kind());
        let attribute = sequence(&[
            &der::write(der::OBJECT_IDENTIFIER, &[OID_COMMON_NAME]),
            &der::write(UTF8_STRING, &[common_name.as_bytes()]),
        ]);
        let name = sequence(&[&der::write(SET, &[&attribute])]);
        let validity = sequence(&[&write_time(not_before)?, &write_time(not_after)?]);
        let extensions = der::write(EXTENSIONS, &[&sequence(&[NOTARY_EXTENSIONS])]);
        let signed = sequence(&[
            &[VERSION, 3, der::INTEGER, 1, 2],
            &der::write(der::INTEGER, &[&serial]),
            &algorithm,
            &name,
            &validity,
            &name,
            public.spki_der(),
            &extensions,
        ]);
        let signature = der::write(der::BIT_STRING, &[&[0], &key.sign(&signed)?]);
        Self::from_der(&sequence(&[&signed, &algorithm, &signature]))
    }

    /// The certificate as a PEM block.
    pub fn to_pem(&self) -> String {
        crate::pem::encode(&self.der, LABEL)
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The common name of the subject, if there is one.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// First and last moment at which it is valid.
    pub fn validity(&self) -> (Timestamp, Timestamp) {
        (self.not_before, self.not_after)
    }

    /// Whether this moment is inside its validity.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Its key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whether it says that its key may sign certificates.
    pub fn is_authority(&self) -> bool {
        self.is_authority
    }

    /// Lower-case hex of the SHA-256 of its bytes.
    pub fn fingerprint(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        crate::hex::lower(digest.as_ref())
    }

    /// Checks that an authority issued it: its name and its signature, with SHA-256 or more and nothing older.
    pub fn is_signed_by(&self, authority: &Self) -> bool {
        authority.is_authority
            && self.issuer == authority.subject
            && self.has_signature_of(&authority.public_key)
    }

    /// Whether it is its own issuer, by its name and its signature.
    pub fn is_self_signed(&self) -> bool {
        self.issuer == self.subject && self.has_signature_of(&self.public_key)
    }

    fn has_signature_of(&self, key: &PublicKey) -> bool {
        let signed = &self.der[self.signed.clone()];
        key.verify_identified(&self.signature_algorithm, signed, &self.signature).is_ok()
    }
}

fn malformed() -> Error {
    Error::Certificate("its structure is not that of RFC 5280")
}

fn element<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Result<Cursor<'a>, Error> {
    der::element(cursor, tag).map(Cursor::new).ok_or_else(malformed)
}

struct Fields<'a> {
    algorithm: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    key: &'a [u8],
    not_before: Timestamp,
    not_after: Timestamp,
    is_authority: bool,
}

impl<'a> Fields<'a> {
    fn read(signed: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Cursor::new(signed);
        let mut fields = element(&mut fields, der::SEQUENCE)?;
        der::optional(&mut fields, VERSION).ok_or_else(malformed)?;
        der::element(&mut fields, der::INTEGER).ok_or_else(malformed)?;
        let algorithm = der::element(&mut fields, der::SEQUENCE).ok_or_else(malformed)?;
        let issuer = der::whole(&mut fields, der::SEQUENCE).ok_or_else(malformed)?;
        let mut validity = element(&mut fields, der::SEQUENCE)?;
        let not_before = read_time(&mut validity)?;
        let not_after = read_time(&mut validity)?;
        let subject = der::whole(&mut fields, der::SEQUENCE).ok_or_else(malformed)?;
        let key = der::whole(&mut fields, der::SEQUENCE).ok_or_else(malformed)?;
        for tag in [0x81, 0x82, 0xA1, 0xA2] {
            der::optional(&mut fields, tag).ok_or_else(malformed)?;
        }
        let is_authority = match der::optional(&mut fields, EXTENSIONS).ok_or_else(malformed)?.0 {
            Some(extensions) => read_extensions(extensions).ok_or_else(malformed)?,
            None => false,
        };
        if !fields.is_empty() || !validity.is_empty() {
            return Err(malformed());
        }
        Ok(Self { algorithm, issuer, subject, key, not_before, not_after, is_authority })
    }
}

// Whether the basic constraints say that it is an authority.
fn read_extensions(bytes: &[u8]) -> Option<bool> {
    let mut outer = Cursor::new(bytes);
    let mut extensions = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
    let mut is_authority = None;
    while !extensions.is_empty() {
        let mut extension = Cursor::new(der::element(&mut extensions, der::SEQUENCE)?);
        let oid = der::element(&mut extension, der::OBJECT_IDENTIFIER)?;
        der::optional(&mut extension, BOOLEAN)?;
        let mut value = Cursor::new(der::element(&mut extension, der::OCTET_STRING)?);
        if oid == OID_BASIC_CONSTRAINTS {
            let mut constraints = Cursor::new(der::element(&mut value, der::SEQUENCE)?);
            let says = der::optional(&mut constraints, BOOLEAN)?.0 == Some(&[0xFF]);
            // Twice the same extension could say two things.
            is_authority.is_none().then_some(())?;
            is_authority = Some(says);
        }
    }
    outer.is_empty().then_some(is_authority.unwrap_or(false))
}

// Two common names would be two answers.
fn common_name(name: &[u8]) -> Result<Option<String>, Error> {
    let mut name = Cursor::new(name);
    let mut sets = element(&mut name, der::SEQUENCE)?;
    let mut found = None;
    while !sets.is_empty() {
        let mut set = element(&mut sets, SET)?;
        while !set.is_empty() {
            let mut attribute = element(&mut set, der::SEQUENCE)?;
            let oid = der::element(&mut attribute, der::OBJECT_IDENTIFIER).ok_or_else(malformed)?;
            if oid != OID_COMMON_NAME {
                continue;
            }
            let tag = der::next_tag(&attribute)
                .filter(|tag| [UTF8_STRING, PRINTABLE_STRING, IA5_STRING].contains(tag))
                .ok_or(Error::Certificate("the common name is not text"))?;
            let text = der::element(&mut attribute, tag).ok_or_else(malformed)?;
            let text = std::str::from_utf8(text)
                .map_err(|_| Error::Certificate("the common name is not text"))?;
            if found.replace(text.to_owned()).is_some() {
                return Err(Error::Certificate("it has two common names"));
            }
        }
    }
    Ok(found)
}

// RFC 5280 §4.1.2.5: two digits of the year until 2049, and always UTC.
fn read_time(cursor: &mut Cursor<'_>) -> Result<Timestamp, Error> {
    let error = || Error::Certificate("a time that cannot be read");
    let tag = der::next_tag(cursor).ok_or_else(error)?;
    let text =
        der::element(cursor, tag).and_then(|bytes| bytes.strip_suffix(b"Z")).ok_or_else(error)?;
    let is_digits = text.iter().all(u8::is_ascii_digit);
    let (years, n_year) = match (tag, text.len()) {
        (UTC_TIME, 12) => (1900, 2),
        (GENERALIZED_TIME, 14) => (0, 4),
        _ => return Err(error()),
    };
    if !is_digits {
        return Err(error());
    }
    let number =
        |digits: &[u8]| digits.iter().fold(0_i16, |sum, digit| sum * 10 + i16::from(digit - b'0'));
    let (year, rest) = text.split_at(n_year);
    let year = years + number(year) + if years == 1900 && number(year) < 50 { 100 } else { 0 };
    let part =
        |index: usize| i8::try_from(number(&rest[2 * index..2 * index + 2])).unwrap_or(i8::MAX);
    DateTime::new(year, part(0), part(1), part(2), part(3), part(4), 0)
        .and_then(|time| time.to_zoned(TimeZone::UTC))
        .map(|time| time.timestamp())
        .map_err(|_| error())
}

fn write_time(time: Timestamp) -> Result<Vec<u8>, Error> {
    let time = time.to_zoned(TimeZone::UTC);
    let year = u16::try_from(time.year()).map_err(|_| Error::Certificate("a year before 0"))?;
    let (tag, year) = match year {
        1950..=2049 => (UTC_TIME, format!("{:02}", year % 100)),
        _ => (GENERALIZED_TIME, format!("{year:04}")),
    };
    let text = format!(
        "{year}{:02}{:02}{:02}{:02}{:02}Z",
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    Ok(der::write(tag, &[text.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn made(key: &SigningKey) -> Certificate {
        Certificate::self_signed(
            key,
            "localhost:5443/team/app",
            time("2026-11-21T00:00:00Z"),
            time("2036-11-18T00:00:00Z"),
        )
        .unwrap()
    }

    #[test]
    fn self_signed_round_trip() {
        for key in [
            SigningKey::generate_p256(),
            SigningKey::generate_p384(),
            SigningKey::generate_p521(),
            SigningKey::generate_ed25519(),
            SigningKey::generate_rsa(),
        ] {
            let certificate = made(&key);
            let chain = Certificate::chain_from_pem(&certificate.to_pem()).unwrap();
            assert_eq!(chain, std::slice::from_ref(&certificate));
            assert_eq!(certificate.common_name(), Some("localhost:5443/team/app"));
            assert_eq!(*certificate.public_key(), key.public());
            assert!(!certificate.is_authority());
            assert!(certificate.is_valid_at(time("2026-11-21T00:00:00Z")));
            assert!(!certificate.is_valid_at(time("2026-11-20T23:59:59Z")));
            assert!(!certificate.is_valid_at(time("2036-11-18T00:00:01Z")));
            let signed = &certificate.der[certificate.signed.clone()];
            key.public().verify(signed, &certificate.signature).unwrap();
            // It is not an authority, not even its own.
            assert!(!certificate.is_signed_by(&certificate));
            assert!(certificate.is_self_signed());
        }
    }

    #[test]
    fn times() {
        for text in ["1950-01-01T00:00:00Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z"] {
            let bytes = write_time(time(text)).unwrap();
            assert_eq!(read_time(&mut Cursor::new(&bytes)).unwrap(), time(text));
        }
        for text in ["261301000000Z", "2611210000Z", "261121000000+", "26112100000xZ"] {
            let bytes = der::write(UTC_TIME, &[text.as_bytes()]);
            assert!(read_time(&mut Cursor::new(&bytes)).is_err(), "{text}");
        }
    }

    #[test]
    fn cut_and_changed_bytes_never_panic() {
        let der = made(&SigningKey::generate_p256()).der;
        for index in 0..der.len() {
            assert!(Certificate::from_der(&der[..index]).is_err());
            for bit in 0..8 {
                let mut changed = der.clone();
                changed[index] ^= 1 << bit;
                let _ = Certificate::from_der(&changed);
            }
        }
        assert!(Certificate::from_der(&[&der[..], &[0]].concat()).is_err());
    }
}
