//! Maven's `pom.xml`: on disk what a project is built from; in an archive who it is, its licences, and what it needs.

use sealift_lockfile::{Coordinates, Entry, Listing, Pom, pom};
use sealift_model::PackageKind;

use super::Identity;
use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::listed::{declared, notes};

/// Projects.
pub(crate) const POM: Cataloger = Cataloger {
    name: "maven-project",
    what: "Maven packages that a project is built from",
    evidence: &[Pattern::Named("", "pom.xml")],
    companions: &[],
    read,
};

const NEEDS_MAX: usize = 500;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    // Files of this name may be other things.
    if memchr::memmem::find(bytes, b"<project").is_none() {
        return Found::default();
    }
    let pom = match pom(bytes) {
        Ok(pom) => pom,
        Err(complaints) => return notes(&complaints, context),
    };
    let mut listing = Listing::default();
    let own =
        coordinates_key(&pom.own).and_then(|key| Entry::new(&key, pom.own.version.as_deref()));
    let mut own = own.unwrap_or_default();
    own.license.clone_from(&pom.licenses.first().cloned());
    own.homepage.clone_from(&pom.homepage);
    own.summary.clone_from(&pom.summary);
    own.author.clone_from(&pom.organization);
    let mut needs = Vec::new();
    for dependency in pom.dependencies.iter().filter(|it| it.is_at_run_time()) {
        let coordinates = &dependency.coordinates;
        let Some(key) = coordinates_key(coordinates) else { continue };
        // A range is no version.
        let version = coordinates.version.as_deref().filter(|text| !text.starts_with(['[', '(']));
        needs.extend(Entry::new(&key, version));
    }
    own.needs = needs.iter().map(|need| need.name.clone()).collect();
    if !own.name.is_empty() {
        listing.entries.push(own);
    }
    listing.entries.extend(needs);
    declared(listing, PackageKind::Maven, context)
}

fn coordinates_key(coordinates: &Coordinates) -> Option<String> {
    let group = coordinates.group.as_deref()?;
    (!coordinates.artifact.is_empty()).then(|| format!("{group}:{}", coordinates.artifact))
}

/// What of a project an archive keeps: who it is, and lines of a word and a text.
pub(super) fn compact(bytes: &[u8]) -> Option<String> {
    let Pom { own, licenses, organization, homepage, summary, dependencies, .. } =
        pom(bytes).ok()?;
    let mut lines = Vec::new();
    let mut line = |word: &str, text: &str| lines.push(format!("{word} {text}\n"));
    line("artifact", Some(own.artifact.as_str()).filter(|it| !it.is_empty())?);
    let fields = [("group", own.group), ("version", own.version), ("organization", organization)];
    let more = [("homepage", homepage), ("summary", summary)];
    for (word, text) in fields.into_iter().chain(more) {
        if let Some(text) = text {
            line(word, &text);
        }
    }
    for name in &licenses {
        line("license", name);
    }
    let needs = dependencies.iter().filter(|it| it.is_at_run_time() && !it.is_optional);
    for need in needs.filter_map(|it| coordinates_key(&it.coordinates)).take(NEEDS_MAX) {
        line("need", &need);
    }
    Some(lines.concat())
}

/// A project that an archive keeps.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) identity: Option<Identity>,
    pub(super) licenses: Vec<String>,
    pub(super) organization: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) needs: Vec<String>,
}

impl Kept {
    pub(super) fn parse(text: &str) -> Self {
        let all = |word: &str| {
            let texts = text.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
            texts.map(str::to_owned).collect::<Vec<_>>()
        };
        let first = |word: &str| all(word).into_iter().next();
        Self {
            identity: first("artifact").map(|artifact| Identity {
                group: first("group"),
                artifact,
                version: first("version"),
            }),
            licenses: all("license"),
            organization: first("organization"),
            homepage: first("homepage"),
            summary: first("summary"),
            needs: all("need"),
        }
    }

    pub(super) fn is_of(&self, identity: &Identity) -> bool {
        self.identity.as_ref().is_some_and(|own| own.artifact == identity.artifact)
    }
}
