//! Built-in functions with a limit on what they may make.
//!
//! The interpreter's own time limit is looked at between two steps of a policy; a single call of
//! `numbers.range(1, 1000000000000)` would never come back to it, and a loop around `concat` could fill the memory
//! long before. An extension takes precedence over the built-in function of its name: each of these checks what it is
//! asked for, calls the built-in one, and then spends what came of it from a budget that all calls of one judgement
//! share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use regorus::unstable::{BUILTINS, BuiltinFcn, Expr, Ref, Source, Span};
use regorus::{Engine, Value};

use crate::{extension, growth};

const ITEMS_MAX: i128 = 1_000_000;
const BYTES_MAX: usize = 16 << 20;
const BUDGET_BYTES: usize = 256 << 20;
const SHIFT_MAX: i128 = 4096;
const WIDTH_DIGITS_MAX: usize = 3;
const PATTERN_BYTES_MAX: usize = 16 << 10;
const ARGUMENTS_MAX: usize = 16;

type Check = fn(&[Value]) -> Result<(), TooMuch>;

// What makes a text or a collection; the other built-in functions make a number or a truth value.
#[rustfmt::skip]
const GUARDS: [(&str, Check); 63] = [
    ("numbers.range", range),
    ("numbers.range_step", range),
    ("array.concat", array_concat),
    ("bits.lsh", shift),
    ("concat", concat),
    ("replace", replace),
    ("regex.replace", regex_replace),
    ("strings.replace_n", replace_n),
    ("sprintf", sprintf),
    ("json.marshal", marshal),
    ("regex.match", pattern_first),
    ("regex.split", pattern_first),
    ("regex.find_n", pattern_first),
    ("regex.template_match", pattern_first),
    ("regex.find_all_string_submatch_n", pattern_first),
    ("glob.match", pattern_first),
    ("net.cidr_expand", cidr_expand),
    ("json.marshal_with_options", marshal),
    ("array.reverse", anything), ("array.slice", anything), ("base64.decode", anything),
    ("base64.encode", anything), ("base64url.decode", anything), ("base64url.encode", anything),
    ("base64url.encode_no_pad", anything), ("format_int", anything), ("glob.quote_meta", anything),
    ("graph.reachable", anything), ("graph.reachable_paths", anything), ("hex.decode", anything),
    ("hex.encode", anything), ("indexof_n", anything), ("intersection", anything),
    ("json.filter", anything), ("json.patch", anything), ("json.remove", anything),
    ("json.unmarshal", anything), ("lower", anything), ("object.filter", anything),
    ("object.keys", anything), ("object.remove", anything), ("object.union", anything),
    ("object.union_n", anything), ("sort", anything), ("split", anything),
    ("strings.reverse", anything), ("substring", anything), ("time.format", anything),
    ("trim", anything), ("trim_left", anything), ("trim_prefix", anything),
    ("trim_right", anything), ("trim_space", anything), ("trim_suffix", anything),
    ("union", anything), ("upper", anything), ("urlquery.decode", anything),
    ("urlquery.decode_object", anything), ("urlquery.encode", anything),
    ("urlquery.encode_object", anything), ("walk", anything), ("product", anything),
    ("bits.negate", anything),
];

/// A call whose result would be too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the result would be larger than a policy may make")]
struct TooMuch;

/// What the guards of one engine share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    budget: Arc<AtomicUsize>,
    now_ns: Arc<AtomicI64>,
}

impl Shared {
    /// Before the next judgement: a new budget and a clock that stands still.
    pub(crate) fn reset(&self, now_ns: i64) {
        self.budget.store(BUDGET_BYTES, Ordering::Relaxed);
        self.now_ns.store(now_ns, Ordering::Relaxed);
    }

    fn spend(&self, value: &Value) -> Result<(), TooMuch> {
        self.take(shallow_bytes(value))
    }

    fn take(&self, bytes: usize) -> Result<(), TooMuch> {
        let spent = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        spent.map(|_| ()).map_err(|_| TooMuch)
    }
}

