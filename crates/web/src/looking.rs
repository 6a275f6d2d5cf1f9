//! What a page shows, fetched from where it is known: repositories, tags, the storage, one's account.

use std::sync::Arc;

use futures_util::future::try_join_all;
use maud::{Markup, html};
use sealift_access::{Action, Thing};
use sealift_depot::{Error, Manifest, Page as List, TagDetail, Target};
use sealift_oci::{RepositoryName, media_type};

use crate::address::Address;
use crate::imaging::together;
use crate::layout::{More, Page, Part, empty};
use crate::pages::account::{self, Account};
use crate::pages::{repositories, repository, storage};
use crate::service::{Shown, Visit, Web};

const PAGE: usize = 50;
// Of so many names one page of a search looks.
const NAMES_LOOKED_MAX: usize = 200_000;
const TAGS_LOOKED_MAX: usize = 20_000;
// So many are asked for at once where most of them may not fit.
const PART: usize = 500;
// Rows are found at the same time, and not all at once: each may prove signatures.
const ROWS_AT_ONCE: usize = 4;

// A list that is gone through until a page is full of what fits, or so much was looked at that it is enough.
struct Search<T> {
    items: Vec<T>,
    // After what the list goes on.
    after: Option<String>,
    // After what the next page begins.
    next: Option<String>,
    // At so many entries one still looks.
    left: usize,
    is_done: bool,
}

impl Web {
    /// Shows what an address means.
    pub(crate) async fn look(&self, address: &Address, visit: &Visit) -> Shown {
        let shown = match address {
            Address::Repositories => self.repositories(visit).await,
            Address::Repository(name) => self.repository(name, visit).await,
            Address::Image(name, target) => self.image(name, target, visit).await,
            Address::Storage => self.storage(visit).await,
            Address::Account => Ok(self.account(visit)),
            Address::Desk(desk) => Ok(self.desk(*desk, visit, None).await),
            Address::Login | Address::Logout | Address::Style | Address::Icon => Ok(Shown::Absent),
        };
        shown.unwrap_or_else(|error| match error {
            Error::NameUnknown | Error::ManifestUnknown | Error::BlobUnknown { .. } => {
                Shown::Absent
            }
            _ => Shown::Failed,
        })
    }

    pub(crate) fn may_pull(&self, visit: &Visit, name: &RepositoryName) -> bool {
        self.may(&visit.principal, Action::Pull, Thing::Repository(name.as_str()))
    }

    pub(crate) fn may_pull_target(
        &self,
        visit: &Visit,
        name: &RepositoryName,
        target: &Target,
    ) -> bool {
        let thing = match target {
            Target::Tag(tag) => Thing::Tag(name.as_str(), tag.as_str()),
            Target::Digest(_) => Thing::Repository(name.as_str()),
        };
        self.may(&visit.principal, Action::Pull, thing)
    }

    async fn repositories(&self, visit: &Visit) -> Result<Shown, Error> {
        let wanted = visit.query.get("q").to_lowercase();
        let mut found = Search::new(visit, NAMES_LOOKED_MAX);
        while !found.is_done {
            let part = self.depot.repositories(found.after.as_deref(), PART).await?;
            found.take(part, ToString::to_string, |name| {
                name.as_str().contains(&wanted) && self.may_pull(visit, name)
            });
        }
        if found.items.is_empty() && wanted.is_empty() && visit.is_nobody() {
            return Ok(Shown::Forbidden);
        }
        let mut rows = Vec::new();
        for name in &found.items {
            let numbers = self.depot.repository_statistics(name).await?;
            rows.push(repositories::Row {
                name: name.clone(),
                tags: numbers.tags,
                manifests: numbers.manifests,
                bytes: numbers.bytes,
                is_mirror: self.office.is_mirrored(name),
            });
        }
        let wanted = visit.query.get("q");
        let body = repositories::body(&self.name, &rows, wanted, found.more());
        Ok(page("Repositories", Part::Repositories, body))
    }

    async fn repository(&self, name: &RepositoryName, visit: &Visit) -> Result<Shown, Error> {
        if !self.may_pull(visit, name) {
            return Ok(Shown::Absent);
        }
        let wanted = visit.query.get("q");
        let lower = wanted.to_lowercase();
        let mut found = Search::new(visit, TAGS_LOOKED_MAX);
        let part = if wanted.is_empty() { PAGE + 1 } else { PART };
        while !found.is_done {
            let list = self.depot.tag_details(name, found.after.as_deref(), part).await?;
            let name_of = |detail: &TagDetail| detail.tag.to_string();
            found.take(list, name_of, |detail| {
                let target = Target::Tag(detail.tag.clone());
                detail.tag.as_str().to_lowercase().contains(&lower)
                    && self.may_pull_target(visit, name, &target)
            });
        }
        let mut rows = Vec::new();
        for details in found.items.chunks(ROWS_AT_ONCE) {
            let mut coming = Vec::new();
            for detail in details {
                coming.push(self.tag_row(name, detail.clone()));
            }
            rows.extend(try_join_all(coming).await?);
        }
        let more = found.more();
        let tags = repository::Tags { name, registry: &self.name, rows: &rows, wanted, more };
        Ok(page(name.as_str(), Part::Repositories, repository::body(&tags)))
    }

