//! Many clients at once, processes that are killed, disks that are full or fail to be written.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says by panic what is wrong, and the killed child tells what it was answered"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::test_runner::{Config, TestRunner};
use sealift_depot::{CollectOptions, Depot, Error, Settings, Target};
use sealift_oci::{Algorithm, Digest, RepositoryName};

use crate::common::{
    body, by_tag, manifest_text, name, push_blob, push_image, put, read, settings, tag, yard,
};

/// Numbers that look random and can be had again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Nothing is held but by references: every window is as narrow as it can be.
pub(crate) fn strict() -> Settings {
    Settings { lease_secs: 0, undelete_secs: 0, ..settings() }
}

// Blobs are few, so that clients push, mount and collect the same ones.
fn blob(number: u64) -> Vec<u8> {
    format!("blob {number}").repeat(1 + number as usize * 40).into_bytes()
}

pub(crate) struct Client {
    pub(crate) depot: Depot,
    own: RepositoryName,
    others: Vec<RepositoryName>,
    dice: Dice,
    // Tags that were answered, their digest, and their blobs.
    alive: BTreeMap<String, (Digest, [u64; 2])>,
    deleted: Vec<(String, Digest, [u64; 2])>,
    n_pushed: u64,
}

impl Client {
    pub(crate) fn new(depot: Depot, number: usize, names: &[RepositoryName], seed: u64) -> Self {
        Self {
            depot,
            own: names[number].clone(),
            others: names.to_vec(),
            dice: Dice(seed.wrapping_mul(31).wrapping_add(number as u64 + 1) | 1),
            alive: BTreeMap::new(),
            deleted: Vec::new(),
            n_pushed: 0,
        }
    }

    /// Deletes all that it has.
    pub(crate) async fn leave(&mut self) {
        for (digest, _) in std::mem::take(&mut self.alive).into_values() {
            self.depot.delete_manifest(&self.own, &digest, "x").await.unwrap();
        }
    }

    async fn bring(&mut self, number: u64) {
        let bytes = blob(number);
        let digest = Digest::sha256(&bytes);
        let other = &self.others[self.dice.roll(self.others.len() as u64) as usize];
        if self.dice.roll(3) == 0
            && self.depot.mount(&self.own, other, &digest).await.unwrap().is_some()
        {
            return;
        }
        if self.dice.roll(2) == 0 {
            push_blob(&self.depot, &self.own, &bytes).await;
            return;
        }
        let upload = self.depot.begin_upload(&self.own, Algorithm::Sha256, "x").await.unwrap().id;
        let half = bytes.len() / 2;
        for part in [&bytes[..half], &bytes[half..]] {
            self.depot.append(&self.own, &upload, None, None, body(&[part])).await.unwrap();
        }
        self.depot.finish_upload(&self.own, &upload, &digest).await.unwrap();
    }

