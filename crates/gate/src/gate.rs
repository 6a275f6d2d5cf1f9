//! The gate as the registry's hook: a verdict for each pull, most of them remembered.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sealift_client::Client;
use sealift_depot::{Depot, Target};
use sealift_oci::{Digest, Reference, RepositoryName, Tag};
use sealift_registry::hooks::{Answer, Asked, Denied};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::judgement::{Judge, Question, Verdict};
use crate::metrics::Numbers;
use crate::rules::{Environment, Rules};
use crate::shape::{Shape, shape};
use crate::source::Shelf;
use crate::verdicts::{Name, Verdicts};
use crate::webhook::Hooks;
use crate::{Error, Settings, record};

// Judging takes a processor for a while.
const JUDGED_AT_ONCE: usize = 4;
// So does matching for a page, or proving signatures.
const SHOWN_AT_ONCE: usize = 2;
const JUDGED_FOR_MAX: Duration = Duration::from_secs(50);
// Who asks for the same at the same time waits for one judgement.
const LANES: usize = 64;

/// The gate.
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) depot: Depot,
    pub(crate) environment: Environment,
    pub(crate) runtime: Handle,
    pub(crate) verdicts: Verdicts,
    pub(crate) numbers: Numbers,
    rules: RwLock<(Arc<Rules>, Arc<Hooks>)>,
    lanes: [Mutex<()>; LANES],
    places: Semaphore,
    /// Of those who look at pages; pulls do not wait for them.
    pub(crate) seats: Semaphore,
    client: OnceLock<Client>,
}

impl Gate {
    /// A gate over a depot. Must be called within the runtime that serves.
    pub fn new(depot: Depot, environment: Environment, settings: &Settings) -> Result<Self, Error> {
        let rules = Arc::new(Rules::read(settings, 1)?);
        let hooks = Arc::new(Hooks::read(settings)?);
        Ok(Self(Arc::new(Inner {
            depot,
            environment,
            runtime: Handle::current(),
            verdicts: Verdicts::default(),
            numbers: Numbers::default(),
            rules: RwLock::new((rules, hooks)),
            lanes: std::array::from_fn(|_| Mutex::new(())),
            places: Semaphore::new(JUDGED_AT_ONCE),
            seats: Semaphore::new(SHOWN_AT_ONCE),
            client: OnceLock::new(),
        })))
    }

    /// Reads the files of the rules again. If one is wrong, the old rules stay in force.
    pub fn reload(&self, settings: &Settings) -> Result<(), Error> {
        let rules = Arc::new(Rules::read(settings, self.0.rules().revision + 1)?);
        let hooks = Arc::new(Hooks::read(settings)?);
        *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = (rules, hooks);
        self.0.verdicts.forget_all();
        Ok(())
    }

    /// The files that its rules come from: when one changes, they have to be read again.
    pub fn files(&self) -> Vec<PathBuf> {
        let rules = self.0.rules();
        let trust = rules.trust.iter().flat_map(|policy| policy.files.iter().cloned());
        rules.settings.files().into_iter().chain(trust).collect()
    }

    /// What it counted.
    pub fn numbers(&self) -> &Numbers {
        &self.0.numbers
    }

    /// Judges an image for a page or a command: what a pull of it would be told now.
    pub async fn verdict(
        &self,
        repository: &RepositoryName,
        target: &Target,
    ) -> Result<Option<Arc<Verdict>>, Error> {
        let Some(manifest) = self.0.depot.manifest(repository, target).await? else {
            return Ok(None);
        };
        if shape(&manifest.media_type, &manifest.bytes) == Shape::Artifact {
            return Ok(Some(Arc::default()));
        }
        let rules = self.0.rules();
        self.0.judged(&rules, repository, target, &manifest).await.map(Some)
    }
}

