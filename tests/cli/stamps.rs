//! Timestamps on notation's signatures, of an authority that openssl is, behind a small HTTP server.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use sealift_testkit::TestContext;

use crate::assert_one_error;

const CONFIGURATION: &str = "
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
signer_cert = leaf.pem
certs = root.pem
signer_key = leaf.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[stamp]
extendedKeyUsage = critical,timeStamping
";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Right,
    // That of the first request, for all.
    Old,
    Broken,
    Nothing,
}

/// An authority on loopback; it answers as it was told last.
struct Authority {
    folder: PathBuf,
    url: String,
    answer: Arc<Mutex<Answer>>,
}

fn openssl(folder: &Path, arguments: &str) {
    let output =
        Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Authority {
    fn start(context: &TestContext) -> Self {
        let folder = context.work().join("tsa");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("tsa.conf"), CONFIGURATION).unwrap();
        fs::write(folder.join("serial"), "01\n").unwrap();
        for name in ["root", "leaf", "other"] {
            openssl(
                &folder,
                &format!("genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"),
            );
        }
        for name in ["root", "other"] {
            openssl(
                &folder,
                &format!(
                    "req -new -x509 -key {name}.key -subj /CN={name} -days 30 -out {name}.pem -config tsa.conf -extensions authority"
                ),
            );
        }
        openssl(&folder, "req -new -key leaf.key -subj /CN=stamps -out leaf.csr -config tsa.conf");
        openssl(
            &folder,
            "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -out leaf.pem -extfile tsa.conf -extensions stamp",
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/stamp", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(Answer::Right));
        let (told, place) = (Arc::clone(&answer), folder.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let answer = *told.lock().unwrap();
                let body = reply(&place, &read_query(&mut stream), answer);
                let status = if answer == Answer::Nothing { "403 Forbidden" } else { "200 OK" };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).unwrap();
            }
        });
        Self { folder, url, answer }
    }

    fn will(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

fn read_query(stream: &mut impl BufRead) -> Vec<u8> {
    let (mut line, mut length, mut has_kind) = (String::new(), 0, false);
    while stream.read_line(&mut line).unwrap() > 2 {
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        has_kind |= lower.trim() == "content-type: application/timestamp-query";
        line.clear();
    }
    assert!(has_kind, "RFC 3161 wants the type");
    let mut query = vec![0; length];
    stream.read_exact(&mut query).unwrap();
    query
}

fn reply(folder: &Path, query: &[u8], answer: Answer) -> Vec<u8> {
    let old = folder.join("first.tsr");
    match answer {
        Answer::Broken => return b"busy, come back later".to_vec(),
        Answer::Nothing => return Vec::new(),
        Answer::Old => return fs::read(old).unwrap(),
        Answer::Right => {}
    }
    fs::write(folder.join("query.tsq"), query).unwrap();
    openssl(folder, "ts -reply -queryfile query.tsq -out reply.tsr -config tsa.conf");
    let reply = fs::read(folder.join("reply.tsr")).unwrap();
    if !old.exists() {
        fs::write(old, &reply).unwrap();
    }
    reply
}

// A context with an image, a certificate, and the time as it is: that of the authority is no other.
fn with_certificate() -> TestContext {
    let context = TestContext::new(env!("CARGO_BIN_EXE_sealift"));
    context.write("small/file", "content");
    context.write("small/Dockerfile", "FROM scratch\nCOPY file /\n");
    context.expect(0, &["build", "--quiet", "-t", "small:1", "small"]);
    context.expect(0, &["trust", "cert", "generate", "release"]);
    context
}

// notation's policy, which wants a timestamp, and the roots that it names.
fn write_policy(context: &TestContext, stamp_root: &Path) {
    let config = context.home().join(".config/sealift");
    let root = config.join("truststore/x509/ca/release/release.crt");
    for (store, from) in [("ca/release", root.as_path()), ("tsa/time", stamp_root)] {
        let folder = context.work().join("truststore/x509").join(store);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(from, folder.join("root.crt")).unwrap();
    }
    let policy = serde_json::json!({"version": "1.0", "trustPolicies": [{
        "name": "all", "registryScopes": ["*"],
        "signatureVerification": {"level": "strict", "verifyTimestamp": "always", "override": {"revocation": "skip"}},
        "trustStores": ["ca:release", "tsa:time"], "trustedIdentities": ["*"],
    }]});
    context.write("trustpolicy.json", policy.to_string());
}

#[test]
fn a_signature_with_a_timestamp() {
    let context = with_certificate();
    let authority = Authority::start(&context);
    let root = authority.folder.join("root.pem");
    write_policy(&context, &root);
    let verify = ["verify", "--policy", "trustpolicy.json", "--explain", "small:1"];
    // Without one the policy refuses it.
    context.expect(0, &["sign", "--as", "cosign,notation", "small:1"]);
    let refused = context.expect(4, &verify);
    assert!(refused.stderr.contains("the signature has none"), "{}", refused.stderr);
    let root = root.display().to_string();
    for envelope in ["jws", "cose"] {
        let sign =
            ["sign", "--as", "notation", "--envelope", envelope, "--timestamp-url", &authority.url];
        let sign = [&sign[..], &["--timestamp-root", &root, "small:1"]].concat();
        let told = context.expect(0, &sign).stderr;
        assert!(!told.contains("signed already"), "the one without a timestamp is another: {told}");
        // Nobody is asked again for what is there.
        authority.will(Answer::Nothing);
        assert!(context.expect(0, &sign).stderr.contains("signed already"));
        authority.will(Answer::Right);
    }
    context.expect(0, &verify);
    // By the settings.
    context.write(
        "sealift.toml",
        format!(
            "[sign]\ntimestamp_url = \"{}\"\ntimestamp_root = \"tsa/root.pem\"\n",
            authority.url
        ),
    );
    context.expect(0, &["build", "--quiet", "-t", "small:2", "--label", "a=b", "small"]);
    context.expect(0, &["sign", "--as", "cosign,notation", "small:2"]);
    context.expect(0, &[&verify[..4], &["small:2"]].concat());
}

#[test]
fn an_answer_that_is_not_believed_is_in_no_signature() {
    let context = with_certificate();
    let authority = Authority::start(&context);
    let root = authority.folder.join("root.pem").display().to_string();
    let other = authority.folder.join("other.pem").display().to_string();
    let sign = |root: &str| {
        let url = &authority.url;
        context.run(&[
            "sign",
            "--as",
            "notation",
            "--timestamp-url",
            url,
            "--timestamp-root",
            root,
            "small:1",
        ])
    };
    assert_one_error(
        &sign(&other),
        4,
        &["refused: the answer of `http://127.0.0.1", "not trusted"],
    );
    authority.will(Answer::Old);
    assert_one_error(&sign(&root), 4, &["answers another request"]);
    authority.will(Answer::Broken);
    assert_one_error(&sign(&root), 4, &["not a timestamp"]);
    authority.will(Answer::Nothing);
    assert_one_error(&sign(&root), 3, &["403"]);
    let index = fs::read_to_string(context.store().join("index.json")).unwrap();
    assert!(!index.contains("application/vnd.cncf.notary.signature"), "{index}");
    let rootless = ["sign", "--as", "notation", "--timestamp-url", &authority.url, "small:1"];
    assert_one_error(&context.run(&rootless), 2, &["--timestamp-root"]);
    let nowhere = [
        "sign",
        "--as",
        "notation",
        "--timestamp-url",
        "ftp://x",
        "--timestamp-root",
        &root,
        "small:1",
    ];
    assert_one_error(&context.run(&nowhere), 3, &["neither HTTP nor HTTPS"]);
}