    async fn push(&mut self) {
        self.n_pushed += 1;
        let tag = format!("t{}", self.n_pushed);
        let parts = [self.dice.roll(6), self.dice.roll(6)];
        let rest = format!(r#","annotations":{{"n":"{tag}"}}"#);
        let text = manifest_text(&blob(parts[0]), &[&blob(parts[1])], &rest);
        // Without leases the collector may be faster than the manifest; then the client is told, and brings it again.
        for _ in 0..200 {
            for number in parts {
                self.bring(number).await;
            }
            match put(&self.depot, &self.own, by_tag(&tag), text.clone()).await {
                Ok(put) => {
                    self.alive.insert(tag, (put.digest, parts));
                    return;
                }
                Err(Error::ManifestBlobUnknown { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("200 pushes were all overtaken");
    }

    pub(crate) async fn step(&mut self) {
        match self.dice.roll(10) {
            0..=4 => self.push().await,
            5..=6 => {
                if let Some((tag, (digest, parts))) = self.alive.pop_first() {
                    self.depot.delete_manifest(&self.own, &digest, "x").await.unwrap();
                    self.deleted.push((tag, digest, parts));
                }
            }
            7 => {
                if let Some((tag, digest, parts)) = self.deleted.pop() {
                    let name = sealift_oci::Tag::parse(&tag).unwrap();
                    match self.depot.undelete(&self.own, &name, &digest, "x").await {
                        Ok(()) => drop(self.alive.insert(tag, (digest, parts))),
                        Err(Error::ManifestUnknown) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
            8 => {
                self.depot.collect(&CollectOptions::default()).await.unwrap();
            }
            _ => self.check().await,
        }
    }

    pub(crate) async fn check(&self) {
        for (tag, (digest, parts)) in &self.alive {
            let found = self.depot.manifest(&self.own, &by_tag(tag)).await.unwrap();
            assert_eq!(&found.unwrap_or_else(|| panic!("{tag} is lost")).digest, digest);
            for number in parts {
                let bytes = blob(*number);
                let found = self.depot.blob(&self.own, &Digest::sha256(&bytes)).await.unwrap();
                let found = found.unwrap_or_else(|| panic!("blob {number} of {tag} is lost"));
                assert_eq!(read(&self.depot, &found).await.unwrap(), bytes);
            }
        }
    }
}

fn storm(seed: u64, n_steps: u64) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let depot = Depot::open_folder(folder.path(), &strict()).unwrap();
        let names: Vec<_> = (0..4).map(|number| name(&format!("team/app{number}"))).collect();
        let clients = (0..names.len()).map(|number| {
            let mut client = Client::new(depot.clone(), number, &names, seed);
            tokio::spawn(async move {
                for _ in 0..n_steps {
                    client.step().await;
                }
                client
            })
        });
        let clients: Vec<_> = clients.collect();
        let mut done = Vec::new();
        for client in clients {
            done.push(client.await.unwrap());
        }
        depot.collect(&CollectOptions::default()).await.unwrap();
        for client in &done {
            client.check().await;
        }
        drop(done.iter_mut().map(|client| client.deleted.clear()).collect::<Vec<_>>());
        drop(depot);
        // Also from the disk alone.
        let depots: Vec<_> =
            done.iter().map(|client| (client.own.clone(), client.alive.clone())).collect();
        drop(done);
        let depot = Depot::open_folder(folder.path(), &strict()).unwrap();
        for (own, alive) in depots {
            for (digest, _) in alive.values() {
                depot.delete_manifest(&own, digest, "x").await.unwrap();
            }
        }
        depot.collect(&CollectOptions::default()).await.unwrap();
        let statistics = depot.statistics().await.unwrap();
        assert_eq!((statistics.blobs, statistics.manifests, statistics.tags), (0, 0, 0));
        assert_eq!(statistics.repositories, 0);
        let left: usize = fs::read_dir(folder.path().join("blobs/sha256"))
            .unwrap()
            .map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count())
            .sum();
        assert_eq!(left, 0, "files are leaked");
    });
}

#[test]
fn nothing_is_lost_and_nothing_leaks() {
    let cases = number_of("SEALIFT_STORMS").unwrap_or(6);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&proptest::num::u64::ANY, |seed| {
            storm(seed, 25);
            Ok(())
        })
        .unwrap();
}

fn number_of(variable: &str) -> Option<u32> {
    std::env::var(variable).ok()?.parse().ok()
}

const CHILD: &str = "SEALIFT_DEPOT_CHILD";

/// The process that is killed: it pushes, deletes and collects, and tells what it was answered.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let folder = Path::new(&folder);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        let depot = Depot::open_folder(folder, &strict()).unwrap();
        let start = std::process::id();
        let workers = (0..3).map(|worker| tokio::spawn(work(depot.clone(), start, worker)));
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
    });
}

pub(crate) fn tell(text: String) {
    // One write, so that a kill leaves a whole line or none.
    std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
}

async fn work(depot: Depot, start: u32, worker: u32) {
    let own = name(&format!("team/app{worker}"));
    for number in 0.. {
        let seed = format!("{start}-{worker}-{number}");
        if worker == 2 && number % 3 == 0 {
            depot.collect(&CollectOptions::default()).await.unwrap();
        }
        let upload = depot.begin_upload(&own, Algorithm::Sha256, "x").await.unwrap().id;
        let bytes = seed.repeat(5000).into_bytes();
        for part in bytes.chunks(bytes.len() / 2) {
            let status = depot.append(&own, &upload, None, None, body(&[part])).await.unwrap();
            tell(format!("CAME {own} {upload} {}", status.offset));
        }
        let digest = Digest::sha256(&bytes);
        tell(format!("ENDS {own} {upload}"));
        depot.finish_upload(&own, &upload, &digest).await.unwrap();
        push_blob(&depot, &own, b"{}").await;
        let text = manifest_text(b"{}", &[&bytes], "");
        // The collector may be faster.
        while put(&depot, &own, by_tag(&seed), text.clone()).await.is_err() {
            push_blob(&depot, &own, &bytes).await;
            push_blob(&depot, &own, b"{}").await;
        }
        tell(format!("PUT {own} {seed} {digest}"));
        if number % 4 == 3 {
            tell(format!("GOES {own} {seed}"));
            let text = manifest_text(b"{}", &[&bytes], "");
            depot.delete_manifest(&own, &Digest::sha256(&text), "x").await.unwrap();
        }
    }
}

