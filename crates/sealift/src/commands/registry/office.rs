//! What administrators ask for on the pages, done by the registry's own parts.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use sealift_access::{Gatekeeper, Robots, add_user, list_users, remove_user};
use sealift_crypto::Secret;
use sealift_depot::{CollectOptions, Depot, Retention};
use sealift_gate::Gate;
use sealift_oci::RepositoryName;
use sealift_pipeline::build::megabytes;
use sealift_registry::hooks::{Upstream, UpstreamState};
use sealift_web::{Going, LogAsked, LogPart, Office, Robot};
use tokio::task::spawn_blocking;

use super::log_page;

/// The parts that are asked.
pub(super) struct Desk {
    pub(super) depot: Depot,
    pub(super) gatekeeper: Gatekeeper,
    pub(super) gate: Gate,
    pub(super) upstream: Option<Arc<dyn Upstream>>,
    /// The file of htpasswd, if users are in one.
    pub(super) users: Option<PathBuf>,
}

const NO_ROBOTS: &str =
    "this registry has no robots; the section `robots` of its configuration lets it have some";
const NO_USERS: &str = "this registry has no file of users; `auth.htpasswd.path` names one";

impl Desk {
    fn known_robots(&self) -> Result<Robots, String> {
        self.gatekeeper.parts().robots.ok_or_else(|| NO_ROBOTS.to_owned())
    }

    // A file is changed under a lock, and a password takes its time.
    async fn with_file<T: Send + 'static, E: Display>(
        &self,
        work: impl FnOnce(PathBuf) -> Result<T, E> + Send + 'static,
    ) -> Result<T, String> {
        let path = self.users.clone().ok_or_else(|| NO_USERS.to_owned())?;
        let done = spawn_blocking(move || work(path).map_err(text)).await;
        done.map_err(text)?
    }
}

impl Office for Desk {
    fn users(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        Box::pin(async {
            if self.users.is_none() {
                return Ok(Vec::new());
            }
            self.with_file(|path| list_users(&path)).await
        })
    }

    fn can_change_users(&self) -> bool {
        self.users.is_some()
    }

