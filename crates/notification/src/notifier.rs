//! What happened, taken from requests without delay, written into the queues of the endpoints, and sent from there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use sealift_client::Client;
use sealift_depot::{Depot, Target};
use sealift_registry::configuration::{Endpoint, Notifications};
use sealift_registry::hooks::{Event, EventKind, Listener};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::envelope::{Around, BLOB_TYPE, Source, action, envelope, media_type_of, references};
use crate::metrics::{self, Counters};
use crate::sending::{Sender, queue_of};

// More at once than that are counted, and only the number is known.
const WAITING_MAX: usize = 20_000;
const BATCH_MAX: usize = 256;

/// Told of what fails in the background.
pub type Failed = Arc<dyn Fn(&str) + Send + Sync>;

/// Who is told, and what of this registry they are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who is told, and of how much.
    pub notifications: Notifications,
    /// `https://registry.example.com`, without a slash at the end; without it, what the request said.
    pub host: Option<String>,
    /// What all paths begin with: nothing, or `/team`.
    pub prefix: String,
    /// Whether clients reach the registry by TLS, where only the request says the host.
    pub is_https: bool,
    /// Which registry tells.
    pub source: Source,
}

/// Tells the endpoints. Cheap to clone; its tasks end with the last of its clones.
#[derive(Clone)]
pub struct Notifier {
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
}

// What tasks have, which must not keep them alive.
struct Shared {
    depot: Depot,
    client: Client,
    failed: Failed,
    current: RwLock<Arc<Current>>,
    events: mpsc::Sender<Event>,
    n_heard: AtomicU64,
    n_lost: AtomicU64,
    // How many were written down, or could not be.
    written: watch::Sender<u64>,
}

struct Current {
    settings: Settings,
    counters: Vec<Arc<Counters>>,
}

#[derive(Default)]
struct Tasks {
    writer: Mutex<Option<JoinHandle<()>>>,
    senders: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let senders =
            std::mem::take(&mut *self.senders.lock().unwrap_or_else(PoisonError::into_inner));
        for task in writer.into_iter().chain(senders) {
            task.abort();
        }
    }
}

impl Notifier {
    /// Begins to tell, on the runtime at hand: first what was not sent before the last end.
    pub fn start(depot: Depot, client: Client, settings: Settings, failed: Failed) -> Self {
        let (events, receiver) = mpsc::channel(WAITING_MAX);
        let (written, _) = watch::channel(0);
        let current = RwLock::new(Arc::new(Current::of(Settings::default(), None)));
        let (n_heard, n_lost) = (AtomicU64::new(0), AtomicU64::new(0));
        let shared =
            Arc::new(Shared { depot, client, failed, current, events, n_heard, n_lost, written });
        let notifier = Self { shared: Arc::clone(&shared), tasks: Arc::default() };
        let writer = tokio::spawn(shared.write(receiver));
        *notifier.tasks.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        notifier.replace(settings);
        notifier
    }

    /// Goes by other settings from now on. What waits for an endpoint that is not there any more stays where it is.
    pub fn replace(&self, settings: Settings) {
        let shared = &self.shared;
        let known = shared.current();
        if known.settings == settings {
            return;
        }
        let current = Arc::new(Current::of(settings, Some(&known)));
        *shared.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&current);
        let endpoints = current.settings.notifications.endpoints.iter().zip(&current.counters);
        let senders = endpoints.map(|(endpoint, counters)| {
            let sender = Sender {
                endpoint: endpoint.clone(),
                counters: Arc::clone(counters),
                depot: shared.depot.clone(),
                client: shared.client.clone(),
                failed: Arc::clone(&shared.failed),
            };
            tokio::spawn(sender.run(shared.written.subscribe()))
        });
        let senders: Vec<JoinHandle<()>> = senders.collect();
        let mut running = self.tasks.senders.lock().unwrap_or_else(PoisonError::into_inner);
        for task in std::mem::replace(&mut *running, senders) {
            task.abort();
        }
    }

    /// Waits until all that was heard is written down, but not for ever.
    pub async fn flush(&self, limit: Duration) {
        let n_heard = self.shared.n_heard.load(Ordering::Acquire);
        let mut written = self.shared.written.subscribe();
        let _ = tokio::time::timeout(limit, written.wait_for(|n| *n >= n_heard)).await;
    }
}

impl Current {
    // An endpoint that was there keeps its counters.
    fn of(settings: Settings, known: Option<&Self>) -> Self {
        let counters = settings.notifications.endpoints.iter().map(|endpoint| {
            let known = known.and_then(|known| {
                let names = known.settings.notifications.endpoints.iter();
                let at = names.into_iter().position(|other| other.name == endpoint.name)?;
                Some(Arc::clone(&known.counters[at]))
            });
            known.unwrap_or_default()
        });
        Self { counters: counters.collect(), settings }
    }
}

