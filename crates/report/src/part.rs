//! JSON documents in parts: of a long list, one item at a time is in memory. All of them at once, as values, would take
//! ten times the memory of their text.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A part of a document.
pub(crate) enum Part<'a> {
    /// As it is.
    Whole(Value),
    /// A list, whose items are made when they are written.
    Each(Items<'a>),
    /// A list of parts.
    List(Vec<Part<'a>>),
    /// An object of parts, in this order.
    Object(Vec<(&'static str, Part<'a>)>),
}

/// What makes the items of a list.
type Items<'a> = Box<dyn Fn() -> Box<dyn Iterator<Item = Value> + 'a> + 'a>;

impl<'a> Part<'a> {
    /// A list, an item for each of these.
    pub(crate) fn each<T: 'a>(
        items: &'a [T],
        make: impl Fn(usize, &'a T) -> Value + Copy + 'a,
    ) -> Self {
        let all = move || items.iter().enumerate().map(move |(place, item)| make(place, item));
        Self::Each(Box::new(move || Box::new(all())))
    }
}

impl Serialize for Part<'_> {
    // The depth is that of the code that makes a document.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(value) => value.serialize(serializer),
            Self::Each(items) => serializer.collect_seq(items()),
            Self::List(parts) => serializer.collect_seq(parts),
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (name, part) in entries {
                    map.serialize_entry(name, part)?;
                }
                map.end()
            }
        }
    }
}
