//! Building a Dockerfile before and after it was mended, and comparing what came of it.

use std::collections::BTreeMap;

use sealift_build::Request;
use sealift_model::Severity;
use sealift_oci::Reference;

use crate::base::Bases;
use crate::mend::Mended;
use crate::scan::ScanRequest;
use crate::{Error, Gate, Session, contents, open};

/// What an image is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measures {
    /// Bytes of its layers as they are stored.
    pub size_bytes: u64,
    /// Its layers.
    pub layers: usize,
    /// Packages in it.
    pub packages: usize,
    /// Findings by severity, or why they are not known.
    pub findings: Result<BTreeMap<Severity, usize>, String>,
}

/// An image before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What came of the file as it was: also that may not build.
    pub before: Result<Measures, String>,
    /// What came of the mended one.
    pub after: Measures,
}

/// Build both; a mended file that does not build shuts the gate.
pub fn compare(
    session: &Session<'_>,
    request: &Request,
    mended: &Mended,
    bases: &Bases<'_>,
    scan: &ScanRequest,
) -> Result<Comparison, Error> {
    let before = match measure(session, request, bases, scan) {
        Ok(measures) => Ok(measures),
        Err(error) if error.kind() == crate::Kind::Interrupted => return Err(error),
        Err(error) => Err(first_line(&error)),
    };
    let folder =
        tempfile::tempdir().map_err(|error| Error::file("write", std::env::temp_dir(), error))?;
    let dockerfile_path = mended.lay_out(folder.path())?;
    let trial =
        Request { dockerfile_path, dockerfile: mended.fixed.text.clone(), ..request.clone() };
    let after = measure(session, &trial, bases, scan).map_err(|error| {
        if error.kind() == crate::Kind::Interrupted {
            return error;
        }
        Error::Gate {
            gate: Gate::Lint,
            finding: format!("the mended Dockerfile does not build: {}", first_line(&error)),
            remedy: "nothing was written; mend it with `--fix=safe`, or see `--diff`".to_owned(),
        }
    })?;
    Ok(Comparison { before, after })
}

fn first_line(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = next.source();
    }
    text.lines().next().unwrap_or_default().to_owned()
}

fn measure(
    session: &Session<'_>,
    request: &Request,
    bases: &Bases<'_>,
    scan: &ScanRequest,
) -> Result<Measures, Error> {
    let built = crate::build::build(session, request, bases)?;
    let layers = &built.manifest.value().layers;
    // It gets no name in the store; this one is for messages.
    let name = Reference::parse("sealift.invalid/trial:latest")?;
    let opened = open::open_descriptor(session, &built.descriptor, &name)?;
    let inventory = contents::inventory(session, &opened.image)?;
    let findings = crate::scan::scan(session, &inventory, contents::artifact(&opened), scan);
    let findings = findings.map_err(|error| first_line(&error)).map(|report| {
        let mut counts = BTreeMap::new();
        for finding in &report.findings {
            *counts.entry(finding.severity).or_default() += 1;
        }
        counts
    });
    Ok(Measures {
        size_bytes: layers.iter().map(|layer| layer.size).sum(),
        layers: layers.len(),
        packages: inventory.packages.len(),
        findings,
    })
}
