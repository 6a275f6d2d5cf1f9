//! Passphrases of keys: one for root keys, one for the others, and Docker's two for Docker's files.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use sealift_crypto::Secret;
use sealift_notary::{Error, KeyUse, Need, Passphrases, Purpose};

use crate::passphrase::{KEY_VARIABLES, ask, descriptor_line, first_line, is_interactive};
use sealift_arguments::TrustSecrets;

/// Where the user said they come from.
pub(super) struct Secrets {
    file: Option<PathBuf>,
    root_file: Option<PathBuf>,
    descriptor: Option<u32>,
    has_given_empty: Cell<bool>,
}

impl Secrets {
    pub(super) fn new(options: &TrustSecrets) -> Self {
        Self {
            file: options.passphrase_file.clone(),
            root_file: options.root_passphrase_file.clone(),
            descriptor: options.passphrase_fd,
            has_given_empty: Cell::new(false),
        }
    }

    /// Whether a key was sealed with no passphrase.
    pub(super) fn has_given_empty(&self) -> bool {
        self.has_given_empty.get()
    }

    fn given(&self, need: &Need<'_>) -> Result<Option<Secret>, Error> {
        let is_root = need.key_use == KeyUse::Root;
        if need.is_docker {
            let name = if is_root { "ROOT" } else { "REPOSITORY" };
            return Ok(variable(&format!("DOCKER_CONTENT_TRUST_{name}_PASSPHRASE")));
        }
        let file = if is_root { &self.root_file } else { &self.file };
        if let Some(path) = file {
            return read(path).map(Some);
        }
        if let Some(descriptor) = self.descriptor.filter(|_| !is_root) {
            let path = PathBuf::from(format!("/dev/fd/{descriptor}"));
            return descriptor_line(descriptor)
                .map(Some)
                .map_err(|error| unreadable(&path, &error));
        }
        if is_root {
            return Ok(variable("SEALIFT_ROOT_PASSPHRASE"));
        }
        Ok(KEY_VARIABLES.into_iter().find_map(variable))
    }
}

impl Passphrases for Secrets {
    fn passphrase(&self, need: &Need<'_>) -> Result<Option<Secret>, Error> {
        let secret = match self.given(need)? {
            Some(secret) => Some(secret),
            None if is_interactive() => Some(prompt(need)?),
            None => None,
        };
        if need.purpose == Purpose::Create && secret.as_ref().is_none_or(Secret::is_empty) {
            self.has_given_empty.set(true);
        }
        Ok(secret)
    }
}

fn prompt(need: &Need<'_>) -> Result<Secret, Error> {
    let failed = |error: anyhow::Error| Error::File {
        action: "ask for a passphrase at",
        path: PathBuf::from("/dev/tty"),
        reason: error.to_string(),
    };
    let what = if need.is_docker { "Docker's key" } else { "key" };
    if need.purpose == Purpose::Open {
        let prompt = format!("Passphrase of the {what} `{}`: ", need.name);
        return Ok(Secret::from(ask(&prompt).map_err(failed)?));
    }
    let prompt = format!("Passphrase for the new {what} `{}` (empty for none): ", need.name);
    let first = Secret::from(ask(&prompt).map_err(failed)?);
    let second = Secret::from(ask("The same again: ").map_err(failed)?);
    if first.equals(&second) {
        return Ok(first);
    }
    let (message, hint) = ("the two passphrases differ".to_owned(), "try again".to_owned());
    Err(Error::Usage { message, hint })
}

fn variable(name: &str) -> Option<Secret> {
    std::env::var(name).ok().map(Secret::from)
}

fn read(path: &Path) -> Result<Secret, Error> {
    first_line(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let (action, path) = ("read the passphrase from", path.to_owned());
    Error::File { action, path, reason: error.to_string() }
}
