//! Docker's folder of trust, `~/.docker/trust`: taken over into keyring and state, and given back.

use sealift_crypto::SigningKey;
use sealift_tuf::{Gun, Home, HomeRepository, Key, KeyFile, Role};

use crate::keyring::{check_name, open_file_text};
use crate::states::Kept;
use crate::token_key::is_in_token;
use crate::{Error, KeyEntry, KeyUse, Keyring, Need, Passphrases, Purpose, States};

/// What was taken over or given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Names of keys.
    pub keys: Vec<String>,
    /// Repositories whose documents went with them.
    pub repositories: Vec<Gun>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Takes keys and verified documents over. What is there already stays as it is; marks are never lowered.
pub fn import_home(
    home: &Home,
    keyring: &Keyring,
    states: &States,
    passphrases: &dyn Passphrases,
) -> Result<Transfer, Error> {
    let mut transfer = Transfer::default();
    for (name, text) in &home.keys {
        match import_key(name, text, keyring, passphrases) {
            Ok(Some(name)) => transfer.keys.push(name),
            Ok(None) => transfer.notes.push(format!("key {} is here already", short(name))),
            // The rest must not be lost over one key whose passphrase nobody knows any more.
            Err(Error::Key { reason, hint, .. }) => {
                transfer.notes.push(format!("key {}: {reason}; {hint}", short(name)));
            }
            Err(error) => return Err(error),
        }
    }
    for (gun, repository) in &home.repositories {
        if !repository.changes.is_empty() {
            let n_changes = repository.changes.len();
            let note = format!(
                "`{gun}`: {n_changes} staged changes are left out; make them again, or publish them with notary"
            );
            transfer.notes.push(note);
        }
        if repository.documents.is_empty() {
            continue;
        }
        let before = states.read_kept(gun)?;
        if before.state.is_some() {
            let note = format!("`{gun}`: what was seen here stays, its documents are left out");
            transfer.notes.push(note);
        } else if keep(states, gun, &before, repository)? {
            transfer.repositories.push(gun.clone());
        }
    }
    Ok(transfer)
}

fn keep(
    states: &States,
    gun: &Gun,
    before: &Kept,
    repository: &HomeRepository,
) -> Result<bool, Error> {
    states.replace(gun, before, &repository.state(gun)?)
}

fn import_key(
    name: &str,
    text: &str,
    keyring: &Keyring,
    passphrases: &dyn Passphrases,
) -> Result<Option<String>, Error> {
    let file = KeyFile::parse(text)?;
    let role = file.role.as_deref().unwrap_or_default();
    let key_use = match role {
        "root" => KeyUse::Root,
        "targets" => KeyUse::Targets,
        "snapshot" => KeyUse::Snapshot,
        _ => KeyUse::Signer,
    };
    let shown = format!("{role} {}", short(name));
    let need = Need { purpose: Purpose::Open, key_use, name: shown.trim(), is_docker: true };
    let key = open_file_text(text, &need, passphrases)?;
    if keyring.find(&key.public().fingerprint())?.is_some() {
        return Ok(None);
    }
    let entry = match (key_use, &file.gun) {
        (KeyUse::Root, _) => keyring.add_role_key(&key, key_use, None, passphrases)?,
        (KeyUse::Targets | KeyUse::Snapshot, Some(gun)) => {
            keyring.add_role_key(&key, key_use, Some(&Gun::parse(gun)?), passphrases)?
        }
        _ => add_signer(keyring, role, &key, passphrases)?,
    };
    Ok(Some(entry.name))
}

// Two people may have had the same name for their keys, and notary's own client gives none.
fn add_signer(
    keyring: &Keyring,
    role: &str,
    key: &SigningKey,
    passphrases: &dyn Passphrases,
) -> Result<KeyEntry, Error> {
    let id = Key::bare(&key.public()).id()[..SHORT_ID].to_owned();
    let role = role.rsplit('/').next().unwrap_or_default();
    let is_free = |name: &str| {
        check_name(name).is_ok() && !keyring.folder().join(format!("{name}.key")).exists()
    };
    let name = if is_free(role) {
        role.to_owned()
    } else if check_name(role).is_ok() {
        format!("{role}-{id}")
    } else {
        format!("key-{id}")
    };
    keyring.add_signer(&name, key, passphrases)
}

/// Gives keys and documents in Docker's form. Its encryption withstands guessing badly, so the passphrase must be good.
pub fn export_home(
    keyring: &Keyring,
    states: &States,
    guns: &[Gun],
    passphrases: &dyn Passphrases,
) -> Result<(Home, Transfer), Error> {
    let mut home = Home::default();
    let mut transfer = Transfer::default();
    for entry in keyring.list()? {
        let is_wanted =
            entry.gun.as_ref().is_none_or(|gun| guns.iter().any(|own| own.as_str() == gun));
        if !is_wanted {
            continue;
        }
        if is_in_token(&entry)? {
            transfer.notes.push(format!("`{}`: a key in a token stays there", entry.name));
            continue;
        }
        let key = keyring.open(&entry, passphrases)?;
        let role = match entry.key_use {
            KeyUse::Signer => entry.name.as_str(),
            other => other.as_str(),
        };
        let need = Need {
            purpose: Purpose::Create,
            key_use: entry.key_use,
            name: &entry.name,
            is_docker: true,
        };
        let Some(passphrase) = passphrases.passphrase(&need)?.filter(|secret| !secret.is_empty())
        else {
            let hint = "set DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE and DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE";
            return Err(Error::usage("Docker's key files need a passphrase", hint));
        };
        let gun = entry.gun.as_deref().map(Gun::parse).transpose()?;
        let text = KeyFile::seal(&key, role, gun.as_ref(), &passphrase)?;
        let file = KeyFile::name(&key);
        home.keys.insert(file.trim_end_matches(".key").to_owned(), text);
        transfer.keys.push(entry.name.clone());
    }
    for gun in guns {
        let Some(state) = states.read(gun)? else {
            transfer.notes.push(format!("`{gun}`: nothing of it is kept here"));
            continue;
        };
        let mut repository = HomeRepository::default();
        for (name, text) in state.documents() {
            repository.documents.insert(Role::parse(name)?, text.clone().into_bytes());
        }
        home.repositories.insert(gun.clone(), repository);
        transfer.repositories.push(gun.clone());
    }
    Ok((home, transfer))
}

const SHORT_ID: usize = 12;

fn short(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(SHORT_ID).collect()
}
