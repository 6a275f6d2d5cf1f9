//! Policies, loaded once and judged by many times.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regorus::unstable::{Module, Ref};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, PolicyLengthConfig, Value};
use sealift_model::Verdict;
use sealift_oci::Digest;
use serde_json::{Map, Value as Json};

use crate::judge::Judgement;
use crate::place::Place;
use crate::rules::{Rules, hidden_by};
use crate::worker::Worker;
use crate::{Error, Source, calls, guard, metadata, source};

/// Limits, the clock, and which packages count.
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
    /// The packages that judge.
    pub namespaces: Namespaces,
}

/// The packages whose rules count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Namespaces {
    /// Every package that has such rules; one that has none must be imported by another.
    #[default]
    All,
    /// `main` if there is such a package, or else all.
    MainOrAll,
    /// These.
    Named(Vec<String>),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_max: Duration::from_secs(3),
            policy_bytes_max: 1 << 20,
            policies_max: 1024,
            input_bytes_max: 64 << 20,
            now_ns: None,
            namespaces: Namespaces::All,
        }
    }
}

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
    Ok(Policies::load(settings, sources, data)?.judge(input)?.verdict)
}

/// Policies that were read and compiled, ready to judge any number of inputs.
#[derive(Debug)]
pub struct Policies {
    pub(crate) worker: Worker<Loaded>,
    digests: Vec<(String, Digest)>,
    pub(crate) input_bytes_max: usize,
}

impl Policies {
    /// Reads policies. `data` is an object that they see as `data`, or null.
    pub fn load(settings: &Settings, sources: &[Source], data: &Json) -> Result<Self, Error> {
        check(settings, sources, data)?;
        let digests = sources
            .iter()
            .map(|source| (source.file.clone(), Digest::sha256(source.text.as_bytes())))
            .collect();
        let (owned, texts, data) = (settings.clone(), sources.to_vec(), data.clone());
        let make = move || Loaded::new(&owned, &texts, data, &Purpose::Judging);
        let worker = Worker::start(settings.time_max, make)?;
        Ok(Self { worker, digests, input_bytes_max: settings.input_bytes_max })
    }

    /// Judges an input.
    pub fn judge(&self, input: &Json) -> Result<Judgement, Error> {
        check_size("input", input, self.input_bytes_max)?;
        let (input, digests) = (input.clone(), self.digests.clone());
        self.worker.run(move |loaded| loaded.judge(input, digests))?
    }

    /// The packages that judge, and how many rules each has.
    pub fn namespaces(&self) -> Result<Vec<(String, usize)>, Error> {
        self.worker.run(|loaded| {
            let mut counts: Vec<(String, usize)> = Vec::new();
            for rule in loaded.rules.known.iter() {
                match counts.last_mut() {
                    Some((package, count)) if *package == rule.package => *count += 1,
                    _ => counts.push((rule.package.clone(), 1)),
                }
            }
            counts
        })
    }
}

/// What is held against limits before any thread is started.
pub(crate) fn check(settings: &Settings, sources: &[Source], data: &Json) -> Result<(), Error> {
    if sources.is_empty() {
        return Err(Error::NoPolicy);
    }
    if sources.len() > settings.policies_max {
        return Err(Error::TooMany { count: sources.len(), limit: settings.policies_max });
    }
    if !(data.is_object() || data.is_null()) {
        return Err(Error::Data { message: "it is not an object".to_owned() });
    }
    check_size("data", data, settings.input_bytes_max)
}

/// Refuses what is longer as JSON than the limit.
pub(crate) fn check_size(what: &'static str, value: &Json, limit: usize) -> Result<(), Error> {
    let bytes = json_bytes(value);
    if bytes > limit { Err(Error::TooLarge { what, bytes, limit }) } else { Ok(()) }
}

// About as many bytes as its text would have.
fn json_bytes(value: &Json) -> usize {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => 6,
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(json_bytes).sum::<usize>() + items.len().max(1) + 1,
        Json::Object(object) => {
            let entries = object.iter().map(|(key, item)| key.len() + 3 + json_bytes(item));
            entries.sum::<usize>() + object.len().max(1) + 1
        }
    }
}

/// What policies are loaded for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Judging: the known rules must be there.
    Judging,
    /// Anything else: no rule must be there, and what the tests cover is recorded if asked for.
    Looking {
        /// Whether to record which lines are evaluated.
        with_coverage: bool,
    },
}

