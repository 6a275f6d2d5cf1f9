//! Functions of texts. The text is the last argument, so that it can be piped in.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::functions::{Data, TEXT_BYTES_MAX, World};
use super::print::{quoted, shown};

/// Calls a function, the last place to look for one.
pub(super) fn call(
    name: &str,
    arguments: &[Data<'_>],
    world: &mut World<'_>,
) -> Result<Value, String> {
    if let ("cat" | "quote" | "squote", [_, _, ..]) = (name, arguments) {
        let words = arguments.iter().filter(|value| !value.is_null()).map(|value| match name {
            "quote" => quoted(&shown(value)),
            "squote" => format!("'{}'", shown(value)),
            _ => shown(value).into_owned(),
        });
        return Ok(json!(words.collect::<Vec<_>>().join(" ")));
    }
    let texts: Vec<Cow<'_, str>> = arguments.iter().map(|value| shown(value)).collect();
    let parts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    if let [text] = parts.as_slice()
        && let Some(value) = of_one(name, text, world)?
    {
        return Ok(value);
    }
    if let Some(value) = asked(name, &parts) {
        return Ok(value);
    }
    if let Some(value) = by_pattern(name, &parts, world)? {
        return Ok(value);
    }
    changed(name, &parts)?.ok_or_else(|| {
        format!("there is no function `{name}`, or not with {} arguments", arguments.len())
    })
}

fn of_one(name: &str, text: &str, world: &World<'_>) -> Result<Option<Value>, String> {
    Ok(Some(match name {
        "toString" => json!(text),
        "html" | "js" | "urlquery" | "escapeXML" | "escapeString" => json!(escaped(name, text)),
        "endWithPeriod" => {
            json!(if text.ends_with('.') { text.to_owned() } else { format!("{text}.") })
        }
        "upper" => json!(text.to_uppercase()),
        "lower" => json!(text.to_lowercase()),
        "title" => json!(words(text, |first| first.to_uppercase().collect())),
        "untitle" => json!(words(text, |first| first.to_lowercase().collect())),
        "swapcase" => json!(swapped(text)),
        "trim" => json!(text.trim()),
        "nospace" => json!(text.split_whitespace().collect::<String>()),
        "initials" => {
            json!(
                text.split_whitespace().filter_map(|word| word.chars().next()).collect::<String>()
            )
        }
        "snakecase" => json!(cased(text, "_")),
        "kebabcase" => json!(cased(text, "-")),
        "camelcase" => json!(camel(text)),
        "quote" | "cat" => json!(if name == "cat" { text.to_owned() } else { quoted(text) }),
        "squote" => json!(format!("'{text}'")),
        "sha1sum" => json!(hex(&Sha1::digest(text.as_bytes()))),
        "sha256sum" => json!(hex(&Sha256::digest(text.as_bytes()))),
        "sha512sum" => json!(hex(&Sha512::digest(text.as_bytes()))),
        "adler32sum" => json!(adler32(text.as_bytes()).to_string()),
        "b64enc" => json!(STANDARD.encode(text)),
        "b64dec" => {
            let bytes = STANDARD.decode(text).map_err(|_| "b64dec: this is no Base64")?;
            json!(String::from_utf8_lossy(&bytes))
        }
        "env" | "getEnv" => json!((world.surroundings.variable)(text).unwrap_or_default()),
        "expandenv" => json!(expanded(text, world)),
        "regexQuoteMeta" => json!(regex::escape(text)),
        "base" | "osBase" => {
            json!(text.trim_end_matches('/').rsplit('/').next().unwrap_or_default())
        }
        "dir" | "osDir" => json!(match text.rsplit_once('/') {
            None => ".",
            Some(("", _)) => "/",
            Some((folder, _)) => folder,
        }),
        "ext" | "osExt" => {
            let last = text.rsplit('/').next().unwrap_or_default();
            json!(last.rfind('.').map_or("", |place| &last[place..]))
        }
        "clean" | "osClean" => json!(cleaned(text)),
        "isAbs" | "osIsAbs" => json!(text.starts_with('/')),
        _ => return Ok(None),
    }))
}

fn asked(name: &str, parts: &[&str]) -> Option<Value> {
    Some(match (name, parts) {
        ("hasPrefix", [prefix, text]) => json!(text.starts_with(prefix)),
        ("hasSuffix", [suffix, text]) => json!(text.ends_with(suffix)),
        ("contains", [part, text]) => json!(text.contains(part)),
        ("splitList", [between, text]) => json!(text.split(between).collect::<Vec<_>>()),
        // A map from `_0` on, as sprig has it.
        ("split", [between, text]) => numbered(text.split(between)),
        ("splitn", [between, count, text]) => {
            numbered(text.splitn(count.parse().unwrap_or(1), between))
        }
        ("plural", [one, many, count]) => json!(if *count == "1" { one } else { many }),
        _ => return None,
    })
}

fn numbered<'a>(parts: impl Iterator<Item = &'a str>) -> Value {
    let parts = parts.enumerate();
    Value::Object(parts.map(|(place, part)| (format!("_{place}"), json!(part))).collect())
}

