//! What makes an attacker's work easier.

use sealift_diagnostic::{Edit, Fix, Level, Rule, Span, Tier};
use sealift_dockerfile::{Flag, Instruction, InstructionKind, Network, Security, Word};

use crate::{
    Check, edit,
    install::{Call, Manager, call, package_name},
    rule::Sink,
    shell::Command,
    view::{RunView, View},
};

pub(super) const NETWORK_TOOLS: Check = Check {
    rule: Rule {
        id: "SL1013",
        name: "network-tools",
        level: Level::Warning,
        aliases: &["DL3001"],
        why: "an intruder uses these to look around, to fetch more and to open a way back",
        fix: "leave it out of the image; debug with an extra container (`docker debug`, `kubectl debug`)",
        since: "0.1.0",
        bad: "FROM debian:12\nRUN apt-get update && apt-get install -y netcat-openbsd tini\n",
        good: "FROM debian:12\nRUN apt-get update && apt-get install -y tini\n",
        references: &["https://attack.mitre.org/techniques/T1105/"],
    },
    run: network_tools,
};

/// Packages for it, and the programs in them.
const TOOLS: [(&str, &[&str]); 26] = [
    ("netcat", &["nc", "netcat"]),
    ("netcat-openbsd", &["nc", "netcat"]),
    ("netcat-traditional", &["nc", "netcat"]),
    ("ncat", &["ncat"]),
    ("nc", &["nc"]),
    ("nmap", &["nmap", "ncat"]),
    ("nmap-ncat", &["ncat", "nc"]),
    ("telnet", &["telnet"]),
    ("telnetd", &["telnetd"]),
    ("openssh-server", &["sshd"]),
    ("dropbear", &["dropbear"]),
    ("tcpdump", &["tcpdump"]),
    ("wireshark", &["wireshark"]),
    ("tshark", &["tshark"]),
    ("socat", &["socat"]),
    ("hping3", &["hping3"]),
    ("masscan", &["masscan"]),
    ("hydra", &["hydra"]),
    ("john", &["john"]),
    ("sqlmap", &["sqlmap"]),
    ("rsh-client", &["rsh", "rlogin"]),
    ("rsh-server", &["rshd"]),
    ("ftpd", &["ftpd"]),
    ("vsftpd", &["vsftpd"]),
    ("tftpd-hpa", &["tftpd"]),
    ("ettercap-common", &["ettercap"]),
];

fn network_tools(view: &View<'_>, sink: &mut Sink) {
    for tool in tools(view, &TOOLS) {
        let message = format!("`{}` is installed in the final image", tool.name);
        let finding = sink.add(tool.word.span, message);
        finding.fixes.extend(tool.fix.filter(|_| !tool.is_used));
    }
}

pub(super) const UNUSED_DOWNLOADER: Check = Check {
    rule: Rule {
        id: "SL1020",
        name: "unused-downloader",
        level: Level::Info,
        aliases: &[],
        why: "no step, command or health check of the file uses it, but an intruder can, to fetch more",
        fix: "leave it out of the image, or install it in the stage that needs it",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN apt-get update && apt-get install -y curl tini\nCMD [\"tini\", \"sleep\", \"1\"]\n",
        good: "FROM debian:12\nRUN apt-get update && apt-get install -y tini\nCMD [\"tini\", \"sleep\", \"1\"]\n",
        references: &["https://attack.mitre.org/techniques/T1105/"],
    },
    run: unused_downloader,
};

fn unused_downloader(view: &View<'_>, sink: &mut Sink) {
    // An image that starts nothing is there to be built upon, or to work in.
    let starts = view.last().is_some_and(|last| {
        view.history(last.stage.index).any(|instruction| {
            matches!(instruction.kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_))
        })
    });
    if !starts {
        return;
    }
    for tool in tools(view, &[("curl", &["curl"]), ("wget", &["wget"])]) {
        if !tool.is_used {
            let message = format!("`{}` is installed, and nothing in this file uses it", tool.name);
            sink.add(tool.word.span, message).fixes.extend(tool.fix);
        }
    }
}

/// A package of some table that gets into the final image.
struct Tool<'v> {
    word: &'v Word,
    name: &'v str,
    /// Whether the file uses a program of it.
    is_used: bool,
    /// How to leave it out.
    fix: Option<Fix>,
}

/// The packages of a table, with their programs, that get into the final image.
fn tools<'v>(view: &'v View<'_>, table: &[(&str, &[&str])]) -> Vec<Tool<'v>> {
    let mut found = Vec::new();
    for run in view.final_runs() {
        for command in &run.commands {
            let Some(call) = call(command).filter(is_of_distribution) else { continue };
            for word in call.operands.iter() {
                let name = package_name(word);
                if let Some((_, programs)) = table.iter().find(|(package, _)| *package == name) {
                    let fix = leave_out(view, run, &call, word);
                    found.push(Tool { word, name, is_used: uses(view, programs), fix });
                }
            }
        }
    }
    found
}

fn is_of_distribution(call: &Call<'_>) -> bool {
    call.installs() && !matches!(call.manager, Manager::Pip | Manager::Npm)
}

