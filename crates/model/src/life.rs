//! How long releases of distributions are looked after, as far as it was known when this program was made.
//!
//! Sources: Debian and Ubuntu, distro-info-data 0.58 (`debian.csv`, `ubuntu.csv`); Alpine, alpinelinux.org/releases, its
//! repository `main`; the others, what their publishers say on their pages on releases and support. A database with
//! distro-info-data in it knows better; the linter, which has no database, asks here.

use crate::{Ecosystem, Life};

/// A release of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The distribution, as [`Ecosystem`] calls it: `Debian`.
    pub distribution: &'static str,
    /// The release, as [`Ecosystem`] has it: `12`, `22.04:LTS`, `v3.20`.
    pub release: &'static str,
    /// Its name in one word, as tags have it; empty if it has none.
    pub codename: &'static str,
    /// Last day of support for everybody.
    pub ends: &'static str,
    /// Last day of longer support that costs; empty if there is none.
    pub extended_ends: &'static str,
}

/// The releases whose last day is known.
#[rustfmt::skip]
pub const RELEASES: [Release; 96] = [
    release("AlmaLinux", "8", "", "2029-03-01", ""),
    release("AlmaLinux", "9", "", "2032-05-31", ""),
    release("AlmaLinux", "10", "", "2035-05-31", ""),
    release("Alpine", "v3.2", "", "2017-05-01", ""),
    release("Alpine", "v3.3", "", "2017-11-01", ""),
    release("Alpine", "v3.4", "", "2018-05-01", ""),
    release("Alpine", "v3.5", "", "2018-11-01", ""),
    release("Alpine", "v3.6", "", "2019-05-01", ""),
    release("Alpine", "v3.7", "", "2019-11-01", ""),
    release("Alpine", "v3.8", "", "2020-05-01", ""),
    release("Alpine", "v3.9", "", "2020-11-01", ""),
    release("Alpine", "v3.10", "", "2021-05-01", ""),
    release("Alpine", "v3.11", "", "2021-11-01", ""),
    release("Alpine", "v3.12", "", "2022-05-01", ""),
    release("Alpine", "v3.13", "", "2022-11-01", ""),
    release("Alpine", "v3.14", "", "2023-05-01", ""),
    release("Alpine", "v3.15", "", "2023-11-01", ""),
    release("Alpine", "v3.16", "", "2024-05-23", ""),
    release("Alpine", "v3.17", "", "2024-11-22", ""),
    release("Alpine", "v3.18", "", "2025-05-09", ""),
    release("Alpine", "v3.19", "", "2025-11-01", ""),
    release("Alpine", "v3.20", "", "2026-04-01", ""),
    release("Alpine", "v3.21", "", "2026-11-01", ""),
    release("Alpine", "v3.22", "", "2027-05-01", ""),
    release("Alpine", "v3.23", "", "2027-11-01", ""),
    release("Amazon Linux", "1", "", "2023-12-31", ""),
    release("Amazon Linux", "2", "", "2026-06-30", ""),
    release("Azure Linux", "3", "", "2027-08-31", ""),
    release("CentOS", "5", "", "2017-03-31", ""),
    release("CentOS", "6", "", "2020-11-30", ""),
    release("CentOS", "7", "", "2024-06-30", ""),
    release("CentOS", "8", "", "2021-12-31", ""),
    release("Debian", "6", "squeeze", "2016-02-29", ""),
    release("Debian", "7", "wheezy", "2018-05-31", "2020-06-30"),
    release("Debian", "8", "jessie", "2020-06-30", "2025-06-30"),
    release("Debian", "9", "stretch", "2022-06-30", "2027-06-30"),
    release("Debian", "10", "buster", "2024-06-30", "2029-06-30"),
    release("Debian", "11", "bullseye", "2026-08-31", "2031-06-30"),
    release("Debian", "12", "bookworm", "2028-06-30", "2033-06-30"),
    release("Debian", "13", "trixie", "2030-06-30", "2035-06-30"),
    release("Mariner", "1.0", "", "2023-08-31", ""),
    release("Mariner", "2.0", "", "2025-07-31", ""),
    release("Oracle Linux", "6", "", "2021-03-31", ""),
    release("Oracle Linux", "7", "", "2024-12-31", ""),
    release("Oracle Linux", "8", "", "2029-07-31", ""),
    release("Oracle Linux", "9", "", "2032-06-30", ""),
    release("Red Hat", "6", "", "2020-11-30", "2024-06-30"),
    release("Red Hat", "7", "", "2024-06-30", "2028-06-30"),
    release("Red Hat", "8", "", "2029-05-31", "2032-05-31"),
    release("Red Hat", "9", "", "2032-05-31", "2035-05-31"),
    release("Red Hat", "10", "", "2035-05-31", ""),
    release("Rocky Linux", "8", "", "2029-05-31", ""),
    release("Rocky Linux", "9", "", "2032-05-31", ""),
    release("Rocky Linux", "10", "", "2035-05-31", ""),
    release("Ubuntu", "10.04:LTS", "lucid", "2015-04-30", ""),
    release("Ubuntu", "10.10", "maverick", "2012-04-10", ""),
    release("Ubuntu", "11.04", "natty", "2012-10-28", ""),
    release("Ubuntu", "11.10", "oneiric", "2013-05-09", ""),
    release("Ubuntu", "12.04:LTS", "precise", "2017-04-28", "2019-04-26"),
    release("Ubuntu", "12.10", "quantal", "2014-05-16", ""),
    release("Ubuntu", "13.04", "raring", "2014-01-27", ""),
    release("Ubuntu", "13.10", "saucy", "2014-07-17", ""),
    release("Ubuntu", "14.04:LTS", "trusty", "2019-04-25", "2026-04-28"),
    release("Ubuntu", "14.10", "utopic", "2015-07-23", ""),
    release("Ubuntu", "15.04", "vivid", "2016-02-04", ""),
    release("Ubuntu", "15.10", "wily", "2016-07-28", ""),
    release("Ubuntu", "16.04:LTS", "xenial", "2021-04-30", "2028-04-25"),
    release("Ubuntu", "16.10", "yakkety", "2017-07-20", ""),
    release("Ubuntu", "17.04", "zesty", "2018-01-13", ""),
    release("Ubuntu", "17.10", "artful", "2018-07-19", ""),
    release("Ubuntu", "18.04:LTS", "bionic", "2023-05-31", "2030-04-30"),
    release("Ubuntu", "18.10", "cosmic", "2019-07-18", ""),
    release("Ubuntu", "19.04", "disco", "2020-01-23", ""),
    release("Ubuntu", "19.10", "eoan", "2020-07-17", ""),
    release("Ubuntu", "20.04:LTS", "focal", "2025-05-29", "2032-04-27"),
    release("Ubuntu", "20.10", "groovy", "2021-07-22", ""),
    release("Ubuntu", "21.04", "hirsute", "2022-01-20", ""),
    release("Ubuntu", "21.10", "impish", "2022-07-14", ""),
    release("Ubuntu", "22.04:LTS", "jammy", "2027-06-01", "2034-04-25"),
    release("Ubuntu", "22.10", "kinetic", "2023-07-20", ""),
    release("Ubuntu", "23.04", "lunar", "2024-01-25", ""),
    release("Ubuntu", "23.10", "mantic", "2024-07-11", ""),
    release("Ubuntu", "24.04:LTS", "noble", "2029-05-31", "2036-04-29"),
    release("Ubuntu", "24.10", "oracular", "2025-07-10", ""),
    release("Ubuntu", "25.04", "plucky", "2026-01-15", ""),
    release("Ubuntu", "25.10", "questing", "2026-07-09", ""),
    release("Ubuntu", "26.04:LTS", "resolute", "2031-05-29", "2038-04-27"),
    release("openSUSE", "Leap 15.0", "", "2019-12-03", ""),
    release("openSUSE", "Leap 15.1", "", "2021-02-02", ""),
    release("openSUSE", "Leap 15.2", "", "2022-01-04", ""),
    release("openSUSE", "Leap 15.3", "", "2022-12-31", ""),
    release("openSUSE", "Leap 15.4", "", "2023-12-07", ""),
    release("openSUSE", "Leap 15.5", "", "2024-12-31", ""),
    release("openSUSE", "Leap 15.6", "", "2026-04-30", ""),
    release("openSUSE", "Leap 16.0", "", "2027-10-31", ""),
    release("openSUSE", "Leap 42.3", "", "2019-07-01", ""),
];