fn wants(endpoint: &Endpoint, action: &str, media_type: Option<&str>) -> bool {
    let ignores_type = media_type
        .is_some_and(|kind| endpoint.ignored_media_types.iter().any(|ignored| ignored == kind));
    !ignores_type && !endpoint.ignored_actions.iter().any(|ignored| ignored == action)
}

impl Listener for Notifier {
    fn tell(&self, event: &Event) {
        if action(event).is_none() || self.shared.current().counters.is_empty() {
            return;
        }
        self.shared.n_heard.fetch_add(1, Ordering::Release);
        if self.shared.events.try_send(event.clone()).is_err() {
            self.shared.n_heard.fetch_sub(1, Ordering::Release);
            self.shared.n_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wants(&self, kind: EventKind) -> bool {
        if !matches!(kind, EventKind::BlobPulled) {
            return !matches!(
                kind,
                EventKind::Denied
                    | EventKind::Login
                    | EventKind::Administered
                    | EventKind::TrustChanged
            );
        }
        let current = self.shared.current();
        let endpoints = &current.settings.notifications.endpoints;
        endpoints.iter().any(|endpoint| wants(endpoint, "pull", Some(BLOB_TYPE)))
    }

    fn metrics(&self) -> String {
        let current = self.shared.current();
        let names =
            current.settings.notifications.endpoints.iter().map(|endpoint| endpoint.name.as_str());
        let counters = current.counters.iter().map(|counters| &**counters);
        if current.counters.is_empty() {
            return String::new();
        }
        metrics::text(names.zip(counters), self.shared.n_lost.load(Ordering::Relaxed))
    }
}

impl Shared {
    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn write(self: Arc<Self>, mut receiver: mpsc::Receiver<Event>) {
        let mut events = Vec::new();
        let mut number = 0_u64;
        while receiver.recv_many(&mut events, BATCH_MAX).await > 0 {
            let current = self.current();
            let mut letters = Vec::new();
            for event in &events {
                number += 1;
                letters.extend(self.letters(&current, event, number).await);
            }
            // Asked for at once, so that they reach the disk together.
            let put = letters.iter().map(|letter| {
                self.depot.enqueue(&letter.queue, &letter.key, &letter.body, letter.time)
            });
            for result in join_all(put).await {
                if let Err(error) = result {
                    (self.failed)(&format!("an event for an endpoint cannot be kept: {error}"));
                }
            }
            let n_events = events.len() as u64;
            self.written.send_modify(|written| *written += n_events);
            events.clear();
        }
    }

    // One for each endpoint that wants it.
    async fn letters(&self, current: &Current, event: &Event, number: u64) -> Vec<Letter> {
        let Settings { notifications, host, prefix, is_https, source } = &current.settings;
        let Some(action) = action(event) else { return Vec::new() };
        let media_type = media_type_of(event);
        let wanting: Vec<(usize, &Endpoint)> = notifications
            .endpoints
            .iter()
            .enumerate()
            .filter(|(_, endpoint)| wants(endpoint, action, media_type))
            .collect();
        if wanting.is_empty() {
            return Vec::new();
        }
        let references =
            if notifications.has_references { self.references(event).await } else { Vec::new() };
        let (host, is_https) = (host.as_deref(), *is_https);
        let around = Around { action, host, prefix, is_https, references, source };
        let body = envelope(event, &around);
        let letter = |(index, endpoint): (usize, &Endpoint)| Letter {
            queue: queue_of(endpoint),
            // In the order of what happened; the number tells events of a moment apart.
            key: format!("{:015}-{number:012}-{index:03}", event.time.as_millisecond()),
            body: body.clone(),
            time: event.time,
        };
        wanting.into_iter().map(letter).collect()
    }

    async fn references(&self, event: &Event) -> Vec<sealift_oci::Descriptor> {
        let (Some(repository), Some(digest)) = (&event.repository, &event.digest) else {
            return Vec::new();
        };
        if !matches!(event.kind, EventKind::Pushed | EventKind::Pulled) {
            return Vec::new();
        }
        let target = Target::Digest(digest.clone());
        match self.depot.manifest(repository, &target).await {
            Ok(Some(manifest)) => references(&manifest.media_type, &manifest.bytes),
            // It is gone again, and the event is told without them.
            Ok(None) | Err(_) => Vec::new(),
        }
    }
}

struct Letter {
    queue: String,
    key: String,
    body: Vec<u8>,
    time: Timestamp,
}
