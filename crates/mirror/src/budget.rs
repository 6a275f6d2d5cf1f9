//! How often an upstream is asked: a bucket of tokens, and pauses that the upstream asked for.

use std::sync::Mutex;
use std::time::{Duration, Instant};

// Whatever an upstream says, it is asked again the next hour.
const PAUSE_MAX: Duration = Duration::from_hours(1);
// For a limit that is used up, if the upstream does not say when it is filled again.
const PAUSE_OF_LIMIT: Duration = Duration::from_mins(1);

/// How often an upstream may be asked.
pub(crate) struct Budget {
    // Tokens a second, and how many there are at most.
    rate: Option<(f64, f64)>,
    state: Mutex<State>,
}

struct State {
    tokens: f64,
    filled: Instant,
    pause: Option<(Instant, String)>,
}

/// Why it may not be asked now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paused {
    /// For how long.
    pub(crate) wait: Duration,
    /// Why.
    pub(crate) reason: String,
    /// It is the limit that was set here; the upstream itself is well.
    pub(crate) is_own_limit: bool,
}

impl Budget {
    /// So many requests a second, so many at once.
    pub(crate) fn new(per_second: Option<f64>, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        let rate = per_second.filter(|rate| rate.is_finite() && *rate > 0.0);
        Self {
            rate: rate.map(|rate| (rate, burst)),
            state: Mutex::new(State { tokens: burst, filled: now, pause: None }),
        }
    }

    /// Takes a token, or says for how long there is none.
    pub(crate) fn take(&self, now: Instant) -> Result<(), Paused> {
        let mut state = self.state.lock().expect("no panic while held");
        if let Some((until, reason)) = &state.pause {
            if *until > now {
                return Err(Paused {
                    wait: *until - now,
                    reason: reason.clone(),
                    is_own_limit: false,
                });
            }
            state.pause = None;
        }
        let Some((rate, burst)) = self.rate else { return Ok(()) };
        let passed = now.saturating_duration_since(state.filled).as_secs_f64();
        state.tokens = (state.tokens + passed * rate).min(burst);
        state.filled = now;
        if state.tokens < 1.0 {
            let wait = Duration::from_secs_f64(((1.0 - state.tokens) / rate).min(3600.0));
            let reason = "the limit of requests that is set for it is used up".to_owned();
            return Err(Paused { wait, reason, is_own_limit: true });
        }
        state.tokens -= 1.0;
        Ok(())
    }

    /// Asks nothing for a while.
    pub(crate) fn pause(&self, now: Instant, wait: Duration, reason: &str) {
        let until = now + wait.min(PAUSE_MAX);
        let mut state = self.state.lock().expect("no panic while held");
        if state.pause.as_ref().is_none_or(|(known, _)| *known < until) {
            state.pause = Some((until, reason.to_owned()));
        }
    }

    /// For how long nothing is asked, and why.
    pub(crate) fn paused(&self, now: Instant) -> Option<(Duration, String)> {
        let state = self.state.lock().expect("no panic while held");
        let (until, reason) = state.pause.as_ref().filter(|(until, _)| *until > now)?;
        Some((*until - now, reason.clone()))
    }

    /// Takes in what an answer says of limits.
    pub(crate) fn heed(&self, now: Instant, status: u16, header: impl Fn(&str) -> Option<String>) {
        let after = header("retry-after").and_then(|text| text.trim().parse().ok());
        let after = after.map(Duration::from_secs);
        match (status, after) {
            (429, _) => {
                let wait = after.unwrap_or(PAUSE_OF_LIMIT);
                self.pause(now, wait, "it says that it was asked too often");
            }
            (503, Some(wait)) => self.pause(now, wait, "it says that it is not available"),
            _ => {}
        }
        if header("ratelimit-remaining").as_deref().and_then(first_number) == Some(0) {
            let reset = header("ratelimit-reset").as_deref().and_then(first_number);
            let wait = reset.map_or(PAUSE_OF_LIMIT, Duration::from_secs);
            self.pause(now, wait, "its limit of requests is used up");
        }
    }
}

// `76;w=21600` is 76.
fn first_number(text: &str) -> Option<u64> {
    text.split([';', ',']).next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back() {
        let start = Instant::now();
        let budget = Budget::new(Some(2.0), 3, start);
        for _ in 0..3 {
            budget.take(start).unwrap();
        }
        let paused = budget.take(start).unwrap_err();
        assert_eq!(paused.wait, Duration::from_millis(500));
        budget.take(start + Duration::from_millis(500)).unwrap();
        budget.take(start + Duration::from_millis(600)).unwrap_err();
        // Never more than the burst.
        let later = start + Duration::from_mins(1);
        assert_eq!((0..9).filter(|_| budget.take(later).is_ok()).count(), 3);
        let unlimited = Budget::new(None, 0, start);
        assert!((0..1000).all(|_| unlimited.take(start).is_ok()));
    }

    #[test]
    fn what_the_upstream_says_is_heeded() {
        let start = Instant::now();
        let check = |status, headers: &[(&str, &str)]| {
            let budget = Budget::new(None, 1, start);
            let header = |name: &str| {
                let found = headers.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            budget.heed(start, status, header);
            budget.take(start).err().map(|paused| paused.wait.as_secs())
        };
        assert_eq!(check(200, &[]), None);
        assert_eq!(check(429, &[]), Some(60));
        assert_eq!(check(429, &[("retry-after", "7")]), Some(7));
        assert_eq!(check(429, &[("retry-after", "99999999999")]), Some(3600));
        assert_eq!(check(503, &[("retry-after", "7")]), Some(7));
        assert_eq!(check(503, &[]), None);
        assert_eq!(check(200, &[("ratelimit-remaining", "76;w=21600")]), None);
        assert_eq!(check(200, &[("ratelimit-remaining", "0;w=21600")]), Some(60));
        assert_eq!(check(200, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "5")]), Some(5));
    }

    #[test]
    fn pauses_end() {
        let start = Instant::now();
        let budget = Budget::new(None, 1, start);
        budget.pause(start, Duration::from_secs(5), "x");
        budget.pause(start, Duration::from_secs(1), "y");
        assert_eq!(budget.take(start).unwrap_err().reason, "x");
        assert_eq!(budget.paused(start), Some((Duration::from_secs(5), "x".to_owned())));
        assert_eq!(budget.paused(start + Duration::from_secs(5)), None);
        budget.take(start + Duration::from_secs(5)).unwrap();
    }
}
