//! A repository: its tags.

use jiff::Timestamp;
use maud::{Markup, html};
use sealift_oci::{Digest, RepositoryName};

use crate::address::{of_image, of_repository};
use crate::insight::{Counts, Summary};
use crate::layout::{badge, bytes, path, time};
use crate::query::encode;

/// A tag in the list.
pub(crate) struct Row {
    pub(crate) tag: String,
    pub(crate) digest: Digest,
    pub(crate) updated: Timestamp,
    pub(crate) by: String,
    pub(crate) bytes: u64,
    pub(crate) summary: Option<Summary>,
    pub(crate) signatures: usize,
}

pub(crate) fn body(
    name: &RepositoryName,
    registry: &str,
    rows: &[Row],
    next: Option<&str>,
) -> Markup {
    html! {
        (path(&[("Repositories", Some("/".to_owned())), (name.as_str(), None)]))
        h1 { (name) }
        p { "Pull with " code { "docker pull " (registry) "/" (name) ":TAG" } }
        @if rows.is_empty() { div .panel { p { "It has no tags." } } } @else {
            div .wide {
                table {
                    thead {
                        tr {
                            th scope="col" { "Tag" }
                            th scope="col" { "Findings" }
                            th scope="col" { "Signed" }
                            th .number scope="col" { "Size" }
                            th scope="col" { "Pushed" }
                            th scope="col" { "Digest" }
                        }
                    }
                    tbody { @for row in rows { (tag(name, row)) } }
                }
            }
        }
        @if let Some(next) = next {
            p { a rel="next" href={ (of_repository(name)) "?after=" (encode(next)) } { "More" } }
        }
    }
}

fn tag(name: &RepositoryName, row: &Row) -> Markup {
    html! {
        tr {
            td { a href=(of_image(name, &row.tag)) { (row.tag) } }
            td { (findings(row.summary.as_ref())) }
            td {
                @if row.signatures == 0 { span .soft { "no" } }
                @else { span .good { "by " (row.signatures) } }
            }
            td .number { (bytes(row.bytes)) }
            td { (time(row.updated)) br; span .soft { "by " (row.by) } }
            td { span .digest { (row.digest.algorithm().as_str()) ":" (row.digest.short()) } }
        }
    }
}

/// What a scan says, in a few words.
pub(crate) fn findings(summary: Option<&Summary>) -> Markup {
    let Some(summary) = summary else { return html! { span .soft { "not examined" } } };
    match summary.status {
        "unreadable" => badge("bad", "cannot be read"),
        "listed" => badge("low", "listed, not matched"),
        _ => counts(&summary.counts),
    }
}

/// Counts as badges; those of none are left out.
pub(crate) fn counts(counts: &Counts) -> Markup {
    let kinds = [
        ("critical", counts.critical),
        ("high", counts.high),
        ("medium", counts.medium),
        ("low", counts.low),
        ("unknown", counts.unknown),
    ];
    html! {
        @if counts.all() == 0 && counts.secrets == 0 { (badge("good", "none known")) }
        @for (kind, count) in kinds.iter().filter(|(_, count)| *count > 0) {
            (badge(kind, &format!("{count} {kind}"))) " "
        }
        @if counts.secrets > 0 { (badge("bad", &format!("{} secrets", counts.secrets))) }
    }
}
