//! The login.

use maud::{Markup, html};

use crate::layout::{Visitor, empty, secret_field};

pub(crate) fn body(visitor: &Visitor, user: &str, next: &str, fault: Option<&str>) -> Markup {
    if visitor.is_open {
        return html! {
            h1 { "Log in" }
            (empty("Nobody has to log in here.", &html! { "This registry has no users; everybody may do everything." }))
        };
    }
    let described = fault.map(|_| "fault");
    html! {
        div .panel .login {
            h1 { "Log in" }
            @if let Some(fault) = fault { p #fault .bad role="alert" { (fault) } }
            form method="post" action="/-/login" {
                (secret_field(visitor))
                input type="hidden" name="next" value=(next);
                label for="user" { "User" }
                input #user name="user" value=(user) autocomplete="username" autocapitalize="none" spellcheck="false"
                    required maxlength="255" aria-describedby=[described];
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password" required
                    maxlength="1024" aria-describedby=[described];
                button .main { "Log in" }
            }
            p .soft { "The same users as for " code { "docker login" } ". Robots and tokens are for programs." }
        }
    }
}
