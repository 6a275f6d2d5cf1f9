//! Every change, against our server and against Debian's: one script, two servers, the same answers.

use std::process::Command;

use jiff::Timestamp;
use sealift_client::{Blocking, Settings};
use sealift_notary::{Error, HttpServer, Inspection, Look, Server, ServerAddress, Threshold};
use sealift_testkit::NotaryServer;
use sealift_tuf::{Change, DelegationChange, Gun, Key, Role};

use crate::desk::{Desk, GUN, Local, ONE, file, first_use, gun, published, sign};

fn role(name: &str) -> Role {
    Role::parse(name).unwrap()
}

fn tags(desk: &Desk, server: &dyn Server, now: Timestamp, look: &Look) -> Vec<String> {
    let list = desk.client(server, now).list(&gun(), look).unwrap();
    list.into_iter().map(|tag| format!("{} {}", tag.tag, tag.signers.join("+"))).collect()
}

// The whole life of a repository. A second desk follows by what it saw, a third sees it at the end for the first time.
pub(crate) fn whole_life(server: &dyn Server, now: Timestamp) -> Desk {
    let (desk, published) = published(server, now);
    let publisher = desk.publisher(server, now);
    assert_eq!(published.tries, 1);
    assert!(matches!(publisher.init(&gun(), ONE, &[]), Err(Error::Exists { .. })));
    let reader = Desk::new();
    assert_eq!(tags(&reader, server, now, &first_use()), ["v1 alice"]);
    let follow = || tags(&reader, server, now, &Look::default());
    // Signers.
    let add_bob = desk.add_signer("bob");
    publisher.publish(&gun(), std::slice::from_ref(&add_bob)).unwrap();
    publisher.publish(&gun(), &[sign("v2", 2)]).unwrap();
    assert_eq!(follow(), ["v1 alice", "v2 alice+bob"]);
    publisher.publish(&gun(), &[Change::RemoveSigner { name: "bob".to_owned() }]).unwrap();
    assert_eq!(follow(), ["v1 alice", "v2 alice"]);
    publisher.publish(&gun(), &[add_bob]).unwrap();
    publisher.publish(&gun(), &[sign("v3", 3)]).unwrap();
    // Notary's server has kept what bob signed before, ours has not.
    assert_eq!(follow()[2], "v3 alice+bob");
    publisher.publish(&gun(), &[Change::RevokeTag { tag: "v2".to_owned() }]).unwrap();
    assert_eq!(follow(), ["v1 alice", "v3 alice+bob"]);
    let witness = Change::Witness { role: Role::RELEASES };
    let witnessed = publisher.publish(&gun(), &[witness]).unwrap();
    assert_eq!(witnessed.roles, [Role::RELEASES]);
    delegations(&desk, server, now);
    rotations(&desk, &reader, server, now);
    assert_eq!(follow(), ["v1 alice", "v3 alice+bob", "v4 alice+bob"]);
    let newcomer = Desk::new();
    assert_eq!(tags(&newcomer, server, now, &first_use()).len(), 3);
    desk
}

fn delegations(desk: &Desk, server: &dyn Server, now: Timestamp) {
    let publisher = desk.publisher(server, now);
    let nightly = desk.signer("nightly");
    let key = Key::bare(nightly.public.as_ref().unwrap());
    let mut change = DelegationChange::new(role("targets/nightly"));
    change.add_keys = vec![key.clone()];
    change.add_paths = vec!["nightly-".to_owned()];
    publisher.publish(&gun(), &[Change::Delegate(change)]).unwrap();
    let tag = "nightly-1".to_owned();
    let role = role("targets/nightly");
    let signed = Change::SignTagIn { role: role.clone(), tag, file: file(9) };
    publisher.publish(&gun(), &[signed]).unwrap();
    let outside = Change::SignTagIn { role: role.clone(), tag: "v9".to_owned(), file: file(9) };
    let error = publisher.publish(&gun(), &[outside]).unwrap_err().to_string();
    assert_eq!(error, "`targets/nightly` may not hold the tag `v9`");
    let trusted = publisher.client.look(&gun(), &Look::default()).unwrap();
    let text = sealift_notary::delegations(&trusted, &gun());
    let line = text.lines().find(|line| line.starts_with("targets/nightly ")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["targets/nightly", "nightly-", key.id(), "1"]);
    publisher.publish(&gun(), &[Change::Undelegate { role }]).unwrap();
}

