//! From the text of a Dockerfile to the stages that are needed, and what each of them needs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sealift_diagnostic::{Span, closest, line_column};
use sealift_dockerfile::{Dockerfile, Instruction, InstructionKind, Limits, Stages, parse, stages};
use sealift_oci::{Platform, Reference};

use crate::Request;
use crate::error::{Error, Result};
use crate::scope::Outside;

/// A Dockerfile, understood.
pub(crate) struct Plan {
    path: PathBuf,
    source: String,
    pub(crate) file: Dockerfile,
    pub(crate) outside: Outside,
    /// One for each stage of the file; `None` if the target does not need it.
    pub(crate) stages: Vec<Option<StagePlan>>,
    pub(crate) target: usize,
    names: Vec<Option<String>>,
}

/// A stage that is needed.
#[derive(Clone, Debug)]
pub(crate) struct StagePlan {
    pub(crate) index: usize,
    /// Its name; its number if it has none.
    pub(crate) name: String,
    pub(crate) base: StageBase,
    /// `FROM` as written, expanded.
    pub(crate) base_name: String,
    pub(crate) platform: Platform,
    pub(crate) from: Instruction,
    pub(crate) instructions: Vec<Instruction>,
    /// Stages that must be finished before.
    pub(crate) needs: BTreeSet<usize>,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StageBase {
    Scratch,
    Stage(usize),
    Image(Reference),
}

/// What `--from` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Context,
    Stage(usize),
    Image(Reference),
    Scratch,
}

impl Plan {
    /// Reads the Dockerfile of a request.
    pub(crate) fn new(request: &Request) -> Result<Self> {
        let parsed = parse(&request.dockerfile, &Limits::default());
        let path = request.dockerfile_path.clone();
        if !parsed.problems.is_empty() {
            let line = line_column(&request.dockerfile, parsed.problems[0].span.start).0;
            return Err(Error::Syntax { path, line, problems: parsed.problems });
        }
        let view = stages(&parsed.file);
        if view.stages.is_empty() {
            return Err(Error::Syntax { path, line: 1, problems: Vec::new() });
        }
        let outside = Outside::new(request, &parsed.file)?;
        let names = view.stages.iter().map(|stage| stage.name.clone()).collect();
        let target = target(request, &view)?;
        let mut plan = Self {
            path,
            source: request.dockerfile.clone(),
            outside,
            stages: vec![None; view.stages.len()],
            target,
            names,
            file: parsed.file.clone(),
        };
        let mut pending = vec![target];
        while let Some(index) = pending.pop() {
            if plan.stages[index].is_some() {
                continue;
            }
            let stage = plan.stage(request, &view, index)?;
            pending.extend(&stage.needs);
            plan.stages[index] = Some(stage);
        }
        Ok(plan)
    }

