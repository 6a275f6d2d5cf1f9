//! Prints how long policies take to load, to judge for the first time, and to judge again. Run by `bench/policy`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::time::{Duration, Instant};

use sealift_policy::{Facts, Namespaces, Pack, Policies, Settings, Source};
use serde_json::Value;

const RUNS: usize = 200;

fn main() {
    let image = include_str!("../tests/policies/image.rego");
    let registry = include_str!("../tests/policies/registry.rego");
    measure("the image's policy", &[Source::new("image.rego", image)]);
    measure("the registry's policy", &[Source::new("registry.rego", registry)]);
    measure("pack:strict", &Pack::named("strict").unwrap().sources());
}

fn measure(name: &str, sources: &[Source]) {
    let input = Facts::default().input();
    let settings = Settings { namespaces: Namespaces::All, ..Settings::default() };
    let (mut loads, mut firsts, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..20 {
        let start = Instant::now();
        let policies = Policies::load(&settings, sources, &Value::Null).unwrap();
        loads.push(start.elapsed());
        let start = Instant::now();
        policies.judge(&input).unwrap();
        firsts.push(start.elapsed());
        for _ in 0..RUNS {
            let start = Instant::now();
            policies.judge(&input).unwrap();
            others.push(start.elapsed());
        }
    }
    println!(
        "{name}: load {:.3} ms, first {:.3} ms (limit 1), again {:.3} ms (limit 0.2)",
        median(loads),
        median(firsts),
        median(others)
    );
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}
