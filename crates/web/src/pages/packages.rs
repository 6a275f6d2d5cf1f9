//! The packages of an image.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::insight::Package;
use crate::layout::{empty, plain};
use crate::pages::findings::{PAGE, more};
use crate::query::encode;
use crate::table::{numbers, rest, short, table, words};

/// What of them to show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) text: String,
    pub(crate) kind: String,
    /// From 0.
    pub(crate) page: usize,
}

impl Wanted {
    fn fits(&self, package: &Package) -> bool {
        let text = self.text.to_lowercase();
        let has = |field: &str| field.to_lowercase().contains(&text);
        (self.kind.is_empty() || package.kind == self.kind)
            && (text.is_empty() || has(&package.name) || has(&package.license))
    }
}

pub(crate) fn body(address: &str, packages: &[Package], wanted: &Wanted) -> Markup {
    if packages.is_empty() {
        return empty(
            "There are no packages in it.",
            &html! {
                "None that this registry can tell: files that no package manager knows are not listed."
            },
        );
    }
    let found: Vec<&Package> = packages.iter().filter(|package| wanted.fits(package)).collect();
    let kinds: BTreeSet<&str> = packages.iter().map(|package| package.kind.as_str()).collect();
    let columns =
        [words("Package"), short("Version"), words("Kind"), numbers("Layer"), rest("Licence")];
    let cells = |package: &&Package| {
        let query = encode(&package.name);
        vec![
            html! { a href={ (address) "?view=findings&q=" (query) } { (plain(&package.name)) } },
            html! { (plain(&package.version)) },
            html! { (plain(&package.kind)) },
            html! { @if let Some(layer) = package.layer { (layer) } },
            html! { (plain(&package.license)) },
        ]
    };
    let shown: Vec<_> = found.iter().skip(wanted.page * PAGE).take(PAGE).map(cells).collect();
    let base =
        format!("{address}?view=packages&q={}&kind={}", encode(&wanted.text), encode(&wanted.kind));
    html! {
        form .filter method="get" action=(address) role="search" {
            input type="hidden" name="view" value="packages";
            div .wide {
                label for="wanted" { "Name or licence contains" }
                input #wanted name="q" type="search" value=(wanted.text) maxlength="255";
            }
            div {
                label for="kind" { "Kind" }
                select #kind name="kind" {
                    option value="" { "all" }
                    @for kind in kinds { option value=(kind) selected[wanted.kind == kind] { (plain(kind)) } }
                }
            }
            button { "Filter" }
        }
        p role="status" { (found.len()) " of " (packages.len()) " packages" }
        @if !shown.is_empty() { (table("Packages", &columns, &shown)) }
        (more(&base, wanted.page, found.len()))
    }
}
