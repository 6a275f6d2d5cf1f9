//! Whether an image may be pulled and why not, who signed it, what is attested, what refers to it.

use maud::{Markup, html};
use sealift_oci::{Descriptor, RepositoryName};

use crate::address::of_image;
use crate::insight::{Signature, Verdict};
use crate::layout::{badge, bytes, empty, marked, plain, time};
use crate::table::{numbers, rest, table, words};

/// Whether it may be pulled, and why not.
pub(crate) fn verdict(verdict: Option<&Verdict>) -> Markup {
    let Some(verdict) = verdict else { return html! {} };
    let class = if verdict.reasons.is_empty() { "panel yes" } else { "panel no" };
    html! {
        section class=(class) aria-labelledby="verdict" {
            h2 #verdict {
                "Verdict: "
                @if verdict.reasons.is_empty() { (badge("good", "may be pulled")) }
                @else { (badge("bad", "refused")) }
            }
            @if !verdict.reasons.is_empty() {
                @if verdict.is_dry_run { p { "This is a dry run: it is given out all the same." } }
                ul {
                    @for (gate, message, remedy) in &verdict.reasons {
                        li {
                            strong { (plain(gate)) ": " } (marked(message))
                            @if !remedy.is_empty() { br; span .soft { "Remedy: " (marked(remedy)) } }
                        }
                    }
                }
            }
            @if !verdict.warnings.is_empty() {
                p { "Warnings:" }
                ul { @for warning in &verdict.warnings { li { (marked(warning)) } } }
            }
        }
    }
}

pub(crate) fn body(image: &str, signatures: &[Signature], said: Option<&Verdict>) -> Markup {
    let (signed, attested): (Vec<_>, Vec<_>) =
        signatures.iter().partition(|signature| signature.what == "signature");
    html! {
        (verdict(said))
        h2 { "Signatures" }
        @if signed.is_empty() {
            (empty("Nobody has signed it, as far as the keys of this registry can tell.", &html! {
                "Sign it: " code { "sealift sign --key KEY " (image) }
            }))
        } @else {
            (list("Signatures", &signed))
        }
        h2 { "Attestations" }
        @if attested.is_empty() {
            (empty("Nothing is attested of it.", &html! {
                "Attest something: " code { "sealift attest --help" }
            }))
        } @else {
            (list("Attestations", &attested))
        }
    }
}

fn list(label: &str, signatures: &[&Signature]) -> Markup {
    let columns = [words("What"), words("Proved"), rest("By"), words("When")];
    let cells = |signature: &&Signature| {
        vec![
            html! { (plain(&signature.what)) },
            html! {
                @if signature.is_proved { (badge("good", "yes")) } @else { (badge("bad", "no")) }
            },
            html! { (plain(&signature.by)) },
            html! { @if let Some(at) = signature.at { (time(at)) } },
        ]
    };
    table(label, &columns, &signatures.iter().map(cells).collect::<Vec<_>>())
}

/// What refers to an image.
pub(crate) fn referrers(
    repository: &RepositoryName,
    referrers: &[Descriptor],
    next: Option<&str>,
) -> Markup {
    if referrers.is_empty() {
        return empty(
            "Nothing refers to it.",
            &html! {
                "Signatures, inventories (SBOM) and reports of scans would be here."
            },
        );
    }
    let columns = [words("Type"), words("Made"), numbers("Manifest"), rest("Digest")];
    let cells = |entry: &Descriptor| {
        let digest = entry.digest.to_string();
        let made = entry.annotations.get("org.opencontainers.image.created");
        vec![
            html! { code { (plain(entry.artifact_type.as_deref().unwrap_or(&entry.media_type))) } },
            html! {
                @match made.and_then(|made| made.parse().ok()) {
                    Some(made) => (time(made)),
                    None => @if let Some(made) = made { (plain(made)) },
                }
            },
            html! { (bytes(entry.size)) },
            html! { a .digest href=(of_image(repository, &digest)) { (digest) } },
        ]
    };
    html! {
        (table("Referrers", &columns, &referrers.iter().map(cells).collect::<Vec<_>>()))
        @if let Some(next) = next { p .more { a rel="next" href=(next) { "More referrers" } } }
    }
}
