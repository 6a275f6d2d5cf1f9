//! What a verifier is told before it starts: pins, first use, freshness.

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::Certificate;

use crate::{Error, Gun, Key, Limits, Role, Root};

/// What to do with a repository that was never seen before and has no pin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstUse {
    /// Refuse it.
    #[default]
    Refuse,
    /// Trust what the server shows, once; from then on only what follows from it.
    Trust,
}

/// A root key that is known from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// Id of the key in the root, id of the bare key, or SHA-256 of the public key; lower-case hex.
    Key(String),
    /// An authority that issued the certificate of a root key, directly or by certificates that lie with it.
    Authority(Box<Certificate>),
}

/// What a verifier demands.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Any of them is enough.
    pub pins: Vec<Pin>,
    /// Without pins.
    pub first_use: FirstUse,
    /// Oldest acceptable proof of freshness; without it what counts is the timestamp's own expiry.
    pub max_staleness: Option<SignedDuration>,
    /// Caps.
    pub limits: Limits,
}

impl Pin {
    /// The pin as text, for what is kept.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Key(id) => format!("key {id}"),
            Self::Authority(authority) => format!("authority {}", authority.fingerprint()),
        }
    }

    /// Whether a root key is the pinned one. A chain counts if all its certificates are valid at that time.
    pub fn matches(&self, key: &Key, at: Timestamp) -> bool {
        match self {
            Self::Key(id) => {
                id == key.id()
                    || key.bare_id().is_ok_and(|bare| bare == *id)
                    || key.identity().is_ok_and(|identity| identity == *id)
            }
            Self::Authority(authority) => {
                let mut links = key.certificates().iter().filter(|link| link.is_valid_at(at));
                let Some(mut subject) = links.next().filter(|leaf| !leaf.is_authority()) else {
                    return false;
                };
                if !authority.is_valid_at(at) {
                    return false;
                }
                // The chain has no order after its leaf; each certificate is used at most once.
                let mut rest: Vec<&Certificate> = links.collect();
                loop {
                    if subject.is_signed_by(authority) {
                        return true;
                    }
                    let Some(next) = rest.iter().position(|issuer| subject.is_signed_by(issuer))
                    else {
                        return false;
                    };
                    subject = rest.swap_remove(next);
                }
            }
        }
    }
}

impl Policy {
    /// The refusal of a root without a pinned key, if it is one.
    pub(crate) fn check_first_use(
        &self,
        gun: &Gun,
        root: &Root,
        is_pinned: bool,
    ) -> Result<(), Error> {
        if is_pinned || self.pins.is_empty() && self.first_use == FirstUse::Trust {
            return Ok(());
        }
        if self.pins.is_empty() {
            return Err(Error::NoPin(gun.to_string()));
        }
        let keys = root.authority(&Role::ROOT).keys;
        let found: Vec<&str> = keys.keys().map(String::as_str).collect();
        Err(Error::Pin { gun: gun.to_string(), found: found.join(", ") })
    }
}