#[test]
fn what_was_answered_outlives_a_kill() {
    let n_kills =
        std::env::var("SEALIFT_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_u64);
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut tags = BTreeMap::new();
    for _ in 0..n_kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "torture::child", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(60 + dice.roll(500)));
        child.kill().unwrap();
        child.wait().unwrap();
        verify(folder.path(), &reader.join().unwrap(), &mut tags);
    }
    assert!(tags.len() >= n_kills as usize / 10, "only {} pushes in {n_kills} rounds", tags.len());
}

fn verify(folder: &Path, lines: &[String], tags: &mut BTreeMap<(String, String), Digest>) {
    let (mut uploads, mut ended) = (BTreeMap::new(), Vec::new());
    for line in lines {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        match words.as_slice() {
            [word, own, upload, offset] if word == "CAME" => {
                uploads.insert((own.clone(), upload.clone()), offset.parse::<u64>().unwrap());
            }
            [word, own, upload] if word == "ENDS" => {
                ended.push((own.clone(), upload.clone()));
            }
            [word, own, tag, digest] if word == "PUT" => {
                tags.insert((own.clone(), tag.clone()), digest.parse().unwrap());
            }
            [word, own, tag] if word == "GOES" => {
                tags.remove(&(own.clone(), tag.clone()));
            }
            // What the test's harness prints.
            _ => {}
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let depot = Depot::open_folder(folder, &strict()).unwrap();
        for ((own, text), digest) in tags.iter() {
            let own = name(own);
            let found = depot.manifest(&own, &by_tag(text)).await.unwrap();
            assert!(found.is_some(), "{own}:{text} is lost");
            let found = depot.blob(&own, digest).await.unwrap();
            let found = found.unwrap_or_else(|| panic!("the layer of {own}:{text} is lost"));
            let bytes = read(&depot, &found).await.unwrap();
            assert!(digest.matches(&bytes), "the layer of {own}:{text} is damaged");
        }
        let mut n_resumed = 0;
        for ((own, upload), offset) in uploads {
            let may_be_done = ended.contains(&(own.clone(), upload.clone()));
            let (own, id) = (name(&own), sealift_depot::UploadId::parse(&upload).unwrap());
            match depot.upload_status(&own, &id).await {
                Ok(status) => {
                    assert!(status.offset >= offset, "bytes that were acknowledged are lost");
                    depot
                        .append(&own, &id, Some(status.offset), None, body(&[b"more"]))
                        .await
                        .unwrap();
                    depot.cancel_upload(&own, &id).await.unwrap();
                    n_resumed += 1;
                }
                Err(Error::UploadUnknown) => assert!(may_be_done, "an upload is lost"),
                Err(error) => panic!("{error}"),
            }
        }
        assert!(n_resumed <= 3, "more uploads rest than there were workers");
    });
}

#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
        .arg(folder.path())
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: a full disk: this user cannot mount a small tmpfs");
        return;
    }
    let settings = Settings { lease_secs: 0, undelete_secs: 0, ..settings() };
    let depot = Depot::open_folder(folder.path(), &settings).unwrap();
    let app = name("app");
    push_image(&depot, &app, "1", "one").await;
    let large = vec![7_u8; 3 << 20];
    let upload = depot.begin_upload(&app, Algorithm::Sha256, "x").await.unwrap().id;
    let refused = depot.append(&app, &upload, None, Some(9 << 20), body(&[b"x"])).await;
    assert!(matches!(refused, Err(Error::Full)), "it was announced: {refused:?}");
    let refused = depot.append(&app, &upload, None, None, body(&[&large, &large, &large])).await;
    assert!(matches!(refused, Err(Error::Full)), "{refused:?}");
    depot.cancel_upload(&app, &upload).await.unwrap();
    // Room again: everything goes on, and what was there is there.
    push_image(&depot, &app, "2", "two").await;
    for text in ["1", "2"] {
        assert!(depot.manifest(&app, &by_tag(text)).await.unwrap().is_some());
    }
    // The ledger itself finds no room.
    let filler = folder.path().join("filler");
    drop(fs::write(&filler, vec![0_u8; 8 << 20]));
    let refused = depot.put_record("x", "y", &vec![0; 1 << 20]).await;
    assert!(matches!(refused, Err(Error::Full)), "{refused:?}");
    assert!(matches!(depot.health(), Err(Error::Full)));
    fs::remove_file(&filler).unwrap();
    depot.put_record("x", "y", b"small").await.unwrap();
    assert!(depot.blob(&app, &Digest::sha256(b"layer one")).await.unwrap().is_some());
    drop(depot);
    assert!(Command::new("umount").arg(folder.path()).status().unwrap().success());
}

