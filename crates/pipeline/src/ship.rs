//! The whole job, in its order: lint, base, build, SBOM, scan, policy, sign, push. A gate that is shut ends it; nothing
//! after it runs, nothing is named, nothing is pushed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sealift_build::{Built, Request};
use sealift_debian::Freshness;
use sealift_diagnostic::Level;
use sealift_model::{Inventory, Report, Verdict};
use sealift_oci::{Descriptor, Reference};
use sealift_policy::{ProvenanceFacts, ScanStatus, SignatureFacts};

use crate::base::Bases;
use crate::judge::{Evidence, PolicyRequest};
use crate::keys::Signer;
use crate::lint::{LintRequest, Linted};
use crate::open::{Opened, short};
use crate::origin::BaseRequest;
use crate::scan::ScanRequest;
use crate::seal::{Making, Sealed};
use crate::secrets::{SecretRequest, Secrets};
use crate::transfer::Delivery;
use crate::{Error, Event, Session, Step};

/// The whole job.
pub struct ShipRequest {
    /// What to build.
    pub build: Request,
    /// The names of the image; the first is the one that is signed.
    pub names: Vec<Reference>,
    /// Base names that are assembled from a recipe.
    pub recipes: BTreeMap<String, PathBuf>,
    /// How new bases must be.
    pub freshness: Freshness,
    /// How to lint.
    pub lint: LintRequest,
    /// How to scan.
    pub scan: ScanRequest,
    /// How to look for secrets.
    pub secrets: SecretRequest,
    /// How to judge.
    pub policy: PolicyRequest,
    /// Where to push, if anywhere.
    pub push: Option<Reference>,
}

/// What became of it.
pub struct Shipment {
    /// The image.
    pub descriptor: Descriptor,
    /// Its first name.
    pub name: Reference,
    /// The builder's account.
    pub built: Built,
    /// What is inside.
    pub inventory: Inventory,
    /// The vulnerabilities.
    pub report: Report,
    /// The verdict.
    pub verdict: Verdict,
    /// What was signed.
    pub sealed: Sealed,
    /// The push, if there was one.
    pub delivery: Option<Delivery>,
}

/// What the gates found, also when one of them is shut.
#[derive(Default)]
pub struct Findings {
    /// The vulnerabilities.
    pub report: Option<Report>,
}

/// Does the whole job. What the gates found is left in `findings` even if one of them is shut.
pub fn ship(
    session: &Session<'_>,
    request: &ShipRequest,
    signer: &Signer,
    findings: &mut Findings,
) -> Result<Shipment, Error> {
    let name = request.push.as_ref().or(request.names.first()).cloned().ok_or_else(|| {
        Error::usage(
            "the image has no name",
            "give one with `-t NAME` or as `name` under [image] in sealift.toml",
        )
    })?;
    let linted = step(session, Step::Lint, || lint(session, request))?;
    let bases = Bases::new(*session, &request.recipes, request.freshness)?;
    step(session, Step::Base, || find_bases(session, request, &bases))?;
    let started_secs = session.now_secs;
    let built = step(session, Step::Build, || build(session, request, &bases))?;
    let opened = open_built(session, &built, &name)?;
    let (inventory, secrets) = step(session, Step::Sbom, || list(session, &opened, request))?;
    let report = step(session, Step::Scan, || {
        let mut artifact = crate::contents::artifact(&opened);
        if let Some(image) = &mut artifact.image {
            image.config = secrets.conceal(&image.config);
        }
        let mut report = crate::scan::scan(session, &inventory, artifact, &request.scan)?;
        let base = BaseRequest::default();
        crate::origin::tell(session, &mut report, Some(&opened), &base, &request.scan)?;
        report.notes.extend(secrets.notes);
        report.secrets = Some(secrets.findings);
        findings.report = Some(report.clone());
        gate_scan(session, &report, &request.scan)?;
        Ok(report)
    })?;
    let verdict = step(session, Step::Policy, || {
        let facts =
            Facts { inventory: &inventory, report: &report, linted: &linted, signer, name: &name };
        judge(session, request, &opened, &facts)
    })?;
    let sealed = step(session, Step::Sign, || {
        let making = making(request, &built, &linted, started_secs, session);
        seal(
            session,
            &opened,
            &name,
            signer,
            &Results { inventory: &inventory, report: &report, verdict: &verdict, making: &making },
        )
    })?;
    let delivery = step(session, Step::Push, || deliver(session, request, &built, &name))?;
    Ok(Shipment {
        descriptor: built.descriptor.clone(),
        name,
        built,
        inventory,
        report,
        verdict,
        sealed,
        delivery,
    })
}

