//! X.509 certificates (RFC 5280): read what signatures need of them, and issue our own.
//!
//! A certificate here is a name, a key, a time and what the key is for. [`crate::chain`] says whether a path leads
//! from it to an authority; whoever trusts that authority decides that it does.

mod draft;
mod extension;
mod name;
pub(crate) mod object_identifier;

#[cfg(test)]
mod tests;

use std::ops::Range;

use jiff::Timestamp;

pub use draft::Draft;
pub use extension::{AlternativeName, Extension, KeyUsage};
pub use name::{Attribute, Name};

use crate::cursor::Cursor;
use crate::pem::Block;
use crate::{Error, Hash, PublicKey, SigningKey, der, time};
use extension::Extensions;

const LABEL: &str = "CERTIFICATE";
const CERTIFICATES_MAX: usize = 100;
const SERIAL_BYTES_MAX: usize = 32;
const VERSION: u8 = 0xA0;
const EXTENSIONS: u8 = 0xA3;

/// Signing code.
pub const PURPOSE_CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
/// Signing timestamps.
pub const PURPOSE_TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
/// Everything.
pub const PURPOSE_ANY: &str = "2.5.29.37.0";

/// A certificate whose structure was understood. That says nothing of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    // Ranges of `der`.
    signed: Range<usize>,
    extensions_at: Option<Range<usize>>,
    serial: Vec<u8>,
    issuer: Name,
    subject: Name,
    // Content of the identifier.
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    public_key: PublicKey,
    extensions: Extensions,
}

impl Certificate {
    /// Reads DER.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let mut outer = Cursor::new(bytes);
        let mut parts = element(&mut outer, der::SEQUENCE)?;
        let start = bytes.len() - parts.rest().len() - outer.rest().len();
        let signed = der::whole(&mut parts, der::SEQUENCE).ok_or_else(malformed)?;
        let algorithm = der::element(&mut parts, der::SEQUENCE).ok_or_else(malformed)?;
        let signature = der::element(&mut parts, der::BIT_STRING)
            .and_then(|bits| bits.strip_prefix(&[0]))
            .ok_or_else(malformed)?;
        if !parts.is_empty() || !outer.is_empty() {
            return Err(malformed());
        }
        let fields = Fields::read(signed)?;
        // RFC 5280 §4.1.1.2: the algorithm outside is not signed.
        if fields.algorithm != algorithm {
            return Err(Error::Certificate("it names two signature algorithms"));
        }
        let extensions = match fields.extensions {
            Some(bytes) => Extensions::read(bytes).ok_or_else(malformed)?,
            None => Extensions::default(),
        };
        let n_after = fields.extensions.map_or(0, <[u8]>::len);
        Ok(Self {
            der: bytes.to_vec(),
            signed: start..start + signed.len(),
            // They are the last field of what is signed.
            extensions_at: (n_after > 0)
                .then(|| start + signed.len() - n_after..start + signed.len()),
            serial: fields.serial.to_vec(),
            issuer: fields.issuer,
            subject: fields.subject,
            algorithm: algorithm.to_vec(),
            signature: signature.to_vec(),
            not_before: fields.not_before,
            not_after: fields.not_after,
            public_key: PublicKey::from_spki_der(fields.key)?,
            extensions,
        })
    }

    /// Reads a text of PEM `CERTIFICATE` blocks; there is at least one.
    pub fn chain_from_pem(text: &str) -> Result<Vec<Self>, Error> {
        let blocks = Block::parse_all(text)?;
        if blocks.is_empty() || blocks.len() > CERTIFICATES_MAX {
            return Err(Error::Certificate("there is none, or there are more than 100"));
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
        // Digital signature and key encipherment.
        let key_usage = Extension {
            id: "2.5.29.15".to_owned(),
            is_critical: true,
            value: vec![der::BIT_STRING, 2, 5, 0xA0],
        };
        let extensions = [
            key_usage,
            Extension::extended_key_usage(false, &[PURPOSE_CODE_SIGNING])?,
            Extension::basic_constraints(false, None),
        ];
        let subject = Name::new(&[("CN", common_name)])?;
        let public = key.public();
        Draft { subject: &subject, key: &public, not_before, not_after, extensions: &extensions }
            .self_sign(key)
    }

    /// The certificate as a PEM block.
    pub fn to_pem(&self) -> String {
        crate::pem::encode(&self.der, LABEL)
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The serial number, big-endian, as it is encoded.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Whose it is.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// Who issued it, as it says.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The common name of the subject, if there is exactly one.
    pub fn common_name(&self) -> Option<&str> {
        self.subject.common_name()
    }

    /// Further names of the subject.
    pub fn alternative_names(&self) -> &[AlternativeName] {
        &self.extensions.alternative_names
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
        self.extensions.is_authority
    }

    /// How many authorities may stand between it and a leaf.
    pub fn path_length_max(&self) -> Option<u32> {
        self.extensions.path_length_max
    }

    /// Whether it names uses of its key at all.
    pub fn has_key_usage(&self) -> bool {
        self.extensions.key_usage.is_some()
    }

    /// Whether the key may be used so. One that names no use may be used for all.
    pub fn allows(&self, usage: KeyUsage) -> bool {
        self.extensions.key_usage.is_none_or(|bits| bits & 0x8000 >> usage as u8 != 0)
    }

    /// The purposes that it names, as dotted identifiers; `None` if it has no such extension.
    pub fn extended_key_usages(&self) -> Option<&[String]> {
        self.extensions.extended_key_usages.as_deref()
    }

    /// Identifier of its own key.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.extensions.subject_key_id.as_deref()
    }

    /// Identifier of the key that issued it.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.extensions.authority_key_id.as_deref()
    }

    /// Where lists of revoked certificates are.
    pub fn crl_addresses(&self) -> &[String] {
        &self.extensions.crl_addresses
    }

    /// Whether it restricts the names below it.
    pub fn has_name_constraints(&self) -> bool {
        self.extensions.has_name_constraints
    }

    /// A critical extension that is not understood here.
    pub fn unknown_critical_extension(&self) -> Option<&str> {
        self.extensions.unknown_critical.as_deref()
    }

    /// All extensions, in their order.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions.all
    }

    /// The extension with this dotted identifier.
    pub fn extension(&self, id: &str) -> Option<&Extension> {
        self.extensions.all.iter().find(|extension| extension.id == id)
    }

    /// The part that is signed.
    pub fn signed_part(&self) -> &[u8] {
        &self.der[self.signed.clone()]
    }

    /// The part that is signed as it was before an extension was added (RFC 6962 §3.2).
    pub fn signed_part_without(&self, id: &str) -> Result<Vec<u8>, Error> {
        let at = self.extensions_at.clone().ok_or_else(malformed)?;
        let content = der::element(&mut Cursor::new(self.signed_part()), der::SEQUENCE)
            .ok_or_else(malformed)?;
        // The head of the sequence goes, and the fields before the extensions stay as they are.
        let n_fields = content.len() - at.len();
        let fields = &content[..n_fields];
        let mut rest = Cursor::new(&self.der[at]);
        let mut list = element(&mut rest, EXTENSIONS)?;
        let mut list = element(&mut list, der::SEQUENCE)?;
        let mut content = Vec::new();
        for extension in &self.extensions.all {
            let whole = der::whole(&mut list, der::SEQUENCE).ok_or_else(malformed)?;
            if extension.id != id {
                content.extend_from_slice(whole);
            }
        }
        let extensions = der::write(EXTENSIONS, &[&der::write(der::SEQUENCE, &[&content])]);
        Ok(der::write(der::SEQUENCE, &[fields, &extensions]))
    }

    /// Lower-case hex of the SHA-256 of its bytes.
    pub fn fingerprint(&self) -> String {
        crate::hex::lower(&Hash::Sha256.of(&self.der))
    }

    /// Checks that an authority issued it: its name and its signature, with SHA-256 and nothing older.
    pub fn is_signed_by(&self, authority: &Self) -> bool {
        authority.is_authority()
            && self.issuer == authority.subject
            && self.verify_signature(&authority.public_key).is_ok()
    }

    /// Whether it is its own issuer, by its name and its signature.
    pub fn is_self_signed(&self) -> bool {
        self.issuer == self.subject && self.verify_signature(&self.public_key).is_ok()
    }

    /// Checks its signature alone.
    pub fn verify_signature(&self, key: &PublicKey) -> Result<(), Error> {
        key.verify_identified(&self.algorithm, self.signed_part(), &self.signature)
    }
}

