//! What is wrong with suppressions themselves.

use sealift_diagnostic::{Diagnostic, Edit, Fix, Level, Rule, Tier};

use super::{Suppression, Suppressions};
use crate::{Check, rule::Sink};

/// Where our comments are explained.
const PAGE: &str = "https://github.com/sealift/sealift/blob/main/docs/configuration.md";

pub(crate) const UNUSED_SUPPRESSION: Check = Check {
    rule: Rule {
        id: "SL3030",
        name: "unused-suppression",
        level: Level::Info,
        aliases: &[],
        why: "what silences nothing today hides the next finding of that rule, for which nobody gave a reason",
        fix: "remove the name from the comment",
        since: "0.2.0",
        bad: "# sealift: ignore=SL1010\nFROM alpine:3.22\n",
        good: "FROM alpine:3.22\n",
        references: &[PAGE],
    },
    run: |_, _| {},
};

pub(crate) const SUPPRESSION_WITHOUT_EFFECT: Check = Check {
    rule: Rule {
        id: "SL3031",
        name: "suppression-without-effect",
        level: Level::Warning,
        aliases: &[],
        why: "its author believes that it silences something",
        fix: "write it as the tool that it is for reads it",
        since: "0.2.0",
        bad: "# sealift: ignore=no-such-rule\nFROM alpine:3.22\n",
        good: "# sealift: ignore=no-digest\nFROM alpine:3.22\n",
        references: &[PAGE],
    },
    run: |_, _| {},
};

pub(crate) const INLINE_SUPPRESSION: Check = Check {
    rule: Rule {
        id: "SL3032",
        name: "inline-suppression",
        level: Level::Info,
        aliases: &["DL1001"],
        why: "some want all exceptions in one place, the configuration",
        fix: "move it to the configuration; this rule is off unless it is given a level",
        since: "0.2.0",
        bad: "# hadolint ignore=DL3006\nFROM alpine\n",
        good: "FROM alpine:3.22\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL1001"],
    },
    run: |_, _| {},
};

impl Suppressions<'_> {
    /// The findings on suppressions, once all others were asked for.
    pub(crate) fn findings(&self) -> Vec<Diagnostic> {
        let mut sinks = [UNUSED_SUPPRESSION, SUPPRESSION_WITHOUT_EFFECT, INLINE_SUPPRESSION]
            .map(|check| crate::rule(check.rule.id).map(Sink::new));
        let [Some(unused), Some(without_effect), Some(inline)] = &mut sinks else {
            return Vec::new();
        };
        for (index, suppression) in self.list.iter().enumerate() {
            if let Some(date) = &suppression.ended {
                let name = &suppression.name;
                without_effect
                    .add(suppression.span, format!("the suppression of `{name}` ended on {date}"))
                    .help = Some("mend what it silenced, or choose another date".into());
            } else if !suppression.is_used.get() && self.is_judged(suppression) {
                let name = &suppression.name;
                let finding =
                    unused.add(suppression.span, format!("`{name}` has nothing to silence here"));
                // The others of the same comment stand beside it.
                let is_same = |it: &Suppression| it.span == suppression.span;
                let beside = [index.checked_sub(1), index.checked_add(1)];
                let alone =
                    !beside.into_iter().flatten().filter_map(|at| self.list.get(at)).any(is_same);
                if alone {
                    let edit = Edit::delete(suppression.span);
                    finding.fixes.push(Fix::new(Tier::Manual, "remove the comment", vec![edit]));
                }
            }
        }
        for fault in &self.faults {
            without_effect.add(fault.span, fault.message.clone());
        }
        for span in &self.inline {
            inline.add(*span, "this comment silences findings in the file");
        }
        sinks.into_iter().flatten().flat_map(|sink| sink.findings).collect()
    }

    /// Whether all rules that it names were looked at; of one that is off nobody knows.
    fn is_judged(&self, suppression: &Suppression) -> bool {
        !suppression.rules.is_empty()
            && suppression
                .rules
                .iter()
                .all(|id| crate::rule(id).is_some_and(|rule| self.config.is_on(rule)))
    }
}