// Tells of a step's begin and failure; its success it tells itself, as it knows what came of it.
fn step<T>(
    session: &Session<'_>,
    step: Step,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    session.check()?;
    session.observer.event(Event::Started(step));
    let result = work();
    if result.is_err() {
        session.observer.event(Event::Failed(step));
    }
    result
}

fn done(session: &Session<'_>, step: Step, text: String) {
    session.observer.event(Event::Done(step, text));
}

fn lint(session: &Session<'_>, request: &ShipRequest) -> Result<Linted, Error> {
    let linted =
        crate::lint::lint(&request.build.dockerfile_path, &request.build.context, &request.lint)?;
    let worst = linted.diagnostics.iter().map(|found| found.level).max();
    let is_serious = worst.is_some_and(|level| level >= Level::Warning);
    if worst.is_some() {
        let event = if is_serious { Event::Details } else { Event::Passed };
        session.observer.event(event(Step::Lint, &linted.render(false)));
    }
    linted.gate()?;
    let event = if is_serious { Event::DoneWithWarnings } else { Event::Done };
    session.observer.event(event(Step::Lint, linted.summary()));
    Ok(linted)
}

fn find_bases(
    session: &Session<'_>,
    request: &ShipRequest,
    bases: &Bases<'_>,
) -> Result<(), Error> {
    let mut texts = Vec::new();
    for reference in sealift_build::base_references(&request.build)? {
        let descriptor = bases.find_for_build(&reference)?;
        texts.push(format!("{} is {}", reference.familiar(), short(&descriptor.digest)));
    }
    done(
        session,
        Step::Base,
        if texts.is_empty() { "from scratch".to_owned() } else { texts.join(", ") },
    );
    Ok(())
}

fn build(session: &Session<'_>, request: &ShipRequest, bases: &Bases<'_>) -> Result<Built, Error> {
    let built = crate::build::build(session, &request.build, bases)?;
    done(session, Step::Build, crate::build::summary(&built));
    Ok(built)
}

// The image has no name in the store before the gates have passed, but it will have this one.
fn open_built(session: &Session<'_>, built: &Built, name: &Reference) -> Result<Opened, Error> {
    crate::open::open_descriptor(session, &built.descriptor, name)
}

fn list(
    session: &Session<'_>,
    opened: &Opened,
    request: &ShipRequest,
) -> Result<(Inventory, Secrets), Error> {
    let found = crate::contents::look(session, &opened.image, Some(&request.secrets))?;
    let (mut inventory, secrets) = (found.0, found.1.unwrap_or_default());
    for layer in &mut inventory.layers {
        layer.instruction = layer.instruction.as_deref().map(|text| secrets.conceal(text));
    }
    crate::contents::check_complete(&inventory)?;
    done(session, Step::Sbom, crate::contents::summary(&inventory));
    Ok((inventory, secrets))
}

fn gate_scan(session: &Session<'_>, report: &Report, request: &ScanRequest) -> Result<(), Error> {
    let secrets = report.secrets.as_deref().unwrap_or_default();
    let threshold = request.fail_on.as_ref().map(crate::secrets::threshold);
    let outcome = crate::scan::gate(report, request)
        .and_then(|()| crate::secrets::gate(&crate::secrets::sure(secrets), threshold));
    if !report.findings.is_empty() || !secrets.is_empty() {
        let options = sealift_report::TableOptions { width: TABLE_WIDTH, color: false };
        let event = if outcome.is_err() { Event::Details } else { Event::Passed };
        session.observer.event(event(Step::Scan, &sealift_report::table(report, options)));
    }
    outcome?;
    let is_doubtful =
        !report.findings.is_empty() || !secrets.is_empty() || report.database.example_only;
    let event = if is_doubtful { Event::DoneWithWarnings } else { Event::Done };
    let mut summary = crate::scan::summary(report);
    if !secrets.is_empty() {
        summary = format!("{summary}; {}", crate::secrets::summary(secrets));
    }
    session.observer.event(event(Step::Scan, summary));
    Ok(())
}

const TABLE_WIDTH: u16 = 120;

struct Facts<'a> {
    inventory: &'a Inventory,
    report: &'a Report,
    linted: &'a Linted,
    signer: &'a Signer,
    name: &'a Reference,
}

