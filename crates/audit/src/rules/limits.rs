//! How much a container may use, how often it is started again, and whether anybody asks how it is.

use sealift_diagnostic::{Level, Rule};

use super::{Check, Sink};
use crate::workload::{Health, Remedy, Source, Workload};

pub(super) const NO_MEMORY_LIMIT: Check = Check {
    rule: Rule {
        id: "SL6013",
        name: "no-memory-limit",
        level: Level::Warning,
        aliases: &["CIS-5.11", "KSV-0018", "CKV_K8S_13"],
        why: "one container that leaks takes the memory of all, and the kernel ends whichever process it likes",
        fix: "compose: `mem_limit: 256m`; Kubernetes: `resources.limits.memory`; measure how much it needs",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n    mem_limit: 256m\n",
        references: &["https://docs.docker.com/engine/containers/resource_constraints/"],
    },
    run: |workload, sink| {
        limit(workload, sink, workload.memory.is_some(), "memory", Remedy::Memory);
    },
};

pub(super) const NO_CPU_LIMIT: Check = Check {
    rule: Rule {
        id: "SL6014",
        name: "no-cpu-limit",
        level: Level::Warning,
        aliases: &["CIS-5.12", "KSV-0011", "CKV_K8S_11"],
        why: "one container that loops takes the processors of all",
        fix: "compose: `cpus: 0.5`; Kubernetes: `resources.limits.cpu`; measure how much it needs",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n    cpus: 0.5\n",
        references: &["https://docs.docker.com/engine/containers/resource_constraints/"],
    },
    run: |workload, sink| limit(workload, sink, workload.cpu.is_some(), "CPU", Remedy::Cpu),
};

pub(super) const NO_PROCESS_LIMIT: Check = Check {
    rule: Rule {
        id: "SL6015",
        name: "no-process-limit",
        level: Level::Warning,
        aliases: &["CIS-5.29"],
        why: "a program that starts processes without end stops the whole host",
        fix: "`pids_limit: 200`",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n    pids_limit: 200\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#pids_limit"],
    },
    run: |workload, sink| {
        // A pod cannot say it: the kubelet's own setting holds there.
        let is_set = workload.processes.is_some() || workload.source == Source::Kubernetes;
        limit(workload, sink, is_set, "process", Remedy::Processes);
    },
};

fn limit(workload: &Workload<'_>, sink: &mut Sink, is_set: bool, what: &str, remedy: Remedy<'_>) {
    if !is_set {
        let message = format!("{} has no {what} limit", workload.title());
        sink.add_with(workload.span, message, workload.fix(remedy));
    }
}

pub(super) const ENDLESS_RESTART: Check = Check {
    rule: Rule {
        id: "SL6021",
        name: "endless-restart",
        level: Level::Info,
        aliases: &["CIS-5.15"],
        why: "a container that cannot start is started again without end, and hides that it fails",
        fix: "`restart: on-failure:5`, and an alarm when it stops",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    restart: always\n",
        good: "services:\n  web:\n    image: nginx\n    restart: on-failure:5\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#restart"],
    },
    run: endless_restart,
};

fn endless_restart(workload: &Workload<'_>, sink: &mut Sink) {
    let Some(restart) = &workload.restart else { return };
    let count = restart.value.strip_prefix("on-failure:").map(str::parse::<u32>);
    let is_endless = match restart.value.as_str() {
        "always" | "on-failure" => true,
        // A person stops it, and then it stays so; it is what long-lived services use.
        "unless-stopped" | "no" | "" => false,
        _ => matches!(count, Some(Ok(count)) if count > 5),
    };
    if is_endless {
        let message = format!("{} is started again without end", workload.title());
        sink.add_with(restart.span, message, workload.fix(Remedy::Restart));
    }
}

pub(super) const UNLIMITED: Check = Check {
    rule: Rule {
        id: "SL6023",
        name: "unlimited",
        level: Level::Info,
        aliases: &["CIS-5.19"],
        why: "a limit of the kernel that is lifted for one container is shared by all of its user",
        fix: "give the number that the program needs",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    ulimits: {nproc: -1}\n",
        good: "services:\n  web:\n    image: nginx\n    ulimits: {nofile: 65536}\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#ulimits"],
    },
    run: |workload, sink| {
        for limit in &workload.unlimited {
            let message = format!("{} lifts the limit of `{}`", workload.title(), limit.value);
            sink.add(limit.span, message);
        }
    },
};

pub(super) const NO_HEALTHCHECK: Check = Check {
    rule: Rule {
        id: "SL4008",
        name: "no-healthcheck",
        level: Level::Info,
        aliases: &["CIS-5.27", "CKV_K8S_8", "CKV_K8S_9"],
        why: "a program that hangs looks alive from outside, and traffic goes on to it",
        fix: "compose: `healthcheck` with a `test`; Kubernetes: `livenessProbe` and `readinessProbe`",
        since: "0.1.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n    healthcheck: {test: [CMD, curl, -f, \"http://127.0.0.1/\"]}\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#healthcheck"],
    },
    run: no_healthcheck,
};

fn no_healthcheck(workload: &Workload<'_>, sink: &mut Sink) {
    match workload.health {
        Health::Disabled(span) => {
            sink.add(span, format!("{} turns its health check off", workload.title()));
        }
        Health::Missing if !workload.image_has_health && !workload.is_short_lived => {
            sink.add(workload.span, format!("nobody asks how {} is", workload.title()));
        }
        _ => {}
    }
}
