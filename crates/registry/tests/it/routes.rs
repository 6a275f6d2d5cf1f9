//! Each endpoint of the distribution interface, as the specification has it.

use sealift_oci::Digest;
use sealift_registry::{Hooks, Options};
use serde_json::{Value, json};

use crate::lab::{Lab, Reply, Setup};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const NO_BYTES: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(crate) fn registry() -> Lab {
    Lab::registry(Setup::default(), Hooks::default(), Options::default())
}

pub(crate) fn digest_of(bytes: &[u8]) -> String {
    Digest::sha256(bytes).to_string()
}

/// Pushes a blob in one request.
#[track_caller]
pub(crate) fn push_blob(lab: &Lab, repository: &str, bytes: &[u8]) -> String {
    let digest = digest_of(bytes);
    let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
    let length = format!("Content-Length: {}", bytes.len());
    let headers: &[&str] = if bytes.is_empty() { &[&length] } else { &[] };
    let reply = lab.request("POST", &path, headers, bytes);
    assert_eq!(reply.status, 201, "{reply:?}");
    digest
}

#[track_caller]
pub(crate) fn put_manifest(lab: &Lab, path: &str, kind: &str, text: &str) -> Reply {
    let kind = format!("Content-Type: {kind}");
    lab.request("PUT", path, &[&kind], text.as_bytes())
}

/// An image of one layer.
pub(crate) fn image(lab: &Lab, repository: &str, layer: &[u8]) -> String {
    let config = push_blob(lab, repository, b"{}");
    let digest = push_blob(lab, repository, layer);
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2 },
        "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": layer.len() }],
    })
    .to_string()
}

fn codes(reply: &Reply) -> Vec<String> {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let errors = body["errors"].as_array().unwrap();
    errors.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
pub(crate) fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, codes(reply)), (status, vec![code.to_owned()]), "{reply:?}");
}

#[test]
fn the_base() {
    let lab = registry();
    let reply = lab.get("/v2/");
    assert_eq!((reply.status, reply.body.as_str()), (200, "{}"));
    assert_eq!(reply.header("Docker-Distribution-Api-Version"), Some("registry/2.0"));
    let moved = lab.get("/v2");
    assert_eq!((moved.status, moved.header("Location")), (301, Some("/v2/")));
    assert_eq!(lab.get("/v1/search?q=x").status, 404);
    assert_eq!(lab.get("/healthz").status, 200);
    assert_eq!(lab.get("/readyz").status, 200);
    refused(&lab.request("POST", "/v2/", &[], b""), 405, "UNSUPPORTED");
    let names = lab.get("/v2/UPPER/x/tags/list");
    refused(&names, 404, "NAME_INVALID");
    refused(&lab.request("POST", "/v2/UPPER/blobs/uploads/", &[], b""), 400, "NAME_INVALID");
}

