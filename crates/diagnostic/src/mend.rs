//! Mending a text: apply fixes, look again, and keep only what made it better.
//!
//! Invariants: a fix is kept only if its finding is gone afterwards and no other of its level or above came; the work
//! is bounded; mending what was mended changes nothing, for the last round applied no fix to exactly that text.

use std::collections::BTreeMap;

use crate::{Diagnostic, Fix, Level, Mended, NewFile, Tier, apply};

/// Rounds after which the rest is left; each mends what the ones before it uncovered.
const ROUNDS_MAX: usize = 1_000;
/// Most fixes that one round tries.
const FIXES_MAX: usize = 500;
/// Bytes that are looked at in all, over all tries.
const WORK_BYTES_MAX: usize = 32 << 20;

/// A text after its fixes, and what became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The text.
    pub text: String,
    /// Files that fixes made, the last content of each.
    pub files: Vec<NewFile>,
    /// The fixes that are in it, in the order of their making.
    pub applied: Vec<Applied>,
    /// Fixes that made nothing better and were left out.
    pub refused: Vec<Refused>,
    /// What is still found, with the fixes that it has.
    pub left: Vec<Diagnostic>,
}

/// A fix that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Id of the rule.
    pub rule: String,
    /// What had been found.
    pub message: String,
    /// How sure it was.
    pub tier: Tier,
    /// What it did.
    pub title: String,
}

/// A fix that was tried and left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The fix.
    pub fix: Applied,
    /// Why.
    pub refusal: Refusal,
}

/// Why a fix is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Its edits do not fit the text, or change nothing.
    Misfit,
    /// The finding is still there afterwards.
    Persists,
    /// Something else is found afterwards.
    Adds {
        /// Id of its rule.
        rule: String,
        /// Its message.
        message: String,
    },
    /// The text and its findings are so many that the work was ended before it.
    Unfinished,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Misfit => f.write_str("it does not fit the text"),
            Self::Persists => f.write_str("the finding would still be there"),
            Self::Adds { rule, message } => write!(f, "it would add {rule}: {message}"),
            Self::Unfinished => f.write_str("there is too much to do in one run"),
        }
    }
}

/// Apply all fixes up to `tier`; `lint` finds faults in a text with the files made so far beside it.
pub fn mend(
    text: &str,
    tier: Tier,
    lint: &mut dyn FnMut(&str, &[NewFile]) -> Vec<Diagnostic>,
) -> Fixed {
    let mut fixed = Fixed {
        text: text.to_owned(),
        files: Vec::new(),
        applied: Vec::new(),
        refused: Vec::new(),
        left: lint(text, &[]),
    };
    let mut work_bytes = WORK_BYTES_MAX;
    // What one round refused the next ones leave alone; the last round tries everything again.
    let mut known_bad: Vec<Applied> = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let mut round = Round::new(&fixed, work_bytes, lint);
        let mut candidates = candidates(&fixed.left, tier);
        candidates.retain(|candidate| !known_bad.contains(&candidate.applied()));
        round.settle(&candidates);
        let Round { state, kept, refused, work_left, .. } = round;
        let applied: Vec<Applied> = kept.iter().map(Candidate::applied).collect();
        work_bytes = work_left;
        let is_last = known_bad.is_empty();
        known_bad.extend(refused.iter().map(|refused| refused.fix.clone()));
        fixed.refused = refused;
        if applied.is_empty() {
            if is_last {
                break;
            }
            known_bad.clear();
            continue;
        }
        (fixed.text, fixed.files, fixed.left) = (state.text, state.files, state.findings);
        fixed.applied.extend(applied);
    }
    fixed
}

/// A finding with the fix that is to be tried.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    finding: &'a Diagnostic,
    fix: &'a Fix,
}

impl Candidate<'_> {
    fn rule(&self) -> &str {
        self.finding.rule.as_deref().unwrap_or("")
    }

    fn applied(&self) -> Applied {
        Applied {
            rule: self.rule().to_owned(),
            message: self.finding.message.clone(),
            tier: self.fix.tier,
            title: self.fix.title.clone(),
        }
    }
}

/// The first fix of each finding that is sure enough.
fn candidates(findings: &[Diagnostic], tier: Tier) -> Vec<Candidate<'_>> {
    let highest = tier.min(Tier::Suggested);
    findings
        .iter()
        .filter_map(|finding| {
            let fix = finding.fixes.iter().find(|fix| fix.tier <= highest)?;
            Some(Candidate { finding, fix })
        })
        .take(FIXES_MAX)
        .collect()
}

/// A text as it would be, with what is found in it.
struct State {
    text: String,
    files: Vec<NewFile>,
    findings: Vec<Diagnostic>,
}

