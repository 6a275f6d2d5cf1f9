//! What a client does, one thing after another.

use std::time::Instant;

use serde_json::{Value, json};

use super::client::{Client, Done, Doubt, Fault, Image, wrong};
use super::server::WINDOW_SECS;
use super::{N_SHARED, digest_of};

const IMAGES_MAX: usize = 30;
const GRAVEYARD_MAX: usize = 30;

impl Client {
    /// One step; what was wrong, if something was.
    pub(super) fn step(&mut self) -> Result<(), String> {
        self.begin();
        match self.settle().and_then(|()| self.act()) {
            Ok(()) => Ok(()),
            Err(Fault::Gone) => {
                self.shared.count("answers lost by a kill", 1);
                Ok(())
            }
            Err(Fault::Wrong(text)) => Err(format!("client {}: {text}", self.number)),
        }
    }

    fn act(&mut self) -> Done {
        if self.images.len() > IMAGES_MAX {
            return self.delete_manifest();
        }
        match self.dice.roll(29) {
            0..=6 => self.push(),
            7 => self.push_index(),
            8 => self.push_referrer(),
            9 => self.delete_tag(),
            10..=12 => self.delete_manifest(),
            13 => self.delete_blob(),
            14 => self.delete_and_undelete(),
            15 => self.cancel(),
            16 => self.promise_another_digest(),
            17 => self.leave_an_upload(),
            18 => self.resume(),
            19..=21 => self.pull_one(),
            22 => self.list(),
            23 => self.read_a_range(),
            24..=26 => self.push_passing(),
            _ => self.check_passing(),
        }
    }

    fn any_image(&mut self) -> Option<String> {
        let n_images = self.images.len();
        self.images.keys().nth(self.dice.below(n_images)).cloned()
    }

    fn some_blobs(&mut self) -> Vec<u64> {
        let n_blobs = 1 + self.dice.roll(3);
        let mut blobs: Vec<_> = (0..n_blobs).map(|_| self.dice.roll(N_SHARED)).collect();
        if self.dice.roll(2) == 0 {
            blobs.push(self.fresh());
        }
        blobs
    }

    fn some_tags(&mut self) -> Vec<String> {
        let n_tags = 1 + self.dice.roll(2);
        let mut tags: Vec<_> =
            (0..n_tags).map(|_| format!("c{}-{}", self.number, self.dice.roll(12))).collect();
        tags.dedup();
        tags
    }

    fn bring_all(&mut self, repository: &str, blobs: &[u64]) -> Done<Instant> {
        let mut since = Instant::now();
        for number in blobs {
            since = since.min(self.bring(repository, *number)?);
        }
        Ok(since)
    }

    fn push(&mut self) -> Done {
        let (blobs, tags) = (self.some_blobs(), self.some_tags());
        let image = self.compose(&blobs, None);
        let own = self.own.clone();
        loop {
            let since = self.bring_all(&own, &blobs)?;
            if self.put(&image, &tags, since)? {
                return Ok(());
            }
        }
    }

    fn push_index(&mut self) -> Done {
        let children: Vec<_> = (0..2).filter_map(|_| self.any_image()).collect();
        // Indexes of indexes may be eight deep, no more.
        let is_flat = |digest: &String| self.images[digest].children.is_empty();
        if children.is_empty() || !children.iter().all(is_flat) {
            return self.push();
        }
        let (image, tags) = (self.compose_index(children), self.some_tags());
        let since = Instant::now();
        if self.put(&image, &tags, since)? {
            Ok(())
        } else {
            wrong("an index of live manifests was refused")
        }
    }

    fn push_referrer(&mut self) -> Done {
        let Some(subject) = self.any_image() else { return self.push() };
        let blobs = self.some_blobs();
        let image = self.compose(&blobs, Some(subject.clone()));
        let own = self.own.clone();
        while {
            let since = self.bring_all(&own, &blobs)?;
            !self.put(&image, &[], since)?
        } {}
        let path = format!("/v2/{own}/referrers/{subject}");
        let reply = self.expect(200, ("GET", &path), &[], b"")?;
        let text = String::from_utf8_lossy(&reply.body);
        if text.contains(&digest_of(&image.text)) {
            Ok(())
        } else {
            wrong(format!("GET {path}: {text}"))
        }
    }

