//! A CycloneDX document as XML (<https://cyclonedx.org/docs/1.6/xml/>). The schema fixes the order of elements.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::document::{
    Component, Contact, Document, Entity, Evidence, LicenseChoice, Metadata, Property, Tools,
};

const INFALLIBLE: &str = "writing to memory does not fail";

/// Writes the document.
pub(super) fn encode(document: &Document) -> String {
    let mut out = Output { writer: Writer::new_with_indent(Vec::new(), b' ', 2) };
    out.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let namespace = format!("http://cyclonedx.org/schema/bom/{}", document.spec_version);
    let version = document.version.to_string();
    let mut attributes = vec![("xmlns", namespace.as_str()), ("version", version.as_str())];
    attributes.extend(document.serial_number.as_deref().map(|number| ("serialNumber", number)));
    out.within("bom", &attributes, |out| {
        metadata(out, &document.metadata);
        out.within("components", &[], |out| {
            for component in &document.components {
                self::component(out, component);
            }
        });
        out.within("dependencies", &[], |out| {
            for dependency in &document.dependencies {
                out.within("dependency", &[("ref", &dependency.reference)], |out| {
                    for needed in &dependency.depends_on {
                        out.empty("dependency", &[("ref", needed)]);
                    }
                });
            }
        });
        if !document.compositions.is_empty() {
            out.within("compositions", &[], |out| compositions(out, document));
        }
    });
    let bytes = out.writer.into_inner();
    let mut text = String::from_utf8(bytes).expect("texts and names are UTF-8");
    text.push('\n');
    text
}

fn compositions(out: &mut Output, document: &Document) {
    for composition in &document.compositions {
        out.within("composition", &[], |out| {
            out.text("aggregate", composition.aggregate);
            for (list, name, references) in [
                ("assemblies", "assembly", &composition.assemblies),
                ("dependencies", "dependency", &composition.dependencies),
            ] {
                if !references.is_empty() {
                    out.within(list, &[], |out| {
                        for reference in references {
                            out.empty(name, &[("ref", reference)]);
                        }
                    });
                }
            }
        });
    }
}

fn metadata(out: &mut Output, metadata: &Metadata) {
    out.within("metadata", &[], |out| {
        out.text("timestamp", &metadata.timestamp);
        if !metadata.lifecycles.is_empty() {
            out.within("lifecycles", &[], |out| {
                for lifecycle in &metadata.lifecycles {
                    out.within("lifecycle", &[], |out| out.text("phase", lifecycle.phase));
                }
            });
        }
        out.within("tools", &[], |out| match &metadata.tools {
            Tools::Components { components } => out.within("components", &[], |out| {
                for component in components {
                    self::component(out, component);
                }
            }),
            Tools::List(tools) => {
                for tool in tools {
                    out.within("tool", &[], |out| {
                        out.text("vendor", tool.vendor);
                        out.text("name", tool.name);
                        out.text("version", tool.version);
                    });
                }
            }
        });
        if !metadata.authors.is_empty() {
            out.within("authors", &[], |out| {
                for author in &metadata.authors {
                    contact(out, "author", author);
                }
            });
        }
        component(out, &metadata.component);
        if let Some(supplier) = &metadata.supplier {
            entity(out, supplier);
        }
        properties(out, &metadata.properties);
    });
}

