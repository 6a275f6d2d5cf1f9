//! What labels must look like, as the user chose.

use std::collections::BTreeMap;

use crate::Error;

/// The labels that an image must have, and what their values are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSchema {
    /// Names with the kind of their values.
    pub labels: BTreeMap<String, LabelKind>,
    /// Whether no other label is allowed.
    pub is_strict: bool,
}

/// What the value of a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// Any text.
    Text,
    /// An absolute URL.
    Url,
    /// A time (RFC 3339).
    Time,
    /// An SPDX licence expression.
    Licence,
    /// A commit of git: 7 or 40 hexadecimal digits.
    Commit,
    /// A semantic version.
    Version,
    /// A mail address.
    Mail,
}

impl LabelKind {
    /// The names of the kinds, as hadolint has them.
    pub const NAMES: [&'static str; 7] =
        ["text", "url", "rfc3339", "spdx", "hash", "semver", "email"];

    /// The kind of a name; hadolint takes the empty one for a text.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "text" | "" => Self::Text,
            "url" => Self::Url,
            "rfc3339" => Self::Time,
            "spdx" => Self::Licence,
            "hash" => Self::Commit,
            "semver" => Self::Version,
            "email" => Self::Mail,
            _ => return Err(Error::UnknownLabelKind { name: name.chars().take(40).collect() }),
        })
    }

    /// What a value of this kind is.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Url => "a URL",
            Self::Time => "a time such as `2026-01-31T12:00:00Z` (RFC 3339)",
            Self::Licence => "an SPDX licence expression",
            Self::Commit => "the hash of a commit, of 7 or 40 hexadecimal digits",
            Self::Version => "a semantic version",
            Self::Mail => "a mail address",
        }
    }

    /// Whether a value is of this kind.
    pub(crate) fn fits(self, value: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Url => is_url(value),
            Self::Time => is_time(value),
            Self::Licence => spdx::Expression::parse(value).is_ok(),
            Self::Commit => {
                matches!(value.len(), 7 | 40)
                    && value.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
            }
            Self::Version => is_version(value),
            Self::Mail => is_mail(value),
        }
    }
}

// RFC 3986: a scheme, and no characters that must be escaped.
fn is_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '+' | '-' | '.'));
    let is_plain = |it: char| it.is_ascii_graphic() && !"\"<>\\^`{|}".contains(it);
    is_scheme && !rest.is_empty() && rest.chars().all(is_plain)
}

// RFC 3339 §5.6.
fn is_time(value: &str) -> bool {
    let number = |range: std::ops::Range<usize>| {
        let text = value.get(range)?;
        text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse::<u32>().ok())?
    };
    let signs = [(4, b"-"), (7, b"-"), (13, b":"), (16, b":")];
    let has_signs = signs.iter().all(|(at, sign)| value.as_bytes().get(*at) == sign.first());
    let divided = value.as_bytes().get(10).is_some_and(|it| matches!(it, b'T' | b't' | b' '));
    let fields = [
        (0..4, 0, 9999),
        (5..7, 1, 12),
        (8..10, 1, 31),
        (11..13, 0, 23),
        (14..16, 0, 59),
        (17..19, 0, 60),
    ];
    let fits = fields
        .into_iter()
        .all(|(range, low, high)| number(range).is_some_and(|it| (low..=high).contains(&it)));
    if !(has_signs && divided && fits) {
        return false;
    }
    let rest = &value[19..];
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|it: char| it.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    let bytes = zone.as_bytes();
    matches!(zone, "Z" | "z")
        || bytes.len() == 6
            && matches!(bytes[0], b'+' | b'-')
            && bytes[3] == b':'
            && [1, 2, 4, 5].iter().all(|at| bytes[*at].is_ascii_digit())
}

// semver.org, version 2.0.0.
fn is_version(value: &str) -> bool {
    let (rest, build) = match value.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (value, None),
    };
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|it| it.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let is_pre = |part: &str| {
        is_word(part) && (is_number(part) || !part.bytes().all(|it| it.is_ascii_digit()))
    };
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre.is_none_or(|pre| pre.split('.').all(is_pre))
        && build.is_none_or(|build| build.split('.').all(is_word))
}

// RFC 5322's dot-atom; quoted local parts are legal, and not meant by anybody.
fn is_mail(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    let is_atom = |part: &str| {
        !part.is_empty()
            && part.chars().all(|it| it.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(it))
    };
    let is_label = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|it| it.is_alphanumeric() || it == '-')
    };
    local.split('.').all(is_atom) && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, good: &[&str], bad: &[&str]) {
        let kind = LabelKind::parse(kind).unwrap();
        for (values, expected) in [(good, true), (bad, false)] {
            for value in values {
                assert_eq!(kind.fits(value), expected, "{kind:?} {value}");
            }
        }
    }

    #[test]
    fn values_of_each_kind() {
        check("text", &["", "anything"], &[]);
        check(
            "url",
            &["https://example.com/a?b#c", "mailto:a@b.c"],
            &["", "example.com", "http://a b", "1x:y", "https:"],
        );
        check(
            "rfc3339",
            &["2026-01-31T12:00:00Z", "2026-01-31t12:00:00.25+02:00"],
            &[
                "",
                "2026-01-31",
                "2026-13-01T00:00:00Z",
                "2026-01-31T12:00:00",
                "2026-01-31T12:00:00.Z",
                "2026-01-31T12:00:00é",
                "2026-01-31T12:00:0éZ",
            ],
        );
        check("spdx", &["MIT", "Apache-2.0 OR MIT"], &["", "my licence"]);
        check(
            "hash",
            &["0123abc", "0123456789012345678901234567890123456789"],
            &["0123abcd", "0123ABC", ""],
        );
        check(
            "semver",
            &["1.2.3", "1.0.0-rc.1+build.7", "0.0.0--"],
            &["1.2", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.3-", ""],
        );
        check(
            "email",
            &["a.b+c@example.com", "me@localhost"],
            &["", "a", "@b", "a@", "a b@c.d", "a@-b"],
        );
        assert!(LabelKind::parse("colour").is_err());
        assert!(LabelKind::NAMES.iter().all(|name| LabelKind::parse(name).is_ok()));
    }
}
