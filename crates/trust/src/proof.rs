//! The proof of a judgement: a tree of what was asked, what was found, and what decided.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A step of a proof and the steps that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What kind of step, for machines: `rule`, `signer`, `signature`.
    pub kind: &'static str,
    /// Whether it holds.
    pub holds: Holds,
    /// What it says, one line.
    pub text: String,
    /// What it rests on.
    pub steps: Vec<Proof>,
}

/// Whether a step holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It is something to know, and decides nothing.
    Note,
    /// It would be refused, but the policy only warns.
    Warning,
}

impl Proof {
    /// A step without others.
    pub fn new(kind: &'static str, holds: Holds, text: impl Into<String>) -> Self {
        Self { kind, holds, text: text.into(), steps: Vec::new() }
    }

    /// The same with steps.
    #[must_use]
    pub fn with(self, steps: Vec<Proof>) -> Self {
        Self { steps, ..self }
    }

    /// The tree as text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} {}\n", self.holds.mark(), self.text);
        self.write_steps(&mut text, "");
        text
    }

    fn write_steps(&self, text: &mut String, before: &str) {
        for (number, step) in self.steps.iter().enumerate() {
            let is_last = number + 1 == self.steps.len();
            let (branch, below) = if is_last { ("└─", "   ") } else { ("├─", "│  ") };
            writeln!(text, "{before}{branch} {} {}", step.holds.mark(), step.text)
                .expect("a string takes everything");
            step.write_steps(text, &format!("{before}{below}"));
        }
    }

    /// The tree for machines.
    pub fn to_json(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(Self::to_json).collect();
        json!({ "kind": self.kind, "holds": self.holds.as_str(), "text": self.text, "steps": steps })
    }
}

impl Holds {
    /// Yes or no.
    pub fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn mark(self) -> char {
        match self {
            Self::Yes => '✓',
            Self::No => '✗',
            Self::Note => '·',
            Self::Warning => '!',
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}
