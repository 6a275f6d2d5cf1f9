//! Debian's lists of its own advisories, `data/DSA/list` and `data/DLA/list` of the security tracker's repository
//! (`doc/security-team.d.o/security_tracker` there describes the lines).

use sealift_model::{Advisory, Affected, Statement};

use crate::debian::{ecosystem, entry};
use crate::kind::{Found, is_cve};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// Real advisories name a thousand flaws at most.
const IDS_MAX: usize = 10_000;

/// True for such a list: its first line is the head of an advisory.
pub(crate) fn is_list(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    std::str::from_utf8(&line[..line.len().min(200)]).is_ok_and(|line| head(line).is_some())
}

/// Reads a list.
pub(crate) fn read(text: &str) -> Found {
    let mut found = Found::default();
    for line in text.lines() {
        let is_head = !line.starts_with(char::is_whitespace) && !line.is_empty();
        let line = line.trim();
        if is_head {
            match head(line) {
                Some(advisory) => {
                    found.newest = found.newest.max(advisory.published.clone());
                    found.advisories.push(advisory);
                }
                None => found.note("a line is not understood"),
            }
            continue;
        }
        let is_remark = line.is_empty() || line.starts_with("NOTE:") || line.starts_with("TODO:");
        let Some(advisory) = found.advisories.last_mut().filter(|_| !is_remark) else { continue };
        if let Some(ids) = line.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let room = IDS_MAX.saturating_sub(advisory.upstream.len());
            let ids = ids.split_whitespace().filter(|id| is_cve(id)).take(room);
            advisory.upstream.extend(ids.map(str::to_owned));
            continue;
        }
        match package(line) {
            Ok(affected) => advisory.affected.extend(affected),
            Err(message) => found.note(&message),
        }
    }
    found
}

// `[21 Aug 2026] DSA-6458-1 gst-plugins-bad1.0 - security update`
fn head(line: &str) -> Option<Advisory> {
    let (date, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (id, summary) = rest.split_once(' ').unwrap_or((rest, ""));
    let series = ["DSA-", "DLA-", "DTSA-", "ELA-"];
    let is_id = series.iter().any(|series| id.starts_with(series))
        && id.len() <= 40
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let date = date_of(date)?;
    is_id.then(|| Advisory {
        id: id.to_owned(),
        summary: Some(summary.trim().to_owned()).filter(|text| !text.is_empty()),
        published: Some(date.clone()),
        modified: Some(date),
        references: vec![format!("https://security-tracker.debian.org/tracker/{id}")],
        ..Advisory::default()
    })
}

fn date_of(text: &str) -> Option<String> {
    let [day, month, year] = text.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let (day, year): (u8, u16) = (day.parse().ok()?, year.parse().ok()?);
    ((1..=31).contains(&day) && (1990..=9999).contains(&year))
        .then(|| format!("{year}-{month:02}-{day:02}T00:00:00Z"))
}

// `[bookworm] - curl 7.88.1-10+deb12u1`, or a word in brackets instead of the version.
fn package(line: &str) -> Result<Option<Affected>, String> {
    let not_understood = || "a line on a package is not understood".to_owned();
    let (codename, rest) = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] - "))
        .ok_or_else(not_understood)?;
    let mut words = rest.split_whitespace();
    let (Some(name), Some(version)) = (words.next(), words.next()) else {
        return Err(not_understood());
    };
    let (fixed, statement) = match version {
        "<not-affected>" => (None, Statement::NotAffected),
        "<unfixed>" | "<no-dsa>" => (None, Statement::Affected),
        "<ignored>" => (None, Statement::WillNotFix),
        "<postponed>" => (None, Statement::Deferred),
        "<end-of-life>" => (None, Statement::EndOfLife),
        "<undetermined>" => (None, Statement::UnderInvestigation),
        // It is no longer in that release.
        "<removed>" => return Ok(None),
        word if word.starts_with('<') => return Err(not_understood()),
        version => (Some(version), Statement::Affected),
    };
    Ok(ecosystem(codename)?.map(|it| entry(it, name, fixed, statement)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[21 Aug 2026] DSA-6458-1 a - security update\n\
        \t{CVE-2026-12891 CVE-2026-12892 bogus}\n\
        \t[trixie] - a 1.26.2-3+deb13u3\n\
        \t[bookworm] - a <not-affected> (Vulnerable code added later)\n\
        \t[sid] - a 2\n\
        \tNOTE: an aside\n\
        [01 Jan 2024] DLA-1-2 b - regression update\n\
        \t[buster] - b <end-of-life>\n\
        \t[quail] - b 1\n\
        \t[buster] - b\n\
        what is this\n";

    #[test]
    fn lines() {
        assert!(is_list(LIST.as_bytes()));
        assert!(!is_list(b"[x] DSA-1-1 y") && !is_list(b"") && !is_list(b"PyPI\nnpm\n"));
        let found = read(LIST);
        let [first, second] = &found.advisories[..] else { panic!("two advisories") };
        assert_eq!((first.id.as_str(), second.id.as_str()), ("DSA-6458-1", "DLA-1-2"));
        assert_eq!(first.upstream, ["CVE-2026-12891", "CVE-2026-12892"]);
        assert_eq!(first.published.as_deref(), Some("2026-08-21T00:00:00Z"));
        let said = |advisory: &Advisory| -> Vec<String> {
            let one = |it: &Affected| format!("{} {} {:?}", it.ecosystem, it.name, it.statement);
            advisory.affected.iter().map(one).collect()
        };
        assert_eq!(said(first), ["Debian:13 a Affected", "Debian:12 a NotAffected"]);
        assert_eq!(said(second), ["Debian:10 b EndOfLife"]);
        assert_eq!(found.newest.as_deref(), Some("2026-08-21T00:00:00Z"));
        let expected = [
            "a release of Debian is not known",
            "a line on a package is not understood",
            "a line is not understood",
        ];
        assert_eq!(found.notes, expected);
    }

    #[test]
    fn broken_lines_hide_no_others() {
        for end in (0..LIST.len()).filter(|end| LIST.is_char_boundary(*end)) {
            assert!(read(&LIST[..end]).advisories.len() <= 2);
        }
        let many = format!("[1 Jan 2024] DSA-1-1 x\n{{{}}}", "CVE-2024-0001 ".repeat(3 * IDS_MAX));
        assert!(read(&many.replace('{', "\t{")).advisories[0].upstream.len() <= IDS_MAX);
    }
}