fn rotations(desk: &Desk, reader: &Desk, server: &dyn Server, now: Timestamp) {
    let publisher = desk.publisher(server, now);
    let look = || reader.client(server, now).look(&gun(), &Look::default()).unwrap();
    let ids = |role: &Role| look().root.authority(role).keys.into_keys().collect::<Vec<_>>();
    let steps = [
        (Role::TIMESTAMP, false),
        (Role::SNAPSHOT, true),
        (Role::SNAPSHOT, false),
        (Role::SNAPSHOT, true),
        (Role::TARGETS, false),
        (Role::ROOT, false),
    ];
    for (number, (role, is_server_managed)) in steps.iter().enumerate() {
        let before = ids(role);
        publisher.rotate(&gun(), role, None, *is_server_managed).unwrap();
        assert_ne!(ids(role), before, "{role}");
        // Publishing goes on, whoever signs the snapshot.
        let count_from = Some(number as u64 + 1);
        let change = Change::SignTag { tag: "v4".to_owned(), file: file(4), count_from };
        publisher.publish(&gun(), &[change]).unwrap();
    }
    let two_of_three = Some(Threshold { needed: 2, keys: 3 });
    publisher.rotate(&gun(), &Role::ROOT, two_of_three, false).unwrap();
    assert_eq!(look().root.authority(&Role::ROOT).threshold, 2);
    publisher.rotate(&gun(), &Role::TIMESTAMP, None, true).unwrap();
    let error = publisher.rotate(&gun(), &Role::TARGETS, None, true).unwrap_err().to_string();
    assert_eq!(error, "the server cannot hold the key of `targets`");
}

