//! How often an upstream is asked: a bucket of tokens, and pauses that the upstream asked for.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;

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

    /// Takes in what an answer says of limits; how many requests are left, if it says that.
    pub(crate) fn heed(
        &self,
        now: Instant,
        status: u16,
        header: impl Fn(&str) -> Option<String>,
    ) -> Option<u64> {
        let after = header("retry-after").and_then(|text| wait_of(&text, Timestamp::now()));
        match (status, after) {
            (429, _) => {
                let wait = after.unwrap_or(PAUSE_OF_LIMIT);
                self.pause(now, wait, "it says that it was asked too often");
            }
            (503, Some(wait)) => self.pause(now, wait, "it says that it is not available"),
            _ => {}
        }
        let limit = Limit::of(header);
        if limit.remaining == Some(0) {
            let wait = limit.reset.unwrap_or(PAUSE_OF_LIMIT);
            self.pause(now, wait, "its limit of requests is used up");
        }
        limit.remaining
    }
}

/// When to ask again, as `Retry-After` says it: seconds or a date (RFC 9110 §10.2.3).
pub(crate) fn wait_of(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(until.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

// What an upstream says of its limit: Docker Hub's headers, those that others put an X before, and the drafts of the IETF
// (draft-ietf-httpapi-ratelimit-headers: one header with members, 3 to 7 and later).
struct Limit {
    remaining: Option<u64>,
    reset: Option<Duration>,
}

impl Limit {
    fn of(header: impl Fn(&str) -> Option<String>) -> Self {
        let one = header("ratelimit").unwrap_or_default();
        let member = |names: [&str; 2]| {
            one.split([';', ',']).find_map(|part| {
                let (name, value) = part.trim().split_once('=')?;
                names.contains(&name.trim()).then(|| first_number(value))?
            })
        };
        let named = |name: &str| {
            let text = header(name).or_else(|| header(&format!("x-{name}")))?;
            first_number(&text)
        };
        let remaining = named("ratelimit-remaining").or_else(|| member(["remaining", "r"]));
        let reset = named("ratelimit-reset").or_else(|| member(["reset", "t"]));
        Self { remaining, reset: reset.map(until_reset) }
    }
}

// Seconds, or as some have it the time since 1970.
fn until_reset(number: u64) -> Duration {
    let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
    Duration::from_secs(if number > 1_000_000_000 { number.saturating_sub(now) } else { number })
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
        let reset = Timestamp::now().as_second() + 600;
        let x = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &*reset.to_string())];
        assert!(matches!(check(200, &x), Some(500..=600)));
        let draft = [("ratelimit", "limit=100, remaining=0, reset=50")];
        assert_eq!(check(200, &draft), Some(50));
        assert_eq!(check(200, &[("ratelimit", "\"default\";r=0;t=30")]), Some(30));
        assert_eq!(check(200, &[("ratelimit", "\"default\";r=5;t=30")]), None);
        let date = [("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")];
        assert_eq!(check(429, &date), None, "that is over");
        assert_eq!(check(429, &[("retry-after", "soon")]), Some(60));
    }

    #[test]
    fn when_to_ask_again() {
        let now = "2015-10-21T07:27:00Z".parse().unwrap();
        let wait = |text: &str| wait_of(text, now).map(|wait| wait.as_secs());
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(60));
        assert_eq!(wait("Wed, 21 Oct 2015 07:26:00 GMT"), Some(0));
        assert_eq!(wait(" 7 "), Some(7));
        for text in ["", "-1", "soon", "1.5"] {
            assert_eq!(wait(text), None, "{text}");
        }
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