fn component(out: &mut Output, component: &Component) {
    let mut attributes = vec![("type", component.kind)];
    attributes.extend(component.bom_ref.as_deref().map(|bom_ref| ("bom-ref", bom_ref)));
    out.within("component", &attributes, |out| {
        if let Some(supplier) = &component.supplier {
            entity(out, supplier);
        }
        out.text("name", &component.name);
        out.optional("version", component.version.as_deref());
        out.optional("description", component.description.as_deref());
        out.optional("scope", component.scope);
        if !component.hashes.is_empty() {
            out.within("hashes", &[], |out| {
                for hash in &component.hashes {
                    out.text_with("hash", &[("alg", hash.alg)], &hash.content);
                }
            });
        }
        if !component.licenses.is_empty() {
            out.within("licenses", &[], |out| {
                for choice in &component.licenses {
                    license(out, choice);
                }
            });
        }
        out.optional("copyright", component.copyright.as_deref());
        out.optional("cpe", component.cpe.as_deref());
        out.optional("purl", component.purl.as_deref());
        if !component.external_references.is_empty() {
            out.within("externalReferences", &[], |out| {
                for reference in &component.external_references {
                    out.within("reference", &[("type", reference.kind)], |out| {
                        out.text("url", &reference.url);
                    });
                }
            });
        }
        properties(out, &component.properties);
        if let Some(found) = &component.evidence {
            evidence(out, found);
        }
    });
}

fn entity(out: &mut Output, entity: &Entity) {
    out.within("supplier", &[], |out| {
        out.text("name", &entity.name);
        for url in &entity.url {
            out.text("url", url);
        }
        for person in &entity.contact {
            contact(out, "contact", person);
        }
    });
}

fn contact(out: &mut Output, name: &str, contact: &Contact) {
    out.within(name, &[], |out| {
        out.text("name", &contact.name);
        out.optional("email", contact.email.as_deref());
    });
}

fn license(out: &mut Output, choice: &LicenseChoice) {
    let (LicenseChoice::Expression { acknowledgement, .. }
    | LicenseChoice::License { license: super::License { acknowledgement, .. } }) = choice;
    let attributes: Vec<_> = acknowledgement.iter().map(|how| ("acknowledgement", *how)).collect();
    match choice {
        LicenseChoice::Expression { expression, .. } => {
            out.text_with("expression", &attributes, expression);
        }
        LicenseChoice::License { license } => out.within("license", &attributes, |out| {
            out.optional("id", license.id.as_deref());
            out.optional("name", license.name.as_deref());
        }),
    }
}

fn properties(out: &mut Output, properties: &[Property]) {
    if properties.is_empty() {
        return;
    }
    out.within("properties", &[], |out| {
        for property in properties {
            out.text_with("property", &[("name", &property.name)], &property.value);
        }
    });
}

fn evidence(out: &mut Output, evidence: &Evidence) {
    out.within("evidence", &[], |out| {
        let identity = evidence.identity.first();
        out.within("identity", &[], |out| {
            out.text("field", identity.field);
            out.text("confidence", &identity.confidence.to_string());
            out.within("methods", &[], |out| {
                for method in &identity.methods {
                    out.within("method", &[], |out| {
                        out.text("technique", method.technique);
                        out.text("confidence", &method.confidence.to_string());
                        out.text("value", &method.value);
                    });
                }
            });
        });
        out.within("occurrences", &[], |out| {
            for occurrence in &evidence.occurrences {
                out.within("occurrence", &[], |out| out.text("location", &occurrence.location));
            }
        });
    });
}

struct Output {
    writer: Writer<Vec<u8>>,
}

impl Output {
    fn event(&mut self, event: Event<'_>) {
        self.writer.write_event(event).expect(INFALLIBLE);
    }

    fn within(&mut self, name: &str, attributes: &[(&str, &str)], content: impl FnOnce(&mut Self)) {
        self.event(Event::Start(start(name, attributes)));
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    // Where the schema allows no text, not even that of an indentation.
    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Empty(start(name, attributes)));
    }

    fn text(&mut self, name: &str, value: &str) {
        self.text_with(name, &[], value);
    }

    fn text_with(&mut self, name: &str, attributes: &[(&str, &str)], value: &str) {
        self.within(name, attributes, |out| {
            let lines: Vec<String> = value.lines().map(legal).collect();
            out.event(Event::Text(BytesText::new(&lines.join("\n"))));
        });
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }
}

fn start<'a>(name: &'a str, attributes: &[(&'a str, &'a str)]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, legal(value).as_str()));
    }
    start
}

// XML 1.0 §2.2 has no control characters and no U+FFFE and U+FFFF, not even escaped.
fn legal(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}
