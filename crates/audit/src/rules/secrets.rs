//! Secrets that are written down where everybody reads them.

use sealift_diagnostic::{Level, Rule, Span};

use super::Sink;
use crate::workload::{Remedy, Variable, Workload};

pub(crate) const SECRET_IN_VARIABLE: Rule = Rule {
    id: "SL1001",
    name: "secret-in-variable",
    level: Level::Error,
    aliases: &["KSV-0109"],
    why: "whoever can read this file, inspect the container or see its crash reports has the secret; it stays in the history of the repository",
    fix: "let it come from outside, as a file under `secrets:` or as a variable without a default, and change the secret: it is known by now",
    since: "0.1.0",
    bad: "services:\n  web:\n    image: nginx\n    environment: {DB_PASSWORD: hunter2}\n",
    good: "services:\n  web:\n    image: nginx\n    environment: {DB_PASSWORD: \"${DB_PASSWORD:?set it}\"}\n",
    references: &["https://docs.docker.com/compose/how-tos/use-secrets/"],
};

pub(super) fn secret_in_variable(workload: &Workload<'_>, sink: &mut Sink) {
    for variable in workload.variables.iter().filter(|it| is_secret_by_name(it)) {
        let message = format!("{} has a secret in `{}`", workload.title(), variable.name);
        let fix = workload.fix(Remedy::Outside(variable));
        sink.add_with(variable.span, message, fix).label = Some(sealift_lint::HIDDEN.to_owned());
    }
}

fn is_secret_by_name(variable: &Variable) -> bool {
    let value = literal(&variable.value);
    sealift_lint::is_secret_name(&variable.name)
        && sealift_lint::can_be_secret(value)
        && sealift_lint::secrets_in(value).is_empty()
}

/// A value, or what stands for it if nothing is set: `${PASSWORD:-hunter2}`.
fn literal(value: &str) -> &str {
    let Some(inner) = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        // A value that is put together from others is no secret by its name.
        return if value.contains('$') { "" } else { value };
    };
    inner.split_once(":-").or_else(|| inner.split_once('-')).map_or("", |(_, default)| default)
}

pub(crate) const SECRET_VALUE: Rule = Rule {
    id: "SL1002",
    name: "secret-value",
    level: Level::Error,
    aliases: &["KSV-01010"],
    why: "this is a secret by its look, whatever the variable is called; whoever can read this file has it",
    fix: "let it come from outside, as a file under `secrets:` or as a variable without a default, and change the secret: it is known by now",
    since: "0.1.0",
    bad: "services:\n  web:\n    image: nginx\n    environment: {DATABASE: \"postgres://me:hunter2@db/x\"}\n",
    good: "services:\n  web:\n    image: nginx\n    environment: {DATABASE: \"postgres://me:${PASSWORD}@db/x\"}\n",
    references: &["https://docs.docker.com/compose/how-tos/use-secrets/"],
};

pub(super) fn secret_value(workload: &Workload<'_>, sink: &mut Sink) {
    for variable in &workload.variables {
        for what in sealift_lint::secrets_in(&variable.value) {
            let message =
                format!("{} has a secret in `{}`: {what}", workload.title(), variable.name);
            let fix = workload.fix(Remedy::Outside(variable));
            hide(sink, variable.span, message, fix);
        }
    }
}

fn hide(sink: &mut Sink, span: Span, message: String, fix: Option<sealift_diagnostic::Fix>) {
    sink.add_with(span, message, fix).label = Some(sealift_lint::HIDDEN.to_owned());
}
