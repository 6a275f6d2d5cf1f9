//! What package managers leave behind in a layer.

use sealift_diagnostic::{Fix, Level, Rule, Tier};
use sealift_dockerfile::{InstructionKind, MountKind, Word};

use crate::{
    Check,
    install::{Call, Manager, call},
    mend,
    rule::Sink,
    shell::Command,
    view::{RunView, View},
};

/// Whether a cache is mounted over a folder whose path has one of these parts.
pub(super) fn has_cache(run: &RunView<'_>, parts: &[&str]) -> bool {
    run.run.mounts.iter().any(|mount| {
        let target = mount.target.as_deref().unwrap_or("");
        matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs)
            && parts.iter().any(|part| target.contains(part))
    })
}

/// Whether a step removes a folder whose path has one of these parts.
fn removes(run: &RunView<'_>, parts: &[&str]) -> bool {
    run.commands.iter().any(|command| {
        let finds = command.name() == "find" && command.argument("-delete").is_some();
        (command.name() == "rm" || finds)
            && command.arguments().iter().any(|word| parts.iter().any(|part| word.contains(part)))
    })
}

fn calls<'r>(run: &'r RunView<'_>, manager: Manager) -> impl Iterator<Item = Call<'r>> {
    run.commands.iter().filter(move |command| command.manager == Some(manager)).filter_map(call)
}

/// A fix that lets a command follow the last one of a step.
fn clean(view: &View<'_>, run: &RunView<'_>, tier: Tier, command: &str) -> Option<Fix> {
    let edit = mend::append(view.file, run, command);
    mend::fix(tier, format!("end the step with `{command}`"), edit)
}

pub(super) const APT_LISTS: Check = Check {
    rule: Rule {
        id: "SL4001",
        name: "apt-lists",
        level: Level::Warning,
        aliases: &["DL3009", "DKL-DI-0005"],
        why: "the lists are of no use in the image, and take tens of megabytes; a later step cannot take them out again",
        fix: "end the same `RUN` with `&& rm -rf /var/lib/apt/lists/*`",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get install -y curl\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n",
        references: &["https://docs.docker.com/build/building/best-practices/#apt-get"],
    },
    run: apt_lists,
};

fn apt_lists(view: &View<'_>, sink: &mut Sink) {
    let runs: Vec<_> = view.final_runs().collect();
    // A later step that installs without an update needs the lists.
    let last_need = runs.iter().rposition(|run| {
        let all: Vec<Call<'_>> = calls(run, Manager::Apt).collect();
        all.iter().any(Call::installs) && !all.iter().any(|it| it.verb.as_str() == "update")
    });
    for (index, run) in runs.iter().enumerate() {
        let Some(update) = calls(run, Manager::Apt).find(|call| call.verb.as_str() == "update")
        else {
            continue;
        };
        let cleaned = calls(run, Manager::Apt).any(|call| call.verb.as_str() == "dist-clean");
        if cleaned || removes(run, &["/var/lib/apt"]) || has_cache(run, &["/var/lib/apt"]) {
            continue;
        }
        let finding = sink.add(update.command.span(), "the package lists stay in the image");
        let needed = last_need.is_some_and(|last| last > index);
        if !needed {
            finding.fixes.extend(clean(view, run, Tier::Safe, "rm -rf /var/lib/apt/lists/*"));
        }
    }
}

pub(super) const PIP_CACHE: Check = Check {
    rule: Rule {
        id: "SL4004",
        name: "pip-cache",
        level: Level::Warning,
        aliases: &["DL3042"],
        why: "pip keeps a copy of everything that it downloads, in the same layer",
        fix: "add `--no-cache-dir`, or `--mount=type=cache,target=/root/.cache/pip` to the `RUN`",
        since: "0.1.0",
        bad: "FROM python:3.13\nRUN pip install flask==3.1.2\n",
        good: "FROM python:3.13\nRUN pip install --no-cache-dir flask==3.1.2\n",
        references: &["https://pip.pypa.io/en/stable/topics/caching/"],
    },
    run: pip_cache,
};

