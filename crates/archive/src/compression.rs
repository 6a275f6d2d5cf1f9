//! Decompression of streams, with limits on memory.

use std::fmt;
use std::io::{self, BufReader, Read};

use crate::{Error, Result};

const INPUT_BYTES: usize = 128 << 10;
/// `xz -9` needs 65 MiB; files that ask for much more are attacks.
const XZ_MEMORY_BYTES_MAX: u64 = 192 << 20;
/// What `zstd -d` takes without `--long`: 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952), one member or many.
    Gzip,
    /// Zstandard (RFC 8878), one frame or many.
    Zstd,
    /// xz, one stream or many.
    Xz,
    /// bzip2, one stream or many.
    Bzip2,
}

impl Compression {
    /// Tells by the first bytes; six are enough.
    pub fn sniff(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, which `pzstd` and seekable zstd write first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // Its first block, or none of an empty one.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// The decompressed stream. How much comes out is for the caller to bound.
pub fn decoder(
    reader: Box<dyn Read + Send>,
    compression: Compression,
) -> Result<Box<dyn Read + Send>> {
    if compression == Compression::None {
        return Ok(reader);
    }
    let input = BufReader::with_capacity(INPUT_BYTES, ReadErrors(reader));
    let inner: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(decoder)
        }
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(
                XZ_MEMORY_BYTES_MAX,
                liblzma::stream::CONCATENATED,
            )
            .map_err(|error| Error::Compression { compression, reason: error.to_string() })?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
    };
    Ok(Box::new(Decoder { inner, compression }))
}

/// Tells the compression of a stream; the stream is whole again.
pub fn detect(mut reader: Box<dyn Read + Send>) -> Result<(Compression, Box<dyn Read + Send>)> {
    let mut start = Vec::with_capacity(6);
    reader.by_ref().take(6).read_to_end(&mut start)?;
    let compression = Compression::sniff(&start);
    Ok((compression, Box::new(io::Cursor::new(start).chain(reader))))
}

/// The decompressed stream, whatever its compression.
pub fn open(reader: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>> {
    let (compression, reader) = detect(reader)?;
    decoder(reader, compression)
}

// Names the format in what the decoders say, and leaves alone what the source below them said.
struct Decoder {
    inner: Box<dyn Read + Send>,
    compression: Compression,
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            match error.downcast::<SourceError>() {
                Ok(source) => source.0,
                Err(own) => {
                    Error::Compression { compression: self.compression, reason: reason(&own) }
                        .into()
                }
            }
        })
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends early".to_owned(),
        _ => error.to_string(),
    }
}

struct ReadErrors(Box<dyn Read + Send>);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SourceError(io::Error);

impl Read for ReadErrors {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, SourceError(error)),
        })
    }
}
