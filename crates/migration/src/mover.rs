//! Brings one repository: each manifest after what it refers to, each blob once.
//!
//! The depot is asked first, and says what it lacks; so nothing here has to know how manifests are built, and what is
//! not referred to (the remains that distribution's collector would take) is not brought.

use std::collections::BTreeSet;

use bytes::Bytes;
use sealift_depot::{Adopted, Children, Depot, Error as DepotError, NewManifest, Target};
use sealift_oci::{Digest, Tag};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::source::{Found, MANIFEST_BYTES_MAX, read_small};
use crate::{Error, Report};

// The depot allows less; a circle cannot be, since a digest would have to contain itself.
const DEPTH_MAX: usize = 64;
// A depot names a hundred missing parts at once, of ten thousand that a manifest may have.
const ROUNDS_MAX: usize = 256;

/// Brings a repository.
pub(crate) async fn bring(
    depot: &Depot,
    found: &Found,
    by: &str,
    report: &mut Report,
) -> Result<(), Error> {
    report.repositories += 1;
    let mut mover = Mover { depot, found, by, report, failed: BTreeSet::new() };
    for digest in found.manifests.keys() {
        mover.manifest(digest).await?;
    }
    Ok(())
}

struct Mover<'a> {
    depot: &'a Depot,
    found: &'a Found,
    by: &'a str,
    report: &'a mut Report,
    /// What was tried in vain, and is in the report.
    failed: BTreeSet<Digest>,
}

// A manifest that waits for its parts.
struct Waiting {
    digest: Digest,
    bytes: Bytes,
    tags: Vec<Tag>,
    is_index: bool,
    children: Children,
    rounds: usize,
}