fn pip_cache(view: &View<'_>, sink: &mut Sink) {
    let Some(last) = view.last() else { return };
    let off = view.history(last.stage.index).any(|instruction| match &instruction.kind {
        InstructionKind::Env(pairs) => pairs.pairs.iter().any(|pair| {
            pair.key.as_str() == "PIP_NO_CACHE_DIR"
                && !matches!(pair.value.trim_matches('"'), "" | "0" | "false" | "off")
        }),
        _ => false,
    });
    for run in view.final_runs().filter(|_| !off) {
        let exported = run.instruction.raw.contains("PIP_NO_CACHE_DIR=");
        if exported || has_cache(run, &["pip", ".cache"]) || removes(run, &[".cache"]) {
            continue;
        }
        for call in calls(run, Manager::Pip).filter(Call::installs) {
            if call.command.name() != "uv" && call.command.flag(None, "no-cache-dir").is_none() {
                let finding = sink.add(call.verb.span, "pip keeps its cache in the image");
                let edit = mend::insert_after(call.verb, " --no-cache-dir");
                finding.fixes.extend(mend::fix(Tier::Safe, "add `--no-cache-dir`", edit));
            }
        }
    }
}

pub(super) const APK_CACHE: Check = Check {
    rule: Rule {
        id: "SL4009",
        name: "apk-cache",
        level: Level::Warning,
        aliases: &["DL3019", "DS-0025", "DKL-DI-0004"],
        why: "the package index stays in the image",
        fix: "use `apk add --no-cache`",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nRUN apk add curl\n",
        good: "FROM alpine:3.22\nRUN apk add --no-cache curl\n",
        references: &["https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper"],
    },
    run: apk_cache,
};

fn apk_cache(view: &View<'_>, sink: &mut Sink) {
    for run in view.final_runs() {
        if has_cache(run, &["/apk"]) || removes(run, &["/var/cache/apk"]) {
            continue;
        }
        for call in calls(run, Manager::Apk).filter(Call::installs) {
            if call.command.flag(None, "no-cache").is_none() {
                let finding = sink.add(call.verb.span, "apk keeps its index in the image");
                let edit = mend::insert_after(call.verb, " --no-cache");
                finding.fixes.extend(mend::fix(Tier::Safe, "add `--no-cache`", edit));
            }
        }
    }
}

pub(super) const RPM_CACHE: Check = Check {
    rule: Rule {
        id: "SL4011",
        name: "rpm-cache",
        level: Level::Warning,
        aliases: &["DL3032", "DL3036", "DL3040", "DS-0015", "DS-0019", "DS-0020", "DS-0027"],
        why: "the package manager's cache stays in the image",
        fix: "end the same `RUN` with `&& dnf clean all` (`yum`, `microdnf`, `zypper` have it too)",
        since: "0.1.0",
        bad: "FROM fedora:42\nRUN dnf install -y nginx-1.28.0\n",
        good: "FROM fedora:42\nRUN dnf install -y nginx-1.28.0 && dnf clean all\n",
        references: &["https://dnf.readthedocs.io/en/latest/command_ref.html#clean-command"],
    },
    run: rpm_cache,
};

fn rpm_cache(view: &View<'_>, sink: &mut Sink) {
    for run in view.final_runs() {
        let all = || calls(run, Manager::Yum).chain(calls(run, Manager::Zypper));
        let cleaned = all().any(|call| matches!(call.verb.as_str(), "clean" | "cc"));
        if cleaned || removes(run, &["/var/cache"]) || has_cache(run, &["/var/cache", "libdnf5"]) {
            continue;
        }
        let fills = |call: &Call<'_>| {
            let verb = call.verb.as_str();
            call.installs()
                || matches!(
                    verb,
                    "groupinstall" | "localinstall" | "reinstall" | "upgrade" | "update"
                )
        };
        for call in all().filter(fills) {
            let name = call.command.name();
            let finding =
                sink.add(call.verb.span, format!("`{name}` keeps its cache in the image"));
            let command = format!("{name} clean all");
            finding.fixes.extend(clean(view, run, Tier::Safe, &command));
        }
    }
}

