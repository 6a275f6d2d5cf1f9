//! Packages of distributions whose version is left open, and upgrades.

use sealift_diagnostic::{Edit, Fix, Level, Rule, Tier};
use sealift_dockerfile::Word;

use super::sources::foreign_sources;
use crate::{
    Check, Package,
    install::{Call, Manager, call, is_pinned, package_name},
    mend,
    rule::Sink,
    view::{StageView, View},
};

pub(super) const UNPINNED_APT: Check = Check {
    rule: Rule {
        id: "SL2003",
        name: "unpinned-apt",
        level: Level::Info,
        aliases: &["DL3008"],
        why: "each build may get other versions",
        fix: "write `package=version`, or pin the archive with a snapshot",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get install -y curl\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y curl=8.14.1-2\n",
        references: &[
            "https://docs.docker.com/build/building/best-practices/#apt-get",
            "https://snapshot.debian.org/",
        ],
    },
    run: |view, sink| unpinned(view, sink, &[Manager::Apt]),
};

pub(super) const UNPINNED_APK: Check = Check {
    rule: Rule {
        id: "SL2004",
        name: "unpinned-apk",
        level: Level::Info,
        aliases: &["DL3018"],
        why: "each build may get other versions",
        fix: "write `package=version`, or `package~=1.2`",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nRUN apk add --no-cache curl\n",
        good: "FROM alpine:3.22\nRUN apk add --no-cache curl~=8.14\n",
        references: &["https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper"],
    },
    run: |view, sink| unpinned(view, sink, &[Manager::Apk]),
};

pub(super) const UNPINNED_PIP: Check = Check {
    rule: Rule {
        id: "SL2005",
        name: "unpinned-pip",
        level: Level::Info,
        aliases: &["DL3013"],
        why: "each build may get other versions",
        fix: "write `package==version`, or use a requirements file with hashes (`--require-hashes`)",
        since: "0.1.0",
        bad: "FROM python:3.13\nRUN pip install --no-cache-dir flask\n",
        good: "FROM python:3.13\nRUN pip install --no-cache-dir flask==3.1.2\n",
        references: &["https://pip.pypa.io/en/stable/topics/repeatable-installs/"],
    },
    run: |view, sink| unpinned(view, sink, &[Manager::Pip]),
};

pub(super) const UNPINNED_NPM: Check = Check {
    rule: Rule {
        id: "SL2006",
        name: "unpinned-npm",
        level: Level::Info,
        aliases: &["DL3016"],
        why: "each build may get other versions",
        fix: "write `package@version`, or use `npm ci` with a lock file",
        since: "0.1.0",
        bad: "FROM node:22\nRUN npm install -g serve\n",
        good: "FROM node:22\nRUN npm install -g serve@14.2.5\n",
        references: &["https://docs.npmjs.com/cli/commands/npm-install"],
    },
    run: |view, sink| unpinned(view, sink, &[Manager::Npm]),
};

pub(super) const UNPINNED_RPM: Check = Check {
    rule: Rule {
        id: "SL2010",
        name: "unpinned-rpm",
        level: Level::Info,
        aliases: &["DL3033", "DL3037", "DL3041"],
        why: "each build may get other versions",
        fix: "write `package-version` (`package=version` for zypper)",
        since: "0.2.0",
        bad: "FROM fedora:42\nRUN dnf install -y nginx && dnf clean all\n",
        good: "FROM fedora:42\nRUN dnf install -y nginx-1.28.0 && dnf clean all\n",
        references: &["https://dnf.readthedocs.io/en/latest/command_ref.html#specifying-packages"],
    },
    run: |view, sink| unpinned(view, sink, &[Manager::Yum, Manager::Zypper]),
};

/// Most package names that one message lists.
const NAMES_MAX: usize = 5;

/// Names in backticks, as many as a message has room for.
pub(super) fn listed(words: &[&Word]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().take(NAMES_MAX).enumerate() {
        text.extend([if at > 0 { ", `" } else { "`" }, word.as_str(), "`"]);
    }
    let more = words.len().saturating_sub(NAMES_MAX);
    if more > 0 { format!("{text} and {more} more") } else { text }
}

fn unpinned(view: &View<'_>, sink: &mut Sink, managers: &[Manager]) {
    for stage in &view.stages {
        let calls = stage.runs.iter().flat_map(|run| &run.commands).filter_map(call);
        for call in calls.filter(|call| managers.contains(&call.manager) && call.installs()) {
            if call.manager == Manager::Pip && call.command.flag(Some('c'), "constraint").is_some()
            {
                continue;
            }
            let open: Vec<&Word> =
                call.operands.iter().filter(|word| !is_pinned(call.manager, word)).collect();
            let (Some(first), Some(last)) = (open.first(), open.last()) else { continue };
            let finding = sink.add(
                first.span.join(last.span),
                format!("no version is given for {}", listed(&open)),
            );
            if call.manager == Manager::Apt {
                finding.fixes.extend(pin(view, stage, &call, &open));
            }
        }
    }
}

