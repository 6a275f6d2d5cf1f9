//! The configuration of a registry: distribution's YAML (2.8 and 3) as it stands, variables of the environment, and our
//! own sections under `sealift:`.
//!
//! Entry point: [`read`]. Reading is pure and total: any text gives a [`Reading`], and each finding says where it is.
//! Invariants: a key that nobody knows is never passed over in silence; what we do not do and whose absence would leave
//! the registry less guarded than the file says is an error; no finding repeats a secret.
//! Follows <https://distribution.github.io/distribution/about/configuration/>.

mod finding;
mod model;
mod own;

mod decode;
mod duration;
mod environment;
mod keys;
mod named;
mod sections;
mod serving;
mod show;
mod tree;
mod unknown;
mod watching;

#[cfg(test)]
mod tests;

pub use finding::{Finding, Level, Place};
pub use keys::{KEYS, Key, Standing};
pub use model::{
    Auth, Bucket, Check, CheckKind, Configuration, Debugging, Endpoint, Http, Log, LogFormat,
    LogLevel, Notifications, Password, Platforms, Proxy, Rate, Storage, StoragePlace, Tls,
    TokenAuth, Validation,
};
pub use named::Use;
pub use own::{Own, SECTIONS};

use tree::{Entry, Node, Source, Value};

/// What came of reading.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The configuration; none if a finding is an error.
    pub configuration: Option<Configuration>,
    /// All findings, errors first, then in the order of the file.
    pub findings: Vec<Finding>,
    tree: Node,
}

impl Reading {
    /// The configuration with the variables of the environment in it and without its secrets, as YAML.
    pub fn to_yaml(&self) -> String {
        show::yaml(&self.tree)
    }
}

/// Reads a configuration; of the variables only those count whose names begin with `REGISTRY_`.
pub fn read(text: &str, variables: &[(String, String)]) -> Reading {
    let mut findings = Vec::new();
    let nothing = Node::nothing(Place::Line(1));
    let mut tree = tree::read(text, Source::File, &mut findings).unwrap_or(nothing);
    let is_readable = findings.iter().all(|finding| finding.level != Level::Error);
    let mut configuration = None;
    if is_readable {
        environment::apply(&mut tree, variables, &mut findings);
        lengthen(&mut tree);
        unknown::walk(&tree, &mut findings);
        configuration = Some(sections::read(&tree, &mut findings));
    }
    let order = |finding: &Finding| {
        let line = match finding.place {
            Place::Line(line) => line,
            Place::Variable(_) => usize::MAX,
        };
        (std::cmp::Reverse(finding.level), line)
    };
    findings.sort_by_key(order);
    if findings.first().is_some_and(|finding| finding.level == Level::Error) {
        configuration = None;
    }
    Reading { configuration, findings, tree }
}

// `storage: inmemory` is short for `storage: {inmemory: {}}`, and so for `auth`.
fn lengthen(root: &mut Node) {
    let Value::Map(entries) = &mut root.value else { return };
    for entry in entries.iter_mut().filter(|entry| matches!(entry.key.as_str(), "storage" | "auth"))
    {
        let place = entry.node.place.clone();
        if let Some(key) = entry.node.text().map(str::to_owned) {
            let inner = Entry { key, place: place.clone(), node: Node::map(place.clone()) };
            entry.node = Node { place, value: Value::Map(vec![inner]) };
        }
    }
}

/// A regular expression of a configuration, with a limit on what it may take.
pub(crate) fn expression(text: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(text).size_limit(1 << 20).build()
}
