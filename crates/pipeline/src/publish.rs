//! The advisory database as an image in a registry: signed, copied and kept like any other, and fetched in pieces, of
//! which only those that have changed.
//!
//! Each layer is a tar of one file, `core.db/000` or `texts.db/000`: a piece of the database's file of that name. Where a
//! piece ends its own bytes decide (content-defined chunking), so that a change moves no other piece's ends.

use std::io::Read as _;
use std::path::Path;

use rayon::prelude::*;
use sealift_archive::{EntryKind, Header, Limits, RelativePath, tar};
use sealift_database::{Built, CORE_NAME, Database, TEXTS_NAME};
use sealift_oci::{Descriptor, Digest, ImageConfig, Manifest, Raw, Reference, media_type};

use crate::keys::{Signer, TrustedKey};
use crate::open::Opened;
use crate::transfer::Delivery;
use crate::verify::{Proof, VerifyRequest};
use crate::{Error, Session};

/// What the manifest says that it is.
pub const ARTIFACT_TYPE: &str = "application/vnd.dev.sealift.database.v1";

const LEVEL: i32 = 12;
const PIECE_BYTES_MIN: usize = 64 << 10;
const PIECE_BYTES_MAX: usize = 2 << 20;
// A piece ends where these bits of the rolling sum are 0: 512 KiB after its least size, on average.
const PIECE_MASK: u64 = 0x7ffff << 40;
const FILE_BYTES_MAX: u64 = 4 << 30;
// Clocks differ a little.
const FUTURE_SECS_MAX: i64 = 86_400;

/// Puts the database of a folder into the local store under a name, signs it, and sends it to that name's registry.
pub fn push(
    session: &Session<'_>,
    folder: &Path,
    name: &Reference,
    signer: &Signer,
) -> Result<Delivery, Error> {
    crate::seal::sign_and_push(session, &pack(session, folder)?, name, signer)
}

fn pack(session: &Session<'_>, folder: &Path) -> Result<Descriptor, Error> {
    let database = Database::open(folder)?;
    let damaged = |source| sealift_database::Error::Damaged { path: folder.to_owned(), source };
    database.check().map_err(damaged)?;
    let mut config = ImageConfig { os: "linux".to_owned(), ..ImageConfig::default() };
    config.architecture = session.wanted_platform().architecture;
    config.created = Some(crate::seal::timestamp(database.made_secs()).to_string());
    let mut layers = Vec::new();
    for name in [CORE_NAME, TEXTS_NAME] {
        let path = folder.join(name);
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(|error| Error::file("read", &path, error))?;
        let pieces: Vec<(usize, &[u8])> = pieces(&bytes).into_iter().enumerate().collect();
        let packed: Vec<(Digest, Vec<u8>)> = pieces
            .par_iter()
            .map(|(number, piece)| layer(name, *number, piece))
            .collect::<Result<_, std::io::Error>>()
            .map_err(|error| Error::file("pack", &path, error))?;
        session.check()?;
        for (diff_id, blob) in packed {
            let digest = session.store.put_blob(&blob)?;
            layers.push(Descriptor::new(media_type::LAYER_ZSTD, digest, blob.len() as u64));
            config.rootfs.diff_ids.push(diff_id);
        }
    }
    let created = config.created.clone();
    let config = Raw::encode(config);
    let kind = media_type::CONFIG;
    let config_descriptor = Descriptor::new(kind, config.digest().clone(), config.size());
    session.store.put_blob(config.bytes())?;
    let mut manifest = Manifest::new(config_descriptor, layers);
    manifest.artifact_type = Some(ARTIFACT_TYPE.to_owned());
    let created = created.map(|time| (CREATED.to_owned(), time));
    manifest.annotations.extend(created);
    let manifest = Raw::encode(manifest);
    session.store.put_blob(manifest.bytes())?;
    Ok(Descriptor::new(media_type::MANIFEST, manifest.digest().clone(), manifest.size()))
}

const CREATED: &str = "org.opencontainers.image.created";

fn layer(name: &str, number: usize, piece: &[u8]) -> std::io::Result<(Digest, Vec<u8>)> {
    let path = RelativePath::parse(format!("{name}/{number:05}").as_bytes())?;
    let mut header = Header::new(path, EntryKind::File);
    header.size = piece.len() as u64;
    header.mode = 0o644;
    let mut bytes = Vec::with_capacity(piece.len() + 2048);
    let mut archive = tar::Writer::new(&mut bytes);
    archive.append(&header, &mut &*piece)?;
    archive.finish()?;
    Ok((Digest::sha256(&bytes), zstd::bulk::compress(&bytes, LEVEL)?))
}

/// Where the bytes of a piece end, they alone decide.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let table = gears();
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let limit = rest.len().min(PIECE_BYTES_MAX);
        let mut sum = 0_u64;
        let mut end = limit;
        // The sum forgets a byte after 64 more.
        for (place, byte) in rest[..limit].iter().enumerate().skip(PIECE_BYTES_MIN - 64) {
            sum = (sum << 1).wrapping_add(table[usize::from(*byte)]);
            if place >= PIECE_BYTES_MIN && sum & PIECE_MASK == 0 {
                end = place;
                break;
            }
        }
        let (piece, more) = rest.split_at(end);
        pieces.push(piece);
        rest = more;
    }
    pieces
}

