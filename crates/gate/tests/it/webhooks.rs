//! Others are told, and told again until they hear.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::{Secret, hmac_sha256};
use sealift_gate::{Settings, Webhook};

use crate::harness::{Yard, image};

pub(crate) type Heard = (Vec<(String, String)>, Vec<u8>);

// A server that answers with these statuses, one a request, and tells what it heard.
fn server(statuses: Vec<u16>) -> (String, mpsc::Receiver<Heard>) {
    server_at(TcpListener::bind("127.0.0.1:0").unwrap(), statuses)
}

pub(crate) fn server_at(
    listener: TcpListener,
    statuses: Vec<u16>,
) -> (String, mpsc::Receiver<Heard>) {
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut headers, mut length) = (Vec::new(), 0);
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            loop {
                line.clear();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.parse().unwrap();
                }
                headers.push((name.to_lowercase(), value.to_owned()));
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            sender.send((headers, body)).unwrap();
        }
    });
    (url, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_signed_and_sent_until_they_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "0123456789abcdef\n").unwrap();
    let (url, heard) = server(vec![503, 200]);
    let yard = Yard::new(&Settings {
        webhooks: vec![Webhook {
            url,
            secret_file: Some(secret_file),
            events: vec!["image.examined".to_owned()],
            repositories: vec!["team/*".to_owned()],
        }],
        ..Settings::default()
    });
    let digest = yard.push(&image("1.0", "app"), "1").await.digest;
    let wait = Duration::from_mins(1);
    let (first, second) =
        tokio::task::spawn_blocking(move || (heard.recv_timeout(wait), heard.recv_timeout(wait)))
            .await
            .unwrap();
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.1, second.1, "it is the same event");
    let header = |name: &str| {
        second.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let parts = [id.as_bytes(), b".", time.as_bytes(), b".", &second.1];
    let expected = hmac_sha256(&Secret::new(b"0123456789abcdef".to_vec()), &parts);
    assert_eq!(header("webhook-signature"), format!("v1,{}", STANDARD.encode(expected)));
    let event: serde_json::Value = serde_json::from_slice(&second.1).unwrap();
    assert_eq!(event["type"], "dev.sealift.registry.image.examined");
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["subject"], format!("team/app@{digest}"));
    assert_eq!(event["data"]["examination"]["packages"], 1);
}

#[test]
fn a_short_secret_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "short").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let settings = Settings {
        webhooks: vec![Webhook {
            url: "https://a.example/".to_owned(),
            secret_file: Some(secret_file),
            events: Vec::new(),
            repositories: Vec::new(),
        }],
        ..Settings::default()
    };
    let refused = runtime.block_on(async {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Yard::new(&settings)))
    });
    assert!(refused.is_err());
}
