//! Where a bucket is, and what goes with each object.

use std::path::PathBuf;
use std::time::Duration;

use crate::Credentials;

/// Where a bucket is.
pub struct Settings {
    /// Its name.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Address of a store that is not Amazon's, as `https://store.example.com`.
    pub endpoint: Option<String>,
    /// The bucket stands in the path instead of the host's name.
    pub is_path_style: bool,
    /// What all names begin with.
    pub prefix: String,
    /// Who asks.
    pub credentials: Credentials,
    /// How the store encrypts.
    pub encryption: Option<Encryption>,
    /// Class of new objects.
    pub storage_class: Option<String>,
    /// File with the authorities that are trusted, PEM.
    pub ca_bundle: Option<PathBuf>,
    /// How long a request may rest without a byte.
    pub patience: Duration,
}

/// How the store encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// With a key of its own.
    Aes256,
    /// With this key of KMS.
    Kms(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            region: "us-east-1".to_owned(),
            endpoint: None,
            is_path_style: false,
            prefix: String::new(),
            credentials: Credentials::Nobody,
            encryption: None,
            storage_class: None,
            ca_bundle: None,
            patience: Duration::from_secs(30),
        }
    }
}
