//! Settings: flag, then environment, then project file, then user file, then default.
//!
//! Flags and environment are clap's; this module reads the two files, checks every key, and merges them.

mod file;
mod hadolint;
mod keys;
mod show;

pub(crate) use file::{File, Sbom};
pub(crate) use hadolint::hadolint;
pub(crate) use keys::KEYS;
pub(crate) use show::{Flag, rows};

use std::path::{Path, PathBuf};

use sealift_diagnostic::closest;

use crate::failure::Usage;

const PROJECT_FILE: &str = "sealift.toml";
/// The root of a checkout has it; a file in work trees, a folder elsewhere.
const CHECKOUT: &str = ".git";
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The two files, read, and merged.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Merged and typed.
    pub(crate) file: File,
    /// Where the project file lies, if there is one.
    pub(crate) project_path: Option<PathBuf>,
    user_path: PathBuf,
    project: toml::Table,
    user: toml::Table,
}

/// Folders that the environment names.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// `~/.config/sealift`.
    pub(crate) config: PathBuf,
    /// `~/.local/share/sealift`.
    pub(crate) data: PathBuf,
    /// `~/.docker`, or `DOCKER_CONFIG`.
    pub(crate) docker: PathBuf,
}

impl Folders {
    /// As the XDG base directory specification and Docker have it.
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        let variable = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let home = variable("HOME").ok_or_else(|| {
            Usage::error(
                "HOME is not set",
                "set HOME to your home folder; keys and the store live below it",
            )
        })?;
        let absolute = |path: &PathBuf| path.is_absolute();
        Ok(Self {
            config: variable("XDG_CONFIG_HOME")
                .filter(absolute)
                .unwrap_or_else(|| home.join(".config"))
                .join("sealift"),
            data: variable("XDG_DATA_HOME")
                .filter(absolute)
                .unwrap_or_else(|| home.join(".local/share"))
                .join("sealift"),
            docker: variable("DOCKER_CONFIG").unwrap_or_else(|| home.join(".docker")),
        })
    }
}

impl Settings {
    /// Reads the user's file, and the project's: the named one, or the first above a folder.
    pub(crate) fn read(
        folders: &Folders,
        named: Option<&Path>,
        start: &Path,
    ) -> anyhow::Result<Self> {
        let user_path = folders.config.join("config.toml");
        let user = read_table(&user_path)?.unwrap_or_default();
        let project_path = match named {
            Some(path) => Some(path.to_owned()),
            None => search_upward(start),
        };
        let project = match &project_path {
            Some(path) => read_table(path)?.ok_or_else(|| {
                Usage::error(format!("there is no file `{}`", path.display()), "check `--config`")
            })?,
            None => toml::Table::new(),
        };
        let mut merged = user.clone();
        merge(&mut merged, &project);
        let file = File::deserialize_from(merged)?;
        Ok(Self { file, project_path, user_path, project, user })
    }

    /// The files that have `[[scan.ignore]]`; of both, all entries count.
    pub(crate) fn with_ignores(&self) -> Vec<PathBuf> {
        self.having("scan", "ignore")
    }

    /// The files that have `[[policy.exemptions]]`; of both, all entries count.
    pub(crate) fn with_exemptions(&self) -> Vec<PathBuf> {
        self.having("policy", "exemptions")
    }

    fn having(&self, section: &str, key: &str) -> Vec<PathBuf> {
        let has_any = |table: &toml::Table| {
            table.get(section).is_some_and(|section| section.get(key).is_some())
        };
        let project = self.project_path.as_ref().filter(|_| has_any(&self.project));
        let user = Some(&self.user_path).filter(|_| has_any(&self.user));
        project.into_iter().chain(user).cloned().collect()
    }
}

/// Whether the search upward for settings ends in this folder, or may.
pub(crate) fn begin_in(folder: &Path) -> bool {
    let names = hadolint::NAMES.iter().chain(&[PROJECT_FILE, CHECKOUT]);
    names.into_iter().any(|name| folder.join(name).exists())
}

