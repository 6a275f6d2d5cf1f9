//! `sealift policy explain`

use std::path::Path;
use std::process::ExitCode;

use sealift_pipeline::judge;
use sealift_pipeline::policies::{self, Tests};
use sealift_policy::{Definition, Explained, Policies, document};
use serde_json::{Value, json};

use super::check::{Source, outcome_word};
use super::{check_any, files, resolve};
use crate::commands::request;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{Global, PolicyExplain, TextOrJson};

pub(super) fn run(
    global: &Global,
    arguments: &PolicyExplain,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let mut policy = request::policy(&arguments.policy, &workshop.settings)?;
    check_any(&policy)?;
    let keys = request::trusted(&arguments.keys, &workshop)?;
    resolve(&mut policy, &keys, &workshop)?;
    let set = policies::load(&policy, Tests::Without)?;
    let parser = arguments.parser.as_deref();
    let (inputs, secrets) = if files::is_file(&arguments.target, parser) {
        policy = files::for_files(&policy, arguments.policy.all_namespaces);
        let file = files::read(&arguments.target, parser, arguments.input_shape)?;
        let secrets = file.secrets();
        (document::documents(file.value), secrets)
    } else {
        let source = Source { keys: &keys, policy: &policy, scan: &arguments.scan };
        let (facts, secrets) = source.facts(&workshop, &arguments.target, printer)?;
        (vec![judge::input(&facts, &policy)], secrets)
    };
    let loaded = Policies::load(&judge::settings(&policy), &set.sources, &set.data)
        .map_err(sealift_pipeline::Error::from)?;
    let mut shown = Vec::new();
    for input in &inputs {
        let (judgement, explained) =
            loaded.explain(input).map_err(sealift_pipeline::Error::from)?;
        match arguments.format {
            TextOrJson::Text => printer.data(&secrets.conceal(&text(&explained)))?,
            TextOrJson::Json => shown.push(json!({
                "outcome": outcome_word(judgement.verdict.outcome),
                "rules": explained.iter().map(rule).collect::<Vec<_>>(),
            })),
        }
    }
    if arguments.format == TextOrJson::Json {
        printer.data(&secrets.conceal(&serde_json::to_string_pretty(&shown)?))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(explained: &[Explained]) -> String {
    let mut lines = Vec::new();
    for rule in explained {
        let name = format!("{}.{}", rule.package, rule.rule);
        if rule.messages.is_empty() {
            lines.push(format!("{name}: nothing to object"));
        }
        lines.extend(rule.messages.iter().map(|message| format!("{name}: {message}")));
        for definition in &rule.definitions {
            lines.push(format!("  {}", place(definition)));
            for (path, value) in &definition.inputs {
                let value = value.as_deref().unwrap_or("not there");
                lines.push(format!("    {path} is {value}"));
            }
        }
    }
    // Texts of the image are foreign.
    let plain = |line: String| line.chars().filter(|c| !c.is_control()).collect::<String>();
    lines.into_iter().map(plain).collect::<Vec<_>>().join("\n")
}

fn place(definition: &Definition) -> String {
    let Definition { file, line, holds, stopped_at, .. } = definition;
    match (holds, stopped_at) {
        (Some(true), _) => format!("{file}:{line} holds"),
        (_, Some((at, statement))) => {
            let statement: Vec<&str> = statement.split_whitespace().collect();
            format!("{file}:{line} stops at line {at}: {}", statement.join(" "))
        }
        _ => format!("{file}:{line} cannot be told apart"),
    }
}

fn rule(explained: &Explained) -> Value {
    let definitions: Vec<Value> = explained
        .definitions
        .iter()
        .map(|it| {
            let inputs: Vec<Value> = it
                .inputs
                .iter()
                .map(|(path, value)| json!({"path": path, "value": value}))
                .collect();
            json!({
                "file": it.file,
                "line": it.line,
                "holds": it.holds,
                "stoppedAt": it.stopped_at.as_ref().map(|(line, text)| json!({"line": line, "statement": text})),
                "inputs": inputs,
            })
        })
        .collect();
    json!({
        "package": explained.package,
        "rule": explained.rule,
        "messages": explained.messages,
        "definitions": definitions,
    })
}
