//! Which findings are in the base image, and what another base would change.

use std::collections::BTreeSet;

use sealift_model::{BaseChoice, BaseImage, Finding, Origin, PackageKind, Report};
use sealift_oci::{
    ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, Descriptor, Digest, ImageConfig, Index, Manifest,
    Raw, Reference, media_type,
};

use crate::open::Opened;
use crate::scan::{ScanRequest, scan};
use crate::{Error, Session, examine};

/// What is to be said of bases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseRequest {
    /// The base image; by default the one that the image's annotations name, if the local store has it.
    pub base: Option<String>,
    /// Images that might take its place.
    pub candidates: Vec<String>,
}

/// Says of each finding whether the base image brought it, and what the candidates would repair.
pub fn tell(
    session: &Session<'_>,
    report: &mut Report,
    opened: Option<&Opened>,
    wanted: &BaseRequest,
    request: &ScanRequest,
) -> Result<(), Error> {
    let known = match (opened, &wanted.base) {
        (Some(opened), Some(name)) => Some(named(session, opened, name)?),
        (Some(opened), None) => annotated(session, opened),
        (None, _) => None,
    };
    let Some((name, layers)) = known else {
        if wanted.base.is_some() || !wanted.candidates.is_empty() {
            return Err(Error::usage(
                "it is not known which layers are the base image's",
                "name the base with `--base IMAGE`; only images have one",
            ));
        }
        return Ok(());
    };
    for finding in &mut report.findings {
        finding.origin = match &finding.package.layer {
            Some(layer) if layer.index < layers => Origin::Base,
            Some(_) => Origin::Own,
            None => Origin::Unknown,
        };
    }
    let of_base: BTreeSet<_> =
        report.findings.iter().filter(|it| it.origin == Origin::Base).map(identity).collect();
    let mut choices = Vec::new();
    for candidate in &wanted.candidates {
        session.check()?;
        let examined = examine::examine(session, candidate)?;
        let other = scan(session, &examined.inventory, examined.artifact, request)?;
        let others: BTreeSet<_> = other.findings.iter().map(identity).collect();
        choices.push(BaseChoice {
            name: candidate.clone(),
            repairs: of_base.difference(&others).count(),
            brings: others.difference(&of_base).count(),
        });
    }
    let findings = report.findings.iter().filter(|it| it.origin == Origin::Base).count();
    report.base = Some(BaseImage { name, layers, findings, choices });
    Ok(())
}

// A flaw in a package of whatever version.
fn identity(finding: &Finding) -> (PackageKind, String, String) {
    (finding.package.kind, finding.package.name.clone(), finding.id.clone())
}

// A base that somebody names must be one.
fn named(session: &Session<'_>, opened: &Opened, text: &str) -> Result<(String, usize), Error> {
    let base = crate::open::open(session, text)?;
    let diff_ids = &base.image.config.value().rootfs.diff_ids;
    if !is_prefix(diff_ids, opened) {
        return Err(Error::usage(
            format!("`{text}` is not the base of `{}`: it has other layers", opened.title),
            "name the very image that it was built upon; a newer one of that name has other layers",
        ));
    }
    Ok((text.to_owned(), diff_ids.len()))
}

// The base by its digest, which its name may have lost since.
fn annotated(session: &Session<'_>, opened: &Opened) -> Option<(String, usize)> {
    let annotations = &opened.image.manifest.value().annotations;
    let digest: Digest = annotations.get(ANNOTATION_BASE_DIGEST)?.parse().ok()?;
    let diff_ids = diff_ids(session, &digest)?;
    let name = annotations.get(ANNOTATION_BASE_NAME);
    let name = name.map(|name| Reference::parse(name).map_or(name.clone(), |it| it.familiar()));
    is_prefix(&diff_ids, opened).then(|| (name.unwrap_or(digest.to_string()), diff_ids.len()))
}

fn diff_ids(session: &Session<'_>, digest: &Digest) -> Option<Vec<Digest>> {
    let bytes = session.store.read_blob(digest).ok()?;
    let manifest = if let Ok(manifest) = Raw::<Manifest>::parse(bytes.clone(), "image manifest") {
        manifest
    } else {
        let index = Raw::<Index>::parse(bytes, "image index").ok()?;
        let platform = session.wanted_platform();
        let child: &Descriptor =
            sealift_image::select_platform(&index.value().manifests, &platform).ok()?;
        let bytes = session.store.read_blob(&child.digest).ok()?;
        Raw::<Manifest>::parse(bytes, "image manifest").ok()?
    };
    let config = &manifest.value().config;
    let is_config =
        matches!(config.media_type.as_str(), media_type::CONFIG | media_type::DOCKER_CONFIG);
    let bytes = session.store.read_blob(&config.digest).ok().filter(|_| is_config)?;
    let config = Raw::<ImageConfig>::parse(bytes, "image config").ok()?;
    Some(config.value().rootfs.diff_ids.clone())
}

fn is_prefix(diff_ids: &[Digest], opened: &Opened) -> bool {
    let own = &opened.image.config.value().rootfs.diff_ids;
    !diff_ids.is_empty() && own.starts_with(diff_ids)
}
