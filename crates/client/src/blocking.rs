//! The client for callers that are not async. Runtime and client are made when first needed, so that a job that needs no
//! network pays nothing for it.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::{Client, Error, Settings};

/// A client and the runtime that drives it.
pub struct Blocking {
    settings: Settings,
    open: OnceLock<(Runtime, Client)>,
}

impl Blocking {
    /// A client of these settings; nothing is opened yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, open: OnceLock::new() }
    }

    /// The runtime and the client.
    pub fn open(&self) -> Result<&(Runtime, Client), Error> {
        if let Some(open) = self.open.get() {
            return Ok(open);
        }
        let client = Client::new(self.settings.clone())?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Error::Setup(error.to_string()))?;
        Ok(self.open.get_or_init(|| (runtime, client)))
    }

    /// Does something and waits for it.
    pub fn run<T>(&self, job: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Error> {
        let (runtime, client) = self.open()?;
        runtime.block_on(job(client))
    }
}
