//! One endpoint: its letters in their order, each until it arrived.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sealift_client::Client;
use sealift_depot::{Depot, Job};
use sealift_registry::configuration::Endpoint;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::envelope::MEDIA_TYPE;
use crate::metrics::Counters;
use crate::notifier::Failed;

// Somebody else may have written into the queue, or a lease may have ended.
const POLL: Duration = Duration::from_secs(2);
// A process that died with a letter in its hands leaves it for so long; the others wait behind it.
const LEASE: Duration = Duration::from_secs(10);
// Before the threshold is reached.
const FIRST_WAIT: Duration = Duration::from_millis(100);
// Whoever does not hear of it for a week will not want to.
const AGE_MAX_SECS: i64 = 7 * 24 * 60 * 60;

/// Where letters for an endpoint wait.
pub(crate) fn queue_of(endpoint: &Endpoint) -> String {
    format!("notification:{}", endpoint.name)
}

/// Sends to one endpoint.
pub(crate) struct Sender {
    pub(crate) endpoint: Endpoint,
    pub(crate) counters: Arc<Counters>,
    pub(crate) depot: Depot,
    pub(crate) client: Client,
    pub(crate) failed: Failed,
}

impl Sender {
    /// Sends until it is stopped. `written` changes when there is more to send.
    pub(crate) async fn run(self, mut written: watch::Receiver<u64>) {
        let (queue, lease) = (queue_of(&self.endpoint), LEASE.max(self.endpoint.timeout * 2));
        let mut n_failed = 0_u32;
        loop {
            // Before the look: what is written after it wakes.
            drop(written.borrow_and_update());
            let step = match self.depot.claim_first(&queue, lease).await {
                Ok(None) => {
                    let _ = timeout(POLL, written.changed()).await;
                    continue;
                }
                Ok(Some(job)) => self.send(&job, &mut n_failed).await,
                Err(error) => Err(error),
            };
            if let Err(error) = step {
                let name = &self.endpoint.name;
                (self.failed)(&format!("the events for `{name}` cannot be read: {error}"));
                sleep(POLL).await;
            }
        }
    }

    async fn send(&self, job: &Job, n_failed: &mut u32) -> Result<(), sealift_depot::Error> {
        let Err(reason) = self.post(job).await else {
            Counters::add(&self.counters.sent);
            *n_failed = 0;
            return self.depot.finish_job(job).await;
        };
        Counters::add(&self.counters.failed);
        *n_failed = n_failed.saturating_add(1);
        let (name, threshold) = (&self.endpoint.name, self.endpoint.threshold);
        if is_old(job) {
            Counters::add(&self.counters.dropped);
            (self.failed)(&format!("an event for `{name}` is given up after 7 days: {reason}"));
            return self.depot.finish_job(job).await;
        }
        if *n_failed == threshold {
            (self.failed)(&format!("`{name}` takes no events, which are kept for it: {reason}"));
        }
        // It stays the first of the queue.
        self.depot.retry_job(job, time_of(job)).await?;
        let wait = FIRST_WAIT.saturating_mul(1 << (*n_failed - 1).min(10));
        let backoff = self.endpoint.backoff;
        sleep(if *n_failed >= threshold { backoff } else { wait.min(backoff) }).await;
        Ok(())
    }

    async fn post(&self, job: &Job) -> Result<(), String> {
        let mut headers = vec![("Content-Type", MEDIA_TYPE.to_owned())];
        let own = self.endpoint.headers.iter();
        headers.extend(own.map(|(name, value)| (name.as_str(), value.expose().to_owned())));
        let posted = self.client.notify(&self.endpoint.url, &headers, job.value.to_vec());
        match timeout(self.endpoint.timeout, posted).await {
            // Distribution takes a redirection for an answer too.
            Ok(Ok(200..400)) => Ok(()),
            Ok(Ok(status)) => Err(format!("the answer has status {status}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("there is no answer in time".to_owned()),
        }
    }
}

// When it happened, which its key begins with.
fn time_of(job: &Job) -> Timestamp {
    let milliseconds = job.key.split('-').next().and_then(|text| text.parse().ok());
    milliseconds.and_then(|n| Timestamp::from_millisecond(n).ok()).unwrap_or_default()
}

fn is_old(job: &Job) -> bool {
    Timestamp::now().as_second().saturating_sub(time_of(job).as_second()) > AGE_MAX_SECS
}
