//! Secrets of a build that stay behind, whole file systems that are copied, and rights that are given to everyone.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{InstructionKind, MountKind, Word};

use crate::{
    Check,
    rule::Sink,
    shell::Command,
    view::{RunView, View},
};

pub(super) const ROOT_COPIED: Check = Check {
    rule: Rule {
        id: "SL1023",
        name: "root-copied",
        level: Level::Warning,
        aliases: &["DL3067"],
        why: "the compilers, caches and secrets of the other stage come along, and files of this one are overwritten",
        fix: "copy the folders that the program needs, one by one",
        since: "0.2.0",
        bad: "FROM debian:12 AS build\nRUN make\nFROM debian:12\nCOPY --from=build / /\n",
        good: "FROM debian:12 AS build\nRUN make\nFROM debian:12\nCOPY --from=build /opt/app /opt/app\n",
        references: &["https://docs.docker.com/build/building/multi-stage/"],
    },
    run: root_copied,
};

fn root_copied(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        // Into an empty image it is the way to make one layer of many.
        if stage.base.as_ref().is_some_and(crate::base::Base::is_scratch) {
            continue;
        }
        for instruction in stage.stage.instructions {
            let InstructionKind::Copy(copy) = &instruction.kind else { continue };
            let Some(from) = &copy.from else { continue };
            let is_root =
                |word: &&Word| matches!(word.trim_matches(['"', '\'']), "/" | "/." | "/*" | "//");
            if let Some(word) = copy.paths().find(is_root) {
                sink.add(word.span, format!("the whole file system of `{from}` is copied"));
            }
        }
    }
}

pub(super) const SECRET_KEPT: Check = Check {
    rule: Rule {
        id: "SL1024",
        name: "secret-kept",
        level: Level::Error,
        aliases: &[],
        why: "a mounted secret is there for one step only; what is copied from it stays in the layer, what is printed in the log",
        fix: "read it where it lies: give the program its path, or `$(cat /run/secrets/…)`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN --mount=type=secret,id=token cp /run/secrets/token /root/.token\n",
        good: "FROM debian:12\nRUN --mount=type=secret,id=token ./fetch --token-file /run/secrets/token\n",
        references: &["https://docs.docker.com/build/building/secrets/", "CWE-532"],
    },
    run: secret_kept,
};

fn secret_kept(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        let (paths, variables) = secrets(run);
        if paths.is_empty() && variables.is_empty() {
            continue;
        }
        let holds = |word: &Word| {
            paths.iter().any(|path| word.contains(path.as_str()))
                || variables.iter().any(|name| {
                    word.contains(&format!("${name}")) || word.contains(&format!("${{{name}"))
                })
        };
        for (index, command) in run.commands.iter().enumerate() {
            let feeds_next = run.commands.get(index + 1).is_some_and(|next| next.piped);
            if command.nested || feeds_next {
                continue;
            }
            let secret = command.arguments().iter().find(|word| holds(word));
            let what = match command.name() {
                "cp" | "mv" | "install" | "ln" | "rsync" => "copies",
                "cat" | "echo" | "printf" | "base64" | "head" | "tail" => {
                    match command.redirects.iter().find(|to| !is_descriptor(to)) {
                        Some(to) if is_passing(to) => continue,
                        Some(_) => "writes",
                        None => "prints",
                    }
                }
                _ => continue,
            };
            if let Some(word) = secret.filter(|_| !removes_later(run, command)) {
                sink.add(word.span, format!("`{}` {what} a mounted secret", command.name()));
            }
        }
    }
}

/// Where the secrets of a step lie, and the variables that have them.
fn secrets(run: &RunView<'_>) -> (Vec<String>, Vec<String>) {
    let (mut paths, mut variables) = (Vec::new(), Vec::new());
    for mount in run.run.mounts.iter().filter(|mount| mount.kind == MountKind::Secret) {
        variables.extend(mount.env.clone());
        match (&mount.target, &mount.id, &mount.env) {
            (Some(target), ..) => paths.push(target.clone()),
            (None, Some(id), None) => paths.push(format!("/run/secrets/{id}")),
            _ => {}
        }
    }
    (paths, variables)
}

fn is_descriptor(to: &str) -> bool {
    to.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is written there is not in the layer.
fn is_passing(to: &str) -> bool {
    to.starts_with("/dev/") || to.starts_with("/run/") || to.starts_with("/proc/")
}

/// Whether the same step takes away what the command made.
fn removes_later(run: &RunView<'_>, command: &Command) -> bool {
    let target = command.redirects.last().or_else(|| command.arguments().last());
    let Some(target) = target else { return false };
    run.commands.iter().any(|other| {
        matches!(other.name(), "rm" | "shred")
            && other.span().start > command.span().start
            && other.arguments().iter().any(|word| word.as_str() == target.as_str())
    })
}

pub(super) const PASSWORDLESS_SUDO: Check = Check {
    rule: Rule {
        id: "SL1026",
        name: "passwordless-sudo",
        level: Level::Warning,
        aliases: &[],
        why: "the user that the container runs as is root whenever it wants to be",
        fix: "leave `sudo` out of the image, and do as root what needs root before `USER`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN echo 'app ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers\n",
        good: "FROM debian:12\nRUN useradd --no-log-init app\n",
        references: &["CIS Docker Benchmark 4.1", "CWE-250"],
    },
    run: passwordless_sudo,
};

fn passwordless_sudo(view: &View<'_>, sink: &mut Sink) {
    if !view.mentions("NOPASSWD") {
        return;
    }
    for command in view.commands() {
        let word = command.arguments().iter().find(|word| word.contains("NOPASSWD"));
        if let Some(word) = word {
            sink.add(word.span, "a user gets all rights without a password");
        }
    }
}
