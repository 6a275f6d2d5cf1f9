//! The depot itself: what all its operations share.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sealift_oci::Digest;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::body::Buffers;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::files::Files;
use crate::keeper::{Keeper, Kit, Pulled};
use crate::lease::Leases;
use crate::ledger::Ledger;
use crate::shared::Shelf;
use crate::upload::UploadId;
use crate::{Error, Rules, Settings, SharedSettings};

const N_LOCKS: usize = 64;

/// The registry's storage. Copies of it are the same depot.
#[derive(Clone)]
pub struct Depot(pub(crate) Arc<Inner>);

/// What copies share.
pub(crate) struct Inner {
    // The keeper ends before the ledger is closed, and that before the folder's lock goes.
    pub(crate) keeper: Keeper,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) place: Place,
    pub(crate) settings: Settings,
    pub(crate) rules: RwLock<Arc<Rules>>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) leases: Arc<Leases>,
    // The writer of the ledger may hold these, but never the whole: it would wait for itself when it is dropped.
    pub(crate) cache: Arc<Cache>,
    pub(crate) buffers: Buffers,
    pub(crate) pulled: Arc<Pulled>,
    // A collection and a backup wait for each other.
    pub(crate) collecting: AsyncMutex<()>,
    // Whoever brings or removes a blob's file holds the lock of its digest.
    digests: [Arc<AsyncMutex<()>>; N_LOCKS],
    uploads: Mutex<HashMap<UploadId, Arc<AsyncMutex<()>>>>,
}

/// Where the blobs' bytes are.
pub(crate) enum Place {
    /// In a folder of this process.
    Folder(Arc<Files>),
    /// In a bucket of several replicas.
    Bucket(Arc<Shelf>),
}

impl Depot {
    /// Opens a folder, which is made if it is not there. Another process that has it open is a refusal.
    pub fn open_folder(folder: &Path, settings: &Settings) -> Result<Self, Error> {
        let files = Arc::new(Files::open(folder, settings.reserve_bytes)?);
        let inner = Inner::new(Ledger::open(folder)?, Place::Folder(files), settings)?;
        inner.recover_uploads()?;
        inner.recover_marked()?;
        inner.wake();
        Ok(Self(Arc::new(inner)))
    }

    /// Opens a bucket and a database that other replicas may have open too. Whatever one of them answered with success
    /// the others serve at once, and what one deleted none serves any more.
    pub async fn open_shared(shared: SharedSettings, settings: &Settings) -> Result<Self, Error> {
        let shelf = Shelf::new(shared.bucket, shared.part_bytes)?;
        shelf.check().await?;
        let (database, settings) = (shared.database, settings.clone());
        let open = move || {
            let ledger = Ledger::open_shared(&database)?;
            Inner::new(ledger, Place::Bucket(Arc::new(shelf)), &settings)
        };
        let opened = tokio::task::spawn_blocking(open).await;
        Ok(Self(Arc::new(opened.map_err(|_| Error::lost("the ledger"))??)))
    }

    /// Whether other replicas may have it open too.
    pub fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    /// The size from which chunks of an upload cost nothing extra, if there is such a one: smaller ones are taken too.
    pub fn chunk_bytes_min(&self) -> Option<u64> {
        match &self.0.place {
            Place::Folder(_) => None,
            Place::Bucket(shelf) => Some(shelf.part_bytes as u64),
        }
    }

    /// Replaces the rules; what is under way is judged by those with which it began.
    pub fn set_rules(&self, rules: Rules) {
        *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// The rules as they are.
    pub fn rules(&self) -> Arc<Rules> {
        self.0.rules()
    }

    /// Whether the depot can take in more: the disk has room and does not fail.
    pub fn health(&self) -> Result<(), Error> {
        self.0.ledger.main().check()?;
        self.0.ledger.uploads().check()?;
        self.0.check_free(0)?;
        let reason = self.0.keeper.trouble();
        reason.map_or(Ok(()), |reason| Err(Error::Unavailable { what: "the journal", reason }))
    }

    /// How often the disk was waited for since the depot was opened.
    pub fn n_syncs(&self) -> u64 {
        let of_files = match &self.0.place {
            Place::Folder(files) => files.n_syncs(),
            Place::Bucket(_) => 0,
        };
        of_files + self.0.ledger.main().n_syncs()
    }
}

impl fmt::Debug for Depot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Depot").finish_non_exhaustive()
    }
}

impl Inner {
    fn new(ledger: Ledger, place: Place, settings: &Settings) -> Result<Self, Error> {
        let ledger = Arc::new(ledger);
        let clock = Arc::new(Clock::open(&ledger)?);
        let pulled = Arc::<Pulled>::default();
        let files = match &place {
            Place::Folder(files) => Some(Arc::clone(files)),
            Place::Bucket(_) => None,
        };
        let keeper = Keeper::start(Kit {
            ledger: Arc::clone(&ledger),
            files,
            clock: Arc::clone(&clock),
            pulled: Arc::clone(&pulled),
        })?;
        Ok(Self {
            cache: Arc::new(Cache::new(settings.cache_bytes)),
            settings: settings.clone(),
            rules: RwLock::default(),
            leases: Arc::default(),
            buffers: Buffers::default(),
            collecting: AsyncMutex::default(),
            digests: std::array::from_fn(|_| Arc::default()),
            uploads: Mutex::default(),
            keeper,
            ledger,
            place,
            clock,
            pulled,
        })
    }

    /// Whether other replicas may have the same ledger open.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.place, Place::Bucket(_))
    }

    /// The folder; what is done there only is refused for a bucket.
    pub(crate) fn files(&self) -> Result<&Arc<Files>, Error> {
        match &self.place {
            Place::Folder(files) => Ok(files),
            Place::Bucket(_) => Err(Error::Shared { what: "a folder" }),
        }
    }

    /// Refuses what the disk cannot take. A bucket has no end.
    pub(crate) fn check_free(&self, n_bytes: u64) -> Result<(), Error> {
        match &self.place {
            Place::Folder(files) => files.check_free(n_bytes),
            Place::Bucket(_) => Ok(()),
        }
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says that the journal has new lines.
    pub(crate) fn wake(&self) {
        self.keeper.wake();
    }

    /// When a lease that is taken now ends.
    pub(crate) fn lease_end(&self) -> i64 {
        let lease = i64::try_from(self.settings.lease_secs).unwrap_or(i64::MAX);
        self.clock.now().saturating_add(lease)
    }

    /// Waits until nobody else brings or removes this blob's file.
    pub(crate) async fn lock_digest(&self, digest: &Digest) -> OwnedMutexGuard<()> {
        Arc::clone(&self.digests[lock_of(digest)]).lock_owned().await
    }

    /// The same for several at once.
    pub(crate) async fn lock_digests(&self, digests: &[Digest]) -> Vec<OwnedMutexGuard<()>> {
        let mut places: Vec<_> = digests.iter().map(lock_of).collect();
        // In one order, so that two of these cannot wait for each other.
        places.sort_unstable();
        places.dedup();
        let mut guards = Vec::with_capacity(places.len());
        for place in places {
            guards.push(Arc::clone(&self.digests[place]).lock_owned().await);
        }
        guards
    }

    /// The lock of an upload.
    pub(crate) fn upload_lock(&self, id: &UploadId) -> Arc<AsyncMutex<()>> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if uploads.len() > 1024 {
            uploads.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(uploads.entry(id.clone()).or_default())
    }
}

fn lock_of(digest: &Digest) -> usize {
    let byte = u8::from_str_radix(&digest.hex()[..2], 16).unwrap_or(0);
    usize::from(byte) % N_LOCKS
}
