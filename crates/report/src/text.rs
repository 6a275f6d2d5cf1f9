//! Texts of advisories as other formats may hold them. Advisories are foreign: a text may have any length and any
//! characters, and none may leave its place in a document.

use jiff::Timestamp;
use sealift_model::{Finding, FixState, Rating, RatingBasis, Severity};
use sealift_oci::Digest;

/// One line, without control characters, of at most so many characters.
pub(crate) fn line(text: &str, chars_max: usize) -> String {
    let clean = |c: char| match c {
        c if c.is_control() => ' ',
        c if turns_direction(c) => '\u{fffd}',
        c => c,
    };
    let text = text.trim();
    // Nearly every text is printable ASCII, and short.
    if text.len() <= chars_max && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    shorten(text.chars().map(clean), chars_max)
}

/// Lines, without other control characters, of at most so many characters in all.
pub(crate) fn block(text: &str, chars_max: usize) -> String {
    let clean = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => ' ',
        c if turns_direction(c) => '\u{fffd}',
        c => c,
    };
    shorten(text.trim().replace("\r\n", "\n").chars().map(clean), chars_max)
}

/// True for characters that turn the direction of writing, and so can make a text look like another.
pub(crate) fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shorten(chars: impl Iterator<Item = char>, chars_max: usize) -> String {
    let mut chars = chars;
    let mut text: String = chars.by_ref().take(chars_max).collect();
    if chars.next().is_some() {
        text.pop();
        text.push('…');
    }
    text
}

/// A text inside XML or HTML, also within double quotes. What XML 1.0 cannot hold becomes U+FFFD.
pub(crate) fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A web address that can stand in any document: http or https, and nothing that would have to be escaped.
pub(crate) fn web_address(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}'".contains(c);
    (!rest.is_empty() && url.len() <= 2048 && url.chars().all(is_plain)).then_some(url)
}

/// The first page of a finding that is a web address.
pub(crate) fn primary_url(finding: &Finding) -> Option<&str> {
    finding.primary_url.as_deref().and_then(web_address)
}

/// All pages of a finding, the first one first, none twice.
pub(crate) fn urls(finding: &Finding) -> Vec<&str> {
    let mut urls: Vec<&str> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for url in finding.primary_url.iter().chain(&finding.references) {
        if let Some(url) = web_address(url).filter(|url| seen.insert(*url)) {
            urls.push(url);
        }
    }
    urls
}

/// The level as a word with a capital, `Critical`.
pub(crate) fn capitalized(severity: Severity) -> String {
    let word = severity.as_str().to_lowercase();
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// A time as RFC 3339 in UTC.
pub(crate) fn time(secs: i64) -> String {
    Timestamp::from_second(secs).unwrap_or_default().to_string()
}

/// What stands for a finding in later reports too: the flaw, the package, where it is. Not the version, so that the
/// finding is the same after an upgrade that does not repair it.
pub(crate) fn fingerprint(finding: &Finding) -> String {
    let package = &finding.package;
    let path = package.path.as_deref().unwrap_or_default();
    let parts = [finding.id.as_str(), package.kind.purl_type(), &package.name, path];
    Digest::sha256(parts.join("\0").as_bytes()).hex().to_owned()
}

/// What stands for a finding in this report only: also its version, and its place if all else is the same.
pub(crate) fn unique_digest(finding: &Finding, place: usize) -> String {
    let package = &finding.package;
    let path = package.path.as_deref().unwrap_or_default();
    let place = place.to_string();
    let parts = [finding.id.as_str(), &package.purl, &package.name, &package.version, path, &place];
    Digest::sha256(parts.join("\0").as_bytes()).hex().to_owned()
}

/// A UUID made from content (RFC 9562 section 5.8, version 8) of hexadecimal digits.
pub(crate) fn uuid(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or("0");
    let variant = match part(16, 17) {
        "0" | "4" | "8" | "c" => '8',
        "1" | "5" | "9" | "d" => '9',
        "2" | "6" | "a" | "e" => 'a',
        _ => 'b',
    };
    format!(
        "{}-{}-8{}-{variant}{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// The CVSS ratings of a finding.
pub(crate) fn cvss(finding: &Finding) -> impl Iterator<Item = (&Rating, &sealift_model::Cvss)> {
    finding.ratings.iter().filter_map(|rating| match &rating.basis {
        RatingBasis::Cvss(cvss) => Some((rating, cvss)),
        _ => None,
    })
}

/// What to do, in one sentence.
pub(crate) fn solution(finding: &Finding) -> String {
    let name = &finding.package.name;
    if let FixState::Subscription(version) = &finding.fix {
        return format!("Upgrade {name} to {version}, which needs a subscription.");
    }
    match finding.fix.version() {
        Some(version) => format!("Upgrade {name} to {version}."),
        None => match finding.fix.as_str() {
            "will_not_fix" => format!("The distribution will not repair {name}."),
            "fix_deferred" => format!("The distribution will repair {name} some time."),
            "end_of_life" => format!("Nobody looks after {name} any more."),
            "under_investigation" => format!("It is not known yet whether {name} has the flaw."),
            _ => format!("No version of {name} is known that repairs it."),
        },
    }
}

/// JSON, indented, with a newline at its end.
pub(crate) fn document(value: &impl serde::Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(value).expect("texts, numbers and lists always encode");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_clean() {
        assert_eq!(line(" a\u{1b}[31m\nb ", 100), "a [31m b");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
        assert_eq!(block("a\r\nb\u{0}c", 9), "a\nb c");
        assert_eq!(
            markup("<a b=\"'\">&\u{0}\u{7f}\n"),
            "&lt;a b=&quot;&#39;&quot;&gt;&amp;\u{fffd}\u{fffd}\n"
        );
    }

    #[test]
    fn only_plain_web_addresses() {
        assert_eq!(web_address("https://a.example/b?c=d#e"), Some("https://a.example/b?c=d#e"));
        for wrong in
            ["javascript:alert(1)", "http://", "https://a b", "https://a\"b", "ftp://a", ""]
        {
            assert_eq!(web_address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn identifiers() {
        let hex = Digest::sha256(b"x").hex().to_owned();
        let uuid = uuid(&hex);
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "8");
        assert!("89ab".contains(&uuid[19..20]));
        assert_eq!(capitalized(Severity::Critical), "Critical");
    }
}
