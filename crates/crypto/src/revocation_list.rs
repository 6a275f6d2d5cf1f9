//! Lists of revoked certificates (RFC 5280 §5): read, asked, and written for authorities of our own.
//!
//! Complete lists of the authority itself only: deltas, indirect lists and lists of some reasons are refused, for what
//! they leave out would pass. Entries are not kept but read again when one is asked for, so a list costs its bytes.

use std::ops::Range;

use jiff::Timestamp;

use crate::certificate::{Certificate, Extension, KeyUsage, Name};
use crate::cursor::Cursor;
use crate::pem::Block;
use crate::{Error, SigningKey, der, scheme, time};

// The largest list that is read.
pub(crate) const LIST_BYTES_MAX: usize = 8 << 20;

const LABEL: &str = "X509 CRL";
const REASON: &str = "2.5.29.21";
const INVALIDITY_DATE: &str = "2.5.29.24";
const CERTIFICATE_ISSUER: &str = "2.5.29.29";
const ISSUING_POINT: &str = "2.5.29.28";
const DELTA: &str = "2.5.29.27";
const LIST_NUMBER: &str = "2.5.29.20";
const AUTHORITY_KEY_ID: &str = "2.5.29.35";
const ENUMERATED: u8 = 0x0A;
const EXTENSIONS: u8 = 0xA0;
const EXTENSIONS_MAX: usize = 32;

/// A list whose structure was understood. [`RevocationList::verify`] says whether it counts.
#[derive(Clone, Debug)]
pub struct RevocationList {
    der: Vec<u8>,
    signed: Range<usize>,
    entries: Range<usize>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    issuer: Name,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    scope: Scope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    Leaves,
    Authorities,
}

/// A revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number, without leading zeros.
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
    /// Since when its key is in doubt, if the authority says so.
    pub invalid_since: Option<Timestamp>,
}

/// Why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RevocationReason {
    /// Not said.
    Unspecified = 0,
    /// Somebody else may have the key.
    KeyCompromise = 1,
    /// Somebody else may have the authority's key.
    AuthorityCompromise = 2,
    /// The subject belongs to another organisation now.
    AffiliationChanged = 3,
    /// There is a newer one.
    Superseded = 4,
    /// It is not needed any more.
    CessationOfOperation = 5,
    /// For the time being.
    Hold = 6,
    /// The subject may not any more what it says.
    PrivilegeWithdrawn = 9,
    /// Somebody else may have the key of the attribute authority.
    AttributeCompromise = 10,
}

impl RevocationReason {
    const ALL: [Self; 9] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AuthorityCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::Hold,
        Self::PrivilegeWithdrawn,
        Self::AttributeCompromise,
    ];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "no reason is given",
            Self::KeyCompromise => "the key was compromised",
            Self::AuthorityCompromise => "the authority's key was compromised",
            Self::AffiliationChanged => "the affiliation has changed",
            Self::Superseded => "it was superseded",
            Self::CessationOfOperation => "it is not used any more",
            Self::Hold => "it is on hold",
            Self::PrivilegeWithdrawn => "the privilege was withdrawn",
            Self::AttributeCompromise => "the attribute authority's key was compromised",
        }
    }
}