/// Policies in an interpreter.
pub(crate) struct Loaded {
    pub(crate) engine: Engine,
    pub(crate) files: Vec<String>,
    pub(crate) rules: Rules,
    pub(crate) annotations: Vec<Map<String, Json>>,
    pub(crate) settings: Settings,
    shared: guard::Shared,
}

const EXPRESSIONS_MAX: u64 = 200_000;

impl Loaded {
    pub(crate) fn new(
        settings: &Settings,
        sources: &[Source],
        data: Json,
        purpose: &Purpose,
    ) -> Result<Self, Error> {
        let files: Vec<String> = sources.iter().map(|source| source.file.clone()).collect();
        let invalid = |text: String| invalid(&text, &files);
        let mut engine = Engine::new();
        engine.set_strict_builtin_errors(true);
        engine.set_gather_prints(true);
        engine.set_policy_length_config(length_limits(settings));
        engine.set_execution_timer_config(timer(settings.time_max));
        let shared = guard::install(&mut engine).map_err(&invalid)?;
        for policy in sources {
            source::load(&mut engine, policy)?;
        }
        check_stack(&files, engine.get_modules())?;
        if data.is_object() {
            if let Some(rule) = hidden_by(&data, engine.get_modules()) {
                let message = format!("it has a value in place of rule `{rule}`");
                return Err(Error::Data { message });
            }
            engine.add_data(value(data)?).map_err(|error| Error::Data {
                message: Place::parse(&error.to_string()).message,
            })?;
        }
        if let Purpose::Looking { with_coverage } = purpose {
            engine.set_enable_coverage(*with_coverage);
        }
        let rules = match purpose {
            Purpose::Judging => Rules::find(&files, engine.get_modules(), &settings.namespaces)?,
            Purpose::Looking { .. } => Rules::default(),
        };
        if let Some(rule) = rules.known.first() {
            // Finds what only all files together show, such as a variable that nothing binds.
            engine
                .clone()
                .compile_with_entrypoint(&rule.path.as_str().into())
                .map_err(|error| invalid(error.to_string()))?;
        }
        let annotations = sources.iter().map(|it| metadata::of_package(&it.text)).collect();
        let settings = settings.clone();
        Ok(Self { engine, files, rules, annotations, settings, shared })
    }

    /// Sets the input, and begins with a new budget.
    pub(crate) fn begin(&mut self, input: Json) -> Result<(), Error> {
        self.shared.reset(now_ns(&self.settings));
        self.engine.set_input(value(input)?);
        Ok(())
    }

    /// The value of a rule.
    pub(crate) fn value(&mut self, path: &str, left: Duration) -> Result<Value, Place> {
        self.engine.set_execution_timer_config(timer(left));
        self.engine.eval_rule(path.to_owned()).map_err(|error| Place::parse(&error.to_string()))
    }
}

/// The compiler's error with its file and line.
pub(crate) fn invalid(text: &str, files: &[String]) -> Error {
    let place = Place::parse(text);
    let file = place.file.clone().unwrap_or_else(|| files.join(", "));
    let message = match place.line {
        0 => place.message,
        line => format!("line {line}: {}", place.message),
    };
    Error::Invalid { file, message }
}

fn value(json: Json) -> Result<Value, Error> {
    serde_json::from_value(json).map_err(|error| Error::Data { message: error.to_string() })
}

// The interpreter recurses over expressions, each of which is on its stack once at most if no function calls itself.
fn check_stack(files: &[String], modules: &[Ref<Module>]) -> Result<(), Error> {
    if let Some((function, line)) = calls::recursive_functions(modules).first() {
        let message = format!("line {line}: function `{function}` calls itself");
        return Err(Error::Invalid { file: files.join(", "), message });
    }
    let counts = modules
        .iter()
        .map(|module| u64::from(module.num_expressions) + u64::from(module.num_statements));
    let (count, largest) = counts.fold((0, 0), |(sum, most), it| (sum + it, it.max(most)));
    // One file by itself may be a chain of rules; several large ones are libraries.
    for (count, limit) in [(largest, EXPRESSIONS_MAX / 4), (count, EXPRESSIONS_MAX)] {
        if count > limit {
            let message = format!("there are {count} expressions, more than {limit}");
            return Err(Error::Invalid { file: files.join(", "), message });
        }
    }
    Ok(())
}

pub(crate) fn timer(limit: Duration) -> ExecutionTimerConfig {
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
