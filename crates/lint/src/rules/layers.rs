//! What each step adds to the image: steps that could be one, and bytes that a later step cannot take back.

use std::collections::BTreeSet;

use sealift_diagnostic::{Edit, Fix, Level, Rule, Span, Tier};
use sealift_dockerfile::{Dockerfile, InstructionKind, Word};

use crate::{
    Check,
    edit::line_break,
    mend::Script,
    rule::Sink,
    shell::Command,
    view::{RunView, StageView, View},
};

pub(super) const CONSECUTIVE_RUNS: Check = Check {
    rule: Rule {
        id: "SL4018",
        name: "consecutive-runs",
        level: Level::Info,
        aliases: &["DL3059"],
        why: "each step is a layer: files that the next one changes or removes are stored twice",
        fix: "join the steps with `&&`",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN mkdir /app\nRUN touch /app/ready\n",
        good: "FROM debian:13\nRUN mkdir /app \\\n    && touch /app/ready\n",
        references: &["https://docs.docker.com/build/building/best-practices/#run"],
    },
    run: consecutive_runs,
};

/// Most commands of a step that is worth joining to another; a longer one was kept apart on purpose.
const COMMANDS_MAX: usize = 1;

fn consecutive_runs(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let instructions = stage.stage.instructions;
        for pair in instructions.windows(2) {
            let (Some(first), Some(second)) =
                (run_of(stage, pair[0].span), run_of(stage, pair[1].span))
            else {
                continue;
            };
            let small = |run: &RunView<'_>| {
                (1..=COMMANDS_MAX).contains(&run.commands.len())
                    && run.instruction.heredocs.is_empty()
            };
            if !small(first) || !small(second) || flags(first) != flags(second) {
                continue;
            }
            let finding = sink.add(
                second.instruction.keyword_span,
                "this step could be part of the one before it",
            );
            finding.related.push((first.instruction.keyword_span, "that one".to_owned()));
            let edits = merge(view.file, first, second);
            let fix = edits.map(|edits| Fix::new(Tier::Safe, "join the two steps", edits));
            finding.fixes.extend(fix);
        }
    }
}

/// The step that is this instruction; they stand in the order of the file.
fn run_of<'v, 'a>(stage: &'v StageView<'a>, span: Span) -> Option<&'v RunView<'a>> {
    let next = stage.runs.partition_point(|it| it.instruction.span.start < span.start);
    stage.runs.get(next).filter(|run| run.instruction.span == span)
}

/// The flags of a step.
fn flags<'v>(run: &'v RunView<'_>) -> Vec<(&'v str, Option<&'v str>)> {
    let flags = run.instruction.flags.iter();
    flags.map(|flag| (flag.name.as_str(), flag.value.as_ref().map(Word::as_str))).collect()
}

/// The edits that make two steps one; `None` where the second could notice it.
pub(super) fn merge(
    file: &Dockerfile,
    first: &RunView<'_>,
    second: &RunView<'_>,
) -> Option<Vec<Edit>> {
    let (Some(before @ Script::Line(_)), Some(Script::Line(line))) =
        (Script::of(first), Script::of(second))
    else {
        return None;
    };
    if !before.is_open_to_more() || flags(first) != flags(second) {
        return None;
    }
    // What the first leaves behind in its shell, the second would get; and only a plain chain of commands stops where it
    // stopped before.
    let leaves = |command: &Command| {
        command.words.is_empty()
            || matches!(
                command.name(),
                "cd" | "set"
                    | "export"
                    | "exit"
                    | "exec"
                    | "umask"
                    | "trap"
                    | "source"
                    | "."
                    | "shopt"
                    | "alias"
                    | "unset"
                    | "ulimit"
                    | "pushd"
                    | "popd"
                    | "eval"
                    | "hash"
                    | "return"
            )
    };
    let plain = |text: &str| !text.contains([';', '#', '\n']) && !text.contains("||");
    let single = line.replace("&&", "").replace(">&", "").replace("&>", "");
    if first.commands.iter().any(leaves) || !plain(line) || single.contains('&') {
        return None;
    }
    // Between the two there may be nothing but line ends.
    let gap = Span::new(first.instruction.span.end, second.instruction.span.start);
    if gap.len() > 2 * line_break(file).len()
        || file.comments.iter().any(|it| gap.contains(it.span.start))
        || before.end() != first.instruction.span.end
    {
        return None;
    }
    let start = line.span(0..1).start;
    let text = format!(" {}{}    && ", file.escape, line_break(file));
    Some(vec![Edit::replace(Span::new(before.end(), start), text)])
}

