//! Replays what Docker, Podman, Buildah and Skopeo were recorded to send to docker-registry 2.8.2, and compares the shape
//! of the answers: status and headers. Content is made anew, of the recorded sizes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::lab::{Lab, Reply, Setup};
use crate::routes::{MANIFEST, digest_of};

// In the order in which they were recorded: later ones find what earlier ones pushed.
const SESSIONS: [&str; 18] = [
    "docker-20.10-login",
    "docker-20.10-login-bad",
    "docker-20.10-push-new",
    "docker-20.10-push-again",
    "docker-20.10-push-crossmount",
    "docker-20.10-pull",
    "docker-20.10-pull-again",
    "docker-20.10-pull-missing",
    "skopeo-1.9-login",
    "skopeo-1.9-push-docker-archive",
    "skopeo-1.9-copy-registry-to-registry",
    "skopeo-1.9-inspect",
    "skopeo-1.9-list-tags",
    "skopeo-1.9-pull-oci",
    "podman-4.3-push",
    "podman-4.3-pull",
    "buildah-1.28-push-oci",
    "buildah-1.28-manifest-push",
];
// What answers have in common; the others depend on what is said, or on the server.
const COMPARED: [&str; 8] = [
    "Accept-Ranges",
    "Docker-Content-Digest",
    "Docker-Distribution-Api-Version",
    "Docker-Upload-Uuid",
    "Etag",
    "Location",
    "Range",
    "Www-Authenticate",
];

/// A request that was recorded, and the answer.
struct Exchange {
    method: String,
    path: String,
    headers: Vec<String>,
    n_bytes: usize,
    status: u16,
    answered: BTreeMap<String, String>,
}

fn exchanges(text: &str) -> Vec<Exchange> {
    let mut all = Vec::new();
    for block in text.split("=== conn ").skip(1) {
        let lines = |mark: &str| -> Vec<String> {
            block.lines().filter_map(|line| line.strip_prefix(mark)).map(str::to_owned).collect()
        };
        let (asked, answered) = (lines("> "), lines("< "));
        let (Some(request), Some(status)) = (asked.first(), answered.first()) else { continue };
        let mut words = request.split(' ');
        let n_bytes = asked
            .iter()
            .find_map(|line| line.strip_prefix("[body ")?.split(' ').next()?.parse().ok());
        let headers = asked[1..].iter().filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_lowercase();
            matches!(name.as_str(), "accept" | "authorization" | "content-type" | "content-range")
        });
        let of_answer = answered[1..].iter().filter_map(|line| line.split_once(": "));
        all.push(Exchange {
            method: words.next().unwrap().to_owned(),
            path: words.next().unwrap().to_owned(),
            headers: headers.cloned().collect(),
            n_bytes: n_bytes.unwrap_or(0),
            status: status.split(' ').nth(1).unwrap().parse().unwrap(),
            answered: of_answer.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        });
    }
    all
}

/// What stands here for what was recorded.
#[derive(Default)]
struct Memory {
    // Recorded upload → the bytes that we sent to ours, and where it is.
    uploads: BTreeMap<String, (String, Vec<u8>)>,
    digests: BTreeMap<String, String>,
    // Blobs of a repository, for its manifests.
    blobs: BTreeMap<String, Vec<(String, usize)>>,
    manifests: BTreeMap<String, Vec<(String, usize)>>,
    // By repository and recorded digest: the same manifest is pushed again, and to other repositories, where ours is
    // another one.
    bytes_of: BTreeMap<(String, String), Vec<u8>>,
}

// The same size was the same blob.
fn bytes_of_size(n_bytes: usize) -> Vec<u8> {
    let mut bytes = format!("{n_bytes} ").into_bytes();
    bytes.resize(n_bytes, b'x');
    bytes
}

fn upload_of(path: &str) -> Option<String> {
    let rest = path.split("/blobs/uploads/").nth(1)?;
    let id = rest.split('?').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}

fn repository_of(path: &str) -> String {
    let rest = path.trim_start_matches("/v2/");
    let end = ["/blobs/", "/manifests/", "/tags/"].iter().filter_map(|mark| rest.find(mark)).min();
    rest[..end.unwrap_or(rest.len())].to_owned()
}

impl Memory {
    fn translated(&self, path: &str) -> String {
        let (mut translated, repository) = (path.to_owned(), repository_of(path));
        for (old, new) in &self.digests {
            let own = self.bytes_of.get(&(repository.clone(), old.clone()));
            let new = own.map_or_else(|| new.clone(), |bytes| digest_of(bytes));
            translated = translated.replace(&old.replace(':', "%3A"), &new.replace(':', "%3A"));
            translated = translated.replace(old, &new);
        }
        translated
    }

