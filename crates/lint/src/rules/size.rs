//! What makes the final image bigger than it need be.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{InstructionKind, MountKind};

use super::packages::{final_runs, installed_at_the_end};
use crate::{
    Check,
    install::{Call, Manager, call, package_name},
    rule::Sink,
    view::{RunView, View},
};

/// Whether a cache is mounted over a folder whose path has one of these parts.
fn has_cache(run: &RunView<'_>, parts: &[&str]) -> bool {
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
    run.commands.iter().filter_map(call).filter(move |call| call.manager == manager)
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
        bad: "",
        good: "",
        references: &[],
    },
    run: apt_lists,
};

fn apt_lists(view: &View<'_>, sink: &mut Sink) {
    for run in final_runs(view) {
        let Some(update) = calls(run, Manager::Apt).find(|call| call.verb.as_str() == "update")
        else {
            continue;
        };
        let cleaned = calls(run, Manager::Apt).any(|call| call.verb.as_str() == "dist-clean");
        if !cleaned && !removes(run, &["/var/lib/apt"]) && !has_cache(run, &["/var/lib/apt"]) {
            sink.add(update.command.span(), "the package lists stay in the image");
        }
    }
}

pub(super) const APT_RECOMMENDS: Check = Check {
    rule: Rule {
        id: "SL4002",
        name: "apt-recommends",
        level: Level::Info,
        aliases: &["DL3015", "DS-0029"],
        why: "recommended packages are installed too: more to carry, more to patch",
        fix: "add `--no-install-recommends`, and name what is really needed",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: apt_recommends,
};

fn apt_recommends(view: &View<'_>, sink: &mut Sink) {
    let configured = view
        .runs()
        .any(|run| run.instruction.raw.to_ascii_lowercase().contains("apt::install-recommends"));
    for run in final_runs(view).into_iter().filter(|_| !configured) {
        for call in calls(run, Manager::Apt).filter(Call::installs) {
            if call.command.flag(None, "no-install-recommends").is_none() {
                sink.add(call.verb.span, "recommended packages are installed too");
            }
        }
    }
}

pub(super) const CURL_AND_WGET: Check = Check {
    rule: Rule {
        id: "SL4003",
        name: "curl-and-wget",
        level: Level::Info,
        aliases: &["DL4001", "DS-0014"],
        why: "both do the same; one less is smaller and has fewer flaws to patch",
        fix: "choose one of the two, or fetch with `ADD` and have none",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: curl_and_wget,
};

fn curl_and_wget(view: &View<'_>, sink: &mut Sink) {
    let installed = installed_at_the_end(view);
    let find = |name: &str| installed.iter().find(|word| package_name(word) == name);
    if let (Some(curl), Some(wget)) = (find("curl"), find("wget")) {
        let finding = sink.add(wget.span, "both `curl` and `wget` are installed");
        finding.related.push((curl.span, "the other one".to_owned()));
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
        bad: "",
        good: "",
        references: &[],
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
    for run in final_runs(view).into_iter().filter(|_| !off) {
        if has_cache(run, &["pip", ".cache"]) || removes(run, &[".cache"]) {
            continue;
        }
        for call in calls(run, Manager::Pip).filter(Call::installs) {
            let set =
                call.command.assignments.iter().any(|word| word.starts_with("PIP_NO_CACHE_DIR="));
            if call.command.name() != "uv"
                && call.command.flag(None, "no-cache-dir").is_none()
                && !set
            {
                sink.add(call.verb.span, "pip keeps its cache in the image");
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
        bad: "",
        good: "",
        references: &[],
    },
    run: apk_cache,
};

fn apk_cache(view: &View<'_>, sink: &mut Sink) {
    for run in final_runs(view) {
        if has_cache(run, &["/apk"]) || removes(run, &["/var/cache/apk"]) {
            continue;
        }
        for call in calls(run, Manager::Apk).filter(Call::installs) {
            if call.command.flag(None, "no-cache").is_none() {
                sink.add(call.verb.span, "apk keeps its index in the image");
            }
        }
    }
}

pub(super) const BUILD_TOOLS: Check = Check {
    rule: Rule {
        id: "SL4010",
        name: "build-tools",
        level: Level::Info,
        aliases: &[],
        why: "compilers and headers are needed to build, not to run; in the image they are weight and an intruder's tools",
        fix: "build in a stage of its own, and copy the result with `COPY --from=…`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: build_tools,
};

fn build_tools(view: &View<'_>, sink: &mut Sink) {
    const TOOLS: [&str; 17] = [
        "gcc",
        "g++",
        "make",
        "cmake",
        "build-essential",
        "build-base",
        "git",
        "clang",
        "autoconf",
        "automake",
        "libtool",
        "pkg-config",
        "golang",
        "golang-go",
        "cargo",
        "rustc",
        "ninja-build",
    ];
    for run in final_runs(view) {
        let all: Vec<Call<'_>> = run.commands.iter().filter_map(call).collect();
        let removed = all.iter().any(|call| {
            matches!(call.verb.as_str(), "purge" | "remove" | "autoremove" | "del" | "erase")
        });
        for call in all.iter().filter(|call| call.installs() && !removed) {
            if matches!(call.manager, Manager::Pip | Manager::Npm) {
                continue;
            }
            for word in &call.operands {
                let name = package_name(word);
                if TOOLS.contains(&name) || name.ends_with("-dev") || name.ends_with("-devel") {
                    sink.add(
                        word.span,
                        format!("`{name}` is a tool to build, and stays in the final image"),
                    );
                }
            }
        }
    }
}

pub(super) const RPM_CACHE: Check = Check {
    rule: Rule {
        id: "SL4011",
        name: "rpm-cache",
        level: Level::Warning,
        aliases: &["DL3032", "DL3036", "DL3040", "DS-0015", "DS-0019", "DS-0020"],
        why: "the package manager's cache stays in the image",
        fix: "end the same `RUN` with `&& dnf clean all` (`yum`, `microdnf`, `zypper` have it too)",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: rpm_cache,
};

fn rpm_cache(view: &View<'_>, sink: &mut Sink) {
    for run in final_runs(view) {
        let all = || calls(run, Manager::Yum).chain(calls(run, Manager::Zypper));
        let cleaned = all().any(|call| matches!(call.verb.as_str(), "clean" | "cc"));
        if cleaned || removes(run, &["/var/cache"]) || has_cache(run, &["/var/cache"]) {
            continue;
        }
        for call in all().filter(Call::installs) {
            sink.add(
                call.verb.span,
                format!("`{}` keeps its cache in the image", call.command.name()),
            );
        }
    }
}
