//! Trust data of several replicas: each answers what any of them took in, and they agree on keys and timestamps.
#![allow(clippy::print_stderr, reason = "a test says that it could not run")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sealift_bucket::{Credentials, Settings as BucketSettings};
use sealift_crypto::{SealingKey, Secret};
use sealift_depot::{DatabaseSettings, Depot, Settings, SharedSettings};
use sealift_registry::Error;
use sealift_registry::store::{SharedTrust, open_shared};
use sealift_testkit::{Postgres, S3Server};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::lab::{Lab, PLACE, Publisher, Setup};

/// The tests of trust data run once more where this names servers: `ADDRESS OF S3 ADDRESS OF POSTGRESQL`.
const SERVERS: &str = "SEALIFT_REGISTRY_SERVERS";

/// Addresses of what replicas share.
#[derive(Clone)]
pub(crate) struct Servers {
    s3: String,
    database: String,
}

pub(crate) fn servers_of_suite() -> Option<Servers> {
    let text = std::env::var(SERVERS).ok()?;
    let (s3, database) = text.split_once(' ').unwrap();
    Some(Servers { s3: s3.to_owned(), database: database.to_owned() })
}

/// A part of the database and of the bucket for each folder.
pub(crate) fn schema(folder: &Path) -> String {
    let name = folder.file_name().unwrap().to_str().unwrap();
    name.trim_start_matches('.').to_lowercase()
}

fn depot(servers: &Servers, own: &str) -> Depot {
    let sql = format!("CREATE SCHEMA IF NOT EXISTS {own}");
    let done = Command::new("psql").args([&servers.database, "-qc", &sql]).status();
    assert!(done.unwrap().success(), "psql failed");
    let secret = Secret::new(b"secret".to_vec());
    let shared = SharedSettings {
        database: DatabaseSettings {
            url: format!("{}&options=-c%20search_path%3D{own}", servers.database),
            ..DatabaseSettings::default()
        },
        bucket: BucketSettings {
            bucket: "images".to_owned(),
            endpoint: Some(servers.s3.clone()),
            is_path_style: true,
            prefix: own.to_owned(),
            credentials: Credentials::Fixed { access: "key".to_owned(), secret, session: None },
            patience: Duration::from_secs(3),
            ..BucketSettings::default()
        },
        part_bytes: 5 << 20,
    };
    wait(Depot::open_shared(shared, &Settings::default())).unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

pub(crate) fn trust(
    servers: &Servers,
    own: &str,
    sealing: Option<&Secret>,
) -> Result<SharedTrust, Error> {
    let sealing = sealing.map(|key| Secret::new(key.expose().to_vec()));
    let depot = depot(servers, own);
    wait(open_shared(&depot, sealing))
}

struct Stores {
    _postgres: Postgres,
    _s3: S3Server,
    servers: Servers,
}

fn stores() -> Option<Stores> {
    let (Some(postgres), Some(s3)) = (Postgres::start(), S3Server::start()) else {
        eprintln!("SKIPPED: PostgreSQL or moto is not installed; tests/setup does that");
        return None;
    };
    s3.make_bucket("images");
    let servers = Servers { s3: s3.address(), database: postgres.database("registry") };
    Some(Stores { _postgres: postgres, _s3: s3, servers })
}

impl Stores {
    // Replicas of one folder's name share all.
    fn replica(&self, folder: &Arc<TempDir>, clock: fn() -> Timestamp) -> Lab {
        let (folder, servers) = (Some(Arc::clone(folder)), Some(self.servers.clone()));
        Lab::start(Setup { folder, clock, servers, ..Setup::default() })
    }
}

// What is asked of a server with a folder. The others look into that, or ask what is in memory.
const SUITE: &[&str] = &["endpoints::", "access::", "clients::"];
const NOT: &[&str] = &["the_folder_outlives_the_server", "others_are_told_how_it_goes"];

#[test]
fn the_suite_holds_for_replicas() {
    let Some(stores) = stores() else { return };
    let Servers { s3, database } = &stores.servers;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(SUITE).env(SERVERS, format!("{s3} {database}"));
    for name in NOT {
        command.args(["--skip", name]);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!told.contains("running 0"), "{told}");
}

fn late() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * 13 + 1)
}

