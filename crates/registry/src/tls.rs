//! Certificates of a server.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sealift_crypto::{Certificate, SigningKey};
use tokio_rustls::TlsAcceptor;

use crate::Error;

/// TLS with a certificate, its chain after it, and its key.
pub fn tls_of_files(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Error> {
    let fault = |path: &Path, reason: String| Error::Tls { path: path.to_owned(), reason };
    let text = std::fs::read(certificate).map_err(Error::folder(certificate))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| fault(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(fault(certificate, "it holds no certificate".to_owned()));
    }
    let text = std::fs::read(key).map_err(Error::folder(key))?;
    let private =
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| fault(key, error.to_string()))?;
    acceptor(chain, private).map_err(|error| fault(certificate, error.to_string()))
}

/// TLS with a certificate that was made here.
pub fn tls_of_made(certificate: &Certificate, key: &SigningKey) -> Result<TlsAcceptor, Error> {
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let fault = |reason: String| Error::Tls { path: "self-signed".into(), reason };
    let key = key.pkcs8().map_err(|error| fault(error.to_string()))?;
    let private = PrivateKeyDer::Pkcs8(key.expose().to_vec().into());
    acceptor(chain, private).map_err(|error| fault(error.to_string()))
}

fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
