//! Looking into a tree: aliases and merge keys are followed.

use std::collections::BTreeSet;

use sealift_diagnostic::Span;

use super::{Content, Mark, Node, Quotes, Tree};

/// How deep merge keys may lead.
const MERGES_MAX: usize = 16;

/// A value in its tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    tree: &'a Tree<'a>,
    id: usize,
}

/// A key with its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// The mapping that has it itself.
    pub(crate) owner: View<'a>,
    pub(crate) key: View<'a>,
    pub(crate) value: View<'a>,
}

impl<'a> Entry<'a> {
    /// The key's text.
    pub(crate) fn name(&self) -> &'a str {
        self.key.text().unwrap_or("")
    }

    /// From the key to the end of the value.
    pub(crate) fn span(&self) -> Span {
        self.key.span().join(self.value.place())
    }
}

impl<'a> View<'a> {
    pub(super) fn new(tree: &'a Tree<'_>, id: usize) -> Self {
        // A tree is only ever read: the shorter life of the borrow is enough.
        Self { tree, id }
    }

    pub(crate) fn tree(self) -> &'a Tree<'a> {
        self.tree
    }

    /// The value itself, as written here.
    fn written(self) -> &'a Node {
        &self.tree.nodes[self.id]
    }

    /// The value, behind an alias.
    fn node(self) -> &'a Node {
        match &self.written().content {
            // What an alias stands for is never an alias itself.
            Content::Alias(target) => &self.tree.nodes[*target],
            _ => self.written(),
        }
    }

    /// Where it is written; of an alias, where the alias stands.
    pub(crate) fn place(self) -> Span {
        self.written().span
    }

    /// Where it is written; of an alias, where the value itself stands.
    pub(crate) fn span(self) -> Span {
        self.node().span
    }

    pub(crate) fn is_alias(self) -> bool {
        matches!(self.written().content, Content::Alias(_))
    }

    /// How it stands to what it is merged with.
    pub(crate) fn mark(self) -> Mark {
        self.written().mark
    }

    pub(crate) fn is_null(self) -> bool {
        matches!(self.node().content, Content::Null)
    }

    pub(crate) fn is_map(self) -> bool {
        matches!(self.node().content, Content::Map(_))
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self.node().content, Content::List(_))
    }

    /// Written with brackets or braces.
    pub(crate) fn is_flow(self) -> bool {
        self.node().is_flow
    }

    /// The text of a scalar that is not null.
    pub(crate) fn text(self) -> Option<&'a str> {
        match &self.node().content {
            Content::Text(text, _) => Some(text),
            _ => None,
        }
    }

    /// How a scalar is written.
    pub(crate) fn quotes(self) -> Quotes {
        match &self.node().content {
            Content::Text(_, quotes) => *quotes,
            _ => Quotes::None,
        }
    }

    pub(crate) fn truth(self) -> Option<bool> {
        match self.text()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// The items of a list.
    pub(crate) fn items(self) -> impl Iterator<Item = View<'a>> {
        let list: &[usize] = match &self.node().content {
            Content::List(items) if self.tree.spend(items.len() + 1) => items,
            _ => &[],
        };
        list.iter().map(move |id| Self { tree: self.tree, id: *id })
    }

    /// The entries that the mapping itself has.
    pub(crate) fn own_entries(self) -> impl Iterator<Item = Entry<'a>> {
        let pairs: &[(usize, usize)] = match &self.node().content {
            Content::Map(pairs) if self.tree.spend(pairs.len() + 1) => pairs,
            _ => &[],
        };
        pairs.iter().map(move |(key, value)| Entry {
            owner: self,
            key: Self { tree: self.tree, id: *key },
            value: Self { tree: self.tree, id: *value },
        })
    }

    /// All entries, with those of merge keys that the mapping does not have itself.
    pub(crate) fn entries(self) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        self.gather(&mut entries, &mut BTreeSet::new(), 0);
        entries
    }

    fn gather(self, into: &mut Vec<Entry<'a>>, known: &mut BTreeSet<&'a str>, depth: usize) {
        let mut merged = Vec::new();
        for entry in self.own_entries() {
            if entry.name() == "<<" {
                merged.push(entry.value);
            } else if known.insert(entry.name()) {
                into.push(entry);
            }
        }
        if depth >= MERGES_MAX {
            return;
        }
        for value in merged {
            if value.is_list() {
                value.items().for_each(|item| item.gather(into, known, depth + 1));
            } else {
                value.gather(into, known, depth + 1);
            }
        }
    }

    /// The entry of a key, its own or a merged one.
    pub(crate) fn entry(self, key: &str) -> Option<Entry<'a>> {
        self.entry_within(key, 0)
    }

    fn entry_within(self, key: &str, depth: usize) -> Option<Entry<'a>> {
        let mut merged = Vec::new();
        for entry in self.own_entries() {
            if entry.name() == key && !entry.name().is_empty() {
                return Some(entry);
            }
            if entry.name() == "<<" {
                merged.push(entry.value);
            }
        }
        if depth >= MERGES_MAX {
            return None;
        }
        merged.into_iter().find_map(|value| {
            if value.is_list() {
                value.items().find_map(|item| item.entry_within(key, depth + 1))
            } else {
                value.entry_within(key, depth + 1)
            }
        })
    }

    /// The value of a key, unless it is null.
    pub(crate) fn get(self, key: &str) -> Option<View<'a>> {
        self.entry(key).map(|entry| entry.value).filter(|value| !value.is_null())
    }

    /// The value at the end of a path of keys.
    pub(crate) fn find(self, path: &[&str]) -> Option<View<'a>> {
        path.iter().try_fold(self, |view, key| view.get(key))
    }

    /// The text of a key's value.
    pub(crate) fn word(self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(View::text)
    }
}
