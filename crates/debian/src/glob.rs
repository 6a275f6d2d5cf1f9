//! Globs over paths: `*` and `?` stay within a part, `**` as a part spans any number of parts.

/// True if the whole path fits. Time is bounded by the product of the lengths, whatever the pattern.
pub(crate) fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let pattern: Vec<&[u8]> = parts(pattern);
    let path: Vec<&[u8]> = parts(path);
    // reach[i]: the patterns so far match the first i parts.
    let mut reach = vec![false; path.len() + 1];
    reach[0] = true;
    for (number, part) in pattern.iter().enumerate() {
        let is_last = number + 1 == pattern.len();
        let mut next = vec![false; path.len() + 1];
        if *part == b"**" {
            let mut is_open = false;
            for (place, slot) in next.iter_mut().enumerate() {
                // At the end it means what is in the directory, not the directory itself.
                *slot = is_open || (reach[place] && !is_last);
                is_open |= reach[place];
            }
        } else {
            for place in 0..path.len() {
                next[place + 1] = reach[place] && part_matches(part, path[place]);
            }
        }
        reach = next;
    }
    reach[path.len()]
}

fn parts(text: &[u8]) -> Vec<&[u8]> {
    text.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect()
}

// Goes back to the last star only, which is enough for globs.
fn part_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(b'?') => (at, place) = (at + 1, place + 1),
            Some(byte) if *byte == text[place] => (at, place) = (at + 1, place + 1),
            _ => match star {
                Some((star_at, star_place)) => {
                    star = Some((star_at, star_place + 1));
                    (at, place) = (star_at + 1, star_place + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs() {
        for (pattern, path, expected) in [
            ("usr/lib/*.so", "usr/lib/a.so", true),
            ("usr/lib/*.so", "usr/lib/x/a.so", false),
            ("/usr/**/*.so", "usr/lib/x/a.so", true),
            ("/usr/**/*.so", "usr/a.so", true),
            ("usr/**", "usr/a/b", true),
            ("usr/**", "usr", false),
            ("usr/**/a", "usr/a", true),
            ("usr/?in", "usr/bin", true),
            ("usr/?in", "usr/in", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*", "", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_end() {
        let pattern = "*a".repeat(50);
        assert!(!matches(pattern.as_bytes(), "a".repeat(49).as_bytes()));
        let pattern = "**/".repeat(100) + "x";
        assert!(!matches(pattern.as_bytes(), "a/".repeat(1000).as_bytes()));
    }
}
