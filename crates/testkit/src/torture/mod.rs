//! The registry under torture: clients push, mount, cut, resume, pull and delete, while it collects, applies retention
//! and scrubs all the time, and is killed and started again.
//!
//! Entry point: [`torture`]. Each client keeps what it was answered, and asks for no more and no less: a manifest that
//! was answered with 201 and not deleted pulls whole, what was deleted is gone, a lease holds, an upload goes on where
//! it was acknowledged. In the end all is deleted and collected, and nothing may be left on the disk.

mod client;
mod dice;
mod server;
mod steps;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sealift_oci::Digest;
use serde_json::json;

use client::Client;
use dice::Dice;
use server::{Server, WINDOW_SECS};

/// Blobs that all clients push.
const N_SHARED: u64 = 32;
const WRONGS_MAX: usize = 20;

/// What is done to a registry.
#[derive(Clone, Debug)]
pub struct Torture {
    /// The program `sealift`.
    pub program: PathBuf,
    /// An empty folder for it.
    pub folder: PathBuf,
    /// How long.
    pub time: Duration,
    /// By how many at once.
    pub n_clients: u64,
    /// From which all that is done follows, but for when it is done.
    pub seed: u64,
    /// Time between two kills, about.
    pub kill_every: Duration,
    /// As many kills end it before its time.
    pub kills_max: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// How often what was done.
    pub counts: BTreeMap<&'static str, u64>,
    /// What must not have happened.
    pub wrongs: Vec<String>,
    /// Most memory of the server in MB.
    pub peak_mb: u64,
    /// The slowest start of the server in milliseconds.
    pub slowest_start_ms: u64,
    /// The slowest answer in milliseconds.
    pub slowest_answer_ms: u64,
}

/// What clients share.
struct Shared {
    server: Server,
    seed: u64,
    n_clients: u64,
    blobs: Vec<(String, Vec<u8>)>,
    is_over: AtomicBool,
    wrongs: Mutex<Vec<String>>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    slowest_us: AtomicU64,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, number) in &self.counts {
            writeln!(out, "{what}\t{number}")?;
        }
        writeln!(out, "memory peak\t{} MB", self.peak_mb)?;
        writeln!(out, "slowest start\t{} ms", self.slowest_start_ms)?;
        writeln!(out, "slowest answer\t{} ms", self.slowest_answer_ms)?;
        for wrong in &self.wrongs {
            writeln!(out, "WRONG: {wrong}")?;
        }
        writeln!(out, "{} wrong", self.wrongs.len())
    }
}

/// Tortures a registry. An error is one of the test, such as a program that does not start.
pub fn torture(torture: &Torture) -> std::io::Result<Report> {
    let shared = Arc::new(Shared::new(torture)?);
    shared.server.start(WINDOW_SECS)?;
    let clients = std::thread::scope(|scope| {
        let keeper = scope.spawn(|| keep(&shared));
        let killer = scope.spawn(|| kill(&shared, torture));
        let workers: Vec<_> = (0..torture.n_clients)
            .map(|number| {
                let client = Client::new(Arc::clone(&shared), number);
                scope.spawn(|| work(client))
            })
            .collect();
        let failed = killer.join().unwrap_or(Ok(()));
        shared.is_over.store(true, Ordering::SeqCst);
        if failed.is_err() {
            // Those that wait for a server would wait for ever.
            return failed.map(|()| Vec::new());
        }
        let clients = workers.into_iter().filter_map(|worker| worker.join().ok()).collect();
        drop(keeper.join());
        Ok(clients)
    })?;
    if clients.len() as u64 != torture.n_clients {
        shared.wrong("a client of the test panicked".to_owned());
    }
    finish(&shared, clients)?;
    let (peak_mb, slowest_start_ms) = shared.server.figures();
    Ok(Report {
        counts: lock(&shared.counts).clone(),
        wrongs: lock(&shared.wrongs).clone(),
        peak_mb,
        slowest_start_ms,
        slowest_answer_ms: shared.slowest_us.load(Ordering::Relaxed) / 1000,
    })
}

