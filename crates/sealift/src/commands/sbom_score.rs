//! `sealift sbom score`: how much of what authorities ask for an SBOM has.

use std::path::Path;
use std::process::ExitCode;

use sealift_model::Inventory;
use sealift_sbom::{Check, Profile, Score, Subject, present, score};
use serde_json::{Value, json};

use super::{sbom, sbom_documents};
use crate::columns::columns;
use crate::failure::{FINDINGS, Usage};
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{Global, SbomScore, TextOrJson};

pub(crate) fn run(
    global: &Global,
    arguments: &SbomScore,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let profiles = profiles(&arguments.profiles)?;
    let (inventory, subject) = read(global, arguments, printer)?;
    let scores: Vec<Score> =
        profiles.iter().map(|profile| score(profile, &inventory, &subject)).collect();
    let text = match arguments.format {
        TextOrJson::Json => serde_json::to_string_pretty(&scores_json(&subject, &scores))?,
        TextOrJson::Text => scores_text(&subject, &scores),
    };
    printer.data(&text)?;
    let is_enough = scores.iter().all(|score| score.points >= arguments.min.unwrap_or(0));
    Ok(if is_enough { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

fn profiles(names: &[String]) -> anyhow::Result<Vec<&'static Profile>> {
    if names.is_empty() {
        return Ok(Profile::ALL.iter().collect());
    }
    let find = |name: &String| {
        Profile::find(name).ok_or_else(|| {
            let known: Vec<&str> = Profile::ALL.iter().map(|profile| profile.id).collect();
            Usage::error(
                format!("`{name}` is no profile"),
                format!("known profiles: {}", known.join(", ")),
            )
        })
    };
    names.iter().map(find).collect()
}

// A file that is there is a document; anything else names an image.
fn read(
    global: &Global,
    arguments: &SbomScore,
    printer: &Printer,
) -> anyhow::Result<(Inventory, Subject)> {
    let path = Path::new(&arguments.input);
    if arguments.input == "-" || path.is_file() {
        let document = sbom_documents::open(path, printer)?;
        return Ok((document.inventory, document.subject));
    }
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let file = &workshop.settings.file;
    let session = workshop.session();
    let examined = sbom::examine(&session, &arguments.input, &arguments.parties, file, printer)?;
    Ok((present(&examined.inventory, examined.artifact.kind), examined.subject))
}

fn scores_text(subject: &Subject, scores: &[Score]) -> String {
    let mut parts = vec![subject.name.clone()];
    for score in scores {
        parts.push(format!("{} {}/100  {}", score.profile, score.points, score.title));
        let rows = score.checks.iter().map(|check| {
            let mark = if check.passed == check.total { "yes" } else { "no" };
            vec![
                mark.to_owned(),
                check.id.to_owned(),
                format!("{}/{}", check.passed, check.total),
                check.what.to_owned(),
                few(check),
            ]
        });
        parts.push(columns(&["", "CHECK", "HAVE", "WHAT", "MISSING"], rows));
    }
    parts.join("\n\n")
}

// The first of those that fail; `--format json` has them all.
fn few(check: &Check) -> String {
    const SHOWN: usize = 3;
    let names: Vec<&str> = check.failing.iter().take(SHOWN).map(|name| name.trim()).collect();
    let more = if check.failing.len() > SHOWN { ", …" } else { "" };
    names.join(", ") + more
}

fn scores_json(subject: &Subject, scores: &[Score]) -> Value {
    let scores: Vec<Value> = scores
        .iter()
        .map(|score| {
            let checks: Vec<Value> = score
                .checks
                .iter()
                .map(|check| {
                    json!({
                        "id": check.id,
                        "what": check.what,
                        "passed": check.passed,
                        "total": check.total,
                        "failing": check.failing,
                    })
                })
                .collect();
            json!({
                "profile": score.profile,
                "title": score.title,
                "score": score.points,
                "checks": checks,
            })
        })
        .collect();
    json!({"schemaVersion": 1, "subject": subject.name, "profiles": scores})
}
