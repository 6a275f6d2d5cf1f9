//! The keys of snapshot and timestamp that a server holds: made when a publisher asks for one, sealed at rest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::{SealingKey, SigningKey};

use super::{KeyRecord, Store, StoreError};
use crate::envelope::Signature;
use crate::{Authority, Gun, Key, Role};

/// Who holds a server's keys.
pub trait ServerKeys: Send + Sync {
    /// A key of a role whose id is one of these, or else the newest that was made for it, or else a new one.
    fn get_or_create(&self, gun: &Gun, role: &Role, in_root: &[String]) -> Result<Key, StoreError>;

    /// A new key of a role; those in the root are in use.
    fn create(&self, gun: &Gun, role: &Role, in_root: &[String]) -> Result<Key, StoreError>;

    /// Signs with all keys of a role that are here.
    fn sign(
        &self,
        gun: &Gun,
        role: &Role,
        authority: &Authority,
        message: &[u8],
    ) -> Result<Vec<Signature>, StoreError>;
}

/// Keys in a store, sealed by a key that lies elsewhere.
pub struct SealedKeys<'a> {
    store: &'a dyn Store,
    sealing: SealingKey,
}

impl<'a> SealedKeys<'a> {
    /// Keys in this store.
    pub fn new(store: &'a dyn Store, sealing: SealingKey) -> Self {
        Self { store, sealing }
    }

    fn make(&self, gun: &Gun, role: &Role) -> Result<(Key, KeyRecord), StoreError> {
        let private = SigningKey::generate_p256();
        let key = Key::bare(&private.public());
        let pkcs8 = private.pkcs8().map_err(|error| StoreError::Failed(error.to_string()))?;
        let sealed = self.sealing.seal(pkcs8, &context(gun, role, key.id()));
        let record = KeyRecord {
            id: key.id().to_owned(),
            public: key.to_value(),
            sealed: STANDARD.encode(sealed),
        };
        Ok((key, record))
    }
}

// A sealed key that is put into another repository's place does not open.
fn context(gun: &Gun, role: &Role, id: &str) -> String {
    format!("sealift trust key\n{gun}\n{role}\n{id}")
}

impl ServerKeys for SealedKeys<'_> {
    fn get_or_create(&self, gun: &Gun, role: &Role, in_root: &[String]) -> Result<Key, StoreError> {
        let keys = self.store.keys(gun, role)?;
        let found = keys.iter().find(|key| in_root.contains(&key.id)).or(keys.last());
        let public = if let Some(key) = found {
            key.public.clone()
        } else {
            // Whoever asks at the same time, of this process or of another one, is told the same.
            let (_, made) = self.make(gun, role)?;
            self.store.add_first_key(gun, role, &made)?.public
        };
        Key::from_value(&public).map_err(|error| StoreError::Failed(error.to_string()))
    }

    fn create(&self, gun: &Gun, role: &Role, in_root: &[String]) -> Result<Key, StoreError> {
        let (key, record) = self.make(gun, role)?;
        self.store.add_key(gun, role, &record, in_root)?;
        Ok(key)
    }

    fn sign(
        &self,
        gun: &Gun,
        role: &Role,
        authority: &Authority,
        message: &[u8],
    ) -> Result<Vec<Signature>, StoreError> {
        let mut signatures = Vec::new();
        for record in self.store.keys(gun, role)? {
            if !authority.keys.contains_key(&record.id) {
                continue;
            }
            let fail = |error: String| {
                StoreError::Failed(format!("key {} of `{gun}`: {error}", record.id))
            };
            let sealed =
                STANDARD.decode(&record.sealed).map_err(|error| fail(error.to_string()))?;
            let private = self
                .sealing
                .open(&sealed, &context(gun, role, &record.id))
                .and_then(|pkcs8| SigningKey::from_pkcs8_der(pkcs8.expose()))
                .map_err(|error| fail(error.to_string()))?;
            let (method, signature) =
                crate::key::sign(&private, message).map_err(|error| fail(error.to_string()))?;
            let sig = STANDARD.encode(signature);
            signatures.push(Signature { key_id: record.id, method: method.to_owned(), sig });
        }
        Ok(signatures)
    }
}