impl RevocationList {
    /// Reads a list: DER, or one PEM `X509 CRL` block.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).ok();
        match text.filter(|text| text.trim_ascii_start().starts_with("-----BEGIN ")) {
            Some(text) => {
                let block = Block::parse(text)?;
                if block.label != LABEL {
                    return Err(Error::RevocationList("a PEM block of another kind"));
                }
                Self::from_der(block.content.expose())
            }
            None => Self::from_der(bytes),
        }
    }

    /// Reads DER.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > LIST_BYTES_MAX {
            let (what, size) = ("list of revoked certificates", bytes.len());
            return Err(Error::TooLarge { what, size, limit: LIST_BYTES_MAX });
        }
        let mut outer = Cursor::new(bytes);
        let mut parts = Cursor::new(der::element(&mut outer, der::SEQUENCE).ok_or_else(malformed)?);
        let start = bytes.len() - parts.rest().len();
        let signed = der::whole(&mut parts, der::SEQUENCE).ok_or_else(malformed)?;
        let algorithm = der::element(&mut parts, der::SEQUENCE).ok_or_else(malformed)?;
        let signature = der::element(&mut parts, der::BIT_STRING)
            .and_then(|bits| bits.strip_prefix(&[0]))
            .ok_or_else(malformed)?;
        if !parts.is_empty() || !outer.is_empty() {
            return Err(malformed());
        }
        let fields = Fields::read(signed).ok_or_else(malformed)?;
        if fields.algorithm != algorithm {
            return Err(Error::RevocationList("it names two algorithms of its signature"));
        }
        let scope = read_scope(fields.extensions)?;
        let mut entries = Cursor::new(fields.entries);
        while !entries.is_empty() {
            read_entry(&mut entries)?;
        }
        let before = fields.entries_at;
        Ok(Self {
            der: bytes.to_vec(),
            signed: start..start + signed.len(),
            entries: start + before..start + before + fields.entries.len(),
            algorithm: algorithm.to_vec(),
            signature: signature.to_vec(),
            issuer: fields.issuer,
            this_update: fields.this_update,
            next_update: fields.next_update,
            scope,
        })
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whose list it is, as it says.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made, and when the next one is due.
    pub fn times(&self) -> (Timestamp, Option<Timestamp>) {
        (self.this_update, self.next_update)
    }

    /// Checks that the authority signed it and that it is the list of now.
    pub fn verify(&self, authority: &Certificate, now: Timestamp) -> Result<(), Error> {
        let refuse = |reason| Err(Error::RevocationList(reason));
        if self.issuer != *authority.subject() {
            return refuse("it is the list of another authority");
        }
        if !authority.is_authority() || !authority.allows(KeyUsage::ListSigning) {
            return refuse("the key of its authority may not sign lists");
        }
        let signed = &self.der[self.signed.clone()];
        authority
            .public_key()
            .verify_identified(&self.algorithm, signed, &self.signature)
            .map_err(|_| Error::RevocationList("its signature is not by its authority"))?;
        if now < self.this_update {
            return refuse("it is from the future");
        }
        match self.next_update {
            None => refuse("it does not say when the next one is due"),
            Some(next) if now > next => refuse("it is out of date"),
            Some(_) => Ok(()),
        }
    }

    /// Whether it would have the certificate in it, if it was revoked.
    pub fn covers(&self, certificate: &Certificate) -> bool {
        match self.scope {
            Scope::All => true,
            Scope::Leaves => !certificate.is_authority(),
            Scope::Authorities => certificate.is_authority(),
        }
    }

    /// What it says of a certificate with this serial number.
    pub fn find(&self, serial: &[u8]) -> Option<Revoked> {
        let serial = without_zeros(serial);
        let mut entries = Cursor::new(&self.der[self.entries.clone()]);
        while !entries.is_empty() {
            // All of them were read once before.
            let entry = read_entry(&mut entries).ok()?;
            if entry.serial == serial {
                return Some(entry);
            }
        }
        None
    }

    /// A list of an authority of our own.
    pub fn issue(
        authority: &Certificate,
        key: &SigningKey,
        revoked: &[Revoked],
        this_update: Timestamp,
        next_update: Timestamp,
    ) -> Result<Self, Error> {
        let sequence = |parts: &[&[u8]]| der::write(der::SEQUENCE, parts);
        let algorithm = scheme::identifier_of(key.public().kind());
        let mut entries = Vec::new();
        for entry in revoked {
            let reason = der::write(ENUMERATED, &[&[entry.reason as u8]]);
            let reason = Extension { id: REASON.to_owned(), is_critical: false, value: reason };
            let mut extensions = reason.to_der()?;
            if let Some(since) = entry.invalid_since {
                let (id, value) = (INVALIDITY_DATE.to_owned(), time::write_generalized(since)?);
                extensions.extend(Extension { id, is_critical: false, value }.to_der()?);
            }
            entries.extend(sequence(&[
                &der::write_positive(&entry.serial),
                &time::write(entry.at)?,
                &sequence(&[&extensions]),
            ]));
        }
        let entries = if entries.is_empty() { entries } else { sequence(&[&entries]) };
        let seconds = this_update.as_second().unsigned_abs().to_be_bytes();
        let number = Extension {
            id: LIST_NUMBER.to_owned(),
            is_critical: false,
            value: der::write_positive(&seconds),
        };
        let signed = sequence(&[
            &[der::INTEGER, 1, 1],
            &algorithm,
            authority.subject().der(),
            &time::write(this_update)?,
            &time::write(next_update)?,
            &entries,
            &der::write(EXTENSIONS, &[&sequence(&[&number.to_der()?])]),
        ]);
        let signature = der::write(der::BIT_STRING, &[&[0], &key.sign(&signed)?]);
        Self::from_der(&sequence(&[&signed, &algorithm, &signature]))
    }
}

