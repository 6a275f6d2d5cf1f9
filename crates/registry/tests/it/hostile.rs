//! Clients that mean harm, or die.

use std::io::Write as _;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use sealift_registry::ConnectionLimits;

use crate::lab::{Lab, PLACE, Publisher, Reply, Setup, form, read_all};

const QUICK: Duration = Duration::from_millis(300);

fn hasty() -> Lab {
    let limits = ConnectionLimits {
        headers_time: QUICK,
        request: QUICK,
        handshake: QUICK,
        ..ConnectionLimits::default()
    };
    Lab::start(Setup { limits, ..Setup::default() })
}

fn is_well(lab: &Lab) -> bool {
    lab.get("/v2/").status == 200
}

#[test]
fn headers_that_never_end() {
    let lab = hasty();
    let start = Instant::now();
    let mut stream = lab.connect();
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n").unwrap();
    let answer = read_all(&mut stream);
    assert!(!answer.contains(" 200 ") && start.elapsed() < Duration::from_secs(10), "{answer}");
    assert!(is_well(&lab));
}

#[test]
fn a_body_that_never_ends() {
    let lab = hasty();
    let start = Instant::now();
    let mut stream = lab.connect();
    let head = format!(
        "POST {PLACE} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: 900\r\n\r\n--XX"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.contains(" 408 ") && start.elapsed() < Duration::from_secs(10), "{answer}");
    assert!(is_well(&lab));
}

#[test]
fn more_than_allowed() {
    let lab = Lab::new();
    let head = |length: &str| {
        format!(
            "POST {PLACE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=XX\r\n{length}\r\n\r\n"
        )
    };
    // Refused before a byte of it is read.
    let announced = Reply::parse(&lab.raw(head("Content-Length: 9000000000").as_bytes()));
    assert_eq!(announced.status, 413, "{announced:?}");
    let chunked =
        [head("Transfer-Encoding: chunked").as_bytes(), b"3000000\r\n", &vec![b'-'; 0x300_0000]]
            .concat();
    let answer = Reply::parse(&lab.raw(&chunked)).status;
    assert!([400, 413, 0].contains(&answer), "{answer}");
    let many: Vec<(String, Vec<u8>)> =
        (0..10_000).map(|number| (format!("targets/a{number}"), b"{}".to_vec())).collect();
    let reply = lab.post(&many, &[]);
    assert!(reply.status == 413 && reply.body.contains("more parts"), "{reply:?}");
    let large = [("targets".to_owned(), vec![b' '; 6 << 20])];
    assert_eq!(lab.post(&large, &[]).status, 413);
    assert!(is_well(&lab));
}

#[test]
fn names_that_lead_elsewhere() {
    let lab = Lab::new();
    for name in ["../../etc/passwd", "targets/../root", "/root", "targets/a\\\\b", "targets/%2e%2e"]
    {
        let reply = lab.post(&[(name.to_owned(), b"{}".to_vec())], &[]);
        assert!(reply.status == 400 && reply.body.contains("INVALID_ROLE"), "{name} {reply:?}");
    }
    let twice = [("root".to_owned(), b"{}".to_vec()), ("root.json".to_owned(), b"{}".to_vec())];
    assert_eq!(lab.post(&twice, &[]).status, 400);
    let nested = "[".repeat(1 << 20).into_bytes();
    let reply = lab.post(&[("targets".to_owned(), nested)], &[]);
    assert!(reply.body.contains("MALFORMED_JSON"), "{reply:?}");
}

#[test]
fn floods_of_headers() {
    let lab = Lab::new();
    let many: String =
        (0..1000).map(|number| format!("X-{number}: a\r\n")).collect::<Vec<_>>().concat();
    let long = format!("X: {}\r\n", "a".repeat(1 << 20));
    for headers in [many, long] {
        let text = format!("GET /v2/ HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let status = Reply::parse(&lab.raw(text.as_bytes())).status;
        assert!([400, 431, 0].contains(&status), "{status}");
    }
    let long_path = format!("/v2/{}/_trust/tuf/root.json", "a/".repeat(4000));
    assert_eq!(lab.get(&long_path).status, 400);
    assert!(lab.log.of("request").iter().all(|line| line.len() < 2000));
    for nonsense in ["\0\0\0\0", "GET\r\n\r\n", "GET /v2/ HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}"] {
        let answer = lab.raw(nonsense.as_bytes());
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    // Two lengths are two opinions on where the next request begins.
    let smuggled = format!(
        "POST {PLACE} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 40\r\n\r\nabc"
    );
    assert_eq!(Reply::parse(&lab.raw(smuggled.as_bytes())).status, 400);
    assert!(is_well(&lab));
}

#[test]
fn half_closed() {
    let lab = Lab::new();
    let files = Publisher::new().first(&lab, &[]);
    let (kind, body) = form(&files);
    let send = |length: usize, sent: &[u8]| {
        let mut stream = lab.connect();
        let head = format!(
            "POST {PLACE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), sent].concat()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        Reply::parse(&read_all(&mut stream)).status
    };
    // What was cut is not stored, however much of it came.
    for length in [0, 10, body.len() / 2, body.len() - 1] {
        let status = send(body.len(), &body[..length]);
        assert!([0, 400].contains(&status), "{status}");
        assert_eq!(lab.get(&format!("{PLACE}root.json")).status, 404);
    }
    // Who has said all may still hear the answer.
    assert_eq!(send(body.len(), &body), 200);
    assert_eq!(lab.get(&format!("{PLACE}root.json")).status, 200);
}

#[test]
fn more_connections_than_allowed_wait() {
    let limits =
        ConnectionLimits { connections: 4, headers_time: QUICK, ..ConnectionLimits::default() };
    let lab = Lab::start(Setup { limits, ..Setup::default() });
    let idle: Vec<_> = (0..16).map(|_| lab.connect()).collect();
    assert!(is_well(&lab));
    drop(idle);
}

#[test]
fn a_stop_ends_what_is_at_hand() {
    let mut lab = Lab::new();
    let files = Publisher::new().first(&lab, &[]);
    let (kind, body) = form(&files);
    let mut stream = lab.connect();
    let mut idle = lab.connect();
    idle.write_all(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let head = format!(
        "POST {PLACE} HTTP/1.1\r\nHost: a\r\n{kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body[..100]].concat()).unwrap();
    // The request has begun when the other connection, which came later, has its answer.
    let mut first = [0; 12];
    std::io::Read::read_exact(&mut idle, &mut first).unwrap();
    let rest = body[100..].to_vec();
    let sender = std::thread::spawn(move || {
        std::thread::sleep(QUICK);
        stream.write_all(&rest).unwrap();
        Reply::parse(&read_all(&mut stream)).status
    });
    lab.stop();
    assert_eq!(sender.join().unwrap(), 200);
    assert!(std::net::TcpStream::connect(lab.address).is_err());
}

#[test]
fn plain_http_on_a_port_of_tls_is_told() {
    let lab = Lab::start(Setup { has_tls: true, ..Setup::default() });
    let reply = lab.get("/v2/");
    assert_eq!(
        (reply.status, reply.header("Content-Length")),
        (400, Some(reply.body.len().to_string().as_str()))
    );
    assert!(reply.body.contains("speaks HTTPS"), "{reply:?}");
}

#[test]
fn who_is_refused_hears_why() {
    let lab = Lab::new();
    // All of the body is sent before the answer is looked for, as clients do; the server reads little of it.
    let body = vec![b'-'; 8 << 20];
    for _ in 0..20 {
        let mut stream = lab.connect();
        let head =
            format!("POST {PLACE} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
        let answer = read_all(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
}