/// Whether the file runs one of some programs, as far as one can see.
fn uses(view: &View<'_>, programs: &[&str]) -> bool {
    // Most words are no path to any of them, which their ends tell sooner than their last parts.
    let is_program = |word: &str| {
        programs.iter().any(|program| {
            word.strip_suffix(program).is_some_and(|path| path.is_empty() || path.ends_with('/'))
        })
    };
    let in_steps = view.commands().any(|command| {
        // Another program may start it: `xargs curl`, `timeout 5 curl`.
        is_program(command.name())
            || call(command).is_none() && command.words.iter().any(|word| is_program(word))
    });
    let started = |instruction: &Instruction| {
        matches!(
            instruction.kind,
            InstructionKind::Cmd(_)
                | InstructionKind::Entrypoint(_)
                | InstructionKind::Healthcheck(_)
                | InstructionKind::Shell(_)
        )
    };
    let in_commands = view.instructions().filter(|instruction| started(instruction)).any(|it| {
        it.raw.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_')).any(is_program)
    });
    in_steps || in_commands
}

/// The step without one of the packages that it installs; without the command, or the step, if there is no other.
fn leave_out(view: &View<'_>, run: &RunView<'_>, call: &Call<'_>, word: &Word) -> Option<Fix> {
    let edit = if call.operands.len() == 1 {
        without_command(view, run, call.command)?
    } else {
        without_package(view, call, word)?
    };
    Some(Fix::new(Tier::Suggested, format!("do not install `{}`", package_name(word)), vec![edit]))
}

/// All packages are replaced by the others, so that two fixes never leave a command without any.
fn without_package(view: &View<'_>, call: &Call<'_>, word: &Word) -> Option<Edit> {
    let words = &call.command.words;
    let at = words.iter().position(|other| other == word)?;
    let first = call.operands.iter().next()?.span;
    let all = first.join(call.operands.iter().next_back()?.span);
    let cut = if word.span == first {
        Span::new(word.span.start, words.get(at + 1)?.span.start)
    } else {
        Span::new(words.get(at.checked_sub(1)?)?.span.end, word.span.end)
    };
    let source = &view.file.source;
    let gap = cut.text(source).replace(word.span.text(source), "");
    let is_plain = gap.chars().all(|letter| letter.is_whitespace() || letter == view.file.escape);
    if !is_plain || cut.start < all.start || cut.end > all.end {
        return None;
    }
    let before = source.get(all.start..cut.start)?;
    let after = source.get(cut.end..all.end)?;
    Some(Edit::replace(all, format!("{before}{after}")))
}

/// The step without a command; none of it is left if the others only served that one.
fn without_command(view: &View<'_>, run: &RunView<'_>, command: &Command) -> Option<Edit> {
    let serves = |other: &Command| {
        let first = other.arguments().first().map_or("", Word::as_str);
        match other.name() {
            "apt-get" | "apt" | "apk" | "yum" | "dnf" | "microdnf" => {
                matches!(first, "update" | "clean" | "autoclean" | "autoremove" | "makecache")
            }
            "rm" => other.arguments().iter().all(|word| {
                word.starts_with('-')
                    || word.contains("/var/lib/apt")
                    || word.contains("/var/cache")
            }),
            _ => false,
        }
    };
    if run.commands.iter().all(|other| other == command || serves(other)) {
        return Some(edit::delete_instruction(view.file, run.instruction));
    }
    let at = run.commands.iter().position(|other| other == command)?;
    let source = &view.file.source;
    let joins = |from: &Command, to: &Command| {
        let gap = source.get(from.span().end..to.span().start)?;
        let joint: String = gap
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != view.file.escape)
            .collect();
        (matches!(joint.as_str(), "&&" | ";") && !from.nested && !to.nested).then_some(())
    };
    if let Some(before) = at.checked_sub(1).and_then(|before| run.commands.get(before)) {
        joins(before, command)?;
        return Some(Edit::delete(Span::new(before.span().end, command.span().end)));
    }
    let after = run.commands.get(at + 1)?;
    joins(command, after)?;
    Some(Edit::delete(Span::new(command.span().start, after.span().start)))
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
        bad: "FROM debian:12\nRUN --network=host make\n",
        good: "FROM debian:12\nRUN make\n",
        references: &[
            "https://docs.docker.com/reference/dockerfile/#run---network",
            "https://docs.docker.com/reference/dockerfile/#run---security",
        ],
    },
    run: unconfined_run,
};

fn unconfined_run(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        let host = run.run.network == Network::Host;
        let insecure = run.run.security == Security::Insecure;
        for (on, name) in [(host, "network"), (insecure, "security")] {
            if let Some(flag) = run.instruction.flag(name).filter(|_| on) {
                let message = format!("`--{name}` lets the step out of its confinement");
                let before = flag_before(run.instruction, flag);
                let edit = edit::remove_word(view.file, before, flag.span);
                sink.add(flag.span, message).fixes.extend(
                    edit.map(|edit| {
                        Fix::new(Tier::Manual, format!("remove `--{name}`"), vec![edit])
                    }),
                );
            }
        }
    }
}

/// What stands before a flag: another, or the keyword.
fn flag_before(instruction: &Instruction, flag: &Flag) -> Span {
    let earlier = instruction.flags.iter().rfind(|other| other.span.end <= flag.span.start);
    earlier.map_or(instruction.keyword_span, |other| other.span)
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
        bad: "FROM debian:12\nVOLUME /proc/data\n",
        good: "FROM debian:12\nVOLUME /data\n",
        references: &["https://man7.org/linux/man-pages/man7/hier.7.html"],
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
