//! The findings on an image.

use maud::{Markup, html};

use crate::insight::Finding;
use crate::layout::{badge, count, empty, plain};
use crate::pages::chart::{self, Course};
use crate::query::encode;
use crate::table::{rest, short, table, words};

/// So many rows are on a page.
pub(crate) const PAGE: usize = 200;
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "unknown"];

/// What of them to show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) severity: String,
    pub(crate) text: String,
    pub(crate) is_fixed_only: bool,
    pub(crate) is_exploited_only: bool,
    /// From 0.
    pub(crate) page: usize,
}

impl Filter {
    fn fits(&self, finding: &Finding) -> bool {
        let text = self.text.to_lowercase();
        let has = |field: &str| field.to_lowercase().contains(&text);
        (self.severity.is_empty() || finding.severity == self.severity)
            && (!self.is_fixed_only || finding.fixed.is_some())
            && (!self.is_exploited_only || finding.is_exploited)
            && (text.is_empty() || has(&finding.id) || has(&finding.package) || has(&finding.title))
    }
}

pub(crate) fn body(
    address: &str,
    findings: &[Finding],
    course: Course<'_>,
    filter: &Filter,
) -> Markup {
    let found: Vec<&Finding> = findings.iter().filter(|finding| filter.fits(finding)).collect();
    let columns = [
        words("Id"),
        words("Severity"),
        words("Package"),
        short("Version"),
        short("Repaired in"),
        rest("What"),
    ];
    let shown = found.iter().skip(filter.page * PAGE).take(PAGE);
    let shown: Vec<_> = shown.map(|finding| cells(finding)).collect();
    let flag = |is_set: bool| if is_set { "yes" } else { "" };
    let base = format!(
        "{address}?view=findings&severity={}&q={}&fixed={}&exploited={}",
        encode(&filter.severity),
        encode(&filter.text),
        flag(filter.is_fixed_only),
        flag(filter.is_exploited_only)
    );
    html! {
        (chart::section(course))
        @if findings.is_empty() {
            (empty("No finding is known.", &html! {
                "It is matched again whenever the registry’s advisories change."
            }))
        } @else {
            (form(address, filter))
            p role="status" { (found.len()) " of " (count(findings.len(), "finding", "findings")) }
            @if !shown.is_empty() { (table("Findings", &columns, &shown)) }
            (more(&base, filter.page, found.len()))
        }
    }
}

fn cells(finding: &Finding) -> Vec<Markup> {
    // Only to where a browser can go without running anything.
    let url = finding.url.as_deref().filter(|url| url.starts_with("https://"));
    vec![
        html! {
            @match url {
                Some(url) => a .nowrap href=(url) rel="noopener noreferrer" { (plain(&finding.id)) },
                None => span .nowrap { (plain(&finding.id)) },
            }
        },
        html! {
            (badge(&finding.severity, &finding.severity))
            @if finding.is_exploited { " " (badge("bad", "exploited")) }
        },
        html! { (plain(&finding.package)) },
        html! { (plain(&finding.version)) },
        html! {
            @match &finding.fixed {
                Some(fixed) => (plain(fixed)),
                None => span .soft { "nowhere yet" },
            }
        },
        html! {
            (plain(&finding.title))
            @if let Some(likelihood) = finding.likelihood.filter(|likelihood| *likelihood > 0) {
                " " span .soft { "(likely to be exploited: " (likelihood / 10) "." (likelihood % 10) " %)" }
            }
        },
    ]
}

/// Links to the pages before and after.
pub(crate) fn more(base: &str, page: usize, found: usize) -> Markup {
    html! {
        @if page > 0 || found > PAGE {
            nav .more aria-label="Pages" {
                @if page > 0 { a rel="prev" href={ (base) "&page=" (page - 1) } { "Before" } }
                span { "Page " (page + 1) " of " (found.div_ceil(PAGE).max(1)) }
                @if (page + 1) * PAGE < found { a rel="next" href={ (base) "&page=" (page + 1) } { "More" } }
            }
        }
    }
}

fn form(address: &str, filter: &Filter) -> Markup {
    html! {
        form .filter method="get" action=(address) role="search" {
            input type="hidden" name="view" value="findings";
            div .wide {
                label for="text" { "Id, package or text contains" }
                input #text name="q" type="search" value=(filter.text) maxlength="255";
            }
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
                label for="fixed" { "Repair" }
                select #fixed name="fixed" {
                    option value="" { "any" }
                    option value="yes" selected[filter.is_fixed_only] { "with a repair" }
                }
            }
            div {
                label for="exploited" { "Exploited" }
                select #exploited name="exploited" {
                    option value="" { "or not" }
                    option value="yes" selected[filter.is_exploited_only] { "known to be" }
                }
            }
            button { "Filter" }
        }
    }
}
