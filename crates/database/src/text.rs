//! The texts of records, in blocks that are compressed each by itself: only what is shown is read.

use rayon::prelude::*;
use sealift_model::Advisory;
use serde::{Deserialize, Serialize};

use crate::file::{Damaged, File};

pub(crate) const MAGIC: [u8; 8] = *b"SLFTtext";

const DATABASE: u64 = 1;
const BLOCK_ENDS: u64 = 2;
const BLOCKS: u64 = 3;
const PLACES: u64 = 4;

// So many bytes are compressed together, give or take: a block ends before a record whose id says so, so that a new
// record changes its own block and no other.
const BLOCK_BYTES_MIN: usize = 24 << 10;
const BLOCK_BYTES_SOFT: usize = 192 << 10;
const ENDS_ONE_IN: u32 = 24;
const BLOCK_BYTES_MAX: usize = 64 << 20;
const LEVEL: i32 = 8;

/// What only people read of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// One line.
    pub summary: Option<String>,
    /// The whole text.
    pub details: Option<String>,
    /// When it was published, RFC 3339.
    pub published: Option<String>,
    /// When it last changed, RFC 3339.
    pub modified: Option<String>,
    /// Kinds of weakness, `CWE-79`.
    pub cwes: Vec<String>,
    /// Links.
    pub references: Vec<String>,
}

impl Text {
    fn of(advisory: &Advisory) -> Self {
        Self {
            summary: advisory.summary.clone(),
            details: advisory.details.clone(),
            published: advisory.published.clone(),
            modified: advisory.modified.clone(),
            cwes: advisory.cwes.clone(),
            references: advisory.references.clone(),
        }
    }
}

/// The bytes of the file of texts that belongs to a database.
pub(crate) fn encode(database: [u8; 32], made_secs: i64, records: &[Advisory]) -> Vec<u8> {
    let texts: Vec<Vec<u8>> = records
        .par_iter()
        .map(|record| postcard::to_stdvec(&Text::of(record)).unwrap_or_default())
        .collect();
    let mut places = Vec::with_capacity(records.len() * 8);
    let mut blocks: Vec<Vec<u8>> = vec![Vec::new()];
    for (record, text) in records.iter().zip(texts) {
        let len = blocks.last().map_or(0, Vec::len);
        let is_end = crc32fast::hash(record.id.as_bytes()).is_multiple_of(ENDS_ONE_IN);
        if len >= BLOCK_BYTES_SOFT || (len >= BLOCK_BYTES_MIN && is_end) {
            blocks.push(Vec::new());
        }
        let number = blocks.len() - 1;
        let block = &mut blocks[number];
        for half in [number, block.len()] {
            places.extend_from_slice(&u32::try_from(half).unwrap_or(u32::MAX).to_le_bytes());
        }
        block.extend_from_slice(&text);
    }
    // Memory is the only thing that can fail here, and an empty block is found out when it is read.
    let blocks: Vec<Vec<u8>> = blocks
        .par_iter()
        .map(|block| zstd::bulk::compress(block, LEVEL).unwrap_or_default())
        .collect();
    let (ends, blocks) = crate::build::joined(blocks);
    let sections =
        [(DATABASE, database.to_vec()), (BLOCK_ENDS, ends), (BLOCKS, blocks), (PLACES, places)];
    crate::file::assemble(MAGIC, made_secs, &sections)
}

/// The texts of a database.
pub(crate) struct Texts(File);

impl Texts {
    /// Those of this file, if they belong to the database.
    pub(crate) fn of(file: File, database: [u8; 32]) -> Result<Self, Damaged> {
        if file.section(DATABASE)? == database { Ok(Self(file)) } else { Err(Damaged::OtherTexts) }
    }

    /// The text of a record.
    pub(crate) fn text(&self, record: u32) -> Result<Text, Damaged> {
        let place = record as usize * 2;
        let (block, start) = (self.0.half(PLACES, place)?, self.0.half(PLACES, place + 1)?);
        let block = self.0.entry(BLOCK_ENDS, BLOCKS, block)?;
        let block = inflate(block)?;
        let bytes = block.get(start..).ok_or(Damaged::Content)?;
        postcard::take_from_bytes(bytes).map(|(text, _)| text).map_err(|_| Damaged::Content)
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}

fn inflate(block: &[u8]) -> Result<Vec<u8>, Damaged> {
    let size = zstd::zstd_safe::get_frame_content_size(block).ok().flatten();
    let size = size.and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|size| *size <= BLOCK_BYTES_MAX).ok_or(Damaged::Content)?;
    zstd::bulk::decompress(block, size).map_err(|_| Damaged::Content)
}