// Publishers who all see the same state; the slower ones make their changes again.
pub(crate) fn conflict(server: &dyn Server, now: Timestamp) {
    let (desk, _) = published(server, now);
    let n_tries: u32 = std::thread::scope(|scope| {
        let one = |number: u8| {
            let desk = &desk;
            scope.spawn(move || {
                let publisher = desk.publisher(server, now);
                let tag = format!("c{number}");
                publisher.publish(&gun(), &[sign(&tag, number)]).unwrap().tries
            })
        };
        let threads: Vec<_> = (1..=4).map(one).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(n_tries >= 4);
    let found = tags(&desk, server, now, &Look::default());
    assert_eq!(found, ["c1 alice", "c2 alice", "c3 alice", "c4 alice", "v1 alice"]);
}

#[test]
fn with_our_server() {
    let local = Local::new();
    whole_life(&local, local.now());
    let local = Local::new();
    conflict(&local, local.now());
    two_of_three_from_the_start(&local);
}

pub(crate) fn two_of_three_from_the_start(server: &dyn Server) {
    server.delete(&gun()).unwrap();
    let desk = Desk::new();
    let publisher = desk.publisher(server, Timestamp::now());
    let threshold = Threshold { needed: 2, keys: 3 };
    let made = publisher.init(&gun(), threshold, &[]).unwrap();
    let root = made.trusted.root.authority(&Role::ROOT);
    assert_eq!((root.threshold, root.keys.len()), (2, 3));
    // Without delegations tags go to `targets`, as Docker has it.
    let published = publisher.publish(&gun(), &[sign("v1", 1)]).unwrap();
    assert_eq!(published.roles, [Role::TARGETS]);
    let tag = publisher.client.lookup(&gun(), "v1", &Look::default()).unwrap();
    assert_eq!(tag.signers, ["Repo Admin"]);
    // What was seen is not begun anew.
    server.delete(&gun()).unwrap();
    let error = publisher.init(&gun(), ONE, &[]).unwrap_err().to_string();
    let expected = format!("`{GUN}` was seen before, and now its server has nothing of it");
    assert_eq!(error, expected);
}

#[test]
fn with_notary_server() {
    let Some(notary) = NotaryServer::start() else { return };
    let client =
        Blocking::new(Settings { ca_files: vec![notary.authority()], ..Settings::default() });
    let server = HttpServer::new(&client, ServerAddress::parse(&notary.url()).unwrap());
    let now = Timestamp::now();
    let desk = whole_life(&server, now);
    read_by_docker(&desk, &notary, &server);
    read_by_notary(&notary);
    server.delete(&gun()).unwrap();
    conflict(&server, now);
    two_of_three_from_the_start(&server);
}

// What we wrote, as the programs of others print it.
fn read_by_docker(desk: &Desk, notary: &NotaryServer, server: &dyn Server) {
    let trusted = desk.client(server, Timestamp::now()).look(&gun(), &Look::default()).unwrap();
    let ours = Inspection::of(&trusted, GUN, None);
    let home = tempfile::tempdir().unwrap();
    let tls = home.path().join("tls").join(notary.host());
    std::fs::create_dir_all(&tls).unwrap();
    std::fs::copy(notary.authority(), tls.join("ca.crt")).unwrap();
    let docker = |arguments: &[&str]| {
        Command::new("docker")
            .args(arguments)
            .env("DOCKER_CONFIG", home.path())
            .env("DOCKER_CONTENT_TRUST_SERVER", notary.url())
            .output()
    };
    let has_trust =
        docker(&["trust", "inspect", "--help"]).is_ok_and(|output| output.status.success());
    if !has_trust {
        eprintln!("SKIPPED: this part needs a docker client with `docker trust`");
        return;
    }
    for (arguments, expected) in [
        (&["trust", "inspect", GUN][..], Inspection::json(std::slice::from_ref(&ours)) + "\n"),
        (&["trust", "inspect", "--pretty", GUN][..], ours.pretty()),
    ] {
        let output = docker(arguments).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let found = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(found.len(), expected.len(), "{found}\n{expected}{errors}");
        assert_eq!(words(&found), words(&expected), "{errors}");
    }
}

// Docker shows signers and keys in the order of a Go map: another one each time.
fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
    words.sort_unstable();
    words
}

fn read_by_notary(notary: &NotaryServer) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("/usr/bin/notary")
        .args(["-s", &notary.url(), "-d"])
        .arg(folder.path())
        .arg("--tlscacert")
        .arg(notary.authority())
        .args(["list", GUN])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // An empty line may stand above the table's head.
    let rows = text.lines().skip_while(|line| !line.starts_with("----")).skip(1);
    let names: Vec<&str> = rows.filter_map(|line| line.split_whitespace().next()).collect();
    // Notary lists the tags of all roles, and of each the one that decides.
    assert_eq!(names, ["v1", "v3", "v4"], "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn names_that_are_no_repository() {
    let local = Local::new();
    let desk = Desk::new();
    let other = Gun::parse("localhost:5443/none").unwrap();
    let error = desk.client(&local, local.now()).look(&other, &first_use()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`https://notary.test` has no trust data of `localhost:5443/none`"
    );
    let (stranger, _) = published(&local, local.now());
    drop(stranger);
    // A keyring without the key.
    let publisher = desk.publisher(&local, local.now());
    let publisher = sealift_notary::Publisher { look: first_use(), ..publisher };
    let error = publisher.publish(&gun(), &[sign("v2", 2)]).unwrap_err().to_string();
    let expected = format!(
        "no private key for `targets/alice` or `targets/releases` of `{GUN}` is in the keyring `{}`",
        desk.keyring.folder().display()
    );
    assert_eq!(error, expected);
    // No key is made for a rotation that cannot be.
    let error = publisher.rotate(&gun(), &Role::ROOT, None, false).unwrap_err();
    assert!(matches!(error, Error::NoKey { .. }), "{error}");
    assert!(desk.keyring.list().unwrap().is_empty());
}