fn by_pattern(name: &str, parts: &[&str], world: &mut World<'_>) -> Result<Option<Value>, String> {
    let name = match name {
        "mustRegexMatch" => "regexMatch",
        "mustRegexFind" => "regexFind",
        "mustRegexFindAll" => "regexFindAll",
        "mustRegexReplaceAll" => "regexReplaceAll",
        "mustRegexReplaceAllLiteral" => "regexReplaceAllLiteral",
        "mustRegexSplit" => "regexSplit",
        name => name,
    };
    // Less than none is all.
    let most =
        |count: &str| usize::try_from(count.parse::<i64>().unwrap_or(-1)).unwrap_or(usize::MAX);
    Ok(Some(match (name, parts) {
        ("regexMatch", [pattern, text]) => json!(world.pattern(pattern)?.is_match(text)),
        ("regexFind", [pattern, text]) => {
            json!(world.pattern(pattern)?.find(text).map_or("", |found| found.as_str()))
        }
        ("regexFindAll", [pattern, text, count]) => {
            let found = world.pattern(pattern)?.find_iter(text).take(most(count));
            json!(found.map(|found| found.as_str()).collect::<Vec<_>>())
        }
        ("regexSplit", [pattern, text, count]) => {
            let pattern = world.pattern(pattern)?;
            let parts: Vec<&str> = match most(count) {
                usize::MAX => pattern.split(text).collect(),
                most => pattern.splitn(text, most).collect(),
            };
            json!(parts)
        }
        ("regexReplaceAll" | "regexReplaceAllLiteral", [pattern, text, new]) => {
            let growth = (text.len() + 1).saturating_mul(new.len() + 1);
            let pattern = world.pattern(pattern)?;
            bounded(name, growth, || {
                if name == "regexReplaceAll" {
                    pattern.replace_all(text, *new).into_owned()
                } else {
                    pattern.replace_all(text, regex::NoExpand(new)).into_owned()
                }
            })?
        }
        _ => return Ok(None),
    }))
}

fn changed(name: &str, parts: &[&str]) -> Result<Option<Value>, String> {
    let count = |text: &str| -> Result<usize, String> {
        text.parse().map_err(|_| {
            format!("{name}: `{}` is no count", text.chars().take(40).collect::<String>())
        })
    };
    Ok(Some(match (name, parts) {
        ("trimPrefix", [prefix, text]) => json!(text.strip_prefix(prefix).unwrap_or(text)),
        ("trimSuffix", [suffix, text]) => json!(text.strip_suffix(suffix).unwrap_or(text)),
        ("trimAll" | "trimall", [of, text]) => json!(text.trim_matches(|c| of.contains(c))),
        ("replace", [old, new, text]) => {
            let growth = (text.len() + 1).saturating_mul(new.len().max(1));
            bounded(name, growth, || text.replace(old, new))?
        }
        ("repeat", [times, text]) => {
            let times = count(times)?;
            bounded(name, times.saturating_mul(text.len()), || text.repeat(times))?
        }
        ("trunc", [length, text]) => match length.strip_prefix('-') {
            Some(length) => {
                let gone = text.chars().count().saturating_sub(count(length)?);
                json!(text.chars().skip(gone).collect::<String>())
            }
            None => json!(text.chars().take(count(length)?).collect::<String>()),
        },
        ("abbrev", [length, text]) => {
            let length = count(length)?;
            if text.chars().count() > length && length > 3 {
                let begin: String = text.chars().take(length - 3).collect();
                json!(format!("{begin}..."))
            } else {
                json!(text)
            }
        }
        ("substr", [start, end, text]) => json!(part(start, end, text)),
        ("wrap", [width, text]) => {
            let width = count(width)?;
            bounded(name, text.len().saturating_mul(2), || wrapped(text, width, "\n"))?
        }
        ("wrapWith", [width, between, text]) => {
            let width = count(width)?;
            let growth = text.len().saturating_mul(between.len() + 1);
            bounded(name, growth, || wrapped(text, width, between))?
        }
        ("indent" | "nindent", [spaces, text]) => {
            let spaces = count(spaces)?;
            let growth = spaces.saturating_mul(text.matches('\n').count() + 1);
            let newline = if name == "nindent" { "\n" } else { "" };
            bounded(name, growth, || {
                let space = " ".repeat(spaces);
                format!("{newline}{space}{}", text.replace('\n', &format!("\n{space}")))
            })?
        }
        _ => return Ok(None),
    }))
}

