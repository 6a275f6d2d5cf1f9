//! What can go wrong while a base image is assembled.

use std::path::PathBuf;

use sealift_oci::Digest;

use crate::FetchError;

/// Why a base image could not be assembled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The recipe is not one.
    #[error("recipe is not valid: {message}")]
    Recipe {
        /// What is wrong with it.
        message: String,
    },
    /// Debian has no such port.
    #[error("debian has no port for platform `{platform}`")]
    Platform {
        /// The platform that was asked for.
        platform: String,
    },
    /// A local file that the recipe names cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the cache cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The keyring holds no keys that can be read.
    #[error("cannot read keyring `{}`: {source}", path.display())]
    Keyring {
        /// The keyring.
        path: PathBuf,
        /// Why.
        source: sealift_crypto::Error,
    },
    /// Something could not be fetched.
    #[error("cannot fetch `{url}`: {source}")]
    Fetch {
        /// What was asked for.
        url: String,
        /// Why.
        source: FetchError,
    },
    /// The release file is not signed by a key of the keyring.
    #[error("signature of `{url}` is refused by keyring `{}`: {source}", keyring.display())]
    Signature {
        /// The release file.
        url: String,
        /// The keyring.
        keyring: PathBuf,
        /// Why.
        source: sealift_crypto::Error,
    },
    /// A signed file is not in the form that Debian's tools write.
    #[error("`{what}` is malformed at line {line}: {message}")]
    Malformed {
        /// The file.
        what: String,
        /// Line, from 1; 0 for the whole file.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The release file is of another suite than the one that was asked for.
    #[error("`{url}` is the release file of `{found}`, not of suite `{suite}`")]
    WrongSuite {
        /// The release file.
        url: String,
        /// The suite that was asked for.
        suite: String,
        /// What the file says that it is.
        found: String,
    },
    /// The release file is past its `Valid-Until`.
    #[error("`{url}` was valid until {valid_until} and is not any more")]
    Expired {
        /// The release file.
        url: String,
        /// The end of its validity.
        valid_until: String,
    },
    /// The release file comes from the future.
    #[error("`{url}` is dated {date}, which is in the future")]
    NotYetValid {
        /// The release file.
        url: String,
        /// Its date.
        date: String,
    },
    /// The archive served an older state than it did before.
    #[error("`{url}` is dated {date}, but a state of {newest} was served before")]
    Replayed {
        /// The release file.
        url: String,
        /// Its date.
        date: String,
        /// The newest date seen.
        newest: String,
    },
    /// The release file names no index for a component.
    #[error(
        "`{url}` has no package index for component `{component}` and architecture `{architecture}`"
    )]
    NoIndex {
        /// The release file.
        url: String,
        /// The component.
        component: String,
        /// The architecture.
        architecture: String,
    },
    /// Bytes are not those that the signed files name.
    #[error("digest of `{what}` is `{actual}`, but the signed index names `{expected}`")]
    WrongDigest {
        /// What was fetched.
        what: String,
        /// The digest in the signed index.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// Something is larger than it may be.
    #[error("`{what}` has more than {limit} bytes")]
    TooLarge {
        /// What it is.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// There is no cached archive state and the network may not be used.
    #[error("suite `{suite}` of `{url}` is not in the cache and offline mode was asked for")]
    NotCached {
        /// The archive.
        url: String,
        /// The suite, or the file, that is missing.
        suite: String,
    },
    /// A dependency cannot be satisfied.
    #[error("cannot satisfy `{relation}`: {reason}; {}", chain_text(chain))]
    Unsatisfiable {
        /// The relation as the package states it.
        relation: String,
        /// Why no package satisfies it.
        reason: String,
        /// Who needs it, nearest first; empty if the recipe itself does.
        chain: Vec<String>,
    },
    /// Two packages may not be installed together.
    #[error(
        "`{package}` does not go together with `{other}` (`{relation}`); {}",
        chain_text(chain)
    )]
    Conflict {
        /// The package that declares the conflict.
        package: String,
        /// The package that it conflicts with.
        other: String,
        /// The relation as the package states it.
        relation: String,
        /// Who needs the first, nearest first.
        chain: Vec<String>,
    },
    /// A package holds something that it may not hold.
    #[error("package `{package}` is refused: {reason}")]
    Package {
        /// The package.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A package's archive cannot be read.
    #[error("package `{package}` cannot be unpacked: {source}")]
    Unpack {
        /// The package.
        package: String,
        /// Why.
        source: sealift_archive::Error,
    },
    /// Two packages bring the same file.
    #[error("`/{path}` is in package `{first}` and in package `{second}`")]
    FileConflict {
        /// The path.
        path: String,
        /// The package that had it first.
        first: String,
        /// The package that has it too.
        second: String,
    },
    /// An entry of the recipe cannot be laid over the packages' files.
    #[error("cannot lay `{path}` into the image: {reason}")]
    Overlay {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// The layer cannot be written.
    #[error("cannot write the layer: {source}")]
    Layer {
        /// Why.
        source: sealift_archive::Error,
    },
    /// A temporary file failed.
    #[error("temporary file failed: {0}")]
    Temporary(std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] sealift_store::Error),
    /// The caller asked to stop.
    #[error("interrupted")]
    Cancelled,
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Keyring { .. } | Self::ReadFile { .. } if self.names_default_keyring() => Some(
                "install the package `debian-archive-keyring`, or name a key file as `keyring` of the `[[source]]`"
                    .to_owned(),
            ),
            Self::Fetch { source: FetchError::Failed(_), .. } => Some(
                "check the network and the archive's address; what is in the cache can be used offline".to_owned(),
            ),
            Self::Signature { .. } => Some(
                "the mirror or something on the way altered the file, or it is signed by a key that the keyring does \
                 not hold; update `debian-archive-keyring` or name the right `keyring` in the recipe"
                    .to_owned(),
            ),
            Self::Expired { .. } => {
                Some("the mirror is stale or the clock is wrong; use another mirror".to_owned())
            }
            Self::NotYetValid { .. } => Some("check the clock of this machine".to_owned()),
            Self::Replayed { .. } => Some(
                "the mirror lags behind or an attacker serves an old state; use another mirror".to_owned(),
            ),
            Self::WrongDigest { .. } => {
                Some("the mirror may be in the middle of an update; try again, then use another mirror".to_owned())
            }
            Self::NotCached { .. } => Some("run once without offline mode".to_owned()),
            Self::NoIndex { .. } => {
                Some("check `components` of the `[[source]]` and the platform".to_owned())
            }
            Self::Unsatisfiable { .. } => Some(
                "add a `[[source]]` or a suite that has it, or list it in `exclude` if the image can do without"
                    .to_owned(),
            ),
            Self::Conflict { package, other, .. } => {
                Some(format!("list `{package}` or `{other}` in `exclude`"))
            }
            Self::FileConflict { second, .. } => Some(format!("list `{second}` in `exclude`")),
            Self::Store(source) => source.hint(),
            _ => None,
        }
    }

    fn names_default_keyring(&self) -> bool {
        match self {
            Self::Keyring { path, .. } | Self::ReadFile { path, .. } => {
                path.as_os_str() == crate::recipe::KEYRING_DEFAULT
            }
            _ => false,
        }
    }
}

fn chain_text(chain: &[String]) -> String {
    if chain.is_empty() {
        return "the recipe asks for it".to_owned();
    }
    let mut text = String::new();
    for link in chain {
        text.push_str("needed by `");
        text.push_str(link);
        text.push_str("`, ");
    }
    text.push_str("which the recipe asks for");
    text
}
