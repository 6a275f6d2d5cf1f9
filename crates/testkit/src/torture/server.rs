//! The server that is tortured: started, killed and started again; its operator's socket; what it logs of its own failures.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::wire::Wire;

const START_TIME: Duration = Duration::from_mins(2);

/// Seconds for which what was pushed or deleted is held.
pub(super) const WINDOW_SECS: u64 = 4;

/// The server.
pub(super) struct Server {
    program: PathBuf,
    folder: PathBuf,
    pub(super) host: String,
    child: Mutex<Option<(Child, JoinHandle<Vec<String>>)>>,
    // Odd while it is dying or starting.
    generation: AtomicU64,
    peak_kb: AtomicU64,
    slowest_start_ms: AtomicU64,
}

impl Server {
    /// A server over a folder of its own, not started yet.
    pub(super) fn new(program: &Path, folder: &Path) -> io::Result<Self> {
        // An address that nobody has.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            host: format!("127.0.0.1:{port}"),
            child: Mutex::default(),
            generation: AtomicU64::new(1),
            peak_kb: AtomicU64::new(0),
            slowest_start_ms: AtomicU64::new(0),
        })
    }

    /// Where it keeps everything.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Which run of the server is at work, if one is.
    pub(super) fn generation(&self) -> Option<u64> {
        Some(self.generation.load(Ordering::SeqCst)).filter(|number| number.is_multiple_of(2))
    }

    /// The same, as soon as one is.
    pub(super) fn wait(&self) -> u64 {
        loop {
            if let Some(number) = self.generation() {
                return number;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts it; what is deleted, leased or left lying is held for so many seconds.
    pub(super) fn start(&self, window_secs: u64) -> io::Result<()> {
        let upload_age = if window_secs == 0 { "1s" } else { "24h" };
        let data = serde_json::to_string(&self.data())?;
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem: {{rootdirectory: {data}}}\n  delete: {{enabled: true}}\n  \
             maintenance: {{uploadpurging: {{enabled: true, age: {upload_age}}}}}\n\
             http: {{addr: \"{}\"}}\nsealift:\n  \
             storage: {{lease_secs: {window_secs}, undelete_secs: {window_secs}, reserve_bytes: 0}}\n  \
             scrub: {{collect_minutes: 0, scrub_hours: 0}}\n  \
             retention: [{{repositories: \"ci/**\", keep_last: 3, untagged_after_days: 0}}]\n",
            self.host
        );
        let file = self.folder.join("registry.yml");
        std::fs::write(&file, text)?;
        let begin = Instant::now();
        let mut child = Command::new(&self.program)
            .args(["registry", "serve"])
            .arg(&file)
            .env("HOME", &self.folder)
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let reader = std::thread::spawn(move || failures(BufReader::new(log)));
        while !self.is_ready() {
            if child.try_wait()?.is_some() || begin.elapsed() > START_TIME {
                let _ = child.kill();
                let _ = child.wait();
                let told = reader.join().unwrap_or_default().join("\n");
                return Err(io::Error::other(format!("the server did not start: {told}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let started = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.slowest_start_ms.fetch_max(started, Ordering::Relaxed);
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some((child, reader));
        self.generation.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let answered =
            Wire::open(&self.host).and_then(|mut wire| wire.request("GET", "/readyz", &[], b""));
        answered.is_ok_and(|reply| reply.status == 200)
    }

    /// Kills it, or asks it to stop; what it logged of its failures.
    pub(super) fn end(&self, is_killed: bool) -> Vec<String> {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((mut child, reader)) = child else { return Vec::new() };
        self.peak_kb.fetch_max(peak_kb(child.id()), Ordering::Relaxed);
        // From here on a lost connection surprises nobody.
        self.generation.fetch_add(1, Ordering::SeqCst);
        if is_killed {
            let _ = child.kill();
        } else {
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        }
        let _ = child.wait();
        reader.join().unwrap_or_default()
    }

    /// Most memory that any run had, in MB, and the slowest start in milliseconds.
    pub(super) fn figures(&self) -> (u64, u64) {
        (self.peak_kb.load(Ordering::Relaxed) / 1024, self.slowest_start_ms.load(Ordering::Relaxed))
    }

    /// Asks the operator's socket.
    pub(super) fn ask(&self, request: &Value) -> io::Result<Value> {
        let mut stream = UnixStream::connect(self.data().join("admin.sock"))?;
        stream.write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        if BufReader::new(stream).read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(true);
    }
}

// Requests that the server failed at, and what it says that is no line of its log: panics, refusals to start.
fn failures(lines: impl io::BufRead) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines.lines().map_while(Result::ok) {
        let is_failure = match serde_json::from_str::<Value>(&line) {
            Ok(entry) => entry["event"] == "failure" || entry["status"].as_u64() >= Some(500),
            Err(_) => line.contains("panicked") || line.starts_with("error"),
        };
        if is_failure && found.len() < 20 {
            found.push(line);
        }
    }
    found
}

fn peak_kb(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
