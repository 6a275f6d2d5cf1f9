//! The four kinds of documents, as values. What we do not know of them stays as it is when one is written again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::envelope::{Authority, Envelope};
use crate::hash::FileMeta;
use crate::key::{Key, read_keys};
use crate::{Error, Limits, Role};

/// Years and days that Notary gives each role.
const DAY_HOURS: i64 = 24;

/// How long a role is good for after it was signed, in hours.
pub fn lifetime_hours(role: &Role) -> i64 {
    match role.as_str() {
        "root" => 10 * 365 * DAY_HOURS,
        "timestamp" => 14 * DAY_HOURS,
        _ => 3 * 365 * DAY_HOURS,
    }
}

/// Keys of a role: ids and how many must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleKeys {
    /// Ids of keys.
    #[serde(rename = "keyids", deserialize_with = "or_default")]
    pub key_ids: Vec<String>,
    /// How many different ones must sign.
    pub threshold: u64,
}

/// A role that another delegates to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Ids of keys.
    #[serde(rename = "keyids", deserialize_with = "or_default")]
    pub key_ids: Vec<String>,
    /// Name of the role.
    pub name: String,
    /// Prefixes of the tags that it may hold; the empty one is for all.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// How many different keys must sign.
    pub threshold: u64,
}

impl Delegation {
    /// Whether it may hold a tag.
    pub fn covers(&self, tag: &str) -> bool {
        self.paths.iter().any(|prefix| tag.starts_with(prefix))
    }
}

#[derive(Serialize, Deserialize)]
struct Wire<T> {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(with = "moment")]
    expires: Timestamp,
    version: u64,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize, Deserialize)]
struct RootWire {
    #[serde(default)]
    consistent_snapshot: bool,
    #[serde(deserialize_with = "or_default")]
    keys: BTreeMap<String, Value>,
    #[serde(deserialize_with = "or_default")]
    roles: BTreeMap<String, RoleKeys>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct TargetsWire {
    #[serde(default, deserialize_with = "or_default")]
    delegations: DelegationsWire,
    #[serde(deserialize_with = "or_default")]
    targets: BTreeMap<String, FileMeta>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Default, Serialize, Deserialize)]
struct DelegationsWire {
    #[serde(default, deserialize_with = "or_default")]
    keys: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    roles: Vec<Delegation>,
}

#[derive(Serialize, Deserialize)]
struct MetaWire {
    #[serde(deserialize_with = "or_default")]
    meta: BTreeMap<String, FileMeta>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

// RFC 3339 with as many digits as needed, as Go writes it.
mod moment {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(|_| D::Error::custom("a time that is not RFC 3339"))
    }
}

// Go writes an empty list that nobody made as `null`.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Keys of the four roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Version, from 1.
    pub version: u64,
    /// Good until then.
    pub expires: Timestamp,
    /// As it stands there; Notary ignores it.
    pub consistent_snapshot: bool,
    /// Keys by id.
    pub keys: BTreeMap<String, Key>,
    /// Roles by name; the four are there.
    pub roles: BTreeMap<String, RoleKeys>,
    pub(crate) other: Map<String, Value>,
}

/// Tags, and who else may hold some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// Version, from 1.
    pub version: u64,
    /// Good until then.
    pub expires: Timestamp,
    /// Keys of the delegations by id.
    pub keys: BTreeMap<String, Key>,
    /// Delegations in their order.
    pub delegations: Vec<Delegation>,
    /// Tags.
    pub targets: BTreeMap<String, FileMeta>,
    pub(crate) other: Map<String, Value>,
}

/// A snapshot or a timestamp: hashes of other documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Version, from 1.
    pub version: u64,
    /// Good until then.
    pub expires: Timestamp,
    /// Hashes by role.
    pub meta: BTreeMap<String, FileMeta>,
    pub(crate) other: Map<String, Value>,
}

fn read<T: for<'de> Deserialize<'de>>(
    envelope: &Envelope,
    role: &Role,
    kind: &str,
) -> Result<Wire<T>, Error> {
    let wire: Wire<T> = serde_json::from_value(Value::Object(envelope.signed().clone()))
        .map_err(|error| Error::malformed(role, crate::error::printable(&error.to_string())))?;
    if wire.kind != kind {
        let found = crate::error::printable(&wire.kind);
        return Err(Error::malformed(role, format!("it is of type `{found}`, not `{kind}`")));
    }
    if wire.version < 1 {
        return Err(Error::malformed(role, "its version is 0"));
    }
    Ok(wire)
}

