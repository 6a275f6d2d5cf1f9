//! A client that knows what it was answered. It shares its repository with another one, but tags and manifests are its own,
//! so that what it asks for can only be what it was told.
//!
//! A request whose answer was lost with the server leaves a doubt: the next server says which of the two it is.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::dice::Dice;
use super::server::WINDOW_SECS;
use super::wire::{Reply, Wire};
use super::{Shared, digest_of};

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Why a step came to nothing.
pub(super) enum Fault {
    /// The server went away, as it was meant to.
    Gone,
    /// The server did what it must not.
    Wrong(String),
}

pub(super) type Done<T = ()> = Result<T, Fault>;

/// A manifest, and what it needs.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) kind: &'static str,
    pub(super) text: Vec<u8>,
    /// Numbers of blobs.
    pub(super) blobs: Vec<u64>,
    /// Digests of manifests.
    pub(super) children: Vec<String>,
    pub(super) subject: Option<String>,
}

// What may be or not be, since an answer was lost.
#[derive(Clone, Default)]
pub(super) struct Doubt {
    pub(super) images: Vec<(String, Image)>,
    // Tags, and what each may name.
    pub(super) tags: Vec<(String, Vec<Option<String>>)>,
    // An image of the other repository.
    pub(super) passing: Option<(String, String, Image)>,
}

/// A client.
pub(super) struct Client {
    pub(super) shared: Arc<Shared>,
    pub(super) number: u64,
    pub(super) dice: Dice,
    pub(super) own: String,
    /// Where retention keeps the three newest tags.
    pub(super) passing: String,
    pub(super) images: BTreeMap<String, Image>,
    pub(super) tags: BTreeMap<String, String>,
    /// Deleted lately.
    pub(super) graveyard: Vec<(String, Image)>,
    /// Newest last.
    pub(super) passing_tags: Vec<(String, String, Image)>,
    /// Uploads left lying: where, of which blob, and how much was acknowledged.
    pub(super) strays: Vec<(String, u64, u64)>,
    pub(super) doubt: Option<Doubt>,
    pub(super) n_made: u64,
    wire: Option<Wire>,
    generation: u64,
}

pub(super) fn wrong<T>(text: impl Into<String>) -> Done<T> {
    Err(Fault::Wrong(text.into()))
}

impl Client {
    pub(super) fn new(shared: Arc<Shared>, number: u64) -> Self {
        let dice = Dice::new(shared.seed.wrapping_mul(977).wrapping_add(number + 1));
        Self {
            dice,
            own: format!("team/app{}", number / 2),
            passing: format!("ci/app{number}"),
            shared,
            number,
            images: BTreeMap::new(),
            tags: BTreeMap::new(),
            graveyard: Vec::new(),
            passing_tags: Vec::new(),
            strays: Vec::new(),
            doubt: None,
            n_made: 0,
            wire: None,
            generation: 0,
        }
    }

    /// Waits for a server and forgets the last connection.
    pub(super) fn begin(&mut self) {
        self.generation = self.shared.server.wait();
        self.wire = None;
    }

    /// What a lost connection means.
    pub(super) fn lost(&self, what: &str, error: &io::Error) -> Fault {
        if self.shared.server.generation() == Some(self.generation) {
            return Fault::Wrong(format!("{what}: nobody killed the server, but: {error}"));
        }
        Fault::Gone
    }

