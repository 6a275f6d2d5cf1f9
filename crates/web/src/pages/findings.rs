//! The findings on an image.

use maud::{Markup, html};

use crate::insight::Finding;
use crate::layout::badge;

const SHOWN_MAX: usize = 1_000;
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "unknown"];

/// What of them to show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) severity: String,
    pub(crate) text: String,
    pub(crate) is_fixed_only: bool,
}

impl Filter {
    fn fits(&self, finding: &Finding) -> bool {
        let text = self.text.to_lowercase();
        let has = |field: &str| field.to_lowercase().contains(&text);
        (self.severity.is_empty() || finding.severity == self.severity)
            && (!self.is_fixed_only || finding.fixed.is_some())
            && (text.is_empty() || has(&finding.id) || has(&finding.package) || has(&finding.title))
    }
}

pub(crate) fn body(address: &str, findings: &[Finding], filter: &Filter) -> Markup {
    let found: Vec<&Finding> = findings.iter().filter(|finding| filter.fits(finding)).collect();
    html! {
        (form(address, filter))
        p role="status" { (found.len()) " of " (findings.len()) " findings" }
        @if !found.is_empty() {
            div .wide {
                table {
                    thead { tr {
                        th scope="col" { "Severity" }
                        th scope="col" { "Id" }
                        th scope="col" { "Package" }
                        th scope="col" { "Version" }
                        th scope="col" { "Repaired in" }
                        th scope="col" { "What" }
                    } }
                    tbody {
                        @for finding in found.iter().take(SHOWN_MAX) {
                            tr {
                                td { (badge(&finding.severity, &finding.severity)) }
                                td { (finding.id) }
                                td { (finding.package) }
                                td { (finding.version) }
                                td {
                                    @match &finding.fixed {
                                        Some(fixed) => (fixed),
                                        None => span .soft { "nowhere yet" },
                                    }
                                }
                                td { (finding.title) }
                            }
                        }
                    }
                }
            }
        }
        @if found.len() > SHOWN_MAX {
            p { "The first " (SHOWN_MAX) " are shown; the report beside the image has all." }
        }
    }
}

fn form(address: &str, filter: &Filter) -> Markup {
    html! {
        form .filter method="get" action=(address) role="search" {
            input type="hidden" name="view" value="findings";
            div {
                label for="severity" { "Severity" }
                select #severity name="severity" {
                    option value="" { "all" }
                    @for severity in SEVERITIES {
                        option value=(severity) selected[filter.severity == severity] { (severity) }
                    }
                }
            }
            div {
                label for="text" { "Id, package or text" }
                input #text name="q" type="search" value=(filter.text) maxlength="255";
            }
            div {
                label for="fixed" { "Repair" }
                select #fixed name="fixed" {
                    option value="" { "any" }
                    option value="yes" selected[filter.is_fixed_only] { "with a repair" }
                }
            }
            button { "Filter" }
        }
    }
}