pub(super) const APK_UPDATE: Check = Check {
    rule: Rule {
        id: "SL4012",
        name: "apk-update",
        level: Level::Info,
        aliases: &[],
        why: "`apk add --no-cache` reads a fresh index by itself; `apk update` leaves one in the image",
        fix: "leave `apk update`, `--update` and `-U` away",
        since: "0.2.0",
        bad: "FROM alpine:3.22\nRUN apk update && apk add --no-cache curl~=8.14\n",
        good: "FROM alpine:3.22\nRUN apk add --no-cache curl~=8.14\n",
        references: &["https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper"],
    },
    run: apk_update,
};

fn apk_update(view: &View<'_>, sink: &mut Sink) {
    for run in view.final_runs() {
        if has_cache(run, &["/apk"]) || removes(run, &["/var/cache/apk"]) {
            continue;
        }
        let all: Vec<Call<'_>> = calls(run, Manager::Apk).collect();
        let uncached =
            |call: &Call<'_>| call.installs() && call.command.flag(None, "no-cache").is_some();
        for update in all.iter().filter(|call| call.verb.as_str() == "update") {
            // All that follows reads its own index, or the update is needed.
            let others = || all.iter().filter(|call| call.verb.as_str() != "update");
            if others().any(uncached) && update.command.flag(None, "no-cache").is_none() {
                let finding =
                    sink.add(update.command.span(), "`apk update` leaves an index in the image");
                if others().all(|call| uncached(call) || call.verb.as_str() == "del") {
                    let edit = mend::remove(view.file, run, update.command);
                    finding.fixes.extend(mend::fix(Tier::Safe, "leave `apk update` away", edit));
                }
            }
        }
    }
}

pub(super) const YARN_CACHE: Check = Check {
    rule: Rule {
        id: "SL4013",
        name: "yarn-cache",
        level: Level::Info,
        aliases: &["DL3060"],
        why: "yarn keeps a copy of everything that it downloads, in the same layer",
        fix: "end the same `RUN` with `&& yarn cache clean`, or mount a cache",
        since: "0.2.0",
        bad: "FROM node:22\nRUN yarn install --frozen-lockfile\n",
        good: "FROM node:22\nRUN yarn install --frozen-lockfile && yarn cache clean\n",
        references: &["https://classic.yarnpkg.com/en/docs/cli/cache"],
    },
    run: |view, sink| {
        script_cache(view, sink, "yarn", &["install", "add", ""], "yarn cache clean");
    },
};

pub(super) const NPM_CACHE: Check = Check {
    rule: Rule {
        id: "SL4014",
        name: "npm-cache",
        level: Level::Info,
        aliases: &[],
        why: "npm keeps a copy of everything that it downloads, in the same layer",
        fix: "end the same `RUN` with `&& npm cache clean --force`, or mount a cache",
        since: "0.2.0",
        bad: "FROM node:22\nRUN npm ci\n",
        good: "FROM node:22\nRUN npm ci && npm cache clean --force\n",
        references: &["https://docs.npmjs.com/cli/commands/npm-cache"],
    },
    run: |view, sink| {
        let verbs = ["install", "i", "ci", "add", "clean-install"];
        script_cache(view, sink, "npm", &verbs, "npm cache clean --force");
    },
};

fn script_cache(view: &View<'_>, sink: &mut Sink, name: &str, verbs: &[&str], command: &str) {
    for run in view.final_runs() {
        let words = |it: &Command| -> Vec<String> {
            let plain = it.arguments().iter().filter(|word| !word.starts_with('-'));
            plain.map(|word| word.text.to_string()).collect()
        };
        let own: Vec<&Command> = run.commands.iter().filter(|it| it.name() == name).collect();
        if own.is_empty() {
            continue;
        }
        let cleaned = own.iter().any(|it| words(it).starts_with(&["cache".into(), "clean".into()]));
        let mounted = has_cache(
            run,
            &[&format!(".{name}"), &format!("{name}-cache"), ".cache", "/usr/local/share/.cache"],
        );
        let removed = removes(run, &[".npm", "_cacache", ".cache", "yarn", "/root/."]);
        if cleaned || mounted || removed {
            continue;
        }
        let installs = own.iter().find(|it| {
            let verb = words(it).first().cloned().unwrap_or_default();
            let bare = verb.is_empty() && !it.arguments().is_empty();
            verbs.contains(&verb.as_str()) && !bare
        });
        let Some(install) = installs else { continue };
        let finding = sink.add(install.span(), format!("{name} keeps its cache in the image"));
        finding.fixes.extend(clean(view, run, Tier::Safe, command));
    }
}

