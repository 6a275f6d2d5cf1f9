//! When a tag was last confirmed by its upstream. It is in memory only: after a start the upstream is asked once more.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

// Above it, what is longest ago is forgotten; that costs a question to an upstream.
const TAGS_MAX: usize = 100_000;

/// What is known of tags.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<(String, String), Sight>>);

#[derive(Clone, Copy)]
struct Sight {
    at: Instant,
    is_there: bool,
}

/// What is known of one tag now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The copy is as good as the upstream's.
    Fresh,
    /// It was not there a moment ago.
    Missing,
    /// The upstream is to be asked; so long ago it confirmed the copy, if it ever did.
    Due(Option<Duration>),
}

impl Seen {
    /// How fresh a repository's tag or digest is.
    pub(crate) fn freshness(
        &self,
        repository: &str,
        name: &str,
        (ttl, negative_ttl): (Duration, Duration),
        now: Instant,
    ) -> Freshness {
        let seen = self.0.lock().expect("no panic while held");
        let Some(sight) = seen.get(&(repository.to_owned(), name.to_owned())) else {
            return Freshness::Due(None);
        };
        let age = now.saturating_duration_since(sight.at);
        match sight.is_there {
            true if age < ttl => Freshness::Fresh,
            true => Freshness::Due(Some(age)),
            false if age < negative_ttl => Freshness::Missing,
            false => Freshness::Due(None),
        }
    }

    /// The upstream has said whether it is there.
    pub(crate) fn note(&self, repository: &str, name: &str, is_there: bool, now: Instant) {
        let mut seen = self.0.lock().expect("no panic while held");
        if seen.len() >= TAGS_MAX {
            let mut times: Vec<Instant> = seen.values().map(|sight| sight.at).collect();
            let (_, middle, _) = times.select_nth_unstable(TAGS_MAX / 2);
            let middle = *middle;
            seen.retain(|_, sight| sight.at > middle);
        }
        seen.insert((repository.to_owned(), name.to_owned()), Sight { at: now, is_there });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_grow_old() {
        let (seen, start) = (Seen::default(), Instant::now());
        let secs = Duration::from_secs;
        let check = |after: u64| seen.freshness("a", "1", (secs(10), secs(5)), start + secs(after));
        assert_eq!(check(0), Freshness::Due(None));
        seen.note("a", "1", true, start);
        assert_eq!(check(9), Freshness::Fresh);
        assert_eq!(check(10), Freshness::Due(Some(secs(10))));
        seen.note("a", "1", false, start);
        assert_eq!(check(4), Freshness::Missing);
        assert_eq!(check(5), Freshness::Due(None));
    }

    #[test]
    fn memory_has_an_end() {
        let (seen, start) = (Seen::default(), Instant::now());
        for n in 0..=TAGS_MAX as u64 {
            seen.note("a", &n.to_string(), true, start + Duration::from_millis(n));
        }
        assert!(seen.0.lock().unwrap().len() <= TAGS_MAX / 2 + 1);
    }
}
