//! What only the inside can make happen: time passes, the disk fails, the process ends at the worst moment.

use bytes::Bytes;
use sealift_oci::{Algorithm, Digest, RepositoryName};

use crate::lease::Link;
use crate::{Children, CollectOptions, Depot, Error, NewManifest, Settings, Target};

const HOUR: i64 = 3600;

fn depot(folder: &std::path::Path) -> Depot {
    let settings = Settings { lease_secs: 3600, reserve_bytes: 0, ..Settings::default() };
    Depot::open_folder(folder, &settings).unwrap()
}

async fn n_blobs(depot: &Depot) -> u64 {
    depot.collect(&CollectOptions::default()).await.unwrap();
    depot.statistics().await.unwrap().blobs
}

#[tokio::test]
async fn leases_end_by_the_depots_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let app = RepositoryName::parse("app").unwrap();
    let digest = Digest::sha256(b"x");
    let opened = depot(folder.path());
    opened.put_blob(&app, Bytes::from_static(b"x"), &digest, "alice").await.unwrap();
    opened.0.clock.advance(HOUR - 10);
    assert_eq!(n_blobs(&opened).await, 1);
    // Who asks for it may name it for another hour.
    assert!(opened.blob(&app, &digest).await.unwrap().is_some());
    opened.0.clock.advance(HOUR - 10);
    assert_eq!(n_blobs(&opened).await, 1);
    drop(opened);
    // The wall clock means nothing: a year may have passed while it was closed, or less than nothing.
    let opened = depot(folder.path());
    assert_eq!(n_blobs(&opened).await, 1, "nobody knows who was told what before the start");
    opened.0.clock.advance(HOUR + 10);
    assert_eq!(n_blobs(&opened).await, 0);
}

// Torture found it: who asks just before the collector's commit is told of the blob, and may be back with the manifest
// before the collector has looked at the leases again.
#[tokio::test]
async fn a_manifest_overtakes_the_collector() {
    let folder = tempfile::tempdir().unwrap();
    let app = RepositoryName::parse("app").unwrap();
    let digest = Digest::sha256(b"x");
    let opened = depot(folder.path());
    opened.put_blob(&app, Bytes::from_static(b"x"), &digest, "alice").await.unwrap();
    assert!(opened.blob(&app, &digest).await.unwrap().is_some());
    let inner = &opened.0;
    let link = Link { repository: app.clone(), digest: digest.clone(), size: 1, lease: 0 };
    let take = || {
        let delete = "DELETE FROM link";
        inner.ledger.main().write_blocking(move |t| t.execute(delete, &[])).unwrap();
        inner.cache.forget(&app);
    };
    let entry = format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":1}}"#);
    let kind = sealift_oci::media_type::MANIFEST;
    let put = async |tag: &str| {
        let text =
            format!(r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{entry},"layers":[]}}"#);
        let new = NewManifest {
            target: Target::Tag(sealift_oci::Tag::parse(tag).unwrap()),
            tags: &[],
            media_type: kind,
            bytes: text.into(),
            by: "alice",
            children: Children::Required,
        };
        opened.put_manifest(&app, new).await
    };
    take();
    assert!(
        matches!(put("1").await, Err(Error::ManifestBlobUnknown { .. })),
        "not leaving, but gone"
    );
    inner.leases.set_leaving(inner.clock.now(), vec![link]);
    put("1").await.unwrap();
    inner.leases.set_leaving(inner.clock.now(), Vec::new());
    assert!(opened.blob(&app, &digest).await.unwrap().is_some());
}

#[tokio::test]
async fn time_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let opened = depot(folder.path());
    opened.0.clock.advance(HOUR);
    let before = opened.0.clock.now();
    drop(opened);
    assert!(depot(folder.path()).0.clock.now() >= before);
}

#[tokio::test]
async fn time_goes_on_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let app = RepositoryName::parse("app").unwrap();
    let opened = depot(folder.path());
    opened.0.clock.advance(HOUR);
    opened.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap();
    let before = opened.0.clock.now();
    drop(opened);
    let ledger = rusqlite::Connection::open(folder.path().join("meta.db")).unwrap();
    ledger.execute("DELETE FROM meta WHERE name = 'time'", []).unwrap();
    drop(ledger);
    assert!(depot(folder.path()).0.clock.now() >= before);
}

