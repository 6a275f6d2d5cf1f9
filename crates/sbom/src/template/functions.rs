//! The functions of templates: Go's own, and those of sprig (which syft has too) that lists of packages need.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value, json};

use super::print::{printf, quoted, shown};

const TEXT_BYTES_MAX: usize = 64 << 20;

type Data<'a> = Cow<'a, Value>;

/// Calls a function; the message says what is wrong.
pub(super) fn call<'a>(name: &str, mut arguments: Vec<Data<'a>>) -> Result<Data<'a>, String> {
    match name {
        "and" => return Ok(take(arguments, |value| !is_true(value))),
        "or" | "coalesce" => return Ok(take(arguments, is_true)),
        "index" => return index(arguments),
        "slice" => return slice(&arguments),
        "first" | "last" if arguments.len() == 1 => {
            let place =
                if name == "first" { 0 } else { list(&arguments[0])?.len().saturating_sub(1) };
            return Ok(item(arguments.remove(0), place).unwrap_or(Cow::Owned(Value::Null)));
        }
        "default" if arguments.len() == 2 => {
            let place = usize::from(is_true(&arguments[1]));
            return Ok(arguments.swap_remove(place));
        }
        "ternary" if arguments.len() == 3 => {
            let place = usize::from(!is_true(&arguments[2]));
            return Ok(arguments.swap_remove(place));
        }
        _ => {}
    }
    let value = match name {
        "not" | "len" | "empty" | "uniq" | "sortAlpha" | "keys" | "toJson" | "toPrettyJson"
        | "toString" | "int" => unary(name, only(name, &arguments)?)?,
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => Value::Bool(compare(name, &arguments)?),
        "add" | "sub" | "mul" | "div" | "mod" | "max" | "min" | "add1" => {
            calculate(name, &arguments)?
        }
        "print" | "println" => Value::String(print(&arguments, name == "println")),
        "printf" => {
            let (format, values) = arguments.split_first().ok_or("printf needs a format")?;
            Value::String(printf(&shown(format), values)?)
        }
        // Of plain values only: lists within lists could grow without end.
        "list" => {
            if arguments.iter().any(|value| value.is_array() || value.is_object()) {
                return Err("list: lists within lists are not supported".to_owned());
            }
            Value::Array(arguments.into_iter().map(Cow::into_owned).collect())
        }
        "hasKey" | "hasField" => {
            let [map, key] = pair(name, &arguments)?;
            Value::Bool(map.get(&*shown(key)).is_some())
        }
        "has" => {
            let [item, of] = pair(name, &arguments)?;
            Value::Bool(list(of)?.contains(item))
        }
        _ => texts(name, &arguments)?,
    };
    let is_long = matches!(&value, Value::String(text) if text.len() > TEXT_BYTES_MAX);
    if is_long {
        return Err(format!("{name}: the text is too long"));
    }
    Ok(Cow::Owned(value))
}

/// What `if` takes for true: what is not empty.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

