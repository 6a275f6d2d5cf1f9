//! Commands that install packages, taken apart.

use sealift_dockerfile::Word;

use crate::shell::{Command, is_assignment};

/// A family of package managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    Apt,
    Apk,
    /// `yum`, `dnf`, `microdnf`, `tdnf`.
    Yum,
    Zypper,
    Pip,
    Npm,
}

impl Manager {
    /// Whether it installs packages of a distribution, and not those of a language.
    pub(crate) fn is_distribution(self) -> bool {
        !matches!(self, Self::Pip | Self::Npm)
    }
}

/// A call of a package manager.
pub(crate) struct Call<'a> {
    pub(crate) manager: Manager,
    pub(crate) command: &'a Command,
    /// What it is told to do: `install`, `update` …
    pub(crate) verb: &'a Word,
    /// What comes after that, flags and their values excluded.
    pub(crate) operands: Vec<&'a Word>,
}

impl Call<'_> {
    /// Whether it installs packages.
    pub(crate) fn installs(&self) -> bool {
        match self.manager {
            Manager::Apk => self.verb.as_str() == "add",
            Manager::Npm => matches!(self.verb.as_str(), "install" | "i" | "add"),
            Manager::Zypper => matches!(self.verb.as_str(), "install" | "in"),
            Manager::Apt | Manager::Yum | Manager::Pip => self.verb.as_str() == "install",
        }
    }
}

/// Name of a package without its version.
pub(crate) fn package_name(word: &str) -> &str {
    let end = word.find(['=', '<', '>', '~', '@', '[', '/', ':', '!']).unwrap_or(word.len());
    &word[..end]
}

/// The call that a command is.
pub(crate) fn call(command: &Command) -> Option<Call<'_>> {
    let manager = command.manager?;
    let name = command.name();
    let mut words = command.arguments();
    if name == "uv" {
        let (first, rest) = words.split_first()?;
        words = (first.as_str() == "pip").then_some(rest)?;
    } else if manager == Manager::Pip && !is_pip(name) {
        words = match words {
            [module, pip, rest @ ..] if module.as_str() == "-m" && is_pip(pip) => rest,
            _ => return None,
        };
    }
    let mut plain = operands(words, flags_with_value(manager)).into_iter();
    let verb = plain.next()?;
    Some(Call { manager, command, verb, operands: plain.collect() })
}

impl Manager {
    /// The package manager that a program of this name is, or may call.
    pub(crate) fn of_program(name: &str) -> Option<Self> {
        match name {
            "apt" | "apt-get" | "aptitude" => Some(Self::Apt),
            "apk" => Some(Self::Apk),
            "yum" | "dnf" | "microdnf" | "tdnf" => Some(Self::Yum),
            "zypper" => Some(Self::Zypper),
            "npm" | "pnpm" => Some(Self::Npm),
            "uv" => Some(Self::Pip),
            _ if name.starts_with("python") || is_pip(name) => Some(Self::Pip),
            _ => None,
        }
    }
}

fn is_pip(name: &str) -> bool {
    name.strip_prefix("pip")
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn flags_with_value(manager: Manager) -> &'static [&'static str] {
    match manager {
        Manager::Apt => {
            &["-o", "--option", "-t", "--target-release", "--default-release", "-c", "-a"]
        }
        Manager::Apk => {
            &["-t", "--virtual", "-X", "--repository", "-p", "--root", "--arch", "--keys-dir"]
        }
        Manager::Yum => &["-c", "--config", "--installroot", "--releasever", "--setopt", "-x"],
        Manager::Zypper => &["-r", "--repo", "-R", "--root", "--from", "-t", "--type"],
        Manager::Pip => &[
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-t",
            "--target",
            "--trusted-host",
            "-e",
            "--editable",
            "-f",
            "--find-links",
            "--prefix",
            "--root",
            "--timeout",
            "--proxy",
            "--cert",
            "--retries",
            "--platform",
            "--python-version",
            "--abi",
            "--implementation",
            "--no-binary",
            "--only-binary",
            "--cache-dir",
            "--src",
            "--python",
            "--config-settings",
            "-C",
            "--progress-bar",
            "--log",
            "--report",
            "--group",
        ],
        Manager::Npm => &["--prefix", "--registry", "--cache", "-w", "--workspace", "--loglevel"],
    }
}

fn operands<'a>(words: &'a [Word], with_value: &[&str]) -> Vec<&'a Word> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        // Every flag has a dash: a long list of packages is not compared with any.
        if word.starts_with('-') {
            if with_value.contains(&word.as_str()) {
                words.next();
            }
        } else if !word.is_empty() {
            found.push(word);
        }
    }
    found
}

/// Whether the text of a requirement fixes a version, or cannot be judged.
pub(crate) fn is_pinned(manager: Manager, word: &str) -> bool {
    if word.contains('$')
        || word.contains('`')
        || word.starts_with(['.', '/', '-', '{'])
        || is_assignment(word) && manager == Manager::Npm
    {
        return true;
    }
    match manager {
        Manager::Apt => {
            word.contains('=')
                || word.contains('/')
                || word.ends_with(".deb")
                || word.ends_with(['-', '^'])
        }
        Manager::Apk => word.contains(['=', '~', '<', '>', '@', '/']),
        Manager::Pip => {
            word.contains("==")
                || word.contains('@')
                || word.contains('/')
                || word.ends_with(".whl")
                || word.ends_with(".gz")
                || word.ends_with(".zip")
        }
        Manager::Npm => {
            let name_end = usize::from(word.starts_with('@'));
            word[name_end..].contains('@') || word.contains("://") || word.ends_with(".tgz")
        }
        Manager::Yum | Manager::Zypper => {
            word.starts_with('@')
                || word.ends_with(".rpm")
                || word.contains('=')
                || word.contains("://")
                || word.split('-').skip(1).any(|part| {
                    part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('.')
                })
        }
    }
}
