//! Forms with files (RFC 7578) as they come in, piece by piece, strictly and with limits.
//!
//! Nothing but a line end may stand before the first delimiter or after the last one, lines end with CR LF, and a part has one name.
//! How the bytes are cut into pieces makes no difference.

use memchr::memmem::{self, Finder};

const BOUNDARY_BYTES_MAX: usize = 70;
const PARAMETERS_MAX: usize = 16;

/// Caps on a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormLimits {
    /// Bytes of the whole form.
    pub bytes: usize,
    /// Parts.
    pub parts: usize,
    /// Bytes of one file.
    pub file_bytes: usize,
    /// Bytes of the head of one part.
    pub head_bytes: usize,
}

impl Default for FormLimits {
    fn default() -> Self {
        Self { bytes: 32 << 20, parts: 80, file_bytes: 5 << 20, head_bytes: 4 << 10 }
    }
}

/// Why a form is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    /// Not a form as it must be.
    #[error("{0}")]
    Malformed(&'static str),
    /// A part that does not say which file it is.
    #[error("a part has no file name")]
    NoFileName,
    /// More than a limit.
    #[error("{0}")]
    TooLarge(&'static str),
}

enum Place {
    // A delimiter was read; `--` or the end of its line follows.
    Delimiter,
    Head,
    Content,
    End,
}

/// Reads a form.
pub struct Form {
    limits: FormLimits,
    delimiter: Finder<'static>,
    place: Place,
    // Go begins a form without parts with a line end.
    preamble: Vec<u8>,
    // What could not be used yet.
    pending: Vec<u8>,
    n_bytes: usize,
    files: Vec<(String, Vec<u8>)>,
}

impl Form {
    /// A form of this content type.
    pub fn new(content_type: &str, limits: FormLimits) -> Result<Self, FormFault> {
        let malformed = FormFault::Malformed;
        let (kind, parameters) =
            parameters(content_type).ok_or(malformed("the content type cannot be read"))?;
        if !kind.eq_ignore_ascii_case("multipart/form-data") {
            return Err(malformed("the content type is not `multipart/form-data`"));
        }
        let boundary = one(&parameters, "boundary").filter(|boundary| is_boundary(boundary));
        let boundary = boundary.ok_or(malformed("the boundary is missing or cannot be used"))?;
        let delimiter = format!("\r\n--{boundary}");
        Ok(Self {
            limits,
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            place: Place::Content,
            // The first delimiter has no line before it.
            preamble: Vec::new(),
            pending: b"\r\n".to_vec(),
            n_bytes: 0,
            files: Vec::new(),
        })
    }

    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormFault> {
        self.n_bytes = self.n_bytes.saturating_add(bytes.len());
        if self.n_bytes > self.limits.bytes {
            return Err(FormFault::TooLarge("the form is larger than allowed"));
        }
        self.pending.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(used) = self.step(start)? {
            start += used;
        }
        self.pending.drain(..start);
        Ok(())
    }

    /// The files by name.
    pub fn finish(self) -> Result<Vec<(String, Vec<u8>)>, FormFault> {
        let is_end = self.pending.is_empty() || self.pending == b"\r\n";
        if matches!(self.place, Place::End) && is_end {
            return Ok(self.files);
        }
        Err(FormFault::Malformed("the form ends too early, or something follows it"))
    }

    // Uses what is pending from there on; says how much, or that more is needed.
    fn step(&mut self, start: usize) -> Result<Option<usize>, FormFault> {
        match self.place {
            Place::Content => self.content(start),
            Place::Delimiter => self.after_delimiter(start),
            Place::Head => self.head(start),
            Place::End if self.pending.len() - start > 2 => {
                Err(FormFault::Malformed("something follows the form"))
            }
            Place::End => Ok(None),
        }
    }

    fn content(&mut self, start: usize) -> Result<Option<usize>, FormFault> {
        let rest = &self.pending[start..];
        let length = self.delimiter.needle().len();
        let (content, used) = if let Some(end) = self.delimiter.find(rest) {
            self.place = Place::Delimiter;
            (&rest[..end], end + length)
        } else {
            // The delimiter may have begun.
            let certain = rest.len().saturating_sub(length - 1);
            (&rest[..certain], certain)
        };
        match self.files.last_mut() {
            Some((_, file)) if file.len() + content.len() > self.limits.file_bytes => {
                return Err(FormFault::TooLarge("a file is larger than allowed"));
            }
            Some((_, file)) => file.extend_from_slice(content),
            None => {
                self.preamble.extend_from_slice(content);
                let is_allowed = match self.place {
                    Place::Content => b"\r\n".starts_with(&self.preamble),
                    _ => self.preamble.is_empty() || self.preamble == b"\r\n",
                };
                if !is_allowed {
                    let reason = "something stands before the first part";
                    return Err(FormFault::Malformed(reason));
                }
            }
        }
        Ok((used > 0).then_some(used))
    }

    fn after_delimiter(&mut self, start: usize) -> Result<Option<usize>, FormFault> {
        match self.pending.get(start..start + 2) {
            None => Ok(None),
            Some(b"--") => {
                self.place = Place::End;
                Ok(Some(2))
            }
            Some(b"\r\n") if self.files.len() == self.limits.parts => {
                Err(FormFault::TooLarge("the form has more parts than allowed"))
            }
            Some(b"\r\n") => {
                self.place = Place::Head;
                Ok(Some(2))
            }
            Some(_) => Err(FormFault::Malformed("a delimiter is followed by something else")),
        }
    }

    fn head(&mut self, start: usize) -> Result<Option<usize>, FormFault> {
        let rest = &self.pending[start..];
        if rest.starts_with(b"\r\n") {
            return Err(FormFault::NoFileName);
        }
        let allowed = &rest[..rest.len().min(self.limits.head_bytes)];
        let Some(end) = memmem::find(allowed, b"\r\n\r\n") else {
            if rest.len() >= self.limits.head_bytes {
                return Err(FormFault::TooLarge("the head of a part is larger than allowed"));
            }
            return Ok(None);
        };
        let name = file_name(&rest[..end])?;
        self.files.push((name, Vec::new()));
        self.place = Place::Content;
        Ok(Some(end + 4))
    }
}

// RFC 2046 §5.1.1, without the blank.
fn is_boundary(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    (1..=BOUNDARY_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn file_name(head: &[u8]) -> Result<String, FormFault> {
    let malformed = FormFault::Malformed;
    let head = std::str::from_utf8(head).map_err(|_| malformed("a head is not UTF-8"))?;
    let mut disposition = None;
    for line in head.split("\r\n") {
        let (name, value) =
            line.split_once(':').ok_or(malformed("a line of a head has no colon"))?;
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(malformed("the name of a line of a head cannot be read"));
        }
        if value.contains(|character: char| character.is_control() && character != '\t') {
            return Err(malformed("a head has control characters"));
        }
        let value = value.trim_matches([' ', '\t']);
        if name.eq_ignore_ascii_case("content-transfer-encoding")
            && !["binary", "8bit", "7bit"].iter().any(|known| value.eq_ignore_ascii_case(known))
        {
            return Err(malformed("a part is encoded"));
        }
        if name.eq_ignore_ascii_case("content-disposition") && disposition.replace(value).is_some()
        {
            return Err(malformed("a part has two dispositions"));
        }
    }
    let disposition = disposition.ok_or(FormFault::NoFileName)?;
    let (kind, parameters) =
        parameters(disposition).ok_or(malformed("a disposition cannot be read"))?;
    if !kind.eq_ignore_ascii_case("form-data") {
        return Err(malformed("a disposition is not `form-data`"));
    }
    one(&parameters, "filename")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .ok_or(FormFault::NoFileName)
}

// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

// `kind; name=value; name="value"`; a name that comes twice is refused.
fn parameters(text: &str) -> Option<(&str, Vec<(String, String)>)> {
    let (kind, mut rest) = text.split_once(';').unwrap_or((text, ""));
    let mut found: Vec<(String, String)> = Vec::new();
    while !rest.trim_matches([' ', '\t']).is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_matches([' ', '\t']).to_ascii_lowercase();
        let is_new = found.len() < PARAMETERS_MAX && found.iter().all(|(known, _)| *known != name);
        if name.is_empty() || !name.bytes().all(is_token_byte) || !is_new {
            return None;
        }
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            quoted_string(quoted)?
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim_matches([' ', '\t']).to_owned(), &after[end..])
        };
        found.push((name, value));
        let after = after.trim_start_matches([' ', '\t']);
        rest = match after.strip_prefix(';') {
            Some(rest) => rest,
            None if after.is_empty() => "",
            None => return None,
        };
    }
    Some((kind.trim_matches([' ', '\t']), found))
}

