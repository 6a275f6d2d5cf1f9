//! Revocation lists in files: read for a judgement, made and added to.

use std::path::Path;

use sealift_crypto::PublicKey;
use sealift_pipeline::keys::{Signer, TrustedKey};
use sealift_pipeline::open::Opened;
use sealift_pipeline::{Error, Session};
use sealift_trust::revocation::{self, Revocation, RevocationList};
use sealift_trust::{Policy, write_duration};

use crate::marks::Marks;
use crate::policy_file::PolicyFile;
use crate::refuse;

const WHAT: &str = "revocation list";

/// The lists that a policy names.
pub fn of_policy(
    session: &Session<'_>,
    file: &PolicyFile,
    marks: &Marks,
) -> Result<Vec<RevocationList>, Error> {
    let policy = &file.policy;
    let one = |source: &sealift_trust::RevocationSource| {
        let list = read(&file.folder.join(&source.file), &keys_of(policy, &source.by), marks)?;
        let age = session.now_secs.saturating_sub(list.issued_secs);
        match source.max_age_secs {
            Some(limit) if age > limit => Err(Error::Refused {
                what: format!("{WHAT} `{}`", source.file),
                why: format!("expired: it is older than {}", write_duration(limit)),
            }),
            _ => Ok(list),
        }
    };
    policy.revocations.iter().map(one).collect()
}

/// The lists of the settings, by any trusted key.
pub fn of_files(
    files: &[std::path::PathBuf],
    keys: &[TrustedKey],
    marks: &Marks,
) -> Result<Vec<RevocationList>, Error> {
    let keys: Vec<PublicKey> = keys.iter().map(|trusted| trusted.key.clone()).collect();
    files.iter().map(|file| read(file, &keys, marks)).collect()
}

/// The keys that are still to be trusted.
pub fn still_trusted(keys: Vec<TrustedKey>, lists: &[RevocationList]) -> Vec<TrustedKey> {
    let is_revoked = |trusted: &TrustedKey| {
        lists.iter().any(|list| list.key(&trusted.key.fingerprint()).is_some())
    };
    keys.into_iter().filter(|trusted| !is_revoked(trusted)).collect()
}

/// Holds an image to lists where no trust policy judges: one that is revoked is refused, and signatures and attestations
/// that are revoked are no more there.
pub fn hold(opened: &mut Opened, lists: &[RevocationList]) -> Result<(), Error> {
    for digest in [&opened.descriptor.digest, opened.image.manifest.digest()] {
        if let Some(entry) = lists.iter().find_map(|list| list.digest(digest)) {
            return Err(Error::Refused {
                what: opened.title.clone(),
                why: format!("revoked: `{digest}`: {}", entry.reason),
            });
        }
    }
    opened
        .referrers
        .manifests
        .retain(|artifact| lists.iter().all(|list| list.digest(&artifact.digest).is_none()));
    Ok(())
}

/// Reads a list and refuses one that is older than what was seen.
pub fn read(path: &Path, keys: &[PublicKey], marks: &Marks) -> Result<RevocationList, Error> {
    let bytes = bytes(path).map_err(|error| Error::Refused {
        what: format!("{WHAT} `{}`", path.display()),
        why: format!("it cannot be read: {error}"),
    })?;
    let what = format!("{WHAT} `{}`", path.display());
    let list = revocation::verify(&bytes, keys).map_err(|error| refuse(&what, error))?;
    // The same file under another name is the same list.
    let name = path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string();
    if let Some(known) = marks.list(&name)? {
        list.check_newer(&known, &name).map_err(|error| refuse(&what, error))?;
        if known == list.mark() {
            return Ok(list);
        }
    }
    marks.keep_list(&name, &list.mark())?;
    Ok(list)
}

/// Adds to a list, or begins one, and signs it. The list at hand must be one that the same key, or one of `keys`, signed.
pub fn add(
    path: &Path,
    revocation: Revocation,
    signer: &Signer,
    keys: &[TrustedKey],
    now_secs: i64,
) -> Result<RevocationList, Error> {
    let mut list = match bytes(path) {
        Ok(bytes) => {
            let mut known = vec![signer.key.public()];
            known.extend(keys.iter().map(|trusted| trusted.key.clone()));
            revocation::verify(&bytes, &known).map_err(|error| refuse(WHAT, error))?
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            RevocationList { counter: 0, issued_secs: now_secs, entries: Vec::new() }
        }
        Err(source) => return Err(Error::file("read", path, source)),
    };
    if !list.add(revocation) {
        return Err(Error::usage(
            "the list has it already, with its time and reason",
            "`sealift trust revocation show FILE` prints the list",
        ));
    }
    write(path, &mut list, signer, now_secs)?;
    Ok(list)
}

/// Signs a list anew, with a higher number and today's date.
pub fn renew(
    path: &Path,
    signer: &Signer,
    keys: &[TrustedKey],
    now_secs: i64,
) -> Result<RevocationList, Error> {
    let bytes = bytes(path).map_err(|source| Error::file("read", path, source))?;
    let mut known = vec![signer.key.public()];
    known.extend(keys.iter().map(|trusted| trusted.key.clone()));
    let mut list = revocation::verify(&bytes, &known).map_err(|error| refuse(WHAT, error))?;
    write(path, &mut list, signer, now_secs)?;
    Ok(list)
}

fn write(
    path: &Path,
    list: &mut RevocationList,
    signer: &Signer,
    now_secs: i64,
) -> Result<(), Error> {
    let overrun = || Error::Refused {
        what: format!("{WHAT} `{}`", path.display()),
        why: "its number cannot rise any more".to_owned(),
    };
    list.counter = list.counter.checked_add(1).ok_or_else(overrun)?;
    list.issued_secs = now_secs;
    let bytes = revocation::sign(list, &signer.key)
        .map_err(|source| Error::Key { path: signer.name.clone().into(), source })?;
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&temporary, &bytes)
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|source| Error::file("write", path, source))
}

fn keys_of(policy: &Policy, by: &[usize]) -> Vec<PublicKey> {
    by.iter()
        .flat_map(|position| &policy.signers[*position].keys)
        .map(|known| known.key.clone())
        .collect()
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let size = std::fs::metadata(path)?.len();
    if size > revocation::BYTES_MAX as u64 {
        return Err(std::io::Error::other("it is larger than 16 MiB"));
    }
    std::fs::read(path)
}
