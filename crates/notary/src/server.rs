//! A server as this crate sees it, and the one behind HTTP.

use sealift_client::{Blocking, TrustUpload};
use sealift_tuf::{Gun, Key, Role};

use crate::{Error, ServerAddress};

/// Documents of roles, ready to be published.
pub type Upload = Vec<(Role, Vec<u8>)>;

/// A server of trust data.
pub trait Server: Sync {
    /// How people know it.
    fn name(&self) -> String;

    /// A document by its name, as `Update` wants it; `None` if there is none.
    fn document(&self, gun: &Gun, name: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Error>;

    /// Publishes documents; false if somebody else published first.
    fn publish(&self, gun: &Gun, upload: &Upload) -> Result<bool, Error>;

    /// The key with which the server signs a role; a new one if that is wanted.
    fn key(&self, gun: &Gun, role: &Role, is_new: bool) -> Result<Key, Error>;

    /// Deletes a repository.
    fn delete(&self, gun: &Gun) -> Result<(), Error>;
}

/// A server behind HTTP: ours, or notary-server.
pub struct HttpServer<'a> {
    client: &'a Blocking,
    address: ServerAddress,
}

impl<'a> HttpServer<'a> {
    /// The server at an address; nothing is asked yet.
    pub fn new(client: &'a Blocking, address: ServerAddress) -> Self {
        Self { client, address }
    }
}

impl Server for HttpServer<'_> {
    fn name(&self) -> String {
        self.address.to_string()
    }

    fn document(&self, gun: &Gun, name: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Error> {
        let repository = self.address.repository(gun);
        let document = self
            .client
            .run(async |client| client.trust_document(&repository, name, bytes_max as u64).await);
        document.map_err(|source| match source {
            sealift_client::Error::Unreachable { .. } => {
                Error::Unreachable { gun: gun.to_string(), source }
            }
            source => source.into(),
        })
    }

    fn publish(&self, gun: &Gun, upload: &Upload) -> Result<bool, Error> {
        let repository = self.address.repository(gun);
        let documents: Vec<(String, Vec<u8>)> =
            upload.iter().map(|(role, bytes)| (role.to_string(), bytes.clone())).collect();
        let answer =
            self.client.run(async |client| client.trust_upload(&repository, &documents).await)?;
        Ok(answer == TrustUpload::Published)
    }

    fn key(&self, gun: &Gun, role: &Role, is_new: bool) -> Result<Key, Error> {
        let repository = self.address.repository(gun);
        let bytes = self
            .client
            .run(async |client| client.trust_key(&repository, role.as_str(), is_new).await)?;
        let key = Key::from_json(&bytes)?;
        key.public_key()?;
        Ok(key)
    }

    fn delete(&self, gun: &Gun) -> Result<(), Error> {
        let repository = self.address.repository(gun);
        Ok(self.client.run(async |client| client.trust_delete(&repository).await)?)
    }
}
