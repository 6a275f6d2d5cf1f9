//! Times, always in UTC, in the layouts of Go's `time` package: an example of how `Mon Jan 2 15:04:05 2006` is written.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::functions::{Data, only, whole};
use super::print::shown;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
// What stands for a part of a time; the longer before those that they begin with.
const MARKS: [&str; 27] = [
    "January", "Monday", "2006", "Z07:00", "-07:00", "Z0700", "-0700", "-07", "002", "MST", "Jan",
    "Mon", "01", "02", "03", "04", "05", "06", "15", "_2", "PM", "pm", "1", "2", "3", "4", "5",
];

/// Calls a function; none if it is not one of these.
pub(super) fn call(
    name: &str,
    arguments: &[Data<'_>],
    now_secs: i64,
) -> Result<Option<Value>, String> {
    let texts: Vec<_> = arguments.iter().map(|value| shown(value)).collect();
    Ok(Some(match (name, arguments) {
        ("now", []) => json!(format_time(time(&json!(now_secs))?, "2006-01-02 15:04:05 -0700 MST")),
        ("date", [_, value]) | ("dateInZone" | "date_in_zone", [_, value, _]) => {
            json!(format_time(time(value)?, &texts[0]))
        }
        ("htmlDate", [value]) | ("htmlDateInZone", [value, _]) => {
            json!(format_time(time(value)?, "2006-01-02"))
        }
        ("toDate" | "mustToDate", [_, value]) => {
            json!(format_time(time(value)?, "2006-01-02T15:04:05Z07:00"))
        }
        ("unixEpoch", _) => json!(time(only(name, arguments)?)?.as_second().to_string()),
        ("ago", _) => {
            let secs = now_secs - time(only(name, arguments)?)?.as_second();
            json!(duration(secs))
        }
        ("duration", _) => json!(duration(whole(only(name, arguments)?))),
        ("dateModify" | "date_modify" | "mustDateModify", [_, value]) => {
            let moved = time(value)?.as_second().checked_add(seconds(&texts[0])?);
            let moved = moved.ok_or("dateModify: the time is out of range")?;
            json!(format_time(time(&json!(moved))?, "2006-01-02T15:04:05Z07:00"))
        }
        _ => return Ok(None),
    }))
}

// Seconds since 1970, RFC 3339, or as `now` gives it.
fn time(value: &Value) -> Result<Timestamp, String> {
    let text = shown(value);
    let wrong = || {
        let text: String = text.chars().take(40).collect();
        format!("`{text}` is no time")
    };
    if let Some(secs) = value.as_i64() {
        return Timestamp::from_second(secs).map_err(|_| wrong());
    }
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let plain = text.get(..19).unwrap_or(&text);
    let civil: DateTime = plain.parse().map_err(|_| wrong())?;
    civil.to_zoned(TimeZone::UTC).map(|time| time.timestamp()).map_err(|_| wrong())
}

fn format_time(time: Timestamp, layout: &str) -> String {
    let civil = TimeZone::UTC.to_datetime(time);
    let mut out = String::new();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = fraction(rest, civil, &mut out) {
            rest = &rest[length..];
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            out.push_str(&part(mark, civil));
            rest = &rest[mark.len()..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

// `.000` with zeros at its end, `.999` without.
fn fraction(text: &str, civil: DateTime, out: &mut String) -> Option<usize> {
    let digits = text.strip_prefix(['.', ','])?;
    let first = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let count = digits.len() - digits.trim_start_matches(first).len();
    let is_end = !digits[count..].starts_with(|c: char| c.is_ascii_digit());
    if !is_end {
        return None;
    }
    let nanos = format!("{:09}", civil.subsec_nanosecond());
    let shown = nanos.get(..count.min(9)).unwrap_or_default();
    let shown = if first == '9' { shown.trim_end_matches('0') } else { shown };
    if !shown.is_empty() {
        out.push_str(&text[..1]);
        out.push_str(shown);
    }
    Some(1 + count)
}

fn part(mark: &str, civil: DateTime) -> String {
    let month = MONTHS[usize::try_from(civil.month() - 1).unwrap_or(0)];
    let day = civil.date().weekday().to_monday_zero_offset();
    let day = DAYS[usize::try_from(day).unwrap_or(0)];
    let hour = match civil.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match mark {
        "January" => month.to_owned(),
        "Jan" => month[..3].to_owned(),
        "Monday" => day.to_owned(),
        "Mon" => day[..3].to_owned(),
        "2006" => format!("{:04}", civil.year()),
        "06" => format!("{:02}", civil.year().rem_euclid(100)),
        "01" => format!("{:02}", civil.month()),
        "1" => civil.month().to_string(),
        "002" => format!("{:03}", civil.date().day_of_year()),
        "02" => format!("{:02}", civil.day()),
        "_2" => format!("{:2}", civil.day()),
        "2" => civil.day().to_string(),
        "15" => format!("{:02}", civil.hour()),
        "03" => format!("{hour:02}"),
        "3" => hour.to_string(),
        "04" => format!("{:02}", civil.minute()),
        "4" => civil.minute().to_string(),
        "05" => format!("{:02}", civil.second()),
        "5" => civil.second().to_string(),
        "PM" => if civil.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        "pm" => if civil.hour() < 12 { "am" } else { "pm" }.to_owned(),
        "MST" => "UTC".to_owned(),
        "Z07:00" | "Z0700" => "Z".to_owned(),
        "-07:00" => "+00:00".to_owned(),
        "-0700" => "+0000".to_owned(),
        _ => "+00".to_owned(),
    }
}

// As Go writes a duration, `1h2m3s`.
fn duration(secs: i64) -> String {
    let sign = if secs < 0 { "-" } else { "" };
    let secs = secs.unsigned_abs();
    let (hours, minutes, rest) = (secs / 3600, secs / 60 % 60, secs % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{rest}s"),
        (0, minutes) => format!("{sign}{minutes}m{rest}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{rest}s"),
    }
}

// The seconds of a duration as Go writes one; parts of a second do not count.
fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || {
        let text: String = text.chars().take(40).collect();
        format!("`{text}` is no duration")
    };
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: i64 = rest[..end].parse().map_err(|_| wrong())?;
        rest = &rest[end..];
        let units = [("ms", 0), ("us", 0), ("ns", 0), ("h", 3600), ("m", 60), ("s", 1)];
        let (unit, secs) =
            units.into_iter().find(|(unit, _)| rest.starts_with(unit)).ok_or_else(wrong)?;
        rest = &rest[unit.len()..];
        sum = count.checked_mul(secs).and_then(|part| sum.checked_add(part)).ok_or_else(wrong)?;
    }
    Ok(if is_negative { -sum } else { sum })
}
