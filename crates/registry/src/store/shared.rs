//! Trust data of several replicas: in the ledger that they share, with one key for all that seals the server's keys.
//!
//! That key is one that every replica is given, or one that the first of them makes and keeps in the ledger. Either way a
//! proof of it lies in the ledger too, so that a replica with another one is refused when it starts, and not when somebody
//! publishes.

use sealift_crypto::{SealingKey, Secret};
use sealift_depot::{Depot, TrustStore};

use crate::Error;

const KIND: &str = "trust";
const KEY: &str = "sealing-key";
const PROOF: &str = "sealing-proof";
const CONTEXT: &str = "sealift trust sealing proof";
const PROVED: &[u8] = b"one key for all replicas";
const OTHER: &str = "this replica was given another one than the replicas before it";
const MISSING: &str = "the replicas before it were given one, and this replica was not";

/// The trust data of replicas, and the key for what is sealed in them.
pub struct SharedTrust {
    pub(crate) store: TrustStore,
    pub(crate) sealing: Secret,
}

/// Opens the trust data of a depot that replicas share. Without a sealing key of the caller's, that of the ledger is used; it
/// is made if no replica was given one before.
pub async fn open_shared(depot: &Depot, given: Option<Secret>) -> Result<SharedTrust, Error> {
    let store = depot.trust_store().map_err(Error::Shared)?;
    let refused = |reason| Error::SharedSealingKey { reason };
    let (sealing, reason) = match given {
        Some(key) => (key, OTHER),
        None => (kept_key(depot).await?.ok_or(refused(MISSING))?, MISSING),
    };
    let key =
        SealingKey::new(&sealing).map_err(|_| refused("this replica's does not have 32 bytes"))?;
    let known = depot.record(KIND, PROOF).await.map_err(Error::Shared)?;
    let proof = if let Some(known) = known {
        known
    } else {
        // Of several that start at once one is first; the others are held against its key.
        let proof = key.seal(&Secret::new(PROVED.to_vec()), CONTEXT);
        depot.record_or(KIND, PROOF, &proof).await.map_err(Error::Shared)?
    };
    key.open(&proof, CONTEXT).map_err(|_| refused(reason))?;
    Ok(SharedTrust { store, sealing })
}

// The one of the ledger; none if there is no such one and the replicas before this were given theirs.
async fn kept_key(depot: &Depot) -> Result<Option<Secret>, Error> {
    if let Some(key) = depot.record(KIND, KEY).await.map_err(Error::Shared)? {
        return Ok(Some(Secret::new(key.to_vec())));
    }
    if depot.record(KIND, PROOF).await.map_err(Error::Shared)?.is_some() {
        return Ok(None);
    }
    let key = SealingKey::generate();
    let kept = depot.record_or(KIND, KEY, key.expose()).await.map_err(Error::Shared)?;
    Ok(Some(Secret::new(kept.to_vec())))
}
