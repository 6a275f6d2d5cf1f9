//! Rules on a compose file as a whole: keys nobody reads, names nobody declares, ports given twice.

use std::collections::{BTreeMap, BTreeSet};

use sealift_diagnostic::{Diagnostic, Fix, Level, Rule, Tier, closest};

use super::ports::ports_with_protocols;
use super::service::{Member, NOWHERE, Service};
use crate::rules::Sink;
use crate::yaml::{View, edit};

/// A rule with what looks for its findings.
pub(crate) struct ProjectCheck {
    pub(crate) rule: Rule,
    run: fn(&Scope<'_, '_>, &[Service<'_>], &mut Sink),
}

/// The documents of a project.
pub(super) struct Scope<'m, 'a> {
    pub(super) members: &'m [Member<'a>],
    /// Whether all of its files could be read.
    pub(super) is_whole: bool,
}

impl<'a> Scope<'_, 'a> {
    /// Documents of the file that is judged.
    fn here(&self) -> impl Iterator<Item = View<'a>> {
        self.members.iter().filter(|member| member.is_here).map(|member| member.document)
    }

    /// Names that some file of the project declares in a section.
    fn declared(&self, section: &str) -> BTreeSet<&'a str> {
        let sections = self.members.iter().filter_map(|member| member.document.get(section));
        sections.flat_map(View::entries).map(|entry| entry.name()).collect()
    }
}

/// Rules on compose files alone, in the order of their ids.
pub(crate) const RULES: &[ProjectCheck] =
    &[UNKNOWN_SETTING, UNDECLARED_NAME, PORT_TWICE, OBSOLETE_VERSION];

pub(super) fn run(scope: &Scope<'_, '_>, services: &[Service<'_>]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for check in RULES {
        let mut sink = Sink::new(&check.rule);
        (check.run)(scope, services, &mut sink);
        findings.append(&mut sink.findings);
    }
    findings
}

/// Settings of a service.
#[rustfmt::skip]
const SETTINGS: [&str; 97] = [
    "annotations", "attach", "blkio_config", "build", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "command",
    "configs", "container_name", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period",
    "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "credential_spec", "depends_on", "deploy", "develop",
    "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "domainname", "driver_opts", "entrypoint",
    "env_file", "environment", "expose", "extends", "external_links", "extra_hosts", "gpus", "group_add",
    "healthcheck", "hostname", "image", "init", "ipc", "isolation", "label_file", "labels", "links", "logging",
    "mac_address", "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "models", "network_mode",
    "networks", "oom_kill_disable", "oom_score_adj", "pid", "pids_limit", "platform", "ports", "post_start",
    "pre_stop", "privileged", "profiles", "provider", "pull_policy", "read_only", "restart", "runtime", "scale",
    "secrets", "security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "storage_opt", "sysctls",
    "tmpfs", "tty", "ulimits", "use_api_socket", "user", "userns_mode", "uts", "volume_driver", "volumes",
    "volumes_from", "working_dir", "net", "dockerfile", "log_driver", "log_opt",
];

/// Settings of the file.
const SECTIONS: [&str; 9] = [
    "version", "name", "include", "services", "networks", "volumes", "configs", "secrets", "models",
];

const UNKNOWN_SETTING: ProjectCheck = ProjectCheck {
    rule: Rule {
        id: "SL6028",
        name: "unknown-setting",
        level: Level::Error,
        aliases: &[],
        why: "compose refuses the file, and other tools pass over the setting without a word: a protection that is misspelt protects nothing",
        fix: "correct the name; names of your own begin with `x-`",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    mem_limits: 1g\n",
        good: "services:\n  web:\n    image: nginx\n    x-owner: me\n",
        references: &["https://docs.docker.com/reference/compose-file/services/"],
    },
    run: unknown_setting,
};

