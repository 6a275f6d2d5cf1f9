//! Decisions on reviews.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use sealift_admission::{Entry, Judge, Log, Mode, Settings, Webhook};
use sealift_oci::Digest;
use serde_json::{Value, json};

use crate::setting::{ByName, create, patched, pod, read, review, said, webhook};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

fn check(settings: Settings, review: &Value, expected: Expect) {
    let (webhook, _) = webhook(settings);
    let decided = block_on(webhook.validate(&read(review), None));
    expected.assert_eq(&said(&decided));
}

#[test]
fn pods() {
    let defaults = Settings::default;
    check(defaults(), &create(&["r.x/good:1"]), expect!["allowed"]);
    check(
        defaults(),
        &create(&["r.x/good:1", "r.x/bad:1"]),
        expect!["denied: Pod team/web: c1 (r.x/bad:1): it is not signed"],
    );
    check(
        defaults(),
        &create(&["r.x/old:1"]),
        expect![[r"
            allowed
            warning: c0 (r.x/old:1): it is old"]],
    );
    check(
        defaults(),
        &create(&["r.x/Bad Name"]),
        expect![
            "denied: Pod team/web: c0: `r.x/Bad Name` is not an image reference: the repository must be lower-case"
        ],
    );
    check(
        defaults(),
        &create(&["r.x/down:1"]),
        expect!["denied: Pod team/web: c0 (r.x/down:1): it cannot be judged: the registry is down"],
    );
    check(
        defaults(),
        &create(&["r.x/fault:1"]),
        expect![
            "denied: Pod team/web: c0 (r.x/fault:1): it cannot be judged: the judge has a fault"
        ],
    );
    let warn = Settings { mode: Mode::Warn, ..defaults() };
    check(
        warn,
        &create(&["r.x/bad:1"]),
        expect![[r"
            allowed
            warning: would be denied: Pod team/web: c0 (r.x/bad:1): it is not signed"]],
    );
    let strict = Settings { require_digest: true, ..defaults() };
    check(
        strict,
        &create(&["r.x/good:1"]),
        expect!["denied: Pod team/web: c0 (r.x/good:1): it has no digest"],
    );
}

#[test]
fn workloads() {
    let small = pod(&["r.x/bad:1"]);
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
        let object = json!({"spec": {"template": small}});
        let (webhook, _) = webhook(Settings::default());
        let review = review("CREATE", ("apps", kind), object, Value::Null);
        let decided = block_on(webhook.validate(&read(&review), None));
        assert_eq!(
            said(&decided),
            format!("denied: {kind} team/web: c0 (r.x/bad:1): it is not signed")
        );
    }
    let cron = json!({"spec": {"jobTemplate": {"spec": {"template": small}}}});
    check(
        Settings::default(),
        &review("CREATE", ("batch", "CronJob"), cron, Value::Null),
        expect!["denied: CronJob team/web: c0 (r.x/bad:1): it is not signed"],
    );
    check(
        Settings::default(),
        &review(
            "CREATE",
            ("example.com", "Rollout"),
            json!({"spec": {"template": small}}),
            Value::Null,
        ),
        expect![
            "denied: Rollout team/web: `Rollout` of `example.com` is not a kind whose images are known"
        ],
    );
}

#[test]
fn a_debug_container_is_judged_alone() {
    let before = pod(&["r.x/bad:1"]);
    let mut after = before.clone();
    after["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "r.x/shell"}]);
    let mut request = review("UPDATE", ("", "Pod"), after, before.clone());
    request["request"]["subResource"] = json!("ephemeralcontainers");
    check(
        Settings::default(),
        &request,
        expect!["denied: Pod team/web: debug (r.x/shell): it is not signed"],
    );
    // A label of a pod whose image is refused by now.
    let labelled = review("UPDATE", ("", "Pod"), before.clone(), before.clone());
    check(Settings::default(), &labelled, expect!["allowed"]);
    // Created with an old object, it is not an update.
    let odd = review("CREATE", ("", "Pod"), before.clone(), before);
    check(
        Settings::default(),
        &odd,
        expect!["denied: Pod team/web: c0 (r.x/bad:1): it is not signed"],
    );
}

#[test]
fn what_brings_nothing_is_not_judged() {
    for operation in ["DELETE", "CONNECT"] {
        let request = review(operation, ("", "Pod"), Value::Null, pod(&["r.x/bad:1"]));
        check(Settings::default(), &request, expect!["allowed"]);
    }
    let request = review("PATCH", ("", "Pod"), pod(&["r.x/good"]), Value::Null);
    check(
        Settings::default(),
        &request,
        expect!["denied: Pod team/web: the operation is not known"],
    );
    let exempt = Settings { exempt_namespaces: vec!["te*".to_owned()], ..Settings::default() };
    check(exempt, &create(&["r.x/bad:1"]), expect!["allowed"]);
}

#[test]
fn an_object_of_another_kind_is_denied() {
    let mut request = create(&["r.x/good:1"]);
    request["request"]["object"]["kind"] = json!("Deployment");
    check(
        Settings::default(),
        &request,
        expect!["denied: Pod team/web: the object is not of the kind that the request says"],
    );
    request["request"]["object"] = Value::Null;
    check(
        Settings::default(),
        &request,
        expect!["denied: Pod team/without a name: there is no object"],
    );
}

#[test]
fn tags_become_digests() {
    let (webhook, _) = webhook(Settings::default());
    let digest = |name: &str| Digest::sha256(name.as_bytes());
    let named = format!("r.x/good@{}", digest("good"));
    let request = create(&["r.x/good:1", "good", &named, "r.x/bad:1", "r.x/good:1"]);
    let decided = block_on(webhook.mutate(&read(&request), None));
    assert!(decided.is_allowed);
    let object = patched(&decided, &request).unwrap();
    let images: Vec<&str> = object["spec"]["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|container| container["image"].as_str().unwrap())
        .collect();
    let first = format!("r.x/good:1@{}", digest("good"));
    // Docker Hub's names are judged as what they are short for, and keep their form.
    let second = format!("good@{}", digest("library/good"));
    assert_eq!(images, [&first, &second, &named, "r.x/bad:1", &first]);
    let nothing = create(&[&named]);
    assert_eq!(patched(&block_on(webhook.mutate(&read(&nothing), None)), &nothing), None);
}

#[test]
fn time_runs_out() {
    let (webhook, judge) = webhook(Settings::default());
    block_on(async {
        let request = read(&create(&["r.x/slow:1"]));
        let start = Instant::now();
        let decided = webhook.validate(&request, Some(Duration::from_millis(600))).await;
        assert!(start.elapsed() < Duration::from_millis(350), "{:?}", start.elapsed());
        assert!(!decided.is_allowed);
        assert!(said(&decided).contains("not judged in time"), "{}", said(&decided));
        // The next try finds the verdict.
        let decided = webhook.validate(&request, Some(Duration::from_secs(10))).await;
        assert!(decided.is_allowed, "{}", said(&decided));
        assert_eq!(judge.count.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn an_image_is_judged_once() {
    let (webhook, judge) = webhook(Settings::default());
    block_on(async {
        let request = create(&["r.x/good:1", "r.x/good:1", "r.x/good:2"]);
        webhook.validate(&read(&request), None).await;
        webhook.mutate(&read(&request), None).await;
        assert_eq!(judge.count.load(Ordering::Relaxed), 2);
        // Another namespace is another question, and so is a dry run.
        let mut other = request.clone();
        other["request"]["namespace"] = json!("other");
        webhook.validate(&read(&other), None).await;
        let mut dry = request.clone();
        dry["request"]["dryRun"] = json!(true);
        webhook.validate(&read(&dry), None).await;
        assert_eq!(judge.count.load(Ordering::Relaxed), 6);
        let asked = judge.asked.lock().unwrap().clone();
        assert_eq!(asked.iter().filter(|question| question.is_dry_run).count(), 2);
        assert!(asked.iter().all(|question| question.service_account == "runner"));
        webhook.forget();
        webhook.validate(&read(&request), None).await;
        assert_eq!(judge.count.load(Ordering::Relaxed), 8);
    });
}

#[test]
fn very_many_containers() {
    let images: Vec<String> = (0..10_001).map(|number| format!("r.x/bad:{number}")).collect();
    let images: Vec<&str> = images.iter().map(String::as_str).collect();
    check(
        Settings::default(),
        &create(&images),
        expect!["denied: Pod team/web: `containers` has more than 10000 entries"],
    );
    let (webhook, _) = webhook(Settings::default());
    let decided = block_on(webhook.validate(&read(&create(&images[..1000])), None));
    assert!(said(&decided).ends_with("; and 990 more"), "{}", said(&decided));
}

/// Keeps what was written down.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Log for Kept {
    fn record(&self, entry: &Entry<'_>) {
        let text = serde_json::to_string(&Entry { duration_us: 0, ..*entry }).unwrap();
        self.0.lock().unwrap().push(text);
    }
}

#[test]
fn what_is_written_down() {
    let kept = Kept::default();
    let judge: Arc<dyn Judge> = Arc::new(ByName::default());
    let webhook = Webhook::new(Settings::default(), judge, Box::new(kept.clone()));
    block_on(webhook.validate(&read(&create(&["r.x/bad:1"])), None));
    let expected = expect![[r#"
        [
            "{\"webhook\":\"validate\",\"uid\":\"705ab4f5-6393-11e8-b7cc-42010a800002\",\"operation\":\"CREATE\",\"object\":\"Pod team/web\",\"user\":\"system:serviceaccount:ci:deployer\",\"dry_run\":false,\"allowed\":false,\"reasons\":[\"Pod team/web: c0 (r.x/bad:1): it is not signed\"],\"duration_us\":0}",
        ]
    "#]];
    expected.assert_debug_eq(&*kept.0.lock().unwrap());
}
