//! What every store of a server does: the tests of each crate that has one include this file, and ask it the same.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{Certificate, SealingKey, Secret, SigningKey};
use sealift_tuf::server::{
    ChangeRange, HashKind, KeyRecord, MemoryStore, NewDocument, Pick, SealedKeys, Server, Store,
    StoreError,
};
use sealift_tuf::{Change, FileMeta, Gun, Key, Keys, Repository, Role};
use serde_json::json;

const HASHES: [HashKind; 3] = [HashKind::Sha256, HashKind::Sha384, HashKind::Sha512];

fn gun(name: &str) -> Gun {
    Gun::parse(name).unwrap()
}

// With nanoseconds, which must not be lost.
fn start() -> Timestamp {
    "2026-11-21T00:00:00.123456789Z".parse().unwrap()
}

fn document(role: &Role, version: u64, text: &str) -> NewDocument {
    let expires = start() + SignedDuration::from_hours(1);
    NewDocument { role: role.clone(), version, bytes: text.as_bytes().to_vec(), expires }
}

fn key(id: &str) -> KeyRecord {
    let public = json!({ "keytype": "ecdsa", "keyval": { "public": id, "private": null } });
    KeyRecord { id: id.to_owned(), public, sealed: format!("sealed {id}") }
}

/// What one store does, of which each call makes an empty one.
pub(crate) fn check_store(make: &dyn Fn() -> Box<dyn Store>) {
    all_or_nothing(&*make());
    changes_are_numbered(&*make());
    keys_stay(&*make());
    for seed in [3, 11] {
        as_the_one_in_memory(&*make(), seed);
    }
}

fn all_or_nothing(store: &dyn Store) {
    let app = gun("registry.example/app");
    let update = |documents: &[NewDocument]| store.update(&app, documents, start());
    let old = Err(StoreError::OldVersion);
    update(&[]).unwrap();
    // What has no root is of a repository that somebody deleted meanwhile.
    assert_eq!(update(&[document(&Role::TARGETS, 1, "a")]), old);
    update(&[document(&Role::TARGETS, 1, "a"), document(&Role::ROOT, 1, "r")]).unwrap();
    let newer = document(&Role::TARGETS, 5, "b");
    for version in [0, 1] {
        assert_eq!(update(&[newer.clone(), document(&Role::ROOT, version, "x")]), old);
    }
    assert_eq!(update(&[newer.clone(), newer.clone()]), old);
    assert_eq!(store.newest(&app, &Role::TARGETS).unwrap().unwrap().version, 1);
    assert_eq!(store.changes(None, ChangeRange::ALL).unwrap(), []);
    let sequel = [newer, document(&Role::TARGETS, 7, "c"), document(&Role::TIMESTAMP, 1, "t")];
    update(&sequel).unwrap();
    let found = store.by_version(&app, &Role::TARGETS, 5).unwrap().unwrap();
    assert_eq!((found.version, found.bytes.as_slice()), (5, &b"b"[..]));
    assert_eq!((found.modified, found.expires), (start(), sequel[0].expires));
    for version in [0, 6, u64::MAX] {
        assert_eq!(store.by_version(&app, &Role::TARGETS, version).unwrap(), None);
    }
    for kind in HASHES {
        let found = store.by_hash(&app, &Role::TARGETS, kind, &kind.hex(b"c")).unwrap();
        assert_eq!(found.unwrap().version, 7);
        for hash in [kind.hex(b"r"), String::new()] {
            assert_eq!(store.by_hash(&app, &Role::TARGETS, kind, &hash).unwrap(), None);
        }
    }
    let other = gun("registry.example/other");
    assert_eq!(store.newest(&other, &Role::TARGETS).unwrap(), None);
    assert_eq!(store.newest(&app, &Role::RELEASES).unwrap(), None);
}

