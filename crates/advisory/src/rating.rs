//! How bad: CVSS vectors, scores and words become ratings.

use cvss::Cvss as Parsed;
use sealift_model::{Cvss, CvssVersion, Rating, RatingBasis, Severity};

/// Reads an entry of `severity`: a vector of any CVSS version, a bare score, or a word.
pub(crate) fn from_score(source: &str, text: &str) -> Option<Rating> {
    let text = text.trim();
    // CVSS v2 vectors are often put in brackets.
    let vector = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    if let Some(cvss) = cvss(vector) {
        let severity = Severity::from_score(cvss.score());
        return Some(Rating {
            source: source.to_owned(),
            severity,
            basis: RatingBasis::Cvss(cvss),
        });
    }
    match text.parse::<f64>() {
        Ok(score) if (0.0..=10.0).contains(&score) => Some(Rating {
            source: source.to_owned(),
            severity: Severity::from_score(score),
            basis: RatingBasis::Word,
        }),
        _ => from_word(source, text, RatingBasis::Word),
    }
}

/// Reads a word. Debian marks some urgencies with `*`; words that judge nothing give nothing.
pub(crate) fn from_word(source: &str, word: &str, basis: RatingBasis) -> Option<Rating> {
    match word.trim_end_matches('*').parse::<Severity>() {
        Ok(Severity::Unknown) | Err(_) => None,
        Ok(severity) => Some(Rating { source: source.to_owned(), severity, basis }),
    }
}

fn cvss(vector: &str) -> Option<Cvss> {
    // The longest vector of CVSS 4.0 has some 220 bytes.
    if vector.len() > 1024 {
        return None;
    }
    let parsed: Parsed = vector.parse().ok()?;
    let version = match parsed {
        Parsed::CvssV20(_) => CvssVersion::V2,
        Parsed::CvssV30(_) => CvssVersion::V30,
        Parsed::CvssV31(_) => CvssVersion::V31,
        Parsed::CvssV40(_) => CvssVersion::V4,
        _ => return None,
    };
    let tenths = (parsed.score() * 10.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    let score_tenths = (0.0..=100.0).contains(&tenths).then_some(tenths as u8)?;
    Some(Cvss { version, vector: vector.to_owned(), score_tenths })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let actual = match from_score("x", text) {
            None => "nothing".to_owned(),
            Some(Rating { severity, basis: RatingBasis::Cvss(cvss), .. }) => {
                format!("{severity} {:?} {:.1}", cvss.version, cvss.score())
            }
            Some(rating) => rating.severity.to_string(),
        };
        expected.assert_eq(&actual);
    }

    #[test]
    fn scores() {
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", expect!["CRITICAL V31 9.8"]);
        check("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", expect!["LOW V30 3.1"]);
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", expect!["NEGLIGIBLE V31 0.0"]);
        check("AV:N/AC:L/Au:N/C:N/I:N/A:P", expect!["MEDIUM V2 5.0"]);
        check("(AV:N/AC:L/Au:N/C:C/I:C/A:C)", expect!["CRITICAL V2 10.0"]);
        check(
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
            expect!["CRITICAL V4 9.3"],
        );
        check("7.5", expect!["HIGH"]);
        check("MODERATE", expect!["MEDIUM"]);
    }

    #[test]
    fn what_says_nothing() {
        check("", expect!["nothing"]);
        check("CVSS:3.1/AV:N", expect!["NEGLIGIBLE V31 0.0"]);
        check("CVSS:9.9/AV:N/AC:L", expect!["nothing"]);
        check("11.0", expect!["nothing"]);
        check("NaN", expect!["nothing"]);
        check("not yet assigned", expect!["nothing"]);
        check("unknown", expect!["nothing"]);
        check(&"AV:N/".repeat(1000), expect!["nothing"]);
    }
}
