//! The scripts of `RUN`: what a shell cannot read, and the faults that can be seen in them.

pub(super) mod commands;
pub(super) mod lists;
pub(super) mod portability;
pub(super) mod quoting;

use sealift_diagnostic::{Edit, Fix, Level, Rule, Span};
use sealift_shell::{Fault, FaultKind, Settings};

use crate::{
    Check,
    rule::Sink,
    view::{ScriptView, View},
};

pub(super) const SHELL_SYNTAX: Check = Check {
    rule: Rule {
        id: "SL5001",
        name: "shell-syntax",
        level: Level::Error,
        aliases: &[
            "SC1009", "SC1036", "SC1046", "SC1047", "SC1058", "SC1065", "SC1070", "SC1072",
            "SC1073", "SC1078", "SC1088",
        ],
        why: "the shell stops at what it cannot read, and so does the build",
        fix: "correct it as the message says; a line that ends in a backslash joins the next one without a blank or `;`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN if [ -f /a ]; then echo \"a\"\n",
        good: "FROM debian:12\nRUN if [ -f /a ]; then echo \"a\"; fi\n",
        references: &[
            "https://www.shellcheck.net/wiki/SC1072",
            "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html",
        ],
    },
    run: shell_syntax,
};

fn shell_syntax(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        for script in run.scripts.iter().filter(|it| it.dialect(run.shell).is_some()) {
            // What follows from the first one is noise.
            if let Some(problem) = script.script.problems.first() {
                sink.add(script.span(problem.span.range()), problem.kind.to_string());
            }
        }
    }
}

/// A fault with its place in the file.
pub(crate) struct ScriptFault {
    kind: FaultKind,
    span: Span,
    message: String,
    fix: Option<Fix>,
}

/// The faults of all scripts of a file.
pub(crate) fn faults(view: &View<'_>) -> Vec<ScriptFault> {
    let mut found = Vec::new();
    for stage in &view.stages {
        for run in &stage.runs {
            for script in &run.scripts {
                let Some(dialect) = script.dialect(run.shell) else { continue };
                let is_set =
                    |name: &str| stage.variables.get(name).is_some_and(|at| *at < run.n_variables);
                let settings = Settings { dialect, is_set: &is_set };
                let faults = sealift_shell::faults(&script.script, &settings);
                found.extend(faults.into_iter().map(|fault| placed(fault, script)));
            }
        }
    }
    found
}

fn of_kind(view: &View<'_>, sink: &mut Sink, kind: FaultKind) {
    for fault in view.faults().iter().filter(|fault| fault.kind == kind) {
        let finding = sink.add(fault.span, fault.message.as_str());
        finding.fixes.extend(fault.fix.clone());
    }
}

fn placed(fault: Fault, script: &ScriptView<'_>) -> ScriptFault {
    let fix = fault.fix.and_then(|fix| {
        let edits: Option<Vec<Edit>> = fix
            .edits
            .into_iter()
            .map(|edit| {
                let span = script.span(edit.span.range());
                // Over a continued line, what stands between would go too.
                (span.len() == edit.span.len()).then_some(Edit { span, text: edit.text })
            })
            .collect();
        edits.map(|edits| Fix { edits, ..fix })
    });
    ScriptFault {
        kind: fault.kind,
        span: script.span(fault.span.range()),
        message: fault.message,
        fix,
    }
}