fn changes_are_numbered(store: &dyn Store) {
    let (app, other) = (gun("registry.example/app"), gun("registry.example/other"));
    let publish = |gun: &Gun, version: u64| {
        let documents = [
            document(&Role::ROOT, version, "r"),
            document(&Role::SNAPSHOT, version, "s"),
            document(&Role::TIMESTAMP, version, &format!("t{version}")),
        ];
        store.update(gun, &documents, start())
    };
    publish(&app, 1).unwrap();
    assert_eq!(publish(&app, 1), Err(StoreError::OldVersion));
    publish(&other, 1).unwrap();
    publish(&app, 2).unwrap();
    store.delete(&app, start()).unwrap();
    store.delete(&app, start()).unwrap();
    store.delete(&gun("nobody/had"), start()).unwrap();
    assert_eq!(store.newest(&app, &Role::ROOT).unwrap(), None);
    assert!(store.newest(&other, &Role::ROOT).unwrap().is_some());
    // It can begin anew.
    publish(&app, 1).unwrap();
    let listed = |gun: Option<&Gun>, range: ChangeRange| -> String {
        let changes = store.changes(gun, range).unwrap();
        let line = |change: &sealift_tuf::server::Change| {
            assert_eq!(change.created_at, start().to_string());
            assert_eq!(change.sha256.is_empty(), change.category == "deletion");
            let name = change.gun.rsplit_once('/').unwrap().1;
            format!("{} {name} {} {}", change.id, change.version, change.category)
        };
        changes.iter().map(line).collect::<Vec<_>>().join(", ")
    };
    let all = "1 app 1 update, 2 other 1 update, 3 app 2 update, 4 app 0 deletion, 5 app 1 update";
    assert_eq!(listed(None, ChangeRange::ALL), all);
    assert_eq!(listed(Some(&other), ChangeRange::ALL), "2 other 1 update");
    let after = |number, count| ChangeRange::After { number, count };
    assert_eq!(listed(None, after(1, 2)), "2 other 1 update, 3 app 2 update");
    assert_eq!(listed(Some(&app), after(1, 1)), "3 app 2 update");
    assert_eq!(listed(None, after(u64::MAX, 9)), "");
    let before = |number, count| ChangeRange::Before { number, count };
    assert_eq!(listed(None, before(None, 2)), "4 app 0 deletion, 5 app 1 update");
    assert_eq!(listed(Some(&app), before(Some(4), 1)), "3 app 2 update");
    assert_eq!(listed(None, before(Some(0), 9)), "");
}

fn keys_stay(store: &dyn Store) {
    let app = gun("registry.example/app");
    let ids = |role: &Role| -> Vec<String> {
        store.keys(&app, role).unwrap().into_iter().map(|key| key.id).collect()
    };
    assert_eq!(ids(&Role::TIMESTAMP), [""; 0]);
    assert_eq!(store.add_first_key(&app, &Role::TIMESTAMP, &key("a")).unwrap(), key("a"));
    assert_eq!(store.add_first_key(&app, &Role::TIMESTAMP, &key("b")).unwrap(), key("a"));
    store.add_key(&app, &Role::TIMESTAMP, &key("c"), &[]).unwrap();
    assert_eq!(store.add_first_key(&app, &Role::TIMESTAMP, &key("d")).unwrap(), key("c"));
    assert_eq!(store.keys(&app, &Role::TIMESTAMP).unwrap(), [key("a"), key("c")]);
    assert_eq!(ids(&Role::SNAPSHOT), [""; 0]);
    assert_eq!(store.keys(&gun("registry.example/other"), &Role::TIMESTAMP).unwrap(), []);
    // They outlive the repository.
    let documents = [document(&Role::ROOT, 1, "r")];
    store.update(&app, &documents, start()).unwrap();
    store.delete(&app, start()).unwrap();
    assert_eq!(ids(&Role::TIMESTAMP), ["a", "c"]);
    // The oldest go, but for those to keep.
    for number in 0..20 {
        let kept = ["a".to_owned()];
        store.add_key(&app, &Role::TIMESTAMP, &key(&format!("k{number}")), &kept).unwrap();
    }
    let left = ids(&Role::TIMESTAMP);
    assert_eq!((left.len(), left[0].as_str(), left[1].as_str()), (16, "a", "k5"));
}

// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

// Whatever is done to both, they answer alike.
fn as_the_one_in_memory(store: &dyn Store, seed: u64) {
    let model = MemoryStore::default();
    let mut dice = Dice(seed);
    let names = [gun("registry.example/app"), gun("localhost:5443/team/app")];
    let roles = [Role::ROOT, Role::TARGETS, Role::TIMESTAMP, Role::RELEASES];
    for step in 0..120_i64 {
        let now = start() + SignedDuration::from_secs(step);
        let gun = &names[usize::try_from(dice.below(2)).unwrap()];
        let role = &roles[usize::try_from(dice.below(4)).unwrap()];
        let made = key(&step.to_string());
        match dice.below(8) {
            0 => assert_eq!(store.delete(gun, now), model.delete(gun, now)),
            1 => {
                let keep: Vec<String> = vec![dice.below(120).to_string()];
                let act = |store: &dyn Store| store.add_key(gun, role, &made, &keep);
                assert_eq!(act(store), act(&model), "step {step}");
            }
            2 => {
                let act = |store: &dyn Store| store.add_first_key(gun, role, &made);
                assert_eq!(act(store), act(&model), "step {step}");
            }
            _ => {
                let documents: Vec<NewDocument> = (0..dice.below(4))
                    .map(|_| any_document(&mut dice, &model, gun, &roles))
                    .collect();
                let act = |store: &dyn Store| store.update(gun, &documents, now);
                assert_eq!(act(store), act(&model), "step {step}");
            }
        }
        for role in &roles {
            compare(store, &model, gun, role, &mut dice);
        }
    }
    let n_changes = model.changes(None, ChangeRange::ALL).unwrap().len();
    assert!(n_changes > 10, "{n_changes}");
}

// Mostly newer than what is there; the same bytes come again and again.
fn any_document(dice: &mut Dice, model: &MemoryStore, gun: &Gun, roles: &[Role]) -> NewDocument {
    let role = &roles[usize::try_from(dice.below(4)).unwrap()];
    let newest = model.newest(gun, role).unwrap().map_or(0, |document| document.version);
    document(role, newest + dice.below(6), &format!("text {}", dice.below(5)))
}

fn compare(store: &dyn Store, model: &MemoryStore, gun: &Gun, role: &Role, dice: &mut Dice) {
    let newest = model.newest(gun, role).unwrap();
    assert_eq!(store.newest(gun, role).unwrap(), newest);
    let version = dice.below(newest.map_or(0, |document| document.version) + 2);
    let of_version = model.by_version(gun, role, version).unwrap();
    assert_eq!(store.by_version(gun, role, version).unwrap(), of_version);
    let text = format!("text {}", dice.below(5));
    for kind in HASHES {
        let hash = kind.hex(text.as_bytes());
        let found = store.by_hash(gun, role, kind, &hash).unwrap();
        assert_eq!(found, model.by_hash(gun, role, kind, &hash).unwrap());
    }
    assert_eq!(store.keys(gun, role).unwrap(), model.keys(gun, role).unwrap());
    let count = usize::try_from(dice.below(4)).unwrap();
    for range in [
        ChangeRange::ALL,
        ChangeRange::After { number: dice.below(9), count },
        ChangeRange::Before { number: Some(dice.below(9)), count },
        ChangeRange::Before { number: None, count },
    ] {
        for gun in [None, Some(gun)] {
            assert_eq!(store.changes(gun, range).unwrap(), model.changes(gun, range).unwrap());
        }
    }
}

