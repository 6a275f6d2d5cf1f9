//! What a file is: told by its content, so that a folder of mixed feeds can be given as it is.

use sealift_model::{Advisory, Ecosystem, Epss, Kev, Life};

use crate::{
    csaf, cve, debian, debian_list, epss, kev, lives, nvd, oval, photon, repositories, secdb,
    ubuntu, updateinfo,
};

/// A feed that is not made of OSV documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FeedKind {
    /// CISA's catalogue of exploited flaws, JSON.
    KevJson,
    /// The same, CSV.
    KevCsv,
    /// FIRST's scores, CSV.
    Epss,
    /// Debian's security tracker, JSON.
    DebianTracker,
    /// Debian's lists of advisories, lines of text.
    DebianList,
    /// The security database of Alpine, JSON; Wolfi's and Chainguard's too.
    Secdb,
    /// Red Hat's statements on one flaw each, CSAF.
    RedHatVex,
    /// SUSE's, CSAF.
    SuseVex,
    /// Ubuntu's statements on one flaw each, OpenVEX.
    UbuntuVex,
    /// Red Hat's repositories and their products, JSON.
    RedHatRepositories,
    /// Definitions of Oracle and of Azure Linux, OVAL.
    Oval,
    /// Amazon's advisories, `updateinfo.xml`.
    Updateinfo,
    /// Photon's list of flaws, JSON.
    Photon,
    /// The National Vulnerability Database, JSON.
    Nvd,
    /// CVE records, JSON.
    Cve,
    /// How long releases are looked after, CSV.
    Lives,
}

/// What such a feed says.
#[derive(Default)]
pub(crate) struct Found {
    /// Advisories, of whatever is wanted or not.
    pub(crate) advisories: Vec<Advisory>,
    /// What is known to be exploited, by CVE.
    pub(crate) kev: Vec<(String, Kev)>,
    /// How likely it is to be exploited, by CVE.
    pub(crate) epss: Vec<(String, Epss)>,
    /// How long releases are looked after.
    pub(crate) lives: Vec<(Ecosystem, Life)>,
    /// The products that a repository of Red Hat is for.
    pub(crate) repositories: Vec<(String, Vec<String>)>,
    /// As of when, RFC 3339 or a date.
    pub(crate) newest: Option<String>,
    /// What was not understood.
    pub(crate) notes: Vec<String>,
}

impl Found {
    /// Notes something once, however often it is there: a feed of another kind would be a million notes.
    pub(crate) fn note(&mut self, message: &str) {
        if !self.notes.iter().any(|known| known == message) {
            self.notes.push(message.to_owned());
        }
    }
}

impl FeedKind {
    /// Tells it; `None` for what may be an OSV document.
    pub(crate) fn detect(bytes: &[u8]) -> Option<Self> {
        let bytes = without_mark(bytes).trim_ascii_start();
        if bytes.starts_with(b"{") {
            Self::detect_json(bytes)
        } else if bytes.starts_with(b"<") {
            Self::detect_xml(bytes)
        } else if photon::is_list(bytes) {
            Some(Self::Photon)
        } else if lives::is_table(bytes) {
            Some(Self::Lives)
        } else if debian_list::is_list(bytes) {
            Some(Self::DebianList)
        } else if bytes.starts_with(b"#model_version:") || bytes.starts_with(b"cve,epss,") {
            Some(Self::Epss)
        } else if bytes.starts_with(b"cveID,") || bytes.starts_with(b"\"cveID\",") {
            Some(Self::KevCsv)
        } else {
            None
        }
    }

    fn detect_xml(bytes: &[u8]) -> Option<Self> {
        if oval::is_definitions(bytes) {
            Some(Self::Oval)
        } else if updateinfo::is_updates(bytes) {
            Some(Self::Updateinfo)
        } else {
            None
        }
    }

    fn detect_json(bytes: &[u8]) -> Option<Self> {
        if csaf::is_document(bytes) {
            Some(if csaf::is_of_suse(bytes) { Self::SuseVex } else { Self::RedHatVex })
        } else if nvd::is_page(bytes) {
            Some(Self::Nvd)
        } else if cve::is_record(bytes) {
            Some(Self::Cve)
        } else if repositories::is_map(bytes) {
            Some(Self::RedHatRepositories)
        } else if debian::is_tracker(bytes) {
            Some(Self::DebianTracker)
        } else if kev::is_catalogue(bytes) {
            Some(Self::KevJson)
        } else if ubuntu::is_document(bytes) {
            Some(Self::UbuntuVex)
        } else if secdb::is_secdb(bytes) {
            Some(Self::Secdb)
        } else {
            None
        }
    }

