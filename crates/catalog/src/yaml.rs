//! The YAML that package managers write (yaml.org, 1.2.2): block mappings and lists, flow ones on a line, plain and quoted
//! scalars. Block scalars and anchors carry nothing that is needed here, and are left empty. What else there is, is an error.

use std::borrow::Cow;

const DEPTH_MAX: usize = 32;
const NODES_MAX: usize = 4_000_000;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Yaml<'a> {
    Text(Cow<'a, str>),
    List(Vec<Yaml<'a>>),
    Map(Vec<(Cow<'a, str>, Yaml<'a>)>),
}

impl<'a> Yaml<'a> {
    /// The value of a key; of several the first.
    pub(crate) fn get(&self, key: &str) -> Option<&Yaml<'a>> {
        self.entries().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Keys and values; none if it is no mapping.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Yaml<'a>)> {
        let entries = if let Self::Map(entries) = self { &entries[..] } else { &[] };
        entries.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The text, if it is one and not empty.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text.as_ref()).filter(|it| !it.is_empty())
        } else {
            None
        }
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Yaml<'_>, String> {
    let mut reader =
        Reader { rest: text.trim_start_matches('\u{feff}'), line: None, nodes: 0, n_lines: 0 };
    let value = reader.block(0, 0)?;
    if reader.peek().is_some() {
        return Err(reader.error("is indented too little"));
    }
    Ok(value)
}

/// A line: its indentation and content.
type Line<'a> = (usize, &'a str);

struct Reader<'a> {
    rest: &'a str,
    /// The line that comes next, if it was looked at, or what is left of it.
    line: Option<Line<'a>>,
    nodes: usize,
    n_lines: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, what: &str) -> String {
        format!("line {} {what}", self.n_lines)
    }

    fn peek(&mut self) -> Option<Line<'a>> {
        while self.line.is_none() && !self.rest.is_empty() {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            self.n_lines += 1;
            let content = line.trim_start_matches(' ');
            let indent = line.len() - content.len();
            let content = content.trim_end();
            let is_mark = indent == 0 && matches!(content, "---" | "...");
            if !content.is_empty() && !content.starts_with(['#', '%']) && !is_mark {
                self.line = Some((indent, content));
            }
        }
        self.line
    }

    // A value whose lines are indented at least so much.
    fn block(&mut self, indent_min: usize, depth: usize) -> Result<Yaml<'a>, String> {
        self.nodes += 1;
        if depth > DEPTH_MAX || self.nodes > NODES_MAX {
            return Err(self.error("is too deep or too far"));
        }
        match self.peek() {
            Some((indent, content)) if indent >= indent_min => {
                if is_item(content) {
                    self.list(indent, depth)
                } else if content.starts_with("? ") || key(content).is_some() {
                    self.map(indent, depth)
                } else {
                    self.line = None;
                    self.value(content, indent_min, depth)
                }
            }
            _ => Ok(Yaml::Text(Cow::Borrowed(""))),
        }
    }

    fn list(&mut self, indent: usize, depth: usize) -> Result<Yaml<'a>, String> {
        let mut items = Vec::new();
        while let Some((_, content)) = self.peek().filter(|(own, it)| *own == indent && is_item(it))
        {
            items.push(self.behind(content, indent, depth)?);
        }
        Ok(Yaml::List(items))
    }

    // What is behind a hyphen, question mark or colon: on the line a value, or the beginning of a block.
    fn behind(
        &mut self,
        content: &'a str,
        indent: usize,
        depth: usize,
    ) -> Result<Yaml<'a>, String> {
        let rest = content[1..].trim_start();
        let inner = indent + content.len() - rest.len();
        self.line = (!rest.is_empty()).then_some((inner, rest));
        self.block(indent + 1, depth + 1)
    }

    fn map(&mut self, indent: usize, depth: usize) -> Result<Yaml<'a>, String> {
        let mut entries = Vec::new();
        while let Some((_, content)) =
            self.peek().filter(|(own, it)| *own == indent && !is_item(it))
        {
            if content.starts_with("? ") {
                let Yaml::Text(key) = self.behind(content, indent, depth)? else {
                    return Err(self.error("has a key that is no text"));
                };
                let colon = self.peek().filter(|(own, it)| *own == indent && it.starts_with(':'));
                let Some((_, content)) = colon else { continue };
                entries.push((key, self.behind(content, indent, depth)?));
                continue;
            }
            let Some((key, value)) = key(content) else {
                return Err(self.error("is no key with a value"));
            };
            self.line = None;
            let value = if value.is_empty() {
                // A list may be as far left as its key.
                let next = self.peek();
                let is_list = next.is_some_and(|(own, it)| own == indent && is_item(it));
                self.block(indent + usize::from(!is_list), depth + 1)?
            } else {
                self.value(value, indent + 1, depth + 1)?
            };
            entries.push((scalar(key), value));
        }
        if self.peek().is_some_and(|(own, _)| own > indent) {
            return Err(self.error("is indented too much"));
        }
        Ok(Yaml::Map(entries))
    }

    // A value that begins on a line; lines indented so much that follow belong to it.
    fn value(
        &mut self,
        text: &'a str,
        indent_min: usize,
        depth: usize,
    ) -> Result<Yaml<'a>, String> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(self.error("is too far"));
        }
        let value = match text.as_bytes().first() {
            Some(b'|' | b'>' | b'&' | b'*') => Yaml::Text(Cow::Borrowed("")),
            Some(b'{' | b'[') => {
                let mut rest = text;
                flow(&mut rest, depth).ok_or_else(|| self.error("is not closed or too deep"))?
            }
            _ => Yaml::Text(scalar(text)),
        };
        while self.peek().is_some_and(|(own, _)| own >= indent_min.max(1)) {
            self.line = None;
        }
        Ok(value)
    }
}

