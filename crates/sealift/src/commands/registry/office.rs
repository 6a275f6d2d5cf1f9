//! What administrators ask for on the pages, done by the registry's own parts.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use sealift_access::Gatekeeper;
use sealift_depot::{CollectOptions, Depot};
use sealift_gate::Gate;
use sealift_oci::RepositoryName;
use sealift_pipeline::build::megabytes;
use sealift_registry::hooks::Upstream;
use sealift_web::{Numbers, Office, Robot};

/// The parts that are asked.
pub(super) struct Desk {
    pub(super) depot: Depot,
    pub(super) gatekeeper: Gatekeeper,
    pub(super) gate: Gate,
    pub(super) upstream: Option<Arc<dyn Upstream>>,
}

const NO_ROBOTS: &str =
    "this registry has no robots; the section `robots` of its configuration lets it have some";

impl Office for Desk {
    fn users(&self) -> Vec<String> {
        let parts = self.gatekeeper.parts();
        let names = parts.passwords.as_ref().map(|passwords| passwords.names());
        names.unwrap_or_default().into_iter().map(str::to_owned).collect()
    }

    fn robots(&self) -> BoxFuture<'_, Vec<Robot>> {
        Box::pin(async {
            let Some(robots) = self.gatekeeper.parts().robots else { return Vec::new() };
            let known = robots.list().await.unwrap_or_default();
            let now = Timestamp::now();
            let shown = known.into_iter().map(|(_, robot)| Robot {
                until: match robot.expires {
                    Some(_) if robot.is_expired(now) => "over".to_owned(),
                    Some(expires) => expires.strftime("%Y-%m-%d").to_string(),
                    None => "for ever".to_owned(),
                },
                may: robot.permissions.join(", "),
                name: robot.name,
            });
            shown.collect()
        })
    }

    fn add_robot(
        &self,
        name: String,
        repositories: String,
        actions: String,
        days: u32,
    ) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let robots = self.gatekeeper.parts().robots.ok_or_else(|| NO_ROBOTS.to_owned())?;
            let now = Timestamp::now();
            let expires = now.checked_add(SignedDuration::from_hours(24 * i64::from(days)));
            let expires = expires.map_err(|error| error.to_string())?;
            let permission = format!("{repositories}:{actions}");
            robots.add(&name, &[permission], Some(expires), now).await.map_err(text)
        })
    }

    fn remove_robot(&self, name: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let robots = self.gatekeeper.parts().robots.ok_or_else(|| NO_ROBOTS.to_owned())?;
            let is_removed = robots.remove(&name).await.map_err(text)?;
            if is_removed { Ok(()) } else { Err(format!("there is no robot `{name}`")) }
        })
    }

    fn collect(&self, is_dry: bool) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let options = CollectOptions { dry_run: is_dry, ..CollectOptions::default() };
            let collected =
                self.depot.collect(&options).await.map_err(|error| error.to_string())?;
            let verb = if is_dry { "would leave" } else { "left" };
            let wait = match collected.wait_secs {
                0 => String::new(),
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

    fn retention(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        Box::pin(async {
            let removed = self.depot.retain(true).await.map_err(|error| error.to_string())?;
            let line = |removed: &sealift_depot::Removed| match &removed.tag {
                Some(tag) => format!("{}:{tag} ({})", removed.repository, removed.digest.short()),
                None => format!("{}@{}", removed.repository, removed.digest),
            };
            Ok(removed.iter().map(line).collect())
        })
    }

    fn numbers(&self) -> Numbers {
        let numbers = self.gate.numbers();
        let row = |name: &str, number: &std::sync::atomic::AtomicU64| {
            (name.to_owned(), number.load(Ordering::Relaxed).to_string())
        };
        Numbers {
            mirror: Vec::new(),
            gate: vec![
                row("Pulls admitted since the start", &numbers.admitted),
                row("Pulls refused", &numbers.refused),
                row("Pulls that would be refused", &numbers.would_be_refused),
                row("Images examined", &numbers.examined),
                row("Images matched again", &numbers.matched),
                row("Events told", &numbers.told),
                row("Events given up", &numbers.dropped),
            ],
        }
    }

    fn is_mirrored(&self, repository: &str) -> bool {
        let Ok(name) = RepositoryName::parse(repository) else { return false };
        self.upstream.as_ref().is_some_and(|upstream| upstream.route(&name, None).is_some())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "errors are mapped by value")]
fn text(error: io::Error) -> String {
    error.to_string()
}
