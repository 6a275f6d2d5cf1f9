//! YAML as JSON: plain scalars as YAML 1.1 has them, since conftest and Kubernetes read them so, anchors, aliases and
//! merge keys.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value as Json};

const DEPTH_MAX: usize = 64;
// Of all documents together, each alias counted as what it stands for.
const VALUES_MAX: usize = 2_000_000;

/// The only document, or an array of all.
pub(super) fn read(text: &str) -> Result<Json, String> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        reader.take(event).map_err(|reason| format!("line {}: {reason}", span.start.line()))?;
    }
    Ok(match reader.documents.len() {
        0 => Json::Null,
        1 => reader.documents.remove(0),
        _ => Json::Array(reader.documents),
    })
}

// A value with its number of values and its depth.
#[derive(Clone)]
struct Node {
    value: Json,
    values: usize,
    depth: usize,
}

#[derive(Default)]
struct Reader {
    documents: Vec<Json>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    values: usize,
}

struct Open {
    anchor: usize,
    is_map: bool,
    nodes: Vec<Node>,
    merges: Vec<Json>,
    map: Map<String, Json>,
    key: Option<String>,
    values: usize,
    depth: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                self.add(node.ok_or("an alias of nothing, or of what it stands in")?)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_text =
                    style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let value = if is_text { Json::String(text.into_owned()) } else { plain(&text) };
                let node = Node { value, values: 1, depth: 0 };
                self.anchor(anchor, &node);
                self.add(node)
            }
            Event::SequenceStart(anchor, _) => self.start(anchor, false),
            Event::MappingStart(anchor, _) => self.start(anchor, true),
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().ok_or("an end without a start")?;
                let anchor = open.anchor;
                let node = open.finish();
                self.anchor(anchor, &node);
                self.add(node)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, anchor: usize, is_map: bool) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("it is nested more than {DEPTH_MAX} deep"));
        }
        self.open.push(Open {
            anchor,
            is_map,
            nodes: Vec::new(),
            merges: Vec::new(),
            map: Map::new(),
            key: None,
            values: 1,
            depth: 1,
        });
        Ok(())
    }

    fn anchor(&mut self, anchor: usize, node: &Node) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn add(&mut self, node: Node) -> Result<(), String> {
        self.values = self.values.saturating_add(node.values);
        // A collection's values were counted as they came, so that only aliases and scalars are new; counting them
        // once more for each level is a factor of the depth at most.
        if self.values > VALUES_MAX {
            return Err(format!("there are more than {VALUES_MAX} values"));
        }
        if self.open.len() + node.depth > DEPTH_MAX {
            return Err(format!("it is nested more than {DEPTH_MAX} deep"));
        }
        if let Some(open) = self.open.last_mut() {
            return open.add(node);
        }
        self.documents.push(node.value);
        Ok(())
    }
}

impl Open {
    fn add(&mut self, node: Node) -> Result<(), String> {
        self.values = self.values.saturating_add(node.values);
        self.depth = self.depth.max(node.depth + 1);
        if !self.is_map {
            self.nodes.push(node);
            return Ok(());
        }
        let Some(key) = self.key.take() else {
            self.key = Some(key_text(&node.value)?);
            return Ok(());
        };
        if key == "<<" {
            self.merges.push(node.value);
            return Ok(());
        }
        if self.map.contains_key(&key) {
            return Err(format!("the key `{key}` is there twice"));
        }
        self.map.insert(key, node.value);
        Ok(())
    }

    fn finish(self) -> Node {
        let (values, depth) = (self.values, self.depth);
        if !self.is_map {
            let items = self.nodes.into_iter().map(|node| node.value).collect();
            return Node { value: Json::Array(items), values, depth };
        }
        let mut map = self.map;
        for merge in self.merges {
            let sources = match merge {
                Json::Array(items) => items,
                other => vec![other],
            };
            for source in sources {
                let Json::Object(source) = source else { continue };
                for (key, value) in source {
                    map.entry(key).or_insert(value);
                }
            }
        }
        Node { value: Json::Object(map), values, depth }
    }
}

fn key_text(key: &Json) -> Result<String, String> {
    match key {
        Json::String(text) => Ok(text.clone()),
        Json::Null => Ok("null".to_owned()),
        Json::Bool(_) | Json::Number(_) => Ok(key.to_string()),
        Json::Array(_) | Json::Object(_) => Err("a key must be a scalar".to_owned()),
    }
}

fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Json::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Json::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return Json::String(text.to_owned());
    }
    if let Some(number) = integer(text) {
        return number;
    }
    let is_number = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number = is_number.then(|| text.parse().ok()).flatten().and_then(Number::from_f64);
    number.map_or_else(|| Json::String(text.to_owned()), Json::Number)
}

fn integer(text: &str) -> Option<Json> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.replace('_', "");
    let (radix, rest) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits.as_str()),
    };
    if let Ok(number) = u64::from_str_radix(rest, radix) {
        let negative = || Some(Json::from(0_i64.checked_sub_unsigned(number)?));
        return if is_negative { negative() } else { Some(Json::from(number)) };
    }
    None
}
