//! Finding an image by what the user typed.

use std::path::Path;
use std::sync::Arc;

use sealift_image::{BlobSource, Image, Target};
use sealift_oci::{Descriptor, Digest, Manifest, Raw, Reference, media_type};

use crate::{Error, Session};

/// An image that was found.
pub struct Opened {
    /// The image.
    pub image: Image,
    /// What the name stands for: a manifest, or the index the manifest was chosen from.
    pub descriptor: Descriptor,
    /// Its name, if it has one.
    pub reference: Option<Reference>,
    /// How people should see it named.
    pub title: String,
    /// The artifacts that refer to it.
    pub referrers: Referrers,
}

/// The artifacts that refer to an image, and where their bytes are.
pub struct Referrers {
    /// Their manifests, each as its source has it.
    pub manifests: Vec<Descriptor>,
    /// Where their bytes are.
    pub source: Arc<dyn BlobSource>,
}

/// What the user named; for a path, what lies there.
pub fn target(text: &str) -> Result<Target, Error> {
    Ok(match Target::parse(text)? {
        Target::Path { path, name } => sealift_image::detect(&path, name.as_deref())?,
        other => other,
    })
}

/// Finds an image: in the local store first, then in Docker, then in its registry, or where a prefix says.
pub fn open(session: &Session<'_>, text: &str) -> Result<Opened, Error> {
    open_target(session, &target(text)?, text)
}

/// Finds the image that a target means; the text is how the user wrote it.
pub fn open_target(session: &Session<'_>, target: &Target, text: &str) -> Result<Opened, Error> {
    match target {
        Target::Any(reference) => open_any(session, reference, text),
        Target::Store(reference) => match session.store.resolve(reference)? {
            Some(descriptor) => open_descriptor(session, &descriptor, reference),
            None => Err(Error::NoImage { reference: reference.clone() }),
        },
        Target::Registry(reference) => from_registry(session, reference),
        Target::Docker(reference) => {
            named_daemon(session, session.daemons.docker.as_deref(), reference)
        }
        Target::Podman(reference) => {
            named_daemon(session, session.daemons.podman.as_deref(), reference)
        }
        Target::Containerd(reference) => from_containerd(session, reference),
        other => from_files(session, other, text),
    }
}

fn open_any(session: &Session<'_>, reference: &Reference, text: &str) -> Result<Opened, Error> {
    let mut local = None;
    if let Some(descriptor) = session.store.resolve(reference)? {
        match open_descriptor(session, &descriptor, reference) {
            // Of an index, the store may have the image for another platform only.
            Err(error @ (Error::Image(_) | Error::Store(_))) if session.platform.is_some() => {
                local = Some(error);
            }
            other => return other,
        }
    }
    let docker = session.daemons.docker.as_deref().filter(|socket| socket.exists());
    if let Some(Ok(opened)) = docker.map(|socket| from_daemon(session, socket, reference)) {
        return Ok(opened);
    }
    from_registry(session, reference).map_err(|error| match error {
        Error::Client(source) => match (local, lies_here(text)) {
            (Some(local), _) => local,
            (None, Some(path)) => Error::usage(
                format!("there is no image `{}`: {source}", reference.familiar()),
                format!("a file or folder of that name is here; `./{path}` means it"),
            ),
            (None, None) => {
                Error::NotReachable { reference: reference.clone(), source: Box::new(source) }
            }
        },
        other => other,
    })
}

// A path that was written like an image's name, with or without a word before it that is none of ours.
fn lies_here(text: &str) -> Option<&str> {
    let rest = text.split_once(':').map(|(_, rest)| rest);
    [Some(text), rest].into_iter().flatten().find(|path| Path::new(path).exists())
}

/// Opens what is in the local store, under a name that it has or will have.
pub fn open_descriptor(
    session: &Session<'_>,
    descriptor: &Descriptor,
    reference: &Reference,
) -> Result<Opened, Error> {
    let image = session.store.image_for(descriptor, &session.wanted_platform());
    let image = image.map_err(|error| match error {
        sealift_store::Error::Image(error) => Error::Image(error),
        other => other.into(),
    })?;
    check_platform(session, &image)?;
    Ok(Opened {
        image,
        descriptor: descriptor.clone(),
        reference: Some(reference.clone().or_latest()),
        title: reference.clone().or_latest().familiar(),
        referrers: Referrers {
            manifests: session.store.referrers(&descriptor.digest)?,
            source: Arc::new(session.store.clone()),
        },
    })
}

fn named_daemon(
    session: &Session<'_>,
    socket: Option<&Path>,
    reference: &Reference,
) -> Result<Opened, Error> {
    let socket = socket.ok_or_else(|| {
        Error::usage(
            "no socket of that daemon is known",
            "start it, or name its socket with DOCKER_HOST=unix:///PATH or CONTAINER_HOST=unix:///PATH",
        )
    })?;
    from_daemon(session, socket, reference)
}

