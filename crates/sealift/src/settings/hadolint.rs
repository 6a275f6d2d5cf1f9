//! hadolint's configuration file: where it lies, as hadolint looks for it.

use std::path::{Path, PathBuf};

use sealift_lint::{HadolintConfig, read_hadolint};

use super::{CHECKOUT, FILE_BYTES_MAX};
use crate::failure::Usage;

pub(super) const NAMES: [&str; 2] = [".hadolint.yaml", ".hadolint.yml"];

/// What the first file says: in the folder or above it up to the checkout's root, in the working directory, or among the
/// user's own.
pub(crate) fn hadolint(start: &Path) -> anyhow::Result<Option<HadolintConfig>> {
    let Some(path) = find(start) else { return Ok(None) };
    let fail = |reason: String| {
        Usage::error(
            format!("cannot read `{}`: {reason}", path.display()),
            "it is hadolint's configuration; correct it, or write [lint] in sealift.toml instead",
        )
    };
    let size = std::fs::metadata(&path).map_err(|error| fail(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(fail("it is larger than 1 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| fail(error.to_string()))?;
    read_hadolint(&text).map(Some).map_err(|error| fail(error.to_string()))
}

fn find(start: &Path) -> Option<PathBuf> {
    let in_folder =
        |folder: &Path| NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let start = start.canonicalize().ok()?;
    for folder in start.ancestors() {
        if let Some(path) = in_folder(folder) {
            return Some(path);
        }
        if folder.join(CHECKOUT).exists() {
            break;
        }
    }
    in_folder(Path::new(".")).or_else(of_the_user)
}

fn of_the_user() -> Option<PathBuf> {
    let variable =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = variable("HOME")?;
    let config = variable("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
    let own = home.join(".hadolint");
    let places = [
        (&config, &["hadolint.yaml", "hadolint.yml"][..]),
        (&own, &["hadolint.yaml", "hadolint.yml", "config.yaml", "config.yml"]),
        (&home, &NAMES),
    ];
    places
        .into_iter()
        .flat_map(|(folder, names)| names.iter().map(move |name| folder.join(name)))
        .find(|path| path.is_file())
}
