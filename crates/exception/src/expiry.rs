//! Until when an exception counts.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The moment from which on an exception no longer counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expiry {
    /// Its day, `2024-01-01`.
    pub(crate) day: String,
    secs: i64,
}

impl Expiry {
    /// Reads a day, whose beginning is meant, or a time; one without a zone is in UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let at = match (text.parse::<Timestamp>(), text.parse::<Date>(), text.parse::<DateTime>()) {
            (Ok(at), ..) => at,
            (_, Ok(date), _) if text.len() == 10 => date.to_zoned(TimeZone::UTC).ok()?.timestamp(),
            (_, _, Ok(time)) => time.to_zoned(TimeZone::UTC).ok()?.timestamp(),
            _ => return None,
        };
        let day = text.get(..10)?.to_owned();
        Some(Self { day, secs: at.as_second() })
    }

    /// True if the moment is over.
    pub(crate) fn is_over(&self, now_secs: i64) -> bool {
        self.secs <= now_secs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let check = |text: &str, expected: Option<(&str, i64)>| {
            let actual = Expiry::parse(text).map(|it| (it.day, it.secs));
            assert_eq!(actual, expected.map(|(day, secs)| (day.to_owned(), secs)), "{text}");
        };
        check("2024-01-01", Some(("2024-01-01", 1_704_067_200)));
        check(" 2024-01-01T00:00:01Z", Some(("2024-01-01", 1_704_067_201)));
        check("2024-01-01T00:00:00+01:00", Some(("2024-01-01", 1_704_063_600)));
        check("2024-01-01 12:00:00", Some(("2024-01-01", 1_704_110_400)));
        for bad in ["", "2024", "2024-13-01", "01.01.2024", "tomorrow", "2024-02-30", "äääääääääää"]
        {
            check(bad, None);
        }
        let expiry = Expiry::parse("1970-01-02").unwrap();
        assert!(!expiry.is_over(86_399) && expiry.is_over(86_400));
    }
}
