//! Folders: `WORKDIR`, `cd`, destinations of copies.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{Copy, InstructionKind};

use crate::{Check, rule::Sink, view::View};

pub(super) const RELATIVE_WORKDIR: Check = Check {
    rule: Rule {
        id: "SL3005",
        name: "relative-workdir",
        level: Level::Warning,
        aliases: &["DL3000", "DS-0009", "CKV_DOCKER_10", "WorkdirRelativePath"],
        why: "it depends on the working directory of the base image, which can change",
        fix: "write the path from `/`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: relative_workdir,
};

fn relative_workdir(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let mut known = stage.parent.is_some();
        for instruction in stage.stage.instructions {
            let InstructionKind::Workdir(word) = &instruction.kind else { continue };
            let path = word.trim_matches(['"', '\'']);
            let absolute = path.starts_with(['/', '$', '\\']) || path.get(1..2) == Some(":");
            if !absolute && !known {
                sink.add(
                    word.span,
                    format!("`{path}` is relative to a folder that is not set here"),
                );
            }
            known |= absolute;
        }
    }
}

pub(super) const WORKDIR_AFTER_COPY: Check = Check {
    rule: Rule {
        id: "SL3011",
        name: "workdir-after-copy",
        level: Level::Info,
        aliases: &[],
        why: "the folder is named twice, and steps in between run elsewhere",
        fix: "put `WORKDIR` first and copy to `.`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: workdir_after_copy,
};

fn workdir_after_copy(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let mut copied: Vec<&Copy> = Vec::new();
        for instruction in stage.stage.instructions {
            match &instruction.kind {
                InstructionKind::Copy(copy) | InstructionKind::Add(copy) => copied.push(copy),
                InstructionKind::Workdir(word) => {
                    let path = word.trim_end_matches('/');
                    let into = |copy: &&&Copy| copy.destination.trim_end_matches('/') == path;
                    if let Some(copy) = copied.iter().find(into) {
                        let finding = sink.add(
                            word.span,
                            format!("`WORKDIR {path}` comes after files were copied there"),
                        );
                        finding.related.push((copy.destination.span, "copied here".to_owned()));
                    }
                    copied.clear();
                }
                _ => {}
            }
        }
    }
}

pub(super) const CD_NOT_WORKDIR: Check = Check {
    rule: Rule {
        id: "SL3012",
        name: "cd-not-workdir",
        level: Level::Info,
        aliases: &["DL3003", "DS-0013"],
        why: "`cd` holds for its own step only, which is easily overlooked",
        fix: "set the folder with `WORKDIR`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: cd_not_workdir,
};

fn cd_not_workdir(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        let Some(first) = run.commands.first().filter(|first| first.name() == "cd") else {
            continue;
        };
        if first.arguments().first().is_some_and(|word| word.starts_with('/')) {
            sink.add(first.span(), "the step starts with `cd`");
        }
    }
}

pub(super) const COPY_TO_FILE: Check = Check {
    rule: Rule {
        id: "SL3016",
        name: "copy-to-file",
        level: Level::Error,
        aliases: &["DL3021", "DS-0011"],
        why: "several files cannot become one; the builder refuses",
        fix: "end the destination with `/`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: copy_to_file,
};

fn copy_to_file(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        let (InstructionKind::Copy(copy) | InstructionKind::Add(copy)) = &instruction.kind else {
            continue;
        };
        let destination = copy.destination.trim_matches(['"', '\'']);
        let folder = destination.ends_with(['/', '\\', '$', '}'])
            || destination.contains('$')
            || matches!(destination, "." | "..")
            || destination.ends_with("/.")
            || destination.ends_with("/..");
        if copy.sources.len() > 1 && !folder {
            sink.add(
                copy.destination.span,
                format!("`{destination}` gets several files, but is not marked as a folder"),
            );
        }
    }
}
