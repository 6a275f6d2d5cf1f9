//! What may lie in a registry, and for how long: quotas, immutable tags, retention, addresses of layers, as clients see them.

use sealift_depot::Rules;
use sealift_registry::configuration::Validation;
use sealift_registry::{Hooks, Options, UrlRules};
use serde_json::{Value, json};

use crate::lab::{Lab, Reply, Setup};
use crate::routes::{MANIFEST, digest_of, image, push_blob, put_manifest};

fn rules(value: Value) -> Rules {
    serde_json::from_value(value).unwrap()
}

#[track_caller]
fn denied(reply: &Reply, message: &str) {
    assert_eq!(reply.status, 403, "{reply:?}");
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["errors"][0]["code"], "DENIED");
    // Docker prints this after `denied: `.
    assert_eq!(body["errors"][0]["message"], message);
}

fn manifest(lab: &Lab, place: &str, text: &str) -> Reply {
    let (repository, tag) = place.split_once(':').unwrap();
    put_manifest(lab, &format!("/v2/{repository}/manifests/{tag}"), MANIFEST, text)
}

#[test]
fn quotas_hold_for_all_repositories_of_a_path() {
    let (lab, depot) = Lab::with_depot(Setup::default(), Hooks::default(), Options::default());
    depot.set_rules(rules(json!({ "quotas": [
        { "repositories": "team/**", "bytes": 5_000, "tags": 2 },
        { "repositories": "guests/**", "repository_count": 1 },
    ] })));
    let post = |repository: &str, bytes: &[u8]| {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", digest_of(bytes));
        lab.request("POST", &path, &[], bytes)
    };
    let full = "the quota of team/** is used up: 5000 bytes; delete something, or ask for more";
    push_blob(&lab, "team/a", &[1; 3_000]);
    denied(&post("team/b", &[2; 3_000]), full);
    // What other paths have does not count, and the rest of this one can be used.
    push_blob(&lab, "other/b", &[2; 3_000]);
    push_blob(&lab, "team/b", &[3; 500]);
    // Nor does it come in by pieces.
    let begun = lab.request("POST", "/v2/team/c/blobs/uploads/", &["Content-Length: 0"], b"");
    let place = begun.header("Location").unwrap().to_owned();
    let sent = lab.request("PATCH", &place, &[], &[4; 3_000]);
    if sent.status == 202 {
        let digest = digest_of(&[4; 3_000]);
        let place = sent.header("Location").unwrap();
        let separator = if place.contains('?') { '&' } else { '?' };
        let path = format!("{place}{separator}digest={digest}");
        denied(&lab.request("PUT", &path, &["Content-Length: 0"], b""), full);
    } else {
        denied(&sent, full);
    }
    // Nor by a mount.
    let mount = format!("/v2/team/d/blobs/uploads/?mount={}&from=other/b", digest_of(&[2; 3_000]));
    denied(&lab.request("POST", &mount, &["Content-Length: 0"], b""), full);

    let text = image(&lab, "team/a", b"layer");
    assert_eq!(manifest(&lab, "team/a:1", &text).status, 201);
    assert_eq!(manifest(&lab, "team/a:2", &text).status, 201);
    let tags = "the quota of team/** is used up: 2 tags; delete something, or ask for more";
    denied(&manifest(&lab, "team/a:3", &text), tags);
    // Room is made, and used.
    assert_eq!(lab.request("DELETE", "/v2/team/a/manifests/1", &[], b"").status, 202);
    assert_eq!(manifest(&lab, "team/a:3", &text).status, 201);

    push_blob(&lab, "guests/first", b"x");
    let one =
        "the quota of guests/** is used up: 1 repositories; delete something, or ask for more";
    denied(&post("guests/second", b"y"), one);
}