fn malformed() -> Error {
    Error::RevocationList("its structure is not that of RFC 5280")
}

fn without_zeros(serial: &[u8]) -> &[u8] {
    let start = serial.iter().position(|byte| *byte != 0).unwrap_or(serial.len());
    &serial[start..]
}

struct Fields<'a> {
    algorithm: &'a [u8],
    issuer: Name,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    entries: &'a [u8],
    // Where they begin in what is signed.
    entries_at: usize,
    extensions: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(signed: &'a [u8]) -> Option<Self> {
        let mut whole = Cursor::new(signed);
        let mut fields = Cursor::new(der::element(&mut whole, der::SEQUENCE)?);
        let version = der::optional(&mut fields, der::INTEGER)?.0;
        (version.is_none() || version == Some(&[1])).then_some(())?;
        let algorithm = der::element(&mut fields, der::SEQUENCE)?;
        let issuer = Name::read(der::whole(&mut fields, der::SEQUENCE)?)?;
        let this_update = time::read(&mut fields)?;
        let is_time = |tag| [time::UTC_TIME, time::GENERALIZED_TIME].contains(&tag);
        let next_update = match der::next_tag(&fields) {
            Some(tag) if is_time(tag) => Some(time::read(&mut fields)?),
            _ => None,
        };
        let entries = der::optional(&mut fields, der::SEQUENCE)?.0.unwrap_or_default();
        let entries_at = signed.len() - fields.rest().len() - entries.len();
        let extensions = der::optional(&mut fields, EXTENSIONS)?.0;
        let is_sound = fields.is_empty() && (version.is_some() || extensions.is_none());
        is_sound.then_some(Self {
            algorithm,
            issuer,
            this_update,
            next_update,
            entries,
            entries_at,
            extensions,
        })
    }
}

// The content of a sequence of extensions, none of them twice.
fn read_extensions(content: &[u8]) -> Option<Vec<Extension>> {
    let mut rest = Cursor::new(content);
    let mut extensions: Vec<Extension> = Vec::new();
    while !rest.is_empty() {
        let extension = Extension::read(der::element(&mut rest, der::SEQUENCE)?)?;
        let is_new = extensions.iter().all(|known| known.id != extension.id);
        (is_new && extensions.len() < EXTENSIONS_MAX).then_some(())?;
        extensions.push(extension);
    }
    Some(extensions)
}

