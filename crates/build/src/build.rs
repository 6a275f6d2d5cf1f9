//! Runs the stages that are needed, each on a thread of its own, and gathers what they gave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sealift_oci::{Digest, Platform, Reference};
use sealift_store::Store;

use crate::cache::{Cache, Draft, Record};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::filesystem::Base;
use crate::ignore::Ignore;
use crate::plan::{Plan, StageBase, StagePlan};
use crate::stage::State;
use crate::view::{Flavor, View};
use crate::{BaseError, BaseImages, BaseUsed, Built, Event, Observer, Request, timestamp};

const WATCH_INTERVAL: Duration = Duration::from_millis(20);

/// Filled by the first stage that needs the image; others wait for it.
type BaseSlot = Arc<Mutex<Option<Arc<Base>>>>;

/// All that the stages of one build share.
pub(crate) struct Builder<'a> {
    pub(crate) request: &'a Request,
    pub(crate) store: &'a Store,
    pub(crate) images: &'a dyn BaseImages,
    pub(crate) observer: &'a dyn Observer,
    /// Set when the caller cancels or a stage fails.
    pub(crate) stop: &'a AtomicBool,
    pub(crate) cache: Cache,
    pub(crate) plan: Plan,
    pub(crate) steps: AtomicUsize,
    pub(crate) cached: AtomicUsize,
    context: OnceLock<Context>,
    walking: Mutex<()>,
    bases: Mutex<HashMap<(Reference, Platform), BaseSlot>>,
    /// Stage, order in it, image.
    used: Mutex<Vec<(usize, BaseUsed)>>,
}

/// Builds an image; see the crate's documentation.
pub fn build(
    request: &Request,
    store: &Store,
    images: &dyn BaseImages,
    observer: &dyn Observer,
    cancel: &AtomicBool,
) -> Result<Built> {
    let stop = AtomicBool::new(cancel.load(Ordering::Relaxed));
    let plan = Plan::new(request)?;
    let builder = Builder {
        request,
        store,
        images,
        observer,
        stop: &stop,
        cache: Cache::open(store, Flavor::detect())?,
        plan,
        steps: AtomicUsize::new(0),
        cached: AtomicUsize::new(0),
        context: OnceLock::new(),
        walking: Mutex::default(),
        bases: Mutex::default(),
        used: Mutex::default(),
    };
    for name in builder.plan.outside.unused(&builder.plan.file) {
        builder.warn(format!("the build argument `{name}` is not used: no ARG declares it"));
    }
    let done = Done::default();
    std::thread::scope(|scope| {
        scope.spawn(|| done.watch(cancel, &stop));
        let result = builder.run_stages().and_then(|state| builder.output(state));
        done.set();
        result
    })
}