#[test]
fn any_replica_answers_for_all() {
    let Some(stores) = stores() else { return };
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let one = stores.replica(&folder, Timestamp::now);
    let two = stores.replica(&folder, Timestamp::now);
    // Half of what the first upload needs comes from here, half from there.
    let key = |lab: &Lab| lab.get(&format!("{PLACE}timestamp.key")).body;
    assert_eq!(key(&one), key(&two));
    let publisher = Publisher::new();
    let files = publisher.first(&one, &[]);
    assert_eq!(two.post(&files, &[]).status, 200);
    let get = |lab: &Lab, name: &str| {
        let reply = lab.get(&format!("{PLACE}{name}"));
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
        reply.body
    };
    for role in ["root", "targets", "snapshot", "timestamp"] {
        let name = format!("{role}.json");
        assert_eq!(get(&one, &name), get(&two, &name));
    }
    assert_eq!(one.post(&files, &[]).status, 400);
    // What is about to expire two replicas sign again at once, and agree; a third one gives out nothing older.
    let before = get(&one, "timestamp.json");
    let labs = [stores.replica(&folder, late), stores.replica(&folder, late)];
    let renewed: BTreeSet<String> = std::thread::scope(|scope| {
        let get = &get;
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let lab = &labs[number % 2];
                scope.spawn(move || get(lab, "timestamp.json"))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    assert_eq!(renewed.first(), Some(&get(&one, "timestamp.json")));
    assert!(!renewed.contains(&before));
    assert_eq!(get(&two, "1.timestamp.json"), before);
    // And what one deleted none has.
    assert_eq!(one.request("DELETE", PLACE, &[], b"").status, 200);
    for lab in [&one, &two, &labs[0]] {
        assert_eq!(lab.get(&format!("{PLACE}root.json")).status, 404);
        assert_eq!(lab.get(&format!("{PLACE}1.root.json")).status, 404);
        let changes = lab.get("/v2/_trust/changefeed?change_id=0&records=10").body;
        assert!(changes.contains("\"count\":3") && changes.contains("deletion"), "{changes}");
    }
}

#[test]
fn a_replica_with_another_key_does_not_start() {
    let Some(stores) = stores() else { return };
    let (given, other) = (SealingKey::generate(), SealingKey::generate());
    let open = |own: &str, key: Option<&Secret>| trust(&stores.servers, own, key);
    let refused = |own: &str, key: Option<&Secret>| {
        let error = open(own, key).err().unwrap();
        assert!(error.hint().unwrap().contains("SEALIFT_TRUST_SEALING_KEY"));
        error.to_string()
    };
    // A key that all are given.
    assert!(open("given", Some(&given)).is_ok());
    assert!(open("given", Some(&given)).is_ok());
    assert!(refused("given", Some(&other)).contains("was given another one"));
    assert!(refused("given", None).contains("this replica was not"));
    assert!(open("given", Some(&given)).is_ok());
    // A key that the first one makes.
    assert!(open("made", None).is_ok());
    assert!(open("made", None).is_ok());
    assert!(refused("made", Some(&other)).contains("was given another one"));
    // Several that start at once agree, or those that do not are refused.
    let outcomes: Vec<bool> = std::thread::scope(|scope| {
        let keys = [None, Some(&given), None, Some(&given)];
        let threads = keys.map(|key| scope.spawn(move || open("raced", key).is_ok()));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes[0], outcomes[2], "{outcomes:?}");
    assert_eq!(outcomes[1], outcomes[3], "{outcomes:?}");
    assert_ne!(outcomes[0], outcomes[1], "{outcomes:?}");
}
