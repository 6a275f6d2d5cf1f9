//! All repositories that a visitor may read.

use maud::{Markup, html};
use sealift_oci::RepositoryName;

use crate::address::of_repository;
use crate::layout::{More, badge, bytes, empty, next, plain};
use crate::query::encode;
use crate::table::{numbers, rest, table, words};

/// A repository in the list.
pub(crate) struct Row {
    pub(crate) name: RepositoryName,
    pub(crate) tags: u64,
    pub(crate) manifests: u64,
    pub(crate) bytes: u64,
    pub(crate) is_mirror: bool,
}

pub(crate) fn body(registry: &str, rows: &[Row], wanted: &str, more: More<'_>) -> Markup {
    let columns =
        [rest("Repository"), words("Kind"), numbers("Tags"), numbers("Manifests"), numbers("Size")];
    html! {
        h1 { "Repositories" }
        form .filter method="get" action="/" role="search" {
            div .wide {
                label for="wanted" { "Name contains" }
                input #wanted name="q" type="search" value=(wanted) maxlength="255";
            }
            button { "Search" }
            @if !wanted.is_empty() { a .button href="/" { "Show all" } }
        }
        @if rows.is_empty() {
            @if wanted.is_empty() {
                (empty("There is nothing here that you may read.", &html! {
                    "Push an image: " code { "docker push " (registry) "/NAME:TAG" }
                }))
            } @else {
                (empty("No repository that you may read has this in its name.", &html! {
                    "You looked for “" (plain(wanted)) "”."
                }))
            }
        } @else {
            (table("Repositories", &columns, &rows.iter().map(cells).collect::<Vec<_>>()))
        }
        (next(&format!("/?q={}", encode(wanted)), more))
    }
}

fn cells(row: &Row) -> Vec<Markup> {
    vec![
        html! { a href=(of_repository(&row.name)) { (row.name) } },
        html! { @if row.is_mirror { (badge("low", "mirror")) } @else { "hosted" } },
        html! { (row.tags) },
        html! { (row.manifests) },
        html! { (bytes(row.bytes)) },
    ]
}
