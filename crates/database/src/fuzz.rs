//! A way past the sums of a file for `sealift-corpus`. Not an interface: nothing else may use it.

/// Makes the sums of a file right again, whatever it holds; nothing if it is too short or not of this shape.
pub fn seal(bytes: &mut [u8]) -> Option<()> {
    crate::file::seal(bytes)
}
