//! Who publishes an advisory, told by the series of its id, and where to read about a flaw.

use sealift_model::DataSource;

/// Short name, name and page of a publisher, and how the ids of its series begin. Of two beginnings that fit, the first
/// counts.
struct Publisher(&'static str, &'static str, &'static str, &'static [&'static str]);

const TRACKER: &str = "https://security-tracker.debian.org/tracker/";

const PUBLISHERS: [Publisher; 51] = [
    Publisher("ghsa", "GitHub Advisory Database", "https://github.com/advisories", &["GHSA-"]),
    Publisher(
        "pypa",
        "Python Packaging Advisory Database",
        "https://github.com/pypa/advisory-database",
        &["PYSEC-"],
    ),
    Publisher(
        "psf",
        "Python Software Foundation",
        "https://github.com/psf/advisory-database",
        &["PSF-"],
    ),
    Publisher(
        "debian",
        "Debian Security Tracker",
        TRACKER,
        &["DEBIAN-", "DSA-", "DLA-", "DTSA-", "TEMP-"],
    ),
    Publisher("debian-elts", "Debian ELTS", "https://www.freexian.com/lts/extended/", &["ELA-"]),
    Publisher("ubuntu", "Ubuntu CVE Tracker", "https://ubuntu.com/security/cves", &["UBUNTU-"]),
    Publisher(
        "ubuntu",
        "Ubuntu Security Notices",
        "https://ubuntu.com/security/notices",
        &["USN-", "LSN-"],
    ),
    Publisher("alpine", "Alpine Secdb", "https://secdb.alpinelinux.org/", &["ALPINE-"]),
    Publisher("wolfi", "Wolfi Secdb", "https://packages.wolfi.dev/os/security.json", &["WOLFI-"]),
    Publisher(
        "chainguard",
        "Chainguard Security Data",
        "https://packages.cgr.dev/chainguard/security.json",
        &["CHAINGUARD-", "CGA-"],
    ),
    Publisher(
        "minimos",
        "MinimOS Security Data",
        "https://packages.mini.dev/advisories/",
        &["MINI-"],
    ),
    Publisher("echo", "Echo Security Data", "https://advisory.echohq.com/", &["ECHO-"]),
    Publisher(
        "rootio",
        "Root.io Security Patches",
        "https://api.root.io/external/patch_feed",
        &["ROOT-"],
    ),
    Publisher(
        "dhi",
        "Docker Hardened Images",
        "https://github.com/docker-hardened-images/advisories",
        &["DHI-"],
    ),
    Publisher(
        "cleanstart",
        "CleanStart Security Advisories",
        "https://www.cleanstart.com",
        &["CLEANSTART-"],
    ),
    Publisher(
        "bellsoft",
        "BellSoft Security Advisories",
        "https://docs.bell-sw.com/security/",
        &["BELL-"],
    ),
    Publisher("tuxcare", "TuxCare", "https://tuxcare.com", &["CLSA-"]),
    Publisher(
        "redhat",
        "Red Hat Product Security",
        "https://access.redhat.com/security/",
        &["REDHAT-", "RHSA-", "RHBA-", "RHEA-"],
    ),
    Publisher(
        "alma",
        "AlmaLinux Product Errata",
        "https://errata.almalinux.org/",
        &["ALSA-", "ALBA-", "ALEA-"],
    ),
    Publisher(
        "rocky",
        "Rocky Linux Errata",
        "https://errata.rockylinux.org/",
        &["RLSA-", "RXSA-", "RLBA-"],
    ),
    Publisher(
        "oracle-oval",
        "Oracle Linux OVAL definitions",
        "https://linux.oracle.com/security/oval/",
        &["ELSA-", "ELBA-"],
    ),
    Publisher("amazon", "Amazon Linux Security Center", "https://alas.aws.amazon.com/", &["ALAS"]),
    Publisher(
        "suse",
        "SUSE Security",
        "https://www.suse.com/support/update/",
        &["SUSE-", "openSUSE-"],
    ),
    Publisher(
        "photon",
        "Photon OS Security Advisories",
        "https://packages.vmware.com/photon/photon_cve_metadata/",
        &["PHSA-", "PHOTON-"],
    ),
    Publisher(
        "azure",
        "Azure Linux Vulnerability Data",
        "https://github.com/microsoft/AzureLinuxVulnerabilityData",
        &["AZL-"],
    ),
    Publisher(
        "openeuler",
        "openEuler Security Advisories",
        "https://www.openeuler.org/en/security/",
        &["OESA-"],
    ),
    Publisher(
        "mageia",
        "Mageia Advisories",
        "https://advisories.mageia.org/",
        &["MGASA-", "MGAA-"],
    ),
    Publisher(
        "arch-linux",
        "Arch Linux Security",
        "https://security.archlinux.org/",
        &["ASA-", "AVG-"],
    ),
    Publisher("go-vulndb", "The Go Vulnerability Database", "https://pkg.go.dev/vuln/", &["GO-"]),
    Publisher("rustsec", "RustSec Advisory Database", "https://rustsec.org/", &["RUSTSEC-"]),
    Publisher("ruby-advisory-db", "Ruby Advisory Database", "https://rubysec.com/", &["RUBYSEC-"]),
    Publisher(
        "malicious-packages",
        "OpenSSF Malicious Packages",
        "https://github.com/ossf/malicious-packages",
        &["MAL-"],
    ),
    Publisher(
        "haskell",
        "Haskell Security Advisories",
        "https://haskell.github.io/security-advisories/",
        &["HSEC-"],
    ),
    Publisher(
        "rconsortium",
        "R Consortium Advisory Database",
        "https://github.com/RConsortium/r-advisory-database",
        &["RSEC-"],
    ),
    Publisher(
        "bitnami",
        "Bitnami Vulnerability Database",
        "https://github.com/bitnami/vulndb",
        &["BIT-"],
    ),
    Publisher(
        "julia",
        "Julia Security Advisories",
        "https://github.com/JuliaLang/SecurityAdvisories.jl",
        &["JLSEC-"],
    ),
    Publisher(
        "ocaml",
        "OCaml Security Advisories",
        "https://github.com/ocaml/security-advisories",
        &["OSEC-"],
    ),
    Publisher("eef", "Erlang Ecosystem Foundation", "https://cna.erlef.org/", &["EEF-"]),
    Publisher(
        "drupal",
        "Drupal Security Advisories",
        "https://www.drupal.org/security",
        &["DRUPAL-"],
    ),
    Publisher(
        "php-advisories",
        "PHP Security Advisories",
        "https://github.com/FriendsOfPHP/security-advisories",
        &["FOPHP-"],
    ),
    Publisher("retire", "Retire.js", "https://retirejs.github.io/retire.js/", &["RETIRE-"]),
    Publisher(
        "node",
        "Node.js Security Working Group",
        "https://github.com/nodejs/security-wg",
        &["NODE-", "NSWG-"],
    ),
    Publisher("curl", "curl Security Advisories", "https://curl.se/docs/security.html", &["CURL-"]),
    Publisher("oss-fuzz", "OSS-Fuzz", "https://github.com/google/oss-fuzz-vulns", &["OSV-"]),
    Publisher(
        "android",
        "Android Security Bulletins",
        "https://source.android.com/docs/security/bulletin",
        &["A-", "ASB-", "PUB-"],
    ),
    Publisher("gsd", "Global Security Database", "https://gsd.id", &["GSD-"]),
    Publisher(
        "linux-kernel",
        "Linux Kernel CNA",
        "https://git.kernel.org/pub/scm/linux/security/vulns.git",
        &["LINUX-"],
    ),
    Publisher("v8", "V8 Security Advisories", "https://github.com/cloudflare/workerd", &["V8-"]),
    Publisher("cve", "CVE Program", "https://www.cve.org/", &["CVEORG-"]),
    Publisher("nvd", "National Vulnerability Database", "https://nvd.nist.gov/", &["NVD-"]),
    Publisher("sealift-example", "Sealift's example advisories", "", &["EXAMPLE-"]),
];

/// Who publishes the advisory of this id.
pub fn data_source(id: &str) -> DataSource {
    let is_of = |known: &&Publisher| known.3.iter().any(|prefix| id.starts_with(prefix));
    let unknown = Publisher("osv", "OSV", "https://osv.dev", &[]);
    let Publisher(short, name, url, _) = PUBLISHERS.iter().find(is_of).unwrap_or(&unknown);
    DataSource { id: (*short).to_owned(), name: (*name).to_owned(), url: (*url).to_owned() }
}

/// The page to read first about a flaw; the distribution's own, for one of its packages.
pub fn primary_url(ecosystem_name: &str, id: &str) -> Option<String> {
    if id.starts_with("CVE-") {
        return Some(page_of_cve(ecosystem_name, id));
    }
    page_of_advisory(id).or_else(|| {
        let has_page = data_source(id).id != "sealift-example";
        has_page.then(|| format!("https://osv.dev/vulnerability/{id}"))
    })
}

fn page_of_cve(ecosystem_name: &str, cve: &str) -> String {
    let (before, after) = match ecosystem_name {
        "Debian" => (TRACKER, ""),
        "Ubuntu" => ("https://ubuntu.com/security/", ""),
        "Alpine" => ("https://security.alpinelinux.org/vuln/", ""),
        "Red Hat" => ("https://access.redhat.com/security/cve/", ""),
        "SUSE" | "openSUSE" => ("https://www.suse.com/security/cve/", ".html"),
        "Oracle Linux" => ("https://linux.oracle.com/cve/", ".html"),
        "Amazon Linux" => ("https://explore.alas.aws.amazon.com/", ".html"),
        "Arch" => ("https://security.archlinux.org/", ""),
        _ => ("https://nvd.nist.gov/vuln/detail/", ""),
    };
    format!("{before}{cve}{after}")
}

fn page_of_advisory(id: &str) -> Option<String> {
    let pages = [
        ("GHSA-", "https://github.com/advisories/", ""),
        ("DSA-", TRACKER, ""),
        ("DLA-", TRACKER, ""),
        ("DTSA-", TRACKER, ""),
        ("TEMP-", TRACKER, ""),
        ("USN-", "https://ubuntu.com/security/notices/", ""),
        ("RHSA-", "https://access.redhat.com/errata/", ""),
        ("RHBA-", "https://access.redhat.com/errata/", ""),
        ("RLSA-", "https://errata.rockylinux.org/", ""),
        ("ELSA-", "https://linux.oracle.com/errata/", ".html"),
        ("ASA-", "https://security.archlinux.org/", ""),
        ("AVG-", "https://security.archlinux.org/", ""),
        ("GO-", "https://pkg.go.dev/vuln/", ""),
        ("RUSTSEC-", "https://rustsec.org/advisories/", ".html"),
        ("HSEC-", "https://haskell.github.io/security-advisories/advisory/", ".html"),
    ];
    let (_, before, after) = pages.into_iter().find(|(prefix, ..)| id.starts_with(prefix))?;
    Some(format!("{before}{id}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series() {
        for (id, expected) in [
            ("RHSA-2023:0001", "redhat"),
            ("REDHAT-CVE-2023-0001", "redhat"),
            ("ALAS2023-2023-126", "amazon"),
            ("ALSA-2023:4520", "alma"),
            ("openSUSE-SU-2023:0001-1", "suse"),
            ("UBUNTU-CVE-2023-0001", "ubuntu"),
            ("ASA-202301-1", "arch-linux"),
            ("A-123", "android"),
            ("CVE-2023-0001", "osv"),
            ("", "osv"),
        ] {
            assert_eq!(data_source(id).id, expected, "{id}");
        }
        for (index, Publisher(.., earlier)) in PUBLISHERS.iter().enumerate() {
            for Publisher(name, .., later) in &PUBLISHERS[index + 1..] {
                let hides = |prefix: &&str| earlier.iter().any(|it| prefix.starts_with(it));
                assert!(!later.iter().any(hides), "{name} is never found");
            }
        }
    }

    #[test]
    fn pages() {
        for (ecosystem, id, expected) in [
            ("Debian", "CVE-2023-1", "https://security-tracker.debian.org/tracker/CVE-2023-1"),
            ("Red Hat", "CVE-2023-1", "https://access.redhat.com/security/cve/CVE-2023-1"),
            ("openSUSE", "CVE-2023-1", "https://www.suse.com/security/cve/CVE-2023-1.html"),
            ("PyPI", "CVE-2023-1", "https://nvd.nist.gov/vuln/detail/CVE-2023-1"),
            ("Go", "GO-2023-1", "https://pkg.go.dev/vuln/GO-2023-1"),
            (
                "crates.io",
                "RUSTSEC-2023-0001",
                "https://rustsec.org/advisories/RUSTSEC-2023-0001.html",
            ),
            ("npm", "MAL-2023-1", "https://osv.dev/vulnerability/MAL-2023-1"),
        ] {
            assert_eq!(primary_url(ecosystem, id).as_deref(), Some(expected));
        }
        assert_eq!(primary_url("PyPI", "EXAMPLE-1"), None);
    }
}
