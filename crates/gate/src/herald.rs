//! What happened, taken from the requests without delay and written down in the background: the audit log, the queue of
//! images to examine, the letters to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sealift_depot::{Manifest, Target};
use sealift_keeping::audit;
use sealift_oci::{RepositoryName, Tag};
use sealift_registry::hooks::{Event, EventKind, Listener};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::gate::{Gate, Inner};
use crate::shape::{Shape, shape};
use crate::webhook;
use crate::{Error, record};

/// The queue of images to examine.
pub(crate) const EXAMINE: &str = "examine";
// More at once than that are counted, and only the number is written down.
const WAITING_MAX: usize = 20_000;
const LINE_EVENTS_MAX: usize = 256;
// Events of a moment share one line of the audit log, and so one write to the disk.
const PAUSE: Duration = Duration::from_millis(50);

/// Hears what happens.
pub struct Herald {
    sender: mpsc::Sender<Event>,
    lost: Arc<AtomicU64>,
    gate: Gate,
}

/// Writes down what was heard. It has to be run.
pub struct Scribe {
    receiver: mpsc::Receiver<Event>,
    lost: Arc<AtomicU64>,
    gate: Gate,
}

impl Gate {
    /// An ear for the registry, and who writes down what it hears.
    pub fn herald(&self) -> (Herald, Scribe) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let herald = Herald { sender, lost: Arc::clone(&lost), gate: self.clone() };
        (herald, Scribe { receiver, lost, gate: self.clone() })
    }
}

impl Listener for Herald {
    fn tell(&self, event: &Event) {
        // At once: whoever pushes a signature and pulls the image does not wait for a background task.
        if let Some(repository) = event.repository.as_ref().filter(|_| changes(event.kind)) {
            self.gate.0.verdicts.forget(repository);
        }
        if self.sender.try_send(event.clone()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// Those that a herald wants to hear of.
const KINDS: [EventKind; 11] = [
    EventKind::Pushed,
    EventKind::Pulled,
    EventKind::Deleted,
    EventKind::TagDeleted,
    EventKind::BlobPushed,
    EventKind::BlobDeleted,
    EventKind::Mounted,
    EventKind::Denied,
    EventKind::Login,
    EventKind::Administered,
    EventKind::TrustChanged,
];

/// What kinds of events are called in the audit log.
pub fn event_names() -> [&'static str; 11] {
    KINDS.map(name_of)
}

// As the audit log and others see it.
fn name_of(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Pushed => "manifest.pushed",
        EventKind::Pulled => "manifest.pulled",
        EventKind::Deleted => "manifest.deleted",
        EventKind::TagDeleted => "tag.deleted",
        EventKind::BlobPushed => "blob.pushed",
        EventKind::BlobPulled => "blob.pulled",
        EventKind::BlobDeleted => "blob.deleted",
        EventKind::Mounted => "blob.mounted",
        EventKind::Denied => "request.denied",
        EventKind::Login => "login",
        EventKind::Administered => "administered",
        EventKind::TrustChanged => "trust.changed",
    }
}

fn changes(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Pushed | EventKind::Deleted | EventKind::TagDeleted | EventKind::TrustChanged
    )
}

impl Scribe {
    /// Writes down until the ear is gone. What fails is given to `failed`, and the next is tried.
    pub async fn run(mut self, failed: impl Fn(&Error)) {
        let mut events = Vec::new();
        while self.receiver.recv_many(&mut events, LINE_EVENTS_MAX).await > 0 {
            let lost = self.lost.swap(0, Ordering::Relaxed);
            let lines: Vec<Value> = events.iter().map(line).collect();
            let inner = &self.gate.0;
            inner.numbers.unlogged.fetch_add(lost, Ordering::Relaxed);
            if let Err(error) = audit::append(&inner.depot, lines, lost).await {
                failed(&error.into());
            }
            for event in events.drain(..) {
                if let Err(error) = follow(inner, &event).await {
                    failed(&error);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

// What the audit log says of an event.
fn line(event: &Event) -> Value {
    let mut line = json!({
        "time": event.time.to_string(),
        "event": name_of(event.kind),
        "requestId": event.request_id,
        "peer": event.peer.to_string(),
    });
    let texts = [
        ("user", event.principal.name.clone()),
        ("repository", event.repository.as_ref().map(ToString::to_string)),
        ("tag", event.tag.clone()),
        ("digest", event.digest.as_ref().map(ToString::to_string)),
        ("reason", event.reason.clone()),
    ];
    for (name, text) in texts {
        if let (Some(object), Some(text)) = (line.as_object_mut(), text) {
            object.insert(name.to_owned(), Value::String(text));
        }
    }
    line
}

async fn follow(inner: &Arc<Inner>, event: &Event) -> Result<(), Error> {
    tell_others(inner, event).await?;
    let (Some(repository), Some(digest)) = (&event.repository, &event.digest) else {
        return Ok(());
    };
    if event.kind != EventKind::Pushed {
        return Ok(());
    }
    let target = Target::Digest(digest.clone());
    if let Some(manifest) = inner.depot.manifest(repository, &target).await? {
        let tag = event.tag.as_deref().and_then(|tag| Tag::parse(tag).ok());
        take(inner, repository, tag.as_ref(), &manifest).await?;
    }
    Ok(())
}

/// Takes notice of a manifest that is there: an image will be examined, and an index be known as its parent.
pub(crate) async fn take(
    inner: &Inner,
    repository: &RepositoryName,
    tag: Option<&Tag>,
    manifest: &Manifest,
) -> Result<(), Error> {
    match shape(&manifest.media_type, &manifest.bytes) {
        Shape::Artifact => Ok(()),
        Shape::Index(children) => {
            for child in children {
                record::add_parent(&inner.depot, repository, &child.digest, &manifest.digest)
                    .await?;
            }
            inner.verdicts.forget(repository);
            Ok(())
        }
        Shape::Image if inner.rules().settings.scan => {
            let known = record::examination(&inner.depot, repository, &manifest.digest).await?;
            if known.is_some() {
                return Ok(());
            }
            let key = record::key(repository, &manifest.digest);
            let tag = tag.map(Tag::as_str).unwrap_or_default();
            let now = (inner.environment.clock)();
            Ok(inner.depot.enqueue(EXAMINE, &key, tag.as_bytes(), now).await?)
        }
        Shape::Image => Ok(()),
    }
}

async fn tell_others(inner: &Arc<Inner>, event: &Event) -> Result<(), Error> {
    let hooks = inner.hooks();
    if hooks.is_empty() {
        return Ok(());
    }
    let repository = event.repository.as_ref().map(ToString::to_string).unwrap_or_default();
    let tag = event.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
    let told = webhook::Event {
        id: format!("{}-{}", event.request_id, name_of(event.kind)),
        kind: name_of(event.kind),
        subject: format!("{repository}{tag}"),
        repository: &repository,
        data: line(event),
    };
    let name = &inner.environment.name;
    hooks.post(&inner.depot, name, &told, (inner.environment.clock)()).await
}
