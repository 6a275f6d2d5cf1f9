//! Runs the instructions of one stage.

use std::sync::Arc;
use std::time::Instant;

use sealift_dockerfile::{Instruction, InstructionKind, parse_instruction};
use sealift_oci::{History, ImageConfig};

use crate::build::{Board, Builder, HasChanges, WasCached};
use crate::cache::Record;
use crate::configure::configure;
use crate::error::{Error, Result};
use crate::filesystem::{Base, Filesystem};
use crate::key::KeyHasher;
use crate::plan::{StageBase, StagePlan};
use crate::scope::Scope;
use crate::tree::resolve;
use crate::users::Accounts;
use crate::writer::LayerWriter;
use crate::{Event, StepId};

/// Written into every history entry of ours.
const COMMENT: &str = "sealift.dockerfile.v0";
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where a stage stands between two instructions.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) filesystem: Filesystem,
    /// Config of the image; its `rootfs` is filled in at the end.
    pub(crate) image: ImageConfig,
    pub(crate) scope: Scope,
    /// `CMD` was given in this stage.
    pub(crate) has_command: bool,
    /// The image that everything is built upon.
    pub(crate) base: Option<Arc<Base>>,
    /// Entries of the history that came from the base image.
    pub(crate) base_history: usize,
}

/// One instruction of a stage, and what it needs to know.
pub(crate) struct Step<'s> {
    pub(crate) stage: &'s StagePlan,
    pub(crate) instruction: &'s Instruction,
    pub(crate) id: StepId,
    pub(crate) board: &'s Board,
}

impl Builder<'_> {
    /// Runs a stage.
    pub(crate) fn run_stage(&self, stage: &StagePlan, board: &Board) -> Result<State> {
        let at_from = || self.plan.at(&stage.from);
        let mut state = self.start(stage, board).map_err(at_from())?;
        let triggers = std::mem::take(&mut state.image.config.on_build);
        let mut instructions = Vec::new();
        for text in &triggers {
            let parsed = parse_instruction(text, '\\').map_err(|problems| Error::Syntax {
                path: format!("ONBUILD of {}", stage.base_name).into(),
                line: 1,
                problems,
            });
            instructions.push((parsed.map_err(at_from())?, true));
        }
        instructions.extend(stage.instructions.iter().map(|own| (own.clone(), false)));
        let total = instructions.len();
        self.observer.event(Event::StageStarted {
            stage: stage.index,
            name: stage.name.clone(),
            base: stage.base_name.clone(),
            steps: total,
        });
        for (index, (instruction, is_trigger)) in instructions.iter().enumerate() {
            self.check_stop()?;
            let id = StepId {
                stage: stage.index,
                stage_name: stage.name.clone(),
                index: index + 1,
                total,
            };
            let step = Step { stage, instruction, id, board };
            let ran = self.run_step(&step, &mut state);
            if *is_trigger {
                let text = format!("ONBUILD {}", instruction.raw);
                ran.map_err(self.plan.at_span(stage.from.span, text))?;
            } else {
                ran.map_err(self.plan.at(instruction))?;
            }
        }
        Ok(state)
    }

    fn start(&self, stage: &StagePlan, board: &Board) -> Result<State> {
        let escape = self.plan.file.escape;
        let mut state = match &stage.base {
            StageBase::Stage(below) => {
                return Ok(State { has_command: false, ..board.wait_for(*below)? });
            }
            StageBase::Scratch => State {
                filesystem: Filesystem::scratch(),
                image: ImageConfig {
                    architecture: stage.platform.architecture.clone(),
                    variant: stage.platform.variant.clone(),
                    os: stage.platform.os.clone(),
                    ..ImageConfig::default()
                },
                scope: Scope::new(escape, &[]),
                has_command: false,
                base: None,
                base_history: 0,
            },
            StageBase::Image(reference) => {
                let is_final_base = self.is_final_base(stage.index);
                let base = self.base(stage, reference, &stage.base_name, is_final_base)?;
                let mut image = base.image.config.value().clone();
                complete_history(&mut image);
                State {
                    filesystem: Filesystem::of_base(&base),
                    base_history: image.history.len(),
                    image,
                    scope: Scope::new(escape, &[]),
                    has_command: false,
                    base: Some(base),
                }
            }
        };
        let environment = &mut state.image.config.env;
        if !environment.iter().any(|pair| pair.starts_with("PATH=")) {
            environment.push(DEFAULT_PATH.to_owned());
        }
        state.scope = Scope::new(escape, environment);
        Ok(state)
    }

    fn run_step(&self, step: &Step<'_>, state: &mut State) -> Result<()> {
        let start = Instant::now();
        let text = step.instruction.raw.clone();
        self.observer.event(Event::StepStarted { step: step.id.clone(), text });
        let was_cached = match &step.instruction.kind {
            InstructionKind::Run(run) => self.run(step, run, state)?,
            InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
                self.copy(step, copy, state)?
            }
            InstructionKind::Workdir(path) => self.workdir(&path.text, state)?,
            kind => {
                let text = configure(kind, state, &self.plan.outside)?;
                state.remember(text, None);
                WasCached(false)
            }
        };
        let step = step.id.clone();
        self.observer.event(match was_cached {
            WasCached(true) => Event::StepCached { step },
            WasCached(false) => Event::StepDone { step, duration: start.elapsed() },
        });
        Ok(())
    }

    // The directory is made, if it is not there, and belongs to the stage's user.
    fn workdir(&self, word: &str, state: &mut State) -> Result<WasCached> {
        let path = absolute(&state.image.config.working_dir, &state.scope.expand(word)?);
        let mut hasher = KeyHasher::new("workdir");
        hasher.field("below", state.filesystem.key.hex().as_bytes());
        hasher.field("path", path.as_bytes());
        hasher.field("user", state.image.config.user.as_bytes());
        let key = hasher.finish();
        let (record, was_cached) = self.cached_step(&key, &mut |draft| {
            let view = self.view(&state.filesystem)?;
            let place =
                resolve(&|path| crate::tree::Tree::node(&view, path), path.as_bytes(), true)?;
            if crate::tree::Tree::node(&view, &place)?.is_some_and(|node| node.is_directory()) {
                return Ok(HasChanges(false));
            }
            let owner = match state.image.config.user.as_str() {
                "" => crate::users::Owner::default(),
                user => Accounts::read(&view)?.identity(user)?.owner,
            };
            let mut writer = LayerWriter::new(self.ground(&view), &draft.upper())?;
            writer.make_directories(&place, owner)?;
            self.warn_all(writer.finish()?);
            Ok(HasChanges(true))
        })?;
        state.image.config.working_dir.clone_from(&path);
        state.push_step(&key, key.clone(), &record, format!("WORKDIR {path}"));
        Ok(was_cached)
    }
}

