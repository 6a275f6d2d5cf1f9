//! Users and robots, and what administrators do with them.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::layout::{Visitor, badge, empty, plain, secret_field, time};
use crate::office::Robot;
use crate::pages::account::rules;
use crate::table::{rest, short, table, words};

/// A user as administrators see one.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) rules: Vec<String>,
    pub(crate) is_administrator: bool,
}

pub(crate) fn users(visitor: &Visitor, users: &[User], can_change: bool) -> Markup {
    let columns = [short("User"), words("Groups"), rest("Rules about them"), words("Change")];
    let cells = |user: &User| {
        vec![
            html! {
                (plain(&user.name))
                @if user.is_administrator { " " (badge("low", "administrator")) }
            },
            html! { (user.groups.join(", ")) },
            rules(&user.rules),
            change(visitor, &user.name, can_change),
        ]
    };
    html! {
        h2 { "Users" }
        @if users.is_empty() {
            (empty("No user has a password here.", &html! {
                "Add one below, or with " code { "sealift registry user add FILE NAME" } "."
            }))
        } @else {
            (table("Users", &columns, &users.iter().map(cells).collect::<Vec<_>>()))
        }
        @if can_change { (new_user(visitor)) } @else {
            p .soft { "Users are added with " code { "sealift registry user add FILE NAME" } "." }
        }
    }
}

fn change(visitor: &Visitor, name: &str, can_change: bool) -> Markup {
    html! {
        details {
            summary aria-label={ "Change " (name) } { "Change…" }
            form .deed method="post" action="/-/admin" {
                (secret_field(visitor))
                input type="hidden" name="user" value=(name);
                button name="deed" value="end" { "End all sessions" }
                @if can_change && visitor.name.as_deref() != Some(name) {
                    button .danger name="deed" value="remove" { "Remove " (plain(name)) }
                }
            }
        }
    }
}

fn new_user(visitor: &Visitor) -> Markup {
    html! {
        h3 { "Add a user, or give one another password" }
        form .filter method="post" action="/-/admin" {
            (secret_field(visitor))
            input type="hidden" name="deed" value="password";
            div {
                label for="user" { "Name" }
                input #user name="user" required maxlength="255" autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            div {
                label for="new-password" { "Password, 8 to 72 bytes" }
                input #new-password name="password" type="password" required minlength="8" maxlength="72" autocomplete="new-password";
            }
            button { "Save" }
        }
    }
}

pub(crate) fn robots(visitor: &Visitor, robots: Option<&[Robot]>, now: Timestamp) -> Markup {
    let Some(robots) = robots else {
        return html! {
            h2 { "Robots" }
            (empty("This registry has no robots.", &html! {
                "Write " code { "robots: {enabled: true}" } " into the section " code { "sealift" } " of its configuration."
            }))
        };
    };
    let columns = [
        short("Robot"),
        words("State"),
        rest("May"),
        words("Made"),
        words("Until"),
        words("Change"),
    ];
    let cells = |robot: &Robot| {
        let is_over = robot.until.is_some_and(|until| until <= now);
        vec![
            html! { (plain(&robot.name)) },
            if is_over { badge("bad", "over") } else { badge("good", "valid") },
            rules(&robot.may),
            time(robot.made),
            html! { @match robot.until { Some(until) => (time(until)), None => "for ever" } },
            html! {
                details {
                    summary aria-label={ "Change " (robot.name) } { "Change…" }
                    form .deed method="post" action="/-/admin/robots" {
                        (secret_field(visitor))
                        button .danger name="remove" value=(robot.name) { "Remove " (plain(&robot.name)) }
                    }
                }
            },
        ]
    };
    html! {
        h2 { "Robots" }
        @if robots.is_empty() {
            (empty("There are no robots.", &html! { "Make one below for each program that pulls or pushes." }))
        } @else {
            (table("Robots", &columns, &robots.iter().map(cells).collect::<Vec<_>>()))
        }
        (new_robot(visitor))
    }
}

fn new_robot(visitor: &Visitor) -> Markup {
    html! {
        h3 { "Make a robot" }
        form .filter method="post" action="/-/admin/robots" {
            (secret_field(visitor))
            div {
                label for="name" { "Name" }
                input #name name="name" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            div .wide {
                label for="repositories" { "Repositories, as " code { "team/**" } " or " code { "team/app:v*" } }
                input #repositories name="repositories" required maxlength="255" autocapitalize="none" spellcheck="false";
            }
            div {
                label for="actions" { "May" }
                select #actions name="actions" {
                    option value="pull" { "pull" }
                    option value="pull,push" { "pull and push" }
                    option value="pull,push,delete" { "pull, push and delete" }
                }
            }
            div {
                label for="days" { "For days" }
                input #days name="days" type="number" min="1" max="365" value="90" required;
            }
            button { "Make" }
        }
    }
}
