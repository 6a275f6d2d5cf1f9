//! Tests of growth: input of four times the length may take four times the work, not sixteen times.
//!
//! Work is the processor time of this thread, which other programs on the machine hardly change.

use std::time::Duration;

// What a short run may take of noise: caches, page faults, a frequency that changes.
const SLACK: Duration = Duration::from_millis(400);
const FACTOR_MAX: u32 = 9;
const ATTEMPTS: usize = 3;

/// Runs a job for `count` and for four times as many, and panics if the second grows as a square would.
///
/// # Panics
///
/// In each of three attempts the longer run took more than nine times as long as the shorter.
#[track_caller]
pub fn check_scaling(what: &str, count: usize, job: impl Fn(usize)) {
    let work = |count: usize| {
        let start = thread_time();
        job(count);
        thread_time().saturating_sub(start)
    };
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let (short, long) = (work(count), work(count * 4));
        if long < short * FACTOR_MAX + SLACK {
            return;
        }
        seen.push((short, long));
    }
    panic!("{what:?}: processor time for {count} and for four times as many: {seen:?}");
}

/// Processor time that this thread has had, by the kernel's account (Documentation/scheduler/sched-stats.rst).
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .expect("Linux tells the times of a thread");
    let nanoseconds = text.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first field is a number of nanoseconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin(steps: usize) {
        let sum = (0..steps).fold(0_u64, |sum, step| std::hint::black_box(sum ^ step as u64));
        std::hint::black_box(sum);
    }

    #[test]
    fn linear_work_passes() {
        check_scaling("linear", 100_000, spin);
    }

    #[test]
    #[should_panic(expected = "four times as many")]
    fn cubic_work_does_not() {
        check_scaling("cubic", 130, |count| spin(count * count * count));
    }
}
