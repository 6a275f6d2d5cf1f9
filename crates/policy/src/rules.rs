//! Which rules of a policy count, and what their values mean.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regorus::Value;
use regorus::unstable::{Module, Parser, Ref, Rule, RuleHead};
use sealift_model::Level;
use serde_json::{Map, Value as Json};

use crate::Error;
use crate::place::{Place, shorten};
use crate::policies::Namespaces;

/// A rule that counts, with all files that define it.
#[derive(Clone, Debug)]
pub(crate) struct KnownRule {
    pub(crate) package: String,
    pub(crate) name: String,
    /// Path for the interpreter.
    pub(crate) path: String,
    pub(crate) files: Vec<String>,
    pub(crate) meaning: Meaning,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Its values are reasons.
    Reasons(Level),
    /// It has to be true.
    Permission,
}

const MESSAGE_CHARS_MAX: usize = 4000;

/// The rules of policies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// The rules that count, in the order of the files; reasons before permission within a package.
    pub(crate) known: Arc<[KnownRule]>,
    /// Packages with a rule `exception`, and its path.
    pub(crate) exceptions: BTreeMap<String, String>,
    /// Packages with a rule `__rego_metadata__`, and its path.
    pub(crate) own_metadata: BTreeMap<String, String>,
    /// The files of each package, by their places.
    pub(crate) files_of: BTreeMap<String, Vec<usize>>,
}

impl Rules {
    /// Finds the rules that count.
    pub(crate) fn find(
        files: &[String],
        modules: &[Ref<Module>],
        namespaces: &Namespaces,
    ) -> Result<Self, Error> {
        let mut packages: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
        let mut order = Vec::new();
        for (index, module) in modules.iter().enumerate() {
            let components = package_of(module)
                .map_err(|message| Error::Invalid { file: files[index].clone(), message })?;
            let of_package = packages.entry(components.clone()).or_default();
            if of_package.is_empty() {
                order.push(components);
            }
            of_package.push(index);
        }
        let wanted = wanted(namespaces, &order)?;
        let imported = imported_paths(modules);
        let (mut rules, mut known) = (Self::default(), Vec::new());
        for components in &order {
            let package = components.join(".");
            let of_package = &packages[components];
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&package)) {
                continue;
            }
            let found = rules_of_package(components, of_package, files, modules)?;
            if found.is_empty()
                && (wanted.is_some() || !is_library(components, of_package, modules, &imported))
            {
                return Err(no_rules(files, of_package, components));
            }
            known.extend(found);
            for (name, paths) in
                [("exception", &mut rules.exceptions), (OWN_METADATA, &mut rules.own_metadata)]
            {
                let has = |index: &usize| {
                    modules[*index].policy.iter().any(|it| rule_name(it).as_deref() == Some(name))
                };
                if let Some(index) = of_package.iter().find(|index| has(index)) {
                    let path = interpreter_path(components, name, &files[*index])?;
                    paths.insert(package.clone(), path);
                }
            }
            rules.files_of.insert(package, of_package.clone());
        }
        match order.first() {
            Some(components) if known.is_empty() => {
                Err(no_rules(files, &packages[components], components))
            }
            Some(_) => Ok(Self { known: known.into(), ..rules }),
            None => Err(Error::NoPolicy),
        }
    }
}

const OWN_METADATA: &str = "__rego_metadata__";

// The packages that are to judge; none named means all.
fn wanted(
    namespaces: &Namespaces,
    order: &[Vec<String>],
) -> Result<Option<BTreeSet<String>>, Error> {
    let present: BTreeSet<String> = order.iter().map(|components| components.join(".")).collect();
    match namespaces {
        Namespaces::All => Ok(None),
        Namespaces::MainOrAll => {
            Ok(present.contains("main").then(|| BTreeSet::from(["main".to_owned()])))
        }
        Namespaces::Named(names) => {
            if let Some(name) = names.iter().find(|name| !present.contains(*name)) {
                let known = present.into_iter().collect();
                return Err(Error::NoNamespace { name: name.clone(), known });
            }
            Ok(Some(names.iter().cloned().collect()))
        }
    }
}

/// Where the data has a value of its own in a rule's place, which would hide the rule.
pub(crate) fn hidden_by(data: &Json, modules: &[Ref<Module>]) -> Option<String> {
    for module in modules {
        let Ok(package) = package_of(module) else { continue };
        for name in module.policy.iter().filter_map(|rule| rule_name(rule)) {
            let mut value = data;
            let mut path = package.iter().chain([&name]);
            loop {
                match (value, path.next()) {
                    (Json::Object(object), Some(part)) => match object.get(part) {
                        Some(inner) => value = inner,
                        None => break,
                    },
                    (_, _) => return Some(format!("{}.{name}", package.join("."))),
                }
            }
        }
    }
    None
}

fn no_rules(files: &[String], of_package: &[usize], components: &[String]) -> Error {
    let names: Vec<&str> = of_package.iter().map(|index| files[*index].as_str()).collect();
    Error::NoRules { file: names.join(", "), package: components.join(".") }
}

fn rules_of_package(
    components: &[String],
    of_package: &[usize],
    files: &[String],
    modules: &[Ref<Module>],
) -> Result<Vec<KnownRule>, Error> {
    let mut found: Vec<KnownRule> = Vec::new();
    for index in of_package {
        for rule in &modules[*index].policy {
            let Some(name) = rule_name(rule) else { continue };
            let Some(meaning) = meaning(&name) else { continue };
            let file = &files[*index];
            match found.iter_mut().find(|known| known.name == name) {
                Some(known) if known.files.contains(file) => {}
                Some(known) => known.files.push(file.clone()),
                None => found.push(KnownRule {
                    package: components.join("."),
                    path: interpreter_path(components, &name, file)?,
                    name,
                    files: vec![file.clone()],
                    meaning,
                }),
            }
        }
    }
    found.sort_by_key(|rule| rule.meaning == Meaning::Permission);
    Ok(found)
}

