//! All repositories that a visitor may read.

use maud::{Markup, html};
use sealift_oci::RepositoryName;

use crate::address::of_repository;
use crate::layout::bytes;
use crate::query::encode;

/// A repository in the list.
pub(crate) struct Row {
    pub(crate) name: RepositoryName,
    pub(crate) tags: u64,
    pub(crate) bytes: u64,
    pub(crate) is_mirror: bool,
}

pub(crate) fn body(rows: &[Row], wanted: &str, next: Option<&str>) -> Markup {
    html! {
        h1 { "Repositories" }
        form .filter method="get" action="/" role="search" {
            div {
                label for="wanted" { "Name contains" }
                input #wanted name="q" type="search" value=(wanted) maxlength="255";
            }
            button { "Search" }
        }
        @if rows.is_empty() {
            div .panel {
                @if wanted.is_empty() {
                    p { "Nothing is here that you may read. Push an image, or log in." }
                } @else {
                    p { "No repository that you may read has “" (wanted) "” in its name." }
                }
            }
        } @else {
            div .wide {
                table {
                    thead {
                        tr {
                            th scope="col" { "Repository" }
                            th .number scope="col" { "Tags" }
                            th .number scope="col" { "Size" }
                            th scope="col" { "Kind" }
                        }
                    }
                    tbody {
                        @for row in rows {
                            tr {
                                td { a href=(of_repository(&row.name)) { (row.name) } }
                                td .number { (row.tags) }
                                td .number { (bytes(row.bytes)) }
                                td { @if row.is_mirror { "mirror" } @else { "hosted" } }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(next) = next {
            p { a rel="next" href={ "/?q=" (encode(wanted)) "&after=" (encode(next)) } { "More" } }
        }
    }
}
