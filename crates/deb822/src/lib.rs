//! Paragraphs of fields, as Debian's control files (deb822(5)) and Python's metadata have them.
//!
//! Entry: [`parse`]. It is total: what is no field is a complaint, and the rest is read.

/// A paragraph: its fields in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paragraph {
    fields: Vec<(String, String)>,
}

impl Paragraph {
    /// The first value of a field; names are the same in either case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The first value of a field, trimmed, if it is not empty.
    pub fn some(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The first line of a field, trimmed, if it is not empty.
    pub fn line(&self, name: &str) -> Option<&str> {
        let value = self.get(name)?;
        value.lines().next().map(str::trim).filter(|line| !line.is_empty())
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Limits of a file.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Paragraphs of a file.
    pub paragraphs_max: usize,
    /// Fields of a paragraph.
    pub fields_max: usize,
    /// Bytes of a field's value.
    pub value_bytes_max: usize,
}

/// Limits of a package database.
pub const LIMITS: Limits =
    Limits { paragraphs_max: 200_000, fields_max: 5_000, value_bytes_max: 1 << 20 };

/// Reads paragraphs, and says what was wrong with them. What is not UTF-8 is replaced.
pub fn parse(bytes: &[u8], limits: Limits) -> (Vec<Paragraph>, Vec<String>) {
    read(bytes, limits, Blank::Separates)
}

fn read(bytes: &[u8], limits: Limits, blank: Blank) -> (Vec<Paragraph>, Vec<String>) {
    let mut reader = Reader {
        limits,
        blank,
        paragraphs: Vec::new(),
        open: Paragraph::default(),
        complaints: Vec::new(),
    };
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if reader.paragraphs.len() >= limits.paragraphs_max {
            reader.complain(number, "has more paragraphs than the limit, the rest is not read");
            break;
        }
        reader.line(number, line);
    }
    reader.close();
    (reader.paragraphs, reader.complaints)
}

/// Reads the first paragraph only: the header of Python's metadata, whose body is a description.
pub fn parse_first(bytes: &[u8], limits: Limits) -> (Paragraph, Vec<String>) {
    let mut end = bytes.len();
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if start > 0 && matches!(line, b"\n" | b"\r\n") {
            end = start;
            break;
        }
        start += line.len();
    }
    let (mut paragraphs, complaints) = read(&bytes[..end], limits, Blank::Continues);
    let first =
        if paragraphs.is_empty() { Paragraph::default() } else { paragraphs.swap_remove(0) };
    (first, complaints)
}

// What a line of nothing but spaces does: dpkg takes it for an empty one, Python for the middle of a description.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blank {
    Separates,
    Continues,
}

struct Reader {
    limits: Limits,
    blank: Blank,
    paragraphs: Vec<Paragraph>,
    open: Paragraph,
    complaints: Vec<String>,
}

const COMPLAINTS_MAX: usize = 20;

impl Reader {
    fn complain(&mut self, number: usize, what: &str) {
        if self.complaints.len() < COMPLAINTS_MAX {
            self.complaints.push(format!("line {} {what}", number + 1));
        }
    }

    fn close(&mut self) {
        if !self.open.fields.is_empty() {
            self.paragraphs.push(std::mem::take(&mut self.open));
        }
    }

    fn line(&mut self, number: usize, line: &[u8]) {
        let is_blank = match self.blank {
            Blank::Separates => line.iter().all(u8::is_ascii_whitespace),
            Blank::Continues => line.is_empty(),
        };
        match line.first() {
            Some(b' ' | b'\t') if !is_blank => self.continued(number, line),
            _ if is_blank => self.close(),
            Some(b'#') => {}
            _ => self.field(number, line),
        }
    }

