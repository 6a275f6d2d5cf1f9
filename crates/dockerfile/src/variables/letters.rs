//! The letters of a text, one after another or many at once.

/// What is left to read of a text.
pub(super) struct Letters<'a> {
    rest: &'a str,
}

impl<'a> Letters<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The next letter, left in place.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        self.next_if(|_| true)
    }

    pub(super) fn next_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next().filter(|letter| wanted(*letter))?;
        self.rest = letters.as_str();
        Some(letter)
    }

    /// The letters before the first that is wanted by its byte, or all that are left. Letters that are not ASCII are
    /// asked for by their first byte.
    pub(super) fn until(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let is_end = |byte: u8| wanted(byte) && !matches!(byte, 0x80..=0xbf);
        let end = self.rest.bytes().position(is_end).unwrap_or(self.rest.len());
        let (letters, rest) = self.rest.split_at(end);
        self.rest = rest;
        letters
    }
}
