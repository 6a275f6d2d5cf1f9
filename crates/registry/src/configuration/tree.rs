//! YAML as a tree that knows where each value comes from: a line of the file, or a variable of the environment.
//!
//! Reading follows what Go's `yaml.v2` makes of a document, since that is what registries' files were written for:
//! only the first document counts, of a key that is there twice the last, `yes` and `on` are true. Bytes, values and
//! depth are bounded; an alias is a copy, and counts as often as it is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::finding::{Finding, Place};

/// Longest text.
pub(super) const BYTES_MAX: usize = 1 << 20;
const NODES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 32;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nothing,
    /// A scalar; a plain one may mean a number or a truth.
    Text {
        text: String,
        is_plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn nothing(place: Place) -> Self {
        Self { place, value: Value::Nothing }
    }

    pub(super) fn map(place: Place) -> Self {
        Self { place, value: Value::Map(Vec::new()) }
    }

    /// The entries of a mapping; of anything else none.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The value under keys within each other.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.value == Value::Nothing
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What a scalar says of yes and no, in the words of YAML 1.1.
    pub(super) fn truth(&self) -> Option<bool> {
        match &self.value {
            Value::Text { text, is_plain: true } => truth(text),
            _ => None,
        }
    }

    /// Values in it and how deep they lie, itself included.
    fn measure(&self) -> (usize, usize) {
        let join = |(count, depth): (usize, usize), (inner, deep): (usize, usize)| {
            (count + inner, depth.max(deep + 1))
        };
        match &self.value {
            Value::Nothing | Value::Text { .. } => (1, 1),
            Value::List(items) => items.iter().map(Self::measure).fold((1, 1), join),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| entry.node.measure())
                .fold((1, 1), |sum, inner| join(sum, (inner.0 + 1, inner.1))),
        }
    }
}

/// The words of YAML 1.1 for yes and no.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(false)
        }
        _ => None,
    }
}

/// What a tree is read for.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// The file.
    File,
    /// The value of a variable.
    Variable(&'a str),
}

/// Reads the first document of a text. What is odd goes to the findings; none if it cannot be read.
pub(super) fn read(text: &str, source: Source<'_>, findings: &mut Vec<Finding>) -> Option<Node> {
    let mut reader = Reader {
        place: match source {
            Source::File => None,
            Source::Variable(name) => Some(Place::Variable(Arc::from(name))),
        },
        open: Vec::new(),
        root: None,
        nodes: 0,
        anchors: BTreeMap::new(),
        findings,
    };
    if text.len() > BYTES_MAX {
        reader.fail(1, "the text is longer than 1 MiB", "a configuration is no such long text");
        return None;
    }
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((Event::DocumentStart(_), span)) if reader.root.is_some() => {
                let place = reader.place(span.start.line());
                let finding = Finding::warning(place, "", "only the first document is read");
                reader.findings.push(finding.hint("delete what follows the line `---`"));
                break;
            }
            Ok((event, span)) => {
                let line = span.start.line();
                reader.take(event, line).map_err(|reason| (line, reason))
            }
            Err(error) => Err((error.marker().line(), error.info().to_owned())),
        };
        if let Err((line, reason)) = step {
            reader.fail(line, &reason, "the file must be YAML");
            return None;
        }
    }
    let place = reader.place(1);
    Some(reader.root.unwrap_or(Node::nothing(place)))
}

struct Reader<'f> {
    place: Option<Place>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    anchors: BTreeMap<usize, Node>,
    findings: &'f mut Vec<Finding>,
}

// A collection that is not at its end.
struct Open {
    place: Place,
    anchor: usize,
    /// Keys and values for a mapping, one after the other.
    nodes: Vec<Node>,
    is_map: bool,
}

impl Reader<'_> {
    fn place(&self, line: usize) -> Place {
        self.place.clone().unwrap_or(Place::Line(line))
    }

    fn fail(&mut self, line: usize, reason: &str, hint: &str) {
        let place = self.place(line);
        self.findings.push(Finding::error(place, "", reason).hint(hint));
    }

    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or("an alias stands inside of what it stands for")?;
                self.add(node, 0)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = match tag.as_deref() {
                    None => style == ScalarStyle::Plain,
                    Some(tag) => is_plain_by_tag(tag)?,
                };
                let value = match text.as_ref() {
                    "" | "~" | "null" | "Null" | "NULL" if is_plain => Value::Nothing,
                    _ => Value::Text { text: text.into_owned(), is_plain },
                };
                self.add(Node { place: self.place(line), value }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, false),
            Event::MappingStart(anchor, _) => self.begin(line, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, anchor: usize, is_map: bool) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} collections are within each other"));
        }
        let place = self.place(line);
        self.open.push(Open { place, anchor, nodes: Vec::new(), is_map });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let open = self.open.pop().ok_or("a collection ends that did not begin")?;
        let value = if open.is_map {
            Value::Map(self.entries(open.nodes)?)
        } else {
            Value::List(open.nodes)
        };
        // What is within it was counted when it came.
        self.count(1)?;
        self.put(Node { place: open.place, value }, open.anchor);
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        let (count, depth) = node.measure();
        if self.open.len() + depth > DEPTH_MAX + 1 {
            return Err(format!("more than {DEPTH_MAX} collections are within each other"));
        }
        self.count(count)?;
        self.put(node, anchor);
        Ok(())
    }

    fn count(&mut self, count: usize) -> Result<(), String> {
        self.nodes += count;
        if self.nodes > NODES_MAX {
            return Err(format!("there are more than {NODES_MAX} values"));
        }
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.root = Some(node),
        }
    }

    fn entries(&mut self, nodes: Vec<Node>) -> Result<Vec<Entry>, String> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut nodes = nodes.into_iter();
        while let (Some(key), Some(node)) = (nodes.next(), nodes.next()) {
            let Value::Text { text: name, is_plain } = key.value else {
                return Err("a key is not a text".to_owned());
            };
            if is_plain && name == "<<" {
                merge(node, &mut merged)?;
                continue;
            }
            let known = entries.iter_mut().find(|entry| entry.key == name);
            if let Some(known) = known {
                let message = "the key is there twice; the last one counts";
                let finding = Finding::warning(key.place.clone(), &name, message);
                self.findings.push(finding.hint("delete one of them"));
                known.node = node;
                known.place = key.place;
            } else {
                entries.push(Entry { key: name, place: key.place, node });
            }
        }
        for entry in merged {
            if !entries.iter().any(|known| known.key == entry.key) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

// Of several that are merged the first counts.
fn merge(node: Node, merged: &mut Vec<Entry>) -> Result<(), String> {
    let maps = match node.value {
        Value::List(items) => items,
        _ => vec![node],
    };
    for map in maps {
        let Value::Map(entries) = map.value else {
            return Err("only a mapping can be merged (`<<`)".to_owned());
        };
        for entry in entries {
            if !merged.iter().any(|known| known.key == entry.key) {
                merged.push(entry);
            }
        }
    }
    Ok(())
}

fn is_plain_by_tag(tag: &Tag) -> Result<bool, String> {
    match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
        (true, "str") => Ok(false),
        (true, "bool" | "int" | "float" | "null") => Ok(true),
        _ => Err("a value has a tag that means nothing here".to_owned()),
    }
}
