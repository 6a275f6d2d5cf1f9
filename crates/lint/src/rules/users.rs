//! Who the container runs as, and how one knows that it works.

use sealift_diagnostic::{Edit, Fix, Level, Rule, Span, Tier};
use sealift_dockerfile::{Command as Form, Instruction, InstructionKind, Word};

use super::ports::is_of_application;
use crate::{
    Check,
    base::{Base, Family},
    edit,
    rule::Sink,
    shell::Command,
    view::{RunView, StageView, View},
};

pub(super) const SUDO: Check = Check {
    rule: Rule {
        id: "SL1010",
        name: "sudo",
        level: Level::Warning,
        aliases: &["DL3004", "DS-0010", "CKV2_DOCKER_1", "DKL-DI-0001"],
        why: "`sudo` changes how signals and terminals behave, and leaves a way to root in the image",
        fix: "run the step before `USER`, or switch with `USER root` and back",
        since: "0.1.0",
        bad: "FROM debian:12\nRUN sudo ldconfig\n",
        good: "FROM debian:12\nRUN ldconfig\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL3004"],
    },
    run: sudo,
};

fn sudo(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for run in &stage.runs {
            for command in &run.commands {
                let bare = (command.name() == "sudo").then(|| command.words.first()).flatten();
                if let Some(word) = command.wrapper("sudo").or(bare) {
                    let finding = sink.add(word.span, "`sudo` is used in the build");
                    finding.fixes.extend(without_sudo(view, stage.stage.index, run, command));
                }
            }
        }
    }
}

/// Without `sudo`, where the step runs as root already.
fn without_sudo(
    view: &View<'_>,
    stage: usize,
    run: &RunView<'_>,
    command: &Command,
) -> Option<Fix> {
    let first = command.words.first().filter(|word| word.as_str() == "sudo")?;
    let next = command.words.get(1)?;
    let gap = view.file.source.get(first.span.end..next.span.start)?;
    let is_plain = gap.chars().all(|letter| letter.is_whitespace() || letter == view.file.escape);
    if !is_plain || next.starts_with('-') || next.contains('=') {
        return None;
    }
    let before = |instruction: &&Instruction| instruction.span.start < run.instruction.span.start;
    let user = view.history(stage).filter(before).find_map(user_of);
    let tier = match (user, view.base(stage).map(Base::family)) {
        (Some(user), _) if is_root(user) => Tier::Safe,
        (Some(_), _) => return None,
        (None, Some(Family::Debian | Family::Ubuntu | Family::Alpine)) => Tier::Safe,
        (None, _) => Tier::Suggested,
    };
    let edit = Edit::delete(Span::new(first.span.start, next.span.start));
    Some(Fix::new(tier, "remove `sudo`: the step runs as root", vec![edit]))
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
        bad: "FROM debian:12\nUSER root\nCMD [\"sleep\", \"1\"]\n",
        good: "FROM debian:12\nUSER 10001:10001\nCMD [\"sleep\", \"1\"]\n",
        references: &["CIS Docker Benchmark 4.1", "CWE-250"],
    },
    run: root_user,
};

fn root_user(view: &View<'_>, sink: &mut Sink) {
    let Some(user) = last_user(view) else { return };
    if is_root(user) {
        let finding = sink.add(user.span, "the image runs as root");
        finding.fixes.extend(add_user(view));
    }
}

fn is_root(user: &Word) -> bool {
    let name = user.trim_matches(['"', '\'']).split(':').next().unwrap_or("");
    matches!(name, "root" | "0")
}

fn user_of(instruction: &Instruction) -> Option<&Word> {
    match &instruction.kind {
        InstructionKind::User(user) => Some(user),
        _ => None,
    }
}

