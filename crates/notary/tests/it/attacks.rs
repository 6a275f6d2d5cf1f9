//! Attacks on a reader by a server that lies, each with the words of the refusal. docs/trust-attacks.md lists them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use expect_test::{Expect, expect};
use sealift_client::{Blocking, Settings};
use sealift_crypto::SigningKey;
use sealift_notary::{HttpServer, Look, Server, ServerAddress};
use sealift_tuf::server::parse_name;
use sealift_tuf::{Change, DelegationChange, FileMeta, Gun, Key, Role};
use serde_json::{Value, json};

use crate::desk::{Desk, GUN, Local, ONE, file, first_use, gun, published, sign};
use crate::liar::{Liar, resigned, with_signatures};

// Order of P-256 (SEC 2 §2.4.2).
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

/// A repository with the tag v1, and somebody who has seen it.
struct Scene {
    local: Local,
    publisher: Desk,
    reader: Desk,
}

impl Scene {
    fn new() -> Self {
        let local = Local::new();
        let (publisher, _) = published(&local, local.now());
        let scene = Self { local, publisher, reader: Desk::new() };
        scene.look();
        scene
    }

    fn look(&self) {
        self.reader.client(&self.local, self.local.now()).look(&gun(), &first_use()).unwrap();
    }

    fn publish(&self, changes: &[Change]) {
        self.publisher.publisher(&self.local, self.local.now()).publish(&gun(), changes).unwrap();
    }

    fn alice(&self) -> SigningKey {
        self.publisher.open("alice")
    }

    // The words of the refusal of v1, after those that all have.
    fn refusal(&self, server: &dyn Server, look: &Look) -> String {
        // What a lie leaves behind must not be in the way of the next one.
        let reader = Desk::new();
        if let Ok(files) = std::fs::read_dir(self.reader.states.folder()) {
            std::fs::create_dir_all(reader.states.folder()).unwrap();
            for file in files.flatten() {
                std::fs::copy(file.path(), reader.states.folder().join(file.file_name())).unwrap();
            }
        }
        let client = reader.client(server, self.local.now());
        let error = client.lookup(&gun(), "v1", look).unwrap_err().to_string();
        let head = format!("the trust data of `{GUN}` is refused: ");
        without_hashes(error.strip_prefix(&head).unwrap_or(&error))
    }

    #[track_caller]
    fn check(&self, server: &dyn Server, expected: Expect) {
        expected.assert_eq(&self.refusal(server, &Look::default()));
    }

    // A document of `targets/releases` that the server proves.
    #[track_caller]
    fn check_releases(&self, bytes: Vec<u8>, expected: Expect) {
        self.check(&Liar::proving(&self.local, &[(Role::RELEASES, Some(bytes))]), expected);
    }

    fn releases(&self) -> Vec<u8> {
        resigned(&self.local, &Role::RELEASES, &self.alice(), |_| ())
    }
}

fn without_hashes(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if length >= 12 {
            words.push_str("HEX");
            rest = &rest[length..];
        } else {
            let next = rest.chars().next().map_or(1, char::len_utf8).max(length);
            words.push_str(&rest[..next]);
            rest = &rest[next..];
        }
    }
    words
}

