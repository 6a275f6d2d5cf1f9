//! Collection, undelete, retention, scrub, backup and rebuild, as operators see them.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test says by panic what is wrong, and its numbers are small"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream;
use sealift_depot::{
    Blob, CollectOptions, Copies, Depot, Error, Pattern, Repair, RepairBody, RepairFuture,
    Retention, Rules, ScrubOptions, Settings, Target,
};
use sealift_oci::{Algorithm, Digest, RepositoryName};

use crate::common::{
    body, by_tag, index_text, manifest_text, name, push_blob, push_image, put, read, settings, tag,
    yard, yard_with,
};

/// No lease and no window: what is not needed goes at once.
fn strict() -> Settings {
    Settings { lease_secs: 0, undelete_secs: 0, ..settings() }
}

fn blob_path(root: &Path, digest: &Digest) -> PathBuf {
    root.join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex())
}

fn n_files(root: &Path) -> usize {
    let folders = fs::read_dir(root.join("blobs/sha256")).unwrap();
    folders.map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test]
async fn what_nothing_needs_goes() {
    let yard = yard_with(&strict());
    let (depot, app, other) = (&yard.depot, name("app"), name("other"));
    let image = push_image(depot, &app, "1", "one").await;
    let loose = push_blob(depot, &app, b"loose").await;
    let layer = Digest::sha256(b"layer one");
    depot.mount(&other, &app, &layer).await.unwrap();
    let orphan = blob_path(yard.folder.path(), &Digest::sha256(b"orphan"));
    fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    fs::write(&orphan, b"orphan").unwrap();
    let plan = depot.collect(&CollectOptions { dry_run: true, ..CollectOptions::default() }).await;
    let plan = plan.unwrap();
    assert_eq!((plan.links, plan.blobs, plan.bytes), (2, 1, 5));
    let done = depot.collect(&CollectOptions::default()).await.unwrap();
    assert_eq!((done.links, done.blobs, done.bytes, done.orphans), (2, 1, 5, 1));
    assert!(depot.blob(&app, &loose.digest).await.unwrap().is_none());
    assert!(depot.blob(&other, &layer).await.unwrap().is_none());
    assert_eq!(n_files(yard.folder.path()), 2);
    depot.delete_manifest(&app, &image.digest, "alice").await.unwrap();
    let done = depot.collect(&CollectOptions::default()).await.unwrap();
    assert_eq!((done.manifests, done.blobs), (1, 2));
    assert_eq!(n_files(yard.folder.path()), 0);
    assert_eq!(depot.statistics().await.unwrap().blobs, 0);
    assert!(matches!(depot.repository_statistics(&app).await, Err(Error::NameUnknown)));
    // It can all come again.
    push_image(depot, &app, "1", "one").await;
    let blob = depot.blob(&app, &layer).await.unwrap().unwrap();
    assert_eq!(read(depot, &blob).await.unwrap(), b"layer one");
}

#[tokio::test]
async fn leases_hold_what_was_pushed() {
    let yard = yard_with(&Settings { undelete_secs: 0, ..settings() });
    let (depot, app) = (&yard.depot, name("app"));
    let loose = push_blob(depot, &app, b"loose").await;
    let done = depot.collect(&CollectOptions::default()).await.unwrap();
    assert!(done.wait_secs > 0, "just opened: nobody knows who was told what");
    assert_eq!(done.links, 0);
    assert!(depot.blob(&app, &loose.digest).await.unwrap().is_some());
    let all = CollectOptions { ignore_leases: true, ..CollectOptions::default() };
    assert_eq!(depot.collect(&all).await.unwrap().blobs, 1);
}

