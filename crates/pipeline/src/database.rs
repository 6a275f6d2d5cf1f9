//! The advisory database beside the store: made, opened, and carried to where there is no network.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sealift_advisory::Wanted;
use sealift_archive::{EntryKind, Header, Limits, RelativePath, tar};
use sealift_database::{Built, CORE_NAME, Contents, Database, TEXTS_NAME, build as make};

use sealift_model::Note;

use crate::{Error, Session, advisories};

// What a database may have to be imported.
const FILE_BYTES_MAX: u64 = 4 << 30;
const LEVEL: i32 = 12;

/// Where the database lies that is used when no other is named.
pub fn folder(session: &Session<'_>) -> PathBuf {
    session.store.root().join("database")
}

/// Makes a database of all advisories in these places, and puts it into a folder. The notes stand in it beside those on
/// what could not be read.
pub fn build(
    session: &Session<'_>,
    from: &[PathBuf],
    notes: &[Note],
    folder: &Path,
) -> Result<Database, Error> {
    let (made_secs, notes) = (session.document_secs(), notes.to_vec());
    let mut all = Contents { made_secs, notes, ..Contents::default() };
    for path in from {
        let more = advisories::read(path, Wanted::All, all.made_secs)?;
        all.advisories.extend(more.advisories);
        all.kev.extend(more.kev);
        all.epss.extend(more.epss);
        all.lives.extend(more.lives);
        all.repositories.extend(more.repositories);
        all.sources.extend(more.sources);
        all.notes.extend(more.notes);
        session.check()?;
    }
    Database::install(folder, &make(all))?;
    Ok(Database::open(folder)?)
}

/// The bytes of the core as it is sent over a wire, compressed.
pub fn compressed_core(folder: &Path) -> Result<usize, Error> {
    let path = folder.join(CORE_NAME);
    let fail = |source| Error::file("read", &path, source);
    let bytes = fs::read(&path).map_err(fail)?;
    Ok(zstd::bulk::compress(&bytes, 19).map_err(fail)?.len())
}

/// Writes the database of a folder into one file.
pub fn export(folder: &Path, path: &Path) -> Result<u64, Error> {
    Database::open(folder)?
        .check()
        .map_err(|source| sealift_database::Error::Damaged { path: folder.to_owned(), source })?;
    let fail = |source| Error::file("write", path, source);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let part = tempfile::NamedTempFile::new_in(parent.unwrap_or(Path::new("."))).map_err(fail)?;
    let mut compressed = zstd::Encoder::new(part, LEVEL).map_err(fail)?;
    let mut archive = tar::Writer::new(&mut compressed);
    for name in [CORE_NAME, TEXTS_NAME] {
        let file = folder.join(name);
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if name == TEXTS_NAME && error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::file("read", &file, error)),
        };
        let place = RelativePath::parse(name.as_bytes()).map_err(|error| fail(error.into()))?;
        let mut header = Header::new(place, EntryKind::File);
        header.size = bytes.len() as u64;
        header.mode = 0o644;
        archive.append(&header, &mut bytes.as_slice()).map_err(|error| fail(error.into()))?;
    }
    archive.finish().map_err(|error| fail(error.into()))?;
    let mut part = compressed.finish().map_err(fail)?;
    part.flush().map_err(fail)?;
    let file = part.persist(path).map_err(|error| fail(error.error))?;
    Ok(file.metadata().map_err(fail)?.len())
}

/// Puts the database of an exported file into a folder. One that is not whole is refused, and the old one stays.
pub fn import(path: &Path, folder: &Path) -> Result<Database, Error> {
    let fail = |source| Error::file("read", path, source);
    let input = Box::new(File::open(path).map_err(fail)?);
    let bad = |source| Error::NoExport { path: path.to_owned(), source };
    let input = sealift_archive::open(input).map_err(|error| bad(error.into()))?;
    let limits = Limits { entry_bytes_max: FILE_BYTES_MAX, entries_max: 16, ..Limits::default() };
    let mut archive = tar::Reader::new(input, limits);
    let mut built = Built::default();
    while let Some(mut entry) = archive.next_entry().map_err(|error| bad(error.into()))? {
        let bytes = match entry.header().path.as_bytes() {
            name if name == CORE_NAME.as_bytes() => &mut built.core,
            name if name == TEXTS_NAME.as_bytes() => &mut built.texts,
            _ => continue,
        };
        entry.read_to_end(bytes).map_err(bad)?;
    }
    let damaged = |source| sealift_database::Error::Damaged { path: path.to_owned(), source };
    let texts = (!built.texts.is_empty()).then(|| built.texts.clone());
    let whole =
        Database::of_bytes(built.core.clone(), texts).and_then(|it| it.check().map(|()| it));
    whole.map_err(damaged)?;
    Database::install(folder, &built)?;
    Ok(Database::open(folder)?)
}
