//! What one is to the registry: name, groups, rights, the session.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::layout::{Visitor, plain, secret_field, time};

/// What is known of whoever looks.
pub(crate) struct Account<'a> {
    pub(crate) name: &'a str,
    pub(crate) groups: &'a [String],
    pub(crate) rules: &'a [String],
    pub(crate) until: Timestamp,
}

pub(crate) fn body(visitor: &Visitor, account: &Account<'_>) -> Markup {
    html! {
        h1 { (plain(account.name)) }
        div .panel {
            dl .facts {
                dt { "Groups" }
                dd { @if account.groups.is_empty() { "none" } @else { (account.groups.join(", ")) } }
                dt { "Rules about you" }
                dd { (rules(account.rules)) }
                dt { "This session ends" } dd { (time(account.until)) }
            }
        }
        h2 { "Sessions" }
        p { "Whoever has one of your sessions is you. End them all if a browser was left open somewhere, or was lost." }
        form .deed method="post" action="/-/account" {
            (secret_field(visitor))
            button .danger { "Log out everywhere" }
        }
    }
}

/// Rules as a list; without any, users may do everything with repositories.
pub(crate) fn rules(rules: &[String]) -> Markup {
    html! {
        @if rules.is_empty() { span .soft { "no rule" } }
        @for (number, rule) in rules.iter().enumerate() {
            @if number > 0 { br; }
            code { (plain(rule)) }
        }
    }
}
