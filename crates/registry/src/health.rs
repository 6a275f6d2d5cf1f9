//! Whether the registry should serve now: checks that an administrator wrote down, done again and again in the
//! background. While one fails, requests are refused with 503, as distribution does it; health and metrics are answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sealift_client::Client;
use sealift_depot::Depot;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::configuration::{Check, CheckKind};

// For checks without a limit of their own.
const CHECK_TIME: Duration = Duration::from_secs(30);

/// The checks at work. They end when this is dropped.
pub struct Health {
    states: Vec<Arc<State>>,
    tasks: Vec<JoinHandle<()>>,
}

struct State {
    name: String,
    is_down: AtomicBool,
    reason: Mutex<String>,
}

impl Health {
    /// Begins to check, on the runtime at hand.
    pub fn start(checks: &[Check], depot: &Depot, client: &Client) -> Self {
        let mut health = Self { states: Vec::new(), tasks: Vec::new() };
        for check in checks {
            let state = Arc::new(State {
                name: check.name(),
                is_down: AtomicBool::new(false),
                reason: Mutex::default(),
            });
            health.states.push(Arc::clone(&state));
            let (check, depot, client) = (check.clone(), depot.clone(), client.clone());
            health.tasks.push(tokio::spawn(watch(check, state, depot, client)));
        }
        health
    }

    /// Whether all is well.
    pub fn is_well(&self) -> bool {
        self.states.iter().all(|state| !state.is_down.load(Ordering::Relaxed))
    }

    /// What is not well, by the names of the checks.
    pub fn faults(&self) -> BTreeMap<String, String> {
        let down = self.states.iter().filter(|state| state.is_down.load(Ordering::Relaxed));
        down.map(|state| {
            let reason = state.reason.lock().expect("no panic while held").clone();
            (state.name.clone(), reason)
        })
        .collect()
    }
}

impl Drop for Health {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn watch(check: Check, state: Arc<State>, depot: Depot, client: Client) {
    let mut n_failed = 0_u32;
    loop {
        match look(&check.kind, &depot, &client).await {
            Ok(()) => {
                n_failed = 0;
                state.is_down.store(false, Ordering::Relaxed);
            }
            Err(reason) => {
                n_failed = n_failed.saturating_add(1);
                *state.reason.lock().expect("no panic while held") = reason;
                if n_failed >= check.threshold {
                    state.is_down.store(true, Ordering::Relaxed);
                }
            }
        }
        sleep(check.interval).await;
    }
}

async fn look(kind: &CheckKind, depot: &Depot, client: &Client) -> Result<(), String> {
    let late = |limit: Duration| format!("there is no answer within {} ms", limit.as_millis());
    match kind {
        CheckKind::Storage => match timeout(CHECK_TIME, depot.statistics()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(late(CHECK_TIME)),
        },
        // A file that is put there takes the registry out of service.
        CheckKind::File(path) => match tokio::fs::symlink_metadata(path).await {
            Ok(_) => Err("the file is there".to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(format!("it is not known whether the file is there: {error}")),
        },
        CheckKind::Http { url, headers, status, limit } => {
            let limit = limit.unwrap_or(CHECK_TIME);
            let headers: Vec<(&str, String)> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.expose().to_owned()))
                .collect();
            match timeout(limit, client.look(url, &headers)).await {
                Ok(Ok(found)) if found == *status => Ok(()),
                Ok(Ok(found)) => Err(format!("the status is {found} instead of {status}")),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(late(limit)),
            }
        }
        CheckKind::Tcp { address, limit } => {
            let limit = limit.unwrap_or(CHECK_TIME);
            match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(late(limit)),
            }
        }
    }
}
