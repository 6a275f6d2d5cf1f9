//! Python's dependency specifiers (PEP 508): the name, and whether the environment marker holds here.

use std::cmp::Ordering;

const BYTES_MAX: usize = 4096;
const DEPTH_MAX: usize = 20;

/// The Python that the packages are installed for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    /// `3.11`, if it is known.
    pub(crate) python_version: Option<String>,
}

/// The name that a `Requires-Dist` asks for, if it asks for it in this environment. Extras are not asked for.
pub(crate) fn required(specifier: &str, environment: &Environment) -> Option<String> {
    if specifier.len() > BYTES_MAX {
        return None;
    }
    let (requirement, marker) = match specifier.split_once(';') {
        Some((requirement, marker)) => (requirement, Some(marker)),
        None => (specifier, None),
    };
    let end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let name = requirement.trim().split(end).next()?.trim_end_matches(['.', '-', '_']);
    if name.is_empty() || !marker.is_none_or(|marker| holds(marker, environment)) {
        return None;
    }
    Some(name.to_owned())
}

/// A name as PEP 503 compares it.
pub(crate) fn normalized(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.extend(other.to_lowercase()),
        }
    }
    normal
}

// A marker that cannot be read holds: an edge too many is better than a lost one.
fn holds(marker: &str, environment: &Environment) -> bool {
    let Some(tokens) = tokens(marker) else { return true };
    let mut parser = Parser { tokens: &tokens, environment };
    match parser.any(0) {
        Some(value) if parser.tokens.is_empty() => value,
        _ => true,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Word(String),
    Text(String),
    Operator(String),
}

fn tokens(marker: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' | '\'' => {
                let end = rest[1..].find(first)?;
                (Token::Text(rest[1..=end].to_owned()), end + 2)
            }
            '<' | '>' | '=' | '!' | '~' => {
                let end = rest.find(|c| !"<>=!~".contains(c)).unwrap_or(rest.len());
                (Token::Operator(rest[..end].to_owned()), end)
            }
            c if c.is_ascii_alphabetic() => {
                let is_end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
                let end = rest.find(is_end).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), end)
            }
            _ => return None,
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    environment: &'a Environment,
}

impl Parser<'_> {
    fn word(&mut self, word: &str) -> bool {
        let is_there = matches!(self.tokens.first(), Some(Token::Word(found)) if found == word);
        if is_there {
            self.tokens = &self.tokens[1..];
        }
        is_there
    }

    fn any(&mut self, depth: usize) -> Option<bool> {
        let mut value = self.all(depth)?;
        while self.word("or") {
            value |= self.all(depth)?;
        }
        Some(value)
    }

    fn all(&mut self, depth: usize) -> Option<bool> {
        let mut value = self.one(depth)?;
        while self.word("and") {
            value &= self.one(depth)?;
        }
        Some(value)
    }

    fn one(&mut self, depth: usize) -> Option<bool> {
        if self.tokens.first() == Some(&Token::Open) {
            if depth >= DEPTH_MAX {
                return None;
            }
            self.tokens = &self.tokens[1..];
            let value = self.any(depth + 1)?;
            return self.close().then_some(value);
        }
        let left = self.operand()?;
        let operator = match self.next()? {
            Token::Operator(operator) => operator,
            Token::Word(word) if word == "in" => word,
            Token::Word(word) if word == "not" && self.word("in") => "not in".to_owned(),
            _ => return None,
        };
        let right = self.operand()?;
        Some(self.compare(&left, &operator, &right))
    }

    fn close(&mut self) -> bool {
        self.next() == Some(Token::Close)
    }

    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn operand(&mut self) -> Option<Token> {
        self.next().filter(|token| matches!(token, Token::Word(_) | Token::Text(_)))
    }

    fn compare(&self, left: &Token, operator: &str, right: &Token) -> bool {
        if [left, right].iter().any(|token| matches!(token, Token::Word(word) if word == "extra")) {
            return false;
        }
        let (Some(left), Some(right)) = (self.value(left), self.value(right)) else { return true };
        match operator {
            "in" => right.contains(&left),
            "not in" => !right.contains(&left),
            "==" | "===" => order(&left, &right).map_or(left == right, Ordering::is_eq),
            "!=" => order(&left, &right).map_or(left != right, Ordering::is_ne),
            "<" => order(&left, &right).is_none_or(Ordering::is_lt),
            "<=" => order(&left, &right).is_none_or(Ordering::is_le),
            ">" => order(&left, &right).is_none_or(Ordering::is_gt),
            ">=" | "~=" => order(&left, &right).is_none_or(Ordering::is_ge),
            _ => true,
        }
    }

    // `None` for what is not known of the environment.
    fn value(&self, token: &Token) -> Option<String> {
        let word = match token {
            Token::Text(text) => return Some(text.clone()),
            Token::Word(word) => word,
            _ => return None,
        };
        Some(match word.as_str() {
            "python_version" | "python_full_version" => self.environment.python_version.clone()?,
            "os_name" | "os.name" => "posix".to_owned(),
            "sys_platform" | "sys.platform" => "linux".to_owned(),
            "platform_system" => "Linux".to_owned(),
            "implementation_name" => "cpython".to_owned(),
            "platform_python_implementation" | "python_implementation" => "CPython".to_owned(),
            _ => return None,
        })
    }
}

