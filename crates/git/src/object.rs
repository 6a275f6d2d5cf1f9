//! Objects: what kinds there are, and what commits and trees say.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use crate::{Error, Id, Limits};

/// Parents of one commit that are looked at; an octopus has eight.
const PARENTS_MAX: usize = 1000;
/// Longest name of an author.
const AUTHOR_CHARS_MAX: usize = 200;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A state of the files, with who made it.
    Commit,
    /// A folder.
    Tree,
    /// A file's content.
    Blob,
    /// A name with a message.
    Tag,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// What a commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The folder at the top.
    pub tree: Id,
    /// What it was made from.
    pub parents: Vec<Id>,
    /// Who wrote it, `Name <address>`.
    pub author: String,
    /// When the author says to have written it, in seconds since 1970.
    pub date_secs: i64,
}

/// An entry of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeEntry<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// What it leads to.
    pub id: Id,
    /// Whether it is a folder; neither a folder nor a file is a commit of another repository.
    pub is_folder: bool,
    /// Whether it is a file or a link.
    pub is_file: bool,
}

/// Unpacks `expected` bytes, or what there is.
pub(crate) fn inflate(bytes: &[u8], expected: Option<usize>, max: usize) -> Result<Vec<u8>, Error> {
    if expected.is_some_and(|expected| expected > max) {
        return Err(Error::TooLarge("an object"));
    }
    let mut out = Vec::new();
    let limit = expected.unwrap_or(max) as u64 + 1;
    ZlibDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut out)
        .map_err(|_| Error::Damaged("an object cannot be unpacked"))?;
    match expected {
        Some(expected) if out.len() != expected => {
            Err(Error::Damaged("an object has another length than it says"))
        }
        None if out.len() > max => Err(Error::TooLarge("an object")),
        _ => Ok(out),
    }
}

/// The kind of a loose object and its content's place, from the beginning of what was unpacked.
pub(crate) fn head(bytes: &[u8]) -> Option<(Kind, usize)> {
    let end = bytes.iter().take(32).position(|byte| *byte == 0)?;
    let kind = match bytes[..end].split(|byte| *byte == b' ').next()? {
        b"commit" => Kind::Commit,
        b"tree" => Kind::Tree,
        b"blob" => Kind::Blob,
        b"tag" => Kind::Tag,
        _ => return None,
    };
    Some((kind, end + 1))
}

/// Reads an object that is a file of its own.
pub fn loose(bytes: &[u8], limits: &Limits) -> Result<Object, Error> {
    let mut all = inflate(bytes, None, limits.object_bytes)?;
    let (kind, start) = head(&all).ok_or(Error::Damaged("an object does not say what it is"))?;
    Ok(Object { kind, bytes: all.split_off(start) })
}

/// Reads a commit; nothing if it is none. The message is not looked at.
pub fn commit(bytes: &[u8]) -> Option<Commit> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let mut lines = bytes[..end].split(|byte| *byte == b'\n');
    let tree = Id::from_hex(lines.next()?.strip_prefix(b"tree ")?)?;
    let (mut parents, mut author, mut date_secs) = (Vec::new(), String::new(), 0);
    for line in lines {
        if let Some(id) = line.strip_prefix(b"parent ") {
            parents.extend(Id::from_hex(id).filter(|_| parents.len() < PARENTS_MAX));
        } else if let Some(text) = line.strip_prefix(b"author ") {
            let text = String::from_utf8_lossy(text);
            // `Name <address> 1700000000 +0100`
            let (name, time) = text.rsplit_once('>').unwrap_or((&text, ""));
            author = name.chars().filter(|it| !it.is_control()).take(AUTHOR_CHARS_MAX).collect();
            if text.contains('>') {
                author.push('>');
            }
            date_secs = time.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(0);
            break;
        }
    }
    Some(Commit { tree, parents, author, date_secs })
}

/// What somebody wrote about a commit or a tag, without the signature that ends a tag.
pub fn message(bytes: &[u8]) -> &[u8] {
    let find =
        |bytes: &[u8], wanted: &[u8]| bytes.windows(wanted.len()).position(|it| it == wanted);
    let text = find(bytes, b"\n\n").map_or(&[][..], |end| &bytes[end + 2..]);
    let signatures: [&[u8]; 2] =
        [b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN SSH SIGNATURE-----"];
    let end = signatures.iter().filter_map(|head| find(text, head)).min();
    &text[..end.unwrap_or(text.len())]
}

/// The entries of a folder, up to the first that cannot be read.
pub fn tree(bytes: &[u8], id_length: usize) -> impl Iterator<Item = TreeEntry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let space = rest.iter().take(8).position(|byte| *byte == b' ')?;
        let name_end = space + 1 + rest[space + 1..].iter().position(|byte| *byte == 0)?;
        let (mode, name) = (&rest[..space], &rest[space + 1..name_end]);
        let id = Id::from_bytes(rest.get(name_end + 1..name_end + 1 + id_length)?)?;
        rest = &rest[name_end + 1 + id_length..];
        let is_folder = matches!(mode, b"40000" | b"040000");
        // A commit of another repository has the mode 160000.
        let is_file = mode.starts_with(b"100") || mode.starts_with(b"120");
        Some(TreeEntry { name, id, is_folder, is_file })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits() {
        let id = "12".repeat(20);
        let text = format!(
            "tree {id}\nparent {id}\nauthor A \u{7}B <a@b> 1700000000 +0100\ncommitter C <c> 5 +0\n\nparent x\n"
        );
        let found = commit(text.as_bytes()).unwrap();
        assert_eq!((found.author.as_str(), found.date_secs), ("A B <a@b>", 1_700_000_000));
        assert_eq!(found.parents.len(), 1);
        for odd in ["", "tree", "tree 12\n", "blob x"] {
            assert_eq!(commit(odd.as_bytes()), None, "{odd}");
        }
        let odd = commit(format!("tree {id}\nauthor \n").as_bytes()).unwrap();
        assert_eq!((odd.author.as_str(), odd.date_secs), ("", 0));
    }

    #[test]
    fn trees() {
        let mut bytes = b"100644 a\0".to_vec();
        bytes.extend([1; 20]);
        bytes.extend(b"40000 b c\0");
        bytes.extend([2; 20]);
        bytes.extend(b"160000 sub\0");
        bytes.extend([3; 20]);
        bytes.extend(b"100644 cut\0\x01");
        let all: Vec<_> = tree(&bytes, 20).map(|it| (it.name, it.is_folder, it.is_file)).collect();
        assert_eq!(all, [(&b"a"[..], false, true), (b"b c", true, false), (b"sub", false, false)]);
        assert_eq!(tree(&[b'1'; 100], 20).count(), 0);
    }

    #[test]
    fn bombs_end() {
        let limits = Limits { object_bytes: 1000, ..Limits::default() };
        let bomb = crate::sample::deflate(&vec![0; 10_000_000]);
        assert!(matches!(loose(&bomb, &limits), Err(Error::TooLarge(_))));
        assert!(matches!(inflate(&bomb, Some(5), 1000), Err(Error::Damaged(_))));
        assert!(matches!(inflate(&bomb, Some(5000), 1000), Err(Error::TooLarge(_))));
        assert!(loose(b"x", &limits).is_err());
        assert!(loose(&crate::sample::deflate(b"blob 1"), &limits).is_err());
    }
}
