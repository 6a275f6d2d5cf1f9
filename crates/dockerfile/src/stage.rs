//! The stages of a Dockerfile: what stands between one `FROM` and the next.

use crate::{Dockerfile, From, Instruction, InstructionKind};

/// The stages of a file, and what stands before the first.
#[derive(Debug, Clone)]
pub struct Stages<'a> {
    /// `ARG`s before the first `FROM`.
    pub global: &'a [Instruction],
    /// The stages, in order.
    pub stages: Vec<Stage<'a>>,
}

/// One stage.
#[derive(Debug, Clone)]
pub struct Stage<'a> {
    /// Its number, from zero.
    pub index: usize,
    /// Its name in lower case.
    pub name: Option<String>,
    /// Its `FROM`; `None` when that could not be read.
    pub from: Option<&'a From>,
    /// The `FROM` instruction.
    pub instruction: &'a Instruction,
    /// What follows `FROM`.
    pub instructions: &'a [Instruction],
}

/// The stages of a file; an unreadable `FROM` opens a stage too, so that the numbers of later ones hold.
pub fn stages(file: &Dockerfile) -> Stages<'_> {
    let opens = |instruction: &Instruction| instruction.keyword == Some(crate::Keyword::From);
    let all = &file.instructions;
    let starts: Vec<usize> = (0..all.len()).filter(|index| opens(&all[*index])).collect();
    let stages = starts
        .iter()
        .enumerate()
        .map(|(index, start)| {
            let end = starts.get(index + 1).copied().unwrap_or(all.len());
            let from = match &all[*start].kind {
                InstructionKind::From(from) => Some(from),
                _ => None,
            };
            Stage {
                index,
                name: from
                    .and_then(|from| from.name.as_ref())
                    .map(|name| name.to_ascii_lowercase()),
                from,
                instruction: &all[*start],
                instructions: &all[start + 1..end],
            }
        })
        .collect();
    Stages { global: &all[..starts.first().copied().unwrap_or(all.len())], stages }
}

impl Stages<'_> {
    /// The last stage of this name, in any case, among the first `before` ones.
    pub fn named(&self, name: &str, before: usize) -> Option<usize> {
        let found = |stage: &&Stage<'_>| {
            stage.name.as_deref().is_some_and(|stage| stage.eq_ignore_ascii_case(name))
        };
        self.stages.iter().take(before).rfind(found).map(|stage| stage.index)
    }

    /// The stage of this name or number among the first `before` ones.
    pub fn find(&self, reference: &str, before: usize) -> Option<usize> {
        self.named(reference, before).or_else(|| {
            reference.parse::<usize>().ok().filter(|index| *index < before.min(self.stages.len()))
        })
    }
}