    fn field(&mut self, number: usize, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':');
        let Some(colon) = colon.filter(|colon| *colon > 0) else {
            self.complain(number, "is no field");
            return;
        };
        let name = &line[..colon];
        if !name.iter().all(u8::is_ascii_graphic) {
            self.complain(number, "is no field");
            return;
        }
        if self.open.fields.len() >= self.limits.fields_max {
            self.complain(number, "is beyond the limit of fields");
            return;
        }
        let value = self.text(number, &line[colon + 1..]);
        let name = String::from_utf8_lossy(name).into_owned();
        self.open.fields.push((name, value.trim().to_owned()));
    }

    fn continued(&mut self, number: usize, line: &[u8]) {
        let text = self.text(number, line);
        let limit = self.limits.value_bytes_max;
        match self.open.fields.last_mut() {
            Some((_, value)) if value.len() + text.len() < limit => {
                value.push('\n');
                value.push_str(&text);
            }
            Some(_) => self.complain(number, "makes a field longer than the limit"),
            None => self.complain(number, "continues no field"),
        }
    }

    fn text(&mut self, number: usize, bytes: &[u8]) -> String {
        let bytes = if bytes.len() > self.limits.value_bytes_max {
            self.complain(number, "is longer than the limit");
            &bytes[..self.limits.value_bytes_max]
        } else {
            bytes
        };
        let text = String::from_utf8_lossy(bytes);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            self.complain(number, "is not UTF-8");
        }
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs() {
        let text = b"A: 1\nb:  2 \n more\n .\n\t x\n\n \nC:\r\n# no\nA: 3\nnonsense\n: x\n";
        let (paragraphs, complaints) = parse(text, LIMITS);
        assert_eq!(paragraphs.len(), 2);
        assert_eq!(paragraphs[0].get("a"), Some("1"));
        assert_eq!(paragraphs[0].get("B"), Some("2\n more\n .\n\t x"));
        assert_eq!(paragraphs[0].line("b"), Some("2"));
        assert_eq!(paragraphs[1].get("C"), Some(""));
        assert_eq!(paragraphs[1].some("C"), None);
        assert_eq!(paragraphs[1].get("A"), Some("3"));
        assert_eq!(complaints, ["line 11 is no field", "line 12 is no field"]);
    }

    #[test]
    fn first_only() {
        let (paragraph, complaints) =
            parse_first(b"Name: x\nVersion: 1\n\nnot: a field\njunk", LIMITS);
        assert_eq!((paragraph.get("Name"), paragraph.get("not")), (Some("x"), None));
        assert!(complaints.is_empty());
        assert_eq!(parse_first(b"", LIMITS).0, Paragraph::default());
        let (paragraph, complaints) = parse_first(b"Description: x\n \n  y\nLicense: z\n", LIMITS);
        assert_eq!((paragraph.get("License"), complaints.len()), (Some("z"), 0));
    }

    #[test]
    fn hostile() {
        let limits = Limits { paragraphs_max: 2, fields_max: 2, value_bytes_max: 10 };
        let (paragraphs, complaints) = parse(b"a: 1\n\na: 2\n\na: 3\n", limits);
        assert_eq!((paragraphs.len(), complaints.len()), (2, 1));
        let (_, complaints) = parse(b"a: 1\na: 2\na: 3\n", limits);
        assert_eq!(complaints, ["line 3 is beyond the limit of fields"]);
        let (paragraphs, complaints) = parse(b"a: 1\n 234567890123\n 456\n", limits);
        assert_eq!(paragraphs[0].get("a"), Some("1\n 456"));
        assert_eq!(complaints.len(), 2);
        let (paragraphs, complaints) = parse(b"a: \xff\xfe\n", LIMITS);
        assert_eq!(paragraphs[0].get("a"), Some("\u{fffd}\u{fffd}"));
        assert_eq!(complaints, ["line 1 is not UTF-8"]);
        let (_, complaints) = parse(&b"junk\n".repeat(1000), LIMITS);
        assert_eq!(complaints.len(), COMPLAINTS_MAX);
    }
}
