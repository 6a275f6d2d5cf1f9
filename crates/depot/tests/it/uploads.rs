//! Uploads: chunks, resume, mistakes of clients, waits for the disk.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test says by panic what is wrong, and its numbers are small"
)]

use bytes::Bytes;
use sealift_depot::{Blob, Depot, Error, Settings, UploadId};
use sealift_oci::{Algorithm, Digest, Hasher};

use crate::common::{body, broken, name, push_blob, read, settings, yard, yard_with};

#[tokio::test]
async fn chunks_become_a_blob() {
    let yard = yard();
    let app = name("team/app");
    let upload = yard.depot.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap();
    assert_eq!(upload.offset, 0);
    let one = yard.depot.append(&app, &upload.id, Some(0), Some(3), body(&[b"ab", b"c"])).await;
    assert_eq!(one.unwrap().offset, 3);
    let two = yard.depot.append(&app, &upload.id, None, None, body(&[b"def"])).await.unwrap();
    assert_eq!(two.offset, 6);
    let digest = Digest::sha256(b"abcdef");
    let blob = yard.depot.finish_upload(&app, &upload.id, &digest).await.unwrap();
    assert_eq!(read(&yard.depot, &blob).await.unwrap(), b"abcdef");
    assert_eq!(yard.depot.blob(&app, &digest).await.unwrap(), Some(blob));
    assert!(yard.depot.blob(&name("other"), &digest).await.unwrap().is_none());
    let again = yard.depot.upload_status(&app, &upload.id).await;
    assert!(matches!(again, Err(Error::UploadUnknown)));
}

#[tokio::test]
async fn large_bodies_and_ranges() {
    let yard = yard();
    let app = name("app");
    let piece: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
    let pieces: Vec<&[u8]> = (0..250).map(|_| piece.as_slice()).collect();
    let whole = pieces.concat();
    let digest = Digest::sha256(&whole);
    let upload = yard.depot.begin_upload(&app, Algorithm::Sha512, "alice").await.unwrap();
    yard.depot.append(&app, &upload.id, None, None, body(&pieces[..120])).await.unwrap();
    yard.depot.append(&app, &upload.id, None, None, body(&pieces[120..])).await.unwrap();
    // The kept hash is of another algorithm than the digest: the file is read.
    let blob = yard.depot.finish_upload(&app, &upload.id, &digest).await.unwrap();
    assert_eq!(read(&yard.depot, &blob).await.unwrap(), whole);
    for range in [0..1, 5..5, 262_143..262_145, 24_999_999..99_999_999, 90_000_000..99_000_000] {
        let part = yard.depot.read_blob(&blob, range.clone()).await.unwrap();
        let wanted = whole.get(range.start as usize..whole.len().min(range.end as usize));
        let bytes: Vec<_> = futures_util::StreamExt::collect::<Vec<_>>(part).await;
        let bytes: Vec<u8> = bytes.into_iter().flat_map(|piece| piece.unwrap()).collect();
        assert_eq!(bytes, wanted.unwrap_or_default(), "{range:?}");
    }
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(b"x");
    let digest = hasher.finish();
    let blob = yard.depot.put_blob(&app, Bytes::from_static(b"x"), &digest, "alice").await.unwrap();
    assert_eq!(read(&yard.depot, &blob).await.unwrap(), b"x");
}

#[tokio::test]
async fn mistakes_of_clients() {
    let yard = yard_with(&Settings { blob_bytes_max: Some(10), ..settings() });
    let (depot, app) = (&yard.depot, name("app"));
    let upload = depot.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    depot.append(&app, &upload, Some(0), None, body(&[b"abc"])).await.unwrap();
    let wrong = depot.append(&app, &upload, Some(2), None, body(&[b"x"])).await;
    assert!(matches!(wrong, Err(Error::OffsetWrong { have: 3 })));
    let wrong = depot.append(&app, &upload, Some(9), None, body(&[b"x"])).await;
    assert!(matches!(wrong, Err(Error::OffsetWrong { have: 3 })));
    for (length, bytes) in [(2, &b"xyz"[..]), (9, b"x")] {
        let wrong = depot.append(&app, &upload, None, Some(length), body(&[bytes])).await;
        assert!(matches!(wrong, Err(Error::LengthWrong | Error::TooLarge { .. })), "{wrong:?}");
    }
    let wrong = depot.append(&app, &upload, None, None, body(&[b"12345678"])).await;
    assert!(matches!(wrong, Err(Error::TooLarge { limit: 10 })));
    assert_eq!(depot.upload_status(&app, &upload).await.unwrap().offset, 3);
    let other = depot.upload_status(&name("other"), &upload).await;
    assert!(matches!(other, Err(Error::UploadUnknown)), "an upload belongs to its repository");
    let wrong = depot.finish_upload(&app, &upload, &Digest::sha256(b"abd")).await;
    let Err(Error::DigestWrong { found, .. }) = wrong else { panic!("{wrong:?}") };
    assert_eq!(found, Digest::sha256(b"abc"));
    assert!(matches!(depot.upload_status(&app, &upload).await, Err(Error::UploadUnknown)));
    assert_eq!(std::fs::read_dir(yard.folder.path().join("uploads")).unwrap().count(), 0);
    let upload = depot.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    depot.append(&app, &upload, None, None, body(&[b"abc"])).await.unwrap();
    depot.cancel_upload(&app, &upload).await.unwrap();
    assert!(matches!(depot.cancel_upload(&app, &upload).await, Err(Error::UploadUnknown)));
    for text in ["", "..", "../../etc/passwd", "4d7a3a2c-1c9f-4f3e-9f0e-0123456789AB", "x"] {
        assert!(UploadId::parse(text).is_none(), "{text}");
    }
    assert!(UploadId::parse(upload.as_str()).is_some());
}

