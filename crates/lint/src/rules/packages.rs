//! How packages are installed.

use sealift_diagnostic::{Level, Rule, Tier};
use sealift_dockerfile::Word;

use crate::{
    Check,
    install::{Call, Manager, call},
    mend,
    rule::Sink,
    view::View,
};

/// The packages of the distribution that end up in the final image.
pub(super) fn installed_at_the_end<'v>(view: &'v View<'_>) -> Vec<&'v Word> {
    let calls = view.final_runs().flat_map(|run| &run.commands).filter_map(call);
    calls
        .filter(|call| call.installs() && call.manager.is_distribution())
        .flat_map(|call| call.operands.iter())
        .collect()
}

pub(super) const APT_NOT_APT_GET: Check = Check {
    rule: Rule {
        id: "SL3013",
        name: "apt-not-apt-get",
        level: Level::Warning,
        aliases: &["DL3027", "CKV_DOCKER_9"],
        why: "`apt` is made for people; its options and output may change",
        fix: "use `apt-get`, or `apt-cache` to search",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt update && apt install -y curl\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y curl\n",
        references: &["https://manpages.debian.org/trixie/apt/apt.8.en.html"],
    },
    run: apt_not_apt_get,
};

fn apt_not_apt_get(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands().filter(|command| command.name() == "apt") {
        let finding = sink.add(command.span(), "`apt` is used in a script");
        let verb = call(command).map_or("", |call| call.verb.as_str());
        let other = match verb {
            "install" | "update" | "upgrade" | "remove" | "purge" | "autoremove" | "clean"
            | "autoclean" | "build-dep" | "source" | "download" => "apt-get",
            "search" | "show" | "policy" | "depends" | "rdepends" => "apt-cache",
            _ => continue,
        };
        let name = command.words.iter().find(|word| word.as_str() == "apt");
        let edit = name.and_then(|word| mend::replace(word, other));
        finding.fixes.extend(mend::fix(Tier::Safe, format!("use `{other}`"), edit));
    }
}

pub(super) const NO_ASSUME_YES: Check = Check {
    rule: Rule {
        id: "SL3014",
        name: "no-assume-yes",
        level: Level::Warning,
        aliases: &["DL3014", "DL3030", "DL3034", "DL3038", "DS-0021"],
        why: "the package manager asks, and nobody answers: the build stops",
        fix: "add `-y`",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get install curl\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y curl\n",
        references: &["https://manpages.debian.org/trixie/apt/apt-get.8.en.html"],
    },
    run: no_assume_yes,
};

fn no_assume_yes(view: &View<'_>, sink: &mut Sink) {
    let configured = view.runs().any(|run| {
        let raw = &run.instruction.raw;
        raw.contains("APT::Get::Assume-Yes") || raw.contains("assumeyes=")
    });
    for call in view.commands().filter_map(call).filter(asks) {
        if configured || call.command.piped || answers(&call) {
            continue;
        }
        let name = call.command.name();
        let finding =
            sink.add(call.verb.span, format!("`{name} {}` waits for an answer", call.verb));
        let edit = mend::insert_after(call.verb, " -y");
        finding.fixes.extend(mend::fix(Tier::Safe, "add `-y`", edit));
    }
}

/// Whether a call asks before it does anything.
fn asks(call: &Call<'_>) -> bool {
    let verb = call.verb.as_str();
    match call.manager {
        Manager::Apt => {
            call.installs()
                || matches!(
                    verb,
                    "remove" | "purge" | "autoremove" | "upgrade" | "dist-upgrade" | "full-upgrade"
                )
        }
        Manager::Yum => {
            call.installs()
                || matches!(
                    verb,
                    "groupinstall" | "localinstall" | "remove" | "erase" | "update" | "upgrade"
                )
        }
        Manager::Zypper => {
            call.installs() || matches!(verb, "remove" | "rm" | "source-install" | "si" | "patch")
        }
        Manager::Apk | Manager::Pip | Manager::Npm => false,
    }
}

/// Whether a call brings the answer.
fn answers(call: &Call<'_>) -> bool {
    let command = call.command;
    let quiet = || {
        let words = command.arguments().iter();
        words.clone().any(|word| word.starts_with('-') && word.matches('q').count() > 1)
            || words.filter(|word| word.as_str() == "-q").count() > 1
    };
    let long = |names: &[&str]| names.iter().any(|name| command.flag(None, name).is_some());
    let yes = command.flag(Some('y'), "yes").is_some();
    match call.manager {
        Manager::Apt => {
            let others = ["assume-yes", "force-yes", "print-uris", "simulate", "download-only"];
            let short = [Some('s'), Some('d')];
            yes || quiet()
                || long(&others)
                || short.iter().any(|it| command.flag(*it, "").is_some())
        }
        Manager::Yum => yes || long(&["assumeyes", "assumeno"]) || command.name() == "microdnf",
        Manager::Zypper => {
            yes || long(&["non-interactive", "no-confirm"])
                || command.flag(Some('n'), "n").is_some()
        }
        Manager::Apk | Manager::Pip | Manager::Npm => true,
    }
}
