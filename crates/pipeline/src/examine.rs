//! What a user named, whatever it is, and what is inside: an image, or files without one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sealift_image::{FileTree, ReadLimits, Target, open_directory_inspected, open_rootfs};
use sealift_model::{Artifact, ArtifactKind, Inventory};
use sealift_oci::Reference;
use sealift_sbom::Subject;
use sealift_sbom::read::{self, Document, Limits};

use crate::contents;
use crate::open::Opened;
use crate::secrets::{self, SecretRequest, Secrets};
use crate::{Error, Session};

/// What a user named, and what is inside.
pub struct Examined {
    /// What is inside.
    pub inventory: Inventory,
    /// How a report names it.
    pub artifact: Artifact,
    /// What an SBOM says it is about.
    pub subject: Subject,
    /// The image, if it is one.
    pub opened: Option<Opened>,
    /// The secrets, if they were asked for and it is no document.
    pub secrets: Option<Secrets>,
}

/// What is inside what the user named.
pub fn examine(session: &Session<'_>, text: &str) -> Result<Examined, Error> {
    examine_for_secrets(session, text, None)
}

/// The same with the secrets, if they are asked for.
pub fn examine_for_secrets(
    session: &Session<'_>,
    text: &str,
    request: Option<&SecretRequest>,
) -> Result<Examined, Error> {
    let limits = ReadLimits::default();
    let (path, tree) = match crate::open::target(text)? {
        Target::Dir(folder) => return examine_folder(session, &folder, request),
        Target::Rootfs(file) => {
            let tree = secrets::watching(request, |inspection| {
                open_rootfs(&file, &contents::wanted, inspection, &limits)
            })?;
            (file, tree)
        }
        Target::Sbom(file) => return Ok(document(session, read_document(&file)?, &file)),
        other => {
            let opened = crate::open::open_target(session, &other, text)?;
            return examine_opened(session, opened, request);
        }
    };
    Ok(files(session, path.display().to_string(), &tree, request))
}

/// What is inside a folder.
pub(crate) fn examine_folder(
    session: &Session<'_>,
    folder: &Path,
    request: Option<&SecretRequest>,
) -> Result<Examined, Error> {
    let limits = ReadLimits::default();
    let tree = secrets::watching(request, |inspection| {
        open_directory_inspected(folder, &contents::wanted, inspection, &limits)
    })?;
    Ok(files(session, folder.display().to_string(), &tree, request))
}

/// Reads an SBOM from a file, or from the standard input if the name is `-`.
pub fn read_document(path: &Path) -> Result<Document, Error> {
    let bytes = read_bytes(path)?;
    read::read(&bytes, &Limits::default()).map_err(|error| unreadable(path, &error))
}

/// The bytes of an SBOM, as [`read_document`] gets them.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let fail = |source| Error::file("read", path, source);
    let is_stdin = path == Path::new("-");
    // One byte more than is allowed says that it is too much.
    let limit = Limits::default().bytes_max as u64 + 1;
    let mut bytes = Vec::new();
    if is_stdin {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        let file = File::open(path).map_err(fail)?;
        file.take(limit).read_to_end(&mut bytes).map_err(fail)?;
    }
    Ok(bytes)
}

/// Why a file is no SBOM that can be read.
pub fn unreadable(path: &Path, error: &read::Error) -> Error {
    let hint = error.hint().unwrap_or_else(|| {
        "`sealift sbom validate FILE` says more about documents that can be read".to_owned()
    });
    Error::usage(format!("cannot read `{}`: {error}", path.display()), hint)
}

// A document keeps its own date, so that the same input gives the same output, unless another is asked for.
fn document(session: &Session<'_>, document: Document, path: &Path) -> Examined {
    let Document { format, mut subject, inventory, .. } = document;
    if session.source_date_epoch.is_some() || subject.created_secs == 0 {
        subject.created_secs = session.document_secs();
    }
    let kind = match format {
        "syft-json" => ArtifactKind::Syft,
        _ if format.starts_with("spdx") => ArtifactKind::Spdx,
        _ => ArtifactKind::CycloneDx,
    };
    // A document that does not say what it is about is known by its file.
    let name = match subject.name.as_str() {
        sealift_sbom::read::NAME_UNKNOWN => path.display().to_string(),
        name => name.to_owned(),
    };
    let artifact = Artifact { name, kind, image: None };
    Examined { inventory, artifact, subject, opened: None, secrets: None }
}

/// What is inside an image.
pub(crate) fn examine_opened(
    session: &Session<'_>,
    opened: Opened,
    request: Option<&SecretRequest>,
) -> Result<Examined, Error> {
    let (mut inventory, secrets) = contents::look(session, &opened.image, request)?;
    let subject = if let Some(name) = &opened.reference {
        crate::seal::sbom_subject(&opened, name)
    } else {
        let subject = crate::seal::sbom_subject(&opened, &Reference::parse("image")?);
        Subject { name: opened.title.clone(), reference: None, ..subject }
    };
    let mut artifact = contents::artifact(&opened);
    if let Some(secrets) = &secrets {
        // Reports repeat the config and the instructions.
        for layer in &mut inventory.layers {
            layer.instruction = layer.instruction.as_deref().map(|text| secrets.conceal(text));
        }
        if let Some(image) = &mut artifact.image {
            image.config = secrets.conceal(&image.config);
        }
    }
    Ok(Examined { inventory, artifact, subject, opened: Some(opened), secrets })
}

// Files have no time of their own: the document is as old as its making.
fn files(
    session: &Session<'_>,
    name: String,
    tree: &FileTree,
    request: Option<&SecretRequest>,
) -> Examined {
    let inventory = sealift_catalog::catalog(tree);
    let secrets = request.map(|request| secrets::of_tree(tree, None, request));
    let subject =
        Subject { name: name.clone(), created_secs: session.document_secs(), ..Subject::default() };
    let artifact = Artifact { name, kind: ArtifactKind::Filesystem, image: None };
    Examined { inventory, artifact, subject, opened: None, secrets }
}
