//! XML, element by element: a feed may be hundreds of megabytes, and one of its records is small.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

const DEPTH_MAX: usize = 64;
// Of one record. Real ones have some thousands.
const ELEMENTS_MAX: usize = 1_000_000;

/// An element with all that is in it.
#[derive(Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    text: String,
}

impl Element {
    /// The first child of a name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of a name, if there is any.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(Self::text).filter(|text| !text.is_empty())
    }

    /// The text, without blanks around it.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Gives every element of one of these names, whole; names are without their prefixes.
pub(crate) fn each(
    text: &str,
    names: &[&str],
    mut take: impl FnMut(Element),
) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    // Those that are open around a record, and those of the record itself.
    let mut depth = 0_usize;
    let mut open: Vec<Element> = Vec::new();
    let mut elements = 0_usize;
    loop {
        let event = reader.read_event().map_err(|error| malformed(&error))?;
        match event {
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(format!("it has more than {DEPTH_MAX} levels"));
                }
                if !open.is_empty() || is_wanted(&start, names) {
                    open.push(element(&start)?);
                    elements += 1;
                }
            }
            Event::Empty(start) => {
                if let Some(parent) = open.last_mut() {
                    parent.children.push(element(&start)?);
                    elements += 1;
                } else if is_wanted(&start, names) {
                    take(element(&start)?);
                }
            }
            Event::End(_) => {
                depth = depth.checked_sub(1).ok_or("an element ends that never began")?;
                if let Some(closed) = open.pop() {
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(closed);
                    } else {
                        elements = 0;
                        take(closed);
                    }
                }
            }
            Event::Text(part) => add(&mut open, &part),
            Event::CData(part) => add(&mut open, &part),
            Event::GeneralRef(entity) => {
                let text = quick_xml::escape::unescape(&format!("&{};", &*entity))
                    .map_err(|error| malformed(&error))?
                    .into_owned();
                add(&mut open, &text);
            }
            // No feed needs one, and entities of its own are a way to blow up a reader.
            Event::DocType(_) => return Err("it has a document type".to_owned()),
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err("it breaks off".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
        if elements > ELEMENTS_MAX {
            return Err(format!("a record has more than {ELEMENTS_MAX} elements"));
        }
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn is_wanted(start: &BytesStart<'_>, names: &[&str]) -> bool {
    names.contains(&start.local_name().into_inner())
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let name = start.local_name().into_inner().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error))?;
        let value =
            quick_xml::escape::unescape(&attribute.value).map_err(|error| malformed(&error))?;
        attributes.push((attribute.key.into_inner().to_owned(), value.into_owned()));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

fn malformed(error: &dyn std::fmt::Display) -> String {
    format!("it is not XML: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut found = Vec::new();
        let result = each(text, &["a"], |it| {
            let child = it.text_of("b").unwrap_or("-").to_owned();
            found.push(format!("{} {} {child}", it.attribute("x").unwrap_or("-"), it.text()));
        });
        let actual = result.err().unwrap_or_else(|| found.join("; "));
        assert_eq!(actual, expected, "{text:.100}");
    }

    #[test]
    fn records() {
        check(
            "<r><p:a x='1&amp;2'>t<b>c&lt;</b><![CDATA[d]]></p:a><c><a/></c></r>",
            "1&2 td c<; -  -",
        );
        check("<r><a><a x='1'/></a></r>", "-  -");
        check("", "");
    }

    #[test]
    fn hostile() {
        check("<r><a>", "it breaks off");
        check(
            "<r></r></r>",
            "it is not XML: ill-formed document: close tag `</r>` does not match any open tag",
        );
        check("<!DOCTYPE r [<!ENTITY a \"b\">]><r><a>&a;</a></r>", "it has a document type");
        check("<r><a>&lol;</a></r>", "it is not XML: at 1..4: unrecognized entity `lol`");
        check(&"<a>".repeat(100_000), "it has more than 64 levels");
        check(
            &format!("<r><a>{}</a></r>", "<b/>".repeat(ELEMENTS_MAX + 1)),
            "a record has more than 1000000 elements",
        );
    }
}
