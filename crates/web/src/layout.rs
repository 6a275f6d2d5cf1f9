//! What all pages have in common.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::query::encode;

/// The style, sent as a file of its own.
pub(crate) const STYLE: &str = include_str!("style.css");
/// Where it lies.
pub(crate) const STYLE_PATH: &str = "/-/style.css";
// Browsers keep the style for a while, but not beyond the version.
const STYLE_LINK: &str = concat!("/-/style.css?version=", env!("CARGO_PKG_VERSION"));

const TEXT_LETTERS_MAX: usize = 400;

/// Who looks at a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitor {
    /// The name, if somebody logged in.
    pub(crate) name: Option<String>,
    /// What forms have to send back.
    pub(crate) token: String,
    /// Whether the pages of administrators are shown.
    pub(crate) is_administrator: bool,
    /// Nobody has to log in, and nobody can.
    pub(crate) is_open: bool,
}

/// The part of the site that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Repositories,
    Storage,
    Administration,
    Account,
    Other,
}

/// A page's title, where it belongs, and what is on it.
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) part: Part,
    pub(crate) body: Markup,
}

/// A page as a document.
pub(crate) fn document(page: &Page, visitor: &Visitor) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="same-origin";
                meta name="color-scheme" content="light dark";
                title { (page.title) " – Sealift registry" }
                link rel="stylesheet" href=(STYLE_LINK);
                link rel="icon" href="/-/icon.svg" type="image/svg+xml";
            }
            body {
                a .skip href="#content" { "Skip to the content" }
                (top(page.part, visitor))
                main #content tabindex="-1" { (page.body) }
                footer { div .row { "Sealift " (env!("CARGO_PKG_VERSION")) } }
            }
        }
    };
    markup.into_string()
}

fn top(part: Part, visitor: &Visitor) -> Markup {
    let link = |own: Part, address: &str, title: &str| {
        let current = (own == part).then_some("true");
        html! { li { a href=(address) aria-current=[current] { (title) } } }
    };
    html! {
        header .top {
            div .row {
                a .brand href="/" { img src="/-/icon.svg" alt="" width="24" height="24"; "Sealift registry" }
                nav aria-label="Registry" {
                    ul {
                        (link(Part::Repositories, "/", "Repositories"))
                        @if visitor.is_administrator {
                            (link(Part::Storage, "/-/storage", "Storage"))
                            (link(Part::Administration, "/-/admin", "Administration"))
                        }
                    }
                }
                div .who {
                    @match &visitor.name {
                        Some(name) => {
                            @let current = (part == Part::Account).then_some("true");
                            a href="/-/account" aria-current=[current] { span .hidden { "Account: " } (plain(name)) }
                            form method="post" action="/-/logout" {
                                (secret_field(visitor))
                                button { "Log out" }
                            }
                        }
                        None => {
                            @if visitor.is_open { span .soft { "Open to everybody" } }
                            @else { a href="/-/login" { "Log in" } }
                        }
                    }
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
            ol {
                @for (name, address) in steps {
                    li {
                        @match address {
                            Some(address) => a href=(address) { (name) },
                            None => span aria-current="page" { (name) },
                        }
                    }
                }
            }
        }
    }
}

/// Links to pages beside this one: title, address, whether it is this one.
pub(crate) fn tabs(label: &str, links: &[(String, String, bool)]) -> Markup {
    html! {
        nav .tabs aria-label=(label) {
            ul {
                @for (title, address, is_current) in links {
                    li { a href=(address) aria-current=[is_current.then_some("page")] { (title) } }
                }
            }
        }
    }
}

/// How a list goes on that was gone through by names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More<'a> {
    Nothing,
    /// There is a page after this name.
    After(&'a str),
    /// Not all names were looked at.
    Unlooked,
}

/// The link to the next page of such a list, whose address lacks the name.
pub(crate) fn next(base: &str, more: More<'_>) -> Markup {
    html! {
        @match more {
            More::Nothing => {}
            More::After(name) => p .more { a rel="next" href={ (base) "&after=" (encode(name)) } { "Next page" } },
            More::Unlooked => p .soft { "There are too many names to look at all of them. Say more of the name." },
        }
    }
}

/// What is said where there is nothing: that, and what to do.
pub(crate) fn empty(text: &str, remedy: &Markup) -> Markup {
    html! { div .empty { p { strong { (text) } } p { (remedy) } } }
}

/// A badge: a word and the class that colours it; the word says it all.
pub(crate) fn badge(class: &str, text: &str) -> Markup {
    html! { span class={ "badge " (class) } { (text) } }
}

/// Text of others as one can look at it: without letters that turn others round or hide, and not longer than reads well.
pub(crate) fn plain(text: &str) -> String {
    let mut letters = text.chars().map(|letter| match letter {
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        ' ' | '\n' | '\t' => ' ',
        other if other.is_control() => '\u{fffd}',
        other => other,
    });
    let mut shown: String = letters.by_ref().take(TEXT_LETTERS_MAX).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A sentence of ours in which names stand between backticks.
pub(crate) fn marked(text: &str) -> Markup {
    let text = plain(text);
    let pieces: Vec<&str> = text.split('`').collect();
    // One that is not closed is a letter like others.
    let is_whole = pieces.len() % 2 == 1;
    html! {
        @if is_whole {
            @for (number, piece) in pieces.iter().enumerate() {
                @if number % 2 == 1 { code { (piece) } } @else { (piece) }
            }
        } @else { (text) }
    }
}

/// A time for people, with the exact one for programs.
pub(crate) fn time(time: Timestamp) -> Markup {
    html! { time datetime=(time) { (time.strftime("%Y-%m-%d %H:%M UTC")) } }
}

/// A time to the second, where many things happen in a minute.
pub(crate) fn moment(time: Timestamp) -> Markup {
    html! { time datetime=(time) { (time.strftime("%Y-%m-%d %H:%M:%S UTC")) } }
}

/// A number of things, with the right form of the word.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
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
            rect .track x="0" y="0" width="1000" height="16" {}
            rect .fill x="0" y="0" width=(width) height="16" {}
        }
    }
}

/// The icon.
pub(crate) const ICON: PreEscaped<&str> = PreEscaped(
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"6\" \
     fill=\"#0a58b0\"/><path d=\"M6 19h20l-3.5 6h-13z\" fill=\"#fff\"/><rect x=\"9\" y=\"12\" width=\"6\" height=\"5\" \
     fill=\"#fff\"/><rect x=\"17\" y=\"12\" width=\"6\" height=\"5\" fill=\"#fff\"/><rect x=\"13\" y=\"5\" width=\"6\" \
     height=\"5\" fill=\"#fff\"/></svg>",
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
        let body = html! { (path(&[("<i>", None)])) };
        let page = Page { title: "<script>".to_owned(), part: Part::Other, body };
        let text = document(&page, &visitor);
        assert!(!text.contains("<script>") && !text.contains("<b>") && !text.contains("<i>"));
        assert_eq!(plain("a\u{202e}b\u{0}c\nd"), "a\u{fffd}b\u{fffd}c d");
        assert_eq!(marked("a `<b>` c").into_string(), "a <code>&lt;b&gt;</code> c");
        assert_eq!(marked("a `b").into_string(), "a `b");
        assert_eq!(plain(&"x".repeat(1000)).chars().count(), TEXT_LETTERS_MAX + 1);
    }
}
