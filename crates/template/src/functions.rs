//! The functions of templates: Go's own, sprig's, and those that trivy adds.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use regex::Regex;
use serde_json::{Number, Value, json};

use super::print::{printf, shown};
use super::{Surroundings, dates, lists, texts};

/// Bytes of a text that a function makes.
pub(super) const TEXT_BYTES_MAX: usize = 64 << 20;
const PATTERN_BYTES_MAX: usize = 1 << 20;
const PATTERNS_MAX: usize = 1000;
// What a value takes that is no text.
const CELL_BYTES: usize = 32;

pub(super) type Data<'a> = Cow<'a, Value>;

/// What functions see besides their arguments, and what they have made.
pub(super) struct World<'a> {
    pub(super) surroundings: &'a Surroundings<'a>,
    patterns: HashMap<String, Regex>,
    made_bytes: usize,
    made_bytes_max: usize,
}

impl<'a> World<'a> {
    pub(super) fn new(surroundings: &'a Surroundings<'a>, made_bytes_max: usize) -> Self {
        Self { surroundings, patterns: HashMap::new(), made_bytes: 0, made_bytes_max }
    }

    /// A regular expression, compiled once.
    pub(super) fn pattern(&mut self, text: &str) -> Result<&Regex, String> {
        if !self.patterns.contains_key(text) {
            if self.patterns.len() >= PATTERNS_MAX {
                return Err(format!("more than {PATTERNS_MAX} regular expressions"));
            }
            let built = regex::RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build();
            let built = built.map_err(|_| {
                let text: String = text.chars().take(40).collect();
                format!("`{text}` is no regular expression, or too large a one")
            })?;
            self.patterns.insert(text.to_owned(), built);
        }
        Ok(&self.patterns[text])
    }

    fn take(&mut self, name: &str, bytes: usize) -> Result<(), String> {
        self.made_bytes = self.made_bytes.saturating_add(bytes);
        if self.made_bytes > self.made_bytes_max {
            return Err(format!("{name}: functions made more than {} bytes", self.made_bytes_max));
        }
        Ok(())
    }
}

/// Calls a function; the message says what is wrong.
pub(super) fn call<'a>(
    name: &str,
    arguments: Vec<Data<'a>>,
    world: &mut World<'_>,
) -> Result<Data<'a>, String> {
    // What is added is paid for; the list itself was, when it was made.
    let added = match name {
        "append" | "push" | "prepend" | "set" => {
            let items: usize = arguments.iter().skip(1).map(|it| size(it)).sum();
            Some(items + arguments.first().map_or(0, |list| lists::length(list)) / 16)
        }
        _ => None,
    };
    let result = choose(name, arguments, world)?;
    if let Cow::Owned(value) = &result {
        let is_long = matches!(value, Value::String(text) if text.len() > TEXT_BYTES_MAX);
        if is_long {
            return Err(format!("{name}: the text is too long"));
        }
        world.take(name, added.unwrap_or_else(|| size(value)))?;
    }
    Ok(result)
}

// Data is nested no deeper than the reader of JSON allows, and a list that a function makes by one level more than its
// items; the depth is checked where that is done.
fn size(value: &Value) -> usize {
    CELL_BYTES
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(size).sum(),
            Value::Object(map) => map.iter().map(|(key, value)| key.len() + size(value)).sum(),
            _ => 0,
        }
}

fn choose<'a>(
    name: &str,
    mut arguments: Vec<Data<'a>>,
    world: &mut World<'_>,
) -> Result<Data<'a>, String> {
    match name {
        "and" => return Ok(take(arguments, |value| !is_true(value))),
        "or" | "coalesce" => return Ok(take(arguments, is_true)),
        "index" => return lists::index(arguments),
        "get" | "dig" => return lists::dig(name, arguments),
        "first" | "last" if arguments.len() == 1 => {
            let length = lists::list(&arguments[0])?.len();
            let place = if name == "first" { 0 } else { length.saturating_sub(1) };
            return Ok(lists::item(arguments.remove(0), place).unwrap_or_default());
        }
        "default" if arguments.len() == 2 => {
            let place = usize::from(is_true(&arguments[1]));
            return Ok(arguments.swap_remove(place));
        }
        "default" if arguments.len() == 1 => return Ok(arguments.remove(0)),
        "ternary" if arguments.len() == 3 => {
            let place = usize::from(!is_true(&arguments[2]));
            return Ok(arguments.swap_remove(place));
        }
        "sourceID" | "deepCopy" | "mustDeepCopy" if arguments.len() == 1 => {
            return Ok(arguments.remove(0));
        }
        _ => {}
    }
    if arguments.is_empty() {
        let constants = world.surroundings.constants.iter();
        if let Some((_, value)) = constants.clone().find(|(known, _)| *known == name) {
            return Ok(Cow::Owned(value.clone()));
        }
    }
    let value = match simple(name, &arguments)? {
        Some(value) => value,
        None => match lists::call(name, &arguments)? {
            Some(value) => value,
            None => match dates::call(name, &arguments, world.surroundings.now_secs)? {
                Some(value) => value,
                None => texts::call(name, &arguments, world)?,
            },
        },
    };
    Ok(Cow::Owned(value))
}