fn edited(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn tampered() {
    let scene = Scene::new();
    let timestamp = edited(&scene.local.newest(&Role::TIMESTAMP), "\"version\":", "\"version\":9");
    scene.check(
        &Liar::instead(&scene.local, vec![(Role::TIMESTAMP, timestamp)]),
        expect!["`timestamp` has 0 of 1 needed signatures: key HEX: the signature does not match what it signs"],
    );
    scene.publish(&[sign("v1", 2)]);
    let releases = edited(&scene.local.newest(&Role::RELEASES), "\"length\":523", "\"length\":524");
    scene.check(
        &Liar::instead(&scene.local, vec![(Role::RELEASES, releases.clone())]),
        expect!["the sha256 of `targets/releases` is HEX, but `snapshot` says HEX"],
    );
    scene.check_releases(
        releases,
        expect!["`targets/releases` cannot be used: `targets/releases` has 0 of 1 needed signatures: key HEX: the signature does not match what it signs"],
    );
}

#[test]
fn expired() {
    let scene = Scene::new();
    let old = scene.local.newest(&Role::TIMESTAMP);
    scene.local.wait(15);
    let text =
        scene.refusal(&Liar::instead(&scene.local, vec![(Role::TIMESTAMP, old)]), &Look::default());
    assert!(text.starts_with("`timestamp` expired at 20"), "{text}");
    scene.check_releases(
        resigned(&scene.local, &Role::RELEASES, &scene.alice(), |map| {
            map.insert("expires".to_owned(), json!("2026-01-01T00:00:00Z"));
        }),
        expect![
            "`targets/releases` cannot be used: `targets/releases` expired at 2026-01-01T00:00:00Z"
        ],
    );
}

#[test]
fn rollback_of_every_role() {
    let scene = Scene::new();
    let names = ["timestamp", "snapshot", "targets", "targets/releases", "targets/alice"];
    let old: Vec<(Role, Vec<u8>)> = names
        .iter()
        .map(|name| Role::parse(name).unwrap())
        .map(|role| (role.clone(), scene.local.newest(&role)))
        .collect();
    scene.publish(&[sign("v1", 2)]);
    scene.publish(&[Change::Witness { role: Role::TARGETS }]);
    scene.look();
    scene.check(
        &Liar::instead(&scene.local, old[..1].to_vec()),
        expect!["`timestamp` has version 2, but version 4 was seen before"],
    );
    let over_old = Liar::timestamp_over(&scene.local, old[1].1.clone());
    scene.check(
        &Liar::instead(&scene.local, over_old),
        expect!["`snapshot` has version 2, but version 4 was seen before"],
    );
    // The server's own keys prove documents of before: docker takes the last two.
    let mut messages = Vec::new();
    for (role, bytes) in &old[2..] {
        let liar = Liar::proving(&scene.local, &[(role.clone(), Some(bytes.clone()))]);
        messages.push(scene.refusal(&liar, &Look::default()));
    }
    expect![[r#"
        `targets` has version 1, but version 2 was seen before
        `targets/releases` has version 1, but version 2 was seen before
        `targets/alice` has version 1, but version 2 was seen before"#]]
    .assert_eq(&messages.join("\n"));
}

#[test]
fn rollback_of_the_root() {
    let scene = Scene::new();
    let old = scene.local.get(&gun(), "1.root.json").unwrap();
    let publisher = scene.publisher.publisher(&scene.local, scene.local.now());
    publisher.rotate(&gun(), &Role::ROOT, None, false).unwrap();
    scene.look();
    scene.check(
        &Liar::new(
            &scene.local,
            move |name, answer| {
                if name == "3.root.json" { Some(old.clone()) } else { answer }
            },
        ),
        expect!["`root` has version 1 where 3 is due"],
    );
    // The new root is held back: the rest does not fit the one that was seen.
    let fresh = Desk::new();
    let liar = Liar::new(&scene.local, |name, answer| match name {
        "root.json" => scene.local.get(&gun(), "1.root.json"),
        "2.root.json" => None,
        _ => answer,
    });
    let client = fresh.client(&liar, scene.local.now());
    let error = client.lookup(&gun(), "v1", &first_use()).unwrap_err().to_string();
    assert!(
        without_hashes(&error).ends_with("the sha256 of `root` is HEX, but `snapshot` says HEX"),
        "{error}"
    );
}

#[test]
fn a_tag_that_goes_back() {
    let scene = Scene::new();
    scene.publish(&[sign("v1", 2)]);
    scene.look();
    // A publisher's machine that was restored from a copy signs the old digest again.
    scene.publish(&[sign("v1", 1)]);
    scene.check(&scene.local, expect!["`v1` points to HEX again, which HEX replaced"]);
}

#[test]
fn a_counter_that_goes_back() {
    let scene = Scene::new();
    let count =
        |byte, count_from| Change::SignTag { tag: "v1".to_owned(), file: file(byte), count_from };
    scene.publish(&[count(2, Some(7))]);
    scene.look();
    let entry = |counter: u64| {
        let mut file = file(3);
        file.custom = Some(json!({ "sealift": { "counter": counter } }));
        serde_json::to_value(file).unwrap()
    };
    scene.check_releases(
        resigned(&scene.local, &Role::RELEASES, &scene.alice(), |map| {
            map["targets"]["v1"] = entry(6);
        }),
        expect!["`v1` has counter 6, but 7 was seen before"],
    );
}

#[test]
fn freeze() {
    let scene = Scene::new();
    let old = scene.local.newest(&Role::TIMESTAMP);
    scene.local.wait(9);
    let frozen = Liar::instead(&scene.local, vec![(Role::TIMESTAMP, old)]);
    let day = jiff::SignedDuration::from_hours(24);
    let look = Look { max_staleness: Some(day), ..Look::default() };
    expect!["the newest proof of freshness is 216 h old, more than 24 h"]
        .assert_eq(&scene.refusal(&frozen, &look));
}

#[test]
fn mix_and_match() {
    let scene = Scene::new();
    let old = scene.local.newest(&Role::RELEASES);
    scene.publish(&[sign("v1", 2)]);
    scene.check(
        &Liar::instead(&scene.local, vec![(Role::RELEASES, old)]),
        expect!["the sha256 of `targets/releases` is HEX, but `snapshot` says HEX"],
    );
}

#[test]
fn role_dropped() {
    let scene = Scene::new();
    scene.check(
        &Liar::proving(&scene.local, &[(Role::RELEASES, None)]),
        expect!["`snapshot` has no `targets/releases` any more, which is still delegated to and was seen before"],
    );
}

#[test]
fn metadata_of_another_repository() {
    let scene = Scene::new();
    let other = Gun::parse("localhost:5443/team/other").unwrap();
    let desk = Desk::new();
    let publisher = desk.publisher(&scene.local, scene.local.now());
    publisher.init(&other, ONE, &[desk.add_signer("eve")]).unwrap();
    publisher.publish(&other, &[sign("v1", 6)]).unwrap();
    let swapped = Liar::new(&scene.local, |name, _| scene.local.get(&other, name));
    // Who has seen the repository is not even asked for its root.
    scene.check(
        &swapped,
        expect!["`timestamp` has 0 of 1 needed signatures: key HEX may not sign it"],
    );
    drop(swapped);
    let fresh = Scene { reader: Desk::new(), ..scene };
    let swapped = Liar::new(&fresh.local, |name, _| fresh.local.get(&other, name));
    expect!["the root's certificates are for `localhost:5443/team/other`, and not for `localhost:5443/team/app`"]
        .assert_eq(&fresh.refusal(&swapped, &first_use()));
}

#[test]
fn first_use_without_a_pin() {
    let scene = Scene { reader: Desk::new(), ..Scene::new() };
    scene.check(
        &scene.local,
        expect![
            "`localhost:5443/team/app` was never seen before, and no root key is pinned for it"
        ],
    );
    let wrong = sealift_notary::parse_pin(&"00".repeat(32)).unwrap();
    let look = Look { pins: vec![wrong], ..first_use() };
    expect!["none of the pinned keys signed the root of `localhost:5443/team/app`; its root keys are HEX"]
        .assert_eq(&scene.refusal(&scene.local, &look));
}

#[test]
fn threshold_by_duplicate_key() {
    let scene = Scene::new();
    let bob = SigningKey::generate_p256();
    let mut change = DelegationChange::new(Role::RELEASES);
    change.add_keys = vec![Key::bare(&bob.public())];
    change.threshold = Some(2);
    scene.publish(&[Change::Delegate(change)]);
    let twice = with_signatures(&scene.releases(), |signatures| {
        let again = signatures[0].clone();
        signatures.push(again);
    });
    scene.check_releases(
        twice,
        expect!["`targets/releases` cannot be used: `targets/releases` has 1 of 2 needed signatures: key HEX signed already"],
    );
    // The other of the two numbers that a signature may be: other bytes, the same key.
    let high = with_signatures(&scene.releases(), |signatures| {
        let mut again = signatures[0].clone();
        again["sig"] = json!(negated(again["sig"].as_str().unwrap()));
        assert_ne!(again, signatures[0]);
        signatures.push(again);
    });
    scene.check_releases(
        high,
        expect!["`targets/releases` cannot be used: `targets/releases` has 1 of 2 needed signatures: key HEX signed already"],
    );
}

// The order minus the second number.
fn negated(signature: &str) -> String {
    let mut bytes = STANDARD.decode(signature).unwrap();
    let mut has_borrowed = false;
    for (digit, order) in bytes[32..].iter_mut().zip(ORDER).rev() {
        let (difference, first) = order.overflowing_sub(*digit);
        let (difference, second) = difference.overflowing_sub(u8::from(has_borrowed));
        *digit = difference;
        has_borrowed = first || second;
    }
    STANDARD.encode(bytes)
}

#[test]
fn wrong_algorithm() {
    let scene = Scene::new();
    let with_method = |method: &'static str| {
        with_signatures(&scene.releases(), |signatures| signatures[0]["method"] = json!(method))
    };
    scene.check_releases(
        with_method("rsapss"),
        expect!["`targets/releases` cannot be used: `targets/releases` has 0 of 1 needed signatures: key HEX of type `ecdsa` makes no `rsapss` signatures"],
    );
    scene.check_releases(
        with_method("none"),
        expect!["`targets/releases` cannot be used: `targets/releases` has 0 of 1 needed signatures: key HEX of type `ecdsa` makes no `none` signatures"],
    );
}

#[test]
fn der_where_raw_is_due() {
    let scene = Scene::new();
    let raw = scene.releases();
    let envelope =
        sealift_tuf::Envelope::parse(&raw, &Role::RELEASES, &sealift_tuf::Limits::default())
            .unwrap();
    let der = STANDARD.encode(scene.alice().sign(envelope.canonical()).unwrap());
    let bytes = with_signatures(&raw, |signatures| signatures[0]["sig"] = json!(der));
    scene.check_releases(
        bytes,
        expect!["`targets/releases` cannot be used: `targets/releases` has 0 of 1 needed signatures: key HEX: the signature is malformed: it is DER, and not two numbers of 32 bytes"],
    );
}

fn with_delegations(scene: &Scene, names: &[String]) -> Vec<u8> {
    let targets = scene.publisher.open("targets-");
    let key = Key::bare(&scene.alice().public());
    resigned(&scene.local, &Role::TARGETS, &targets, |map| {
        let roles: Vec<Value> = names
            .iter()
            .map(
                |name| json!({ "keyids": [key.id()], "name": name, "paths": [""], "threshold": 1 }),
            )
            .collect();
        map["delegations"]["roles"] = json!(roles);
    })
}

#[test]
fn huge_and_looping_delegations() {
    let scene = Scene::new();
    let check = |names: &[String], expected: Expect| {
        let bytes = with_delegations(&scene, names);
        let empty = resigned(&scene.local, &Role::RELEASES, &scene.alice(), |_| ());
        let mut changes = vec![(Role::TARGETS, Some(bytes))];
        let parsed = names.iter().filter_map(|name| Role::parse(name).ok());
        for role in parsed.filter(Role::is_delegation) {
            changes.push((role, Some(empty.clone())));
        }
        scene.check(&Liar::proving(&scene.local, &changes), expected);
    };
    let many: Vec<String> = (0..100).map(|number| format!("targets/n{number}")).collect();
    check(&many, expect!["the repository has more than 64 delegations"]);
    check(
        &["targets".to_owned()],
        expect!["`targets` is malformed: it may not delegate to `targets`"],
    );
    check(&["root".to_owned()], expect!["`targets` is malformed: it may not delegate to `root`"]);
    check(
        &["targets/a/b".to_owned()],
        expect!["`targets` is malformed: it may not delegate to `targets/a/b`"],
    );
    check(
        &["targets/../root".to_owned()],
        expect!["`targets` is malformed: it may not delegate to `targets/../root`"],
    );
    let twice = ["targets/alice", "targets/alice"].map(str::to_owned);
    check(&twice, expect!["`targets` is malformed: it delegates to `targets/alice` twice"]);
}

#[test]
fn json_that_two_readers_read_differently() {
    let scene = Scene::new();
    let good = scene.local.newest(&Role::TIMESTAMP);
    let cases = [
        ("\"version\":", "\"version\":9,\"version\":", "duplicate key"),
        ("\"version\":2", "\"version\":2.0", "a float"),
        ("\"version\":2", "\"version\":9007199254740993", "too large"),
        ("\"_type\":\"Timestamp\"", "\"_type\":\"Timestamp\",\"Version\":9", "other letter case"),
    ];
    let mut messages = Vec::new();
    for (from, to, what) in cases {
        let liar = Liar::instead(&scene.local, vec![(Role::TIMESTAMP, edited(&good, from, to))]);
        messages.push(format!("{what}: {}", scene.refusal(&liar, &Look::default())));
    }
    let trailing = [&good[..], b"x"].concat();
    let liar = Liar::instead(&scene.local, vec![(Role::TIMESTAMP, trailing)]);
    messages.push(format!("trailing bytes: {}", scene.refusal(&liar, &Look::default())));
    // Where in the line that is, depends on the time.
    for message in &mut messages {
        let end = message.find(" at line ").unwrap_or(message.len());
        message.truncate(end);
    }
    expect![[r#"
        duplicate key: `timestamp` is malformed: not a valid TUF document: the key `version` stands twice
        a float: `timestamp` is malformed: canonical JSON has whole numbers of at most 53 bits only, not `2.0`
        too large: `timestamp` is malformed: canonical JSON has whole numbers of at most 53 bits only, not `HEX`
        other letter case: `timestamp` is malformed: `Version` looks like `version`
        trailing bytes: `timestamp` is malformed: not a valid TUF document: trailing characters"#]].assert_eq(&messages.join("\n"));
}

#[test]
fn length_wrong() {
    let scene = Scene::new();
    scene.publish(&[sign("v1", 2)]);
    let mut snapshot: Value = serde_json::from_slice(&scene.local.newest(&Role::SNAPSHOT)).unwrap();
    snapshot["signed"]["meta"]["targets/releases"]["length"] = json!(5);
    let signed = serde_json::to_vec(&snapshot).unwrap();
    let role = Role::SNAPSHOT;
    let envelope =
        sealift_tuf::Envelope::parse(&signed, &role, &sealift_tuf::Limits::default()).unwrap();
    let mut meta = sealift_tuf::Meta::read(&envelope, &role).unwrap();
    meta.version += 1;
    let bytes = crate::liar::seal_as_server(&scene.local, &role, &meta.to_map(&role));
    let text = scene.refusal(
        &Liar::instead(&scene.local, Liar::timestamp_over(&scene.local, bytes)),
        &Look::default(),
    );
    assert!(
        text.starts_with("`targets/releases` has ") && text.ends_with(", but `snapshot` says 5"),
        "{text}"
    );
}

#[test]
fn a_document_that_is_too_large() {
    let scene = Scene::new();
    let mut large = scene.local.newest(&Role::TIMESTAMP);
    large.resize(20 << 10, b' ');
    scene.check(
        &Liar::instead(&scene.local, vec![(Role::TIMESTAMP, large)]),
        expect!["`timestamp` has 20480 bytes, more than the limit of 16384"],
    );
}

#[test]
fn a_skipped_root() {
    let scene = Scene::new();
    let publisher = scene.publisher.publisher(&scene.local, scene.local.now());
    for _ in 0..2 {
        publisher.rotate(&gun(), &Role::ROOT, None, false).unwrap();
    }
    let third = scene.local.get(&gun(), "3.root.json");
    scene.check(
        &Liar::new(
            &scene.local,
            move |name, answer| {
                if name == "2.root.json" { third.clone() } else { answer }
            },
        ),
        expect!["`root` has version 3 where 2 is due"],
    );
}

#[test]
fn a_stranger_s_root() {
    let scene = Scene::new();
    let stranger = Desk::new();
    let other = Local::new();
    stranger.publisher(&other, other.now()).init(&gun(), ONE, &[]).unwrap();
    stranger.publisher(&other, other.now()).rotate(&gun(), &Role::ROOT, None, false).unwrap();
    scene.check(
        &Liar::new(&scene.local, move |name, answer| match parse_name(name) {
            Some((role, _)) if role == Role::ROOT => other.get(&gun(), name),
            _ => answer,
        }),
        expect!["`root` 2 is not signed by the keys of `root` 1: 0 of 1"],
    );
}

#[test]
fn a_tag_for_which_nobody_signed() {
    let scene = Scene::new();
    let client = scene.reader.client(&scene.local, scene.local.now());
    let error = client.lookup(&gun(), "v9", &Look::default()).unwrap_err().to_string();
    assert_eq!(error, format!("the trust data of `{GUN}` is refused: no trust data for `v9`"));
    // A hash that is none.
    scene.check_releases(
        resigned(&scene.local, &Role::RELEASES, &scene.alice(), |map| {
            let short = FileMeta::of(b"x");
            map["targets"]["v1"] = serde_json::to_value(short).unwrap();
            map["targets"]["v1"]["hashes"] =
                json!({ "sha512": map["targets"]["v1"]["hashes"]["sha512"] });
        }),
        expect!["`v1` has no sha256 of 32 bytes"],
    );
}

#[test]
fn the_server_is_down() {
    let scene = Scene::new();
    let client = Blocking::new(Settings::default());
    // Nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = ServerAddress::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let down = HttpServer::new(&client, address);
    let text = scene.refusal(&down, &Look::default()).replace(&port.to_string(), "PORT");
    expect!["no trust data of `localhost:5443/team/app`: cannot reach `127.0.0.1:PORT`: client error (Connect): tcp connect error: Connection refused (os error 111)"]
        .assert_eq(&text);
    let look = Look { is_offline: true, ..Look::default() };
    let client = scene.reader.client(&down, scene.local.now());
    assert_eq!(client.lookup(&gun(), "v1", &look).unwrap().digest, "01".repeat(32));
}

#[test]
fn the_table_in_docs_is_true() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let page = read("docs/trust-attacks.md");
    let mut n_rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains(".rs`")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, test, message] = cells[..] else { panic!("{row}") };
        let test = test.trim_matches('`');
        let (name, path) = test.split_once("` in `").unwrap();
        let source = read(path);
        assert!(source.contains(&format!("fn {name}(")), "there is no test `{name}` in `{path}`");
        // Messages have backquotes of their own, and so the table has them in `code` of two.
        let message = message.trim_matches('`').trim();
        assert!(source.contains(message), "`{path}` does not have the message: {message}");
        n_rows += 1;
    }
    assert!(n_rows >= 30, "{n_rows}");
}
