//! SPDX's tags and values, in the shape of its JSON (SPDX 2.3 §5.2).

use serde_json::{Map, Value, json};

use super::{Error, Limits};

// What the tags at a place belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Document,
    Package,
    License,
    // Files, snippets and annotations: no packages.
    Other,
}

/// Reads the text; `None` if it does not begin as SPDX does.
pub(super) fn to_json(text: &str, limits: &Limits) -> Result<Option<Value>, Error> {
    let mut lines = text.lines().enumerate();
    let mut reader = Sections::default();
    let mut is_first = true;
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let tag = trimmed.split_once(':').map(|(tag, value)| (tag.trim(), value.trim()));
        let Some((tag, value)) = tag else {
            if is_first {
                return Ok(None);
            }
            return Err(Error::Malformed(format!("line {} has no tag", number + 1)));
        };
        if is_first && !is_tag(tag) {
            return Ok(None);
        }
        let value = match value.strip_prefix("<text>") {
            Some(begun) => whole_text(begun, &mut lines, number)?,
            None => value.to_owned(),
        };
        is_first = false;
        reader.add(tag, value, limits)?;
    }
    if is_first || !reader.document.contains_key("spdxVersion") {
        return Ok(None);
    }
    Ok(Some(reader.finish()))
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= 40 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn whole_text<'a>(
    begun: &str,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
    number: usize,
) -> Result<String, Error> {
    let mut whole = String::new();
    let mut line = begun;
    loop {
        if let Some((text, _)) = line.split_once("</text>") {
            whole.push_str(text);
            return Ok(whole);
        }
        whole.push_str(line);
        whole.push('\n');
        let Some((_, next)) = lines.next() else {
            let message = format!("the text that begins in line {} never ends", number + 1);
            return Err(Error::Malformed(message));
        };
        line = next;
    }
}

#[derive(Default)]
struct Sections {
    section: Option<Section>,
    document: Map<String, Value>,
    creation: Map<String, Value>,
    packages: Vec<Map<String, Value>>,
    licenses: Vec<Map<String, Value>>,
    files: Vec<Value>,
    relationships: Vec<Value>,
}

impl Sections {
    fn add(&mut self, tag: &str, value: String, limits: &Limits) -> Result<(), Error> {
        match tag {
            "PackageName" => self.begin_package(limits)?,
            "SPDXID" if self.is_nameless() => self.begin_package(limits)?,
            "LicenseID" => {
                self.section = Some(Section::License);
                self.licenses.push(Map::new());
            }
            "FileName" | "SnippetSPDXID" | "Annotator" | "Reviewer" => {
                self.section = Some(Section::Other);
            }
            "Relationship" => return self.relate(&value, limits),
            _ => {}
        }
        match self.section.unwrap_or(Section::Document) {
            Section::Document => self.add_to_document(tag, value),
            Section::Package => self.add_to_package(tag, value),
            Section::License => self.add_to_license(tag, value),
            Section::Other if tag == "SPDXID" => self.files.push(json!({"SPDXID": value})),
            Section::Other => {}
        }
        Ok(())
    }

    fn begin_package(&mut self, limits: &Limits) -> Result<(), Error> {
        self.section = Some(Section::Package);
        self.packages.push(Map::new());
        if self.packages.len() > limits.packages_max {
            return Err(Error::TooMany { what: "packages", max: limits.packages_max });
        }
        Ok(())
    }

    // A second identifier at a place begins a package that has no name, which is wrong and yet happens.
    fn is_nameless(&self) -> bool {
        let owner = match self.section.unwrap_or(Section::Document) {
            Section::Document => Some(&self.document),
            Section::Package => self.packages.last(),
            Section::License | Section::Other => None,
        };
        owner.is_some_and(|owner| owner.contains_key("SPDXID"))
    }

    fn relate(&mut self, value: &str, limits: &Limits) -> Result<(), Error> {
        let mut words = value.split_whitespace();
        if let (Some(from), Some(kind), Some(to)) = (words.next(), words.next(), words.next()) {
            self.relationships.push(json!({
                "spdxElementId": from,
                "relationshipType": kind,
                "relatedSpdxElement": to,
            }));
        }
        if self.relationships.len() > limits.relations_max {
            return Err(Error::TooMany { what: "relations", max: limits.relations_max });
        }
        Ok(())
    }

    fn add_to_document(&mut self, tag: &str, value: String) {
        if tag == "Creator" {
            push(&mut self.creation, "creators", json!(value));
            return;
        }
        let (map, key) = match tag {
            "SPDXVersion" => (&mut self.document, "spdxVersion"),
            "DataLicense" => (&mut self.document, "dataLicense"),
            "SPDXID" => (&mut self.document, "SPDXID"),
            "DocumentNamespace" => (&mut self.document, "documentNamespace"),
            "DocumentName" => (&mut self.document, "name"),
            "Created" => (&mut self.creation, "created"),
            "CreatorComment" => (&mut self.creation, "comment"),
            _ => return,
        };
        map.insert(key.to_owned(), Value::String(value));
    }

    fn add_to_package(&mut self, tag: &str, value: String) {
        let Some(package) = self.packages.last_mut() else { return };
        let key = match tag {
            "PackageName" => "name",
            "SPDXID" => "SPDXID",
            "PackageVersion" => "versionInfo",
            "PackageSupplier" => "supplier",
            "PackageOriginator" => "originator",
            "PrimaryPackagePurpose" => "primaryPackagePurpose",
            "PackageDownloadLocation" => "downloadLocation",
            "PackageCopyrightText" => "copyrightText",
            "PackageHomePage" => "homepage",
            "PackageSourceInfo" => "sourceInfo",
            "PackageLicenseConcluded" => "licenseConcluded",
            "PackageLicenseDeclared" => "licenseDeclared",
            "PackageSummary" => "summary",
            "PackageDescription" => "description",
            "PackageComment" => "comment",
            "PackageChecksum" => {
                let Some((algorithm, hex)) = value.split_once(':') else { return };
                let checksum = json!({"algorithm": algorithm.trim(), "checksumValue": hex.trim()});
                push(package, "checksums", checksum);
                return;
            }
            "ExternalRef" => {
                let mut words = value.split_whitespace();
                let (Some(category), Some(kind), Some(locator)) =
                    (words.next(), words.next(), words.next())
                else {
                    return;
                };
                let reference = json!({
                    "referenceCategory": category,
                    "referenceType": kind,
                    "referenceLocator": locator,
                });
                push(package, "externalRefs", reference);
                return;
            }
            _ => return,
        };
        package.insert(key.to_owned(), Value::String(value));
    }

    fn add_to_license(&mut self, tag: &str, value: String) {
        let Some(license) = self.licenses.last_mut() else { return };
        let key = match tag {
            "LicenseID" => "licenseId",
            "ExtractedText" => "extractedText",
            "LicenseName" => "name",
            _ => return,
        };
        license.insert(key.to_owned(), Value::String(value));
    }

    fn finish(mut self) -> Value {
        self.document.insert("creationInfo".to_owned(), Value::Object(self.creation));
        self.document.insert("packages".to_owned(), json!(self.packages));
        self.document.insert("hasExtractedLicensingInfos".to_owned(), json!(self.licenses));
        self.document.insert("files".to_owned(), Value::Array(self.files));
        self.document.insert("relationships".to_owned(), Value::Array(self.relationships));
        Value::Object(self.document)
    }
}

fn push(map: &mut Map<String, Value>, key: &str, value: Value) {
    let list = map.entry(key).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(value);
    }
}
