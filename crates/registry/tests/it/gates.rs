//! What others plug in: a gate that refuses, listeners that are told.

use std::sync::{Arc, Mutex};

use sealift_registry::hooks::{Answer, Asked, BoxFuture, Denied, Event, EventKind, Gate, Listener};
use sealift_registry::{Hooks, Options};
use serde_json::json;

use crate::lab::{Lab, Setup};
use crate::routes::{MANIFEST, digest_of, image, put_manifest};

struct ByTag;

impl Gate for ByTag {
    fn pull<'a>(&'a self, asked: Asked<'a>) -> BoxFuture<'a, Answer> {
        let answer = match asked.target {
            sealift_depot::Target::Tag(tag) if tag.as_str() == "bad" => Answer::Refuse(Denied {
                message: "CVE-2026-1 is not fixed; pull app:good instead".to_owned(),
                detail: json!({ "rule": "no-critical" }),
            }),
            sealift_depot::Target::Tag(tag) if tag.as_str() == "old" => {
                Answer::Warn("this image is \"old\"".to_owned())
            }
            _ => Answer::Allow,
        };
        Box::pin(std::future::ready(answer))
    }
}

// What happened, to what tag, and why it was refused.
type Heard = (EventKind, Option<String>, Option<String>);

#[derive(Default)]
struct Told(Mutex<Vec<Heard>>);

impl Listener for Told {
    fn tell(&self, event: &Event) {
        let entry = (event.kind, event.tag.clone(), event.reason.clone());
        self.0.lock().unwrap().push(entry);
    }
}

#[test]
fn a_gate_refuses_with_a_reason_that_docker_prints() {
    let told = Arc::new(Told::default());
    let hooks = Hooks {
        gate: Some(Arc::new(ByTag)),
        listeners: vec![Arc::clone(&told) as Arc<dyn Listener>],
        ..Hooks::default()
    };
    let lab = Lab::registry(Setup::default(), hooks, Options::default());
    let text = image(&lab, "app", b"layer");
    for tag in ["good", "bad", "old"] {
        let path = format!("/v2/app/manifests/{tag}");
        assert_eq!(put_manifest(&lab, &path, MANIFEST, &text).status, 201);
    }
    for method in ["GET", "HEAD"] {
        assert_eq!(lab.request(method, "/v2/app/manifests/good", &[], b"").status, 200);
        assert_eq!(lab.request(method, "/v2/app/manifests/bad", &[], b"").status, 403);
    }
    let refused = lab.get("/v2/app/manifests/bad");
    assert!(refused.body.contains("\"DENIED\"") && refused.body.contains("pull app:good instead"));
    assert!(refused.body.contains("no-critical"), "{refused:?}");
    let warned = lab.get("/v2/app/manifests/old");
    assert_eq!(
        (warned.status, warned.header("Warning")),
        (200, Some("299 - \"this image is 'old'\""))
    );
    let path = format!("/v2/app/manifests/{}", digest_of(text.as_bytes()));
    assert_eq!(lab.request("DELETE", &path, &[], b"").status, 202);
    let told = told.0.lock().unwrap();
    let count = |kind, tag: Option<&str>| {
        told.iter().filter(|(k, t, _)| *k == kind && t.as_deref() == tag).count()
    };
    assert_eq!(count(EventKind::Pushed, Some("good")), 1);
    assert_eq!(count(EventKind::BlobPushed, None), 2);
    assert_eq!(count(EventKind::Pulled, Some("good")), 1);
    assert_eq!(count(EventKind::Pulled, Some("bad")), 0);
    assert_eq!(count(EventKind::Denied, Some("bad")), 3);
    assert_eq!(count(EventKind::Deleted, None), 1);
    assert_eq!(count(EventKind::TagDeleted, Some("old")), 1);
    assert!(told.iter().any(|(_, _, reason)| reason.as_deref().is_some_and(|r| r.contains("CVE"))));
}
