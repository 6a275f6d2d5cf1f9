//! Whether an image may be pulled: examined, signed, admitted by the policies. What cannot be judged is refused.

use std::sync::Arc;

use sealift_custody::Trust;
use sealift_depot::{Manifest, Target};
use sealift_oci::{Digest, Platform, Reference};
use sealift_pipeline::judge::{self, Evidence};
use sealift_pipeline::keys::TrustedKey;
use sealift_pipeline::open::Opened;
use sealift_pipeline::verify;
use sealift_policy::ScanStatus;
use serde::Serialize;
use tokio::runtime::Handle;

use crate::Error;
use crate::record::{self, Examination, Status};
use crate::rules::{Environment, Rules};
use crate::shape::{Shape, shape};
use crate::source::Shelf;

// An index with more platforms than that is for nobody.
const CHILDREN_MAX: usize = 64;
const REASONS_MAX: usize = 8;
// An image with more tags than that is asked for by one of them.
const TAGS_MAX: usize = 16;

/// Why an image is not given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Which gate is shut: `quarantine`, `scan`, `trust`, `policy`, `gate`.
    pub gate: &'static str,
    /// What it found.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// What the gate says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it refuses; it admits without any.
    pub reasons: Vec<Reason>,
    /// What it says beside.
    pub warnings: Vec<String>,
}

impl Verdict {
    fn refuse(gate: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let reason = Reason { gate, message: message.into(), remedy: remedy.into() };
        Self { reasons: vec![reason], warnings: Vec::new() }
    }

    pub(crate) fn of_error(error: &Error) -> Self {
        Self::refuse(
            "gate",
            format!("it could not be judged: {error}"),
            "ask whoever runs the registry; its log says more",
        )
    }

    fn add(&mut self, other: Self) {
        self.reasons.extend(other.reasons);
        self.reasons.truncate(REASONS_MAX);
        self.warnings.extend(other.warnings);
    }

    fn is_admission(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// What is judged.
pub(crate) struct Question {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) manifest: Arc<Manifest>,
    /// The name under which it was asked for, with tag or digest.
    pub(crate) name: Reference,
    /// Indexes of the repository that list it.
    pub(crate) parents: Vec<Digest>,
}

/// A judge at work.
pub(crate) struct Judge<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) rules: &'a Rules,
    pub(crate) runtime: &'a Handle,
}

