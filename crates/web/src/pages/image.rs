//! An image: what it is, its layers, who signed it, what refers to it, and whether it may be pulled.

use jiff::Timestamp;
use maud::{Markup, html};
use sealift_oci::{Descriptor, Digest, RepositoryName};

use crate::address::{of_image, of_repository};
use crate::insight::{Counts, Signature, Summary, Verdict};
use crate::layout::{badge, bar, bytes, path, time};
use crate::pages::{chart, repository};

/// The views of an image, each with a page of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Overview,
    Layers,
    Packages,
    Findings,
    Trust,
    Referrers,
}

impl View {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Overview, "", "Overview"),
        (Self::Layers, "layers", "Layers"),
        (Self::Packages, "packages", "Packages"),
        (Self::Findings, "findings", "Findings"),
        (Self::Trust, "trust", "Signatures"),
        (Self::Referrers, "referrers", "Referrers"),
    ];

    pub(crate) fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map_or(Self::Overview, |it| it.0)
    }
}

/// What stands above all views.
pub(crate) struct Head {
    pub(crate) repository: RepositoryName,
    pub(crate) target: String,
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) pushed: Timestamp,
    pub(crate) by: String,
}

/// A layer, lowest first.
pub(crate) struct Layer {
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    pub(crate) instruction: String,
}

pub(crate) fn frame(head: &Head, view: View, content: &Markup) -> Markup {
    let address = of_image(&head.repository, &head.target);
    html! {
        (path(&[
            ("Repositories", Some("/".to_owned())),
            (head.repository.as_str(), Some(of_repository(&head.repository))),
            (&head.target, None),
        ]))
        h1 { (head.repository) @if head.target.contains(':') { "@" } @else { ":" } (head.target) }
        nav .tabs aria-label="Image" {
            ul {
                @for (known, name, title) in View::ALL {
                    li {
                        @let suffix = if name.is_empty() { String::new() } else { format!("?view={name}") };
                        @let current = (known == view).then_some("page");
                        a href={ (address) (suffix) } aria-current=[current] { (title) }
                    }
                }
            }
        }
        (content)
    }
}

/// Whether it may be pulled, and why not.
pub(crate) fn verdict(verdict: Option<&Verdict>) -> Markup {
    let Some(verdict) = verdict else { return html! {} };
    html! {
        section .panel aria-labelledby="verdict" {
            h2 #verdict { "Verdict" }
            @if verdict.reasons.is_empty() {
                p { (badge("good", "may be pulled")) }
            } @else {
                p {
                    (badge("bad", "refused"))
                    @if verdict.is_dry_run { " " span .soft { "(dry run: it is given out all the same)" } }
                }
                ul {
                    @for (gate, message, remedy) in &verdict.reasons {
                        li { strong { (gate) ": " } (message) br; span .soft { "Remedy: " (remedy) } }
                    }
                }
            }
            @if !verdict.warnings.is_empty() {
                p { "Warnings:" }
                ul { @for warning in &verdict.warnings { li { (warning) } } }
            }
        }
    }
}

pub(crate) fn overview(
    head: &Head,
    config: &[(String, String)],
    children: &[Descriptor],
    summary: Option<&Summary>,
    history: &[(Timestamp, Counts)],
    said: Option<&Verdict>,
) -> Markup {
    html! {
        (verdict(said))
        dl .facts {
            dt { "Digest" } dd { span .digest { (head.digest) } }
            dt { "Media type" } dd { code { (head.media_type) } }
            dt { "Pushed" } dd { (time(head.pushed)) " by " (head.by) }
            dt { "Findings" } dd { (repository::findings(summary)) }
            @if let Some(summary) = summary {
                dt { "Examined" } dd { (time(summary.examined)) }
                dt { "Packages" } dd { (summary.packages) }
                @if let Some(reason) = &summary.reason { dt { "Threshold" } dd { (reason) } }
            }
            @for (name, value) in config { dt { (name) } dd { (value) } }
        }
        @if !children.is_empty() {
            h2 { "Platforms" }
            div .wide {
                table {
                    thead { tr {
                        th scope="col" { "Platform" }
                        th scope="col" { "Digest" }
                        th .number scope="col" { "Manifest" }
                    } }
                    tbody { @for child in children { (platform(head, child)) } }
                }
            }
        }
        @if history.len() > 1 { h2 { "Findings over time" } (chart::findings(history)) }
    }
}

fn platform(head: &Head, child: &Descriptor) -> Markup {
    let text = child.platform.as_ref().map_or_else(
        || child.artifact_type.clone().unwrap_or_else(|| "none".to_owned()),
        |platform| {
            let variant = platform.variant.as_ref().map(|it| format!("/{it}")).unwrap_or_default();
            format!("{}/{}{variant}", platform.os, platform.architecture)
        },
    );
    let digest = child.digest.to_string();
    html! {
        tr {
            td { (text) }
            td { a .digest href=(of_image(&head.repository, &digest)) { (digest) } }
            td .number { (bytes(child.size)) }
        }
    }
}

pub(crate) fn layers(layers: &[Layer]) -> Markup {
    let largest = layers.iter().map(|layer| layer.bytes).max().unwrap_or(1).max(1);
    let total: u64 = layers.iter().map(|layer| layer.bytes).sum();
    html! {
        p { (layers.len()) @if layers.len() == 1 { " layer, " } @else { " layers, " } (bytes(total)) " as they are stored" }
        div .wide {
            table {
                thead { tr {
                    th .number scope="col" { "No." }
                    th .number scope="col" { "Size" }
                    th scope="col" { "Share" }
                    th scope="col" { "Made by" }
                    th scope="col" { "Digest" }
                } }
                tbody {
                    @for (number, layer) in layers.iter().enumerate() {
                        tr {
                            td .number { (number + 1) }
                            td .number { (bytes(layer.bytes)) }
                            td { (bar(layer.bytes.saturating_mul(1000) / largest)) }
                            td { code { (layer.instruction) } }
                            td .number { span .digest { (layer.digest.short()) } }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn trust(signatures: &[Signature], said: Option<&Verdict>) -> Markup {
    html! {
        (verdict(said))
        @if signatures.is_empty() {
            div .panel { p { "Nobody has signed it, as far as the keys of this registry can tell." } }
        } @else {
            div .wide {
                table {
                    thead { tr {
                        th scope="col" { "What" }
                        th scope="col" { "By" }
                        th scope="col" { "When" }
                        th scope="col" { "Proved" }
                    } }
                    tbody {
                        @for signature in signatures {
                            tr {
                                td { (signature.what) }
                                td { (signature.by) }
                                td { @if let Some(at) = signature.at { (time(at)) } }
                                td {
                                    @if signature.is_proved { (badge("good", "yes")) }
                                    @else { (badge("bad", "no")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn referrers(repository: &RepositoryName, referrers: &[Descriptor]) -> Markup {
    html! {
        @if referrers.is_empty() { div .panel { p { "Nothing refers to it." } } } @else {
            div .wide {
                table {
                    thead { tr {
                        th scope="col" { "Type" }
                        th scope="col" { "Made" }
                        th scope="col" { "Digest" }
                        th .number scope="col" { "Manifest" }
                    } }
                    tbody {
                        @for entry in referrers {
                            @let digest = entry.digest.to_string();
                            tr {
                                td { code { (entry.artifact_type.as_deref().unwrap_or(&entry.media_type)) } }
                                td { (entry.annotations.get("org.opencontainers.image.created").map_or("", String::as_str)) }
                                td { a .digest href=(of_image(repository, &digest)) { (digest) } }
                                td .number { (bytes(entry.size)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
