//! Verifies a bundle over a file: a signature of its bytes, or a statement about its digest.

use sealift_crypto::{PublicKey, dsse};
use sealift_oci::{Descriptor, Digest};

use super::{read_statement, subjects_text};
use crate::bundle::{self, Bundle};
use crate::verification::{Fault, Part};

/// Proves that a key signed a file, as `cosign verify-blob --key KEY --bundle BUNDLE FILE` does.
pub fn verify_file(bundle: &[u8], file: &[u8], key: &PublicKey) -> Result<(), Fault> {
    let part = Part::Bundle;
    if bundle.len() > bundle::BYTES_MAX {
        let (size, limit) = (bundle.len() as u64, bundle::BYTES_MAX as u64);
        return Err(Fault::TooLarge { part, size, limit });
    }
    let malformed = |reason: String| Fault::Malformed { part, reason };
    let refused = || Fault::FileSignature { key: key.fingerprint() };
    match bundle::decode(bundle).map_err(malformed)? {
        Bundle::Foreign(reason) => Err(malformed(reason.to_owned())),
        Bundle::Message { digest, signature } => {
            let actual = Digest::sha256(file);
            if let Some(expected) = digest.filter(|expected| *expected != actual) {
                return Err(Fault::Digest { part: Part::File, expected, actual });
            }
            key.verify(file, &signature).map_err(|_| refused())
        }
        Bundle::Key { envelope, .. } => {
            dsse::verify(&envelope, std::slice::from_ref(key)).map_err(|_| refused())?;
            let statement = read_statement(&envelope)?;
            let descriptor = Descriptor::new("", Digest::sha256(file), file.len() as u64);
            if statement.subject.iter().any(|subject| subject.is(&descriptor)) {
                return Ok(());
            }
            let actual = subjects_text(&statement.subject);
            Err(Fault::StatementSubject { expected: descriptor.digest, actual })
        }
    }
}
