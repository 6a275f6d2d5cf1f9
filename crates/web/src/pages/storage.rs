//! What the storage holds, what the mirror did, and what the gate does.

use maud::{Markup, html};
use sealift_depot::Statistics;
use sealift_registry::hooks::UpstreamState;

use crate::layout::{badge, bytes, count, empty, plain};
use crate::table::{numbers, rest, table, words};

pub(crate) fn body(
    storage: &Statistics,
    trouble: Option<&str>,
    upstreams: &[UpstreamState],
    gate: &[(String, String)],
) -> Markup {
    html! {
        h1 { "Storage" }
        @if let Some(trouble) = trouble {
            div .panel .no role="alert" { p { strong { "It takes in nothing more: " } (plain(trouble)) } }
        }
        dl .figures {
            (figure("Repositories", &storage.repositories.to_string()))
            (figure("Tags", &storage.tags.to_string()))
            (figure("Manifests", &storage.manifests.to_string()))
            (figure("Blobs", &storage.blobs.to_string()))
            (figure("In blobs", &bytes(storage.blob_bytes)))
            (figure("Free on the disk", &bytes(storage.free_bytes)))
            (figure("Uploads now", &storage.uploads.to_string()))
            (figure("Damaged blobs", &storage.damaged.to_string()))
        }
        @if storage.damaged > 0 {
            div .panel .no role="alert" {
                p {
                    "Damaged blobs are given to nobody. Push their images again, or let "
                    code { "sealift registry scrub" } " repair them from an upstream."
                }
            }
        }
        h2 { "Mirror" }
        @if upstreams.is_empty() {
            (empty("Nothing is mirrored.", &html! {
                "The section " code { "mirrors" } " of the registry’s configuration names upstreams."
            }))
        } @else {
            (mirror(upstreams))
        }
        h2 { "Gate" }
        @if gate.is_empty() { (empty("There is no gate.", &html! { "Images are given out as they are." })) }
        @else { div .panel { dl .facts .counts { @for (name, value) in gate { dt { (name) } dd { (plain(value)) } } } } }
    }
}

fn figure(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn mirror(upstreams: &[UpstreamState]) -> Markup {
    let columns = [
        words("Upstream"),
        words("Below"),
        words("State"),
        rest("Answered from the storage"),
        numbers("Asked"),
        numbers("Came"),
        numbers("Not asked"),
    ];
    let cells = |upstream: &UpstreamState| {
        let kept = upstream.hits + upstream.stale;
        let all = kept + upstream.misses + upstream.failed;
        vec![
            html! { (plain(&upstream.host)) },
            html! {
                @if upstream.prefix.is_empty() { span .soft { "all names" } }
                @else { code { (plain(&upstream.prefix)) "/" } }
            },
            html! {
                @match &upstream.pause {
                    None => (badge("good", "ready")),
                    Some((seconds, reason)) => {
                        (badge("bad", "paused")) br;
                        span .soft { "for " (count(usize::try_from(*seconds).unwrap_or(usize::MAX), "second", "seconds")) ": " (plain(reason)) }
                    }
                }
            },
            html! {
                @if all == 0 { span .soft { "nothing was asked for yet" } }
                @else {
                    (kept) " of " (all) " (" (kept * 100 / all) " %)"
                    @if upstream.stale > 0 { br; span .soft { (upstream.stale) " of them old, while it could not be asked" } }
                    @if upstream.failed > 0 { br; span .bad { (upstream.failed) " failed" } }
                }
            },
            html! { (upstream.asked) },
            html! { (bytes(upstream.received_bytes)) },
            html! { (upstream.held_off) },
        ]
    };
    table("Upstreams", &columns, &upstreams.iter().map(cells).collect::<Vec<_>>())
}
