//! Variables of the environment that stand above the file: `REGISTRY_HTTP_ADDR` is `http.addr`, and
//! `REGISTRY_HTTP_TLS_CLIENTCAS_0` the first of `http.tls.clientcas`.
//!
//! As distribution does it: the names of variables are applied in their order, so that `REGISTRY_STORAGE` comes before
//! `REGISTRY_STORAGE_S3_BUCKET`; a value is YAML, and takes the place of what was there; a new key is written small; an
//! index may be that behind the last item. Unlike there, a variable also reaches what the file has within options, and
//! items that are plain texts: there both are passed over.

use std::sync::Arc;

use sealift_diagnostic::closest;

use super::finding::{Finding, Place};
use super::keys::{Inside, inside, join};
use super::tree::{self, Entry, Node, Source, Value};

const PREFIX: &str = "REGISTRY_";
// Where the file is, for the programs of distribution's image.
const NOT_OURS: &[&str] = &["REGISTRY_CONFIGURATION_PATH"];
const VARIABLES_MAX: usize = 1_000;

/// Applies variables to a tree.
pub(super) fn apply(root: &mut Node, variables: &[(String, String)], findings: &mut Vec<Finding>) {
    let mut ours: Vec<&(String, String)> = variables
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && !NOT_OURS.contains(&name.as_str()))
        .collect();
    ours.sort();
    for (name, text) in ours.into_iter().take(VARIABLES_MAX) {
        let Some(value) = tree::read(text, Source::Variable(name), findings) else { continue };
        let parts: Vec<&str> = name[PREFIX.len()..].split('_').collect();
        let place = Place::Variable(Arc::from(name.as_str()));
        if let Err(finding) = set(root, "", &parts, value, &place) {
            findings.push(finding);
        }
    }
}

/// Sets what lies under `parts`; `path` is where `node` stands in the table of keys.
fn set(
    node: &mut Node,
    path: &str,
    parts: &[&str],
    value: Node,
    place: &Place,
) -> Result<(), Finding> {
    let Some((part, rest)) = parts.split_first() else {
        *node = value;
        return Ok(());
    };
    match inside(path) {
        Inside::Keys(known) => {
            let Some((key, _)) = known.iter().find(|(_, name)| name == part) else {
                // A driver or kind of authentication that is not known is refused later.
                if matches!(path, "storage" | "auth") {
                    return set_key(node, &part.to_lowercase(), "**", rest, value, place);
                }
                return Err(unknown(part, &known, place));
            };
            set_key(node, key, &join(path, key), rest, value, place)
        }
        Inside::Items => set_item(node, path, (part, rest), value, place),
        Inside::Any | Inside::Anything => set_free(node, path, (part, rest), value, place),
        Inside::Leaf if path.ends_with("**") || path.starts_with("sealift") => {
            set_free(node, path, (part, rest), value, place)
        }
        Inside::Leaf => {
            let message = "the variable goes deeper than the configuration; it is not used";
            Err(Finding::warning(place.clone(), path, message).hint("correct or unset it"))
        }
    }
}

fn unknown(part: &str, known: &[(&'static str, String)], place: &Place) -> Finding {
    let message = "no key of the configuration has the name of this variable; it is not used";
    let finding = Finding::warning(place.clone(), "", message);
    match closest(part, known.iter().map(|(_, name)| name.as_str())) {
        Some(name) => finding.hint(format!("did you mean `{name}` for `{part}`?")),
        None => finding.hint("unset it if it was meant for the registry"),
    }
}

// The key is made if it is not there; what is no mapping becomes one.
fn set_key(
    node: &mut Node,
    key: &str,
    path: &str,
    rest: &[&str],
    value: Node,
    place: &Place,
) -> Result<(), Finding> {
    let mut entries = match std::mem::replace(&mut node.value, Value::Nothing) {
        Value::Map(entries) => entries,
        // `storage: s3` is short for `storage: {s3: {}}`.
        Value::Text { text: key, .. } => {
            vec![Entry { key, place: node.place.clone(), node: Node::map(node.place.clone()) }]
        }
        Value::Nothing | Value::List(_) => Vec::new(),
    };
    let index = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        let node = Node::nothing(place.clone());
        entries.push(Entry { key: key.to_owned(), place: place.clone(), node });
        entries.len() - 1
    });
    let result = set(&mut entries[index].node, path, rest, value, place);
    node.value = Value::Map(entries);
    result
}

fn set_item(
    node: &mut Node,
    path: &str,
    (part, rest): (&str, &[&str]),
    value: Node,
    place: &Place,
) -> Result<(), Finding> {
    if !matches!(node.value, Value::List(_)) {
        *node = Node { place: place.clone(), value: Value::List(Vec::new()) };
    }
    let Value::List(items) = &mut node.value else { return Ok(()) };
    let wrong = |message: String| {
        let hint = "items are counted from 0, without a gap";
        Finding::error(place.clone(), path, message).hint(hint)
    };
    let index: usize =
        part.parse().map_err(|_| wrong("the variable needs the number of an item".to_owned()))?;
    if index > items.len() {
        return Err(wrong(format!("there is no item {index}; the list has {}", items.len())));
    }
    if index == items.len() {
        items.push(Node::nothing(place.clone()));
    }
    set(&mut items[index], &format!("{path}[]"), rest, value, place)
}

// Any key; one that is there is found in any letter case, and a new one is written small.
fn set_free(
    node: &mut Node,
    path: &str,
    (part, rest): (&str, &[&str]),
    value: Node,
    place: &Place,
) -> Result<(), Finding> {
    if let Value::List(_) = node.value {
        return set_item(node, path, (part, rest), value, place);
    }
    let mut taken = 1;
    let mut key = part.to_lowercase();
    // Keys of ours may have `_`: the longest one that fits.
    for count in (1..=rest.len() + 1).rev() {
        let name = std::iter::once(part).chain(rest.iter().copied().take(count - 1));
        let name = name.collect::<Vec<_>>().join("_");
        if let Some(known) = node.entries().iter().find(|entry| entry.key.to_uppercase() == name) {
            key.clone_from(&known.key);
            taken = count;
            break;
        }
    }
    let path = match inside(path) {
        Inside::Any => format!("{path}.*"),
        _ => "**".to_owned(),
    };
    set_key(node, &key, &path, &rest[taken - 1..], value, place)
}
