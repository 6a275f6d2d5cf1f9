//! A webhook with a judge who goes by names, and reviews in the shape of Kubernetes' documentation.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealift_admission::{Decided, Decision, Judge, Question, Review, Settings, Verdict, Webhook};
use sealift_oci::Digest;
use serde_json::{Value, json};

/// Judges by the name of the repository, and remembers what it was asked.
#[derive(Default)]
pub(crate) struct ByName {
    pub(crate) asked: Mutex<Vec<Question>>,
    pub(crate) count: AtomicUsize,
}

impl Judge for ByName {
    fn judge(&self, question: &Question) -> Verdict {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.asked.lock().unwrap().push(question.clone());
        let name = question.image.repository();
        let digest = Some(Digest::sha256(name.as_bytes()));
        let decision = match name.rsplit('/').next().unwrap() {
            "good" => Decision::Allow,
            "old" => Decision::Warn(vec!["it is old".to_owned()]),
            "slow" => {
                std::thread::sleep(Duration::from_millis(400));
                Decision::Allow
            }
            "fault" => panic!("a fault of the judge"),
            "down" => return Verdict::failed("the registry is down"),
            _ => Decision::Deny("it is not signed".to_owned()),
        };
        Verdict { decision, digest }
    }
}

pub(crate) fn webhook(settings: Settings) -> (Webhook, Arc<ByName>) {
    let judge = Arc::new(ByName::default());
    (Webhook::new(settings, Arc::clone(&judge) as Arc<dyn Judge>, Box::new(())), judge)
}

/// A review of an object.
pub(crate) fn review(
    operation: &str,
    (group, kind): (&str, &str),
    object: Value,
    old: Value,
) -> Value {
    let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let mut object = object;
    if let Some(fields) = object.as_object_mut() {
        fields.entry("apiVersion").or_insert(json!(api_version));
        fields.entry("kind").or_insert(json!(kind));
        fields.entry("metadata").or_insert(json!({"name": "web", "namespace": "team"}));
    }
    let resource = format!("{}s", kind.to_lowercase());
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": group, "version": "v1", "kind": kind},
            "resource": {"group": group, "version": "v1", "resource": resource},
            "requestKind": {"group": group, "version": "v1", "kind": kind},
            "requestResource": {"group": group, "version": "v1", "resource": resource},
            "name": "web",
            "namespace": "team",
            "operation": operation,
            "userInfo": {
                "username": "system:serviceaccount:ci:deployer",
                "uid": "014fbff9a07c",
                "groups": ["system:serviceaccounts", "system:authenticated"],
                "extra": {"authentication.kubernetes.io/credential-id": ["JTI=1"]}
            },
            "object": object,
            "oldObject": old,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
            "dryRun": false
        }
    })
}

/// A pod with containers of these images.
pub(crate) fn pod(images: &[&str]) -> Value {
    let containers: Vec<Value> = images
        .iter()
        .enumerate()
        .map(|(number, image)| json!({"name": format!("c{number}"), "image": image, "resources": {}}))
        .collect();
    json!({"spec": {"serviceAccountName": "runner", "containers": containers, "restartPolicy": "Always"}})
}

pub(crate) fn create(images: &[&str]) -> Value {
    review("CREATE", ("", "Pod"), pod(images), Value::Null)
}

pub(crate) fn read(review: &Value) -> Review {
    Review::read(review.to_string().as_bytes()).unwrap()
}

/// What the answer says, in short.
pub(crate) fn said(decided: &Decided) -> String {
    let value: Value = serde_json::from_slice(&decided.json).unwrap();
    assert_eq!(value["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(value["kind"], "AdmissionReview");
    let response = &value["response"];
    assert_eq!(response["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    let mut said = if response["allowed"] == true { "allowed" } else { "denied" }.to_owned();
    if let Some(message) = response["status"]["message"].as_str() {
        assert_eq!(response["status"]["code"], 403);
        said = format!("{said}: {message}");
    }
    for warning in response["warnings"].as_array().into_iter().flatten() {
        said = format!("{said}\nwarning: {}", warning.as_str().unwrap());
    }
    said
}

/// The object after the patch of an answer, if it has one.
pub(crate) fn patched(decided: &Decided, review: &Value) -> Option<Value> {
    use base64::Engine as _;
    let value: Value = serde_json::from_slice(&decided.json).unwrap();
    let patch = value["response"]["patch"].as_str()?;
    assert_eq!(value["response"]["patchType"], "JSONPatch");
    let bytes = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
    let patch: Value = serde_json::from_slice(&bytes).unwrap();
    let mut object = review["request"]["object"].clone();
    for operation in patch.as_array().unwrap() {
        assert_eq!(operation["op"], "replace");
        let place = object.pointer_mut(operation["path"].as_str().unwrap()).unwrap();
        *place = operation["value"].clone();
    }
    Some(object)
}
