//! Which shell reads the lines of a stage: that of `SHELL`, of a pragma, or of the base.

use sealift_dockerfile::{Comment, Dockerfile, Instruction, InstructionKind};
use sealift_shell::Dialect;

use crate::{base::Base, shell::base_name};

/// The shell of a `RUN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StageShell {
    /// One whose language is known.
    Known(Dialect),
    /// PowerShell, `cmd` or anything else: nothing is said about its lines.
    Other,
}

/// Follows the shell through the instructions of a file.
pub(crate) struct StageShells<'a> {
    comments: std::iter::Peekable<std::slice::Iter<'a, Comment>>,
    /// What a stage starts with.
    default: StageShell,
    current: StageShell,
    /// What each stage ended with.
    ends: Vec<StageShell>,
    /// Whether a stage has begun.
    entered: bool,
}

impl<'a> StageShells<'a> {
    pub(crate) fn new(file: &'a Dockerfile) -> Self {
        // A backquote as escape character is there for the paths of Windows.
        let default =
            if file.escape == '`' { StageShell::Other } else { StageShell::Known(Dialect::Posix) };
        let comments = file.comments.iter().peekable();
        Self { comments, default, current: default, ends: Vec::new(), entered: false }
    }

    /// The next stage begins.
    pub(crate) fn enter(&mut self, parent: Option<usize>, base: Option<&Base>) {
        if std::mem::replace(&mut self.entered, true) {
            self.ends.push(self.current);
        }
        self.current = match parent.and_then(|at| self.ends.get(at)) {
            Some(shell) => *shell,
            None if base.is_some_and(is_windows) => StageShell::Other,
            None if self.default == StageShell::Known(Dialect::Posix)
                && base.is_some_and(is_alpine) =>
            {
                StageShell::Known(Dialect::Busybox)
            }
            None => self.default,
        };
    }

    /// The shell that reads this instruction, and those after it.
    pub(crate) fn step(&mut self, instruction: &Instruction) -> StageShell {
        while let Some(comment) = self.comments.next_if(|it| it.span.start < instruction.span.start)
        {
            let Some(shell) = pragma(comment) else { continue };
            self.current = shell;
            if matches!(instruction.kind, InstructionKind::From(_)) {
                self.default = shell;
            }
        }
        if let InstructionKind::Shell(words) = &instruction.kind {
            self.current = named(words.first().map_or("", |word| word.as_str()));
        }
        self.current
    }
}

fn named(program: &str) -> StageShell {
    Dialect::of_program(base_name(program)).map_or(StageShell::Other, StageShell::Known)
}

/// `# hadolint shell=/bin/bash -c`.
fn pragma(comment: &Comment) -> Option<StageShell> {
    let text = comment.text.trim_start().strip_prefix("hadolint")?.trim_start();
    let shell = text.strip_prefix("shell")?.trim_start().strip_prefix('=')?;
    shell.split_whitespace().next().map(named)
}

/// Whether `sh` is BusyBox's.
fn is_alpine(base: &Base) -> bool {
    matches!(base.short_name(), "alpine" | "busybox")
        || base.tag().is_some_and(|tag| tag.contains("alpine"))
}

fn is_windows(base: &Base) -> bool {
    ["windows/", "nanoserver", "servercore", "windowsservercore"]
        .iter()
        .any(|word| base.text.contains(word))
}
