//! Formats of one entry a line: INI, dotenv, properties, ignore files; and comments in JSON.

use serde_json::{Map, Number, Value as Json, json};

/// Sections of keys; what stands before the first is in `DEFAULT`.
pub(super) fn ini(text: &str) -> Result<Json, String> {
    let mut sections: Map<String, Json> = Map::new();
    let mut section = "DEFAULT".to_owned();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.split_once(']').ok_or_else(|| bad(number, "the section has no `]`"))?;
            name.0.trim().clone_into(&mut section);
            sections.entry(section.clone()).or_insert_with(|| json!({}));
            continue;
        }
        let at = line.find(['=', ':']).ok_or_else(|| bad(number, "there is no `=`"))?;
        let value = unquoted(line[at + 1..].trim());
        let entry = sections.entry(section.clone()).or_insert_with(|| json!({}));
        if let Some(entries) = entry.as_object_mut() {
            entries.insert(line[..at].trim().to_owned(), scalar(value));
        }
    }
    Ok(Json::Object(sections))
}

fn bad(number: usize, why: &str) -> String {
    format!("line {}: {why}", number + 1)
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

fn scalar(text: &str) -> Json {
    if let Ok(number) = text.parse::<i64>() {
        return Json::from(number);
    }
    match text {
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
    let number = is_number.then(|| text.parse().ok()).flatten().and_then(Number::from_f64);
    number.map_or_else(|| Json::String(text.to_owned()), Json::Number)
}

/// Variables and their values.
pub(super) fn dotenv(text: &str) -> Result<Json, String> {
    let mut variables = Map::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or_else(|| bad(number, "there is no `=`"))?;
        variables.insert(name.trim().to_owned(), Json::String(dotenv_value(value.trim())));
    }
    Ok(Json::Object(variables))
}

fn dotenv_value(text: &str) -> String {
    if let Some(rest) = text.strip_prefix('\'') {
        return rest.split('\'').next().unwrap_or_default().to_owned();
    }
    let Some(rest) = text.strip_prefix('"') else {
        let end = text.find(" #").unwrap_or(text.len());
        return text[..end].trim_end().to_owned();
    };
    let mut value = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(other) => value.push(other),
                None => {}
            },
            other => value.push(other),
        }
    }
    value
}

/// Keys and values; a backslash at the end of a line goes on in the next.
pub(super) fn properties(text: &str) -> Json {
    let mut entries = Map::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim_start().to_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while line.ends_with('\\') {
            line.pop();
            let Some(next) = lines.next() else { break };
            line.push_str(next.trim_start());
        }
        let at = line.find(['=', ':']).or_else(|| line.find(char::is_whitespace));
        let (key, value) = line.split_at(at.unwrap_or(line.len()));
        let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
        entries.insert(key.trim().to_owned(), Json::String(value.to_owned()));
    }
    Json::Object(entries)
}

/// conftest's shape: an array with one array of entries.
pub(super) fn ignore(text: &str) -> Json {
    let entries = text.lines().map(|line| {
        let (kind, value) = match line.trim() {
            "" => ("Empty", ""),
            comment if comment.starts_with('#') => ("Comment", comment[1..].trim()),
            negated if negated.starts_with('!') => ("NegatedPath", &negated[1..]),
            path => ("Path", path),
        };
        json!({"Kind": kind, "Value": value, "Original": line})
    });
    Json::Array(vec![entries.collect()])
}

/// JSON whose comments are blanks, and without commas before an end.
pub(super) fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let end = string_end(rest);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
            out.push(' ');
        } else {
            if matches!(c, ']' | '}') {
                let kept = out.trim_end().len();
                if out[..kept].ends_with(',') {
                    out.truncate(kept - 1);
                }
            }
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