// The nearest sealift.toml, not beyond the root of the version control checkout.
fn search_upward(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    for folder in start.ancestors() {
        let candidate = folder.join(PROJECT_FILE);
        if candidate.is_file() {
            return Some(candidate);
        }
        if folder.join(CHECKOUT).exists() {
            return None;
        }
    }
    None
}

fn read_table(path: &Path) -> anyhow::Result<Option<toml::Table>> {
    let fail = |reason: String, hint: &str| {
        Usage::error(format!("cannot read `{}`: {reason}", path.display()), hint)
    };
    match std::fs::metadata(path) {
        Ok(facts) if facts.len() > FILE_BYTES_MAX => {
            return Err(fail(
                "it is larger than 1 MiB".to_owned(),
                "check that it is the right file",
            ));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error.to_string(), "check the file's permissions")),
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| fail(error.to_string(), "it must be a UTF-8 text file"))?;
    let mut table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| fail(error.to_string(), "see docs/configuration.md"))?;
    check_keys(&table, path)?;
    // Of the text, not of the table: its errors name the line.
    toml::from_str::<File>(&text).map_err(|error| {
        fail(error.to_string(), "see docs/configuration.md for the type of each key")
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    keys::make_paths_absolute(&mut table, folder);
    Ok(Some(table))
}

// An unknown key is refused: a misspelt gate must not be an open one.
fn check_keys(table: &toml::Table, path: &Path) -> anyhow::Result<()> {
    for key in keys::leaves(table) {
        if !keys::is_known(&key) {
            let hint = match closest(&key, KEYS.iter().map(|known| known.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`sealift config show` lists every key".to_owned(),
            };
            return Err(Usage::error(
                format!("`{}` has the unknown key `{key}`", path.display()),
                hint,
            ));
        }
    }
    Ok(())
}

fn merge(below: &mut toml::Table, above: &toml::Table) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            _ => {
                below.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(project: &str, user: &str) -> anyhow::Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        std::fs::create_dir(&config).unwrap();
        std::fs::write(config.join("config.toml"), user).unwrap();
        std::fs::write(folder.path().join(PROJECT_FILE), project).unwrap();
        let folders = Folders {
            config,
            data: folder.path().join("data"),
            docker: folder.path().join("docker"),
        };
        Settings::read(&folders, None, folder.path())
    }

    #[test]
    fn project_wins_over_user() {
        let settings =
            read("[scan]\nfail_on = \"low\"", "[scan]\nfail_on = \"high\"\nignore_unfixed = true")
                .unwrap();
        assert_eq!(settings.file.scan.fail_on.as_deref(), Some("low"));
        assert_eq!(settings.file.scan.ignore_unfixed, Some(true));
    }

    #[test]
    fn an_unknown_key_is_refused_with_a_suggestion() {
        let error = read("[scan]\nfail_onn = \"low\"", "").unwrap_err();
        let usage = error.downcast_ref::<Usage>().unwrap();
        assert!(usage.message.contains("unknown key `scan.fail_onn`"), "{usage}");
        assert_eq!(usage.hint.as_deref(), Some("did you mean `scan.fail_on`?"));
        assert!(read("[scan]\nfail_on = 3", "").is_err());
        assert!(read("[scan", "").is_err());
    }

    #[test]
    fn paths_are_relative_to_their_file() {
        let settings =
            read("[base.\"python:3\"]\nrecipe = \"b/p.toml\"\n[policy]\nfiles = [\"p\"]", "")
                .unwrap();
        assert!(settings.file.base["python:3"].recipe.is_absolute());
        assert!(settings.file.policy.files.as_ref().unwrap()[0].is_absolute());
        // A key in a token is no path.
        let uri = "pkcs11:object=release?module-path=/m.so";
        let settings = read(&format!("[sign]\nkey = \"{uri}\""), "").unwrap();
        assert_eq!(settings.file.sign.key.as_deref(), Some(Path::new(uri)));
    }
}
