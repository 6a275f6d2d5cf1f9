//! Evaluation: the known rules of all policies, one after the other, within limits.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use regorus::unstable::{Module, Ref};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, PolicyLengthConfig, Value};
use sealift_model::{Level, Verdict, Violation};
use sealift_oci::Digest;
use serde_json::Value as Json;

use crate::place::Place;
use crate::rules::{KnownRule, Meaning, hidden_by, known_rules, messages};
use crate::{Error, Source, calls, guard, source};

/// Limits and the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time that all rules together may take.
    pub time_max: Duration,
    /// Size of one policy.
    pub policy_bytes_max: usize,
    /// Number of policies.
    pub policies_max: usize,
    /// Size of the input, and of the data, as JSON.
    pub input_bytes_max: usize,
    /// What `time.now_ns()` says: nanoseconds since 1970; the system's clock if absent.
    pub now_ns: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_max: Duration::from_secs(5),
            policy_bytes_max: 1 << 20,
            policies_max: 256,
            input_bytes_max: 64 << 20,
            now_ns: None,
        }
    }
}

const VIOLATIONS_MAX: usize = 1000;
const STACK_BYTES: usize = 256 << 20;
const EXPRESSIONS_MAX: u64 = 50_000;

/// Judges an input by policies, with the usual limits.
///
/// `data` is an object that the policies see as `data`, or null.
pub fn evaluate(sources: &[Source], input: &Json, data: &Json) -> Result<Verdict, Error> {
    evaluate_with(&Settings::default(), sources, input, data)
}

/// Judges an input by policies.
pub fn evaluate_with(
    settings: &Settings,
    sources: &[Source],
    input: &Json,
    data: &Json,
) -> Result<Verdict, Error> {
    if sources.is_empty() {
        return Err(Error::NoPolicy);
    }
    if sources.len() > settings.policies_max {
        return Err(Error::TooMany { count: sources.len(), limit: settings.policies_max });
    }
    if !(data.is_object() || data.is_null()) {
        return Err(Error::Data { message: "it is not an object".to_owned() });
    }
    let limit = settings.input_bytes_max;
    let work = Work {
        settings: settings.clone(),
        sources: sources.to_vec(),
        input: bounded_json("input", input, limit)?,
        data_json: bounded_json("data", data, limit)?,
        data: data.clone(),
    };

    // The interpreter looks at its clock between two steps only, and may panic. On a thread of its own it can be
    // given up on. It is not stopped then; whoever asked gets a refusal and goes on.
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name("policy".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let result = judge(&work);
            // The receiver has given up if this fails, and has reported that.
            drop(sender.send(result));
        })
        .map_err(|_| Error::Crashed)?;
    match receiver.recv_timeout(settings.time_max.saturating_mul(2)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Error::TimedOut { limit: settings.time_max }),
        Err(RecvTimeoutError::Disconnected) => Err(Error::Crashed),
    }
}

struct Work {
    settings: Settings,
    sources: Vec<Source>,
    input: String,
    data: Json,
    data_json: String,
}

fn bounded_json(what: &'static str, value: &Json, limit: usize) -> Result<String, Error> {
    let text = value.to_string();
    if text.len() > limit {
        return Err(Error::TooLarge { what, bytes: text.len(), limit });
    }
    Ok(text)
}

fn judge(work: &Work) -> Result<Verdict, Error> {
    let start = Instant::now();
    let (mut engine, rules) = prepare(work)?;
    let mut violations = Vec::new();
    for rule in &rules {
        let left = work.settings.time_max.saturating_sub(start.elapsed());
        violations.extend(judge_rule(&mut engine, rule, left, &violations));
    }
    let policies = work
        .sources
        .iter()
        .map(|source| (source.file.clone(), Digest::sha256(source.text.as_bytes())))
        .collect();
    Ok(Verdict::from_violations(violations, policies))
}

