//! Variables that mean themselves, and copies to nobody knows where.

use std::collections::HashSet;

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{InstructionKind, variables};

use crate::{Check, rule::Sink, view::View};

pub(super) const OWN_REFERENCE: Check = Check {
    rule: Rule {
        id: "SL3052",
        name: "own-reference",
        level: Level::Error,
        aliases: &["DL3044"],
        why: "all values of an `ENV` are put together before any of them is set: the variable is still what it was before",
        fix: "set the first variable in an `ENV` of its own, before",
        since: "0.2.0",
        bad: "FROM debian:13\nENV HOME_DIR=/app BIN=$HOME_DIR/bin\n",
        good: "FROM debian:13\nENV HOME_DIR=/app\nENV BIN=$HOME_DIR/bin\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL3044"],
    },
    run: own_reference,
};

fn own_reference(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let parent = stage.parent.and_then(|parent| view.stages.get(parent));
        let mut known: HashSet<&str> =
            parent.map(|it| it.variables.keys().copied().collect()).unwrap_or_default();
        known.insert("PATH");
        for instruction in stage.stage.instructions {
            match &instruction.kind {
                InstructionKind::Env(pairs) => {
                    for (index, pair) in pairs.pairs.iter().enumerate() {
                        let before = &pairs.pairs[..index];
                        if before.is_empty() || !pair.value.contains('$') {
                            continue;
                        }
                        let names = variables::references(&pair.value, view.file.escape);
                        let own = before.iter().find(|it| {
                            names.contains(it.key.as_str()) && !known.contains(it.key.as_str())
                        });
                        let Some(own) = own else { continue };
                        let message =
                            format!("`{}` is not set yet when `{}` is made", own.key, pair.key);
                        let finding = sink.add(pair.value.span, message);
                        finding
                            .related
                            .push((own.key.span, "set in the same instruction".to_owned()));
                    }
                    known.extend(pairs.pairs.iter().map(|pair| pair.key.as_str()));
                }
                InstructionKind::Arg(arguments) => {
                    known.extend(arguments.iter().map(|argument| argument.name.as_str()));
                }
                _ => {}
            }
        }
    }
}

pub(super) const COPY_WITHOUT_WORKDIR: Check = Check {
    rule: Rule {
        id: "SL3053",
        name: "copy-without-workdir",
        level: Level::Warning,
        aliases: &["DL3045"],
        why: "where the files go depends on the working directory of the base image, which can change",
        fix: "set `WORKDIR` before, or write the destination from `/`",
        since: "0.2.0",
        bad: "FROM debian:13\nCOPY app.py app/\n",
        good: "FROM debian:13\nWORKDIR /app\nCOPY app.py .\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL3045"],
    },
    run: copy_without_workdir,
};

fn copy_without_workdir(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let sets = |kind: &InstructionKind| matches!(kind, InstructionKind::Workdir(_));
        let parent = stage.parent.map(|parent| view.history(parent));
        if parent.is_some_and(|mut it| it.any(|it| sets(&it.kind))) {
            continue;
        }
        for instruction in stage.stage.instructions.iter().take_while(|it| !sets(&it.kind)) {
            let InstructionKind::Copy(copy) = &instruction.kind else { continue };
            let path = copy.destination.trim_matches(['"', '\'']);
            let is_drive = path.get(1..2) == Some(":");
            if !path.starts_with(['/', '$', '\\']) && !is_drive && view.file.escape == '\\' {
                let message = format!("`{path}` is relative, and no `WORKDIR` is set");
                sink.add(copy.destination.span, message);
            }
        }
    }
}