    fn delete_tag(&mut self) -> Done {
        let Some((tag, digest)) = self.tags.first_key_value() else { return Ok(()) };
        let (tag, digest) = (tag.clone(), digest.clone());
        self.doubt =
            Some(Doubt { tags: vec![(tag.clone(), vec![None, Some(digest)])], ..Doubt::default() });
        let path = format!("/v2/{}/manifests/{tag}", self.own);
        self.expect(202, ("DELETE", &path), &[], b"")?;
        self.doubt = None;
        self.tags.remove(&tag);
        self.shared.count("tags deleted", 1);
        self.expect(404, ("GET", &path), &[], b"").map(drop)
    }

    fn is_child(&self, digest: &str) -> bool {
        self.images.values().any(|image| image.children.iter().any(|child| child == digest))
    }

    fn delete_manifest(&mut self) -> Done {
        let Some(digest) = self.any_image() else { return Ok(()) };
        self.delete_digest(&digest).map(drop)
    }

    // What tags it had; nothing if an index needs it.
    pub(super) fn delete_digest(&mut self, digest: &str) -> Done<Option<Vec<String>>> {
        let path = format!("/v2/{}/manifests/{digest}", self.own);
        if self.is_child(digest) {
            self.expect(405, ("DELETE", &path), &[], b"")?;
            return Ok(None);
        }
        let tags: Vec<_> = self
            .tags
            .iter()
            .filter(|(_, named)| *named == digest)
            .map(|(tag, _)| tag.clone())
            .collect();
        let image = self.images[digest].clone();
        let may_be = vec![None, Some(digest.to_owned())];
        self.doubt = Some(Doubt {
            images: vec![(digest.to_owned(), image.clone())],
            tags: tags.iter().map(|tag| (tag.clone(), may_be.clone())).collect(),
            passing: None,
        });
        self.expect(202, ("DELETE", &path), &[], b"")?;
        self.doubt = None;
        self.images.remove(digest);
        self.tags.retain(|_, named| named != digest);
        self.graveyard.push((digest.to_owned(), image));
        if self.graveyard.len() > GRAVEYARD_MAX {
            self.graveyard.remove(0);
        }
        self.shared.count("manifests deleted", 1);
        self.expect(404, ("GET", &path), &[], b"")?;
        Ok(Some(tags))
    }

    fn delete_blob(&mut self) -> Done {
        // One that a manifest needs stays.
        if let Some(image) = self.any_image().map(|digest| self.images[&digest].clone())
            && let Some(number) = image.blobs.iter().find(|number| **number >= N_SHARED)
        {
            let path = format!("/v2/{}/blobs/{}", self.own, self.blob(*number).0);
            self.expect(405, ("DELETE", &path), &[], b"")?;
        }
        let (number, own) = (self.fresh(), self.own.clone());
        let since = self.bring(&own, number)?;
        let path = format!("/v2/{own}/blobs/{}", self.blob(number).0);
        match self.send("DELETE", &path, &[], b"")?.status {
            202 => {}
            404 if since.elapsed().as_secs() + 1 >= WINDOW_SECS => {}
            status => return wrong(format!("DELETE {path}: {status}")),
        }
        self.shared.count("blobs deleted", 1);
        self.expect(404, ("GET", &path), &[], b"").map(drop)
    }

    fn delete_and_undelete(&mut self) -> Done {
        let Some((tag, digest)) = self.tags.first_key_value() else { return Ok(()) };
        let (tag, digest) = (tag.clone(), digest.clone());
        let (image, since) = (self.images[&digest].clone(), Instant::now());
        let Some(tags) = self.delete_digest(&digest)? else { return Ok(()) };
        // What referred to it and was deleted in the same second comes back with it.
        let mut images = vec![(digest.clone(), image)];
        images.extend(self.graveyard.iter().filter(|(_, image)| image.subject.is_some()).cloned());
        let may_be = vec![None, Some(digest.clone())];
        let doubt = Doubt {
            images,
            tags: tags.iter().map(|tag| (tag.clone(), may_be.clone())).collect(),
            passing: None,
        };
        self.doubt = Some(doubt);
        let request = json!({"do": "undelete", "repository": self.own, "tag": tag, "digest": digest, "by": "x"});
        let told =
            self.shared.server.ask(&request).map_err(|error| self.lost("undelete", &error))?;
        let is_back = told.get("done").is_some();
        if !is_back && since.elapsed().as_secs() + 1 < WINDOW_SECS {
            return wrong(format!("{digest} cannot be had back: {told}"));
        }
        self.shared.count("manifests undeleted", u64::from(is_back));
        self.settle()
    }

