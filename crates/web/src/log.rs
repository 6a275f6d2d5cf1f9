//! A page of the audit log: what an address asks for, and which of the images in it are there.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use maud::{Markup, html};
use sealift_depot::{Error, Target};
use sealift_oci::{Digest, RepositoryName, Tag};

use crate::address::of_image;
use crate::looking::no_answer;
use crate::office::{LogAsked, LogBegin, LogEvent};
use crate::pages::log;
use crate::query::Fields;
use crate::service::{Visit, Web};

const PAGE: usize = 50;
// Images are looked up at the same time, and not all at once.
const LOOKED_AT_ONCE: usize = 8;

impl Web {
    /// The audit log as an administrator sees it.
    pub(crate) async fn log(&self, visit: &Visit) -> Markup {
        let asked = asked(&visit.query);
        let told = |reason: &str| html! { h2 { "Audit log" } (no_answer(reason)) };
        let part = match self.office.log(asked.clone()).await {
            Ok(part) => part,
            Err(reason) => return told(&reason),
        };
        let there = match self.there(visit, &part.events).await {
            Ok(there) => there,
            Err(error) => return told(&error.to_string()),
        };
        let kinds = self.office.log_kinds();
        let address_of = |event: &LogEvent| {
            image_of(event).map(|(address, ..)| address).filter(|it| there.contains(it))
        };
        log::body(&log::Log { asked: &asked, part: &part, kinds: &kinds, address_of: &address_of })
    }

    // Addresses of the images that are there, and that the visitor may pull.
    async fn there(&self, visit: &Visit, events: &[LogEvent]) -> Result<BTreeSet<String>, Error> {
        let images: BTreeMap<_, _> = events
            .iter()
            .filter_map(image_of)
            .filter(|(_, name, target)| self.may_pull_target(visit, name, target))
            .map(|(address, name, target)| (address, (name, target)))
            .collect();
        let images: Vec<_> = images.into_iter().collect();
        let mut there = BTreeSet::new();
        for some in images.chunks(LOOKED_AT_ONCE) {
            let looks = some.iter().map(|(_, (name, target))| self.depot.manifest(name, target));
            let found = try_join_all(looks).await?;
            let found = some.iter().zip(found).filter(|(_, manifest)| manifest.is_some());
            there.extend(found.map(|((address, _), _)| address.clone()));
        }
        Ok(there)
    }
}

// The image that an event is about: its digest, or only its tag; and its address.
fn image_of(event: &LogEvent) -> Option<(String, RepositoryName, Target)> {
    if event.event.starts_with("blob.") {
        return None;
    }
    let name = RepositoryName::parse(event.repository.as_deref()?).ok()?;
    let target = match (&event.digest, &event.tag) {
        (Some(digest), _) => Target::Digest(digest.parse::<Digest>().ok()?),
        (None, tag) => Target::Tag(Tag::parse(tag.as_deref()?).ok()?),
    };
    let address = match &target {
        Target::Digest(digest) => of_image(&name, &digest.to_string()),
        Target::Tag(tag) => of_image(&name, tag.as_str()),
    };
    Some((address, name, target))
}

fn asked(query: &Fields) -> LogAsked {
    let place = |name| log::parse_place(query.get(name));
    let begin = match (place("before"), place("from")) {
        (Some(place), _) => LogBegin::Before(place),
        (None, Some(place)) => LogBegin::From(place),
        (None, None) => LogBegin::Newest,
    };
    let text = |name| query.get(name).trim().to_owned();
    LogAsked {
        begin,
        event: text("event"),
        user: text("user"),
        repository: text("repository"),
        is_denied: query.get("denied") == "yes",
        count: PAGE,
    }
}
