//! What the storage holds, and what the mirror did.

use maud::{Markup, html};

/// A name and what it is now.
pub(crate) type Fact = (String, String);

pub(crate) fn body(storage: &[Fact], mirror: &[Fact], gate: &[Fact]) -> Markup {
    let section = |title: &str, facts: &[Fact]| {
        html! {
            @if !facts.is_empty() {
                h2 { (title) }
                dl .facts { @for (name, value) in facts { dt { (name) } dd { (value) } } }
            }
        }
    };
    html! {
        h1 { "Storage" }
        (section("Contents", storage))
        (section("Mirror", mirror))
        (section("Gate", gate))
        @if mirror.is_empty() { p .soft { "Nothing is mirrored." } }
    }
}
