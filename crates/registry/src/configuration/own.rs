//! The sections that only Sealift has, under `sealift:`. Each belongs to a crate, which reads it into its own settings;
//! a key that is not known is an error there, since a rule that nobody reads protects nothing.

use sealift_diagnostic::closest;
use serde::de::DeserializeOwned;

use super::decode::decode;
use super::finding::{Finding, Place};
use super::keys::join;
use super::tree::{Node, Value};

const ROOT: &str = "sealift";

/// Names of the sections, with what each is for.
pub const SECTIONS: &[(&str, &str)] = &[
    ("open", "`true`: a registry that anybody may use from other machines"),
    ("access", "who may do what, where; docs/registry-access.md"),
    ("robots", "accounts of programs"),
    ("tokens", "the built-in token server"),
    ("oidc", "identities of CI systems and of people"),
    ("certificates", "clients' certificates as identities"),
    ("limits", "how often who may do what"),
    ("mirrors", "registries that are mirrored"),
    ("gate", "what may be pulled, by policy and trust"),
    ("retention", "which tags are removed after a while"),
    ("immutable", "tags that never change"),
    ("quotas", "how much a path may hold"),
    ("storage", "limits of manifests and blobs, and how long what was deleted can be had back"),
    (
        "shared",
        "database and folder of a replica, where images lie in a bucket; docs/registry-replicas.md",
    ),
    ("scrub", "how often blobs are read and hashed again"),
    ("events", "webhooks that are signed and retried"),
    ("audit", "the log of who did what"),
    ("traces", "where traces are sent"),
    ("page", "the web page"),
];

/// The sections that only Sealift has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    sections: Vec<(String, Node)>,
}

impl Own {
    pub(super) fn read(root: &Node, findings: &mut Vec<Finding>) -> Self {
        let Some(node) = root.get(ROOT) else { return Self::default() };
        if !matches!(node.value, Value::Map(_) | Value::Nothing) {
            let finding = Finding::error(node.place.clone(), ROOT, "must be a mapping");
            findings.push(finding.hint("write its sections below it"));
        }
        let mut own = Self::default();
        for entry in node.entries() {
            if SECTIONS.iter().any(|(name, _)| *name == entry.key) {
                own.sections.push((entry.key.clone(), entry.node.clone()));
                continue;
            }
            let key = join(ROOT, &entry.key);
            let finding = Finding::error(entry.place.clone(), &key, "there is no such section");
            let names = SECTIONS.iter().map(|(name, _)| *name);
            findings.push(match closest(&entry.key, names) {
                Some(name) => finding.hint(format!("did you mean `{name}`?")),
                None => finding.hint("docs/registry-configuration.md lists the sections"),
            });
        }
        own
    }

    /// Whether there is a section of this name.
    pub fn has(&self, name: &str) -> bool {
        self.sections.iter().any(|(known, _)| known == name)
    }

    /// Reads a section into the settings of whoever it is for; the defaults if it is not there.
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, Finding> {
        match self.sections.iter().find(|(known, _)| known == name) {
            Some((_, node)) if !node.is_nothing() => decode(node, &join(ROOT, name)),
            _ => Ok(T::default()),
        }
    }

    /// Where a section stands, for what its owner has to say of it.
    pub fn place(&self, name: &str) -> Option<Place> {
        let (_, node) = self.sections.iter().find(|(known, _)| known == name)?;
        Some(node.place.clone())
    }
}
