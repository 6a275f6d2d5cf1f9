//! A repository: its tags.

use jiff::Timestamp;
use maud::{Markup, html};
use sealift_oci::{Digest, RepositoryName};

use crate::address::{of_image, of_repository};
use crate::insight::{Counts, Summary};
use crate::layout::{More, badge, bytes, count, empty, next, path, plain, time};
use crate::query::encode;
use crate::table::{numbers, table, words};

/// A tag in the list.
pub(crate) struct Row {
    pub(crate) tag: String,
    pub(crate) digest: Digest,
    pub(crate) updated: Timestamp,
    pub(crate) by: String,
    pub(crate) bytes: u64,
    /// Platforms, or what it is if it is no image.
    pub(crate) kinds: Vec<String>,
    pub(crate) is_image: bool,
    pub(crate) summary: Option<Summary>,
    pub(crate) signers: Vec<String>,
}

const KINDS_SHOWN: usize = 4;
const SIGNERS_SHOWN: usize = 2;

/// The list, and what it was asked for.
pub(crate) struct Tags<'a> {
    pub(crate) name: &'a RepositoryName,
    pub(crate) registry: &'a str,
    pub(crate) rows: &'a [Row],
    pub(crate) wanted: &'a str,
    pub(crate) more: More<'a>,
}

pub(crate) fn body(tags: &Tags<'_>) -> Markup {
    let Tags { name, registry, rows, wanted, more } = tags;
    let columns = [
        words("Tag"),
        words("Platforms"),
        words("Findings"),
        words("Signed by"),
        numbers("Size"),
        words("Pushed"),
        words("Digest"),
    ];
    let example = rows.first().map_or("TAG", |row| row.tag.as_str());
    html! {
        (path(&[("Repositories", Some("/".to_owned())), (name.as_str(), None)]))
        h1 { (name) }
        div .command { code { "docker pull " (registry) "/" (name) ":" (example) } }
        form .filter method="get" action=(of_repository(name)) role="search" {
            div .wide {
                label for="wanted" { "Tag contains" }
                input #wanted name="q" type="search" value=(wanted) maxlength="128";
            }
            button { "Search" }
            @if !wanted.is_empty() { a .button href=(of_repository(name)) { "Show all" } }
        }
        @if rows.is_empty() {
            @if wanted.is_empty() {
                (empty("No tag of it is for you to see.", &html! {
                    "Give an image one: " code { "docker push " (registry) "/" (name) ":TAG" }
                }))
            } @else {
                (empty("No tag has this in its name.", &html! { "You looked for “" (plain(wanted)) "”." }))
            }
        } @else {
            (table("Tags", &columns, &rows.iter().map(|row| cells(name, row)).collect::<Vec<_>>()))
        }
        (next(&format!("{}?q={}", of_repository(name), encode(wanted)), *more))
    }
}

fn cells(name: &RepositoryName, row: &Row) -> Vec<Markup> {
    vec![
        html! { a href=(of_image(name, &row.tag)) { (row.tag) } },
        html! {
            @for (number, kind) in row.kinds.iter().take(KINDS_SHOWN).enumerate() {
                @if number > 0 { ", " }
                span .nowrap { (plain(kind)) }
            }
            @if row.kinds.len() > KINDS_SHOWN { " and " (row.kinds.len() - KINDS_SHOWN) " more" }
        },
        html! { @if row.is_image { (findings(row.summary.as_ref())) } @else { span .soft { "no image" } } },
        signers(&row.signers),
        html! { (bytes(row.bytes)) },
        html! { (time(row.updated)) br; span .soft { "by " (plain(&row.by)) } },
        html! { span .digest { (row.digest.short()) } },
    ]
}

/// Who signed something, shortly.
pub(crate) fn signers(names: &[String]) -> Markup {
    html! {
        @if names.is_empty() { span .soft { "nobody" } }
        @for (number, signer) in names.iter().take(SIGNERS_SHOWN).enumerate() {
            @if number > 0 { ", " }
            span .good { (plain(signer)) }
        }
        @if names.len() > SIGNERS_SHOWN { " and " (names.len() - SIGNERS_SHOWN) " more" }
    }
}

/// What a scan says, in a few words.
pub(crate) fn findings(summary: Option<&Summary>) -> Markup {
    let Some(summary) = summary else { return html! { span .soft { "not examined" } } };
    match summary.status {
        "unreadable" => badge("bad", "cannot be read"),
        "listed" => badge("low", "no advisories to compare with"),
        _ => counts(&summary.counts),
    }
}

/// Counts as badges; those of none are left out.
pub(crate) fn counts(counts: &Counts) -> Markup {
    html! {
        @if counts.all() == 0 && counts.secrets == 0 { (badge("good", "none known")) }
        @for (kind, number) in counts.by_severity() {
            @if number > 0 { (badge(kind, &format!("{number} {kind}"))) " " }
        }
        @if counts.secrets > 0 { (badge("bad", &count(counts.secrets, "secret", "secrets"))) }
    }
}
