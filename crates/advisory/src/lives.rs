//! How long releases of distributions are looked after: the tables of Debian's package distro-info-data, and dates that
//! are known without them.

use sealift_model::{Ecosystem, Life};

use crate::csv::Rows;
use crate::debian;
use crate::kind::{Found, is_date};

// Release, last day of support for everybody, last day of longer support that costs. Debian and Ubuntu:
// distro-info-data 0.58; Alpine: alpinelinux.org/releases, its repository `main`; the others: what their publishers say on
// their pages on releases and support.
const KNOWN: [(&str, &str, &str); 74] = [
    ("AlmaLinux:10", "2035-05-31", ""),
    ("AlmaLinux:8", "2029-03-01", ""),
    ("AlmaLinux:9", "2032-05-31", ""),
    ("Alpine:v3.10", "2021-05-01", ""),
    ("Alpine:v3.11", "2021-11-01", ""),
    ("Alpine:v3.12", "2022-05-01", ""),
    ("Alpine:v3.13", "2022-11-01", ""),
    ("Alpine:v3.14", "2023-05-01", ""),
    ("Alpine:v3.15", "2023-11-01", ""),
    ("Alpine:v3.16", "2024-05-23", ""),
    ("Alpine:v3.17", "2024-11-22", ""),
    ("Alpine:v3.18", "2025-05-09", ""),
    ("Alpine:v3.19", "2025-11-01", ""),
    ("Alpine:v3.2", "2017-05-01", ""),
    ("Alpine:v3.20", "2026-04-01", ""),
    ("Alpine:v3.21", "2026-11-01", ""),
    ("Alpine:v3.22", "2027-05-01", ""),
    ("Alpine:v3.23", "2027-11-01", ""),
    ("Alpine:v3.3", "2017-11-01", ""),
    ("Alpine:v3.4", "2018-05-01", ""),
    ("Alpine:v3.5", "2018-11-01", ""),
    ("Alpine:v3.6", "2019-05-01", ""),
    ("Alpine:v3.7", "2019-11-01", ""),
    ("Alpine:v3.8", "2020-05-01", ""),
    ("Alpine:v3.9", "2020-11-01", ""),
    ("Amazon Linux:1", "2023-12-31", ""),
    ("Amazon Linux:2", "2026-06-30", ""),
    ("Azure Linux:3", "2027-08-31", ""),
    ("CentOS:6", "2020-11-30", ""),
    ("CentOS:7", "2024-06-30", ""),
    ("CentOS:8", "2021-12-31", ""),
    ("Debian:10", "2024-06-30", "2029-06-30"),
    ("Debian:11", "2026-08-31", "2031-06-30"),
    ("Debian:12", "2028-06-30", "2033-06-30"),
    ("Debian:13", "2030-06-30", "2035-06-30"),
    ("Debian:7", "2018-05-31", "2020-06-30"),
    ("Debian:8", "2020-06-30", "2025-06-30"),
    ("Debian:9", "2022-06-30", "2027-06-30"),
    ("Mariner:1.0", "2023-08-31", ""),
    ("Mariner:2.0", "2025-07-31", ""),
    ("Oracle Linux:6", "2021-03-31", ""),
    ("Oracle Linux:7", "2024-12-31", ""),
    ("Oracle Linux:8", "2029-07-31", ""),
    ("Oracle Linux:9", "2032-06-30", ""),
    ("Red Hat:10", "2035-05-31", ""),
    ("Red Hat:6", "2020-11-30", "2024-06-30"),
    ("Red Hat:7", "2024-06-30", "2028-06-30"),
    ("Red Hat:8", "2029-05-31", "2032-05-31"),
    ("Red Hat:9", "2032-05-31", "2035-05-31"),
    ("Rocky Linux:10", "2035-05-31", ""),
    ("Rocky Linux:8", "2029-05-31", ""),
    ("Rocky Linux:9", "2032-05-31", ""),
    ("Ubuntu:14.04:LTS", "2019-04-25", "2026-04-28"),
    ("Ubuntu:16.04:LTS", "2021-04-30", "2028-04-25"),
    ("Ubuntu:18.04:LTS", "2023-05-31", "2030-04-30"),
    ("Ubuntu:20.04:LTS", "2025-05-29", "2032-04-27"),
    ("Ubuntu:22.04:LTS", "2027-06-01", "2034-04-25"),
    ("Ubuntu:22.10", "2023-07-20", ""),
    ("Ubuntu:23.04", "2024-01-25", ""),
    ("Ubuntu:23.10", "2024-07-11", ""),
    ("Ubuntu:24.04:LTS", "2029-05-31", "2036-04-29"),
    ("Ubuntu:24.10", "2025-07-10", ""),
    ("Ubuntu:25.04", "2026-01-15", ""),
    ("Ubuntu:25.10", "2026-07-09", ""),
    ("Ubuntu:26.04:LTS", "2031-05-29", "2038-04-27"),
    ("openSUSE:Leap 15.0", "2019-12-03", ""),
    ("openSUSE:Leap 15.1", "2021-02-02", ""),
    ("openSUSE:Leap 15.2", "2022-01-04", ""),
    ("openSUSE:Leap 15.3", "2022-12-31", ""),
    ("openSUSE:Leap 15.4", "2023-12-07", ""),
    ("openSUSE:Leap 15.5", "2024-12-31", ""),
    ("openSUSE:Leap 15.6", "2026-04-30", ""),
    ("openSUSE:Leap 16.0", "2027-10-31", ""),
    ("openSUSE:Leap 42.3", "2019-07-01", ""),
];

