//! A depot in a folder of its own, and small images to put into it.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test says by panic what is wrong, and its numbers are small"
)]

use std::io;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use sealift_depot::{
    Blob, Children, DatabaseSettings, Depot, Error, NewManifest, Put, Settings, SharedSettings,
    Target,
};
use sealift_oci::{Digest, RepositoryName, Tag, media_type};

pub(crate) struct Yard {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) depot: Depot,
}

pub(crate) fn settings() -> Settings {
    Settings { reserve_bytes: 0, ..Settings::default() }
}

pub(crate) fn yard() -> Yard {
    yard_with(&settings())
}

/// The whole suite runs once more where this names servers: `ADDRESS OF S3 ADDRESS OF POSTGRESQL`.
pub(crate) const SERVERS: &str = "SEALIFT_DEPOT_SERVERS";

pub(crate) fn yard_with(settings: &Settings) -> Yard {
    let folder = tempfile::tempdir().unwrap();
    if let Ok(servers) = std::env::var(SERVERS) {
        let (s3, database) = servers.split_once(' ').unwrap();
        let settings = settings.clone();
        let own = folder.path().file_name().unwrap().to_str().unwrap();
        let own = own.trim_start_matches('.').to_lowercase();
        make_schema(database, &own);
        let shared = shared_settings(s3, database, &own);
        // The runtime of the test may not wait.
        let opened = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(Depot::open_shared(shared, &settings)).unwrap()
        });
        return Yard { folder, depot: opened.join().unwrap() };
    }
    let depot = Depot::open_folder(folder.path(), settings).unwrap();
    Yard { folder, depot }
}

/// Makes a part of the database that has tables of its own.
pub(crate) fn make_schema(database: &str, own: &str) {
    let sql = format!("CREATE SCHEMA {own}");
    let done = Command::new("psql").args([database, "-qc", &sql]).status();
    assert!(done.unwrap().success(), "psql failed");
}

/// A part of the bucket and of the database that nobody else uses.
pub(crate) fn shared_settings(s3: &str, database: &str, own: &str) -> SharedSettings {
    SharedSettings {
        database: DatabaseSettings {
            url: format!("{database}&options=-c%20search_path%3D{own}"),
            ..DatabaseSettings::default()
        },
        bucket: sealift_bucket::Settings {
            bucket: "images".to_owned(),
            endpoint: Some(s3.to_owned()),
            is_path_style: true,
            prefix: own.to_owned(),
            credentials: sealift_bucket::Credentials::Fixed {
                access: "key".to_owned(),
                secret: sealift_crypto::Secret::new(b"secret".to_vec()),
                session: None,
            },
            patience: Duration::from_secs(3),
            ..sealift_bucket::Settings::default()
        },
        part_bytes: 5 << 20,
    }
}

pub(crate) fn name(text: &str) -> RepositoryName {
    RepositoryName::parse(text).unwrap()
}

pub(crate) fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

/// A body of these pieces.
pub(crate) fn body(
    pieces: &[&[u8]],
) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

/// A body that breaks off after these pieces.
pub(crate) fn broken(
    pieces: &[&[u8]],
) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
    body(pieces).chain(stream::iter([Err(io::ErrorKind::ConnectionReset.into())]))
}

pub(crate) async fn push_blob(depot: &Depot, repository: &RepositoryName, bytes: &[u8]) -> Blob {
    let bytes = Bytes::copy_from_slice(bytes);
    let digest = Digest::sha256(&bytes);
    depot.put_blob(repository, bytes, &digest, "alice").await.unwrap()
}

/// The text of a manifest of this config and these layers.
pub(crate) fn manifest_text(config: &[u8], layers: &[&[u8]], rest: &str) -> Bytes {
    let entry = |bytes: &[u8]| {
        let (digest, size) = (Digest::sha256(bytes), bytes.len());
        format!(r#"{{"mediaType":"application/octet-stream","digest":"{digest}","size":{size}}}"#)
    };
    let layers: Vec<_> = layers.iter().map(|bytes| entry(bytes)).collect();
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]{rest}}}"#,
        media_type::MANIFEST,
        entry(config),
        layers.join(",")
    )
    .into()
}

pub(crate) fn index_text(manifests: &[&Digest]) -> Bytes {
    let entries: Vec<_> = manifests
        .iter()
        .map(|digest| {
            format!(r#"{{"mediaType":"{}","digest":"{digest}","size":1}}"#, media_type::MANIFEST)
        })
        .collect();
    format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(",")).into()
}

pub(crate) fn by_tag(text: &str) -> Target {
    Target::Tag(tag(text))
}

pub(crate) async fn put(
    depot: &Depot,
    repository: &RepositoryName,
    target: Target,
    bytes: Bytes,
) -> Result<Put, Error> {
    let new = NewManifest {
        target,
        tags: &[],
        media_type: "",
        bytes,
        by: "alice",
        children: Children::Required,
    };
    depot.put_manifest(repository, new).await
}

/// Pushes an image of a config and a layer made of this seed.
pub(crate) async fn push_image(
    depot: &Depot,
    repository: &RepositoryName,
    tag: &str,
    seed: &str,
) -> Put {
    let (config, layer) = (format!("config {seed}"), format!("layer {seed}"));
    push_blob(depot, repository, config.as_bytes()).await;
    push_blob(depot, repository, layer.as_bytes()).await;
    let text = manifest_text(config.as_bytes(), &[layer.as_bytes()], "");
    put(depot, repository, by_tag(tag), text).await.unwrap()
}

/// All bytes of a blob.
pub(crate) async fn read(depot: &Depot, blob: &Blob) -> Result<Vec<u8>, Error> {
    let mut body = depot.read_blob(blob, 0..blob.size).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.map_err(Error::Aborted)?);
    }
    Ok(bytes)
}
