//! Why an image cannot be opened or read.

use std::io;
use std::path::PathBuf;

use sealift_oci::{Digest, RawError, ReferenceError};

/// Why an image cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text names no image.
    #[error("`{text}` names no image: {reason}")]
    Target {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
        /// What the user may have meant.
        hint: Option<String>,
    },
    /// A text is no image reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A daemon does not give the image.
    #[error("cannot get the image from the daemon at `{socket}`: {reason}")]
    Daemon {
        /// Its socket.
        socket: PathBuf,
        /// What it says, or why it cannot be asked.
        reason: String,
    },
    /// A blob cannot be read.
    #[error("cannot read blob `{digest}` from `{place}`: {source}")]
    Blob {
        /// Digest of the blob.
        digest: Digest,
        /// Where it should be.
        place: String,
        /// What the system says.
        source: io::Error,
    },
    /// Content is not what its digest says.
    #[error("{what} has the digest `{actual}`, but `{expected}` is expected")]
    Digest {
        /// What it is.
        what: String,
        /// The digest that the descriptor has.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// Content has not the size that its descriptor says.
    #[error("{what} `{digest}` has {actual} bytes, but {expected} are expected")]
    Size {
        /// What it is.
        what: &'static str,
        /// Its digest.
        digest: Digest,
        /// The size that the descriptor has.
        expected: u64,
        /// The bytes that were read until it was clear.
        actual: u64,
    },
    /// A blob that is larger than anyone may make us keep in memory.
    #[error("blob `{digest}` has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Its digest.
        digest: Digest,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A layer cannot be read.
    #[error("layer {layer} (`{digest}`): {source}")]
    Layer {
        /// Place of the layer, lowest is 0.
        layer: usize,
        /// Digest of the layer's blob.
        digest: Digest,
        /// What the reader says.
        source: sealift_archive::Error,
    },
    /// What would be kept of all layers together is too much.
    #[error("{what} of all layers together have more than the limit of {limit} bytes")]
    Memory {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// There are more of something than any real image has.
    #[error("there are more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A layer has an entry that no container runtime could unpack.
    #[error("layer {layer}: `{path}` {reason}")]
    Entry {
        /// Place of the layer, lowest is 0.
        layer: usize,
        /// Path of the entry.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An archive with an image in it cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What the reader says.
        source: sealift_archive::Error,
    },
    /// A folder or archive is no image.
    #[error("`{}` is not {what}: {reason}", path.display())]
    NotAnImage {
        /// The folder or archive.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A manifest, index or config that is not one.
    #[error(transparent)]
    Document(#[from] RawError),
    /// A manifest that describes no image.
    #[error("manifest `{digest}` is not an image: {reason}")]
    Manifest {
        /// Digest of the manifest.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// No image for the platform.
    #[error("there is no image for `{wanted}`, only for {}", list(available))]
    Platform {
        /// The platform that was asked for.
        wanted: String,
        /// What is there.
        available: Vec<String>,
    },
    /// No image of that name.
    #[error("`{}` has no image named `{name}`; it has {}", path.display(), list(available))]
    Name {
        /// The folder or archive.
        path: PathBuf,
        /// The name that was asked for.
        name: String,
        /// What is there.
        available: Vec<String>,
    },
    /// Several images, and none was named.
    #[error("`{}` has several images: {}", path.display(), list(available))]
    Ambiguous {
        /// The folder or archive.
        path: PathBuf,
        /// What is there.
        available: Vec<String>,
    },
}

impl Error {
    /// A blob that a [`crate::BlobSource`] cannot read; `place` is where it looked.
    pub fn blob(digest: &Digest, place: &str, source: io::Error) -> Self {
        Self::Blob { digest: digest.clone(), place: place.to_owned(), source }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Target { hint, .. } => hint.clone(),
            Self::Digest { .. } | Self::Size { .. } => Some(
                "the content was changed or damaged after it was described; get it again from where it was made"
                    .to_owned(),
            ),
            Self::Layer { source, .. } | Self::Archive { source, .. } => source.hint(),
            Self::Daemon { socket, .. } => Some(format!(
                "check that the daemon runs, that you may use `{}`, and that it has the image; DOCKER_HOST names another socket",
                socket.display()
            )),
            Self::Platform { .. } => Some("choose one of them with `--platform`".to_owned()),
            Self::Ambiguous { path, .. } | Self::Name { path, .. } => {
                Some(format!("choose one as `{}:NAME`", path.display()))
            }
            _ => None,
        }
    }

    pub(crate) fn io(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    // What a stream said, out of the `io::Error` that it travelled in.
    pub(crate) fn of_layer(layer: usize, digest: &Digest, error: sealift_archive::Error) -> Self {
        let source = match error {
            sealift_archive::Error::Io(inner) => match inner.downcast::<Self>() {
                Ok(own) => return own,
                Err(other) => sealift_archive::Error::Io(other),
            },
            other => other,
        };
        Self::Layer { layer, digest: digest.clone(), source }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

fn list(names: &[String]) -> String {
    const SHOWN_MAX: usize = 8;
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = names.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    let rest = names.len().saturating_sub(SHOWN_MAX);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
