//! `sealift explain`

use std::fmt::Write as _;
use std::process::ExitCode;

use sealift_diagnostic::{Rule, closest};
use serde_json::{Value, json};

use super::findings::rules;
use crate::failure::Usage;
use crate::printer::Printer;
use sealift_arguments::{Explain, TextOrJson};

pub(crate) fn run(arguments: &Explain, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut found: Vec<&'static Rule> = Vec::new();
    let mut kinds: Vec<(&'static str, String)> = Vec::new();
    for name in &arguments.rules {
        // A name elsewhere may be that of several rules here.
        let before = found.len();
        found.extend(all().filter(|rule| rule.is_called(name)));
        let kind = sealift_pipeline::secrets::rule(name);
        if found.len() == before && kind.is_none() {
            return Err(unknown(name));
        }
        kinds.extend(kind);
    }
    let is_list = arguments.rules.is_empty();
    if is_list {
        found = rules().collect();
    }
    let text = match arguments.format {
        TextOrJson::Json => {
            let all: Vec<Value> = found.iter().map(|rule| document(rule)).collect();
            let kinds: Vec<Value> =
                kinds.iter().map(|(id, title)| json!({ "id": id, "title": title })).collect();
            let mut value = json!({ "schemaVersion": 1, "rules": all });
            if !kinds.is_empty() {
                value["secrets"] = json!(kinds);
            }
            serde_json::to_string_pretty(&value)?
        }
        TextOrJson::Text if is_list => list(&found),
        TextOrJson::Text => {
            let rules = found.iter().map(|rule| explain(rule));
            let kinds = kinds.iter().map(|(id, title)| explain_secret(id, title));
            rules.chain(kinds).collect::<Vec<_>>().join("\n")
        }
    };
    printer.data(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

// A rule that several kinds of files have is explained for each.
fn all() -> impl Iterator<Item = &'static Rule> {
    sealift_lint::rules()
        .chain(sealift_audit::rules_of_files())
        .chain(sealift_audit::rules_of_images())
        .chain(sealift_policy::LINT_RULES)
}

fn explain_secret(id: &str, title: &str) -> String {
    format!(
        "{id} (a kind of secret)\n\n{title}\n\nWhy: whoever has the file, the image or the repository has the secret\n\
         Instead: {}\nSee: docs/secrets.md\n",
        sealift_report::SECRET_ADVICE
    )
}

fn unknown(name: &str) -> anyhow::Error {
    let known =
        all().flat_map(|rule| [rule.id, rule.name].into_iter().chain(rule.aliases.iter().copied()));
    let kinds = sealift_pipeline::secrets::rules().into_iter().map(|(id, _)| id);
    let hint = match closest(name, known.chain(kinds)) {
        Some(known) => format!("did you mean `{known}`? `sealift explain` lists all rules"),
        None => "`sealift explain` lists all rules".to_owned(),
    };
    Usage::error(format!("there is no rule `{name}`"), hint)
}

fn list(rules: &[&'static Rule]) -> String {
    let mut text = String::new();
    for rule in rules {
        let _ = writeln!(text, "{}  {:<8} {}", rule.id, rule.level.as_str(), rule.name);
    }
    text
}

fn explain(rule: &Rule) -> String {
    let mut text = format!("{} {} ({})\n\n", rule.id, rule.name, rule.level.as_str());
    let _ = writeln!(text, "Why: {}\nInstead: {}", rule.why, rule.fix);
    for (title, example) in [("Bad", rule.bad), ("Good", rule.good)] {
        if example.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{title}:");
        for line in example.trim_end().lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let elsewhere =
        if rule.aliases.is_empty() { "none".to_owned() } else { rule.aliases.join(", ") };
    let _ = writeln!(text, "\nElsewhere: {elsewhere}\nSince: {}", rule.since);
    for reference in rule.references {
        let _ = writeln!(text, "See: {reference}");
    }
    text
}

fn document(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "name": rule.name,
        "level": rule.level.as_str(),
        "aliases": rule.aliases,
        "why": rule.why,
        "fix": rule.fix,
        "bad": rule.bad,
        "good": rule.good,
        "references": rule.references,
        "since": rule.since,
    })
}