fn judge(
    session: &Session<'_>,
    request: &ShipRequest,
    opened: &Opened,
    known: &Facts<'_>,
) -> Result<Verdict, Error> {
    let policies = crate::policies::load(&request.policy, crate::policies::Tests::Without)?;
    let evidence = Evidence {
        inventory: Some(known.inventory),
        report: Some(known.report),
        scan_status: ScanStatus::Passed,
        lint: Some((&known.linted.path, &known.linted.text, &known.linted.diagnostics)),
        // The image is judged as it will be: signed by the key that is open. If signing fails, nothing is shipped.
        signatures: vec![SignatureFacts {
            verified: true,
            key: Some(known.signer.name.clone()),
            fingerprint: Some(known.signer.key.public().fingerprint()),
        }],
        // So is its provenance.
        provenance: Some(ProvenanceFacts {
            verified: true,
            builder: sealift_sign::provenance::BUILDER_LOCAL.to_owned(),
            build_type: sealift_sign::provenance::BUILD_TYPE.to_owned(),
            materials: base_material(opened),
        }),
        reference: Some(known.name.clone()),
        now_secs: Some(session.now_secs),
    };
    let facts = crate::judge::facts(Some(opened), &evidence, &request.policy);
    let judged = crate::judge::judge(&facts, &request.policy, &policies)?;
    let details = crate::judge::details(&judged);
    if !details.is_empty() {
        session.observer.event(Event::Details(Step::Policy, &details));
    }
    let verdict = judged.judgement.verdict;
    crate::judge::gate(&verdict)?;
    let is_doubtful = !verdict.violations.is_empty();
    let event = if is_doubtful { Event::DoneWithWarnings } else { Event::Done };
    session.observer.event(event(Step::Policy, crate::judge::summary(&verdict)));
    Ok(verdict)
}

fn base_material(opened: &Opened) -> Vec<(String, Option<String>)> {
    let annotations = &opened.image.manifest.value().annotations;
    let digest = annotations.get(sealift_oci::ANNOTATION_BASE_DIGEST).cloned();
    let name = annotations.get(sealift_oci::ANNOTATION_BASE_NAME);
    name.map(|name| (format!("oci://{name}"), digest)).into_iter().collect()
}

struct Results<'a> {
    inventory: &'a Inventory,
    report: &'a Report,
    verdict: &'a Verdict,
    making: &'a Making<'a>,
}

fn making<'a>(
    request: &'a ShipRequest,
    built: &'a Built,
    linted: &'a Linted,
    started_secs: i64,
    session: &Session<'_>,
) -> Making<'a> {
    let path = &request.build.dockerfile_path;
    Making {
        built,
        dockerfile: path.strip_prefix(&request.build.context).unwrap_or(path),
        dockerfile_text: &linted.text,
        target: request.build.target.as_deref(),
        argument_names: request.build.build_args.iter().map(|(name, _)| name.clone()).collect(),
        started_secs,
        finished_secs: session.clock_secs(),
    }
}

fn seal(
    session: &Session<'_>,
    opened: &Opened,
    name: &Reference,
    signer: &Signer,
    results: &Results<'_>,
) -> Result<Sealed, Error> {
    let mut claims = crate::seal::sbom_claims(opened, name, results.inventory);
    claims.push(crate::seal::report_claim(results.report)?);
    claims.push(crate::seal::provenance_claim(results.making));
    let verdict = crate::seal::verdict_claim(session, name, results.verdict, &claims);
    claims.push(verdict);
    let sealed = crate::seal::seal(session, opened, name, signer, &claims)?;
    let fingerprint = signer.key.public().fingerprint();
    let text = format!(
        "signature and {} attestations by key `{}` ({})",
        claims.len(),
        signer.name,
        &fingerprint[..16]
    );
    done(session, Step::Sign, text);
    Ok(sealed)
}

fn deliver(
    session: &Session<'_>,
    request: &ShipRequest,
    built: &Built,
    name: &Reference,
) -> Result<Option<Delivery>, Error> {
    for name in &request.names {
        session.store.tag(name, &built.descriptor)?;
    }
    let Some(to) = &request.push else {
        let names: Vec<String> = request.names.iter().map(Reference::familiar).collect();
        done(session, Step::Push, format!("{} in the local store", names.join(", ")));
        return Ok(None);
    };
    let opened = crate::open::open_descriptor(session, &built.descriptor, name)?;
    let delivery = crate::transfer::push(session, &opened, to)?;
    done(session, Step::Push, crate::transfer::summary(&delivery));
    Ok(Some(delivery))
}
