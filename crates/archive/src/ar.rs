//! `ar` archives, as far as Debian packages need them (deb(5), ar(5)).

use std::io::{self, BufReader, Read};

use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER_BYTES: usize = 60;

/// Reads an `ar` archive from front to back.
pub struct Reader<R: Read> {
    input: BufReader<R>,
    position: u64,
    left: u64,
    padding: u64,
}

/// A member. Reading gives its content.
pub struct Member<'a, R: Read> {
    reader: &'a mut Reader<R>,
    name: String,
    size: u64,
}

impl<R: Read> Reader<R> {
    /// Checks the magic.
    pub fn new(input: R) -> Result<Self> {
        let mut reader = Self { input: BufReader::new(input), position: 0, left: 0, padding: 0 };
        let mut magic = [0; MAGIC.len()];
        if reader.fill(&mut magic)? != magic.len() || &magic != MAGIC {
            return Err(Error::Ar { offset: 0, reason: "it does not start with `!<arch>`" });
        }
        Ok(reader)
    }

    /// The next member; what was left of the one before is skipped.
    pub fn next_member(&mut self) -> Result<Option<Member<'_, R>>> {
        let left = self.left;
        let skipped = io::copy(&mut self.input.by_ref().take(left), &mut io::sink())?;
        self.position += skipped;
        if skipped < left {
            return Err(Error::Truncated { format: "ar", offset: self.position, path: None });
        }
        self.left = 0;
        if self.padding == 1 {
            // The last member's padding may be missing: dpkg does not ask for it.
            self.padding = 0;
            self.fill(&mut [0])?;
        }
        let offset = self.position;
        let mut header = [0; HEADER_BYTES];
        match self.fill(&mut header)? {
            0 => return Ok(None),
            HEADER_BYTES => {}
            _ => return Err(Error::Truncated { format: "ar", offset: self.position, path: None }),
        }
        let (name, size) = parse_header(&header).map_err(|reason| Error::Ar { offset, reason })?;
        self.left = size;
        self.padding = size % 2;
        Ok(Some(Member { reader: self, name, size }))
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = fill(&mut self.input, buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read> Member<'_, R> {
    /// The name, without GNU's slash at its end.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of content.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl<R: Read> Read for Member<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reader = &mut *self.reader;
        let wanted = buffer.len().min(usize::try_from(reader.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let count = reader.input.read(&mut buffer[..wanted])?;
        if count == 0 {
            let path = Some(self.name.clone());
            return Err(Error::Truncated { format: "ar", offset: reader.position, path }.into());
        }
        reader.left -= count as u64;
        reader.position += count as u64;
        Ok(count)
    }
}

// As much as there is; fewer bytes than the buffer has mean the end.
pub(crate) fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match input.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

fn parse_header(header: &[u8; HEADER_BYTES]) -> Result<(String, u64), &'static str> {
    if &header[58..] != b"`\n" {
        return Err("the member's header does not end with a backquote and a newline");
    }
    let name = std::str::from_utf8(&header[..16]).map_err(|_| "the member's name is not text")?;
    let name = name.trim_end_matches(' ');
    let name = name.strip_suffix('/').unwrap_or(name);
    if name.is_empty() || name.contains(['/', '\0']) {
        // GNU's and BSD's long names: no Debian package has them.
        return Err("the member's name is empty or a reference to a table of long names");
    }
    let size = std::str::from_utf8(&header[48..58]).map_err(|_| "the member's size is not text")?;
    let size = size.trim_end_matches(' ');
    if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the member's size is not a number");
    }
    let size = size.parse().map_err(|_| "the member's size is not a number")?;
    Ok((name.to_owned(), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len())
                .into_bytes();
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut reader = Reader::new(bytes)?;
        let mut members = Vec::new();
        while let Some(mut member) = reader.next_member()? {
            let mut content = Vec::new();
            member.read_to_end(&mut content)?;
            members.push((member.name().to_owned(), content));
        }
        Ok(members)
    }

    fn package() -> Vec<u8> {
        [
            MAGIC.to_vec(),
            member("debian-binary", b"2.0\n"),
            member("control.tar.xz/", b"odd"),
            member("data.tar", b""),
        ]
        .concat()
    }

    #[test]
    fn members_of_a_package() {
        let members = read(&package()).unwrap();
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["debian-binary", "control.tar.xz", "data.tar"]);
        assert_eq!(members[1].1, b"odd");
    }

    #[test]
    fn unread_members_are_skipped() {
        let bytes = package();
        let mut reader = Reader::new(&bytes[..]).unwrap();
        let mut count = 0;
        while reader.next_member().unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 3);
    }

    #[test]
    fn every_cut_is_noticed_or_on_a_border() {
        let bytes = package();
        let borders = [8, 8 + 64, 8 + 64 + 63, 8 + 64 + 64, bytes.len()];
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]).is_ok(), borders.contains(&end), "cut at {end}");
        }
    }

    #[test]
    fn refuses_bad_headers() {
        for (start, bytes) in [
            (0, &b"/               "[..]),
            (0, b"//              "),
            (0, b"#1/20           "),
            (0, b"\xff\xfe"),
            (48, b"-1        "),
            (48, b"+1        "),
            (48, b"          "),
            (48, b"1x        "),
            (58, b"xx"),
        ] {
            let mut package = package();
            package[8 + start..8 + start + bytes.len()].copy_from_slice(bytes);
            assert!(matches!(read(&package), Err(Error::Ar { offset: 8, .. })), "{bytes:?}");
        }
        assert!(read(b"!<arch>").is_err());
        assert!(read(b"").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(at in 0_usize..250, byte: u8) {
            let mut bytes = package();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}