#[test]
fn immutable_tags_stay() {
    let (lab, depot) = Lab::with_depot(Setup::default(), Hooks::default(), Options::default());
    depot.set_rules(rules(json!({ "immutable": [{ "repositories": "app", "tags": "v*" }] })));
    let (first, second) = (image(&lab, "app", b"one"), image(&lab, "app", b"two"));
    assert_eq!(manifest(&lab, "app:v1", &first).status, 201);
    // The same once more is no change.
    assert_eq!(manifest(&lab, "app:v1", &first).status, 201);
    let message = "the tag v1 may not change: it is immutable here; push another tag";
    denied(&manifest(&lab, "app:v1", &second), message);
    denied(&lab.request("DELETE", "/v2/app/manifests/v1", &[], b""), message);
    let path = format!("/v2/app/manifests/{}", digest_of(first.as_bytes()));
    denied(&lab.request("DELETE", &path, &[], b""), message);
    assert_eq!(lab.get("/v2/app/manifests/v1").body, first);
    assert_eq!(manifest(&lab, "app:latest", &first).status, 201);
    assert_eq!(manifest(&lab, "app:latest", &second).status, 201);
}

#[test]
fn retention_keeps_what_it_says() {
    let (lab, depot) = Lab::with_depot(Setup::default(), Hooks::default(), Options::default());
    for (repository, tags) in [("app", ["1", "2", "3", "release"]), ("other", ["1", "2", "3", "4"])]
    {
        for tag in tags {
            let text = image(&lab, repository, tag.as_bytes());
            assert_eq!(manifest(&lab, &format!("{repository}:{tag}"), &text).status, 201);
        }
    }
    depot.set_rules(rules(json!({ "retention": [
        { "repositories": "app", "keep": ["release"], "keep_last": 1 },
    ] })));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert_eq!(runtime.block_on(depot.retain(true)).unwrap().len(), 2);
    let tags = |repository: &str| {
        let body = lab.get(&format!("/v2/{repository}/tags/list")).body;
        serde_json::from_str::<Value>(&body).unwrap()["tags"].clone()
    };
    assert_eq!(tags("app").as_array().unwrap().len(), 4, "a dry run deletes nothing");
    runtime.block_on(depot.retain(false)).unwrap();
    assert_eq!(tags("app"), json!(["3", "release"]));
    assert_eq!(tags("other"), json!(["1", "2", "3", "4"]));
    assert_eq!(lab.get("/v2/app/manifests/1").status, 404);
}

#[test]
fn addresses_of_layers_are_checked_and_never_asked() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/layer", listener.local_addr().unwrap());
    let foreign = |lab: &Lab, url: &str| {
        let config = push_blob(lab, "app", b"{}");
        json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2 },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
                "digest": digest_of(b"elsewhere"), "size": 9, "urls": [url],
            }],
        })
        .to_string()
    };
    // Without a word of the configuration they are taken.
    let open = Lab::registry(Setup::default(), Hooks::default(), Options::default());
    let text = foreign(&open, &url);
    assert_eq!(manifest(&open, "app:1", &text).status, 201);
    assert_eq!(open.get("/v2/app/manifests/1").body, text);
    assert_eq!(open.get(&format!("/v2/app/blobs/{}", digest_of(b"elsewhere"))).status, 404);

    let validation = Validation {
        urls_allowed: vec!["^https?://".to_owned()],
        urls_denied: vec!["^https?://(10|127)\\.".to_owned()],
        ..Validation::default()
    };
    let options = Options { urls: UrlRules::new(&validation).unwrap(), ..Options::default() };
    let strict = Lab::registry(Setup::default(), Hooks::default(), options);
    let refused = manifest(&strict, "app:1", &foreign(&strict, &url));
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("MANIFEST_INVALID") && refused.body.contains(&url));
    let fine = foreign(&strict, "https://layers.example/x");
    assert_eq!(manifest(&strict, "app:1", &fine).status, 201);
    let asked = listener.accept().map(drop).unwrap_err();
    assert_eq!(asked.kind(), std::io::ErrorKind::WouldBlock, "somebody asked the address");
}