/// One pass over the findings of a text.
struct Round<'a, 'l> {
    source: &'a str,
    files: &'a [NewFile],
    before: BTreeMap<&'a str, usize>,
    lint: &'l mut dyn FnMut(&str, &[NewFile]) -> Vec<Diagnostic>,
    work_left: usize,
    /// The fixes that are in `state`.
    kept: Vec<Candidate<'a>>,
    state: State,
    refused: Vec<Refused>,
}

impl<'a, 'l> Round<'a, 'l> {
    fn new(
        fixed: &'a Fixed,
        work_left: usize,
        lint: &'l mut dyn FnMut(&str, &[NewFile]) -> Vec<Diagnostic>,
    ) -> Self {
        Self {
            source: &fixed.text,
            files: &fixed.files,
            before: counts(&fixed.left),
            lint,
            work_left,
            kept: Vec::new(),
            state: State {
                text: fixed.text.clone(),
                files: fixed.files.clone(),
                findings: fixed.left.clone(),
            },
            refused: Vec::new(),
        }
    }

    /// Keep as many of the candidates as do good: all at once, or half by half.
    fn settle(&mut self, candidates: &[Candidate<'a>]) {
        let Some((first, rest)) = candidates.split_first() else { return };
        match self.attempt(candidates) {
            Ok(()) => {}
            Err(refusal) if rest.is_empty() => {
                self.refused.push(Refused { fix: first.applied(), refusal });
            }
            Err(_) => {
                // The depth is the logarithm of a bounded number.
                let (left, right) = candidates.split_at(candidates.len() / 2);
                self.settle(left);
                self.settle(right);
            }
        }
    }

    /// Take the candidates on top of what is kept. One that touches bytes of another waits for the next round.
    fn attempt(&mut self, candidates: &[Candidate<'a>]) -> Result<(), Refusal> {
        let all: Vec<Candidate<'a>> = self.kept.iter().chain(candidates).copied().collect();
        let (mended, files, taken) = self.put_in(&all);
        if taken.len() == self.kept.len() {
            let is_alone = self.kept.is_empty() && candidates.len() == 1;
            return if is_alone { Err(Refusal::Misfit) } else { Ok(()) };
        }
        if mended.text == self.state.text && files == self.state.files {
            return Err(Refusal::Misfit);
        }
        let Some(work_left) = self.work_left.checked_sub(mended.text.len() + 1) else {
            return Err(Refusal::Unfinished);
        };
        self.work_left = work_left;
        let findings = (self.lint)(&mended.text, &files);
        self.judge(&taken, &findings)?;
        self.state = State { text: mended.text, files, findings };
        self.kept = taken;
        Ok(())
    }

    fn put_in(&self, all: &[Candidate<'a>]) -> (Mended, Vec<NewFile>, Vec<Candidate<'a>>) {
        let mut made: Vec<&NewFile> = Vec::new();
        let free: Vec<Candidate<'a>> = all
            .iter()
            .filter(|candidate| {
                let Some(file) = &candidate.fix.file else {
                    return !candidate.fix.edits.is_empty();
                };
                let other = made.iter().find(|other| other.path == file.path);
                let is_free = other.is_none_or(|other| *other == file);
                made.push(file);
                is_free
            })
            .copied()
            .collect();
        let fixes: Vec<&Fix> = free.iter().map(|candidate| candidate.fix).collect();
        let mended = apply(self.source, &fixes);
        let taken: Vec<Candidate<'a>> =
            mended.applied.iter().filter_map(|index| free.get(*index)).copied().collect();
        let mut files = self.files.to_vec();
        for file in taken.iter().filter_map(|candidate| candidate.fix.file.as_ref()) {
            match files.iter_mut().find(|known| known.path == file.path) {
                Some(known) => known.content.clone_from(&file.content),
                None => files.push(file.clone()),
            }
        }
        (mended, files, taken)
    }

    /// Whether every finding that has a fix in the text is gone, and none came that matters as much.
    fn judge(&self, taken: &[Candidate<'a>], found: &[Diagnostic]) -> Result<(), Refusal> {
        let after = counts(found);
        let mut mended: BTreeMap<&str, usize> = BTreeMap::new();
        for candidate in taken {
            *mended.entry(candidate.rule()).or_default() += 1;
        }
        for (rule, number) in mended {
            let had = self.before.get(rule).copied().unwrap_or(0);
            if after.get(rule).copied().unwrap_or(0) > had.saturating_sub(number) {
                return Err(Refusal::Persists);
            }
        }
        let new = taken.iter().skip(self.kept.len());
        let least = new.map(|candidate| candidate.finding.level).min().unwrap_or(Level::Style);
        let known = counts(&self.state.findings);
        let added = found.iter().find(|finding| {
            let rule = finding.rule.as_deref().unwrap_or("");
            finding.level >= least && after.get(rule) > known.get(rule)
        });
        match added {
            Some(finding) => Err(Refusal::Adds {
                rule: finding.rule.as_deref().unwrap_or_default().to_owned(),
                message: finding.message.clone(),
            }),
            None => Ok(()),
        }
    }
}

fn counts(findings: &[Diagnostic]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.rule.as_deref().unwrap_or("")).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edit, Span};

    /// Finds each of some words, with what to write instead.
    fn faults(text: &str, table: &[(&str, Level, Tier, &str)]) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = table
            .iter()
            .flat_map(|(word, level, tier, better)| {
                text.match_indices(word).map(move |(at, _)| {
                    let span = Span::new(at, at + word.len());
                    let fix =
                        Fix::new(*tier, "write it better", vec![Edit::replace(span, *better)]);
                    Diagnostic::new(*level, span, format!("found `{word}`"))
                        .with_rule((*word).to_owned())
                        .with_fix(fix)
                })
            })
            .collect();
        found.sort_by_key(|finding| finding.span);
        found
    }

    #[track_caller]
    fn check(
        text: &str,
        tier: Tier,
        table: &[(&str, Level, Tier, &str)],
        expected: &str,
        refused: &[Refusal],
    ) {
        let mut lint = |text: &str, _: &[NewFile]| faults(text, table);
        let fixed = mend(text, tier, &mut lint);
        assert_eq!(fixed.text, expected);
        let reasons: Vec<Refusal> =
            fixed.refused.iter().map(|refused| refused.refusal.clone()).collect();
        assert_eq!(reasons, refused);
        let again = mend(&fixed.text, tier, &mut lint);
        assert_eq!((again.text, again.applied.len()), (fixed.text, 0), "idempotent");
    }

    #[test]
    fn tiers_bound_what_is_applied() {
        let table = [
            ("aa", Level::Warning, Tier::Safe, "1"),
            ("bb", Level::Warning, Tier::Suggested, "2"),
            ("cc", Level::Warning, Tier::Manual, "3"),
        ];
        check("aa bb cc", Tier::Safe, &table, "1 bb cc", &[]);
        check("aa bb cc", Tier::Suggested, &table, "1 2 cc", &[]);
        check("aa bb cc", Tier::Manual, &table, "1 2 cc", &[]);
    }

    #[test]
    fn rounds_follow_what_a_fix_uncovers() {
        let table = [
            ("aa", Level::Error, Tier::Safe, "bb"),
            ("bb", Level::Warning, Tier::Safe, "cc"),
            ("cc", Level::Info, Tier::Safe, "."),
        ];
        check("aa-aa", Tier::Safe, &table, ".-.", &[]);
    }

    #[test]
    fn fixes_that_do_no_good_are_left_out() {
        let table = [
            ("aa", Level::Warning, Tier::Safe, "aa!"),
            ("bb", Level::Warning, Tier::Safe, "dd"),
            ("cc", Level::Warning, Tier::Safe, "3"),
            ("dd", Level::Error, Tier::Manual, ""),
        ];
        let adds = Refusal::Adds { rule: "dd".to_owned(), message: "found `dd`".to_owned() };
        check("aa bb cc cc", Tier::Safe, &table, "aa bb 3 3", &[Refusal::Persists, adds]);
        // Two that undo each other do not dance forever.
        let table =
            [("aa", Level::Warning, Tier::Safe, "bb"), ("bb", Level::Warning, Tier::Safe, "aa")];
        let adds = Refusal::Adds { rule: "bb".to_owned(), message: "found `bb`".to_owned() };
        check("aa", Tier::Safe, &table, "aa", &[adds]);
    }

    #[test]
    fn files_are_made_one_after_the_other() {
        let mut lint = |_: &str, files: &[NewFile]| {
            let content = files.first().map_or("", |file| file.content.as_str());
            let missing = ["a\n", "b\n"].into_iter().filter(|line| !content.contains(line));
            missing
                .map(|line| {
                    let mut fix = Fix::new(Tier::Safe, "list it", Vec::new());
                    let content = format!("{content}{line}");
                    fix.file = Some(NewFile { path: ".dockerignore".to_owned(), content });
                    Diagnostic::error(Span::at(0), line).with_rule(line.to_owned()).with_fix(fix)
                })
                .collect()
        };
        let fixed = mend("x", Tier::Safe, &mut lint);
        assert_eq!(fixed.files.len(), 1);
        assert_eq!((fixed.files[0].content.as_str(), fixed.applied.len()), ("a\nb\n", 2));
        assert!(fixed.left.is_empty());
    }

    #[test]
    fn many_bad_fixes_end() {
        let table = [("a", Level::Warning, Tier::Safe, "b"), ("b", Level::Error, Tier::Manual, "")];
        let text = "a".repeat(700);
        let fixed = mend(&text, Tier::Safe, &mut |text, _| faults(text, &table));
        assert_eq!(fixed.text, text);
    }
}
