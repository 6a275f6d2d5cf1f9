//! A replica: images in a bucket, all else in a database, and a folder for what is this machine's own.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sealift_bucket::{Credentials, Encryption, Settings as BucketSettings};
use sealift_crypto::Secret;
use sealift_depot::{DatabaseSettings, Depot, Error as DepotError, Settings, SharedSettings};
use sealift_registry::configuration::{Bucket, Configuration};
use serde::Deserialize;
use tokio::runtime::Handle;

use super::assembly::section;
use crate::failure::Usage;
use crate::session::host_ca_bundle;

const PART_BYTES: usize = 8 << 20;

// The section `shared`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SharedSection {
    /// Address of the database.
    database: String,
    password: Option<String>,
    password_file: Option<PathBuf>,
    /// File with the authorities that the database and the store are trusted by, PEM.
    ca_file: Option<PathBuf>,
    folder: Option<PathBuf>,
    /// File with the key that seals the keys of trust data.
    sealing_key_file: Option<PathBuf>,
}

/// The folder of a replica: it holds nothing that another one needs.
pub(super) fn folder(configuration: &Configuration) -> anyhow::Result<PathBuf> {
    let own: SharedSection = section(configuration, "shared")?;
    Ok(own.folder.unwrap_or_else(|| PathBuf::from("/var/lib/registry")))
}

/// The file with the key that seals the keys of trust data, if one is named.
pub(super) fn sealing_key_file(configuration: &Configuration) -> anyhow::Result<Option<PathBuf>> {
    let own: SharedSection = section(configuration, "shared")?;
    Ok(own.sealing_key_file)
}

/// Takes the folder, which is made if it is not there. Another process that has it is a refusal.
pub(super) fn take_folder(folder: &Path) -> anyhow::Result<File> {
    let failed = || format!("cannot use the replica's folder `{}`", folder.display());
    DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(failed)?;
    let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock"));
    let lock = lock.with_context(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Usage::error(
            format!("another process has the replica's folder `{}`", folder.display()),
            "give each replica of a machine its own: `sealift: {shared: {folder: …}}`",
        )),
        Err(TryLockError::Error(error)) => Err(error).with_context(failed),
    }
}

/// Opens the storage that replicas share.
pub(super) async fn open(
    configuration: &Configuration,
    bucket: &Bucket,
    settings: &Settings,
) -> anyhow::Result<Depot> {
    let own: SharedSection = section(configuration, "shared")?;
    let password = match (own.password, &own.password_file) {
        (Some(password), _) => Some(password),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path);
            let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
            Some(text.trim_end_matches(['\n', '\r']).to_owned())
        }
        (None, None) => variable("PGPASSWORD"),
    };
    let ca_bundle = own.ca_file.or_else(host_ca_bundle);
    let shared = SharedSettings {
        database: DatabaseSettings {
            url: own.database,
            password: password.map(Secret::from),
            ca_bundle: ca_bundle.clone(),
        },
        part_bytes: bucket.part_bytes.unwrap_or(PART_BYTES),
        bucket: bucket_settings(bucket, ca_bundle),
    };
    Depot::open_shared(shared, settings).await.map_err(|error| match error {
        DepotError::Setting { .. } | DepotError::Format { .. } => Usage::error(
            error.to_string(),
            "look at `storage.s3` and `sealift.shared`; docs/registry-replicas.md has an example",
        ),
        error => anyhow::Error::new(error).context("cannot open the shared storage"),
    })
}

fn bucket_settings(bucket: &Bucket, ca_bundle: Option<PathBuf>) -> BucketSettings {
    let endpoint = bucket.endpoint.clone().filter(|endpoint| !endpoint.is_empty());
    let is_plain = bucket.secure == Some(false);
    let scheme = if is_plain { "http" } else { "https" };
    let host = format!("{scheme}://s3.{}.amazonaws.com", bucket.region);
    let encryption = match (&bucket.key_id, bucket.encrypt) {
        (Some(key), true) if !key.is_empty() => Some(Encryption::Kms(key.clone())),
        (_, true) => Some(Encryption::Aes256),
        (_, false) => None,
    };
    BucketSettings {
        bucket: bucket.bucket.clone(),
        region: bucket.region.clone(),
        is_path_style: bucket.path_style.unwrap_or(endpoint.is_some()),
        endpoint: endpoint.or_else(|| is_plain.then_some(host)),
        prefix: bucket.prefix.clone(),
        credentials: credentials(bucket),
        encryption,
        storage_class: bucket.storage_class.clone().filter(|class| !class.is_empty()),
        ca_bundle,
        ..BucketSettings::default()
    }
}

// Those of the file, then those that Amazon's programs look for, in their order.
fn credentials(bucket: &Bucket) -> Credentials {
    let secret = |text: &str| Secret::from(text.to_owned());
    if let (Some(access), Some(key)) = (&bucket.access_key, &bucket.secret_key) {
        let session = bucket.session_token.as_ref().map(|token| secret(token.expose()));
        return Credentials::Fixed {
            access: access.expose().to_owned(),
            secret: secret(key.expose()),
            session,
        };
    }
    if let (Some(access), Some(key)) =
        (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
    {
        let session = variable("AWS_SESSION_TOKEN").map(Secret::from);
        return Credentials::Fixed { access, secret: Secret::from(key), session };
    }
    if let (Some(file), Some(role)) =
        (variable("AWS_WEB_IDENTITY_TOKEN_FILE"), variable("AWS_ROLE_ARN"))
    {
        let endpoint = variable("AWS_ENDPOINT_URL_STS")
            .unwrap_or_else(|| format!("https://sts.{}.amazonaws.com", bucket.region));
        return Credentials::WebIdentity { token_file: file.into(), role, endpoint };
    }
    let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        .map(|path| format!("http://169.254.170.2{path}"));
    Credentials::Machine {
        container: relative.or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")),
        token: variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::from),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Runs what waits, where no runtime waits itself.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    Handle::current().block_on(future)
}
