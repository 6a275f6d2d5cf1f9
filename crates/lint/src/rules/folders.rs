//! Folders: `WORKDIR`, `cd`, destinations of copies.

use sealift_diagnostic::{Fix, Level, Rule, Tier};
use sealift_dockerfile::{Copy, Instruction, InstructionKind};

use crate::{Check, edit, rule::Sink, view::View};

pub(super) const RELATIVE_WORKDIR: Check = Check {
    rule: Rule {
        id: "SL3005",
        name: "relative-workdir",
        level: Level::Warning,
        aliases: &["DL3000", "DS-0009", "CKV_DOCKER_10", "WorkdirRelativePath"],
        why: "it depends on the working directory of the base image, which can change",
        fix: "write the path from `/`",
        since: "0.1.0",
        bad: "FROM debian:12\nWORKDIR app\n",
        good: "FROM debian:12\nWORKDIR /app\n",
        references: &["https://docs.docker.com/reference/dockerfile/#workdir"],
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
                let message = format!("`{path}` is relative to a folder that is not set here");
                let better = format!("/{}", path.trim_start_matches("./"));
                let edit = edit::rewrite(view.file, word, better.as_str());
                sink.add(word.span, message).fixes.extend(
                    edit.map(|edit| {
                        Fix::new(Tier::Suggested, format!("set `{better}`"), vec![edit])
                    }),
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
        bad: "FROM debian:12\nCOPY src /app\nWORKDIR /app\n",
        good: "FROM debian:12\nWORKDIR /app\nCOPY src .\n",
        references: &["https://docs.docker.com/reference/dockerfile/#workdir"],
    },
    run: workdir_after_copy,
};

fn workdir_after_copy(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let mut copied: Vec<(&Instruction, &Copy)> = Vec::new();
        for instruction in stage.stage.instructions {
            match &instruction.kind {
                InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
                    copied.push((instruction, copy));
                }
                InstructionKind::Workdir(word) => {
                    let path = word.trim_end_matches('/');
                    let into = |(_, copy): &&(&Instruction, &Copy)| {
                        copy.destination.trim_end_matches('/') == path
                    };
                    if let Some((first, copy)) = copied.iter().find(into) {
                        let finding = sink.add(
                            word.span,
                            format!("`WORKDIR {path}` comes after files were copied there"),
                        );
                        finding.related.push((copy.destination.span, "copied here".to_owned()));
                        finding.fixes.extend(folder_first(view, first, instruction));
                    }
                    copied.clear();
                }
                _ => {}
            }
        }
    }
}

/// `WORKDIR` before the first copy to it, unless a step, or a relative path, between them would see another folder.
fn folder_first(view: &View<'_>, first: &Instruction, workdir: &Instruction) -> Option<Fix> {
    let between = view.file.instructions.iter().filter(|other| {
        other.span.start >= first.span.start && other.span.start < workdir.span.start
    });
    let mut edits = Vec::new();
    for other in between {
        match &other.kind {
            InstructionKind::Copy(copy) | InstructionKind::Add(copy)
                if copy.destination.starts_with('/') => {}
            InstructionKind::Env(_)
            | InstructionKind::Arg(_)
            | InstructionKind::Label(_)
            | InstructionKind::Expose(_)
            | InstructionKind::User(_) => {}
            _ => return None,
        }
    }
    let line = workdir.span.text(&view.file.source).replace("\r\n", "\n");
    edits.push(edit::insert_before(view.file, first, &line));
    edits.push(edit::delete_instruction(view.file, workdir));
    Some(Fix::new(Tier::Suggested, "set the folder before files are copied there", edits))
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
        bad: "FROM debian:12\nRUN cd /app && ./configure\n",
        good: "FROM debian:12\nWORKDIR /app\nRUN ./configure\n",
        references: &["https://docs.docker.com/reference/dockerfile/#workdir"],
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
        bad: "FROM debian:12\nCOPY a.txt b.txt /app\n",
        good: "FROM debian:12\nCOPY a.txt b.txt /app/\n",
        references: &["https://docs.docker.com/reference/dockerfile/#copy"],
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
            let message =
                format!("`{destination}` gets several files, but is not marked as a folder");
            let better = format!("{destination}/");
            let edit = edit::rewrite(view.file, &copy.destination, better.as_str());
            sink.add(copy.destination.span, message).fixes.extend(
                edit.filter(|_| !copy.exec_form)
                    .map(|edit| Fix::new(Tier::Safe, format!("write `{better}`"), vec![edit])),
            );
        }
    }
}
