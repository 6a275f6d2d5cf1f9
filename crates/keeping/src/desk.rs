//! The socket in a depot's folder, at which a running server does what its operator asks: one request and one answer
//! a connection, each a line of JSON. And the rhythm in which a server keeps its depot without being asked.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sealift_depot::{CollectOptions, Depot, ScrubOptions};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::{interval_at, timeout};

use crate::Error;
use crate::request::{Answer, Request, perform};

const NAME: &str = "admin.sock";
const REQUEST_BYTES_MAX: u64 = 64 << 10;
const REQUEST_TIME: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Done(Answer),
    Wrong(String),
    Failed(String),
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub struct Attending {
    task: JoinHandle<()>,
    path: Option<PathBuf>,
}

impl Drop for Attending {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(path) = &self.path {
            // The next server removes what is left.
            drop(std::fs::remove_file(path));
        }
    }
}

/// Answers at the socket of a folder, which this process has open. It must be called within a runtime.
pub fn attend(folder: &Path, depot: Depot) -> io::Result<Attending> {
    let path = folder.join(NAME);
    let folder: Arc<Path> = Arc::from(folder);
    // Nobody else has the folder: what lies there is of a server that was killed.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let task = tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    drop(tokio::spawn(converse(stream, depot.clone(), Arc::clone(&folder))));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok(Attending { task, path: Some(path) })
}

async fn converse(stream: UnixStream, depot: Depot, folder: Arc<Path>) {
    let own = rustix::process::geteuid().as_raw();
    let is_known = stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0);
    let (reader, mut writer) = stream.into_split();
    let mut line = Vec::new();
    let mut reader = tokio::io::BufReader::new(reader.take(REQUEST_BYTES_MAX));
    let read = timeout(REQUEST_TIME, reader.read_until(b'\n', &mut line)).await;
    let reply = match (is_known, read, serde_json::from_slice::<Request>(&line)) {
        (false, ..) => Reply::Failed("only the user of the server may ask".to_owned()),
        (true, Ok(Ok(_)), Ok(request)) => match perform(&depot, &folder, &request).await {
            Ok(answer) => Reply::Done(answer),
            Err(Error::Wrong(reason)) => Reply::Wrong(reason),
            Err(error) => Reply::Failed(error.to_string()),
        },
        (true, _, Err(error)) => Reply::Failed(format!("the request cannot be read: {error}")),
        (true, ..) => return,
    };
    if let Ok(mut text) = serde_json::to_vec(&reply) {
        text.push(b'\n');
        // Who went away hears nothing.
        let _ = writer.write_all(&text).await;
    }
}

/// Asks the server that has a folder open, and waits for it.
pub fn ask(folder: &Path, request: &Request) -> Result<Answer, Error> {
    let path = folder.to_owned();
    let mut stream = match BlockingStream::connect(folder.join(NAME)) {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Err(Error::NoServer { path });
        }
        Err(error) => return Err(Error::Server { path, reason: error.to_string() }),
    };
    let exchange = || -> io::Result<Reply> {
        let mut text = serde_json::to_vec(request)?;
        text.push(b'\n');
        stream.write_all(&text)?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    };
    match exchange() {
        Ok(Reply::Done(answer)) => Ok(answer),
        Ok(Reply::Wrong(reason)) => Err(Error::Wrong(reason)),
        Ok(Reply::Failed(reason)) => Err(Error::Refused(reason)),
        Err(error) => Err(Error::Server { path, reason: error.to_string() }),
    }
}

/// How often a server does what keeps its depot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rhythm {
    /// Minutes between collections, each after retention; 0 for never.
    pub collect_minutes: u64,
    /// Hours between scrubs; 0 for never.
    pub scrub_hours: u64,
    /// How fast a scrub reads at most.
    pub scrub_bytes_per_second: u64,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { collect_minutes: 60, scrub_hours: 24 * 7, scrub_bytes_per_second: 32 << 20 }
    }
}

/// Collects, applies retention and scrubs in a rhythm; what fails or is found damaged is told.
pub fn tend(
    depot: Depot,
    rhythm: Rhythm,
    told: impl Fn(&str) + Send + Sync + 'static,
) -> Attending {
    let task = tokio::spawn(async move {
        let collecting = collecting(&depot, rhythm.collect_minutes, &told);
        let scrubbing = scrubbing(&depot, rhythm, &told);
        tokio::join!(collecting, scrubbing);
    });
    Attending { task, path: None }
}

