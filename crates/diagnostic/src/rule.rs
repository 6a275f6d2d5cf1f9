//! What is known of a rule: everything that its documentation, a report and an editor need.

use crate::Level;

/// The words of one rule. What looks for its findings lies with the crate that has the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable id, such as `SL1001`; it never changes its meaning.
    pub id: &'static str,
    /// Stable name, in words.
    pub name: &'static str,
    /// Level of its findings unless the user chose another.
    pub level: Level,
    /// Ids of the same rule in other tools.
    pub aliases: &'static [&'static str],
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// First version that has it.
    pub since: &'static str,
    /// A shortest text that it finds fault with.
    pub bad: &'static str,
    /// The same text without the fault.
    pub good: &'static str,
    /// Where more is said: addresses of public pages, sections of standards.
    pub references: &'static [&'static str],
}

impl Rule {
    /// Whether `name` is its id, name or one of its aliases, in any case.
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.trim();
        [self.id, self.name]
            .iter()
            .chain(self.aliases)
            .any(|known| known.eq_ignore_ascii_case(name))
    }
}