    async fn tag_row(
        &self,
        name: &RepositoryName,
        detail: TagDetail,
    ) -> Result<repository::Row, Error> {
        let target = Target::Digest(detail.digest.clone());
        let manifest = self.depot.manifest(name, &target).await?;
        let mut row = repository::Row {
            tag: detail.tag.to_string(),
            updated: detail.updated,
            by: detail.by,
            bytes: detail.size,
            kinds: Vec::new(),
            is_image: false,
            summary: None,
            signers: self.signers(name, &detail.digest).await,
            digest: detail.digest,
        };
        if let Some(manifest) = manifest {
            self.fill(&mut row, name, &manifest).await?;
        }
        Ok(row)
    }

    // What has to be read for: platforms, and of an index what its images are together.
    async fn fill(
        &self,
        row: &mut repository::Row,
        name: &RepositoryName,
        manifest: &Arc<Manifest>,
    ) -> Result<(), Error> {
        if media_type::is_index(&manifest.media_type) {
            let children = self.children(name, manifest).await?;
            let images = || children.iter().filter(|child| child.is_image);
            row.kinds = images().map(|child| child.platform.clone()).collect();
            row.is_image = images().next().is_some();
            let sizes = children.iter().filter_map(|child| child.bytes);
            row.bytes = sizes.fold(row.bytes, u64::saturating_add);
            row.summary = together(&children);
            return Ok(());
        }
        match self.config(name, manifest).await? {
            Some(config) => {
                row.kinds =
                    vec![platform_of(&config.os, &config.architecture, config.variant.as_deref())];
                row.is_image = true;
                if let Some(insight) = &self.insight {
                    row.summary = insight.summary(name, &manifest.digest).await;
                }
            }
            None => row.kinds = manifest.artifact_type.iter().cloned().collect(),
        }
        Ok(())
    }

    async fn storage(&self, visit: &Visit) -> Result<Shown, Error> {
        if !self.is_administrator(visit) {
            return Ok(Shown::Forbidden);
        }
        let numbers = self.depot.statistics().await?;
        let trouble = self.depot.health().err().map(|error| error.to_string());
        let (upstreams, gate) = (self.office.upstreams(), self.office.gate().await);
        let body = storage::body(&numbers, trouble.as_deref(), &upstreams, &gate);
        Ok(page("Storage", Part::Storage, body))
    }

    fn account(&self, visit: &Visit) -> Shown {
        let Some(session) = &visit.session else { return Shown::Forbidden };
        let rules = self.gatekeeper.rules_about(&visit.principal);
        let account = Account {
            name: &session.user,
            groups: &visit.principal.groups,
            rules: &rules,
            until: session.until,
        };
        page("Account", Part::Account, account::body(&visit.visitor, &account))
    }
}

impl<T> Search<T> {
    fn new(visit: &Visit, looked_max: usize) -> Self {
        let after = Some(visit.query.get("after").to_owned()).filter(|text| !text.is_empty());
        Self { items: Vec::new(), after, next: None, left: looked_max, is_done: false }
    }

    // Takes what fits of a part of the list, until there is enough of it.
    fn take(&mut self, part: List<T>, name: impl Fn(&T) -> String, fits: impl Fn(&T) -> bool) {
        self.is_done = !part.more || part.items.is_empty();
        for item in part.items {
            if self.left == 0 {
                self.is_done = true;
                return;
            }
            self.left -= 1;
            self.after = Some(name(&item));
            if !fits(&item) {
                continue;
            }
            if self.items.len() == PAGE {
                // What lies between is not for the visitor to see, and its name is not either.
                self.next = self.items.last().map(name);
                self.is_done = true;
                return;
            }
            self.items.push(item);
        }
    }

    fn more(&self) -> More<'_> {
        match &self.next {
            Some(next) => More::After(next),
            None if self.left == 0 => More::Unlooked,
            None => More::Nothing,
        }
    }
}

/// A platform as people write it.
pub(crate) fn platform_of(os: &str, architecture: &str, variant: Option<&str>) -> String {
    let variant = variant.filter(|it| !it.is_empty()).map(|it| format!("/{it}"));
    format!("{os}/{architecture}{}", variant.unwrap_or_default())
}

pub(crate) fn page(title: &str, part: Part, body: Markup) -> Shown {
    Shown::Page(Page { title: title.to_owned(), part, body })
}

/// A page where an answer cannot be given.
pub(crate) fn no_answer(reason: &str) -> Markup {
    empty("That cannot be told now.", &html! { (crate::layout::plain(reason)) })
}
