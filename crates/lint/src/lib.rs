//! Rules for Dockerfiles: security, reproducibility, correctness, size.
//!
//! Entry points: [`lint`], [`fix()`], [`rules`], [`render()`].
//! Invariants: linting is total and pure — any tree and any context give findings, in the order of the file, never an
//! error; a rule's id never changes its meaning; a secret is never repeated in a message, and [`render`] masks it in
//! the source too.
//! Rules follow the Dockerfile reference, the CIS Docker Benchmark and the rule lists of other linters, whose ids are
//! aliases here.

// expect-test writes raw strings with hashes.
#![cfg_attr(test, allow(clippy::needless_raw_string_hashes))]
// Paths on Linux have a case; where a name may come in any, it is lowered first.
#![allow(clippy::case_sensitive_file_extension_comparisons)]

mod config;
mod edition;
mod fix;
mod hadolint;
mod label;
mod package_index;
mod rule;
mod suppress;

mod rules;

mod base;
mod edit;
mod ignore_file;
mod install;
mod lives;
mod mend;
mod shell;
mod stage_shell;
mod view;

mod render;
mod shared;

pub use config::{Config, Context, Error, Resolver, is_on_by_default};
pub use edition::{EDITIONS, Edition};
pub use fix::{DOCKERIGNORE, fix};
pub use hadolint::{HadolintConfig, read_hadolint};
pub use ignore_file::{IgnoreFile, matches_glob};
pub use label::{LabelKind, LabelSchema};
pub use package_index::{Package, PackageIndex};
pub use render::{mask, render, secrets};
pub use rule::{Check, Group, has_id, rule, rules};
pub use rules::{CHECKS, HIDDEN};
pub use shared::{
    Silence, admin_port, can_be_secret, database_port, is_secret_name, secrets_in, silenced_by,
};

use sealift_diagnostic::Diagnostic;
use sealift_dockerfile::Parse;

/// How many findings most files have at most.
const FINDINGS: usize = 24;

/// Lint a parsed Dockerfile: syntax errors and findings of all rules that are not ignored, in the order of the file.
pub fn lint(parse: &Parse, context: &Context<'_>) -> Vec<Diagnostic> {
    let view = view::View::new(parse, context);
    let mut found = Vec::with_capacity(FINDINGS);
    found.extend_from_slice(&parse.problems);
    let config = context.config;
    let allows_all = config.allows_all();
    let is_on = |rule| config.is_on(rule) || config.allows(rule) && suppress::is_tried(parse, rule);
    let is_run = |step: &&rule::Step| allows_all && step.is_on_by_default || is_on(step.rule);
    for step in rule::STEPS.iter().filter(is_run) {
        let mut sink = rule::Sink { rule: step.rule, findings: found };
        (step.run)(&view, &mut sink);
        found = sink.findings;
    }
    let suppressions = suppress::Suppressions::read(parse, context.config);
    found.retain(|finding| !suppressions.silence(finding));
    let on_suppressions = suppressions.findings();
    found.extend(
        on_suppressions
            .into_iter()
            .filter(|finding| context.config.has_on(finding) && !suppressions.silence(finding)),
    );
    for finding in &mut found {
        suppressions.adjust(finding);
        context.config.adjust(finding);
    }
    found.sort_by(|a, b| (a.span, &a.rule).cmp(&(b.span, &b.rule)));
    found.dedup();
    found
}

/// The files that `ADD` downloads without a checksum, each once; a variable in a URL leaves it out.
pub fn downloads(parse: &Parse) -> Vec<String> {
    let config = Config::default();
    let context = Context::new(&config);
    let view = view::View::new(parse, &context);
    let mut found: Vec<String> =
        rules::unchecked_files(&view).map(|(_, url)| url.to_owned()).collect();
    found.sort();
    found.dedup();
    found
}

/// The images that stages start from, variables expanded, each once; a variable that is not known leaves its image out.
pub fn bases(parse: &Parse) -> Vec<String> {
    let config = Config::default();
    let context = Context::new(&config);
    let view = view::View::new(parse, &context);
    let mut found: Vec<String> =
        view.stages.iter().filter_map(|stage| Some(stage.base.as_ref()?.text.clone())).collect();
    found.sort();
    found.dedup();
    found
}