fn write<T: Serialize>(
    kind: &str,
    expires: Timestamp,
    version: u64,
    rest: T,
) -> Map<String, Value> {
    let wire = Wire { kind: kind.to_owned(), expires, version, rest };
    match serde_json::to_value(wire) {
        Ok(Value::Object(map)) => map,
        _ => unreachable!("a document is an object with string keys"),
    }
}

fn check_role_keys(
    role: &Role,
    name: &str,
    (key_ids, threshold): (&[String], u64),
    keys: &BTreeMap<String, Key>,
) -> Result<(), Error> {
    if threshold < 1 {
        return Err(Error::malformed(role, format!("the threshold of `{name}` is 0")));
    }
    if let Some(id) = key_ids.iter().find(|id| !keys.contains_key(*id)) {
        let id = crate::key::short(id);
        return Err(Error::malformed(role, format!("`{name}` has key {id}, which is not there")));
    }
    Ok(())
}

fn authority(keys: &BTreeMap<String, Key>, ids: &[String], threshold: u64) -> Authority {
    let keys = ids.iter().filter_map(|id| Some((id.clone(), keys.get(id)?.clone()))).collect();
    Authority { keys, threshold }
}

impl Root {
    /// A first root.
    pub fn new(expires: Timestamp) -> Self {
        Self {
            version: 1,
            expires,
            consistent_snapshot: false,
            keys: BTreeMap::new(),
            roles: BTreeMap::new(),
            other: Map::new(),
        }
    }

    /// Reads a root. Signatures are not looked at.
    pub fn read(envelope: &Envelope, limits: &Limits) -> Result<Self, Error> {
        let role = &Role::ROOT;
        let wire: Wire<RootWire> = read(envelope, role, "Root")?;
        let RootWire { consistent_snapshot, keys, roles, other } = wire.rest;
        if keys.len() > limits.keys {
            return Err(Error::malformed(role, format!("more than {} keys", limits.keys)));
        }
        let keys = read_keys(role, &keys)?;
        for base in Role::BASE {
            let Some(entry) = roles.get(base.as_str()) else {
                return Err(Error::malformed(role, format!("it has no role `{base}`")));
            };
            check_role_keys(role, base.as_str(), (&entry.key_ids, entry.threshold), &keys)?;
        }
        let (version, expires) = (wire.version, wire.expires);
        Ok(Self { version, expires, consistent_snapshot, keys, roles, other })
    }

    /// The document to sign.
    pub fn to_map(&self) -> Map<String, Value> {
        let keys = self.keys.iter().map(|(id, key)| (id.clone(), key.to_value())).collect();
        let rest = RootWire {
            consistent_snapshot: self.consistent_snapshot,
            keys,
            roles: self.roles.clone(),
            other: self.other.clone(),
        };
        write("Root", self.expires, self.version, rest)
    }

    /// Who may sign one of the four roles.
    pub fn authority(&self, role: &Role) -> Authority {
        match self.roles.get(role.as_str()) {
            Some(entry) => authority(&self.keys, &entry.key_ids, entry.threshold),
            // A threshold of 0 is never met.
            None => Authority { keys: BTreeMap::new(), threshold: 0 },
        }
    }

    /// Gives a role new keys; keys that no role has any more go.
    pub fn set_role(&mut self, role: &Role, keys: &[Key], threshold: u64) {
        let key_ids = keys.iter().map(|key| key.id().to_owned()).collect();
        self.roles.insert(role.as_str().to_owned(), RoleKeys { key_ids, threshold });
        self.keys.extend(keys.iter().map(|key| (key.id().to_owned(), key.clone())));
        let used: Vec<&String> = self.roles.values().flat_map(|role| &role.key_ids).collect();
        self.keys.retain(|id, _| used.contains(&id));
    }
}

