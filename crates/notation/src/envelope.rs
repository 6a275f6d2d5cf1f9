//! An envelope of either format, brought to one form; the formats are in `jws` and `cose`.
//!
//! What is read here is not verified: [`Envelope::verify`] does that, and the rest is `verify`'s.

use jiff::Timestamp;
use sealift_crypto::Certificate;

use crate::text::clean;
use crate::{Algorithm, Error, Target, chain, cose, jws};

/// Media type of a JWS envelope.
pub const MEDIA_TYPE_JWS: &str = "application/jose+json";
/// Media type of a COSE envelope.
pub const MEDIA_TYPE_COSE: &str = "application/cose";
/// The largest envelope that is read.
pub const ENVELOPE_BYTES_MAX: usize = 1 << 20;
pub(crate) const CERTIFICATES_MAX: usize = 16;

pub(crate) const SIGNING_SCHEME: &str = "io.cncf.notary.signingScheme";
pub(crate) const SIGNING_TIME: &str = "io.cncf.notary.signingTime";
pub(crate) const AUTHENTIC_SIGNING_TIME: &str = "io.cncf.notary.authenticSigningTime";
pub(crate) const EXPIRY: &str = "io.cncf.notary.expiry";
pub(crate) const TIMESTAMP_SIGNATURE: &str = "io.cncf.notary.timestampSignature";
pub(crate) const SIGNING_AGENT: &str = "io.cncf.notary.signingAgent";

/// The formats of envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeFormat {
    /// JSON Web Signature, flattened (RFC 7515 §7.2.2).
    Jws,
    /// `COSE_Sign1_Tagged` (RFC 9052 §4.2).
    Cose,
}

impl EnvelopeFormat {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jws => MEDIA_TYPE_JWS,
            Self::Cose => MEDIA_TYPE_COSE,
        }
    }

    /// Name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jws => "JWS",
            Self::Cose => "COSE",
        }
    }

    /// The format of a media type.
    pub fn of_media_type(media_type: &str) -> Result<Self, Error> {
        match media_type {
            MEDIA_TYPE_JWS => Ok(Self::Jws),
            MEDIA_TYPE_COSE => Ok(Self::Cose),
            _ => Err(Error::MediaType(clean(media_type))),
        }
    }
}

/// Who is believed about the time of signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningScheme {
    /// `notary.x509`: nobody, but a timestamp may prove it.
    X509,
    /// `notary.x509.signingAuthority`: the signer, who is a trusted service.
    SigningAuthority,
}

impl SigningScheme {
    /// Its name in envelopes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X509 => "notary.x509",
            Self::SigningAuthority => "notary.x509.signingAuthority",
        }
    }

    pub(crate) fn read(name: &str) -> Option<Self> {
        [Self::X509, Self::SigningAuthority].into_iter().find(|scheme| scheme.as_str() == name)
    }

    /// The header that has the time of signing.
    pub(crate) fn time_header(self) -> &'static str {
        match self {
            Self::X509 => SIGNING_TIME,
            Self::SigningAuthority => AUTHENTIC_SIGNING_TIME,
        }
    }
}

