//! A text as words that can be compared: lower case, without punctuation, numbers of lists, lines of copyright, and
//! what else copies of one licence differ in. The build script makes the index of known texts with the same function.

/// The words of a text: the hash of each, and where it begins.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Hash of each word.
    pub(crate) hashes: Vec<u32>,
    /// Byte at which each begins.
    pub(crate) starts: Vec<u32>,
}

/// The hash of a word in lower case (FNV-1a).
pub(crate) const fn hash(word: &str) -> u32 {
    let bytes = word.as_bytes();
    let mut value = SEED;
    let mut at = 0;
    while at < bytes.len() {
        value = step(value, bytes[at]);
        at += 1;
    }
    value
}

const SEED: u32 = 0x811c_9dc5;
// A line of copyright is short; a licence that is a single line is not one.
const COPYRIGHT_LINE_BYTES_MAX: usize = 200;

const fn step(value: u32, byte: u8) -> u32 {
    (value ^ byte as u32).wrapping_mul(0x0100_0193)
}

// Phrases that some copies of a licence have, and that mean nothing for its identity.
const DROPPED: [&[u32]; 2] = [
    &[hash("all"), hash("rights"), hash("reserved")],
    &[hash("including"), hash("the"), hash("next"), hash("paragraph")],
];

// Two spellings of one word.
const SPELLINGS: [(u32, u32); 8] = [
    (hash("licence"), hash("license")),
    (hash("licences"), hash("licenses")),
    (hash("licenced"), hash("licensed")),
    (hash("sublicence"), hash("sublicense")),
    (hash("acknowledgement"), hash("acknowledgment")),
    (hash("acknowledgements"), hash("acknowledgments")),
    (hash("organisation"), hash("organization")),
    (hash("https"), hash("http")),
];

/// The words of a text, so many at most.
pub(crate) fn words(text: &str, words_max: usize) -> Words {
    let mut words = Words::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let begin = start;
        start += line.len();
        if words.hashes.len() >= words_max {
            break;
        }
        if !is_copyright(line) {
            let skipped = number_bytes(line);
            read_line(&line[skipped..], begin + skipped, &mut words);
        }
    }
    words
}

/// True for a line that says who holds the copyright since when.
pub(crate) fn is_copyright(line: &str) -> bool {
    if line.len() > COPYRIGHT_LINE_BYTES_MAX {
        return false;
    }
    let line = line.trim_start_matches(is_decoration);
    let has_digit = line.bytes().any(|byte| byte.is_ascii_digit());
    let is_marked = line.starts_with("(c)") || line.starts_with("(C)") || line.starts_with('©');
    let is_named = line.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("copyright"));
    let has_mark =
        || has_digit || ["(c)", "(C)", "©", "Ⓒ", "<"].iter().any(|mark| line.contains(mark));
    ((is_marked && has_digit) || (is_named && has_mark())) && !is_grant(line)
}

// A line that also says what is allowed.
fn is_grant(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    ["licen", "permission", "released", "distribut", "terms", "public domain"]
        .iter()
        .any(|word| lower.contains(word))
}

/// True for what stands before the text of a line: blanks, signs of comments and lists.
pub(crate) fn is_decoration(letter: char) -> bool {
    letter.is_whitespace() || "*#/;|>%-!\".:+=~".contains(letter)
}

// Bytes of the number of a list's entry at a line's beginning: `1.`, `(b)`, `iii)`.
fn number_bytes(line: &str) -> usize {
    let rest = line.trim_start_matches(is_decoration);
    let rest = rest.strip_prefix(['(', '[']).unwrap_or(rest);
    let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let roman = rest.len() - rest.trim_start_matches(['i', 'v', 'x']).len();
    let letters = usize::from(rest.starts_with(|letter: char| letter.is_ascii_alphabetic()));
    for len in [digits, roman, letters] {
        if (1..=4).contains(&len) && rest[len..].starts_with(['.', ')', ':', ']']) {
            let after = &rest[len + 1..];
            if !after.starts_with(|letter: char| letter.is_ascii_alphanumeric()) {
                return line.len() - after.len();
            }
        }
    }
    0
}

fn read_line(line: &str, offset: usize, words: &mut Words) {
    let non = hash("non");
    let sub = hash("sub");
    let mut value = SEED;
    let mut begin = None;
    let mut letters = line.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter.is_ascii_alphanumeric() {
            begin.get_or_insert(at);
            value = step(value, letter.to_ascii_lowercase() as u8);
        } else if !letter.is_ascii() && letter.is_alphanumeric() {
            begin.get_or_insert(at);
            let mut buffer = [0; 4];
            for byte in letter.encode_utf8(&mut buffer).bytes() {
                value = step(value, byte);
            }
        } else if let Some(first) = begin {
            let is_apostrophe = letter == '\'' || letter == '’';
            let is_joint = letter == '-' && (value == non || value == sub);
            let is_inside = letters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
            if !(is_inside && (is_apostrophe || is_joint)) {
                push(words, value, offset + first);
                (begin, value) = (None, SEED);
            }
        }
    }
    if let Some(first) = begin {
        push(words, value, offset + first);
    }
}

fn push(words: &mut Words, value: u32, start: usize) {
    let spelled = SPELLINGS.iter().find(|(from, _)| *from == value).map_or(value, |(_, to)| *to);
    words.hashes.push(spelled);
    words.starts.push(u32::try_from(start).unwrap_or(u32::MAX));
    for phrase in DROPPED {
        if words.hashes.ends_with(phrase) {
            let kept = words.hashes.len() - phrase.len();
            words.hashes.truncate(kept);
            words.starts.truncate(kept);
        }
    }
}

/// So many words make up one step of the index.
pub(crate) const STEP_WORDS: usize = 5;

/// The hash of so many words in order.
pub(crate) fn step_hash(words: &[u32]) -> u32 {
    let mut value = 0_u32;
    for word in words {
        value = (value ^ word).wrapping_mul(0x9e37_79b1).rotate_left(13);
    }
    value
}
