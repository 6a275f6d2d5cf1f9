//! Containers that run: what the engine says of one (Docker Engine API, `GET /containers/{id}/json`) as a workload.

use std::collections::BTreeMap;

use sealift_diagnostic::{Diagnostic, Span};
use sealift_lint::Config;
use serde::Deserialize;
use serde_json::Value;

use crate::rules;
use crate::workload::{Health, Mount, Namespace, Port, Profile, Set, Source, Variable, Workload};

/// Something that the engine says and that cannot be read.
#[derive(Debug)]
pub struct Unreadable(serde_json::Error);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "what the engine says of a container cannot be read: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

/// What is wrong with a container that runs, from what its engine says of it. Places in findings mean nothing.
pub fn audit_container(json: &[u8], config: &Config) -> Result<Vec<Diagnostic>, Unreadable> {
    let said: Said = serde_json::from_slice(json).map_err(Unreadable)?;
    let mut found = rules::run(&said.workload());
    found.retain(|finding| {
        let id = finding.rule.as_deref().unwrap_or("");
        crate::rule(id).is_none_or(|rule| config.is_on(rule))
    });
    for finding in &mut found {
        crate::suppress::choose_level(config, finding);
    }
    Ok(found)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(default)]
    name: String,
    #[serde(default)]
    app_armor_profile: Option<String>,
    // Without these nothing is known, which must not pass for nothing found.
    host_config: Host,
    config: Inner,
    #[serde(default)]
    mounts: Option<Vec<Mounted>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Host {
    privileged: bool,
    cap_add: Option<Vec<String>>,
    cap_drop: Option<Vec<String>>,
    security_opt: Option<Vec<String>>,
    readonly_rootfs: bool,
    network_mode: String,
    pid_mode: String,
    ipc_mode: String,
    #[serde(rename = "UTSMode")]
    uts_mode: String,
    userns_mode: String,
    memory: i64,
    nano_cpus: i64,
    cpu_shares: i64,
    cpu_quota: i64,
    cpuset_cpus: String,
    pids_limit: Option<i64>,
    restart_policy: Option<Restart>,
    devices: Option<Vec<Device>>,
    ulimits: Option<Vec<Ulimit>>,
    cgroup_parent: String,
    sysctls: Option<BTreeMap<String, Value>>,
    port_bindings: Option<BTreeMap<String, Option<Vec<Binding>>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Restart {
    name: String,
    maximum_retry_count: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Device {
    path_on_host: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Ulimit {
    name: String,
    soft: i64,
    hard: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Binding {
    host_ip: String,
    host_port: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Inner {
    user: String,
    image: String,
    env: Option<Vec<String>>,
    healthcheck: Option<Check>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Check {
    test: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Mounted {
    #[serde(rename = "Type")]
    kind: String,
    source: String,
    destination: String,
    #[serde(rename = "RW")]
    is_writable: bool,
    propagation: String,
}

/// There is no text to point at.
const NOWHERE: Span = Span { start: 0, end: 0 };

fn set<T>(value: T) -> Set<T> {
    Set::new(value, NOWHERE)
}

fn sets(list: Option<&Vec<String>>) -> Vec<Set<String>> {
    list.into_iter().flatten().cloned().map(set).collect()
}

impl Said {
    fn workload(&self) -> Workload<'static> {
        let host = &self.host_config;
        let name = self.name.trim_start_matches('/').to_owned();
        let mut workload = Workload::new(Source::Running, "container", name, NOWHERE);
        workload.image = Some(set(self.config.image.clone())).filter(|it| !it.value.is_empty());
        workload.privileged = Some(set(host.privileged));
        workload.capabilities_added = sets(host.cap_add.as_ref());
        workload.capabilities_dropped = sets(host.cap_drop.as_ref());
        workload.read_only_root = Some(set(host.readonly_rootfs));
        // The engine says what holds in the end: nothing means root.
        let user = if self.config.user.is_empty() { "0" } else { &self.config.user };
        workload.user = Some(set(user.to_owned()));
        let limit = |is_set: bool| is_set.then_some(NOWHERE);
        workload.memory = limit(host.memory > 0);
        let has_cpu = host.nano_cpus > 0
            || host.cpu_quota > 0
            || !matches!(host.cpu_shares, 0 | 1024)
            || !host.cpuset_cpus.is_empty();
        workload.cpu = limit(has_cpu);
        workload.processes = limit(host.pids_limit.is_some_and(|count| count > 0));
        let restart = host.restart_policy.as_ref();
        workload.restart = restart.map(|policy| match policy.maximum_retry_count {
            0 => set(policy.name.clone()),
            count => set(format!("{}:{count}", policy.name)),
        });
        workload.cgroup_parent = Some(set(host.cgroup_parent.clone()));
        workload.default_bridge =
            matches!(host.network_mode.as_str(), "default" | "bridge").then_some(NOWHERE);
        let devices = host.devices.iter().flatten();
        workload.devices = devices.map(|device| set(device.path_on_host.clone())).collect();
        let unlimited = host.ulimits.iter().flatten().filter(|it| it.soft < 0 || it.hard < 0);
        workload.unlimited = unlimited.map(|limit| set(limit.name.clone())).collect();
        let sysctls = host.sysctls.iter().flatten();
        workload.sysctls = sysctls.map(|(name, _)| set(name.clone())).collect();
        workload.mounts = self.mounts();
        workload.ports = self.ports();
        workload.variables = self.variables();
        workload.health = self.health();
        self.options(&mut workload);
        self.namespaces(&mut workload);
        workload
    }

    fn options(&self, workload: &mut Workload<'_>) {
        workload.no_new_privileges = Some(set(false));
        for option in self.host_config.security_opt.iter().flatten() {
            let (name, value) = option.split_once([':', '=']).unwrap_or((option, ""));
            match (name, value) {
                ("no-new-privileges", value) => {
                    workload.no_new_privileges = Some(set(value != "false"));
                }
                ("seccomp", "unconfined") => workload.seccomp = Profile::Unconfined(NOWHERE),
                ("label", "disable") => workload.selinux = Profile::Unconfined(NOWHERE),
                ("apparmor", "unconfined") => workload.apparmor = Profile::Unconfined(NOWHERE),
                _ => {}
            }
        }
        if self.app_armor_profile.as_deref() == Some("unconfined") {
            workload.apparmor = Profile::Unconfined(NOWHERE);
        }
    }

    fn namespaces(&self, workload: &mut Workload<'_>) {
        let host = &self.host_config;
        let modes = [
            (&host.network_mode, Namespace::Network),
            (&host.pid_mode, Namespace::Process),
            (&host.ipc_mode, Namespace::Ipc),
            (&host.uts_mode, Namespace::HostName),
            (&host.userns_mode, Namespace::User),
        ];
        let shared = modes.into_iter().filter(|(mode, _)| *mode == "host");
        workload.host_namespaces = shared.map(|(_, namespace)| set(namespace)).collect();
    }

    fn mounts(&self) -> Vec<Mount> {
        let mounts = self.mounts.iter().flatten();
        mounts
            .map(|mount| Mount {
                // A volume lies in the engine's own folder, and is no folder of the host's for that.
                source: if mount.kind == "bind" { mount.source.clone() } else { String::new() },
                target: mount.destination.clone(),
                is_read_only: !mount.is_writable,
                // What the engine itself sets is private to the container.
                propagation: mount.propagation.clone(),
                span: NOWHERE,
            })
            .collect()
    }

    fn ports(&self) -> Vec<Port> {
        let mut ports = Vec::new();
        for (port, bindings) in self.host_config.port_bindings.iter().flatten() {
            let number = port.split('/').next().and_then(|it| it.parse::<u16>().ok());
            let Some(container) = number else { continue };
            for binding in bindings.iter().flatten() {
                let host = binding.host_port.parse::<u16>().unwrap_or(0);
                ports.push(Port {
                    address: binding.host_ip.clone(),
                    host: (host, host),
                    container: (container, container),
                    span: NOWHERE,
                });
            }
        }
        ports
    }

    fn variables(&self) -> Vec<Variable> {
        let pairs = self.config.env.iter().flatten().filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(name, value)| Variable {
                name: name.to_owned(),
                value: value.to_owned(),
                span: NOWHERE,
            })
            .collect()
    }

    fn health(&self) -> Health {
        let test = self.config.healthcheck.as_ref().and_then(|check| check.test.as_ref());
        match test.and_then(|test| test.first()).map(String::as_str) {
            Some("NONE") => Health::Disabled(NOWHERE),
            Some(_) => Health::Checked,
            None => Health::Missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: &str) -> Vec<String> {
        let found = audit_container(json.as_bytes(), &Config::default()).unwrap();
        found.into_iter().filter_map(|it| Some(it.rule?.into_owned())).collect()
    }

    #[test]
    fn what_an_engine_says() {
        let open = rules(
            r#"{"Name": "/web", "AppArmorProfile": "unconfined", "HostConfig": {"Privileged": true, "CapAdd": null,
            "NetworkMode": "host", "PidMode": "host", "IpcMode": "private", "UTSMode": "", "Memory": 0,
            "PidsLimit": null, "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
            "PortBindings": {"22/tcp": [{"HostIp": "", "HostPort": "2222"}]}}, "Config": {"User": "", "Image": "nginx",
            "Env": ["DB_PASSWORD=hunter2", "PATH=/bin"]},
            "Mounts": [{"Type": "bind", "Source": "/var/run/docker.sock", "Destination": "/s", "RW": false,
            "Propagation": "rprivate"}, {"Type": "volume", "Source": "/var/lib/docker/volumes/a/_data",
            "Destination": "/d", "RW": true, "Propagation": ""}]}"#,
        );
        for rule in [
            "SL1001", "SL1008", "SL1011", "SL2001", "SL4008", "SL6001", "SL6005", "SL6006",
            "SL6008", "SL6009", "SL6013", "SL6014", "SL6015", "SL6017", "SL6020", "SL6021",
        ] {
            assert!(open.iter().any(|it| it == rule), "{rule} {open:?}");
        }
        assert!(!open.iter().any(|it| it == "SL6007"), "{open:?}");
        let shut = rules(
            r#"{"HostConfig": {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"], "ReadonlyRootfs": true,
            "NetworkMode": "site", "Memory": 268435456, "NanoCpus": 500000000, "PidsLimit": 200},
            "Config": {"User": "10001", "Image": "nginx:1.29.3", "Healthcheck": {"Test": ["CMD", "x"]}}}"#,
        );
        assert!(shut.is_empty(), "{shut:?}");
        for odd in ["", "[]", "{\"HostConfig\": 3}", "null"] {
            assert!(audit_container(odd.as_bytes(), &Config::default()).is_err(), "{odd}");
        }
    }
}
