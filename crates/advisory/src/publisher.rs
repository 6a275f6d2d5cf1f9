//! Who publishes an advisory, told by the series of its id.

use sealift_model::DataSource;

/// Id prefix, short name, name and page.
const SERIES: [(&str, &str, &str, &str); 14] = [
    ("GHSA-", "ghsa", "GitHub Advisory Database", "https://github.com/advisories"),
    (
        "PYSEC-",
        "pypa",
        "Python Packaging Advisory Database",
        "https://github.com/pypa/advisory-database",
    ),
    (
        "DEBIAN-",
        "debian",
        "Debian Security Tracker",
        "https://security-tracker.debian.org/tracker/",
    ),
    ("DSA-", "debian", "Debian Security Tracker", "https://security-tracker.debian.org/tracker/"),
    ("DLA-", "debian", "Debian Security Tracker", "https://security-tracker.debian.org/tracker/"),
    ("DTSA-", "debian", "Debian Security Tracker", "https://security-tracker.debian.org/tracker/"),
    ("TEMP-", "debian", "Debian Security Tracker", "https://security-tracker.debian.org/tracker/"),
    ("ELA-", "debian-elts", "Debian ELTS", "https://www.freexian.com/lts/extended/"),
    ("UBUNTU-", "ubuntu", "Ubuntu CVE Tracker", "https://ubuntu.com/security/cves"),
    ("USN-", "ubuntu", "Ubuntu Security Notices", "https://ubuntu.com/security/notices"),
    ("ALPINE-", "alpine", "Alpine Secdb", "https://secdb.alpinelinux.org/"),
    ("WOLFI-", "wolfi", "Wolfi Secdb", "https://packages.wolfi.dev/os/security.json"),
    (
        "CHAINGUARD-",
        "chainguard",
        "Chainguard Security Data",
        "https://packages.cgr.dev/chainguard/security.json",
    ),
    ("EXAMPLE-", "sealift-example", "Sealift's example advisories", ""),
];

/// Who publishes the advisory of this id.
pub fn data_source(id: &str) -> DataSource {
    let (_, short, name, url) = SERIES
        .into_iter()
        .find(|(prefix, ..)| id.starts_with(prefix))
        .unwrap_or(("", "osv", "OSV", "https://osv.dev"));
    DataSource { id: short.to_owned(), name: name.to_owned(), url: url.to_owned() }
}

/// The page to read first about a flaw; the distribution's own, for one of its packages.
pub fn primary_url(ecosystem_name: &str, id: &str) -> Option<String> {
    let is_debian = ["CVE-", "DSA-", "DLA-", "DTSA-", "TEMP-"].iter().any(|p| id.starts_with(p));
    if ecosystem_name == "Debian" && is_debian {
        return Some(format!("https://security-tracker.debian.org/tracker/{id}"));
    }
    if ecosystem_name == "Ubuntu" && id.starts_with("CVE-") {
        return Some(format!("https://ubuntu.com/security/{id}"));
    }
    if id.starts_with("CVE-") {
        return Some(format!("https://nvd.nist.gov/vuln/detail/{id}"));
    }
    if id.starts_with("GHSA-") {
        return Some(format!("https://github.com/advisories/{id}"));
    }
    (data_source(id).id != "sealift-example").then(|| format!("https://osv.dev/vulnerability/{id}"))
}
