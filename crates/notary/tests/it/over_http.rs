//! The client and our server over sockets: open, with passwords, with tokens, with rules.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealift_access::{Gatekeeper, Parts, Passwords, Rule, Rules};
use sealift_client::{Blocking, DockerConfig, Settings};
use sealift_crypto::SigningKey;
use sealift_notary::{Error, HttpServer, Look, ServerAddress};
use sealift_registry::store::open_folder;
use sealift_registry::{ConnectionLimits, Entry, Guard, Log, TrustService, bind, serve};
use tempfile::TempDir;

use crate::desk::{Desk, first_use, gun, published, sign};
use crate::matrix::{conflict, two_of_three_from_the_start, whole_life};
use crate::token_server;

struct Silent;

impl Log for Silent {
    fn record(&self, _: &Entry<'_>) {}
}

/// Our server; it ends with the test's process.
struct Served {
    port: u16,
    _folder: TempDir,
}

impl Served {
    fn start(parts: Parts, rules: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = rules.iter().map(|text| Rule::parse(text).unwrap()).collect();
        let guard = Guard {
            gatekeeper: Gatekeeper::new(Parts { rules: Rules::new(rules), ..parts }),
            log: Box::new(Silent),
            clock: Timestamp::now,
        };
        let opened = open_folder(folder.path(), None).unwrap();
        let service = Arc::new(TrustService::open(opened, guard).unwrap());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let never = std::future::pending();
            runtime.block_on(serve(listener, None, service, ConnectionLimits::default(), never));
        });
        Self { port, _folder: folder }
    }

    fn address(&self) -> ServerAddress {
        ServerAddress::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap()
    }
}

// The credential is that of the registry in the repository's name, as with docker.
fn client(name_and_password: Option<&str>) -> Blocking {
    let auths = name_and_password.map_or(String::new(), |text| {
        format!(r#""localhost:5443":{{"auth":"{}"}}"#, STANDARD.encode(text))
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, format!(r#"{{"auths":{{{auths}}}}}"#)).unwrap();
    let docker_config = DockerConfig::read(&path).unwrap();
    Blocking::new(Settings { docker_config, ..Settings::default() })
}

#[test]
fn with_our_server_over_http() {
    let served = Served::start(Parts::open(), &[]);
    let client = client(None);
    let server = HttpServer::new(&client, served.address());
    whole_life(&server, Timestamp::now());
    sealift_notary::Server::delete(&server, &gun()).unwrap();
    conflict(&server, Timestamp::now());
    two_of_three_from_the_start(&server);
}

#[test]
fn with_passwords() {
    let hash = |password: &str| bcrypt::hash(password, 4).unwrap();
    let text = format!("alice:{}\nbob:{}\n", hash("secret123"), hash("secret456"));
    let passwords = Passwords::parse(text.as_bytes()).unwrap();
    let rules = ["alice=localhost:5443/**:*", "bob=localhost:5443/**:pull"];
    let served = Served::start(
        Parts { realm: "lab".to_owned(), passwords: Some(passwords), ..Parts::default() },
        &rules,
    );
    let now = Timestamp::now();
    let alice = client(Some("alice:secret123"));
    let (desk, _) = published(&HttpServer::new(&alice, served.address()), now);
    let bob = client(Some("bob:secret456"));
    let server = HttpServer::new(&bob, served.address());
    let reader = Desk::new();
    assert_eq!(reader.client(&server, now).list(&gun(), &first_use()).unwrap().len(), 1);
    let error = desk.publisher(&server, now).publish(&gun(), &[sign("v2", 2)]).unwrap_err();
    assert!(error.to_string().contains("refuses access to `localhost:5443/team/app`"), "{error}");
    for wrong in [None, Some("alice:wrong")] {
        let stranger = client(wrong);
        let server = HttpServer::new(&stranger, served.address());
        let error = reader.client(&server, now).look(&gun(), &Look::default()).unwrap_err();
        assert!(matches!(error, Error::Network(_)), "{error}");
        assert!(error.hint().unwrap().contains("docker login localhost:5443"), "{error}");
    }
}

#[test]
fn with_tokens() {
    let key = SigningKey::generate_p256();
    // The same key for the token server, which another process would be.
    let copy = SigningKey::from_pkcs8_der(key.pkcs8().unwrap().expose()).unwrap();
    let realm = token_server::start(copy);
    let served = Served::start(token_server::parts(&key, &realm), &[]);
    let now = Timestamp::now();
    // Reading, publishing, deleting: each asks for a token of its own, and the kept ones serve again.
    let alice = client(Some("alice:secret123"));
    let server = HttpServer::new(&alice, served.address());
    whole_life(&server, now);
    sealift_notary::Server::delete(&server, &gun()).unwrap();
    let (desk, _) = published(&server, now);
    let publisher = desk.publisher(&server, now);
    publisher.publish(&gun(), &[sign("v2", 2)]).unwrap();
    assert_eq!(desk.client(&server, now).list(&gun(), &Look::default()).unwrap().len(), 2);
    // Whoever gets no token from it gets nothing here.
    for wrong in [None, Some("alice:wrong"), Some("bob:secret123")] {
        let stranger = client(wrong);
        let server = HttpServer::new(&stranger, served.address());
        let error = Desk::new().client(&server, now).look(&gun(), &first_use()).unwrap_err();
        assert!(matches!(error, Error::Network(_)), "{error}");
        let error = desk.publisher(&server, now).publish(&gun(), &[sign("v3", 3)]).unwrap_err();
        assert!(matches!(error, Error::Network(_) | Error::Unreachable { .. }), "{error}");
    }
    // Tokens by another key than the server knows.
    let forged = token_server::start(SigningKey::generate_p256());
    let served = Served::start(token_server::parts(&key, &forged), &[]);
    let server = HttpServer::new(&alice, served.address());
    let error = Desk::new().client(&server, now).look(&gun(), &first_use()).unwrap_err();
    assert!(error.to_string().contains("refuses access"), "{error}");
}
