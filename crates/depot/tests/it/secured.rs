//! A database that insists on TLS, and a store that verifies who asks.
#![allow(clippy::print_stderr, reason = "a test says by a line that it could not run")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use futures_util::StreamExt as _;
use sealift_bucket::{Bucket, Credentials, Error as BucketError};
use sealift_crypto::Secret;
use sealift_depot::{DatabaseSettings, Depot, SharedSettings};
use sealift_testkit::{Postgres, S3Server};

use crate::common::{by_tag, name, push_image, settings, shared_settings};

/// A certificate for this machine, its key, and the file that has it.
fn certificate(folder: &Path, subject: &str) -> (String, String, PathBuf) {
    let (crt, key) = (folder.join("server.crt"), folder.join("server.key"));
    let done = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "3", "-subj", "/CN=database", "-addext"])
        .arg(format!("subjectAltName={subject}"))
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&crt)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    (text(&crt), text(&key), crt)
}

fn shared(s3: &S3Server, url: String, ca_bundle: Option<PathBuf>) -> SharedSettings {
    let database = DatabaseSettings { url, ca_bundle, ..DatabaseSettings::default() };
    SharedSettings { database, ..shared_settings(&s3.address(), "postgresql://x?", "own") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_spoken_to_by_tls_and_its_certificate_is_verified() {
    let (Some(mut postgres), Some(s3)) = (Postgres::start(), S3Server::start()) else {
        eprintln!("SKIPPED: PostgreSQL or moto is not installed; tests/setup does that");
        return;
    };
    s3.make_bucket("images");
    drop(postgres.database("registry"));
    let folder = tempfile::tempdir().unwrap();
    let (certified, key, file) = certificate(folder.path(), "IP:127.0.0.1");
    postgres.insist_on_tls(&certified, &key);
    let url = postgres.address("registry");
    // With and without a word on it, but never in the clear.
    for mode in ["", "?sslmode=require"] {
        let known = shared(&s3, format!("{url}{mode}"), Some(file.clone()));
        let depot = Depot::open_shared(known, &settings()).await.unwrap();
        let digest = push_image(&depot, &name("team/app"), "1.0", "x").await.digest;
        let found = depot.manifest(&name("team/app"), &by_tag("1.0")).await.unwrap();
        assert_eq!(found.unwrap().digest, digest);
        let (_, n_sealed) = postgres.sql(
            "registry",
            "SELECT COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE ssl AND datname = 'registry' AND pid <> pg_backend_pid()",
        );
        assert!(n_sealed.parse::<u64>().unwrap() > 0, "nobody speaks TLS");
    }
    let refused = async |url: String, ca_bundle| {
        let refused = Depot::open_shared(shared(&s3, url, ca_bundle), &settings()).await;
        refused.err().unwrap().to_string()
    };
    let told = refused(format!("{url}?sslmode=disable"), Some(file.clone())).await;
    assert!(told.contains("no encryption"), "{told}");
    let told = refused(format!("{url}?sslmode=require"), None).await;
    assert!(told.contains("certificate"), "{told}");
    // A certificate of another machine.
    let (other, key, file) = certificate(folder.path(), "DNS:elsewhere.example");
    postgres.insist_on_tls(&other, &key);
    let told = refused(format!("{url}?sslmode=require"), Some(file)).await;
    assert!(told.contains("certificate"), "{told}");
}

// What a container's address of credentials answers to whoever has the token.
fn container(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/role", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = vec![0; 4096];
            let n_read = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..n_read]).to_lowercase();
            let is_known = request.contains("authorization: of-the-container\r\n");
            let (status, body) = if is_known { (200, answer.as_str()) } else { (401, "") };
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
            drop(stream.write_all((head + body).as_bytes()));
        }
    });
    url
}

// The text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_for_a_while_are_asked_for_and_their_signatures_hold() {
    // Free are: two requests for the role, one for the bucket, two for keys.
    let Some(s3) = S3Server::start_strict(5) else {
        eprintln!("SKIPPED: moto is not installed; tests/setup does that");
        return;
    };
    let role = s3.make_role("registry");
    s3.make_bucket("images");
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "of-the-pod\n").unwrap();
    let with = |credentials| {
        let shared = shared_settings(&s3.address(), "postgresql://x?", "own");
        Bucket::new(sealift_bucket::Settings { credentials, ..shared.bucket }).unwrap()
    };
    // The same keys as a container's role tells them.
    let asked = Command::new("curl")
        .args(["-sf", &s3.address(), "-d", "Action=AssumeRoleWithWebIdentity", "-d"])
        .args(["Version=2011-06-15", "-d", "RoleSessionName=x", "-d", "WebIdentityToken=y", "-d"])
        .arg(format!("RoleArn={role}"))
        .output()
        .unwrap();
    let asked = String::from_utf8(asked.stdout).unwrap();
    let key = |element: &str| between(&asked, &format!("<{element}>"), "<").to_owned();
    let (access, secret, session) =
        (key("AccessKeyId"), key("SecretAccessKey"), key("SessionToken"));
    let url = container(format!(
        r#"{{"AccessKeyId": "{access}", "SecretAccessKey": "{secret}", "Token": "{session}", "Expiration": "2999-01-01T00:00:00Z"}}"#
    ));
    let of_pod = with(Credentials::WebIdentity { token_file, role, endpoint: s3.address() });
    let of_container = |token: &str| {
        let token = Some(Secret::new(token.as_bytes().to_vec()));
        with(Credentials::Machine { container: Some(url.clone()), token })
    };
    for (bucket, object) in [(of_pod, "a/b c+d~é"), (of_container("of-the-container"), "e")] {
        let bytes = Bytes::from_static(b"some bytes");
        bucket.put(object, bytes.clone()).await.unwrap();
        let mut body = bucket.read(object, 0..10, 10).await.unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), bytes);
        assert_eq!(bucket.list(object, "").await.unwrap().names, [object]);
        let upload = bucket.begin("large").await.unwrap();
        bucket.abort("large", &upload).await.unwrap();
    }
    // The store does verify: other keys, or these without their token, are refused.
    let fixed = |secret: &str, session: Option<&str>| Credentials::Fixed {
        access: access.clone(),
        secret: Secret::new(secret.as_bytes().to_vec()),
        session: session.map(|session| Secret::new(session.as_bytes().to_vec())),
    };
    for credentials in
        [fixed("wrong", Some(&session)), fixed(&secret, None), fixed(&secret, Some("wrong"))]
    {
        let refused = with(credentials).put("x", Bytes::from_static(b"x")).await;
        let error = refused.unwrap_err();
        assert!(matches!(error, BucketError::Refused { .. }), "{error}");
    }
    let refused = of_container("of-nobody").put("x", Bytes::from_static(b"x")).await;
    assert!(refused.unwrap_err().to_string().contains("no credentials were given"));
}
