//! Which of all findings a report shows, which somebody answered for, and which the options leave out.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sealift_exception::{Answers, Subject, answer};
use sealift_model::{Finding, Hidden, Inventory, PackageKind, Severity, StaleIgnore, Suppression};

use crate::Options;
use crate::finding::Draft;

/// All findings, sorted out.
pub(crate) struct Selection {
    pub(crate) shown: Vec<Draft>,
    pub(crate) suppressed: Vec<(Draft, Suppression)>,
    pub(crate) hidden: Hidden,
    pub(crate) stale: Vec<StaleIgnore>,
}

/// Sorts findings out. What is answered for is looked for among all of them, so that an answer to a finding that the
/// options leave out is not called stale.
pub(crate) fn sort_out(
    drafts: Vec<Draft>,
    inventory: &Inventory,
    subject: &Subject,
    options: &Options,
) -> Selection {
    let findings = drafts.iter().map(|draft| &draft.finding);
    let Answers { suppressions, stale } =
        answer(&options.exceptions, findings, subject, options.now_secs);
    let (mut shown, mut suppressed) = (Vec::new(), Vec::new());
    let mut by_severity: BTreeMap<Reverse<Severity>, usize> = BTreeMap::new();
    let mut hidden = Hidden::default();
    for (draft, suppression) in drafts.into_iter().zip(suppressions) {
        match (why_hidden(&draft.finding, inventory, options), suppression) {
            (None, None) => shown.push(draft),
            (None, Some(by)) => suppressed.push((draft, by)),
            // It would not have counted anyway.
            (Some(_), Some(_)) => {}
            (Some(Hiding::NotRunning), None) => hidden.not_running += 1,
            (Some(Hiding::Severity), None) => {
                *by_severity.entry(Reverse(draft.finding.severity)).or_default() += 1;
            }
            (Some(Hiding::Unfixed), None) => hidden.unfixed += 1,
            (Some(Hiding::Status), None) => hidden.by_status += 1,
        }
    }
    hidden.by_severity =
        by_severity.into_iter().map(|(severity, count)| (severity.0, count)).collect();
    Selection { shown, suppressed, hidden, stale }
}

pub(crate) enum Hiding {
    NotRunning,
    Severity,
    Unfixed,
    Status,
}

impl Hiding {
    /// Which option would show it.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::NotRunning => "nothing of it ever runs, and `--include-not-running` is not given",
            Self::Severity => "`--severity` does not list its severity",
            Self::Unfixed => "no version repairs it, and `--ignore-unfixed` is given",
            Self::Status => "`--ignore-status` lists what is said of a repair",
        }
    }
}

/// Why the options leave a finding out, if they do.
pub(crate) fn why_hidden(
    finding: &Finding,
    inventory: &Inventory,
    options: &Options,
) -> Option<Hiding> {
    let never_runs = || {
        let package = inventory.package(finding.package.id);
        package.is_some_and(|package| {
            let source = package.source.as_ref().map_or("", |source| source.name.as_str());
            !is_run(package.kind, &package.name, source)
        })
    };
    if !options.include_not_running && never_runs() {
        return Some(Hiding::NotRunning);
    }
    if !options.severities.is_empty() && !options.severities.contains(&finding.severity) {
        return Some(Hiding::Severity);
    }
    if options.ignore_unfixed && finding.fix.version().is_none() {
        return Some(Hiding::Unfixed);
    }
    let is_left_out = options.ignore_statuses.iter().any(|word| word == finding.fix.as_str());
    is_left_out.then_some(Hiding::Status)
}

/// False for packages of which nothing ever runs: headers of a kernel, which are built from its source but are not it,
/// and documentation.
pub(crate) fn is_run(kind: PackageKind, name: &str, source: &str) -> bool {
    let is_of_kernel = source == "linux" || source.starts_with("linux-");
    let is_headers = match kind {
        PackageKind::Deb => {
            let rest = name.strip_prefix("linux-").unwrap_or_default();
            let headers = rest.starts_with("headers-") || rest.contains("-headers-");
            is_of_kernel && (headers || rest == "libc-dev" || rest.starts_with("kbuild-"))
        }
        PackageKind::Rpm => {
            let is_kernel = source == "kernel" || source.starts_with("kernel-");
            is_kernel && matches!(name, "kernel-headers" | "kernel-doc" | "kernel-uek-doc")
        }
        PackageKind::Apk => name == "linux-headers",
        _ => false,
    };
    let is_documentation = matches!(kind, PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm)
        && name.ends_with("-doc")
        && name != source;
    !is_headers && !is_documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_runs() {
        for (kind, name, source, expected) in [
            (PackageKind::Deb, "linux-libc-dev", "linux", false),
            (PackageKind::Deb, "linux-headers-6.1.0-18-amd64", "linux", false),
            (PackageKind::Deb, "linux-aws-headers-5.4.0-1009", "linux-aws", false),
            (PackageKind::Deb, "linux-kbuild-6.1", "linux", false),
            (PackageKind::Deb, "linux-image-6.1.0-18-amd64", "linux-signed-amd64", true),
            (PackageKind::Deb, "linux-libc-dev", "glibc", true),
            (PackageKind::Deb, "libssl-dev", "openssl", true),
            (PackageKind::Deb, "libssl-doc", "openssl", false),
            (PackageKind::Deb, "doc-doc", "doc-doc", true),
            (PackageKind::Rpm, "kernel-headers", "kernel", false),
            (PackageKind::Rpm, "kernel-core", "kernel", true),
            (PackageKind::Apk, "linux-headers", "linux-headers", false),
            (PackageKind::Apk, "curl-doc", "curl", false),
            (PackageKind::Python, "x-doc", "", true),
        ] {
            assert_eq!(is_run(kind, name, source), expected, "{name}");
        }
    }
}
