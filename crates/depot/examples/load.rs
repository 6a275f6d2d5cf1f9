//! How fast a depot is: manifests and blobs put by one and by many clients, and manifests read again and again.
//!
//! `cargo run -p sealift-depot --example load [FOLDER]`
#![allow(clippy::print_stdout, reason = "it is a program that tells figures")]
#![allow(clippy::unwrap_used, reason = "if a step fails there are no figures")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use sealift_depot::{Children, Depot, NewManifest, Settings, Target};
use sealift_oci::{Digest, RepositoryName, Tag};

const EACH: Duration = Duration::from_secs(3);

fn main() {
    let folder = std::env::args_os().nth(1);
    let temporary = tempfile::tempdir().unwrap();
    let folder = folder.map_or_else(|| temporary.path().to_owned(), Into::into);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(run(&folder));
}

async fn run(folder: &std::path::Path) {
    let started = Instant::now();
    let depot = Depot::open_folder(folder, &Settings::default()).unwrap();
    println!("open: {:?}", started.elapsed());
    let app = RepositoryName::parse("team/app").unwrap();
    let config = Bytes::from_static(b"{}");
    let digest = Digest::sha256(&config);
    depot.put_blob(&app, config, &digest, "load").await.unwrap();
    for n_clients in [1, 16] {
        let before = depot.n_syncs();
        let n_done = many(&depot, n_clients, put_manifest).await;
        report("put_manifest", n_clients, n_done, Some(depot.n_syncs() - before));
    }
    for n_clients in [1, 16] {
        let before = depot.n_syncs();
        let n_done = many(&depot, n_clients, put_blob).await;
        report("put_blob of 1 KiB", n_clients, n_done, Some(depot.n_syncs() - before));
    }
    let n_done = many(&depot, 1, read_manifest).await;
    report("manifest by tag, hot", 1, n_done, None);
    let n_done = many(&depot, 1, read_blob).await;
    report("blob of 2 bytes, found and read", 1, n_done, None);
    let n_done = many(&depot, 1, list_tags).await;
    report("100 tags", 1, n_done, None);
    pull(&depot, &app).await;
}

fn report(what: &str, n_clients: u64, n_done: u64, n_syncs: Option<u64>) {
    let rate = n_done / EACH.as_secs();
    let each = (EACH * u32::try_from(n_clients).unwrap()).checked_div(n_done.try_into().unwrap());
    let syncs =
        n_syncs.map_or_else(String::new, |n| format!(", {n} waits for the disk for {n_done}"));
    println!("{what}, {n_clients} at once: {rate}/s, {:?} each{syncs}", each.unwrap_or_default());
}

async fn many<F, R>(depot: &Depot, n_clients: u64, act: F) -> u64
where
    F: Fn(Depot, u64) -> R + Copy + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let until = Instant::now() + EACH;
    let clients: Vec<_> = (0..n_clients)
        .map(|client| {
            let depot = depot.clone();
            tokio::spawn(async move {
                let mut n_done = 0;
                while Instant::now() < until {
                    act(depot.clone(), (n_clients << 56) | (client << 48) | n_done).await;
                    n_done += 1;
                }
                n_done
            })
        })
        .collect();
    let mut n_done = 0;
    for client in clients {
        n_done += client.await.unwrap();
    }
    n_done
}

async fn put_manifest(depot: Depot, number: u64) {
    let digest = Digest::sha256(b"{}");
    let text = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"x/y","digest":"{digest}","size":2}},"annotations":{{"n":"{number}"}}}}"#
    );
    let new = NewManifest {
        target: Target::Tag(Tag::parse(&format!("t{number:x}")).unwrap()),
        tags: &[],
        media_type: "",
        bytes: text.into(),
        by: "load",
        children: Children::Required,
    };
    let app = RepositoryName::parse("team/app").unwrap();
    depot.put_manifest(&app, new).await.unwrap();
}

async fn put_blob(depot: Depot, number: u64) {
    let app = RepositoryName::parse("team/app").unwrap();
    let bytes: Bytes = number.to_be_bytes().repeat(128).into();
    let digest = Digest::sha256(&bytes);
    depot.put_blob(&app, bytes, &digest, "load").await.unwrap();
}

async fn read_manifest(depot: Depot, _: u64) {
    let app = RepositoryName::parse("team/app").unwrap();
    let tag = Target::Tag(Tag::parse("t100000000000000").unwrap());
    depot.manifest(&app, &tag).await.unwrap().unwrap();
}

async fn read_blob(depot: Depot, _: u64) {
    let app = RepositoryName::parse("team/app").unwrap();
    let blob = depot.blob(&app, &Digest::sha256(b"{}")).await.unwrap().unwrap();
    let mut body = depot.read_blob(&blob, 0..2).await.unwrap();
    while let Some(piece) = body.next().await {
        piece.unwrap();
    }
}

async fn list_tags(depot: Depot, _: u64) {
    let app = RepositoryName::parse("team/app").unwrap();
    depot.tags(&app, None, 100).await.unwrap();
}

async fn pull(depot: &Depot, app: &RepositoryName) {
    const PIECE: usize = 1 << 20;
    let upload = depot.begin_upload(app, sealift_oci::Algorithm::Sha256, "load").await.unwrap().id;
    let piece = Bytes::from(vec![7_u8; PIECE]);
    let mut hasher = sealift_oci::Hasher::new(sealift_oci::Algorithm::Sha256);
    (0..256).for_each(|_| hasher.update(&piece));
    let body = futures_util::stream::iter((0..256).map(move |_| Ok(piece.clone())));
    let started = Instant::now();
    depot.append(app, &upload, None, None, body).await.unwrap();
    let blob = depot.finish_upload(app, &upload, &hasher.finish()).await.unwrap();
    println!("push of 256 MiB: {:?}", started.elapsed());
    let started = Instant::now();
    let mut body = depot.read_blob(&blob, 0..blob.size).await.unwrap();
    let mut n_bytes = 0;
    while let Some(piece) = body.next().await {
        n_bytes += piece.unwrap().len();
    }
    println!("pull of {n_bytes} bytes from memory: {:?}", started.elapsed());
}
