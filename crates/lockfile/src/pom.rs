//! Maven's `pom.xml` (maven.apache.org, "POM reference"): what the file itself says, with its own properties filled in.
//! What its parent says is not known here.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::listing::{Listing, decoded, line, text};

const DEPTH_MAX: usize = 32;
const TEXT_BYTES_MAX: usize = 2_000;
const PROPERTIES_MAX: usize = 5_000;
const DEPENDENCIES_MAX: usize = 5_000;
const LICENSES_MAX: usize = 20;
// Properties may name properties.
const ROUNDS_MAX: usize = 10;

/// What a `pom.xml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pom {
    /// Its own coordinates; group and version may be its parent's.
    pub own: Coordinates,
    /// Its parent's coordinates.
    pub parent: Option<Coordinates>,
    /// Names of its licences.
    pub licenses: Vec<String>,
    /// The organisation.
    pub organization: Option<String>,
    /// Home page.
    pub homepage: Option<String>,
    /// One line about it.
    pub summary: Option<String>,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
}

/// Maven's coordinates, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coordinates {
    /// Group.
    pub group: Option<String>,
    /// Artifact; empty if the file does not say it.
    pub artifact: String,
    /// Version.
    pub version: Option<String>,
}

/// A dependency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependency {
    /// Its coordinates.
    pub coordinates: Coordinates,
    /// `compile`, `runtime`, `provided`, `test`, `system` or `import`.
    pub scope: String,
    /// True if whoever needs the package need not have it.
    pub is_optional: bool,
}

impl Dependency {
    /// True for what a program has with it when it runs.
    pub fn is_at_run_time(&self) -> bool {
        matches!(self.scope.as_str(), "compile" | "runtime")
    }
}

/// Reads a `pom.xml`; complaints if it is none.
pub fn pom(bytes: &[u8]) -> Result<Pom, Vec<String>> {
    let content = decoded(bytes).map_err(|refused: Listing| refused.complaints)?;
    let mut model = Model::default();
    let mut reader = Reader::from_str(&content);
    let mut path: Vec<String> = Vec::new();
    let mut value = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                if path.len() >= DEPTH_MAX {
                    return Err(vec!["it has elements too deep in elements".to_owned()]);
                }
                let name: String = element.local_name().into_inner().chars().take(200).collect();
                path.push(name);
                model.begin(&path);
                value.clear();
            }
            Ok(Event::End(_)) => {
                model.end(&path, value.trim());
                path.pop();
                value.clear();
            }
            Ok(Event::Text(part)) if value.len() < TEXT_BYTES_MAX => value.push_str(&part),
            Ok(Event::CData(part)) if value.len() < TEXT_BYTES_MAX => value.push_str(&part),
            Ok(Event::GeneralRef(entity)) if value.len() < TEXT_BYTES_MAX => {
                // An entity of a document type is left out.
                let known = quick_xml::escape::unescape(&format!("&{};", &*entity))
                    .map(std::borrow::Cow::into_owned);
                value.push_str(&known.unwrap_or_default());
            }
            Ok(Event::Eof) if path.is_empty() && model.is_project => return Ok(model.finish()),
            Ok(Event::Eof) => return Err(vec!["it is no whole project".to_owned()]),
            Ok(_) => {}
            Err(error) => return Err(vec![format!("it is no XML: {error}")]),
        }
    }
}

// What the elements say, before properties are filled in.
#[derive(Default)]
struct Model {
    is_project: bool,
    fields: BTreeMap<&'static str, String>,
    properties: BTreeMap<String, String>,
    licenses: Vec<String>,
    dependencies: Vec<BTreeMap<&'static str, String>>,
    managed: Vec<BTreeMap<&'static str, String>>,
}

const FIELDS: [&str; 5] = ["groupId", "artifactId", "version", "scope", "optional"];

