//! Verdicts, each found once for all who ask at the same time, and remembered for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::{Decision, Judge, Question, Settings, Verdict};

const REMEMBERED_MAX: usize = 20_000;
// A fault may be over in a moment.
const FAILED_FOR: Duration = Duration::from_secs(2);

/// Verdicts of a judge.
pub(crate) struct Verdicts {
    judge: Arc<dyn Judge>,
    free: Arc<Semaphore>,
    known: Arc<Mutex<HashMap<Question, Entry>>>,
    for_digests: Duration,
    for_tags: Duration,
}

enum Entry {
    Known(Verdict, Instant),
    Running(watch::Receiver<Option<Verdict>>),
}

impl Verdicts {
    pub(crate) fn new(judge: Arc<dyn Judge>, settings: &Settings) -> Self {
        Self {
            judge,
            free: Arc::new(Semaphore::new(settings.judges_max.max(1))),
            known: Arc::default(),
            for_digests: Duration::from_secs(settings.digest_verdict_secs),
            for_tags: Duration::from_secs(settings.tag_verdict_secs),
        }
    }

    /// The verdict on an image, and whether it was known. Who does not wait for it leaves it to the next one who asks.
    pub(crate) async fn get(&self, question: &Question) -> (Verdict, bool) {
        let mut receiver = {
            let mut known = self.entries();
            match known.get(question) {
                Some(Entry::Known(verdict, until)) if *until > Instant::now() => {
                    return (verdict.clone(), true);
                }
                Some(Entry::Running(receiver)) => receiver.clone(),
                _ => {
                    let (sender, receiver) = watch::channel(None);
                    make_room(&mut known);
                    known.insert(question.clone(), Entry::Running(receiver.clone()));
                    self.begin(question.clone(), sender);
                    receiver
                }
            }
        };
        let found = receiver.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        (found.unwrap_or_else(|| Verdict::failed("the judgement was broken off")), false)
    }

    /// Forgets what was found: the policy is another.
    pub(crate) fn forget(&self) {
        self.entries().retain(|_, entry| matches!(entry, Entry::Running(_)));
    }

    fn begin(&self, question: Question, sender: watch::Sender<Option<Verdict>>) {
        let (judge, free) = (Arc::clone(&self.judge), Arc::clone(&self.free));
        let known = Arc::clone(&self.known);
        let (for_digests, for_tags) = (self.for_digests, self.for_tags);
        tokio::spawn(async move {
            let permit = free.acquire_owned().await;
            let asked = question.clone();
            let found = tokio::task::spawn_blocking(move || judge.judge(&asked)).await;
            drop(permit);
            let verdict = found.unwrap_or_else(|_| Verdict::failed("the judge has a fault"));
            let lifetime = match (&verdict.decision, question.image.digest()) {
                (Decision::Failed(_), _) => FAILED_FOR,
                (Decision::Deny(_), _) | (_, None) => for_tags,
                (_, Some(_)) => for_digests,
            };
            let entry = Entry::Known(verdict.clone(), Instant::now() + lifetime);
            known.lock().expect("no panic while held").insert(question, entry);
            // Perhaps nobody waits any longer.
            let _ = sender.send(Some(verdict));
        });
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Question, Entry>> {
        self.known.lock().expect("no panic while held")
    }
}

fn make_room(known: &mut HashMap<Question, Entry>) {
    if known.len() < REMEMBERED_MAX {
        return;
    }
    let now = Instant::now();
    known.retain(|_, entry| !matches!(entry, Entry::Known(_, until) if *until <= now));
    if known.len() >= REMEMBERED_MAX {
        known.retain(|_, entry| matches!(entry, Entry::Running(_)));
    }
}
