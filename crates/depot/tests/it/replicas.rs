//! Several replicas on one bucket and one database, and what happens when these make trouble.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test says by panic what is wrong, and by a line that it could not run; its numbers are small"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sealift_depot::{Blob, CollectOptions, Depot, Error, ScrubOptions, Settings, UploadId};
use sealift_oci::{Algorithm, Digest};
use sealift_testkit::{Postgres, S3Server, Trouble, TroubledGate};

use crate::common::{
    SERVERS, body, by_tag, make_schema, manifest_text, name, push_blob, push_image, put, read,
    settings, shared_settings, tag,
};
use crate::torture::{Client, strict};

pub(crate) struct Stores {
    pub(crate) postgres: Postgres,
    pub(crate) s3: S3Server,
    pub(crate) database: String,
}

/// Both servers; none if they are not installed.
pub(crate) fn stores() -> Option<Stores> {
    if std::env::var_os(SERVERS).is_some() {
        return None;
    }
    let (Some(postgres), Some(s3)) = (Postgres::start(), S3Server::start()) else {
        eprintln!("SKIPPED: PostgreSQL or moto is not installed; tests/setup does that");
        return None;
    };
    s3.make_bucket("images");
    let database = postgres.database("registry");
    make_schema(&database, "own");
    Some(Stores { postgres, s3, database })
}

impl Stores {
    async fn replica(&self, settings: &Settings) -> Depot {
        self.replica_at(&self.s3.address(), settings).await.unwrap()
    }

    async fn replica_at(&self, s3: &str, settings: &Settings) -> Result<Depot, Error> {
        Depot::open_shared(shared_settings(s3, &self.database, "own"), settings).await
    }

    fn n_objects(&self) -> u64 {
        let (_, rows) = self.postgres.sql("registry", "SELECT COUNT(*) FROM own.object");
        rows.parse().unwrap()
    }
}

// What the rest of the suite asks of a folder, asked of shared storage. The others look into the folder itself.
const SUITE: &[&str] = &[
    "keeping::the_deleted_comes_back_whole",
    "keeping::retention_keeps_what_the_rules_say",
    "keeping::untagged_manifests_go_with_their_referrers",
    "manifests::",
    "uploads::chunks_become_a_blob",
    "uploads::large_bodies_and_ranges",
    "uploads::empty_blobs_and_mounts",
    "torture::jobs_and_logs",
    "torture::many_pushes_are_few_commits",
];

