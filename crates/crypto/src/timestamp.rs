//! Timestamps of a time stamping authority (RFC 3161): a CMS `SignedData` (RFC 5652) around a `TSTInfo`.
//!
//! Entry points: [`Token::from_der`], [`Token::verify`]; who wants a token makes a [`Request`]. DER only; one signer with signed attributes, the signer's
//! certificate bound by its hash (RFC 5035, or RFC 2634 with SHA-1), its path valid at the time of the token.

mod request;

use std::time::Duration;

use jiff::Timestamp;

use crate::certificate::{Certificate, Extension, Name, object_identifier};
use crate::chain::{self, Purpose, Question};
use crate::cursor::Cursor;
use crate::{Hash, der, time};

pub use request::Request;

/// Tokens above this size are refused.
pub const TOKEN_BYTES_MAX: usize = 64 << 10;
const CERTIFICATES_MAX: usize = 32;
const ATTRIBUTES_MAX: usize = 32;

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TIMESTAMP_INFO: &str = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE: &str = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";
const SET: u8 = 0x31;
const BOOLEAN: u8 = 0x01;
const CONTEXT_0: u8 = 0xA0;
const CONTEXT_1: u8 = 0xA1;

/// Why a token is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not a token.
    #[error("not a timestamp: {0}")]
    Malformed(&'static str),
    /// The authority did not answer with a token.
    #[error("the time stamping authority refused to sign: status {0}")]
    Status(u8),
    /// The answer is to another question.
    #[error("the timestamp answers another request")]
    OtherRequest,
    /// The token is for something else.
    #[error("the timestamp is over other bytes")]
    OtherMessage,
    /// The certificate is neither in the token nor among the given ones.
    #[error("the timestamp's signer is unknown: its certificate is neither inside nor trusted")]
    UnknownSigner,
    /// The signed attributes bind another certificate.
    #[error("the timestamp was signed for another certificate than the one that it names")]
    OtherCertificate,
    /// The signed attributes are for another content.
    #[error("the timestamp's signature is over another content")]
    OtherContent,
    /// The signature does not match.
    #[error("the timestamp's signature does not match")]
    Signature,
    /// No path leads to a trusted authority.
    #[error("the timestamp's signer is not trusted: {0}")]
    Chain(#[from] chain::Refusal),
}

/// A token whose structure was understood. That says nothing of trust.
#[derive(Clone, Debug)]
pub struct Token {
    content: Vec<u8>,
    info: Info,
    certificates: Vec<Certificate>,
    signer: Signer,
}

/// A moment that an authority vouches for.
#[derive(Clone, Debug)]
pub struct Verified {
    /// When the authority saw the message.
    pub time: Timestamp,
    /// The authority's path, its own certificate first, the trusted one last.
    pub path: Vec<Certificate>,
}

#[derive(Clone, Debug)]
struct Info {
    hash: Hash,
    imprint: Vec<u8>,
    nonce: Option<Vec<u8>>,
    time: Timestamp,
    accuracy: Duration,
}

#[derive(Clone, Debug)]
struct Signer {
    id: SignerId,
    hash: Hash,
    // With the tag that is signed.
    attributes: Vec<u8>,
    digest: Vec<u8>,
    bound: Bound,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Clone, Debug)]
enum SignerId {
    IssuerAndSerial(Name, Vec<u8>),
    Key(Vec<u8>),
}

// Hash of the certificate that the signed attributes name.
#[derive(Clone, Debug)]
enum Bound {
    Sha1(Vec<u8>),
    Other(Hash, Vec<u8>),
}

impl Token {
    /// Reads a `TimeStampResp`, or the token in it alone.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut outer = Cursor::new(token_of(bytes)?);
        let parts = der::element(&mut outer, der::SEQUENCE).ok_or_else(malformed)?;
        read_content_info(Cursor::new(parts)).ok_or_else(malformed)
    }

    /// The moment it names.
    pub fn time(&self) -> Timestamp {
        self.info.time
    }

    /// How far the moment may be off, as it says.
    pub fn accuracy(&self) -> Duration {
        self.info.accuracy
    }

    /// The certificates in it; nothing about them is trusted.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Checks that it is over this message and signed by an authority below one of the roots.
    pub fn verify(
        &self,
        message: &[u8],
        intermediates: &[Certificate],
        roots: &[Certificate],
    ) -> Result<Verified, Refusal> {
        if self.info.hash.of(message) != self.info.imprint {
            return Err(Refusal::OtherMessage);
        }
        if self.signer.hash.of(&self.content) != self.signer.digest {
            return Err(Refusal::OtherContent);
        }
        let given = || self.certificates.iter().chain(intermediates).chain(roots);
        // Several may have the name and the number; the signed hash tells which it is.
        let mut named = given().filter(|certificate| self.signer.id.is_of(certificate)).peekable();
        if named.peek().is_none() {
            return Err(Refusal::UnknownSigner);
        }
        let leaf = named
            .find(|certificate| self.signer.bound.is_of(certificate))
            .ok_or(Refusal::OtherCertificate)?;
        leaf.public_key()
            .verify_hashed(
                &self.signer.algorithm,
                self.signer.hash,
                &self.signer.attributes,
                &self.signer.signature,
            )
            .map_err(|_| Refusal::Signature)?;
        let offered: Vec<Certificate> =
            self.certificates.iter().chain(intermediates).cloned().collect();
        let path = chain::validate(&Question {
            leaf,
            intermediates: &offered,
            roots,
            purpose: Purpose::TimeStamping,
            at: self.info.time,
        })?;
        Ok(Verified { time: self.info.time, path: path.into_iter().cloned().collect() })
    }
}

