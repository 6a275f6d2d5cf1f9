//! What can go wrong with a registry.

use std::path::PathBuf;

use sealift_oci::{Digest, RawError};

/// What can go wrong with a registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be set up.
    #[error("cannot set up the registry client: {0}")]
    Setup(String),
    /// A containerd daemon does not give what it was asked for.
    #[error("cannot get the image from containerd at `{socket}`: {reason}")]
    Containerd {
        /// Its socket.
        socket: PathBuf,
        /// What it says, or why it cannot be asked.
        reason: String,
    },
    /// The file of certificate authorities is of no use.
    #[error("cannot read certificate authorities from `{path}`: {reason}")]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Docker's configuration is of no use.
    #[error("cannot read `{path}`: {reason}")]
    DockerConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A stored credential is not `user:password` in base64.
    #[error("the stored credential for `{host}` is not `user:password` in base64")]
    StoredCredential {
        /// The registry.
        host: String,
    },
    /// A credential helper failed.
    #[error("credential helper `docker-credential-{helper}` failed: {reason}")]
    CredentialHelper {
        /// Name without the prefix.
        helper: String,
        /// Why.
        reason: String,
    },
    /// The host could not be reached or broke off.
    #[error("cannot reach `{host}`: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// Why, with the chain of causes.
        reason: String,
    },
    /// The registry wants another credential, or one at all.
    #[error("`{host}` refuses access to `{what}`: {reason}")]
    Unauthorized {
        /// Host and port.
        host: String,
        /// The repository.
        what: String,
        /// What it said.
        reason: String,
    },
    /// It is not there.
    #[error("`{what}` is not in the registry `{host}`")]
    NotFound {
        /// Host and port.
        host: String,
        /// Manifest or blob.
        what: String,
    },
    /// The registry said no.
    #[error("`{host}` answered {status} to `{request}`: {message}")]
    Refused {
        /// Host and port.
        host: String,
        /// HTTP status.
        status: u16,
        /// Method and path.
        request: String,
        /// What it said.
        message: String,
    },
    /// The answer breaks the protocol.
    #[error("`{host}` gave an answer that is not in the protocol: {reason}")]
    Protocol {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Other bytes than were asked for.
    #[error("`{host}` sent other bytes than asked for: expected `{expected}`, got `{actual}`")]
    DigestMismatch {
        /// Host and port.
        host: String,
        /// The digest asked for.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// More bytes than allowed.
    #[error("`{host}` sent more than {limit} bytes for `{what}`")]
    TooLarge {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// Bytes.
        limit: u64,
    },
    /// A redirection that is not followed.
    #[error("`{host}` redirects to `{location}`, which is not followed: {reason}")]
    Redirect {
        /// Host and port.
        host: String,
        /// Where to.
        location: String,
        /// Why not.
        reason: &'static str,
    },
    /// A document is not what it should be.
    #[error(transparent)]
    Document(#[from] RawError),
    /// A blob to be pushed cannot be read, or one pulled not be written.
    #[error("cannot {action} `{what}`: {source}")]
    Local {
        /// `read` or `write`.
        action: &'static str,
        /// The blob.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A blob's source failed.
    #[error(transparent)]
    Source(#[from] sealift_image::Error),
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unauthorized { host, .. } => Some(format!(
                "log in with `docker login {host}`; its credentials in ~/.docker/config.json are used"
            )),
            Self::Containerd { socket, .. } => Some(format!(
                "check that containerd runs, that you may use `{}`, and that the image is there; CONTAINERD_ADDRESS names \
                 another socket, CONTAINERD_NAMESPACE another namespace (`k8s.io` has Kubernetes' images, `moby` Docker's)",
                socket.display()
            )),
            Self::Unreachable { host, reason } if reason.contains("certificate") => Some(format!(
                "give the authority that signed the certificate of `{host}` with `--registry-ca FILE`"
            )),
            Self::Unreachable { host, reason }
                if reason.contains("HTTP") || reason.contains("corrupt message") =>
            {
                Some(format!("if `{host}` speaks plain HTTP, say so with `--plain-http {host}`"))
            }
            _ => None,
        }
    }

    /// True if the same request may succeed a moment later: not for a name that does not exist, nor for a certificate
    /// that is not trusted.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { reason, .. } => !["dns error", "certificate", "Connection refused"]
                .iter()
                .any(|word| reason.contains(word)),
            _ => false,
        }
    }

    /// True if another endpoint may do better.
    pub(crate) fn is_not_here(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::Unreachable { .. }
                | Self::Unauthorized { .. }
                | Self::Refused { .. }
        )
    }
}