fn unknown_setting(scope: &Scope<'_, '_>, services: &[Service<'_>], sink: &mut Sink) {
    let sections = scope.here().map(|document| (document, SECTIONS.as_slice(), false));
    let owns = services.iter().flat_map(Service::owns);
    let maps = sections.chain(owns.map(|own| (own, SETTINGS.as_slice(), true)));
    for (map, known, is_service) in maps {
        for entry in map.own_entries() {
            let name = entry.name();
            if known.contains(&name) || name.starts_with("x-") || name == "<<" || name.is_empty() {
                continue;
            }
            let shown: String = name.chars().take(60).collect();
            let what =
                if is_service { "setting of a service" } else { "section of a compose file" };
            let finding = sink.add(entry.key.place(), format!("`{shown}` is no {what}"));
            if let Some(meant) = closest(name, known.iter().copied()) {
                finding.help = Some(format!("did you mean `{meant}`?").into());
                if map.entry(meant).is_none()
                    && let Some(edit) = edit::replace(entry.key, meant)
                {
                    let title = format!("write `{meant}`");
                    finding.fixes.push(Fix::new(Tier::Suggested, title, vec![edit]));
                }
            }
        }
    }
}

const UNDECLARED_NAME: ProjectCheck = ProjectCheck {
    rule: Rule {
        id: "SL6029",
        name: "undeclared-name",
        level: Level::Error,
        aliases: &[],
        why: "compose refuses a file that speaks of what it does not declare",
        fix: "declare it in its section, or correct the name",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    networks: [inner]\n",
        good: "services:\n  web:\n    image: nginx\n    networks: [inner]\nnetworks: {inner: {}}\n",
        references: &["https://docs.docker.com/reference/compose-file/networks/"],
    },
    run: undeclared_name,
};

fn undeclared_name(scope: &Scope<'_, '_>, services: &[Service<'_>], sink: &mut Sink) {
    // What could not be read declares names too.
    if !scope.is_whole {
        return;
    }
    for (key, section) in [
        ("networks", "networks"),
        ("secrets", "secrets"),
        ("configs", "configs"),
        ("depends_on", "services"),
    ] {
        let declared = scope.declared(section);
        for own in services.iter().flat_map(Service::owns) {
            for (name, place) in names(own.get(key)) {
                let is_implied = section == "networks" && name == "default" || name.contains('$');
                if declared.contains(name) || is_implied {
                    continue;
                }
                let shown: String = name.chars().take(60).collect();
                let finding =
                    sink.add(place, format!("`{shown}` is not declared under `{section}`"));
                if let Some(meant) = closest(name, declared.iter().copied()) {
                    finding.help = Some(format!("did you mean `{meant}`?").into());
                }
            }
        }
    }
}

/// Names in a list, in mappings with `source`, or as keys.
fn names(value: Option<View<'_>>) -> Vec<(&str, sealift_diagnostic::Span)> {
    let Some(value) = value else { return Vec::new() };
    let items = value.items().filter_map(|item| {
        let name = item.text().or_else(|| item.word("source"))?;
        Some((name, item.place()))
    });
    let keys = value.entries().into_iter().map(|entry| (entry.name(), entry.key.place()));
    items.chain(keys).collect()
}

const PORT_TWICE: ProjectCheck = ProjectCheck {
    rule: Rule {
        id: "SL6030",
        name: "port-twice",
        level: Level::Error,
        aliases: &[],
        why: "only the first of two services gets a port of the host; the other does not start",
        fix: "give one of them another port",
        since: "0.2.0",
        bad: "services:\n  a:\n    image: nginx\n    ports: [\"8080:80\"]\n  b:\n    image: nginx\n    ports: [\"8080:80\"]\n",
        good: "services:\n  a:\n    image: nginx\n    ports: [\"8080:80\"]\n  b:\n    image: nginx\n    ports: [\"8081:80\"]\n",
        references: &[],
    },
    run: port_twice,
};

fn port_twice(_: &Scope<'_, '_>, services: &[Service<'_>], sink: &mut Sink) {
    let mut taken: BTreeMap<(String, u16, bool), (&str, sealift_diagnostic::Span)> =
        BTreeMap::new();
    // Services of a profile may never run together, replicas share a port.
    for service in services.iter().filter(|it| it.get("profiles").is_none()) {
        for (port, is_udp) in ports_with_protocols(service) {
            let (low, high) = port.host;
            if low == 0 || low != high {
                continue;
            }
            let key = (port.address.clone(), low, is_udp);
            match taken.get(&key) {
                Some((other, first)) if *other != service.name || *first != port.span => {
                    let message = format!("service `{other}` has port {low} of the host already");
                    let finding = sink.add(port.span, message);
                    if *first != NOWHERE {
                        finding.related.push((*first, "here".to_owned()));
                    }
                }
                _ => {
                    taken.insert(key, (&service.name, port.span));
                }
            }
        }
    }
}

const OBSOLETE_VERSION: ProjectCheck = ProjectCheck {
    rule: Rule {
        id: "SL6031",
        name: "obsolete-version",
        level: Level::Style,
        aliases: &[],
        why: "compose reads every file by the same specification and warns about this key",
        fix: "remove it",
        since: "0.2.0",
        bad: "version: \"3\"\nservices:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n",
        references: &["https://docs.docker.com/reference/compose-file/version-and-name/"],
    },
    run: |scope, _, sink| {
        for entry in scope.here().filter_map(|document| document.entry("version")) {
            let finding = sink.add(entry.key.place(), "`version` has no meaning any more");
            if let Some(edit) = edit::remove_entry(&entry) {
                finding.fixes.push(Fix::new(Tier::Safe, "remove `version`", vec![edit]));
            }
        }
    },
};
