//! Makes envelopes.

use jiff::Timestamp;
use sealift_crypto::{Certificate, SigningKey};

use crate::{Algorithm, EnvelopeFormat, Error, SigningScheme, Target, chain, cose, jws};

/// What is to be signed, and how.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Format of the envelope.
    pub format: EnvelopeFormat,
    /// Who is believed about the time.
    pub scheme: SigningScheme,
    /// The artifact.
    pub target: &'a Target,
    /// The signer's certificate first, the root last.
    pub chain: &'a [Certificate],
    /// When; without a fraction of a second in the envelope.
    pub signing_time: Timestamp,
    /// Until when the signer stands for it.
    pub expiry: Option<Timestamp>,
    /// The program that signs: `sealift/1.0`.
    pub agent: &'a str,
}

/// What an envelope is made of, once it was checked.
pub(crate) struct Draft<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) scheme: SigningScheme,
    pub(crate) target: &'a Target,
    pub(crate) chain: &'a [Certificate],
    pub(crate) signing_time: Timestamp,
    pub(crate) expiry: Option<Timestamp>,
    pub(crate) agent: &'a str,
    pub(crate) timestamp: Option<&'a [u8]>,
}

/// Signs. The chain must be what verifiers will ask for, and valid at the time of signing.
///
/// `timestamp` is given the signature and may return a token of a time stamping authority over it.
pub fn sign(
    request: &Request<'_>,
    key: &SigningKey,
    timestamp: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>, Error>,
) -> Result<Vec<u8>, Error> {
    let mut draft = check(request, key)?;
    let signed = match request.format {
        EnvelopeFormat::Jws => jws::to_sign(&draft),
        EnvelopeFormat::Cose => cose::to_sign(&draft),
    };
    let signature = key
        .sign_as(draft.algorithm.scheme(), &signed)
        .map_err(|error| Error::Request(error.to_string()))?;
    let token = match request.scheme {
        SigningScheme::X509 => timestamp(&signature)?,
        // The signer itself is believed.
        SigningScheme::SigningAuthority => None,
    };
    draft.timestamp = token.as_deref();
    Ok(match request.format {
        EnvelopeFormat::Jws => jws::write(&draft, &signed, &signature),
        EnvelopeFormat::Cose => cose::write(&draft, &signature),
    })
}

fn check<'a>(request: &Request<'a>, key: &SigningKey) -> Result<Draft<'a>, Error> {
    let refuse = |reason: &str| Error::Request(reason.to_owned());
    chain::check_code_signing(request.chain)?;
    let leaf = &request.chain[0];
    if *leaf.public_key() != key.public() {
        return Err(refuse("the first certificate of the chain is of another key"));
    }
    let algorithm = Algorithm::of_key(leaf.public_key()).ok_or_else(|| {
        refuse("the key is none of P-256, P-384, P-521 and RSA of 2048, 3072 or 4096 bits")
    })?;
    let signing_time = whole_seconds(request.signing_time);
    let expiry = request.expiry.map(whole_seconds);
    if expiry.is_some_and(|expiry| expiry <= signing_time) {
        return Err(refuse("it would expire before it is signed"));
    }
    for certificate in request.chain {
        if !certificate.is_valid_at(signing_time) {
            let (from, to) = certificate.validity();
            let what = "the time of signing";
            let subject = chain::name(certificate);
            return Err(Error::Validity { subject, from, to, at: signing_time, what });
        }
    }
    Ok(Draft {
        algorithm,
        scheme: request.scheme,
        target: request.target,
        chain: request.chain,
        signing_time,
        expiry,
        agent: request.agent,
        timestamp: None,
    })
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