impl Judge<'_> {
    /// Judges a manifest. It blocks.
    pub(crate) fn judge(&self, question: &Question) -> Verdict {
        let manifest = &question.manifest;
        let outcome = match shape(&manifest.media_type, &manifest.bytes) {
            Shape::Artifact => Ok(Verdict::default()),
            Shape::Image => self.image(question),
            Shape::Index(children) => {
                let children = children.iter().map(|child| child.digest.clone()).collect();
                self.index(question, children)
            }
        };
        outcome.unwrap_or_else(|error| Verdict::of_error(&error))
    }

    fn image(&self, question: &Question) -> Result<Verdict, Error> {
        let mut opened =
            question.shelf.open(&question.manifest, &question.name, &Platform::host())?;
        let (mut verdict, keys) = self.trust_by_any_name(&question.shelf, &mut opened)?;
        if !verdict.is_admission() && self.is_trusted_by_parent(question, &opened)? {
            verdict = Verdict::default();
        }
        verdict.add(self.contents(question, &opened, &keys)?);
        Ok(verdict)
    }

    // An index is admitted for the images that are: who asks for another of them is told why not then.
    fn index(&self, question: &Question, children: Vec<Digest>) -> Result<Verdict, Error> {
        if children.len() > CHILDREN_MAX {
            let message =
                format!("it lists {} manifests, more than {CHILDREN_MAX}", children.len());
            return Ok(Verdict::refuse("gate", message, "push it with fewer platforms"));
        }
        let mut images = Vec::new();
        for digest in children {
            let Some(manifest) = question.shelf.manifest(&Target::Digest(digest))? else {
                continue;
            };
            if shape(&manifest.media_type, &manifest.bytes) == Shape::Image {
                images.push(manifest);
            }
        }
        if images.is_empty() {
            return Ok(Verdict::default());
        }
        let mut refusal = None;
        for child in images {
            let name = question.name.at_digest(&child.digest);
            let Ok(alone) = question.shelf.open(&child, &name, &Platform::host()) else { continue };
            let platform = alone.image.platform();
            let mut opened = question.shelf.open(&question.manifest, &question.name, &platform)?;
            let (trust, keys) = self.trust_by_any_name(&question.shelf, &mut opened)?;
            if !trust.is_admission() {
                return Ok(trust);
            }
            let inner = Question {
                shelf: Arc::clone(&question.shelf),
                manifest: child,
                name: question.name.clone(),
                parents: Vec::new(),
            };
            let verdict = self.contents(&inner, &opened, &keys)?;
            if verdict.is_admission() {
                return Ok(verdict);
            }
            refusal.get_or_insert(verdict);
        }
        Ok(refusal.unwrap_or_else(|| {
            Verdict::refuse("gate", "none of its images can be read", "push it again")
        }))
    }

    // Docker asks for a tag and then for the digest that it was told; Content Trust signs names. Whoever would get the very
    // same manifest by one of its tags gets it by its digest.
    fn trust_by_any_name(
        &self,
        shelf: &Shelf,
        opened: &mut Opened,
    ) -> Result<(Verdict, Vec<TrustedKey>), Error> {
        let first = self.trust(opened)?;
        let name = opened.reference.clone().filter(|name| name.tag().is_none());
        let Some(name) = name.filter(|_| !first.0.is_admission()) else { return Ok(first) };
        let mut admitted = None;
        for tag in shelf.tags_of(&opened.descriptor.digest)?.into_iter().take(TAGS_MAX) {
            let Ok(tagged) = name.with_tag(tag.as_str()) else { continue };
            opened.reference = Some(tagged);
            let judged = self.trust(opened)?;
            if judged.0.is_admission() {
                admitted = Some(judged);
                break;
            }
        }
        opened.reference = Some(name);
        Ok(admitted.unwrap_or(first))
    }

    // The signatures, by the trust policy if there is one.
    fn trust(&self, opened: &Opened) -> Result<(Verdict, Vec<TrustedKey>), Error> {
        let Some(file) = &self.rules.trust else {
            return Ok((Verdict::default(), self.rules.keys.clone()));
        };
        let session = self.environment.session();
        let marks = self.environment.marks();
        let revocations = sealift_custody::revocations::of_policy(&session, file, &marks)?;
        let server = self.environment.trust_server(self.rules.settings.trust_server.clone());
        let trust =
            Trust { file, signer: None, revocations: &revocations, marks: &marks, server: &server };
        let judged = sealift_custody::judge(&session, &trust, opened)?;
        let verdict = match judged.check() {
            Ok(()) => Verdict::default(),
            Err(error) => Verdict::refuse(
                "trust",
                error.to_string(),
                "have it signed by whom the trust policy asks for, with `sealift sign`; \
                 `sealift verify --explain` says what is missing",
            ),
        };
        Ok((verdict, judged.keys))
    }

    // Whoever signed an index signed the images that it lists.
    fn is_trusted_by_parent(&self, question: &Question, child: &Opened) -> Result<bool, Error> {
        let platform = child.image.platform();
        for digest in &question.parents {
            let target = Target::Digest(digest.clone());
            let Some(parent) = question.shelf.manifest(&target)? else { continue };
            let Shape::Index(children) = shape(&parent.media_type, &parent.bytes) else { continue };
            if !children.iter().any(|entry| entry.digest == question.manifest.digest) {
                continue;
            }
            let name = question.name.at_digest(digest);
            let Ok(mut opened) = question.shelf.open(&parent, &name, &platform) else { continue };
            // Of two images for one platform only one is chosen.
            let is_chosen = opened.image.descriptor.digest == question.manifest.digest;
            if is_chosen && self.trust_by_any_name(&question.shelf, &mut opened)?.0.is_admission() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // What is inside: the examination, and the policies.
    fn contents(
        &self,
        question: &Question,
        opened: &Opened,
        keys: &[TrustedKey],
    ) -> Result<Verdict, Error> {
        let (depot, digest) = (&question.shelf.depot, &question.manifest.digest);
        let known = record::examination(depot, &question.shelf.repository, digest);
        let examination = self.runtime.block_on(known)?;
        let settings = &self.rules.settings;
        let mut verdict = Verdict::default();
        let held = || {
            Verdict::refuse(
                "quarantine",
                "it was not examined yet",
                "try again in a minute: it is examined once it is pushed",
            )
        };
        match &examination {
            None if settings.quarantine => return Ok(held()),
            Some(known) if known.status == Status::Unreadable && settings.quarantine => {
                let reason = known.reason.clone().unwrap_or_default();
                let message = format!("it could not be examined: {reason}");
                return Ok(Verdict::refuse("quarantine", message, "push it again, whole"));
            }
            Some(known) if known.status == Status::Failed && settings.fail_on.is_some() => {
                let message = known.reason.clone().unwrap_or_default();
                verdict.add(Verdict::refuse(
                    "scan",
                    message,
                    "build it with the repaired packages and push it again; \
                     `sealift scan` says which",
                ));
            }
            _ => {}
        }
        if !self.rules.policy.is_empty() {
            verdict.add(self.policies(question, opened, keys, examination.as_ref())?);
        }
        Ok(verdict)
    }

    fn policies(
        &self,
        question: &Question,
        opened: &Opened,
        keys: &[TrustedKey],
        examination: Option<&Examination>,
    ) -> Result<Verdict, Error> {
        let (depot, digest) = (&question.shelf.depot, &question.manifest.digest);
        let contents = self.runtime.block_on(record::contents(depot, digest))?;
        let report = match examination {
            Some(known) => self.report(question, known, contents.as_ref(), opened)?,
            None => None,
        };
        let public: Vec<_> = keys.iter().map(|trusted| trusted.key.clone()).collect();
        let proved = verify::proved(opened, &public)?;
        let session = self.environment.session();
        let evidence = Evidence {
            inventory: contents.as_ref().map(|contents| &contents.inventory),
            report: report.as_ref(),
            scan_status: match examination.map(|known| known.status) {
                Some(Status::Passed) => ScanStatus::Passed,
                Some(Status::Failed) => ScanStatus::Failed,
                _ => ScanStatus::Unknown,
            },
            signatures: verify::signature_facts(&proved, keys),
            provenance: verify::attested_provenance(&proved),
            reference: Some(question.name.clone()),
            now_secs: Some(session.now_secs),
            ..Evidence::default()
        };
        let facts = judge::facts(Some(opened), &evidence, &self.rules.policy);
        let judged = judge::judge(&facts, &self.rules.policy, &self.rules.policies)?;
        Ok(of_policies(&judged))
    }

    // The findings as they are now known; the match is quick, and its result is nowhere to be read from in this form.
    fn report(
        &self,
        question: &Question,
        known: &Examination,
        contents: Option<&record::Contents>,
        opened: &Opened,
    ) -> Result<Option<sealift_model::Report>, Error> {
        let Some(contents) = contents.filter(|_| known.status != Status::Unreadable) else {
            return Ok(None);
        };
        crate::examine::report(self.environment, self.rules, contents, opened, &question.name)
            .map(Some)
    }
}

fn of_policies(judged: &judge::Judged) -> Verdict {
    use sealift_model::{Level, Outcome};
    let said = &judged.judgement.verdict;
    let mut verdict = Verdict::default();
    for violation in &said.violations {
        if violation.level == Level::Warn {
            verdict.warnings.push(violation.message.clone());
            continue;
        }
        verdict.add(Verdict::refuse(
            "policy",
            format!("{} ({}, rule `{}`)", violation.message, violation.file, violation.rule),
            "change the image so that the rule is met, or ask for an exemption",
        ));
    }
    if said.outcome == Outcome::Fail && verdict.is_admission() {
        verdict.add(Verdict::refuse("policy", "the policies refuse it", "ask who wrote them"));
    }
    verdict
}