fn bounded(name: &str, bytes: usize, make: impl FnOnce() -> String) -> Result<Value, String> {
    if bytes > TEXT_BYTES_MAX {
        return Err(format!("{name}: the text is too long"));
    }
    Ok(Value::String(make()))
}

// By bytes, as sprig has it; a character that a bound is in the middle of is left out.
fn part<'a>(start: &str, end: &str, text: &'a str) -> &'a str {
    let bound = |number: &str| usize::try_from(number.parse::<i64>().unwrap_or(-1)).ok();
    let end = bound(end).filter(|end| *end <= text.len()).unwrap_or(text.len());
    let start = bound(start).unwrap_or(0).min(end);
    &text[text.ceil_char_boundary(start).min(text.floor_char_boundary(end))
        ..text.floor_char_boundary(end)]
}

fn words(text: &str, change: impl Fn(char) -> String) -> String {
    let mut is_start = true;
    let mut out = String::new();
    for c in text.chars() {
        if is_start {
            out.push_str(&change(c));
        } else {
            out.push(c);
        }
        is_start = !(c.is_alphanumeric() || c == '_');
    }
    out
}

fn swapped(text: &str) -> String {
    let swap = |c: char| -> String {
        if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
    };
    text.chars().map(swap).collect()
}

// A new word begins at a capital after a small letter, at the last of several capitals, and after what is neither letter
// nor digit.
fn cased(text: &str, between: &str) -> String {
    let mut out = String::new();
    let mut was_small = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            if !out.is_empty() && !out.ends_with(between) {
                out.push_str(between);
            }
            was_small = false;
            continue;
        }
        let is_last = chars.peek().is_some_and(|next| next.is_lowercase());
        let starts = c.is_uppercase() && (was_small || is_last);
        if starts && !out.is_empty() && !out.ends_with(between) {
            out.push_str(between);
        }
        was_small = !c.is_uppercase();
        out.extend(c.to_lowercase());
    }
    out.strip_suffix(between).unwrap_or(&out).to_owned()
}

fn camel(text: &str) -> String {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.map(|part| words(part, |first| first.to_uppercase().collect())).collect()
}

fn wrapped(text: &str, width: usize, between: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 {
            if column + 1 + length > width {
                out.push_str(between);
                column = 0;
            } else {
                out.push(' ');
                column += 1;
            }
        }
        out.push_str(word);
        column += length;
    }
    out
}

// `$NAME` and `${NAME}`
fn expanded(text: &str, world: &World<'_>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(place) = rest.find('$') {
        out.push_str(&rest[..place]);
        rest = &rest[place + 1..];
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, after) = match rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, after)) => (name, after),
            None => rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len())),
        };
        out.push_str(&(world.surroundings.variable)(name).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

// RFC 1950, section 9.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    (b << 16) | a
}

// A path without `.`, `..` and doubled slashes.
fn cleaned(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn escaped(name: &str, text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match (name, c) {
            ("escapeXML", '\t') => out.push_str("&#x9;"),
            ("escapeXML", '\n') => out.push_str("&#xA;"),
            ("escapeXML", '\r') => out.push_str("&#xD;"),
            ("escapeXML", '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            ("html" | "escapeXML" | "escapeString", '&') => out.push_str("&amp;"),
            ("html" | "escapeXML" | "escapeString", '<') => out.push_str("&lt;"),
            ("html" | "escapeXML" | "escapeString", '>') => out.push_str("&gt;"),
            ("html" | "escapeXML" | "escapeString", '"') => out.push_str("&#34;"),
            ("html" | "escapeXML" | "escapeString", '\'') => out.push_str("&#39;"),
            ("js", '\\') => out.push_str("\\\\"),
            ("js", '"') => out.push_str("\\\""),
            ("js", '\'') => out.push_str("\\'"),
            ("js", '\n') => out.push_str("\\n"),
            ("js", '<' | '>' | '&' | '=') => out.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            ("urlquery", c) if c.is_ascii_alphanumeric() || "-_.~".contains(c) => out.push(c),
            ("urlquery", ' ') => out.push('+'),
            ("urlquery", c) => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    out.extend(format!("%{byte:02X}").chars());
                }
            }
            (_, c) => out.push(c),
        }
    }
    out
}
