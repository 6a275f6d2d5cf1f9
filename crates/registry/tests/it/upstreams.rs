//! What belongs to an upstream: whose right counts, what is answered, and that nobody pushes to it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_access::{Parts, Passwords};
use sealift_depot::Target;
use sealift_oci::{Descriptor, Digest, RepositoryName, Tag};
use sealift_registry::hooks::{
    BoxFuture, Upstream, UpstreamBlob, UpstreamFault, UpstreamList, Upstreamed,
};
use sealift_registry::{Hooks, Options};

use crate::lab::{Lab, Reply, Setup};
use crate::routes::{MANIFEST, digest_of};

/// An upstream of `?ns=up.io` and of the prefix `up/`, which answers by tag.
struct Up;

impl Upstream for Up {
    fn route(
        &self,
        repository: &RepositoryName,
        namespace: Option<&str>,
    ) -> Option<RepositoryName> {
        match namespace {
            Some("up.io") => RepositoryName::parse(&format!("up/{repository}")).ok(),
            _ => repository.as_str().starts_with("up/").then(|| repository.clone()),
        }
    }

    fn accepts_pushes(&self, repository: &RepositoryName) -> bool {
        self.route(repository, None).is_none()
    }

    fn manifest<'a>(
        &'a self,
        _repository: &'a RepositoryName,
        _namespace: Option<&'a str>,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Upstreamed, UpstreamFault>> {
        let reason = "up.io is down".to_owned();
        let fault = match target {
            Target::Tag(tag) if tag.as_str() == "busy" => {
                UpstreamFault::Busy { seconds: 7, reason }
            }
            Target::Tag(tag) if tag.as_str() == "down" => UpstreamFault::Unavailable(reason),
            _ => UpstreamFault::Unknown,
        };
        Box::pin(std::future::ready(Err(fault)))
    }

    fn blob<'a>(
        &'a self,
        _repository: &'a RepositoryName,
        _namespace: Option<&'a str>,
        _digest: &'a Digest,
    ) -> BoxFuture<'a, Result<UpstreamBlob, UpstreamFault>> {
        let bytes = Box::pin(futures_util::stream::iter([Ok("bytes".into())]));
        Box::pin(std::future::ready(Ok(UpstreamBlob::Coming { size: 5, bytes })))
    }

    fn blob_size<'a>(
        &'a self,
        _repository: &'a RepositoryName,
        _namespace: Option<&'a str>,
        _digest: &'a Digest,
    ) -> BoxFuture<'a, Result<u64, UpstreamFault>> {
        Box::pin(std::future::ready(Ok(5)))
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
        _namespace: Option<&'a str>,
    ) -> BoxFuture<'a, Result<UpstreamList<Tag>, UpstreamFault>> {
        let list = |tags: &[&str], warning: Option<&str>| UpstreamList {
            items: tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
            warning: warning.map(str::to_owned),
        };
        let answer = match repository.as_str() {
            "up/app" | "team/app" => Ok(list(&["c", "a", "b"], None)),
            "up/old" => Ok(list(&["a"], Some("up.io is down; the list is a copy"))),
            "up/down" => Err(UpstreamFault::Unavailable("up.io is down".to_owned())),
            "up/secret" => Err(UpstreamFault::Denied("up.io does not let us".to_owned())),
            _ => Err(UpstreamFault::Unknown),
        };
        Box::pin(std::future::ready(answer))
    }

    fn referrers<'a>(
        &'a self,
        repository: &'a RepositoryName,
        _namespace: Option<&'a str>,
        subject: &'a Digest,
    ) -> BoxFuture<'a, Result<UpstreamList<Descriptor>, UpstreamFault>> {
        let one = |seed: &[u8], kind: &str| {
            let mut entry = Descriptor::new(MANIFEST, Digest::sha256(seed), 3);
            entry.artifact_type = Some(kind.to_owned());
            entry
        };
        let answer = match repository.as_str() {
            "up/app" if *subject == Digest::sha256(b"bytes") => Ok(UpstreamList {
                items: vec![one(b"1", "a/sbom"), one(b"2", "a/signature"), one(b"3", "a/sbom")],
                warning: None,
            }),
            "up/down" => Err(UpstreamFault::Unavailable("up.io is down".to_owned())),
            _ => Err(UpstreamFault::Unknown),
        };
        Box::pin(std::future::ready(answer))
    }

    fn metrics(&self) -> String {
        "up_total 1\n".to_owned()
    }
}

fn lab() -> Lab {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let text = ["alice", "root"].map(|name| format!("{name}:{hash}\n")).concat();
    let passwords = Some(Passwords::parse(text.as_bytes()).unwrap());
    let parts = Parts { realm: "lab".to_owned(), passwords, ..Parts::default() };
    let rules = &["root=**:admin", "alice=team/**:push"];
    let hooks = Hooks { upstream: Some(Arc::new(Up)), ..Hooks::default() };
    Lab::registry(Setup { parts, rules, ..Setup::default() }, hooks, Options::default())
}

fn ask(lab: &Lab, name: &str, method: &str, path: &str) -> Reply {
    let header = format!("Authorization: Basic {}", STANDARD.encode(format!("{name}:secret")));
    lab.request(method, path, &[&header, "Content-Length: 0"], b"")
}

