//! Streams with an end.

use std::io::{self, Read};

use crate::{Error, Result};

/// A reader that refuses to give more than a number of bytes.
pub struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
    what: &'static str,
}

impl<R: Read> Bounded<R> {
    /// At most `limit` bytes; `what` names them in the error.
    pub fn new(inner: R, limit: u64, what: &'static str) -> Self {
        Self { inner, left: limit, limit, what }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 && !buffer.is_empty() {
            // A stream of exactly the limit is fine: only one byte more is too much.
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(Error::Limit { what: self.what, limit: self.limit, path: None }.into()),
            };
        }
        let count = self.inner.read(&mut buffer[..wanted])?;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Reads all of a stream that has at most `limit` bytes.
pub fn read_bounded(reader: impl Read, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::new(reader, limit, "number of bytes").read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_limit_is_fine() {
        assert_eq!(read_bounded(&b"abc"[..], 3).unwrap(), b"abc");
        assert_eq!(read_bounded(&b""[..], 0).unwrap(), b"");
        let error = read_bounded(&b"abcd"[..], 3).unwrap_err();
        assert_eq!(error.to_string(), "number of bytes above the limit of 3");
        assert!(matches!(read_bounded(io::repeat(0), 1 << 16), Err(Error::Limit { .. })));
    }
}
