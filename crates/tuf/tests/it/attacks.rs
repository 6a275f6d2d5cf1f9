//! Attacks on a consumer, and the exact words with which each is refused.

use expect_test::{Expect, expect};
use sealift_crypto::SigningKey;
use sealift_tuf::verify::{FirstUse, Pin, Policy, verify_kept};
use sealift_tuf::{
    Change, DelegationChange, Envelope, Error, FileMeta, Key, Limits, Role, Signer, State, Targets,
    Trusted, seal,
};
use serde_json::{Map, Value, json};

use crate::lab::{GUN, Lab, certificate, copy, days, gun};

// Ids of keys are new each time.
pub(crate) fn check(lab: &Lab, result: Result<(Trusted, State), Error>, expected: Expect) {
    check_error(lab, &result.map(|_| ()).unwrap_err(), expected);
}

pub(crate) fn check_error(lab: &Lab, error: &Error, expected: Expect) {
    let mut text = error.to_string();
    let known = [
        ("ROOT", &lab.publisher.root),
        ("TARGETS", &lab.publisher.targets),
        ("ALICE", &lab.publisher.alice),
    ];
    for (name, key) in known {
        text = text.replace(key.id(), name).replace(&key.id()[..12], name);
    }
    let is_hex = |part: &str| part.len() >= 12 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut shown = String::new();
    for part in text.split_inclusive([' ', ',', ';', ':', '`', '.']) {
        let word = part.trim_end_matches([' ', ',', ';', ':', '`', '.']);
        shown += if is_hex(word) { "HEX" } else { word };
        shown += &part[word.len()..];
    }
    expected.assert_eq(&shown);
}

// A role of the lab, with another content, signed by its right key.
pub(crate) fn resigned(
    lab: &Lab,
    role: &Role,
    key: &Key,
    change: impl Fn(&mut Map<String, Value>),
) -> Vec<u8> {
    let envelope = Envelope::parse(&lab.newest(role), role, &Limits::default()).unwrap();
    let mut map = envelope.signed().clone();
    change(&mut map);
    let private = lab.publisher.keys.get(key).unwrap();
    seal(role, &map, &[Signer { key, private }]).unwrap()
}

#[test]
fn an_honest_server_is_believed() {
    let lab = Lab::new();
    let (trusted, state) = lab.look(None).unwrap();
    let target = trusted.resolve("v1").unwrap();
    assert_eq!((target.sha256, target.length, target.role), ([1; 32], 523, Role::RELEASES));
    assert_eq!(target.signers, ["alice"]);
    let (again, _) = lab.look(Some(&state)).unwrap();
    assert_eq!(again.resolve("v1").unwrap().sha256, [1; 32]);
    check_error(&lab, &trusted.resolve("v9").unwrap_err(), expect!["no trust data for `v9`"]);
}

#[test]
fn tampered() {
    let lab = Lab::new();
    let alter = |needle: &'static str, role: &'static str| {
        move |name: &str, bytes: Option<Vec<u8>>| {
            let bytes = bytes?;
            if !name.starts_with(role) {
                return Some(bytes);
            }
            let text = String::from_utf8(bytes).unwrap();
            Some(text.replacen(needle, &needle.replace('1', "2"), 1).into_bytes())
        }
    };
    check(
        &lab,
        lab.look_with(&lab.policy(), None, alter("\"version\":1", "targets/releases")),
        expect!["the sha256 of `targets/releases` is HEX, but `snapshot` says HEX"],
    );
    check(
        &lab,
        lab.look_with(&lab.policy(), None, alter("\"version\":1", "root")),
        expect![
            "`root` has 0 of 1 needed signatures: key ROOT: the signature does not match what it signs"
        ],
    );
    let (_, state) = lab.look(None).unwrap();
    let lying = lab.forge(&[]);
    let text =
        String::from_utf8(lying.timestamp).unwrap().replace("\"version\":3", "\"version\":4");
    check(
        &lab,
        lab.look_with(&lab.policy(), Some(&state), |name, bytes| {
            if name == "timestamp.json" { Some(text.clone().into_bytes()) } else { bytes }
        }),
        expect![
            "`timestamp` has 0 of 1 needed signatures: key HEX: the signature does not match what it signs"
        ],
    );
}