impl Targets {
    /// An empty role.
    pub fn new(expires: Timestamp) -> Self {
        Self {
            version: 1,
            expires,
            keys: BTreeMap::new(),
            delegations: Vec::new(),
            targets: BTreeMap::new(),
            other: Map::new(),
        }
    }

    /// Reads `targets` or a delegation. Signatures are not looked at.
    pub fn read(envelope: &Envelope, role: &Role, limits: &Limits) -> Result<Self, Error> {
        let wire: Wire<TargetsWire> = read(envelope, role, "Targets")?;
        let TargetsWire { delegations, targets, other } = wire.rest;
        if delegations.keys.len() > limits.keys {
            return Err(Error::malformed(role, format!("more than {} keys", limits.keys)));
        }
        let keys = read_keys(role, &delegations.keys)?;
        let mut names = std::collections::BTreeSet::new();
        for delegation in &delegations.roles {
            let name = crate::error::printable(&delegation.name);
            let child = Role::parse(&delegation.name).ok().and_then(|child| child.parent());
            if child.as_ref() != Some(role) {
                return Err(Error::malformed(role, format!("it may not delegate to `{name}`")));
            }
            if !names.insert(&delegation.name) {
                return Err(Error::malformed(role, format!("it delegates to `{name}` twice")));
            }
            check_role_keys(role, &name, (&delegation.key_ids, delegation.threshold), &keys)?;
        }
        let (version, expires, delegations) = (wire.version, wire.expires, delegations.roles);
        Ok(Self { version, expires, keys, delegations, targets, other })
    }

    /// The document to sign.
    pub fn to_map(&self) -> Map<String, Value> {
        let keys = self.keys.iter().map(|(id, key)| (id.clone(), key.to_value())).collect();
        let rest = TargetsWire {
            delegations: DelegationsWire { keys, roles: self.delegations.clone() },
            targets: self.targets.clone(),
            other: self.other.clone(),
        };
        write("Targets", self.expires, self.version, rest)
    }

    /// The delegation to a role.
    pub fn delegation(&self, role: &Role) -> Option<&Delegation> {
        self.delegations.iter().find(|delegation| delegation.name == role.as_str())
    }

    /// Who may sign a role that it delegates to.
    pub fn authority(&self, role: &Role) -> Option<Authority> {
        let delegation = self.delegation(role)?;
        Some(authority(&self.keys, &delegation.key_ids, delegation.threshold))
    }

    /// Drops keys that no delegation has any more.
    pub fn drop_unused_keys(&mut self) {
        let used: Vec<&String> = self.delegations.iter().flat_map(|role| &role.key_ids).collect();
        self.keys.retain(|id, _| used.contains(&id));
    }
}

impl Meta {
    /// An empty snapshot or timestamp.
    pub fn new(expires: Timestamp) -> Self {
        Self { version: 1, expires, meta: BTreeMap::new(), other: Map::new() }
    }

    /// Reads a snapshot or a timestamp. Signatures are not looked at.
    pub fn read(envelope: &Envelope, role: &Role) -> Result<Self, Error> {
        let (kind, needed): (&str, &[Role]) = if *role == Role::SNAPSHOT {
            ("Snapshot", &[Role::ROOT, Role::TARGETS])
        } else {
            ("Timestamp", &[Role::SNAPSHOT])
        };
        let wire: Wire<MetaWire> = read(envelope, role, kind)?;
        let MetaWire { meta, other } = wire.rest;
        for needed in needed {
            if meta.get(needed.as_str()).and_then(FileMeta::sha256).is_none() {
                return Err(Error::NoHash { role: needed.clone(), by: role.clone() });
            }
        }
        for (name, file) in &meta {
            let name = crate::error::printable(name);
            file.check_form()
                .map_err(|reason| Error::malformed(role, format!("{reason} of `{name}`")))?;
        }
        Ok(Self { version: wire.version, expires: wire.expires, meta, other })
    }

    /// The document to sign, as a snapshot or a timestamp.
    pub fn to_map(&self, role: &Role) -> Map<String, Value> {
        let kind = if *role == Role::SNAPSHOT { "Snapshot" } else { "Timestamp" };
        let rest = MetaWire { meta: self.meta.clone(), other: self.other.clone() };
        write(kind, self.expires, self.version, rest)
    }
}