    pub(super) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> Done<Reply> {
        let what = format!("{method} {path}");
        let begin = Instant::now();
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => {
                Wire::open(&self.shared.server.host).map_err(|error| self.lost(&what, &error))?
            }
        };
        let reply =
            wire.request(method, path, headers, body).map_err(|error| self.lost(&what, &error))?;
        self.shared.answered(begin.elapsed());
        if reply.status >= 500 {
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            let error = io::Error::other(format!("{} {text}", reply.status));
            return Err(self.lost(&what, &error));
        }
        if reply.status < 400 && reply.header("connection") != Some("close") {
            self.wire = Some(wire);
        }
        Ok(reply)
    }

    /// The same, and nothing but this status is right.
    pub(super) fn expect(
        &mut self,
        status: u16,
        (method, path): (&str, &str),
        headers: &[&str],
        body: &[u8],
    ) -> Done<Reply> {
        let reply = self.send(method, path, headers, body)?;
        if reply.status == status {
            return Ok(reply);
        }
        let text = String::from_utf8_lossy(&reply.body);
        wrong(format!("{method} {path}: {} instead of {status}: {text}", reply.status))
    }

    /// A blob's digest and bytes. Those of small numbers are everybody's.
    pub(super) fn blob(&self, number: u64) -> (String, Vec<u8>) {
        self.shared.blob(number)
    }

    /// A number that only this client uses.
    pub(super) fn fresh(&mut self) -> u64 {
        self.n_made += 1;
        (self.number + 1) * 1_000_000 + self.n_made
    }

    /// Makes sure that a repository has a blob; since when it is held for us.
    pub(super) fn bring(&mut self, repository: &str, number: u64) -> Done<Instant> {
        let (digest, bytes) = self.blob(number);
        let mut since = Instant::now();
        let mut location = None;
        match self.dice.roll(10) {
            0..=2 => {
                let path = format!("/v2/{repository}/blobs/{digest}");
                match self.send("HEAD", &path, &[], b"")?.status {
                    200 => return Ok(since),
                    404 => {}
                    status => return wrong(format!("HEAD {path}: {status}")),
                }
            }
            3..=4 => {
                let from = self.dice.roll(self.shared.n_clients.div_ceil(2));
                let path =
                    format!("/v2/{repository}/blobs/uploads/?mount={digest}&from=team/app{from}");
                let reply = self.send("POST", &path, &[], b"")?;
                match reply.status {
                    201 => {
                        self.shared.count("mounts", 1);
                        return Ok(since);
                    }
                    202 => location = reply.header("location").map(str::to_owned),
                    status => return wrong(format!("POST {path}: {status}")),
                }
            }
            _ => {}
        }
        if location.is_none() && self.dice.roll(4) == 0 {
            since = Instant::now();
            let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
            self.expect(201, ("POST", &path), &[], &bytes)?;
            self.shared.count("blobs pushed", 1);
            return Ok(since);
        }
        let location = match location {
            Some(location) => location,
            None => self.begin_upload(repository)?,
        };
        self.upload(&location, &digest, &bytes)
    }

    pub(super) fn begin_upload(&mut self, repository: &str) -> Done<String> {
        let path = format!("/v2/{repository}/blobs/uploads/");
        let reply = self.expect(202, ("POST", &path), &[], b"")?;
        match reply.header("location") {
            Some(location) => Ok(location.to_owned()),
            None => wrong(format!("POST {path}: no Location")),
        }
    }

    fn upload(&mut self, location: &str, digest: &str, bytes: &[u8]) -> Done<Instant> {
        let way = if bytes.len() < 10 { 0 } else { self.dice.roll(5) };
        match way {
            0 => return self.finish(location, digest, bytes),
            1 => {
                self.expect(202, ("PATCH", location), &[], bytes)?;
            }
            2 | 3 => {
                let middle = 1 + self.dice.below(bytes.len() - 2);
                for (first, part) in [(0, &bytes[..middle]), (middle, &bytes[middle..])] {
                    let range = format!("Content-Range: {first}-{}", first + part.len() - 1);
                    let headers = [range.as_str()];
                    // Both are allowed: with a range, and without.
                    let headers = if way == 2 { &headers[..] } else { &[] };
                    self.expect(202, ("PATCH", location), headers, part)?;
                }
            }
            _ => {
                let n_sent = 2 + self.dice.below(bytes.len() - 3);
                self.cut(location, bytes, n_sent)?;
                self.go_on(location, bytes, 0)?;
            }
        }
        self.finish(location, digest, b"")
    }

    fn finish(&mut self, location: &str, digest: &str, rest: &[u8]) -> Done<Instant> {
        let since = Instant::now();
        self.expect(201, ("PUT", &format!("{location}?digest={digest}")), &[], rest)?;
        self.shared.count("blobs pushed", 1);
        Ok(since)
    }

    fn cut(&mut self, location: &str, bytes: &[u8], n_sent: usize) -> Done {
        let is_half = self.dice.roll(2) == 0;
        let wire =
            Wire::open(&self.shared.server.host).map_err(|error| self.lost("cut", &error))?;
        // What comes late must not be taken for a continuation of what came after it.
        let range = format!("Content-Range: 0-{}", bytes.len() - 1);
        let headers = if is_half { &[][..] } else { &[range.as_str()] };
        // Who goes away in the middle cannot complain of how the rest ends.
        let _ = wire.cut(("PATCH", location), headers, (bytes, n_sent), is_half);
        self.shared.count("uploads cut", 1);
        Ok(())
    }

    /// Brings an upload to its last byte; it has so many at least.
    pub(super) fn go_on(&mut self, location: &str, bytes: &[u8], least: u64) -> Done {
        let reply = self.expect(204, ("GET", location), &[], b"")?;
        let mut offset = reply.offset();
        for _ in 0..1000 {
            let Some(have) = offset else { return wrong(format!("GET {location}: no Range")) };
            if have < least || have > bytes.len() as u64 {
                return wrong(format!("{location} has {have} bytes; {least} were acknowledged"));
            }
            let first = usize::try_from(have).unwrap_or(usize::MAX);
            if first == bytes.len() {
                self.shared.count("uploads resumed", 1);
                return Ok(());
            }
            let range = format!("Content-Range: {first}-{}", bytes.len() - 1);
            let reply = self.send("PATCH", location, &[&range], &bytes[first..])?;
            match reply.status {
                // What was sent before the cut is still being written.
                202 | 416 => offset = reply.offset(),
                status => return wrong(format!("PATCH {location} at {first}: {status}")),
            }
        }
        wrong(format!("{location} never stands still"))
    }

    /// Puts a manifest; `false` if a part of it was collected meanwhile, as it may be after its lease.
    pub(super) fn put(&mut self, image: &Image, tags: &[String], since: Instant) -> Done<bool> {
        let digest = digest_of(&image.text);
        let own = self.own.clone();
        let path = match tags {
            [tag] if self.dice.roll(2) == 0 => format!("/v2/{own}/manifests/{tag}"),
            _ => {
                let query: Vec<_> = tags.iter().map(|tag| format!("tag={tag}")).collect();
                format!("/v2/{own}/manifests/{digest}?{}", query.join("&"))
            }
        };
        let may_be = |tag: &String| vec![self.tags.get(tag).cloned(), Some(digest.clone())];
        self.doubt = Some(Doubt {
            images: vec![(digest.clone(), image.clone())],
            tags: tags.iter().map(|tag| (tag.clone(), may_be(tag))).collect(),
            passing: None,
        });
        let is_stored = self.put_text(&path, image, since)?;
        self.doubt = None;
        if is_stored {
            self.images.insert(digest.clone(), image.clone());
            self.tags.extend(tags.iter().map(|tag| (tag.clone(), digest.clone())));
            self.shared.count("manifests pushed", 1);
        }
        Ok(is_stored)
    }

    pub(super) fn put_text(&mut self, path: &str, image: &Image, since: Instant) -> Done<bool> {
        let kind = format!("Content-Type: {}", image.kind);
        let reply = self.send("PUT", path, &[&kind], &image.text)?;
        let text = String::from_utf8_lossy(&reply.body);
        match reply.status {
            201 => Ok(true),
            // Seconds are whole ones, and so the last one may be short.
            _ if text.contains("MANIFEST_BLOB_UNKNOWN")
                && since.elapsed().as_secs() + 1 >= WINDOW_SECS =>
            {
                self.shared.count("leases outlived", 1);
                Ok(false)
            }
            status => wrong(format!("PUT {path}: {status} after {:?}: {text}", since.elapsed())),
        }
    }

    /// A new manifest of these blobs.
    pub(super) fn compose(&mut self, blobs: &[u64], subject: Option<String>) -> Image {
        self.n_made += 1;
        let entry = |number: &u64| {
            let (digest, bytes) = self.blob(*number);
            json!({"mediaType": "application/octet-stream", "digest": digest, "size": bytes.len()})
        };
        let mut text = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": entry(&blobs[0]),
            "layers": blobs[1..].iter().map(entry).collect::<Vec<_>>(),
            "annotations": {"made": format!("{} {}", self.number, self.n_made)},
        });
        if let Some(subject) = &subject {
            let size = self.images.get(subject).map_or(0, |image| image.text.len());
            text["subject"] = json!({"mediaType": MANIFEST, "digest": subject, "size": size});
        }
        let text = text.to_string().into_bytes();
        Image { kind: MANIFEST, text, blobs: blobs.to_vec(), children: Vec::new(), subject }
    }

    /// A new index of these manifests.
    pub(super) fn compose_index(&mut self, children: Vec<String>) -> Image {
        self.n_made += 1;
        let entry = |digest: &String| {
            let child = self.images.get(digest);
            let (kind, size) = child.map_or((MANIFEST, 0), |child| (child.kind, child.text.len()));
            json!({"mediaType": kind, "digest": digest, "size": size})
        };
        let text = json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": children.iter().map(entry).collect::<Vec<_>>(),
            "annotations": {"made": format!("{} {}", self.number, self.n_made)},
        });
        let text = text.to_string().into_bytes();
        Image { kind: INDEX, text, blobs: Vec::new(), children, subject: None }
    }

    /// Pulls a manifest and all that it needs.
    pub(super) fn pull(&mut self, repository: &str, name: &str, image: &Image) -> Done {
        let path = format!("/v2/{repository}/manifests/{name}");
        let reply = self.expect(200, ("GET", &path), &[], b"")?;
        if reply.body != image.text {
            return wrong(format!("GET {path}: not what was pushed"));
        }
        self.pull_parts(repository, image)
    }

    pub(super) fn pull_parts(&mut self, repository: &str, image: &Image) -> Done {
        for number in &image.blobs {
            let (digest, _) = self.blob(*number);
            let path = format!("/v2/{repository}/blobs/{digest}");
            let reply = self.expect(200, ("GET", &path), &[], b"")?;
            if digest_of(&reply.body) != digest {
                return wrong(format!("GET {path}: {} bytes of something else", reply.body.len()));
            }
        }
        for child in &image.children {
            let Some(known) = self.images.get(child).cloned() else {
                return wrong(format!("{child} is not known, but an index needs it"));
            };
            self.pull(repository, child, &known)?;
        }
        self.shared.count("manifests pulled", 1);
        Ok(())
    }
}