async fn collecting(depot: &Depot, minutes: u64, told: &(impl Fn(&str) + Sync)) {
    let Some(mut ticks) = ticks(minutes.saturating_mul(60)) else { return };
    loop {
        ticks.tick().await;
        if let Err(error) = depot.retain(false).await {
            told(&format!("retention failed: {error}"));
        }
        if let Err(error) = depot.collect(&CollectOptions::default()).await {
            told(&format!("the collection failed: {error}"));
        }
    }
}

async fn scrubbing(depot: &Depot, rhythm: Rhythm, told: &(impl Fn(&str) + Sync)) {
    let Some(mut ticks) = ticks(rhythm.scrub_hours.saturating_mul(3600)) else { return };
    let bytes_per_second = Some(rhythm.scrub_bytes_per_second).filter(|bytes| *bytes > 0);
    loop {
        ticks.tick().await;
        let options = ScrubOptions { bytes_per_second, ..ScrubOptions::default() };
        match depot.scrub(None, &options).await {
            Ok(done) => {
                for damage in done.damaged {
                    told(&format!("`{}` is damaged: {}", damage.digest, damage.reason));
                }
            }
            Err(error) => told(&format!("the scrub failed: {error}")),
        }
    }
}

fn ticks(seconds: u64) -> Option<tokio::time::Interval> {
    if seconds == 0 {
        return None;
    }
    // A year at most, so that the sum of now and it is a time.
    let period = Duration::from_secs(seconds.min(365 * 24 * 3600));
    Some(interval_at(tokio::time::Instant::now() + period, period))
}

#[cfg(test)]
mod tests {
    use sealift_depot::{Children, NewManifest, Settings, Target};
    use sealift_oci::{Digest, RepositoryName, Tag};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_does_what_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        assert!(matches!(ask(&path, &Request::Statistics), Err(Error::NoServer { .. })));
        let depot = Depot::open_folder(&path, &Settings::default()).unwrap();
        // What a killed server leaves.
        drop(std::os::unix::net::UnixListener::bind(path.join(NAME)).unwrap());
        assert!(matches!(ask(&path, &Request::Statistics), Err(Error::NoServer { .. })));
        let attending = attend(&path, depot.clone()).unwrap();
        let mode = std::fs::metadata(path.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let (name, tag) = (RepositoryName::parse("app").unwrap(), Tag::parse("1").unwrap());
        let bytes = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        let new = NewManifest {
            target: Target::Tag(tag.clone()),
            tags: &[],
            media_type: "",
            bytes: bytes.as_slice().into(),
            by: "alice",
            children: Children::Required,
        };
        depot.put_manifest(&name, new).await.unwrap();
        let asked = |request: Request| {
            let path = path.clone();
            async move { tokio::task::spawn_blocking(move || ask(&path, &request)).await.unwrap() }
        };
        let statistics = asked(Request::Statistics).await.unwrap();
        assert_eq!(statistics.summary["tags"], 1);
        assert_eq!(statistics.rows[0]["repository"], "app");
        depot.delete_tag(&name, &tag, "bob").await.unwrap();
        let history = Request::History { repository: name.clone(), tag: tag.clone() };
        let history = asked(history).await.unwrap();
        assert_eq!((&history.rows[0]["by"], history.rows.len()), (&"bob".into(), 2));
        let digest = Digest::sha256(bytes);
        let by = "carol".to_owned();
        let undelete = Request::Undelete { repository: name.clone(), tag: tag.clone(), digest, by };
        asked(undelete.clone()).await.unwrap();
        assert!(depot.manifest(&name, &Target::Tag(tag)).await.unwrap().is_some());
        for request in [
            Request::Collect { dry_run: true, ignore_leases: false },
            Request::Retain { dry_run: false },
            Request::Scrub { bytes_per_second: None },
        ] {
            asked(request).await.unwrap();
        }
        let other = Request::Undelete {
            repository: name,
            tag: Tag::parse("2").unwrap(),
            digest: Digest::sha256(b"none"),
            by: String::new(),
        };
        assert!(matches!(asked(other).await, Err(Error::Refused(_))));

        let mut stream = BlockingStream::connect(path.join(NAME)).unwrap();
        stream.write_all(b"{\"do\":\"everything\"}\n").unwrap();
        let mut line = String::new();
        let read = move || BufReader::new(stream).read_line(&mut line).map(|_| line);
        let line = tokio::task::spawn_blocking(read).await.unwrap().unwrap();
        assert!(line.contains("failed"), "{line}");
        drop(attending);
        assert!(!path.join(NAME).exists());
    }
}
