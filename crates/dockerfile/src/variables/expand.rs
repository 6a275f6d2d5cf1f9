//! The expander: one pass over the letters, with a bounded recursion for `${A:-${B}}`.

use super::{Error, Expansion, Lookup, Options, Quotes, letters::Letters, pattern};

/// Deepest nesting of `${A:-${B:-…}}`.
const DEPTH_MAX: usize = 64;
/// Longest expanded text.
pub(super) const OUTPUT_BYTES_MAX: usize = 1 << 20;

pub(super) fn run(text: &str, lookup: &Lookup<'_>, options: Options) -> Result<Expansion, Error> {
    let mut expander = Expander {
        letters: Letters::new(text),
        lookup,
        options,
        depth: 0,
        found: Expansion::default(),
    };
    let output = expander.until(None, false)?;
    let mut found = expander.found;
    (found.text, found.words) = (output.text, output.words.finish());
    Ok(found)
}

struct Expander<'a> {
    letters: Letters<'a>,
    lookup: &'a Lookup<'a>,
    options: Options,
    depth: usize,
    found: Expansion,
}

/// The text so far, as one word and as several.
#[derive(Default)]
struct Output {
    text: String,
    words: Words,
}

impl Output {
    fn push(&mut self, letter: char, quoted: bool) -> Result<(), Error> {
        let mut buffer = [0; 4];
        self.push_str(letter.encode_utf8(&mut buffer), quoted)
    }