impl Model {
    fn begin(&mut self, path: &[String]) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path[..] {
            ["project"] => self.is_project = true,
            ["project", "dependencies", "dependency"]
                if self.dependencies.len() < DEPENDENCIES_MAX =>
            {
                self.dependencies.push(BTreeMap::new());
            }
            ["project", "dependencyManagement", "dependencies", "dependency"]
                if self.managed.len() < DEPENDENCIES_MAX =>
            {
                self.managed.push(BTreeMap::new());
            }
            _ => {}
        }
    }

    fn end(&mut self, path: &[String], value: &str) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut set = |key: &'static str| {
            self.fields.entry(key).or_insert_with(|| value.to_owned());
        };
        let field = |name: &str| FIELDS.into_iter().find(|field| *field == name);
        match path[..] {
            ["project", "groupId"] => set("groupId"),
            ["project", "artifactId"] => set("artifactId"),
            ["project", "version"] => set("version"),
            ["project", "name"] => set("name"),
            ["project", "description"] => set("description"),
            ["project", "url"] => set("url"),
            ["project", "organization", "name"] => set("organization"),
            ["project", "parent", "groupId"] => set("parent.groupId"),
            ["project", "parent", "artifactId"] => set("parent.artifactId"),
            ["project", "parent", "version"] => set("parent.version"),
            ["project", "properties", name] if self.properties.len() < PROPERTIES_MAX => {
                self.properties.insert(name.to_owned(), value.to_owned());
            }
            ["project", "licenses", "license", "name"] if self.licenses.len() < LICENSES_MAX => {
                self.licenses.push(value.to_owned());
            }
            ["project", "dependencies", "dependency", name] => {
                if let (Some(field), Some(last)) = (field(name), self.dependencies.last_mut()) {
                    last.insert(field, value.to_owned());
                }
            }
            ["project", "dependencyManagement", "dependencies", "dependency", name] => {
                if let (Some(field), Some(last)) = (field(name), self.managed.last_mut()) {
                    last.insert(field, value.to_owned());
                }
            }
            _ => {}
        }
    }

    fn finish(self) -> Pom {
        let parent = self.coordinates("parent.groupId", "parent.artifactId", "parent.version");
        let mut own = self.coordinates("groupId", "artifactId", "version");
        let parent = (!parent.artifact.is_empty()).then_some(parent);
        if let Some(parent) = &parent {
            own.group = own.group.or_else(|| parent.group.clone());
            // A version that names an unknown property is not the parent's.
            if !self.fields.contains_key("version") {
                own.version.clone_from(&parent.version);
            }
        }
        let managed: BTreeMap<(String, String), &BTreeMap<&str, String>> = self
            .managed
            .iter()
            .filter_map(|it| {
                Some(((self.value(it.get("groupId")?)?, self.value(it.get("artifactId")?)?), it))
            })
            .collect();
        let dependencies = self.dependencies.iter().filter_map(|fields| {
            let value = |key: &str| self.value(fields.get(key)?);
            let (group, artifact) = (value("groupId")?, value("artifactId")?);
            let managed = managed.get(&(group.clone(), artifact.clone()));
            let inherited = |key: &str| self.value(managed?.get(key)?);
            Some(Dependency {
                coordinates: Coordinates {
                    version: value("version").or_else(|| inherited("version")),
                    group: Some(group),
                    artifact,
                },
                scope: value("scope")
                    .or_else(|| inherited("scope"))
                    .unwrap_or_else(|| "compile".to_owned()),
                is_optional: value("optional").as_deref() == Some("true"),
            })
        });
        let dependencies = dependencies.collect();
        let short = |key: &str| line(&self.filled(self.fields.get(key)?)?);
        Pom {
            parent,
            licenses: self.licenses.iter().filter_map(|name| line(name)).collect(),
            organization: short("organization"),
            homepage: short("url"),
            summary: short("description").or_else(|| short("name")),
            dependencies,
            own,
        }
    }

    fn coordinates(&self, group: &str, artifact: &str, version: &str) -> Coordinates {
        let value = |key: &str| self.value(self.fields.get(key)?);
        // A range is no version.
        let version = value(version).filter(|text| !text.starts_with(['[', '(']));
        Coordinates { group: value(group), artifact: value(artifact).unwrap_or_default(), version }
    }

    fn value(&self, raw: &str) -> Option<String> {
        text(&self.filled(raw)?)
    }

    // With properties filled in; `None` if one is not known.
    fn filled(&self, raw: &str) -> Option<String> {
        let mut filled = raw.to_owned();
        for _ in 0..ROUNDS_MAX {
            let Some(start) = filled.find("${") else { return Some(filled) };
            let end = start + filled[start..].find('}')?;
            let value = self.property(&filled[start + 2..end])?;
            filled.replace_range(start..=end, value);
            if filled.len() > TEXT_BYTES_MAX {
                return None;
            }
        }
        (!filled.contains("${")).then_some(filled)
    }

    fn property(&self, name: &str) -> Option<&str> {
        let name = name.trim();
        if let Some(value) = self.properties.get(name) {
            return Some(value);
        }
        let name =
            name.strip_prefix("project.").or_else(|| name.strip_prefix("pom.")).unwrap_or(name);
        let own = self.fields.get(name);
        let inherited = || match name {
            "groupId" => self.fields.get("parent.groupId"),
            "version" => self.fields.get("parent.version"),
            _ => None,
        };
        own.or_else(inherited).map(String::as_str)
    }
}
