//! Which root is good: signed by itself, by the root before it, with certificates for this repository.

use jiff::Timestamp;

use super::Pin;
use crate::{Authority, Envelope, Error, Gun, Role, Root};

/// The keys of the root role that are certificates for this repository, valid at that time if one is given.
fn root_authority(root: &Root, gun: &Gun, at: Option<Timestamp>) -> Result<Authority, Error> {
    let mut authority = root.authority(&Role::ROOT);
    let mut others = Vec::new();
    let mut faults = Vec::new();
    authority.keys.retain(|_, key| {
        if let Err(error) = key.public_key() {
            faults.push(error.to_string());
            return false;
        }
        let Some(leaf) = key.certificates().first() else {
            faults.push(format!("key {} is no certificate", crate::key::short(key.id())));
            return false;
        };
        let name = leaf.common_name().unwrap_or_default();
        if !is_name_of(name, gun) {
            others.push(format!("`{}`", crate::error::printable(name)));
            return false;
        }
        let is_valid = at.is_none_or(|at| leaf.is_valid_at(at));
        if !is_valid {
            let (from, to) = leaf.validity();
            let id = crate::key::short(key.id());
            faults.push(format!("the certificate {id} is valid from {from} to {to}"));
        }
        is_valid
    });
    match (authority.keys.is_empty(), others.is_empty()) {
        (false, _) => Ok(authority),
        (true, false) => {
            Err(Error::OtherRepository { gun: gun.to_string(), found: others.join(", ") })
        }
        (true, true) => Err(Error::NoCertificate(faults.join("; "))),
    }
}

// A name may end in `/*`.
fn is_name_of(name: &str, gun: &Gun) -> bool {
    match name.strip_suffix('*') {
        Some(prefix) => prefix.ends_with('/') && gun.as_str().starts_with(prefix),
        None => name == gun.as_str(),
    }
}

/// Checks that a root is signed by enough of its own keys. Certificates count if they are valid at that time.
pub(crate) fn check_self_signed(
    envelope: &Envelope,
    root: &Root,
    gun: &Gun,
    at: Option<Timestamp>,
) -> Result<(), Error> {
    envelope.check_signatures(&Role::ROOT, &root_authority(root, gun, at)?).map(|_| ())
}

/// Checks that a root follows another: signed by enough keys of both.
pub(crate) fn check_root(
    envelope: &Envelope,
    root: &Root,
    previous: &Root,
    gun: &Gun,
    at: Option<Timestamp>,
) -> Result<(), Error> {
    // Certificates of the root before may have expired since.
    let authority = root_authority(previous, gun, None)?;
    envelope.check_signatures(&Role::ROOT, &authority).map_err(|error| Error::RootRotation {
        version: root.version,
        reason: match error {
            Error::Threshold { valid, threshold, .. } => format!("{valid} of {threshold}"),
            error => error.to_string(),
        },
    })?;
    check_self_signed(envelope, root, gun, at)
}

/// The pins whose key signed this root. That a key is listed in a root says nothing: anybody can list it.
pub(super) fn pins_that_signed<'a>(
    pins: &'a [Pin],
    envelope: &Envelope,
    root: &Root,
    gun: &Gun,
    now: Timestamp,
) -> Vec<&'a Pin> {
    let Ok(authority) = root_authority(root, gun, None) else { return Vec::new() };
    let has_signed = |pin: &&Pin| {
        let mut keys = authority.keys.clone();
        keys.retain(|_, key| pin.matches(key, now));
        envelope.check_signatures(&Role::ROOT, &Authority { keys, threshold: 1 }).is_ok()
    };
    pins.iter().filter(has_signed).collect()
}
