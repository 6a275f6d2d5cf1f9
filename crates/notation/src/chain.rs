//! What the specification asks of the chain in an envelope, before anybody asks whether it is trusted.
//!
//! The signer's certificate first, each followed by its issuer, a self-signed root last; or one self-signed certificate.

use sealift_crypto::Certificate;
use sealift_crypto::certificate::{KeyUsage, PURPOSE_ANY, PURPOSE_CODE_SIGNING};

use crate::Error;
use crate::text::clean;

const KEY_USAGE: &str = "2.5.29.15";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
// Purposes that a key for signing code must not have besides.
const EXCLUDED: [(&str, &str); 6] = [
    (PURPOSE_ANY, "everything"),
    ("1.3.6.1.5.5.7.3.1", "servers"),
    ("1.3.6.1.5.5.7.3.2", "clients"),
    ("1.3.6.1.5.5.7.3.4", "mail"),
    ("1.3.6.1.5.5.7.3.8", "time stamping"),
    ("1.3.6.1.5.5.7.3.9", "answers on revocation"),
];
// Bits of the key usage that a leaf may have: digital signature, and content commitment.
const LEAF_USAGES: u16 = 0xC000;
const DIGITAL_SIGNATURE: u16 = 0x8000;

/// Subject, for a message.
pub(crate) fn name(certificate: &Certificate) -> String {
    clean(&certificate.subject().to_string())
}

/// Checks a chain that signs code.
pub(crate) fn check_code_signing(chain: &[Certificate]) -> Result<(), Error> {
    let Some((leaf, authorities)) = chain.split_first() else {
        return Err(Error::Request("there is no certificate".to_owned()));
    };
    check_order(leaf, authorities)?;
    for (n_below, authority) in authorities.iter().enumerate() {
        check_authority(authority, n_below)?;
    }
    check_leaf(leaf)
}

fn check_order(leaf: &Certificate, authorities: &[Certificate]) -> Result<(), Error> {
    let root = authorities.last().unwrap_or(leaf);
    if !root.is_self_signed() {
        let reason = "is the last of the chain and not a self-signed root";
        return Err(refused(root, reason));
    }
    let mut current = leaf;
    for issuer in authorities {
        if current.is_self_signed() {
            return Err(refused(current, "is self-signed, but not the last of the chain"));
        }
        let is_issued = current.issuer() == issuer.subject()
            && current.verify_signature(issuer.public_key()).is_ok();
        if !is_issued {
            let reason = format!("was not issued by `{}`, which follows it", name(issuer));
            return Err(refused(current, reason));
        }
        current = issuer;
    }
    Ok(())
}

fn check_authority(certificate: &Certificate, n_below: usize) -> Result<(), Error> {
    check_any(certificate)?;
    let is_critical =
        certificate.extension(BASIC_CONSTRAINTS).is_some_and(|extension| extension.is_critical);
    if !certificate.is_authority() || !is_critical {
        return Err(refused(certificate, "signed another, but is not critically an authority"));
    }
    let allowed = certificate.path_length_max();
    if allowed.is_some_and(|allowed| (allowed as usize) < n_below) {
        return Err(refused(certificate, "has more authorities below it than it allows"));
    }
    if !certificate.allows(KeyUsage::CertificateSigning) {
        return Err(refused(certificate, "signed another, but its key may not sign certificates"));
    }
    Ok(())
}

fn check_leaf(leaf: &Certificate) -> Result<(), Error> {
    let usage = check_any(leaf)?;
    if leaf.is_authority() {
        return Err(refused(leaf, "signed the artifact, but is an authority"));
    }
    if usage & DIGITAL_SIGNATURE == 0 {
        return Err(refused(leaf, "has a key that may not make signatures"));
    }
    if usage & !LEAF_USAGES != 0 {
        return Err(refused(leaf, "has a key that may be used for more than signatures"));
    }
    let Some(purposes) = leaf.extended_key_usages() else { return Ok(()) };
    if !purposes.iter().any(|purpose| purpose == PURPOSE_CODE_SIGNING) {
        return Err(refused(leaf, "is not for signing code"));
    }
    match EXCLUDED.iter().find(|(excluded, _)| purposes.iter().any(|found| found == excluded)) {
        None => Ok(()),
        Some((_, text)) => Err(refused(leaf, format!("is for {text} too, not only signing code"))),
    }
}

// What holds for all: key usage that is critical, and nothing critical that is unknown. Returns the bits of the usage.
fn check_any(certificate: &Certificate) -> Result<u16, Error> {
    if let Some(id) = certificate.unknown_critical_extension() {
        let reason = format!("has a critical extension `{id}` that is not understood");
        return Err(refused(certificate, reason));
    }
    if certificate.has_name_constraints() {
        return Err(refused(certificate, "constrains names, which is not understood"));
    }
    let usage = certificate
        .extension(KEY_USAGE)
        .filter(|extension| extension.is_critical)
        .ok_or_else(|| refused(certificate, "does not say critically what its key is for"))?;
    // A bit string whose structure was checked when the certificate was read: tag, length, unused bits, one byte or two.
    let bits = usage.value.get(3..).unwrap_or_default();
    let first = bits.first().copied().unwrap_or(0);
    Ok(u16::from_be_bytes([first, bits.get(1).copied().unwrap_or(0)]))
}

fn refused(certificate: &Certificate, reason: impl Into<String>) -> Error {
    Error::Certificate { subject: name(certificate), reason: reason.into() }
}