#[test]
fn the_suite_holds_on_shared_storage() {
    let Some(stores) = stores() else { return };
    let output = Command::new(std::env::current_exe().unwrap())
        .args(SUITE)
        .env(SERVERS, format!("{} {}", stores.s3.address(), stores.database))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!told.contains("running 0"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_replica_answers_for_all() {
    let Some(stores) = stores() else { return };
    let one = stores.replica(&settings()).await;
    let two = stores.replica(&settings()).await;
    let app = name("app");
    let pushed = push_image(&one, &app, "1", "one").await;
    let found = two.manifest(&app, &by_tag("1")).await.unwrap().unwrap();
    assert_eq!(found.digest, pushed.digest);
    let layer = two.blob(&app, &Digest::sha256(b"layer one")).await.unwrap().unwrap();
    assert_eq!(read(&two, &layer).await.unwrap(), b"layer one");
    two.delete_tag(&app, &tag("1"), "bob").await.unwrap();
    assert!(one.manifest(&app, &by_tag("1")).await.unwrap().is_none());
    one.delete_manifest(&app, &pushed.digest, "bob").await.unwrap();
    assert!(two.blob(&app, &layer.digest).await.unwrap().is_some(), "it can be had back");
    two.undelete(&app, &tag("1"), &pushed.digest, "bob").await.unwrap();
    assert!(one.manifest(&app, &by_tag("1")).await.unwrap().is_some());
    let changes = two.changes(&app).await.unwrap();
    one.delete_tag(&app, &tag("1"), "bob").await.unwrap();
    assert!(two.changes(&app).await.unwrap() > changes);
    assert_eq!(one.record_or("page", "secret", b"one").await.unwrap(), &b"one"[..]);
    assert_eq!(two.record_or("page", "secret", b"two").await.unwrap(), &b"one"[..]);
    // A file of this machine; and what somebody was told of is held without a wait, on every replica.
    let folder = tempfile::tempdir().unwrap();
    let (bytes, file) = (b"from an upstream", folder.path().join("coming"));
    std::fs::write(&file, bytes).unwrap();
    let loose = Blob { digest: Digest::sha256(bytes), size: bytes.len() as u64 };
    one.adopt(&app, &loose, &file).await.unwrap();
    assert!(!file.exists());
    let collected = two.collect(&CollectOptions::default()).await.unwrap();
    assert_eq!((collected.wait_secs, collected.links), (0, 0));
    assert_eq!(read(&two, &loose).await.unwrap(), bytes);
    let all = CollectOptions { ignore_leases: true, ..CollectOptions::default() };
    assert_eq!(two.collect(&all).await.unwrap().blobs, 1);
    assert!(one.blob(&app, &loose.digest).await.unwrap().is_none());
    one.health().unwrap();
    assert!(matches!(one.backup(std::path::Path::new("/x")).await, Err(Error::Shared { .. })));
    // A text that PostgreSQL cannot keep is the client's mistake, and takes nobody else's change back.
    let odd = manifest_text(b"config one", &[], r#","artifactType":"a\u0000b""#);
    let refused = put(&one, &app, by_tag("2"), odd).await;
    assert!(matches!(refused, Err(Error::ManifestInvalid { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_elsewhere() {
    let Some(stores) = stores() else { return };
    let one = stores.replica(&settings()).await;
    let two = stores.replica(&settings()).await;
    let app = name("app");
    let bytes: Vec<u8> = (0..13_000_000_u32).map(|n| (n % 251) as u8).collect();
    let id = one.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    let mut at = 0;
    for (depot, end) in [(&one, 3), (&two, 4_000_000), (&one, 9_000_000), (&two, 13_000_000)] {
        let part = &bytes[at..end];
        let status = depot.append(&app, &id, Some(at as u64), None, body(&[part])).await.unwrap();
        assert_eq!(status.offset, end as u64);
        at = end;
    }
    // What is longer than it was said to be leaves nothing behind.
    let long = two.append(&app, &id, None, Some(1), body(&[&bytes[..6_000_000]])).await;
    assert!(matches!(long, Err(Error::LengthWrong)), "{long:?}");
    assert_eq!(one.upload_status(&app, &id).await.unwrap().offset, 13_000_000);
    let digest = Digest::sha256(&bytes);
    let blob = one.finish_upload(&app, &id, &digest).await.unwrap();
    assert_eq!(read(&two, &blob).await.unwrap(), bytes);
    let mut middle = two.read_blob(&blob, 5_000_000..5_000_010).await.unwrap();
    assert_eq!(middle.remaining(), 10);
    let piece = futures_util::StreamExt::next(&mut middle).await.unwrap().unwrap();
    assert_eq!(piece, bytes[5_000_000..5_000_010]);
    // The same once more is no second object, and a digest of another algorithm is found by reading.
    push_blob(&two, &name("other"), &bytes).await;
    assert_eq!(stores.n_objects(), 1);
    let id = two.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    two.append(&app, &id, None, None, body(&[b"abc"])).await.unwrap();
    let mut hasher = sealift_oci::Hasher::new(Algorithm::Sha512);
    hasher.update(b"abc");
    one.finish_upload(&app, &id, &hasher.finish()).await.unwrap();
    let id = two.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
    two.append(&app, &id, None, None, body(&[b"abd"])).await.unwrap();
    let wrong = one.finish_upload(&app, &id, &digest).await;
    assert!(matches!(wrong, Err(Error::DigestWrong { .. })));
    assert!(matches!(two.upload_status(&app, &id).await, Err(Error::UploadUnknown)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collections_on_both_lose_and_leak_nothing() {
    let Some(stores) = stores() else { return };
    let replicas = [stores.replica(&strict()).await, stores.replica(&strict()).await];
    let names: Vec<_> = (0..4).map(|number| name(&format!("team/app{number}"))).collect();
    let clients = (0..4).map(|number| {
        let mut client = Client::new(replicas[number % 2].clone(), number, &names, 77);
        tokio::spawn(async move {
            for _ in 0..12 {
                client.step().await;
            }
            client
        })
    });
    let mut done = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        done.push(client.await.unwrap());
    }
    let [one, two] = replicas
        .clone()
        .map(|depot| tokio::spawn(async move { depot.collect(&CollectOptions::default()).await }));
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    for (number, client) in done.iter_mut().enumerate() {
        // What one replica was given the other has.
        client.depot = replicas[(number + 1) % 2].clone();
        client.check().await;
        client.leave().await;
    }
    replicas[1].collect(&CollectOptions::default()).await.unwrap();
    let statistics = replicas[0].statistics().await.unwrap();
    assert_eq!((statistics.blobs, statistics.manifests, statistics.tags), (0, 0, 0));
    assert_eq!((statistics.repositories, statistics.uploads), (0, 0));
    assert_eq!(stores.n_objects(), 0);
    let bucket =
        sealift_bucket::Bucket::new(shared_settings(&stores.s3.address(), "", "own").bucket);
    assert!(
        bucket.unwrap().list("blobs/", "").await.unwrap().names.is_empty(),
        "objects are leaked"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_object_is_found_and_pushed_again() {
    let Some(stores) = stores() else { return };
    let depot = stores.replica(&strict()).await;
    let app = name("app");
    push_image(&depot, &app, "1", "one").await;
    let bucket = shared_settings(&stores.s3.address(), "", "own").bucket;
    let bucket = sealift_bucket::Bucket::new(bucket).unwrap();
    let sql =
        format!("SELECT name FROM own.object WHERE digest = '{}'", Digest::sha256(b"layer one"));
    let object = stores.postgres.sql("registry", &sql).1;
    let path = format!("blobs/{}/{object}", &object[..2]);
    bucket.put(&path, bytes::Bytes::from_static(b"lAyer one")).await.unwrap();
    // What nobody knows goes, and nothing else.
    let unknown = "blobs/ab/abababab-abab-4bab-8bab-abababababab";
    bucket.put(unknown, bytes::Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(depot.collect(&CollectOptions::default()).await.unwrap().orphans, 1);
    // A server does it on a task of its own.
    let scrubbing = depot.clone();
    let scrubbing =
        tokio::spawn(async move { scrubbing.scrub(None, &ScrubOptions::default()).await });
    let scrubbed = scrubbing.await.unwrap().unwrap();
    assert_eq!((scrubbed.blobs, scrubbed.damaged.len()), (2, 1));
    let layer = Digest::sha256(b"layer one");
    assert!(matches!(depot.blob(&app, &layer).await, Err(Error::Damaged { .. })));
    let blob = push_blob(&depot, &app, b"layer one").await;
    assert_eq!(read(&depot, &blob).await.unwrap(), b"layer one");
    // Gone altogether, and pushed again before anybody noticed.
    let object = stores.postgres.sql("registry", &format!("{sql} AND state = 0")).1;
    bucket.delete(&format!("blobs/{}/{object}", &object[..2])).await.unwrap();
    assert!(matches!(read(&depot, &blob).await, Err(Error::Damaged { .. })));
    push_blob(&depot, &app, b"layer one").await;
    assert_eq!(read(&depot, &blob).await.unwrap(), b"layer one");
    depot.collect(&CollectOptions::default()).await.unwrap();
    assert_eq!(stores.n_objects(), 2);
    assert!(depot.scrub(None, &ScrubOptions::default()).await.unwrap().damaged.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_restarted_loses_nothing() {
    let Some(mut stores) = stores() else { return };
    let depot = stores.replica(&settings()).await;
    let app = name("app");
    let pushing = {
        let (depot, app) = (depot.clone(), app.clone());
        tokio::spawn(async move {
            let (mut answered, mut n_refused) = (Vec::new(), 0);
            let until = Instant::now() + Duration::from_secs(12);
            let mut number = 0;
            while Instant::now() < until {
                number += 1;
                match push(&depot, &app, number).await {
                    Ok(()) => answered.push(number),
                    Err(Error::Unavailable { .. }) => {
                        n_refused += 1;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            (answered, n_refused)
        })
    };
    for pause in [2, 1] {
        tokio::time::sleep(Duration::from_secs(2)).await;
        stores.postgres.stop();
        assert!(tokio::task::block_in_place(|| depot.health()).is_err());
        tokio::time::sleep(Duration::from_secs(pause)).await;
        tokio::task::block_in_place(|| stores.postgres.resume());
    }
    let (answered, n_refused) = pushing.await.unwrap();
    assert!(answered.len() > 5, "{} pushes, {n_refused} refused", answered.len());
    for number in answered {
        let found = depot.manifest(&app, &by_tag(&format!("t{number}"))).await.unwrap();
        assert!(found.is_some(), "t{number} is lost");
    }
    depot.health().unwrap();
}

async fn push(depot: &Depot, app: &sealift_oci::RepositoryName, number: u32) -> Result<(), Error> {
    let layer = format!("layer {number}").into_bytes();
    for bytes in [&b"{}"[..], &layer] {
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        let digest = Digest::sha256(&bytes);
        depot.put_blob(app, bytes, &digest, "alice").await?;
    }
    let text = manifest_text(b"{}", &[&layer], "");
    put(depot, app, by_tag(&format!("t{number}")), text).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_fails_is_said_and_survived() {
    let Some(stores) = stores() else { return };
    let gate = TroubledGate::before(stores.s3.port());
    let depot = stores.replica_at(&gate.address(), &strict()).await.unwrap();
    let app = name("app");
    push_image(&depot, &app, "1", "one").await;
    let bytes: Vec<u8> = (0..7_000_000_u32).map(|n| (n % 241) as u8).collect();
    let large = push_blob(&depot, &app, &bytes).await;
    for trouble in [Trouble::Failing, Trouble::Silent] {
        gate.make(trouble);
        let id = depot.begin_upload(&app, Algorithm::Sha256, "alice").await.unwrap().id;
        let came = depot.append(&app, &id, None, None, body(&[b"abc"])).await;
        assert!(matches!(came, Err(Error::Unavailable { .. })), "{trouble:?}: {came:?}");
        assert!(matches!(read(&depot, &large).await, Err(Error::Unavailable { .. })));
        // Manifests need no bucket; a scrub says nothing against blobs that it could not read.
        assert!(depot.manifest(&app, &by_tag("1")).await.unwrap().is_some());
        assert!(depot.scrub(None, &ScrubOptions::default()).await.is_err());
        gate.make(Trouble::None);
        assert_eq!(depot.upload_status(&app, &id).await.unwrap().offset, 0);
        depot.append(&app, &id, Some(0), None, body(&[b"abc"])).await.unwrap();
        depot.finish_upload(&app, &id, &Digest::sha256(b"abc")).await.unwrap();
    }
    gate.make(Trouble::Slow);
    assert_eq!(read(&depot, &large).await.unwrap().len(), bytes.len());
    // Answers that are cut go on where they broke, or are told to be broken: never taken for the whole.
    gate.make(Trouble::Cut);
    let before = gate.count();
    match read(&depot, &large).await {
        Ok(found) => assert_eq!(found, bytes),
        Err(Error::Aborted(_) | Error::Unavailable { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    assert!(gate.count() > before);
    gate.make(Trouble::None);
    assert_eq!(read(&depot, &large).await.unwrap(), bytes);
    assert!(depot.scrub(None, &ScrubOptions::default()).await.unwrap().damaged.is_empty());
}

const CHILD: &str = "SEALIFT_DEPOT_REPLICA";

/// The replica that is killed: it pushes, and tells what it was answered.
#[test]
fn replica() {
    let Ok(servers) = std::env::var(CHILD) else { return };
    let (s3, database) = servers.split_once(' ').unwrap();
    let shared = shared_settings(s3, database, "own");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let depot = Depot::open_shared(shared, &settings()).await.unwrap();
        let start = std::process::id();
        let app = name(&format!("team/app{start}"));
        let tell = |text: String| {
            std::io::stdout().write_all(format!("\n{text}\n").as_bytes()).unwrap();
        };
        for number in 0.. {
            let id = depot.begin_upload(&app, Algorithm::Sha256, "x").await.unwrap().id;
            let status = depot.append(&app, &id, None, None, body(&[b"begun "])).await.unwrap();
            tell(format!("CAME {app} {id} {}", status.offset));
            push(&depot, &app, number).await.unwrap();
            tell(format!("PUT {app} t{number}"));
            depot.cancel_upload(&app, &id).await.unwrap();
            tell(format!("ENDS {app} {id}"));
        }
    });
}

#[test]
fn what_a_killed_replica_answered_is_there() {
    let Some(stores) = stores() else { return };
    let servers = format!("{} {}", stores.s3.address(), stores.database);
    let mut told = Vec::new();
    for round in 0..4_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "replicas::replica", "--nocapture"])
            .env(CHILD, &servers)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It has begun to push, and goes on until it is killed somewhere.
        let begun = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("PUT"));
        told.extend(begun);
        std::thread::sleep(Duration::from_millis(300 + 170 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(lines.map_while(Result::ok));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let depot = stores.replica(&settings()).await;
        let (mut n_tags, mut n_resumed) = (0, 0);
        let ended: Vec<String> =
            told.iter().filter_map(|it| Some(it.strip_prefix("ENDS ")?.to_owned())).collect();
        for line in &told {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["PUT", app, text] => {
                    n_tags += 1;
                    let app = name(app);
                    let found = depot.manifest(&app, &by_tag(text)).await.unwrap();
                    assert!(found.is_some(), "{app}:{text} is lost");
                    let layer = format!("layer {}", &text[1..]).into_bytes();
                    let blob = depot.blob(&app, &Digest::sha256(&layer)).await.unwrap().unwrap();
                    assert_eq!(read(&depot, &blob).await.unwrap(), layer);
                }
                ["CAME", app, id, offset] if !ended.contains(&format!("{app} {id}")) => {
                    let (app, id) = (name(app), UploadId::parse(id).unwrap());
                    let status = match depot.upload_status(&app, &id).await {
                        Ok(status) => status,
                        // It was cancelled, and killed before it could say so.
                        Err(Error::UploadUnknown) => continue,
                        Err(error) => panic!("{error}"),
                    };
                    assert_eq!(status.offset.to_string(), *offset);
                    depot.append(&app, &id, None, None, body(&[b"ended"])).await.unwrap();
                    let whole = Digest::sha256(b"begun ended");
                    depot.finish_upload(&app, &id, &whole).await.unwrap();
                    n_resumed += 1;
                }
                _ => {}
            }
        }
        assert!(n_tags >= 4, "only {n_tags} pushes");
        println!("{n_tags} pushes, {n_resumed} uploads went on");
        depot.collect(&CollectOptions::default()).await.unwrap();
        assert!(depot.scrub(None, &ScrubOptions::default()).await.unwrap().damaged.is_empty());
    });
}
