//! Images: their configuration, what their history did, and the files in their layers.
//!
//! The tree is read in one pass; only `passwd`, `shadow` and `group` are kept of it.

mod accounts;
mod files;
mod settings;
mod table;

use sealift_archive::RelativePath;
use sealift_diagnostic::{Diagnostic, Rule, Span};
use sealift_image::{FileMeta, FileTree, Image};
use sealift_lint::Config;
use sealift_oci::Reference;

pub(crate) use table::RULES;

/// Where a finding on an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The configuration as a whole.
    Configuration,
    /// A layer, by its place from the bottom.
    Layer(usize),
    /// A file, with the layer that brought it.
    File {
        /// Its path.
        path: String,
        /// The layer, by its place from the bottom.
        layer: usize,
    },
}

/// A finding on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFinding {
    /// What; its span means nothing.
    pub diagnostic: Diagnostic,
    /// Where.
    pub place: Place,
}

/// The files whose content is needed.
pub fn wanted(path: &RelativePath, _: &FileMeta) -> bool {
    matches!(path.as_bytes(), b"etc/passwd" | b"etc/shadow" | b"etc/group")
}

/// What is wrong with an image that somebody calls by a name.
pub fn audit_image(
    image: &Image,
    name: Option<&Reference>,
    tree: &FileTree,
    config: &Config,
) -> Vec<ImageFinding> {
    let mut findings = Findings { list: Vec::new() };
    settings::run(image, name, &mut findings);
    settings::history(image, config, &mut findings);
    files::run(tree, &mut findings);
    files::layers(tree, &mut findings);
    accounts::run(tree, &mut findings);
    let mut list = findings.list;
    list.retain(|found| {
        let id = found.diagnostic.rule.as_deref().unwrap_or("");
        let rule = crate::rule(id).or_else(|| sealift_lint::rule(id));
        rule.is_none_or(|rule| config.is_on(rule))
    });
    for found in &mut list {
        crate::suppress::choose_level(config, &mut found.diagnostic);
    }
    // The worst first, then as they were found: configuration, history, files by their paths.
    list.sort_by_key(|found| std::cmp::Reverse(found.diagnostic.level));
    list
}

/// Where the checks put what they find.
struct Findings {
    list: Vec<ImageFinding>,
}

impl Findings {
    fn add(&mut self, rule: &Rule, place: Place, message: impl Into<String>) -> &mut Diagnostic {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(300));
        let mut diagnostic = Diagnostic::new(rule.level, Span::at(0), message)
            .with_rule(rule.id)
            .with_why(rule.why)
            .with_help(rule.fix);
        diagnostic.aliases = rule.aliases.into();
        self.list.push(ImageFinding { diagnostic, place });
        let last = self.list.len() - 1;
        &mut self.list[last].diagnostic
    }

    /// A finding of a rule that Dockerfiles have.
    fn add_shared(&mut self, id: &str, place: Place, message: impl Into<String>) {
        if let Some(rule) = sealift_lint::rule(id) {
            self.add(rule, place, message);
        }
    }
}
