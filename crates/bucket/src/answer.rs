//! The store's answers, which are XML: single values, and lists of objects. What is nested deeper, longer than it may be
//! or not XML is no answer.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::Error;
use crate::bucket::Listed;

const DEPTH_MAX: usize = 16;
const ENTRIES_MAX: usize = 10_000;
const TEXT_BYTES_MAX: usize = 16 << 10;

/// Calls `found` for each element that has a text, with its name, that of its parent, and the text.
fn texts(
    bytes: &[u8],
    mut found: impl FnMut(&str, &str, String) -> Result<(), Error>,
) -> Result<(), Error> {
    let bad = |reason: &str| Error::unavailable(format!("its answer cannot be read: {reason}"));
    let text = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    let mut path: Vec<(String, String)> = Vec::new();
    loop {
        match reader.read_event().map_err(|_| bad("it is not XML"))? {
            Event::Start(start) => {
                if path.len() >= DEPTH_MAX {
                    return Err(bad("it is nested too deep"));
                }
                let name = start.local_name().as_ref().to_owned();
                path.push((name, String::new()));
            }
            Event::Text(piece) => {
                append(&mut path, &piece, &bad)?;
            }
            Event::CData(piece) => {
                append(&mut path, &piece, &bad)?;
            }
            Event::GeneralRef(reference) => {
                let text = format!("&{};", &*reference);
                let text = quick_xml::escape::unescape(&text)
                    .map_err(|_| bad("it has an unknown entity"))?;
                append(&mut path, &text, &bad)?;
            }
            Event::End(_) => {
                let Some((name, text)) = path.pop() else { return Err(bad("it is not XML")) };
                let parent = path.last().map_or("", |(name, _)| name.as_str());
                found(&name, parent, text)?;
            }
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(bad("it is cut")),
            Event::DocType(_) => return Err(bad("it declares a document type")),
            Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

fn append(
    path: &mut [(String, String)],
    piece: &str,
    bad: &impl Fn(&str) -> Error,
) -> Result<(), Error> {
    // What stands between elements is white space.
    let Some((_, text)) = path.last_mut() else { return Ok(()) };
    if text.len() + piece.len() > TEXT_BYTES_MAX {
        return Err(bad("a text is too long"));
    }
    text.push_str(piece);
    Ok(())
}

/// A value that an answer has once.
pub(crate) fn value(bytes: &[u8], wanted: &str) -> Result<Option<String>, Error> {
    let mut value = None;
    texts(bytes, |name, _, text| {
        if name == wanted && value.is_none() {
            value = Some(text);
        }
        Ok(())
    })?;
    Ok(value)
}

/// Code and message of a failure; what the store said else is not shown.
pub(crate) fn failure(bytes: &[u8]) -> Option<(String, String)> {
    let code = value(bytes, "Code").ok()??;
    let message = value(bytes, "Message").ok()?.unwrap_or_default();
    let plain = |text: String| text.chars().filter(|c| !c.is_control()).take(200).collect();
    Some((plain(code), plain(message)))
}

/// A list of objects.
pub(crate) fn listed(bytes: &[u8]) -> Result<Listed, Error> {
    let mut listed = Listed::default();
    texts(bytes, |name, parent, text| {
        match (parent, name) {
            ("Contents", "Key") => {
                if listed.names.len() >= ENTRIES_MAX {
                    return Err(Error::unavailable("its list is too long"));
                }
                listed.names.push(text);
            }
            ("ListBucketResult", "IsTruncated") => listed.more = text == "true",
            _ => {}
        }
        Ok(())
    })?;
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let text = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><IsTruncated>true</IsTruncated>\
            <Contents><Key>a&amp;b&#33;</Key><Size>3</Size></Contents><Contents><Key>c</Key></Contents>\
            <CommonPrefixes><Prefix>p</Prefix></CommonPrefixes></ListBucketResult>";
        let listed = listed(text.as_bytes()).unwrap();
        assert_eq!(listed.names, ["a&b!", "c"]);
        assert!(listed.more);
    }

    #[test]
    fn failures() {
        let text = b"<Error><Code>NoSuchKey</Code><Message>no\nkey</Message></Error>";
        assert_eq!(failure(text), Some(("NoSuchKey".to_owned(), "nokey".to_owned())));
        assert_eq!(failure(b"<html>Bad gateway</html>"), None);
    }

    #[test]
    fn hostile_answers_are_none() {
        let deep = "<a>".repeat(1000);
        let long = format!("<Key>{}</Key>", "x".repeat(1 << 20));
        for hostile in [
            "<a>",
            "</a>",
            "<a>\u{0}&b;</a>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            &deep,
            &long,
        ] {
            assert!(value(hostile.as_bytes(), "Key").is_err(), "{hostile:.40}");
        }
        assert!(value(b"\xff", "Key").is_err());
        assert_eq!(value(b"", "Key").unwrap(), None);
    }
}
