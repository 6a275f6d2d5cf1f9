//! Versions that are lists of numbers: Hackage (PVP), CRAN (R's `package_version`), CPAN (version.pm).

use crate::key::{is_number, push_number};

const END: u8 = 1;
const NUMBER: u8 = 2;

/// Hackage: `1.2.3`; the longer of two is newer (Data.Version).
pub(crate) fn hackage(text: &str) -> Result<Box<[u8]>, &'static str> {
    encode(text.split('.'))
}

/// CRAN: `1.2-3`; `-` separates as `.` does, and the longer is newer.
pub(crate) fn cran(text: &str) -> Result<Box<[u8]>, &'static str> {
    encode(text.split(['.', '-']))
}

/// CPAN: a decimal, `1.0203`, or numbers with dots, `v1.2.3`. Three decimals are a number, zeros at the end do not count.
pub(crate) fn cpan(text: &str) -> Result<Box<[u8]>, &'static str> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let underscore = |place: usize| {
        text[..place].contains('.')
            && is_digit(bytes.get(place - 1))
            && is_digit(bytes.get(place + 1))
    };
    let mut underscores = text.match_indices('_');
    if underscores.next().is_some_and(|(place, _)| !underscore(place))
        || underscores.next().is_some()
    {
        return Err("a `_` does not stand once, behind a `.` and between digits");
    }
    let plain = text.replace('_', "");
    let (plain, is_dotted) = match plain.strip_prefix('v') {
        Some(rest) => (rest, true),
        None => (plain.as_str(), plain.matches('.').count() > 1),
    };
    let mut parts: Vec<String> = Vec::new();
    if is_dotted {
        parts.extend(plain.split('.').map(str::to_owned));
        if parts.first().is_some_and(String::is_empty) && parts.len() > 2 {
            parts[0].push('0');
        }
    } else {
        let (whole, decimals) = plain.split_once('.').unwrap_or((plain, ""));
        if whole.is_empty() && decimals.is_empty() {
            return Err("it has no number");
        }
        parts.push(if whole.is_empty() { "0".to_owned() } else { whole.to_owned() });
        if !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("a part is not a number");
        }
        for start in (0..decimals.len()).step_by(3) {
            let end = decimals.len().min(start + 3);
            parts.push(format!("{:0<3}", &decimals[start..end]));
        }
    }
    if !parts.iter().all(|part| is_number(part)) {
        return Err("a part is not a number");
    }
    let significant = parts.iter().rposition(|part| part.bytes().any(|digit| digit != b'0'));
    encode(parts[..significant.map_or(0, |last| last + 1)].iter().map(String::as_str))
}

fn encode<'a>(parts: impl Iterator<Item = &'a str>) -> Result<Box<[u8]>, &'static str> {
    let mut key = Vec::with_capacity(16);
    for part in parts {
        if !is_number(part) {
            return Err("a part is not a number");
        }
        key.push(NUMBER);
        push_number(&mut key, part);
    }
    key.push(END);
    Ok(key.into())
}