#[tokio::test]
async fn a_read_only_disk_is_said() {
    let yard = yard();
    push_image(&yard.depot, &name("app"), "1", "one").await;
    drop(yard.depot);
    let folder = yard.folder.path();
    let remount = |options: &str| {
        let status =
            Command::new("mount").args(["-o", options]).arg(folder).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let bound =
        Command::new("mount").arg("--bind").args([folder, folder]).stderr(Stdio::null()).status();
    if !bound.is_ok_and(|status| status.success()) || !remount("remount,bind,ro") {
        eprintln!("SKIPPED: a read-only disk: this user cannot mount one");
        return;
    }
    let refused = Depot::open_folder(folder, &settings());
    let told = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(Command::new("umount").arg(folder).status().unwrap().success());
    assert!(told.contains("Read-only file system"), "{told}");
    let depot = Depot::open_folder(folder, &settings()).unwrap();
    assert!(depot.manifest(&name("app"), &by_tag("1")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_pushes_are_few_commits() {
    let yard = yard();
    let app = name("app");
    push_blob(&yard.depot, &app, b"{}").await;
    let before = yard.depot.n_syncs();
    let started = Instant::now();
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let (depot, app) = (yard.depot.clone(), app.clone());
            tokio::spawn(async move {
                let text =
                    manifest_text(b"{}", &[], &format!(r#","annotations":{{"n":"{number}"}}"#));
                put(&depot, &app, by_tag(&format!("t{number}")), text).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let n_syncs = yard.depot.n_syncs() - before;
    assert!(n_syncs < 64, "{n_syncs} waits for 64 manifests in {:?}", started.elapsed());
    let page = yard.depot.tags(&app, None, 100).await.unwrap();
    assert_eq!(page.items.len(), 64);
    assert!(yard.depot.manifest(&app, &Target::Tag(tag("t7"))).await.unwrap().is_some());
}

#[tokio::test]
async fn jobs_and_logs() {
    let yard = yard();
    let depot = &yard.depot;
    let now = jiff::Timestamp::now();
    depot.enqueue("scan", "a", b"1", now).await.unwrap();
    depot.enqueue("scan", "b", b"2", now + Duration::from_hours(1)).await.unwrap();
    let lease = Duration::from_mins(1);
    let job = depot.claim("scan", lease).await.unwrap().unwrap();
    assert_eq!((job.key.as_str(), job.attempt), ("a", 1));
    assert!(depot.claim("scan", lease).await.unwrap().is_none(), "claimed, or not yet due");
    depot.retry_job(&job, now).await.unwrap();
    let job = depot.claim("scan", lease).await.unwrap().unwrap();
    assert_eq!(job.attempt, 2);
    depot.enqueue("scan", "a", b"3", now).await.unwrap();
    depot.finish_job(&job).await.unwrap();
    let job = depot.claim("scan", lease).await.unwrap().unwrap();
    assert_eq!(job.value, Bytes::from_static(b"3"), "what was replaced is done again");
    depot.finish_job(&job).await.unwrap();
    assert!(depot.claim("scan", lease).await.unwrap().is_none());
    for _ in 0..3 {
        let line = |number: u64, before: Option<&[u8]>| {
            format!("{number} after {}", before.map_or(0, <[u8]>::len)).into_bytes()
        };
        depot.log_append("audit", line).await.unwrap();
    }
    let lines = depot.log_lines("audit", 2, 10).await.unwrap();
    assert_eq!(lines[0], (2, Bytes::from_static(b"2 after 9")));
    for key in ["a/1", "a/2", "ab", "b"] {
        depot.put_record("robot", key, b"x").await.unwrap();
    }
    let page = depot.records("robot", "a/", None, 1).await.unwrap();
    assert_eq!((page.items[0].0.as_str(), page.more), ("a/1", true));
    let page = depot.records("robot", "a/", Some("a/1"), 9).await.unwrap();
    assert_eq!((page.items.len(), page.more), (1, false));
    assert!(depot.delete_record("robot", "b").await.unwrap());
    assert!(!depot.delete_record("robot", "b").await.unwrap());
}
