//! What an administrator sees and does.

use maud::{Markup, html};

use crate::layout::{Visitor, secret_field};

/// A robot: its name, what it may do, until when.
pub(crate) type Robot = (String, String, String);

/// What came of the last deed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) is_fault: bool,
    /// A token that is shown once.
    pub(crate) secret: Option<String>,
    /// Lines of a list.
    pub(crate) lines: Vec<String>,
}

pub(crate) fn body(
    visitor: &Visitor,
    users: &[String],
    robots: &[Robot],
    outcome: Option<&Outcome>,
) -> Markup {
    html! {
        h1 { "Administration" }
        @if let Some(outcome) = outcome { (told(outcome)) }
        h2 { "Users" }
        @if users.is_empty() { p .soft { "None are known here." } } @else {
            ul { @for user in users { li { (user) } } }
        }
        p .soft { "Users are added with " code { "sealift registry user add FILE NAME" } "." }
        h2 { "Robots" }
        (robot_table(visitor, robots))
        (new_robot(visitor))
        h2 { "Space" }
        form .filter method="post" action="/-/admin/collect" {
            (secret_field(visitor))
            button name="dry" value="yes" { "What would be collected?" }
            button name="dry" value="" { "Collect now" }
        }
        form .filter method="post" action="/-/admin/retain" {
            (secret_field(visitor))
            button name="dry" value="yes" { "What would retention remove?" }
        }
    }
}

fn told(outcome: &Outcome) -> Markup {
    let class = if outcome.is_fault { "panel bad" } else { "panel" };
    html! {
        div class=(class) role="status" {
            p { (outcome.text) }
            @if let Some(secret) = &outcome.secret {
                p { "Its token is shown this once: " code { (secret) } }
            }
            @if !outcome.lines.is_empty() { ul { @for line in &outcome.lines { li { (line) } } } }
        }
    }
}

fn robot_table(visitor: &Visitor, robots: &[Robot]) -> Markup {
    html! {
        @if robots.is_empty() { p .soft { "There are none." } } @else {
            div .wide {
                table {
                    thead { tr {
                        th scope="col" { "Name" }
                        th scope="col" { "May" }
                        th scope="col" { "Until" }
                        th scope="col" { "" }
                    } }
                    tbody {
                        @for (name, may, until) in robots {
                            tr {
                                td { (name) }
                                td { (may) }
                                td { (until) }
                                td {
                                    form method="post" action="/-/admin/robots" {
                                        (secret_field(visitor))
                                        input type="hidden" name="remove" value=(name);
                                        button aria-label={ "Remove " (name) } { "Remove" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn new_robot(visitor: &Visitor) -> Markup {
    html! {
        form .filter method="post" action="/-/admin/robots" {
            (secret_field(visitor))
            div {
                label for="name" { "New robot" }
                input #name name="name" required maxlength="64";
            }
            div {
                label for="repositories" { "Repositories" }
                input #repositories name="repositories" required placeholder="team/*" maxlength="255";
            }
            div {
                label for="actions" { "May" }
                select #actions name="actions" {
                    option value="pull" { "pull" }
                    option value="pull,push" { "pull and push" }
                }
            }
            div {
                label for="days" { "For days" }
                input #days name="days" type="number" min="1" max="365" value="90";
            }
            button { "Make" }
        }
    }
}
