//! How long releases of distributions are looked after: the tables of Debian's package distro-info-data.

use sealift_model::{Ecosystem, Life};

use crate::csv::Rows;
use crate::debian;
use crate::kind::{Found, is_date};

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
    use sealift_model::{RELEASES, known_life};

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

    // What the package of this machine says, row by row, of releases that are not long over.
    #[test]
    fn what_is_known_without_a_table_is_what_the_tables_say() {
        for (name, path) in [
            ("Debian", "/usr/share/distro-info/debian.csv"),
            ("Ubuntu", "/usr/share/distro-info/ubuntu.csv"),
        ] {
            let Ok(text) = std::fs::read_to_string(path) else {
                eprintln!("SKIPPED: there is no `{path}`: install the package distro-info-data");
                continue;
            };
            let found = read(&text).unwrap();
            for (ecosystem, life) in &found.lives {
                let known = known_life(ecosystem);
                assert!(known.is_some() || life.ends.as_str() < "2014", "{ecosystem} is missing");
                assert!(known.is_none_or(|known| known == *life), "{ecosystem} {life:?}");
            }
            for known in RELEASES.iter().filter(|known| known.distribution == name) {
                let is_same = |row: &str| row.split(',').nth(2) == Some(known.codename);
                assert!(text.lines().any(is_same), "{known:?}");
                let ecosystem = format!("{name}:{}", known.release);
                let has = |(it, _): &(Ecosystem, Life)| it.to_string() == ecosystem;
                assert!(found.lives.iter().any(has), "{known:?}");
            }
        }
    }
}
