//! What an administrator does by forms, and the pages on which the forms are.

use maud::{Markup, html};
use sealift_access::{Action, Thing};
use sealift_crypto::Secret;
use sealift_registry::hooks::EventKind;

use crate::address::Address;
use crate::layout::{Part, count};
use crate::looking::{no_answer, page};
use crate::pages::admin::{self, Desk, Outcome};
use crate::pages::people::{self, User};
use crate::service::{Shown, Visit, Web};

impl Web {
    pub(crate) fn is_administrator(&self, visit: &Visit) -> bool {
        self.may(&visit.principal, Action::Admin, Thing::Server)
    }

    /// Does what a form says.
    pub(crate) async fn act(&self, address: &Address, visit: &Visit) -> Shown {
        if let Address::Account = address {
            return self.end_own_sessions(visit).await;
        }
        let Address::Desk(desk) = address else { return Shown::Absent };
        if !self.is_administrator(visit) {
            return Shown::Forbidden;
        }
        let outcome = match desk {
            Desk::Users => self.change_user(visit).await,
            Desk::Robots => self.change_robots(visit).await,
            Desk::Collection => self.collect(visit).await,
            Desk::Retention => self.preview_retention().await,
            // It is only read.
            Desk::Log => return Shown::Absent,
        };
        self.desk(*desk, visit, Some(&outcome)).await
    }

    /// A page of administrators.
    pub(crate) async fn desk(&self, desk: Desk, visit: &Visit, outcome: Option<&Outcome>) -> Shown {
        if !self.is_administrator(visit) {
            return Shown::Forbidden;
        }
        let visitor = &visit.visitor;
        let content = match desk {
            Desk::Users => self.users(visit).await,
            Desk::Robots => match self.office.robots().await {
                Ok(robots) => people::robots(visitor, robots.as_deref(), self.now()),
                Err(reason) => html! { h2 { "Robots" } (no_answer(&reason)) },
            },
            Desk::Retention => {
                let going = outcome.and_then(|outcome| outcome.going.as_deref());
                admin::retention(visitor, &self.office.retention_rules(), going)
            }
            Desk::Collection => admin::collection(visitor),
            Desk::Log => self.log(visit).await,
        };
        let body = admin::frame(desk, &self.name, outcome, &content);
        page(&format!("{} – Administration", desk.title()), Part::Administration, body)
    }

    async fn users(&self, visit: &Visit) -> Markup {
        let names = match self.office.users().await {
            Ok(names) => names,
            Err(reason) => return html! { h2 { "Users" } (no_answer(&reason)) },
        };
        let user = |name: String| {
            // Whoever was added a moment ago is not let in yet, and has no groups.
            let known = self.gatekeeper.user(&name);
            let principal = known.map_or_else(|| sealift_access::Principal::user(&name), |it| it.0);
            User {
                rules: self.gatekeeper.rules_about(&principal),
                is_administrator: self.may(&principal, Action::Admin, Thing::Server),
                groups: principal.groups,
                name,
            }
        };
        let users: Vec<User> = names.into_iter().map(user).collect();
        people::users(&visit.visitor, &users, self.office.can_change_users())
    }

    async fn end_own_sessions(&self, visit: &Visit) -> Shown {
        let Some(session) = &visit.session else { return Shown::Forbidden };
        match self.sessions.end_all(&session.user, self.now()).await {
            Ok(()) => Shown::LoggedOut,
            Err(_) => Shown::Failed,
        }
    }

    async fn change_user(&self, visit: &Visit) -> Outcome {
        let name = visit.form.get("user").to_owned();
        let is_own = visit.visitor.name.as_deref() == Some(name.as_str());
        let done = match visit.form.get("deed") {
            "end" => match self.sessions.end_all(&name, self.now()).await {
                Ok(()) => Ok(format!("All sessions of `{name}` ended.")),
                Err(error) => Err(error.to_string()),
            },
            "remove" if is_own => Err("Nobody removes themselves.".to_owned()),
            "remove" => {
                let removed = self.office.remove_user(name.clone()).await;
                removed.map(|()| format!("`{name}` is removed, and is let in no more."))
            }
            "password" => {
                let password = Secret::from(visit.form.get("password").to_owned());
                let saved = self.office.set_password(name.clone(), password).await;
                saved.map(|was_there| {
                    let what = if was_there { "has another password" } else { "is added" };
                    format!("`{name}` {what}. It counts within a second.")
                })
            }
            _ => Err("That is nothing that can be done to a user.".to_owned()),
        };
        self.noted(visit, done)
    }

    async fn change_robots(&self, visit: &Visit) -> Outcome {
        let field = |name: &str| visit.form.get(name).trim().to_owned();
        let removed = field("remove");
        if !removed.is_empty() {
            let done = self.office.remove_robot(removed.clone()).await;
            let done = done
                .map(|()| format!("The robot `{removed}` is removed; its token counts no more."));
            return self.noted(visit, done);
        }
        let days = field("days").parse().ok().filter(|days| (1..=365).contains(days));
        let Some(days) = days else {
            return fault("A robot lasts from 1 to 365 days.".to_owned());
        };
        let name = field("name");
        let permission = format!("{}:{}", field("repositories"), field("actions"));
        match self.office.add_robot(name.clone(), permission.clone(), days).await {
            Ok(token) => {
                let text = format!(
                    "The robot `{name}` is made, for {}.",
                    count(days as usize, "day", "days")
                );
                self.tell(visit, EventKind::Administered, &format!("{text} It may {permission}."));
                Outcome { secret: Some((name, token)), ..told(text) }
            }
            Err(reason) => fault(reason),
        }
    }

    async fn collect(&self, visit: &Visit) -> Outcome {
        let is_dry = visit.form.get("dry") == "yes";
        match self.office.collect(is_dry).await {
            Ok(text) if is_dry => told(text),
            done => self.noted(visit, done),
        }
    }

    async fn preview_retention(&self) -> Outcome {
        match self.office.retention().await {
            Ok(going) => {
                let text = match going.len() {
                    0 => "Nothing would be removed.".to_owned(),
                    n => format!(
                        "{} would be removed.",
                        count(n, "tag or manifest", "tags and manifests")
                    ),
                };
                Outcome { going: Some(going), ..told(text) }
            }
            Err(reason) => fault(reason),
        }
    }

    fn noted(&self, visit: &Visit, done: Result<String, String>) -> Outcome {
        match done {
            Ok(text) => {
                self.tell(visit, EventKind::Administered, &text);
                told(text)
            }
            Err(reason) => fault(reason),
        }
    }
}

fn told(text: String) -> Outcome {
    Outcome { text, ..Outcome::default() }
}

fn fault(text: String) -> Outcome {
    Outcome { text, is_fault: true, ..Outcome::default() }
}
