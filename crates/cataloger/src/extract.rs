//! What an inspection keeps of a program or an archive.

/// What was found in a file: parts with a name, and complaints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// Names and contents.
    pub parts: Vec<(String, Vec<u8>)>,
    /// What could not be read.
    pub complaints: Vec<String>,
}

impl Extract {
    /// The first part of this name.
    pub fn part(&self, name: &str) -> Option<&[u8]> {
        self.parts.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// As bytes: counts and lengths, each before what it counts.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let number = |out: &mut Vec<u8>, count: usize| {
            out.extend_from_slice(&(count as u64).to_le_bytes());
        };
        number(out, self.parts.len());
        for (name, bytes) in &self.parts {
            for text in [name.as_bytes(), bytes] {
                number(out, text.len());
                out.extend_from_slice(text);
            }
        }
        number(out, self.complaints.len());
        for complaint in &self.complaints {
            number(out, complaint.len());
            out.extend_from_slice(complaint.as_bytes());
        }
    }

    /// An extract at the beginning of these bytes, and what follows it.
    pub fn decode(mut bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut extract = Self::default();
        for _ in 0..number(&mut bytes)? {
            let name = String::from_utf8_lossy(text(&mut bytes)?).into_owned();
            extract.parts.push((name, text(&mut bytes)?.to_vec()));
        }
        for _ in 0..number(&mut bytes)? {
            extract.complaints.push(String::from_utf8_lossy(text(&mut bytes)?).into_owned());
        }
        Some((extract, bytes))
    }
}

fn number(bytes: &mut &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    usize::try_from(u64::from_le_bytes(*first)).ok()
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = number(bytes)?;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extracts_come_back() {
        let extract = Extract {
            parts: vec![("a".to_owned(), vec![1, 2]), (String::new(), Vec::new())],
            complaints: vec!["b".to_owned()],
        };
        let mut bytes = Vec::new();
        extract.encode(&mut bytes);
        for end in 0..bytes.len() {
            assert_eq!(Extract::decode(&bytes[..end]), None);
        }
        bytes.push(7);
        assert_eq!(Extract::decode(&bytes), Some((extract, &[7][..])));
    }
}
