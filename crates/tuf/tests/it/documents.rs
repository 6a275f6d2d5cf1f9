//! Every recorded document: read, brought to the same bytes again, and its signatures checked.

use std::collections::BTreeMap;

use sealift_tuf::{Authority, Envelope, Error, Key, Limits, Meta, Role, Root, Targets, seal};
use serde_json::Value;

use crate::transcripts::{Exchange, exchanges};

fn documents(exchanges: &[Exchange]) -> Vec<(Role, String)> {
    let mut found = Vec::new();
    for exchange in exchanges {
        for (name, bytes) in exchange.files() {
            if let Ok(role) = Role::parse(&name) {
                found.push((role, String::from_utf8(bytes).unwrap()));
            }
        }
        let name = exchange.path.split_once("/_trust/tuf/").map_or("", |(_, name)| name);
        let name = name.trim_end_matches(".json");
        let is_version = |part: &str| part.chars().all(|digit| digit.is_ascii_digit());
        let name = match name.split_once('.') {
            Some((version, role)) if is_version(version) => role,
            Some((role, _)) => role,
            None => name,
        };
        if let (Ok(role), true) = (Role::parse(name), exchange.answer.starts_with("{\"signed\"")) {
            found.push((role, exchange.answer.clone()));
        }
    }
    found.retain(|(_, text)| text.starts_with("{\"signed\""));
    found
}

/// What was signed, from its value alone, in the same bytes.
fn write_again(role: &Role, envelope: &Envelope) -> Result<Vec<u8>, Error> {
    let limits = Limits::default();
    let map = match role.as_str() {
        "root" => Root::read(envelope, &limits)?.to_map(),
        "snapshot" | "timestamp" => Meta::read(envelope, role)?.to_map(role),
        _ => Targets::read(envelope, role, &limits)?.to_map(),
    };
    seal(role, &map, &[])
}

#[test]
fn recorded_documents_are_read_and_written_as_they_are() {
    let Some(exchanges) = exchanges("reading documents") else { return };
    let documents = documents(&exchanges);
    assert!(documents.len() > 150, "{}", documents.len());
    let mut keys: BTreeMap<String, Key> = BTreeMap::new();
    let mut envelopes = Vec::new();
    let mut n_odd = 0;
    for (role, text) in &documents {
        let envelope = Envelope::parse(text.as_bytes(), role, &Limits::default()).unwrap();
        let start = "{\"signed\":".len();
        let end = text.rfind(",\"signatures\"").unwrap();
        assert_eq!(std::str::from_utf8(envelope.canonical()).unwrap(), &text[start..end]);
        // What was sent under another role's name to provoke the server.
        let Ok(again) = write_again(role, &envelope) else {
            n_odd += 1;
            continue;
        };
        assert_eq!(
            String::from_utf8(again).unwrap(),
            format!("{},\"signatures\":[]}}", &text[..end])
        );
        collect(envelope.signed().values(), &mut keys);
        envelopes.push((role.clone(), envelope));
    }
    assert!(n_odd <= 4, "{n_odd}");
    let mut n_good = 0;
    let mut n_high = 0;
    for (role, envelope) in &envelopes {
        let authority = Authority { keys: keys.clone(), threshold: 1 };
        match envelope.check_signatures(role, &authority) {
            Ok(_) => n_good += 1,
            Err(Error::Threshold { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        n_high += usize::from(is_high(envelope));
    }
    // A handful was altered on purpose.
    assert!(envelopes.len() - n_good <= 8, "{n_good} of {}", envelopes.len());
    assert!(n_high > 40, "{n_high} signatures with the higher number");
}

fn collect<'a>(values: impl Iterator<Item = &'a Value>, keys: &mut BTreeMap<String, Key>) {
    for value in values {
        if let Ok(key) = Key::from_value(value) {
            keys.insert(key.id().to_owned(), key);
        } else if let Value::Object(map) = value {
            collect(map.values(), keys);
        }
    }
}

fn is_high(envelope: &Envelope) -> bool {
    use base64::Engine as _;
    envelope.signatures().iter().any(|signature| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(&signature.sig).unwrap();
        bytes.get(32).is_some_and(|first| *first >= 0x80)
    })
}
