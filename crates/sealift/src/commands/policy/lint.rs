//! `sealift policy lint`

use std::process::ExitCode;

use sealift_diagnostic::{Level, line_column, render};
use sealift_pipeline::policies::{self, PolicyRequest, Tests};
use sealift_policy::{Settings, lint};
use serde_json::{Value, json};

use crate::failure::{FINDINGS, Usage};
use crate::printer::{Mark, Printer};
use sealift_arguments::{PolicyLint, TextOrJson};

pub(super) fn run(arguments: &PolicyLint, printer: &Printer) -> anyhow::Result<ExitCode> {
    let least = match arguments.fail_on.as_str() {
        "error" => Some(Level::Error),
        "warning" => Some(Level::Warning),
        "info" => Some(Level::Info),
        "never" => None,
        other => {
            return Err(Usage::error(
                format!("there is no level `{other}`"),
                "there are error, warning, info and never",
            ));
        }
    };
    let request = PolicyRequest { files: arguments.paths.clone(), ..PolicyRequest::default() };
    let set = policies::load(&request, Tests::With)?;
    let given: Vec<String> = arguments
        .data
        .iter()
        .map(|pair| pair.split('=').next().unwrap_or_default().to_owned())
        .chain(["environment".to_owned()])
        .collect();
    let linted =
        lint(&Settings::default(), &set.sources, &given).map_err(sealift_pipeline::Error::from)?;
    let files = set.sources.iter().zip(&linted);
    match arguments.format {
        TextOrJson::Text => {
            for (source, linted) in files {
                let shown = render(&linted.findings, &source.file, &source.text, printer.color());
                printer.data_if_any(shown.trim_end())?;
            }
        }
        TextOrJson::Json => {
            let all: Vec<Value> = files
                .flat_map(|(source, linted)| {
                    linted.findings.iter().map(|finding| {
                        let (line, column) = line_column(&source.text, finding.span.start);
                        json!({
                            "rule": finding.rule,
                            "level": finding.level.as_str(),
                            "file": source.file,
                            "line": line,
                            "column": column,
                            "message": finding.message,
                            "help": finding.help,
                        })
                    })
                })
                .collect();
            printer.data(&serde_json::to_string_pretty(&all)?)?;
        }
    }
    let count = linted.iter().map(|linted| linted.findings.len()).sum::<usize>();
    let is_bad = linted
        .iter()
        .flat_map(|linted| &linted.findings)
        .any(|finding| least.is_some_and(|least| finding.level >= least));
    let text = format!("{} policies, {count} findings", set.sources.len());
    printer.step(if is_bad { Mark::Bad } else { Mark::Good }, "lint", &text);
    Ok(ExitCode::from(if is_bad { FINDINGS } else { 0 }))
}
