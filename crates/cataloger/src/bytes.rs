//! Numbers in bytes; `None` beyond the end.

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// The most significant byte first.
    Big,
    /// The least significant byte first.
    Little,
}

/// Two bytes.
pub fn u16_at(bytes: &[u8], at: usize, endian: Endian) -> Option<u16> {
    let two: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(match endian {
        Endian::Big => u16::from_be_bytes(two),
        Endian::Little => u16::from_le_bytes(two),
    })
}

/// Four bytes.
pub fn u32_at(bytes: &[u8], at: usize, endian: Endian) -> Option<u32> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(match endian {
        Endian::Big => u32::from_be_bytes(four),
        Endian::Little => u32::from_le_bytes(four),
    })
}

/// Four bytes, as a size or place.
pub fn size_at(bytes: &[u8], at: usize, endian: Endian) -> Option<usize> {
    usize::try_from(u32_at(bytes, at, endian)?).ok()
}

/// So many bytes from there.
pub fn slice(bytes: &[u8], at: usize, size: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(size)?)
}

/// Eight bytes.
pub fn u64_at(bytes: &[u8], at: usize, endian: Endian) -> Option<u64> {
    let eight: [u8; 8] = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
    Some(match endian {
        Endian::Big => u64::from_be_bytes(eight),
        Endian::Little => u64::from_le_bytes(eight),
    })
}
