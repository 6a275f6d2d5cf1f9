//! Patterns of names: `*` is anything within a part of a path, `**` anything at all.

const BYTES_MAX: usize = 512;
const STARS_MAX: usize = 8;

/// What a pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Names with parts: a `*` stops at a slash. The pattern `*` alone is every name.
    Path,
    /// Names without parts: a `*` is anything.
    Text,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    // Whether a star stops at a slash.
    has_parts: bool,
}

impl Pattern {
    /// Reads one.
    pub(crate) fn parse(text: &str, of: Of) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("a pattern is empty");
        }
        if text.len() > BYTES_MAX || text.contains(char::is_control) {
            return Err("a pattern is longer than 512 bytes or has control characters");
        }
        if text.split('*').count() > 2 * STARS_MAX + 1 {
            return Err("a pattern has more than 8 stars");
        }
        if text.contains("***") {
            return Err("a pattern has three stars in a row");
        }
        if text.replace("**", "").matches('*').count() + text.matches("**").count() > STARS_MAX {
            return Err("a pattern has more than 8 stars");
        }
        Ok(Self { text: text.to_owned(), has_parts: of == Of::Path && text != "*" })
    }

    /// Whether it is every name.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self.text.as_str(), "*" | "**")
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a name fits. The work is the product of the lengths at most: for each byte of the pattern, the set of
    /// places in the text that may be reached.
    pub(crate) fn fits(&self, text: &str) -> bool {
        if !self.text.contains('*') {
            return self.text == text;
        }
        let (pattern, text) = (self.text.as_bytes(), text.as_bytes());
        let Some(stars) = pattern.iter().position(|byte| *byte == b'*') else { return false };
        // What stands before the first star decides most questions.
        if !text.starts_with(&pattern[..stars]) {
            return false;
        }
        let mut reached = vec![false; text.len() + 1];
        reached[stars] = true;
        let mut rest = &pattern[stars..];
        while let Some((first, after)) = rest.split_first() {
            if *first != b'*' {
                step(&mut reached, *first, text);
                rest = after;
                continue;
            }
            let is_double = after.first() == Some(&b'*');
            rest = if is_double { &after[1..] } else { after };
            let stops = self.has_parts && !is_double;
            for at in 1..reached.len() {
                let goes_on = reached[at - 1] && !(stops && text[at - 1] == b'/');
                reached[at] |= goes_on;
            }
        }
        reached[text.len()]
    }
}

// One byte that is no star.
fn step(reached: &mut [bool], byte: u8, text: &[u8]) {
    for at in (1..reached.len()).rev() {
        reached[at] = reached[at - 1] && text[at - 1] == byte;
    }
    reached[0] = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_paths() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("**", "a/b", true),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("a/*", "a", false),
            ("*/b", "a/b", true),
            ("*/b", "a/a/b", false),
            ("**/b", "a/a/b", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/b/c", false),
            ("a/**/c", "a/b/b/c", true),
            ("r.example:5000/*", "r.example:5000/app", true),
        ] {
            let pattern = Pattern::parse(pattern, Of::Path).unwrap();
            assert_eq!(pattern.fits(text), expected, "{} {text}", pattern.as_str());
        }
    }

    #[test]
    fn of_texts() {
        let fits = |pattern: &str, text| Pattern::parse(pattern, Of::Text).unwrap().fits(text);
        assert!(fits("refs/heads/*", "refs/heads/a/b") && fits("*", "a/b") && fits("a*", "a/b"));
        assert!(!fits("refs/heads/*", "refs/tags/a"));
    }

    #[test]
    fn limits() {
        for text in ["", "***", "*a*a*a*a*a*a*a*a*a", "a\nb", &"a".repeat(513)] {
            assert!(Pattern::parse(text, Of::Path).is_err(), "{text}");
        }
        let worst = Pattern::parse("*a*a*a*a*a*a*a*a", Of::Text).unwrap();
        assert!(!worst.fits(&"a".repeat(60_000).replace("aaaaaaa", "b")));
    }
}
