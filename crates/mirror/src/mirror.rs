//! What is asked for, from the storage or from the upstream.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sealift_depot::{Blob, Depot, Manifest, Target};
use sealift_oci::{Digest, RepositoryName, Tag};

use crate::flight::{End, Flight};
use crate::lists::{List, ListKey, Lists};
use crate::metrics::{self, Kind, Result as Counted, UpstreamState};
use crate::reading::Coming;
use crate::route::{Route, Routes};
use crate::seen::{Freshness, Seen};
use crate::shared::Shared;
use crate::transfer::{FILE_PREFIX, Transfer};
use crate::upstream::{Upstream, Wanted, address};
use crate::{Error, MirrorError, Settings};

/// The mirrors of a registry. Cheap to clone.
#[derive(Clone)]
pub struct Mirror(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) depot: Depot,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) seen: Seen,
    pub(crate) lists: Lists,
    pub(crate) running_lists: Shared<ListKey, Result<List, MirrorError>>,
    routes: Routes,
    folder: PathBuf,
    manifests: Shared<ManifestKey, Result<Arc<Manifest>, MirrorError>>,
    flights: Mutex<HashMap<BlobKey, Arc<Flight>>>,
}

type ManifestKey = (RepositoryName, String);

// Not only upstream and digest: that one may read a repository's blobs says nothing of another's, and the upstream knows.
type BlobKey = (RepositoryName, Digest);

/// A manifest of an upstream.
#[derive(Clone, Debug)]
pub struct Mirrored {
    /// The manifest.
    pub manifest: Arc<Manifest>,
    /// What clients are to be warned of: the copy could not be compared with the upstream's.
    pub warning: Option<String>,
}

/// A blob of an upstream.
#[derive(Debug)]
pub enum MirroredBlob {
    /// It is in the storage.
    Kept(Blob),
    /// It is on its way.
    Coming(Coming),
}