fn from_daemon(
    session: &Session<'_>,
    socket: &Path,
    reference: &Reference,
) -> Result<Opened, Error> {
    let reference = reference.clone().or_latest();
    let folder = session.store.temporary_dir("daemon")?;
    let image = sealift_image::open_daemon(socket, &reference, folder.path())?;
    check_platform(session, &image)?;
    let source = Arc::clone(image.blobs());
    Ok(Opened {
        descriptor: image.descriptor.clone(),
        image,
        title: reference.familiar(),
        reference: Some(reference),
        referrers: Referrers { manifests: Vec::new(), source },
    })
}

fn from_containerd(session: &Session<'_>, reference: &Reference) -> Result<Opened, Error> {
    let socket = session.daemons.containerd.as_deref().ok_or_else(|| {
        Error::usage(
            "no socket of containerd is known",
            "start it, or name its socket with CONTAINERD_ADDRESS=/PATH",
        )
    })?;
    let reference = reference.clone().or_latest();
    let image = crate::containerd::open(session, socket, &reference)?;
    check_platform(session, &image)?;
    let source = Arc::clone(image.blobs());
    Ok(Opened {
        descriptor: image.descriptor.clone(),
        image,
        title: reference.familiar(),
        reference: Some(reference),
        referrers: Referrers { manifests: Vec::new(), source },
    })
}

// An image of a registry is brought into the store first, so that every byte is checked once and read from disk.
fn from_registry(session: &Session<'_>, reference: &Reference) -> Result<Opened, Error> {
    let descriptor = crate::transfer::fetch(session, reference)?;
    open_descriptor(session, &descriptor, reference)
}

fn from_files(session: &Session<'_>, target: &Target, text: &str) -> Result<Opened, Error> {
    let platform = session.wanted_platform();
    let (image, layout) = match target {
        Target::OciDir { path, name } => {
            (sealift_image::open_oci_dir(path, name.as_deref(), &platform)?, Some(path))
        }
        Target::OciArchive { path, name } => {
            (sealift_image::open_oci_archive(path, name.as_deref(), &platform)?, None)
        }
        Target::DockerArchive { path, name } => {
            (sealift_image::open_docker_archive(path, name.as_deref())?, None)
        }
        _ => {
            return Err(Error::usage(
                format!("`{text}` cannot be opened as an image"),
                "it is no image; `sealift sbom`, `scan` and `policy check` read it",
            ));
        }
    };
    check_platform(session, &image)?;
    let descriptor = match target {
        Target::OciDir { path, name } => {
            let listed = sealift_image::listed_in_oci_dir(path, name.as_deref(), &platform)?;
            if media_type::is_index(&listed.media_type) {
                Descriptor::new(listed.media_type, listed.digest, listed.size)
            } else {
                image.descriptor.clone()
            }
        }
        _ => image.descriptor.clone(),
    };
    let reference = image.name.as_deref().and_then(|name| Reference::parse(name).ok());
    let source = Arc::clone(image.blobs());
    let manifests = match layout {
        Some(folder) => {
            let index = sealift_image::read_layout_index(folder)?;
            sealift_image::layout_referrers(&index, source.as_ref(), &descriptor.digest)
        }
        None => Vec::new(),
    };
    Ok(Opened {
        image,
        descriptor,
        reference,
        title: text.to_owned(),
        referrers: Referrers { manifests, source },
    })
}

// Where there is no choice of platforms, the one that was asked for must be the one that is there.
fn check_platform(session: &Session<'_>, image: &Image) -> Result<(), Error> {
    let Some(wanted) = session.platform else { return Ok(()) };
    let mut only = image.descriptor.clone();
    only.platform = Some(image.platform());
    sealift_image::select_platform(&[only], wanted)?;
    Ok(())
}

impl Referrers {
    /// The manifests' documents, their digests checked.
    pub fn read(&self) -> Result<Vec<Raw<Manifest>>, Error> {
        self.manifests
            .iter()
            .map(|descriptor| {
                let bytes = read_document(&self.source, descriptor)?;
                Ok(Raw::parse(bytes, "manifest of an artifact")?)
            })
            .collect()
    }

    /// A blob of an artifact, its digest checked.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        read_document(&self.source, descriptor)
    }
}

/// Reads a small blob and checks its digest and size.
pub(crate) fn read_document(
    source: &Arc<dyn BlobSource>,
    descriptor: &Descriptor,
) -> Result<Vec<u8>, Error> {
    Ok(sealift_image::read_blob_verified(source.as_ref(), descriptor, DOCUMENT_BYTES_MAX)?)
}

/// Attestations carry whole SBOMs; nothing real is larger.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;

/// The digest that names an image for people: the manifest's.
pub(crate) fn short(digest: &Digest) -> String {
    format!("{}:{}", digest.algorithm().as_str(), digest.short())
}