    fn set_password(&self, name: String, password: Secret) -> BoxFuture<'_, Result<bool, String>> {
        Box::pin(self.with_file(move |path| add_user(&path, &name, &password)))
    }

    fn remove_user(&self, name: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let removed = name.clone();
            let is_removed = self.with_file(move |path| remove_user(&path, &removed)).await?;
            if is_removed { Ok(()) } else { Err(format!("there is no user `{name}`")) }
        })
    }

    fn robots(&self) -> BoxFuture<'_, Result<Option<Vec<Robot>>, String>> {
        Box::pin(async {
            let Some(robots) = self.gatekeeper.parts().robots else { return Ok(None) };
            let known = robots.list().await.map_err(text)?;
            let shown = known.into_iter().map(|(_, robot)| Robot {
                name: robot.name,
                may: robot.permissions,
                made: robot.created,
                until: robot.expires,
            });
            Ok(Some(shown.collect()))
        })
    }

    fn add_robot(
        &self,
        name: String,
        permission: String,
        days: u32,
    ) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let robots = self.known_robots()?;
            let now = Timestamp::now();
            let expires = now.checked_add(SignedDuration::from_hours(24 * i64::from(days)));
            let expires = expires.map_err(text)?;
            robots.add(&name, &[permission], Some(expires), now).await.map_err(text)
        })
    }

    fn remove_robot(&self, name: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let is_removed = self.known_robots()?.remove(&name).await.map_err(text)?;
            if is_removed { Ok(()) } else { Err(format!("there is no robot `{name}`")) }
        })
    }

    fn collect(&self, is_dry: bool) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let options = CollectOptions { dry_run: is_dry, ..CollectOptions::default() };
            let collected = self.depot.collect(&options).await.map_err(text)?;
            let verb = if is_dry { "would leave" } else { "left" };
            let wait = match collected.wait_secs {
                0 => String::new(),
                secs if secs > 7200 => {
                    format!("; blobs are not collected for {} more hours", secs.div_ceil(3600))
                }
                secs => format!("; blobs are not collected for {} more minutes", secs.div_ceil(60)),
            };
            Ok(format!(
                "{} manifests, {} blobs ({}) and {} uploads {verb} the disk{wait}.",
                collected.manifests,
                collected.blobs,
                megabytes(collected.bytes),
                collected.uploads
            ))
        })
    }

    fn retention_rules(&self) -> Vec<String> {
        self.depot.rules().retention.iter().map(rule).collect()
    }

    fn retention(&self) -> BoxFuture<'_, Result<Vec<Going>, String>> {
        Box::pin(async {
            let removed = self.depot.retain(true).await.map_err(text)?;
            let going = removed.into_iter().map(|removed| Going {
                repository: removed.repository,
                tag: removed.tag,
                digest: removed.digest,
            });
            Ok(going.collect())
        })
    }

    fn gate(&self) -> BoxFuture<'_, Vec<(String, String)>> {
        Box::pin(async {
            let (advisories, waiting) = match self.gate.state().await {
                Ok((Some(made), waiting)) => {
                    (made.strftime("of %Y-%m-%d %H:%M UTC").to_string(), waiting.to_string())
                }
                Ok((None, waiting)) => ("none".to_owned(), waiting.to_string()),
                Err(error) => (error.to_string(), "unknown".to_owned()),
            };
            let numbers = self.gate.numbers();
            let row = |name: &str, number: &AtomicU64| {
                (name.to_owned(), number.load(Ordering::Relaxed).to_string())
            };
            vec![
                ("Advisories".to_owned(), advisories),
                ("Images that wait to be examined".to_owned(), waiting),
                row("Images examined since the start", &numbers.examining.count),
                row("Images matched again", &numbers.matched),
                row("Pulls admitted", &numbers.admitted),
                row("Pulls refused", &numbers.refused),
                row("Pulls that would be refused", &numbers.would_be_refused),
                row("Events told to others", &numbers.told),
                row("Events given up", &numbers.dropped),
            ]
        })
    }

    fn log(&self, asked: LogAsked) -> BoxFuture<'_, Result<LogPart, String>> {
        Box::pin(async move { log_page::read(&self.depot, asked).await.map_err(text) })
    }

    fn log_kinds(&self) -> Vec<&'static str> {
        log_page::kinds()
    }

    fn upstreams(&self) -> Vec<UpstreamState> {
        self.upstream.as_ref().map(|upstream| upstream.states()).unwrap_or_default()
    }

    fn is_mirrored(&self, repository: &RepositoryName) -> bool {
        self.upstream.as_ref().is_some_and(|upstream| upstream.route(repository, None).is_some())
    }
}

// A rule of retention in words.
fn rule(rule: &Retention) -> String {
    let days = |n: u64| if n == 1 { "a day".to_owned() } else { format!("{n} days") };
    let mut kept: Vec<String> = rule.keep.iter().map(|it| format!("`{}`", it.as_str())).collect();
    kept.extend(rule.keep_last.map(|n| format!("the {n} newest")));
    kept.extend(rule.pushed_within_days.map(|n| format!("what was pushed within {}", days(n))));
    kept.extend(rule.pulled_within_days.map(|n| format!("what was pulled within {}", days(n))));
    let tags = if rule.deletes_tags() {
        format!("of the tags `{}` there stay {}", rule.tags.as_str(), kept.join(", "))
    } else {
        "all tags stay".to_owned()
    };
    let lone =
        rule.untagged_after_days.map(|n| format!("; what no tag names goes after {}", days(n)));
    format!("in `{}` {tags}{}", rule.repositories.as_str(), lone.unwrap_or_default())
}

#[allow(clippy::needless_pass_by_value, reason = "errors are mapped by value")]
fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_retention_in_words() {
        let words = |text: &str| {
            let read: Retention = serde_json::from_str(text).unwrap();
            rule(&read)
        };
        assert_eq!(
            words(
                r#"{"repositories": "team/**", "keep": ["v*"], "keep_last": 2, "untagged_after_days": 30}"#
            ),
            "in `team/**` of the tags `**` there stay `v*`, the 2 newest; what no tag names goes after 30 days"
        );
        assert_eq!(
            words(r#"{"untagged_after_days": 1}"#),
            "in `**` all tags stay; what no tag names goes after a day"
        );
    }
}
