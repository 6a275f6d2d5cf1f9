//! Namespaces of the host, and the engine's default network.

use sealift_diagnostic::{Level, Rule};

use super::{Check, Sink};
use crate::workload::{Namespace, Remedy, Workload};

pub(super) const HOST_NETWORK: Check = Check {
    rule: Rule {
        id: "SL6008",
        name: "host-network",
        level: Level::Error,
        aliases: &["CIS-5.10", "KSV-0009", "CKV_K8S_19", "CKV_K8S_4"],
        why: "the container sees all traffic of the host and reaches services that listen on the host itself only",
        fix: "remove it and publish the ports that are needed",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    network_mode: host\n",
        good: "services:\n  web:\n    image: nginx\n    ports: [\"127.0.0.1:8080:8080\"]\n",
        references: &["https://docs.docker.com/engine/network/drivers/host/"],
    },
    run: |workload, sink| shares(workload, sink, Namespace::Network, "network"),
};

pub(super) const HOST_PROCESSES: Check = Check {
    rule: Rule {
        id: "SL6009",
        name: "host-processes",
        level: Level::Error,
        aliases: &["CIS-5.16", "KSV-0010", "CKV_K8S_17", "CKV_K8S_1"],
        why: "the container sees the host's processes with their arguments and environment, and can end them",
        fix: "remove it",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    pid: host\n",
        good: "services:\n  web:\n    image: nginx\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#pid"],
    },
    run: |workload, sink| shares(workload, sink, Namespace::Process, "processes"),
};

pub(super) const HOST_IPC: Check = Check {
    rule: Rule {
        id: "SL6010",
        name: "host-ipc",
        level: Level::Error,
        aliases: &["CIS-5.17", "KSV-0008", "CKV_K8S_18", "CKV_K8S_3"],
        why: "the container reads and writes the shared memory of the host's processes",
        fix: "remove it; `ipc: shareable` lets two containers share memory with each other only",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    ipc: host\n",
        good: "services:\n  web:\n    image: nginx\n    ipc: private\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#ipc"],
    },
    run: |workload, sink| shares(workload, sink, Namespace::Ipc, "shared memory"),
};

pub(super) const HOST_NAME: Check = Check {
    rule: Rule {
        id: "SL6011",
        name: "host-name-space",
        level: Level::Warning,
        aliases: &["CIS-5.21"],
        why: "the container can change the host's name",
        fix: "remove it",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    uts: host\n",
        good: "services:\n  web:\n    image: nginx\n    hostname: web\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#uts"],
    },
    run: |workload, sink| shares(workload, sink, Namespace::HostName, "name"),
};

pub(super) const HOST_USERS: Check = Check {
    rule: Rule {
        id: "SL6012",
        name: "host-users",
        level: Level::Warning,
        aliases: &["CIS-5.31"],
        why: "it turns off the mapping of users that the engine is set up for: root in the container is root on the host again",
        fix: "remove it",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    userns_mode: host\n",
        good: "services:\n  web:\n    image: nginx\n",
        references: &["https://docs.docker.com/engine/security/userns-remap/"],
    },
    run: |workload, sink| shares(workload, sink, Namespace::User, "users"),
};

fn shares(workload: &Workload<'_>, sink: &mut Sink, namespace: Namespace, what: &str) {
    for shared in workload.host_namespaces.iter().filter(|it| it.value == namespace) {
        let message = format!("{} shares the host's {what}", workload.title());
        sink.add_with(shared.span, message, workload.fix(Remedy::Remove(shared.span)));
    }
}

pub(super) const DEFAULT_BRIDGE: Check = Check {
    rule: Rule {
        id: "SL6025",
        name: "default-bridge",
        level: Level::Info,
        aliases: &["CIS-5.30"],
        why: "all containers on the engine's default bridge reach each other, whoever they belong to",
        fix: "use a network of the project; compose makes one if nothing is said",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    network_mode: bridge\n",
        good: "services:\n  web:\n    image: nginx\n    networks: [inner]\nnetworks: {inner: {}}\n",
        references: &["https://docs.docker.com/engine/network/drivers/bridge/"],
    },
    run: |workload, sink| {
        if let Some(span) = workload.default_bridge {
            let message = format!("{} is on the engine's default bridge", workload.title());
            sink.add_with(span, message, workload.fix(Remedy::Remove(span)));
        }
    },
};
