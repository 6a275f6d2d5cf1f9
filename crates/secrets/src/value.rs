//! Whether a value looks made by chance, and whether it is one that documents show.

use std::sync::LazyLock;

use crate::shape::{ALPHANUMERIC, is_in};

/// Entropy in tenths of a bit a letter.
pub(crate) fn entropy_tenths(value: &[u8]) -> u32 {
    if value.is_empty() {
        return 0;
    }
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand letters at most")]
    let total = value.len() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let part = f64::from(*count) / total;
            -part * part.log2()
        })
        .sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 80")]
    let tenths = (bits * 10.0 + 1e-9) as u32;
    tenths
}

/// Words of values that stand for a secret, or say that there is none.
#[rustfmt::skip]
const STANDING_WORDS: [&str; 26] = [
    "example", "xxxxx", "your_", "your-", "yourtoken", "yourkey", "yoursecret", "placeholder", "changeme", "change_me",
    "change-me", "redacted", "dummy", "insert_", "put_your", "replace_me", "replaceme", "<your", "my_token", "my-token", "fake_",
    "fake-", "notasecret", "not_a_secret", "*****", ".....",
];

/// Rows of letters that nobody's generator makes.
const ROWS: [&str; 6] = [
    "abcdefghijklmnop",
    "0123456789abcdef",
    "0123456789012",
    "1234567890123",
    "12345678901abc",
    "qwertyuiopasdf",
];

// The first eight bytes of the SHA-256 of values that documents and public pages show. As sums, so that this program
// has nothing that looks like a secret.
static KNOWN: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let lines = include_str!("known_examples.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| u64::from_str_radix(line.trim(), 16).ok()).collect()
});

/// Whether a value is an example or stands for a secret that comes later.
pub(crate) fn is_example(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    STANDING_WORDS.iter().chain(&ROWS).any(|word| text.contains(word))
        || longest_run(value, b"xX*.0#") >= 8
        || KNOWN.contains(&sum(value))
}

fn sum(value: &[u8]) -> u64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(value);
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

// The longest run of one of these letters.
fn longest_run(value: &[u8], letters: &[u8]) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, 0);
    for byte in value {
        run = if *byte == last { run + 1 } else { 1 };
        last = *byte;
        if letters.contains(byte) {
            longest = longest.max(run);
        }
    }
    longest
}

/// Whether a value is filled in later: a variable, a template, a call.
pub(crate) fn is_reference(value: &[u8]) -> bool {
    let starts = [
        &b"$"[..],
        b"{{",
        b"${",
        b"<",
        b"%(",
        b"process.env",
        b"os.environ",
        b"env.",
        b"var.",
        b"secrets.",
    ];
    let enclosed =
        |open: u8, close: u8| value.first() == Some(&open) && value.last() == Some(&close);
    starts.iter().any(|start| value.starts_with(start))
        || enclosed(b'%', b'%')
        || enclosed(b'@', b'@')
        || enclosed(b'[', b']')
        || value.windows(2).any(|pair| matches!(pair, b"${" | b"{{" | b"$("))
}

/// Whether it has a letter and a digit.
pub(crate) fn is_mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Whether most of a value is words that one can say, as names, paths and sentences are.
pub(crate) fn is_wordy(value: &[u8]) -> bool {
    let letters = value.iter().filter(|byte| is_in(**byte, ALPHANUMERIC)).count();
    let spoken: usize = value
        .split(|byte| !byte.is_ascii_alphabetic())
        .flat_map(humps)
        .filter(|word| is_spoken(word))
        .map(<[u8]>::len)
        .sum();
    spoken * 5 >= letters * 2
}

// `oneTwo` is `one` and `Two`.
fn humps(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .windows(2)
            .position(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
            .map_or(rest.len(), |at| at + 1);
        let (word, behind) = rest.split_at(end);
        rest = behind;
        Some(word)
    })
}

// Four letters or more of one case, with vowels that are neither too few nor too many.
fn is_spoken(word: &[u8]) -> bool {
    let tail = &word[word.len().min(1)..];
    let one_case =
        tail.iter().all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase);
    if word.len() < 4 || !one_case {
        return false;
    }
    let (mut vowels, mut mute, mut longest_mute) = (0, 0, 0);
    for letter in word {
        if matches!(letter.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y') {
            vowels += 1;
            mute = 0;
        } else {
            mute += 1;
            longest_mute = longest_mute.max(mute);
        }
    }
    let rare = word
        .iter()
        .filter(|it| matches!(it.to_ascii_lowercase(), b'q' | b'x' | b'z' | b'j'))
        .count();
    longest_mute <= 4
        && vowels * 5 >= word.len()
        && vowels * 4 <= word.len() * 3
        && rare * 4 <= word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        assert_eq!(entropy_tenths(b""), 0);
        assert_eq!(entropy_tenths(b"aabb"), 10);
        assert_eq!(entropy_tenths(b"abcdefgh"), 30);
        assert!(is_example(b"AKIAIOSFODNN7EXAMPLE") && is_example(b"sk_xxxxxxxxxxxx"));
        assert!(!is_example(b"sk_live_abcd1234"));
        assert!(is_reference(b"${TOKEN}") && is_reference(b"%TOKEN%") && is_reference(b"a{{ x }}"));
        assert!(is_wordy(b"usernameField") && is_wordy(b"com.example.Handler2"));
        assert!(
            !is_wordy(b"9nbddeg8pe7o4wdfiinlfzdoh9oqjw9qj32i") && !is_wordy(b"Zf3D0LXCM3EIMbgJ")
        );
    }
}