#[test]
fn a_blob_in_one_request_and_in_parts() {
    let lab = registry();
    let bytes: Vec<u8> = (0..5000_u32).map(|n| b'a' + u8::try_from(n % 23).unwrap()).collect();
    let digest = push_blob(&lab, "team/app", &bytes);
    let path = format!("/v2/team/app/blobs/{digest}");
    let whole = lab.get(&path);
    assert_eq!((whole.status, whole.body.as_bytes()), (200, bytes.as_slice()));
    let tag = format!("\"{digest}\"");
    for (name, value) in [
        ("Accept-Ranges", "bytes"),
        ("Content-Length", "5000"),
        ("Content-Type", "application/octet-stream"),
        ("Docker-Content-Digest", &digest),
        ("ETag", &tag),
        ("Cache-Control", "private, max-age=31536000"),
    ] {
        assert_eq!(whole.header(name), Some(value), "{name}");
    }
    let head = lab.request("HEAD", &path.replace(':', "%3A"), &[], b"");
    assert_eq!(
        (head.status, head.header("Content-Length"), head.body.as_str()),
        (200, Some("5000"), "")
    );
    let part = lab.request("GET", &path, &["Range: bytes=10-19"], b"");
    assert_eq!((part.status, part.body.as_bytes()), (206, &bytes[10..20]));
    assert_eq!(part.header("Content-Range"), Some("bytes 10-19/5000"));
    let outside = lab.request("GET", &path, &["Range: bytes=5000-"], b"");
    assert_eq!((outside.status, outside.header("Content-Range")), (416, Some("bytes */5000")));
    let other = lab.request("GET", &path, &["Range: bytes=10-19", "If-Range: \"x\""], b"");
    assert_eq!(other.status, 200);
    let same = lab.request("GET", &path, &[&format!("If-None-Match: {tag}")], b"");
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    refused(&lab.get(&format!("/v2/other/app/blobs/{digest}")), 404, "BLOB_UNKNOWN");
    refused(&lab.get("/v2/team/app/blobs/sha256:ab"), 400, "DIGEST_INVALID");
    assert_eq!(lab.request("DELETE", &path, &[], b"").status, 202);
    refused(&lab.get(&path), 404, "BLOB_UNKNOWN");
    refused(&lab.request("DELETE", &path, &[], b""), 404, "BLOB_UNKNOWN");
    assert_eq!(push_blob(&lab, "team/app", b""), NO_BYTES);
    let empty = lab.get(&format!("/v2/team/app/blobs/{NO_BYTES}"));
    assert_eq!((empty.status, empty.header("Content-Length")), (200, Some("0")));
}

#[track_caller]
pub(crate) fn begin(lab: &Lab, query: &str) -> String {
    let path = format!("/v2/team/app/blobs/uploads/{query}");
    let reply = lab.request("POST", &path, &["Content-Length: 0"], b"");
    assert_eq!((reply.status, reply.header("Range")), (202, Some("0-0")), "{reply:?}");
    let place = reply.header("Location").unwrap().to_owned();
    assert!(place.ends_with(reply.header("Docker-Upload-UUID").unwrap()), "{reply:?}");
    assert!(place.starts_with("/v2/team/app/blobs/uploads/"), "{place}");
    place
}

