//! What the kernel keeps from a container: system calls, files, devices, control groups.

use sealift_diagnostic::{Level, Rule};

use super::{Check, Sink};
use crate::workload::{Profile, Remedy, Source, Workload};

pub(super) const NO_SECCOMP: Check = Check {
    rule: Rule {
        id: "SL6016",
        name: "no-seccomp",
        level: Level::Error,
        aliases: &["CIS-5.22", "KSV-0104", "CKV_K8S_32"],
        why: "the filter keeps some sixty system calls from containers, among them those that most ways out need",
        fix: "remove the option, so that the engine's own profile holds; Kubernetes: `seccompProfile: {type: RuntimeDefault}`",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    security_opt: [\"seccomp:unconfined\"]\n",
        good: "services:\n  web:\n    image: nginx\n    security_opt: [\"no-new-privileges:true\"]\n",
        references: &["https://docs.docker.com/engine/security/seccomp/"],
    },
    run: |workload, sink| unconfined(workload, sink, &workload.seccomp, "system call filter"),
};

pub(super) const NO_APPARMOR: Check = Check {
    rule: Rule {
        id: "SL6017",
        name: "no-apparmor",
        level: Level::Warning,
        aliases: &["CIS-5.2", "KSV-0002"],
        why: "AppArmor's profile keeps containers from mounting and from writing to the kernel's files",
        fix: "remove the option, so that the engine's own profile holds",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    security_opt: [\"apparmor:unconfined\"]\n",
        good: "services:\n  web:\n    image: nginx\n    security_opt: [\"apparmor:docker-default\"]\n",
        references: &["https://docs.docker.com/engine/security/apparmor/"],
    },
    run: |workload, sink| unconfined(workload, sink, &workload.apparmor, "AppArmor profile"),
};

pub(super) const NO_SELINUX: Check = Check {
    rule: Rule {
        id: "SL6018",
        name: "no-selinux",
        level: Level::Warning,
        aliases: &["CIS-5.3", "KSV-0025"],
        why: "SELinux's labels keep a container from files that were not given to it",
        fix: "remove the option; `:z` behind a volume gives its files to the container",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    security_opt: [\"label:disable\"]\n",
        good: "services:\n  web:\n    image: nginx\n    volumes: [\"./site:/site:ro,z\"]\n",
        references: &["https://docs.docker.com/reference/cli/docker/container/run/#security-opt"],
    },
    run: |workload, sink| unconfined(workload, sink, &workload.selinux, "SELinux label"),
};

fn unconfined(workload: &Workload<'_>, sink: &mut Sink, profile: &Profile, what: &str) {
    if let Profile::Unconfined(span) = profile {
        let message = format!("{} runs without the engine's {what}", workload.title());
        sink.add_with(*span, message, workload.fix(Remedy::Remove(*span)));
    }
}

/// Devices that many containers use and that lead to nothing of the host's.
const HARMLESS_DEVICES: [&str; 7] = [
    "/dev/fuse",
    "/dev/net/tun",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/dri",
];

pub(super) const HOST_DEVICE: Check = Check {
    rule: Rule {
        id: "SL6022",
        name: "host-device",
        level: Level::Warning,
        aliases: &["CIS-5.18"],
        why: "a disk, or the machine's memory, as a device holds all files of the host whatever their permissions",
        fix: "remove the device, or give it with `:r` if it is only read",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    devices: [\"/dev/sda:/dev/sda\"]\n",
        good: "services:\n  web:\n    image: nginx\n    devices: [\"/dev/fuse\"]\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#devices"],
    },
    run: host_device,
};

fn host_device(workload: &Workload<'_>, sink: &mut Sink) {
    for device in &workload.devices {
        let path = device.value.split(':').next().unwrap_or("");
        if !path.starts_with("/dev") || HARMLESS_DEVICES.iter().any(|it| path.starts_with(it)) {
            continue;
        }
        let message = format!("{} uses the device `{path}` of the host", workload.title());
        let finding = sink.add(device.span, message);
        let is_disk = [
            "/dev/sd",
            "/dev/nvme",
            "/dev/vd",
            "/dev/xvd",
            "/dev/mem",
            "/dev/kmem",
            "/dev/port",
            "/dev/dm-",
            "/dev/mapper",
        ];
        if path == "/dev" || is_disk.iter().any(|start| path.starts_with(start)) {
            finding.level = Level::Error;
        }
    }
}

pub(super) const SHARED_MOUNT: Check = Check {
    rule: Rule {
        id: "SL6024",
        name: "shared-mount",
        level: Level::Warning,
        aliases: &["CIS-5.20"],
        why: "what the container mounts there appears on the host",
        fix: "remove the propagation; `rslave` lets the host's mounts into the container, and none out",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    volumes: [\"./data:/data:rshared\"]\n",
        good: "services:\n  web:\n    image: nginx\n    volumes: [\"./data:/data:rslave\"]\n",
        references: &[
            "https://docs.docker.com/engine/storage/bind-mounts/#configure-bind-propagation",
        ],
    },
    run: |workload, sink| {
        let is_shared =
            |propagation: &str| matches!(propagation, "shared" | "rshared" | "Bidirectional");
        for mount in workload.mounts.iter().filter(|mount| is_shared(&mount.propagation)) {
            let message = format!(
                "mounts of {} below `{}` appear on the host",
                workload.title(),
                mount.target
            );
            sink.add(mount.span, message);
        }
    },
};

pub(super) const CGROUP_PARENT: Check = Check {
    rule: Rule {
        id: "SL6026",
        name: "cgroup-parent",
        level: Level::Info,
        aliases: &["CIS-5.25"],
        why: "in another control group the limits that the engine was set up with do not hold",
        fix: "remove it, unless somebody set that group's limits",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    cgroup_parent: /other\n",
        good: "services:\n  web:\n    image: nginx\n    mem_limit: 256m\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#cgroup_parent"],
    },
    run: |workload, sink| {
        let set = workload
            .cgroup_parent
            .as_ref()
            .filter(|set| !set.value.is_empty() && set.value != "docker");
        if let Some(set) = set {
            let message = format!("{} is in the control group `{}`", workload.title(), set.value);
            sink.add_with(set.span, message, workload.fix(Remedy::Remove(set.span)));
        }
    },
};

/// Kernel settings that belong to the container alone.
const SAFE_SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

pub(super) const UNSAFE_SYSCTL: Check = Check {
    rule: Rule {
        id: "SL6027",
        name: "unsafe-sysctl",
        level: Level::Warning,
        aliases: &["KSV-0026"],
        why: "a setting of the kernel that is not the container's own changes the host, or every container on it",
        fix: "remove it, or set it on hosts that run nothing else",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    sysctls: {kernel.msgmax: 65536}\n",
        good: "services:\n  web:\n    image: nginx\n    sysctls: {net.ipv4.ip_unprivileged_port_start: 0}\n",
        references: &["https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/"],
    },
    run: unsafe_sysctl,
};

fn unsafe_sysctl(workload: &Workload<'_>, sink: &mut Sink) {
    for set in &workload.sysctls {
        // The engine itself refuses what is not of a namespace; those of the network are.
        let is_own = SAFE_SYSCTLS.contains(&set.value.as_str())
            || workload.source != Source::Kubernetes && set.value.starts_with("net.");
        if !is_own {
            let message =
                format!("{} changes the kernel setting `{}`", workload.title(), set.value);
            sink.add(set.span, message);
        }
    }
}
