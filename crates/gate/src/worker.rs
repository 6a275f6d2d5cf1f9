//! The work behind the requests: images examined, matched again when the advisories change, letters sent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sealift_depot::{Job, Manifest, Target};
use sealift_oci::{Digest, RepositoryName, Tag};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::gate::{Gate, Inner};
use crate::herald::{self, EXAMINE};
use crate::record::{self, Contents, Examination, Status};
use crate::webhook::{self, Delivery};
use crate::{Error, examine};

const LEASE: Duration = Duration::from_mins(30);
const ATTEMPTS_MAX: u64 = 4;
const RETRY_SECS: i64 = 15;
const IDLE: Duration = Duration::from_millis(500);
const LOOK_AT_ADVISORIES: Duration = Duration::from_secs(30);
const PAGE: usize = 200;

/// How a failure in the background is told.
pub type Failed = Arc<dyn Fn(&Error) + Send + Sync>;

impl Gate {
    /// Works until `stop` becomes true.
    pub async fn work(self, stop: watch::Receiver<bool>, failed: Failed) {
        let inner = self.0;
        let (for_letters, for_advisories) = (stop.clone(), stop.clone());
        tokio::join!(
            repeat(stop.clone(), IDLE, || examine_next(&inner, &failed)),
            repeat(for_letters, IDLE, || send_next(&inner, &failed)),
            repeat(for_advisories, LOOK_AT_ADVISORIES, || match_all_again(&inner, &failed)),
            first_look(&inner, &failed),
        );
    }
}

// Again at once while there is something to do.
async fn repeat<W: Future<Output = bool>>(
    mut stop: watch::Receiver<bool>,
    pause: Duration,
    work: impl Fn() -> W,
) {
    loop {
        if *stop.borrow() {
            return;
        }
        let is_busy = work().await;
        if !is_busy {
            tokio::select! {
                () = sleep(pause) => {}
                // Whoever could say so is gone.
                outcome = stop.wait_for(|stop| *stop) => if outcome.is_err() { return },
            }
        }
    }
}

// What was pushed while nobody listened: by an older version, an import, or just before the machine failed.
async fn first_look(inner: &Arc<Inner>, failed: &Failed) {
    if let Err(error) = look_at_all(inner).await {
        failed(&error);
    }
}

async fn look_at_all(inner: &Arc<Inner>) -> Result<(), Error> {
    let mut after: Option<String> = None;
    loop {
        let page = inner.depot.repositories(after.as_deref(), PAGE).await?;
        for repository in &page.items {
            look_at_tags(inner, repository).await?;
        }
        after = page.items.last().map(ToString::to_string);
        if !page.more || after.is_none() {
            return Ok(());
        }
    }
}

async fn look_at_tags(inner: &Arc<Inner>, repository: &RepositoryName) -> Result<(), Error> {
    let mut after: Option<String> = None;
    loop {
        let page = match inner.depot.tags(repository, after.as_deref(), PAGE).await {
            // It was deleted meanwhile.
            Err(sealift_depot::Error::NameUnknown) => return Ok(()),
            other => other?,
        };
        for tag in &page.items {
            let target = Target::Tag(tag.clone());
            if let Some(manifest) = inner.depot.manifest(repository, &target).await? {
                herald::take(inner, repository, Some(tag), &manifest).await?;
                look_at_children(inner, repository, &manifest).await?;
            }
        }
        after = page.items.last().map(ToString::to_string);
        if !page.more || after.is_none() {
            return Ok(());
        }
    }
}

async fn look_at_children(
    inner: &Arc<Inner>,
    repository: &RepositoryName,
    manifest: &Manifest,
) -> Result<(), Error> {
    use crate::shape::{Shape, shape};
    let Shape::Index(children) = shape(&manifest.media_type, &manifest.bytes) else {
        return Ok(());
    };
    for child in children {
        let target = Target::Digest(child.digest);
        if let Some(child) = inner.depot.manifest(repository, &target).await? {
            herald::take(inner, repository, None, &child).await?;
        }
    }
    Ok(())
}

async fn examine_next(inner: &Arc<Inner>, failed: &Failed) -> bool {
    match inner.depot.claim(EXAMINE, LEASE).await {
        Ok(None) => false,
        Ok(Some(job)) => {
            if let Err(error) = examine_job(inner, &job).await {
                failed(&error);
            }
            true
        }
        Err(error) => {
            failed(&error.into());
            false
        }
    }
}

async fn examine_job(inner: &Arc<Inner>, job: &Job) -> Result<(), Error> {
    let Some((repository, digest)) = parse_key(&job.key) else {
        return Ok(inner.depot.finish_job(job).await?);
    };
    let tag = std::str::from_utf8(&job.value).ok().and_then(|text| Tag::parse(text).ok());
    let now = (inner.environment.clock)();
    match examine_one(inner, &repository, &digest, tag.as_ref(), now).await {
        Ok(()) => inner.depot.finish_job(job).await?,
        Err(error) if job.attempt < ATTEMPTS_MAX && is_passing(&error) => {
            let wait = SignedDuration::from_secs(RETRY_SECS << job.attempt.min(8));
            inner.depot.retry_job(job, now.checked_add(wait).unwrap_or(now)).await?;
            return Err(error);
        }
        Err(error) => {
            let reason = error.to_string();
            examine::keep_failure(&inner.depot, &repository, &digest, reason, now).await?;
            inner.depot.finish_job(job).await?;
        }
    }
    inner.verdicts.forget(&repository);
    Ok(())
}

