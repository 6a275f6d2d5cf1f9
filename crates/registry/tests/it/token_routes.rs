//! The built-in token server on the registry's own address, limits, and clients with certificates.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sealift_access::{
    CertificateSettings, Gatekeeper, Issuer, LimitSettings, Parts, Passwords, Rate, RateSettings,
    Rule, Rules, TokenSettings, make_certificates,
};
use sealift_crypto::certificate::{Draft, Extension, Name};
use sealift_crypto::pem::Block;
use sealift_crypto::{Certificate, Secret, SigningKey, server_authority};
use sealift_registry::{
    ClientCertificates, ConnectionLimits, Hooks, Options, Protocol, Registry, bind, serve,
    tls_with_clients,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::lab::{Lab, Lines, Setup};

const REALM: &str = "https://registry.example/token";

fn parts() -> Parts {
    let hash = bcrypt::hash("secret123", 4).unwrap();
    let passwords = Some(Passwords::parse(format!("alice:{hash}\n").as_bytes()).unwrap());
    Parts { realm: "lab".to_owned(), passwords, ..Parts::default() }
}

fn registry(parts: Parts, rules: &'static [&'static str]) -> Lab {
    Lab::registry(Setup { parts, rules, ..Setup::default() }, Hooks::default(), Options::default())
}

fn basic(password: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(format!("alice:{password}")))
}

fn token(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["token"].as_str().unwrap().to_owned()
}

#[test]
fn as_docker_logs_in_and_pushes() {
    let settings =
        TokenSettings { enabled: true, realm: Some(REALM.to_owned()), ..TokenSettings::default() };
    let issuer = Issuer::new(SigningKey::generate_p256(), settings).unwrap();
    let parts = Parts { issuer: Some(Arc::new(issuer)), ..parts() };
    let lab = registry(parts, &["alice=team/**:push"]);
    let base = lab.get("/v2/");
    let asked = format!("Bearer realm=\"{REALM}\",service=\"sealift-registry\"");
    assert_eq!((base.status, base.header("www-authenticate")), (401, Some(&*asked)));
    let alice = basic("secret123");
    let login = "/token?account=alice&client_id=docker&offline_token=true&service=sealift-registry";
    assert_eq!(lab.request("GET", login, &[&basic("wrong")], b"").status, 401);
    let given = lab.request("GET", login, &[&alice], b"");
    assert_eq!((given.status, given.header("cache-control")), (200, Some("no-store")));
    let bearer = format!("Authorization: Bearer {}", token(&given.body));
    assert_eq!(lab.request("GET", "/v2/", &[&bearer], b"").status, 200);
    let begin = "/v2/team/img/blobs/uploads/";
    let refused = lab.request("POST", begin, &[&bearer, "Content-Length: 0"], b"");
    assert_eq!(refused.status, 401);
    let asked = refused.header("www-authenticate").unwrap();
    assert!(asked.ends_with("error=\"insufficient_scope\""), "{asked}");
    let scope = "scope=repository%3Ateam%2Fimg%3Apush%2Cpull&scope=repository%3Ateam%2Fimg%3Apull";
    let given = lab.request("GET", &format!("{login}&{scope}"), &[&alice], b"");
    let bearer = format!("Authorization: Bearer {}", token(&given.body));
    let begun = lab.request("POST", begin, &[&bearer, "Content-Length: 0"], b"");
    assert_eq!(begun.status, 202);
    let elsewhere = "/v2/other/blobs/uploads/";
    assert_eq!(lab.request("POST", elsewhere, &[&bearer, "Content-Length: 0"], b"").status, 401);
    // As containerd and others do it.
    let form = b"grant_type=password&username=alice&password=secret123&service=sealift-registry";
    let kind = "Content-Type: application/x-www-form-urlencoded";
    assert_eq!(lab.request("POST", "/token", &[kind], form).status, 200);
    assert_eq!(lab.request("POST", "/token", &[], form).status, 415);
    let huge = vec![b'a'; 70_000];
    assert_eq!(lab.request("POST", "/token", &[kind], &huge).status, 400);
    assert_eq!(lab.request("PUT", "/token", &[], b"").status, 405);
    let keys = lab.get("/.well-known/jwks.json");
    assert!(keys.status == 200 && keys.body.contains("\"kty\":\"EC\""), "{keys:?}");
    let log = lab.log.of("request").concat();
    assert!(!log.contains("eyJ") && !log.contains("secret123"), "{log}");
}

