//! Publishers and a server: every change, and what happens when two publish at once.

use expect_test::expect;
use sealift_crypto::SigningKey;
use sealift_tuf::server::{ChangeRange, Code, HashKind, Pick, Store as _};
use sealift_tuf::{Change, DelegationChange, FileMeta, Gun, Key, Role};

use crate::lab::{GUN, Lab, certificate, days, gun};

fn file(byte: u8) -> FileMeta {
    FileMeta::of_manifest([byte; 32], 523)
}

pub(crate) fn sign(tag: &str, byte: u8) -> Change {
    Change::SignTag { tag: tag.to_owned(), file: file(byte), count_from: None }
}

#[test]
fn signers_come_and_go() {
    let mut lab = Lab::new();
    let bob = SigningKey::generate_ed25519();
    let public = Key::bare(&bob.public());
    lab.publisher.keys.add(bob);
    lab.change(&Change::AddSigner { name: "bob".to_owned(), keys: vec![public.clone()] });
    lab.sign("v2", 2);
    let (trusted, _) = lab.look(None).unwrap();
    assert_eq!(trusted.resolve("v2").unwrap().signers, ["alice", "bob"]);
    assert_eq!(trusted.resolve("v1").unwrap().signers, ["alice"]);
    let names: Vec<String> = trusted.signers().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["alice", "bob"]);
    lab.change(&Change::RemoveSigner { name: "alice".to_owned() });
    let (trusted, _) = lab.look(None).unwrap();
    assert_eq!(trusted.signers(), [("bob".to_owned(), vec![public.id().to_owned()])]);
    // Both signed this; one of the signatures is enough.
    assert_eq!(trusted.resolve("v2").unwrap().signers, ["bob"]);
    let mut repository = lab.open();
    let error = repository.apply(&Change::RemoveSigner { name: "bob".to_owned() }).unwrap_err();
    expect!["without `bob` nobody could sign `targets/releases`"].assert_eq(&error.to_string());
}

#[test]
fn revoke_and_witness() {
    let lab = Lab::new();
    lab.sign("v2", 2);
    lab.change(&Change::RevokeTag { tag: "v2".to_owned() });
    let (trusted, _) = lab.look(None).unwrap();
    assert!(trusted.resolve("v2").is_err() && trusted.resolve("v1").is_ok());
    let version = |role: &Role| {
        let (trusted, _) = lab.look(None).unwrap();
        trusted.roles[role].content.as_ref().unwrap().version
    };
    let before = version(&Role::RELEASES);
    lab.change(&Change::Witness { role: Role::RELEASES });
    assert_eq!(version(&Role::RELEASES), before + 1);
    let mut repository = lab.open();
    let error = repository.apply(&Change::RevokeTag { tag: "v9".to_owned() }).unwrap_err();
    expect!["no role whose key is here has a tag `v9`"].assert_eq(&error.to_string());
}

#[test]
fn delegations_within_delegations() {
    let mut lab = Lab::new();
    let key = SigningKey::generate_p256();
    let mut change = DelegationChange::new(Role::parse("targets/alice/nightly").unwrap());
    change.add_keys = vec![Key::bare(&key.public())];
    change.add_paths = vec!["nightly-".to_owned()];
    lab.publisher.keys.add(key);
    let role = change.role.clone();
    lab.change(&Change::Delegate(change));
    let tag = "nightly-1".to_owned();
    lab.change(&Change::SignTagIn { role: role.clone(), tag, file: file(3) });
    let (trusted, _) = lab.look(None).unwrap();
    assert!(trusted.roles[&role].content.as_ref().unwrap().targets.contains_key("nightly-1"));
    let mut repository = lab.open();
    let outside = Change::SignTagIn { role: role.clone(), tag: "v1".to_owned(), file: file(3) };
    let error = repository.apply(&outside).unwrap_err();
    expect!["`targets/alice/nightly` may not hold the tag `v1`"].assert_eq(&error.to_string());
    lab.change(&Change::Undelegate { role: role.clone() });
    assert!(!lab.look(None).unwrap().0.roles.contains_key(&role));
}

