//! Who may do what with a registry: the base asks first, and nothing is told to who may not know it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_access::{Parts, Passwords};
use sealift_registry::{Hooks, Options};

use crate::lab::{Lab, Reply, Setup};
use crate::routes::{MANIFEST, digest_of, image, push_blob, put_manifest};

const RULES: &[&str] = &[
    "root=**:admin",
    "alice=team/**:push",
    "alice=shared/**:pull",
    "bob=team/app:pull",
    "anonymous=open/*:pull",
];

fn registry(rules: &'static [&'static str]) -> Lab {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let text = ["alice", "bob", "root"].map(|name| format!("{name}:{hash}\n")).concat();
    let passwords = Some(Passwords::parse(text.as_bytes()).unwrap());
    let parts = Parts { realm: "lab".to_owned(), passwords, ..Parts::default() };
    Lab::registry(Setup { parts, rules, ..Setup::default() }, Hooks::default(), Options::default())
}

fn header(name: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(format!("{name}:secret")))
}

fn act(lab: &Lab, name: Option<&str>, method: &str, path: &str) -> Reply {
    let header = name.map(header);
    let mut headers: Vec<&str> = header.as_deref().into_iter().collect();
    headers.push("Content-Length: 0");
    lab.request(method, path, &headers, b"")
}

// As root, who may do everything.
struct Root<'a>(&'a Lab);

impl Root<'_> {
    fn image(&self, repository: &str, tag: &str) -> String {
        let root = header("root");
        let blob = |bytes: &[u8]| {
            let digest = digest_of(bytes);
            let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
            let reply = self.0.request("POST", &path, &[&root], bytes);
            assert_eq!(reply.status, 201, "{reply:?}");
            digest
        };
        let config = blob(b"{}");
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":2}},"layers":[]}}"#
        );
        let kind = format!("Content-Type: {MANIFEST}");
        let path = format!("/v2/{repository}/manifests/{tag}");
        let reply = self.0.request("PUT", &path, &[&root, &kind], text.as_bytes());
        assert_eq!(reply.status, 201, "{reply:?}");
        digest_of(text.as_bytes())
    }
}

#[test]
fn the_base_asks_first() {
    let lab = registry(RULES);
    let asked = lab.get("/v2/");
    assert_eq!(
        (asked.status, asked.header("WWW-Authenticate")),
        (401, Some("Basic realm=\"lab\""))
    );
    assert_eq!(asked.header("Docker-Distribution-Api-Version"), Some("registry/2.0"));
    assert!(asked.body.contains("UNAUTHORIZED"));
    assert_eq!(act(&lab, Some("alice"), "GET", "/v2/").status, 200);
    assert_eq!(act(&lab, Some("mallory"), "GET", "/v2/").status, 401);
    // Not even which addresses there are.
    assert_eq!(lab.get("/v2/no/such/place").status, 401);
    assert_eq!(lab.get("/metrics").status, 401);
    assert_eq!(lab.get("/healthz").status, 200);
    let log = lab.log.of("request").concat();
    assert!(log.contains("\"user\":\"alice\"") && !log.contains("secret"), "{log}");
    assert!(!log.contains(&STANDARD.encode("alice:secret")), "{log}");
}

