//! Built-in functions that could make much from little, with a limit on what they may make.
//!
//! The interpreter's own time limit is looked at between two steps of a policy; a single call of
//! `numbers.range(1, 1000000000000)` would never come back to it. An extension takes precedence over the built-in
//! function of its name, so each of these checks the size of its result first and then calls the built-in one.

use regorus::unstable::{BUILTINS, BuiltinFcn, Expr, Ref, Source, Span};
use regorus::{Engine, Value};

const ITEMS_MAX: i128 = 1_000_000;
const BYTES_MAX: usize = 16 << 20;
const SHIFT_MAX: i128 = 4096;
const WIDTH_DIGITS_MAX: usize = 3;

type Check = fn(&[Value]) -> Result<(), TooMuch>;

const GUARDS: [(&str, Check); 10] = [
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
];

/// A call whose result would be too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the result would be larger than a policy may make")]
struct TooMuch;

/// Puts the guards and a clock that stands still into an engine.
pub(crate) fn install(engine: &mut Engine, now_ns: i64) -> Result<(), String> {
    for (name, check) in GUARDS {
        let Some(builtin) = BUILTINS.get(name).copied() else { continue };
        let extension = move |arguments: Vec<Value>| {
            check(&arguments)?;
            let (function, _) = builtin;
            let source = Source::from_contents(name.to_owned(), name.to_owned())?;
            let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
            let place =
                |_| Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
            let places: Vec<Ref<Expr>> = arguments.iter().map(place).collect();
            function(&span, &places, &arguments, true)
        };
        let (_, n_arguments): BuiltinFcn = builtin;
        engine
            .add_extension(name.to_owned(), n_arguments, Box::new(extension))
            .map_err(|error| error.to_string())?;
    }
    let clock = move |_: Vec<Value>| Ok(Value::from(now_ns));
    engine
        .add_extension("time.now_ns".to_owned(), 0, Box::new(clock))
        .map_err(|error| error.to_string())
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
