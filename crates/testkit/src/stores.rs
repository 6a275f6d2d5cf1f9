//! What several replicas share: a server of PostgreSQL, a server of S3, and a gate before one that makes trouble.
#![allow(clippy::unwrap_used, reason = "a test says by panic what is wrong")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const START_WAIT: Duration = Duration::from_mins(1);

/// A server of PostgreSQL with a folder of its own, as Debian's packages have it.
pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    server: Option<Child>,
    has_tls: bool,
}

/// A server that speaks S3: `moto`, from the environment that `tests/setup` makes.
pub struct S3Server {
    port: u16,
    server: Child,
}

/// What a gate does to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Every request is answered with 500.
    Failing,
    /// Every piece of an answer waits for some milliseconds.
    Slow,
    /// Answers end after some bytes.
    Cut,
    /// Nobody answers.
    Silent,
}

/// Stands before a server and makes trouble.
pub struct TroubledGate {
    port: u16,
    mode: Arc<AtomicUsize>,
    count: Arc<AtomicU64>,
}

impl Postgres {
    /// Starts one; none if it is not installed.
    pub fn start() -> Option<Self> {
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|path| path.join("initdb").exists())
            .collect();
        versions.sort();
        let programs = versions.pop()?;
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            let done = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(done.unwrap().success(), "there is no user `postgres`");
        }
        let mut postgres =
            Self { folder, programs, port: free_port(), server: None, has_tls: false };
        let data = postgres.folder.path().join("data");
        let done = postgres
            .command("initdb")
            .args(["--auth=trust", "--username=sealift", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(done.unwrap().success(), "initdb failed");
        postgres.resume();
        Some(postgres)
    }

    // The server refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command.current_dir(self.folder.path());
        command
    }

    /// Starts the server again.
    pub fn resume(&mut self) {
        let folder = self.folder.path();
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(folder.join("data"))
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c"])
            .arg(format!("unix_socket_directories={}", folder.display()))
            .args(["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "log_min_messages=fatal"])
            .args(["-c", if self.has_tls { "ssl=on" } else { "ssl=off" }])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.server = Some(child.unwrap());
        let until = Instant::now() + START_WAIT;
        while !self.sql("postgres", "SELECT 1").0 {
            assert!(Instant::now() < until, "PostgreSQL did not start");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server in the middle of whatever it does.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let done = Command::new("kill").args(["-INT", &server.id().to_string()]).status();
            assert!(done.unwrap().success());
            server.wait().unwrap();
        }
    }

    /// From now on it speaks TLS to whoever wants, and to nobody in the clear over the network; by this certificate.
    pub fn insist_on_tls(&mut self, certificate: &str, key: &str) {
        self.stop();
        let data = self.folder.path().join("data");
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                let done = Command::new("chown").arg("postgres").arg(&path).status();
                assert!(done.unwrap().success(), "there is no user `postgres`");
            }
        }
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
        std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
        self.has_tls = true;
        self.resume();
    }

    /// Address of a database, without a word on TLS.
    pub fn address(&self, name: &str) -> String {
        format!("postgresql://sealift@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs a statement; whether it worked, and what was said.
    pub fn sql(&self, database: &str, statement: &str) -> (bool, String) {
        let output = Command::new(self.programs.join("psql"))
            .args(["-h", "127.0.0.1", "-U", "sealift", "-p", &self.port.to_string()])
            .args(["-d", database, "-Atc", statement])
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Makes an empty database and tells its address.
    pub fn database(&self, name: &str) -> String {
        assert!(self.sql("postgres", &format!("CREATE DATABASE {name}")).0);
        format!("postgresql://sealift@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

impl S3Server {
    /// Starts one; none if it is not installed.
    pub fn start() -> Option<Self> {
        Self::start_strict(usize::MAX)
    }

    /// The same, which after some requests verifies signatures and who may do what.
    pub fn start_strict(n_free: usize) -> Option<Self> {
        let program = folder_of_stores()?.join("bin/moto_server");
        if !program.exists() {
            return None;
        }
        let port = free_port();
        let mut command = Command::new(program);
        if n_free < usize::MAX {
            command.env("INITIAL_NO_AUTH_ACTION_COUNT", n_free.to_string());
        }
        let server = command
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { port, server };
        let until = Instant::now() + START_WAIT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "moto did not start");
            thread::sleep(Duration::from_millis(50));
        }
        Some(started)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a bucket.
    pub fn make_bucket(&self, name: &str) {
        self.ask(&format!("PUT /{name}"), "s3", "");
    }

    /// Makes a role that may do everything with objects, and tells its name.
    pub fn make_role(&self, name: &str) -> String {
        let anybody = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
        let all = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
            %22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
        let version = "Version=2010-05-08";
        let role = format!(
            "Action=CreateRole&{version}&RoleName={name}&AssumeRolePolicyDocument={anybody}"
        );
        self.ask("POST /", "iam", &role);
        let policy = format!(
            "Action=PutRolePolicy&{version}&RoleName={name}&PolicyName=all&PolicyDocument={all}"
        );
        self.ask("POST /", "iam", &policy);
        format!("arn:aws:iam::123456789012:role/{name}")
    }

    // Moto asks the header to which service a request goes.
    fn ask(&self, what: &str, service: &str, body: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!(
            "{what} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=key/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // It has no more to do.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl TroubledGate {
    /// A gate before a port of this machine.
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicUsize::new(0));
        let count = Arc::new(AtomicU64::new(0));
        let (of_thread, counted) = (Arc::clone(&mode), Arc::clone(&count));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (mode, counted) = (Arc::clone(&of_thread), Arc::clone(&counted));
                thread::spawn(move || pass(stream, port, &mode, &counted));
            }
        });
        Self { port: own, mode, count }
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Begins or ends trouble, also for connections that there are.
    pub fn make(&self, trouble: Trouble) {
        self.mode.store(trouble as usize, Ordering::SeqCst);
    }

    /// How often it made trouble.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }
}

fn pass(mut client: TcpStream, port: u16, mode: &Arc<AtomicUsize>, count: &Arc<AtomicU64>) {
    const FAILING: usize = Trouble::Failing as usize;
    const SILENT: usize = Trouble::Silent as usize;
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let (Ok(mut from), Ok(mut to)) = (server.try_clone(), client.try_clone()) else { return };
    let (of_answers, counted) = (Arc::clone(mode), Arc::clone(count));
    thread::spawn(move || answers(&mut from, &mut to, &of_answers, &counted));
    let mut piece = vec![0; 64 << 10];
    while let Ok(n_bytes @ 1..) = client.read(&mut piece) {
        match mode.load(Ordering::SeqCst) {
            FAILING => {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                drop(client.write_all(answer));
                break;
            }
            SILENT => {
                count.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            _ => {}
        }
        if server.write_all(&piece[..n_bytes]).is_err() {
            break;
        }
    }
    drop(server.shutdown(Shutdown::Both));
    drop(client.shutdown(Shutdown::Both));
}

fn answers(from: &mut TcpStream, to: &mut TcpStream, mode: &AtomicUsize, count: &AtomicU64) {
    const SLOW: usize = Trouble::Slow as usize;
    const CUT: usize = Trouble::Cut as usize;
    let mut piece = vec![0; 16 << 10];
    while let Ok(n_bytes @ 1..) = from.read(&mut piece) {
        let mut end = n_bytes;
        match mode.load(Ordering::SeqCst) {
            SLOW => thread::sleep(Duration::from_millis(30)),
            // Headers come, and of a body only its beginning.
            CUT if n_bytes > 2000 => {
                count.fetch_add(1, Ordering::SeqCst);
                end = 1000;
            }
            _ => {}
        }
        if to.write_all(&piece[..end]).is_err() || end < n_bytes {
            break;
        }
    }
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

/// The folder that `tests/setup` makes for a server of S3.
fn folder_of_stores() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("SEALIFT_STORES") {
        return Some(folder.into());
    }
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => Path::new(&std::env::var_os("HOME")?).join(".cache"),
    };
    Some(cache.join("sealift-stores"))
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
