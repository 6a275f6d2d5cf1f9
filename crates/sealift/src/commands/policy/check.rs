//! `sealift policy check`

use std::path::Path;
use std::process::ExitCode;

use sealift_model::{Outcome, Severity};
use sealift_pipeline::admit::{self, Admission};
use sealift_pipeline::judge::{self, Judged};
use sealift_pipeline::keys::TrustedKey;
use sealift_pipeline::policies::{PolicyRequest, PolicySet, Tests};
use sealift_pipeline::scan::ScanRequest;
use sealift_pipeline::secrets::{SecretRequest, Secrets};
use sealift_pipeline::{examine, exceptions, policies};
use sealift_policy::Facts;
use serde_json::{Value, json};

use super::{check_any, files, findings, junit, resolve};
use crate::commands::findings::Outputs;
use crate::commands::request;
use crate::failure::{FINDINGS, Usage};
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Global, PolicyCheck, PolicyFormat, ScanOptions};

pub(crate) fn run(
    global: &Global,
    arguments: &PolicyCheck,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let mut policy = request::policy(&arguments.policy, &workshop.settings)?;
    let parser = arguments.parser.as_deref();
    let (configurations, images): (Vec<&String>, Vec<&String>) =
        arguments.targets.iter().partition(|target| files::is_file(target, parser));
    if !images.is_empty() && (parser.is_some() || arguments.combine) {
        return Err(Usage::error(
            format!("`{}` is no file", images[0]),
            "`--parser` and `--combine` are for configuration files",
        ));
    }
    let keys = request::trusted(&arguments.keys, &workshop)?;
    if !arguments.show_input {
        check_any(&policy)?;
        resolve(&mut policy, &keys, &workshop)?;
    }
    let set = if arguments.show_input {
        PolicySet::default()
    } else {
        policies::load(&policy, Tests::Without)?
    };
    let mut results = Vec::new();
    if !configurations.is_empty() {
        let now_ns = workshop.session().now_secs.checked_mul(1_000_000_000);
        match files::judge(&configurations, arguments, &policy, &set, now_ns)? {
            files::Judgements::Inputs(inputs) => printer.data(&inputs)?,
            files::Judgements::Results(found) => results.extend(found),
        }
    }
    for image in images {
        let source = Source { keys: &keys, policy: &policy, scan: &arguments.scan };
        let (facts, secrets) = source.facts(&workshop, image, printer)?;
        if arguments.show_input {
            let shown = serde_json::to_string_pretty(&judge::input(&facts, &policy))?;
            printer.data(&secrets.conceal(&shown))?;
            continue;
        }
        let judged = judge::judge(&facts, &policy, &set)?;
        results.push(Judgement { target: image.clone(), is_file: false, judged });
    }
    if arguments.show_input {
        return Ok(ExitCode::SUCCESS);
    }
    print(&results, arguments.format, printer)?;
    let worst = results.iter().map(Judgement::outcome).max().unwrap_or(Outcome::Fail);
    let is_refused = worst == Outcome::Fail || (worst == Outcome::Warn && arguments.fail_on_warn);
    Ok(ExitCode::from(if is_refused { FINDINGS } else { 0 }))
}

/// From where the facts of an image come.
pub(super) struct Source<'a> {
    pub(super) keys: &'a [TrustedKey],
    pub(super) policy: &'a PolicyRequest,
    pub(super) scan: &'a ScanOptions,
}

impl Source<'_> {
    /// The facts of an image, and its secrets, so that what is shown can go without them.
    pub(super) fn facts(
        &self,
        workshop: &Workshop,
        image: &str,
        printer: &Printer,
    ) -> anyhow::Result<(Facts, Secrets)> {
        let session = workshop.session();
        let scan = scan_request(self.scan, workshop)?;
        let examined =
            examine::examine_for_secrets(&session, image, Some(&SecretRequest::default()))?;
        let mut scan = scan;
        if let (Some(keys), Some(opened)) =
            (request::vex_keys(self.scan, workshop)?, &examined.opened)
        {
            exceptions::read_attached(opened, &keys, &mut scan.exceptions)?;
        }
        if examined.opened.is_none() {
            printer.warning(
                "this is no image: the policies see the config of an image that says nothing, and no signature",
            );
        }
        let admission = Admission { policy: self.policy, scan: &scan, keys: self.keys };
        let facts = admit::facts(&session, &examined, &admission)?;
        Ok((facts, examined.secrets.unwrap_or_default()))
    }
}

/// Advisories, thresholds and answers for a scan before a judgement.
pub(crate) fn scan_request(
    options: &ScanOptions,
    workshop: &Workshop,
) -> anyhow::Result<ScanRequest> {
    let mut scan = request::scan(options, &workshop.settings.file, Some(Severity::High))?;
    scan.exceptions = request::exceptions(options, &workshop.settings, Path::new("."))?;
    Ok(scan)
}

/// What was said of one target.
pub(super) struct Judgement {
    pub(super) target: String,
    pub(super) is_file: bool,
    pub(super) judged: Judged,
}