// Order of two versions that are numbers and dots; a `.*` at the end takes any rest.
fn order(left: &str, right: &str) -> Option<Ordering> {
    let right = right.trim();
    let (right, is_prefix) = match right.strip_suffix(".*") {
        Some(prefix) => (prefix, true),
        None => (right, false),
    };
    let numbers = |text: &str| -> Option<Vec<u64>> {
        text.trim().split('.').map(|part| part.parse().ok()).collect()
    };
    let (mut left, mut right) = (numbers(left)?, numbers(right)?);
    if is_prefix {
        left.truncate(right.len());
    }
    let length = left.len().max(right.len());
    left.resize(length, 0);
    right.resize(length, 0);
    Some(left.cmp(&right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers() {
        let environment = Environment { python_version: Some("3.11".to_owned()) };
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(required(text, &environment).as_deref(), expected, "{text}");
        };
        check("click (>=5.1)", Some("click"));
        check("Werkzeug>=2.2.2", Some("Werkzeug"));
        check("urllib3[secure]<1.27,!=1.25", Some("urllib3"));
        check("x @ https://example.org/x.whl", Some("x"));
        check("importlib-metadata>=3.6; python_version < \"3.10\"", None);
        check("tomli; python_full_version >= '3.9.2'", Some("tomli"));
        check("a; python_version == '3.*' and sys_platform != 'win32'", Some("a"));
        check("a; sys_platform == \"win32\" or platform_system=='Linux'", Some("a"));
        check("colorama ; platform_system == \"Windows\"", None);
        check("asgiref; extra == 'async'", None);
        check("a; (python_version > '3' and extra == 'x') or os_name == 'nt'", None);
        check("a; python_version not in '3.11, 3.12'", None);
        check("a; 'linux' in sys_platform", Some("a"));
        check("a; platform_machine == 'x'", Some("a"));
        for broken in
            ["a; (", "a; ?", "a; x", "a; python_version", "a; 'open", "a; ==", "a; \u{e9}"]
        {
            check(broken, Some("a"));
        }
        check(&format!("a; {}", "(".repeat(3000)), Some("a"));
        check("", None);
        check("; x", None);
        check(&"a".repeat(5000), None);
        assert_eq!(
            required("a; python_version < '3'", &Environment::default()).as_deref(),
            Some("a")
        );
    }

    #[test]
    fn names() {
        assert_eq!(normalized("Foo__Bar.-baz"), "foo-bar-baz");
    }
}
