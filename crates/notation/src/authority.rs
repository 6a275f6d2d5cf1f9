//! An authority of one's own: a root and a signer's certificate below it, both of one key.
//!
//! Who trusts the root trusts that key and nobody else, as with a bare public key; there is no second secret to keep.

use jiff::Timestamp;
use sealift_crypto::certificate::{Draft, Extension, KeyUsage, Name, PURPOSE_CODE_SIGNING};
use sealift_crypto::{Certificate, SigningKey};

use crate::{Algorithm, DistinguishedName, Error, chain};

/// Common name of a root, after that of its signer.
const ROOT_SUFFIX: &str = " root";

/// From when to when a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// First moment.
    pub from: Timestamp,
    /// Last moment.
    pub to: Timestamp,
}

/// Makes a root for a key. The subject is that of the signer below it; the root's common name says that it is a root.
pub fn new_root(
    key: &SigningKey,
    subject: &DistinguishedName,
    validity: Validity,
) -> Result<Certificate, Error> {
    check_key(key)?;
    let usage = Extension::key_usage(&[KeyUsage::CertificateSigning, KeyUsage::ListSigning]);
    let extensions = [Extension::basic_constraints(true, Some(0)), usage];
    let subject = name(&subject.with_common_name(|name| name.to_owned() + ROOT_SUFFIX))?;
    let draft = Draft {
        subject: &subject,
        key: &key.public(),
        not_before: validity.from,
        not_after: validity.to,
        extensions: &extensions,
    };
    draft.self_sign(key).map_err(request)
}

/// Issues a signer's certificate of the same key below a root of [`new_root`]. The chain: signer, root.
pub fn issue_signer(
    root: &Certificate,
    key: &SigningKey,
    subject: &DistinguishedName,
    validity: Validity,
) -> Result<Vec<Certificate>, Error> {
    check_key(key)?;
    if *root.public_key() != key.public() {
        return Err(Error::Request("the root is of another key".to_owned()));
    }
    let (from, to) = root.validity();
    if validity.from < from || validity.to > to {
        return Err(Error::Request(format!("the root itself is valid from {from} to {to}")));
    }
    let extensions = [
        Extension::basic_constraints(false, None),
        Extension::key_usage(&[KeyUsage::DigitalSignature]),
        Extension::extended_key_usage(false, &[PURPOSE_CODE_SIGNING]).map_err(request)?,
    ];
    let subject = name(subject)?;
    let draft = Draft {
        subject: &subject,
        key: &key.public(),
        not_before: validity.from,
        not_after: validity.to,
        extensions: &extensions,
    };
    let chain = vec![draft.issue(root, key).map_err(request)?, root.clone()];
    chain::check_code_signing(&chain)?;
    Ok(chain)
}

fn check_key(key: &SigningKey) -> Result<(), Error> {
    let public = key.public();
    Algorithm::of_key(&public).map(|_| ()).ok_or_else(|| {
        let kind = public.kind().as_str();
        Error::Request(format!(
            "a key of kind {kind} makes no Notary Project signatures: P-256, P-384, P-521, or RSA of 2048, 3072 or 4096 bits"
        ))
    })
}

fn name(subject: &DistinguishedName) -> Result<Name, Error> {
    let attributes: Vec<(&str, &str)> = subject.attributes().collect();
    Name::new(&attributes).map_err(request)
}

fn request(error: sealift_crypto::Error) -> Error {
    Error::Request(error.to_string())
}

#[cfg(test)]
mod tests {
    use sealift_crypto::RsaSize;

    use super::*;

    fn validity(from: &str, to: &str) -> Validity {
        Validity { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn one_key_for_root_and_signer() {
        let long = validity("2026-11-21T00:00:00Z", "2036-11-21T00:00:00Z");
        let short = validity("2026-11-21T00:00:00Z", "2027-11-21T00:00:00Z");
        let subject = DistinguishedName::parse("CN=release,O=Ship,ST=BE,C=CH").unwrap();
        for key in [SigningKey::generate_p256(), SigningKey::generate_rsa_of(RsaSize::Bits2048)] {
            let root = new_root(&key, &subject, long).unwrap();
            assert_eq!(root.subject().to_string(), "CN=release root,O=Ship,ST=BE,C=CH");
            let chain = issue_signer(&root, &key, &subject, short).unwrap();
            assert_eq!(chain[0].subject().to_string(), "CN=release,O=Ship,ST=BE,C=CH");
            // Again, a year later, under the same root.
            let next = validity("2027-11-01T00:00:00Z", "2028-11-01T00:00:00Z");
            assert_eq!(issue_signer(&root, &key, &subject, next).unwrap()[1], root);
            let late = validity("2027-11-01T00:00:00Z", "2037-11-01T00:00:00Z");
            assert!(issue_signer(&root, &key, &subject, late).is_err());
            let other = SigningKey::generate_p256();
            assert!(issue_signer(&root, &other, &subject, short).is_err());
        }
        let error = new_root(&SigningKey::generate_ed25519(), &subject, long).unwrap_err();
        assert!(error.to_string().starts_with("cannot sign: a key of kind ed25519 makes no"));
    }
}
