//! An image: what stands above all its views, and the small ones.

use jiff::Timestamp;
use maud::{Markup, html};
use sealift_depot::TagEvent;
use sealift_oci::{Digest, RepositoryName};

use crate::address::{of_image, of_repository};
use crate::insight::Summary;
use crate::layout::{bytes, empty, path, plain, tabs, time};
use crate::pages::repository;
use crate::table::{numbers, rest, table, words};

/// The views of an image, each with a page of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Overview,
    Layers,
    Packages,
    Findings,
    Trust,
    Referrers,
    History,
    Manifest,
}

impl View {
    const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Overview, "", "Overview"),
        (Self::Layers, "layers", "Layers"),
        (Self::Packages, "packages", "Packages"),
        (Self::Findings, "findings", "Findings"),
        (Self::Trust, "trust", "Signatures"),
        (Self::Referrers, "referrers", "Referrers"),
        (Self::History, "history", "History"),
        (Self::Manifest, "manifest", "Manifest"),
    ];

    /// Of its name in an address; what is no name is the first one.
    pub(crate) fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map_or(Self::Overview, |it| it.0)
    }

    /// What it is called.
    pub(crate) fn title(self) -> &'static str {
        Self::ALL.into_iter().find(|(known, ..)| *known == self).map_or("", |it| it.2)
    }
}

/// What stands above all views.
pub(crate) struct Head {
    pub(crate) repository: RepositoryName,
    pub(crate) registry: String,
    pub(crate) target: String,
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) pushed: Timestamp,
    pub(crate) by: String,
    pub(crate) summary: Option<Summary>,
    pub(crate) is_image: bool,
}

impl Head {
    pub(crate) fn is_digest(&self) -> bool {
        self.target.contains(':')
    }

    pub(crate) fn address(&self) -> String {
        of_image(&self.repository, &self.target)
    }
}

/// One of the images of an index.
pub(crate) struct Child {
    pub(crate) platform: String,
    pub(crate) digest: Digest,
    /// Of its layers, if it is here.
    pub(crate) bytes: Option<u64>,
    pub(crate) summary: Option<Summary>,
    /// An image, and no attestation or the like.
    pub(crate) is_image: bool,
}

pub(crate) fn frame(head: &Head, view: View, content: &Markup) -> Markup {
    let shown = if head.is_digest() {
        format!("{}:{}", head.digest.algorithm().as_str(), head.digest.short())
    } else {
        head.target.clone()
    };
    let steps = [
        ("Repositories", Some("/".to_owned())),
        (head.repository.as_str(), Some(of_repository(&head.repository))),
        (shown.as_str(), None),
    ];
    let is_fitting = |view: View| match view {
        View::Packages | View::Findings => head.is_image,
        View::History => !head.is_digest(),
        _ => true,
    };
    let address = head.address();
    let links: Vec<_> = View::ALL
        .into_iter()
        .filter(|(known, ..)| is_fitting(*known))
        .map(|(known, name, title)| {
            let suffix = if name.is_empty() { String::new() } else { format!("?view={name}") };
            (title_of(head, known, title), format!("{address}{suffix}"), known == view)
        })
        .collect();
    html! {
        (path(&steps))
        h1 { (head.repository) @if head.is_digest() { "@" } @else { ":" } (shown) }
        (tabs("Image", &links))
        (content)
    }
}

fn title_of(head: &Head, view: View, title: &str) -> String {
    match (view, &head.summary) {
        (View::Packages, Some(summary)) if summary.packages > 0 => {
            format!("{title} ({})", summary.packages)
        }
        (View::Findings, Some(summary)) if summary.counts.all() > 0 => {
            format!("{title} ({})", summary.counts.all())
        }
        _ => title.to_owned(),
    }
}

/// The images of an index, each with its own page; `view` is what is wanted of them.
pub(crate) fn platforms(repository: &RepositoryName, children: &[Child], view: &str) -> Markup {
    let columns = [words("Platform"), words("Findings"), numbers("Size"), rest("Digest")];
    let cells = |child: &Child| {
        let address = of_image(repository, &child.digest.to_string());
        vec![
            html! { a href={ (address) (view) } { (plain(&child.platform)) } },
            html! {
                @if child.bytes.is_none() { span .soft { "not here" } }
                @else if child.is_image { (repository::findings(child.summary.as_ref())) }
                @else { span .soft { "no image" } }
            },
            html! { @if let Some(count) = child.bytes { (bytes(count)) } },
            html! { span .digest { (child.digest) } },
        ]
    };
    table("Platforms", &columns, &children.iter().map(cells).collect::<Vec<_>>())
}

/// What to do where nothing is known of the inside of an image.
pub(crate) fn not_examined(head: &Head, has_insight: bool) -> Markup {
    let is_unreadable = head.summary.as_ref().is_some_and(|it| it.status == "unreadable");
    if is_unreadable {
        let reason = head.summary.as_ref().and_then(|it| it.reason.as_deref()).unwrap_or_default();
        return empty("It was examined, and could not be read.", &html! { (plain(reason)) });
    }
    if has_insight {
        empty(
            "It was not examined yet, so nobody knows what is inside.",
            &html! {
                "Images are examined soon after they are pushed, if the registry’s configuration says "
                code { "gate: {scan: true}" } ". Load the page again in a moment."
            },
        )
    } else {
        empty(
            "This registry does not examine images.",
            &html! {
                "Look at it with " code { "sealift scan " (head.registry) "/" (head.repository) "@" (head.digest) } "."
            },
        )
    }
}

/// What happened to a tag.
pub(crate) fn history(repository: &RepositoryName, events: &[TagEvent]) -> Markup {
    if events.is_empty() {
        return empty(
            "Nothing is known of its past.",
            &html! { "It is written down from the next push on." },
        );
    }
    let columns = [words("When"), words("What"), words("By"), rest("Since then it names")];
    let cells = |event: &TagEvent| {
        let what = match (&event.digest, &event.before) {
            (None, _) => "deleted",
            (Some(_), None) => "made",
            (Some(now), Some(before)) if now == before => "pushed again",
            (Some(_), Some(_)) => "moved",
        };
        vec![
            time(event.at),
            html! { (what) },
            html! { (plain(&event.by)) },
            html! {
                @if let Some(digest) = &event.digest {
                    @let text = digest.to_string();
                    @if event.is_kept { a .digest href=(of_image(repository, &text)) { (text) } }
                    @else { span .digest { (text) } " " span .soft { "(gone)" } }
                }
            },
        ]
    };
    table("History of the tag", &columns, &events.iter().map(cells).collect::<Vec<_>>())
}

/// The document itself.
pub(crate) fn manifest(head: &Head, text: &str) -> Markup {
    html! {
        dl .facts {
            dt { "Media type" } dd { code { (plain(&head.media_type)) } }
            dt { "Digest" } dd { span .digest { (head.digest) } }
        }
        pre tabindex="0" aria-label="The manifest as JSON" { (text) }
    }
}
