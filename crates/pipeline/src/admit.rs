//! What policies can know of an image that somebody has: its contents, what a scan says, what trusted keys have signed.
//! And images that are let in only if policies admit them.

use sealift_oci::{Descriptor, Reference};
use sealift_policy::{Facts, ScanStatus};

use crate::examine::Examined;
use crate::judge::{Evidence, Judged, PolicyRequest};
use crate::keys::TrustedKey;
use crate::policies::Tests;
use crate::scan::ScanRequest;
use crate::secrets::SecretRequest;
use crate::{Error, Session};

/// By what an image is judged.
pub struct Admission<'a> {
    /// The policies.
    pub policy: &'a PolicyRequest,
    /// Advisories and thresholds.
    pub scan: &'a ScanRequest,
    /// Keys whose signatures count.
    pub keys: &'a [TrustedKey],
}

/// The facts of something that was looked at.
pub fn facts(
    session: &Session<'_>,
    examined: &Examined,
    admission: &Admission<'_>,
) -> Result<Facts, Error> {
    crate::contents::check_complete(&examined.inventory)?;
    let opened = examined.opened.as_ref();
    let inventory = &examined.inventory;
    let report = match &admission.scan.advisories {
        Some(_) => {
            Some(crate::scan::scan(session, inventory, examined.artifact.clone(), admission.scan)?)
        }
        None => None,
    };
    let scan_status = match &report {
        Some(report) if crate::scan::gate(report, admission.scan).is_ok() => ScanStatus::Passed,
        Some(_) => ScanStatus::Failed,
        None => ScanStatus::Unknown,
    };
    let public: Vec<_> = admission.keys.iter().map(|trusted| trusted.key.clone()).collect();
    let proved = opened.map(|opened| crate::verify::proved(opened, &public)).transpose()?;
    let signatures = proved
        .as_ref()
        .map(|proved| crate::verify::signature_facts(proved, admission.keys))
        .unwrap_or_default();
    let evidence = Evidence {
        inventory: Some(inventory),
        report: report.as_ref(),
        scan_status,
        signatures,
        provenance: proved.as_ref().and_then(crate::verify::attested_provenance),
        now_secs: Some(session.now_secs),
        ..Evidence::default()
    };
    let secrets = examined.secrets.as_ref().map(|secrets| secrets.findings.clone());
    let facts = crate::judge::facts(opened, &evidence, admission.policy);
    Ok(Facts { secrets, ..facts })
}

/// Brings an image from its registry into the store, and gives it its name there only if the policies admit it.
pub fn pull(
    session: &Session<'_>,
    reference: &Reference,
    admission: &Admission<'_>,
) -> Result<(Descriptor, Judged), Error> {
    let reference = reference.clone().or_latest();
    let descriptor = crate::transfer::fetch(session, &reference)?;
    let judged = judge(session, &descriptor, &reference, admission)?;
    if reference.tag().is_some() {
        session.store.tag(&reference, &descriptor)?;
    }
    Ok((descriptor, judged))
}

/// Judges an image of the store under a name. What the policies do not admit is an error.
pub fn judge(
    session: &Session<'_>,
    descriptor: &Descriptor,
    reference: &Reference,
    admission: &Admission<'_>,
) -> Result<Judged, Error> {
    let policies = crate::policies::load(admission.policy, Tests::Without)?;
    let opened = crate::open::open_descriptor(session, descriptor, reference)?;
    let secrets = SecretRequest::default();
    let examined = crate::examine::examine_opened(session, opened, Some(&secrets))?;
    let facts = facts(session, &examined, admission)?;
    let judged = crate::judge::judge(&facts, admission.policy, &policies)?;
    crate::judge::gate(&judged.judgement.verdict)?;
    Ok(judged)
}