impl Judgement {
    /// Its outcome.
    pub(super) fn outcome(&self) -> Outcome {
        self.judged.judgement.verdict.outcome
    }
}

fn print(results: &[Judgement], format: PolicyFormat, printer: &Printer) -> anyhow::Result<()> {
    match format {
        PolicyFormat::Json => {
            let is_image = |result: &&Judgement| !result.is_file;
            let document = match results {
                // One image has the document that it always had.
                [only] if is_image(&only) => document(only),
                _ => results.iter().flat_map(entries).collect(),
            };
            return Ok(printer.data(&serde_json::to_string_pretty(&document)?)?);
        }
        PolicyFormat::Junit => return Ok(printer.data(&junit::of_judgements(results))?),
        PolicyFormat::Sarif | PolicyFormat::Github => {
            let name = if format == PolicyFormat::Sarif { "sarif" } else { "github" };
            let outputs = Outputs::read(Some(name), &[])?;
            return outputs.write("policy check", &findings::of(results), printer);
        }
        PolicyFormat::Text => {}
    }
    for result in results {
        let details = judge::details(&result.judged);
        if results.len() > 1 {
            for line in details.lines() {
                printer.data(&format!("{}: {line}", result.target))?;
            }
        } else if !details.is_empty() {
            printer.data(&details)?;
        }
    }
    let worst = results.iter().map(Judgement::outcome).max().unwrap_or(Outcome::Fail);
    let mark = match worst {
        Outcome::Pass => Mark::Good,
        Outcome::Warn => Mark::Warning,
        Outcome::Fail => Mark::Bad,
    };
    let verdicts = results.iter().map(|result| &result.judged.judgement.verdict);
    let text = format!(
        "{}: {} policies, {} violations",
        outcome_word(worst),
        verdicts.clone().map(|verdict| verdict.policies.len()).max().unwrap_or(0),
        verdicts.map(|verdict| verdict.violations.len()).sum::<usize>()
    );
    printer.step(mark, "policy", &text);
    Ok(())
}

/// The word for an outcome.
pub(super) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail => "fail",
    }
}

fn document(result: &Judgement) -> Value {
    let Judged { judgement, exempted } = &result.judged;
    let verdict = &judgement.verdict;
    let violation = |violation: &sealift_model::Violation| {
        json!({
            "level": judge::word(violation.level),
            "package": violation.package,
            "rule": violation.rule,
            "file": violation.file,
            "message": violation.message,
        })
    };
    let violations: Vec<Value> = verdict
        .violations
        .iter()
        .zip(&judgement.metadata)
        .map(|(it, metadata)| {
            let mut shown = violation(it);
            if !metadata.is_empty() {
                shown["metadata"] = json!(metadata);
            }
            shown
        })
        .collect();
    let policies: Vec<Value> = verdict
        .policies
        .iter()
        .map(|(file, digest)| json!({ "file": file, "digest": digest.to_string() }))
        .collect();
    let held: Vec<Value> = exempted
        .held
        .iter()
        .map(|(it, by)| {
            json!({"violation": violation(it), "owner": by.owner, "reason": by.reason, "expires": by.expires})
        })
        .collect();
    json!({
        "outcome": outcome_word(verdict.outcome),
        "violations": violations,
        "excepted": judgement.excepted.iter().map(violation).collect::<Vec<_>>(),
        "exempted": held,
        "policies": policies,
    })
}

// conftest's shape: an entry for each namespace of each file.
fn entries(result: &Judgement) -> Vec<Value> {
    use std::collections::BTreeMap;
    let Judged { judgement, exempted } = &result.judged;
    let mut entries: BTreeMap<&str, [Vec<Value>; 3]> = BTreeMap::new();
    let verdict = &judgement.verdict;
    for (violation, metadata) in verdict.violations.iter().zip(&judgement.metadata) {
        let mut item = json!({ "msg": violation.message });
        if !metadata.is_empty() {
            item["metadata"] = json!(metadata);
        }
        let place = usize::from(violation.level != sealift_model::Level::Warn);
        entries.entry(&violation.package).or_default()[place].push(item);
    }
    let held = exempted.held.iter().map(|(violation, _)| violation);
    for violation in judgement.excepted.iter().chain(held) {
        let item = json!({ "msg": violation.message });
        entries.entry(&violation.package).or_default()[2].push(item);
    }
    if entries.is_empty() {
        entries.entry("").or_default();
    }
    let passed = judgement.passed;
    entries
        .into_iter()
        .enumerate()
        .map(|(number, (namespace, [warnings, failures, exceptions]))| {
            let mut entry = json!({
                "filename": result.target,
                "namespace": namespace,
                "successes": if number == 0 { passed } else { 0 },
            });
            for (name, list) in
                [("warnings", warnings), ("failures", failures), ("exceptions", exceptions)]
            {
                if !list.is_empty() {
                    entry[name] = json!(list);
                }
            }
            entry
        })
        .collect()
}
