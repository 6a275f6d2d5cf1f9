//! CycloneDX's XML, in the shape of its JSON.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value, json};

use super::{Error, Limits};

const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";

#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    // The elements in a list: those of this name in the child of that name.
    fn list<'a>(&'a self, list: &'a str, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.child(list)
            .into_iter()
            .flat_map(|list| &list.children)
            .filter(move |child| child.name == name)
    }
}

/// Reads the XML.
pub(super) fn to_json(text: &str, limits: &Limits) -> Result<Value, Error> {
    let root = parse(text, limits)?;
    let namespace = root.attributes.iter().find_map(|(name, value)| {
        let is_namespace = name == "xmlns" || name.starts_with("xmlns:");
        value.strip_prefix(NAMESPACE).filter(|_| is_namespace)
    });
    let (Some(version), "bom") = (namespace, root.name.as_str()) else {
        return Err(Error::UnknownFormat);
    };
    let mut document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "components": root.list("components", "component").map(component).collect::<Vec<_>>(),
        "dependencies": root.list("dependencies", "dependency").map(dependency).collect::<Vec<_>>(),
    });
    if let Some(number) = root.attribute("serialNumber") {
        document["serialNumber"] = json!(number);
    }
    if let Some(metadata) = root.child("metadata") {
        let mut value = texts(metadata, &["timestamp"]);
        let authors = metadata.list("authors", "author");
        value.insert(
            "authors".to_owned(),
            authors.map(|it| texts(it, &["name", "email"])).collect(),
        );
        if let Some(root) = metadata.child("component") {
            value.insert("component".to_owned(), component(root));
        }
        if let Some(supplier) = metadata.child("supplier") {
            value.insert("supplier".to_owned(), entity(supplier));
        }
        value.insert("properties".to_owned(), properties(metadata));
        document["metadata"] = Value::Object(value);
    }
    Ok(document)
}

fn parse(text: &str, limits: &Limits) -> Result<Element, Error> {
    let malformed = |error: &dyn std::fmt::Display| Error::Malformed(error.to_string());
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    let mut elements = 0_usize;
    loop {
        if elements > limits.elements_max {
            return Err(Error::TooMany { what: "elements", max: limits.elements_max });
        }
        let event = reader.read_event().map_err(|error| malformed(&error))?;
        elements += usize::from(matches!(event, Event::Start(_) | Event::Empty(_)));
        match event {
            Event::Start(start) => {
                if open.len() > limits.depth_max {
                    return Err(Error::TooMany { what: "levels", max: limits.depth_max });
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                let element = element(&start)?;
                open.last_mut().expect("the outermost stays").children.push(element);
            }
            Event::End(_) => {
                let closed = open.pop().expect("the reader matches ends with starts");
                let Some(parent) = open.last_mut() else {
                    return Err(Error::Malformed("an element ends that never began".to_owned()));
                };
                parent.children.push(closed);
            }
            Event::Text(part) => {
                open.last_mut().expect("the outermost stays").text.push_str(&part);
            }
            Event::CData(part) => {
                open.last_mut().expect("the outermost stays").text.push_str(&part);
            }
            Event::GeneralRef(entity) => {
                let text = quick_xml::escape::unescape(&format!("&{};", &*entity))
                    .map_err(|error| malformed(&error))?
                    .into_owned();
                open.last_mut().expect("the outermost stays").text.push_str(&text);
            }
            // No SBOM needs a document type, and entities of its own are a way to blow up a reader.
            Event::DocType(_) => {
                return Err(Error::Malformed("a document type is not allowed".to_owned()));
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    if open.len() != 1 {
        return Err(Error::Malformed("the document breaks off".to_owned()));
    }
    let outermost = open.pop().unwrap_or_default();
    outermost.children.into_iter().next().ok_or(Error::UnknownFormat)
}

fn element(start: &BytesStart<'_>) -> Result<Element, Error> {
    let malformed = |error: &dyn std::fmt::Display| Error::Malformed(error.to_string());
    let name = start.local_name().into_inner().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error))?;
        let key = attribute.key.into_inner().to_owned();
        let value =
            quick_xml::escape::unescape(&attribute.value).map_err(|error| malformed(&error))?;
        attributes.push((key, value.into_owned()));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

fn texts(element: &Element, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|name| Some((*name, element.child(name)?)))
        .map(|(name, child)| (name.to_owned(), json!(child.text.trim())))
        .collect()
}

// The depth of the tree is limited, and so this recursion is too.
fn component(element: &Element) -> Value {
    const TEXTS: [&str; 10] = [
        "group",
        "name",
        "version",
        "description",
        "publisher",
        "author",
        "scope",
        "copyright",
        "cpe",
        "purl",
    ];
    let mut value = texts(element, &TEXTS);
    for name in ["type", "bom-ref"] {
        if let Some(text) = element.attribute(name) {
            value.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(supplier) = element.child("supplier") {
        value.insert("supplier".to_owned(), entity(supplier));
    }
    let licenses = element.child("licenses").into_iter().flat_map(|list| &list.children);
    let licenses: Vec<Value> = licenses
        .map(|choice| {
            let how = choice.attribute("acknowledgement");
            if choice.name == "expression" {
                json!({"expression": choice.text.trim(), "acknowledgement": how})
            } else {
                let mut license = texts(choice, &["id", "name"]);
                license.insert("acknowledgement".to_owned(), json!(how));
                json!({"license": license})
            }
        })
        .collect();
    let hashes: Vec<Value> = element
        .list("hashes", "hash")
        .map(|hash| json!({"alg": hash.attribute("alg"), "content": hash.text.trim()}))
        .collect();
    value.insert("hashes".to_owned(), json!(hashes));
    let references: Vec<Value> = element
        .list("externalReferences", "reference")
        .map(|reference| {
            let mut value = texts(reference, &["url"]);
            value.insert("type".to_owned(), json!(reference.attribute("type")));
            Value::Object(value)
        })
        .collect();
    let components: Vec<Value> = element.list("components", "component").map(component).collect();
    value.insert("licenses".to_owned(), json!(licenses));
    value.insert("externalReferences".to_owned(), json!(references));
    value.insert("components".to_owned(), json!(components));
    value.insert("properties".to_owned(), properties(element));
    if let Some(evidence) = element.child("evidence") {
        let occurrences: Vec<_> =
            evidence.list("occurrences", "occurrence").map(|at| texts(at, &["location"])).collect();
        value.insert("evidence".to_owned(), json!({"occurrences": occurrences}));
    }
    Value::Object(value)
}

fn entity(element: &Element) -> Value {
    let contacts: Vec<_> = element
        .children
        .iter()
        .filter(|child| child.name == "contact")
        .map(|contact| texts(contact, &["name", "email"]))
        .collect();
    let mut value = texts(element, &["name"]);
    let urls = element.children.iter().filter(|child| child.name == "url");
    value.insert("url".to_owned(), urls.map(|url| json!(url.text.trim())).collect());
    value.insert("contact".to_owned(), json!(contacts));
    Value::Object(value)
}

fn properties(element: &Element) -> Value {
    let list = element.list("properties", "property");
    list.map(|property| json!({"name": property.attribute("name"), "value": property.text}))
        .collect()
}

fn dependency(element: &Element) -> Value {
    let needed: Vec<&str> =
        element.children.iter().filter_map(|child| child.attribute("ref")).collect();
    json!({"ref": element.attribute("ref"), "dependsOn": needed})
}
