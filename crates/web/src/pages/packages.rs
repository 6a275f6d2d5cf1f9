//! The packages of an image.

use maud::{Markup, html};

use crate::insight::Package;

const SHOWN_MAX: usize = 1_000;

pub(crate) fn body(address: &str, packages: &[Package], wanted: &str) -> Markup {
    let lower = wanted.to_lowercase();
    let fits = |package: &&Package| package.name.to_lowercase().contains(&lower);
    let found: Vec<&Package> = packages.iter().filter(fits).collect();
    html! {
        form .filter method="get" action=(address) role="search" {
            input type="hidden" name="view" value="packages";
            div {
                label for="wanted" { "Name contains" }
                input #wanted name="q" type="search" value=(wanted) maxlength="255";
            }
            button { "Filter" }
        }
        p role="status" { (found.len()) " of " (packages.len()) " packages" }
        div .wide {
            table {
                thead { tr {
                    th scope="col" { "Package" }
                    th scope="col" { "Version" }
                    th scope="col" { "Kind" }
                    th scope="col" { "Licence" }
                    th .number scope="col" { "Layer" }
                } }
                tbody {
                    @for package in found.iter().take(SHOWN_MAX) {
                        tr {
                            td { (package.name) }
                            td { (package.version) }
                            td { (package.kind) }
                            td { (package.license) }
                            td .number { @if let Some(layer) = package.layer { (layer) } }
                        }
                    }
                }
            }
        }
        @if found.len() > SHOWN_MAX {
            p { "The first " (SHOWN_MAX) " are shown; the SBOM beside the image has all." }
        }
    }
}
