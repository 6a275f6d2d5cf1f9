//! A server on a port of this machine, and a client that sends what it is told, byte for byte.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sealift_access::{Gatekeeper, Parts, Rule, Rules};
use sealift_crypto::{Certificate, SigningKey};
use sealift_depot::{Depot, Settings as DepotSettings};
use sealift_registry::store::open_folder;
use sealift_registry::{
    ConnectionLimits, Entry, Guard, Hooks, Log, Options, Registry, Service, TrustService, bind,
    serve, tls_of_folder,
};
use sealift_tuf::{Change, FileMeta, Gun, Key, Keys, Repository, Role};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::replicas::{self, Servers};

pub(crate) const GUN: &str = "localhost:5443/team/app";
pub(crate) const PLACE: &str = "/v2/localhost:5443/team/app/_trust/tuf/";

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Log for Lines {
    fn record(&self, entry: &Entry<'_>) {
        self.0.lock().unwrap().push(serde_json::to_string(entry).unwrap());
    }
}

impl Lines {
    /// What was logged of an event.
    pub(crate) fn of(&self, event: &str) -> Vec<String> {
        let start = format!("{{\"event\":\"{event}\"");
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|line| line.starts_with(&start)).cloned().collect()
    }
}

/// A server that ends with the test.
pub(crate) struct Lab {
    pub(crate) address: SocketAddr,
    pub(crate) log: Lines,
    pub(crate) folder: Arc<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// How a server is started.
pub(crate) struct Setup {
    pub(crate) parts: Parts,
    pub(crate) rules: &'static [&'static str],
    pub(crate) limits: ConnectionLimits,
    pub(crate) folder: Option<Arc<TempDir>>,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) has_tls: bool,
    /// What replicas share, instead of the folder.
    pub(crate) servers: Option<Servers>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            parts: Parts::open(),
            rules: &[],
            limits: ConnectionLimits::default(),
            folder: None,
            clock: Timestamp::now,
            has_tls: false,
            servers: replicas::servers_of_suite(),
        }
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::start(Setup::default())
    }

    pub(crate) fn start(setup: Setup) -> Self {
        let servers = setup.servers.clone();
        Self::of(setup, |guard, folder| {
            if let Some(servers) = servers {
                let trust = replicas::trust(&servers, &replicas::schema(folder), None);
                return Arc::new(TrustService::over_shared(trust.unwrap(), guard));
            }
            let opened = open_folder(folder, None).unwrap();
            Arc::new(TrustService::open(opened, guard).unwrap())
        })
    }

    /// A registry, with trust data on the same origin.
    pub(crate) fn registry(setup: Setup, hooks: Hooks, options: Options) -> Self {
        Self::with_depot(setup, hooks, options).0
    }

    /// The same, and its depot.
    pub(crate) fn with_depot(setup: Setup, hooks: Hooks, options: Options) -> (Self, Depot) {
        let mut opened = None;
        let lab = Self::of(setup, |guard, folder| {
            let depot = Depot::open_folder(folder, &DepotSettings::default()).unwrap();
            opened = Some(depot.clone());
            let trust = open_folder(&folder.join("trust"), None).unwrap();
            let again = Guard {
                gatekeeper: guard.gatekeeper.clone(),
                log: Box::new(Lines::default()),
                clock: guard.clock,
            };
            let trust = TrustService::open(trust, again).unwrap().beside_images();
            let trust = Some(Arc::new(trust));
            let hooks = Hooks { trust, ..hooks };
            Arc::new(Registry::new(depot, guard.gatekeeper, hooks, options, guard.log, guard.clock))
        });
        (lab, opened.unwrap())
    }

    fn of<S: Service>(setup: Setup, service: impl FnOnce(Guard, &Path) -> Arc<S>) -> Self {
        let folder = setup.folder.unwrap_or_else(|| Arc::new(tempfile::tempdir().unwrap()));
        let log = Lines::default();
        let rules = setup.rules.iter().map(|text| Rule::parse(text).unwrap()).collect();
        let guard = Guard {
            gatekeeper: Gatekeeper::new(Parts { rules: Rules::new(rules), ..setup.parts }),
            log: Box::new(log.clone()),
            clock: setup.clock,
        };
        let service = service(guard, folder.path());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let tls = setup
            .has_tls
            .then(|| tls_of_folder(folder.path(), &names, Timestamp::now()).unwrap().0);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let stopped = async {
                let _ = stopped.await;
            };
            runtime.block_on(serve(listener, tls, service, setup.limits, stopped));
        });
        Self { address, log, folder, stop: Some(stop), thread: Some(thread) }
    }

    /// Stops the server, which ends what is at hand.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // A server that has heard enough may close before all is said.
        let _ = stream.write_all(bytes);
        read_all(&mut stream)
    }

    /// A request; headers are whole lines.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Reply {
        let mut text =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for header in headers {
            text += header;
            text += "\r\n";
        }
        if !body.is_empty() {
            text += "Content-Length: ";
            text += &body.len().to_string();
            text += "\r\n";
        }
        let bytes = [text.as_bytes(), b"\r\n", body].concat();
        Reply::parse(&self.raw(&bytes))
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, files: &[(String, Vec<u8>)], headers: &[&str]) -> Reply {
        let (kind, body) = form(files);
        self.request("POST", PLACE, &[&[kind.as_str()], headers].concat(), &body)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

pub(crate) fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// The content type and the body of a form, as Docker writes it.
pub(crate) fn form(files: &[(String, Vec<u8>)]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    ("Content-Type: multipart/form-data; boundary=XX".to_owned(), body)
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn parse(text: &str) -> Self {
        let (headers, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, headers: headers.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Somebody with keys for a repository.
pub(crate) struct Publisher {
    keys: Keys,
    root: Key,
    targets: Key,
}

impl Publisher {
    pub(crate) fn new() -> Self {
        let [root, targets] = [(); 2].map(|()| SigningKey::generate_p256());
        let now = Timestamp::now();
        let (before, after) =
            (now - SignedDuration::from_hours(1), now + SignedDuration::from_hours(24 * 365));
        let certificate = Certificate::self_signed(&root, GUN, before, after).unwrap();
        let mut publisher = Self {
            root: Key::of_certificate(&certificate).unwrap(),
            targets: Key::bare(&targets.public()),
            keys: Keys::default(),
        };
        publisher.keys.add(root);
        publisher.keys.add(targets);
        publisher
    }

    /// The first upload to a server, with one tag.
    pub(crate) fn first(&self, lab: &Lab, headers: &[&str]) -> Vec<(String, Vec<u8>)> {
        let held = |role: &str| {
            let reply = lab.request("GET", &format!("{PLACE}{role}.key"), headers, b"");
            assert_eq!(reply.status, 200, "{reply:?}");
            Key::from_json(reply.body.as_bytes()).unwrap()
        };
        let keys = [self.root.clone(), self.targets.clone(), held("snapshot"), held("timestamp")];
        let gun = Gun::parse(GUN).unwrap();
        let mut repository = Repository::create(&gun, keys, &self.keys, Timestamp::now());
        self.upload(&mut repository, "v1")
    }

    fn upload(&self, repository: &mut Repository, tag: &str) -> Vec<(String, Vec<u8>)> {
        let file = FileMeta::of_manifest([7; 32], 523);
        let change = Change::SignTag { tag: tag.to_owned(), file, count_from: None };
        repository.apply(&change).unwrap();
        let files = repository.upload(&self.keys, Timestamp::now()).unwrap();
        files.into_iter().map(|(role, bytes): (Role, _)| (role.to_string(), bytes)).collect()
    }
}
