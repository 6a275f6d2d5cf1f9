//! Numbers and texts as bytes: seven bits a byte, the lowest first; texts with their length before them.

use crate::file::Damaged;

/// Appends a number.
pub(crate) fn push(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a count or a place.
pub(crate) fn push_len(out: &mut Vec<u8>, number: usize) {
    push(out, number as u64);
}

/// Appends a text.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    push_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Reads what was appended.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or(Damaged::Content)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Damaged::Content);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged::Content)
    }

    /// A number that fits a place in a list.
    pub(crate) fn place(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged::Content)
    }

    /// A count of things that take at least a byte each.
    pub(crate) fn count(&mut self) -> Result<usize, Damaged> {
        let count = usize::try_from(self.number()?).map_err(|_| Damaged::Content)?;
        if count <= self.0.len() { Ok(count) } else { Err(Damaged::Content) }
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Damaged> {
        let len = self.count()?;
        let (text, rest) = self.0.split_at(len);
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| Damaged::Content)
    }

    /// So many of one kind.
    pub(crate) fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Vec<T>, Damaged> {
        let count = self.count()?;
        // Not with all its room at once: the count is not believed.
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(one(self)?);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            push(&mut bytes, number);
            let mut input = Input(&bytes);
            assert_eq!(input.number().unwrap(), number);
            assert!(input.0.is_empty());
            assert!(Input(&bytes[..bytes.len() - 1]).number().is_err());
        }
        assert!(Input(&[0xff; 10]).number().is_err());
        assert!(Input(&[0x80; 40]).number().is_err());
    }

    #[test]
    fn texts_come_back() {
        let mut bytes = Vec::new();
        push_text(&mut bytes, "é");
        assert_eq!(Input(&bytes).text().unwrap(), "é");
        assert!(Input(&[2, b'a']).text().is_err());
        assert!(Input(&[1, 0xff]).text().is_err());
        assert!(Input(&[0xff, 0xff, 0xff, 0xff, 0x0f]).list(Input::byte).is_err());
    }
}
