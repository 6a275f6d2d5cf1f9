//! What clients of a registry send that mean harm, are broken, or whose line is cut. docs/registry-robustness.md lists them.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use sealift_access::{Issuer, Parts, Passwords, TokenSettings};
use sealift_crypto::SigningKey;
use sealift_registry::{ConnectionLimits, Hooks, Options};

use crate::lab::{Lab, Reply, Setup, read_all};
use crate::routes::{
    INDEX, MANIFEST, begin, digest_of, image, push_blob, put_manifest, refused, registry,
};

const NO_BODY: &str = "Content-Length: 0";

#[test]
fn names_that_lead_elsewhere() {
    let lab = registry();
    for name in [
        "..",
        "a/../../etc",
        "a/..",
        "../a",
        "a/%2e%2e/b",
        "a%2fb",
        "a\\..\\b",
        "A",
        "a//b",
        "a/./b",
    ] {
        for (method, rest, expected) in [
            ("GET", "manifests/1", 404),
            ("GET", "tags/list", 404),
            ("POST", "blobs/uploads/", 400),
        ] {
            let reply = lab.request(method, &format!("/v2/{name}/{rest}"), &[NO_BODY], b"");
            assert!([expected, 404].contains(&reply.status), "{method} {name} {rest}: {reply:?}");
        }
        // In a parameter: as if it were not there, and an upload begins.
        let path = format!("/v2/team/app/blobs/uploads/?mount={}&from={name}", digest_of(b"x"));
        assert_eq!(lab.request("POST", &path, &[NO_BODY], b"").status, 202, "{name}");
    }
    let outside: Vec<_> = std::fs::read_dir(lab.folder.path().parent().unwrap())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name() == "etc")
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
}

#[test]
fn digests_of_other_algorithms() {
    let lab = registry();
    let hex = "ab".repeat(64);
    for digest in [
        format!("sha1:{}", &hex[..40]),
        format!("md5:{}", &hex[..32]),
        format!("sha384:{}", &hex[..96]),
        format!("sha256:{hex}"),
        format!("sha512:{}", &hex[..64]),
        format!("SHA256:{}", &hex[..64]),
        format!("sha256:{}", hex[..64].to_uppercase()),
        format!("sha256+b64:{}", &hex[..64]),
        "sha256:".to_owned(),
        "sha256:../../../../etc/passwd".to_owned(),
    ] {
        let text = digest.replace('/', "%2F");
        for path in
            [format!("blobs/{text}"), format!("manifests/{text}"), format!("referrers/{text}")]
        {
            let reply = lab.get(&format!("/v2/team/app/{path}"));
            assert!([400, 404].contains(&reply.status), "{path}: {reply:?}");
        }
        let whole = format!("/v2/team/app/blobs/uploads/?digest={text}");
        refused(&lab.request("POST", &whole, &[], b"abc"), 400, "DIGEST_INVALID");
        let end = format!("{}?digest={text}", begin(&lab, ""));
        refused(&lab.request("PUT", &end, &[], b"abc"), 400, "DIGEST_INVALID");
    }
    for name in ["sha1", "md5", "blake3", ""] {
        let path = format!("/v2/team/app/blobs/uploads/?digest-algorithm={name}");
        refused(&lab.request("POST", &path, &[NO_BODY], b""), 400, "DIGEST_INVALID");
    }
}