#[test]
fn a_blob_in_chunks() {
    let lab = registry();
    let place = begin(&lab, "");
    let patch = |range: &str, bytes: &[u8]| {
        let range = format!("Content-Range: {range}");
        let headers: &[&str] = if range.len() > 15 { &[&range] } else { &[] };
        lab.request("PATCH", &place, headers, bytes)
    };
    let first = patch("0-4", b"01234");
    assert_eq!((first.status, first.header("Range")), (202, Some("0-4")), "{first:?}");
    for range in ["0-4", "6-10", "4-8"] {
        let wrong = patch(range, b"56789");
        assert_eq!((wrong.status, wrong.header("Range")), (416, Some("0-4")), "{range}");
        assert_eq!(wrong.header("Location"), Some(place.as_str()));
    }
    refused(&patch("5-10", b"56789"), 400, "SIZE_INVALID");
    refused(&patch("nonsense", b"56789"), 400, "BLOB_UPLOAD_INVALID");
    let second = patch("bytes 5-9/*", b"56789");
    assert_eq!((second.status, second.header("Range")), (202, Some("0-9")), "{second:?}");
    // Without a range it goes on where it stands, as Docker has it.
    assert_eq!(patch("", b"abc").header("Range"), Some("0-12"));
    let status = lab.get(&place);
    assert_eq!((status.status, status.header("Range")), (204, Some("0-12")));
    assert_eq!(status.header("Location"), Some(place.as_str()));
    let digest = digest_of(b"0123456789abcdef");
    let put = format!("{place}?digest={}", digest.replace(':', "%3A"));
    let wrong = lab.request("PUT", &put, &["Content-Range: 12-14"], b"def");
    assert_eq!(wrong.status, 416);
    refused(&lab.request("PUT", &place, &["Content-Length: 0"], b""), 400, "DIGEST_INVALID");
    let done = lab.request("PUT", &put, &["Content-Range: 13-15"], b"def");
    assert_eq!(done.status, 201, "{done:?}");
    let location = format!("/v2/team/app/blobs/{digest}");
    assert_eq!(done.header("Location"), Some(location.as_str()));
    assert_eq!(done.header("Docker-Content-Digest"), Some(digest.as_str()));
    assert_eq!(lab.get(&location).body, "0123456789abcdef");
    // The answer was lost, and the client asks again.
    assert_eq!(lab.request("PUT", &put, &["Content-Length: 0"], b"").status, 201);
    refused(&lab.get(&place), 404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn uploads_that_come_to_nothing() {
    let lab = registry();
    let place = begin(&lab, "");
    assert_eq!(lab.request("DELETE", &place, &[], b"").status, 204);
    for method in ["GET", "PATCH", "DELETE"] {
        refused(&lab.request(method, &place, &[], b""), 404, "BLOB_UPLOAD_UNKNOWN");
    }
    let place = begin(&lab, "");
    let wrong = digest_of(b"something else");
    let put = lab.request("PUT", &format!("{place}?digest={wrong}"), &[], b"some bytes");
    refused(&put, 400, "DIGEST_INVALID");
    assert_eq!(lab.get(&format!("/v2/team/app/blobs/{wrong}")).status, 404);
    let path = format!("/v2/team/app/blobs/uploads/?digest={wrong}");
    refused(&lab.request("POST", &path, &[], b"some bytes"), 400, "DIGEST_INVALID");
    for query in
        ["?digest=x", "?digest=md5:d41d8cd98f00b204e9800998ecf8427e", "?digest-algorithm=md5"]
    {
        let path = format!("/v2/team/app/blobs/uploads/{query}");
        refused(&lab.request("POST", &path, &[], b""), 400, "DIGEST_INVALID");
    }
    // Not that of another repository.
    let place = begin(&lab, "").replace("team/app", "team/other");
    refused(&lab.get(&place), 404, "BLOB_UPLOAD_UNKNOWN");
    refused(&lab.get("/v2/team/app/blobs/uploads/not-an-id"), 404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn sha512() {
    let lab = registry();
    let bytes = b"so long";
    let mut hasher = sealift_oci::Hasher::new(sealift_oci::Algorithm::Sha512);
    hasher.update(bytes);
    let digest = hasher.finish().to_string();
    for query in ["?digest-algorithm=sha512", ""] {
        let place = begin(&lab, query);
        assert_eq!(lab.request("PATCH", &place, &[], bytes).status, 202);
        let put = format!("{place}?digest={digest}");
        let done = lab.request("PUT", &put, &["Content-Length: 0"], b"");
        assert_eq!(
            (done.status, done.header("Docker-Content-Digest")),
            (201, Some(digest.as_str())),
            "{done:?}"
        );
    }
    assert_eq!(lab.get(&format!("/v2/team/app/blobs/{digest}")).body.as_bytes(), bytes);
    let text = image(&lab, "team/app", b"layer");
    let mut hasher = sealift_oci::Hasher::new(sealift_oci::Algorithm::Sha512);
    hasher.update(text.as_bytes());
    let digest = hasher.finish().to_string();
    let path = format!("/v2/team/app/manifests/{digest}");
    let put = put_manifest(&lab, &path, MANIFEST, &text);
    assert_eq!(
        (put.status, put.header("Docker-Content-Digest")),
        (201, Some(digest.as_str())),
        "{put:?}"
    );
    assert_eq!(lab.get(&path).body, text);
}

#[test]
fn mounts() {
    let lab = registry();
    let digest = push_blob(&lab, "team/app", b"shared");
    let post = |query: &str| {
        lab.request(
            "POST",
            &format!("/v2/new/app/blobs/uploads/?{query}"),
            &["Content-Length: 0"],
            b"",
        )
    };
    let escaped = digest.replace(':', "%3A");
    for query in [
        format!("mount={escaped}&from=no/such"),
        format!("mount={escaped}&from=BAD"),
        format!("mount={NO_BYTES}"),
    ] {
        let reply = post(&query);
        assert_eq!(reply.status, 202, "{query} {reply:?}");
        assert!(reply.header("Location").unwrap().contains("/blobs/uploads/"));
    }
    let path = format!("/v2/new/app/blobs/{digest}");
    assert_eq!(lab.get(&path).status, 404);
    let reply = post(&format!("from=team%2Fapp&mount={escaped}"));
    assert_eq!((reply.status, reply.header("Location")), (201, Some(path.as_str())), "{reply:?}");
    assert_eq!(lab.get(&path).body, "shared");
    // From wherever it is.
    let reply = lab.request("POST", &format!("/v2/third/blobs/uploads/?mount={digest}"), &[], b"");
    assert_eq!(reply.status, 201, "{reply:?}");
}

#[test]
fn manifests_are_kept_byte_for_byte() {
    let lab = registry();
    let text = image(&lab, "team/app", b"layer").replace(':', " :  ") + "\n";
    let text = text.replace("sha256 :  ", "sha256:");
    let digest = digest_of(text.as_bytes());
    let put = put_manifest(
        &lab,
        "/v2/team/app/manifests/1.0",
        &format!("{MANIFEST}; charset=utf-8"),
        &text,
    );
    let place = format!("/v2/team/app/manifests/{digest}");
    assert_eq!((put.status, put.header("Location")), (201, Some(place.as_str())), "{put:?}");
    assert_eq!(put.header("OCI-Subject"), None);
    for path in ["/v2/team/app/manifests/1.0", &place, &place.replace(':', "%3A")] {
        // What a client says that it accepts changes nothing.
        let accept = "Accept: application/vnd.docker.distribution.manifest.v1+prettyjws";
        let reply = lab.request("GET", path, &[accept, "Accept: application/json"], b"");
        assert_eq!((reply.status, reply.body.as_str()), (200, text.as_str()));
        assert_eq!(reply.header("Content-Type"), Some(MANIFEST));
        assert_eq!(reply.header("Docker-Content-Digest"), Some(digest.as_str()));
        let head = lab.request("HEAD", path, &[], b"");
        assert_eq!(head.header("Content-Length"), Some(text.len().to_string().as_str()));
        assert_eq!(
            (head.status, head.body.as_str(), head.header("Content-Type")),
            (200, "", Some(MANIFEST))
        );
    }
    let same = format!("If-None-Match: \"{digest}\"");
    assert_eq!(lab.request("GET", &place, &[&same], b"").status, 304);
    let tags = "/v2/team/app/manifests/1.0";
    assert_eq!(lab.request("DELETE", tags, &[], b"").status, 202);
    refused(&lab.get(tags), 404, "MANIFEST_UNKNOWN");
    assert_eq!(lab.get(&place).status, 200);
    assert_eq!(lab.request("DELETE", &place, &[], b"").status, 202);
    refused(&lab.get(&place), 404, "MANIFEST_UNKNOWN");
    refused(&lab.request("DELETE", &place, &[], b""), 404, "MANIFEST_UNKNOWN");
}

#[test]
fn manifests_that_are_refused() {
    let lab = registry();
    let text = image(&lab, "team/app", b"layer");
    let put = |path: &str, kind: &str, text: &str| {
        put_manifest(&lab, &format!("/v2/team/app/manifests/{path}"), kind, text)
    };
    let other = digest_of(b"other");
    refused(&put(&other, MANIFEST, &text), 400, "DIGEST_INVALID");
    refused(&put("1.0", MANIFEST, "{"), 400, "MANIFEST_INVALID");
    refused(
        &put("1.0", "application/vnd.docker.distribution.manifest.v1+prettyjws", &text),
        400,
        "MANIFEST_INVALID",
    );
    refused(&put("1.0", "", "{}"), 400, "MANIFEST_INVALID");
    refused(&put(&"a".repeat(300), MANIFEST, &text), 400, "TAG_INVALID");
    let absent = text.replace(&digest_of(b"layer"), &other);
    let reply = put("1.0", MANIFEST, &absent);
    refused(&reply, 400, "MANIFEST_BLOB_UNKNOWN");
    assert!(reply.body.contains(&other), "{reply:?}");
    let long = format!("{}{}", " ".repeat(5 << 20), text);
    let reply = put("1.0", MANIFEST, &long);
    assert_eq!(reply.status, 413, "{:?}", reply.headers);
    refused(&lab.get("/v2/team/app/manifests/1.0"), 404, "MANIFEST_UNKNOWN");
}

#[test]
fn several_tags_at_once() {
    let lab = registry();
    let text = image(&lab, "team/app", b"layer");
    let digest = digest_of(text.as_bytes());
    let tags: Vec<String> = (0..20).map(|n| format!("tag=v{n}")).collect();
    let path = format!("/v2/team/app/manifests/{digest}?{}", tags.join("&"));
    let reply = put_manifest(&lab, &path, MANIFEST, &text);
    assert_eq!(reply.status, 201, "{reply:?}");
    let lines = reply.headers.lines().filter(|line| line.to_lowercase().starts_with("oci-tag: "));
    assert_eq!(lines.count(), 20);
    assert_eq!(lab.get("/v2/team/app/manifests/v19").status, 200);
    let bad = format!("/v2/team/app/manifests/{digest}?tag=good&tag=-bad");
    refused(&put_manifest(&lab, &bad, MANIFEST, &text), 400, "TAG_INVALID");
    assert_eq!(lab.get("/v2/team/app/manifests/good").status, 404);
    let many: Vec<String> = (0..150).map(|n| format!("tag=m{n}")).collect();
    let many = many.join("&");
    let path = format!("/v2/team/app/manifests/{digest}?{many}");
    assert_eq!(put_manifest(&lab, &path, MANIFEST, &text).status, 414);
}

#[test]
fn lists_in_pages() {
    let lab = registry();
    refused(&lab.get("/v2/a/app/tags/list"), 404, "NAME_UNKNOWN");
    for name in ["a/app", "b"] {
        let text = image(&lab, name, b"layer");
        for tag in ["b", "a", "B", "c"] {
            let path = format!("/v2/{name}/manifests/{tag}");
            assert_eq!(put_manifest(&lab, &path, MANIFEST, &text).status, 201);
        }
    }
    push_blob(&lab, "only/blobs", b"x");
    let get = |path: &str| {
        let reply = lab.get(path);
        (reply.status, reply.body.trim().to_owned(), reply.header("Link").map(str::to_owned))
    };
    let tags = |list: &str| format!("{{\"name\":\"a/app\",\"tags\":[{list}]}}");
    let path = "/v2/a/app/tags/list";
    assert_eq!(get(path), (200, tags("\"B\",\"a\",\"b\",\"c\""), None));
    let link = "</v2/a/app/tags/list?last=a&n=2>; rel=\"next\"".to_owned();
    assert_eq!(get(&format!("{path}?n=2")), (200, tags("\"B\",\"a\""), Some(link)));
    assert_eq!(get(&format!("{path}?last=a&n=2")), (200, tags("\"b\",\"c\""), None));
    assert_eq!(get(&format!("{path}?n=0")), (200, tags(""), None));
    assert_eq!(get(&format!("{path}?n=99999999999999999999")).0, 200);
    refused(&lab.get(&format!("{path}?n=-1")), 400, "PAGINATION_NUMBER_INVALID");
    assert_eq!(get("/v2/_catalog"), (200, "{\"repositories\":[\"a/app\",\"b\"]}".to_owned(), None));
    let link = "</v2/_catalog?last=a%2Fapp&n=1>; rel=\"next\"".to_owned();
    assert_eq!(
        get("/v2/_catalog?n=1"),
        (200, "{\"repositories\":[\"a/app\"]}".to_owned(), Some(link))
    );
    assert_eq!(
        get("/v2/_catalog?last=a%2Fapp&n=1"),
        (200, "{\"repositories\":[\"b\"]}".to_owned(), None)
    );
    for n in ["9223372036854775808", "1001", "-1", "x"] {
        let reply = lab.get(&format!("/v2/_catalog?n={n}"));
        refused(&reply, 400, "PAGINATION_NUMBER_INVALID");
    }
    refused(&lab.get("/v2/only/blobs/tags/list"), 404, "NAME_UNKNOWN");
}

#[test]
fn referrers() {
    let lab = registry();
    let text = image(&lab, "team/app", b"layer");
    let subject = digest_of(text.as_bytes());
    let list = |query: &str| {
        let reply = lab.get(&format!("/v2/team/app/referrers/{subject}{query}"));
        assert_eq!((reply.status, reply.header("Content-Type")), (200, Some(INDEX)), "{reply:?}");
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body["mediaType"], INDEX);
        (body["manifests"].as_array().unwrap().clone(), reply)
    };
    assert!(list("").0.is_empty());
    let config = digest_of(b"{}");
    for (kind, note) in [
        ("application/vnd.test.sbom+json", "one"),
        ("application/vnd.test.sbom+json", "two"),
        ("application/vnd.test.sig", "three"),
    ] {
        let artifact = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind,
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 },
            "layers": [],
            "subject": { "mediaType": MANIFEST, "digest": subject, "size": text.len() },
            "annotations": { "note": note },
        });
        let artifact = artifact.to_string();
        let path = format!("/v2/team/app/manifests/{}", digest_of(artifact.as_bytes()));
        let put = put_manifest(&lab, &path, MANIFEST, &artifact);
        // The subject need not be there yet.
        assert_eq!(
            (put.status, put.header("OCI-Subject")),
            (201, Some(subject.as_str())),
            "{put:?}"
        );
    }
    let (all, reply) = list("");
    assert_eq!((all.len(), reply.header("OCI-Filters-Applied")), (3, None));
    assert!(all.iter().any(|one| one["annotations"]["note"] == "two"
        && one["artifactType"] == "application/vnd.test.sbom+json"));
    for kind in ["application/vnd.test.sbom%2Bjson", "application/vnd.test.sbom+json"] {
        let (some, reply) = list(&format!("?artifactType={kind}"));
        assert_eq!((some.len(), reply.header("OCI-Filters-Applied")), (2, Some("artifactType")));
    }
    let (first, reply) = list("?n=2");
    let link = reply.header("Link").unwrap();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    let rest: Value = serde_json::from_str(&lab.get(next).body).unwrap();
    assert_eq!((first.len(), rest["manifests"].as_array().unwrap().len()), (2, 1));
    refused(&lab.get("/v2/team/app/referrers/sha256:ab"), 400, "DIGEST_INVALID");
    assert_eq!(lab.get(&format!("/v2/no/such/referrers/{subject}")).status, 200);
}

