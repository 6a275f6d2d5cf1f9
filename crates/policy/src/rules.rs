//! Which rules of a policy count, and what their values mean.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use regorus::unstable::{Module, Parser, Ref, Rule, RuleHead};
use sealift_model::Level;
use serde_json::Value as Json;

use crate::Error;
use crate::place::{Place, shorten};

/// A rule that counts, with all files that define it.
#[derive(Debug)]
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

/// The rules that count, in the order of the files; reasons before permission within a package.
pub(crate) fn known_rules(
    files: &[String],
    modules: &[Ref<Module>],
) -> Result<Vec<KnownRule>, Error> {
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
    let imported = imported_paths(modules);

    let mut rules = Vec::new();
    for components in &order {
        let of_package = rules_of_package(components, &packages[components], files, modules)?;
        if of_package.is_empty()
            && !is_library(components, &packages[components], modules, &imported)
        {
            return Err(no_rules(files, &packages[components], components));
        }
        rules.extend(of_package);
    }
    match order.first() {
        Some(components) if rules.is_empty() => {
            Err(no_rules(files, &packages[components], components))
        }
        Some(_) => Ok(rules),
        None => Err(Error::NoPolicy),
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

fn package_of(module: &Ref<Module>) -> Result<Vec<String>, String> {
    Parser::get_path_ref_components(&module.package.refr)
        .map(|spans| spans.iter().map(|span| span.text().to_owned()).collect())
        .map_err(|error| Place::parse(&error.to_string()).message)
}

// First part of a rule's name; functions are no rules.
fn rule_name(rule: &Rule) -> Option<String> {
    let refr = match rule {
        Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. } => refr,
        Rule::Spec { head: RuleHead::Func { .. }, .. } => return None,
        Rule::Default { args, .. } if !args.is_empty() => return None,
        Rule::Default { refr, .. } => refr,
    };
    let spans = Parser::get_path_ref_components(refr).ok()?;
    spans.first().map(|span| span.text().to_owned())
}

fn interpreter_path(components: &[String], name: &str, file: &str) -> Result<String, Error> {
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

/// What the value of a `deny` or `warn` says: its messages, or `Err` if it is nothing that can be understood.
pub(crate) fn messages(name: &str, value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Undefined | Value::Bool(false) => Ok(Vec::new()),
        Value::Bool(true) => Ok(vec![format!("`{name}` is true")]),
        Value::String(text) => Ok(vec![shorten(text, MESSAGE_CHARS_MAX)]),
        Value::Set(set) => Ok(set.iter().map(message).collect()),
        Value::Array(array) => Ok(array.iter().map(message).collect()),
        Value::Object(object) if object.is_empty() => Ok(Vec::new()),
        Value::Object(_) if message_field(value).is_some() => Ok(vec![message(value)]),
        Value::Object(_) | Value::Number(_) | Value::Null => {
            Err(format!("`{name}` is not a set of messages but {}", json(value)))
        }
    }
}

// One reason: a text, or an object with one in `msg`. Anything else still is a reason.
fn message(value: &Value) -> String {
    match value {
        Value::String(text) => shorten(text, MESSAGE_CHARS_MAX),
        _ => message_field(value).unwrap_or_else(|| json(value)),
    }
}

fn message_field(value: &Value) -> Option<String> {
    let object = value.as_object().ok()?;
    let text = ["msg", "message"].iter().find_map(|key| match object.get(&Value::from(*key)) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    })?;
    Some(shorten(text, MESSAGE_CHARS_MAX))
}

fn json(value: &Value) -> String {
    let text = value.to_json_str().unwrap_or_else(|_| "a value that is no JSON".to_owned());
    shorten(&text, MESSAGE_CHARS_MAX)
}
