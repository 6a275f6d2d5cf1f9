//! Functions of lists and maps. None changes its arguments: `set` and `unset` give a new map (and a variable that they
//! are used on gets it, as in sprig).

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::functions::{Data, is_true, only, pair, short, whole};
use super::print::shown;

const ITEMS_MAX: usize = 1_000_000;
// How deep values may be nested that functions make; they are printed by recursion.
const DEPTH_MAX: usize = 60;

/// A value as a list; nothing is an empty one.
pub(super) fn list(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::Array(list) => Ok(list),
        Value::Null => Ok(&[]),
        _ => Err(format!("`{}` is no list", short(value))),
    }
}

fn map<'a>(name: &str, value: &'a Value) -> Result<Cow<'a, Map<String, Value>>, String> {
    match value {
        Value::Object(map) => Ok(Cow::Borrowed(map)),
        Value::Null => Ok(Cow::Owned(Map::new())),
        _ => Err(format!("{name}: `{}` is no map", short(value))),
    }
}

/// How many items there are.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }
}

/// An item of a list by its place.
pub(super) fn item(value: Data<'_>, place: usize) -> Option<Data<'_>> {
    match value {
        Cow::Borrowed(value) => value.get(place).map(Cow::Borrowed),
        Cow::Owned(mut value) => value.get_mut(place).map(|item| Cow::Owned(item.take())),
    }
}

fn entry<'a>(value: Data<'a>, key: &str) -> Option<Data<'a>> {
    match value {
        Cow::Borrowed(value) => value.get(key).map(Cow::Borrowed),
        Cow::Owned(mut value) => value.get_mut(key).map(|item| Cow::Owned(item.take())),
    }
}

/// `index`
pub(super) fn index(arguments: Vec<Data<'_>>) -> Result<Data<'_>, String> {
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
            (Value::Object(_), Value::String(key)) => entry(value, key).unwrap_or_default(),
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

/// `get` and `dig`
pub(super) fn dig<'a>(name: &str, mut arguments: Vec<Data<'a>>) -> Result<Data<'a>, String> {
    if name == "get" {
        pair(name, &arguments)?;
        let key = arguments.remove(1);
        return Ok(entry(arguments.remove(0), &shown(&key)).unwrap_or(Cow::Owned(json!(""))));
    }
    let value = arguments.pop().ok_or("dig needs keys, a default and a map")?;
    let default = arguments.pop().ok_or("dig needs keys, a default and a map")?;
    let mut value = Some(value);
    for key in &arguments {
        value = value.and_then(|value| entry(value, &shown(key)));
    }
    Ok(value.unwrap_or(default))
}

/// Calls a function; none if it is not one of these.
pub(super) fn call(name: &str, arguments: &[Data<'_>]) -> Result<Option<Value>, String> {
    let value = match name {
        "slice" => slice(arguments)?,
        "list" | "tuple" | "append" | "push" | "mustAppend" | "prepend" | "concat" | "until"
        | "untilStep" | "seq" | "chunk" => made(name, arguments)?,
        "dict" | "set" | "unset" | "pick" | "omit" | "merge" | "mergeOverwrite" => {
            mapped(name, arguments)?
        }
        "keys" | "values" | "hasKey" | "hasField" | "pluck" => asked(name, arguments)?,
        "has" => {
            let [item, of] = pair(name, arguments)?;
            Value::Bool(list(of)?.contains(item))
        }
        "uniq" | "sortAlpha" | "rest" | "initial" | "reverse" | "compact" | "toStrings" => {
            arranged(name, list(only(name, arguments)?)?)
        }
        "without" => {
            let (of, gone) = arguments.split_first().ok_or("without needs a list")?;
            let is_gone = |item: &&Value| gone.iter().any(|gone| **gone == **item);
            list(of)?.iter().filter(|item| !is_gone(item)).cloned().collect()
        }
        "join" => {
            let [between, of] = pair(name, arguments)?;
            match of {
                Value::Array(_) | Value::Null => {
                    let items: Vec<_> = list(of)?.iter().map(shown).collect();
                    json!(items.join(&shown(between)))
                }
                of => json!(shown(of)),
            }
        }
        _ => return Ok(None),
    };
    if depth(&value) > DEPTH_MAX {
        return Err(format!(
            "{name}: lists and maps within each other, more than {DEPTH_MAX} deep"
        ));
    }
    Ok(Some(value))
}

// Values have at most the depth of data, which the reader of JSON limits, and one more.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn slice(arguments: &[Data<'_>]) -> Result<Value, String> {
    let (value, bounds) = arguments.split_first().ok_or("slice needs a list or a text")?;
    let bound = |place: usize, usual: usize| match bounds.get(place).map(|bound| bound.as_u64()) {
        None => Ok(usual),
        Some(Some(bound)) => usize::try_from(bound).map_err(|_| "slice: out of range"),
        Some(None) => Err("slice: a bound is no number"),
    };
    let outside = || "slice: out of range".to_owned();
    Ok(match &**value {
        Value::String(text) => {
            let range = bound(0, 0)?..bound(1, text.len())?;
            json!(text.get(range).ok_or_else(outside)?)
        }
        value => {
            let list = list(value)?;
            let range = bound(0, 0)?..bound(1, list.len())?;
            json!(list.get(range).ok_or_else(outside)?)
        }
    })
}