    fn cancel(&mut self) -> Done {
        let own = self.own.clone();
        let location = self.begin_upload(&own)?;
        self.expect(202, ("PATCH", &location), &[], b"something that comes to nothing")?;
        self.expect(204, ("DELETE", &location), &[], b"")?;
        self.shared.count("uploads cancelled", 1);
        self.expect(404, ("GET", &location), &[], b"").map(drop)
    }

    fn promise_another_digest(&mut self) -> Done {
        let number = self.fresh();
        let (own, (digest, mut bytes)) = (self.own.clone(), self.blob(number));
        bytes.push(b'!');
        let location = self.begin_upload(&own)?;
        let path = format!("{location}?digest={digest}");
        self.expect(400, ("PUT", &path), &[], &bytes)?;
        for digest in [digest, digest_of(&bytes)] {
            self.expect(404, ("GET", &format!("/v2/{own}/blobs/{digest}")), &[], b"")?;
        }
        Ok(())
    }

    fn leave_an_upload(&mut self) -> Done {
        if self.strays.len() > 5 {
            return self.resume();
        }
        let number = self.dice.roll(N_SHARED);
        let (own, (_, bytes)) = (self.own.clone(), self.blob(number));
        if bytes.len() < 10 {
            return Ok(());
        }
        let location = self.begin_upload(&own)?;
        let part = &bytes[..2 + self.dice.below(bytes.len() - 2)];
        let reply = self.expect(202, ("PATCH", &location), &[], part)?;
        if reply.offset() != Some(part.len() as u64) {
            return wrong(format!("PATCH {location}: {:?} of {}", reply.offset(), part.len()));
        }
        self.strays.push((location, number, part.len() as u64));
        Ok(())
    }

    fn resume(&mut self) -> Done {
        let Some((location, number, acknowledged)) = self.strays.first().cloned() else {
            return Ok(());
        };
        let (digest, bytes) = self.blob(number);
        self.go_on(&location, &bytes, acknowledged)?;
        // Whether it is there is not known if the answer is lost.
        self.strays.remove(0);
        self.expect(201, ("PUT", &format!("{location}?digest={digest}")), &[], b"")?;
        let path = format!("/v2/{}/blobs/{digest}", self.own);
        self.expect(200, ("HEAD", &path), &[], b"").map(drop)
    }

    fn pull_one(&mut self) -> Done {
        let own = self.own.clone();
        if self.dice.roll(2) == 0
            && let Some((tag, digest)) = self.tags.last_key_value()
        {
            let (tag, image) = (tag.clone(), self.images[digest].clone());
            return self.pull(&own, &tag, &image);
        }
        let Some(digest) = self.any_image() else { return Ok(()) };
        let image = self.images[&digest].clone();
        self.pull(&own, &digest, &image)
    }

