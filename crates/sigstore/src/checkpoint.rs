//! Checkpoints: signed notes that say how large a log is and what its root is
//! (<https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::PublicKey;

const BYTES_MAX: usize = 64 << 10;
const SIGNATURES_MAX: usize = 100;

/// A checkpoint that was understood. That says nothing of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log, by its own name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The hash of its root.
    pub root: Vec<u8>,
    // The signed text.
    text: String,
    signatures: Vec<NoteSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

impl Checkpoint {
    /// Reads a note.
    pub fn parse(note: &str) -> Result<Self, &'static str> {
        if note.len() > BYTES_MAX {
            return Err("it is larger than 64 KiB");
        }
        // The signatures are after the last empty line.
        let at = note.rfind("\n\n").ok_or("it has no signatures")?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        if note.contains(|character: char| character.is_control() && character != '\n') {
            return Err("it has control characters");
        }
        let mut lines = text.lines();
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or("it has no origin")?;
        let size = lines
            .next()
            .filter(|line| line.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(|line| *line == "0" || !line.starts_with('0'))
            .and_then(|line| line.parse().ok())
            .ok_or("its second line is not the size of a tree")?;
        let root = lines
            .next()
            .and_then(|line| STANDARD.decode(line).ok())
            .filter(|root| root.len() == 32)
            .ok_or("its third line is not the hash of a root")?;
        if !signatures.ends_with('\n') {
            return Err("it does not end with a line break");
        }
        let mut read = Vec::new();
        for line in signatures.lines() {
            if read.len() == SIGNATURES_MAX {
                return Err("it has more than 100 signatures");
            }
            read.push(NoteSignature::parse(line).ok_or("a line of it is not a signature")?);
        }
        if read.is_empty() {
            return Err("it has no signatures");
        }
        let (origin, text) = (origin.to_owned(), text.to_owned());
        Ok(Self { origin, size, root, text, signatures: read })
    }

    /// Whether the log with this identifier and this key signed it. Other signatures, of witnesses say, do not count.
    pub fn is_signed_by(&self, id: &[u8], key: &PublicKey) -> bool {
        // Rekor 1 adds the number of the tree: `rekor.example - 1193050959916656506`.
        let name = self.origin.split_once(" - ").map_or(self.origin.as_str(), |(name, _)| name);
        self.signatures.iter().any(|signature| {
            (signature.name == name || signature.name == self.origin)
                && id.get(..4) == Some(&signature.key_id)
                && key.verify(self.text.as_bytes(), &signature.bytes).is_ok()
        })
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = STANDARD.decode(base64).ok()?;
        let (key_id, bytes) = bytes.split_first_chunk::<4>()?;
        let is_sound = !name.is_empty() && !bytes.is_empty();
        is_sound.then(|| Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use sealift_crypto::SigningKey;

    use super::*;

    const TEXT: &str = "log.example\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

    fn note(key: &SigningKey, text: &str, name: &str, id: [u8; 4]) -> String {
        let signature = [&id[..], &key.sign(text.as_bytes()).unwrap()].concat();
        format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signature))
    }

    #[test]
    fn signed_notes() {
        for key in [SigningKey::generate_ed25519(), SigningKey::generate_p256()] {
            let (public, id) = (key.public(), [1, 2, 3, 4, 5]);
            let good = note(&key, TEXT, "log.example", [1, 2, 3, 4]);
            let read = Checkpoint::parse(&good).unwrap();
            assert_eq!((read.origin.as_str(), read.size), ("log.example", 7));
            assert!(read.is_signed_by(&id, &public));
            assert!(!read.is_signed_by(&[1, 2, 3, 5], &public));
            assert!(!read.is_signed_by(&id, &SigningKey::generate_ed25519().public()));
            // Other signatures before and after it do not matter.
            let other = "\u{2014} witness.example AAAAAAAA\n";
            let (text, lines) = good.split_once("\n\n").unwrap();
            let joined = format!("{text}\n\n{other}{lines}{other}");
            assert!(Checkpoint::parse(&joined).unwrap().is_signed_by(&id, &public));
            // Another name, another size.
            let named = note(&key, TEXT, "another.example", [1, 2, 3, 4]);
            assert!(!Checkpoint::parse(&named).unwrap().is_signed_by(&id, &public));
            let altered = good.replace("\n7\n", "\n8\n");
            assert!(!Checkpoint::parse(&altered).unwrap().is_signed_by(&id, &public));
        }
    }

    #[test]
    fn what_is_no_checkpoint() {
        let key = SigningKey::generate_ed25519();
        let good = note(&key, TEXT, "log.example", [1, 2, 3, 4]);
        for (note, expected) in [
            (String::new(), "it has no signatures"),
            (TEXT.to_owned(), "it has no signatures"),
            (format!("{TEXT}\n"), "it does not end with a line break"),
            (good.replace("log.example\n7", "\n7"), "it has no origin"),
            (good.replace("\n7\n", "\n"), "its second line is not the size of a tree"),
            (good.replace("\n7\n", "\n07\n"), "its second line is not the size of a tree"),
            (good.replace("\n7\n", "\n-7\n"), "its second line is not the size of a tree"),
            (good.replace("AAA=\n", "AAAA\n"), "its third line is not the hash of a root"),
            (good.replace("\u{2014}", "-"), "a line of it is not a signature"),
            (good.replace('7', "7\r"), "it has control characters"),
            (good.trim_end().to_owned(), "it does not end with a line break"),
        ] {
            assert_eq!(Checkpoint::parse(&note).unwrap_err(), expected, "{note:?}");
        }
    }
}
