//! What is examined, what is put beside it, what happens when the advisories change.

use sealift_depot::Target;
use sealift_gate::record::{self, Status};
use sealift_gate::{REPORT_TYPE, SBOM_TYPE, Settings};
use sealift_keeping::audit;
use sealift_oci::{Digest, Manifest, Raw};
use sealift_testkit::TestImage;

use crate::harness::{CRITICAL, Yard, advisories, image, repository};

async fn document(yard: &Yard, digest: &Digest) -> serde_json::Value {
    let target = Target::Digest(digest.clone());
    let artifact = yard.depot.manifest(&repository(), &target).await.unwrap().unwrap();
    let manifest: Manifest = serde_json::from_slice(&artifact.bytes).unwrap();
    let layer = &manifest.layers[0];
    let blob = yard.depot.blob(&repository(), &layer.digest).await.unwrap().unwrap();
    let mut body = yard.depot.read_blob(&blob, 0..blob.size).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = futures_util::StreamExt::next(&mut body).await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_image_gets_its_sbom_and_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let advisories = advisories(folder.path(), CRITICAL);
    let yard = Yard::new(&Settings { advisories: Some(advisories), ..Settings::default() });
    let digest = yard.push(&image("1.0", "app"), "1").await.digest;
    let found = yard.examined(&digest).await;
    assert_eq!((found.status, found.packages), (Status::Failed, 1), "{found:?}");
    assert_eq!((found.counts.critical, found.counts.fixable), (1, 1));
    let referrers =
        yard.depot.referrers(&repository(), &digest, None, None, 10).await.unwrap().items;
    let mut kinds: Vec<_> =
        referrers.iter().filter_map(|it| it.descriptor.artifact_type.as_deref()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [SBOM_TYPE, REPORT_TYPE]);
    let sbom = document(&yard, found.sbom.as_ref().unwrap()).await;
    assert!(sbom.to_string().contains("pkg:deb/debian/demo@1.0"), "{sbom}");
    let report = document(&yard, found.report.as_ref().unwrap()).await;
    assert!(report.to_string().contains("CVE-2026-0001"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_content_beside_another_blob_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let advisories = advisories(folder.path(), CRITICAL);
    let yard = Yard::new(&Settings { advisories: Some(advisories), ..Settings::default() });
    let clean = image("9.9", "app");
    let found = yard.examined(&yard.push(&clean, "clean").await.digest).await;
    assert_eq!((found.status, found.packages), (Status::Passed, 1), "{found:?}");
    // The config still says what the clean layer holds; only the blob is another.
    let worse = image("1.0", "app");
    let mut manifest = worse.manifest.value().clone();
    manifest.config = clean.manifest.value().config.clone();
    let forged =
        TestImage { manifest: Raw::encode(manifest), config: clean.config, layers: worse.layers };
    let found = yard.examined(&yard.push(&forged, "forged").await.digest).await;
    assert_eq!((found.status, found.packages), (Status::Unreadable, 0), "{found:?}");
    assert!(found.reason.as_deref().is_some_and(|it| it.contains("sha256:")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_advisories_are_held_against_what_was_listed() {
    let folder = tempfile::tempdir().unwrap();
    let low = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";
    let path = advisories(folder.path(), low);
    let database = folder.path().join("db");
    sealift_gate_database(&path, &database);
    let yard = Yard::new(&Settings { advisories: Some(database.clone()), ..Settings::default() });
    let digest = yard.push(&image("1.0", "app"), "1").await.digest;
    let first = yard.examined(&digest).await;
    assert_eq!((first.status, first.counts.low), (Status::Passed, 1), "{first:?}");
    // The layers are not needed again: those of the new match come from the record.
    advisories(folder.path(), CRITICAL);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    sealift_gate_database(&path, &database);
    let second = yard.examined_as(&digest, |it| it.counts.critical == 1).await;
    assert_eq!(second.status, Status::Failed);
    assert_ne!(second.report, first.report);
    let old = Target::Digest(first.report.unwrap());
    assert!(yard.depot.manifest(&repository(), &old).await.unwrap().is_none());
    let key = record::key(&repository(), &digest);
    assert_eq!(record::history(&yard.depot, &key).await.unwrap().len(), 2);
}

pub(crate) fn sealift_gate_database(advisories: &std::path::Path, folder: &std::path::Path) {
    let store = tempfile::tempdir().unwrap();
    let store = sealift_store::Store::open(store.path()).unwrap();
    let network = sealift_pipeline::Network::new(sealift_client::Settings::default());
    let daemons = sealift_pipeline::Daemons::default();
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let now_secs = jiff::Timestamp::now().as_second();
    let session = sealift_pipeline::Session {
        store: &store,
        network: &network,
        daemons: &daemons,
        platform: None,
        cancel: &cancel,
        observer: &sealift_pipeline::Silent,
        now_secs,
        started: std::time::Instant::now(),
        source_date_epoch: None,
    };
    sealift_pipeline::database::build(&session, &[advisories.to_owned()], &[], folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_as_that() {
    let yard = Yard::new(&Settings::default());
    let mut broken = image("1.0", "app");
    // Its digest is right, and its contents are no tar.
    broken = sealift_testkit::TestImage::new(vec![b"\x1f\x8bnot gzip".to_vec()], |config| {
        *config = broken.config.value().clone();
        config.rootfs.diff_ids = vec![Digest::sha256(b"else")];
    });
    let digest = yard.push(&broken, "1").await.digest;
    let found = yard.examined(&digest).await;
    assert_eq!(found.status, Status::Unreadable, "{found:?}");
    assert!(found.reason.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_before_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let settings = sealift_depot::Settings::default();
    let depot =
        sealift_depot::Depot::open_folder(&folder.path().join("registry"), &settings).unwrap();
    let nobody = Yard::over(
        tempfile::tempdir().unwrap(),
        depot.clone(),
        &Settings { scan: false, ..Settings::default() },
    );
    let digest = nobody.push(&image("1.0", "app"), "1").await.digest;
    drop(nobody);
    let yard = Yard::over(folder, depot, &Settings::default());
    assert_eq!(yard.examined(&digest).await.status, Status::Listed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_a_chain() {
    let yard = Yard::new(&Settings { scan: false, ..Settings::default() });
    for number in 0..3 {
        yard.push(&image(&format!("1.{number}"), "app"), &number.to_string()).await;
        tokio::time::sleep(std::time::Duration::from_millis(120)).await;
    }
    let begin = std::time::Instant::now();
    loop {
        let found = audit::check(&yard.depot, None).await.unwrap();
        assert_eq!(found.fault, None);
        let events = found.events;
        if events == 3 {
            assert!(found.lines >= 2, "{}", found.lines);
            break;
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{events} events");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_layers_are_never_asked() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/layer", listener.local_addr().unwrap());
    let yard = Yard::new(&Settings { quarantine: true, ..Settings::default() });
    let own = image("1.0", "app");
    // Its layer is nowhere here: not in this repository, and not among what was looked at before.
    let config = own.config.bytes();
    let (bytes, digest) = (bytes::Bytes::copy_from_slice(config), Digest::sha256(config));
    yard.depot.put_blob(&repository(), bytes, &digest, "anna").await.unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(own.manifest.bytes()).unwrap();
    let layer = &mut manifest["layers"][0];
    layer["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip".into();
    layer["digest"] = Digest::sha256(b"elsewhere").to_string().into();
    layer["urls"] = serde_json::json!([url]);
    let bytes = manifest.to_string().into_bytes();
    let kind = own.descriptor().media_type;
    let digest = yard.put(&bytes, &kind, crate::harness::tag("foreign")).await.digest;
    // What is not here cannot be looked at, and is not given out.
    let found = yard.examined(&digest).await;
    assert_eq!(found.status, Status::Unreadable, "{found:?}");
    let refusals = yard.refusals(&crate::harness::tag("foreign")).await;
    assert!(refusals[0].starts_with("quarantine: it could not be examined"), "{refusals:?}");
    let asked = listener.accept().map(drop).unwrap_err();
    assert_eq!(asked.kind(), std::io::ErrorKind::WouldBlock, "somebody asked the address");
}
