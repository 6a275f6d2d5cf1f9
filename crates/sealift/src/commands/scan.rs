//! `sealift scan`

use std::path::Path;
use std::process::ExitCode;

use sealift_crypto::PublicKey;
use sealift_pipeline::compare::{self, Before};
use sealift_pipeline::examine::{self, Examined};
use sealift_pipeline::lint::read_dockerfile;
use sealift_pipeline::origin::{self, BaseRequest};
use sealift_pipeline::scan::{self, Expression, ScanRequest};
use sealift_pipeline::secrets::{self, SecretRequest};
use sealift_pipeline::{Session, contents, exceptions, running};
use sealift_report::Context;

use super::{explain, reports, request};
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;
use crate::settings;
use sealift_arguments::{Global, Scan, Scanner};

pub(crate) fn run(
    global: &Global,
    arguments: &Scan,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let outputs = reports::outputs(
        arguments.format.as_deref(),
        &arguments.output,
        arguments.template.as_deref(),
    )?;
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let mut request = request::scan(&arguments.options, &workshop.settings.file, None)?;
    request.exceptions =
        request::exceptions(&arguments.options, &workshop.settings, Path::new("."))?;
    let job = Job {
        session: workshop.session(),
        arguments,
        request,
        vex_keys: request::vex_keys(&arguments.options, &workshop)?,
        secrets: secrets(arguments, &workshop)?,
        outputs,
        sbom: workshop.settings.file.sbom.clone(),
        printer,
    };
    match &arguments.image {
        Some(image) if arguments.explain.is_some() => {
            job.explain(examine::examine(&job.session, image)?)
        }
        Some(image) => {
            let secrets = job.secrets.as_ref();
            job.scan(examine::examine_for_secrets(&job.session, image, secrets)?, None)
        }
        None => job.scan_running(),
    }
}

struct Job<'a> {
    session: Session<'a>,
    arguments: &'a Scan,
    request: ScanRequest,
    // Whose VEX counts that is attached to an image, if that is asked for.
    vex_keys: Option<Vec<PublicKey>>,
    // What to look for secrets by, if that is asked for.
    secrets: Option<SecretRequest>,
    outputs: Vec<reports::Output>,
    // Who stands behind a document that lists what is inside.
    sbom: settings::Sbom,
    printer: &'a Printer,
}

