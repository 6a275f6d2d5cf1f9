//! The webhook over HTTP.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use sealift_admission::Settings;
use sealift_registry::{ConnectionLimits, bind, serve};

use crate::setting::{create, webhook};

fn ask(address: &str, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A server that has seen enough hangs up.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn requests() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (webhook, _) = webhook(Settings::default());
    let listener = runtime.block_on(bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = serve(
        listener,
        None,
        Arc::new(webhook),
        ConnectionLimits::default(),
        std::future::pending(),
    );
    runtime.spawn(server);
    let review = create(&["r.x/bad:1"]).to_string();
    let (status, body) = ask(&address, "POST", "/validate?timeout=10s", review.as_bytes());
    assert_eq!(status, 200);
    assert!(body.contains("it is not signed"), "{body}");
    let review = create(&["r.x/good:1"]).to_string();
    let (_, body) = ask(&address, "POST", "/mutate?timeout=10s", review.as_bytes());
    assert!(body.contains("JSONPatch"), "{body}");
    assert_eq!(ask(&address, "POST", "/validate", b"{}").0, 400);
    assert_eq!(ask(&address, "GET", "/validate", b"").0, 405);
    assert_eq!(ask(&address, "GET", "/healthz", b"").0, 200);
    assert_eq!(ask(&address, "GET", "/other", b"").0, 404);
    let large = vec![b' '; (3 << 20) + 1];
    assert_eq!(ask(&address, "POST", "/validate", &large).0, 413);
    let (_, metrics) = ask(&address, "GET", "/metrics", b"");
    for line in [
        "sealift_admission_reviews_total{webhook=\"validate\",outcome=\"denied\"} 1",
        "sealift_admission_images_total{decision=\"allow\",source=\"judged\"} 1",
        "sealift_admission_unreadable_total 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}
