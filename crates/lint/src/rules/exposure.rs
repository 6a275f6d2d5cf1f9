//! What makes an attacker's work easier.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{InstructionKind, Network, Security, Word};

use super::packages::installed_at_the_end;
use crate::{Check, install::package_name, rule::Sink, view::View};

pub(super) const NETWORK_TOOLS: Check = Check {
    rule: Rule {
        id: "SL1013",
        name: "network-tools",
        level: Level::Warning,
        aliases: &["DL3001"],
        why: "an intruder uses these to look around, to fetch more and to open a way back",
        fix: "leave it out of the image; debug with an extra container (`docker debug`, `kubectl debug`)",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: network_tools,
};

fn network_tools(view: &View<'_>, sink: &mut Sink) {
    const TOOLS: [&str; 26] = [
        "netcat",
        "netcat-openbsd",
        "netcat-traditional",
        "ncat",
        "nc",
        "nmap",
        "nmap-ncat",
        "telnet",
        "telnetd",
        "openssh-server",
        "dropbear",
        "tcpdump",
        "wireshark",
        "tshark",
        "socat",
        "hping3",
        "masscan",
        "hydra",
        "john",
        "sqlmap",
        "rsh-client",
        "rsh-server",
        "ftpd",
        "vsftpd",
        "tftpd-hpa",
        "ettercap-common",
    ];
    for word in installed_at_the_end(view) {
        let name = package_name(word);
        if TOOLS.contains(&name) {
            sink.add(word.span, format!("`{name}` is installed in the final image"));
        }
    }
}

pub(super) const UNCONFINED_RUN: Check = Check {
    rule: Rule {
        id: "SL1015",
        name: "unconfined-run",
        level: Level::Warning,
        aliases: &[],
        why: "the step reaches the host: its network services, or with `insecure` all of its devices",
        fix: "remove the flag, or do the work outside the build",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: unconfined_run,
};

fn unconfined_run(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        let host = run.run.network == Network::Host;
        let insecure = run.run.security == Security::Insecure;
        for (on, name) in [(host, "network"), (insecure, "security")] {
            if let Some(flag) = run.instruction.flag(name).filter(|_| on) {
                sink.add(flag.span, format!("`--{name}` lets the step out of its confinement"));
            }
        }
    }
}

pub(super) const SYSTEM_FOLDER: Check = Check {
    rule: Rule {
        id: "SL1017",
        name: "system-folder",
        level: Level::Warning,
        aliases: &["DS-0030", "DKL-DI-0002"],
        why: "these folders are the kernel's; what is put there hides it or is lost",
        fix: "use a folder of your own, such as `/app` or `/data`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: system_folder,
};

fn system_folder(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        let words: &[Word] = match &instruction.kind {
            InstructionKind::Workdir(word) => std::slice::from_ref(word),
            InstructionKind::Volume(volume) => &volume.paths,
            _ => continue,
        };
        for word in words {
            let path = word.trim_matches(['"', '\'']).trim_end_matches('/');
            let inside = ["/proc", "/sys", "/dev", "/boot"].iter().any(|folder| {
                path.strip_prefix(folder)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            if inside && !path.starts_with("/dev/shm") {
                sink.add(word.span, format!("`{path}` belongs to the system"));
            }
        }
    }
}
