//! What endpoints hear, in which order, and what becomes of it when they do not.

use std::net::TcpListener;
use std::time::Duration;

use bytes::Bytes;
use expect_test::expect;
use sealift_depot::{Children, NewManifest, Target};
use sealift_oci::Digest;
use sealift_registry::hooks::{EventKind, Listener as _};
use serde_json::json;

use crate::hearing::{Ear, Yard, endpoint, event, name, settings};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_is_distributions() {
    let (yard, ear) = (Yard::new(), Ear::new(&[]));
    let notifier = yard.notifier(settings(vec![endpoint("ear", &ear.url)]));
    notifier.tell(&event(EventKind::Pushed, Some("1")));
    let heard = ear.next();
    assert_eq!(
        heard.header("content-type"),
        Some("application/vnd.docker.distribution.events.v2+json")
    );
    assert_eq!(heard.header("authorization"), Some("Bearer geheim"));
    let mut event = heard.event().clone();
    assert_eq!(event["id"].take().as_str().unwrap().len(), 36);
    let time = event["timestamp"].take();
    assert!(time.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}");
    expect![[r#"
        {
          "action": "push",
          "actor": {
            "name": "anna"
          },
          "id": null,
          "request": {
            "addr": "127.0.0.1:4711",
            "host": "r.example:5000",
            "id": "r-1",
            "method": "PUT",
            "useragent": "docker/28"
          },
          "source": {
            "addr": "node:5000",
            "instanceID": "run"
          },
          "target": {
            "digest": "sha256:05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f",
            "length": 8,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "repository": "team/app",
            "size": 8,
            "tag": "1",
            "url": "https://r.example:5000/team/v2/team/app/manifests/sha256:05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f"
          },
          "timestamp": null
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&event).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_event_says() {
    let (yard, ear) = (Yard::new(), Ear::new(&[]));
    let notifier = yard.notifier(settings(vec![endpoint("ear", &ear.url)]));
    let mut mounted = event(EventKind::Mounted, None);
    mounted.from = Some(name("base"));
    mounted.media_type = None;
    let mut tag_deleted = event(EventKind::TagDeleted, Some("1"));
    let with_manifest = tag_deleted.clone();
    tag_deleted.digest = None;
    for told in [
        mounted,
        event(EventKind::Denied, None),
        event(EventKind::Login, None),
        event(EventKind::Deleted, None),
        with_manifest,
        tag_deleted,
        event(EventKind::BlobPulled, None),
    ] {
        notifier.tell(&told);
    }
    let next = || {
        let heard = ear.next();
        let event = heard.event();
        (event["action"].clone(), event["target"].clone())
    };
    let (action, target) = next();
    assert_eq!((action, &target["fromRepository"]), (json!("mount"), &json!("base")));
    assert_eq!(target["mediaType"], "application/octet-stream");
    assert!(target["url"].as_str().unwrap().contains("/blobs/sha256:"), "{target}");
    let digest = Digest::sha256(b"manifest").to_string();
    let (action, target) = next();
    let deleted = json!({ "digest": digest, "repository": "team/app" });
    assert_eq!((action, target), (json!("delete"), deleted));
    let (action, target) = next();
    assert_eq!(
        (action, target),
        (json!("delete"), json!({ "repository": "team/app", "tag": "1" }))
    );
    let (action, target) = next();
    assert_eq!((action, &target["mediaType"]), (json!("pull"), &json!("application/octet-stream")));
    assert!(ear.is_silent());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_manifest_refers_to_is_told_if_it_is_wanted() {
    let (yard, ear) = (Yard::new(), Ear::new(&[]));
    let digest = format!("sha256:{}", "0".repeat(64));
    let one = |kind: &str| json!({ "mediaType": kind, "digest": digest, "size": 7 });
    let text =
        json!({ "schemaVersion": 2, "config": one("c/d"), "layers": [one("l/e")] }).to_string();
    let (found, target) = (Digest::sha256(text.as_bytes()), name("team/app"));
    let new = NewManifest {
        target: Target::Digest(found.clone()),
        tags: &[],
        media_type: IMAGE,
        bytes: Bytes::from(text),
        children: Children::Optional,
        by: "anna",
    };
    yard.depot.put_manifest(&target, new).await.unwrap();
    let notifier = yard.notifier(settings(vec![endpoint("ear", &ear.url)]));
    let mut pushed = event(EventKind::Pushed, None);
    pushed.digest = Some(found);
    notifier.tell(&pushed);
    let heard = ear.next();
    assert_eq!(heard.event()["target"]["references"], json!([one("c/d"), one("l/e")]));
    let mut without = settings(vec![endpoint("ear", &ear.url)]);
    without.notifications.has_references = false;
    notifier.replace(without);
    notifier.tell(&pushed);
    // What was at hand when the settings changed may come once more.
    let mut heard = std::iter::repeat_with(|| ear.next()).take(2);
    assert!(heard.any(|it| it.event()["target"].get("references").is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_ignores_it_does_not_hear() {
    let (yard, ear) = (Yard::new(), Ear::new(&[]));
    let mut deaf = endpoint("ear", &ear.url);
    deaf.ignored_actions = vec!["pull".to_owned()];
    deaf.ignored_media_types = vec!["application/octet-stream".to_owned()];
    let notifier = yard.notifier(settings(vec![deaf]));
    assert!(!notifier.wants(EventKind::BlobPulled));
    assert!(notifier.wants(EventKind::Pushed) && !notifier.wants(EventKind::Denied));
    for kind in [EventKind::Pulled, EventKind::BlobPushed, EventKind::Mounted, EventKind::Pushed] {
        notifier.tell(&event(kind, None));
    }
    assert_eq!(ear.next().event()["action"], "push");
    assert!(ear.is_silent());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_sent_again_until_it_arrives_and_in_order() {
    let (yard, ear, other) = (Yard::new(), Ear::new(&[500, 404, 503, 301]), Ear::new(&[]));
    let endpoints = vec![endpoint("ear", &ear.url), endpoint("other", &other.url)];
    let notifier = yard.notifier(settings(endpoints));
    for tag in ["1", "2", "3"] {
        notifier.tell(&event(EventKind::Pushed, Some(tag)));
    }
    // Whoever is well waits for nobody.
    let tags = |ear: &Ear, n: usize| -> Vec<String> {
        let tag = |_| ear.next().event()["target"]["tag"].as_str().unwrap().to_owned();
        (0..n).map(tag).collect()
    };
    assert_eq!(tags(&other, 3), ["1", "2", "3"]);
    assert_eq!(tags(&ear, 6), ["1", "1", "1", "1", "2", "3"]);
    let complaints = yard.complaints.lock().unwrap().clone();
    assert_eq!(
        complaints,
        ["`ear` takes no events, which are kept for it: the answer has status 404"]
    );
    let line = |endpoint: &str, result: &str, n: u64| {
        let name = "sealift_notification_events_total";
        format!("{name}{{endpoint=\"{endpoint}\",result=\"{result}\"}} {n}\n")
    };
    let expected = [line("ear", "failed", 3), line("ear", "sent", 3), line("other", "sent", 3)];
    for _ in 0..100 {
        if expected.iter().all(|line| notifier.metrics().contains(line)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}", notifier.metrics());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sent_is_sent_after_the_next_start() {
    let mut yard = Yard::new();
    // Nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}/hook");
    let notifier = yard.notifier(settings(vec![endpoint("ear", &url)]));
    notifier.tell(&event(EventKind::Pushed, Some("1")));
    notifier.tell(&event(EventKind::Pushed, Some("2")));
    notifier.flush(Duration::from_secs(20)).await;
    drop(notifier);
    let folder = yard.folder.path().to_owned();
    let other = Yard::new();
    drop(std::mem::replace(&mut yard.depot, other.depot.clone()));
    // The ledger is closed when the last task has let it go.
    let mut again = None;
    for _ in 0..500 {
        again =
            sealift_depot::Depot::open_folder(&folder, &sealift_depot::Settings::default()).ok();
        if again.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    yard.depot = again.unwrap();
    let ear = Ear::on(TcpListener::bind(address).unwrap(), &[]);
    let notifier = yard.notifier(settings(vec![endpoint("ear", &url)]));
    notifier.tell(&event(EventKind::Pushed, Some("3")));
    for tag in ["1", "2", "3"] {
        assert_eq!(ear.next().event()["target"]["tag"], tag);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_endpoints_are_told_from_then_on() {
    let (yard, first, second) = (Yard::new(), Ear::new(&[]), Ear::new(&[]));
    let notifier = yard.notifier(settings(vec![endpoint("first", &first.url)]));
    notifier.tell(&event(EventKind::Pushed, Some("1")));
    assert_eq!(first.next().event()["target"]["tag"], "1");
    notifier.replace(settings(vec![endpoint("second", &second.url)]));
    notifier.tell(&event(EventKind::Pushed, Some("2")));
    assert_eq!(second.next().event()["target"]["tag"], "2");
    notifier.replace(settings(Vec::new()));
    notifier.tell(&event(EventKind::Pushed, Some("3")));
    assert!(first.is_silent() && second.is_silent());
    assert_eq!(notifier.metrics(), "");
}
