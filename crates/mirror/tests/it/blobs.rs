//! Blobs: one fetch for all, whatever happens on the way.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use sealift_mirror::{MirrorError, MirroredBlob};
use sealift_oci::Digest;
use sealift_testkit::Faults;

use crate::setting::{count, setting, shared};

const PACE: Option<(usize, Duration)> = Some((256 << 10, Duration::from_millis(15)));

#[tokio::test(flavor = "multi_thread")]
async fn eight_cold_pulls_are_one_request() {
    let setting = shared(setting(|_| {}));
    setting.upstream.set_faults(Faults { blob_pace: PACE, ..Faults::default() });
    let mut pulls = tokio::task::JoinSet::new();
    for late in 0..8 {
        let setting = shared_clone(&setting);
        pulls.spawn(async move {
            // Some come when much of it is past.
            tokio::time::sleep(Duration::from_millis(late * 25)).await;
            setting.pull().await
        });
    }
    while let Some(pulled) = pulls.join_next().await {
        assert!(pulled.unwrap().unwrap() == setting.image.layers[0], "other bytes");
    }
    assert_eq!(setting.upstream.log().len(), 1, "{:?}", setting.upstream.log());
    assert_eq!(setting.metric("answers_total kind=\"blob\",result=\"miss\""), 8);
    assert_eq!(setting.metric("requests_total"), 1);
    assert_eq!(setting.metric("received_bytes_total"), setting.layer().size);
    assert_eq!(setting.metric("sent_bytes_total"), 8 * setting.layer().size);
    assert!(setting.kept().await);
    setting.pull().await.unwrap();
    assert_eq!(setting.upstream.log().len(), 1);
    assert!(setting.metric("answers_total kind=\"blob\",result=\"hit\"") >= 1);
}

