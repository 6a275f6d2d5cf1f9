//! Tables of values with commas between (RFC 4180).

// Real tables have a dozen columns.
const COLUMNS_MAX: usize = 100;

/// The rows of a table, each a list of values; quotes are taken off.
pub(crate) struct Rows<'a> {
    rest: &'a str,
}

impl<'a> Rows<'a> {
    /// Reads a table.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut row = vec![String::new()];
        let mut is_quoted = false;
        let mut characters = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            let next_is_quote = matches!(characters.peek(), Some((_, '"')));
            match character {
                '"' if is_quoted && next_is_quote => {
                    characters.next();
                    push(&mut row, '"');
                }
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted && row.len() < COLUMNS_MAX => row.push(String::new()),
                '\n' if !is_quoted => {
                    end = at + 1;
                    break;
                }
                '\r' if !is_quoted => {}
                _ => push(&mut row, character),
            }
        }
        self.rest = &self.rest[end..];
        Some(row)
    }
}

fn push(row: &mut [String], character: char) {
    if let Some(value) = row.last_mut() {
        value.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for (text, expected) in [
            ("", vec![]),
            ("a,b\r\nc", vec![vec!["a", "b"], vec!["c"]]),
            ("\"a,\"\"b\"\"\n\",c\n", vec![vec!["a,\"b\"\n", "c"]]),
            ("\"open", vec![vec!["open"]]),
            (",\n", vec![vec!["", ""]]),
        ] {
            assert_eq!(Rows::new(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
        assert_eq!(Rows::new(&",".repeat(10_000)).next().map(|row| row.len()), Some(COLUMNS_MAX));
    }
}