impl SignerId {
    fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial(issuer, serial) => {
                certificate.issuer() == issuer && certificate.serial() == serial
            }
            Self::Key(id) => certificate.subject_key_id() == Some(id),
        }
    }
}

impl Bound {
    fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Sha1(expected) => {
                // A second certificate with the same hash cannot be made, not even with SHA-1.
                let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
                aws_lc_rs::digest::digest(algorithm, certificate.der()).as_ref() == expected
            }
            Self::Other(hash, expected) => hash.of(certificate.der()) == *expected,
        }
    }
}

fn malformed() -> Refusal {
    Refusal::Malformed("its structure is not that of RFC 3161")
}

// The token in a `TimeStampResp`, or the bytes themselves if they are one.
fn token_of(bytes: &[u8]) -> Result<&[u8], Refusal> {
    if bytes.len() > TOKEN_BYTES_MAX {
        return Err(Refusal::Malformed("it is larger than 64 KiB"));
    }
    let mut outer = Cursor::new(bytes);
    let mut parts = Cursor::new(der::element(&mut outer, der::SEQUENCE).ok_or_else(malformed)?);
    if !outer.is_empty() {
        return Err(Refusal::Malformed("bytes after its end"));
    }
    if der::next_tag(&parts) != Some(der::SEQUENCE) {
        return Ok(bytes);
    }
    let mut status = Cursor::new(der::element(&mut parts, der::SEQUENCE).ok_or_else(malformed)?);
    match der::element(&mut status, der::INTEGER).ok_or_else(malformed)? {
        [0 | 1] => {}
        [status] => return Err(Refusal::Status(*status)),
        _ => return Err(malformed()),
    }
    let token = der::whole(&mut parts, der::SEQUENCE).ok_or_else(malformed)?;
    if parts.is_empty() { Ok(token) } else { Err(malformed()) }
}

fn is_oid(cursor: &mut Cursor<'_>, expected: &str) -> Option<()> {
    let oid = object_identifier::text(der::element(cursor, der::OBJECT_IDENTIFIER)?)?;
    (oid == expected).then_some(())
}

// The only element of its kind in the bytes.
fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut cursor = Cursor::new(bytes);
    let content = der::element(&mut cursor, tag)?;
    cursor.is_empty().then_some(content)
}

fn read_content_info(mut parts: Cursor<'_>) -> Option<Token> {
    is_oid(&mut parts, SIGNED_DATA)?;
    let data = only(only(parts.rest(), CONTEXT_0)?, der::SEQUENCE)?;
    let mut fields = Cursor::new(data);
    der::element(&mut fields, der::INTEGER)?;
    der::element(&mut fields, SET)?;
    let mut content = Cursor::new(der::element(&mut fields, der::SEQUENCE)?);
    is_oid(&mut content, TIMESTAMP_INFO)?;
    let content = only(only(content.rest(), CONTEXT_0)?, der::OCTET_STRING)?;
    let certificates = match der::optional(&mut fields, CONTEXT_0)?.0 {
        Some(certificates) => read_certificates(certificates)?,
        None => Vec::new(),
    };
    der::optional(&mut fields, CONTEXT_1)?;
    // One signer, and nothing after it.
    let signer = only(only(fields.rest(), SET)?, der::SEQUENCE)?;
    Some(Token {
        content: content.to_vec(),
        info: Info::read(only(content, der::SEQUENCE)?)?,
        certificates,
        signer: Signer::read(signer)?,
    })
}

fn read_certificates(content: &[u8]) -> Option<Vec<Certificate>> {
    let mut rest = Cursor::new(content);
    let mut certificates = Vec::new();
    while !rest.is_empty() {
        (certificates.len() < CERTIFICATES_MAX).then_some(())?;
        let tag = der::next_tag(&rest)?;
        let whole = der::whole(&mut rest, tag)?;
        // One that cannot be read cannot be part of a path either.
        certificates.extend(Certificate::from_der(whole).ok());
    }
    Some(certificates)
}