/// Puts the guards, the functions that the interpreter lacks and a clock that stands still into an engine.
pub(crate) fn install(engine: &mut Engine) -> Result<Shared, String> {
    let shared = Shared {
        budget: Arc::new(AtomicUsize::new(BUDGET_BYTES)),
        now_ns: Arc::new(AtomicI64::new(0)),
    };
    for (name, check) in GUARDS {
        // `walk` is a loop of its own to the interpreter, and yields what exists already.
        let Some(builtin) = BUILTINS.get(name).copied().filter(|_| name != "walk") else {
            continue;
        };
        let (function, n_arguments): BuiltinFcn = builtin;
        let source = Source::from_contents(name.to_owned(), name.to_owned())
            .map_err(|error| error.to_string())?;
        let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
        let place = || Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
        let places: Vec<Ref<Expr>> = std::iter::repeat_with(place).take(ARGUMENTS_MAX).collect();
        let (shared, span) = (shared.clone(), span.clone());
        let guarded = move |arguments: Vec<Value>| {
            check(&arguments)?;
            let n_places = arguments.len().min(places.len());
            let value = function(&span, &places[..n_places], &arguments, true)?;
            shared.spend(&value)?;
            Ok(value)
        };
        engine
            .add_extension(name.to_owned(), n_arguments, Box::new(guarded))
            .map_err(|error| error.to_string())?;
    }
    for (name, n_arguments, function) in extension::FUNCTIONS {
        let shared = shared.clone();
        let guarded = move |arguments: Vec<Value>| {
            let value = function(&arguments).map_err(extension::Failure::from)?;
            shared.spend(&value)?;
            Ok(value)
        };
        engine
            .add_extension(name.to_owned(), n_arguments, Box::new(guarded))
            .map_err(|error| error.to_string())?;
    }
    let made = {
        let shared = shared.clone();
        move |arguments: Vec<Value>| {
            let mut arguments = arguments.into_iter();
            let value = arguments.next().unwrap_or(Value::Undefined);
            let bytes = arguments.next().and_then(|cost| cost.as_u64().ok());
            shared.take(bytes.and_then(|it| usize::try_from(it).ok()).unwrap_or(BUDGET_BYTES))?;
            Ok(value)
        }
    };
    engine
        .add_extension(growth::FUNCTION.to_owned(), 2, Box::new(made))
        .map_err(|error| error.to_string())?;
    let clock = {
        let shared = shared.clone();
        move |_: Vec<Value>| Ok(Value::from(shared.now_ns.load(Ordering::Relaxed)))
    };
    engine
        .add_extension("time.now_ns".to_owned(), 0, Box::new(clock))
        .map_err(|error| error.to_string())?;
    Ok(shared)
}

// What a value takes besides what it shares with others.
fn shallow_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(array) => array.len().saturating_mul(24),
        Value::Set(set) => set.len().saturating_mul(32),
        Value::Object(object) => object.len().saturating_mul(64),
        _ => 0,
    }
}

// What the result may be the budget alone decides.
fn anything(arguments: &[Value]) -> Result<(), TooMuch> {
    at_most(arguments.len(), ARGUMENTS_MAX)
}

fn at_most(size: usize, limit: usize) -> Result<(), TooMuch> {
    if size > limit { Err(TooMuch) } else { Ok(()) }
}