#[test]
fn without_a_token_server_there_is_none() {
    let lab = registry(parts(), &[]);
    assert_eq!(lab.get("/.well-known/jwks.json").status, 404);
    assert_eq!(lab.get("/token").status, 404);
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let twice =
        RateSettings { user: Some(Rate { count: 2, seconds: 3600 }), ..RateSettings::default() };
    let limits = LimitSettings { pulls: twice, ..LimitSettings::default() };
    let lab = registry(Parts { limits, ..parts() }, &[]);
    let alice = basic("secret123");
    let pull = |method: &str| lab.request(method, "/v2/a/manifests/1", &[&alice], b"");
    assert_eq!((pull("GET").status, pull("GET").status), (404, 404));
    let refused = pull("GET");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1800")));
    assert!(refused.body.contains("TOOMANYREQUESTS"));
    // A look is no pull.
    assert_eq!(pull("HEAD").status, 404);
}

fn pem(label: &str, bytes: &[u8]) -> String {
    let content = Secret::new(bytes.to_vec());
    Block { label: label.to_owned(), headers: Vec::new(), content }.to_text().unwrap()
}

// A certificate for a client, by an authority of its own.
fn client(folder: &Path, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let (authority, key) = server_authority("clients", now - hour, now + hour).unwrap();
    let own = SigningKey::generate_p256();
    let draft = Draft {
        subject: &Name::new(&[("CN", name)]).unwrap(),
        key: &own.public(),
        not_before: now - hour,
        not_after: now + hour,
        extensions: &[Extension::extended_key_usage(false, &["1.3.6.1.5.5.7.3.2"]).unwrap()],
    };
    let issued: Certificate = draft.issue(&authority, &key).unwrap();
    std::fs::write(folder.join("clients.crt"), authority.to_pem()).unwrap();
    let private = pem("PRIVATE KEY", own.pkcs8().unwrap().expose());
    let private = PrivateKeyDer::from_pem_slice(private.as_bytes()).unwrap();
    (vec![CertificateDer::from(issued.der().to_vec())], private)
}

#[test]
fn clients_with_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = client(folder.path(), "ci");
    let (stranger, strangers_key) = {
        let other = tempfile::tempdir().unwrap();
        client(other.path(), "ci")
    };
    let made =
        make_certificates(folder.path(), &["localhost".to_owned()], Timestamp::now()).unwrap();
    let authorities = vec![folder.path().join("clients.crt")];
    let clients = ClientCertificates { authorities, is_needed: false };
    let tls =
        tls_with_clients(&made.certificate, &made.key, &clients, Protocol::default()).unwrap();
    let rules = Rules::new(vec![Rule::parse("certificate:ci=team/**:pull").unwrap()]);
    let parts = Parts { certificates: Some(CertificateSettings::default()), rules, ..parts() };
    let mut roots = RootCertStore::empty();
    let authority = std::fs::read(&made.authority).unwrap();
    roots.add(CertificateDer::from_pem_slice(&authority).unwrap()).unwrap();
    let roots = Arc::new(roots);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let settings = sealift_depot::Settings::default();
        let depot = sealift_depot::Depot::open_folder(&folder.path().join("data"), &settings);
        let (log, gatekeeper) = (Box::new(Lines::default()), Gatekeeper::new(parts));
        let (hooks, options) = (Hooks::default(), Options::default());
        let registry =
            Registry::new(depot.unwrap(), gatekeeper, hooks, options, log, Timestamp::now);
        let listener = bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = ConnectionLimits::default();
        let stop = std::future::pending();
        tokio::spawn(serve(listener, Some(tls), Arc::new(registry), limits, stop));
        let ask =
            async |certificate: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>| {
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let builder = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .unwrap()
                    .with_root_certificates(Arc::clone(&roots));
                let config = match certificate {
                    Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
                    None => builder.with_no_client_auth(),
                };
                let stream = TcpStream::connect(address).await.unwrap();
                let name = ServerName::try_from("localhost").unwrap();
                let connector = TlsConnector::from(Arc::new(config));
                let Ok(mut stream) = connector.connect(name, stream).await else { return 0 };
                let request =
                b"GET /v2/team/app/manifests/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
                let mut answer = Vec::new();
                if stream.write_all(request).await.is_err()
                    || stream.read_to_end(&mut answer).await.is_err()
                {
                    return 0;
                }
                let answer = String::from_utf8_lossy(&answer).into_owned();
                answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0_u16)
            };
        // There is no such image, which only who may pull is told.
        assert_eq!(ask(Some((chain, key))).await, 404);
        assert_eq!(ask(None).await, 401);
        assert_eq!(ask(Some((stranger, strangers_key))).await, 0);
    });
}