fn meaning(name: &str) -> Option<Meaning> {
    let base = name.split_once('_').map_or(name, |(base, _)| base);
    match base {
        "deny" | "violation" => Some(Meaning::Reasons(Level::Deny)),
        "warn" => Some(Meaning::Reasons(Level::Warn)),
        "allow" if name == "allow" => Some(Meaning::Permission),
        _ => None,
    }
}

// A package may lack rules of its own if a policy imports it, or if it holds nothing but tests.
fn is_library(
    components: &[String],
    of_package: &[usize],
    modules: &[Ref<Module>],
    imported: &BTreeSet<Vec<String>>,
) -> bool {
    let is_imported = imported.iter().any(|path| {
        path.first().is_some_and(|root| root == "data")
            && path.len() > 1
            && path[1..].iter().zip(components).all(|(left, right)| left == right)
    });
    let mut rules = of_package.iter().flat_map(|index| modules[*index].policy.iter()).peekable();
    let is_test = rules.peek().is_some()
        && rules.all(|rule| rule_name(rule).is_some_and(|name| name.starts_with("test_")));
    is_imported || is_test
}

fn imported_paths(modules: &[Ref<Module>]) -> BTreeSet<Vec<String>> {
    modules
        .iter()
        .flat_map(|module| &module.imports)
        .filter_map(|import| Parser::get_path_ref_components(&import.refr).ok())
        .map(|spans| spans.iter().map(|span| span.text().to_owned()).collect())
        .collect()
}

/// The parts of a module's package.
pub(crate) fn package_of(module: &Module) -> Result<Vec<String>, String> {
    Parser::get_path_ref_components(&module.package.refr)
        .map(|spans| spans.iter().map(|span| span.text().to_owned()).collect())
        .map_err(|error| Place::parse(&error.to_string()).message)
}

/// First part of a rule's name; functions are no rules.
pub(crate) fn rule_name(rule: &Rule) -> Option<String> {
    let refr = match rule {
        Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. } => refr,
        Rule::Spec { head: RuleHead::Func { .. }, .. } => return None,
        Rule::Default { args, .. } if !args.is_empty() => return None,
        Rule::Default { refr, .. } => refr,
    };
    let spans = Parser::get_path_ref_components(refr).ok()?;
    spans.first().map(|span| span.text().to_owned())
}

/// The path by which the interpreter finds a rule.
pub(crate) fn interpreter_path(
    components: &[String],
    name: &str,
    file: &str,
) -> Result<String, Error> {
    let mut path = "data".to_owned();
    for component in components {
        let is_name = component.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !component.starts_with(|first: char| first.is_ascii_digit());
        if is_name {
            path.push('.');
            path.push_str(component);
        } else if component.contains(['"', '\\', '\n']) {
            let message = format!("the package name part `{component}` is not supported");
            return Err(Error::Invalid { file: file.to_owned(), message });
        } else {
            path.extend(["[\"", component, "\"]"]);
        }
    }
    path.push('.');
    path.push_str(name);
    Ok(path)
}

/// What one value of a `deny` or `warn` says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) metadata: Map<String, Json>,
}

impl Message {
    /// A text and nothing else.
    pub(crate) fn plain(text: String) -> Self {
        Self { text: shorten(&text, MESSAGE_CHARS_MAX), metadata: Map::new() }
    }

    // A text, or an object with one in `msg`. Anything else still is a reason.
    fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::plain(text.to_string()),
            _ => Self::of_object(value).unwrap_or_else(|| Self::plain(json(value))),
        }
    }

    fn of_object(value: &Value) -> Option<Self> {
        let object = value.as_object().ok()?;
        let (key, text) =
            ["msg", "message"].iter().find_map(|key| match object.get(&Value::from(*key)) {
                Some(Value::String(text)) => Some((*key, text)),
                _ => None,
            })?;
        let text = shorten(text, MESSAGE_CHARS_MAX);
        let mut metadata = Map::new();
        for (name, item) in object.iter_sorted() {
            let Value::String(name) = name else { continue };
            if &**name != key && metadata.len() < METADATA_MAX {
                metadata.insert(shorten(name, 200), metadata_value(item));
            }
        }
        Some(Self { text, metadata })
    }
}

const METADATA_MAX: usize = 64;

// As it is if it is small, or else its beginning.
fn metadata_value(value: &Value) -> Json {
    let text = json(value);
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

/// What the value of a `deny` or `warn` says: its messages, or `Err` if it is nothing that can be understood.
pub(crate) fn messages(name: &str, value: &Value) -> Result<Vec<Message>, String> {
    match value {
        Value::Undefined | Value::Bool(false) => Ok(Vec::new()),
        Value::Bool(true) => Ok(vec![Message::plain(format!("`{name}` is true"))]),
        Value::String(_) => Ok(vec![Message::of(value)]),
        Value::Set(set) => Ok(set.iter().map(Message::of).collect()),
        Value::Array(array) => Ok(array.iter().map(Message::of).collect()),
        Value::Object(object) if object.is_empty() => Ok(Vec::new()),
        Value::Object(_) | Value::Number(_) | Value::Null => match Message::of_object(value) {
            Some(message) => Ok(vec![message]),
            None => Err(format!("`{name}` is not a set of messages but {}", json(value))),
        },
    }
}

fn json(value: &Value) -> String {
    let text = value.to_json_str().unwrap_or_else(|_| "a value that is no JSON".to_owned());
    shorten(&text, MESSAGE_CHARS_MAX)
}
