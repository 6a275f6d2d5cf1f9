//! Texts of words, quoted texts and brackets: what Erlang's, Elixir's, Lua's, OCaml's and Prolog's files have in
//! common. What they mean is their readers' matter.

const DEPTH_MAX: usize = 64;
const NODES_MAX: usize = 2_000_000;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A quoted text, without its quotes.
    Text(String),
    /// A name or number.
    Word(String),
    /// Any other character.
    Mark(char),
    /// What is between brackets; the opening one tells which.
    Group(char, Vec<Node>),
}

impl Node {
    /// A text or word.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Word(text) => Some(text),
            Self::Mark(_) | Self::Group(..) => None,
        }
    }

    /// What is between these brackets.
    pub(crate) fn group(&self, open: char) -> Option<&[Node]> {
        match self {
            Self::Group(bracket, nodes) if *bracket == open => Some(nodes),
            _ => None,
        }
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }
}

/// How a language writes comments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// `%` up to the end of the line. Prolog too.
    Erlang,
    /// `#` up to the end of the line.
    Elixir,
    /// `--`, and texts between `[[` and `]]`.
    Lua,
    /// `#`, `(* *)`, and texts between three quotes.
    Opam,
}

/// The parts of a text; an error says what is wrong with it.
pub(crate) fn nodes(text: &str, language: Language) -> Result<Vec<Node>, &'static str> {
    let mut rest = text;
    let mut open: Vec<(char, Vec<Node>)> = Vec::new();
    let mut here: Vec<Node> = Vec::new();
    let mut n_nodes = 0;
    while let Some(first) = rest.chars().next() {
        if let Some(behind) = comment(rest, language) {
            rest = behind;
            continue;
        }
        n_nodes += 1;
        if n_nodes > NODES_MAX {
            return Err("it has more parts than the limit");
        }
        if let Some((quoted, behind)) = quoted(rest, language)? {
            here.push(Node::Text(quoted));
            rest = behind;
            continue;
        }
        let behind = &rest[first.len_utf8()..];
        match first {
            '(' | '[' | '{' => {
                if open.len() >= DEPTH_MAX {
                    return Err("it has brackets too deep in brackets");
                }
                open.push((first, std::mem::take(&mut here)));
            }
            ')' | ']' | '}' => {
                let (bracket, outer) = open.pop().ok_or("it closes a bracket that is not open")?;
                if !matches!((bracket, first), ('(', ')') | ('[', ']') | ('{', '}')) {
                    return Err("it closes another bracket than is open");
                }
                let inner = std::mem::replace(&mut here, outer);
                here.push(Node::Group(bracket, inner));
            }
            c if c.is_whitespace() => {}
            c if is_word(c) => {
                let len = word_len(rest);
                here.push(Node::Word(rest[..len].to_owned()));
                rest = &rest[len..];
                continue;
            }
            c => here.push(Node::Mark(c)),
        }
        rest = behind;
    }
    if open.is_empty() { Ok(here) } else { Err("it ends within brackets") }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

// A dot or hyphen within a word is part of it.
fn word_len(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let is_within = |next: Option<&(usize, char)>| next.is_some_and(|(_, c)| is_word(*c));
        let is_joint = matches!(c, '.' | '-') && is_within(characters.peek());
        if !is_word(c) && !is_joint {
            return at;
        }
    }
    text.len()
}

// What is behind the comment that is here.
fn comment(text: &str, language: Language) -> Option<&str> {
    let behind = |end: &str, from: usize| {
        let at = text[from..].find(end);
        at.map_or("", |at| &text[from + at + end.len()..])
    };
    match language {
        Language::Erlang if text.starts_with('%') => Some(behind("\n", 0)),
        Language::Erlang if text.starts_with("/*") => Some(behind("*/", 2)),
        Language::Elixir | Language::Opam if text.starts_with('#') => Some(behind("\n", 0)),
        Language::Opam if text.starts_with("(*") => Some(behind("*)", 2)),
        Language::Lua if text.starts_with("--[[") => Some(behind("]]", 4)),
        Language::Lua if text.starts_with("--") || text.starts_with("#!") => Some(behind("\n", 0)),
        _ => None,
    }
}

// The quoted text that is here, and what is behind it.
fn quoted(text: &str, language: Language) -> Result<Option<(String, &str)>, &'static str> {
    const UNENDED: &str = "it ends within a quoted text";
    let between = |start: &str, end: &str| {
        let inner = &text[start.len()..];
        let at = inner.find(end).ok_or(UNENDED)?;
        Ok(Some((inner[..at].to_owned(), &inner[at + end.len()..])))
    };
    match language {
        Language::Lua if text.starts_with("[[") => return between("[[", "]]"),
        Language::Lua if text.starts_with("[=[") => return between("[=[", "]=]"),
        Language::Opam if text.starts_with("\"\"\"") => return between("\"\"\"", "\"\"\""),
        _ => {}
    }
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Ok(None);
    };
    if quote == '\'' && language == Language::Opam {
        return Ok(None);
    }
    let mut quoted = String::new();
    let mut characters = text[1..].char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => match characters.next().ok_or(UNENDED)?.1 {
                'n' => quoted.push('\n'),
                other => quoted.push(other),
            },
            c if c == quote => return Ok(Some((quoted, &text[at + 2..]))),
            c => quoted.push(c),
        }
    }
    Err(UNENDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let check = |text: &str, language, expected: &str| {
            let shown = match nodes(text, language) {
                Ok(nodes) => format!("{nodes:?}"),
                Err(error) => error.to_owned(),
            };
            assert_eq!(shown, expected, "{text}");
        };
        check("a.b-c. % x\n", Language::Erlang, r#"[Word("a.b-c"), Mark('.')]"#);
        check(
            "{'a\\'',[]}",
            Language::Erlang,
            r#"[Group('{', [Text("a'"), Mark(','), Group('[', [])])]"#,
        );
        check("x..[[y]] -- z", Language::Lua, r#"[Word("x"), Mark('.'), Mark('.'), Text("y")]"#);
        check("(* a *) b # c", Language::Opam, r#"[Word("b")]"#);
        check("(]", Language::Elixir, "it closes another bracket than is open");
        check(")", Language::Elixir, "it closes a bracket that is not open");
        check("(", Language::Elixir, "it ends within brackets");
        check("\"a", Language::Elixir, "it ends within a quoted text");
        check("\"a\\", Language::Elixir, "it ends within a quoted text");
        check(&"[".repeat(65), Language::Elixir, "it has brackets too deep in brackets");
    }
}
