//! Files: the root file system, the engine's socket, folders of the host.

use sealift_diagnostic::{Fix, Level, Rule, Tier};

use super::{Check, Sink};
use crate::workload::{Mount, Remedy, Source, Workload};

pub(super) const WRITABLE_ROOT: Check = Check {
    rule: Rule {
        id: "SL6005",
        name: "writable-root",
        level: Level::Warning,
        aliases: &["CIS-5.13", "KSV-0014", "CKV_K8S_22"],
        why: "what breaks into a container writes its tools and changes the program; a read-only root leaves it nowhere to",
        fix: "compose: `read_only: true` with `tmpfs: [/tmp]`; Kubernetes: `readOnlyRootFilesystem: true` with an `emptyDir` where the program writes",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n    read_only: true\n    tmpfs: [/tmp]\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#read_only"],
    },
    run: writable_root,
};

fn writable_root(workload: &Workload<'_>, sink: &mut Sink) {
    let set = workload.read_only_root.as_ref();
    if set.is_some_and(|set| set.value) {
        return;
    }
    let span = set.map_or(workload.span, |set| set.span);
    let message = format!("the root file system of {} can be written", workload.title());
    sink.add_with(span, message, workload.fix(Remedy::ReadOnlyRoot));
}

/// Sockets of engines: whoever can speak to one is root on the host.
const SOCKETS: [&str; 9] = [
    "docker.sock",
    "docker.sock.raw",
    "containerd.sock",
    "crio.sock",
    "podman.sock",
    "buildkitd.sock",
    "dockershim.sock",
    "cri-dockerd.sock",
    "docker_engine",
];

pub(super) const ENGINE_SOCKET: Check = Check {
    rule: Rule {
        id: "SL6006",
        name: "engine-socket",
        level: Level::Error,
        aliases: &["CIS-5.32", "KSV-0006", "CKV_K8S_27"],
        why: "whoever can speak to the engine can start a privileged container and is root on the host, even if the socket is mounted for reading only",
        fix: "remove the mount; what must watch containers can go through a proxy that lets only reading requests pass",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]\n",
        good: "services:\n  web:\n    image: nginx\n    volumes: [\"data:/data\"]\nvolumes: {data: {}}\n",
        references: &["https://docs.docker.com/engine/security/#docker-daemon-attack-surface"],
    },
    run: engine_socket,
};

/// A fix that only a person can know to be right: what uses the mount may not work any more.
fn by_hand(fix: Option<Fix>) -> Option<Fix> {
    fix.map(|fix| Fix { tier: Tier::Manual, ..fix })
}

fn is_socket(mount: &Mount) -> bool {
    let name = mount.source.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or("");
    SOCKETS.contains(&name)
}

fn engine_socket(workload: &Workload<'_>, sink: &mut Sink) {
    for mount in workload.mounts.iter().filter(|mount| is_socket(mount)) {
        let message = format!("{} can speak to the container engine", workload.title());
        sink.add_with(mount.span, message, by_hand(workload.fix(Remedy::Remove(mount.span))));
    }
}

/// Folders of the host that hold its system, its secrets or other people's files.
const SENSITIVE: [&str; 26] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
    "/var/lib",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/log",
    "/var/run",
    "/var/spool/cron",
    "/etc/kubernetes",
    "/opt/cni",
    "/mnt",
];

/// Files and folders below them that only tell the time or the machine's name.
const HARMLESS: [&str; 6] = [
    "/etc/localtime",
    "/etc/timezone",
    "/etc/hostname",
    "/etc/machine-id",
    "/etc/resolv.conf",
    "/etc/ssl/certs",
];

pub(super) const HOST_FOLDER: Check = Check {
    rule: Rule {
        id: "SL6007",
        name: "host-folder",
        level: Level::Warning,
        aliases: &["CIS-5.6", "KSV-0023", "KSV-0121"],
        why: "a folder of the host's system in a container shows the host's secrets, and one that can be written changes the host",
        fix: "mount a volume, or only the one file that is needed, for reading only",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    volumes: [\"/etc:/host/etc\"]\n",
        good: "services:\n  web:\n    image: nginx\n    volumes: [\"./site:/site:ro\"]\n",
        references: &["https://docs.docker.com/engine/storage/bind-mounts/"],
    },
    run: host_folder,
};

fn host_folder(workload: &Workload<'_>, sink: &mut Sink) {
    for mount in workload.mounts.iter().filter(|mount| !is_socket(mount)) {
        let path = match mount.source.trim_end_matches('/') {
            "" if mount.source.starts_with('/') => "/",
            path => path,
        };
        if HARMLESS.iter().any(|it| path == *it || path.starts_with(&format!("{it}/"))) {
            continue;
        }
        let is_below = [
            "/etc/",
            "/root/",
            "/boot/",
            "/proc/",
            "/sys/",
            "/dev/",
            "/usr/",
            "/var/run/",
            "/run/",
        ]
        .iter()
        .any(|folder| path.starts_with(folder));
        let is_home = path == "~"
            || ["~/.ssh", "~/.aws", "~/.kube", "~/.docker", "~/.gnupg"]
                .iter()
                .any(|it| path.starts_with(it));
        let is_sensitive = SENSITIVE.contains(&path) || is_below || is_home;
        // Any folder of a node is shared with whatever else the node runs.
        let is_shared = workload.source == Source::Kubernetes && !path.is_empty();
        if !is_sensitive && !is_shared {
            continue;
        }
        let verb = if mount.is_read_only { "sees" } else { "can write" };
        let message = format!("{} {verb} `{path}` of the host", workload.title());
        let fix = workload.fix(Remedy::ReadOnlyMount(mount.span)).filter(|_| !mount.is_read_only);
        let finding = sink.add_with(mount.span, message, by_hand(fix));
        if mount.is_read_only {
            finding.level = Level::Info;
        } else if is_sensitive {
            finding.level = Level::Error;
        }
    }
}
