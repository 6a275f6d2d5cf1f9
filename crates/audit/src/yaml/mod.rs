//! YAML and JSON as trees that know the place of every value, and edits that leave all other bytes alone.
//!
//! Entry points: [`read`], [`View`], [`edit`].
//! Invariants: reading is total — a mistake ends its document and becomes a diagnostic, and what came before it stays;
//! an alias is followed where it is asked for and never copied, and how much aliases may give in all is bounded.
//! Follows YAML 1.2.2; merge keys as in the YAML 1.1 type repository.

pub(crate) mod edit;

mod read;
mod view;

pub(crate) use read::read;
pub(crate) use view::{Entry, View};

use std::cell::Cell;

use sealift_diagnostic::{Diagnostic, Span};

/// How much of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub bytes: usize,
    /// Values, keys included.
    pub nodes: usize,
    /// Collections within each other.
    pub depth: usize,
    /// Values that are handed out, those behind aliases as often as they are asked for.
    pub visits: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, nodes: 400_000, depth: 64, visits: 8_000_000 }
    }
}

/// All documents of a file.
#[derive(Debug)]
pub(crate) struct Tree<'t> {
    pub(crate) text: &'t str,
    nodes: Vec<Node>,
    /// Root and whole of each document.
    roots: Vec<(usize, Span)>,
    /// What could not be read.
    pub(crate) problems: Vec<Diagnostic>,
    visits_left: Cell<usize>,
}

/// One value.
#[derive(Debug)]
struct Node {
    /// From its first byte, anchor and tag included, to its last.
    span: Span,
    content: Content,
    /// Written with brackets or braces.
    is_flow: bool,
    mark: Mark,
}

/// How a value stands to the one that it is merged with, by compose's own tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    /// `!reset`: as if nobody had said anything.
    Reset,
    /// `!override`: it alone counts.
    Override,
}

#[derive(Debug)]
enum Content {
    Null,
    Text(String, Quotes),
    List(Vec<usize>),
    Map(Vec<(usize, usize)>),
    Alias(usize),
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    None,
    Single,
    Double,
    /// `|` or `>`.
    Block,
}

impl Tree<'_> {
    /// The documents' roots, empty ones left out.
    pub(crate) fn documents(&self) -> impl Iterator<Item = View<'_>> {
        self.roots.iter().map(|(id, _)| View::new(self, *id)).filter(|view| !view.is_null())
    }

    /// Whether aliases asked for more than the limit, so that something was not looked at.
    pub(crate) fn is_spent(&self) -> bool {
        self.visits_left.get() == 0
    }

    /// Take `count` from what may be handed out.
    fn spend(&self, count: usize) -> bool {
        let left = self.visits_left.get().saturating_sub(count);
        self.visits_left.set(left);
        left > 0
    }
}