/// What several at once do through one store, or through those of several replicas.
pub(crate) fn check_races(replicas: &[&dyn Store]) {
    let app = gun("registry.example/raced");
    let at_once = |act: &(dyn Fn(&dyn Store, usize) -> String + Sync)| -> Vec<String> {
        let start = std::sync::Barrier::new(8);
        let run = |number: usize| {
            start.wait();
            act(replicas[number % replicas.len()], number)
        };
        std::thread::scope(|scope| {
            let run = &run;
            let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || run(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    };
    let bytes = SealingKey::generate();
    let sealing = || SealingKey::new(&Secret::new(bytes.expose().to_vec())).unwrap();
    // One key for all who ask for the first one.
    for role in [Role::SNAPSHOT, Role::TIMESTAMP] {
        let keys = at_once(&|store, _| {
            let keys = SealedKeys::new(store, sealing());
            String::from_utf8(Server::new(store, &keys).key(&app, &role).unwrap()).unwrap()
        });
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 1, "{keys:?}");
        assert_eq!(replicas[0].keys(&app, &role).unwrap().len(), 1);
    }
    // One of those who publish the same version.
    let files = first_upload(replicas[0], sealing(), &app);
    let outcomes = at_once(&|store, _| {
        let keys = SealedKeys::new(store, sealing());
        let done = Server::new(store, &keys).upload(&app, &files, start());
        done.map_or_else(|refusal| refusal.code.as_str().to_owned(), |()| "done".to_owned())
    });
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "done").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "VERSION").count(), 7, "{outcomes:?}");
    // One timestamp for all who find it expired.
    let late = start() + SignedDuration::from_hours(24 * 15);
    let timestamps = at_once(&|store, _| {
        let keys = SealedKeys::new(store, sealing());
        let server = Server::new(store, &keys);
        let found = server.document(&app, &Role::TIMESTAMP, &Pick::Newest, late).unwrap();
        String::from_utf8(found.bytes).unwrap()
    });
    assert_eq!(timestamps.iter().collect::<BTreeSet<_>>().len(), 1, "{timestamps:?}");
    assert!(timestamps[0].contains("\"version\":2"), "{}", timestamps[0]);
    // None of those who add keys takes another's away.
    let other = gun("registry.example/others");
    at_once(&|store, number| {
        store.add_key(&other, &Role::TIMESTAMP, &key(&number.to_string()), &[]).unwrap();
        String::new()
    });
    assert_eq!(replicas[0].keys(&other, &Role::TIMESTAMP).unwrap().len(), 8);
}

fn first_upload(store: &dyn Store, sealing: SealingKey, gun: &Gun) -> Vec<(String, Vec<u8>)> {
    let [root, targets] = [(); 2].map(|()| SigningKey::generate_p256());
    let (before, after) =
        (start() - SignedDuration::from_hours(1), start() + SignedDuration::from_hours(24 * 365));
    let certificate = Certificate::self_signed(&root, gun.as_str(), before, after).unwrap();
    let server_keys = SealedKeys::new(store, sealing);
    let server = Server::new(store, &server_keys);
    let held = |role: &Role| Key::from_json(&server.key(gun, role).unwrap()).unwrap();
    let public = [
        Key::of_certificate(&certificate).unwrap(),
        Key::bare(&targets.public()),
        held(&Role::SNAPSHOT),
        held(&Role::TIMESTAMP),
    ];
    let mut keys = Keys::default();
    keys.add(root);
    keys.add(targets);
    let mut repository = Repository::create(gun, public, &keys, start());
    let file = FileMeta::of_manifest([7; 32], 523);
    let change = Change::SignTag { tag: "v1".to_owned(), file, count_from: None };
    repository.apply(&change).unwrap();
    let files = repository.upload(&keys, start()).unwrap();
    files.into_iter().map(|(role, bytes): (Role, _)| (role.to_string(), bytes)).collect()
}