// Of this process, which is the server's.
fn memory_kb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn manifests_of_100_megabytes() {
    let lab = registry();
    let head = |length: &str| {
        format!(
            "PUT /v2/team/app/manifests/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {MANIFEST}\r\n{length}\r\n\r\n"
        )
    };
    // What is announced is refused before a byte of it came.
    let start = Instant::now();
    let reply = Reply::parse(&lab.raw(head("Content-Length: 104857600").as_bytes()));
    assert_eq!(reply.status, 413, "{reply:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
    // What is not announced is refused when it is too much.
    let before = memory_kb();
    let mut stream = lab.connect();
    stream.write_all(head("Transfer-Encoding: chunked").as_bytes()).unwrap();
    let piece = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    let n_sent = (0..100).take_while(|_| stream.write_all(&piece).is_ok()).count();
    let reply = Reply::parse(&read_all(&mut stream));
    assert!([413, 0].contains(&reply.status), "{reply:?}");
    assert!(n_sent < 100, "all of it was taken in");
    assert!(memory_kb() < before + (64 << 10), "it was kept in memory");
    refused(&lab.get("/v2/team/app/manifests/1"), 404, "MANIFEST_UNKNOWN");
}

#[test]
fn ten_thousand_nested_indexes() {
    let lab = registry();
    let index = |child: Option<&str>| {
        let child = child
            .map(|digest| format!(r#"{{"mediaType":"{INDEX}","digest":"{digest}","size":1}}"#));
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
            child.unwrap_or_default()
        )
    };
    let (mut last, mut depth) = (None, 0);
    let reply = loop {
        let text = index(last.as_deref());
        let reply = put_manifest(&lab, "/v2/team/app/manifests/deep", INDEX, &text);
        if reply.status != 201 || depth > 10_000 {
            break reply;
        }
        depth += 1;
        last = Some(digest_of(text.as_bytes()));
    };
    assert_eq!(depth, 8);
    refused(&reply, 400, "MANIFEST_INVALID");
    // The same in one text.
    for nested in
        ["[".repeat(10_000), r#"{"manifests":["#.repeat(10_000), r#"{"a":"#.repeat(1 << 19)]
    {
        refused(
            &put_manifest(&lab, "/v2/team/app/manifests/1", INDEX, &nested),
            400,
            "MANIFEST_INVALID",
        );
    }
    // What nobody reads is kept as it is, by a reader that does not go down into it.
    let unread = format!(
        r#"{{"schemaVersion":2,"manifests":[],"x":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(put_manifest(&lab, "/v2/team/app/manifests/1", INDEX, &unread).status, 201);
    assert_eq!(lab.get("/v2/team/app/manifests/1").body, unread);
}

fn hasty() -> Lab {
    let request = Duration::from_millis(400);
    let limits = ConnectionLimits { headers_time: request, request, ..ConnectionLimits::default() };
    Lab::registry(Setup { limits, ..Setup::default() }, Hooks::default(), Options::default())
}

fn patch_head(location: &str, more: &str) -> String {
    format!("PATCH {location} HTTP/1.1\r\nHost: a\r\n{more}\r\n")
}

fn has_come(lab: &Lab, location: &str) -> u64 {
    let reply = lab.get(location);
    assert_eq!(reply.status, 204, "{reply:?}");
    let (_, last) = reply.header("Range").unwrap().split_once('-').unwrap();
    last.parse::<u64>().unwrap() + 1
}

fn end(lab: &Lab, location: &str, bytes: &[u8]) {
    let first = usize::try_from(has_come(lab, location)).unwrap();
    let range = format!("Content-Range: {first}-{}", bytes.len() - 1);
    assert_eq!(lab.request("PATCH", location, &[&range], &bytes[first..]).status, 202);
    let digest = digest_of(bytes);
    let path = format!("{location}?digest={digest}");
    assert_eq!(lab.request("PUT", &path, &[NO_BODY], b"").status, 201);
    assert_eq!(lab.get(&format!("/v2/team/app/blobs/{digest}")).body.as_bytes(), bytes);
}

#[test]
fn uploads_whose_client_falls_silent() {
    let lab = hasty();
    let bytes = vec![b'y'; 100_000];
    let location = begin(&lab, "");
    let start = Instant::now();
    let mut stream = lab.connect();
    let head = patch_head(&location, &format!("Content-Length: {}\r\n", bytes.len()));
    stream.write_all(&[head.as_bytes(), &bytes[..30_000]].concat()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(start.elapsed() < Duration::from_secs(20));
    // The connection ends, and with it the body; what came of it is kept.
    drop(stream);
    let start = Instant::now();
    while has_come(&lab, &location) < 30_000 {
        assert!(start.elapsed() < Duration::from_secs(20), "what came is lost");
    }
    end(&lab, &location, &bytes);
}

#[test]
fn uploads_that_are_cut() {
    let lab = registry();
    let bytes: Vec<u8> = (0..400_000_u32).map(|n| b'a' + (n % 23) as u8).collect();
    // Half closed, with a length and without; and with a reset in the middle of a chunk.
    for (number, more) in [
        "Content-Length: 400000\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 400000\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let location = begin(&lab, "");
        let mut stream = lab.connect();
        let framed =
            if more.contains("chunked") { format!("{:x}\r\n", 300_000) } else { String::new() };
        let head = patch_head(&location, more);
        stream
            .write_all(&[head.as_bytes(), framed.as_bytes(), &bytes[..200_000]].concat())
            .unwrap();
        if number < 2 {
            stream.shutdown(Shutdown::Write).unwrap();
            let answer = Reply::parse(&read_all(&mut stream));
            assert!([0, 400].contains(&answer.status), "{answer:?}");
        } else {
            // Bytes of an answer that nobody reads make the end a reset; there are none, and so it is a plain end.
            drop(stream);
        }
        let start = Instant::now();
        while has_come(&lab, &location) < 200_000 {
            assert!(start.elapsed() < Duration::from_secs(20), "{more}: what came is lost");
        }
        // Somebody who goes on where he believes to be is told where it stands.
        let wrong = lab.request("PATCH", &location, &["Content-Range: 7-9"], b"abc");
        assert_eq!((wrong.status, wrong.header("Range")), (416, Some("0-199999")), "{wrong:?}");
        end(&lab, &location, &bytes);
        assert_eq!(
            lab.request("DELETE", &format!("/v2/team/app/blobs/{}", digest_of(&bytes)), &[], b"")
                .status,
            202
        );
    }
    // A body that is cut is no manifest.
    let text = image(&lab, "team/app", b"layer");
    let mut stream = lab.connect();
    let head = format!(
        "PUT /v2/team/app/manifests/1 HTTP/1.1\r\nHost: a\r\nContent-Type: {MANIFEST}\r\nContent-Length: {}\r\n\r\n",
        text.len() + 1
    );
    stream.write_all(&[head.as_bytes(), text.as_bytes()].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!([0, 400].contains(&Reply::parse(&read_all(&mut stream)).status));
    refused(&lab.get("/v2/team/app/manifests/1"), 404, "MANIFEST_UNKNOWN");
}

static AHEAD: AtomicI64 = AtomicI64::new(0);

fn jumping() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(AHEAD.load(Ordering::SeqCst))
}

#[test]
fn a_clock_that_jumps() {
    const YEAR: i64 = 365 * 24;
    let settings = TokenSettings {
        enabled: true,
        realm: Some("https://registry.example/token".to_owned()),
        ..TokenSettings::default()
    };
    let hash = bcrypt::hash("secret123", 4).unwrap();
    let parts = Parts {
        passwords: Some(Passwords::parse(format!("alice:{hash}\n").as_bytes()).unwrap()),
        issuer: Some(Arc::new(Issuer::new(SigningKey::generate_p256(), settings).unwrap())),
        ..Parts::default()
    };
    let setup = Setup { parts, rules: &["alice=**:*"], clock: jumping, ..Setup::default() };
    let lab = Lab::registry(setup, Hooks::default(), Options::default());
    let alice = format!("Authorization: Basic {}", STANDARD.encode("alice:secret123"));
    let token = || {
        let scope = "/token?service=sealift-registry&scope=repository:team/app:pull,push,delete";
        let reply = lab.request("GET", scope, &[&alice], b"");
        assert_eq!(reply.status, 200, "{reply:?}");
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        format!("Authorization: Bearer {}", body["token"].as_str().unwrap())
    };
    let ask = |bearer: &str, method: &str, path: &str, body: &[u8]| {
        let headers = [bearer, NO_BODY];
        lab.request(method, path, &headers[..=usize::from(body.is_empty())], body)
    };
    let first = token();
    let digest = digest_of(b"layer");
    let path = format!("/v2/team/app/blobs/uploads/?digest={digest}");
    assert_eq!(ask(&first, "POST", &path, b"layer").status, 201);
    let upload = ask(&first, "POST", "/v2/team/app/blobs/uploads/", b"");
    let location = upload.header("Location").unwrap();
    assert_eq!(ask(&first, "PATCH", location, b"half").status, 202);
    for hours in [YEAR, -YEAR, 0] {
        AHEAD.store(hours, Ordering::SeqCst);
        let blob = format!("/v2/team/app/blobs/{digest}");
        // A token of another time is none, and who asks for another one gets on at once.
        if hours != 0 {
            assert_eq!(ask(&first, "GET", &blob, b"").status, 401, "{hours}");
        }
        let now = token();
        assert_eq!(ask(&now, "GET", &blob, b"").body, "layer", "{hours}");
        assert_eq!(ask(&now, "GET", location, b"").header("Range"), Some("0-3"), "{hours}");
    }
    AHEAD.store(YEAR, Ordering::SeqCst);
    let end = format!("{location}?digest={}", digest_of(b"half and half"));
    assert_eq!(ask(&token(), "PUT", &end, b" and half").status, 201);
    AHEAD.store(0, Ordering::SeqCst);
}

#[test]
fn pages_of_any_size() {
    let lab = registry();
    push_blob(&lab, "team/app", b"x");
    for n in
        ["9223372036854775808", "18446744073709551616", "-9223372036854775808", "0x10", "1e9", ""]
    {
        let status = lab.get(&format!("/v2/_catalog?n={n}")).status;
        assert!(status == 400 || n.is_empty(), "{n}: {status}");
        let status = lab.get(&format!("/v2/team/app/tags/list?n={n}")).status;
        assert!([200, 400, 404].contains(&status), "{n}: {status}");
    }
    let last = "%00".repeat(2000);
    assert!(lab.get(&format!("/v2/_catalog?last={last}")).status < 500);
}

#[test]
fn bodies_are_no_headers() {
    let lab = registry();
    // On one connection, each request written at once: what is read with the headers is mostly body.
    let bytes = vec![b'z'; 300_000];
    let digest = digest_of(&bytes);
    let head = format!(
        "POST /v2/team/app/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    let mut stream = lab.connect();
    for _ in 0..20 {
        stream.write_all(&[head.as_bytes(), &bytes].concat()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer));
    }
}