// Of any kind of value, and of numbers.
fn simple(name: &str, arguments: &[Data<'_>]) -> Result<Option<Value>, String> {
    Ok(Some(match name {
        "not" | "empty" => Value::Bool(!is_true(only(name, arguments)?)),
        "all" => Value::Bool(arguments.iter().all(|value| is_true(value))),
        "any" => Value::Bool(arguments.iter().any(|value| is_true(value))),
        "len" => length(only(name, arguments)?)?,
        "toRawJson" | "mustToRawJson" => json!(only(name, arguments)?.to_string()),
        "toJson" | "mustToJson" => json!(plain(&only(name, arguments)?.to_string())),
        "toPrettyJson" | "mustToPrettyJson" => {
            let text = serde_json::to_string_pretty(only(name, arguments)?);
            json!(plain(&text.unwrap_or_default()))
        }
        "fromJson" | "mustFromJson" => {
            let text = shown(only(name, arguments)?);
            serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?
        }
        "int" | "int64" | "atoi" => json!(whole(only(name, arguments)?)),
        "toDecimal" => {
            let text = shown(only(name, arguments)?).into_owned();
            json!(i64::from_str_radix(text.trim(), 8).unwrap_or(0))
        }
        "float64" => number(fraction(only(name, arguments)?)),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "deepEqual" => {
            Value::Bool(compare(if name == "deepEqual" { "eq" } else { name }, arguments)?)
        }
        "add" | "sub" | "mul" | "div" | "mod" | "max" | "biggest" | "min" | "add1" => {
            calculate(name, arguments)?
        }
        "addf" | "subf" | "mulf" | "divf" | "maxf" | "minf" | "add1f" => {
            number(calculate_fractions(name, arguments)?)
        }
        "floor" => number(fraction(only(name, arguments)?).floor()),
        "ceil" => number(fraction(only(name, arguments)?).ceil()),
        "round" => round(arguments)?,
        "kindOf" | "typeOf" => json!(kind(only(name, arguments)?)),
        "kindIs" | "typeIs" => {
            let [wanted, value] = pair(name, arguments)?;
            Value::Bool(shown(wanted) == kind(value))
        }
        "print" | "println" => Value::String(print(arguments, name == "println")),
        "printf" => {
            let (format, values) = arguments.split_first().ok_or("printf needs a format")?;
            Value::String(printf(&shown(format), values)?)
        }
        "fail" => return Err(format!("fail: {}", shown(only(name, arguments)?))),
        _ => return Ok(None),
    }))
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

pub(super) fn only<'a>(name: &str, arguments: &'a [Data<'_>]) -> Result<&'a Value, String> {
    match arguments {
        [one] => Ok(one),
        _ => Err(format!("{name} takes one argument")),
    }
}

pub(super) fn pair<'a>(name: &str, arguments: &'a [Data<'_>]) -> Result<[&'a Value; 2], String> {
    match arguments {
        [first, second] => Ok([first, second]),
        _ => Err(format!("{name} takes two arguments")),
    }
}

/// The begin of a value, for messages.
pub(super) fn short(value: &Value) -> String {
    shown(value).chars().take(40).collect()
}

// As Go writes JSON: it can stand in HTML.
fn plain(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn length(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(text) => Ok(json!(text.len())),
        Value::Array(_) | Value::Object(_) | Value::Null => Ok(json!(lists::length(value))),
        _ => Err("len: this has no length".to_owned()),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

/// A value as a whole number, as sprig makes one; 0 if it is none.
pub(super) fn whole(value: &Value) -> i64 {
    match value {
        // A cast stops at the ends.
        #[allow(clippy::cast_possible_truncation, reason = "it is what Go does within the range")]
        Value::Number(number) => {
            number.as_i64().unwrap_or_else(|| number.as_f64().unwrap_or(0.0) as i64)
        }
        Value::Bool(value) => i64::from(*value),
        value => shown(value).trim().parse().unwrap_or(0),
    }
}

fn fraction(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| shown(value).trim().parse().unwrap_or(0.0))
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
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
            "min" => Some(sum.min(*number)),
            _ => Some(sum.max(*number)),
        }
    };
    let result = rest.iter().fold(first, step);
    result
        .map(|number| Value::Number(Number::from(number)))
        .ok_or_else(|| format!("{name}: the result is no number"))
}

fn calculate_fractions(name: &str, arguments: &[Data<'_>]) -> Result<f64, String> {
    let mut numbers = arguments.iter().map(|value| fraction(value));
    let first = numbers.next().ok_or_else(|| format!("{name} needs numbers"))?;
    let first = if name == "add1f" { first + 1.0 } else { first };
    Ok(numbers.fold(first, |sum, number| match name {
        "addf" => sum + number,
        "subf" => sum - number,
        "mulf" => sum * number,
        "divf" => sum / number,
        "minf" => sum.min(number),
        _ => sum.max(number),
    }))
}

fn round(arguments: &[Data<'_>]) -> Result<Value, String> {
    let (value, places) = match arguments {
        [value] => (value, 0),
        [value, places] => (value, whole(places)),
        _ => return Err("round takes a number, and how many places".to_owned()),
    };
    let places = i32::try_from(places.clamp(0, 15)).unwrap_or(0);
    let factor = 10_f64.powi(places);
    Ok(number((fraction(value) * factor).round() / factor))
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
