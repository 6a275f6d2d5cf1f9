//! What a verifier forgets, and what it does not: other keys of the server, lost documents, signers who return, and
//! authorities whose time is over.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use sealift_crypto::{Certificate, SigningKey};
use sealift_tuf::server::Code;
use sealift_tuf::verify::{Pin, Policy};
use sealift_tuf::{
    Change, Envelope, Error, FileMeta, Gun, Key, Limits, Meta, Repository, Role, State,
};

use crate::lab::{GUN, Lab, Publisher, days, gun, start};

fn rotate(lab: &Lab, role: Role) {
    let key = Key::from_json(&lab.server.rotate_key(&gun(), &role).unwrap()).unwrap();
    lab.change(&Change::Rotate { role, keys: vec![key], threshold: 1 });
}

#[test]
fn a_new_key_of_the_server_counts_anew() {
    let lab = Lab::new();
    // Somebody stole the keys of the server and gave out the highest versions that there are.
    let far = |role: &Role| {
        let envelope = Envelope::parse(&lab.newest(role), role, &Limits::default()).unwrap();
        let mut meta = Meta::read(&envelope, role).unwrap();
        meta.version = 1 << 50;
        meta
    };
    let role = Role::SNAPSHOT;
    let snapshot = lab.seal_as_server(&role, far(&role).to_map(&role));
    let role = Role::TIMESTAMP;
    let mut timestamp = far(&role);
    timestamp.meta.insert("snapshot".to_owned(), FileMeta::of(&snapshot));
    let timestamp = lab.seal_as_server(&role, timestamp.to_map(&role));
    let (_, state) = lab
        .look_with(&lab.policy(), None, |name, bytes| match name.split('.').next() {
            Some("timestamp") => Some(timestamp.clone()),
            Some("snapshot") => Some(snapshot.clone()),
            _ => bytes,
        })
        .unwrap();
    let error = lab.look(Some(&state)).unwrap_err().to_string();
    expect!["`timestamp` has version 2, but version 1125899906842624 was seen before"]
        .assert_eq(&error);
    rotate(&lab, Role::TIMESTAMP);
    let error = lab.look(Some(&state)).unwrap_err().to_string();
    expect!["`snapshot` has version 3, but version 1125899906842624 was seen before"]
        .assert_eq(&error);
    rotate(&lab, Role::SNAPSHOT);
    let (_, state) = lab.look(Some(&state)).unwrap();
    // From then on nothing goes back, neither there nor in the roles that hold tags.
    assert_eq!(state.version(&Role::TIMESTAMP), Some(4));
    assert_eq!(state.version(&Role::RELEASES), Some(1));
}

#[test]
fn lost_documents_are_fetched_again_and_marks_stay() {
    let mut lab = Lab::new();
    let (_, state) = lab.look(None).unwrap();
    let bare = state.clone().with_documents(BTreeMap::new());
    assert!(bare.document(&Role::ROOT).is_none());
    assert_eq!(bare.version(&Role::RELEASES), Some(1));
    // No pin and no first use: the mark of the root says which one it was.
    let (_, again) = lab.look_with(&Policy::default(), Some(&bare), |_, bytes| bytes).unwrap();
    assert_eq!(again.document(&Role::ROOT), state.document(&Role::ROOT));
    let damaged: BTreeMap<String, String> = state
        .documents()
        .iter()
        .map(|(name, text)| (name.clone(), text.replace("\"version\":", "\"version\":9")))
        .collect();
    assert_eq!(state.clone().with_documents(damaged), bare);
    assert_eq!(bare.clone().with_documents(state.documents().clone()), state);
    // Another root of that version is a lie, also when it is good by itself.
    let stranger = Lab::new();
    let forged = stranger.get("1.root.json");
    let result = lab.look_with(&Policy::default(), Some(&bare), |name, bytes| {
        if name == "1.root.json" { forged.clone() } else { bytes }
    });
    let error = result.unwrap_err().to_string();
    expect!["`root` of version 1 is not the one that was seen before"].assert_eq(&error);
    lab.now += days(1);
    let error = lab.look_with(&Policy::default(), Some(&bare), |name, bytes| {
        bytes.filter(|_| name != "1.root.json")
    });
    expect!["the server has no `1.root.json`"].assert_eq(&error.unwrap_err().to_string());
}

