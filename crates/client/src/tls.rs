//! Which servers are trusted: those whose certificate a trusted authority signed, and those whose own certificate was
//! given to us.
//!
//! Many private registries show a self-signed certificate that says of itself that it is an authority; that is what
//! `openssl req -x509` makes. Docker and curl accept it when it was handed to them. WebPKI does not, so it is accepted
//! here under the same conditions as any other: it is byte for byte one of the given certificates, it is valid now, it
//! is for the host's name, and the server proves to have its key.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{Error, Settings};

/// The TLS configuration of a client, also for who speaks to others than registries.
pub fn config(settings: &Settings) -> Result<rustls::ClientConfig, Error> {
    let setup = |error: &dyn std::fmt::Display| Error::Setup(error.to_string());
    let given = given_certificates(settings)?;
    let mut roots = RootCertStore::empty();
    // System bundles hold a few roots that webpki does not read; the others must still work.
    roots.add_parsable_certificates(given.iter().cloned());
    if let (Some(path), true) = (&settings.ca_bundle, roots.is_empty()) {
        return Err(Error::CaBundle {
            path: path.clone(),
            reason: "it holds no certificate".to_owned(),
        });
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(&error))?;
    if roots.is_empty() {
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| setup(&error))?;
    let verifier = Arc::new(Verifier { inner, given });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn given_certificates(settings: &Settings) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut given = Vec::new();
    for path in settings.ca_bundle.iter().chain(&settings.ca_files) {
        let fail = |reason: String| Error::CaBundle { path: path.clone(), reason };
        let text = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        for certificate in CertificateDer::pem_slice_iter(&text) {
            given.push(certificate.map_err(|error| fail(error.to_string()))?);
        }
    }
    Ok(given)
}

#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let by_authority = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let refusal = match by_authority {
            Ok(verified) => return Ok(verified),
            Err(refusal) => refusal,
        };
        if !self.given.iter().any(|given| given.as_ref() == end_entity.as_ref()) {
            return Err(refusal);
        }
        let Some(validity) = validity(end_entity) else { return Err(refusal) };
        if now.as_secs() < validity.0 {
            return Err(CertificateError::NotValidYet.into());
        }
        if now.as_secs() > validity.1 {
            return Err(CertificateError::Expired.into());
        }
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

// RFC 5280 §4.1: Certificate { tbs { [0] version?, serial, algorithm, issuer, validity { notBefore, notAfter } … } … }.
fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(certificate, Some(SEQUENCE))?;
    let (_, mut fields, _) = element(certificate, Some(SEQUENCE))?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields, None)?.2;
    }
    for _serial_algorithm_issuer in 0..3 {
        fields = element(fields, None)?.2;
    }
    let (_, validity, _) = element(fields, Some(SEQUENCE))?;
    let (kind, from, rest) = element(validity, None)?;
    let (kind_until, until, _) = element(rest, None)?;
    Some((time(kind, from)?, time(kind_until, until)?))
}

// Tag, content, and what follows.
fn element(bytes: &[u8], wanted: Option<u8>) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    if wanted.is_some_and(|wanted| wanted != tag) {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

// RFC 5280 §4.1.2.5: UTCTime YYMMDDHHMMSSZ up to 2049, GeneralizedTime YYYYMMDDHHMMSSZ after it.
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (tag, text.len()) {
        (UTC_TIME, 12) => {
            let year: u64 = text[..2].parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, &text[2..])
        }
        (GENERALIZED_TIME, 14) => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let part = |place: usize| rest[place..place + 2].parse::<u64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 {
        return None;
    }
    // Days since 1970 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = days.checked_sub(719_468)?;
    Some(((days * 24 + part(4)?) * 60 + part(6)?) * 60 + part(8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(time(0x17, b"700101000000Z"), Some(0));
        assert_eq!(time(0x17, b"261121031500Z"), Some(1_795_230_900));
        assert_eq!(time(0x18, b"20500301000000Z"), Some(2_529_705_600));
        for hostile in [
            &b""[..],
            b"Z",
            b"2611210315Z",
            b"991321000000Z",
            b"26\xff121031500Z",
            b"261121031500+",
        ] {
            assert_eq!(time(0x17, hostile), None);
        }
    }

    #[test]
    fn hostile_certificates_have_no_validity() {
        for hostile in
            [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x30\x01\xa0", &[0x30; 64]]
        {
            assert_eq!(validity(hostile), None);
        }
    }
}
