//! What clients of a registry write in paths, queries and headers.

use sealift_registry::api::{
    Address, AskedRange, Query, asked_page, asked_range, chunk, decoded, encoded, link,
};

use crate::text;

const SIZE: u64 = 5000;

/// A line with a path, one with a query, one with a range, one with the range of a chunk.
pub fn requests(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    if let Ok(address) = Address::parse(line())
        && let Some(repository) = address.repository()
    {
        let is_sound = |part: &str| !part.is_empty() && !part.starts_with(['.', '_', '-']);
        assert!(repository.as_str().split('/').all(is_sound), "a repository: {repository}");
    }
    let query = line();
    let read = Query::parse(query);
    for is_strict in [false, true] {
        if let Ok(asked) = asked_page(&read, 1000, is_strict) {
            assert!(asked.limit <= 1000, "a page without end");
            let link = link("/v2/_catalog", asked.after.unwrap_or("a"), asked.limit, &[]);
            assert!(link.is_ascii() && !link.contains('\n'), "a link that is no header: {link}");
        }
    }
    assert_eq!(decoded(&encoded(query)).as_deref(), Some(query), "a query comes back as another");
    if let AskedRange::Part(range) = asked_range(Some(line()), SIZE) {
        assert!(range.start < range.end && range.end <= SIZE, "a range of no bytes: {range:?}");
    }
    if let Some(chunk) = chunk(line()) {
        assert!(chunk.length > 0, "a chunk of no bytes");
    }
}