const fn release(
    distribution: &'static str,
    release: &'static str,
    codename: &'static str,
    ends: &'static str,
    extended_ends: &'static str,
) -> Release {
    Release { distribution, release, codename, ends, extended_ends }
}

/// How long a release is looked after, if that is known without a database.
pub fn known_life(ecosystem: &Ecosystem) -> Option<Life> {
    let number = ecosystem.release.as_deref()?;
    let found = RELEASES
        .iter()
        .find(|known| known.distribution == ecosystem.name && known.release == number)?;
    let extended = Some(found.extended_ends).filter(|day| !day.is_empty());
    Some(Life { ends: found.ends.to_owned(), extended_ends: extended.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known() {
        let of = |name: &str| known_life(&Ecosystem::parse(name)).map(|life| life.ends);
        assert_eq!(of("Debian:10").as_deref(), Some("2024-06-30"));
        assert_eq!(of("Alpine:v3.19").as_deref(), Some("2025-11-01"));
        assert_eq!(of("Ubuntu:20.04:LTS").as_deref(), Some("2025-05-29"));
        assert_eq!(of("Alpine:edge"), None);
    }

    #[test]
    fn the_table_is_well_formed() {
        let is_day = |text: &str| {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            text.len() == 10
                && digits == 8
                && text.as_bytes()[4] == b'-'
                && text.as_bytes()[7] == b'-'
        };
        for (index, known) in RELEASES.iter().enumerate() {
            let is_long = known.extended_ends > known.ends && is_day(known.extended_ends);
            assert!(is_day(known.ends), "{known:?}");
            assert!(known.extended_ends.is_empty() || is_long, "{known:?}");
            let same = |other: &&Release| {
                (other.distribution, other.release) == (known.distribution, known.release)
            };
            assert!(!RELEASES[index + 1..].iter().any(|other| same(&other)), "{known:?}");
        }
    }
}
