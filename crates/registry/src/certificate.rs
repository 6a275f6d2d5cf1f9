//! A certificate that is read again when its files have changed, so that renewing it needs no restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::Error;

// So often the files are looked at, if there are connections at all.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A certificate of two files.
#[derive(Debug)]
pub(crate) struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    current: Arc<CertifiedKey>,
    stamp: Stamp,
    looked: Instant,
}

// When each file was changed, and how long it is.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl CertificateFiles {
    /// Reads them; they have to be right now.
    pub(crate) fn open(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let stamp = stamp_of(certificate, key);
        let current = Arc::new(read(certificate, key)?);
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            state: Mutex::new(State { current, stamp, looked: Instant::now() }),
        })
    }

    fn current(&self, now: Instant) -> Arc<CertifiedKey> {
        let mut state = self.state.lock().expect("no panic while held");
        if now.saturating_duration_since(state.looked) < LOOK_EVERY {
            return Arc::clone(&state.current);
        }
        state.looked = now;
        let stamp = stamp_of(&self.certificate, &self.key);
        // Two files are not replaced at once: one that does not fit is tried again when the other has come.
        if stamp != state.stamp
            && let Ok(renewed) = read(&self.certificate, &self.key)
        {
            state.current = Arc::new(renewed);
            state.stamp = stamp;
        }
        Arc::clone(&state.current)
    }
}

impl ResolvesServerCert for CertificateFiles {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current(Instant::now()))
    }
}

fn stamp_of(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    })
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, Error> {
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
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, private, &provider)
        .map_err(|error| fault(certificate, error.to_string()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::tls_of_folder;

    #[test]
    fn a_renewed_certificate_is_taken() {
        let [old, new] = [(); 2].map(|()| {
            let folder = tempfile::tempdir().unwrap();
            tls_of_folder(folder.path(), &["localhost".to_owned()], Timestamp::now()).unwrap();
            folder
        });
        let path = |name: &str| old.path().join(name);
        let take = |name: &str| {
            std::fs::copy(new.path().join(name), path(name)).unwrap();
            // The clock of a file system may be coarse.
            let later = SystemTime::now() + Duration::from_secs(5);
            std::fs::File::options()
                .write(true)
                .open(path(name))
                .unwrap()
                .set_modified(later)
                .unwrap();
        };
        let files = CertificateFiles::open(&path("server.crt"), &path("server.key")).unwrap();
        let first = files.current(Instant::now()).cert[0].clone();
        let later = |secs: u64| Instant::now() + Duration::from_secs(secs);
        // Half of it is not taken.
        take("server.crt");
        assert_eq!(files.current(later(2)).cert[0], first);
        take("server.key");
        // Not looked at yet.
        assert_eq!(files.current(later(2)).cert[0], first);
        let second = files.current(later(4)).cert[0].clone();
        assert_ne!(second, first);
        std::fs::remove_file(path("server.key")).unwrap();
        assert_eq!(files.current(later(6)).cert[0], second);
    }
}
