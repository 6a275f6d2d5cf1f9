//! A registry with pages on a port of this machine, and a browser that keeps its cookie.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use sealift_access::{Gatekeeper, Parts, Passwords, RecordFile, Robots, Rule, Rules};
use sealift_crypto::Secret;
use sealift_depot::{Children, Depot, NewManifest, Settings as DepotSettings, Target};
use sealift_oci::{Digest, RepositoryName, Tag, media_type};
use sealift_registry::hooks::{Event, Listener};
use sealift_registry::{ConnectionLimits, Entry, Hooks, Log, Options, Registry, bind, serve};
use sealift_web::{Insight, Settings, Web};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::knowing::{Clerk, Knowing};

pub(crate) const PASSWORD: &str = "secret123";

struct Quiet;

impl Log for Quiet {
    fn record(&self, _entry: &Entry<'_>) {}
}

#[derive(Clone, Default)]
pub(crate) struct Heard(pub(crate) Arc<Mutex<Vec<String>>>);

impl Listener for Heard {
    fn tell(&self, event: &Event) {
        let who = event.principal.name.clone().unwrap_or_default();
        let reason = event.reason.clone().unwrap_or_default();
        self.0.lock().unwrap().push(format!("{} {who}: {reason}", event.kind.as_str()));
    }
}

/// A site that ends with the test. Anna may do everything; Ben pulls from `team`, but not the tags `secret*`; Carl is in a
/// group that may pull nothing of it; Dora may do nothing.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) depot: Depot,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) heard: Heard,
    pub(crate) clerk: Arc<Clerk>,
    pub(crate) robots: Robots,
    pub(crate) runtime: tokio::runtime::Runtime,
    // Gone and stopped when the site is.
    #[expect(dead_code, reason = "held")]
    held: (TempDir, oneshot::Sender<()>),
}

/// Names with this password.
pub(crate) fn passwords(names: &[&str], password: &str) -> Passwords {
    let hash = bcrypt::hash(password, 4).unwrap();
    let lines: Vec<_> = names.iter().map(|name| format!("{name}:{hash}")).collect();
    Passwords::parse(lines.join("\n").as_bytes()).unwrap()
}

fn parts(robots: &Robots) -> Parts {
    let rules = [
        "anna=**:*",
        "ben=team/**:pull",
        "!ben=team/**:secret*:pull",
        "carl=**:pull",
        "!group:out=team/**:pull",
    ];
    Parts {
        passwords: Some(passwords(&["anna", "ben", "carl", "dora"], PASSWORD)),
        groups: Arc::new(BTreeMap::from([("out".to_owned(), vec!["carl".to_owned()])])),
        rules: Rules::new(rules.iter().map(|text| Rule::parse(text).unwrap()).collect()),
        robots: Some(robots.clone()),
        ..Parts::default()
    }
}

impl Site {
    pub(crate) fn start() -> Self {
        Self::knowing(Knowing::default())
    }

