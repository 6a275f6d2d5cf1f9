//! Temporary folders of advisories.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sealift_advisory::{Ecosystem, Error, Feed, Wanted};
use sealift_model::{Advisory, Affected, Note};
use zip::write::{SimpleFileOptions, ZipWriter};

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            folder.write(name, content.as_bytes());
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn zip(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        self.write(name, &writer.finish().unwrap().into_inner())
    }
}

pub(crate) fn record(id: &str, ecosystem: &str, name: &str) -> String {
    format!(
        r#"{{"id": "{id}", "modified": "2024-01-01T00:00:00Z", "affected": [{{
            "package": {{"ecosystem": "{ecosystem}", "name": "{name}"}},
            "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "2"}}]}}]
        }}]}}"#
    )
}

pub(crate) fn open(path: &Path, wanted: &[&str]) -> Result<(Feed, Vec<Note>), Error> {
    let wanted: Vec<Ecosystem> = wanted.iter().map(|text| Ecosystem::parse(text)).collect();
    let mut feed = Feed::read(path, Wanted::Only(&wanted))?;
    let notes = std::mem::take(&mut feed.notes);
    Ok((feed, notes))
}

/// The ids of the advisories on a package.
pub(crate) fn ids(feed: &Feed, ecosystem: &str, name: &str) -> Vec<String> {
    entries(feed, ecosystem, name).map(|(advisory, _)| advisory.id.clone()).collect()
}

/// What is said of a package: for this release or for all.
pub(crate) fn entries<'a>(
    feed: &'a Feed,
    ecosystem: &str,
    name: &'a str,
) -> impl Iterator<Item = (&'a Advisory, &'a Affected)> {
    let ecosystem = Ecosystem::parse(ecosystem);
    let all = feed.advisories.iter().flat_map(|it| it.affected.iter().map(move |one| (it, one)));
    all.filter(move |(_, affected)| {
        let known = &affected.ecosystem;
        let is_of =
            *known == ecosystem || (known.release.is_none() && known.name == ecosystem.name);
        is_of && affected.name == name
    })
}
