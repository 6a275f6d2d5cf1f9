//! Changes that notary or docker staged and did not publish: the files of `changelist/`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Change, DelegationChange, Error, FileMeta, Key, Role};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    action: String,
    role: String,
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    data: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DelegationWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    new_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add_keys: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remove_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add_paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remove_paths: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    clear_paths: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationWire {
    keys: Vec<Value>,
    role: String,
}

fn unreadable(reason: &str) -> Error {
    Error::Change(format!("a staged change cannot be read: {reason}"))
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    sealift_crypto::strict_json::from_slice(bytes, "staged change")
        .map_err(|error| unreadable(&error.to_string()))
}

/// Reads a staged change.
pub fn read_change(bytes: &[u8]) -> Result<Change, Error> {
    let wire: Wire = parse(bytes)?;
    let role = Role::parse(&wire.role)?;
    let data = STANDARD
        .decode(wire.data.unwrap_or_default())
        .map_err(|_| unreadable("its data is not base64"))?;
    match (wire.kind.as_str(), wire.action.as_str()) {
        ("target", "create") => {
            let file: FileMeta = parse(&data)?;
            Ok(Change::SignTagIn { role, tag: wire.path, file })
        }
        ("target", "delete") => Ok(Change::RevokeTagIn { role, tag: wire.path }),
        ("witness", _) => Ok(Change::Witness { role }),
        ("delegation", "delete") => Ok(Change::Undelegate { role }),
        ("delegation", "create" | "update") => read_delegation(role, &data),
        ("role", "create") => {
            let rotation: RotationWire = parse(&data)?;
            let keys = rotation.keys.iter().map(Key::from_value).collect::<Result<_, _>>()?;
            Ok(Change::Rotate { role: Role::parse(&rotation.role)?, keys, threshold: 1 })
        }
        (kind, action) => {
            let what = crate::error::printable(&format!("{action} {kind}"));
            Err(unreadable(&format!("`{what}` is unknown")))
        }
    }
}

fn read_delegation(role: Role, data: &[u8]) -> Result<Change, Error> {
    let wire: DelegationWire = parse(data)?;
    if wire.new_name.is_some() {
        return Err(unreadable("a delegation cannot get another name"));
    }
    Ok(Change::Delegate(DelegationChange {
        role,
        add_keys: wire.add_keys.iter().map(Key::from_value).collect::<Result<_, _>>()?,
        remove_keys: wire.remove_keys,
        add_paths: wire.add_paths,
        remove_paths: wire.remove_paths,
        clear_paths: wire.clear_paths,
        threshold: wire.threshold.filter(|threshold| *threshold > 0),
    }))
}

/// Writes a staged change. Those that Docker has no words for are refused.
pub fn write_change(change: &Change) -> Result<Vec<u8>, Error> {
    let empty = || String::new();
    let (action, role, kind, path, data) = match change {
        Change::SignTagIn { role, tag, file } => {
            ("create", role, "target", tag.clone(), Some(json!(file)))
        }
        Change::RevokeTagIn { role, tag } => ("delete", role, "target", tag.clone(), None),
        Change::Witness { role } => ("update", role, "witness", empty(), None),
        Change::Undelegate { role } => ("delete", role, "delegation", empty(), None),
        Change::Delegate(change) => {
            let wire = DelegationWire {
                new_name: None,
                threshold: change.threshold,
                add_keys: change.add_keys.iter().map(Key::to_value).collect(),
                remove_keys: change.remove_keys.clone(),
                add_paths: change.add_paths.clone(),
                remove_paths: change.remove_paths.clone(),
                clear_paths: change.clear_paths,
            };
            let action = if change.threshold.is_some() { "create" } else { "update" };
            (action, &change.role, "delegation", empty(), Some(json!(wire)))
        }
        Change::Rotate { role, keys, threshold: 1 } => {
            let keys = keys.iter().map(Key::to_value).collect();
            let wire = RotationWire { keys, role: role.to_string() };
            ("create", &Role::ROOT, "role", role.to_string(), Some(json!(wire)))
        }
        _ => return Err(Error::Change("docker cannot stage such a change".to_owned())),
    };
    let data = data.map(|data| STANDARD.encode(data.to_string()));
    let (action, role, kind) = (action.to_owned(), role.to_string(), kind.to_owned());
    let wire = Wire { action, role, kind, path, data };
    Ok(serde_json::to_vec(&wire).expect("all of it is text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // As notary 0.3 staged it.
    const STAGED: &[u8] = br#"{"action":"create","role":"targets/releases","type":"target","path":"v1","data":"eyJsZW5ndGgiOjEsImhhc2hlcyI6eyJzaGEyNTYiOiJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPSJ9fQ=="}"#;

    #[test]
    fn round_trip() {
        let sign = read_change(STAGED).unwrap();
        let file = FileMeta::of_manifest([0; 32], 1);
        let role = Role::RELEASES;
        assert_eq!(sign, Change::SignTagIn { role: role.clone(), tag: "v1".to_owned(), file });
        let key = Key::bare(&sealift_crypto::SigningKey::generate_p256().public());
        let mut delegation = DelegationChange::new(role.clone());
        delegation.add_keys = vec![key.clone()];
        delegation.add_paths = vec![String::new()];
        delegation.threshold = Some(1);
        for change in [
            sign,
            Change::RevokeTagIn { role: role.clone(), tag: "v1".to_owned() },
            Change::Witness { role: role.clone() },
            Change::Undelegate { role },
            Change::Delegate(delegation),
            Change::Rotate { role: Role::SNAPSHOT, keys: vec![key], threshold: 1 },
        ] {
            assert_eq!(read_change(&write_change(&change).unwrap()).unwrap(), change);
        }
        assert!(write_change(&Change::RevokeTag { tag: "v1".to_owned() }).is_err());
    }

    #[test]
    fn refuses_what_is_unknown() {
        let text = std::str::from_utf8(STAGED).unwrap();
        for altered in [
            text.replace("create", "burn"),
            text.replace("targets/releases", "x"),
            text.replace("eyJs", "eyJ"),
            text.replace("\"path\"", "\"other\""),
            String::new(),
        ] {
            assert!(read_change(altered.as_bytes()).is_err(), "{altered}");
        }
    }
}