fn shared_clone<T>(value: &std::sync::Arc<T>) -> std::sync::Arc<T> {
    std::sync::Arc::clone(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bytes_do_not_wait_for_the_last() {
    let setting = setting(|_| {});
    setting.upstream.set_faults(Faults { blob_pace: PACE, ..Faults::default() });
    let start = Instant::now();
    let MirroredBlob::Coming(coming) = setting.open().await.unwrap() else { panic!("not cold") };
    assert_eq!(coming.size(), Some(setting.layer().size));
    let mut body = coming.read(0..u64::MAX);
    let first = body.next().await.unwrap().unwrap();
    assert!(!first.is_empty());
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    // Who leaves does not end it.
    drop(body);
    assert!(setting.kept().await);
    assert_eq!(setting.upstream.log().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_are_never_whole_and_never_kept() {
    let setting = setting(|_| {});
    setting.upstream.set_faults(Faults { alter_blobs: true, ..Faults::default() });
    let error = setting.pull().await.unwrap_err();
    // If all of it came before anybody looked, it is an error without bytes.
    let count: u64 = error.split(' ').next().unwrap().parse().unwrap_or(0);
    assert!(count < setting.layer().size, "{error}");
    assert!(error.contains("its digest is"), "{error}");
    assert_eq!(setting.metric("mismatches_total"), 1);
    // A small one is an error of its own.
    let config = setting.image.manifest.value().config.digest.clone();
    let error = setting.mirror.blob(&setting.route, &config).await.unwrap_err();
    assert_eq!(error.status().0, 502);
    setting.upstream.set_faults(Faults::default());
    assert!(setting.pull().await.unwrap() == setting.image.layers[0]);
    assert!(setting.kept().await);
    assert_eq!(std::fs::read_dir(setting.folder.path().join("coming")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_transfer_is_taken_up() {
    for (no_ranges, no_blob_length) in [(false, false), (true, false)] {
        let setting = setting(|_| {});
        let cut_blob_after = Some(1 << 20);
        let faults = Faults { cut_blob_after, no_ranges, no_blob_length, ..Faults::default() };
        setting.upstream.set_faults(faults);
        assert!(setting.pull().await.unwrap() == setting.image.layers[0]);
        assert_eq!(setting.upstream.log().len(), 2);
        assert_eq!(setting.metric("resumed_total"), 1);
        assert!(setting.kept().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_need_not_be_known() {
    let setting = setting(|_| {});
    setting.upstream.set_faults(Faults { no_blob_length: true, ..Faults::default() });
    let MirroredBlob::Coming(coming) = setting.open().await.unwrap() else { panic!("not cold") };
    let pieces = coming.read(10..1_000_010).map(|piece| piece.unwrap().len());
    assert_eq!(pieces.fold(0, |sum, length| async move { sum + length }).await, 1_000_000);
    assert!(setting.kept().await);
    // Nor is the end of what has no length its end, if it does not fit the digest.
    setting.upstream.set_faults(Faults {
        no_blob_length: true,
        alter_blobs: true,
        ..Faults::default()
    });
    let config = setting.image.manifest.value().config.digest.clone();
    assert!(setting.mirror.blob(&setting.route, &config).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_nobody() {
    let setting = shared(setting(|_| {}));
    setting.upstream.set_faults(Faults { blob_pace: PACE, ..Faults::default() });
    // No file can be made where there is no folder.
    std::fs::remove_dir(setting.folder.path().join("coming")).unwrap();
    let other = shared_clone(&setting);
    let slow = tokio::spawn(async move {
        let MirroredBlob::Coming(coming) = other.open().await.unwrap() else { panic!("not cold") };
        let mut body = coming.read(0..u64::MAX);
        let mut count = 0;
        while let Some(piece) = body.next().await {
            count += piece.unwrap().len() as u64;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        count
    });
    assert!(setting.pull().await.unwrap() == setting.image.layers[0]);
    assert_eq!(slow.await.unwrap(), setting.layer().size);
    assert_eq!(setting.metric("unkept_total"), 1);
    assert!(matches!(setting.open().await.unwrap(), MirroredBlob::Coming(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_asked_for_again() {
    let setting = setting(|_| {});
    let digest = Digest::sha256(b"nothing");
    for _ in 0..3 {
        let error = setting.mirror.blob(&setting.route, &digest).await.unwrap_err();
        assert_eq!(error.status().0, 404, "{error}");
    }
    assert_eq!(setting.upstream.log().len(), 1);
    assert_eq!(setting.metric("answers_total kind=\"blob\",result=\"negative\""), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_down_is_not_a_missing_blob() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing is asked of it when the server starts.
    let mirror = crate::setting::mirror(&folder, "http://127.0.0.1:1", |_| {});
    let route = crate::setting::route(&mirror, "up/a");
    let error = mirror.blob(&route, &Digest::sha256(b"x")).await.unwrap_err();
    assert_eq!(error.status(), (502, "UPSTREAM"));
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    // The next one does not wait for it: it is told when to come again.
    let error = mirror.blob(&route, &Digest::sha256(b"x")).await.unwrap_err();
    assert_eq!(error.status().0, 503);
    assert!(error.retry_after().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_without_fetching() {
    let setting = setting(|_| {});
    let size = setting.mirror.blob_size(&setting.route, &setting.layer().digest).await.unwrap();
    assert_eq!(size, setting.layer().size);
    assert_eq!(count(&setting.upstream, "HEAD "), 1);
    setting.pull().await.unwrap();
    assert!(setting.kept().await);
    setting.mirror.blob_size(&setting.route, &setting.layer().digest).await.unwrap();
    assert_eq!(setting.upstream.log().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_above_the_limit_is_refused() {
    let setting = setting(|upstream| upstream.blob_bytes_max = 1 << 20);
    let error = setting.open().await.unwrap_err();
    assert!(matches!(error, MirrorError::Wrong { .. }), "{error}");
    setting.upstream.set_faults(Faults { no_blob_length: true, ..Faults::default() });
    assert!(setting.pull().await.unwrap_err().contains("more than"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_hangs_is_left() {
    let setting =
        setting(|upstream| upstream.timeout = sealift_mirror::Period(Duration::from_millis(150)));
    let pace = Some((1 << 20, Duration::from_secs(20)));
    setting.upstream.set_faults(Faults { blob_pace: pace, ..Faults::default() });
    let start = Instant::now();
    let pull = tokio::time::timeout(Duration::from_secs(15), setting.pull());
    // Each try brings a megabyte, so that it comes to its end all the same.
    assert!(pull.await.unwrap().unwrap() == setting.image.layers[0]);
    assert!(start.elapsed() < Duration::from_secs(15));
}