fn made(name: &str, arguments: &[Data<'_>]) -> Result<Value, String> {
    let owned = |values: &[Data<'_>]| -> Vec<Value> {
        values.iter().map(|value| (**value).clone()).collect()
    };
    Ok(match name {
        "list" | "tuple" => Value::Array(owned(arguments)),
        "append" | "push" | "mustAppend" => {
            let [of, item] = pair(name, arguments)?;
            let mut items = list(of)?.to_vec();
            items.push(item.clone());
            Value::Array(items)
        }
        "prepend" => {
            let [of, item] = pair(name, arguments)?;
            let mut items = vec![item.clone()];
            items.extend_from_slice(list(of)?);
            Value::Array(items)
        }
        "concat" => {
            let mut items = Vec::new();
            for of in arguments {
                items.extend_from_slice(list(of)?);
            }
            Value::Array(items)
        }
        "chunk" => {
            let [size, of] = pair(name, arguments)?;
            let size = usize::try_from(whole(size)).unwrap_or(0).max(1);
            list(of)?.chunks(size).map(|part| Value::Array(part.to_vec())).collect()
        }
        _ => {
            let numbers: Vec<i64> = arguments.iter().map(|value| whole(value)).collect();
            let (start, end, step) = match (name, numbers.as_slice()) {
                ("until", [end]) => (0, *end, if *end < 0 { -1 } else { 1 }),
                ("untilStep", [start, end, step]) => (*start, *end, *step),
                ("seq", [end]) => {
                    (1, end.saturating_add(end.signum()), if *end < 1 { -1 } else { 1 })
                }
                ("seq", [start, end]) => {
                    let step = if end < start { -1 } else { 1 };
                    (*start, end.saturating_add(step), step)
                }
                ("seq", [start, step, end]) => (*start, end.saturating_add(step.signum()), *step),
                _ => return Err(format!("{name} takes other arguments")),
            };
            let numbers = count(start, end, step)?;
            if name == "seq" {
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                json!(numbers.join(" "))
            } else {
                json!(numbers)
            }
        }
    })
}

fn count(start: i64, end: i64, step: i64) -> Result<Vec<i64>, String> {
    let mut numbers = Vec::new();
    let mut next = start;
    while (step > 0 && next < end) || (step < 0 && next > end) {
        if numbers.len() >= ITEMS_MAX {
            return Err(format!("more than {ITEMS_MAX} numbers"));
        }
        numbers.push(next);
        next = next.saturating_add(step);
    }
    Ok(numbers)
}

fn mapped(name: &str, arguments: &[Data<'_>]) -> Result<Value, String> {
    if name == "dict" {
        let pairs = arguments.chunks(2);
        let value = |pair: &[Data<'_>]| pair.get(1).map(|value| (**value).clone());
        return Ok(Value::Object(
            pairs
                .map(|pair| (shown(&pair[0]).into_owned(), value(pair).unwrap_or(json!(""))))
                .collect(),
        ));
    }
    let (of, rest) = arguments.split_first().ok_or_else(|| format!("{name} needs a map"))?;
    let mut of = map(name, of)?.into_owned();
    let names: Vec<Cow<'_, str>> = rest.iter().map(|key| shown(key)).collect();
    match (name, rest) {
        ("set", [key, value]) => {
            of.insert(shown(key).into_owned(), (**value).clone());
        }
        ("unset", [key]) => {
            of.remove(&*shown(key));
        }
        ("pick", _) => of.retain(|key, _| names.iter().any(|name| name == key)),
        ("omit", _) => of.retain(|key, _| !names.iter().any(|name| name == key)),
        ("merge" | "mergeOverwrite", others) => {
            for other in others {
                for (key, value) in map(name, other)?.iter() {
                    if name == "mergeOverwrite" || !of.get(key).is_some_and(is_true) {
                        of.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        _ => return Err(format!("{name} takes other arguments")),
    }
    Ok(Value::Object(of))
}

fn asked(name: &str, arguments: &[Data<'_>]) -> Result<Value, String> {
    Ok(match name {
        "hasKey" | "hasField" => {
            let [map, key] = pair(name, arguments)?;
            Value::Bool(map.get(&*shown(key)).is_some())
        }
        "pluck" => {
            let (key, maps) = arguments.split_first().ok_or("pluck needs a key")?;
            let key = shown(key);
            maps.iter().filter_map(|map| map.get(&*key).cloned()).collect()
        }
        _ => {
            let mut items = Vec::new();
            for of in arguments {
                if !of.is_object() {
                    return Err(format!("{name}: this is no map"));
                }
                let of = map(name, of)?;
                if name == "keys" {
                    items.extend(of.keys().map(|key| json!(key)));
                } else {
                    items.extend(of.values().cloned());
                }
            }
            Value::Array(items)
        }
    })
}

fn arranged(name: &str, items: &[Value]) -> Value {
    match name {
        "uniq" => {
            let mut seen = std::collections::HashSet::new();
            items.iter().filter(|item| seen.insert(item.to_string())).cloned().collect()
        }
        "sortAlpha" => {
            let mut texts: Vec<String> =
                items.iter().map(|item| shown(item).into_owned()).collect();
            texts.sort_unstable();
            json!(texts)
        }
        "rest" => json!(items.get(1..).unwrap_or_default()),
        "initial" => json!(items.split_last().map(|(_, before)| before).unwrap_or_default()),
        "reverse" => items.iter().rev().cloned().collect(),
        "compact" => items.iter().filter(|item| is_true(item)).cloned().collect(),
        _ => items.iter().map(|item| json!(shown(item))).collect(),
    }
}