impl Mirror {
    /// The mirrors of these settings, over a storage. `folder` is for files of blobs on their way and must be on the
    /// storage's file system. No upstream is asked anything yet.
    pub fn open(settings: &Settings, depot: Depot, folder: &Path) -> Result<Self, Error> {
        let hosts = settings
            .upstreams
            .iter()
            .map(|upstream| address(upstream).map(|(host, path, _)| (host, path)))
            .collect::<Result<Vec<_>, _>>()?;
        let routes = Routes::new(&settings.upstreams, &hosts)?;
        let upstreams =
            settings.upstreams.iter().map(Upstream::new).collect::<Result<Vec<_>, _>>()?;
        clean(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
        Ok(Self(Arc::new(Inner {
            depot,
            upstreams,
            routes,
            folder: folder.to_owned(),
            seen: Seen::default(),
            lists: Lists::default(),
            running_lists: Shared::default(),
            manifests: Shared::default(),
            flights: Mutex::default(),
        })))
    }

    /// The upstreams as they are now, in the order of the settings.
    pub fn states(&self) -> Vec<UpstreamState> {
        self.0.upstreams.iter().map(Upstream::state).collect()
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// Where a name comes from, if it is an upstream's. `namespace` is the value of `?ns=`.
    pub fn route(&self, name: &RepositoryName, namespace: Option<&str>) -> Option<Route> {
        self.0.routes.find(name, namespace)
    }

    /// A manifest, by its tag or digest.
    pub async fn manifest(&self, route: &Route, target: &Target) -> Result<Mirrored, MirrorError> {
        match target {
            Target::Digest(digest) => self.by_digest(route, digest).await,
            Target::Tag(tag) => self.by_tag(route, tag).await,
        }
    }

    async fn by_digest(&self, route: &Route, digest: &Digest) -> Result<Mirrored, MirrorError> {
        let upstream = self.0.upstream(route);
        let name = digest.to_string();
        let fresh = |manifest| Mirrored { manifest, warning: None };
        if let Some(manifest) = self.0.kept(route, &Target::Digest(digest.clone())).await? {
            upstream.counters.answered(Kind::Manifest, Counted::Hit);
            return Ok(fresh(manifest));
        }
        if self.0.freshness(route, &name) == Freshness::Missing {
            upstream.counters.answered(Kind::Manifest, Counted::Negative);
            return Err(self.0.not_found(route, &name));
        }
        let (inner, of, wanted) = (Arc::clone(&self.0), route.clone(), digest.clone());
        let work = || async move { inner.fetch_digest(&of, &wanted).await };
        let result = self.shared(route, &name, work).await;
        let counted = if result.is_ok() { Counted::Miss } else { Counted::Failed };
        upstream.counters.answered(Kind::Manifest, counted);
        result.map(fresh)
    }

    async fn by_tag(&self, route: &Route, tag: &Tag) -> Result<Mirrored, MirrorError> {
        let upstream = self.0.upstream(route);
        let freshness = self.0.freshness(route, tag.as_str());
        if freshness == Freshness::Missing {
            upstream.counters.answered(Kind::Tag, Counted::Negative);
            return Err(self.0.not_found(route, tag.as_str()));
        }
        let kept = self.0.kept(route, &Target::Tag(tag.clone())).await?;
        if let (Freshness::Fresh, Some(manifest)) = (freshness, &kept) {
            upstream.counters.answered(Kind::Tag, Counted::Hit);
            return Ok(Mirrored { manifest: Arc::clone(manifest), warning: None });
        }
        let (inner, of, wanted) = (Arc::clone(&self.0), route.clone(), tag.clone());
        let work = || async move { inner.check_tag(&of, &wanted).await };
        match (self.shared(route, tag.as_str(), work).await, kept) {
            (Ok(manifest), kept) => {
                let is_same = kept.is_some_and(|kept| kept.digest == manifest.digest);
                let counted = if is_same { Counted::Hit } else { Counted::Miss };
                upstream.counters.answered(Kind::Tag, counted);
                Ok(Mirrored { manifest, warning: None })
            }
            (Err(error), Some(manifest))
                if error.is_outage() && self.0.may_be_stale(route, freshness) =>
            {
                upstream.counters.answered(Kind::Tag, Counted::Stale);
                let warning = Some(stale_warning(&upstream.host, &error, freshness));
                Ok(Mirrored { manifest, warning })
            }
            (Err(error), _) => {
                upstream.counters.answered(Kind::Tag, Counted::Failed);
                Err(error)
            }
        }
    }

    async fn shared<F>(
        &self,
        route: &Route,
        name: &str,
        work: impl FnOnce() -> F,
    ) -> Result<Arc<Manifest>, MirrorError>
    where
        F: Future<Output = Result<Arc<Manifest>, MirrorError>> + Send + 'static,
    {
        let key = (route.ours.clone(), name.to_owned());
        let given_up = || MirrorError::Storage {
            what: name.to_owned(),
            reason: "fetching it was given up".to_owned(),
        };
        self.0.manifests.run(key, work).await.unwrap_or_else(|| Err(given_up()))
    }

    /// A blob. Several who ask at once for the same one cost one request to the upstream.
    pub async fn blob(&self, route: &Route, digest: &Digest) -> Result<MirroredBlob, MirrorError> {
        let counters = &self.0.upstream(route).counters;
        // Once more if a flight ended in the storage, or went past the place where one could still join.
        for _ in 0..3 {
            if let Some(blob) = self.0.kept_blob(route, digest).await? {
                counters.answered(Kind::Blob, Counted::Hit);
                return Ok(MirroredBlob::Kept(blob));
            }
            if self.0.freshness(route, &digest.to_string()) == Freshness::Missing {
                counters.answered(Kind::Blob, Counted::Negative);
                return Err(self.0.not_found(route, &digest.to_string()));
            }
            let flight = self.flight(route, digest);
            let coming = Coming::join(Arc::clone(&flight), Arc::clone(counters));
            let opened = opened(&flight).await;
            match opened {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => {
                    counters.answered(Kind::Blob, Counted::Failed);
                    return Err(error);
                }
            }
            counters.answered(Kind::Blob, Counted::Miss);
            return Ok(MirroredBlob::Coming(coming));
        }
        Err(MirrorError::Storage {
            what: digest.to_string(),
            reason: "it was taken away as soon as it came".to_owned(),
        })
    }

    /// How long a blob is, without fetching it.
    pub async fn blob_size(&self, route: &Route, digest: &Digest) -> Result<u64, MirrorError> {
        if let Some(blob) = self.0.kept_blob(route, digest).await? {
            return Ok(blob.size);
        }
        let known = self.flights().get(&(route.ours.clone(), digest.clone())).cloned();
        if let Some(total) = known.and_then(|flight| flight.subscribe().borrow().total) {
            return Ok(total);
        }
        let upstream = self.0.upstream(route);
        let rest = format!("blobs/{digest}");
        let wanted = Wanted { route, rest: &rest, head_only: true, known: None, from: 0 };
        let answer = upstream.ask(wanted).await?;
        answer.length().ok_or_else(|| upstream.wrong(&wanted, "it does not say how long it is"))
    }

    // The flight of a blob, begun if there is none that can be joined.
    fn flight(&self, route: &Route, digest: &Digest) -> Arc<Flight> {
        let key = (route.ours.clone(), digest.clone());
        let mut flights = self.flights();
        if let Some(flight) = flights.get(&key).filter(|flight| flight.can_be_joined()) {
            return Arc::clone(flight);
        }
        let flight = Arc::new(Flight::new());
        flights.insert(key.clone(), Arc::clone(&flight));
        let landing = Landing { mirror: self.clone(), key, flight: Arc::clone(&flight) };
        let route = route.clone();
        tokio::spawn(async move { landing.run(&route).await });
        flight
    }

    fn flights(&self) -> std::sync::MutexGuard<'_, HashMap<BlobKey, Arc<Flight>>> {
        self.0.flights.lock().expect("no panic while held")
    }

    /// What was asked and how it was answered, as Prometheus reads it.
    pub fn metrics(&self) -> String {
        let upstreams = self.0.upstreams.iter();
        metrics::text(upstreams.map(|upstream| (upstream.name.as_str(), &*upstream.counters)))
    }
}

impl Inner {
    pub(crate) fn upstream(&self, route: &Route) -> &Upstream {
        &self.upstreams[route.upstream]
    }

