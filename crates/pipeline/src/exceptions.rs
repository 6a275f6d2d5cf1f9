//! Finding and reading what people say of findings: ignore files, VEX documents, and VEX that is attached to an image.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sealift_crypto::PublicKey;
use sealift_exception::{BYTES_MAX, Exceptions, NAMES, VEX_BYTES_MAX};
use sealift_model::Note;
use sealift_sign::What;

use crate::Error;
use crate::open::Opened;
use crate::verify::proved;

// The predicate type of OpenVEX has its version behind this.
const OPENVEX: &str = "https://openvex.dev/ns";

/// Where it is said.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Ignore files that must be there; without any, those in `folder`.
    pub ignore_files: Vec<PathBuf>,
    /// A folder whose ignore files count if they are there.
    pub folder: Option<PathBuf>,
    /// Files of settings, whose `[[scan.ignore]]` count.
    pub settings: Vec<PathBuf>,
    /// VEX documents.
    pub vex: Vec<PathBuf>,
}

/// Reads all of it. What cannot be read is an error: a file that is not understood may hide too much, and one that is
/// not there may be misspelt.
pub fn read(places: &Places) -> Result<Exceptions, Error> {
    let mut exceptions = Exceptions::default();
    let mut files: Vec<PathBuf> = places.settings.clone();
    if places.ignore_files.is_empty() {
        let folder = places.folder.as_deref();
        let known = folder.into_iter().flat_map(|folder| NAMES.iter().map(|it| folder.join(it)));
        files.extend(known.filter(|path| path.exists()));
    } else {
        files.extend(places.ignore_files.iter().cloned());
    }
    for path in files {
        let bytes = bytes(&path, BYTES_MAX)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            refused(&path, "it is no UTF-8 text", "check that it is the right file")
        })?;
        exceptions
            .read_ignores(&name(&path), &text)
            .map_err(|error| refused(&path, &error.to_string(), &error.hint()))?;
    }
    for path in &places.vex {
        exceptions
            .read_vex(&name(path), &bytes(path, VEX_BYTES_MAX)?)
            .map_err(|error| refused(path, &error.to_string(), &error.hint()))?;
    }
    Ok(exceptions)
}

/// Adds what VEX documents say that are attached to an image. One that no trusted key signed is noted and does not count.
pub fn read_attached(
    opened: &Opened,
    keys: &[PublicKey],
    exceptions: &mut Exceptions,
) -> Result<(), Error> {
    let proved = proved(opened, keys)?;
    let mut found = 0;
    for attestation in &proved.attestations {
        if attestation.predicate_type.starts_with(OPENVEX) {
            found += 1;
            let place = format!("attestation {}", attestation.artifact);
            exceptions.read_attached_vex(&place, &attestation.predicate).map_err(|error| {
                Error::usage(format!("the VEX attestation cannot be read: {error}"), error.hint())
            })?;
        }
    }
    let unproved = proved.unproved.iter().map(|it| (&it.artifact, &it.what, it.reason.clone()));
    let refused = proved
        .refusals
        .iter()
        .filter_map(|it| Some((it.artifact.as_ref()?, &it.what, it.why.to_string())));
    for (artifact, what, why) in unproved.chain(refused) {
        if matches!(what, What::Attestation(kind) if kind.starts_with(OPENVEX)) {
            found += 1;
            exceptions.notes.push(Note {
                subject: format!("VEX attestation {artifact}"),
                message: format!("does not count: {why}"),
            });
        }
    }
    if found == 0 {
        exceptions.notes.push(Note {
            subject: opened.title.clone(),
            message: "no VEX document is attached to it".to_owned(),
        });
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).display().to_string()
}

fn bytes(path: &Path, max: usize) -> Result<Vec<u8>, Error> {
    let fail = |source| Error::file("read", path, source);
    let mut bytes = Vec::new();
    // One byte more than is allowed says that it is too much.
    File::open(path).map_err(fail)?.take(max as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

fn refused(path: &Path, reason: &str, hint: &str) -> Error {
    Error::usage(format!("cannot use `{}`: {reason}", path.display()), hint)
}