    fn list(&mut self) -> Done {
        let path = format!("/v2/{}/tags/list", self.own);
        let reply = self.send("GET", &path, &[], b"")?;
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let prefix = format!("c{}-", self.number);
        let listed: Vec<_> =
            answer["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let listed: Vec<_> = listed.into_iter().filter(|tag| tag.starts_with(&prefix)).collect();
        let mut known: Vec<_> = self.tags.keys().map(String::as_str).collect();
        known.sort_unstable();
        if listed == known {
            return Ok(());
        }
        wrong(format!("GET {path}: {listed:?} instead of {known:?}"))
    }

    fn read_a_range(&mut self) -> Done {
        let Some(image) = self.any_image().map(|digest| self.images[&digest].clone()) else {
            return Ok(());
        };
        let Some(number) = image.blobs.first() else { return Ok(()) };
        let (digest, bytes) = self.blob(*number);
        if bytes.is_empty() {
            return Ok(());
        }
        let first = self.dice.below(bytes.len());
        let path = format!("/v2/{}/blobs/{digest}", self.own);
        let reply = self.expect(206, ("GET", &path), &[&format!("Range: bytes={first}-")], b"")?;
        if reply.body == bytes[first..] {
            Ok(())
        } else {
            wrong(format!("GET {path} from {first}: other bytes"))
        }
    }

    fn push_passing(&mut self) -> Done {
        let blobs = self.some_blobs();
        let image = self.compose(&blobs, None);
        let (repository, tag) = (self.passing.clone(), format!("r{:07}", self.n_made));
        let path = format!("/v2/{repository}/manifests/{tag}");
        let entry = (tag, digest_of(&image.text), image.clone());
        while {
            let since = self.bring_all(&repository, &blobs)?;
            self.doubt = Some(Doubt { passing: Some(entry.clone()), ..Doubt::default() });
            !self.put_text(&path, &image, since)?
        } {}
        self.doubt = None;
        self.passed(entry);
        Ok(())
    }

    fn passed(&mut self, entry: (String, String, Image)) {
        self.shared.count("manifests pushed", 1);
        self.passing_tags.push(entry);
        if self.passing_tags.len() > 20 {
            self.passing_tags.remove(0);
        }
    }

    // The three newest stay; two newest in milliseconds of the wall clock, since two may have one time.
    pub(super) fn check_passing(&mut self) -> Done {
        let repository = self.passing.clone();
        let newest_first: Vec<_> = self.passing_tags.iter().rev().cloned().collect();
        for (place, (tag, _, image)) in newest_first.into_iter().enumerate() {
            if place < 2 {
                self.pull(&repository, &tag, &image)?;
                continue;
            }
            let path = format!("/v2/{repository}/manifests/{tag}");
            let reply = self.send("GET", &path, &[], b"")?;
            if !(reply.status == 404 || reply.status == 200 && reply.body == image.text) {
                return wrong(format!("GET {path}: {}", reply.status));
            }
        }
        Ok(())
    }

    /// Asks the server what became of requests whose answers were lost.
    pub(super) fn settle(&mut self) -> Done {
        let Some(doubt) = self.doubt.clone() else { return Ok(()) };
        let own = self.own.clone();
        for (digest, image) in doubt.images {
            let path = format!("/v2/{own}/manifests/{digest}");
            match self.send("GET", &path, &[], b"")?.status {
                200 => {
                    self.pull_parts(&own, &image)?;
                    self.graveyard.retain(|(dead, _)| *dead != digest);
                    self.images.insert(digest, image);
                }
                404 => drop(self.images.remove(&digest)),
                status => return wrong(format!("GET {path}: {status}")),
            }
        }
        for (tag, may_be) in doubt.tags {
            let path = format!("/v2/{own}/manifests/{tag}");
            let reply = self.send("HEAD", &path, &[], b"")?;
            let named = reply.header("docker-content-digest").map(str::to_owned);
            let named = named.filter(|_| reply.status == 200);
            if !may_be.contains(&named) {
                return wrong(format!("{tag} names {named:?}, and none of {may_be:?}"));
            }
            match named {
                Some(digest) if !self.images.contains_key(&digest) => {
                    return wrong(format!("{tag} names {digest}, which is not there"));
                }
                Some(digest) => drop(self.tags.insert(tag, digest)),
                None => drop(self.tags.remove(&tag)),
            }
        }
        if let Some(entry) = doubt.passing {
            let path = format!("/v2/{}/manifests/{}", self.passing, entry.0);
            match self.send("GET", &path, &[], b"")?.status {
                200 => self.passed(entry),
                404 => {}
                status => return wrong(format!("GET {path}: {status}")),
            }
        }
        self.doubt = None;
        Ok(())
    }

    /// Pulls all that was answered.
    pub(super) fn verify(&mut self) -> Result<(), String> {
        self.begin();
        let own = self.own.clone();
        let mut done = self.settle();
        for (digest, image) in self.images.clone() {
            done = done.and_then(|()| self.pull(&own, &digest, &image));
        }
        for (tag, digest) in self.tags.clone() {
            let image = self.images[&digest].clone();
            done = done.and_then(|()| self.pull(&own, &tag, &image));
        }
        done = done.and_then(|()| self.list()).and_then(|()| self.check_passing());
        self.told(done)
    }

    /// Deletes all that there is.
    pub(super) fn leave(&mut self) -> Result<(), String> {
        self.begin();
        let mut done = Ok(());
        while let Some(digest) = self.images.keys().find(|digest| !self.is_child(digest)).cloned() {
            done = self.delete_digest(&digest).map(drop);
            if done.is_err() {
                break;
            }
        }
        for (location, _, _) in std::mem::take(&mut self.strays) {
            done = done.and_then(|()| self.expect(204, ("DELETE", &location), &[], b"").map(drop));
        }
        for (_, digest, _) in std::mem::take(&mut self.passing_tags) {
            let path = format!("/v2/{}/manifests/{digest}", self.passing);
            done = done.and_then(|()| match self.send("DELETE", &path, &[], b"")?.status {
                202 | 404 => Ok(()),
                status => wrong(format!("DELETE {path}: {status}")),
            });
        }
        self.told(done)
    }

    fn told(&self, done: Done) -> Result<(), String> {
        done.map_err(|fault| match fault {
            Fault::Gone => format!("client {}: the server went away at the end", self.number),
            Fault::Wrong(text) => format!("client {} at the end: {text}", self.number),
        })
    }
}
