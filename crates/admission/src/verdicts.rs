//! Verdicts, each found once for all who ask at the same time, and remembered for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::{Decision, Judge, Question, Settings, Verdict};

// What is over goes at once when it is asked for, and else within this time.
const SWEPT_EVERY: Duration = Duration::from_mins(1);
// A fault may be over in a moment.
const FAILED_FOR: Duration = Duration::from_secs(2);

/// Verdicts of a judge.
pub(crate) struct Verdicts {
    judge: Arc<dyn Judge>,
    free: Arc<Semaphore>,
    known: Arc<Mutex<Known>>,
    count_max: usize,
    for_digests: Duration,
    for_tags: Duration,
}

struct Known {
    entries: HashMap<Question, Entry>,
    swept: Instant,
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
            known: Arc::new(Mutex::new(Known { entries: HashMap::new(), swept: Instant::now() })),
            count_max: settings.verdicts_max.max(1),
            for_digests: Duration::from_secs(settings.digest_verdict_secs),
            for_tags: Duration::from_secs(settings.tag_verdict_secs),
        }
    }

    /// The verdict on an image, and whether it was known. Who does not wait for it leaves it to the next one who asks.
    pub(crate) async fn get(&self, question: &Question) -> (Verdict, bool) {
        let mut receiver = {
            let mut known = self.known();
            match known.entries.get(question) {
                Some(Entry::Known(verdict, until)) if *until > Instant::now() => {
                    return (verdict.clone(), true);
                }
                Some(Entry::Running(receiver)) => receiver.clone(),
                _ => {
                    let (sender, receiver) = watch::channel(None);
                    known.make_room(self.count_max);
                    known.entries.insert(question.clone(), Entry::Running(receiver.clone()));
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
        self.known().entries.retain(|_, entry| matches!(entry, Entry::Running(_)));
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
            known.lock().expect("no panic while held").entries.insert(question, entry);
            // Perhaps nobody waits any longer.
            let _ = sender.send(Some(verdict));
        });
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no panic while held")
    }
}

impl Known {
    // For one more. If all still count, those go that would end first.
    fn make_room(&mut self, count_max: usize) {
        let now = Instant::now();
        let is_full = self.entries.len() >= count_max;
        if !is_full && now.duration_since(self.swept) < SWEPT_EVERY {
            return;
        }
        self.swept = now;
        self.entries.retain(|_, entry| !matches!(entry, Entry::Known(_, until) if *until <= now));
        if self.entries.len() < count_max {
            return;
        }
        let end = |entry: &Entry| match entry {
            Entry::Known(_, until) => Some(*until),
            Entry::Running(_) => None,
        };
        let mut ends: Vec<Instant> = self.entries.values().filter_map(end).collect();
        if ends.is_empty() {
            return;
        }
        // Half of them, so that this is rare.
        let middle = ends.len() / 2;
        let (_, middle, _) = ends.select_nth_unstable(middle);
        let middle = *middle;
        self.entries.retain(|_, entry| end(entry).is_none_or(|until| until > middle));
    }
}

#[cfg(test)]
mod tests {
    use sealift_oci::Reference;

    use super::*;

    struct Yes;

    impl Judge for Yes {
        fn judge(&self, _: &Question) -> Verdict {
            Verdict { decision: Decision::Allow, digest: None }
        }
    }

    fn question(number: usize) -> Question {
        Question {
            image: Reference::parse(&format!("registry.example/app:{number}")).unwrap(),
            namespace: "team".to_owned(),
            service_account: String::new(),
            is_dry_run: false,
        }
    }

    #[tokio::test]
    async fn there_are_never_more_than_the_limit() {
        let settings = Settings { verdicts_max: 10, ..Settings::default() };
        let verdicts = Verdicts::new(Arc::new(Yes), &settings);
        for number in 0..100 {
            assert!(!verdicts.get(&question(number)).await.1);
            assert!(verdicts.known().entries.len() <= 10);
        }
        // The newest are kept.
        assert!(verdicts.get(&question(99)).await.1);
        assert!(!verdicts.get(&question(0)).await.1);
    }

    #[tokio::test]
    async fn what_is_over_does_not_stay() {
        let settings = Settings { tag_verdict_secs: 0, ..Settings::default() };
        let verdicts = Verdicts::new(Arc::new(Yes), &settings);
        for number in 0..5 {
            verdicts.get(&question(number)).await;
        }
        assert_eq!(verdicts.known().entries.len(), 5);
        verdicts.known().swept = Instant::now().checked_sub(SWEPT_EVERY).unwrap();
        verdicts.get(&question(5)).await;
        assert_eq!(verdicts.known().entries.len(), 1);
    }
}
