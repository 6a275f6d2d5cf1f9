//! "Did you mean": the closest of a few known words.

/// Longest word that is compared; a longer one is no typing error.
const WORD_BYTES_MAX: usize = 64;

/// The candidate that `word` most likely stands for, if one is close enough; case does not matter.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > WORD_BYTES_MAX {
        return None;
    }
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
    let distance_max = (word.len() / 3).max(1);
    let mut letters = Vec::new();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= WORD_BYTES_MAX)
        // A letter has four bytes at most: what differs more in length is not looked at.
        .filter(|candidate| {
            candidate.len() <= (word.len() + distance_max) * 4
                && word.len() <= candidate.len() + distance_max
        })
        .filter_map(|candidate| {
            letters.clear();
            if candidate.is_ascii() {
                letters.extend(candidate.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
            } else {
                letters.extend(candidate.chars().flat_map(char::to_lowercase));
            }
            has_letters_of(&word, &letters, distance_max)
                .then(|| (distance(&word, &letters), candidate))
        })
        .filter(|(distance, candidate)| *distance <= distance_max && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether no more letters than these are in one word alone, wherever they stand: far quicker to see than a distance,
/// which is never less.
fn has_letters_of(a: &[char], b: &[char], distance_max: usize) -> bool {
    let mut counts = [0_i32; 64];
    let place = |letter: &char| *letter as usize % 64;
    for letter in a {
        counts[place(letter)] += 1;
    }
    for letter in b {
        counts[place(letter)] -= 1;
    }
    let sum = |sign: i32| counts.iter().map(|count| count * sign).filter(|it| *it > 0).sum::<i32>();
    sum(1).max(sum(-1)).unsigned_abs() as usize <= distance_max
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost one.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row.last().map_or(0, |n| n + 1));
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_recognised() {
        let words = ["FROM", "RUN", "COPY", "WORKDIR", "HEALTHCHECK", "ENTRYPOINT"];
        for (word, expected) in [
            ("FORM", Some("FROM")),
            ("rnu", Some("RUN")),
            ("WORKDIRR", Some("WORKDIR")),
            ("ENTRYPIONT", Some("ENTRYPOINT")),
            ("HELTHCHECK", Some("HEALTHCHECK")),
            ("apple", None),
            ("mfro", None),
            ("", None),
        ] {
            assert_eq!(closest(word, words), expected, "{word}");
        }
        assert_eq!(closest(&"x".repeat(10_000), words), None);
    }

    #[test]
    fn letters_never_count_more_than_the_distance() {
        let letters = |number: usize| -> Vec<char> {
            (0..number % 5)
                .map(|place| ['a', 'b', 'c', 'é'][((number / 5) >> (2 * place)) & 3])
                .collect()
        };
        for a in (0..1280).map(letters) {
            for b in (0..1280).step_by(7).map(letters) {
                let distance = distance(&a, &b);
                assert!(has_letters_of(&a, &b, distance), "{a:?} {b:?} {distance}");
            }
        }
    }
}