    fn manifest(&self, repository: &str, kind: &str) -> Vec<u8> {
        let list = |entries: &[(String, usize)], kind: &str| -> String {
            let entries = entries.iter().map(|(digest, size)| {
                format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{size}}}"#)
            });
            entries.collect::<Vec<_>>().join(",")
        };
        if kind.contains("index") || kind.contains("manifest.list") {
            let children = self.manifests.get(repository).cloned().unwrap_or_default();
            let children = list(&children, MANIFEST);
            return format!(
                r#"{{"schemaVersion":2,"mediaType":"{kind}","manifests":[{children}]}}"#
            )
            .into_bytes();
        }
        let blobs = self.blobs.get(repository).cloned().unwrap_or_default();
        let (config, layers) = blobs.split_last().unwrap();
        let config =
            list(std::slice::from_ref(config), "application/vnd.docker.container.image.v1+json");
        let layers = list(layers, "application/vnd.docker.image.rootfs.diff.tar.gzip");
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{config},"layers":[{layers}]}}"#
        )
        .into_bytes()
    }
}

fn send(lab: &Lab, memory: &mut Memory, exchange: &Exchange) -> Reply {
    let Exchange { method, path, headers, n_bytes, .. } = exchange;
    let repository = repository_of(path);
    let mut headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let upload = upload_of(path);
    if let Some(id) = &upload {
        let (place, mut sent) = memory.uploads.remove(id).unwrap();
        let bytes = if *n_bytes > 0 { bytes_of_size(*n_bytes) } else { Vec::new() };
        sent.extend_from_slice(&bytes);
        let mut place = place;
        if let Some((_, digest)) = path.split_once("digest=").filter(|_| method == "PUT") {
            let ours = digest_of(&sent);
            place.push_str("?digest=");
            place.push_str(&ours.replace(':', "%3A"));
            memory.digests.insert(digest.replace("%3A", ":"), ours.clone());
            memory.blobs.entry(repository).or_default().push((ours, sent.len()));
        }
        if bytes.is_empty() {
            headers.push("Content-Length: 0");
        }
        let reply = lab.request(method, &place, &headers, &bytes);
        let location = reply.header("Location").unwrap_or_default().to_owned();
        memory.uploads.insert(id.clone(), (location, sent));
        return reply;
    }
    if method == "PUT" {
        let kind = headers.iter().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap();
        let recorded = exchange.answered.get("Docker-Content-Digest").cloned().unwrap_or_default();
        let key = (repository.clone(), recorded.clone());
        let known = memory.bytes_of.get(&key).cloned();
        let bytes = known.unwrap_or_else(|| memory.manifest(&repository, kind));
        let ours = digest_of(&bytes);
        memory.digests.insert(recorded, ours.clone());
        memory.bytes_of.insert(key, bytes.clone());
        memory.manifests.entry(repository).or_default().push((ours, bytes.len()));
        return lab.request("PUT", &memory.translated(path), &headers, &bytes);
    }
    if method == "POST" {
        headers.push("Content-Length: 0");
    }
    let reply = lab.request(method, &memory.translated(path), &headers, b"");
    if let Some(id) = exchange.answered.get("Docker-Upload-Uuid") {
        let place = reply.header("Location").unwrap_or_default().to_owned();
        memory.uploads.insert(id.clone(), (place, Vec::new()));
    }
    if method == "POST" && exchange.status == 201 {
        let digest = reply.header("Docker-Content-Digest").unwrap_or_default().to_owned();
        memory.blobs.entry(repository).or_default().push((digest, 1));
    }
    reply
}

fn compare(session: &str, exchange: &Exchange, reply: &Reply) {
    let what = format!("{session}: {} {}", exchange.method, exchange.path);
    assert_eq!(reply.status, exchange.status, "{what}\n{reply:?}");
    for name in COMPARED {
        let (theirs, ours) = (exchange.answered.get(name), reply.header(name));
        assert_eq!(ours.is_some(), theirs.is_some(), "{name} of {what}\n{reply:?}");
        if matches!(name, "Range" | "Accept-Ranges" | "Docker-Distribution-Api-Version") {
            assert_eq!(ours, theirs.map(String::as_str), "{name} of {what}");
        }
    }
    if let Some(location) = reply.header("Location") {
        assert!(location.starts_with("/v2/"), "{what}: {location}");
    }
}

fn transcripts() -> Option<PathBuf> {
    let shared = std::env::var_os("SEALIFT_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let folder = shared.join("transcripts/registry");
    folder.is_dir().then_some(folder)
}

#[test]
fn recorded_clients() {
    let Some(folder) = transcripts() else {
        eprintln!(
            "SKIPPED: the recorded sessions are not there; SEALIFT_SHARED names their folder"
        );
        return;
    };
    let hash = bcrypt::hash("s3cret", 4).unwrap();
    let passwords = sealift_access::Passwords::parse(format!("alice:{hash}\n").as_bytes()).unwrap();
    let parts = sealift_access::Parts {
        realm: "lab".to_owned(),
        passwords: Some(passwords),
        ..sealift_access::Parts::default()
    };
    let setup = Setup { parts, ..Setup::default() };
    let lab = Lab::registry(
        setup,
        sealift_registry::Hooks::default(),
        sealift_registry::Options::default(),
    );
    let mut memory = Memory::default();
    let mut n_exchanges = 0;
    for session in SESSIONS {
        let text = fs::read_to_string(folder.join(format!("{session}.log"))).unwrap();
        for exchange in exchanges(&text) {
            let reply = send(&lab, &mut memory, &exchange);
            compare(session, &exchange, &reply);
            n_exchanges += 1;
        }
    }
    assert!(n_exchanges > 120, "{n_exchanges}");
}