/// Give every package the version that the archive has now; all or none.
fn pin(view: &View<'_>, stage: &StageView<'_>, call: &Call<'_>, open: &[&Word]) -> Option<Fix> {
    let packages = view.context.packages?;
    let image = &view.base(stage.stage.index)?.text;
    // Another release, or an archive of others, has other versions.
    if call.command.flag(Some('t'), "target-release").is_some() || foreign_sources(view, stage) {
        return None;
    }
    let edit = |word: &&Word| -> Option<Edit> {
        match packages.package(image, package_name(word))? {
            Package::Real { version } => mend::insert_after(word, &format!("={version}")),
            _ => None,
        }
    };
    let edits = open.iter().map(edit).collect::<Option<Vec<_>>>()?;
    Some(Fix::new(Tier::Suggested, "pin the versions that the archive has now", edits))
}

pub(super) const UPGRADE: Check = Check {
    rule: Rule {
        id: "SL2007",
        name: "upgrade",
        level: Level::Warning,
        aliases: &["DL3005", "DL3017", "DL3031", "DL3035", "DL3039", "DS-0024", "DKL-DI-0003"],
        why: "the result depends on the day of the build, and every upgraded file is stored twice",
        fix: "use a newer base image; install single packages that must be newer by name",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get dist-upgrade -y\n",
        good: "FROM debian:13.1\n",
        references: &["https://docs.docker.com/build/building/best-practices/#apt-get"],
    },
    run: upgrade,
};

fn upgrade(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        for call in run.commands.iter().filter_map(call) {
            let verb = call.verb.as_str();
            let upgrades = match call.manager {
                Manager::Apt => {
                    matches!(verb, "upgrade" | "dist-upgrade" | "full-upgrade" | "safe-upgrade")
                }
                Manager::Apk => verb == "upgrade",
                Manager::Yum => {
                    matches!(verb, "upgrade" | "update" | "up" | "distro-sync" | "upgrade-minimal")
                        && call.operands.is_empty()
                }
                Manager::Zypper => matches!(verb, "up" | "update" | "dup" | "dist-upgrade"),
                Manager::Pip | Manager::Npm => false,
            };
            if upgrades {
                let name = call.command.name();
                let finding = sink
                    .add(call.verb.span, format!("`{name} {verb}` upgrades the whole base image"));
                let edit = mend::remove(view.file, run, call.command);
                finding.fixes.extend(mend::fix(Tier::Manual, "take the upgrade away", edit));
            }
        }
    }
}

pub(super) const UPDATE_ALONE: Check = Check {
    rule: Rule {
        id: "SL2008",
        name: "update-alone",
        level: Level::Warning,
        aliases: &["DS-0017", "CKV_DOCKER_5", "DKL-DI-0007", "CIS-DI-0007", "CIS-4.7"],
        why: "the step is cached, so that later builds install from an old list",
        fix: "update and install in one `RUN`: `apt-get update && apt-get install …`",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update\nRUN apt-get install -y curl\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y curl\n",
        references: &[
            "https://docs.docker.com/build/building/best-practices/#apt-get",
            "CIS Docker Benchmark 1.7.0, 4.7",
        ],
    },
    run: update_alone,
};

fn update_alone(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for (index, run) in stage.runs.iter().enumerate() {
            let calls: Vec<Call<'_>> = run.commands.iter().filter_map(call).collect();
            for update in calls.iter().filter(|call| is_update(call)) {
                if calls.iter().any(|it| it.manager == update.manager && !is_update(it)) {
                    continue;
                }
                let finding = sink.add(
                    update.command.span(),
                    "the package lists are updated, but nothing is installed in this step",
                );
                let next = stage.runs.get(index + 1).filter(|next| {
                    let mut calls = next.commands.iter().filter_map(call);
                    calls.any(|it| it.manager == update.manager && it.installs())
                });
                let fix = next.and_then(|next| super::layers::merge(view.file, run, next));
                finding.fixes.extend(
                    fix.map(|edits| Fix::new(Tier::Safe, "update and install in one step", edits)),
                );
            }
        }
    }
}

/// Whether a call only fetches the lists of packages.
fn is_update(call: &Call<'_>) -> bool {
    match call.manager {
        Manager::Apt | Manager::Apk => call.verb.as_str() == "update",
        Manager::Yum => matches!(call.verb.as_str(), "makecache" | "check-update"),
        Manager::Zypper => matches!(call.verb.as_str(), "refresh" | "ref"),
        Manager::Pip | Manager::Npm => false,
    }
}