#[test]
fn every_role_is_rotated() {
    let mut lab = Lab::new();
    let (_, mut state) = lab.look(None).unwrap();
    for role in [Role::TIMESTAMP, Role::SNAPSHOT] {
        let key = Key::from_json(&lab.server.rotate_key(&gun(), &role).unwrap()).unwrap();
        lab.change(&Change::Rotate { role, keys: vec![key], threshold: 1 });
        state = lab.look(Some(&state)).unwrap().1;
    }
    // The publisher takes the snapshot, and gives it back.
    let own = SigningKey::generate_p256();
    let public = Key::bare(&own.public());
    lab.publisher.keys.add(own);
    lab.change(&Change::Rotate { role: Role::SNAPSHOT, keys: vec![public], threshold: 1 });
    lab.sign("v2", 2);
    state = lab.look(Some(&state)).unwrap().1;
    let back = Key::from_json(&lab.server.key(&gun(), &Role::SNAPSHOT).unwrap()).unwrap();
    lab.change(&Change::Rotate { role: Role::SNAPSHOT, keys: vec![back], threshold: 1 });
    lab.sign("v3", 3);
    state = lab.look(Some(&state)).unwrap().1;
    let targets = SigningKey::generate_p256();
    let public = Key::bare(&targets.public());
    lab.publisher.keys.add(targets);
    lab.change(&Change::Rotate { role: Role::TARGETS, keys: vec![public], threshold: 1 });
    let root = SigningKey::generate_p256();
    let public = certificate(&root, GUN);
    lab.publisher.keys.add(root);
    lab.change(&Change::Rotate { role: Role::ROOT, keys: vec![public], threshold: 1 });
    let (trusted, _) = lab.look(Some(&state)).unwrap();
    assert_eq!(trusted.root.version, 7);
    assert_eq!(trusted.tags().len(), 3);
}

#[test]
fn one_of_two_publishers_wins() {
    let lab = Lab::new();
    let mut first = lab.open();
    let mut second = lab.open();
    first.apply(&sign("v2", 2)).unwrap();
    second.apply(&sign("v3", 3)).unwrap();
    lab.publish(&first).unwrap();
    assert_eq!(lab.publish(&second).unwrap_err().code, Code::Version);
    // The same changes on what the other left.
    lab.change(&sign("v3", 3));
    let tags: Vec<String> =
        lab.look(None).unwrap().0.tags().into_iter().map(|tag| tag.tag).collect();
    assert_eq!(tags, ["v1", "v2", "v3"]);
}

#[test]
fn many_publishers_at_once() {
    let lab = Lab::new();
    let uploads: Vec<_> = (0..8)
        .map(|byte| {
            let mut repository = lab.open();
            repository.apply(&sign("v2", byte)).unwrap();
            repository.upload(&lab.publisher.keys, lab.now).unwrap()
        })
        .collect();
    let results: Vec<bool> = std::thread::scope(|scope| {
        let spawn = |upload: Vec<(Role, Vec<u8>)>| {
            let (server, now) = (&lab.server, lab.now);
            scope.spawn(move || {
                let name = |(role, bytes): (Role, Vec<u8>)| (role.to_string(), bytes);
                let files: Vec<_> = upload.into_iter().map(name).collect();
                server.upload(&gun(), &files, now).is_ok()
            })
        };
        let threads: Vec<_> = uploads.into_iter().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|is_ok| **is_ok).count(), 1);
    lab.look(None).unwrap();
}

