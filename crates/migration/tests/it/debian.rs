//! A tree that Debian's docker-registry (distribution 2.8) made of what was pushed to it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use sealift_migration::Kind;
use sealift_oci::Digest;

use crate::{MANIFEST, bring, depot, image, repository, state, tagged};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

// Status, headers and body of an answer; each request has a connection of its own.
fn ask(port: u16, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn push_blob(port: u16, name: &str, bytes: &[u8]) {
    let answer = ask(port, &format!("POST /v2/{name}/blobs/uploads/ HTTP/1.1"), b"");
    let location = answer.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap();
    let path = location.trim().split_once("/v2/").unwrap().1;
    let digest = Digest::sha256(bytes);
    let kind = "Content-Type: application/octet-stream";
    let head = format!("PUT /v2/{path}&digest={digest} HTTP/1.1\r\n{kind}");
    let answer = ask(port, &head, bytes);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[tokio::test]
async fn what_debians_registry_stored() {
    if Command::new("docker-registry").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: docker-registry is not installed; tests/setup installs it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (root, file) = (folder.path().join("old"), folder.path().join("config.yml"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
        root.display()
    );
    fs::write(&file, text).unwrap();
    let server = Command::new("docker-registry")
        .arg("serve")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = Server(server.unwrap());
    let end = Instant::now() + Duration::from_mins(1);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "docker-registry does not start");
        thread::sleep(Duration::from_millis(50));
    }
    let (kept, deleted) = (image(b"{}", &[b"layer"]), image(b"{}", &[b"other"]));
    for blob in [&b"{}"[..], b"layer", b"other"] {
        push_blob(port, "team/app", blob);
    }
    for (tag, manifest) in [("1.0", &kept), ("latest", &kept), ("old", &deleted)] {
        let kind = format!("Content-Type: {MANIFEST}");
        let head = format!("PUT /v2/team/app/manifests/{tag} HTTP/1.1\r\n{kind}");
        let answer = ask(port, &head, manifest);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    let gone = Digest::sha256(&deleted);
    let answer = ask(port, &format!("DELETE /v2/team/app/manifests/{gone} HTTP/1.1"), b"");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    // An upload that nobody ended.
    ask(port, "POST /v2/team/app/blobs/uploads/ HTTP/1.1", b"");
    drop(server);

    let before = state(&root);
    let depot = depot(&folder.path().join("depot"));
    let report = bring(&depot, &root, Kind::Distribution).await;
    assert_eq!(state(&root), before);
    assert_eq!((report.repositories, report.manifests, report.tags), (1, 1, 2));
    assert_eq!((report.linked, report.copied, report.n_damages), (2, 0, 0), "{report:?}");
    assert_eq!(tagged(&depot, "team/app", "latest").await, Some(Digest::sha256(&kept)));
    assert_eq!(tagged(&depot, "team/app", "old").await, None);
    let layer = depot.blob(&repository("team/app"), &Digest::sha256(b"layer")).await.unwrap();
    assert_eq!(layer.unwrap().size, 5);
}
