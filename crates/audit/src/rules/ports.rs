//! Ports that the host gives to a container.

use sealift_diagnostic::{Level, Rule};

use super::{Check, Sink};
use crate::workload::{Port, Remedy, Source, Workload};

pub(super) const ADMIN_PORT: Check = Check {
    rule: Rule {
        id: "SL1008",
        name: "admin-port",
        level: Level::Error,
        aliases: &["CIS-5.7"],
        why: "a container is not administrated through a port: it is one more way in, with its own keys and passwords",
        fix: "remove the port; `docker exec` and `kubectl exec` open a shell without one",
        since: "0.1.0",
        bad: "services:\n  web:\n    image: nginx\n    ports: [\"2222:22\"]\n",
        good: "services:\n  web:\n    image: nginx\n    ports: [\"127.0.0.1:8080:8080\"]\n",
        references: &[],
    },
    run: admin_port,
};

fn admin_port(workload: &Workload<'_>, sink: &mut Sink) {
    for port in &workload.ports {
        let admin = sealift_lint::admin_port(port.container);
        let Some((number, service)) = admin.filter(|_| !is_local(port)) else { continue };
        let message = format!("{} opens port {number}, that of {service}", workload.title());
        sink.add_with(port.span, message, workload.fix(Remedy::Remove(port.span)));
    }
}

pub(super) const DATABASE_PORT: Check = Check {
    rule: Rule {
        id: "SL1009",
        name: "database-port",
        level: Level::Warning,
        aliases: &["CIS-5.9"],
        why: "a store that the host offers to everybody is found by scanners within hours, and its password is all that protects it",
        fix: "remove the port: services of one project reach each other without it; or bind it to 127.0.0.1",
        since: "0.1.0",
        bad: "services:\n  db:\n    image: postgres\n    ports: [\"5432:5432\"]\n",
        good: "services:\n  db:\n    image: postgres\n    ports: [\"127.0.0.1:5432:5432\"]\n",
        references: &[],
    },
    run: database_port,
};

fn database_port(workload: &Workload<'_>, sink: &mut Sink) {
    for port in &workload.ports {
        let store = sealift_lint::database_port(port.container);
        let Some((number, service)) = store.filter(|_| !is_local(port)) else { continue };
        let message =
            format!("{} opens port {number}, that of {service}, to everybody", workload.title());
        sink.add_with(port.span, message, workload.fix(Remedy::LocalPort(port.span)));
    }
}

fn is_local(port: &Port) -> bool {
    port.address.starts_with("127.")
        || matches!(port.address.as_str(), "::1" | "[::1]" | "localhost")
}

pub(super) const PRIVILEGED_PORT: Check = Check {
    rule: Rule {
        id: "SL6019",
        name: "privileged-port",
        level: Level::Info,
        aliases: &["CIS-5.8", "KSV-0024", "CKV_K8S_26"],
        why: "ports below 1024 are the host's own services; a container that takes one stands in for them",
        fix: "publish a higher port, and let a proxy in front of it take 80 and 443",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    ports: [\"127.0.0.1:25:2525\"]\n",
        good: "services:\n  web:\n    image: nginx\n    ports: [\"127.0.0.1:8080:8080\"]\n",
        references: &[],
    },
    run: privileged_port,
};

fn privileged_port(workload: &Workload<'_>, sink: &mut Sink) {
    for port in &workload.ports {
        let (low, high) = port.host;
        let is_web = low == high && matches!(low, 80 | 443);
        if workload.source == Source::Kubernetes {
            if low > 0 {
                let message = format!("{} takes port {low} of its node", workload.title());
                sink.add(port.span, message).level = Level::Warning;
            }
        } else if (1..1024).contains(&low) && !is_web {
            sink.add(port.span, format!("{} takes port {low} of the host", workload.title()));
        }
    }
}

pub(super) const ALL_INTERFACES: Check = Check {
    rule: Rule {
        id: "SL6020",
        name: "all-interfaces",
        level: Level::Warning,
        aliases: &["CIS-5.14"],
        why: "a port without an address is open on every interface, and the engine's rules come before the host's firewall",
        fix: "give the address: `127.0.0.1:8080:8080` for a proxy on the same host",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    ports: [\"8080:8080\"]\n",
        good: "services:\n  web:\n    image: nginx\n    ports: [\"127.0.0.1:8080:8080\"]\n",
        references: &["https://docs.docker.com/engine/network/port-publishing/"],
    },
    run: all_interfaces,
};

fn all_interfaces(workload: &Workload<'_>, sink: &mut Sink) {
    if workload.source == Source::Kubernetes {
        return;
    }
    for port in &workload.ports {
        if matches!(port.address.as_str(), "" | "0.0.0.0" | "::" | "[::]") {
            let message = match port.container {
                (low, high) if low == high => {
                    format!("port {low} of {} is open on every interface", workload.title())
                }
                (low, high) => {
                    format!(
                        "ports {low} to {high} of {} are open on every interface",
                        workload.title()
                    )
                }
            };
            sink.add_with(port.span, message, workload.fix(Remedy::LocalPort(port.span)));
        }
    }
}
