//! FIRST's scores of how likely a flaw is to be exploited (EPSS), CSV with a line of comment before it.

use sealift_model::Epss;

use crate::csv::Rows;
use crate::kind::{Found, is_cve};

const WHOLE: u32 = 1_000_000;

/// Reads the scores.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let (comment, table) = match text.strip_prefix('#') {
        Some(rest) => rest.split_once('\n').unwrap_or((rest, "")),
        None => ("", text),
    };
    let date = comment.trim_end().split(',').find_map(|part| part.strip_prefix("score_date:"));
    let mut rows = Rows::new(table);
    let head = rows.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|found| found == name);
    let (Some(cve), Some(score), Some(percentile)) =
        (column("cve"), column("epss"), column("percentile"))
    else {
        return Err("it is not a table of EPSS: a column is missing".to_owned());
    };
    let mut found = Found { newest: date.map(str::to_owned), ..Found::default() };
    for row in rows {
        let id = row.get(cve).filter(|id| is_cve(id));
        let number = |column: usize| millionths(row.get(column)?);
        if let (Some(id), Some(score_millionths), Some(percentile_millionths)) =
            (id, number(score), number(percentile))
        {
            found.epss.push((id.clone(), Epss { score_millionths, percentile_millionths }));
        } else {
            // The same words for all, so that a table of another kind is not a million notes.
            found.notes.push("a row has no CVE or no score from 0 to 1".to_owned());
            found.notes.dedup();
        }
    }
    Ok(found)
}

// A decimal from 0 to 1, rounded; by hand, so that it is exact.
fn millionths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || text.len() > 40 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let digit = |at: usize| u32::from(fraction.as_bytes().get(at).map_or(0, |byte| byte - b'0'));
    let rounded = (0..6).fold(0, |sum, at| sum * 10 + digit(at)) + u32::from(digit(6) >= 5);
    let all = whole.parse::<u32>().ok()?.checked_mul(WHOLE)?.checked_add(rounded)?;
    (all <= WHOLE).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores() {
        let found = read(
            "#model_version:v2026.06.15,score_date:2026-08-22T00:00:00Z\ncve,epss,percentile\n\
             CVE-2002-0367,0.04919,0.91446\nCVE-1,0,0\nCVE-2002-0368,2,0\nCVE-2002-0369,1.0,1\n",
        );
        let found = found.unwrap();
        let score = |score_millionths, percentile_millionths| Epss {
            score_millionths,
            percentile_millionths,
        };
        let expected = [
            ("CVE-2002-0367".to_owned(), score(49_190, 914_460)),
            ("CVE-2002-0369".to_owned(), score(WHOLE, WHOLE)),
        ];
        assert_eq!(found.epss, expected);
        assert_eq!(found.newest.as_deref(), Some("2026-08-22T00:00:00Z"));
        assert_eq!(found.notes.len(), 1);
        assert!(read("#model_version:1").is_err());
    }

    #[test]
    fn decimals() {
        for (text, expected) in [
            ("0.0000005", Some(1)),
            ("0.0000004", Some(0)),
            ("1.0000001", Some(WHOLE)),
            ("1.1", None),
            ("-0.1", None),
            ("1e-5", None),
            ("", None),
            (".5", None),
            ("99999999999", None),
        ] {
            assert_eq!(millionths(text), expected, "{text}");
        }
    }
}
