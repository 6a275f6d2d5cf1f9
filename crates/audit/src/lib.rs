//! Hardening: what compose files, Kubernetes manifests, images and running containers allow that they should not.
//!
//! Entry points: [`kind`], [`lint`], [`fix`]; [`audit_image`]; [`audit_container`]; [`benchmark`]; [`rules`].
//! Invariants: linting is total and pure — any text gives findings in the order of the file, never an error; a rule
//! that other kinds of files have too has one id in all of them; a secret is never repeated in a message.
//! Rules follow the CIS Docker Benchmark (section 5), the Pod Security Standards, the NSA and CISA guide for Kubernetes
//! and the rule lists of other tools, whose ids are aliases here.

// expect-test writes raw strings with hashes.
#![cfg_attr(test, allow(clippy::needless_raw_string_hashes))]

mod kind;
mod suppress;
mod workload;
mod yaml;

mod rules;

mod compose;
mod image;
mod kubernetes;
mod running;

mod compliance;

pub use compliance::{BENCHMARKS, Benchmark, Control, Standing, Subject, benchmark};
pub use compose::{Beside, Build};
pub use image::{ImageFinding, Place, audit_image, wanted};
pub use kind::{FileKind, Format, kind, kind_by_name, merge_rank, project_files};
pub use running::{Unreadable, audit_container};
pub use yaml::Limits;

use sealift_diagnostic::{Diagnostic, Fixed, Rule, Tier, mend};
use sealift_lint::Config;

/// What is known beside the file.
pub struct Context<'a> {
    /// What the user chose.
    pub config: &'a Config,
    /// The file itself, relative to the folder of its project.
    pub path: &'a str,
    /// The compose files that the project is given by, in the order in which they are merged, relative to its folder;
    /// none if it is this one alone.
    pub project: &'a [String],
    /// Another file by its path relative to the folder of the project.
    pub read: &'a dyn Fn(&str) -> Beside,
    /// How much is read.
    pub limits: Limits,
}

/// Rules of this crate that Dockerfiles do not have, in the order of their ids.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    all().chain(image::RULES).filter(|rule| !sealift_lint::has_id(rule.id))
}

/// Every rule on files, in the words for these files.
pub fn rules_of_files() -> impl Iterator<Item = &'static Rule> {
    all()
}

/// Every rule that only images have.
pub fn rules_of_images() -> impl Iterator<Item = &'static Rule> {
    image::RULES.iter()
}

/// Every rule of this crate, those shared with Dockerfiles too.
fn all() -> impl Iterator<Item = &'static Rule> {
    rules::CHECKS
        .iter()
        .map(|check| &check.rule)
        .chain(compose::own_rules())
        .chain(kubernetes::own_rules())
}

/// The rule with this id, name or alias, in the words for these files.
pub fn rule(name: &str) -> Option<&'static Rule> {
    all().chain(image::RULES).find(|rule| rule.is_called(name))
}

/// Findings of all rules that are not ignored, in the order of the file.
pub fn lint(text: &str, kind: FileKind, context: &Context<'_>) -> Vec<Diagnostic> {
    if kind == FileKind::Kubernetes && kind::is_template(text) {
        return vec![suppress::template()];
    }
    let mut found = match kind {
        FileKind::Variables(format) => compose::lint_variables(text, format, context),
        FileKind::Compose => lint_tree(text, context, &|tree| compose::lint(tree, context)),
        FileKind::Kubernetes => lint_tree(text, context, &kubernetes::lint),
    };
    let silences = suppress::Silences::read(text, context.config);
    found.retain(|finding| !silences.silence(finding));
    for finding in &mut found {
        silences.adjust(finding);
    }
    found.sort_by(|a, b| (a.span, &a.rule).cmp(&(b.span, &b.rule)));
    found.dedup();
    found
}

fn lint_tree(
    text: &str,
    context: &Context<'_>,
    lint: &dyn Fn(&yaml::Tree<'_>) -> Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let tree = yaml::read(text, &context.limits);
    let mut found = lint(&tree);
    found.extend(tree.problems.iter().cloned());
    if tree.is_spent() {
        found.push(suppress::unread());
    }
    found
}

/// Apply all fixes up to a tier. Every byte that no fix is about stays as it is.
pub fn fix(text: &str, kind: FileKind, context: &Context<'_>, tier: Tier) -> Fixed {
    mend(text, tier, &mut |text, _| lint(text, kind, context))
}

/// The other files of the project that a compose file belongs to, by their paths in the project's folder.
pub fn companions(text: &str, context: &Context<'_>) -> Vec<(String, FileKind)> {
    compose::companions(&yaml::read(text, &context.limits), context)
}

/// The Dockerfiles that a compose file builds.
pub fn builds(text: &str, limits: &Limits) -> Vec<Build> {
    compose::builds(&yaml::read(text, limits))
}
