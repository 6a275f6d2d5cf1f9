//! Secrets in texts: keys of providers by their form, private keys, tokens, values that names of secrets have, files that
//! are made for credentials.
//!
//! Entry point: [`Scanner::scan`], from a path and bytes to [`Secret`]s. One search for the literal beginnings of all
//! formats stops where something may be, and matchers written by hand decide; regular expressions are for rules of the
//! user only. Invariants: what is returned never has the secret, only its first and last letters; a text of any kind and
//! length takes time in proportion to it; what was not looked at is a note.

mod scanner;

mod secret;

mod baseline;
mod gitleaks;

mod allow;
mod anchors;
mod assignment;
mod checks;
mod custom;
mod files;
mod formats;
mod heads;
mod names;
mod paths;
mod shape;
mod special;
mod value;

pub use baseline::{BASELINE_BYTES_MAX, Baseline, BaselineError, Entry, write_baseline};
pub use custom::Rules;
pub use gitleaks::{CONFIG_BYTES_MAX, ConfigError};
pub use names::{can_be_secret, is_secret_name};
pub use scanner::{Config, FILE_BYTES_MAX, Found, Scanner};
pub use secret::{Secret, fingerprint, mask};

/// Ids and titles of all rules of our own, in order of id.
pub fn rules() -> Vec<(&'static str, String)> {
    let formats =
        formats::all().map(|format| (format.id, format!("{} {}", format.provider, format.what)));
    let kinds = special::KINDS.iter().map(|kind| (kind.id, kind.what.to_owned()));
    let mut rules: Vec<_> = formats.chain(kinds).collect();
    rules.sort();
    rules
}