pub(super) const REMOVED_LATER: Check = Check {
    rule: Rule {
        id: "SL4021",
        name: "removed-later",
        level: Level::Warning,
        aliases: &[],
        why: "a file that a later step removes stays in the layer that made it: the image is as large as before, and who \
              has the image has the file",
        fix: "remove it in the step that made it, or make it in a stage of its own",
        since: "0.2.0",
        bad: "FROM debian:13\nCOPY app.tar.gz /tmp/\nRUN rm /tmp/app.tar.gz\n",
        good: "FROM debian:13\nADD app.tar.gz /app/\n",
        references: &["https://docs.docker.com/build/building/best-practices/#run"],
    },
    run: removed_later,
};

fn removed_later(view: &View<'_>, sink: &mut Sink) {
    let Some(last) = view.last() else { return };
    for stage in view.lineage(last.stage.index) {
        let mut made: BTreeSet<String> = BTreeSet::new();
        let mut fetched = false;
        for instruction in stage.stage.instructions {
            match &instruction.kind {
                InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
                    made.extend(copied(copy));
                }
                InstructionKind::Run(_) => {
                    let Some(run) = run_of(stage, instruction.span) else { continue };
                    let fetches = fetches(run);
                    report_removals(run, &made, fetched && !fetches, sink);
                    fetched |= fetches;
                    made.extend(downloaded(run));
                }
                _ => {}
            }
        }
    }
}

/// Report what a step removes although an earlier one made it, or only earlier ones have fetched it.
fn report_removals(run: &RunView<'_>, made: &BTreeSet<String>, fetched: bool, sink: &mut Sink) {
    for command in &run.commands {
        let name = command.name();
        let lists = |path: &str| {
            [
                "/var/lib/apt/lists",
                "/var/cache/apt",
                "/var/cache/apk",
                "/var/cache/yum",
                "/var/cache/dnf",
            ]
            .iter()
            .any(|folder| path.starts_with(folder))
        };
        for word in command.arguments().iter().filter(|_| name == "rm") {
            let path = word.trim_end_matches(['/', '*']);
            if made.contains(path) {
                sink.add(word.span, format!("`{word}` stays in the layer of an earlier step"));
            } else if fetched && lists(word) {
                sink.add(word.span, "the files to remove are in the layer of an earlier step");
            }
        }
        let cleans = matches!(name, "apt-get" | "apt" | "yum" | "dnf" | "microdnf")
            && command.arguments().first().is_some_and(|verb| verb.as_str() == "clean");
        if cleans && fetched {
            sink.add(command.span(), "what this cleans is in the layer of an earlier step");
        }
    }
}

/// Whether a step installs packages or fetches their lists.
fn fetches(run: &RunView<'_>) -> bool {
    run.commands.iter().filter_map(crate::install::call).any(|call| {
        call.manager.is_distribution() && (call.installs() || call.verb.as_str() == "update")
    })
}

/// Paths in the image of what a `COPY` or `ADD` puts there.
fn copied(copy: &sealift_dockerfile::Copy) -> Vec<String> {
    let target = copy.destination.as_str();
    if !target.starts_with('/') {
        return Vec::new();
    }
    let names =
        copy.paths().filter_map(|word| word.rsplit('/').next()).filter(|name| !name.is_empty());
    match target.strip_suffix('/') {
        Some(folder) => names.map(|name| format!("{folder}/{name}")).collect(),
        None => vec![target.to_owned()],
    }
}

/// Absolute paths of what a step downloads and keeps.
fn downloaded(run: &RunView<'_>) -> Vec<String> {
    let targets: Vec<String> = run.commands.iter().filter_map(super::downloads::target).collect();
    if targets.is_empty() {
        return targets;
    }
    let removed: Vec<&str> = run
        .commands
        .iter()
        .filter(|command| command.name() == "rm")
        .flat_map(|command| command.arguments().iter().map(Word::as_str))
        .collect();
    targets
        .into_iter()
        .filter(|path| path.starts_with('/') && !removed.contains(&path.as_str()))
        .collect()
}
