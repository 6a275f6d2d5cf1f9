//! Packs for tests, made without Git; ids are numbers and no hashes.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::Id;

/// What an entry is.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Commit,
    Tree,
    Blob,
    Tag,
    /// A delta upon the object of this number, by its distance.
    UponOffset(u8),
    /// A delta upon the object of this number, by its id.
    UponId(u8),
}

pub(crate) fn id(number: u8) -> Id {
    Id::from_bytes(&[number; 20]).unwrap()
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Index and pack of some objects; sizes are below two kilobytes.
pub(crate) fn pack(objects: &[(u8, Form, Vec<u8>)]) -> (Vec<u8>, Vec<u8>) {
    let mut bytes = b"PACK\0\0\0\x02\0\0\0\x09".to_vec();
    let mut places: Vec<(u8, usize)> = Vec::new();
    for (number, form, content) in objects {
        let start = bytes.len();
        let kind = match form {
            Form::Commit => 1,
            Form::Tree => 2,
            Form::Blob => 3,
            Form::Tag => 4,
            Form::UponOffset(_) => 6,
            Form::UponId(_) => 7,
        };
        let low = u8::try_from(content.len() & 15).unwrap();
        bytes.push(0x80 | kind << 4 | low);
        bytes.push(u8::try_from(content.len() >> 4).unwrap());
        match form {
            Form::UponOffset(base) => {
                let base = places.iter().find(|(known, _)| known == base).unwrap().1;
                let back = u8::try_from(start - base).unwrap();
                assert!(back < 128, "one byte is enough for tests");
                bytes.push(back);
            }
            Form::UponId(base) => bytes.extend(id(*base).as_bytes()),
            _ => {}
        }
        bytes.extend(deflate(content));
        places.push((*number, start));
    }
    bytes.extend([0; 20]);
    places.sort_unstable();
    let mut index = vec![0xff, b't', b'O', b'c', 0, 0, 0, 2];
    for slot in 0..=255_u8 {
        let count = places.iter().filter(|(number, _)| *number <= slot).count();
        index.extend(u32::try_from(count).unwrap().to_be_bytes());
    }
    index.extend(places.iter().flat_map(|(number, _)| [*number; 20]));
    index.extend(places.iter().flat_map(|_| [0; 4]));
    index.extend(places.iter().flat_map(|(_, start)| u32::try_from(*start).unwrap().to_be_bytes()));
    index.extend([0; 40]);
    (index, bytes)
}
