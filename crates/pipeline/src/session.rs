//! What every part of the job needs at hand.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use sealift_oci::Platform;
use sealift_store::Store;

use crate::network::Network;
use crate::{Error, Observer};

/// The sockets of daemons that have images.
#[derive(Clone, Debug, Default)]
pub struct Daemons {
    /// Docker's.
    pub docker: Option<PathBuf>,
    /// Podman's.
    pub podman: Option<PathBuf>,
    /// containerd's.
    pub containerd: Option<PathBuf>,
    /// The namespace of containerd's images, if not `default`.
    pub containerd_namespace: Option<String>,
}

/// What every part of the job needs at hand.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The local store.
    pub store: &'a Store,
    /// Registries and archives; nothing is opened before it is needed.
    pub network: &'a Network,
    /// The sockets of daemons that have images.
    pub daemons: &'a Daemons,
    /// The platform to choose of an image for several, if not this machine's.
    pub platform: Option<&'a Platform>,
    /// Set once the user wants to stop.
    pub cancel: &'a AtomicBool,
    /// Hears what happens.
    pub observer: &'a dyn Observer,
    /// Seconds since 1970, as the clock has it.
    pub now_secs: i64,
    /// When that was, for measuring.
    pub started: std::time::Instant,
    /// `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<i64>,
}

impl Session<'_> {
    /// Stops if the user wants to stop.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.cancel.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// The platform to choose.
    pub(crate) fn wanted_platform(&self) -> Platform {
        self.platform.cloned().unwrap_or_else(Platform::host)
    }

    /// The time now: that of the start, and what has passed since.
    pub(crate) fn clock_secs(&self) -> i64 {
        let passed = self.started.elapsed().as_secs();
        self.now_secs.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// The time that documents carry.
    pub fn document_secs(&self) -> i64 {
        self.source_date_epoch.unwrap_or(self.now_secs)
    }
}

/// Nanoseconds since 1970 of an RFC 3339 time.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}