// The value, and what follows the closing quote.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => value.push(characters.next()?.1),
            character => value.push(character),
        }
    }
    None
}

fn one<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=XX";

    fn read(
        content_type: &str,
        body: &[u8],
        piece: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, FormFault> {
        let limits = FormLimits { bytes: 4096, parts: 3, file_bytes: 64, head_bytes: 256 };
        let mut form = Form::new(content_type, limits)?;
        for piece in body.chunks(piece.max(1)) {
            form.feed(piece)?;
        }
        form.finish()
    }

    fn part(head: &str, content: &str) -> String {
        format!("--XX\r\n{head}\r\n\r\n{content}\r\n")
    }

    fn named(name: &str) -> String {
        format!("Content-Disposition: form-data; name=\"files\"; filename=\"{name}\"")
    }

    #[test]
    fn what_docker_and_curl_send() {
        let docker = part(
            &(named("targets/releases") + "\r\nContent-Type: application/octet-stream"),
            "{\r\n--X\r\n}",
        ) + &part(&named("root.json"), "")
            + "--XX--\r\n";
        for piece in 1..docker.len() {
            let files = read(TYPE, docker.as_bytes(), piece).unwrap();
            assert_eq!(files[0], ("targets/releases".to_owned(), b"{\r\n--X\r\n}".to_vec()));
            assert_eq!(files[1], ("root.json".to_owned(), Vec::new()));
        }
        // Docker sends a form without parts when it has nothing to say.
        assert_eq!(read(TYPE, b"--XX--\r\n", 1).unwrap(), []);
        for piece in 1..9 {
            assert_eq!(read(TYPE, b"\r\n--XX--\r\n", piece).unwrap(), []);
            for preamble in ["\r\n\r\n", "\n", "\r", "\r\n "] {
                let body = format!("{preamble}--XX--\r\n");
                assert!(read(TYPE, body.as_bytes(), piece).is_err(), "{preamble:?}");
            }
        }
        let quoted = r#"Multipart/Form-Data; Boundary="a b""#;
        assert!(read(quoted, b"", 1).is_err());
        assert!(read(r#"multipart/form-data; x="a\";b"; boundary="XX""#, b"--XX--", 1).is_ok());
    }

    #[test]
    fn refused() {
        let fine = part(&named("a"), "b");
        let long = "x".repeat(65);
        let cases = [
            ("a word before", format!("x{fine}--XX--")),
            ("a line before", format!("x\r\n{fine}--XX--")),
            ("cut", fine.clone()),
            ("cut delimiter", format!("{fine}--XX-")),
            ("something after", format!("{fine}--XX--\r\nx")),
            ("blank after a delimiter", format!("--XX \r\n{}", &fine[6..])),
            ("four parts", fine.repeat(4) + "--XX--"),
            ("a long file", part(&named("a"), &long) + "--XX--"),
            (
                "a long head",
                part(&format!("{}\r\nX: {}", named("a"), "y".repeat(300)), "") + "--XX--",
            ),
            ("no head", "--XX\r\n\r\nb\r\n--XX--".to_owned()),
            ("no disposition", part("X: y", "b") + "--XX--"),
            ("no file name", part("Content-Disposition: form-data; name=\"a\"", "b") + "--XX--"),
            ("an empty name", part(&named(""), "b") + "--XX--"),
            ("two dispositions", part(&format!("{0}\r\n{0}", named("a")), "b") + "--XX--"),
            ("two names", part(&(named("a") + "; filename=b"), "b") + "--XX--"),
            (
                "an encoded part",
                part(&(named("a") + "\r\nContent-Transfer-Encoding: base64"), "b") + "--XX--",
            ),
            ("bare line feeds", fine.replace("\r\n", "\n") + "--XX--"),
            ("a control character", part(&named("a\u{1}"), "b") + "--XX--"),
            ("an open quote", part("Content-Disposition: form-data; filename=\"a", "b") + "--XX--"),
        ];
        let refusal = |(what, body): &(&str, String)| {
            format!("{what}: {}\n", read(TYPE, body.as_bytes(), 7).unwrap_err())
        };
        let text = cases.iter().map(refusal).collect::<Vec<_>>().concat();
        expect![[r"
            a word before: something stands before the first part
            a line before: something stands before the first part
            cut: the form ends too early, or something follows it
            cut delimiter: the form ends too early, or something follows it
            something after: something follows the form
            blank after a delimiter: a delimiter is followed by something else
            four parts: the form has more parts than allowed
            a long file: a file is larger than allowed
            a long head: the head of a part is larger than allowed
            no head: a part has no file name
            no disposition: a part has no file name
            no file name: a part has no file name
            an empty name: a part has no file name
            two dispositions: a part has two dispositions
            two names: a disposition cannot be read
            an encoded part: a part is encoded
            bare line feeds: a delimiter is followed by something else
            a control character: a head has control characters
            an open quote: a disposition cannot be read
        "]]
        .assert_eq(&text);
        for content_type in [
            "",
            "multipart/form-data",
            "multipart/mixed; boundary=XX",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=X X",
            "multipart/form-data; boundary=XX; boundary=YY",
            "application/x-www-form-urlencoded",
        ] {
            assert!(read(content_type, b"--XX--", 1).is_err(), "{content_type}");
        }
    }

    #[test]
    fn ten_thousand_parts() {
        let mut form = Form::new(TYPE, FormLimits::default()).unwrap();
        let part = part(&named("a"), "");
        let fault = (0..10_000).find_map(|_| form.feed(part.as_bytes()).err());
        assert_eq!(fault, Some(FormFault::TooLarge("the form has more parts than allowed")));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(body in "(--XX|\r\n|-|X|[a-c]|Content-Disposition: form-data; filename=a){0,40}", piece in 1_usize..9) {
            let whole = read(TYPE, body.as_bytes(), body.len());
            let pieces = read(TYPE, body.as_bytes(), piece);
            prop_assert_eq!(whole.is_ok(), pieces.is_ok());
            if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
                prop_assert_eq!(whole, pieces);
            }
        }

        #[test]
        fn what_is_written_is_read(files in proptest::collection::vec(("[a-z/]{1,9}", "[a-z\r\n-]{0,50}"), 0..3), piece in 1_usize..99) {
            let mut body = String::new();
            for (name, content) in &files {
                body += &part(&named(name), content);
            }
            let read = read(TYPE, (body + "--XX--\r\n").as_bytes(), piece).unwrap();
            let read: Vec<(String, String)> =
                read.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect();
            prop_assert_eq!(read, files);
        }
    }
}