#[test]
fn a_signer_goes_and_returns() {
    let lab = Lab::new();
    let bob = SigningKey::generate_p256();
    let keys = vec![Key::bare(&bob.public())];
    let mut lab = lab;
    lab.publisher.keys.add(bob);
    let add = Change::AddSigner { name: "bob".to_owned(), keys };
    lab.change(&add);
    lab.sign("v2", 2);
    let (_, state) = lab.look(None).unwrap();
    let role = Role::parse("targets/bob").unwrap();
    lab.sign("v3", 3);
    let (_, state) = lab.look(Some(&state)).unwrap();
    assert_eq!(state.version(&role), Some(2));
    lab.change(&Change::RemoveSigner { name: "bob".to_owned() });
    let (_, state) = lab.look(Some(&state)).unwrap();
    lab.change(&add);
    let (trusted, state) = lab.look(Some(&state)).unwrap();
    assert_eq!(trusted.unpublished, std::slice::from_ref(&role));
    let file = FileMeta::of_manifest([4; 32], 523);
    let sign = Change::SignTag { tag: "v4".to_owned(), file, count_from: None };
    let mut repository = lab.open();
    repository.apply(&sign).unwrap();
    assert_eq!(repository.first_documents(), std::slice::from_ref(&role));
    // The server has its documents of before.
    assert_eq!(lab.publish(&repository).unwrap_err().code, Code::Version);
    repository.count_from(&role, 2);
    lab.publish(&repository).unwrap();
    let (trusted, state) = lab.look(Some(&state)).unwrap();
    assert_eq!(trusted.resolve("v4").unwrap().signers, ["alice", "bob"]);
    assert_eq!(state.version(&role), Some(3));
}

/// Authorities and a leaf, made by OpenSSL: validity in days from today.
struct Chain(tempfile::TempDir);

impl Chain {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    // A key NAME.key, and a certificate NAME.crt which an authority issued.
    fn issue(&self, name: &str, subject: &str, issuer: &str, days: u32, is_authority: bool) {
        self.openssl(&format!("ecparam -name prime256v1 -genkey -noout -out {name}.ec"));
        self.openssl(&format!("pkcs8 -topk8 -nocrypt -in {name}.ec -out {name}.key"));
        let extensions = if is_authority {
            "basicConstraints=critical,CA:true\n"
        } else {
            "basicConstraints=critical,CA:false\nextendedKeyUsage=codeSigning\n"
        };
        std::fs::write(self.path().join("extensions"), extensions).unwrap();
        self.openssl(&format!(
            "req -new -key {name}.key -subj /CN={} -out {name}.csr",
            subject.replace('/', "\\/")
        ));
        let by = if issuer == name {
            format!("-signkey {name}.key")
        } else {
            format!("-CA {issuer}.crt -CAkey {issuer}.key -CAcreateserial")
        };
        self.openssl(&format!(
            "x509 -req -in {name}.csr {by} -days {days} -sha256 -extfile extensions -out {name}.crt"
        ));
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }
}

#[test]
fn an_authority_whose_time_is_over_is_no_pin() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("SKIPPED: this test needs `openssl`");
        return;
    }
    let chain = Chain::new();
    chain.issue("top", "top", "top", 3000, true);
    chain.issue("middle", "middle", "top", 20, true);
    chain.issue("leaf", GUN, "middle", 2000, false);
    let certificates =
        Certificate::chain_from_pem(&(chain.text("leaf.crt") + &chain.text("middle.crt"))).unwrap();
    let (from, _) = certificates[0].validity();
    let private = SigningKey::from_pem(&chain.text("leaf.key")).unwrap();
    let public = key_of_chain(&certificates);
    let top = Certificate::chain_from_pem(&chain.text("top.crt")).unwrap().remove(0);
    let mut lab = Lab::new();
    lab.now = from + days(1);
    let publisher = Publisher::new();
    let own = |role| Key::from_json(&lab.server.key(&other(), &role).unwrap()).unwrap();
    let keys = [public, publisher.targets.clone(), own(Role::SNAPSHOT), own(Role::TIMESTAMP)];
    lab.publisher.keys.add(private);
    let targets = publisher.keys.get(&publisher.targets).unwrap();
    lab.publisher.keys.add(crate::lab::copy(targets));
    let repository = Repository::create(&gun(), keys, &lab.publisher.keys, lab.now);
    let root = repository.upload(&lab.publisher.keys, lab.now).unwrap().remove(0).1;
    let policy = Policy { pins: vec![Pin::Authority(Box::new(top))], ..Policy::default() };
    let look = |now, state: Option<State>| {
        let mut update = sealift_tuf::Update::new(&gun(), &policy, state, now);
        update.give(Some(&root))
    };
    look(lab.now, None).unwrap();
    // The middle one expires first.
    let error = look(lab.now + days(30), None).unwrap_err();
    assert!(matches!(error, Error::Pin { .. }), "{error}");
    assert!(lab.now > start() - days(400));
}

fn other() -> Gun {
    Gun::parse("registry.example/other").unwrap()
}

fn key_of_chain(certificates: &[Certificate]) -> Key {
    use base64::Engine as _;
    let pem: String = certificates.iter().map(Certificate::to_pem).collect();
    let public = base64::engine::general_purpose::STANDARD.encode(pem);
    let value = serde_json::json!({
        "keytype": "ecdsa-x509", "keyval": { "private": null, "public": public }
    });
    Key::from_value(&value).unwrap()
}
