//! The walk over a tree that finds keys which nobody knows, and says of each other one what becomes of it.

use sealift_diagnostic::closest;

use super::finding::Finding;
use super::keys::{Inside, Key, Standing, inside, join, row};
use super::tree::{Entry, Node, Value};

/// Looks at each key of a tree.
pub(super) fn walk(root: &Node, findings: &mut Vec<Finding>) {
    Walk { findings }.node(root, "", "");
}

struct Walk<'f> {
    findings: &'f mut Vec<Finding>,
}

impl Walk<'_> {
    /// `path` is where the node stands in the table, `shown` where it stands in the file.
    fn node(&mut self, node: &Node, path: &str, shown: &str) {
        if node.is_nothing() && !matches!(path, "" | "storage" | "auth") {
            return;
        }
        match inside(path) {
            Inside::Keys(known) => {
                for entry in node.entries() {
                    self.entry(entry, path, shown, &known);
                }
            }
            Inside::Items => {
                let Value::List(items) = &node.value else { return };
                for (index, item) in items.iter().enumerate() {
                    self.standing(item, &format!("{path}[]"), shown);
                    self.node(item, &format!("{path}[]"), &format!("{shown}[{index}]"));
                }
            }
            Inside::Any | Inside::Anything | Inside::Leaf => {}
        }
    }

    fn entry(&mut self, entry: &Entry, path: &str, shown: &str, known: &[(&'static str, String)]) {
        let inner = join(shown, &entry.key);
        if path.is_empty() && entry.key == "sealift" {
            return;
        }
        if known.iter().any(|(key, _)| *key == entry.key) {
            let path = join(path, &entry.key);
            // A driver without options is one all the same.
            if !entry.node.is_nothing() || row(&path).is_some_and(|key| key.path.ends_with("**")) {
                self.standing(&entry.node, &path, &inner);
            }
            self.node(&entry.node, &path, &inner);
            return;
        }
        let hint = closest(&entry.key, known.iter().map(|(key, _)| *key));
        let finding = match path {
            "storage" => {
                Finding::error(entry.place.clone(), &inner, "there is no storage of this kind")
                    .hint("use `filesystem`, `s3` or `inmemory`")
            }
            "auth" => Finding::error(
                entry.place.clone(),
                &inner,
                "there is no authentication of this kind",
            )
            .hint("use `htpasswd` or `token`"),
            _ => {
                let message = "there is no such key; distribution ignores it too";
                let finding = Finding::warning(entry.place.clone(), &inner, message);
                match hint {
                    Some(hint) => finding.hint(format!("did you mean `{hint}`?")),
                    None => finding.hint("delete it"),
                }
            }
        };
        self.findings.push(finding);
    }

    fn standing(&mut self, node: &Node, path: &str, shown: &str) {
        let Some(Key { standing, .. }) = row(path) else { return };
        // What is switched off promises nothing.
        if node.truth() == Some(false) {
            return;
        }
        let place = node.place.clone();
        self.findings.push(match standing {
            Standing::Read(_) => return,
            Standing::Ignored(why) => Finding::note(place, shown, format!("has no effect: {why}")),
            Standing::Missing(why) => Finding::warning(place, shown, "is not supported").hint(*why),
            Standing::Refused(why) => {
                Finding::error(place, shown, "is not supported, and the file promises it")
                    .hint(*why)
            }
        });
    }
}