    fn push_str(&mut self, text: &str, quoted: bool) -> Result<(), Error> {
        if self.text.len() + text.len() > OUTPUT_BYTES_MAX {
            return Err(Error::TooLong);
        }
        self.text.push_str(text);
        if quoted {
            self.words.word.push_str(text);
            self.words.open = true;
        } else {
            self.words.push(text);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Words {
    list: Vec<String>,
    word: String,
    open: bool,
}

impl Words {
    fn push(&mut self, text: &str) {
        for (index, part) in text.split(char::is_whitespace).enumerate() {
            if index > 0 && self.open && !self.word.is_empty() {
                self.list.push(std::mem::take(&mut self.word));
                self.open = false;
            }
            if !part.is_empty() {
                self.word.push_str(part);
                self.open = true;
            }
        }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.word.is_empty() {
            self.list.push(self.word);
        }
        self.list
    }
}

/// Whether a letter may be the one that starts with this byte.
fn may_be(letter: char, byte: u8) -> bool {
    if letter.is_ascii() { char::from(byte) == letter } else { !byte.is_ascii() }
}

impl Expander<'_> {
    /// Expand up to `stop`, which is consumed, or to the end of the text.
    fn until(&mut self, stop: Option<char>, keep_escapes: bool) -> Result<Output, Error> {
        let mut output = Output::default();
        let quotes = self.options.quotes == Quotes::Remove;
        let escape = self.options.escape;
        loop {
            let plain = self.letters.until(|byte| {
                matches!(byte, b'$' | b'\'' | b'"')
                    || Some(char::from(byte)) == stop
                    || may_be(escape, byte)
            });
            output.push_str(plain, false)?;
            let Some(letter) = self.letters.peek() else { break };
            match letter {
                _ if Some(letter) == stop => {
                    self.letters.next();
                    return Ok(output);
                }
                '$' => {
                    let value = self.dollar()?;
                    output.push_str(&value, false)?;
                }
                '\'' if quotes => output.push_str(self.single_quoted()?, true)?,
                '"' if quotes => output.push_str(&self.double_quoted(keep_escapes)?, true)?,
                _ => {
                    self.letters.next();
                    if letter != escape {
                        output.push(letter, false)?;
                        continue;
                    }
                    if keep_escapes {
                        output.push(letter, true)?;
                    }
                    let Some(escaped) = self.letters.next() else { break };
                    output.push(escaped, true)?;
                }
            }
        }
        match stop {
            Some(stop) => Err(Error::Unclosed(if stop == '}' { '{' } else { stop })),
            None => Ok(output),
        }
    }

    fn single_quoted(&mut self) -> Result<&str, Error> {
        self.letters.next();
        let value = self.letters.until(|byte| byte == b'\'');
        self.letters.next().map(|_| value).ok_or(Error::Unclosed('\''))
    }

    /// Inside double quotes only `"`, `$` and the escape character can be escaped.
    fn double_quoted(&mut self, keep_escapes: bool) -> Result<String, Error> {
        self.letters.next();
        let mut value = String::new();
        let escape = self.options.escape;
        loop {
            let is_end = |byte| matches!(byte, b'"' | b'$') || may_be(escape, byte);
            value.push_str(self.letters.until(is_end));
            if value.len() > OUTPUT_BYTES_MAX {
                return Err(Error::TooLong);
            }
            match self.letters.peek() {
                None => return Err(Error::Unclosed('"')),
                Some('"') => {
                    self.letters.next();
                    return Ok(value);
                }
                Some('$') => value.push_str(&self.dollar()?),
                Some(letter) if letter == escape => {
                    self.letters.next();
                    match self.letters.peek() {
                        None => {}
                        Some(next) if next == '"' || next == '$' || next == escape => {
                            self.letters.next();
                            if keep_escapes {
                                value.push(letter);
                            }
                            value.push(next);
                        }
                        Some(_) => value.push(letter),
                    }
                }
                Some(letter) => {
                    self.letters.next();
                    value.push(letter);
                }
            }
        }
    }

    /// `$NAME` or `${…}`.
    fn dollar(&mut self) -> Result<String, Error> {
        self.letters.next();
        if self.letters.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(match self.get(&name) {
                Some(value) => value,
                None => self.unset(&name, format!("${name}")),
            });
        }
        self.letters.next();
        if self.depth >= DEPTH_MAX {
            return Err(Error::TooDeep);
        }
        self.depth += 1;
        let value = self.braced();
        self.depth -= 1;
        value
    }

    fn braced(&mut self) -> Result<String, Error> {
        match self.letters.peek() {
            None => return Err(Error::Unclosed('{')),
            Some('{' | '}' | ':') => return Err(Error::BadSubstitution),
            Some(_) => {}
        }
        let name = self.name();
        let Some(first) = self.letters.next() else { return Err(Error::Unclosed('{')) };
        let mut modifier = first.to_string();
        let mut kind = first;
        if first == ':' {
            kind = self.letters.next().ok_or(Error::Unclosed('{'))?;
            modifier.push(kind);
        }
        match kind {
            '}' if first == '}' => Ok(match self.get(&name) {
                Some(value) => value,
                None => self.unset(&name, format!("${{{name}}}")),
            }),
            '+' | '-' | '?' => self.conditional(&name, kind, &modifier),
            '#' | '%' => self.trimmed(&name, kind, &modifier),
            '/' if first == '/' => self.replaced(&name),
            _ => Err(Error::Modifier(modifier)),
        }
    }

    fn conditional(&mut self, name: &str, kind: char, modifier: &str) -> Result<String, Error> {
        let word = self.until(Some('}'), false)?.text;
        let found = self.get(name);
        if found.is_none() && self.options.keep_unset {
            return Ok(format!("${{{name}{modifier}{word}}}"));
        }
        let empty_counts = modifier.starts_with(':');
        let is_set = found.is_some();
        let usable = found.filter(|value| !(empty_counts && value.is_empty()));
        match (kind, usable) {
            ('-', None) => Ok(word),
            ('+', None) => Ok(String::new()),
            ('+', Some(_)) => Ok(word),
            ('?', None) => {
                if !is_set {
                    self.found.unmatched.insert(name.to_owned());
                }
                let default = if is_set {
                    "it is not allowed to be empty"
                } else {
                    "it is not allowed to be unset"
                };
                let message = if word.is_empty() { default.to_owned() } else { word };
                Err(Error::Required { name: name.to_owned(), message })
            }
            (_, Some(value)) => Ok(value),
            (_, None) => Ok(String::new()),
        }
    }

    fn trimmed(&mut self, name: &str, kind: char, modifier: &str) -> Result<String, Error> {
        let word = self.until(Some('}'), true)?.text;
        let Some(value) = self.get(name) else {
            return Ok(self.unset(name, format!("${{{name}{modifier}{word}}}")));
        };
        let (greedy, pattern) = match word.strip_prefix(kind) {
            Some(rest) => (true, rest),
            None => (false, word.as_str()),
        };
        if kind == '#' {
            pattern::trim_prefix(&value, pattern, greedy)
        } else {
            pattern::trim_suffix(&value, pattern, greedy)
        }
    }

    fn replaced(&mut self, name: &str) -> Result<String, Error> {
        let all = self.letters.next_if(|letter| letter == '/').is_some();
        let pattern = self.until(Some('/'), true)?.text;
        let replacement = self.until(Some('}'), true)?.text;
        let Some(value) = self.get(name) else {
            let slash = if all { "//" } else { "/" };
            return Ok(self.unset(name, format!("${{{name}{slash}{pattern}/{replacement}}}")));
        };
        pattern::replace(&value, &pattern, &replacement, all)
    }

    /// A name: digits, or one special parameter, or letters, digits and `_`.
    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.letters.peek() {
            Some(letter) if letter.is_numeric() => {
                while let Some(digit) = self.letters.next_if(char::is_numeric) {
                    name.push(digit);
                }
            }
            Some(letter @ ('@' | '*' | '#' | '?' | '-' | '$' | '!')) => {
                self.letters.next();
                name.push(letter);
            }
            _ => {
                while let Some(letter) = self.letters.next_if(|c| c.is_alphanumeric() || c == '_') {
                    name.push(letter);
                }
            }
        }
        name
    }

    fn get(&mut self, name: &str) -> Option<String> {
        let value = (self.lookup)(name);
        if value.is_some() {
            self.found.matched.insert(name.to_owned());
        }
        value
    }

    fn unset(&mut self, name: &str, written: String) -> String {
        self.found.unmatched.insert(name.to_owned());
        if self.options.keep_unset { written } else { String::new() }
    }
}