// The first that fits, or the last.
fn take(arguments: Vec<Data<'_>>, fits: impl Fn(&Value) -> bool) -> Data<'_> {
    let mut last = Cow::Owned(Value::Null);
    for value in arguments {
        let is_found = fits(&value);
        last = value;
        if is_found {
            break;
        }
    }
    last
}

fn only<'a>(name: &str, arguments: &'a [Data<'_>]) -> Result<&'a Value, String> {
    match arguments {
        [one] => Ok(one),
        _ => Err(format!("{name} takes one argument")),
    }
}

fn pair<'a>(name: &str, arguments: &'a [Data<'_>]) -> Result<[&'a Value; 2], String> {
    match arguments {
        [first, second] => Ok([first, second]),
        _ => Err(format!("{name} takes two arguments")),
    }
}

fn list(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::Array(list) => Ok(list),
        Value::Null => Ok(&[]),
        _ => Err(format!("`{}` is no list", short(value))),
    }
}

fn short(value: &Value) -> String {
    shown(value).chars().take(40).collect()
}

fn unary(name: &str, value: &Value) -> Result<Value, String> {
    Ok(match name {
        "not" => Value::Bool(!is_true(value)),
        "empty" => Value::Bool(!is_true(value)),
        "len" => match value {
            Value::String(text) => json!(text.len()),
            Value::Array(list) => json!(list.len()),
            Value::Object(map) => json!(map.len()),
            Value::Null => json!(0),
            _ => return Err("len: this has no length".to_owned()),
        },
        "uniq" => {
            let mut seen = std::collections::HashSet::new();
            list(value)?.iter().filter(|item| seen.insert(item.to_string())).cloned().collect()
        }
        "sortAlpha" => {
            let mut texts: Vec<String> =
                list(value)?.iter().map(|item| shown(item).into_owned()).collect();
            texts.sort_unstable();
            json!(texts)
        }
        "keys" => match value {
            Value::Object(map) => map.keys().cloned().collect(),
            _ => return Err("keys: this is no map".to_owned()),
        },
        "toJson" => json!(value.to_string()),
        "toPrettyJson" => json!(serde_json::to_string_pretty(value).unwrap_or_default()),
        "toString" => json!(shown(value)),
        _ => match value {
            Value::Number(number) => json!(number.as_i64().unwrap_or_default()),
            value => json!(shown(value).trim().parse::<i64>().unwrap_or_default()),
        },
    })
}

fn index(arguments: Vec<Data<'_>>) -> Result<Data<'_>, String> {
    let mut arguments = arguments.into_iter();
    let mut value = arguments.next().ok_or("index needs something to look into")?;
    for key in arguments {
        value = match (&*value, &*key) {
            (Value::Array(_), Value::Number(number)) => {
                let place = number.as_u64().and_then(|number| usize::try_from(number).ok());
                place
                    .and_then(|place| item(value, place))
                    .ok_or_else(|| format!("index: there is no item {number}"))?
            }
            (Value::Object(map), Value::String(key)) => match value.clone() {
                Cow::Borrowed(value) => {
                    value.get(key).map_or(Cow::Owned(Value::Null), Cow::Borrowed)
                }
                Cow::Owned(_) => Cow::Owned(map.get(key).cloned().unwrap_or_default()),
            },
            (Value::Null, _) => Cow::Owned(Value::Null),
            _ => {
                return Err(
                    "index: this is neither a list nor a map, or the key does not suit".to_owned()
                );
            }
        };
    }
    Ok(value)
}

fn item(value: Data<'_>, place: usize) -> Option<Data<'_>> {
    match value {
        Cow::Borrowed(value) => value.get(place).map(Cow::Borrowed),
        Cow::Owned(mut value) => value.get_mut(place).map(|item| Cow::Owned(item.take())),
    }
}

fn slice<'a>(arguments: &[Data<'_>]) -> Result<Data<'a>, String> {
    let (value, bounds) = arguments.split_first().ok_or("slice needs a list or a text")?;
    let bound = |place: usize, usual: usize| match bounds.get(place).map(|bound| bound.as_u64()) {
        None => Ok(usual),
        Some(Some(bound)) => usize::try_from(bound).map_err(|_| "slice: out of range"),
        Some(None) => Err("slice: a bound is no number"),
    };
    let outside = || "slice: out of range".to_owned();
    Ok(Cow::Owned(match &**value {
        Value::String(text) => {
            let range = bound(0, 0)?..bound(1, text.len())?;
            json!(text.get(range).ok_or_else(outside)?)
        }
        value => {
            let list = list(value)?;
            let range = bound(0, 0)?..bound(1, list.len())?;
            json!(list.get(range).ok_or_else(outside)?)
        }
    }))
}

fn compare(name: &str, arguments: &[Data<'_>]) -> Result<bool, String> {
    let (first, rest) = arguments.split_first().ok_or_else(|| format!("{name} needs arguments"))?;
    if rest.is_empty() || (name != "eq" && rest.len() != 1) {
        return Err(format!("{name} takes two arguments"));
    }
    if name == "eq" {
        return Ok(rest.iter().any(|other| is_equal(first, other)));
    }
    if name == "ne" {
        return Ok(!is_equal(first, &rest[0]));
    }
    let order = match (&**first, &*rest[0]) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (a, b) => a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b)),
    };
    let order = order.ok_or_else(|| format!("{name}: these cannot be compared"))?;
    Ok(match name {
        "lt" => order == Ordering::Less,
        "le" => order != Ordering::Greater,
        "gt" => order == Ordering::Greater,
        _ => order != Ordering::Less,
    })
}

fn is_equal(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.partial_cmp(&b) == Some(Ordering::Equal),
        _ => a == b,
    }
}