fn is_item(content: &str) -> bool {
    content == "-" || content.starts_with("- ")
}

// Splits `key: value`; a quoted key keeps its quotes.
fn key(content: &str) -> Option<(&str, &str)> {
    let end = match content.as_bytes().first()? {
        b'"' | b'\'' => quoted_end(content)?,
        b'{' | b'[' => return None,
        _ => 0,
    };
    let mut colons = content[end..].match_indices(':');
    let (at, _) = colons.find(|(at, _)| {
        let behind = &content[end + at + 1..];
        behind.is_empty() || behind.starts_with([' ', '\t'])
    })?;
    if end > 0 && !content[end..end + at].trim().is_empty() {
        return None;
    }
    Some((content[..end + at].trim_end(), content[end + at + 1..].trim_start()))
}

// Where the quoted text ends that begins here.
fn quoted_end(text: &str) -> Option<usize> {
    let quote = *text.as_bytes().first()?;
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            byte if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 1,
            byte if byte == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

fn scalar(text: &str) -> Cow<'_, str> {
    let quoted = quoted_end(text).and_then(|end| text.get(1..end - 1));
    match (text.as_bytes().first(), quoted) {
        (Some(b'\''), Some(inner)) if inner.contains('\'') => Cow::Owned(inner.replace("''", "'")),
        (Some(b'"'), Some(inner)) if inner.contains('\\') => {
            // Of the escapes only those of quotes and backslashes occur in names and versions.
            let mut is_escaped = false;
            let kept = inner.chars().filter(|c| {
                is_escaped = *c == '\\' && !is_escaped;
                !is_escaped
            });
            Cow::Owned(kept.collect())
        }
        (Some(b'\'' | b'"'), Some(inner)) => Cow::Borrowed(inner),
        _ => Cow::Borrowed(text.split(" #").next().unwrap_or(text).trim()),
    }
}

// A flow value; what is behind it stays in `rest`.
fn flow<'a>(rest: &mut &'a str, depth: usize) -> Option<Yaml<'a>> {
    if depth > DEPTH_MAX {
        return None;
    }
    *rest = rest.trim_start();
    let open = rest.chars().next()?;
    if !matches!(open, '{' | '[') {
        return Some(Yaml::Text(flow_scalar(rest)?));
    }
    *rest = &rest[1..];
    let (mut entries, mut items) = (Vec::new(), Vec::new());
    loop {
        *rest = rest.trim_start();
        match rest.chars().next()? {
            '}' | ']' => {
                *rest = &rest[1..];
                let is_map = open == '{';
                return Some(if is_map { Yaml::Map(entries) } else { Yaml::List(items) });
            }
            ',' => *rest = &rest[1..],
            _ if open == '[' => items.push(flow(rest, depth + 1)?),
            _ => {
                let key = flow_scalar(rest)?;
                *rest = rest.trim_start().strip_prefix(':')?;
                entries.push((key, flow(rest, depth + 1)?));
            }
        }
    }
}

