//! Who the container runs as, and how one knows that it works.

use sealift_diagnostic::{Level, Rule, Span};
use sealift_dockerfile::{InstructionKind, Word};

use crate::{Check, base::Base, rule::Sink, view::View};

pub(super) const SUDO: Check = Check {
    rule: Rule {
        id: "SL1010",
        name: "sudo",
        level: Level::Warning,
        aliases: &["DL3004", "DS-0010", "CKV2_DOCKER_1", "DKL-LI-0001"],
        why: "`sudo` changes how signals and terminals behave, and leaves a way to root in the image",
        fix: "run the step before `USER`, or switch with `USER root` and back",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: sudo,
};

fn sudo(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands() {
        let bare = (command.name() == "sudo").then(|| command.words.first()).flatten();
        if let Some(word) = command.wrapper("sudo").or(bare) {
            sink.add(word.span, "`sudo` is used in the build");
        }
    }
}

pub(super) const ROOT_USER: Check = Check {
    rule: Rule {
        id: "SL1011",
        name: "root-user",
        level: Level::Error,
        aliases: &["DL3002", "DS-0002", "CKV_DOCKER_8", "CIS-DI-0001", "CIS-4.1"],
        why: "a process that escapes from its container as root is root on the host",
        fix: "end with a user of your own, by number: `USER 10001:10001`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: root_user,
};

fn root_user(view: &View<'_>, sink: &mut Sink) {
    let Some(user) = last_user(view) else { return };
    let name = user.trim_matches(['"', '\'']).split(':').next().unwrap_or("");
    if matches!(name, "root" | "0") {
        sink.add(user.span, "the image runs as root");
    }
}

pub(super) const NO_USER: Check = Check {
    rule: Rule {
        id: "SL1012",
        name: "no-user",
        level: Level::Warning,
        aliases: &["DS-0002", "CKV_DOCKER_3", "CIS-DI-0001", "CIS-4.1"],
        why: "without `USER` nearly every base image runs as root, and a process that escapes is root on the host",
        fix: "add `USER 10001:10001` before the command, and give that user the files that it must write",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: no_user,
};

fn no_user(view: &View<'_>, sink: &mut Sink) {
    let Some(span) = runnable(view) else { return };
    let promised = view.last().and_then(|stage| view.base(stage.stage.index));
    if last_user(view).is_none() && !promised.is_some_and(Base::promises_user) {
        sink.add(span, "no `USER` is set, so the image runs as root");
    }
}

/// The `USER` that holds at the end of the last stage.
fn last_user<'a>(view: &View<'a>) -> Option<&'a Word> {
    let last = view.last()?;
    view.history(last.stage.index).find_map(|instruction| match &instruction.kind {
        InstructionKind::User(user) => Some(user),
        _ => None,
    })
}

/// Where the last stage starts, unless it only hands files over: `FROM scratch` without a command.
fn runnable(view: &View<'_>) -> Option<Span> {
    let last = view.last()?;
    let scratch = view.base(last.stage.index).is_some_and(Base::is_scratch);
    let command = view.history(last.stage.index).any(|instruction| {
        matches!(instruction.kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_))
    });
    (command || !scratch).then_some(last.stage.instruction.span)
}

pub(super) const NO_HEALTHCHECK: Check = Check {
    rule: Rule {
        id: "SL4008",
        name: "no-healthcheck",
        level: Level::Warning,
        aliases: &["DL3057", "DS-0026", "CKV_DOCKER_2", "CIS-DI-0006", "CIS-4.6"],
        why: "without a check a container that hangs counts as healthy",
        fix: "add `HEALTHCHECK CMD …`, or `HEALTHCHECK NONE` where the platform does its own checks",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: no_healthcheck,
};

fn no_healthcheck(view: &View<'_>, sink: &mut Sink) {
    let (Some(span), Some(last)) = (runnable(view), view.last()) else { return };
    let checked = view
        .history(last.stage.index)
        .any(|instruction| matches!(instruction.kind, InstructionKind::Healthcheck(_)));
    if !checked {
        sink.add(span, "the image has no `HEALTHCHECK`");
    }
}
