//! What is known of the value of each variable while a script runs.

use std::collections::HashMap;

use crate::{Part, PartKind, Word, assignment_name};

/// What a value is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Empty.
    Empty,
    /// One word whether it is quoted or not.
    Clean,
    /// May have blanks or patterns in it.
    Dirty,
}

impl Value {
    fn of_text(text: &str) -> Self {
        if text.is_empty() {
            Self::Empty
        } else if text.contains([' ', '\t', '\n', '*', '?', '[']) {
            Self::Dirty
        } else {
            Self::Clean
        }
    }

    /// The two one after the other.
    fn append(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, other) => other,
            (this, Self::Empty) => this,
            (Self::Clean, Self::Clean) => Self::Clean,
            _ => Self::Dirty,
        }
    }

    /// One of the two.
    pub(super) fn or(self, other: Self) -> Self {
        self.append(other)
    }
}

/// Names of variables with what they were before, or are.
pub(super) type Changes<'a> = Vec<(&'a str, Option<Value>)>;

/// The variables, with the way back to an earlier moment.
pub(super) struct Variables<'a> {
    /// What is set before the script starts.
    is_set: &'a dyn Fn(&str) -> bool,
    values: HashMap<&'a str, Value>,
    journal: Changes<'a>,
    /// Whether what follows can be reached at all.
    pub(super) alive: bool,
}

/// Variables of the shell that never need quotes.
const CLEAN: [&str; 14] = [
    "?", "#", "$", "!", "-", "EUID", "LINENO", "OPTIND", "PPID", "RANDOM", "SECONDS", "SHLVL",
    "UID", "COLUMNS",
];

impl<'a> Variables<'a> {
    pub(super) fn new(is_set: &'a dyn Fn(&str) -> bool) -> Self {
        Self { is_set, values: HashMap::new(), journal: Vec::new(), alive: true }
    }

    /// Whether the variable is one word without quotes too.
    pub(super) fn is_clean(&self, name: &str) -> bool {
        self.value(name) == Value::Clean || CLEAN.contains(&name)
    }

    fn value(&self, name: &str) -> Value {
        self.values.get(name).copied().unwrap_or_else(|| {
            // What is not known may come from outside.
            let is_clean = CLEAN.contains(&name) || (self.is_set)(name);
            if is_clean { Value::Clean } else { Value::Dirty }
        })
    }

    pub(super) fn set(&mut self, name: &'a str, value: Value) {
        let before = self.values.insert(name, value);
        self.journal.push((name, before));
    }

    /// Add to the value of a variable.
    pub(super) fn add(&mut self, name: &'a str, value: Value) {
        self.set(name, self.value(name).append(value));
    }

    /// The value may also be this.
    pub(super) fn may_be(&mut self, name: &'a str, value: Value) {
        self.set(name, self.value(name).or(value));
    }

    /// What the parts of a word give together.
    pub(super) fn of_word(&self, word: &Word<'_>) -> Value {
        self.of_parts(&word.parts)
    }

    pub(super) fn of_parts(&self, parts: &[Part<'_>]) -> Value {
        parts.iter().fold(Value::Empty, |value, part| value.append(self.of_part(part)))
    }

    /// The value of an argument that assigns, which starts with some plain text.
    pub(super) fn of_assigned(&self, start: &str, word: &Word<'_>) -> Value {
        Value::of_text(start).append(self.of_parts(word.parts.get(1..).unwrap_or_default()))
    }

    fn of_part(&self, part: &Part<'_>) -> Value {
        match &part.kind {
            PartKind::Literal(text)
            | PartKind::Escaped(text)
            | PartKind::Single(text)
            | PartKind::Tilde(text) => Value::of_text(text),
            PartKind::Double(parts) => self.of_parts(parts),
            PartKind::Variable(name) => self.value(name),
            PartKind::Expansion(it) if it.length => Value::Clean,
            PartKind::Expansion(it)
                if it.operator.is_empty() && !it.indirect && it.index.is_none() =>
            {
                self.value(it.name)
            }
            PartKind::Arithmetic(_) => Value::Clean,
            _ => Value::Dirty,
        }
    }

    /// Where the journal stands now.
    pub(super) fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Go back to a moment; what was changed since, with its last value.
    pub(super) fn back(&mut self, mark: usize) -> Changes<'a> {
        let changes: Changes<'a> = self.journal[mark..]
            .iter()
            .map(|(name, _)| (*name, self.values.get(name).copied()))
            .collect();
        for (name, before) in self.journal.drain(mark..).rev() {
            match before {
                Some(value) => self.values.insert(name, value),
                None => self.values.remove(name),
            };
        }
        changes
    }

    /// What holds after one of several ways; a way that never ends here is left out by the caller.
    pub(super) fn merge(&mut self, ways: &[Changes<'a>]) {
        let Some((first, others)) = ways.split_first() else { return };
        if ways.iter().all(Vec::is_empty) {
            return;
        }
        if others.is_empty() {
            for (name, value) in first {
                self.set(name, value.unwrap_or(Value::Dirty));
            }
            return;
        }
        let mut count: HashMap<&'a str, (usize, Value)> = HashMap::new();
        for way in ways {
            let last: HashMap<&'a str, Option<Value>> = way.iter().copied().collect();
            for (name, value) in last {
                let value = value.unwrap_or(Value::Dirty);
                let entry = count.entry(name).or_insert((0, Value::Empty));
                *entry = (entry.0 + 1, entry.1.or(value));
            }
        }
        for (name, (n_ways, value)) in count {
            if n_ways == ways.len() {
                self.set(name, value);
            } else {
                self.may_be(name, value);
            }
        }
    }
}

/// The name that an argument assigns to, such as those of `export`, and the plain text behind `=`.
pub(super) fn assigned<'a>(word: &Word<'a>) -> Option<(&'a str, &'a str)> {
    let start = word.start();
    Some((assignment_name(start)?, start.split_once('=')?.1))
}
