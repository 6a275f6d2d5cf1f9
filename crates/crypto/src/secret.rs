//! Bytes that must not be seen.

use zeroize::Zeroizing;

/// Secret bytes: zeroised on drop, without `Debug`, `Display` and `==`.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes. Keep the borrow short and copy nothing.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// True if there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in time that depends on the lengths only.
    pub fn equals(&self, other: &Self) -> bool {
        constant_time_equal(&self.0, &other.0)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

/// Compares in time that depends on the lengths only.
pub fn constant_time_equal(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares() {
        let secret = Secret::from("a".to_owned());
        assert!(secret.equals(&Secret::new(b"a".to_vec())));
        assert!(!secret.equals(&Secret::new(b"b".to_vec())));
        assert!(!secret.equals(&Secret::new(b"aa".to_vec())));
        assert!(Secret::new(Vec::new()).equals(&Secret::new(Vec::new())));
    }
}
