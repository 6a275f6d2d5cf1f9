//! Variables: `ARG`s before the first `FROM`, and `ARG` and `ENV` of a stage.

use std::collections::HashMap;

use sealift_dockerfile::{Argument, Dockerfile, InstructionKind, variables};
use sealift_oci::Platform;

use crate::Request;
use crate::error::{Error, Result};

/// Arguments that need no `ARG` and stay out of history and cache keys (docs, "Predefined ARGs").
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

/// Values from outside: `--build-arg` and what the builder itself knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside {
    given: HashMap<String, String>,
    global: Vec<(String, String)>,
}

/// The variables of a stage.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    escape: char,
    /// `ENV` and `ARG` together, later ones over earlier ones.
    variables: Vec<(String, String)>,
    /// Names of the `ARG`s, in order.
    arguments: Vec<String>,
}

impl Outside {
    /// Reads `--build-arg`, the platforms and the `ARG`s before the first `FROM`.
    pub(crate) fn new(request: &Request, file: &Dockerfile) -> Result<Self> {
        let given = request
            .build_args
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
            .collect();
        let mut outside = Self { given, global: platform_arguments(&request.platform) };
        if let Some(epoch) = request.source_date_epoch {
            outside.global.push(("SOURCE_DATE_EPOCH".to_owned(), epoch.to_string()));
        }
        for instruction in sealift_dockerfile::stages(file).global {
            let InstructionKind::Arg(arguments) = &instruction.kind else { continue };
            for argument in arguments {
                let name = argument.name.text.to_string();
                let value = match (outside.given.get(&name), &argument.value) {
                    (Some(given), _) => given.clone(),
                    (None, Some(word)) => outside.expand(&word.text, file.escape)?,
                    (None, None) => continue,
                };
                set(&mut outside.global, &name, value);
            }
        }
        Ok(outside)
    }

    /// Expands a word of `FROM`.
    pub(crate) fn expand(&self, word: &str, escape: char) -> Result<String> {
        variables::expand(word, &|name| get(&self.global, name), escape)
            .map_err(|source| Error::Variable { text: word.to_owned(), source })
    }

    /// Proxies given by `--build-arg`, for `RUN` alone.
    pub(crate) fn proxies(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = self
            .given
            .iter()
            .filter(|(name, _)| is_proxy(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        found.sort();
        found
    }

    /// Names given by `--build-arg` that no `ARG` takes.
    pub(crate) fn unused(&self, file: &Dockerfile) -> Vec<String> {
        let is_declared = |name: &str| {
            file.instructions.iter().any(|instruction| match &instruction.kind {
                InstructionKind::Arg(arguments) => {
                    arguments.iter().any(|argument| argument.name.text == name)
                }
                _ => false,
            })
        };
        let is_known = |name: &str| {
            is_proxy(name) || name.starts_with("BUILDKIT_") || name == "SOURCE_DATE_EPOCH"
        };
        let mut names: Vec<String> = self
            .given
            .keys()
            .filter(|name| !is_declared(name) && !is_known(name))
            .cloned()
            .collect();
        names.sort();
        names
    }
}

impl Scope {
    /// Variables of a stage that starts from an image with this environment.
    pub(crate) fn new(escape: char, environment: &[String]) -> Self {
        let mut scope = Self { escape, variables: Vec::new(), arguments: Vec::new() };
        for pair in environment {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            set(&mut scope.variables, name, value.to_owned());
        }
        scope
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        get(&self.variables, name)
    }

    /// Every variable.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// `ENV`.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        set(&mut self.variables, name, value);
    }

    /// `ARG`: gives the value, if there is one.
    pub(crate) fn declare(
        &mut self,
        argument: &Argument,
        outside: &Outside,
    ) -> Result<Option<String>> {
        let name = argument.name.as_str();
        let value = match (outside.given.get(name), &argument.value) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(word)) => Some(self.expand(&word.text)?),
            (None, None) => get(&outside.global, name),
        };
        if let Some(value) = &value {
            self.set(name, value.clone());
        }
        if !self.arguments.iter().any(|known| known == name) {
            self.arguments.push(name.to_owned());
        }
        Ok(value)
    }

    /// `|2 A=b C=d ` in front of a `RUN` in the history.
    pub(crate) fn history_prefix(&self) -> String {
        if self.arguments.is_empty() {
            return String::new();
        }
        let pairs = self
            .arguments
            .iter()
            .map(|name| format!("{name}={} ", self.get(name).unwrap_or_default()));
        format!("|{} {}", self.arguments.len(), pairs.collect::<String>())
    }

    /// Expands a word.
    pub(crate) fn expand(&self, word: &str) -> Result<String> {
        variables::expand(word, &|name| self.get(name), self.escape)
            .map_err(|source| Error::Variable { text: word.to_owned(), source })
    }

    /// Expands a word that may become several.
    pub(crate) fn expand_words(&self, word: &str) -> Result<Vec<String>> {
        variables::expand_words(word, &|name| self.get(name), self.escape)
            .map_err(|source| Error::Variable { text: word.to_owned(), source })
    }

    /// Expands a heredoc.
    pub(crate) fn expand_heredoc(&self, text: &str) -> Result<String> {
        variables::expand_heredoc(text, &|name| self.get(name))
            .map_err(|source| Error::Variable { text: "heredoc".to_owned(), source })
    }

    /// The escape character of the file.
    pub(crate) fn escape(&self) -> char {
        self.escape
    }
}

fn platform_arguments(target: &Platform) -> Vec<(String, String)> {
    let mut arguments = Vec::new();
    for (prefix, platform) in [("BUILD", &Platform::host()), ("TARGET", target)] {
        let variant = platform.variant.clone().unwrap_or_default();
        for (name, value) in [
            ("PLATFORM", platform.to_string()),
            ("OS", platform.os.clone()),
            ("ARCH", platform.architecture.clone()),
            ("VARIANT", variant),
        ] {
            arguments.push((format!("{prefix}{name}"), value));
        }
    }
    arguments
}

fn is_proxy(name: &str) -> bool {
    PROXIES.iter().any(|proxy| proxy.eq_ignore_ascii_case(name))
}

fn get(variables: &[(String, String)], name: &str) -> Option<String> {
    variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
}

fn set(variables: &mut Vec<(String, String)>, name: &str, value: String) {
    match variables.iter_mut().find(|(own, _)| own == name) {
        Some(pair) => pair.1 = value,
        None => variables.push((name.to_owned(), value)),
    }
}
