//! Versions, their order, and ranges of them.

use std::cmp::Ordering;

use sealift_version::{Event, Range, Scheme, Version, pep440_canonical};

use crate::text;

const VERSIONS_MAX: usize = 6;

/// Versions, one a line: their order is one, and ranges made of them hold what they should.
pub fn version(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for scheme in Scheme::ALL {
        let versions: Vec<Version> = text
            .lines()
            .take(VERSIONS_MAX)
            .filter_map(|line| Version::parse(scheme, line).ok())
            .collect();
        check_order(&versions);
        check_ranges(scheme, &versions);
    }
    for line in text.lines().take(VERSIONS_MAX) {
        let Ok(canonical) = pep440_canonical(line) else { continue };
        assert_eq!(pep440_canonical(&canonical).as_ref(), Ok(&canonical), "{line:?}");
        let (left, right) =
            (Version::parse(Scheme::Pep440, line), Version::parse(Scheme::Pep440, &canonical));
        assert_eq!(left, right, "the canonical form of {line:?} is another version");
    }
}

fn check_order(versions: &[Version]) {
    for a in versions {
        let again = Version::parse(a.scheme(), a.as_str());
        assert_eq!(again.as_ref(), Ok(a), "{a:?} is not read as itself");
        for b in versions {
            assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{a:?} and {b:?}");
            assert_eq!(a.cmp(b), a.key().cmp(b.key()), "the keys of {a:?} and {b:?}");
            for c in versions {
                let (ab, bc, ac) = (a.cmp(b), b.cmp(c), a.cmp(c));
                if ab != Ordering::Greater && bc != Ordering::Greater {
                    assert_ne!(ac, Ordering::Greater, "{a:?}, {b:?} and {c:?}");
                }
            }
        }
    }
}

fn check_ranges(scheme: Scheme, versions: &[Version]) {
    let [start, end, others @ ..] = versions else { return };
    let (first, last) = (start.min(end), start.max(end));
    let half_open = [Event::Introduced(first.as_str()), Event::Fixed(last.as_str())];
    let closed = [Event::LastAffected(last.as_str()), Event::Introduced(first.as_str())];
    let half_open = Range::new(scheme, &half_open).expect("the versions were read");
    let closed = Range::new(scheme, &closed).expect("the versions were read");
    // OSV's `0` is before all versions.
    let is_zero = first.as_str() == "0";
    for version in others.iter().chain([start, end]) {
        let is_after = is_zero || version >= first;
        // A version that brings the flaw and repairs it at once says nothing, and `0` as the repair stands for a flaw
        // that never was.
        let is_odd = first == last || last.as_str() == "0";
        let is_in = is_after && version < last;
        assert!(is_odd || half_open.contains(version) == is_in, "{version:?} in {half_open:?}");
        assert_eq!(
            closed.contains(version),
            is_after && version <= last,
            "{version:?} in {closed:?}"
        );
    }
    let texts: Vec<&str> = versions.iter().map(Version::as_str).collect();
    let events: Vec<Event<'_>> = texts
        .iter()
        .enumerate()
        .map(|(place, text)| match place % 4 {
            0 => Event::Introduced(text),
            1 => Event::Fixed(text),
            2 => Event::Limit(text),
            _ => Event::LastAffected(text),
        })
        .collect();
    let range = Range::new(scheme, &events).expect("the versions were read");
    for version in versions {
        assert_eq!(range.contains(version), range.interval_of(version).is_some());
    }
}