    /// Reads all of it; an error if it is nothing of the kind.
    pub(crate) fn read(self, bytes: &[u8]) -> Result<Found, String> {
        let text = std::str::from_utf8(without_mark(bytes))
            .map_err(|error| format!("it is not UTF-8: {error}"))?;
        match self {
            Self::KevJson => kev::read_json(text),
            Self::KevCsv => kev::read_csv(text),
            Self::Epss => epss::read(text),
            Self::DebianTracker => debian::read(text),
            Self::DebianList => Ok(debian_list::read(text)),
            Self::Secdb => secdb::read(text),
            Self::RedHatVex | Self::SuseVex => csaf::read(text),
            Self::UbuntuVex => ubuntu::read(text),
            Self::RedHatRepositories => repositories::read(text),
            Self::Oval => oval::read(text),
            Self::Updateinfo => updateinfo::read(text),
            Self::Photon => photon::read(text),
            Self::Nvd => nvd::read(text),
            Self::Cve => cve::read(text),
            Self::Lives => lives::read(text),
        }
    }

    /// True if a publisher has a file of this kind for each flaw, so that there are tens of thousands.
    pub(crate) fn is_one_of_many(self) -> bool {
        matches!(self, Self::UbuntuVex | Self::RedHatVex | Self::SuseVex | Self::Nvd | Self::Cve)
    }

    /// False if images cannot be matched against it alone: much of what is affected is not in it.
    pub(crate) fn is_complete(self) -> bool {
        !matches!(self, Self::UbuntuVex | Self::Nvd | Self::Cve)
    }

    /// Short name.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::KevJson | Self::KevCsv => "kev",
            Self::Epss => "epss",
            Self::DebianTracker => "debian-tracker",
            Self::DebianList => "debian-advisories",
            Self::Secdb => "secdb",
            Self::RedHatVex => "redhat-vex",
            Self::SuseVex => "suse-vex",
            Self::UbuntuVex => "ubuntu-vex",
            Self::RedHatRepositories => "redhat-repositories",
            Self::Oval => "oval",
            Self::Updateinfo => "updateinfo",
            Self::Photon => "photon",
            Self::Nvd => "nvd",
            Self::Cve => "cve",
            Self::Lives => "lives",
        }
    }

    /// Who is to be named, and under which terms it may be used.
    pub(crate) fn license(self) -> &'static str {
        match self {
            Self::KevJson | Self::KevCsv => "CISA, CC0-1.0",
            Self::Epss => "FIRST.org, EPSS (https://www.first.org/epss)",
            Self::DebianTracker | Self::DebianList => {
                "Debian Security Team (https://security-tracker.debian.org)"
            }
            Self::UbuntuVex => "Canonical, Ubuntu Security Team, CC-BY-SA-4.0",
            Self::Lives => "Debian, distro-info-data, ISC",
            Self::Secdb => {
                "Alpine Linux, CC-BY-SA-4.0; Wolfi's and Chainguard's under Chainguard's terms"
            }
            Self::Oval => "Oracle (https://linux.oracle.com/security); Microsoft, Azure Linux",
            Self::Updateinfo => "Amazon (https://alas.aws.amazon.com)",
            Self::Nvd => "NIST, National Vulnerability Database, public domain",
            Self::Cve => {
                "The MITRE Corporation, CVE Program (https://www.cve.org/legal/termsofuse)"
            }
            Self::Photon => "Broadcom, Photon OS (https://packages.vmware.com/photon)",
            Self::SuseVex => "SUSE Product Security (https://www.suse.com/support/security)",
            Self::RedHatVex | Self::RedHatRepositories => "Red Hat Product Security, CC-BY-4.0",
        }
    }
}

/// True for an id like `CVE-2021-44228`.
pub(crate) fn is_cve(id: &str) -> bool {
    let digits = |text: &str| {
        (4..20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    id.strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(year, number)| digits(year) && digits(number))
}

/// True for a date like `2021-12-10`.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}
