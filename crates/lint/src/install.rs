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
    pub(crate) operands: Operands<'a>,
}

/// Some arguments of a command, in order.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    arguments: &'a [Word],
    at: &'a [usize],
}

impl<'a> Operands<'a> {
    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = &'a Word> {
        self.at.iter().filter_map(move |at| self.arguments.get(*at))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.at.is_empty()
    }

    pub(crate) fn len(self) -> usize {
        self.at.len()
    }
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
    let is_end =
        |byte: u8| matches!(byte, b'=' | b'<' | b'>' | b'~' | b'@' | b'[' | b'/' | b':' | b'!');
    let end = word.bytes().position(is_end).unwrap_or(word.len());
    &word[..end]
}

/// The call that a command is.
pub(crate) fn call(command: &Command) -> Option<Call<'_>> {
    let manager = command.manager?;
    let (verb, at) = command.plain.split_first()?;
    let arguments = command.arguments();
    Some(Call {
        manager,
        command,
        verb: arguments.get(*verb)?,
        operands: Operands { arguments, at },
    })
}

/// Which arguments of a package manager are its verb and operands.
pub(crate) fn plain_arguments(manager: Manager, name: &str, arguments: &[Word]) -> Vec<usize> {
    let first = match arguments {
        _ if manager != Manager::Pip || is_pip(name) => 0,
        [pip, ..] if name == "uv" && pip.as_str() == "pip" => 1,
        [module, pip, ..] if name != "uv" && module.as_str() == "-m" && is_pip(pip) => 2,
        _ => return Vec::new(),
    };
    operands(arguments, first, flags_with_value(manager))
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

/// Words from the first on that are neither flags nor their values.
fn operands(words: &[Word], first: usize, with_value: &[&str]) -> Vec<usize> {
    let mut found = Vec::with_capacity(words.len());
    let mut words = words.iter().enumerate().skip(first);
    while let Some((at, word)) = words.next() {
        // Every flag has a dash: a long list of packages is not compared with any.
        if word.starts_with('-') {
            if with_value.contains(&word.as_str()) {
                words.next();
            }
        } else if !word.is_empty() {
            found.push(at);
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
