//! What is known of a base image by its name alone.

use sealift_oci::Reference;

use crate::shell::base_name;

/// The distribution that a base image is, as far as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `scratch`.
    Scratch,
    /// Debian itself: nothing but its essential packages.
    Debian,
    /// Ubuntu itself.
    Ubuntu,
    /// Alpine itself.
    Alpine,
    /// Anything else.
    Unknown,
}

/// A base image as written, variables expanded.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) text: String,
    pub(crate) reference: Option<Reference>,
}

impl Base {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), reference: Reference::parse(text).ok() }
    }

    pub(crate) fn is_scratch(&self) -> bool {
        self.text == "scratch"
    }

    /// Last part of the repository: `python` of `docker.io/library/python`.
    pub(crate) fn short_name(&self) -> &str {
        let repository = self.reference.as_ref().map_or("", Reference::repository);
        base_name(repository)
    }

    pub(crate) fn tag(&self) -> Option<&str> {
        self.reference.as_ref()?.tag()
    }

    pub(crate) fn family(&self) -> Family {
        if self.is_scratch() {
            return Family::Scratch;
        }
        match self.short_name() {
            "debian" => Family::Debian,
            "ubuntu" => Family::Ubuntu,
            "alpine" => Family::Alpine,
            _ => Family::Unknown,
        }
    }

    /// Whether the name promises a user that is not root.
    pub(crate) fn promises_user(&self) -> bool {
        let text = self.text.to_ascii_lowercase();
        ["nonroot", "non-root", "rootless", "unprivileged", "chainguard", "bitnami"]
            .iter()
            .any(|word| text.contains(word))
    }

    /// Whether the image is of a server whose port belongs to it.
    pub(crate) fn is_called(&self, words: &[&str]) -> bool {
        let repository = self.reference.as_ref().map_or("", Reference::repository);
        words.iter().any(|word| repository.contains(word))
    }
}

/// Whether a release still has a transitional package `netcat`.
pub(crate) fn has_transitional_netcat(name: &str, tag: &str) -> bool {
    const OLD: [&str; 9] = [
        "stretch",
        "buster",
        "bullseye",
        "trusty",
        "xenial",
        "bionic",
        "focal",
        "jammy",
        "oldoldstable",
    ];
    let mut parts = tag.split('-');
    let number = parts.next().unwrap_or("");
    let number = number.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let newest = match name {
        "debian" => 11,
        "ubuntu" => 22,
        _ => 0,
    };
    number.is_some_and(|number| number <= newest) || tag.split('-').any(|part| OLD.contains(&part))
}