#[tokio::test]
async fn a_broken_off_collection_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let app = RepositoryName::parse("app").unwrap();
    let digest = Digest::sha256(b"x");
    let opened = depot(folder.path());
    opened.put_blob(&app, Bytes::from_static(b"x"), &digest, "alice").await.unwrap();
    let path = opened.0.files().unwrap().blob(&digest);
    opened
        .0
        .ledger
        .main()
        .write_blocking(|transaction| {
            transaction.execute("DELETE FROM link", &[])?;
            transaction.execute("UPDATE blob SET state = 1", &[])
        })
        .unwrap();
    assert!(opened.blob(&app, &digest).await.unwrap().is_none());
    drop(opened);
    assert!(path.exists());
    let opened = depot(folder.path());
    assert!(!path.exists());
    assert_eq!(opened.statistics().await.unwrap().blobs, 0);
}

#[tokio::test]
async fn a_push_makes_a_marked_blob_live_again() {
    let folder = tempfile::tempdir().unwrap();
    let app = RepositoryName::parse("app").unwrap();
    let digest = Digest::sha256(b"x");
    let opened = depot(folder.path());
    opened.put_blob(&app, Bytes::from_static(b"x"), &digest, "alice").await.unwrap();
    opened
        .0
        .ledger
        .main()
        .write_blocking(|transaction| {
            transaction.execute("DELETE FROM link", &[])?;
            transaction.execute("UPDATE blob SET state = 1", &[])
        })
        .unwrap();
    opened.put_blob(&app, Bytes::from_static(b"x"), &digest, "alice").await.unwrap();
    opened.0.remove_marked().await.unwrap();
    assert!(opened.blob(&app, &digest).await.unwrap().is_some());
    assert!(opened.0.files().unwrap().blob(&digest).exists());
}

#[tokio::test]
async fn a_disk_that_fails_to_be_written_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let app = RepositoryName::parse("app").unwrap();
    let digest = Digest::sha256(b"x");
    let opened = depot(folder.path());
    // The file, the folder of its folder (twice: when it failed, nobody may believe in it), and its folder.
    for n_syncs in [0, 1, 1, 2, 1] {
        opened.0.files().unwrap().fail_syncs_after(n_syncs);
        let put = opened.put_blob(&app, Bytes::from_static(b"x"), &digest, "alice").await;
        assert!(matches!(put, Err(Error::Unavailable { .. })), "{put:?}");
        assert!(!opened.0.files().unwrap().blob(&digest).exists());
        assert!(opened.blob(&app, &digest).await.unwrap().is_none());
        assert_eq!(opened.0.files().unwrap().uploads().unwrap().len(), 0);
    }
    opened.0.files().unwrap().fail_syncs_after(i64::MAX);
    opened.put_blob(&app, Bytes::from_static(b"x"), &digest, "alice").await.unwrap();
}

#[tokio::test]
async fn an_answer_that_was_not_given_can_be_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let app = RepositoryName::parse("app").unwrap();
    let opened = depot(folder.path());
    let algorithm = Algorithm::Sha256;
    let id = opened.begin_upload(&app, algorithm, "alice").await.unwrap().id;
    let body = futures_util::stream::iter([Ok(Bytes::from_static(b"abc"))]);
    opened.append(&app, &id, None, None, body).await.unwrap();
    // Killed after the rename and before the commit.
    let digest = Digest::sha256(b"abc");
    opened.0.files().unwrap().make_room(&digest).unwrap();
    std::fs::rename(
        opened.0.files().unwrap().upload(id.as_str()),
        opened.0.files().unwrap().blob(&digest),
    )
    .unwrap();
    drop(opened);
    let opened = depot(folder.path());
    assert_eq!(opened.upload_status(&app, &id).await.unwrap().offset, 3);
    // The machine was started anew: what the hash was is not believed.
    let other = "INSERT INTO meta (name, value) VALUES ('boot', 'another')
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    opened.0.ledger.uploads().write_blocking(|t| t.execute(other, &[])).unwrap();
    drop(opened);
    let opened = depot(folder.path());
    assert!(opened.0.progress(&app, &id).await.unwrap().state.is_none());
    let body = futures_util::stream::iter([Ok(Bytes::from_static(b"def"))]);
    opened.append(&app, &id, Some(3), None, body).await.unwrap();
    let blob = opened.finish_upload(&app, &id, &Digest::sha256(b"abcdef")).await.unwrap();
    assert_eq!(blob.size, 6);
}
