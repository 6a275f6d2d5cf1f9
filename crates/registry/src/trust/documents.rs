//! What a server of trust data has: for requests, and for whatever judges by it in the same process.

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{SealingKey, Secret};
use sealift_depot::SqliteTrustStore;
use sealift_tuf::server::{Code, Pick, Refusal, SealedKeys, Server, parse_name};
use sealift_tuf::{Gun, Role};

use crate::store::{CachedStore, Folder, Kept, SharedTrust};

// Nobody sees a timestamp that expires while it is used.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// Documents and the keys of the server. Everything here may wait for the disk or the database, but for what is recalled.
pub struct Documents {
    store: CachedStore,
    sealing: Secret,
    // It is this process's as long as this is there.
    _folder: Option<Folder>,
}

impl Documents {
    /// Of a folder, which is this process's own.
    pub(super) fn own(store: SqliteTrustStore, folder: Folder) -> Self {
        let sealing = Secret::new(folder.sealing().expose().to_vec());
        Self { store: CachedStore::own(store), sealing, _folder: Some(folder) }
    }

    /// Of several replicas.
    pub(super) fn shared(SharedTrust { store, sealing }: SharedTrust) -> Self {
        Self { store: CachedStore::shared(store), sealing, _folder: None }
    }

    /// Lets a server work.
    pub(super) fn with_server<T>(&self, act: impl FnOnce(&Server<'_>) -> T) -> T {
        let sealing = SealingKey::new(&self.sealing).expect("it was opened with 32 bytes");
        let keys = SealedKeys::new(&self.store, sealing);
        act(&Server::new(&self.store, &keys).renew_before(RENEW_BEFORE))
    }

    /// A document that is in memory.
    pub(super) fn recall(
        &self,
        gun: &Gun,
        role: &Role,
        pick: &Pick,
        now: Timestamp,
    ) -> Option<Kept> {
        self.store.recall(gun, role, pick, now)
    }

    /// A document, which is in memory from then on if nobody else changes it.
    pub(super) fn find(
        &self,
        gun: &Gun,
        role: &Role,
        pick: &Pick,
        now: Timestamp,
    ) -> Result<Kept, Refusal> {
        let n_changes = self.store.n_changes();
        let served = self.with_server(|server| server.document(gun, role, pick, now))?;
        let fresh_until = if *pick == Pick::Newest && *role == Role::TIMESTAMP {
            served.expires.saturating_sub(RENEW_BEFORE).unwrap_or(Timestamp::MIN)
        } else {
            Timestamp::MAX
        };
        Ok(self.store.keep((gun, role, pick), served, fresh_until, n_changes))
    }

    /// The document that an address ends with, as `timestamp.json` or `2.root.json`; `None` if there is none.
    pub fn read(&self, gun: &Gun, name: &str, now: Timestamp) -> Result<Option<Kept>, Refusal> {
        let Some((role, pick)) = parse_name(name) else { return Ok(None) };
        if let Some(kept) = self.recall(gun, &role, &pick, now) {
            return Ok(Some(kept));
        }
        match self.find(gun, &role, &pick, now) {
            Ok(kept) => Ok(Some(kept)),
            Err(refusal) if refusal.code == Code::MetadataNotFound => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}