    pub(crate) fn freshness(&self, route: &Route, name: &str) -> Freshness {
        let settings = &self.upstream(route).settings;
        let periods = (settings.ttl.0, settings.negative_ttl.0);
        self.seen.freshness(route.ours.as_str(), name, periods, Instant::now())
    }

    pub(crate) fn may_be_stale(&self, route: &Route, freshness: Freshness) -> bool {
        let limit = self.upstream(route).settings.stale.0;
        match freshness {
            Freshness::Due(Some(age)) if !limit.is_zero() => age <= limit,
            _ => true,
        }
    }

    pub(crate) fn not_found(&self, route: &Route, name: &str) -> MirrorError {
        let separator = if name.contains(':') { '@' } else { ':' };
        MirrorError::NotFound {
            upstream: self.upstream(route).host.clone(),
            what: format!("{}{separator}{name}", route.theirs),
        }
    }
}

// Waits for the first bytes, so that an error is an answer of its own and not a broken one. `false` if it is in the
// storage after all.
async fn opened(flight: &Flight) -> Result<bool, MirrorError> {
    let mut progress = flight.subscribe();
    let found = progress.wait_for(|progress| progress.published > 0 || progress.end.is_some());
    let Ok(progress) = found.await else { return Ok(false) };
    match &progress.end {
        Some(End::Failed(error)) => Err(error.clone()),
        Some(End::Kept) => Ok(false),
        _ => Ok(true),
    }
}

// A flight that is in the table for as long as this lives.
struct Landing {
    mirror: Mirror,
    key: BlobKey,
    flight: Arc<Flight>,
}

impl Landing {
    async fn run(&self, route: &Route) {
        let (inner, digest) = (&self.mirror.0, &self.key.1);
        // It may have come between the look into the storage and the look for a flight.
        if let Ok(Some(_)) = inner.kept_blob(route, digest).await {
            return self.flight.end(End::Kept);
        }
        let upstream = inner.upstream(route);
        let (flight, folder) = (&self.flight, inner.folder.as_path());
        let has_room = |bytes| inner.depot.check_room(bytes).is_ok();
        let is_unknown = || {
            let name = digest.to_string();
            inner.seen.note(route.ours.as_str(), &name, false, Instant::now());
        };
        let (has_room, is_unknown) = (&has_room, &is_unknown);
        let transfer = Transfer { upstream, route, digest, flight, folder, has_room, is_unknown };
        if let Ok(landed) = transfer.run().await {
            inner.keep_blob(route, digest, landed).await;
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        // Nobody waits for ever, whatever happened.
        self.flight.end(End::Failed(MirrorError::Storage {
            what: self.key.1.to_string(),
            reason: "fetching it was given up".to_owned(),
        }));
        let mut flights = self.mirror.flights();
        if flights.get(&self.key).is_some_and(|known| Arc::ptr_eq(known, &self.flight)) {
            flights.remove(&self.key);
        }
    }
}

fn stale_warning(host: &str, error: &MirrorError, freshness: Freshness) -> String {
    let age = match freshness {
        Freshness::Due(Some(age)) => format!("was confirmed {} ago", describe(age)),
        _ => "has not been confirmed since this server was started".to_owned(),
    };
    format!("{host} cannot be asked ({}); the copy {age}", error.reason())
}

fn describe(age: Duration) -> String {
    match age.as_secs() {
        secs @ 0..120 => format!("{secs} s"),
        secs @ 120..7200 => format!("{} min", secs / 60),
        secs => format!("{} h", secs / 3600),
    }
}

// What a process that was killed left behind.
fn clean(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(FILE_PREFIX) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