fn read_scope(extensions: Option<&[u8]>) -> Result<Scope, Error> {
    let Some(outer) = extensions else { return Ok(Scope::All) };
    let mut outer = Cursor::new(outer);
    let content = der::element(&mut outer, der::SEQUENCE).filter(|_| outer.is_empty());
    let mut scope = Scope::All;
    for extension in content.and_then(read_extensions).ok_or_else(malformed)? {
        match extension.id.as_str() {
            DELTA => return Err(Error::RevocationList("it has only what changed since another")),
            ISSUING_POINT => scope = read_issuing_point(&extension.value)?,
            LIST_NUMBER | AUTHORITY_KEY_ID => {}
            _ if extension.is_critical => {
                return Err(Error::RevocationList("it has a critical extension that is unknown"));
            }
            _ => {}
        }
    }
    Ok(scope)
}

// RFC 5280 §5.2.5. The name of the point says where the list lies, and nothing of what is in it.
fn read_issuing_point(value: &[u8]) -> Result<Scope, Error> {
    let mut outer = Cursor::new(value);
    let mut fields = Cursor::new(der::element(&mut outer, der::SEQUENCE).ok_or_else(malformed)?);
    der::optional(&mut fields, 0xA0).ok_or_else(malformed)?;
    let mut flag = |tag| match der::optional(&mut fields, tag).ok_or_else(malformed)?.0 {
        None | Some([0]) => Ok(false),
        Some([0xFF]) => Ok(true),
        Some(_) => Err(malformed()),
    };
    let (leaves, authorities) = (flag(0x81)?, flag(0x82)?);
    if !fields.is_empty() {
        let reason = "it is indirect, or has some reasons or attribute certificates only";
        let mut flag = |tag| match der::optional(&mut fields, tag).ok_or_else(malformed)?.0 {
            None | Some([0]) => Ok(()),
            Some(_) => Err(Error::RevocationList(reason)),
        };
        flag(0x83)?;
        flag(0x84)?;
        flag(0x85)?;
    }
    if !fields.is_empty() || !outer.is_empty() {
        return Err(malformed());
    }
    match (leaves, authorities) {
        (false, false) => Ok(Scope::All),
        (true, false) => Ok(Scope::Leaves),
        (false, true) => Ok(Scope::Authorities),
        (true, true) => Err(malformed()),
    }
}

fn read_entry(entries: &mut Cursor<'_>) -> Result<Revoked, Error> {
    let content = der::element(entries, der::SEQUENCE).ok_or_else(malformed)?;
    let mut fields = Cursor::new(content);
    let serial = der::element(&mut fields, der::INTEGER).ok_or_else(malformed)?;
    let at = time::read(&mut fields).ok_or_else(malformed)?;
    let mut entry = Revoked {
        serial: without_zeros(serial).to_vec(),
        at,
        reason: RevocationReason::Unspecified,
        invalid_since: None,
    };
    let extensions = der::optional(&mut fields, der::SEQUENCE).ok_or_else(malformed)?.0;
    let extensions = read_extensions(extensions.unwrap_or_default()).ok_or_else(malformed)?;
    if !fields.is_empty() {
        return Err(malformed());
    }
    for extension in extensions {
        let mut value = Cursor::new(&extension.value);
        match extension.id.as_str() {
            REASON => {
                let code = der::element(&mut value, ENUMERATED).filter(|_| value.is_empty());
                entry.reason = RevocationReason::ALL
                    .into_iter()
                    .find(|reason| code == Some(&[*reason as u8]))
                    .ok_or(Error::RevocationList(
                        "it has an entry with a reason that is unknown",
                    ))?;
            }
            INVALIDITY_DATE => {
                let since = time::read_with_fraction(&mut value).filter(|_| value.is_empty());
                entry.invalid_since = Some(since.ok_or_else(malformed)?);
            }
            CERTIFICATE_ISSUER => return Err(Error::RevocationList("it is indirect")),
            _ if extension.is_critical => {
                let reason = "it has an entry with a critical extension that is unknown";
                return Err(Error::RevocationList(reason));
            }
            _ => {}
        }
    }
    Ok(entry)
}

#[cfg(test)]
mod tests;