// A value of the wrong type is none of a guard's business: the built-in function says so.
fn text(value: Option<&Value>) -> &str {
    match value {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

fn integer(value: Option<&Value>) -> i128 {
    value.and_then(|value| value.as_i128().ok()).unwrap_or(0)
}

// A pattern is compiled before anything can be said of it, which takes time and memory by its length.
fn pattern_first(arguments: &[Value]) -> Result<(), TooMuch> {
    at_most(text(arguments.first()).len(), PATTERN_BYTES_MAX)
}

fn cidr_expand(arguments: &[Value]) -> Result<(), TooMuch> {
    let network = text(arguments.first());
    let Some((address, prefix)) = network.split_once('/') else { return Ok(()) };
    let bits: u32 = if address.contains(':') { 128 } else { 32 };
    let free = bits.saturating_sub(prefix.parse().unwrap_or(0));
    if free > 16 { Err(TooMuch) } else { Ok(()) }
}
fn range(arguments: &[Value]) -> Result<(), TooMuch> {
    // A number beyond 128 bits is no range that anybody needs.
    let bound = |at: usize| match arguments.get(at) {
        Some(value @ Value::Number(_)) => value.as_i128().map_err(|_| TooMuch),
        _ => Ok(0),
    };
    let length = bound(1)?.checked_sub(bound(0)?).ok_or(TooMuch)?;
    if length.unsigned_abs() > ITEMS_MAX.unsigned_abs() { Err(TooMuch) } else { Ok(()) }
}

fn array_concat(arguments: &[Value]) -> Result<(), TooMuch> {
    let items: usize = arguments
        .iter()
        .filter_map(|value| value.as_array().ok())
        .map(regorus::value::Array::len)
        .sum();
    at_most(items, usize::try_from(ITEMS_MAX).unwrap_or(usize::MAX))
}

fn shift(arguments: &[Value]) -> Result<(), TooMuch> {
    if integer(arguments.get(1)) > SHIFT_MAX { Err(TooMuch) } else { Ok(()) }
}

fn concat(arguments: &[Value]) -> Result<(), TooMuch> {
    let separator = text(arguments.first()).len();
    let lengths: usize = match arguments.get(1) {
        Some(Value::Array(array)) => {
            array.iter().map(|item| text(Some(item)).len() + separator).sum()
        }
        Some(Value::Set(set)) => set.iter().map(|item| text(Some(item)).len() + separator).sum(),
        _ => 0,
    };
    at_most(lengths, BYTES_MAX)
}

fn replace(arguments: &[Value]) -> Result<(), TooMuch> {
    let subject = text(arguments.first());
    let matches = subject.matches(text(arguments.get(1))).count();
    at_most(grown(subject.len(), matches, text(arguments.get(2)).len()), BYTES_MAX)
}

fn regex_replace(arguments: &[Value]) -> Result<(), TooMuch> {
    at_most(text(arguments.get(1)).len(), PATTERN_BYTES_MAX)?;
    let subject = text(arguments.first()).len();
    let replacement = text(arguments.get(2)).len();
    // `$0` may repeat the match, so the subject counts once for each of them.
    let groups = text(arguments.get(2)).matches('$').count();
    let repeated = subject.saturating_mul(groups);
    at_most(grown(subject, subject + 1, replacement).saturating_add(repeated), 4 * BYTES_MAX)
}

fn replace_n(arguments: &[Value]) -> Result<(), TooMuch> {
    let Some(Value::Object(patterns)) = arguments.first() else { return Ok(()) };
    let mut subject = text(arguments.get(1)).to_owned();
    for (old, new) in patterns.iter_sorted() {
        let (old, new) = (text(Some(old)), text(Some(new)));
        at_most(grown(subject.len(), subject.matches(old).count(), new.len()), BYTES_MAX)?;
        subject = subject.replace(old, new);
    }
    Ok(())
}

fn grown(length: usize, matches: usize, replacement: usize) -> usize {
    length.saturating_add(matches.saturating_mul(replacement))
}

fn sprintf(arguments: &[Value]) -> Result<(), TooMuch> {
    let format = text(arguments.first());
    for directive in format.split('%').skip(1) {
        // Also a digit of another script, which the built-in function chokes on.
        let width = directive.chars().take_while(|c| *c == '.' || c.is_numeric());
        if width.clone().count() > WIDTH_DIGITS_MAX || width.clone().any(|c| !c.is_ascii()) {
            return Err(TooMuch);
        }
    }
    marshal(&arguments[1..])
}

fn marshal(arguments: &[Value]) -> Result<(), TooMuch> {
    let mut budget = BYTES_MAX;
    arguments.iter().try_for_each(|value| spend(value, &mut budget))
}

// Parts of a value may be shared, so that it is far larger written out than in memory.
fn spend(value: &Value, budget: &mut usize) -> Result<(), TooMuch> {
    let own = if let Value::String(text) = value { text.len() + 2 } else { 2 };
    *budget = budget.checked_sub(own).ok_or(TooMuch)?;
    match value {
        Value::Array(array) => array.iter().try_for_each(|item| spend(item, budget)),
        Value::Set(set) => set.iter().try_for_each(|item| spend(item, budget)),
        Value::Object(object) => object.iter_sorted().try_for_each(|(key, item)| {
            spend(key, budget)?;
            spend(item, budget)
        }),
        _ => Ok(()),
    }
}
