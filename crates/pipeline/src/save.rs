//! Saving an image as one tar that is an OCI layout and a Docker archive at once: `docker load`, `podman load`, skopeo's
//! `oci-archive:` and `docker-archive:` read it. Its artifacts go with it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Cursor, Read, Write};
use std::path::Path;

use sealift_archive::{EntryKind, Header, RelativePath, tar};
use sealift_oci::{ANNOTATION_REF_NAME, Descriptor, Digest, Index, Raw, Reference};
use serde::Serialize;

use crate::open::Opened;
use crate::{Error, Session};

const SUBJECT: &str = "dev.sealift.subject";

/// One line of Docker's `manifest.json` (moby, image/tarexport).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEntry {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes the archive. A file that is there already is replaced only once the new one is whole.
pub fn save(session: &Session<'_>, opened: &Opened, path: &Path) -> Result<u64, Error> {
    let fail = |source| Error::file("write", path, source);
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = std::path::PathBuf::from(name);
    let written = File::create(&part).map_err(fail).and_then(|file| {
        let file = write(session, opened, BufWriter::new(file), path)?;
        file.into_inner().map_err(|error| fail(error.into_error()))?.sync_all().map_err(fail)
    });
    let written = written.and_then(|()| std::fs::rename(&part, path).map_err(fail));
    if let Err(error) = written {
        // What is half written is of no use to anybody.
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    Ok(std::fs::metadata(path).map_err(fail)?.len())
}

fn write<W: Write>(
    session: &Session<'_>,
    opened: &Opened,
    out: W,
    path: &Path,
) -> Result<W, Error> {
    let mut archive = Archive { tar: tar::Writer::new(out), path };
    archive.small("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    archive.small("index.json", Raw::encode(index(opened)).bytes())?;
    archive.small("manifest.json", &docker_manifest(opened))?;
    let image = &opened.image;
    let mut blobs: BTreeMap<Digest, (Descriptor, Source)> = BTreeMap::new();
    let manifest = image.manifest.value();
    for descriptor in manifest.layers.iter().chain([&manifest.config, &opened.descriptor]) {
        blobs.insert(descriptor.digest.clone(), (descriptor.clone(), Source::Image));
    }
    let chosen = Descriptor::new("", image.manifest.digest().clone(), image.manifest.size());
    blobs.entry(chosen.digest.clone()).or_insert((chosen, Source::Image));
    for (entry, artifact) in opened.referrers.manifests.iter().zip(opened.referrers.read()?) {
        let value = artifact.value();
        for descriptor in value.layers.iter().chain([&value.config, entry]) {
            blobs.insert(descriptor.digest.clone(), (descriptor.clone(), Source::Referrers));
        }
    }
    for (descriptor, source) in blobs.values() {
        session.check()?;
        let source = match source {
            Source::Image => image.blobs(),
            Source::Referrers => &opened.referrers.source,
        };
        archive.blob(descriptor, &mut *source.open(descriptor)?)?;
    }
    archive.finish()
}

#[derive(Clone, Copy)]
enum Source {
    Image,
    Referrers,
}

fn index(opened: &Opened) -> Index {
    let mut entry = opened.descriptor.clone();
    if let Some(reference) = &opened.reference {
        entry.annotations.insert(ANNOTATION_REF_NAME.to_owned(), reference.familiar());
    }
    let artifacts = opened.referrers.manifests.iter().map(|artifact| {
        let mut artifact = artifact.clone();
        artifact.annotations.insert(SUBJECT.to_owned(), opened.descriptor.digest.to_string());
        artifact
    });
    Index::new([entry].into_iter().chain(artifacts).collect())
}

fn docker_manifest(opened: &Opened) -> Vec<u8> {
    let manifest = opened.image.manifest.value();
    let entry = DockerEntry {
        config: blob_path(&manifest.config.digest),
        repo_tags: opened
            .reference
            .iter()
            .filter(|name| name.tag().is_some())
            .map(Reference::familiar)
            .collect(),
        layers: manifest.layers.iter().map(|layer| blob_path(&layer.digest)).collect(),
    };
    serde_json::to_vec(&[entry]).expect("texts and lists of texts")
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

struct Archive<'a, W: Write> {
    tar: tar::Writer<W>,
    path: &'a Path,
}

impl<W: Write> Archive<'_, W> {
    fn small(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.entry(name, bytes.len() as u64, &mut Cursor::new(bytes))
    }

    fn blob(&mut self, descriptor: &Descriptor, content: &mut dyn Read) -> Result<(), Error> {
        self.entry(&blob_path(&descriptor.digest), descriptor.size, content)
    }

    fn entry(&mut self, name: &str, size: u64, content: &mut dyn Read) -> Result<(), Error> {
        let path = RelativePath::parse(name.as_bytes()).expect("our own names are relative paths");
        let mut header = Header::new(path, EntryKind::File);
        header.mode = 0o644;
        header.size = size;
        self.tar.append(&header, content).map_err(|error| self.fail(error))
    }

    fn finish(self) -> Result<W, Error> {
        let path = self.path;
        self.tar
            .finish()
            .map_err(|error| Error::file("write", path, std::io::Error::other(error.to_string())))
    }

    fn fail(&self, error: sealift_archive::Error) -> Error {
        let source = match error {
            sealift_archive::Error::Io(source) => source,
            other => std::io::Error::other(other.to_string()),
        };
        Error::file("write", self.path, source)
    }
}
