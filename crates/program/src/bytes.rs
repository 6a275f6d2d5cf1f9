//! Numbers in bytes; `None` beyond the end.

/// The order of a number's bytes.
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

/// Eight bytes.
pub fn u64_at(bytes: &[u8], at: usize, endian: Endian) -> Option<u64> {
    let eight: [u8; 8] = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
    Some(match endian {
        Endian::Big => u64::from_be_bytes(eight),
        Endian::Little => u64::from_le_bytes(eight),
    })
}

/// Four bytes, as a size or place.
pub fn size_at(bytes: &[u8], at: usize, endian: Endian) -> Option<usize> {
    usize::try_from(u32_at(bytes, at, endian)?).ok()
}

/// So many bytes from there.
pub fn slice<N: TryInto<usize>>(bytes: &[u8], at: N, size: N) -> Option<&[u8]> {
    let (at, size) = (at.try_into().ok()?, size.try_into().ok()?);
    bytes.get(at..at.checked_add(size)?)
}

/// What is there of so many bytes from there.
pub fn available(bytes: &[u8], at: u64, size: u64) -> &[u8] {
    let Some(rest) = usize::try_from(at).ok().and_then(|at| bytes.get(at..)) else { return &[] };
    &rest[..usize::try_from(size).map_or(rest.len(), |size| size.min(rest.len()))]
}

/// The bytes before the first zero, at most so many.
pub fn text(bytes: &[u8], max: usize) -> &[u8] {
    let bytes = &bytes[..bytes.len().min(max)];
    &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
}
