//! Scripts that the shell cannot read.

use sealift_diagnostic::{Level, Rule};

use crate::{Check, rule::Sink, view::View};

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
