//! What a client can be told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::{DockerConfig, Error};

/// What a client can be told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Credentials, from `~/.docker/config.json`.
    pub docker_config: DockerConfig,
    /// Hosts that are spoken to by plain HTTP.
    pub plain_http: BTreeSet<String>,
    /// Mirrors of a registry, by the registry's name in image references.
    pub mirrors: BTreeMap<String, Vec<Mirror>>,
    /// File with the certificate authorities to trust, PEM.
    pub ca_bundle: Option<PathBuf>,
}

/// A registry that holds copies of another's images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Host and port.
    pub host: String,
    /// Put before the repository's name.
    pub prefix: Option<String>,
}

pub(crate) fn tls(settings: &Settings) -> Result<rustls::ClientConfig, Error> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(path) = &settings.ca_bundle {
        let fail = |reason: String| Error::CaBundle { path: path.clone(), reason };
        let text = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let certificate = certificate.map_err(|error| fail(error.to_string()))?;
            // System bundles hold a few roots that webpki does not read; the others must still work.
            let _ = roots.add(certificate);
        }
        if roots.is_empty() {
            return Err(fail("it holds no certificate".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
