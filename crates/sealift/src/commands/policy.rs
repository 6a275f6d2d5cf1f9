//! `sealift policy check`

use std::path::Path;
use std::process::ExitCode;

use sealift_model::{Level, Outcome, Severity, Verdict};
use sealift_pipeline::judge::{self, Evidence};
use sealift_pipeline::{contents, examine, exceptions, scan, verify};
use sealift_policy::ScanStatus;
use serde_json::json;

use super::request;
use crate::arguments::{Global, PolicyCheck, TextOrJson};
use crate::failure::{FINDINGS, Usage};
use crate::printer::{Mark, Printer};
use crate::session::Workshop;

pub(crate) fn run(
    global: &Global,
    arguments: &PolicyCheck,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let file = &workshop.settings.file;
    let policy = request::policy(&arguments.policy, file)?;
    let mut scan_request = request::scan(&arguments.scan, file, Some(Severity::High))?;
    scan_request.exceptions =
        request::exceptions(&arguments.scan, &workshop.settings, Path::new("."))?;
    let keys = request::trusted(&arguments.keys, &workshop)?;
    let examined = examine::examine(&session, &arguments.image)?;
    contents::check_complete(&examined.inventory)?;
    let opened = examined.opened.as_ref();
    if let (Some(keys), Some(opened)) = (request::vex_keys(&arguments.scan, &workshop)?, opened) {
        exceptions::read_attached(opened, &keys, &mut scan_request.exceptions)?;
    }
    if opened.is_none() {
        printer.warning(
            "this is no image: the policies see the config of an image that says nothing, and no signature",
        );
    }
    let inventory = examined.inventory;
    let report = match &scan_request.advisories {
        Some(_) => Some(scan::scan(&session, &inventory, examined.artifact, &scan_request)?),
        None => None,
    };
    let scan_status = match &report {
        Some(report) if scan::gate(report, &scan_request).is_ok() => ScanStatus::Passed,
        Some(_) => ScanStatus::Failed,
        None => ScanStatus::Unknown,
    };
    let public: Vec<_> = keys.iter().map(|trusted| trusted.key.clone()).collect();
    let signatures = match opened {
        Some(opened) => verify::signature_facts(&verify::proved(opened, &public)?, &keys),
        None => Vec::new(),
    };
    let evidence = Evidence {
        inventory: Some(&inventory),
        report: report.as_ref(),
        scan_status,
        signatures,
        ..Evidence::default()
    };
    let facts = judge::facts(opened, &evidence, &policy);
    if arguments.show_input {
        printer.data(&serde_json::to_string_pretty(&judge::input(&facts, &policy))?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if policy.files.is_empty() {
        return Err(Usage::error(
            "no policy is named",
            "give Rego files with `--policy PATH`, or as `files` under [policy] in sealift.toml",
        ));
    }
    let verdict = judge::judge(&facts, &policy, &judge::sources(&policy.files)?)?;
    print(&verdict, arguments.format, printer)?;
    Ok(ExitCode::from(if verdict.outcome == Outcome::Fail { FINDINGS } else { 0 }))
}

fn print(verdict: &Verdict, format: TextOrJson, printer: &Printer) -> anyhow::Result<()> {
    let outcome = match verdict.outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail => "fail",
    };
    if format == TextOrJson::Json {
        let violations: Vec<_> = verdict
            .violations
            .iter()
            .map(|violation| {
                let level = match violation.level {
                    Level::Warn => "warn",
                    Level::Deny => "deny",
                    Level::Error => "error",
                };
                json!({
                    "level": level,
                    "package": violation.package,
                    "rule": violation.rule,
                    "file": violation.file,
                    "message": violation.message,
                })
            })
            .collect();
        let policies: Vec<_> = verdict
            .policies
            .iter()
            .map(|(file, digest)| json!({ "file": file, "digest": digest.to_string() }))
            .collect();
        let document =
            json!({ "outcome": outcome, "violations": violations, "policies": policies });
        return Ok(printer.data(&serde_json::to_string_pretty(&document)?)?);
    }
    let details = judge::details(verdict);
    if !details.is_empty() {
        printer.data(&details)?;
    }
    let mark = match verdict.outcome {
        Outcome::Pass => Mark::Good,
        Outcome::Warn => Mark::Warning,
        Outcome::Fail => Mark::Bad,
    };
    let text = format!(
        "{outcome}: {} policies, {} violations",
        verdict.policies.len(),
        verdict.violations.len()
    );
    printer.step(mark, "policy", &text);
    Ok(())
}
