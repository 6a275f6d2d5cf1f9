//! What the rules look at: stages with their bases, and the commands of every `RUN`.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use sealift_diagnostic::Span;
use sealift_dockerfile::{
    Command, Dockerfile, Heredoc, Instruction, InstructionKind, Parse, Run, Stage, Text, stages,
    variables,
};
use sealift_shell::{Dialect, Script};

use crate::{
    Context,
    base::Base,
    rules::{ScriptFault, faults},
    shell,
    stage_shell::{StageShell, StageShells},
};

pub(crate) struct View<'a> {
    pub(crate) file: &'a Dockerfile,
    pub(crate) context: &'a Context<'a>,
    pub(crate) global: &'a [Instruction],
    pub(crate) stages: Vec<StageView<'a>>,
    /// The stages that the image is made of, the lowest first.
    final_line: Vec<usize>,
    faults: OnceCell<Vec<ScriptFault>>,
}

pub(crate) struct StageView<'a> {
    pub(crate) stage: Stage<'a>,
    /// The earlier stage that it starts from.
    pub(crate) parent: Option<usize>,
    /// The image that it starts from; `None` for a stage, and when a variable in it is not known.
    pub(crate) base: Option<Base>,
    /// Variables that `ARG` and `ENV` set in it and in those that it starts from, with how many were set before.
    pub(crate) variables: HashMap<&'a str, usize>,
    pub(crate) runs: Vec<RunView<'a>>,
}

pub(crate) struct RunView<'a> {
    pub(crate) instruction: &'a Instruction,
    pub(crate) run: &'a Run,
    /// How many of the stage's variables are set before it.
    pub(crate) n_variables: usize,
    /// The shell that reads its line.
    pub(crate) shell: StageShell,
    /// What is given to a shell, in order.
    pub(crate) scripts: Vec<ScriptView<'a>>,
    pub(crate) commands: Vec<shell::Command>,
}

/// A script of a `RUN`.
pub(crate) struct ScriptView<'a> {
    pub(crate) script: Script<'a>,
    place: Place<'a>,
    interpreter: Interpreter<'a>,
}

/// Which shell reads a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interpreter<'a> {
    /// That of `SHELL`.
    OfStage,
    /// The program of this name.
    Named(&'a str),
}

/// Where a script stands in the file.
enum Place<'a> {
    /// In a line with continuations.
    Line(&'a Text),
    /// As it is, from this byte.
    Body(usize),
}

impl ScriptView<'_> {
    /// The shell that reads it, if it is one that is known.
    pub(crate) fn dialect(&self, stage: StageShell) -> Option<Dialect> {
        match (self.interpreter, stage) {
            (Interpreter::Named(name), _) => Dialect::of_program(name),
            (Interpreter::OfStage, StageShell::Known(dialect)) => Some(dialect),
            (Interpreter::OfStage, StageShell::Other) => None,
        }
    }

    /// Where a part of the script stands in the file.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        match self.place {
            Place::Line(line) => line.span(range),
            Place::Body(start) => Span::new(start + range.start, start + range.end),
        }
    }

    fn commands(&self) -> Vec<shell::Command> {
        shell::commands(&self.script, &|range| self.span(range))
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(parse: &'a Parse, context: &'a Context<'a>) -> Self {
        let file = &parse.file;
        let found = stages(file);
        let arguments = global_arguments(found.global, file.escape);
        let mut shells = StageShells::new(file);
        let mut views: Vec<StageView<'a>> = Vec::new();
        for stage in &found.stages {
            let image = stage.from.and_then(|from| expand(&from.image, &arguments, file.escape));
            let parent = image.as_deref().and_then(|image| found.named(image, stage.index));
            let base = image.filter(|_| parent.is_none()).map(|image| Base::new(&image));
            shells.enter(parent, base.as_ref());
            let mut variables = parent
                .and_then(|at| views.get(at))
                .map_or(HashMap::new(), |it| it.variables.clone());
            let runs = runs(stage.instructions, &mut shells, &mut variables);
            views.push(StageView { stage: stage.clone(), parent, base, variables, runs });
        }
        let line = |at: &usize| views.get(*at)?.parent;
        let mut final_line: Vec<usize> =
            std::iter::successors(views.len().checked_sub(1), line).collect();
        final_line.reverse();
        let faults = OnceCell::new();
        Self { file, context, global: found.global, stages: views, final_line, faults }
    }

    /// The faults of all scripts, which many rules share.
    pub(crate) fn faults(&self) -> &[ScriptFault] {
        self.faults.get_or_init(|| faults(self))
    }

    /// The stage that becomes the image.
    pub(crate) fn last(&self) -> Option<&StageView<'a>> {
        self.stages.last()
    }

    /// A stage and those it starts from, itself first.
    pub(crate) fn lineage(&self, index: usize) -> impl Iterator<Item = &StageView<'a>> {
        // A parent always stands before its child, so this ends.
        let parent = |stage: &&StageView<'a>| self.stages.get(stage.parent?);
        std::iter::successors(self.stages.get(index), parent)
    }

    /// The image at the bottom of a stage.
    pub(crate) fn base(&self, index: usize) -> Option<&Base> {
        self.lineage(index).last()?.base.as_ref()
    }

    /// All instructions that shape the image of a stage, the latest first.
    pub(crate) fn history(&self, index: usize) -> impl Iterator<Item = &'a Instruction> {
        self.lineage(index).flat_map(|stage| stage.stage.instructions.iter().rev())
    }

    /// The steps of the final image, in order: those of the last stage and of the stages below it.
    pub(crate) fn final_runs(&self) -> impl DoubleEndedIterator<Item = &RunView<'a>> {
        let stages = self.final_line.iter().filter_map(|at| self.stages.get(*at));
        stages.flat_map(|stage| &stage.runs)
    }

    /// Every `RUN` of the file.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &RunView<'a>> {
        self.stages.iter().flat_map(|stage| &stage.runs)
    }

    /// Every command of every `RUN`.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &shell::Command> {
        self.runs().flat_map(|run| &run.commands)
    }

    /// Whether a text stands anywhere in the file: a rule asks before it looks at every word.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        self.file.source.contains(text)
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
                values.insert(argument.name.text.to_string(), value);
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