#[test]
fn what_an_operator_reads() {
    let lab = registry();
    let digest = push_blob(&lab, "team/app", b"0123456789");
    lab.get(&format!("/v2/team/app/blobs/{digest}"));
    let metrics = lab.get("/metrics").body;
    for line in [
        "sealift_registry_requests_total{route=\"blob\",status=\"2xx\"} 1",
        "sealift_registry_uploads_finished_total 1",
        "sealift_registry_received_bytes_total 10",
        "sealift_registry_blobs 1",
        "sealift_registry_blob_bytes 10",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    let log = lab.log.of("request").join("\n");
    assert!(log.contains("\"method\":\"POST\"") && log.contains("\"status\":201"), "{log}");
}

#[test]
fn what_may_be_switched_off() {
    let options = Options { can_delete: false, ..Options::default() };
    let lab = Lab::registry(Setup::default(), Hooks::default(), options);
    let digest = push_blob(&lab, "team/app", b"x");
    let path = format!("/v2/team/app/blobs/{digest}");
    refused(&lab.request("DELETE", &path, &[], b""), 405, "UNSUPPORTED");
    let options = Options { is_read_only: true, ..Options::default() };
    let lab = Lab::registry(Setup::default(), Hooks::default(), options);
    refused(&lab.request("POST", "/v2/a/blobs/uploads/", &[], b""), 405, "UNSUPPORTED");
    refused(&put_manifest(&lab, "/v2/a/manifests/b", MANIFEST, "{}"), 405, "UNSUPPORTED");
}
