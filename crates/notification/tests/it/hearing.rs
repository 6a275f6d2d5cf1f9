//! A server that hears what is posted to it, and a registry that tells.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sealift_access::Principal;
use sealift_client::Client;
use sealift_depot::Depot;
use sealift_notification::{Failed, Notifier, Settings, Source};
use sealift_oci::{Digest, RepositoryName};
use sealift_registry::HeaderValue;
use sealift_registry::configuration::{Endpoint, Notifications, Password};
use sealift_registry::hooks::{Event, EventKind, RequestFacts};
use serde_json::Value;

/// What a server heard: headers and the event.
pub(crate) struct Heard {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) envelope: Value,
}

impl Heard {
    pub(crate) fn event(&self) -> &Value {
        let events = self.envelope["events"].as_array().unwrap();
        assert_eq!(events.len(), 1);
        &events[0]
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A server that answers with these statuses in turn, and then with 200.
pub(crate) struct Ear {
    pub(crate) url: String,
    heard: Receiver<Heard>,
}

impl Ear {
    pub(crate) fn new(statuses: &[u16]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), statuses)
    }

    pub(crate) fn on(listener: TcpListener, statuses: &[u16]) -> Self {
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, heard) = channel();
        let statuses = statuses.to_vec();
        std::thread::spawn(move || listen(&listener, &statuses, &sender));
        Self { url, heard }
    }

    #[track_caller]
    pub(crate) fn next(&self) -> Heard {
        self.heard.recv_timeout(Duration::from_mins(1)).unwrap()
    }

    /// Nothing more, for a moment.
    pub(crate) fn is_silent(&self) -> bool {
        self.heard.recv_timeout(Duration::from_millis(300)).is_err()
    }
}

fn listen(listener: &TcpListener, statuses: &[u16], sender: &Sender<Heard>) {
    let statuses = statuses.iter().copied().chain(std::iter::repeat(200));
    for status in statuses {
        let Ok((stream, _)) = listener.accept() else { return };
        let mut reader = BufReader::new(stream);
        let (mut headers, mut length, mut line) = (Vec::new(), 0, String::new());
        reader.read_line(&mut line).unwrap();
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().unwrap();
            }
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer =
            format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        let envelope = serde_json::from_slice(&body).unwrap();
        if sender.send(Heard { headers, envelope }).is_err() {
            return;
        }
    }
}

pub(crate) fn endpoint(name: &str, url: &str) -> Endpoint {
    Endpoint {
        name: name.to_owned(),
        url: url.to_owned(),
        headers: vec![("Authorization".to_owned(), Password::new("Bearer geheim".to_owned()))],
        timeout: Duration::from_secs(5),
        threshold: 2,
        backoff: Duration::from_millis(50),
        ignored_media_types: Vec::new(),
        ignored_actions: Vec::new(),
    }
}

pub(crate) fn settings(endpoints: Vec<Endpoint>) -> Settings {
    Settings {
        notifications: Notifications { endpoints, has_references: true },
        host: None,
        prefix: "/team".to_owned(),
        is_https: true,
        source: Source { address: "node:5000".to_owned(), instance: "run".to_owned() },
    }
}

/// A depot, and what failed.
pub(crate) struct Yard {
    pub(crate) depot: Depot,
    pub(crate) complaints: Arc<Mutex<Vec<String>>>,
    pub(crate) folder: tempfile::TempDir,
}

impl Yard {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let depot = Depot::open_folder(folder.path(), &sealift_depot::Settings::default()).unwrap();
        Self { depot, complaints: Arc::default(), folder }
    }

    pub(crate) fn notifier(&self, settings: Settings) -> Notifier {
        let complaints = Arc::clone(&self.complaints);
        let failed: Failed =
            Arc::new(move |text: &str| complaints.lock().unwrap().push(text.to_owned()));
        let client = Client::new(sealift_client::Settings::default()).unwrap();
        Notifier::start(self.depot.clone(), client, settings, failed)
    }
}

pub(crate) fn name(text: &str) -> RepositoryName {
    RepositoryName::parse(text).unwrap()
}

pub(crate) fn event(kind: EventKind, tag: Option<&str>) -> Event {
    Event {
        kind,
        repository: Some(name("team/app")),
        from: None,
        tag: tag.map(str::to_owned),
        digest: Some(Digest::sha256(b"manifest")),
        media_type: Some("application/vnd.oci.image.manifest.v1+json".to_owned()),
        size: Some(8),
        principal: Principal::user("anna"),
        peer: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4711),
        request_id: "r-1".to_owned(),
        request: RequestFacts {
            method: "PUT".parse().unwrap(),
            host: Some(HeaderValue::from_static("r.example:5000")),
            agent: Some(HeaderValue::from_static("docker/28")),
        },
        time: Timestamp::now(),
        reason: None,
    }
}
