//! Texts for people.

use jiff::Timestamp;

/// Text from outside, fit for a terminal: no control or direction characters, at most 200 characters.
pub(crate) fn clean(text: &str) -> String {
    let is_direction = |character| matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let visible = |character: char| {
        if character.is_control() || is_direction(character) { '\u{FFFD}' } else { character }
    };
    text.chars().take(200).map(visible).collect()
}

/// A time in whole seconds.
pub(crate) fn time(secs: i64) -> String {
    match Timestamp::from_second(secs) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{secs} s"),
    }
}

/// The first digits of a fingerprint.
pub(crate) fn short(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}

/// `one`, `one and two`, `one, two and three`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
