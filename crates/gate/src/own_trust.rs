//! The trust data of the registry itself, read without a request: the gate judges by what clients are given.

use std::sync::Arc;

use jiff::Timestamp;
use sealift_notary::{Error, Server, Upload};
use sealift_registry::trust::Documents;
use sealift_tuf::{Gun, Key, Role};

const NAME: &str = "this registry";

/// The registry's trust data as a verifier asks for them.
pub(crate) struct OwnTrust {
    pub(crate) documents: Arc<Documents>,
    pub(crate) clock: fn() -> Timestamp,
}

impl Server for OwnTrust {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn document(&self, gun: &Gun, name: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Error> {
        let found = self.documents.read(gun, name, (self.clock)());
        let found = found.map_err(|refusal| {
            let cause = refusal.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            failed(format!("{}{cause}", refusal.code.as_str()))
        })?;
        match found {
            Some(kept) if kept.bytes.len() > bytes_max => {
                Err(failed(format!("`{name}` has more than {bytes_max} bytes")))
            }
            found => Ok(found.map(|kept| kept.bytes.to_vec())),
        }
    }

    fn publish(&self, _gun: &Gun, _upload: &Upload) -> Result<bool, Error> {
        Err(read_only())
    }

    fn key(&self, _gun: &Gun, _role: &Role, _is_new: bool) -> Result<Key, Error> {
        Err(read_only())
    }

    fn delete(&self, _gun: &Gun) -> Result<(), Error> {
        Err(read_only())
    }
}

fn failed(reason: String) -> Error {
    Error::Server { server: NAME.to_owned(), reason }
}

fn read_only() -> Error {
    failed("the gate only reads them".to_owned())
}
