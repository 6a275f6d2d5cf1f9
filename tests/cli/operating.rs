//! What an operator sets in the configuration of a registry: who is told, how it is logged, where health is shown, and
//! that a signal has it read again.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use sealift_testkit::TestContext;
use serde_json::Value;

const WAIT: Duration = Duration::from_mins(1);

/// A server that ends with the test, and the lines that it writes.
struct Served {
    child: Child,
    lines: Receiver<String>,
}

impl Served {
    fn start(context: &TestContext) -> Self {
        let mut command = context.command(&["registry", "serve", "registry.yml"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines: receiver }
    }

    /// The next line with this in it.
    #[track_caller]
    fn line(&self, part: &str) -> String {
        let begin = Instant::now();
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(WAIT.saturating_sub(begin.elapsed())) {
            if line.contains(part) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line has `{part}`: {seen:#?}");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(port: u16, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn push(port: u16, bytes: &str) {
    let digest = sealift_oci::Digest::sha256(bytes.as_bytes());
    let path = format!("/v2/app/blobs/uploads/?digest={digest}");
    let answer = ask(port, "POST", &path, bytes);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// Who is told, and what was posted there.
fn ear() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while line != "\r\n" {
                line.clear();
                reader.read_line(&mut line).unwrap();
                if let Some(text) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = text.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            if sender.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (url, heard)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn configuration(port: u16, debug: u16, url: &str) -> String {
    format!(
        "version: 0.1
log: {{formatter: text, accesslog: {{disabled: true}}, fields: {{service: registry}}}}
storage: inmemory
http:
  addr: 127.0.0.1:{port}
  host: https://r.example
  debug: {{addr: '127.0.0.1:{debug}', prometheus: {{enabled: true}}}}
notifications:
  endpoints:
    - {{name: ear, url: '{url}', timeout: 5s, threshold: 3, backoff: 1s}}
"
    )
}

#[test]
fn a_configuration_of_distribution_at_work() {
    let context = TestContext::new(env!("CARGO_BIN_EXE_sealift"));
    let ((first, first_heard), (second, second_heard)) = (ear(), ear());
    let (port, debug) = (free_port(), free_port());
    context.write("registry.yml", configuration(port, debug, &first));
    let served = Served::start(&context);
    let said = served.line("go with this process");
    let folder = said.split(' ').find(|word| word.starts_with('/')).unwrap().to_owned();
    served.line("health is told on");
    assert!(ask(debug, "GET", "/debug/health", "").ends_with("{}\n"));
    push(port, "one");
    let event = &first_heard.recv_timeout(WAIT).unwrap()["events"][0];
    assert_eq!(event["action"], "push");
    assert_eq!(event["request"]["host"], "localhost");
    let place = event["target"]["url"].as_str().unwrap();
    assert!(place.starts_with("https://r.example/v2/app/blobs/sha256:"), "{event}");
    // It counts when it has read the answer.
    let (begin, counted) = (Instant::now(), "{endpoint=\"ear\",result=\"sent\"} 1");
    while !ask(debug, "GET", "/metrics", "").contains(counted) {
        assert!(begin.elapsed() < WAIT, "the event was not counted");
        std::thread::sleep(Duration::from_millis(20));
    }

    context.write("registry.yml", configuration(port, debug, &second));
    served.signal("-HUP");
    // Until it was read again, the first one hears.
    let begin = Instant::now();
    for number in 0.. {
        push(port, &number.to_string());
        if second_heard.recv_timeout(Duration::from_millis(200)).is_ok() {
            break;
        }
        assert!(begin.elapsed() < WAIT, "the configuration was not read again");
    }

    context.write("registry.yml", "version: 9");
    served.signal("-HUP");
    let complaint = served.line("what was in force stays");
    assert!(complaint.contains(" level=error msg=failure "), "{complaint}");
    assert!(complaint.contains(" service=registry"), "{complaint}");
    assert!(ask(port, "GET", "/v2/", "").starts_with("HTTP/1.1 200"));

    served.signal("-TERM");
    served.line("stopped");
    assert!(!std::path::Path::new(&folder).exists(), "{folder}");
}
