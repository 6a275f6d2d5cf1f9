//! The login.

use maud::{Markup, html};

use crate::layout::{Visitor, secret_field};

pub(crate) fn body(visitor: &Visitor, fault: Option<&str>) -> Markup {
    html! {
        h1 { "Log in" }
        @if let Some(fault) = fault { p .bad role="alert" { (fault) } }
        form .login method="post" action="/-/login" {
            (secret_field(visitor))
            label for="user" { "User" }
            input #user name="user" autocomplete="username" required maxlength="255";
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password" required
                maxlength="1024";
            button .main { "Log in" }
        }
        p .soft { "The same users as for " code { "docker login" } "." }
    }
}