// A number for each byte, by SplitMix64 (Steele, Lea, Flood 2014).
fn gears() -> [u64; 256] {
    let mut state = 0_u64;
    std::array::from_fn(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// What was taken from a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Digest of what the name stood for.
    pub digest: Digest,
    /// Pieces in all.
    pub pieces: usize,
    /// Pieces that were fetched; the others were here.
    pub fetched: usize,
}

/// Brings the database of a registry into a folder, if a trusted key has signed it and it is not older than the one
/// there.
pub fn take(
    session: &Session<'_>,
    name: &Reference,
    keys: Vec<TrustedKey>,
    folder: &Path,
) -> Result<(Database, Taken), Error> {
    let request = VerifyRequest {
        keys,
        require: vec![Proof::Signature],
        policy: crate::judge::PolicyRequest::default(),
        fail_on: None,
        hashing: crate::verify::Hashing::default(),
    };
    crate::verify::check_keys(&request)?;
    let name = name.clone().or_latest();
    let (descriptor, bytes) = session.network.manifest(&name)?;
    let manifest = Raw::<Manifest>::parse(bytes, "manifest of an advisory database")?;
    if manifest.value().artifact_type.as_deref() != Some(ARTIFACT_TYPE) {
        return Err(Error::usage(
            format!("`{}` is no advisory database", name.familiar()),
            "`sealift db push NAME` makes one",
        ));
    }
    let here = |layer: &&Descriptor| session.store.has_blob(&layer.digest);
    let pieces = manifest.value().layers.len();
    let fetched = pieces - manifest.value().layers.iter().filter(here).count();
    // By its digest: the name may stand for something else in a moment.
    let pinned = name.at_digest(&descriptor.digest);
    crate::transfer::fetch(session, &pinned)?;
    let opened = crate::open::open_descriptor(session, &descriptor, &name)?;
    crate::verify::verify(session, &opened, &request)?;
    let built = unpack(&opened)?;
    let damaged = |source| sealift_database::Error::Damaged { path: folder.to_owned(), source };
    let texts = (!built.texts.is_empty()).then(|| built.texts.clone());
    let new = Database::of_bytes(built.core.clone(), texts).map_err(damaged)?;
    new.check().map_err(damaged)?;
    // Somebody in between may show an old one, whose signature is as good as ever. One of a wrong clock stops nothing.
    if let Ok(old) = Database::open(folder)
        && old.made_secs() > new.made_secs()
        && old.made_secs() <= session.now_secs.saturating_add(FUTURE_SECS_MAX)
    {
        return Err(Error::Refused {
            what: name.familiar(),
            why: "it is older than the database that is here".to_owned(),
        });
    }
    Database::install(folder, &built)?;
    Ok((Database::open(folder)?, Taken { digest: descriptor.digest, pieces, fetched }))
}

fn unpack(opened: &Opened) -> Result<Built, Error> {
    let mut built = Built::default();
    for number in 0..opened.image.manifest.value().layers.len() {
        let mut layer = opened.image.open_layer(number)?;
        let fail = |error: std::io::Error| Error::file("read", Path::new("a layer"), error);
        let limits =
            Limits { entry_bytes_max: FILE_BYTES_MAX, entries_max: 1, ..Limits::default() };
        let mut archive = tar::Reader::new(&mut layer, limits);
        while let Some(mut entry) = archive.next_entry().map_err(|error| fail(error.into()))? {
            let path = entry.header().path.as_bytes();
            let file = path.split(|byte| *byte == b'/').next().unwrap_or_default();
            let bytes = match file {
                name if name == CORE_NAME.as_bytes() => &mut built.core,
                name if name == TEXTS_NAME.as_bytes() => &mut built.texts,
                _ => continue,
            };
            let left = FILE_BYTES_MAX.saturating_sub(bytes.len() as u64);
            entry.by_ref().take(left).read_to_end(bytes).map_err(fail)?;
        }
    }
    Ok(built)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(len).collect()
    }

    #[test]
    fn a_change_moves_no_other_piece() {
        let old = noise(20 << 20);
        let mut new = old.clone();
        new.splice(9_000_000..9_000_000, *b"something more");
        let known: BTreeSet<&[u8]> = pieces(&old).into_iter().collect();
        let changed = pieces(&new).into_iter().filter(|piece| !known.contains(piece)).count();
        assert!(known.len() > 15, "{} pieces", known.len());
        assert!(changed <= 2, "{changed} of {} pieces changed", known.len());
        assert_eq!(pieces(&new).concat(), new);
        assert!(pieces(&new).iter().all(|piece| piece.len() <= PIECE_BYTES_MAX));
    }

    #[test]
    fn little_and_nothing() {
        assert!(pieces(b"").is_empty());
        assert_eq!(pieces(b"a"), [b"a"]);
        let same = vec![0; 5 << 20];
        assert_eq!(pieces(&same).concat(), same);
    }
}
