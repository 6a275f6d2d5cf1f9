//! JUnit's XML (the form that Jenkins and GitLab read): a suite is a kind of package, a failed case is a finding.

use std::fmt::Write as _;

use sealift_model::{PackageKind, Report};

use crate::{json, text};

/// The report as JUnit's XML.
pub(crate) fn junit(report: &Report) -> String {
    let mut kinds: Vec<PackageKind> = report.scanned.iter().map(|scanned| scanned.kind).collect();
    kinds.extend(report.findings.iter().map(|finding| finding.package.kind));
    kinds.sort_unstable();
    kinds.dedup();
    let total = report.findings.len();
    let time = text::time(report.created_secs);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"sealift\" tests=\"{total}\" failures=\"{total}\" errors=\"0\" time=\"0\">\n"
    );
    for kind in kinds {
        let findings: Vec<_> =
            report.findings.iter().filter(|finding| finding.package.kind == kind).collect();
        let count = findings.len();
        let name = text::markup(&text::line(&json::target(report, kind), 1000));
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{count}\" failures=\"{count}\" errors=\"0\" skipped=\"0\" \
             time=\"0\" timestamp=\"{}\">",
            time.trim_end_matches('Z')
        );
        for finding in findings {
            let package = &finding.package;
            let class = text::line(&format!("{}-{}", package.name, package.version), 1000);
            let case = text::line(&format!("[{}] {}", finding.severity.as_str(), finding.id), 1000);
            let body = format!(
                "{}\n{}\n{}",
                text::solution(finding),
                text::primary_url(finding).unwrap_or_default(),
                finding.description.as_deref().unwrap_or_default()
            );
            let _ = writeln!(
                out,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"0\">\n      <failure message=\"{}\" \
                 type=\"{}\">{}</failure>\n    </testcase>",
                text::markup(&class),
                text::markup(&case),
                text::markup(&text::line(&finding.title, 1000)),
                finding.severity.as_str(),
                text::markup(&text::block(&body, 200_000)),
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}
