//! The store at its boundary.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;

use sealift_oci::{Descriptor, Digest, Manifest, Raw, Reference, media_type};
use sealift_store::{Error, Store};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    (folder, store)
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn descriptor(content: &[u8]) -> Descriptor {
    Descriptor::new(media_type::MANIFEST, Digest::sha256(content), content.len() as u64)
}

#[test]
fn a_blob_is_read_back_and_a_damaged_one_refused() {
    let (_folder, store) = store();
    let digest = store.put_blob(b"hello").unwrap();
    assert_eq!(store.read_blob(&digest).unwrap(), b"hello");
    std::fs::write(store.blob_path(&digest), b"hellO").unwrap();
    assert!(matches!(store.read_blob(&digest), Err(Error::DigestMismatch { .. })));
    store.put_blob(b"hello").unwrap();
    assert_eq!(store.read_blob(&digest).unwrap(), b"hello", "putting it again mends it");
}

#[test]
fn a_writer_refuses_another_digest_and_leaves_nothing() {
    let (_folder, store) = store();
    let mut writer = store.blob_writer().unwrap();
    writer.write_all(b"one").unwrap();
    let expected = Digest::sha256(b"two");
    assert!(matches!(writer.commit(Some(&expected)), Err(Error::DigestMismatch { .. })));
    assert!(!store.has_blob(&expected));
    assert!(!store.has_blob(&Digest::sha256(b"one")));
    assert_eq!(std::fs::read_dir(store.root().join("temporary")).unwrap().count(), 0);
}

#[test]
fn names_move_and_are_listed_in_order() {
    let (_folder, store) = store();
    let (first, second) = (descriptor(b"1"), descriptor(b"2"));
    store.tag(&reference("b:1"), &first).unwrap();
    store.tag(&reference("a:1"), &first).unwrap();
    store.tag(&reference("b:1"), &second).unwrap();
    let names: Vec<String> =
        store.references().unwrap().iter().map(|(name, _)| name.familiar()).collect();
    assert_eq!(names, ["a:1", "b:1"]);
    assert_eq!(store.resolve(&reference("b:1")).unwrap(), Some(second));
    let by_digest = reference("whatever").at_digest(&first.digest);
    assert_eq!(store.resolve(&by_digest).unwrap(), Some(first));
    assert!(store.untag(&reference("a:1")).unwrap());
    assert!(!store.untag(&reference("a:1")).unwrap());
    assert_eq!(store.resolve(&reference("a")).unwrap(), None);
}

#[test]
fn referrers_are_found_by_their_subject() {
    let (_folder, store) = store();
    let subject = descriptor(b"image");
    let mut manifest = Manifest::new(descriptor(b"{}"), Vec::new());
    manifest.artifact_type = Some("application/x".to_owned());
    manifest.subject = Some(subject.clone());
    let raw = Raw::encode(manifest);
    store.add_referrer(&raw).unwrap();
    store.add_referrer(&raw).unwrap();
    let found = store.referrers(&subject.digest).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].artifact_type.as_deref(), Some("application/x"));
    assert!(store.referrers(&Digest::sha256(b"other")).unwrap().is_empty());
    store.remove_referrer(raw.digest()).unwrap();
    assert!(store.referrers(&subject.digest).unwrap().is_empty());
}

#[test]
fn two_processes_lose_no_name() {
    let (_folder, store) = store();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..25 {
                    let name = reference(&format!("image-{thread}:{number}"));
                    store.tag(&name, &descriptor(b"x")).unwrap();
                }
            });
        }
    });
    assert_eq!(store.references().unwrap().len(), 100);
}

#[test]
fn what_a_dead_process_left_is_swept() {
    let (folder, store) = store();
    let leftover = store.root().join("temporary/4194999-0-blob");
    std::fs::write(&leftover, b"half").unwrap();
    let kept = store.temporary_dir("mine").unwrap();
    Store::open(folder.path().join("store")).unwrap();
    assert!(!leftover.exists());
    assert!(kept.path().exists());
}

#[test]
fn a_broken_index_is_an_error_not_an_empty_store() {
    let (_folder, store) = store();
    std::fs::write(store.root().join("index.json"), b"{").unwrap();
    assert!(store.references().is_err());
    assert!(store.tag(&reference("a:1"), &descriptor(b"x")).is_err());
}

// A file's change time cannot be set; its stamp is taken once it is two seconds old.
fn age() {
    std::thread::sleep(std::time::Duration::from_millis(2050));
}

#[test]
fn a_stamp_holds_until_the_blob_is_touched() {
    let (_folder, store) = store();
    let (digest, diff_id) = (store.put_blob(b"layer").unwrap(), Digest::sha256(b"diff"));
    let path = store.blob_path(&digest);
    let mut stamps = store.stamps();
    let fresh = stamps.look(&digest).unwrap();
    stamps.add(&digest, &diff_id, fresh);
    assert!(!stamps.knows(&digest, &diff_id), "what was written just now gets no stamp");
    age();
    stamps.add(&digest, &diff_id, fresh);
    stamps.save().unwrap();
    assert!(store.stamps().knows(&digest, &diff_id));
    assert!(!store.stamps().knows(&digest, &Digest::sha256(b"other")));

    // The same size and the same modification time: only the change time tells.
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, b"LAYER").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let mut stamps = store.stamps();
    assert!(!stamps.knows(&digest, &diff_id));
    stamps.save().unwrap();
    assert!(!store.stamps().knows(&digest, &diff_id), "a stamp that does not fit is dropped");
}

#[test]
fn another_file_in_its_place_has_no_stamp() {
    let (_folder, store) = store();
    let (digest, diff_id) = (store.put_blob(b"layer").unwrap(), Digest::sha256(b"diff"));
    let path = store.blob_path(&digest);
    age();
    let mut stamps = store.stamps();
    stamps.add(&digest, &diff_id, stamps.look(&digest).unwrap());
    assert!(stamps.knows(&digest, &diff_id));
    let other = path.with_extension("new");
    std::fs::write(&other, b"LAYER").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert!(!stamps.knows(&digest, &diff_id));
    // A file of stamps that is nonsense is as if it were not there.
    std::fs::write(store.root().join("stamps"), "x\n\0 1 2\n").unwrap();
    assert!(!store.stamps().knows(&digest, &diff_id));
}
