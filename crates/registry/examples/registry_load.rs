//! Loads a registry over plain HTTP: small requests on kept connections, pushes and pulls of 100 MB, manifests one by one
//! and from 16 clients. Says what each costs the server's processor.
//!
//! usage: `registry_load HOST:PORT PID…` with the processes whose processor time counts; with `--reads` before them it
//! makes ten times as many small requests and ends after them, and with `--static PATH` only reads of that path are measured, for a server of files.

#![expect(clippy::print_stdout, reason = "it is a program")]
#![expect(clippy::unwrap_used, reason = "a failure ends it")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sealift_oci::Digest;

const CONNECTIONS: usize = 8;
const REQUESTS: usize = 4_000;
const TAGS: usize = 500;
const LARGE: usize = 100_000_000;
const PUTS: usize = 100;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

struct Reply {
    status: u16,
    location: String,
    length: usize,
}

impl Connection {
    fn open(host: &str) -> Self {
        let stream = TcpStream::connect(host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { host: host.to_owned(), stream: BufReader::with_capacity(1 << 18, stream) }
    }

    fn request(&mut self, head: &str, body: &[u8]) -> Reply {
        // Without it 2.8.2 answers in a form of ten years ago.
        let text = format!("{head}\r\nHost: {}\r\nAccept: {MANIFEST}\r\n", self.host);
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        let stream = self.stream.get_mut();
        stream.write_all(&[text.as_bytes(), length.as_bytes()].concat()).unwrap();
        stream.write_all(body).unwrap();
        let mut reply = Reply { status: 0, location: String::new(), length: 0 };
        let (mut line, mut is_chunked) = (String::new(), false);
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                reply.status = rest[..3].parse().unwrap();
            } else if let Some((name, value)) = text.split_once(": ") {
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => reply.length = value.parse().unwrap(),
                    "transfer-encoding" => is_chunked = true,
                    "location" => value.clone_into(&mut reply.location),
                    _ => {}
                }
            }
        }
        if is_chunked {
            reply.length = self.chunks();
        } else {
            self.skip(reply.length);
        }
        reply
    }

    fn skip(&mut self, mut left: usize) {
        while left > 0 {
            let n = self.stream.fill_buf().unwrap().len().min(left);
            assert!(n > 0, "the server closed in an answer");
            self.stream.consume(n);
            left -= n;
        }
    }

    fn chunks(&mut self) -> usize {
        let mut total = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
            self.skip(length + 2);
            if length == 0 {
                return total;
            }
            total += length;
        }
    }

    fn get(&mut self, path: &str) -> usize {
        let reply = self.request(&format!("GET {path} HTTP/1.1"), b"");
        assert_eq!(reply.status, 200, "{path}");
        reply.length
    }

    fn push(&mut self, repository: &str, bytes: &[u8], digest: &str) {
        let begun = self.request(&format!("POST /v2/{repository}/blobs/uploads/ HTTP/1.1"), b"");
        assert_eq!(begun.status, 202);
        let place = |location: &str| {
            let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
            rest[rest.find('/').unwrap()..].to_owned()
        };
        let head = format!(
            "PATCH {} HTTP/1.1\r\nContent-Type: application/octet-stream",
            place(&begun.location)
        );
        let sent = self.request(&head, bytes);
        assert_eq!(sent.status, 202);
        let mark = if sent.location.contains('?') { '&' } else { '?' };
        let head = format!("PUT {}{mark}digest={digest} HTTP/1.1", place(&sent.location));
        assert_eq!(self.request(&head, b"").status, 201);
    }

    fn put(&mut self, path: &str, text: &str) {
        let head = format!("PUT {path} HTTP/1.1\r\nContent-Type: {MANIFEST}");
        assert_eq!(self.request(&head, text.as_bytes()).status, 201, "{path}");
    }
}

fn digest_of(bytes: &[u8]) -> String {
    Digest::sha256(bytes).to_string()
}

// The smallest image that there is: its layer is an archive with nothing in it.
struct Image {
    config: String,
    config_digest: String,
    layer: Vec<u8>,
    layer_digest: String,
}