/// What an envelope says. None of it is proved before [`Envelope::verify`].
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Its format.
    pub format: EnvelopeFormat,
    /// The algorithm that it names.
    pub algorithm: Algorithm,
    /// Who is believed about the time.
    pub scheme: SigningScheme,
    /// When it was signed, as the signer says.
    pub signing_time: Timestamp,
    /// Until when the signer stands for it.
    pub expiry: Option<Timestamp>,
    /// Names of further signed headers; none of them is critical.
    pub attributes: Vec<String>,
    /// The signer's certificate first, the root last.
    pub chain: Vec<Certificate>,
    /// A timestamp over the signature (RFC 3161), DER.
    pub timestamp: Option<Vec<u8>>,
    /// The program that signed, as it says; not signed.
    pub agent: Option<String>,
    /// The signature.
    pub signature: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signed: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, Error> {
        let format = EnvelopeFormat::of_media_type(media_type)?;
        if bytes.len() > ENVELOPE_BYTES_MAX {
            let size = bytes.len();
            return Err(Error::TooLarge { what: "envelope", size, limit: ENVELOPE_BYTES_MAX });
        }
        let envelope = match format {
            EnvelopeFormat::Jws => jws::read(bytes)?,
            EnvelopeFormat::Cose => cose::read(bytes)?,
        };
        let expires_first = envelope.expiry.is_some_and(|expiry| expiry <= envelope.signing_time);
        if expires_first {
            return Err(malformed(format, "it expires before it is signed"));
        }
        Ok(envelope)
    }

    /// Checks that the chain is what the specification asks for, that the algorithm is the key's, and the signature.
    ///
    /// Whether the chain is trusted is another question.
    pub fn verify(&self) -> Result<Target, Error> {
        chain::check_code_signing(&self.chain)?;
        let key = self.chain[0].public_key();
        let expected = Algorithm::of_key(key).ok_or_else(|| Error::Certificate {
            subject: chain::name(&self.chain[0]),
            reason: "has a key of a kind or size that the specification does not allow".to_owned(),
        })?;
        if expected != self.algorithm {
            let named = self.algorithm.as_str();
            return Err(Error::AlgorithmOfKey { named, expected: expected.as_str() });
        }
        key.verify_as(expected.scheme(), &self.signed, &self.signature)
            .map_err(|_| Error::Signature)?;
        Target::read(&self.payload)
    }

    /// SHA-256 of the certificates, the signer's first, as the manifest lists them.
    pub fn thumbprints(&self) -> Vec<String> {
        self.chain.iter().map(Certificate::fingerprint).collect()
    }
}

pub(crate) fn malformed(format: EnvelopeFormat, reason: impl Into<String>) -> Error {
    Error::Envelope { format: format.as_str(), reason: reason.into() }
}

/// What both formats ask of the critical headers: exactly those are critical that the specification wants so.
///
/// `critical` are the names in the list, `has` tells of a name whether the protected headers have it.
pub(crate) fn check_critical(
    format: EnvelopeFormat,
    critical: &[String],
    scheme: SigningScheme,
    has: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    for (index, name) in critical.iter().enumerate() {
        let shown = clean(name);
        if critical[..index].contains(name) {
            return Err(malformed(format, format!("`crit` names `{shown}` twice")));
        }
        if !has(name) {
            let reason = format!("`crit` names `{shown}`, which is not there");
            return Err(malformed(format, reason));
        }
        if ![SIGNING_SCHEME, AUTHENTIC_SIGNING_TIME, EXPIRY].contains(&name.as_str()) {
            let reason = format!("the critical header `{shown}` is not understood");
            return Err(malformed(format, reason));
        }
    }
    let mut wanted = vec![SIGNING_SCHEME];
    if scheme == SigningScheme::SigningAuthority {
        wanted.push(AUTHENTIC_SIGNING_TIME);
    }
    if has(EXPIRY) {
        wanted.push(EXPIRY);
    }
    match wanted.into_iter().find(|name| !critical.iter().any(|known| known == name)) {
        None => Ok(()),
        Some(name) => Err(malformed(format, format!("the header `{name}` is not in `crit`"))),
    }
}

/// Checks that the time of the other scheme is not there.
pub(crate) fn check_times(
    format: EnvelopeFormat,
    scheme: SigningScheme,
    has: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    let other = match scheme {
        SigningScheme::X509 => AUTHENTIC_SIGNING_TIME,
        SigningScheme::SigningAuthority => SIGNING_TIME,
    };
    if has(other) {
        let scheme = scheme.as_str();
        let reason = format!("the header `{other}` has no place in the scheme `{scheme}`");
        return Err(malformed(format, reason));
    }
    Ok(())
}

/// Reads the certificates of an envelope.
pub(crate) fn read_chain<'a>(
    format: EnvelopeFormat,
    certificates: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Result<Vec<Certificate>, Error> {
    if certificates.len() == 0 || certificates.len() > CERTIFICATES_MAX {
        return Err(malformed(format, "it has no certificate, or more than 16"));
    }
    certificates
        .map(|der| Certificate::from_der(der).map_err(|error| malformed(format, error.to_string())))
        .collect()
}