/// `USER` after the last step that may need root: the one that the file used before, or one of our own.
fn add_user(view: &View<'_>) -> Option<Fix> {
    let last = view.last()?;
    let known = view.history(last.stage.index).filter_map(user_of).find(|user| !is_root(user));
    let name = known.map_or("10001:10001", Word::as_str);
    let needs_root = |instruction: &&Instruction| {
        !matches!(
            instruction.kind,
            InstructionKind::Cmd(_)
                | InstructionKind::Entrypoint(_)
                | InstructionKind::Healthcheck(_)
                | InstructionKind::Expose(_)
                | InstructionKind::Label(_)
                | InstructionKind::Stopsignal(_)
        )
    };
    let after = last.stage.instructions.iter().rfind(needs_root).unwrap_or(last.stage.instruction);
    let edit = edit::insert_after(view.file, after, &format!("USER {name}"));
    Some(Fix::new(Tier::Suggested, format!("run as user {name}"), vec![edit]))
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
        bad: "FROM python:3.13-slim\nCMD [\"python\", \"app.py\"]\n",
        good: "FROM python:3.13-slim\nUSER 10001:10001\nCMD [\"python\", \"app.py\"]\n",
        references: &[
            "CIS Docker Benchmark 4.1",
            "https://docs.docker.com/reference/dockerfile/#user",
        ],
    },
    run: no_user,
};

fn no_user(view: &View<'_>, sink: &mut Sink) {
    let Some(span) = runnable(view) else { return };
    let promised = view.last().and_then(|stage| view.base(stage.stage.index));
    if last_user(view).is_none() && !promised.is_some_and(Base::promises_user) {
        let finding = sink.add(span, "no `USER` is set, so the image runs as root");
        finding.fixes.extend(add_user(view));
    }
}

/// The `USER` that holds at the end of the last stage.
fn last_user<'a>(view: &View<'a>) -> Option<&'a Word> {
    let last = view.last()?;
    view.history(last.stage.index).find_map(user_of)
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

pub(super) const NAMED_USER: Check = Check {
    rule: Rule {
        id: "SL1027",
        name: "named-user",
        level: Level::Info,
        aliases: &["DL3066"],
        why: "what starts the container cannot tell a name from root: Kubernetes' `runAsNonRoot` refuses it",
        fix: "write the number: `USER 10001:10001`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN useradd --no-log-init --uid 10001 app\nUSER app\n",
        good: "FROM debian:12\nRUN useradd --no-log-init --uid 10001 app\nUSER 10001\n",
        references: &["https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"],
    },
    run: named_user,
};

fn named_user(view: &View<'_>, sink: &mut Sink) {
    for user in view.instructions().filter_map(user_of) {
        let name = user.trim_matches(['"', '\'']).split(':').next().unwrap_or("");
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        // Root is told apart by any of its names, and a variable may hold a number.
        if is_number || name == "root" || name.contains('$') {
            continue;
        }
        let finding = sink.add(user.span, format!("user `{name}` is given by name"));
        finding.fixes.extend(number_of(view, name).and_then(|number| {
            let group = user.split_once(':').map_or("", |(_, group)| group);
            let text = if group.is_empty() { number } else { format!("{number}:{group}") };
            let edit = edit::rewrite(view.file, user, text.as_str())?;
            Some(Fix::new(Tier::Suggested, format!("write `USER {text}`"), vec![edit]))
        }));
    }
}

/// The number that the file gives a user when it makes it, if all agree.
fn number_of(view: &View<'_>, name: &str) -> Option<String> {
    let mut numbers = view.commands().filter_map(|command| {
        let words = command.arguments();
        let makes = matches!(command.name(), "useradd" | "adduser");
        if !makes || words.iter().all(|word| word.as_str() != name) {
            return None;
        }
        let at = words.iter().position(|it| matches!(it.as_str(), "-u" | "--uid"));
        let after = at.and_then(|at| words.get(at + 1)).map(Word::as_str);
        after.or_else(|| words.iter().find_map(|word| word.strip_prefix("--uid=")))
    });
    let first = numbers.next()?.to_owned();
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !first.is_empty() && numbers.all(|other| other == first)).then_some(first)
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
        bad: "FROM python:3.13-slim\nEXPOSE 8080\nCMD [\"python\", \"app.py\"]\n",
        good: "FROM python:3.13-slim\nEXPOSE 8080\nHEALTHCHECK CMD [\"python\", \"check.py\"]\nCMD [\"python\", \"app.py\"]\n",
        references: &[
            "CIS Docker Benchmark 4.6",
            "https://docs.docker.com/reference/dockerfile/#healthcheck",
        ],
    },
    run: no_healthcheck,
};

