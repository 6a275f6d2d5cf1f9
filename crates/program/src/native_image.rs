//! GraalVM's native images: a CycloneDX document within, compressed, behind the symbols `sbom` and `sbom_length`
//! (graalvm.org, "Embedding Software Bill of Materials").

use std::io::Read;

use flate2::read::GzDecoder;

use crate::bytes::u64_at;
use crate::container::{Format, Program};

const BYTES_MAX: usize = 32 << 20;

/// The document of a native image, uncompressed; an error says why it cannot be read.
pub fn document(program: &Program<'_>) -> Option<Result<Vec<u8>, String>> {
    let [document, length] = match program.format {
        Format::MachO => ["_sbom", "_sbom_length"],
        _ => ["sbom", "sbom_length"],
    };
    let (length_at, _) = program.symbol(length)?;
    let (address, _) = program.symbol(document)?;
    let length = u64_at(program.memory(length_at, 8)?, 0, program.endian)?;
    let packed = program.memory(address, length)?;
    let mut json = Vec::new();
    let read = GzDecoder::new(packed).take(BYTES_MAX as u64 + 1).read_to_end(&mut json);
    Some(match read {
        Ok(_) if json.len() <= BYTES_MAX => Ok(json),
        _ => Err("its list of components cannot be unpacked or is too large".to_owned()),
    })
}