impl Info {
    fn read(content: &[u8]) -> Option<Self> {
        let mut fields = Cursor::new(content);
        (der::element(&mut fields, der::INTEGER)? == [1]).then_some(())?;
        der::element(&mut fields, der::OBJECT_IDENTIFIER)?;
        let mut imprint = Cursor::new(der::element(&mut fields, der::SEQUENCE)?);
        let hash = Hash::from_identifier(der::element(&mut imprint, der::SEQUENCE)?)?;
        let imprint = only(imprint.rest(), der::OCTET_STRING)?.to_vec();
        der::element(&mut fields, der::INTEGER)?;
        let time = time::read_with_fraction(&mut fields)?;
        let accuracy = match der::optional(&mut fields, der::SEQUENCE)?.0 {
            Some(accuracy) => read_accuracy(accuracy)?,
            None => Duration::ZERO,
        };
        der::optional(&mut fields, BOOLEAN)?;
        let nonce = der::optional(&mut fields, der::INTEGER)?.0.map(<[u8]>::to_vec);
        der::optional(&mut fields, CONTEXT_0)?;
        if let Some(extensions) = der::optional(&mut fields, CONTEXT_1)?.0 {
            let mut rest = Cursor::new(extensions);
            while !rest.is_empty() {
                let extension = Extension::read(der::element(&mut rest, der::SEQUENCE)?)?;
                // None is known here.
                (!extension.is_critical).then_some(())?;
            }
        }
        fields.is_empty().then_some(Self { hash, imprint, nonce, time, accuracy })
    }
}

fn read_accuracy(content: &[u8]) -> Option<Duration> {
    let mut fields = Cursor::new(content);
    let mut number = |tag| {
        let bytes = der::optional(&mut fields, tag)?.0.unwrap_or(&[0]);
        let is_small = bytes.len() <= 4 && bytes.first().is_some_and(|first| *first < 0x80);
        is_small.then(|| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let (seconds, millis, micros) = (number(der::INTEGER)?, number(0x80)?, number(0x81)?);
    (millis < 1000 && micros < 1000 && fields.is_empty())
        .then(|| Duration::from_secs(seconds) + Duration::from_micros(millis * 1000 + micros))
}

impl Signer {
    fn read(content: &[u8]) -> Option<Self> {
        let mut fields = Cursor::new(content);
        der::element(&mut fields, der::INTEGER)?;
        let id = if let Some(id) = der::optional(&mut fields, 0x80)?.0 {
            SignerId::Key(id.to_vec())
        } else {
            let mut id = Cursor::new(der::element(&mut fields, der::SEQUENCE)?);
            let issuer = Name::read(der::whole(&mut id, der::SEQUENCE)?)?;
            SignerId::IssuerAndSerial(issuer, only(id.rest(), der::INTEGER)?.to_vec())
        };
        let hash = Hash::from_identifier(der::element(&mut fields, der::SEQUENCE)?)?;
        let attributes = der::element(&mut fields, CONTEXT_0)?;
        let (digest, bound) = read_attributes(attributes)?;
        let algorithm = der::element(&mut fields, der::SEQUENCE)?.to_vec();
        let signature = der::element(&mut fields, der::OCTET_STRING)?.to_vec();
        der::optional(&mut fields, CONTEXT_1)?;
        fields.is_empty().then(|| Self {
            id,
            hash,
            // RFC 5652 §5.4: signed as a SET, sent as [0].
            attributes: der::write(SET, &[attributes]),
            digest,
            bound,
            algorithm,
            signature,
        })
    }
}

// Digest of the content and hash of the certificate.
fn read_attributes(content: &[u8]) -> Option<(Vec<u8>, Bound)> {
    let mut rest = Cursor::new(content);
    let mut seen = Vec::new();
    let (mut has_type, mut digest, mut bound, mut bound_old) = (false, None, None, None);
    while !rest.is_empty() {
        let mut attribute = Cursor::new(der::element(&mut rest, der::SEQUENCE)?);
        let id = object_identifier::text(der::element(&mut attribute, der::OBJECT_IDENTIFIER)?)?;
        let values = only(attribute.rest(), SET)?;
        if seen.contains(&id) || seen.len() == ATTRIBUTES_MAX {
            return None;
        }
        match id.as_str() {
            CONTENT_TYPE => {
                let mut value = Cursor::new(values);
                is_oid(&mut value, TIMESTAMP_INFO)?;
                has_type = value.is_empty();
            }
            MESSAGE_DIGEST => digest = Some(only(values, der::OCTET_STRING)?.to_vec()),
            SIGNING_CERTIFICATE_V2 => {
                let mut first = first_certificate(values)?;
                let hash = match der::optional(&mut first, der::SEQUENCE)?.0 {
                    Some(identifier) => Hash::from_identifier(identifier)?,
                    None => Hash::Sha256,
                };
                let digest = der::element(&mut first, der::OCTET_STRING)?;
                bound = Some(Bound::Other(hash, digest.to_vec()));
            }
            SIGNING_CERTIFICATE => {
                let mut first = first_certificate(values)?;
                let digest = der::element(&mut first, der::OCTET_STRING)?;
                bound_old = Some(Bound::Sha1(digest.to_vec()));
            }
            _ => {}
        }
        seen.push(id);
    }
    has_type.then_some((digest?, bound.or(bound_old)?))
}

// The first of a `SigningCertificate` is that of the signer.
fn first_certificate(values: &[u8]) -> Option<Cursor<'_>> {
    let mut fields = Cursor::new(only(values, der::SEQUENCE)?);
    let mut certificates = Cursor::new(der::element(&mut fields, der::SEQUENCE)?);
    der::element(&mut certificates, der::SEQUENCE).map(Cursor::new)
}

#[cfg(test)]
mod tests;
