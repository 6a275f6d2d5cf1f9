//! YAML documents as trees that know their lines. Anchors and aliases are refused: an entry must say what it means
//! where it stands.

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::Error;

const DEPTH_MAX: usize = 32;
const NODES_MAX: usize = 500_000;

/// A value and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// Keys and values; nothing has none.
    pub(crate) fn entries(&self, file: &str, what: &str) -> Result<&[(String, Node)], Error> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            Value::Nothing => Ok(&[]),
            _ => Err(self.error(file, what, "must be a mapping")),
        }
    }

    /// Items; nothing has none.
    pub(crate) fn items(&self, file: &str, what: &str) -> Result<&[Node], Error> {
        match &self.value {
            Value::List(items) => Ok(items),
            Value::Nothing => Ok(&[]),
            _ => Err(self.error(file, what, "must be a list")),
        }
    }

    /// The text; none if there is nothing.
    pub(crate) fn text(&self, file: &str, what: &str) -> Result<Option<&str>, Error> {
        match &self.value {
            Value::Text(text) => Ok(Some(text)),
            Value::Nothing => Ok(None),
            _ => Err(self.error(file, what, "must be a text")),
        }
    }

    /// File and line.
    pub(crate) fn place(&self, file: &str) -> String {
        format!("{file}:{}", self.line)
    }

    /// That this value cannot be used.
    pub(crate) fn error(&self, file: &str, key: &str, reason: impl Into<String>) -> Error {
        Error::Value { place: self.place(file), key: key.to_owned(), reason: reason.into() }
    }

    /// That one of these keys is not known.
    pub(crate) fn unknown_key(&self, file: &str, key: &str, known: &[&str]) -> Error {
        Error::UnknownKey {
            place: self.place(file),
            key: key.chars().take(100).collect(),
            known: known.join(", "),
        }
    }
}

/// Reads the only document of a text; an empty one is nothing.
pub(crate) fn parse(file: &str, text: &str) -> Result<Node, Error> {
    let mut builder = Builder { file, open: Vec::new(), root: None, nodes: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Error::Syntax {
            place: format!("{file}:{}", error.marker().line()),
            reason: error.info().to_owned(),
        })?;
        builder.take(event, span.start.line())?;
    }
    Ok(builder.root.unwrap_or(Node { line: 1, value: Value::Nothing }))
}

struct Builder<'a> {
    file: &'a str,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
}

// A collection that is not at its end.
struct Open {
    line: usize,
    /// Keys and values for a mapping, one after the other.
    nodes: Vec<Node>,
    is_map: bool,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Error> {
        let fail = |reason: &str| {
            Err(Error::Syntax { place: format!("{}:{line}", self.file), reason: reason.to_owned() })
        };
        match event {
            Event::Alias(_) => fail("aliases (`*name`) are not read here; write the value itself"),
            Event::Scalar(text, style, ..) => {
                let is_nothing = style == ScalarStyle::Plain
                    && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let value =
                    if is_nothing { Value::Nothing } else { Value::Text(text.into_owned()) };
                self.add(Node { line, value })
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if self.open.len() >= DEPTH_MAX {
                    return fail("is nested too deeply");
                }
                let is_map = matches!(event, Event::MappingStart(..));
                self.open.push(Open { line, nodes: Vec::new(), is_map });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return fail("has an end without a start") };
                let value = if open.is_map {
                    Value::Map(self.pairs(open.nodes)?)
                } else {
                    Value::List(open.nodes)
                };
                self.add(Node { line: open.line, value })
            }
            Event::DocumentStart(_) if self.root.is_some() => fail("is a second document"),
            _ => Ok(()),
        }
    }

    fn add(&mut self, node: Node) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let what = "a YAML file has at most 500000 values";
            return Err(Error::TooLarge { place: node.place(self.file), what });
        }
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn pairs(&self, nodes: Vec<Node>) -> Result<Vec<(String, Node)>, Error> {
        let mut pairs = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        let mut nodes = nodes.into_iter();
        while let (Some(key), Some(mut node)) = (nodes.next(), nodes.next()) {
            let fail = |reason: &str| {
                Err(Error::Syntax { place: key.place(self.file), reason: reason.to_owned() })
            };
            let Value::Text(name) = &key.value else { return fail("a key must be a text") };
            if !known.insert(name.clone()) {
                return fail(&format!("the key `{name}` is there twice"));
            }
            // Where the key stands is where people look.
            node.line = key.line;
            pairs.push((name.clone(), node));
        }
        Ok(pairs)
    }
}
