//! A registry on loopback, for the client's tests. It keeps everything in memory, checks what it is sent, and can be
//! told to misbehave.

use std::collections::{BTreeMap, HashMap};
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealift_oci::{Descriptor, Digest, Index, Manifest, Raw};

use crate::request::{self, Request, Response};

/// Who may do what.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Everybody everything.
    #[default]
    Open,
    /// One user, by Basic.
    Basic(&'static str, &'static str),
    /// One user, by the token flow; the token server is at `/token`.
    Bearer(&'static str, &'static str),
}

/// How the registry misbehaves.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Answer so many requests with 503 first.
    pub unavailable: u32,
    /// Hang up after so many bytes of the first blob answer.
    pub cut_blob_after: Option<usize>,
    /// Serve blobs with their first byte changed.
    pub alter_blobs: bool,
    /// Have no referrers list.
    pub no_referrers: bool,
    /// Redirect blob reads to this base URL.
    pub redirect_blobs_to: Option<String>,
    /// Answer everything with this status, and with these headers.
    pub refuse: Option<(u16, Vec<(&'static str, String)>)>,
    /// Send bodies of blobs in pieces of so many bytes, with a pause after each.
    pub blob_pace: Option<(usize, Duration)>,
    /// Put these headers on every answer.
    pub headers: Vec<(&'static str, String)>,
    /// Know no ranges.
    pub no_ranges: bool,
    /// Do not say the digests of manifests.
    pub no_digest_headers: bool,
    /// Do not say how long bodies of blobs are.
    pub no_blob_length: bool,
}

#[derive(Default)]
struct State {
    access: Access,
    faults: Faults,
    blobs: HashMap<Digest, Vec<u8>>,
    manifests: HashMap<(String, String), (String, Vec<u8>)>,
    log: Vec<String>,
    authorizations: Vec<(String, Option<String>)>,
}

/// A registry on loopback that lives as long as the test process.
#[derive(Clone)]
pub struct Registry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Registry {
    /// Starts one.
    pub fn start(access: Access, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State { access, faults, ..State::default() }));
        let registry = Self { address, state };
        let server = registry.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                // A client that breaks off is not the registry's concern.
                std::thread::spawn(move || server.serve(stream).ok());
            }
        });
        registry
    }

    /// Host and port, as they stand in an image reference.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far, `METHOD path`.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Path and `Authorization` of the requests so far.
    pub fn authorizations(&self) -> Vec<(String, Option<String>)> {
        self.state().authorizations.clone()
    }

    /// A manifest's bytes, by repository and tag or digest.
    pub fn manifest(&self, repository: &str, name: &str) -> Option<Vec<u8>> {
        let key = (repository.to_owned(), name.to_owned());
        self.state().manifests.get(&key).map(|(_, bytes)| bytes.clone())
    }

    /// True if a blob has arrived.
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.state().blobs.contains_key(digest)
    }

    /// Changes a stored manifest's bytes without changing its name.
    pub fn alter_manifest(&self, repository: &str, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let key = (repository.to_owned(), name.to_owned());
        change(&mut self.state().manifests.get_mut(&key).expect("a known manifest").1);
    }

    /// Misbehaves in another way from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.state().log.clear();
    }

    /// Serves a stored manifest as one of another media type.
    pub fn retype_manifest(&self, repository: &str, name: &str, media_type: &str) {
        let key = (repository.to_owned(), name.to_owned());
        let mut state = self.state();
        media_type.clone_into(&mut state.manifests.get_mut(&key).expect("a known manifest").0);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = request::read(&mut reader)? {
            let response = self.answer(&request);
            request::write(&mut stream, &response, request.method == "HEAD")?;
            if response.cut_after.is_some() || response.has_no_length {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, request: &Request) -> Response {
        let mut state = self.state();
        state.log.push(format!("{} {}", request.method, request.path));
        let authorization = request.headers.get("authorization").cloned();
        state.authorizations.push((request.path.clone(), authorization));
        if state.faults.unavailable > 0 {
            state.faults.unavailable -= 1;
            return Response::status(503).header("Retry-After", "0");
        }
        if let Some((status, headers)) = state.faults.refuse.clone() {
            let empty = Response::status(status);
            return headers.into_iter().fold(empty, |to, (name, value)| to.header(name, value));
        }
        if request.path == "/token" {
            return state.token(request);
        }
        if let Some(refusal) = state.refuse(request, self.address) {
            return refusal;
        }
        let extra = state.faults.headers.clone();
        let response = state.route(request);
        extra.into_iter().fold(response, |to, (name, value)| to.header(name, value))
    }
}

impl State {
    fn basic(username: &str, password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
    }

    fn token(&self, request: &Request) -> Response {
        let Access::Bearer(username, password) = self.access else { return Response::status(404) };
        let shown = request.headers.get("authorization");
        let scope = request.query.get("scope").cloned().unwrap_or_default();
        let may_push = shown == Some(&Self::basic(username, password));
        if shown.is_some() && !may_push {
            return Response::status(401);
        }
        if !may_push && scope.contains("push") {
            return Response::status(401);
        }
        Response::status(200).body(format!(r#"{{"token":"token-for-{scope}","expires_in":300}}"#))
    }

    fn refuse(&self, request: &Request, address: SocketAddr) -> Option<Response> {
        let shown = request.headers.get("authorization");
        let (is_allowed, challenge) = match &self.access {
            Access::Open => (true, String::new()),
            Access::Basic(username, password) => {
                (shown == Some(&Self::basic(username, password)), "Basic realm=\"test\"".to_owned())
            }
            Access::Bearer(..) => {
                let is_write = !matches!(request.method.as_str(), "GET" | "HEAD");
                let is_allowed = shown.is_some_and(|shown| {
                    shown.starts_with("Bearer token-for-repository:")
                        && (!is_write || shown.contains("push"))
                });
                (is_allowed, format!("Bearer realm=\"http://{address}/token\",service=\"test\""))
            }
        };
        (!is_allowed).then(|| {
            Response::status(401)
                .header("WWW-Authenticate", challenge)
                .body(r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#)
        })
    }

    fn route(&mut self, request: &Request) -> Response {
        let Some(path) = request.path.strip_prefix("/v2/") else { return Response::status(404) };
        if path.is_empty() {
            return Response::status(200).body("{}");
        }
        for (marker, handler) in [
            ("/blobs/uploads/", Self::upload as fn(&mut Self, &Request, &str, &str) -> Response),
            ("/blobs/", Self::blob),
            ("/manifests/", Self::manifest),
            ("/referrers/", Self::referrers),
            ("/tags/", Self::tags),
        ] {
            if let Some((repository, rest)) = path.split_once(marker) {
                return handler(self, request, repository, rest);
            }
        }
        Response::status(404)
    }

    fn upload(&mut self, request: &Request, repository: &str, _rest: &str) -> Response {
        match request.method.as_str() {
            "POST" => {
                let mounted = request.query.get("mount").and_then(|digest| digest.parse().ok());
                if let Some(digest) = mounted.filter(|digest| self.blobs.contains_key(digest)) {
                    let place = format!("/v2/{repository}/blobs/{digest}");
                    return Response::status(201).header("Location", place);
                }
                let place = format!("/v2/{repository}/blobs/uploads/1?_state=x");
                Response::status(202).header("Location", place)
            }
            "PUT" => {
                let digest = Digest::sha256(&request.body);
                if request.query.get("digest") != Some(&digest.to_string()) {
                    let body = r#"{"errors":[{"code":"DIGEST_INVALID","message":"digest does not match"}]}"#;
                    return Response::status(400).body(body);
                }
                self.blobs.insert(digest, request.body.clone());
                Response::status(201)
            }
            _ => Response::status(405),
        }
    }

    fn blob(&mut self, request: &Request, _repository: &str, rest: &str) -> Response {
        let found = rest.parse::<Digest>().ok().and_then(|digest| self.blobs.get(&digest).cloned());
        let Some(mut bytes) = found else {
            let body = r#"{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}"#;
            return Response::status(404).body(body);
        };
        if let Some(base) = &self.faults.redirect_blobs_to {
            return Response::status(307).header("Location", format!("{base}{}", request.path));
        }
        if self.faults.alter_blobs && !bytes.is_empty() {
            bytes[0] ^= 1;
        }
        let range = request.headers.get("range").filter(|_| !self.faults.no_ranges);
        let range = range.and_then(|range| {
            range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
        });
        let mut response = match range {
            Some(start) if start < bytes.len() => Response::status(206).body(&bytes[start..]),
            _ => Response::status(200).body(bytes),
        };
        if request.method == "GET" {
            response.cut_after = self.faults.cut_blob_after.take();
            response.pace = self.faults.blob_pace;
            response.has_no_length = self.faults.no_blob_length;
        }
        response
    }

    fn manifest(&mut self, request: &Request, repository: &str, name: &str) -> Response {
        let key = (repository.to_owned(), name.to_owned());
        if request.method == "PUT" {
            let digest = Digest::sha256(&request.body);
            let kind = request.headers.get("content-type").cloned().unwrap_or_default();
            let stored = (kind, request.body.clone());
            self.manifests.insert((repository.to_owned(), digest.to_string()), stored.clone());
            self.manifests.insert(key, stored);
            let response =
                Response::status(201).header("Docker-Content-Digest", digest.to_string());
            let subject = Raw::<Manifest>::parse(request.body.clone(), "manifest")
                .ok()
                .and_then(|manifest| manifest.value().subject.clone());
            return match subject.filter(|_| !self.faults.no_referrers) {
                Some(subject) => response.header("OCI-Subject", subject.digest.to_string()),
                None => response,
            };
        }
        match self.manifests.get(&key) {
            Some((kind, bytes)) => {
                let digest = Digest::sha256(bytes).to_string();
                let known = request.headers.get("if-none-match");
                if known.is_some_and(|known| known.trim_matches('"') == digest) {
                    return Response::status(304);
                }
                let response = Response::status(200).header("Content-Type", kind.clone());
                let response = response.body(bytes.clone());
                if self.faults.no_digest_headers {
                    return response;
                }
                response.header("Docker-Content-Digest", digest)
            }
            None => Response::status(404)
                .body(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#),
        }
    }

    fn referrers(&mut self, _request: &Request, repository: &str, subject: &str) -> Response {
        if self.faults.no_referrers {
            return Response::status(404);
        }
        let mut found = BTreeMap::new();
        for ((in_repository, _), (kind, bytes)) in &self.manifests {
            let Ok(manifest) = Raw::<Manifest>::parse(bytes.clone(), "manifest") else { continue };
            let refers =
                manifest.value().subject.as_ref().map(|subject| subject.digest.to_string());
            if in_repository == repository && refers.as_deref() == Some(subject) {
                let mut entry = Descriptor::new(kind, manifest.digest().clone(), manifest.size());
                entry.artifact_type = Some(manifest.value().effective_artifact_type().to_owned());
                found.insert(manifest.digest().clone(), entry);
            }
        }
        Response::status(200).body(Raw::encode(Index::new(found.into_values().collect())).bytes())
    }

    fn tags(&mut self, _request: &Request, repository: &str, _rest: &str) -> Response {
        let names = self
            .manifests
            .keys()
            .filter(|(owner, name)| owner == repository && !name.contains(':'));
        let mut tags: Vec<&str> = names.map(|(_, name)| name.as_str()).collect();
        tags.sort_unstable();
        let body = serde_json::json!({ "name": repository, "tags": tags });
        Response::status(200).body(body.to_string())
    }
}
