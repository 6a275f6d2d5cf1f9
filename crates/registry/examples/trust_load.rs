//! Loads a server of trust data: reads of timestamps, and publishes of lists of tags that were signed before.
//!
//! usage: `trust_load HOST:PORT PID…` with the processes whose processor time counts. Plain HTTP: TLS costs the same with any server.

#![expect(clippy::print_stdout, reason = "it is a program")]
#![expect(clippy::unwrap_used, reason = "a failure ends it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{Certificate, SigningKey};
use sealift_tuf::{FileMeta, Gun, Key, Keys, Repository, Role, Signer, seal};

const CONNECTIONS: u32 = 4;
const READS: u32 = 5_000;
const PUBLISHES: u32 = 100;
const TAGS: u32 = 20;

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(host: &str) -> Self {
        let stream = TcpStream::connect(host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    fn request(&mut self, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let bytes = [head.as_bytes(), b"\r\nHost: localhost\r\n\r\n", body].concat();
        self.0.get_mut().write_all(&bytes).unwrap();
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, body)
    }

    fn get(&mut self, path: &str) -> Vec<u8> {
        let (status, body) = self.request(&format!("GET {path} HTTP/1.1"), b"");
        assert_eq!(status, 200, "{path}");
        body
    }

    fn publish(&mut self, place: &str, files: &[(Role, Vec<u8>)]) {
        let mut body = Vec::new();
        for (role, bytes) in files {
            let head = format!(
                "--XX\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{role}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            );
            body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
        }
        body.extend(b"--XX--\r\n");
        let head = format!(
            "POST {place} HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: {}",
            body.len()
        );
        let (status, answer) = self.request(&head, &body);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }
}

// A repository that is there, and what is to be published in it.
struct Prepared {
    place: String,
    uploads: Vec<Vec<u8>>,
}

fn prepare(host: &str, number: u32) -> Prepared {
    let name = format!("registry.example/load/app{number}");
    let place = format!("/v2/{name}/_trust/tuf/");
    let mut connection = Connection::open(host);
    let [root, targets] = [(); 2].map(|()| SigningKey::generate_p256());
    let (now, day) = (Timestamp::now(), SignedDuration::from_hours(24));
    let certificate = Certificate::self_signed(&root, &name, now - day, now + day * 365).unwrap();
    let mut held =
        |role: &str| Key::from_json(&connection.get(&format!("{place}{role}.key"))).unwrap();
    let targets_key = Key::bare(&targets.public());
    let first = [
        Key::of_certificate(&certificate).unwrap(),
        targets_key.clone(),
        held("snapshot"),
        held("timestamp"),
    ];
    let mut keys = Keys::default();
    keys.add(root);
    keys.add(SigningKey::from_pkcs8_der(targets.pkcs8().unwrap().expose()).unwrap());
    let repository = Repository::create(&Gun::parse(&name).unwrap(), first, &keys, now);
    connection.publish(&place, &repository.upload(&keys, now).unwrap());
    let mut list = repository.targets(&Role::TARGETS).unwrap().clone();
    list.expires = now + day * 365;
    let signer = Signer { key: &targets_key, private: &targets };
    let uploads = (0..PUBLISHES).map(|number| {
        list.version += 1;
        let digest = [u8::try_from(number % 256).unwrap(); 32];
        list.targets.insert(format!("v{}", number % TAGS), FileMeta::of_manifest(digest, 523));
        seal(&Role::TARGETS, &list.to_map(), std::slice::from_ref(&signer)).unwrap()
    });
    Prepared { place, uploads: uploads.collect() }
}

// Processor time of processes, in hundredths of a second as the kernel has it.
fn processor_time(pids: &[String]) -> Duration {
    let ticks = |pid: &String| -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = text.rsplit_once(") ").unwrap().1.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    Duration::from_millis(pids.iter().map(ticks).sum::<u64>() * 10)
}

fn measure(what: &str, pids: &[String], count: u32, work: impl Fn(usize) + Sync) {
    let (before, start) = (processor_time(pids), Instant::now());
    std::thread::scope(|scope| {
        for number in 0..CONNECTIONS as usize {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
    let (wall, processor) = (start.elapsed(), processor_time(pids).saturating_sub(before));
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count);
    println!(
        "{what}: {count} in {:.2} s, {:.0}/s; {:.0} us of processor each, {:.0}/s a core",
        wall.as_secs_f64(),
        f64::from(count) / wall.as_secs_f64(),
        each(processor),
        1e6 / each(processor),
    );
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().expect("usage: trust_load HOST:PORT PID…");
    let pids: Vec<String> = arguments.collect();
    let prepared: Vec<Prepared> = (0..CONNECTIONS).map(|number| prepare(&host, number)).collect();
    measure("publish", &pids, CONNECTIONS * PUBLISHES, |number| {
        let Prepared { place, uploads } = &prepared[number];
        let mut connection = Connection::open(&host);
        for upload in uploads {
            connection.publish(place, &[(Role::TARGETS, upload.clone())]);
        }
    });
    measure("read timestamp", &pids, CONNECTIONS * READS, |number| {
        let path = format!("{}timestamp.json", prepared[number].place);
        let mut connection = Connection::open(&host);
        for _ in 0..READS {
            connection.get(&path);
        }
    });
}