#[test]
fn expired() {
    let mut lab = Lab::new();
    let old = lab.newest(&Role::TIMESTAMP);
    lab.now += days(15);
    let freeze =
        |name: &str, bytes| if name == "timestamp.json" { Some(old.clone()) } else { bytes };
    check(
        &lab,
        lab.look_with(&lab.policy(), None, freeze),
        expect!["`timestamp` expired at 2026-12-05T00:00:00Z"],
    );
    // The server's own answer is signed again in time.
    lab.look(None).unwrap();
    lab.now += days(3 * 365);
    check(&lab, lab.look(None), expect!["`targets` expired at 2029-11-20T00:00:00Z"]);
}

#[test]
fn an_expired_delegation_hides_no_tag_behind_another_role() {
    let lab = Lab::new();
    let expired = resigned(&lab, &Role::RELEASES, &lab.publisher.alice, |map| {
        map.insert("expires".to_owned(), json!("2026-01-01T00:00:00Z"));
        map.insert("version".to_owned(), json!(2));
    });
    let lying = lab.forge(&[(Role::RELEASES, Some(expired))]);
    let (trusted, _) =
        lab.look_with(&lab.policy(), None, |name, bytes| lying.answer(name, bytes)).unwrap();
    check_error(
        &lab,
        &trusted.resolve("v1").unwrap_err(),
        expect![
            "`targets/releases` cannot be used: `targets/releases` expired at 2026-01-01T00:00:00Z"
        ],
    );
    assert_eq!(trusted.refusals().len(), 1);
}

