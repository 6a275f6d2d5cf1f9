//! PHP's serialisation, as far as records need it: texts, numbers and arrays. Objects are refused.

const DEPTH_MAX: usize = 32;
const VALUES_MAX: usize = 1_000_000;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// Keys and values; numbers as keys are texts here.
    List(Vec<(&'a str, Value<'a>)>),
    /// A number, a truth value, nothing, or a text that is not UTF-8.
    Other,
}

impl<'a> Value<'a> {
    /// What is under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value<'a>> {
        let Self::List(entries) = self else { return None };
        entries.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The text, if it is one and not empty.
    pub(crate) fn as_text(&self) -> Option<&'a str> {
        if let Self::Text(text) = self {
            Some(text.trim()).filter(|it| !it.is_empty())
        } else {
            None
        }
    }

    /// The text under a key.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_text()
    }

    /// What is in a list.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value<'a>> {
        let entries = if let Self::List(entries) = self { &entries[..] } else { &[] };
        entries.iter().map(|(_, value)| value)
    }
}

/// Reads a value; what is behind it is of no importance.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value<'_>, &'static str> {
    let mut reader = Reader { bytes, n_values: 0 };
    reader.value(0)
}

struct Reader<'a> {
    bytes: &'a [u8],
    n_values: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, &'static str> {
        self.n_values += 1;
        if depth > DEPTH_MAX || self.n_values > VALUES_MAX {
            return Err("it is too deep or too long");
        }
        let (kind, rest) = self.bytes.split_first().ok_or("it is cut off")?;
        self.bytes = rest;
        match kind {
            b'N' => {
                self.expect(b";")?;
                Ok(Value::Other)
            }
            b'i' | b'd' | b'b' => {
                self.expect(b":")?;
                self.until(b';')?;
                Ok(Value::Other)
            }
            b's' => {
                let text = self.quoted()?;
                self.expect(b";")?;
                Ok(std::str::from_utf8(text).map_or(Value::Other, Value::Text))
            }
            b'a' => {
                let count = self.count()?;
                self.expect(b"{")?;
                let mut entries = Vec::new();
                for _ in 0..count {
                    let key = self.key()?;
                    entries.push((key, self.value(depth + 1)?));
                }
                self.expect(b"}")?;
                Ok(Value::List(entries))
            }
            _ => Err("it has a value of a kind that records do not have"),
        }
    }

    fn key(&mut self) -> Result<&'a str, &'static str> {
        let (kind, rest) = self.bytes.split_first().ok_or("it is cut off")?;
        self.bytes = rest;
        let key = match kind {
            b'i' => {
                self.expect(b":")?;
                self.until(b';')?
            }
            b's' => {
                let text = self.quoted()?;
                self.expect(b";")?;
                text
            }
            _ => return Err("it has a key that is no text"),
        };
        std::str::from_utf8(key).map_err(|_| "it has a key that is not UTF-8")
    }

    // `:5:"texts"`: the length counts bytes.
    fn quoted(&mut self) -> Result<&'a [u8], &'static str> {
        let count = self.count()?;
        self.expect(b"\"")?;
        let (text, rest) = self.bytes.split_at_checked(count).ok_or("it is cut off")?;
        self.bytes = rest;
        self.expect(b"\"")?;
        Ok(text)
    }

    // `:5:`.
    fn count(&mut self) -> Result<usize, &'static str> {
        self.expect(b":")?;
        let digits = std::str::from_utf8(self.until(b':')?).map_err(|_| "it has no length")?;
        digits.parse().map_err(|_| "it has no length")
    }

    fn expect(&mut self, start: &[u8]) -> Result<(), &'static str> {
        self.bytes =
            self.bytes.strip_prefix(start).ok_or("it is cut off or no serialised value")?;
        Ok(())
    }

    fn until(&mut self, end: u8) -> Result<&'a [u8], &'static str> {
        let at = memchr::memchr(end, self.bytes).ok_or("it is cut off")?;
        let text = &self.bytes[..at];
        self.bytes = &self.bytes[at + 1..];
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let value =
            parse(b"a:3:{s:1:\"a\";s:2:\"\xc3\xa4\";i:7;a:1:{i:0;N;}s:1:\"c\";b:1;}").unwrap();
        assert_eq!(value.text("a"), Some("ä"));
        assert_eq!(value.get("7").unwrap().values().count(), 1);
        assert_eq!(value.get("c"), Some(&Value::Other));
    }

    #[test]
    fn hostile() {
        let deep = "a:1:{i:0;".repeat(10_000);
        for bytes in [
            deep.as_bytes(),
            b"",
            b"s:99999999999999999999:\"",
            b"s:5:\"a\";",
            b"a:18446744073709551615:{",
            b"O:3:\"Foo\":0:{}",
            b"a:1:{N;N;}",
            b"i:",
            b"s:1:\"ab",
        ] {
            assert!(parse(bytes).is_err());
        }
        assert_eq!(parse(b"s:1:\"\xff\";"), Ok(Value::Other));
    }
}