/// How long a release is looked after, as far as it was known when this program was made.
pub fn known_life(ecosystem: &Ecosystem) -> Option<Life> {
    let name = ecosystem.to_string();
    let (_, ends, extended) = KNOWN.into_iter().find(|(known, ..)| *known == name)?;
    Some(life(ends, &[extended]))
}

/// True for such a table.
pub(crate) fn is_table(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version,codename,series,created,release,eol")
}

/// Reads Debian's or Ubuntu's table.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let mut rows = Rows::new(text);
    let head = rows.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|found| found == name);
    let (is_debian, is_ubuntu) = (column("eol-lts").is_some(), column("eol-esm").is_some());
    if is_debian == is_ubuntu {
        return Err("it does not say whose releases it is about".to_owned());
    }
    let mut found = Found::default();
    for row in rows {
        let value = |name: &str| column(name).and_then(|at| row.get(at)).map_or("", String::as_str);
        let dates =
            ["eol", "eol-lts", "eol-elts", "eol-server", "eol-esm", "eol-legacy"].map(value);
        if row.len() <= 1 || dates.iter().all(|date| date.is_empty()) {
            continue;
        }
        if dates.iter().any(|date| !date.is_empty() && !is_date(date)) {
            found.note("a row has no date where there should be one");
            continue;
        }
        let [end, lts, elts, server, esm, legacy] = dates;
        let (ecosystem, life) = if is_debian {
            (debian::ecosystem(value("series")), life(end.max(lts), &[elts]))
        } else {
            (ubuntu(value("version")).map(Some), life(end.max(server), &[esm, legacy]))
        };
        match ecosystem {
            Ok(ecosystem) => found.lives.extend(ecosystem.map(|it| (it, life))),
            Err(message) => found.note(&message),
        }
    }
    Ok(found)
}

fn life(ends: &str, extended: &[&str]) -> Life {
    let last = extended.iter().max().filter(|last| **last > ends);
    Life { ends: ends.to_owned(), extended_ends: last.map(|last| (*last).to_owned()) }
}

// `22.04 LTS`, `23.10`
fn ubuntu(version: &str) -> Result<Ecosystem, String> {
    let (number, kind) = version.split_once(' ').unwrap_or((version, ""));
    let is_number = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if number.is_empty() || !is_number || !matches!(kind, "" | "LTS") {
        return Err("a release of Ubuntu is not known".to_owned());
    }
    let release = if kind.is_empty() { number.to_owned() } else { format!("{number}:LTS") };
    Ok(Ecosystem { name: "Ubuntu".to_owned(), release: Some(release) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "version,codename,series,created,release,eol,eol-lts,eol-elts\n\
        10,Buster,buster,2017-06-17,2019-07-06,2022-09-10,2024-06-30,2029-06-30\n\
        14,Forky,forky,2025-08-09\n,Sid,sid,1993-08-16\n";
    const UBUNTU: &str = "version,codename,series,created,release,eol,eol-server,eol-esm,eol-legacy\n\
        22.04 LTS,J,jammy,2021-10-14,2022-04-21,2027-06-01,2027-06-01,2032-04-09,2034-04-09\n\
        23.10,M,mantic,2023-04-20,2023-10-12,2024-07-11\n";

    fn check(text: &str, expected: &[(&str, &str, Option<&str>)]) {
        assert!(is_table(text.as_bytes()));
        let found = read(text).unwrap();
        let lives: Vec<(String, &str, Option<&str>)> = found
            .lives
            .iter()
            .map(|(it, life)| (it.to_string(), life.ends.as_str(), life.extended_ends.as_deref()))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(name, ends, more)| ((*name).to_owned(), *ends, *more)).collect();
        assert_eq!(lives, expected);
        assert!(found.notes.is_empty(), "{:?}", found.notes);
    }

    #[test]
    fn tables() {
        check(DEBIAN, &[("Debian:10", "2024-06-30", Some("2029-06-30"))]);
        check(
            UBUNTU,
            &[
                ("Ubuntu:22.04:LTS", "2027-06-01", Some("2034-04-09")),
                ("Ubuntu:23.10", "2024-07-11", None),
            ],
        );
        assert!(
            read("version,codename,series,created,release,eol\n1,A,a,b,c,2020-01-01\n").is_err()
        );
        for bad in ["soon", "2020-1-1", "2024-06-30T00:00:00Z"] {
            let found = read(&DEBIAN.replace("2022-09-10", bad)).unwrap();
            assert_eq!((found.lives.len(), found.notes.len()), (0, 1), "{bad}");
        }
        assert_eq!(read(&DEBIAN.replace("buster", "quail")).unwrap().notes.len(), 1);
    }

    #[test]
    fn what_is_known() {
        let of = |name: &str| known_life(&Ecosystem::parse(name)).map(|life| life.ends);
        assert_eq!(of("Debian:10").as_deref(), Some("2024-06-30"));
        assert_eq!(of("Alpine:v3.19").as_deref(), Some("2025-11-01"));
        assert_eq!(of("Ubuntu:20.04:LTS").as_deref(), Some("2025-05-29"));
        assert_eq!(of("Alpine:edge"), None);
        assert!(
            KNOWN.iter().all(|(_, ends, more)| is_date(ends) && (more.is_empty() || is_date(more)))
        );
    }
}
