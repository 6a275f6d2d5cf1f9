//! What administrators do with the registry: the frame of their pages, retention, collection.

use maud::{Markup, html};

use crate::address::{of_image, of_repository};
use crate::layout::{Visitor, count, empty, marked, secret_field, tabs};
use crate::office::Going;
use crate::table::{rest, table, words};

const GOING_SHOWN: usize = 500;

/// The pages of administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Desk {
    Users,
    Robots,
    Retention,
    Collection,
    Log,
}

impl Desk {
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Users, "Users", "/-/admin"),
        (Self::Robots, "Robots", "/-/admin/robots"),
        (Self::Retention, "Retention", "/-/admin/retain"),
        (Self::Collection, "Collection", "/-/admin/collect"),
        (Self::Log, "Audit log", "/-/admin/log"),
    ];

    /// What it is called.
    pub(crate) fn title(self) -> &'static str {
        Self::ALL.into_iter().find(|(known, ..)| *known == self).map_or("", |it| it.1)
    }
}

/// What came of the last deed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) is_fault: bool,
    /// A token that is shown once, and whose.
    pub(crate) secret: Option<(String, String)>,
    /// What retention would remove.
    pub(crate) going: Option<Vec<Going>>,
}

pub(crate) fn frame(
    desk: Desk,
    registry: &str,
    outcome: Option<&Outcome>,
    content: &Markup,
) -> Markup {
    let links = Desk::ALL
        .map(|(known, title, address)| (title.to_owned(), address.to_owned(), known == desk));
    html! {
        h1 { "Administration" }
        (tabs("Administration", &links))
        @if let Some(outcome) = outcome { (told(registry, outcome)) }
        (content)
    }
}

fn told(registry: &str, outcome: &Outcome) -> Markup {
    let (class, role) =
        if outcome.is_fault { ("panel no", "alert") } else { ("panel yes", "status") };
    html! {
        div class=(class) role=(role) {
            p { (marked(&outcome.text)) }
            @if let Some((name, secret)) = &outcome.secret {
                p { "This is its token. It is shown this once:" }
                div .command { code { (secret) } }
                p .soft { "For docker: " code { "docker login -u " (name) " --password-stdin " (registry) } }
            }
        }
    }
}

pub(crate) fn retention(visitor: &Visitor, rules: &[String], going: Option<&[Going]>) -> Markup {
    html! {
        h2 { "Retention" }
        @if rules.is_empty() {
            (empty("No rule says what is to be kept, so all of it is.", &html! {
                "The section " code { "retention" } " of the registry’s configuration has the rules."
            }))
        } @else {
            div .panel {
                p { "The first rule that fits a repository decides:" }
                ol { @for rule in rules { li { (marked(rule)) } } }
            }
            form .deed method="post" action="/-/admin/retain" {
                (secret_field(visitor))
                button { "What would be removed now?" }
            }
            p .soft { "That changes nothing. What retention removes can be had back for a while." }
        }
        @if let Some(going) = going { (list(going)) }
    }
}

fn list(going: &[Going]) -> Markup {
    if going.is_empty() {
        return html! {};
    }
    let columns = [words("Repository"), words("Tag"), rest("Digest")];
    let cells = |entry: &Going| {
        let digest = entry.digest.to_string();
        vec![
            html! { a href=(of_repository(&entry.repository)) { (entry.repository) } },
            html! {
                @match &entry.tag {
                    Some(tag) => (tag),
                    None => span .soft { "none" },
                }
            },
            html! { a .digest href=(of_image(&entry.repository, &digest)) { (digest) } },
        ]
    };
    let shown: Vec<_> = going.iter().take(GOING_SHOWN).map(cells).collect();
    html! {
        h3 { "What would be removed" }
        (table("What would be removed", &columns, &shown))
        @if going.len() > GOING_SHOWN {
            p { "and " (count(going.len() - GOING_SHOWN, "more", "more")) }
        }
    }
}

pub(crate) fn collection(visitor: &Visitor) -> Markup {
    html! {
        h2 { "Collection" }
        p {
            "What nobody refers to leaves the disk. Images stay, and so does what was uploaded a short while ago; \
             the registry serves meanwhile."
        }
        form .deed method="post" action="/-/admin/collect" {
            (secret_field(visitor))
            button name="dry" value="yes" { "What would be collected?" }
        }
        form .deed method="post" action="/-/admin/collect" {
            (secret_field(visitor))
            button .main name="dry" value="" { "Collect now" }
        }
    }
}