fn digest_of(bytes: &[u8]) -> String {
    Digest::sha256(bytes).to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn new(torture: &Torture) -> std::io::Result<Self> {
        let seed = torture.seed;
        Ok(Self {
            server: Server::new(&torture.program, &torture.folder)?,
            seed,
            n_clients: torture.n_clients,
            blobs: (0..N_SHARED).map(|number| make_blob(seed, number)).collect(),
            is_over: AtomicBool::new(false),
            wrongs: Mutex::default(),
            counts: Mutex::default(),
            slowest_us: AtomicU64::new(0),
        })
    }

    fn blob(&self, number: u64) -> (String, Vec<u8>) {
        let known = usize::try_from(number).ok().and_then(|place| self.blobs.get(place));
        known.cloned().unwrap_or_else(|| make_blob(self.seed, number))
    }

    fn count(&self, what: &'static str, n: u64) {
        *lock(&self.counts).entry(what).or_default() += n;
    }

    fn answered(&self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.slowest_us.fetch_max(time, Ordering::Relaxed);
        self.count("requests", 1);
    }

    fn wrong(&self, text: String) {
        let mut wrongs = lock(&self.wrongs);
        if wrongs.len() < WRONGS_MAX {
            wrongs.push(text);
        }
        // What follows from a mistake says nothing.
        self.is_over.store(true, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

// Of all sizes: none, some bytes, many kilobytes, and a few megabytes.
fn make_blob(seed: u64, number: u64) -> (String, Vec<u8>) {
    let mut dice = Dice::new(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let size = match number {
        3 => 0,
        _ => match dice.roll(16) {
            0 => 1_000_000 + dice.below(2_000_000),
            1..=4 => dice.below(200_000),
            _ => 12 + dice.below(5000),
        },
    };
    let bytes = dice.bytes(size);
    (digest_of(&bytes), bytes)
}

fn work(mut client: Client) -> Client {
    while !client.shared.is_over() {
        if let Err(text) = client.step() {
            client.shared.wrong(text);
        }
    }
    client
}

// Collects, applies retention and scrubs, as fast as the server does it.
fn keep(shared: &Shared) {
    let requests = [
        ("collections", json!({"do": "collect", "dry_run": false, "ignore_leases": false})),
        ("retentions", json!({"do": "retain", "dry_run": false})),
        ("scrubs", json!({"do": "scrub", "bytes_per_second": null})),
    ];
    for (what, request) in requests.iter().cycle() {
        if shared.is_over() {
            return;
        }
        let generation = shared.server.wait();
        let answer = shared.server.ask(request);
        let is_excused = shared.server.generation() != Some(generation);
        match answer {
            Ok(answer) if answer.get("done").is_some() => {
                shared.count(what, 1);
                let summary = &answer["done"]["summary"];
                if *what == "collections" {
                    shared.count("blobs collected", summary["blobs"].as_u64().unwrap_or(0));
                }
                if summary["damaged"].as_u64().unwrap_or(0) > 0 {
                    shared.wrong(format!("{what}: {answer}"));
                }
            }
            Ok(answer) if !is_excused => shared.wrong(format!("{what}: {answer}")),
            Err(error) if !is_excused => {
                shared.wrong(format!("{what}: nobody killed the server, but: {error}"));
            }
            _ => {}
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

// Kills the server, and sometimes only stops it, until the time is over.
fn kill(shared: &Shared, torture: &Torture) -> std::io::Result<()> {
    let (begin, mut dice) = (Instant::now(), Dice::new(torture.seed ^ 0xdead));
    let mut n_kills = 0;
    loop {
        let every = u64::try_from(torture.kill_every.as_millis()).unwrap_or(u64::MAX);
        let next = Instant::now() + Duration::from_millis(every / 4 + dice.roll(every * 3 / 2));
        while Instant::now() < next {
            if begin.elapsed() >= torture.time || n_kills >= torture.kills_max || shared.is_over() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let is_killed = dice.roll(8) != 0;
        n_kills += u64::from(is_killed);
        shared.count(if is_killed { "kills" } else { "stops" }, 1);
        for line in shared.server.end(is_killed) {
            shared.wrong(format!("the server failed: {line}"));
        }
        shared.server.start(WINDOW_SECS)?;
    }
}

// All that was answered is there; then all is deleted and collected, and nothing is left.
fn finish(shared: &Shared, mut clients: Vec<Client>) -> std::io::Result<()> {
    for client in &mut clients {
        client.verify().unwrap_or_else(|text| shared.wrong(text));
    }
    if !lock(&shared.wrongs).is_empty() {
        return Ok(());
    }
    for client in &mut clients {
        client.leave().unwrap_or_else(|text| shared.wrong(text));
    }
    for line in shared.server.end(false) {
        shared.wrong(format!("the server failed: {line}"));
    }
    shared.server.start(0)?;
    // Uploads that nobody remembers may rest for a second.
    std::thread::sleep(Duration::from_millis(2100));
    for request in ["retain", "collect", "collect"] {
        let request = match request {
            "retain" => json!({"do": "retain", "dry_run": false}),
            _ => json!({"do": "collect", "dry_run": false, "ignore_leases": true}),
        };
        let answer = shared.server.ask(&request)?;
        if answer.get("done").is_none() {
            shared.wrong(format!("{request}: {answer}"));
        }
    }
    let statistics = shared.server.ask(&json!({"do": "statistics"}))?;
    let summary = &statistics["done"]["summary"];
    for what in ["blobs", "manifests", "tags", "repositories", "uploads", "damaged"] {
        if summary[what].as_u64() != Some(0) {
            shared.wrong(format!("{what} are leaked: {statistics}"));
        }
    }
    shared.server.end(false);
    for folder in ["blobs", "uploads", "quarantine"] {
        let n_files = n_files(&shared.server.data().join(folder));
        if n_files > 0 {
            shared.wrong(format!("{n_files} files are leaked in `{folder}`"));
        }
    }
    Ok(())
}

fn n_files(folder: &Path) -> usize {
    let (mut waiting, mut n_files) = (vec![folder.to_owned()], 0);
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => waiting.push(path),
                _ => n_files += 1,
            }
        }
    }
    n_files
}
