//! What an operator sees and sets: health, the address for operators, a prefix of all paths.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sealift_access::{Gatekeeper, Parts};
use sealift_client::Client;
use sealift_depot::{Depot, Settings as DepotSettings};
use sealift_registry::configuration::{Check, CheckKind, read};
use sealift_registry::{
    ConnectionLimits, DebugService, Health, Hooks, Options, Prefix, Registry, bind, serve,
};

use crate::lab::{Lab, Lines, Reply, Setup};
use crate::routes::digest_of;

fn get(address: std::net::SocketAddr, path: &str) -> Reply {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    Reply::parse(&crate::lab::read_all(&mut stream))
}

/// A registry with these checks, and its two addresses.
struct Watched {
    runtime: tokio::runtime::Runtime,
    address: std::net::SocketAddr,
    debug: std::net::SocketAddr,
    _folder: tempfile::TempDir,
}

impl Watched {
    fn new(checks: &[Check]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let inside = runtime.enter();
        let depot = Depot::open_folder(folder.path(), &DepotSettings::default()).unwrap();
        let client = Client::new(sealift_client::Settings::default()).unwrap();
        let health = Some(Arc::new(Health::start(checks, &depot, &client)));
        let hooks = Hooks { health, ..Hooks::default() };
        let gatekeeper = Gatekeeper::new(Parts::open());
        let log = Box::new(Lines::default());
        let options = Options::default();
        let registry =
            Arc::new(Registry::new(depot, gatekeeper, hooks, options, log, Timestamp::now));
        let listener = runtime.block_on(bind("127.0.0.1:0")).unwrap();
        let debugging = runtime.block_on(bind("127.0.0.1:0")).unwrap();
        let (address, debug) = (listener.local_addr().unwrap(), debugging.local_addr().unwrap());
        let service = DebugService::new(Arc::clone(&registry), Some("/counters".to_owned()));
        let limits = ConnectionLimits::default;
        runtime.spawn(serve(listener, None, registry, limits(), std::future::pending()));
        runtime.spawn(serve(debugging, None, Arc::new(service), limits(), std::future::pending()));
        drop(inside);
        Self { runtime, address, debug, _folder: folder }
    }

    #[track_caller]
    fn becomes(&self, status: u16) -> Reply {
        for _ in 0..500 {
            let reply = get(self.address, "/v2/");
            if reply.status == status {
                return reply;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not become {status}: {}", get(self.debug, "/debug/health").body);
    }
}

fn check(kind: CheckKind) -> Check {
    Check { kind, interval: Duration::from_millis(20), threshold: 2 }
}

#[test]
fn a_file_takes_the_registry_out_of_service() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let watched = Watched::new(&[
        check(CheckKind::Storage),
        Check { threshold: 1, ..check(CheckKind::File(path.clone())) },
    ]);
    watched.becomes(200);
    assert_eq!(get(watched.debug, "/debug/health").body, "{}\n");
    std::fs::write(&path, "").unwrap();
    let refused = watched.becomes(503);
    assert!(refused.body.contains("out of service"), "{refused:?}");
    assert_eq!(refused.header("Retry-After"), Some("10"));
    let told = get(watched.debug, "/debug/health");
    assert_eq!(told.status, 503);
    let expected = format!("{{\"{}\":\"the file is there\"}}\n", path.display());
    assert_eq!(told.body, expected);
    // What says how it is, is answered; and whoever may not know it learns nothing of files.
    assert_eq!(get(watched.address, "/healthz").status, 200);
    let ready = get(watched.address, "/readyz");
    assert!(ready.status == 503 && !ready.body.contains("out\""), "{ready:?}");
    assert_eq!(get(watched.debug, "/readyz").status, 503);
    std::fs::remove_file(&path).unwrap();
    watched.becomes(200);
}

#[test]
fn ports_and_servers_that_have_to_be_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let limit = Some(Duration::from_secs(5));
    let watched = Watched::new(&[check(CheckKind::Tcp { address: address.to_string(), limit })]);
    watched.becomes(200);
    drop(listener);
    watched.becomes(503);
    assert!(get(watched.debug, "/debug/health").body.contains(&address.to_string()));
    let _again = TcpListener::bind(address).unwrap();
    watched.becomes(200);
    let http = |status| {
        check(CheckKind::Http {
            url: format!("http://{}/healthz", watched.debug),
            headers: Vec::new(),
            status,
            limit,
        })
    };
    Watched::new(&[http(200)]).becomes(200);
    let other = Watched::new(&[http(204)]);
    other.becomes(503);
    let told = get(other.debug, "/debug/health").body;
    assert!(told.contains("the status is 200 instead of 204"), "{told}");
    drop(watched.runtime);
}