fn calculate(name: &str, arguments: &[Data<'_>]) -> Result<Value, String> {
    let mut numbers = Vec::new();
    for value in arguments {
        let number = value.as_i64().or_else(|| shown(value).trim().parse().ok());
        numbers
            .push(number.ok_or_else(|| format!("{name}: `{}` is no whole number", short(value)))?);
    }
    let (first, rest) = numbers.split_first().ok_or_else(|| format!("{name} needs numbers"))?;
    let first = if name == "add1" { first.checked_add(1) } else { Some(*first) };
    let step = |sum: Option<i64>, number: &i64| {
        let sum = sum?;
        match name {
            "add" => sum.checked_add(*number),
            "sub" => sum.checked_sub(*number),
            "mul" => sum.checked_mul(*number),
            "div" => sum.checked_div(*number),
            "mod" => sum.checked_rem(*number),
            "max" => Some(sum.max(*number)),
            _ => Some(sum.min(*number)),
        }
    };
    let result = rest.iter().fold(first, step);
    result
        .map(|number| Value::Number(Number::from(number)))
        .ok_or_else(|| format!("{name}: the result is no number"))
}

// As Go's `Sprint`: a space between two of which neither is a text.
fn print(arguments: &[Data<'_>], is_line: bool) -> String {
    let mut out = String::new();
    for (place, value) in arguments.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| &arguments[before]);
        let has_text = value.is_string() || before.is_some_and(|before| before.is_string());
        if place > 0 && (is_line || !has_text) {
            out.push(' ');
        }
        out.push_str(&shown(value));
    }
    if is_line {
        out.push('\n');
    }
    out
}

// Functions whose last argument is a text, so that one can be piped in.
fn texts(name: &str, arguments: &[Data<'_>]) -> Result<Value, String> {
    let unknown =
        || format!("there is no function `{name}`, or not with {} arguments", arguments.len());
    if let ("join", [between, of]) = (name, arguments) {
        let items: Vec<_> = list(of)?.iter().map(shown).collect();
        return Ok(json!(items.join(&shown(between))));
    }
    let shown: Vec<Cow<'_, str>> = arguments.iter().map(|value| shown(value)).collect();
    let parts: Vec<&str> = shown.iter().map(AsRef::as_ref).collect();
    Ok(match (name, parts.as_slice()) {
        ("html" | "js" | "urlquery", [text]) => json!(escaped(name, text)),
        ("upper", [text]) => json!(text.to_uppercase()),
        ("lower", [text]) => json!(text.to_lowercase()),
        ("title", [text]) => json!(title(text)),
        ("trim", [text]) => json!(text.trim()),
        ("nospace", [text]) => json!(text.split_whitespace().collect::<String>()),
        ("quote", [text]) => json!(quoted(text)),
        ("squote", [text]) => json!(format!("'{text}'")),
        ("trimPrefix", [prefix, text]) => json!(text.strip_prefix(prefix).unwrap_or(text)),
        ("trimSuffix", [suffix, text]) => json!(text.strip_suffix(suffix).unwrap_or(text)),
        ("trimAll", [of, text]) => json!(text.trim_matches(|c| of.contains(c))),
        ("hasPrefix", [prefix, text]) => json!(text.starts_with(prefix)),
        ("hasSuffix", [suffix, text]) => json!(text.ends_with(suffix)),
        ("contains", [part, text]) => json!(text.contains(part)),
        ("splitList", [between, text]) => json!(text.split(between).collect::<Vec<_>>()),
        ("replace", [old, new, text]) => {
            let growth = text.len().saturating_mul(new.len().max(1));
            bounded(name, growth, || text.replace(old, new))?
        }
        ("repeat", [count, text]) => {
            let count: usize = count.parse().map_err(|_| "repeat: the count is no number")?;
            bounded(name, count.saturating_mul(text.len()), || text.repeat(count))?
        }
        ("trunc", [count, text]) => {
            let count: usize = count.parse().map_err(|_| "trunc: the length is no number")?;
            json!(text.chars().take(count).collect::<String>())
        }
        ("indent" | "nindent", [count, text]) => {
            let count: usize = count.parse().map_err(|_| "indent: the count is no number")?;
            let growth = count.saturating_mul(text.matches('\n').count() + 1);
            let newline = if name == "nindent" { "\n" } else { "" };
            bounded(name, growth, || {
                let space = " ".repeat(count);
                format!("{newline}{space}{}", text.replace('\n', &format!("\n{space}")))
            })?
        }
        _ => return Err(unknown()),
    })
}

fn bounded(name: &str, bytes: usize, make: impl FnOnce() -> String) -> Result<Value, String> {
    if bytes > TEXT_BYTES_MAX {
        return Err(format!("{name}: the text is too long"));
    }
    Ok(Value::String(make()))
}

fn title(text: &str) -> String {
    let mut is_start = true;
    let mut out = String::new();
    for c in text.chars() {
        if is_start {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        is_start = c.is_whitespace();
    }
    out
}

fn escaped(name: &str, text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match (name, c) {
            ("html", '&') => out.push_str("&amp;"),
            ("html", '<') => out.push_str("&lt;"),
            ("html", '>') => out.push_str("&gt;"),
            ("html", '"') => out.push_str("&#34;"),
            ("html", '\'') => out.push_str("&#39;"),
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