impl Job<'_> {
    // One thing, whose reports get its name if it is one of several.
    fn scan(&self, examined: Examined, name: Option<&str>) -> anyhow::Result<ExitCode> {
        let Self { session, arguments, outputs, sbom, printer, .. } = self;
        let request = &self.request_for(&examined)?;
        let judges = arguments.scanners.contains(&Scanner::Vuln);
        let mut report = if judges {
            scan::scan(session, &examined.inventory, examined.artifact, request)?
        } else {
            scan::without_advisories(session, &examined.inventory, examined.artifact)
        };
        if let Some(secrets) = examined.secrets {
            report.notes.extend(secrets.notes);
            report.secrets = Some(secrets.findings);
        } else if self.secrets.is_some() {
            report.notes.push(scan::not_searched());
        }
        let bases =
            BaseRequest { base: arguments.base.clone(), candidates: arguments.try_base.clone() };
        origin::tell(session, &mut report, examined.opened.as_ref(), &bases, request)?;
        if let Some(before) = before(arguments)? {
            compare::compare(session, &mut report, &before, arguments.only_new, request)?;
        }
        let mut subject = examined.subject;
        subject.creator = sbom.creator.clone().or(subject.creator);
        subject.supplier = sbom.supplier.clone().or(subject.supplier);
        let context = Context {
            inventory: &examined.inventory,
            subject: &subject,
            lists_packages: arguments.list_all_pkgs,
            variable: &|name| std::env::var(name).ok(),
        };
        for output in outputs {
            reports::write(output, &report, &context, name, printer)?;
        }
        for note in &report.notes {
            printer.detail(&format!("  {}: {}", note.subject, note.message));
        }
        if judges {
            printer.message(&scan::summary(&report));
        }
        if let Some(found) = &report.secrets {
            printer.message(&secrets::summary(found));
        }
        contents::check_complete(&examined.inventory)?;
        let is_over = report.life.as_ref().is_some_and(|life| life.is_over);
        if let Some(code) = arguments.exit_on_eol.filter(|code| is_over && *code != 0) {
            return Ok(ExitCode::from(code));
        }
        // As trivy has it: the flag alone makes findings count; a severity list narrows what is a finding.
        if let Some(code) = arguments.exit_code {
            let all = || Expression::at_least(sealift_model::Severity::Unknown);
            let fail_on = Some(request.fail_on.clone().unwrap_or_else(all));
            let threshold = fail_on.as_ref().map(secrets::threshold);
            let found = report.secrets.as_deref().unwrap_or_default();
            let is_shut = scan::gate(&report, &ScanRequest { fail_on, ..request.clone() }).is_err()
                || secrets::gate(found, threshold).is_err();
            return Ok(if is_shut { ExitCode::from(code) } else { ExitCode::SUCCESS });
        }
        scan::gate(&report, request)?;
        let threshold = request.fail_on.as_ref().map(secrets::threshold);
        secrets::gate(report.secrets.as_deref().unwrap_or_default(), threshold)?;
        Ok(ExitCode::SUCCESS)
    }

    fn explain(&self, examined: Examined) -> anyhow::Result<ExitCode> {
        let request = self.request_for(&examined)?;
        let inventory = &examined.inventory;
        let report = scan::scan(&self.session, inventory, examined.artifact, &request)?;
        let Scan { explain: id, explain_package: name, format, .. } = self.arguments;
        let id = id.as_deref().unwrap_or_default();
        let asked = (id, name.as_deref());
        let explained = scan::explain(&self.session, inventory, &report, &request, asked)?;
        self.printer.data(&explain::write(&explained, format.as_deref())?)?;
        contents::check_complete(inventory)?;
        if explained.is_empty() {
            self.printer.message(&format!("the advisories here say nothing of {id}"));
        }
        Ok(ExitCode::from(u8::from(explained.is_empty())))
    }

    fn request_for(&self, examined: &Examined) -> anyhow::Result<ScanRequest> {
        let mut request = self.request.clone();
        if let (Some(keys), Some(opened)) = (&self.vex_keys, &examined.opened) {
            exceptions::read_attached(opened, keys, &mut request.exceptions)?;
        }
        Ok(request)
    }

    // Each by itself, so that one that cannot be scanned hides no other. The first failure is that of the command.
    fn scan_running(&self) -> anyhow::Result<ExitCode> {
        let (running, notes) = running::running(&self.session);
        for note in &notes {
            self.printer.warning(&format!("{}: {}", note.subject, note.message));
        }
        let (mut failure, mut code, mut count) = (None, ExitCode::SUCCESS, 0);
        for one in &running {
            let examined = running::examine(&self.session, one, self.secrets.as_ref())
                .map_err(anyhow::Error::from);
            match examined.and_then(|examined| self.scan(examined, Some(&one.name))) {
                Ok(ExitCode::SUCCESS) => {}
                Ok(other) => code = other,
                Err(error) => {
                    self.printer.warning(&format!("{}: {error:#}", one.title));
                    count += 1;
                    failure = failure.or(Some(error));
                }
            }
        }
        self.printer.message(&match (running.len(), count) {
            (0, _) => "nothing runs here that has a root of its own".to_owned(),
            (all, 0) => format!("scanned {all} of {all} that run"),
            (all, failed) => format!("{failed} of {all} that run failed"),
        });
        failure.map_or(Ok(code), Err)
    }
}

fn secrets(arguments: &Scan, workshop: &Workshop) -> anyhow::Result<Option<SecretRequest>> {
    if !arguments.scanners.contains(&Scanner::Secret) {
        return Ok(None);
    }
    let mut request = request::secret_rules(&arguments.secrets, &workshop.settings.file)?;
    request.severities =
        request::scan(&arguments.options, &workshop.settings.file, None)?.severities;
    if let Some(path) = &arguments.dockerfile {
        request.dockerfile = Some((path.clone(), read_dockerfile(path)?));
    }
    Ok(Some(request))
}

fn before(arguments: &Scan) -> anyhow::Result<Option<Before>> {
    let image = arguments.compare_to.clone().map(Before::Image);
    let before = image.or_else(|| arguments.baseline.clone().map(Before::Report));
    if arguments.only_new && before.is_none() {
        return Err(Usage::error(
            "`--only-new` needs something older",
            "give it with `--baseline REPORT.json` or `--compare-to IMAGE`",
        ));
    }
    Ok(before)
}
