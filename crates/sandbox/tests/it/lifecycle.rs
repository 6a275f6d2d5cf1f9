//! Processes and mounts: none is left, however a run ends.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use sealift_sandbox::{Error, Stream};

use crate::bench::{self, Bench};
use crate::trial;

/// Argument that makes this program run a sandbox until it is killed.
pub(crate) const HOLD: &str = "--hold";
/// Argument that makes this program measure how long a run takes.
pub(crate) const TIME: &str = "--time";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("background_processes_end_with_the_command", background_processes_end),
        trial("orphans_are_reaped", orphans_are_reaped),
        trial("init_survives_its_command", init_survives_its_command),
        trial("cancel_ends_everything", cancel_ends_everything),
        trial("cancel_ends_what_ignores_it", cancel_ends_what_ignores_it),
        trial("cancel_before_the_start", cancel_before_the_start),
        trial("killing_the_caller_ends_everything", killing_the_caller_ends_everything),
        trial("no_mount_is_seen_outside", no_mount_is_seen_outside),
        trial("runs_in_parallel", runs_in_parallel),
    ]
}

/// A number of seconds that no other process sleeps for.
fn marker() -> String {
    static NEXT: AtomicBool = AtomicBool::new(false);
    NEXT.store(true, Ordering::Relaxed);
    let unique = Instant::now();
    let name = format!("{:?}{:?}{}", unique, std::thread::current().id(), std::process::id());
    let digits: String = name.bytes().filter(u8::is_ascii_digit).map(char::from).collect();
    format!("9{}", &digits[digits.len().saturating_sub(17)..])
}

/// How many processes of this machine have `marker` in their command line.
fn count(marker: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let own = std::process::id().to_string();
    processes
        .filter(|process| process.file_name().to_str() != Some(&own))
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(marker))
        .count()
}

/// Waits for a state of other processes, which give no notice of it.
#[track_caller]
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn background_processes_end() {
    let marker = marker();
    let start = Instant::now();
    let out = Bench::new().shell(&format!("sleep {marker} & echo started")).success();
    assert_eq!(out, "started\n");
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(count(&marker), 0);
}

fn orphans_are_reaped() {
    let script = "for n in 1 2 3 4 5; do (sleep 0.05 &) ; done; sleep 0.5; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
    assert_eq!(Bench::new().shell(script).success(), "0\n");
}

fn init_survives_its_command() {
    let out = Bench::new().shell("kill -TERM 1; kill -KILL 1; kill -INT 1; sleep 0.1; echo alive");
    assert_eq!(out.success(), "alive\n");
}

/// Cancels once the command says that it has started; returns how long that took.
#[track_caller]
fn check_cancel(script: &str) -> Duration {
    let marker = marker();
    let mut bench = Bench::new();
    let script = script.replace("MARKER", &marker);
    bench.spec.argv = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let cancel = AtomicBool::new(false);
    let mut start = None;
    let mut output = |_: Stream, _: &[u8]| {
        start = Some(Instant::now());
        cancel.store(true, Ordering::Relaxed);
    };
    let result = sealift_sandbox::run(&bench.spec, &mut output, &cancel);
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert_eq!(count(&marker), 0);
    start.unwrap().elapsed()
}

fn cancel_ends_everything() {
    let took = check_cancel("sleep MARKER & sleep MARKER & echo started; sleep MARKER");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

fn cancel_ends_what_ignores_it() {
    let took = check_cancel("trap '' TERM; sleep MARKER & echo started; sleep MARKER");
    assert!(took >= Duration::from_millis(1900), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn cancel_before_the_start() {
    let mut bench = Bench::new();
    bench.spec.argv = vec!["true".to_owned()];
    let ran = bench::run(&bench.spec, &AtomicBool::new(true));
    assert!(matches!(ran.error(), Error::Cancelled));
}

fn killing_the_caller_ends_everything() {
    let marker = marker();
    let mut caller = Command::new(std::env::current_exe().unwrap())
        .args([HOLD, &marker])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The caller itself, and the processes inside.
    eventually("the command starts", || count(&format!("sleep\0{marker}")) == 3);
    caller.kill().unwrap();
    caller.wait().unwrap();
    eventually("the command ends", || count(&marker) == 0);
}

/// The caller that is killed.
pub(crate) fn hold(marker: Option<String>) {
    let marker = marker.unwrap();
    sealift_sandbox::become_root().unwrap();
    let ran = Bench::new()
        .shell(&format!("trap '' TERM HUP INT; sleep {marker} & sleep {marker} & sleep {marker}"));
    drop(ran);
}

fn no_mount_is_seen_outside() {
    let mut bench = Bench::new();
    let before = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let place = bench.directory.path().to_str().unwrap().to_owned();
    bench.spec.argv = ["sh", "-c", "echo started"].map(str::to_owned).to_vec();
    let mut during = String::new();
    let mut output = |_: Stream, _: &[u8]| {
        during = fs::read_to_string("/proc/self/mountinfo").unwrap();
    };
    sealift_sandbox::run(&bench.spec, &mut output, &AtomicBool::new(false)).unwrap();
    let after = fs::read_to_string("/proc/self/mountinfo").unwrap();
    for table in [&during, &after] {
        assert!(!table.is_empty() && !table.contains(&place));
        assert_eq!(table.lines().count(), before.lines().count());
    }
}

fn runs_in_parallel() {
    std::thread::scope(|scope| {
        for index in 0..8 {
            scope.spawn(move || {
                let out = Bench::new().shell(&format!("echo {index}; touch /x")).success();
                assert_eq!(out, format!("{index}\n"));
            });
        }
    });
}

/// Prints how long `true` takes.
pub(crate) fn time() {
    let privilege = sealift_sandbox::become_root().unwrap();
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let mut bench = Bench::new();
            let start = Instant::now();
            bench.command(&["/bin/true"]).success();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{privilege:?}: fastest {:?}, median {:?}, slowest {:?}",
        times[0], times[25], times[49]
    );
}
