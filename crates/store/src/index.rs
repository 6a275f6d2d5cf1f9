//! `index.json`: the names of images, and the artifacts that refer to them.

use std::fs::{self, File};

use sealift_oci::{
    ANNOTATION_REF_NAME, Descriptor, Digest, Index, Manifest, Raw, Reference, media_type,
};

use crate::{Error, Store};

/// Marks an artifact's entry with the digest of what it refers to, so that referrers are found without reading each.
const ANNOTATION_SUBJECT: &str = "dev.sealift.subject";
/// Marks an artifact that registries have under a tag, as cosign's older form is, with that tag.
const ANNOTATION_TAG: &str = "dev.sealift.tag";

impl Store {
    /// Gives an image a name; another image of that name loses it.
    pub fn tag(&self, reference: &Reference, descriptor: &Descriptor) -> Result<(), Error> {
        let name = reference.familiar();
        let mut entry = descriptor.clone();
        entry.annotations.insert(ANNOTATION_REF_NAME.to_owned(), name.clone());
        self.change_index(|index| {
            index.manifests.retain(|known| name_of(known) != Some(name.as_str()));
            index.manifests.push(entry);
        })
    }

    /// Takes a name away. Returns false if there is none such.
    pub fn untag(&self, reference: &Reference) -> Result<bool, Error> {
        let name = reference.familiar();
        let mut found = false;
        self.change_index(|index| {
            let before = index.manifests.len();
            index.manifests.retain(|known| name_of(known) != Some(name.as_str()));
            found = index.manifests.len() < before;
        })?;
        Ok(found)
    }

    /// What a name or a digest stands for.
    pub fn resolve(&self, reference: &Reference) -> Result<Option<Descriptor>, Error> {
        let index = self.index()?;
        let mut entries = index.manifests.into_iter();
        let found = if let Some(digest) = reference.digest() {
            entries.find(|entry| entry.digest == *digest)
        } else {
            let name = reference.clone().or_latest().familiar();
            entries.find(|entry| name_of(entry) == Some(name.as_str()))
        };
        Ok(found.map(without_our_annotations))
    }

    /// All names, sorted.
    pub fn references(&self) -> Result<Vec<(Reference, Descriptor)>, Error> {
        let mut named: Vec<_> = self
            .index()?
            .manifests
            .into_iter()
            .filter_map(|entry| {
                let reference = Reference::parse(name_of(&entry)?).ok()?;
                Some((reference, without_our_annotations(entry)))
            })
            .collect();
        named.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(named)
    }

    /// Stores an artifact that refers to an image. Its blobs must be in the store already.
    pub fn add_referrer(&self, manifest: &Raw<Manifest>) -> Result<Descriptor, Error> {
        self.put_blob(manifest.bytes())?;
        let value = manifest.value();
        let mut entry =
            Descriptor::new(media_type::MANIFEST, manifest.digest().clone(), manifest.size());
        entry.artifact_type = Some(value.effective_artifact_type().to_owned());
        entry.annotations.clone_from(&value.annotations);
        let public = entry.clone();
        if let Some(subject) = &value.subject {
            entry.annotations.insert(ANNOTATION_SUBJECT.to_owned(), subject.digest.to_string());
        }
        self.change_index(|index| {
            index.manifests.retain(|known| known.digest != entry.digest);
            index.manifests.push(entry);
        })?;
        Ok(public)
    }

    /// Removes an artifact: its entry, its manifest and its layers. The config may be shared and stays.
    pub fn remove_referrer(&self, digest: &Digest) -> Result<(), Error> {
        let manifest =
            self.read_blob(digest).and_then(|bytes| Ok(Raw::<Manifest>::parse(bytes, "artifact")?));
        self.change_index(|index| {
            index.manifests.retain(|known| known.digest != *digest || name_of(known).is_some());
        })?;
        let layers = manifest.map(|manifest| manifest.value().layers.clone()).unwrap_or_default();
        for blob in layers.iter().map(|layer| &layer.digest).chain([digest]) {
            // Gone already is as good as removed.
            let _ = fs::remove_file(self.blob_path(blob));
        }
        Ok(())
    }

    /// The artifacts that refer to an image, oldest first.
    pub fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let subject = subject.to_string();
        let entries = self.index()?.manifests.into_iter();
        Ok(entries
            .filter(|entry| entry.annotations.get(ANNOTATION_SUBJECT) == Some(&subject))
            .map(without_our_annotations)
            .collect())
    }

    /// The artifact of an image that registries have under this tag.
    pub fn tagged(&self, subject: &Digest, tag: &str) -> Result<Option<Descriptor>, Error> {
        let mut entries = self.index()?.manifests.into_iter();
        Ok(entries.find(|entry| is_tagged(entry, subject, tag)).map(without_our_annotations))
    }

    /// Puts an artifact in the place of the one under this tag, if that is still the known one. Its blobs must be in
    /// the store already. False if somebody else was faster, and nothing is changed.
    pub fn replace_tagged(
        &self,
        subject: &Digest,
        tag: &str,
        known: Option<&Digest>,
        manifest: &Raw<Manifest>,
    ) -> Result<bool, Error> {
        self.put_blob(manifest.bytes())?;
        let mut entry =
            Descriptor::new(media_type::MANIFEST, manifest.digest().clone(), manifest.size());
        entry.annotations.insert(ANNOTATION_SUBJECT.to_owned(), subject.to_string());
        entry.annotations.insert(ANNOTATION_TAG.to_owned(), tag.to_owned());
        let mut is_replaced = false;
        self.change_index(|index| {
            let there = index.manifests.iter().position(|entry| is_tagged(entry, subject, tag));
            is_replaced = there.map(|place| &index.manifests[place].digest) == known;
            match there {
                Some(place) if is_replaced => index.manifests[place] = entry,
                None if is_replaced => index.manifests.push(entry),
                _ => {}
            }
        })?;
        Ok(is_replaced)
    }

    fn index(&self) -> Result<Index, Error> {
        let path = self.root().join("index.json");
        match fs::read(&path) {
            Ok(bytes) => Ok(Raw::<Index>::parse(bytes, "index.json of the store")?.value().clone()),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(Index::new(Vec::new()))
            }
            Err(source) => Err(Error::io("read", &path, source)),
        }
    }

    fn change_index(&self, change: impl FnOnce(&mut Index)) -> Result<(), Error> {
        let lock_path = self.root().join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|source| Error::io("open", &lock_path, source))?;
        lock.lock().map_err(|source| Error::io("lock", &lock_path, source))?;
        let mut index = self.index()?;
        change(&mut index);
        self.replace_file(&self.root().join("index.json"), Raw::encode(index).bytes())
        // The lock goes with the file handle.
    }
}

fn name_of(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(ANNOTATION_REF_NAME).map(String::as_str)
}

fn is_tagged(entry: &Descriptor, subject: &Digest, tag: &str) -> bool {
    let has = |name: &str, value: &str| entry.annotations.get(name).is_some_and(|own| own == value);
    has(ANNOTATION_TAG, tag) && has(ANNOTATION_SUBJECT, &subject.to_string())
}

fn without_our_annotations(mut descriptor: Descriptor) -> Descriptor {
    descriptor.annotations.remove(ANNOTATION_REF_NAME);
    descriptor.annotations.remove(ANNOTATION_SUBJECT);
    descriptor.annotations.remove(ANNOTATION_TAG);
    descriptor
}
