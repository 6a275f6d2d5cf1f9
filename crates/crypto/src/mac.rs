//! Message authentication: HMAC with SHA-256 (RFC 2104).

use aws_lc_rs::hmac;

use crate::Secret;

/// The HMAC of a message that consists of these parts.
pub fn hmac_sha256(secret: &Secret, parts: &[&[u8]]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(part);
    }
    let tag = context.sign();
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4231, test cases 1 and 2.
    #[test]
    fn known_answers() {
        let hex = |bytes: [u8; 32]| crate::hex::lower(&bytes);
        assert_eq!(
            hex(hmac_sha256(&Secret::new(vec![0x0b; 20]), &[b"Hi ", b"There"])),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(hmac_sha256(&Secret::new(b"Jefe".to_vec()), &[b"what do ya want for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