/// Names that an instruction gives a value.
fn set_variables(instruction: &Instruction) -> Vec<&str> {
    match &instruction.kind {
        InstructionKind::Arg(arguments) => arguments.iter().map(|it| it.name.as_str()).collect(),
        InstructionKind::Env(env) => env.pairs.iter().map(|pair| pair.key.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn runs<'a>(
    instructions: &'a [Instruction],
    shells: &mut StageShells<'_>,
    variables: &mut HashMap<&'a str, usize>,
) -> Vec<RunView<'a>> {
    let mut runs = Vec::new();
    for instruction in instructions {
        let instruction = match &instruction.kind {
            InstructionKind::Onbuild(onbuild) => onbuild.instruction.as_ref(),
            _ => instruction,
        };
        let shell = shells.step(instruction);
        for name in set_variables(instruction) {
            let n_before = variables.len();
            variables.entry(name).or_insert(n_before);
        }
        let InstructionKind::Run(run) = &instruction.kind else { continue };
        let scripts = match &run.command {
            Command::Exec(_) => Vec::new(),
            Command::Shell(line) => scripts(instruction, run, line),
        };
        let commands = match &run.command {
            Command::Exec(words) => shell::exec(words),
            Command::Shell(_) => scripts.iter().flat_map(ScriptView::commands).collect(),
        };
        let n_variables = variables.len();
        runs.push(RunView { instruction, run, n_variables, shell, scripts, commands });
    }
    runs
}

/// The scripts of a `RUN`: its line, or its heredoc, or both when the line is a shell that reads one.
fn scripts<'a>(instruction: &'a Instruction, run: &Run, line: &'a Text) -> Vec<ScriptView<'a>> {
    let of_heredoc = |heredoc: &'a Heredoc, interpreter: Interpreter<'a>| ScriptView {
        script: sealift_shell::parse(&heredoc.body),
        place: Place::Body(heredoc.body_span.start),
        interpreter,
    };
    if let Some(heredoc) = run.script(&instruction.heredocs) {
        let Some(interpreter) = heredoc.body.strip_prefix("#!") else {
            return vec![of_heredoc(heredoc, Interpreter::OfStage)];
        };
        let interpreter = interpreter.lines().next().unwrap_or("");
        let mut words = interpreter.split_whitespace().map(shell::base_name);
        let name = words.find(|word| *word != "env" && !word.starts_with('-')).unwrap_or("");
        let is_shell = shell::is_shell(name);
        return is_shell
            .then(|| of_heredoc(heredoc, Interpreter::Named(name)))
            .into_iter()
            .collect();
    }
    let script = sealift_shell::parse(line);
    let mut scripts =
        vec![ScriptView { script, place: Place::Line(line), interpreter: Interpreter::OfStage }];
    let first = line.split_whitespace().next().map_or("", shell::base_name);
    if shell::is_shell(first) {
        let bodies = instruction.heredocs.iter();
        scripts.extend(bodies.map(|heredoc| of_heredoc(heredoc, Interpreter::Named(first))));
    }
    scripts
}