    pub(crate) fn knowing(knowing: Knowing) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = DepotSettings { reserve_bytes: 0, ..DepotSettings::default() };
        let depot = Depot::open_folder(&folder.path().join("registry"), &settings).unwrap();
        let robots = Robots::new(Arc::new(RecordFile::new(&folder.path().join("robots.json"))));
        let gatekeeper = Gatekeeper::new(parts(&robots));
        let (heard, clerk) = (Heard::default(), Arc::new(Clerk::default()));
        let settings = Settings {
            name: "registry.example".to_owned(),
            is_https: false,
            secret: Secret::new(vec![7; 32]),
            clock: Timestamp::now,
            listeners: vec![Arc::new(heard.clone())],
        };
        let insight: Arc<dyn Insight> = Arc::new(knowing);
        let (office, insight) = (Arc::clone(&clerk), Some(insight));
        let web = Web::new(depot.clone(), gatekeeper.clone(), insight, office, settings);
        let hooks = Hooks { pages: Some(Arc::new(web)), ..Hooks::default() };
        let (options, log) = (Options::default(), Box::new(Quiet));
        let keeper = gatekeeper.clone();
        let registry =
            Arc::new(Registry::new(depot.clone(), keeper, hooks, options, log, Timestamp::now));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            serve(listener, None, registry, ConnectionLimits::default(), stopped).await;
        });
        let held = (folder, stop);
        Self { address, depot, gatekeeper, heard, clerk, robots, runtime, held }
    }

    /// A browser that nobody logged in with.
    pub(crate) fn browser(&self) -> Browser {
        Browser { address: self.address, cookie: String::new() }
    }

    /// A browser of a user.
    pub(crate) fn browser_of(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        let reply = browser.log_in(user, PASSWORD);
        assert_eq!(reply.status, 303, "{reply:?}");
        browser
    }

    /// An image with a config and layers of this text.
    pub(crate) fn push(&self, repository: &str, tag: &str, config: &str) -> Digest {
        let layer = format!("a layer of {repository}:{tag}");
        let config_digest = self.blob(repository, config.as_bytes());
        let layer_digest = self.blob(repository, layer.as_bytes());
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"{}","digest":"{config_digest}","size":{}}},
            "layers":[{{"mediaType":"{}","digest":"{layer_digest}","size":{}}}],
            "annotations":{{"title":"<script>alert(1)</script>"}}}}"#,
            media_type::MANIFEST,
            media_type::CONFIG,
            config.len(),
            media_type::LAYER,
            layer.len(),
        );
        self.put(repository, tag, text)
    }

    pub(crate) fn blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let name = RepositoryName::parse(repository).unwrap();
        let (bytes, digest) = (Bytes::copy_from_slice(bytes), Digest::sha256(bytes));
        self.runtime.block_on(self.depot.put_blob(&name, bytes, &digest, "<b>ci</b>")).unwrap();
        digest
    }

    pub(crate) fn put(&self, repository: &str, tag: &str, text: String) -> Digest {
        let name = RepositoryName::parse(repository).unwrap();
        let new = NewManifest {
            target: Target::Tag(Tag::parse(tag).unwrap()),
            tags: &[],
            media_type: "",
            bytes: text.into(),
            by: "<b>ci</b>",
            children: Children::Required,
        };
        self.runtime.block_on(self.depot.put_manifest(&name, new)).unwrap().digest
    }

    /// The token of a robot that may pull from `team`.
    pub(crate) fn robot(&self) -> String {
        let now = Timestamp::now();
        let until = now + SignedDuration::from_hours(1);
        let may = ["team/**:pull".to_owned()];
        self.runtime.block_on(self.robots.add("ci", &may, Some(until), now)).unwrap()
    }
}

/// What an image runs as.
pub(crate) const CONFIG: &str = r#"{"os":"linux","architecture":"amd64","config":{"Env":["A=<i>b</i>"],"Labels":{"<u>":"\u202eevil"}},
    "rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"RUN <script>alert(2)</script>"}]}"#;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn token(&self) -> String {
        let rest = self.body.split("name=\"token\" value=\"").nth(1);
        rest.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    }
}

/// Somebody who looks.
#[derive(Clone)]
pub(crate) struct Browser {
    address: SocketAddr,
    pub(crate) cookie: String,
}

impl Browser {
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Reply {
        let mut lines =
            vec![format!("{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close")];
        if !self.cookie.is_empty() {
            lines.push(format!("Cookie: {}", self.cookie));
        }
        lines.extend(headers.iter().map(|header| (*header).to_owned()));
        lines.push(format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let text = lines.join("\r\n");
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, headers: headers.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], "")
    }

    /// Sends a form with the token of the page on which it is.
    pub(crate) fn send(&self, path: &str, fields: &str) -> Reply {
        let token = self.get(path).token();
        self.request("POST", path, &["Origin: http://here"], &format!("token={token}&{fields}"))
    }

    pub(crate) fn log_in(&mut self, user: &str, password: &str) -> Reply {
        let reply = self.send("/-/login", &format!("user={user}&password={password}"));
        if let Some(cookie) = reply.header("set-cookie") {
            cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        reply
    }
}
