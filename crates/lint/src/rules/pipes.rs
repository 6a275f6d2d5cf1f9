//! Pipes whose failures nobody sees, and the shells that would see them.

use sealift_diagnostic::{Fix, Level, Rule, Tier};
use sealift_dockerfile::{Instruction, InstructionKind};

use crate::{
    Check,
    base::Family,
    edit::insert_before,
    rule::Sink,
    shell::Command,
    stage_shell::StageShell,
    view::{RunView, StageView, View},
};

pub(super) const PIPE_WITHOUT_PIPEFAIL: Check = Check {
    rule: Rule {
        id: "SL3047",
        name: "pipe-without-pipefail",
        level: Level::Warning,
        aliases: &["DL4006"],
        why: "the step succeeds if the last command of the pipe does: a download that failed goes unnoticed",
        fix: "set `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` before, or begin the script with `set -o pipefail`",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN curl -f https://example.com/list | sort > /list\n",
        good: "FROM debian:13\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl -f https://example.com/list | sort > /list\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL4006"],
    },
    run: pipe_without_pipefail,
};

fn pipe_without_pipefail(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let parent = stage.parent.map(|parent| view.history(parent));
        let inherited = parent.and_then(|mut it| it.find(|it| is_shell(it)));
        let mut shell_before = inherited;
        let mut is_first = true;
        let mut instructions = stage.stage.instructions.iter().peekable();
        for run in &stage.runs {
            while let Some(before) =
                instructions.next_if(|it| it.span.start < run.instruction.span.start)
            {
                shell_before = Some(before).filter(|it| is_shell(it)).or(shell_before);
            }
            if run.shell == StageShell::Other || run.commands.iter().any(sets_pipefail) {
                continue;
            }
            if shell_before.is_some_and(|it| it.raw.contains("pipefail")) {
                continue;
            }
            let Some(at) = fragile_pipe(&run.commands) else { continue };
            let finding =
                sink.add(run.commands[at].span(), "what fails before this pipe goes unnoticed");
            // One `SHELL` serves all that follow.
            if std::mem::take(&mut is_first) && shell_before.is_none() {
                finding.fixes.extend(shell(view, stage, run));
            }
        }
    }
}

fn is_shell(instruction: &Instruction) -> bool {
    matches!(instruction.kind, InstructionKind::Shell(_))
}

fn sets_pipefail(command: &Command) -> bool {
    let is_option = |word: &str| word == "pipefail";
    command.name() == "set" && command.arguments().iter().any(|it| is_option(it))
        || crate::shell::is_shell(command.name())
            && command.arguments().iter().any(|it| is_option(it))
}

/// The first command that reads from one that can fail.
fn fragile_pipe(commands: &[Command]) -> Option<usize> {
    // What these print is given, and they always succeed.
    const HARMLESS: [&str; 7] = ["echo", "printf", "yes", "true", ":", "cd", "set"];
    (1..commands.len()).find(|at| {
        let before = &commands[at - 1];
        commands[*at].piped && !HARMLESS.contains(&before.name())
    })
}

/// The `SHELL` of a base that surely has it.
fn shell(view: &View<'_>, stage: &StageView<'_>, run: &RunView<'_>) -> Option<Fix> {
    let line = match view.base(stage.stage.index)?.family() {
        Family::Debian | Family::Ubuntu => "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]",
        Family::Alpine => "SHELL [\"/bin/ash\", \"-o\", \"pipefail\", \"-c\"]",
        _ => return None,
    };
    let edit = insert_before(view.file, run.instruction, line);
    Some(Fix::new(Tier::Suggested, "let pipes fail with `SHELL`", vec![edit]))
}

pub(super) const SHELL_BY_LINK: Check = Check {
    rule: Rule {
        id: "SL3048",
        name: "shell-by-link",
        level: Level::Warning,
        aliases: &["DL4005"],
        why: "scripts of the distribution are made for its own `/bin/sh`; a Dockerfile can choose another for itself",
        fix: "use `SHELL`",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN ln -sf /bin/bash /bin/sh\n",
        good: "FROM debian:13\nSHELL [\"/bin/bash\", \"-c\"]\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL4005"],
    },
    run: shell_by_link,
};

fn shell_by_link(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands().filter(|command| command.name() == "ln") {
        if let Some(word) = command.argument("/bin/sh") {
            sink.add(word.span, "`/bin/sh` becomes a link to another shell");
        }
    }
}

pub(super) const POINTLESS_COMMAND: Check = Check {
    rule: Rule {
        id: "SL3049",
        name: "pointless-command",
        level: Level::Info,
        aliases: &["DL3001"],
        why: "processes, services and mounts of a step are gone when it ends, and nobody is there to edit or watch",
        fix: "remove it; what must run in the container is started by `ENTRYPOINT` or `CMD`",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN service nginx start\n",
        good: "FROM debian:13\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL3001"],
    },
    run: pointless_command,
};

fn pointless_command(view: &View<'_>, sink: &mut Sink) {
    const POINTLESS: [&str; 16] = [
        "free",
        "halt",
        "htop",
        "ifconfig",
        "kill",
        "mount",
        "nano",
        "poweroff",
        "ps",
        "reboot",
        "service",
        "shutdown",
        "ssh",
        "systemctl",
        "top",
        "vim",
    ];
    for run in view.runs() {
        for (at, command) in run.commands.iter().enumerate() {
            let name = command.name();
            // What was started for this step alone may be stopped in it.
            let is_stop = name == "kill" && at > 0;
            // Units are enabled by a link.
            let enables = name == "systemctl"
                && command.arguments().iter().any(|it| {
                    matches!(it.as_str(), "enable" | "disable" | "mask" | "unmask" | "set-default")
                });
            if POINTLESS.contains(&name) && !is_stop && !enables {
                sink.add(command.span(), format!("`{name}` has no use while an image is built"));
            }
        }
    }
}
