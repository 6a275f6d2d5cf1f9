//! What belongs to an upstream: whose right counts, what is answered, and that nobody pushes to it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_access::{Parts, Passwords};
use sealift_depot::Target;
use sealift_oci::{Digest, RepositoryName};
use sealift_registry::hooks::{BoxFuture, Upstream, UpstreamBlob, UpstreamFault, Upstreamed};
use sealift_registry::{Hooks, Options};

use crate::lab::{Lab, Reply, Setup};
use crate::routes::digest_of;

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
