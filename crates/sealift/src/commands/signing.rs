//! What `sign` and `attest` have in common: the image, the place its signatures go to, the name, and the way there.

use std::path::Path;

use sealift_image::Target;
use sealift_oci::{Descriptor, Reference};
use sealift_pipeline::open::{self, Opened};
use sealift_pipeline::{Session, sign, transfer};
use sealift_sign::Form;
use sealift_store::Store;

use crate::failure::Usage;
use sealift_arguments::{SignatureForm, SigningOptions};

/// An image that is to be signed.
pub(crate) struct Work {
    /// The image.
    pub(crate) opened: Opened,
    /// The name to sign it under.
    pub(crate) name: Reference,
    /// Where its signatures go.
    pub(crate) place: Store,
    /// What is signed: the image, and of an index perhaps all in it.
    pub(crate) subjects: Vec<Descriptor>,
    /// The forms to write.
    pub(crate) forms: &'static [Form],
    is_layout: bool,
    is_pushed: bool,
}

/// Finds the image.
pub(crate) fn open(
    session: &Session<'_>,
    text: &str,
    options: &SigningOptions,
) -> anyhow::Result<Work> {
    let target = open::target(text)?;
    let opened = open::open_target(session, &target, text)?;
    let name = match &options.name {
        Some(name) => Reference::parse(name)
            .map_err(|error| Usage::error(error.to_string(), "give `--name` the name of an image"))?
            .or_latest(),
        None => opened.reference.clone().ok_or_else(|| {
            Usage::error("the image has no name to sign it under", "give one with `--name`")
        })?,
    };
    let layout = match &target {
        Target::OciDir { path, .. } => Some(path.as_path()),
        _ => None,
    };
    let place = match layout {
        Some(path) => Store::open_layout(path)?,
        None if is_file(&target) => {
            return Err(Usage::error(
                "nothing can be added to an archive",
                "sign the image in the local store or in its registry, and save it again",
            ));
        }
        None => session.store.clone(),
    };
    let subjects = if options.recursive {
        sign::with_children(&place, &opened.descriptor)?
    } else {
        vec![opened.descriptor.clone()]
    };
    let forms: &'static [Form] = match options.format {
        SignatureForm::Bundle => &[Form::Bundle],
        SignatureForm::Legacy => &[Form::Legacy],
        SignatureForm::Both => &[Form::Bundle, Form::Legacy],
    };
    let is_remote = match &target {
        Target::Registry(_) => true,
        Target::Any(reference) => {
            session.store.resolve(reference)?.is_none()
                && session.store.has_blob(&opened.descriptor.digest)
        }
        _ => false,
    };
    let is_pushed = layout.is_none() && (options.push || is_remote);
    Ok(Work { opened, name, place, subjects, forms, is_layout: layout.is_some(), is_pushed })
}

impl Work {
    /// Whether the registry gets the signatures.
    pub(crate) fn is_pushed(&self) -> bool {
        self.is_pushed
    }

    /// Sends what was signed where it belongs, and tells in a word where that is.
    pub(crate) fn deliver(&self, session: &Session<'_>) -> anyhow::Result<&'static str> {
        if self.is_layout {
            self.place.tidy_layout();
            return Ok("in the layout");
        }
        if self.is_pushed {
            transfer::push_artifacts(session, &self.name, &self.subjects)?;
            return Ok("in the registry");
        }
        Ok("in the local store")
    }
}

fn is_file(target: &Target) -> bool {
    matches!(target, Target::OciArchive { .. } | Target::DockerArchive { .. })
}

/// Reads a document, or standard input.
pub(crate) fn read_document(path: &Path) -> anyhow::Result<Vec<u8>> {
    const BYTES_MAX: u64 = 64 << 20;
    let fail = |error: std::io::Error| {
        Usage::error(format!("cannot read `{}`: {error}", path.display()), "check `--predicate`")
    };
    let mut bytes = Vec::new();
    let file: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(fail)?)
    };
    std::io::Read::read_to_end(&mut std::io::Read::take(file, BYTES_MAX + 1), &mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > BYTES_MAX {
        let text = format!("`{}` has more than {BYTES_MAX} bytes", path.display());
        return Err(Usage::error(text, "attest a smaller document"));
    }
    Ok(bytes)
}