impl Builder<'_> {
    /// Tells the observer about something that deserves attention.
    pub(crate) fn warn(&self, message: String) {
        self.observer.event(Event::Warning { message });
    }

    pub(crate) fn warn_all(&self, messages: Vec<String>) {
        const MESSAGES_MAX: usize = 5;
        let count = messages.len();
        for message in messages.into_iter().take(MESSAGES_MAX) {
            self.warn(message);
        }
        if count > MESSAGES_MAX {
            self.warn(format!("and {} more like these", count - MESSAGES_MAX));
        }
    }

    /// The context; it is walked when the first stage asks for it.
    pub(crate) fn context(&self) -> Result<&Context> {
        let _guard = self.walking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = self.context.get() {
            return Ok(context);
        }
        let ignore = Ignore::of_build(&self.request.dockerfile_path, &self.request.context)?;
        let context = Context::walk(&self.request.context, &ignore)?;
        Ok(self.context.get_or_init(|| context))
    }

    /// The image of a name; asked for once.
    pub(crate) fn base(
        &self,
        stage: &StagePlan,
        reference: &Reference,
        name: &str,
        is_final_base: bool,
    ) -> Result<Arc<Base>> {
        let key = (reference.clone(), stage.platform.clone());
        let slot = {
            let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
            bases.entry(key).or_default().clone()
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let base = if let Some(base) = &*slot {
            base.clone()
        } else {
            let image = self.images.base(reference, &stage.platform)?;
            let os = &image.config.value().os;
            if !os.is_empty() && os != "linux" {
                return Err(Error::Base(BaseError {
                    reference: name.to_owned(),
                    reason: format!("it is an image for `{os}`"),
                    hint: Some("only Linux images can be built upon".to_owned()),
                }));
            }
            slot.insert(Arc::new(Base::new(image, reference.clone()))).clone()
        };
        let used = BaseUsed {
            reference: reference.clone(),
            name: name.to_owned(),
            digest: base.image.descriptor.digest.clone(),
            is_final_base,
        };
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push((stage.index, used));
        Ok(base)
    }

    /// Every image that was used, in the order of the file, once.
    pub(crate) fn bases_used(&self) -> Vec<BaseUsed> {
        let mut used =
            std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        used.sort_by_key(|(stage, _)| *stage);
        let mut found: Vec<BaseUsed> = Vec::new();
        for (_, image) in used {
            match found.iter_mut().find(|known| known.reference == image.reference) {
                Some(known) => known.is_final_base |= image.is_final_base,
                None => found.push(image),
            }
        }
        found
    }

    /// True if the target is built upon the base of this stage.
    pub(crate) fn is_final_base(&self, stage: usize) -> bool {
        let mut at = self.plan.target;
        loop {
            if at == stage {
                return true;
            }
            match self.plan.stages[at].as_ref().map(|plan| &plan.base) {
                Some(StageBase::Stage(below)) => at = *below,
                _ => return false,
            }
        }
    }

    /// Takes a step's result from the cache, or executes it.
    pub(crate) fn cached_step(
        &self,
        key: &Digest,
        execute: &mut dyn FnMut(&Draft) -> Result<HasChanges>,
    ) -> Result<(Record, WasCached)> {
        self.steps.fetch_add(1, Ordering::Relaxed);
        let known = || if self.request.no_cache { None } else { self.cache.record(key) };
        let hit = |record| {
            self.cached.fetch_add(1, Ordering::Relaxed);
            Ok((record, WasCached(true)))
        };
        if let Some(record) = known() {
            return hit(record);
        }
        let _lock = self.cache.lock(key, self.stop)?;
        if let Some(record) = known() {
            return hit(record);
        }
        let draft = self.cache.draft()?;
        let HasChanges(has_changes) = execute(&draft)?;
        self.check_stop()?;
        let snapshot = if has_changes { Some(self.cache.commit(key, &draft)?) } else { None };
        let record = Record {
            snapshot,
            created: self.request.source_date_epoch.map_or_else(timestamp::now, timestamp::format),
            layers: std::collections::BTreeMap::new(),
        };
        self.cache.set_record(key, &record)?;
        Ok((record, WasCached(false)))
    }

    pub(crate) fn check_stop(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn ground<'v>(&'v self, lower: &'v View) -> crate::writer::Ground<'v> {
        crate::writer::Ground { lower, flavor: self.cache.flavor(), cancel: self.stop }
    }

    // One thread a stage; it waits for another one at the instruction that needs it.
    fn run_stages(&self) -> Result<State> {
        let board = Board::new(self.plan.stages.len());
        std::thread::scope(|scope| {
            for stage in self.plan.stages.iter().flatten() {
                let board = &board;
                scope.spawn(move || {
                    let slot = Slot { board, stage: stage.index };
                    let result = self.run_stage(stage, board);
                    if result.is_err() {
                        self.stop.store(true, Ordering::Relaxed);
                    }
                    slot.set(result);
                });
            }
        });
        board.into_result(self.plan.target)
    }
}

/// True if a step left something in its layer folder.
pub(crate) struct HasChanges(pub(crate) bool);

/// True if a step was not executed.
pub(crate) struct WasCached(pub(crate) bool);

/// Where the stages hand over what they gave.
pub(crate) struct Board {
    slots: Mutex<Vec<Option<Result<State>>>>,
    changed: Condvar,
}

impl Board {
    fn new(count: usize) -> Self {
        let slots = Mutex::new((0..count).map(|_| None).collect());
        Self { slots, changed: Condvar::new() }
    }

    /// What a stage gave, once it is finished. A stage waits for earlier ones only, so nobody waits for ever.
    pub(crate) fn wait_for(&self, stage: usize) -> Result<State> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &slots[stage] {
                Some(Ok(state)) => return Ok(state.clone()),
                Some(Err(_)) => return Err(Error::Cancelled),
                None => {}
            }
            slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }

    // The first stage that failed by itself is the one to report: others were only stopped.
    fn into_result(self, target: usize) -> Result<State> {
        let mut slots = self.slots.into_inner().unwrap_or_else(PoisonError::into_inner);
        let failed = |slot: &Option<Result<State>>| match slot {
            Some(Err(error)) => !error.is_cancelled(),
            _ => false,
        };
        let index = slots.iter().position(failed).unwrap_or(target);
        slots.swap_remove(index).unwrap_or(Err(Error::Cancelled))
    }
}

// A stage's own slot. Should its thread panic, those who wait for it go on.
struct Slot<'a> {
    board: &'a Board,
    stage: usize,
}

impl Slot<'_> {
    fn set(&self, result: Result<State>) {
        let mut slots = self.board.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots[self.stage].get_or_insert(result);
        self.board.changed.notify_all();
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.set(Err(Error::Cancelled));
    }
}

// Passes the caller's wish to stop on to the stages.
#[derive(Default)]
struct Done {
    is_done: Mutex<bool>,
    changed: Condvar,
}

impl Done {
    fn set(&self) {
        *self.is_done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn watch(&self, cancel: &AtomicBool, stop: &AtomicBool) {
        let mut is_done = self.is_done.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_done {
            if cancel.load(Ordering::Relaxed) {
                stop.store(true, Ordering::Relaxed);
            }
            let waited = self.changed.wait_timeout(is_done, WATCH_INTERVAL);
            is_done = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
