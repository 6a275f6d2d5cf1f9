//! What the rules look at: stages with their bases, and the commands of every `RUN`.

use std::collections::BTreeMap;

use sealift_diagnostic::Span;
use sealift_dockerfile::{
    Dockerfile, Heredoc, Instruction, InstructionKind, Parse, Program, Run, Stage, stages,
    variables,
};

use crate::{Context, base::Base, shell};

pub(crate) struct View<'a> {
    pub(crate) file: &'a Dockerfile,
    pub(crate) context: &'a Context<'a>,
    pub(crate) global: &'a [Instruction],
    pub(crate) stages: Vec<StageView<'a>>,
}

pub(crate) struct StageView<'a> {
    pub(crate) stage: Stage<'a>,
    /// The earlier stage that it starts from.
    pub(crate) parent: Option<usize>,
    /// The image that it starts from; `None` for a stage, and when a variable in it is not known.
    pub(crate) base: Option<Base>,
    pub(crate) runs: Vec<RunView<'a>>,
}

pub(crate) struct RunView<'a> {
    pub(crate) instruction: &'a Instruction,
    pub(crate) run: &'a Run,
    pub(crate) commands: Vec<shell::Command>,
}

impl<'a> View<'a> {
    pub(crate) fn new(parse: &'a Parse, context: &'a Context<'a>) -> Self {
        let file = &parse.file;
        let found = stages(file);
        let arguments = global_arguments(found.global, file.escape);
        let views = found
            .stages
            .iter()
            .map(|stage| {
                let image =
                    stage.from.and_then(|from| expand(&from.image, &arguments, file.escape));
                let parent = image.as_deref().and_then(|image| found.named(image, stage.index));
                let base = image.filter(|_| parent.is_none()).map(|image| Base::new(&image));
                StageView { stage: stage.clone(), parent, base, runs: runs(stage.instructions) }
            })
            .collect();
        Self { file, context, global: found.global, stages: views }
    }

    /// The stage that becomes the image.
    pub(crate) fn last(&self) -> Option<&StageView<'a>> {
        self.stages.last()
    }

    /// A stage and those it starts from, itself first.
    pub(crate) fn lineage(&self, index: usize) -> Vec<&StageView<'a>> {
        let mut line = Vec::new();
        let mut next = self.stages.get(index);
        while let Some(stage) = next {
            line.push(stage);
            // A parent always stands before its child, so this ends.
            next = stage.parent.and_then(|parent| self.stages.get(parent));
        }
        line
    }

    /// The image at the bottom of a stage.
    pub(crate) fn base(&self, index: usize) -> Option<&Base> {
        self.lineage(index).last()?.base.as_ref()
    }

    /// All instructions that shape the image of a stage, the latest first.
    pub(crate) fn history(&self, index: usize) -> impl Iterator<Item = &'a Instruction> {
        let line: Vec<_> =
            self.lineage(index).into_iter().map(|it| it.stage.instructions).collect();
        line.into_iter().flat_map(|instructions| instructions.iter().rev())
    }

    /// Every `RUN` of the file.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &RunView<'a>> {
        self.stages.iter().flat_map(|stage| &stage.runs)
    }

    /// Every command of every `RUN`.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &shell::Command> {
        self.runs().flat_map(|run| &run.commands)
    }

    /// Every instruction of every stage; a trigger of `ONBUILD` counts as itself.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = &'a Instruction> {
        self.file.instructions.iter().map(|instruction| match &instruction.kind {
            InstructionKind::Onbuild(onbuild) => onbuild.instruction.as_ref(),
            _ => instruction,
        })
    }
}

/// Defaults of the `ARG`s before the first `FROM`, and the platform arguments that the builder sets.
fn global_arguments(global: &[Instruction], escape: char) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for instruction in global {
        let InstructionKind::Arg(arguments) = &instruction.kind else { continue };
        for argument in arguments {
            let Some(value) = &argument.value else { continue };
            if let Some(value) = expand(value, &values, escape) {
                values.insert(argument.name.text.clone(), value);
            }
        }
    }
    values
}

/// A word with its variables put in; `None` when one of them is not known.
fn expand(word: &str, values: &BTreeMap<String, String>, escape: char) -> Option<String> {
    let options =
        variables::Options { escape, quotes: variables::Quotes::Remove, keep_unset: false };
    let lookup = |name: &str| values.get(name).cloned();
    let found = variables::expand_with(word, &lookup, options).ok()?;
    found.unmatched.is_empty().then_some(found.text)
}

fn runs(instructions: &[Instruction]) -> Vec<RunView<'_>> {
    instructions
        .iter()
        .filter_map(|instruction| match &instruction.kind {
            InstructionKind::Run(run) => Some((instruction, run)),
            InstructionKind::Onbuild(onbuild) => match &onbuild.instruction.kind {
                InstructionKind::Run(run) => Some((onbuild.instruction.as_ref(), run)),
                _ => None,
            },
            _ => None,
        })
        .map(|(instruction, run)| RunView {
            instruction,
            run,
            commands: commands(instruction, run),
        })
        .collect()
}

/// The commands of a `RUN`: of its line, or of the script in its heredoc.
fn commands(instruction: &Instruction, run: &Run) -> Vec<shell::Command> {
    let line = match &run.command {
        sealift_dockerfile::Command::Exec(words) => return shell::exec(words),
        sealift_dockerfile::Command::Shell(line) => line,
    };
    let script = |heredoc: &Heredoc| {
        let start = heredoc.body_span.start;
        shell::split(&heredoc.body, &|range| Span::new(start + range.start, start + range.end))
    };
    match (run.program(&instruction.heredocs), instruction.heredocs.first()) {
        (Program::File { content, .. }, Some(heredoc)) => {
            let interpreter = content.lines().next().unwrap_or("");
            if interpreter.ends_with("sh") || interpreter.contains("sh ") {
                script(heredoc)
            } else {
                Vec::new()
            }
        }
        (Program::Shell(text), Some(heredoc)) if !text.starts_with(line.as_str()) => {
            script(heredoc)
        }
        _ => {
            let mut commands = shell::split(line, &|range| line.span(range));
            let feeds_shell =
                commands.first().is_some_and(|command| shell::is_shell(command.name()));
            if feeds_shell {
                commands.extend(instruction.heredocs.iter().flat_map(script));
            }
            commands
        }
    }
}
