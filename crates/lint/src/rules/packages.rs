//! How packages are installed.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::Word;

use crate::{
    Check,
    base::has_transitional_netcat,
    install::{Call, Manager, call},
    rule::Sink,
    view::{RunView, View},
};

/// The steps that shape the final image: size and tools matter only there.
pub(super) fn final_runs<'v, 'a>(view: &'v View<'a>) -> Vec<&'v RunView<'a>> {
    let line = view.last().map(|last| view.lineage(last.stage.index)).unwrap_or_default();
    line.into_iter().rev().flat_map(|stage| &stage.runs).collect()
}

/// The packages of the distribution that end up in the final image.
pub(super) fn installed_at_the_end<'v>(view: &'v View<'_>) -> Vec<&'v Word> {
    let calls = final_runs(view).into_iter().flat_map(|run| &run.commands).filter_map(call);
    calls
        .filter(|call| call.installs() && !matches!(call.manager, Manager::Pip | Manager::Npm))
        .flat_map(|call| call.operands)
        .collect()
}

pub(super) const VIRTUAL_PACKAGE: Check = Check {
    rule: Rule {
        id: "SL3010",
        name: "virtual-package",
        level: Level::Error,
        aliases: &[],
        why: "`netcat` is only a name that two packages provide; apt refuses to choose, and the build stops",
        fix: "install `netcat-openbsd`, or better no netcat at all",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: virtual_package,
};

fn virtual_package(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let Some(base) = view.base(stage.stage.index) else { continue };
        if has_transitional_netcat(base.short_name(), base.tag().unwrap_or("latest")) {
            continue;
        }
        let calls = stage.runs.iter().flat_map(|run| &run.commands).filter_map(call);
        for call in calls.filter(|call| call.manager == Manager::Apt && call.installs()) {
            for word in call.operands.iter().filter(|word| word.as_str() == "netcat") {
                sink.add(word.span, "package `netcat` cannot be installed");
            }
        }
    }
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
        bad: "",
        good: "",
        references: &[],
    },
    run: apt_not_apt_get,
};

fn apt_not_apt_get(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands().filter(|command| command.name() == "apt") {
        sink.add(command.span(), "`apt` is used in a script");
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
        bad: "",
        good: "",
        references: &[],
    },
    run: no_assume_yes,
};

fn no_assume_yes(view: &View<'_>, sink: &mut Sink) {
    for call in view.commands().filter_map(call).filter(Call::installs) {
        let command = call.command;
        let quiet = || {
            command
                .arguments()
                .iter()
                .any(|word| word.starts_with('-') && word.matches('q').count() > 1)
        };
        let long = |names: &[&str]| names.iter().any(|name| command.flag(None, name).is_some());
        let yes = command.flag(Some('y'), "yes").is_some();
        let answered = match call.manager {
            Manager::Apt => {
                yes || quiet() || long(&["assume-yes", "force-yes", "print-uris", "simulate"])
            }
            Manager::Yum => yes || long(&["assumeyes"]) || command.name() == "microdnf",
            Manager::Zypper => {
                yes || long(&["non-interactive", "no-confirm"])
                    || command.flag(Some('n'), "n").is_some()
            }
            Manager::Apk | Manager::Pip | Manager::Npm => true,
        };
        if !answered {
            let name = command.name();
            sink.add(call.verb.span, format!("`{name} {}` waits for an answer", call.verb));
        }
    }
}
