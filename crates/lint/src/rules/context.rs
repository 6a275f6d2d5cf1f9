//! What of the build context gets into the image, and when.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{Instruction, InstructionKind, Word};

use crate::{
    Check, IgnoreFile,
    install::{Manager, call},
    rule::Sink,
    shell::Command,
    view::View,
};

/// The source by which an instruction copies the whole context.
pub(super) fn copies_context(instruction: &Instruction) -> Option<&Word> {
    let (InstructionKind::Copy(copy) | InstructionKind::Add(copy)) = &instruction.kind else {
        return None;
    };
    if copy.from.is_some() {
        return None;
    }
    copy.paths()
        .find(|word| matches!(word.trim_matches(['"', '\'']), "." | "./" | "*" | "./*" | "/"))
}

/// Whether `.dockerignore` leaves a file out.
pub(super) fn ignored(view: &View<'_>) -> impl Fn(&str) -> bool + use<> {
    let file = IgnoreFile::parse(view.context.dockerignore.unwrap_or(""));
    move |path| file.excludes(path)
}

pub(super) const NO_DOCKERIGNORE: Check = Check {
    rule: Rule {
        id: "SL4005",
        name: "no-dockerignore",
        level: Level::Warning,
        aliases: &[],
        why: "everything in the folder is sent to the builder and copied: `.git`, secrets, old builds; and each change to \
              any of it undoes the cache",
        fix: "add a `.dockerignore` with at least `.git`, `.env*` and what the build makes",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: no_dockerignore,
};

fn no_dockerignore(view: &View<'_>, sink: &mut Sink) {
    if view.context.dockerignore.is_some() {
        return;
    }
    for word in view.instructions().filter_map(copies_context) {
        sink.add(word.span, "the whole folder is copied, and there is no `.dockerignore`");
    }
}

pub(super) const GIT_IN_CONTEXT: Check = Check {
    rule: Rule {
        id: "SL4006",
        name: "git-in-context",
        level: Level::Warning,
        aliases: &[],
        why: "the history of the repository, with all that was ever deleted from it, becomes part of the image",
        fix: "add `.git` to `.dockerignore`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: git_in_context,
};

fn git_in_context(view: &View<'_>, sink: &mut Sink) {
    let files = view.context.context_files.unwrap_or_default();
    let excluded = ignored(view);
    let in_context = files.iter().any(|file| file.starts_with(".git/") && !excluded(file));
    for word in view.instructions().filter_map(copies_context).filter(|_| in_context) {
        sink.add(word.span, "this copies `.git`");
    }
}

pub(super) const COPY_BEFORE_DEPENDENCIES: Check = Check {
    rule: Rule {
        id: "SL4007",
        name: "copy-before-dependencies",
        level: Level::Warning,
        aliases: &[],
        why: "each change to any file installs all dependencies again",
        fix: "copy the list of dependencies first, install them, and copy the rest after that",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: copy_before_dependencies,
};

fn copy_before_dependencies(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for instruction in stage.stage.instructions {
            let Some(word) = copies_context(instruction) else { continue };
            let after =
                stage.runs.iter().filter(|run| run.instruction.span.start > instruction.span.start);
            let install =
                after.flat_map(|run| &run.commands).find(|command| installs_dependencies(command));
            if let Some(install) = install {
                let finding = sink
                    .add(word.span, "everything is copied before the dependencies are installed");
                finding.related.push((install.span(), "installed here".to_owned()));
            }
        }
    }
}

/// Whether a command installs what a project's own list names.
fn installs_dependencies(command: &Command) -> bool {
    let first = command.arguments().first().map_or("", Word::as_str);
    let second = command.arguments().get(1).map_or("", Word::as_str);
    if let Some(call) = call(command) {
        return match call.manager {
            Manager::Pip => call.installs() && command.flag(Some('r'), "requirement").is_some(),
            Manager::Npm => matches!(first, "ci" | "install" | "i") && call.operands.is_empty(),
            _ => false,
        };
    }
    match command.name() {
        "yarn" => matches!(first, "" | "install"),
        "bundle" | "composer" | "poetry" | "pipenv" => first == "install",
        "go" => (first, second) == ("mod", "download"),
        "uv" => first == "sync",
        "cargo" => first == "fetch",
        "mvn" => first.starts_with("dependency:"),
        _ => false,
    }
}
