//! An image at a glance: whether it may be pulled, what is known of it, how it runs.

use maud::{Markup, html};

use crate::insight::Verdict;
use crate::layout::{bytes, count, marked, plain, time};
use crate::pages::chart::{self, Course};
use crate::pages::image::{Child, Head, platforms};
use crate::pages::{repository, trust};

/// What is shown.
pub(crate) struct Overview<'a> {
    pub(crate) head: &'a Head,
    /// Bytes as stored, and how many layers.
    pub(crate) size: Option<(u64, usize)>,
    /// What of the config people ask for first.
    pub(crate) config: Vec<(&'static str, String)>,
    /// Environment, labels, annotations: title and entries.
    pub(crate) lists: Vec<(&'static str, Vec<(String, String)>)>,
    pub(crate) children: &'a [Child],
    pub(crate) course: Course<'a>,
    pub(crate) verdict: Option<&'a Verdict>,
    pub(crate) signers: Vec<String>,
}

pub(crate) fn body(overview: &Overview<'_>) -> Markup {
    let Overview { head, children, course, .. } = overview;
    html! {
        (trust::verdict(overview.verdict))
        div .command {
            code { "docker pull " (head.registry) "/" (head.repository) "@" (head.digest) }
        }
        div .sheet {
            section .panel aria-labelledby="about" { h2 #about { "About" } (about(overview)) }
            section .panel aria-labelledby="known" { h2 #known { "What is known" } (known(overview)) }
        }
        @if !children.is_empty() {
            h2 { "Platforms" }
            (platforms(&head.repository, children, ""))
        }
        (chart::section(*course))
        @for (title, entries) in overview.lists.iter().filter(|(_, entries)| !entries.is_empty()) {
            details .panel {
                summary { (title) " (" (entries.len()) ")" }
                dl .facts {
                    @for (name, value) in entries { dt { code { (plain(name)) } } dd { (plain(value)) } }
                }
            }
        }
    }
}

fn about(overview: &Overview<'_>) -> Markup {
    let head = overview.head;
    html! {
        dl .facts {
            dt { "Digest" } dd { span .digest { (head.digest) } }
            @if let Some((size, layers)) = overview.size {
                dt { "Size" } dd { (bytes(size)) " in " (count(layers, "layer", "layers")) }
            }
            dt { "Pushed" } dd { (time(head.pushed)) " by " (plain(&head.by)) }
            @for (name, value) in &overview.config { dt { (name) } dd { (plain(value)) } }
            dt { "Media type" } dd { code { (plain(&head.media_type)) } }
        }
    }
}

fn known(overview: &Overview<'_>) -> Markup {
    let head = overview.head;
    let address = head.address();
    html! {
        dl .facts {
            dt { "Findings" }
            dd {
                @if head.is_image { a href={ (address) "?view=findings" } { (repository::findings(head.summary.as_ref())) } }
                @else { "it is no image" }
                @if head.is_image && !overview.children.is_empty() { br; span .soft { "the worst of its platforms" } }
            }
            @if let Some(summary) = &head.summary {
                @if summary.packages > 0 { dt { "Packages" } dd { a href={ (address) "?view=packages" } { (summary.packages) } } }
                dt { "Examined" } dd { (time(summary.examined)) }
                @if let Some(reason) = summary.reason.as_ref().filter(|_| overview.verdict.is_none()) {
                    dt { "Threshold" } dd { (marked(reason)) }
                }
            }
            dt { "Signed by" }
            dd { a href={ (address) "?view=trust" } { (repository::signers(&overview.signers)) } }
        }
    }
}
