//! Certificates of a server.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::TLS13;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use sealift_crypto::pem::Block;
use sealift_crypto::{Secret, self_signed_server};
use tokio_rustls::TlsAcceptor;

use crate::Error;
use crate::certificate::CertificateFiles;

// Names of the files of a certificate that was made for a folder.
const OWN_CERTIFICATE: &str = "server.crt";
const OWN_KEY: &str = "server.key";
const OWN_YEARS: i64 = 10;

/// Which certificates of clients are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificates {
    /// Authorities, PEM; without any no certificate is asked for.
    pub authorities: Vec<PathBuf>,
    /// Whether who has none is not heard.
    pub is_needed: bool,
}

/// What is spoken below HTTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Protocol<'a> {
    /// Not version 1.2 of TLS.
    pub only_1_3: bool,
    /// Cipher suites of version 1.2, as IANA names them; all that are safe if it is empty.
    pub cipher_suites: &'a [String],
}

/// TLS with a certificate, its chain after it, and its key. The files are read again when they have changed; what is
/// wrong then leaves the certificate as it was.
pub fn tls_of_files(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Error> {
    tls_with_clients(certificate, key, &ClientCertificates::default(), Protocol::default())
}

/// The same, with clients that have certificates.
pub fn tls_with_clients(
    certificate: &Path,
    key: &Path,
    clients: &ClientCertificates,
    protocol: Protocol<'_>,
) -> Result<TlsAcceptor, Error> {
    let files = CertificateFiles::open(certificate, key)?;
    let verifier = verifier(clients)?;
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if !protocol.cipher_suites.is_empty() {
        // Those of 1.3 are safe, all of them, and Go does not let one choose among them either.
        provider.cipher_suites.retain(|suite| {
            let name = format!("{:?}", suite.suite());
            name.starts_with("TLS13_") || protocol.cipher_suites.contains(&name)
        });
    }
    let versions: &[&SupportedProtocolVersion] =
        if protocol.only_1_3 { &[&TLS13] } else { rustls::DEFAULT_VERSIONS };
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .map_err(|error| Error::Tls { path: certificate.to_owned(), reason: error.to_string() })?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(files));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn verifier(clients: &ClientCertificates) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    if clients.authorities.is_empty() {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    for path in &clients.authorities {
        let fault = |reason: String| Error::Tls { path: path.clone(), reason };
        let text = std::fs::read(path).map_err(Error::folder(path))?;
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let certificate = certificate.map_err(|error| fault(error.to_string()))?;
            roots.add(certificate).map_err(|error| fault(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(fault("it holds no certificate".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if clients.is_needed { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| Error::Tls {
        path: clients.authorities[0].clone(),
        reason: error.to_string(),
    })
}

/// TLS with the certificate of a folder, which is made for these names if it is not there. Returns where it lies, so
/// that clients can be told.
pub fn tls_of_folder(
    folder: &Path,
    names: &[String],
    now: Timestamp,
) -> Result<(TlsAcceptor, PathBuf), Error> {
    let (certificate, key) = (folder.join(OWN_CERTIFICATE), folder.join(OWN_KEY));
    if !certificate.exists() || !key.exists() {
        let fault = |error: sealift_crypto::Error| Error::Tls {
            path: certificate.clone(),
            reason: error.to_string(),
        };
        let hours = |hours: i64| SignedDuration::from_hours(hours);
        // Clocks differ by minutes; those who look at it are a day behind at most.
        let (from, to) = (now - hours(24), now + hours(24 * 365 * OWN_YEARS));
        let (made, private) = self_signed_server(names, from, to).map_err(fault)?;
        let block = Block {
            label: "PRIVATE KEY".to_owned(),
            headers: Vec::new(),
            content: Secret::new(private.pkcs8().map_err(fault)?.expose().to_vec()),
        };
        let text = Secret::from(block.to_text().map_err(fault)?);
        write_private(&key, text.expose()).map_err(Error::folder(&key))?;
        std::fs::write(&certificate, made.to_pem()).map_err(Error::folder(&certificate))?;
    }
    Ok((tls_of_files(&certificate, &key)?, certificate))
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file =
        File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn own_certificates_stay() {
        let directory = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let (_, path) = tls_of_folder(directory.path(), &names, Timestamp::now()).unwrap();
        let first = std::fs::read(&path).unwrap();
        let key = directory.path().join(OWN_KEY);
        assert_eq!(std::fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
        tls_of_folder(directory.path(), &names, Timestamp::now()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
        let fault = |certificate: &Path, key: &Path| {
            tls_of_files(certificate, key).err().unwrap().to_string()
        };
        assert!(fault(&key, &key).contains("no certificate"));
        assert!(fault(&path, &path).contains("server.crt"));
        assert!(fault(&directory.path().join("none"), &key).contains("none"));
        // A key that is not the certificate's.
        let other = tempfile::tempdir().unwrap();
        tls_of_folder(other.path(), &names, Timestamp::now()).unwrap();
        assert!(fault(&path, &other.path().join(OWN_KEY)).contains("cannot serve TLS"));
    }
}
