//! notation's trust store: folders of certificates, `truststore/x509/TYPE/NAME/`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::str::FromStr;

use sealift_crypto::Certificate;

use crate::text::clean;
use crate::{Error, chain};

const FILE_BYTES_MAX: u64 = 1 << 20;
const FILES_MAX: usize = 1000;

/// What the certificates of a store are trusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreType {
    /// Signers.
    Authority,
    /// Signing services that are believed about the time.
    SigningAuthority,
    /// Time stamping authorities.
    Timestamp,
}

/// Type and name of a store: `ca:wabbit-networks`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreName {
    /// Its type.
    pub kind: StoreType,
    name: String,
}

impl StoreType {
    /// All.
    pub const ALL: [Self; 3] = [Self::Authority, Self::SigningAuthority, Self::Timestamp];

    /// Its name, which is that of its folder too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "ca",
            Self::SigningAuthority => "signingAuthority",
            Self::Timestamp => "tsa",
        }
    }
}

impl StoreName {
    /// A store, if the name may be that of a folder.
    pub fn new(kind: StoreType, name: &str) -> Result<Self, String> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let is_name = !name.is_empty()
            && name.len() <= 128
            && name.bytes().all(is_letter)
            && name != "."
            && name != "..";
        if is_name {
            Ok(Self { kind, name: name.to_owned() })
        } else {
            let name = clean(name);
            Err(format!(
                "has a trust store `{name}`, whose name is not of letters, digits and `_.-`"
            ))
        }
    }

    /// Its name, without the type.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for StoreName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').ok_or_else(|| {
            format!("has a trust store `{}`, which is not `TYPE:NAME`", clean(text))
        })?;
        let kind =
            StoreType::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(|| {
                format!("has a trust store of type `{}`: ca, signingAuthority or tsa", clean(kind))
            })?;
        Self::new(kind, name)
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.kind.as_str(), self.name)
    }
}

/// The certificates of the stores that a policy names. A store that could not be read says why.
#[derive(Clone, Debug, Default)]
pub struct TrustStore {
    stores: BTreeMap<StoreName, Result<Vec<Certificate>, String>>,
}

impl TrustStore {
    /// Reads the named stores below a folder, notation's `truststore/x509`.
    pub fn read(folder: &Path, names: &[StoreName]) -> Self {
        let mut store = Self::default();
        for name in names {
            let path = folder.join(name.kind.as_str()).join(&name.name);
            let certificates = read_folder(name.kind, &path);
            store.stores.insert(name.clone(), certificates);
        }
        store
    }

    /// Adds certificates to a store.
    pub fn insert(&mut self, name: StoreName, certificates: Vec<Certificate>) -> Result<(), Error> {
        check_certificates(name.kind, &certificates)
            .map_err(|reason| Error::Store { store: name.to_string(), reason })?;
        // What could not be read stays so.
        if let Ok(known) = self.stores.entry(name).or_insert_with(|| Ok(Vec::new())) {
            known.extend(certificates);
        }
        Ok(())
    }

    /// All certificates of one type in some stores. One store that cannot be used is a refusal.
    pub fn certificates(
        &self,
        kind: StoreType,
        names: &[StoreName],
    ) -> Result<Vec<Certificate>, Error> {
        let mut all = Vec::new();
        for name in names.iter().filter(|name| name.kind == kind) {
            let refused =
                |reason: &str| Error::Store { store: name.to_string(), reason: reason.to_owned() };
            match self.stores.get(name) {
                None => return Err(refused("it is not here")),
                Some(Err(reason)) => return Err(refused(reason)),
                Some(Ok(certificates)) => all.extend(certificates.iter().cloned()),
            }
        }
        Ok(all)
    }
}

/// Checks that these may stand in a store: authorities, or self-signed; for timestamps roots.
pub fn check_certificates(kind: StoreType, certificates: &[Certificate]) -> Result<(), String> {
    if certificates.is_empty() {
        return Err("it has no certificate".to_owned());
    }
    for certificate in certificates {
        let name = chain::name(certificate);
        let is_self_signed = certificate.is_self_signed();
        if !certificate.is_authority() && !is_self_signed {
            return Err(format!(
                "the certificate `{name}` is neither an authority nor self-signed"
            ));
        }
        let is_root = is_self_signed && certificate.is_authority();
        if kind == StoreType::Timestamp && !is_root {
            return Err(format!("the certificate `{name}` is not a root"));
        }
    }
    Ok(())
}

fn read_folder(kind: StoreType, path: &Path) -> Result<Vec<Certificate>, String> {
    let at = |path: &Path, error: io::Error| format!("`{}`: {error}", path.display());
    let metadata = fs::symlink_metadata(path).map_err(|error| at(path, error))?;
    if !metadata.is_dir() {
        return Err(format!("`{}` is not a folder (links are not followed)", path.display()));
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| at(path, error))? {
        paths.push(entry.map_err(|error| at(path, error))?.path());
        if paths.len() > FILES_MAX {
            return Err("it has more than 1000 files".to_owned());
        }
    }
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let read = read_file(&path).map_err(|error| at(&path, error))?;
        let certificates =
            read_certificates(&read).map_err(|reason| format!("`{}`: {reason}", path.display()))?;
        check_certificates(kind, &certificates)
            .map_err(|reason| format!("`{}`: {reason}", path.display()))?;
        all.extend(certificates);
    }
    if all.is_empty() {
        return Err("it has no certificate".to_owned());
    }
    Ok(all)
}

/// A file that is neither a link nor too large.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("not a file (folders and links are not followed)"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    Ok(bytes)
}

/// PEM or DER.
pub(crate) fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    let text = std::str::from_utf8(bytes).ok();
    match text.filter(|text| text.contains("-----BEGIN ")) {
        Some(text) => Certificate::chain_from_pem(text),
        None => Certificate::from_der(bytes).map(|certificate| vec![certificate]),
    }
    .map_err(|error| error.to_string())
}