fn flow_scalar<'a>(rest: &mut &'a str) -> Option<Cow<'a, str>> {
    let text = *rest;
    let end = match text.as_bytes().first()? {
        b'"' | b'\'' => quoted_end(text)?,
        _ => {
            let is_end = |(at, c): &(usize, char)| match c {
                ',' | '}' | ']' | '{' | '[' => true,
                ':' => text[at + 1..].starts_with(' '),
                _ => false,
            };
            text.char_indices().find(is_end)?.0
        }
    };
    *rest = &text[end..];
    // Something is read each time, or a loop would not end.
    (end > 0).then(|| scalar(&text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match parse(text) {
            Ok(value) => show(&value),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected, "{text}");
    }

    fn show(value: &Yaml<'_>) -> String {
        match value {
            Yaml::Text(text) => format!("<{text}>"),
            Yaml::List(items) => format!("[{}]", items.iter().map(show).collect::<String>()),
            Yaml::Map(entries) => {
                let entry =
                    |(key, value): &(Cow<'_, str>, Yaml<'_>)| format!("{key}={}", show(value));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn values() {
        check("", "<>");
        check(
            "a: 1\nb:\n  c: 'x''y' # z\n  \"d\\\"e\": \"f: g\"\n",
            "{a=<1>,b={c=<x'y>,d\"e=<f: g>}}",
        );
        check("a:\n- 1\n- b: 2\n  c: 3\n-\n  d: 4\ne: 5", "{a=[<1>{b=<2>,c=<3>}{d=<4>}],e=<5>}");
        check("a: {b: 'c', d: [e, f: g]}", "error: line 1 is not closed or too deep");
        check("a: {b: 'c', d: [e, f], g: sha512-x==}\n", "{a={b=<c>,d=[<e><f>],g=<sha512-x==>}}");
        check("a: |\n  text: x\n\n  more\nb: >-\n  y\nc: z\n  on", "{a=<>,b=<>,c=<z>}");
        check(
            "? long\n: a: 1\n  b: 2\n? \"other\"\n:\n  c: 3\nd: 4",
            "{long={a=<1>,b=<2>},other={c=<3>},d=<4>}",
        );
        check("---\n# x\n/a@1.0.0(b@2):\n  c: link:../..\n", "{/a@1.0.0(b@2)={c=<link:../..>}}");
        check("a:\nb: 1", "{a=<>,b=<1>}");
        check("a: 1\n    b: 2", "{a=<1>}");
        check("a:\n  b: 1\n c: 2", "error: line 3 is indented too much");
        check("  a: 1\nb: 2", "error: line 2 is indented too little");
        check("a: 1\nb", "error: line 2 is no key with a value");
    }

    #[test]
    fn hostile() {
        let deep: String =
            (0..10_000).map(|level| [&" ".repeat(level % 500), "a:\n"].concat()).collect();
        for text in [
            &"- ".repeat(10_000),
            &"? ".repeat(10_000),
            &"[".repeat(10_000),
            &format!("a: {}", "{a: ".repeat(10_000)),
            &"a: ".repeat(10_000),
            &deep,
            "? a\n? b\n",
            "\"",
            "'a",
            "a: {",
            "a: {:",
            "a: {[]: }",
            "-\n-\n - -",
            "ä: ö\n\u{feff}: [ü",
        ] {
            let _ = parse(text);
        }
        let text = "a:\n  - {b: 'c', d: [\"e\\\"\"]}\n? x\n: y: 1\n  z: >-\n    t\n";
        for end in 0..text.len() {
            let _ = parse(&text[..end]);
        }
    }
}
