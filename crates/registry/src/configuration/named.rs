//! The files that a configuration names: whether they are there, and can be used.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sealift_access::{Passwords, TokenKeys};

use super::finding::Finding;
use super::model::{Auth, Configuration, StoragePlace};
use super::{Place, Reading};
use crate::tls_of_files;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Certificate of the listener.
    Certificate,
    /// Key of the listener.
    Key,
    /// An authority of clients' certificates.
    ClientAuthority,
    /// Names and passwords.
    Passwords,
    /// Keys of a token server.
    TokenKeys,
}

impl Configuration {
    /// The files that distribution's sections name, with their keys.
    pub fn files(&self) -> Vec<(Use, &'static str, PathBuf)> {
        let mut files = Vec::new();
        if let Some(tls) = &self.http.tls {
            files.push((Use::Certificate, "http.tls.certificate", tls.certificate.clone()));
            files.push((Use::Key, "http.tls.key", tls.key.clone()));
            let authorities = tls.client_authorities.iter().cloned();
            files
                .extend(authorities.map(|path| (Use::ClientAuthority, "http.tls.clientcas", path)));
        }
        match &self.auth {
            Some(Auth::Htpasswd { path, .. }) => {
                files.push((Use::Passwords, "auth.htpasswd.path", path.clone()));
            }
            Some(Auth::Token(token)) => {
                let named = [
                    ("auth.token.rootcertbundle", &token.certificates),
                    ("auth.token.jwks", &token.jwks),
                ];
                files.extend(named.into_iter().filter_map(|(key, path)| {
                    let path = path.clone().filter(|path| !path.as_os_str().is_empty())?;
                    Some((Use::TokenKeys, key, path))
                }));
            }
            None => {}
        }
        files
    }
}

impl Reading {
    /// Looks at the files that the configuration names. One that is not there is a warning: it may be on another
    /// machine, or in a container.
    pub fn check_files(&self) -> Vec<Finding> {
        let Some(configuration) = &self.configuration else { return Vec::new() };
        let mut findings = Vec::new();
        for (file, key, path) in configuration.files() {
            if let Some((message, hint)) = fault(file, &path, configuration) {
                let place = self.place(key);
                findings.push(if path.exists() {
                    Finding::error(place, key, message).hint(hint)
                } else {
                    let message = format!("`{}` is not there", path.display());
                    Finding::warning(place, key, message).hint(hint)
                });
            }
        }
        if let StoragePlace::Folder(folder) = &configuration.storage.place {
            let key = "storage.filesystem.rootdirectory";
            if folder.join("docker/registry/v2").is_dir() {
                let message =
                    "the folder has images of distribution, which are not served as they lie there";
                let hint = "give another folder, and bring them with `sealift registry import distribution`";
                findings.push(Finding::error(self.place(key), key, message).hint(hint));
            } else if folder.exists() && !folder.is_dir() {
                let message = format!("`{}` is no folder", folder.display());
                findings.push(Finding::error(self.place(key), key, message).hint("name a folder"));
            }
        }
        findings
    }

    /// Where a key stands, or what of it there is.
    fn place(&self, key: &str) -> Place {
        let mut node = &self.tree;
        for part in key.split('.') {
            let Some(inner) = node.get(part) else { break };
            node = inner;
        }
        node.place.clone()
    }
}

fn fault(file: Use, path: &Path, configuration: &Configuration) -> Option<(String, &'static str)> {
    let (result, hint) = match file {
        // The key is judged with its certificate.
        Use::Certificate => {
            let key = configuration.http.tls.as_ref().map(|tls| tls.key.as_path());
            let result = key.map_or(Ok(()), |key| tls_of_files(path, key).map(drop));
            let hint = "`sealift registry cert FOLDER --host NAME` makes a certificate and a key";
            (result.map_err(|error| error.to_string()), hint)
        }
        Use::Key => {
            let hint = "it is the key of `http.tls.certificate`";
            (std::fs::File::open(path).map(drop).map_err(|error| error.to_string()), hint)
        }
        Use::ClientAuthority => (authorities(path), "give certificates as PEM"),
        Use::Passwords => (
            Passwords::read(path).map(drop).map_err(|error| error.to_string()),
            "`sealift registry user add FILE NAME` writes one",
        ),
        Use::TokenKeys => (
            TokenKeys::read(path).map(drop).map_err(|error| error.to_string()),
            "give certificates as PEM, or a JSON Web Key Set",
        ),
    };
    result.err().map(|reason| (reason, hint))
}

fn authorities(path: &Path) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let certificates: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("it holds no certificate".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