#[tokio::test]
async fn what_came_before_the_client_left_is_kept() {
    let yard = yard();
    let app = name("app");
    let upload = yard.depot.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    let left = yard.depot.append(&app, &upload, None, Some(100), broken(&[b"abc", b"def"])).await;
    assert!(matches!(left, Err(Error::Aborted(_))), "{left:?}");
    assert_eq!(yard.depot.upload_status(&app, &upload).await.unwrap().offset, 6);
    // Also by a process that is started anew.
    let folder = yard.folder;
    drop(yard.depot);
    let depot = Depot::open_folder(folder.path(), &settings()).unwrap();
    assert_eq!(depot.upload_status(&app, &upload).await.unwrap().offset, 6);
    depot.append(&app, &upload, Some(6), None, body(&[b"ghi"])).await.unwrap();
    let digest = Digest::sha256(b"abcdefghi");
    let blob = depot.finish_upload(&app, &upload, &digest).await.unwrap();
    assert_eq!(read(&depot, &blob).await.unwrap(), b"abcdefghi");
}

#[tokio::test]
async fn empty_blobs_and_mounts() {
    let yard = yard();
    let (app, other) = (name("app"), name("other"));
    let upload = yard.depot.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    let empty = Digest::sha256(b"");
    let blob = yard.depot.finish_upload(&app, &upload, &empty).await.unwrap();
    assert_eq!(read(&yard.depot, &blob).await.unwrap(), b"");
    let mounted = yard.depot.mount(&other, &app, &empty).await.unwrap();
    assert_eq!(mounted, Some(blob));
    assert!(yard.depot.blob(&other, &empty).await.unwrap().is_some());
    let absent = yard.depot.mount(&other, &app, &Digest::sha256(b"absent")).await.unwrap();
    assert!(absent.is_none());
    // What another repository has is not to be had from this one.
    let hidden = push_blob(&yard.depot, &name("secret"), b"secret").await;
    assert!(yard.depot.mount(&other, &app, &hidden.digest).await.unwrap().is_none());
}

#[tokio::test]
async fn a_blob_costs_three_waits_for_the_disk() {
    let yard = yard();
    let app = name("app");
    let count = |before: u64| yard.depot.n_syncs() - before;
    // The first blob that lies in a folder brings the folder; here another one has come before.
    let wanted = Digest::sha256(b"abcdef");
    let neighbour = (0..100_000_u32)
        .map(u32::to_be_bytes)
        .find(|bytes| Digest::sha256(bytes).hex()[..2] == wanted.hex()[..2]);
    let before = yard.depot.n_syncs();
    push_blob(&yard.depot, &app, &neighbour.unwrap()).await;
    assert_eq!(count(before), 4);
    let before = yard.depot.n_syncs();
    let upload = yard.depot.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    yard.depot.append(&app, &upload, None, None, body(&[b"abc"])).await.unwrap();
    yard.depot.append(&app, &upload, None, None, body(&[b"def"])).await.unwrap();
    yard.depot.finish_upload(&app, &upload, &Digest::sha256(b"abcdef")).await.unwrap();
    assert_eq!(count(before), 3);
    let before = yard.depot.n_syncs();
    push_blob(&yard.depot, &name("other"), b"abcdef").await;
    assert_eq!(count(before), 1, "the bytes are there already");
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let yard = yard();
    let second = Depot::open_folder(yard.folder.path(), &settings());
    assert!(matches!(second, Err(Error::InUse)));
    drop(second);
    drop(yard.depot);
    Depot::open_folder(yard.folder.path(), &settings()).unwrap();
}

#[tokio::test]
async fn a_file_that_was_hashed_is_taken_in() {
    let yard = yard();
    let (bytes, file) = (b"from an upstream", yard.folder.path().join("coming"));
    let blob = Blob { digest: Digest::sha256(bytes), size: bytes.len() as u64 };
    for repository in ["mirror/app", "mirror/other"] {
        std::fs::write(&file, bytes).unwrap();
        yard.depot.adopt(&name(repository), &blob, &file).await.unwrap();
        assert_eq!(read(&yard.depot, &blob).await.unwrap(), bytes);
        assert_eq!(
            yard.depot.blob(&name(repository), &blob.digest).await.unwrap(),
            Some(blob.clone())
        );
        assert!(!file.exists());
    }
    yard.depot.check_room(1).unwrap();
    assert!(matches!(yard.depot.check_room(u64::MAX), Err(Error::Full)));
    let small = yard_with(&Settings { blob_bytes_max: Some(3), ..settings() });
    let refused = small.depot.adopt(&name("app"), &blob, &file).await;
    assert!(matches!(refused, Err(Error::TooLarge { limit: 3 })));
}