    /// What `--from` names, seen from a stage.
    pub(crate) fn origin(&self, from: Option<&str>, stage: usize) -> Result<Origin> {
        let Some(from) = from.filter(|from| !from.is_empty()) else { return Ok(Origin::Context) };
        let named = |name: &Option<String>| {
            name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(from))
        };
        if let Some(index) = self.names.iter().take(stage).rposition(named) {
            return Ok(Origin::Stage(index));
        }
        if self.names.iter().skip(stage).any(named) {
            return Err(Error::StageOrder(from.to_owned()));
        }
        if let Ok(index) = from.parse::<usize>() {
            let is_before = index < stage;
            return is_before
                .then_some(Origin::Stage(index))
                .ok_or_else(|| Error::StageOrder(from.to_owned()));
        }
        if from == "scratch" {
            return Ok(Origin::Scratch);
        }
        Ok(Origin::Image(Reference::parse(from)?.or_latest()))
    }

    /// Says in which instruction something failed.
    pub(crate) fn at(&self, instruction: &Instruction) -> impl FnOnce(Error) -> Error {
        self.at_span(instruction.span, instruction.raw.clone())
    }

    pub(crate) fn at_span(&self, span: Span, text: String) -> impl FnOnce(Error) -> Error {
        let (line, _) = line_column(&self.source, span.start);
        let path = self.path.clone();
        move |error| match error {
            Error::Cancelled | Error::Instruction { .. } => error,
            other => Error::Instruction {
                path,
                line,
                span,
                instruction: first_line(&text),
                source: Box::new(other),
            },
        }
    }

    fn stage(&self, request: &Request, view: &Stages<'_>, index: usize) -> Result<StagePlan> {
        let stage = &view.stages[index];
        let at = || self.at(stage.instruction);
        let Some(from) = stage.from else {
            return Err(Error::Syntax { path: self.path.clone(), line: 1, problems: Vec::new() });
        };
        let expand = |word: &str| self.outside.expand(word, self.file.escape).map_err(at());
        let base_name = expand(&from.image.text)?;
        let platform = match &from.platform {
            Some(word) => parse_platform(&expand(&word.text)?).map_err(at())?,
            None => request.platform.clone(),
        };
        let base = match base_name.as_str() {
            "" => {
                return Err(at()(Error::Value {
                    what: "base image",
                    value: from.image.text.to_string(),
                    reason: "it is empty once its variables are expanded; declare them by ARG \
                             before the first FROM"
                        .to_owned(),
                }));
            }
            "scratch" => StageBase::Scratch,
            name => match view.named(name, index) {
                Some(stage) => StageBase::Stage(stage),
                None => StageBase::Image(
                    Reference::parse(name).map_err(|error| at()(error.into()))?.or_latest(),
                ),
            },
        };
        let mut needs = BTreeSet::new();
        needs.extend(match base {
            StageBase::Stage(stage) => Some(stage),
            _ => None,
        });
        for instruction in stage.instructions {
            for from in froms(instruction) {
                match self.origin(Some(&from), index).map_err(self.at(instruction))? {
                    Origin::Stage(stage) => drop(needs.insert(stage)),
                    Origin::Context | Origin::Image(_) | Origin::Scratch => {}
                }
            }
        }
        Ok(StagePlan {
            index,
            name: stage.name.clone().unwrap_or_else(|| index.to_string()),
            base,
            base_name,
            platform,
            from: stage.instruction.clone(),
            instructions: stage.instructions.to_vec(),
            needs,
        })
    }
}

fn target(request: &Request, view: &Stages<'_>) -> Result<usize> {
    let Some(name) = request.target.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(view.stages.len() - 1);
    };
    view.find(name, view.stages.len()).ok_or_else(|| {
        let names = view.stages.iter().filter_map(|stage| stage.name.as_deref());
        Error::UnknownTarget {
            name: name.to_owned(),
            nearest: closest(name, names).map(str::to_owned),
        }
    })
}

// What an instruction names by `--from` or `--mount=from=`; nothing if a mount cannot be read.
fn froms(instruction: &Instruction) -> Vec<String> {
    match &instruction.kind {
        InstructionKind::Copy(copy) => copy.from.iter().map(|word| word.text.to_string()).collect(),
        InstructionKind::Run(run) => {
            run.mounts.iter().filter_map(|mount| mount.from.clone()).collect()
        }
        _ => Vec::new(),
    }
}

fn parse_platform(text: &str) -> Result<Platform> {
    let parts: Vec<&str> = text.split('/').collect();
    let (os, architecture, variant) = match parts.as_slice() {
        [os, architecture] => (*os, *architecture, None),
        [os, architecture, variant] => (*os, *architecture, Some((*variant).to_owned())),
        _ => ("", "", None),
    };
    if os.is_empty() || architecture.is_empty() {
        return Err(Error::Value {
            what: "platform",
            value: text.to_owned(),
            reason: "it must be `os/architecture` or `os/architecture/variant`".to_owned(),
        });
    }
    Ok(Platform {
        architecture: architecture.to_owned(),
        os: os.to_owned(),
        os_version: None,
        variant,
    })
}

fn first_line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 120;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