impl Mover<'_> {
    /// Brings a manifest and, before it, what it refers to.
    async fn manifest(&mut self, digest: &Digest) -> Result<(), Error> {
        let Some(first) = self.read(digest).await? else { return Ok(()) };
        let mut stack = vec![first];
        while let Some(waiting) = stack.last_mut() {
            let missing = match self.put(waiting).await? {
                Step::Done => {
                    stack.pop();
                    continue;
                }
                Step::Missing(missing) => missing,
            };
            waiting.rounds += 1;
            let (is_index, digest) = (waiting.is_index, waiting.digest.clone());
            let mut lacks = waiting.rounds > ROUNDS_MAX;
            for part in missing {
                let is_tried = self.failed.contains(&part);
                if is_index && !is_tried && stack.len() < DEPTH_MAX {
                    match self.read(&part).await? {
                        Some(child) => stack.push(child),
                        None => lacks = true,
                    }
                } else if is_index || is_tried || !self.blob(&part).await? {
                    lacks = true;
                }
            }
            if lacks {
                self.give_up(&mut stack, &digest, is_index);
            }
        }
        Ok(())
    }

    // An index without one of its images is brought as it is: the others can be pulled.
    fn give_up(&mut self, stack: &mut Vec<Waiting>, digest: &Digest, is_index: bool) {
        let Some(at) = stack.iter().position(|waiting| waiting.digest == *digest) else { return };
        if is_index {
            if stack[at].children == Children::Required {
                let reason = "not all that it refers to is there; it was brought without";
                self.report.damage(self.found.name.as_str(), &digest.to_string(), reason);
            }
            stack[at].children = Children::Optional;
            return;
        }
        let waiting = stack.remove(at);
        let tags: Vec<&str> = waiting.tags.iter().map(Tag::as_str).collect();
        let reason = match tags.as_slice() {
            [] => "not all that it refers to is there".to_owned(),
            tags => format!("not all that it refers to is there (tags {})", tags.join(", ")),
        };
        self.report.damage(self.found.name.as_str(), &digest.to_string(), reason);
        self.failed.insert(waiting.digest);
    }

    /// The bytes of a manifest that is not in the depot, or not with all its tags.
    async fn read(&mut self, digest: &Digest) -> Result<Option<Waiting>, Error> {
        if self.failed.contains(digest) {
            return Ok(None);
        }
        let tags: Vec<Tag> =
            self.found.manifests.get(digest).into_iter().flatten().cloned().collect();
        if self.is_present(digest, &tags).await? {
            self.report.present += 1;
            return Ok(None);
        }
        let bytes = match read_small(&self.found.blobs.path(digest), MANIFEST_BYTES_MAX) {
            Ok(bytes) if digest.matches(&bytes) => bytes,
            Ok(_) => {
                self.fail(digest, "its content has another digest");
                return Ok(None);
            }
            Err(reason) => {
                self.fail(digest, &reason);
                return Ok(None);
            }
        };
        let is_index = is_index(&bytes);
        let (digest, bytes) = (digest.clone(), Bytes::from(bytes));
        Ok(Some(Waiting { digest, bytes, tags, is_index, children: Children::Required, rounds: 0 }))
    }

    fn fail(&mut self, digest: &Digest, reason: &str) {
        self.report.damage(self.found.name.as_str(), &digest.to_string(), reason);
        self.failed.insert(digest.clone());
    }

    async fn is_present(&self, digest: &Digest, tags: &[Tag]) -> Result<bool, Error> {
        let name = &self.found.name;
        let target = Target::Digest(digest.clone());
        if self.depot.manifest(name, &target).await?.is_none() {
            return Ok(false);
        }
        for tag in tags {
            let there = self.depot.manifest(name, &Target::Tag(tag.clone())).await?;
            // Somebody may have pushed since: then the tag is theirs.
            if there.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn put(&mut self, waiting: &Waiting) -> Result<Step, Error> {
        let media_type = self.found.media_types.get(&waiting.digest);
        let new = NewManifest {
            target: Target::Digest(waiting.digest.clone()),
            tags: &waiting.tags,
            media_type: media_type.map(String::as_str).unwrap_or_default(),
            bytes: waiting.bytes.clone(),
            by: self.by,
            children: waiting.children,
        };
        match self.depot.put_manifest(&self.found.name, new).await {
            Ok(put) => {
                self.report.manifests += 1;
                self.report.tags += put.tags.len() as u64;
                Ok(Step::Done)
            }
            Err(DepotError::ManifestBlobUnknown { digests }) => Ok(Step::Missing(digests)),
            Err(
                error @ (DepotError::ManifestInvalid { .. }
                | DepotError::TooLarge { .. }
                | DepotError::Immutable { .. }
                | DepotError::Quota { .. }),
            ) => {
                self.fail(&waiting.digest, &error.to_string());
                Ok(Step::Done)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Brings a blob; false if it cannot be, which is in the report then.
    async fn blob(&mut self, digest: &Digest) -> Result<bool, Error> {
        let path = self.found.blobs.path(digest);
        match self.depot.adopt_blob(&self.found.name, digest, &path).await {
            Ok(Adopted::Known) => self.report.known += 1,
            Ok(Adopted::Linked(bytes)) => {
                self.report.linked += 1;
                self.report.bytes += bytes;
            }
            Ok(Adopted::Copied(bytes)) => {
                self.report.copied += 1;
                self.report.bytes += bytes;
            }
            Err(DepotError::DigestWrong { .. }) => {
                self.fail(digest, "its content has another digest");
                return Ok(false);
            }
            Err(DepotError::BlobUnknown { .. }) => {
                self.fail(digest, "it is not in the source");
                return Ok(false);
            }
            Err(error @ (DepotError::TooLarge { .. } | DepotError::Quota { .. })) => {
                self.fail(digest, &error.to_string());
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }
}

enum Step {
    Done,
    Missing(Vec<Digest>),
}

#[derive(Deserialize)]
struct Shape {
    manifests: Option<IgnoredAny>,
}

// An image has layers, an index manifests.
fn is_index(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Shape>(bytes).is_ok_and(|shape| shape.manifests.is_some())
}