#[test]
fn timestamps_are_signed_again_before_they_expire() {
    let mut lab = Lab::new();
    let version = |lab: &Lab| lab.look(None).unwrap().0.timestamp.version;
    let before = version(&lab);
    lab.now += days(13);
    assert_eq!(version(&lab), before);
    lab.now += days(1);
    assert_eq!(version(&lab), before + 1);
    let json = lab.server.changes(None, "0", "0").unwrap();
    assert!(String::from_utf8(json).unwrap().starts_with(r#"{"count":3,"#));
}

#[test]
fn refusals_of_a_server() {
    let lab = Lab::new();
    let releases = lab.newest(&Role::RELEASES);
    let refuse = |name: &str, bytes: &[u8]| {
        let files = [(name.to_owned(), bytes.to_vec())];
        let refusal = lab.server.upload(&gun(), &files, lab.now).unwrap_err();
        format!("{} {}", refusal.code.status(), String::from_utf8(refusal.to_json()).unwrap())
    };
    let text = [
        refuse("targets/releases", &releases),
        refuse("", &releases),
        refuse("foo", &releases),
        refuse("targets", b"x"),
        refuse("targets/nosuch", &releases),
        refuse("snapshot", &releases),
        refuse("targets", &releases),
    ];
    expect![[r#"
        400 {"errors":[{"code":"VERSION","detail":{},"message":"A newer version of metadata is already available."}]}
        400 {"errors":[{"code":"NO_FILENAME","message":"No file/role name provided."}]}
        400 {"errors":[{"code":"INVALID_ROLE","detail":"foo","message":"The role you are attempting to operate on is invalid."}]}
        400 {"errors":[{"code":"MALFORMED_JSON","message":"JSON sent by the client could not be parsed by the server"}]}
        400 {"errors":[{"code":"INVALID_UPDATE","detail":{"Error":{"Msg":"tuf: invalid role targets/nosuch. delegation does not exist"},"Name":"ErrBadTargets"},"message":"Update sent by the client is invalid."}]}
        400 {"errors":[{"code":"INVALID_UPDATE","detail":{"Error":{"Msg":"valid signatures did not meet threshold for snapshot"},"Name":"ErrBadSnapshot"},"message":"Update sent by the client is invalid."}]}
        400 {"errors":[{"code":"INVALID_UPDATE","detail":{"Error":{"Msg":"valid signatures did not meet threshold for targets"},"Name":"ErrBadTargets"},"message":"Update sent by the client is invalid."}]}"#]].assert_eq(&text.join("\n"));
    let twice = [("targets".to_owned(), releases.clone()), ("targets.json".to_owned(), releases)];
    let refusal = lab.server.upload(&gun(), &twice, lab.now).unwrap_err();
    assert_eq!(refusal.code, Code::MalformedUpload);
    lab.server.upload(&gun(), &[], lab.now).unwrap();
    let unknown = Gun::parse("registry.example/none").unwrap();
    for role in [Role::ROOT, Role::TIMESTAMP] {
        let refusal = lab.server.document(&unknown, &role, &Pick::Newest, lab.now).unwrap_err();
        assert_eq!(refusal.code, Code::MetadataNotFound);
    }
    assert_eq!(lab.server.key(&gun(), &Role::TARGETS).unwrap_err().code, Code::MetadataNotFound);
}

#[test]
fn deleted_and_made_again() {
    let lab = Lab::new();
    lab.server.delete(&gun(), lab.now).unwrap();
    assert!(lab.get("root.json").is_none());
    lab.server.delete(&gun(), lab.now).unwrap();
    let changes = lab.store.changes(Some(&gun()), ChangeRange::ALL).unwrap();
    let last = changes.last().unwrap();
    assert_eq!((changes.len(), last.category.as_str(), last.version), (3, "deletion", 0));
}

#[test]
fn documents_by_every_hash() {
    let lab = Lab::new();
    let root = lab.newest(&Role::ROOT);
    for kind in [HashKind::Sha256, HashKind::Sha384, HashKind::Sha512] {
        let pick = Pick::Hash(kind, kind.hex(&root));
        let served = lab.server.document(&gun(), &Role::ROOT, &pick, lab.now).unwrap();
        assert!(served.is_immutable && served.bytes == root);
        assert!(lab.server.document(&gun(), &Role::TARGETS, &pick, lab.now).is_err());
    }
}