#[test]
fn a_namespace_does_not_lead_past_the_rules() {
    let lab = lab();
    let digest = digest_of(b"bytes");
    for path in [format!("blobs/{digest}"), "manifests/1".to_owned()] {
        // Alice may have `team/app`, which is none of `up/team/app`.
        assert_eq!(ask(&lab, "alice", "GET", &format!("/v2/team/app/{path}")).status, 404);
        let reply = ask(&lab, "alice", "GET", &format!("/v2/team/app/{path}?ns=up.io"));
        assert_eq!(reply.status, 403, "{reply:?}");
    }
    let reply = ask(&lab, "root", "GET", &format!("/v2/team/app/blobs/{digest}?ns=up.io"));
    assert_eq!((reply.status, reply.body.as_str()), (200, "bytes"));
    let reply = ask(&lab, "root", "HEAD", &format!("/v2/up/team/app/blobs/{digest}"));
    assert_eq!((reply.status, reply.header("Content-Length")), (200, Some("5")));
}

#[test]
fn an_upstream_that_is_down_is_not_a_missing_image() {
    let lab = lab();
    let reply = ask(&lab, "root", "GET", "/v2/up/app/manifests/down");
    assert_eq!(reply.status, 502);
    assert!(reply.body.contains("up.io is down"), "{reply:?}");
    let reply = ask(&lab, "root", "GET", "/v2/up/app/manifests/busy");
    assert_eq!((reply.status, reply.header("Retry-After")), (503, Some("7")));
    assert_eq!(ask(&lab, "root", "GET", "/v2/up/app/manifests/none").status, 404);
    assert!(ask(&lab, "root", "GET", "/metrics").body.contains("up_total 1"));
}

#[test]
fn nobody_pushes_to_an_upstream() {
    let lab = lab();
    for (method, path) in [("POST", "blobs/uploads/"), ("PUT", "manifests/1")] {
        let reply = ask(&lab, "root", method, &format!("/v2/up/app/{path}"));
        assert_eq!(reply.status, 405, "{reply:?}");
        assert!(reply.body.contains("takes no pushes"), "{reply:?}");
    }
    assert_eq!(ask(&lab, "root", "POST", "/v2/own/blobs/uploads/").status, 202);
}

#[test]
fn tags_of_an_upstream_come_in_pages() {
    let lab = lab();
    let all = ask(&lab, "root", "GET", "/v2/up/app/tags/list");
    assert_eq!(
        (all.status, all.body.as_str()),
        (200, "{\"name\":\"up/app\",\"tags\":[\"a\",\"b\",\"c\"]}\n")
    );
    let page = ask(&lab, "root", "GET", "/v2/up/app/tags/list?n=2");
    assert_eq!(page.body, "{\"name\":\"up/app\",\"tags\":[\"a\",\"b\"]}\n");
    let link = "</v2/up/app/tags/list?last=b&n=2>; rel=\"next\"";
    assert_eq!(page.header("Link"), Some(link));
    let rest = ask(&lab, "root", "GET", "/v2/up/app/tags/list?n=2&last=b");
    assert!(rest.body.contains("[\"c\"]") && rest.header("Link").is_none(), "{rest:?}");
    let named = ask(&lab, "root", "GET", "/v2/team/app/tags/list?ns=up.io");
    assert!(named.status == 200 && named.header("OCI-Namespace") == Some("up.io"), "{named:?}");
    // Alice may have `team/app`, which is none of `up/team/app`.
    assert_eq!(ask(&lab, "alice", "GET", "/v2/team/app/tags/list?ns=up.io").status, 403);
    let old = ask(&lab, "root", "GET", "/v2/up/old/tags/list");
    assert!(old.header("Warning").unwrap().contains("the list is a copy"), "{old:?}");
    for (name, status) in [("down", 502), ("secret", 403), ("none", 404)] {
        let reply = ask(&lab, "root", "GET", &format!("/v2/up/{name}/tags/list"));
        assert_eq!(reply.status, status, "{reply:?}");
    }
}

#[test]
fn referrers_of_an_upstream_are_merged_with_our_own() {
    let lab = lab();
    let subject = digest_of(b"bytes");
    let digests = |reply: &Reply| -> Vec<String> {
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        let manifests = body["manifests"].as_array().unwrap();
        manifests.iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
    };
    let mut expected = [b"1", b"2", b"3"].map(|seed| digest_of(seed));
    expected.sort();
    let path = format!("/v2/up/app/referrers/{subject}");
    let all = ask(&lab, "root", "GET", &path);
    assert_eq!((all.status, digests(&all)), (200, expected.to_vec()));
    let sboms = ask(&lab, "root", "GET", &format!("{path}?artifactType=a/sbom"));
    assert_eq!(
        (digests(&sboms).len(), sboms.header("OCI-Filters-Applied")),
        (2, Some("artifactType"))
    );
    let first = ask(&lab, "root", "GET", &format!("{path}?n=1"));
    assert_eq!(digests(&first), expected[..1]);
    let link = first.header("Link").unwrap();
    let next = link.trim_start_matches('<').split_once('>').unwrap().0;
    let second = ask(&lab, "root", "GET", next);
    assert_eq!(digests(&second), expected[1..2]);
    // Nothing refers to what nobody knows; what is not known because of an outage is no empty list.
    let none = ask(&lab, "root", "GET", &format!("/v2/up/none/referrers/{subject}"));
    assert_eq!((none.status, digests(&none)), (200, Vec::new()));
    assert_eq!(ask(&lab, "root", "GET", &format!("/v2/up/down/referrers/{subject}")).status, 502);
}