#[test]
fn rollback_of_every_role() {
    let mut lab = Lab::new();
    let names = ["timestamp", "snapshot", "targets", "targets/releases", "targets/alice"];
    let old: Vec<(Role, Vec<u8>)> = names
        .iter()
        .map(|name| Role::parse(name).unwrap())
        .map(|role| (role.clone(), lab.newest(&role)))
        .collect();
    lab.now += days(1);
    lab.sign("v1", 2);
    lab.change(&Change::Witness { role: Role::TARGETS });
    let (_, state) = lab.look(None).unwrap();
    let with = |lying: &[(Role, Vec<u8>)]| {
        let find = |name: &str| {
            lying.iter().find(|(role, _)| name.split('.').next() == Some(role.as_str()))
        };
        lab.look_with(&lab.policy(), Some(&state), |name, bytes| match find(name) {
            Some((_, bytes)) => Some(bytes.clone()),
            None => bytes,
        })
    };
    check(
        &lab,
        with(&old[..1]),
        expect!["`timestamp` has version 2, but version 4 was seen before"],
    );
    // The server's own keys sign a new timestamp over the old snapshot.
    let lying = lab.forge_over(old[1].1.clone());
    check(
        &lab,
        lab.look_with(&lab.policy(), Some(&state), |name, bytes| lying.answer(name, bytes)),
        expect!["`snapshot` has version 2, but version 4 was seen before"],
    );
    // The server's own keys sign a new snapshot over old documents of the publisher.
    let mut messages = Vec::new();
    for (role, bytes) in &old[2..] {
        let lying = lab.forge(&[(role.clone(), Some(bytes.clone()))]);
        let result =
            lab.look_with(&lab.policy(), Some(&state), |name, bytes| lying.answer(name, bytes));
        messages.push(result.unwrap_err().to_string());
    }
    expect![[r#"
        `targets` has version 1, but version 2 was seen before
        `targets/releases` has version 1, but version 2 was seen before
        `targets/alice` has version 1, but version 2 was seen before"#]]
    .assert_eq(&messages.join("\n"));
}

#[test]
fn a_snapshot_of_before_signed_anew() {
    let lab = Lab::new();
    let (_, state) = lab.look(None).unwrap();
    let lying = lab.forge(&[]);
    // Version 3 was seen; the lie is another document of version 3.
    lab.sign("v2", 2);
    let (_, newer) = lab.look(Some(&state)).unwrap();
    check(
        &lab,
        lab.look_with(&lab.policy(), Some(&newer), |name, bytes| lying.answer(name, bytes)),
        expect!["`timestamp` of version 3 is not the one that was seen before"],
    );
}

#[test]
fn freeze() {
    let mut lab = Lab::new();
    let old = lab.newest(&Role::TIMESTAMP);
    let policy = Policy { max_staleness: Some(days(1)), ..lab.policy() };
    lab.look_with(&policy, None, |_, bytes| bytes).unwrap();
    lab.now += days(9);
    let freeze =
        |name: &str, bytes| if name == "timestamp.json" { Some(old.clone()) } else { bytes };
    check(
        &lab,
        lab.look_with(&policy, None, freeze),
        expect!["the newest proof of freshness is 216 h old, more than 24 h"],
    );
}

#[test]
fn without_the_server() {
    let lab = Lab::new();
    let (_, state) = lab.look(None).unwrap();
    let policy = Policy { max_staleness: Some(days(2)), ..lab.policy() };
    let trusted = verify_kept(&gun(), &policy, &state, lab.now + days(1)).unwrap();
    assert_eq!(trusted.resolve("v1").unwrap().sha256, [1; 32]);
    assert_eq!(trusted.checked_at.as_second(), lab.now.as_second());
    let late = verify_kept(&gun(), &policy, &state, lab.now + days(3)).unwrap_err();
    check_error(&lab, &late, expect!["the newest proof of freshness is 72 h old, more than 48 h"]);
    let expired = verify_kept(&gun(), &lab.policy(), &state, lab.now + days(20)).unwrap_err();
    check_error(&lab, &expired, expect!["`timestamp` expired at 2026-12-05T00:00:00Z"]);
    let nothing = verify_kept(&gun(), &policy, &State::new(&gun()), lab.now).unwrap_err();
    check_error(&lab, &nothing, expect!["nothing of `registry.example/team/app` is kept here"]);
    // The server answers, but not with what was asked for.
    check(
        &lab,
        lab.look_with(&lab.policy(), None, |name, bytes| {
            bytes.filter(|_| !name.starts_with("targets."))
        }),
        expect!["the server has no `targets.HEX.json`"],
    );
}

#[test]
fn mix_and_match() {
    let lab = Lab::new();
    let old = lab.newest(&Role::parse("targets/alice").unwrap());
    lab.sign("v2", 2);
    check(
        &lab,
        lab.look_with(&lab.policy(), None, |name, bytes| {
            if name.starts_with("targets/alice") { Some(old.clone()) } else { bytes }
        }),
        expect!["the sha256 of `targets/alice` is HEX, but `snapshot` says HEX"],
    );
    // A root that the snapshot does not know.
    let root = lab.newest(&Role::ROOT);
    let lying = lab.forge(&[(Role::ROOT, Some([&root[..], b" "].concat()))]);
    check(
        &lab,
        lab.look_with(&lab.policy(), None, |name, bytes| {
            if name.contains("root") { bytes } else { lying.answer(name, bytes) }
        }),
        expect!["the sha256 of `root` is HEX, but `snapshot` says HEX"],
    );
}

#[test]
fn role_dropped() {
    let lab = Lab::new();
    let (_, state) = lab.look(None).unwrap();
    let lying = lab.forge(&[(Role::RELEASES, None)]);
    check(
        &lab,
        lab.look_with(&lab.policy(), Some(&state), |name, bytes| lying.answer(name, bytes)),
        expect![
            "`snapshot` has no `targets/releases` any more, which is still delegated to and was seen before"
        ],
    );
}

#[test]
fn length_wrong() {
    let lab = Lab::new();
    let bytes = lab.newest(&Role::RELEASES);
    let meta = FileMeta { length: 5, ..FileMeta::of(&bytes) };
    let error = meta.check(&Role::RELEASES, &Role::SNAPSHOT, &bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`targets/releases` has {} bytes, but `snapshot` says 5", bytes.len())
    );
}

#[test]
fn metadata_of_another_repository() {
    let lab = Lab::new();
    let other = "registry.example/team/other";
    let key = SigningKey::generate_p256();
    let public = certificate(&key, other);
    let root = resigned(&lab, &Role::ROOT, &lab.publisher.root, |map| {
        map["keys"][public.id()] = public.to_value();
        map["roles"]["root"]["keyids"] = json!([public.id()]);
    });
    let policy = Policy { first_use: FirstUse::Trust, ..Policy::default() };
    check(
        &lab,
        lab.look_with(
            &policy,
            None,
            |name, bytes| if name == "root.json" { Some(root.clone()) } else { bytes },
        ),
        expect![
            "the root's certificates are for `registry.example/team/other`, and not for `registry.example/team/app`"
        ],
    );
    // A bare key says nothing of a repository.
    let bare = Key::bare(&key.public());
    let root = resigned(&lab, &Role::ROOT, &lab.publisher.root, |map| {
        map["keys"][bare.id()] = bare.to_value();
        map["roles"]["root"]["keyids"] = json!([bare.id()]);
    });
    check(
        &lab,
        lab.look_with(
            &policy,
            None,
            |name, bytes| if name == "root.json" { Some(root.clone()) } else { bytes },
        ),
        expect!["the root has no usable certificate: key HEX is no certificate"],
    );
}

#[test]
fn first_use_and_pins() {
    let lab = Lab::new();
    let honest = |_: &str, bytes| bytes;
    check(
        &lab,
        lab.look_with(&Policy::default(), None, honest),
        expect![
            "`registry.example/team/app` was never seen before, and no root key is pinned for it"
        ],
    );
    let tofu = Policy { first_use: FirstUse::Trust, ..Policy::default() };
    lab.look_with(&tofu, None, honest).unwrap();
    // A pin is not overruled by trust in the first use.
    let pin = Pin::Key("00".repeat(32));
    let pinned = Policy { pins: vec![pin], first_use: FirstUse::Trust, ..Policy::default() };
    check(
        &lab,
        lab.look_with(&pinned, None, honest),
        expect![
            "none of the pinned keys signed the root of `registry.example/team/app`; its root keys are ROOT"
        ],
    );
    for id in [lab.publisher.root.bare_id().unwrap(), lab.publisher.root.identity().unwrap()] {
        let policy = Policy { pins: vec![Pin::Key(id)], ..Policy::default() };
        lab.look_with(&policy, None, honest).unwrap();
    }
}

#[test]
fn a_root_that_only_lists_the_pinned_key() {
    let lab = Lab::new();
    let stranger = SigningKey::generate_p256();
    let public = certificate(&stranger, GUN);
    let envelope =
        Envelope::parse(&lab.newest(&Role::ROOT), &Role::ROOT, &Limits::default()).unwrap();
    let mut map = envelope.signed().clone();
    map["keys"][public.id()] = public.to_value();
    map["roles"]["root"]["keyids"] = json!([lab.publisher.root.id(), public.id()]);
    let signer = Signer { key: &public, private: &stranger };
    let forged = seal(&Role::ROOT, &map, &[signer]).unwrap();
    let forge = |name: &str, bytes| if name == "root.json" { Some(forged.clone()) } else { bytes };
    let error = lab.look_with(&lab.policy(), None, forge).unwrap_err().to_string();
    let expected = "none of the pinned keys signed the root of `registry.example/team/app`; its root keys are ";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn threshold_by_one_key_under_two_names() {
    let lab = Lab::new();
    let bob = SigningKey::generate_p256();
    let mut change = DelegationChange::new(Role::RELEASES);
    change.add_keys = vec![Key::bare(&bob.public())];
    change.threshold = Some(2);
    lab.change(&Change::Delegate(change));
    let (trusted, _) = lab.look(None).unwrap();
    check_error(
        &lab,
        &trusted.resolve("v1").unwrap_err(),
        expect![
            "`targets/releases` cannot be used: `targets/releases` has 1 of 2 needed signatures"
        ],
    );
    // Twice the same signature.
    let role = Role::RELEASES;
    let alice = &lab.publisher.alice;
    let private = lab.publisher.keys.get(alice).unwrap();
    let map = Targets::new(lab.now + days(1)).to_map();
    let signer = Signer { key: alice, private };
    let twice = seal(&role, &map, &[signer, signer]).unwrap();
    let authority = trusted.roles[&role].authority.clone();
    let envelope = Envelope::parse(&twice, &role, &Limits::default()).unwrap();
    check_error(
        &lab,
        &envelope.check_signatures(&role, &authority).unwrap_err(),
        expect!["`targets/releases` has 1 of 2 needed signatures: key ALICE signed already"],
    );
    // The same key once bare and once as a certificate.
    let named = certificate(&copy(private), GUN);
    let mut authority = authority;
    authority.keys.insert(named.id().to_owned(), named.clone());
    let both = seal(&role, &map, &[signer, Signer { key: &named, private }]).unwrap();
    let envelope = Envelope::parse(&both, &role, &Limits::default()).unwrap();
    let error = envelope.check_signatures(&role, &authority).unwrap_err().to_string();
    assert!(
        error.contains("has 1 of 2 needed signatures: key ") && error.ends_with("signed already"),
        "{error}"
    );
}

#[test]
fn a_tag_outside_of_its_paths_is_not_seen() {
    let lab = Lab::new();
    let mut change = DelegationChange::new(Role::RELEASES);
    change.clear_paths = true;
    change.add_paths = vec!["release-".to_owned()];
    lab.change(&Change::Delegate(change));
    let (trusted, _) = lab.look(None).unwrap();
    check_error(&lab, &trusted.resolve("v1").unwrap_err(), expect!["no trust data for `v1`"]);
}

#[test]
fn a_tag_that_goes_back_is_refused_alone() {
    let lab = Lab::new();
    lab.sign("v2", 7);
    let (_, state) = lab.look(None).unwrap();
    lab.sign("v1", 2);
    let (_, state) = lab.look(Some(&state)).unwrap();
    lab.sign("v1", 1);
    let (trusted, state) = lab.look(Some(&state)).unwrap();
    check_error(
        &lab,
        &trusted.resolve("v1").unwrap_err(),
        expect!["`v1` points to HEX again, which HEX replaced"],
    );
    assert_eq!(trusted.resolve("v2").unwrap().sha256, [7; 32]);
    // With a counter it is meant so.
    let file = FileMeta::of_manifest([1; 32], 523);
    lab.change(&Change::SignTag { tag: "v1".to_owned(), file, count_from: Some(1) });
    let (trusted, _) = lab.look(Some(&state)).unwrap();
    assert_eq!(trusted.resolve("v1").unwrap().sha256, [1; 32]);
}

#[test]
fn roots_follow_each_other() {
    let mut lab = Lab::new();
    let (_, first) = lab.look(None).unwrap();
    let old = lab.publisher.root.clone();
    for _ in 0..2 {
        let key = SigningKey::generate_p256();
        let public = certificate(&key, GUN);
        lab.publisher.keys.add(key);
        lab.change(&Change::Rotate { role: Role::ROOT, keys: vec![public.clone()], threshold: 1 });
        lab.publisher.root = public;
    }
    // The client of before walks; so does one whose pin is of the first root.
    lab.look(Some(&first)).unwrap();
    let pinned = Policy { pins: vec![Pin::Key(old.id().to_owned())], ..Policy::default() };
    let (_, walked) = lab.look_with(&pinned, None, |_, bytes| bytes).unwrap();
    lab.look_with(&pinned, Some(&walked), |_, bytes| bytes).unwrap();
    let stranger = Policy { pins: vec![Pin::Key("00".repeat(32))], ..Policy::default() };
    assert!(matches!(
        lab.look_with(&stranger, Some(&walked), |_, bytes| bytes),
        Err(Error::Pin { .. })
    ));
    // A step is left out.
    let third = lab.get("3.root.json");
    let skip = |name: &str, bytes| if name == "2.root.json" { third.clone() } else { bytes };
    check(
        &lab,
        lab.look_with(&pinned, Some(&first), skip),
        expect!["`root` has version 3 where 2 is due"],
    );
    // A root of a stranger, who signed for himself.
    let stranger = SigningKey::generate_p256();
    let public = certificate(&stranger, GUN);
    let envelope =
        Envelope::parse(&lab.get("1.root.json").unwrap(), &Role::ROOT, &Limits::default()).unwrap();
    let mut map = envelope.signed().clone();
    map["keys"][public.id()] = public.to_value();
    map["roles"]["root"]["keyids"] = json!([public.id()]);
    map.insert("version".to_owned(), json!(2));
    let signer = Signer { key: &public, private: &stranger };
    let forged = seal(&Role::ROOT, &map, &[signer]).unwrap();
    let forge =
        |name: &str, bytes| if name == "2.root.json" { Some(forged.clone()) } else { bytes };
    check(
        &lab,
        lab.look_with(&pinned, Some(&first), forge),
        expect!["`root` 2 is not signed by the keys of `root` 1: 0 of 1"],
    );
}