fn malformed() -> Error {
    Error::Certificate("its structure is not that of RFC 5280")
}

fn element<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Result<Cursor<'a>, Error> {
    der::element(cursor, tag).map(Cursor::new).ok_or_else(malformed)
}

struct Fields<'a> {
    serial: &'a [u8],
    algorithm: &'a [u8],
    issuer: Name,
    subject: Name,
    key: &'a [u8],
    not_before: Timestamp,
    not_after: Timestamp,
    extensions: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(signed: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Cursor::new(signed);
        let mut fields = element(&mut fields, der::SEQUENCE)?;
        let version = der::optional(&mut fields, VERSION).ok_or_else(malformed)?.0;
        let serial = der::element(&mut fields, der::INTEGER)
            .filter(|serial| (1..=SERIAL_BYTES_MAX).contains(&serial.len()))
            .ok_or_else(malformed)?;
        let algorithm = der::element(&mut fields, der::SEQUENCE).ok_or_else(malformed)?;
        let name = |fields: &mut Cursor<'a>| {
            der::whole(fields, der::SEQUENCE).and_then(Name::read).ok_or_else(malformed)
        };
        let issuer = name(&mut fields)?;
        let mut validity = element(&mut fields, der::SEQUENCE)?;
        let mut moment =
            || time::read(&mut validity).ok_or(Error::Certificate("a time that cannot be read"));
        let (not_before, not_after) = (moment()?, moment()?);
        let subject = name(&mut fields)?;
        let key = der::whole(&mut fields, der::SEQUENCE).ok_or_else(malformed)?;
        for tag in [0x81, 0x82] {
            der::optional(&mut fields, tag).ok_or_else(malformed)?;
        }
        // Without extensions their whole element is empty.
        let before = fields.rest();
        let extensions = der::optional(&mut fields, EXTENSIONS).ok_or_else(malformed)?.0;
        let extensions = extensions.map(|_| before);
        let is_version_3 = version == Some(&[der::INTEGER, 1, 2]);
        if !fields.is_empty() || !validity.is_empty() || (extensions.is_some() && !is_version_3) {
            return Err(malformed());
        }
        Ok(Self { serial, algorithm, issuer, subject, key, not_before, not_after, extensions })
    }
}
