//! Packages whose version is left open, and upgrades.

use sealift_diagnostic::{Level, Rule};

use crate::{
    Check,
    install::{Call, Manager, call, is_pinned},
    rule::Sink,
    view::View,
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
        bad: "",
        good: "",
        references: &[],
    },
    run: |view, sink| unpinned(view, sink, Manager::Apt),
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
        bad: "",
        good: "",
        references: &[],
    },
    run: |view, sink| unpinned(view, sink, Manager::Apk),
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
        bad: "",
        good: "",
        references: &[],
    },
    run: |view, sink| unpinned(view, sink, Manager::Pip),
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
        bad: "",
        good: "",
        references: &[],
    },
    run: |view, sink| unpinned(view, sink, Manager::Npm),
};

/// Most package names that one message lists.
const NAMES_MAX: usize = 5;

fn unpinned(view: &View<'_>, sink: &mut Sink, manager: Manager) {
    for call in
        view.commands().filter_map(call).filter(|call| call.manager == manager && call.installs())
    {
        let open: Vec<_> = call.operands.iter().filter(|word| !is_pinned(manager, word)).collect();
        let (Some(first), Some(last)) = (open.first(), open.last()) else { continue };
        let names: Vec<String> =
            open.iter().take(NAMES_MAX).map(|word| format!("`{word}`")).collect();
        let more = open.len().saturating_sub(NAMES_MAX);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        sink.add(
            first.span.join(last.span),
            format!("no version is given for {}{rest}", names.join(", ")),
        );
    }
}

pub(super) const UPGRADE: Check = Check {
    rule: Rule {
        id: "SL2007",
        name: "upgrade",
        level: Level::Warning,
        aliases: &["DL3005", "DL3017", "DL3031", "DL3035", "DS-0024", "DKL-DI-0003"],
        why: "the result depends on the day of the build, and every upgraded file is stored twice",
        fix: "use a newer base image; install single packages that must be newer by name",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: upgrade,
};

fn upgrade(view: &View<'_>, sink: &mut Sink) {
    for call in view.commands().filter_map(call) {
        let verb = call.verb.as_str();
        let upgrades = match call.manager {
            Manager::Apt => {
                matches!(verb, "upgrade" | "dist-upgrade" | "full-upgrade" | "safe-upgrade")
            }
            Manager::Apk => verb == "upgrade",
            Manager::Yum => matches!(verb, "upgrade" | "update") && call.operands.is_empty(),
            Manager::Zypper => matches!(verb, "up" | "update" | "dup" | "dist-upgrade"),
            Manager::Pip | Manager::Npm => false,
        };
        if upgrades {
            let name = call.command.name();
            sink.add(call.verb.span, format!("`{name} {verb}` upgrades the whole base image"));
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
        bad: "",
        good: "",
        references: &[],
    },
    run: update_alone,
};

fn update_alone(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        let calls: Vec<Call<'_>> = run.commands.iter().filter_map(call).collect();
        for update in calls.iter().filter(|call| call.verb.as_str() == "update") {
            let alone = matches!(update.manager, Manager::Apt | Manager::Apk)
                && !calls.iter().any(|other| {
                    other.manager == update.manager && other.verb.as_str() != "update"
                });
            if alone {
                sink.add(
                    update.command.span(),
                    "the package lists are updated, but nothing is installed in this step",
                );
            }
        }
    }
}
