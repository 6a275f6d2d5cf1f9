//! What all pages have in common.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style, sent as a file of its own.
pub(crate) const STYLE: &str = include_str!("style.css");
/// Where it lies.
pub(crate) const STYLE_PATH: &str = "/-/style.css";

/// Who looks at a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitor {
    /// The name, if somebody logged in.
    pub(crate) name: Option<String>,
    /// What forms have to send back.
    pub(crate) token: String,
    /// Whether the pages of administrators are shown.
    pub(crate) is_administrator: bool,
}

/// A page.
pub(crate) fn page(title: &str, visitor: &Visitor, body: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="same-origin";
                title { (title) " – Sealift registry" }
                link rel="stylesheet" href=(STYLE_PATH);
                link rel="icon" href="/-/icon.svg" type="image/svg+xml";
            }
            body {
                a .skip href="#content" { "Skip to the content" }
                (top(visitor))
                main #content { (body) }
                footer { "Sealift " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    markup.into_string()
}

fn top(visitor: &Visitor) -> Markup {
    html! {
        header .top {
            div .row {
                a .brand href="/" { "Sealift registry" }
                nav aria-label="Registry" {
                    a href="/" { "Repositories" }
                    @if visitor.is_administrator {
                        " · " a href="/-/storage" { "Storage" }
                        " · " a href="/-/admin" { "Administration" }
                    }
                }
                @match &visitor.name {
                    Some(name) => {
                        span .soft { "Logged in as " (name) }
                        form method="post" action="/-/logout" {
                            (secret_field(visitor))
                            button { "Log out" }
                        }
                    }
                    None => a href="/-/login" { "Log in" },
                }
            }
        }
    }
}

/// The field without which no form is believed.
pub(crate) fn secret_field(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="token" value=(visitor.token); }
}

/// The way from the start to here; the last is where one is.
pub(crate) fn path(steps: &[(&str, Option<String>)]) -> Markup {
    html! {
        nav .path aria-label="Path" {
            @for (number, (name, address)) in steps.iter().enumerate() {
                @if number > 0 { " / " }
                @match address {
                    Some(address) => a href=(address) { (name) },
                    None => span aria-current="page" { (name) },
                }
            }
        }
    }
}

/// A badge: a word and the class that colours it; the word says it all.
pub(crate) fn badge(class: &str, text: &str) -> Markup {
    html! { span class={ "badge " (class) } { (text) } }
}

/// A time for people, with the exact one for programs.
pub(crate) fn time(time: Timestamp) -> Markup {
    let text = time.to_string();
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    let clock: String = rest.chars().take(5).collect();
    html! { time datetime=(text) { (day) " " (clock) " UTC" } }
}

/// A number of bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter();
    let (mut whole, mut tenth, mut unit) = (count, 0, units.next().unwrap_or("B"));
    for next in units {
        if whole < 1000 {
            break;
        }
        tenth = whole % 1000 / 100;
        whole /= 1000;
        unit = next;
    }
    if unit == "B" { format!("{whole} B") } else { format!("{whole}.{tenth} {unit}") }
}

/// A horizontal bar of some thousandths.
pub(crate) fn bar(thousandths: u64) -> Markup {
    let width = thousandths.min(1000);
    html! {
        svg .bar viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true" {
            rect .track x="0" y="0" width="1000" height="16" rx="8" {}
            rect .fill x="0" y="0" width=(width) height="16" rx="8" {}
        }
    }
}

/// The icon.
pub(crate) const ICON: PreEscaped<&str> = PreEscaped(
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"6\" \
     fill=\"#0a58b0\"/><path d=\"M8 19h16l-3 6H11z\" fill=\"#fff\"/><rect x=\"11\" y=\"8\" width=\"4\" height=\"9\" \
     fill=\"#fff\"/><rect x=\"17\" y=\"11\" width=\"4\" height=\"6\" fill=\"#fff\"/></svg>",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (count, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1999, "1.9 kB"),
            (123_456_789, "123.4 MB"),
        ] {
            assert_eq!(bytes(count), expected);
        }
        assert!(bytes(u64::MAX).ends_with(" TB"));
    }

    #[test]
    fn what_others_wrote_is_text() {
        let visitor = Visitor { name: Some("<b>".to_owned()), ..Visitor::default() };
        let page = page("<script>", &visitor, &html! { (path(&[("<i>", None)])) });
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("<i>"));
    }
}
