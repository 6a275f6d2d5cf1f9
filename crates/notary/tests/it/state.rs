//! What is kept between two looks: marks that are never lost in silence, documents that may be.

use std::fs;

use sealift_notary::{Error, Look};
use sealift_tuf::Role;

use crate::desk::{Desk, Local, first_use, gun, published, sign};

#[test]
fn damaged_documents_are_fetched_again_and_damaged_marks_are_told() {
    let local = Local::new();
    let (desk, _) = published(&local, local.now());
    let look = || desk.client(&local, local.now()).look(&gun(), &Look::default());
    look().unwrap();
    local.log.lock().unwrap().clear();
    look().unwrap();
    // What is kept and has the right hash is not fetched.
    assert_eq!(*local.log.lock().unwrap(), ["2.root.json", "timestamp.json"]);
    let documents = fs::read_dir(desk.states.folder()).unwrap().flatten().map(|entry| entry.path());
    let documents: Vec<_> =
        documents.filter(|path| path.to_string_lossy().ends_with("documents.json")).collect();
    assert_eq!(documents.len(), 1);
    for damage in ["", "{}", "{\"root\":\"{}\"}", "\u{FEFF}x"] {
        fs::write(&documents[0], damage).unwrap();
        assert!(look().unwrap().resolve("v1").is_ok(), "{damage}");
    }
    fs::remove_file(&documents[0]).unwrap();
    local.log.lock().unwrap().clear();
    look().unwrap();
    assert_eq!(local.log.lock().unwrap()[0], "1.root.json");
    let marks = desk.states.marks_path(&gun());
    let good = fs::read(&marks).unwrap();
    for damage in ["", "{}", "null"] {
        fs::write(&marks, damage).unwrap();
        let error = look().unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
        assert!(error.hint().unwrap().contains(&marks.display().to_string()), "{error}");
    }
    // The state of another repository under this name.
    fs::write(&marks, String::from_utf8(good.clone()).unwrap().replace("team/app", "team/bad"))
        .unwrap();
    assert!(look().is_err());
    fs::write(&marks, good).unwrap();
    look().unwrap();
}

#[test]
fn several_processes_at_once_lose_no_mark() {
    let local = Local::new();
    let (desk, _) = published(&local, local.now());
    let publisher = desk.publisher(&local, local.now());
    let reader = Desk::new();
    let now = local.now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    reader.client(&local, now).look(&gun(), &first_use()).unwrap();
                }
            });
        }
        for number in 2..5 {
            publisher.publish(&gun(), &[sign("v1", number)]).unwrap();
        }
    });
    reader.client(&local, now).look(&gun(), &first_use()).unwrap();
    let state = reader.states.read(&gun()).unwrap().unwrap();
    assert_eq!(state.version(&Role::RELEASES), Some(4));
}

#[test]
fn offline_only_if_asked() {
    let local = Local::new();
    let (desk, _) = published(&local, local.now());
    let offline = Look { is_offline: true, ..Look::default() };
    let empty = Desk::new();
    let error = empty.client(&local, local.now()).look(&gun(), &offline).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    local.log.lock().unwrap().clear();
    let tag = desk.client(&local, local.now()).lookup(&gun(), "v1", &offline).unwrap();
    assert!(local.log.lock().unwrap().is_empty());
    assert_eq!((tag.digest.as_str(), tag.length), ("01".repeat(32).as_str(), 523));
    let roles: Vec<&str> = tag.roles.iter().map(|proof| proof.role.as_str()).collect();
    assert_eq!(roles, ["targets/releases", "targets/alice"]);
    // One key signed both: whoever counts signers counts it once.
    assert_eq!(tag.roles[0].fingerprints, tag.roles[1].fingerprints);
    assert_eq!(tag.roles[0].key_ids.len(), 1);
    assert_eq!(tag.versions.len(), 6);
    let days = tag.expires.duration_since(local.now()).as_hours() / 24;
    assert!((13..=14).contains(&days), "{days}");
}