#[test]
fn counters_are_shown_to_operators_at_their_path_only() {
    let watched = Watched::new(&[]);
    let counters = get(watched.debug, "/counters");
    assert!(counters.status == 200 && counters.body.contains("sealift_registry_blobs "));
    for path in ["/metrics", "/v2/", "/", "/debug/pprof/"] {
        assert_eq!(get(watched.debug, path).status, 404, "{path}");
    }
}

#[test]
fn a_prefix_of_all_paths() {
    let options = Options { prefix: Prefix::new("/team/"), ..Options::default() };
    let lab = Lab::registry(Setup::default(), Hooks::default(), options);
    assert_eq!(lab.get("/team/v2/").status, 200);
    let moved = lab.get("/team/v2");
    assert_eq!((moved.status, moved.header("Location")), (301, Some("/team/v2/")));
    for path in ["/v2/", "/v2/_catalog", "/teams/v2/", "/", "/team"] {
        assert_eq!(lab.get(path).status, 404, "{path}");
    }
    assert_eq!(lab.get("/healthz").status, 200);
    let begun = lab.request("POST", "/team/v2/app/blobs/uploads/", &["Content-Length: 0"], b"");
    let place = begun.header("Location").unwrap();
    assert!(place.starts_with("/team/v2/app/blobs/uploads/"), "{place}");
    let digest = digest_of(b"bytes");
    let done = lab.request("PUT", &format!("{place}?digest={digest}"), &[], b"bytes");
    let place = format!("/team/v2/app/blobs/{digest}");
    assert_eq!((done.status, done.header("Location")), (201, Some(place.as_str())));
    assert_eq!(lab.get(&place).body, "bytes");
    let page = lab.get("/team/v2/_catalog?n=1");
    assert_eq!(page.status, 200, "{page:?}");
}

#[test]
fn a_configuration_of_all_this() {
    let text = "\
version: 0.1
storage: inmemory
http: {addr: '127.0.0.1:0', prefix: team, debug: {addr: '127.0.0.1:5001', prometheus: {enabled: true}}}
health:
  storagedriver: {enabled: true, interval: 5s, threshold: 3}
  file: [{file: /out, interval: 1s}]
  http: [{uri: 'https://a.example/', headers: {X: [a]}, statuscode: 204, timeout: 3s}]
  tcp: [{addr: 'db:5432', timeout: 1s, threshold: 2}]
notifications:
  events: {includereferences: true}
  endpoints:
    - {name: a, url: 'https://a.example/', threshold: 3, backoff: 2s, timeout: 1s, ignore: {actions: [pull]}}
";
    let reading = read(text, &[]);
    assert_eq!(reading.findings, []);
    let configuration = reading.configuration.unwrap();
    let names: Vec<String> = configuration.checks.iter().map(Check::name).collect();
    assert_eq!(names, ["storagedriver", "/out", "https://a.example/", "db:5432"]);
    assert_eq!(configuration.checks[0].threshold, 3);
    assert_eq!(configuration.checks[1].kind, CheckKind::File(Path::new("/out").to_owned()));
    assert_eq!(configuration.http.prefix, "/team/");
    assert_eq!(configuration.http.debug.unwrap().metrics.as_deref(), Some("/metrics"));
    let endpoint = &configuration.notifications.endpoints[0];
    assert_eq!((endpoint.threshold, endpoint.backoff), (3, Duration::from_secs(2)));
    assert!(configuration.notifications.has_references);
}