impl State {
    /// Puts a step on top.
    pub(crate) fn push_step(
        &mut self,
        key: &sealift_oci::Digest,
        new_key: sealift_oci::Digest,
        record: &Record,
        text: String,
    ) {
        let below = std::mem::replace(&mut self.filesystem, Filesystem::scratch());
        let snapshot = record.snapshot.as_deref();
        // A step without changes leaves the file system, and with it the keys of later steps, as it was.
        let new_key = if snapshot.is_some() { new_key } else { below.key.clone() };
        self.filesystem = below.with_step(key, new_key, snapshot);
        self.remember(text, Some(record));
    }

    /// Adds an entry to the history; one without a record made no layer.
    pub(crate) fn remember(&mut self, text: String, record: Option<&Record>) {
        self.image.history.push(History {
            created: record.map(|record| record.created.clone()),
            created_by: Some(text),
            author: None,
            comment: Some(COMMENT.to_owned()),
            empty_layer: record.is_none_or(|record| record.snapshot.is_none()),
        });
    }

    /// The shell of the shell form.
    pub(crate) fn shell(&self) -> Vec<String> {
        match self.image.config.shell.as_slice() {
            [] => vec!["/bin/sh".to_owned(), "-c".to_owned()],
            shell => shell.to_vec(),
        }
    }
}

/// An absolute path without `.` and `..`, seen from a working directory.
pub(crate) fn absolute(working_dir: &str, path: &str) -> String {
    let whole =
        if path.starts_with('/') { path.to_owned() } else { format!("{working_dir}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

// Images exist whose history says less than they have layers; ours says one entry a layer.
fn complete_history(image: &mut ImageConfig) {
    let n_layers = image.rootfs.diff_ids.len();
    let n_known = image.history.iter().filter(|entry| !entry.empty_layer).count();
    if n_known > n_layers {
        image.history.clear();
    }
    let n_known = image.history.iter().filter(|entry| !entry.empty_layer).count();
    for _ in n_known..n_layers {
        image.history.push(History {
            created: image.created.clone(),
            comment: Some("layer without history".to_owned()),
            ..History::default()
        });
    }
}