#[tokio::test]
async fn the_deleted_comes_back_whole() {
    let yard = yard_with(&Settings { lease_secs: 0, ..settings() });
    let (depot, app) = (&yard.depot, name("app"));
    let one = push_image(depot, &app, "part", "one").await.digest;
    let index = put(depot, &app, by_tag("1"), index_text(&[&one])).await.unwrap().digest;
    push_blob(depot, &app, b"{}").await;
    let rest = format!(
        r#","subject":{{"mediaType":"x/y","digest":"{index}","size":1}},"artifactType":"a/sbom""#
    );
    let text = manifest_text(b"{}", &[], &rest);
    let sbom = put(depot, &app, Target::Digest(Digest::sha256(&text)), text).await.unwrap().digest;
    depot.delete_manifest(&app, &index, "bob").await.unwrap();
    depot.delete_manifest(&app, &one, "bob").await.unwrap();
    depot.delete_manifest(&app, &sbom, "bob").await.unwrap();
    let layer = Digest::sha256(b"layer one");
    depot.delete_blob(&app, &layer).await.unwrap();
    assert!(depot.blob(&app, &layer).await.unwrap().is_none(), "for clients it is gone");
    depot.collect(&CollectOptions::default()).await.unwrap();
    let history = depot.tag_history(&app, &tag("1")).await.unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!((history[0].digest.clone(), history[0].by.as_str()), (None, "bob"));
    assert!(history[1].is_kept);
    depot.undelete(&app, &tag("1"), &index, "carol").await.unwrap();
    let back = depot.manifest(&app, &by_tag("1")).await.unwrap().unwrap();
    assert_eq!(back.digest, index);
    assert!(depot.manifest(&app, &Target::Digest(one)).await.unwrap().is_some());
    let referrers = depot.referrers(&app, &index, None, None, 10).await.unwrap();
    assert_eq!(referrers.items.len(), 1);
    let blob = depot.blob(&app, &layer).await.unwrap().unwrap();
    assert_eq!(read(depot, &blob).await.unwrap(), b"layer one");
    let never = depot.undelete(&app, &tag("1"), &Digest::sha256(b"never"), "carol").await;
    assert!(matches!(never, Err(Error::ManifestUnknown)));
}

#[tokio::test]
async fn retention_keeps_what_the_rules_say() {
    let yard = yard_with(&strict());
    let (depot, app) = (&yard.depot, name("app"));
    for number in 1..=5 {
        push_image(depot, &app, &format!("v{number}"), &number.to_string()).await;
    }
    push_image(depot, &app, "release", "1").await;
    push_image(depot, &app, "untouched", "9").await;
    let pattern = |text: &str| Pattern::parse(text).unwrap();
    let rule = Retention {
        tags: pattern("v*"),
        keep: vec![pattern("v2")],
        keep_last: Some(2),
        ..Retention::default()
    };
    depot.set_rules(Rules { retention: vec![rule], ..Rules::default() });
    let plan = depot.retain(true).await.unwrap();
    let tags: Vec<_> = plan.iter().filter_map(|removed| removed.tag.clone()).collect();
    assert_eq!(tags, [tag("v1"), tag("v3")]);
    assert_eq!(depot.tags(&app, None, 100).await.unwrap().items.len(), 7, "it was a dry run");
    assert_eq!(depot.retain(false).await.unwrap(), plan);
    let left = depot.tags(&app, None, 100).await.unwrap().items;
    assert_eq!(left, ["release", "untouched", "v2", "v4", "v5"].map(tag));
    // What another tag names stays, what none names goes.
    assert!(depot.manifest(&app, &by_tag("release")).await.unwrap().is_some());
    let three = manifest_text(b"config 3", &[b"layer 3"], "");
    let three = depot.manifest(&app, &Target::Digest(Digest::sha256(&three))).await.unwrap();
    assert!(three.is_none());
    assert_eq!(depot.retain(false).await.unwrap(), []);
}