fn no_healthcheck(view: &View<'_>, sink: &mut Sink) {
    let (Some(span), Some(last)) = (runnable(view), view.last()) else { return };
    let checked = view
        .history(last.stage.index)
        .any(|instruction| matches!(instruction.kind, InstructionKind::Healthcheck(_)));
    if !checked {
        let finding = sink.add(span, "the image has no `HEALTHCHECK`");
        finding.fixes = add_check(view, last);
    }
}

/// A check that connects to the port, by a program that the image has; else the word that there is none.
fn add_check(view: &View<'_>, last: &StageView<'_>) -> Vec<Fix> {
    let starts = |instruction: &&Instruction| {
        matches!(instruction.kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_))
    };
    let end = last.stage.instructions.last().unwrap_or(last.stage.instruction);
    let command = last.stage.instructions.iter().find(starts);
    let put = |line: &str| match command {
        Some(command) => edit::insert_before(view.file, command, line),
        None => edit::insert_after(view.file, end, line),
    };
    let index = last.stage.index;
    let probe = port(view, index).and_then(|port| probe(view, index, port));
    let probe = probe.map(|command| {
        let line =
            format!("HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD {command}");
        Fix::new(Tier::Suggested, "check that the port answers", vec![put(&line)])
    });
    let none = Fix::new(
        Tier::Manual,
        "say that the platform checks, if it does",
        vec![put("HEALTHCHECK NONE")],
    );
    probe.into_iter().chain([none]).collect()
}

/// The port that the application listens on, most likely: the last one that needs no root, else the first.
fn port(view: &View<'_>, index: usize) -> Option<u16> {
    let ports: Vec<u16> = view
        .history(index)
        .filter_map(|instruction| match &instruction.kind {
            InstructionKind::Expose(expose) => Some(&expose.ports),
            _ => None,
        })
        .flatten()
        .filter(|port| !port.ends_with("/udp") && !port.ends_with("/sctp"))
        .filter_map(|port| port.split('/').next()?.parse().ok())
        .filter(|port| *port > 0 && is_of_application(*port))
        .collect();
    ports.iter().rfind(|port| **port >= 1024).or(ports.first()).copied()
}

/// A command that fails unless the port answers.
fn probe(view: &View<'_>, index: usize, port: u16) -> Option<String> {
    let base = view.base(index)?;
    let tag = base.tag().unwrap_or("");
    let started = view.history(index).find_map(|instruction| match &instruction.kind {
        InstructionKind::Cmd(Form::Exec(words))
        | InstructionKind::Entrypoint(Form::Exec(words)) => words.first().map(Word::as_str),
        _ => None,
    });
    let runs = |name: &str| base.short_name() == name || started == Some(name);
    Some(if runs("python") || started == Some("python3") {
        let python = if started == Some("python3") { "python3" } else { "python" };
        format!(
            r#"["{python}", "-c", "import socket; socket.create_connection(('127.0.0.1', {port}), 2).close()"]"#
        )
    } else if runs("node") {
        format!(
            r#"["node", "-e", "require('net').connect({port}, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"]"#
        )
    } else if runs("php") {
        format!(r#"["php", "-r", "exit(@fsockopen('127.0.0.1', {port}) ? 0 : 1);"]"#)
    } else if runs("ruby") {
        format!(r#"["ruby", "-rsocket", "-e", "TCPSocket.new('127.0.0.1', {port}).close"]"#)
    } else if base.family() == Family::Alpine || tag.contains("alpine") {
        format!(r#"["nc", "-z", "127.0.0.1", "{port}"]"#)
    } else if matches!(base.family(), Family::Debian | Family::Ubuntu) {
        format!(r#"["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/{port}"]"#)
    } else {
        return None;
    })
}