fn prepare(work: &Work) -> Result<(Engine, Vec<KnownRule>), Error> {
    let settings = &work.settings;
    let all_files = || {
        let files: Vec<&str> = work.sources.iter().map(|source| source.file.as_str()).collect();
        files.join(", ")
    };
    let invalid = |text: String| {
        let place = Place::parse(&text);
        let file = place.file.clone().unwrap_or_else(all_files);
        let message = match place.line {
            0 => place.message,
            line => format!("line {line}: {}", place.message),
        };
        Error::Invalid { file, message }
    };

    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(true);
    engine.set_gather_prints(true);
    engine.set_policy_length_config(length_limits(settings));
    engine.set_execution_timer_config(timer(settings.time_max));
    guard::install(&mut engine, now_ns(settings)).map_err(&invalid)?;
    if work.data.is_object() {
        engine
            .add_data_json(&work.data_json)
            .map_err(|error| Error::Data { message: Place::parse(&error.to_string()).message })?;
    }
    for policy in &work.sources {
        source::load(&mut engine, policy)?;
    }
    engine.set_input_json(&work.input).map_err(|error| invalid(error.to_string()))?;

    let files: Vec<String> = work.sources.iter().map(|source| source.file.clone()).collect();
    check_stack(&files, engine.get_modules())?;
    if work.data.is_object()
        && let Some(rule) = hidden_by(&work.data, engine.get_modules())
    {
        return Err(Error::Data { message: format!("it has a value in place of rule `{rule}`") });
    }
    let rules = known_rules(&files, engine.get_modules())?;
    if let Some(rule) = rules.first() {
        // Finds what only all files together show, such as a variable that nothing binds.
        engine
            .clone()
            .compile_with_entrypoint(&rule.path.as_str().into())
            .map_err(|error| invalid(error.to_string()))?;
    }
    Ok((engine, rules))
}

// The interpreter recurses over expressions, each of which is on its stack once at most if no function calls itself.
fn check_stack(files: &[String], modules: &[Ref<Module>]) -> Result<(), Error> {
    if let Some((function, line)) = calls::recursive_functions(modules).first() {
        let message = format!("line {line}: function `{function}` calls itself");
        return Err(Error::Invalid { file: files.join(", "), message });
    }
    let count: u64 = modules
        .iter()
        .map(|module| u64::from(module.num_expressions) + u64::from(module.num_statements))
        .sum();
    if count > EXPRESSIONS_MAX {
        let message = format!("there are {count} expressions, more than {EXPRESSIONS_MAX}");
        return Err(Error::Invalid { file: files.join(", "), message });
    }
    Ok(())
}

fn judge_rule(
    engine: &mut Engine,
    rule: &KnownRule,
    left: Duration,
    before: &[Violation],
) -> Vec<Violation> {
    let violation = |level, message| Violation {
        level,
        package: rule.package.clone(),
        rule: rule.name.clone(),
        file: rule.files.join(", "),
        message,
    };
    engine.set_execution_timer_config(timer(left));
    let value = match engine.eval_rule(rule.path.clone()) {
        Ok(value) => value,
        Err(error) => {
            let place = Place::parse(&error.to_string());
            let mut failed = violation(Level::Error, failure(&place));
            if let Some(file) = place.file {
                failed.file = file;
            }
            return vec![failed];
        }
    };
    match rule.meaning {
        Meaning::Reasons(level) => match messages(&rule.name, &value) {
            Ok(mut messages) => {
                let more = messages.len().saturating_sub(VIOLATIONS_MAX);
                messages.truncate(VIOLATIONS_MAX);
                if more > 0 {
                    messages.push(format!("and {more} more of `{}`", rule.name));
                }
                messages.into_iter().map(|message| violation(level, message)).collect()
            }
            Err(why) => vec![violation(Level::Error, why)],
        },
        Meaning::Permission => {
            let is_explained = before
                .iter()
                .any(|reason| reason.package == rule.package && reason.level >= Level::Deny);
            match value {
                Value::Bool(true) => Vec::new(),
                _ if is_explained => Vec::new(),
                Value::Bool(false) | Value::Undefined => {
                    vec![violation(Level::Deny, "`allow` is false".to_owned())]
                }
                _ => vec![violation(Level::Error, "`allow` is not a truth value".to_owned())],
            }
        }
    }
}

fn failure(place: &Place) -> String {
    match place.line {
        0 => format!("the rule failed: {}", place.message),
        line => format!("the rule failed in line {line}: {}", place.message),
    }
}

fn timer(limit: Duration) -> ExecutionTimerConfig {
    const CHECK_INTERVAL: NonZeroU32 = NonZeroU32::MIN.saturating_add(31);
    ExecutionTimerConfig { limit, check_interval: CHECK_INTERVAL }
}

fn length_limits(settings: &Settings) -> PolicyLengthConfig {
    const COLUMNS_MAX: NonZeroU32 = NonZeroU32::MIN.saturating_add(65_535);
    PolicyLengthConfig {
        max_col: COLUMNS_MAX,
        max_file_bytes: NonZeroUsize::new(settings.policy_bytes_max).unwrap_or(NonZeroUsize::MIN),
        ..PolicyLengthConfig::default()
    }
}

fn now_ns(settings: &Settings) -> i64 {
    settings.now_ns.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