#[test]
fn who_may_do_what() {
    let lab = registry(RULES);
    let root = Root(&lab);
    let digest = root.image("team/app", "1");
    for name in ["team/other", "shared/base", "open/app", "closed/app"] {
        root.image(name, "1");
    }
    for (name, method, path, status) in [
        (Some("bob"), "GET", "/v2/team/app/manifests/1", 200),
        (Some("bob"), "GET", "/v2/team/other/manifests/1", 403),
        (Some("bob"), "POST", "/v2/team/app/blobs/uploads/", 403),
        (Some("alice"), "POST", "/v2/team/app/blobs/uploads/", 202),
        (Some("alice"), "POST", "/v2/shared/base/blobs/uploads/", 403),
        (Some("alice"), "DELETE", "/v2/team/app/manifests/1", 403),
        (None, "GET", "/v2/open/app/manifests/1", 200),
        (None, "GET", "/v2/open/app/tags/list", 200),
        (None, "GET", "/v2/team/app/manifests/1", 401),
        (None, "POST", "/v2/open/app/blobs/uploads/", 401),
        (None, "GET", "/v2/no/such/manifests/1", 401),
        (Some("bob"), "GET", "/v2/no/such/manifests/1", 403),
        (Some("root"), "GET", "/v2/no/such/manifests/1", 404),
        (Some("root"), "GET", "/metrics", 200),
        (Some("bob"), "GET", "/metrics", 403),
    ] {
        let reply = act(&lab, name, method, path);
        assert_eq!(reply.status, status, "{name:?} {method} {path} {reply:?}");
        let asks = reply.header("WWW-Authenticate").is_some();
        assert_eq!(asks, status == 401, "{name:?} {method} {path}");
    }
    let catalog = |name| act(&lab, name, "GET", "/v2/_catalog").body;
    assert_eq!(catalog(Some("bob")).trim(), r#"{"repositories":["team/app"]}"#);
    assert_eq!(
        catalog(Some("alice")).trim(),
        r#"{"repositories":["open/app","shared/base","team/app","team/other"]}"#
            .replace("\"open/app\",", "")
    );
    assert_eq!(catalog(None).trim(), r#"{"repositories":["open/app"]}"#);
    assert_eq!(
        act(&lab, Some("root"), "DELETE", &format!("/v2/team/app/manifests/{digest}")).status,
        202
    );
}

#[test]
fn a_mount_needs_the_right_to_read_there() {
    let lab = registry(RULES);
    Root(&lab).image("closed/app", "1");
    let digest = digest_of(b"{}");
    let path = |from: &str| format!("/v2/team/new/blobs/uploads/?mount={digest}{from}");
    for from in ["&from=closed/app", ""] {
        let reply = act(&lab, Some("alice"), "POST", &path(from));
        assert_eq!(reply.status, 202, "{from} {reply:?}");
    }
    let blob = format!("/v2/team/new/blobs/{digest}");
    assert_eq!(act(&lab, Some("alice"), "GET", &blob).status, 404);
    Root(&lab).image("shared/base", "1");
    assert_eq!(act(&lab, Some("alice"), "POST", &path("")).status, 201);
    assert_eq!(act(&lab, Some("alice"), "GET", &blob).status, 200);
}

#[test]
fn a_tag_that_is_protected_is_not_deleted_by_its_digest() {
    let lab = registry(&["alice=**:push,delete", "!alice=**:release-*:delete"]);
    let alice = header("alice");
    let text = {
        let open = crate::routes::registry();
        image(&open, "a", b"layer")
    };
    for bytes in [b"{}".as_slice(), b"layer"] {
        let path = format!("/v2/a/blobs/uploads/?digest={}", digest_of(bytes));
        assert_eq!(lab.request("POST", &path, &[&alice], bytes).status, 201);
    }
    let kind = format!("Content-Type: {MANIFEST}");
    for tag in ["release-1", "test"] {
        let path = format!("/v2/a/manifests/{tag}");
        assert_eq!(lab.request("PUT", &path, &[&alice, &kind], text.as_bytes()).status, 201);
    }
    let by_digest = format!("/v2/a/manifests/{}", digest_of(text.as_bytes()));
    assert_eq!(act(&lab, Some("alice"), "DELETE", &by_digest).status, 403);
    assert_eq!(act(&lab, Some("alice"), "DELETE", "/v2/a/manifests/release-1").status, 403);
    assert_eq!(act(&lab, Some("alice"), "DELETE", "/v2/a/manifests/test").status, 202);
    assert_eq!(act(&lab, Some("alice"), "GET", "/v2/a/manifests/release-1").status, 200);
}

#[test]
fn nobody_logs_in_to_an_open_registry() {
    let lab = crate::routes::registry();
    push_blob(&lab, "a", b"x");
    let text = image(&lab, "a", b"layer");
    assert_eq!(put_manifest(&lab, "/v2/a/manifests/b", MANIFEST, &text).status, 201);
    assert_eq!(act(&lab, Some("anybody"), "GET", "/v2/").status, 200);
}

#[test]
fn trust_data_follow_the_rules_of_their_repository() {
    let lab = registry(RULES);
    for (name, gun, status) in [
        (Some("alice"), "localhost:5000/team/app", 200),
        (Some("alice"), "registry.example.com/team/app", 200),
        (Some("bob"), "localhost:5000/team/app", 403),
        (Some("alice"), "localhost:5000/shared/base", 403),
        (None, "localhost:5000/team/app", 401),
        // Not a host: a repository of its own.
        (Some("alice"), "other/team/app", 403),
    ] {
        let path = format!("/v2/{gun}/_trust/tuf/snapshot.key");
        let reply = act(&lab, name, "GET", &path);
        assert_eq!(reply.status, status, "{name:?} {gun} {reply:?}");
    }
}