// A database that is being replaced or a disk that is full may be better the next time; a broken layer is not.
fn is_passing(error: &Error) -> bool {
    use sealift_pipeline::Error as Job;
    match error {
        Error::Depot(_) | Error::Record { .. } => true,
        Error::Job(job) => {
            !matches!(job, Job::Image(_) | Job::UnreadLayers { .. } | Job::Document(_))
        }
        Error::Setting { .. } => false,
    }
}

fn parse_key(key: &str) -> Option<(RepositoryName, Digest)> {
    let (repository, digest) = key.split_once('@')?;
    Some((RepositoryName::parse(repository).ok()?, digest.parse().ok()?))
}

async fn examine_one(
    inner: &Arc<Inner>,
    repository: &RepositoryName,
    digest: &Digest,
    tag: Option<&Tag>,
    now: Timestamp,
) -> Result<(), Error> {
    let target = Target::Digest(digest.clone());
    // Whatever was deleted meanwhile needs no examination.
    let Some(manifest) = inner.depot.manifest(repository, &target).await? else { return Ok(()) };
    // The same image in another repository is not read again; its documents are made here all the same.
    let began = Instant::now();
    let found = look(inner, repository, &manifest, tag, None).await?;
    let (_, new) = examine::keep(&inner.depot, repository, &manifest, found, now).await?;
    inner.numbers.examining.add(began.elapsed());
    tell(inner, "image.examined", None, &new, now).await
}

async fn look(
    inner: &Arc<Inner>,
    repository: &RepositoryName,
    manifest: &Arc<Manifest>,
    tag: Option<&Tag>,
    known: Option<Contents>,
) -> Result<examine::Found, Error> {
    let name = inner.name(repository, tag, &manifest.digest)?;
    let (shelf, rules) = (inner.shelf(repository), inner.rules());
    let (inner, shared) = (Arc::clone(inner), Arc::clone(manifest));
    let looking = tokio::task::spawn_blocking(move || {
        examine::look(&inner.environment, &rules, &shelf, &shared, &name, known)
    });
    looking.await.unwrap_or_else(|_| {
        let reason = "the examination broke down".to_owned();
        Err(Error::Setting { setting: manifest.digest.to_string(), reason })
    })
}

async fn tell(
    inner: &Arc<Inner>,
    kind: &str,
    old: Option<&Examination>,
    new: &Examination,
    now: Timestamp,
) -> Result<(), Error> {
    let hooks = inner.hooks();
    if hooks.is_empty() {
        return Ok(());
    }
    let event = webhook::Event {
        id: format!("{}-{}-{}", kind, new.digest.short(), now.as_microsecond()),
        kind,
        repository: &new.repository,
        subject: format!("{}@{}", new.repository, new.digest),
        data: json!({ "before": old.map(|old| old.counts), "examination": new }),
    };
    hooks.post(&inner.depot, &inner.environment.name, &event, now).await
}

async fn send_next(inner: &Arc<Inner>, failed: &Failed) -> bool {
    let hooks = inner.hooks();
    if hooks.is_empty() {
        return false;
    }
    let sent = async {
        let client = inner.client()?;
        hooks.deliver(&inner.depot, client, (inner.environment.clock)()).await
    };
    match sent.await {
        Ok(Delivery::Idle) => false,
        Ok(Delivery::Sent) => {
            inner.numbers.told.fetch_add(1, Ordering::Relaxed);
            true
        }
        Ok(Delivery::Again) => {
            inner.numbers.told_in_vain.fetch_add(1, Ordering::Relaxed);
            true
        }
        Ok(Delivery::Dropped) => {
            inner.numbers.dropped.fetch_add(1, Ordering::Relaxed);
            true
        }
        Err(error) => {
            failed(&error);
            false
        }
    }
}

// Everything that was examined with other advisories than those of today. Always says that it is done.
async fn match_all_again(inner: &Arc<Inner>, failed: &Failed) -> bool {
    let rules = inner.rules();
    let Ok(Some(today)) = tokio::task::spawn_blocking(move || examine::database_secs(&rules)).await
    else {
        return false;
    };
    if let Err(error) = match_older(inner, today, failed).await {
        failed(&error);
    }
    false
}

async fn match_older(inner: &Arc<Inner>, today: i64, failed: &Failed) -> Result<(), Error> {
    let mut after: Option<String> = None;
    loop {
        let page = inner.depot.records(record::EXAMINATIONS, "", after.as_deref(), PAGE).await?;
        for (key, bytes) in &page.items {
            let Ok(known) = record::decode::<Examination>(key, bytes) else { continue };
            if known.status == Status::Unreadable || known.database_secs == Some(today) {
                continue;
            }
            if let Err(error) = match_one(inner, key, &known).await {
                failed(&error);
            }
        }
        after = page.items.last().map(|(key, _)| key.clone());
        if !page.more || after.is_none() {
            return Ok(());
        }
    }
}

async fn match_one(inner: &Arc<Inner>, key: &str, known: &Examination) -> Result<(), Error> {
    let Some((repository, digest)) = parse_key(key) else { return Ok(()) };
    let target = Target::Digest(digest.clone());
    let Some(manifest) = inner.depot.manifest(&repository, &target).await? else {
        // The image is gone, and what was known of it goes too.
        record::forget(&inner.depot, key).await?;
        return Ok(());
    };
    let contents = record::contents(&inner.depot, &digest).await?;
    let found = look(inner, &repository, &manifest, None, contents).await?;
    let now = (inner.environment.clock)();
    let (old, new) = examine::keep(&inner.depot, &repository, &manifest, found, now).await?;
    inner.numbers.matched.fetch_add(1, Ordering::Relaxed);
    let is_changed = known.counts != new.counts || known.status != new.status;
    if is_changed {
        inner.verdicts.forget(&repository);
        tell(inner, "image.findings-changed", old.as_ref(), &new, now).await?;
    }
    Ok(())
}