pub(super) const CACHE_MOUNT: Check = Check {
    rule: Rule {
        id: "SL4022",
        name: "cache-mount",
        level: Level::Info,
        aliases: &[],
        why: "whenever one dependency changes, all are downloaded again; a cache mount keeps them between builds, and out \
              of the image",
        fix: "mount a cache: `RUN --mount=type=cache,target=…`",
        since: "0.2.0",
        bad: "FROM golang:1.25 AS build\nRUN go mod download\nFROM scratch\nCOPY --from=build /go/bin/app /app\n",
        good: "FROM golang:1.25 AS build\nRUN --mount=type=cache,target=/go/pkg/mod go mod download\nFROM scratch\nCOPY --from=build /go/bin/app /app\n",
        references: &["https://docs.docker.com/build/cache/optimize/#use-cache-mounts"],
    },
    run: cache_mount,
};

fn cache_mount(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let is_golang =
            view.base(stage.stage.index).is_some_and(|base| base.short_name() == "golang");
        for run in &stage.runs {
            let found = run.commands.iter().find_map(|it| Some((it, cache_of(it, is_golang)?)));
            let Some((command, target)) = found else { continue };
            let mounted = run
                .run
                .mounts
                .iter()
                .any(|mount| matches!(mount.kind, MountKind::Cache | MountKind::Bind));
            if mounted || cleans(run) {
                continue;
            }
            let finding = sink.add(
                command.span(),
                "no cache is mounted: each change of a dependency downloads all of them again",
            );
            let flag = format!(" --mount=type=cache,target={target}");
            let after = run.instruction.keyword_span.end;
            let edit = sealift_diagnostic::Edit::insert(after, flag);
            // The home of another user is not root's.
            let tier = if target.starts_with("/root") { Tier::Manual } else { Tier::Suggested };
            finding.fixes.extend(mend::fix(
                tier,
                format!("mount a cache over `{target}`"),
                Some(edit),
            ));
        }
    }
}

/// Whether a step takes a cache away by itself, or uses none.
fn cleans(run: &RunView<'_>) -> bool {
    let word =
        |command: &Command, text: &str| command.arguments().iter().any(|it| it.as_str() == text);
    run.commands.iter().any(|command| {
        (word(command, "cache") && word(command, "clean"))
            || command.flag(None, "no-cache-dir").is_some()
            || command.flag(None, "no-cache").is_some()
            || (command.name() == "go" && word(command, "-modcache"))
    }) || removes(run, &[".cache", "/go/pkg", ".npm", ".m2", ".cargo", "/usr/local/cargo"])
}

/// Where a command that installs what a project's own list names keeps its downloads.
fn cache_of(command: &Command, is_golang: bool) -> Option<&'static str> {
    let first = command.arguments().first().map_or("", Word::as_str);
    let second = command.arguments().get(1).map_or("", Word::as_str);
    match command.name() {
        "go" if matches!((first, second), ("mod", "download") | ("build" | "install", _)) => {
            Some(if is_golang { "/go/pkg/mod" } else { "/root/go/pkg/mod" })
        }
        "cargo" if matches!(first, "build" | "fetch" | "install") => {
            Some("/usr/local/cargo/registry")
        }
        "npm" if matches!(first, "ci" | "clean-install") => Some("/root/.npm"),
        "mvn" => Some("/root/.m2"),
        "gradle" | "gradlew" => Some("/root/.gradle"),
        _ => {
            let call =
                call(command).filter(|call| call.manager == Manager::Pip && call.installs())?;
            let list = call.command.flag(Some('r'), "requirement").is_some();
            list.then_some("/root/.cache/pip")
        }
    }
}
