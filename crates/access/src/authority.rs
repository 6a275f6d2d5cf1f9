//! Certificates for a registry of a closed network: an authority that clients are told of once, and one for the server
//! that can be made again.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::pem::Block;
use sealift_crypto::{Certificate, Secret, SigningKey, issued_server, server_authority};

use super::Error;
use super::file::{self, Held};

const FILE_BYTES_MAX: usize = 64 << 10;
const AUTHORITY: &str = "Sealift registry authority";
const AUTHORITY_DAYS: i32 = 3650;
// Some clients take no certificate of a server that is valid for longer.
const SERVER_DAYS: i32 = 825;

/// Where the files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeCertificates {
    /// The authority's certificate: what clients need.
    pub authority: PathBuf,
    /// The authority's key: what the server does not need.
    pub authority_key: PathBuf,
    /// The server's certificate, and the authority's after it.
    pub certificate: PathBuf,
    /// The server's key.
    pub key: PathBuf,
    /// Whether the authority was there before.
    pub is_known: bool,
    /// When the server's certificate ends.
    pub expires: Timestamp,
}

/// Makes `ca.crt` and `ca.key` in a folder, unless they are there, and `registry.crt` and `registry.key` for these hosts.
pub fn make_certificates(
    folder: &Path,
    hosts: &[String],
    now: Timestamp,
) -> Result<MadeCertificates, Error> {
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let place = |name: &str| folder.join(name);
    let fault = |error: sealift_crypto::Error| Error::Certificates(error.to_string());
    let (authority, authority_key) = (place("ca.crt"), place("ca.key"));
    let held = Held::new(&authority).map_err(Error::file(&authority))?;
    // Clocks differ by minutes; those who look at it are a day behind at most.
    let (yesterday, day) = (now - SignedDuration::from_hours(24), SignedDuration::from_hours(24));
    let known = read_authority(&authority, &authority_key)?;
    let is_known = known.is_some();
    let (root, root_key) = if let Some(known) = known {
        known
    } else {
        let end = now + day * AUTHORITY_DAYS;
        let (root, key) = server_authority(AUTHORITY, yesterday, end).map_err(fault)?;
        write_private(&authority_key, &key)?;
        held.replace(root.to_pem().as_bytes()).map_err(Error::file(&authority))?;
        readable(&authority)?;
        (root, key)
    };
    let (_, root_end) = root.validity();
    let expires = (now + day * SERVER_DAYS).min(root_end);
    if expires <= now {
        let text = format!("the authority `{}` has expired", authority.display());
        return Err(Error::Certificates(text));
    }
    let (made, private) =
        issued_server(hosts, (&root, &root_key), yesterday, expires).map_err(fault)?;
    let (certificate, key) = (place("registry.crt"), place("registry.key"));
    write_private(&key, &private)?;
    let held = Held::new(&certificate).map_err(Error::file(&certificate))?;
    let chain = format!("{}{}", made.to_pem(), root.to_pem());
    held.replace(chain.as_bytes()).map_err(Error::file(&certificate))?;
    readable(&certificate)?;
    Ok(MadeCertificates { authority, authority_key, certificate, key, is_known, expires })
}

// Both files or none: an authority without its key cannot be used, and is not written over.
fn read_authority(
    certificate: &Path,
    key: &Path,
) -> Result<Option<(Certificate, SigningKey)>, Error> {
    let read = |path: &Path| file::read(path, FILE_BYTES_MAX).map_err(Error::file(path));
    let (root, private) = match (read(certificate)?, read(key)?) {
        (None, None) => return Ok(None),
        (Some(root), Some(private)) => (root, Secret::new(private)),
        (Some(_), None) => return Err(missing(certificate, key)),
        (None, Some(_)) => return Err(missing(key, certificate)),
    };
    let fault = |path: &Path, reason: String| {
        Error::Certificates(format!("`{}`: {reason}", path.display()))
    };
    let text = String::from_utf8_lossy(&root);
    let chain = Certificate::chain_from_pem(&text)
        .map_err(|error| fault(certificate, error.to_string()))?;
    let text = std::str::from_utf8(private.expose()).unwrap_or_default();
    let private = SigningKey::from_pem(text).map_err(|error| fault(key, error.to_string()))?;
    let root = chain.into_iter().next();
    let root = root.ok_or_else(|| fault(certificate, "it holds no certificate".to_owned()))?;
    if !root.is_authority() || *root.public_key() != private.public() {
        return Err(fault(key, "it is not the key of the authority beside it".to_owned()));
    }
    Ok(Some((root, private)))
}

fn missing(there: &Path, path: &Path) -> Error {
    let (there, path) = (there.display(), path.display());
    Error::Certificates(format!("`{there}` is there and `{path}` is not"))
}

fn write_private(path: &Path, key: &SigningKey) -> Result<(), Error> {
    let fault = |error: sealift_crypto::Error| Error::Certificates(error.to_string());
    let block = Block {
        label: "PRIVATE KEY".to_owned(),
        headers: Vec::new(),
        content: Secret::new(key.pkcs8().map_err(fault)?.expose().to_vec()),
    };
    let text = Secret::from(block.to_text().map_err(fault)?);
    let held = Held::new(path).map_err(Error::file(path))?;
    held.replace(text.expose()).map_err(Error::file(path))
}

// Certificates are for everybody.
fn readable(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(path, mode).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_authority_stays_and_the_server_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = ["registry.example".to_owned(), "127.0.0.1".to_owned()];
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let first = make_certificates(folder.path(), &hosts, now).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&first.key), mode(&first.authority_key)), (0o600, 0o600));
        assert_eq!((mode(&first.certificate), mode(&first.authority)), (0o644, 0o644));
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let (root, server) = (read(&first.authority), read(&first.certificate));
        let chain = Certificate::chain_from_pem(&server).unwrap();
        assert!(chain.len() == 2 && chain[0].is_signed_by(&chain[1]) && server.ends_with(&root));
        let second = make_certificates(folder.path(), &hosts, now).unwrap();
        assert!(!first.is_known && second.is_known);
        assert!(read(&first.authority) == root && read(&first.certificate) != server);
        // Not beyond the authority's own end.
        let late = now + SignedDuration::from_hours(24 * 3600);
        let third = make_certificates(folder.path(), &hosts, late).unwrap();
        assert_eq!(third.expires, chain[1].validity().1);
        let too_late = now + SignedDuration::from_hours(24 * 3651);
        assert!(make_certificates(folder.path(), &hosts, too_late).is_err());
        assert!(make_certificates(folder.path(), &[], now).is_err());
        std::fs::remove_file(&first.authority_key).unwrap();
        let error = make_certificates(folder.path(), &hosts, now).unwrap_err().to_string();
        assert!(error.contains("ca.crt") && error.contains("is not"), "{error}");
    }
}