impl Image {
    fn new() -> Self {
        let layer = vec![0; 1024];
        let layer_digest = digest_of(&layer);
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{"User":"65532"}},"rootfs":{{"type":"layers","diff_ids":["{layer_digest}"]}}}}"#
        );
        Self { config_digest: digest_of(config.as_bytes()), config, layer, layer_digest }
    }

    fn manifest(&self, number: usize) -> String {
        let Self { config, config_digest, layer, layer_digest } = self;
        let (config_size, layer_size) = (config.len(), layer.len());
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config_digest}","size":{config_size}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{layer_digest}","size":{layer_size}}}],"annotations":{{"number":"{number}"}}}}"#
        )
    }
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

fn memory(pids: &[String]) -> u64 {
    let peak = |pid: &String| -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    pids.iter().map(peak).sum::<u64>() / 1024
}

fn measure(
    what: &str,
    pids: &[String],
    connections: usize,
    count: usize,
    work: impl Fn(usize) + Sync,
) {
    let (before, start) = (processor_time(pids), Instant::now());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= connections {
                        return;
                    }
                    work(number);
                }
            });
        }
    });
    let (wall, processor) = (start.elapsed(), processor_time(pids).saturating_sub(before));
    let count = f64::from(u32::try_from(count).unwrap());
    println!(
        "{what}\t{:.1}\tus of processor each\t{:.0}\t/s",
        processor.as_secs_f64() * 1e6 / count,
        count / wall.as_secs_f64(),
    );
}

fn reads(what: &str, host: &str, pids: &[String], path: &str, count: usize) {
    measure(what, pids, CONNECTIONS, count, |_| {
        let mut connection = Connection::open(host);
        for _ in 0..count / CONNECTIONS {
            connection.get(path);
        }
    });
}

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let host = arguments.remove(0);
    if arguments.first().is_some_and(|first| first == "--static") {
        let path = arguments.remove(1);
        let pids = arguments.split_off(1);
        reads("file", &host, &pids, &path, REQUESTS);
        return;
    }
    let reads_only = arguments.first().is_some_and(|first| first == "--reads");
    let pids = arguments.split_off(usize::from(reads_only));
    // The kernel counts hundredths of a second.
    let count = if reads_only { REQUESTS * 10 } else { REQUESTS };
    println!("memory idle\t{}\tMB", memory(&pids));
    let mut connection = Connection::open(&host);
    let image = Image::new();
    let Image { config_digest: config, layer_digest: layer, layer: small, .. } = &image;
    connection.push("bench/app", image.config.as_bytes(), config);
    connection.push("bench/app", small, layer);
    let text = image.manifest(0);
    for tag in 0..TAGS {
        connection.put(&format!("/v2/bench/app/manifests/tag{tag:04}"), &text);
    }
    // What a registry does in the background after a push is not what a read costs.
    std::thread::sleep(Duration::from_secs(3));
    reads("base", &host, &pids, "/v2/", count);
    reads("manifest by tag", &host, &pids, "/v2/bench/app/manifests/tag0007", count);
    reads("small blob", &host, &pids, &format!("/v2/bench/app/blobs/{layer}"), count);
    reads("tags n=100", &host, &pids, "/v2/bench/app/tags/list?n=100", count);
    if reads_only {
        return;
    }
    let mut seed = 1_u64;
    let large: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33).to_le_bytes()[0]
    })
    .take(LARGE)
    .collect();
    let digest = digest_of(&large);
    measure("push 100 MB", &pids, 1, 1, |_| {
        Connection::open(&host).push("bench/app", &large, &digest);
    });
    measure("pull 1 GB", &pids, 1, 1, |_| {
        let mut connection = Connection::open(&host);
        for _ in 0..10 {
            connection.get(&format!("/v2/bench/app/blobs/{digest}"));
        }
    });
    for clients in [1, 16] {
        measure(
            &format!("manifest put, {clients} at once"),
            &pids,
            clients,
            clients * PUTS,
            |number| {
                let mut connection = Connection::open(&host);
                for count in 0..PUTS {
                    let text = image.manifest((clients * 100 + number) * 1000 + count);
                    connection.put(&format!("/v2/bench/app/manifests/put{number}"), &text);
                }
            },
        );
    }
    println!("memory peak\t{}\tMB", memory(&pids));
}