#[tokio::test]
async fn untagged_manifests_go_with_their_referrers() {
    let yard = yard_with(&strict());
    let (depot, app) = (&yard.depot, name("app"));
    let old = push_image(depot, &app, "1", "old").await.digest;
    let part = push_image(depot, &app, "part", "part").await.digest;
    push_blob(depot, &app, b"{}").await;
    let subject = |digest: &Digest| {
        let rest = format!(r#","subject":{{"mediaType":"x/y","digest":"{digest}","size":1}}"#);
        manifest_text(b"{}", &[], &rest)
    };
    for image in [&old, &part] {
        let text = subject(image);
        put(depot, &app, Target::Digest(Digest::sha256(&text)), text).await.unwrap();
    }
    put(depot, &app, by_tag("index"), index_text(&[&part])).await.unwrap();
    push_image(depot, &app, "1", "new").await;
    depot.delete_tag(&app, &tag("part"), "alice").await.unwrap();
    let rule = Retention { untagged_after_days: Some(0), ..Retention::default() };
    depot.set_rules(Rules { retention: vec![rule], ..Rules::default() });
    let removed = depot.retain(false).await.unwrap();
    assert_eq!(removed.len(), 2, "the old image and its referrer: {removed:?}");
    assert!(depot.manifest(&app, &Target::Digest(old)).await.unwrap().is_none());
    assert!(depot.manifest(&app, &Target::Digest(part.clone())).await.unwrap().is_some());
    assert_eq!(depot.referrers(&app, &part, None, None, 9).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn copies_go_when_nobody_uses_them_and_nothing_else_does() {
    let yard = yard_with(&strict());
    let (depot, app) = (&yard.depot, name("app"));
    push_image(depot, &app, "1", "one").await;
    push_image(depot, &app, "2", "two").await;
    depot.delete_tag(&app, &tag("2"), "alice").await.unwrap();
    let set = |author: &str, secs: u64| {
        let used_within = std::time::Duration::from_secs(secs);
        let copies = Some(Copies { author: author.to_owned(), used_within });
        let rule = Retention { copies, ..Retention::default() };
        depot.set_rules(Rules { retention: vec![rule], ..Rules::default() });
    };
    // In whose name the helper pushes.
    let author = depot.tag_history(&app, &tag("1")).await.unwrap()[0].by.clone();
    set(&author, 3600);
    assert_eq!(depot.retain(false).await.unwrap(), [], "all of it is new");
    set("mirror", 0);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(depot.retain(false).await.unwrap(), [], "nothing of it is a copy");
    set(&author, 0);
    let removed = depot.retain(false).await.unwrap();
    let tags: Vec<_> = removed.iter().map(|removed| removed.tag.clone()).collect();
    assert_eq!(
        tags,
        [None, None, Some(tag("1"))],
        "both images, one of which had a tag: {removed:?}"
    );
}

struct Upstream(Vec<u8>);

impl Repair for Upstream {
    fn fetch<'a>(&'a self, _: &'a RepositoryName, _: &'a Blob) -> RepairFuture<'a> {
        let body: RepairBody = Box::pin(stream::iter([Ok(Bytes::from(self.0.clone()))]));
        Box::pin(async move { Some(body) })
    }
}

#[tokio::test]
async fn damage_is_found_and_repaired() {
    let yard = yard();
    let (depot, app) = (&yard.depot, name("app"));
    push_image(depot, &app, "1", "one").await;
    let layer = Digest::sha256(b"layer one");
    let clean = depot.scrub(None, &ScrubOptions::default()).await.unwrap();
    assert_eq!((clean.blobs, clean.manifests, clean.damaged.len()), (2, 1, 0));
    fs::write(blob_path(yard.folder.path(), &layer), b"lAyer one").unwrap();
    let wrong = Upstream(b"Layer one".to_vec());
    let found = depot.scrub(Some(&wrong), &ScrubOptions::default()).await.unwrap();
    assert_eq!(found.damaged.len(), 1);
    assert_eq!((&found.damaged[0].digest, found.damaged[0].is_repaired), (&layer, false));
    assert_eq!(found.damaged[0].repositories, std::slice::from_ref(&app));
    assert!(matches!(depot.blob(&app, &layer).await, Err(Error::Damaged { .. })));
    let good = Upstream(b"layer one".to_vec());
    let found = depot.scrub(Some(&good), &ScrubOptions::default()).await.unwrap();
    assert!(found.damaged[0].is_repaired, "{found:?}");
    let blob = depot.blob(&app, &layer).await.unwrap().unwrap();
    assert_eq!(read(depot, &blob).await.unwrap(), b"layer one");
    // A push repairs too.
    fs::remove_file(blob_path(yard.folder.path(), &layer)).unwrap();
    assert!(matches!(depot.read_blob(&blob, 0..9).await, Err(Error::Damaged { .. })));
    push_blob(depot, &app, b"layer one").await;
    assert_eq!(read(depot, &blob).await.unwrap(), b"layer one");
    let options = ScrubOptions { blobs_max: Some(1), ..ScrubOptions::default() };
    let first = depot.scrub(None, &options).await.unwrap();
    let options = ScrubOptions { after: first.next, ..options };
    assert_eq!(depot.scrub(None, &options).await.unwrap().blobs, 1);
}

#[tokio::test]
async fn a_backup_is_a_depot() {
    let yard = yard();
    let (depot, app) = (&yard.depot, name("app"));
    let one = push_image(depot, &app, "1", "one").await.digest;
    depot.put_record("user", "alice", b"x").await.unwrap();
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("backup");
    let first = depot.backup(&folder).await.unwrap();
    assert_eq!((first.blobs, first.added), (2, 2));
    let layer = blob_path(&folder, &Digest::sha256(b"layer one"));
    assert!(fs::metadata(&layer).unwrap().nlink() > 1, "it costs no space on the same disk");
    push_image(depot, &app, "2", "two").await;
    let second = depot.backup(&folder).await.unwrap();
    assert_eq!((second.blobs, second.added), (4, 2));
    let copy = Depot::open_folder(&folder, &settings()).unwrap();
    assert_eq!(copy.tags(&app, None, 9).await.unwrap().items, [tag("1"), tag("2")]);
    assert_eq!(copy.manifest(&app, &by_tag("1")).await.unwrap().unwrap().digest, one);
    assert_eq!(copy.record("user", "alice").await.unwrap().unwrap(), &b"x"[..]);
    assert_eq!(copy.scrub(None, &ScrubOptions::default()).await.unwrap().damaged, []);
}

#[tokio::test]
async fn the_ledger_can_be_made_again() {
    let yard = yard();
    let app = name("team/app");
    let one = push_image(&yard.depot, &app, "1", "one").await.digest;
    push_image(&yard.depot, &app, "2", "two").await;
    push_image(&yard.depot, &app, "gone", "three").await;
    push_image(&yard.depot, &app, "moved", "two").await;
    push_image(&yard.depot, &app, "moved", "one").await;
    yard.depot.delete_tag(&app, &tag("gone"), "alice").await.unwrap();
    let two = manifest_text(b"config two", &[b"layer two"], "");
    yard.depot.delete_manifest(&app, &Digest::sha256(&two), "alice").await.unwrap();
    drop(yard.depot);
    let folder = yard.folder.path();
    for name in ["meta.db", "meta.db-wal", "meta.db-shm"] {
        drop(fs::remove_file(folder.join(name)));
    }
    // A power failure in the middle of a line.
    let mut journal = fs::read(folder.join("journal")).unwrap();
    journal.extend_from_slice(b"{\"repository\":\"team/app\",\"ta");
    fs::write(folder.join("journal"), journal).unwrap();
    let rebuilt = Depot::rebuild(folder, &settings()).unwrap();
    assert_eq!((rebuilt.blobs, rebuilt.manifests, rebuilt.tags), (6, 2, 2));
    assert_eq!((rebuilt.unreadable, rebuilt.missing), (1, 0));
    let depot = Depot::open_folder(folder, &settings()).unwrap();
    assert_eq!(depot.tags(&app, None, 9).await.unwrap().items, [tag("1"), tag("moved")]);
    let found = depot.manifest(&app, &by_tag("moved")).await.unwrap().unwrap();
    assert_eq!((found.digest.clone(), found.pushed_by.as_str()), (one, "alice"));
    let layer = depot.blob(&app, &Digest::sha256(b"layer one")).await.unwrap().unwrap();
    assert_eq!(read(&depot, &layer).await.unwrap(), b"layer one");
    push_image(&depot, &app, "3", "three").await;
    drop(depot);
    let again = Depot::rebuild(folder, &settings()).unwrap();
    assert_eq!((again.manifests, again.tags, again.unreadable), (2, 3, 0));
}

#[tokio::test]
async fn resting_uploads_go() {
    let yard = yard_with(&Settings { upload_secs: 0, ..settings() });
    let (depot, app) = (&yard.depot, name("app"));
    let upload = depot.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    depot.append(&app, &upload, None, None, body(&[b"abc"])).await.unwrap();
    assert_eq!(depot.collect(&CollectOptions::default()).await.unwrap().uploads, 1);
    assert!(matches!(depot.upload_status(&app, &upload).await, Err(Error::UploadUnknown)));
    assert_eq!(fs::read_dir(yard.folder.path().join("uploads")).unwrap().count(), 0);
}
