//! Privileges: the switch that turns all protection off, capabilities, and gaining more of them.

use sealift_diagnostic::{Level, Rule};

use super::{Check, Sink};
use crate::workload::{Remedy, Source, Workload};

pub(super) const PRIVILEGED: Check = Check {
    rule: Rule {
        id: "SL6001",
        name: "privileged",
        level: Level::Error,
        aliases: &["CIS-5.5", "KSV-0017", "CKV_K8S_16", "CKV_K8S_2"],
        why: "a privileged container has every capability, all devices and no system call filter: whoever is root in it is root on the host",
        fix: "remove `privileged`, and give the one capability or device that is needed",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    privileged: true\n",
        good: "services:\n  web:\n    image: nginx\n    privileged: false\n",
        references: &["https://docs.docker.com/reference/compose-file/services/#privileged"],
    },
    run: privileged,
};

fn privileged(workload: &Workload<'_>, sink: &mut Sink) {
    if let Some(set) = workload.privileged.as_ref().filter(|set| set.value) {
        let message = format!("{} is privileged", workload.title());
        sink.add_with(set.span, message, workload.fix(Remedy::Unprivileged));
    }
}

/// Capabilities that lead to the host, with what they allow.
const DANGEROUS: &[(&str, &str)] = &[
    ("ALL", "everything"),
    ("SYS_ADMIN", "mounting file systems and much else"),
    ("SYS_MODULE", "loading kernel modules"),
    ("SYS_PTRACE", "reading and changing other processes"),
    ("SYS_RAWIO", "access to ports and memory of the machine"),
    ("SYS_BOOT", "restarting the machine"),
    ("SYS_TIME", "changing the host's clock"),
    ("DAC_READ_SEARCH", "reading every file by its inode"),
    ("DAC_OVERRIDE", "writing every file"),
    ("NET_ADMIN", "changing interfaces, routes and firewalls"),
    ("NET_RAW", "forging packets of other containers"),
    ("BPF", "loading programs into the kernel"),
    ("PERFMON", "watching the whole kernel"),
    ("SYSLOG", "reading the kernel's log"),
    ("MAC_ADMIN", "changing the policy of AppArmor or SELinux"),
    ("MAC_OVERRIDE", "passing the policy of AppArmor or SELinux"),
    ("SETFCAP", "giving capabilities to files"),
    ("CHECKPOINT_RESTORE", "reading other processes"),
];

/// Capabilities that take a machine over by themselves.
const DEADLY: [&str; 7] =
    ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF"];

/// A capability's name without its prefix, in capitals.
pub(crate) fn capability(name: &str) -> String {
    let name = name.trim().to_ascii_uppercase();
    name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)
}

pub(super) const DANGEROUS_CAPABILITY: Check = Check {
    rule: Rule {
        id: "SL6002",
        name: "dangerous-capability",
        level: Level::Warning,
        aliases: &[
            "CIS-5.4",
            "KSV-0005",
            "KSV-0022",
            "KSV-0119",
            "KSV-0120",
            "CKV_K8S_25",
            "CKV_K8S_39",
            "CKV_K8S_24",
        ],
        why: "some capabilities are as good as root on the host",
        fix: "remove the capability; most programs need none, and `NET_BIND_SERVICE` opens ports below 1024",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n    cap_add: [SYS_ADMIN]\n",
        good: "services:\n  web:\n    image: nginx\n    cap_add: [NET_BIND_SERVICE]\n",
        references: &["https://man7.org/linux/man-pages/man7/capabilities.7.html"],
    },
    run: dangerous_capability,
};

fn dangerous_capability(workload: &Workload<'_>, sink: &mut Sink) {
    for added in &workload.capabilities_added {
        let name = capability(&added.value);
        let Some((_, what)) = DANGEROUS.iter().find(|(known, _)| *known == name) else { continue };
        let message = format!("{} has the capability {name}: {what}", workload.title());
        let finding = sink.add_with(added.span, message, workload.fix(Remedy::Remove(added.span)));
        if DEADLY.contains(&name.as_str()) {
            finding.level = Level::Error;
        }
    }
}

pub(super) const CAPABILITIES_KEPT: Check = Check {
    rule: Rule {
        id: "SL6003",
        name: "capabilities-kept",
        level: Level::Warning,
        aliases: &["KSV-0003", "KSV-0004", "KSV-0106", "CKV_K8S_28", "CKV_K8S_37", "CKV_K8S_7"],
        why: "an engine gives some fourteen capabilities to a container that asks for none; few programs use any",
        fix: "drop `ALL`, and add back only what the program is known to need",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n    cap_drop: [ALL]\n",
        references: &["https://docs.docker.com/engine/security/#linux-kernel-capabilities"],
    },
    run: capabilities_kept,
};

fn capabilities_kept(workload: &Workload<'_>, sink: &mut Sink) {
    let drops_all = workload.capabilities_dropped.iter().any(|it| capability(&it.value) == "ALL");
    if !drops_all && !workload.is_privileged() {
        let message = format!("{} keeps the default capabilities", workload.title());
        sink.add_with(workload.span, message, workload.fix(Remedy::DropCapabilities));
    }
}

pub(super) const NEW_PRIVILEGES: Check = Check {
    rule: Rule {
        id: "SL6004",
        name: "new-privileges",
        level: Level::Warning,
        aliases: &["CIS-5.26", "KSV-0001", "CKV_K8S_20", "CKV_K8S_5"],
        why: "a program with the setuid bit makes its caller root; without this switch one such file in the image is enough",
        fix: "compose: `security_opt: [no-new-privileges:true]`; Kubernetes: `allowPrivilegeEscalation: false`",
        since: "0.2.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n    security_opt: [no-new-privileges:true]\n",
        references: &["https://www.kernel.org/doc/html/latest/userspace-api/no_new_privs.html"],
    },
    run: new_privileges,
};

fn new_privileges(workload: &Workload<'_>, sink: &mut Sink) {
    let set = workload.no_new_privileges.as_ref();
    if set.is_some_and(|set| set.value) || workload.is_privileged() {
        return;
    }
    let span = set.map_or(workload.span, |set| set.span);
    let verb = if workload.source == Source::Running { "can gain" } else { "may gain" };
    let message = format!("{} {verb} privileges through setuid programs", workload.title());
    sink.add_with(span, message, workload.fix(Remedy::NoNewPrivileges));
}