impl Inner {
    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    pub(crate) fn hooks(&self) -> Arc<Hooks> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// The client that tells others; made when there is something to tell.
    pub(crate) fn client(&self) -> Result<&Client, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client =
            Client::new(self.environment.client.clone()).map_err(sealift_pipeline::Error::from)?;
        Ok(self.client.get_or_init(|| client))
    }

    pub(crate) fn shelf(&self, repository: &RepositoryName) -> Arc<Shelf> {
        let (depot, runtime) = (self.depot.clone(), self.runtime.clone());
        Arc::new(Shelf { depot, repository: repository.clone(), runtime })
    }

    /// The name under which an image is judged.
    pub(crate) fn name(
        &self,
        repository: &RepositoryName,
        tag: Option<&Tag>,
        digest: &Digest,
    ) -> Result<Reference, Error> {
        let registry = &self.environment.name;
        let text = match tag {
            Some(tag) => format!("{registry}/{repository}:{tag}"),
            None => format!("{registry}/{repository}@{digest}"),
        };
        Reference::parse(&text).map_err(|error| Error::Setting {
            setting: format!("the registry's name `{registry}`"),
            reason: error.to_string(),
        })
    }

    // A verdict that still counts. There is none of what nothing runs.
    async fn recall(
        &self,
        rules: &Rules,
        repository: &RepositoryName,
        name: &Name,
    ) -> Result<Result<Arc<Verdict>, u64>, Error> {
        // Another replica may have changed the repository: a verdict counts for the state that it was found in.
        let changes = self.depot.changes(repository).await?;
        let revision = rules.revision.wrapping_shl(40).wrapping_add(changes);
        let Ok(known) = self.verdicts.find(repository, name, revision) else {
            return Ok(Err(revision));
        };
        self.numbers.recalled.fetch_add(1, Ordering::Relaxed);
        Ok(Ok(known))
    }

    async fn judged(
        self: &Arc<Self>,
        rules: &Arc<Rules>,
        repository: &RepositoryName,
        target: &Target,
        manifest: &Arc<sealift_depot::Manifest>,
    ) -> Result<Arc<Verdict>, Error> {
        let key = name_of(target, &manifest.digest);
        let revision = match self.recall(rules, repository, &key).await? {
            Ok(known) => return Ok(known),
            Err(revision) => revision,
        };
        let lane = usize::from(manifest.digest.hex().as_bytes()[0]) % LANES;
        let _lane = self.lanes[lane].lock().await;
        let moment = match self.verdicts.find(repository, &key, revision) {
            Ok(known) => return Ok(known),
            Err(moment) => moment,
        };
        let _place = self.places.acquire().await;
        let began = Instant::now();
        let question = Question {
            shelf: self.shelf(repository),
            manifest: Arc::clone(manifest),
            name: self.name(repository, key.1.as_ref(), &manifest.digest)?,
            parents: record::parents(&self.depot, repository, &manifest.digest).await?,
        };
        let (inner, rules_of) = (Arc::clone(self), Arc::clone(rules));
        let judging = tokio::task::spawn_blocking(move || {
            let Inner { environment, runtime, .. } = &*inner;
            Judge { environment, rules: &rules_of, runtime }.judge(&question)
        });
        let failed = |reason: &str| Error::Record {
            what: manifest.digest.to_string(),
            reason: reason.to_owned(),
        };
        let verdict = match timeout(JUDGED_FOR_MAX, judging).await {
            Ok(Ok(verdict)) => Arc::new(verdict),
            Ok(Err(_)) => return Err(failed("the judgement broke down")),
            Err(_) => return Err(failed("the judgement took too long")),
        };
        self.numbers.judging.add(began.elapsed());
        let lasting = Duration::from_secs(rules.settings.verdict_seconds);
        self.verdicts.keep(repository, key, &verdict, (moment, revision), lasting);
        Ok(verdict)
    }

    async fn answer(self: &Arc<Self>, asked: Asked<'_>) -> Answer {
        let rules = self.rules();
        let user = asked.principal.name.as_deref();
        if !rules.judges() || rules.bypasses(user) {
            return Answer::Allow;
        }
        let manifest = asked.manifest;
        let name = name_of(asked.target, &manifest.digest);
        let verdict = match self.recall(&rules, asked.repository, &name).await {
            Ok(Ok(known)) => known,
            _ if shape(&manifest.media_type, &manifest.bytes) == Shape::Artifact => {
                return Answer::Allow;
            }
            _ => {
                let shared = Arc::new(manifest.clone());
                match self.judged(&rules, asked.repository, asked.target, &shared).await {
                    Ok(verdict) => verdict,
                    Err(error) => Arc::new(Verdict::of_error(&error)),
                }
            }
        };
        let numbers = &self.numbers;
        match refusal(asked.repository, &manifest.digest, &verdict) {
            None => {
                numbers.admitted.fetch_add(1, Ordering::Relaxed);
                match verdict.warnings.first() {
                    Some(warning) => Answer::Warn(warning.clone()),
                    None => Answer::Allow,
                }
            }
            Some(refusal) if rules.settings.dry_run => {
                numbers.would_be_refused.fetch_add(1, Ordering::Relaxed);
                Answer::Warn(format!("it would be refused: {}", refusal.message))
            }
            Some(refusal) => {
                numbers.refuse(verdict.reasons.first().map_or("gate", |reason| reason.gate));
                Answer::Refuse(refusal)
            }
        }
    }
}

fn name_of(target: &Target, digest: &Digest) -> Name {
    let tag = match target {
        Target::Tag(tag) => Some(tag.clone()),
        Target::Digest(_) => None,
    };
    (digest.clone(), tag)
}

// One line, since Docker prints one.
fn refusal(repository: &RepositoryName, digest: &Digest, verdict: &Verdict) -> Option<Denied> {
    let first = verdict.reasons.first()?;
    let name = format!("{repository}@{digest}");
    let more = match verdict.reasons.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let gate = first.gate;
    let message = format!("the {gate} gate refuses it: {}{more}; {}", first.message, first.remedy);
    let detail = json!({ "image": name, "reasons": verdict.reasons, "warnings": verdict.warnings });
    Some(Denied { message, detail })
}

impl sealift_registry::hooks::Gate for Gate {
    fn pull<'a>(&'a self, asked: Asked<'a>) -> BoxFuture<'a, Answer> {
        Box::pin(self.0.answer(asked))
    }

    fn metrics(&self) -> BoxFuture<'_, String> {
        Box::pin(self.0.metrics())
    }
}
