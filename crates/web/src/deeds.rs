//! What an administrator does by forms.

use sealift_access::{Action, Thing};

use crate::address::Address;
use crate::pages::admin::{self, Outcome};
use crate::service::{Shown, Visit, Web};

const LINES_MAX: usize = 200;

impl Web {
    /// Does what a form says.
    pub(crate) async fn act(&self, address: &Address, visit: &Visit) -> Shown {
        if !self.may(&visit.principal, Action::Admin, Thing::Server) {
            return Shown::Forbidden;
        }
        let outcome = match address {
            Address::Robots => self.change_robots(visit).await,
            Address::Collection => self.collect(visit).await,
            Address::Retention => self.preview_retention().await,
            _ => return Shown::Absent,
        };
        self.administration(visit, Some(&outcome)).await
    }

    /// The page of administrators.
    pub(crate) async fn administration(&self, visit: &Visit, outcome: Option<&Outcome>) -> Shown {
        if !self.may(&visit.principal, Action::Admin, Thing::Server) {
            return Shown::Forbidden;
        }
        let robots = self.office.robots().await;
        let robots: Vec<_> =
            robots.into_iter().map(|robot| (robot.name, robot.may, robot.until)).collect();
        let users = self.office.users();
        let body = admin::body(&visit.visitor, &users, &robots, outcome);
        Shown::Page("Administration".to_owned(), body)
    }

    async fn change_robots(&self, visit: &Visit) -> Outcome {
        let field = |name: &str| visit.form.get(name).trim().to_owned();
        let removed = field("remove");
        if !removed.is_empty() {
            return match self.office.remove_robot(removed.clone()).await {
                Ok(()) => told(format!("`{removed}` is removed; its token counts no more.")),
                Err(reason) => fault(reason),
            };
        }
        let days = field("days").parse().ok().filter(|days| (1..=365).contains(days));
        let Some(days) = days else {
            return fault("A robot lasts from 1 to 365 days.".to_owned());
        };
        let name = field("name");
        let made =
            self.office.add_robot(name.clone(), field("repositories"), field("actions"), days);
        match made.await {
            Ok(token) => Outcome { secret: Some(token), ..told(format!("`{name}` is made.")) },
            Err(reason) => fault(reason),
        }
    }

    async fn collect(&self, visit: &Visit) -> Outcome {
        match self.office.collect(visit.form.get("dry") == "yes").await {
            Ok(text) => told(text),
            Err(reason) => fault(reason),
        }
    }

    async fn preview_retention(&self) -> Outcome {
        match self.office.retention().await {
            Ok(mut lines) => {
                let count = lines.len();
                lines.truncate(LINES_MAX);
                if count > LINES_MAX {
                    lines.push(format!("and {} more", count - LINES_MAX));
                }
                Outcome { lines, ..told(format!("{count} tags and manifests would be removed.")) }
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
