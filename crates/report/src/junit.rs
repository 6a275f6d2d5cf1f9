//! JUnit's XML (the form that Jenkins and GitLab read): a suite is a kind of package, a failed
//! case is a finding, a skipped one a finding that somebody answered for.

use std::fmt::Write as _;

use sealift_model::{Finding, PackageKind, Report};

use crate::{json, remark, secrets, text};

/// The report as JUnit's XML.
pub(crate) fn junit(report: &Report) -> String {
    let mut kinds: Vec<PackageKind> = report.scanned.iter().map(|scanned| scanned.kind).collect();
    kinds.extend(report.findings.iter().map(|finding| finding.package.kind));
    kinds.extend(report.suppressed.iter().map(|suppressed| suppressed.finding.package.kind));
    kinds.sort_unstable();
    kinds.dedup();
    let failures = report.findings.len() + secrets::all(report).len();
    let total = failures + report.suppressed.len();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"sealift\" tests=\"{total}\" failures=\"{failures}\" errors=\"0\" time=\"0\">\n"
    );
    for kind in kinds {
        suite(report, kind, &mut out);
    }
    if report.secrets.is_some() {
        secret_suite(report, &mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(report: &Report, kind: PackageKind, out: &mut String) {
    let findings: Vec<_> =
        report.findings.iter().filter(|finding| finding.package.kind == kind).collect();
    let suppressed: Vec<_> =
        report.suppressed.iter().filter(|it| it.finding.package.kind == kind).collect();
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"0\" \
         timestamp=\"{}\">\n    <properties>\n      <property name=\"basis\" value=\"{}\"/>\n    </properties>",
        text::markup(&text::line(&json::target(report, kind), 1000)),
        findings.len() + suppressed.len(),
        findings.len(),
        suppressed.len(),
        text::time(report.created_secs).trim_end_matches('Z'),
        text::markup(&text::line(&remark::basis(report), 1000))
    );
    for finding in findings {
        let package = &finding.package;
        let mut lines = vec![text::solution(finding)];
        lines.extend(Some(remark::urgency(finding)).filter(|urgency| !urgency.is_empty()));
        lines.push(text::primary_url(finding).unwrap_or_default().to_owned());
        lines.extend(package.path.clone());
        lines.extend(finding.description.clone());
        let _ = writeln!(
            out,
            "{}      <failure message=\"{}\" type=\"{}\">{}</failure>\n    </testcase>",
            case(finding),
            text::markup(&text::line(&finding.title, 1000)),
            finding.severity.as_str(),
            text::markup(&text::block(&lines.join("\n"), 200_000)),
        );
    }
    for suppressed in suppressed {
        let answer = text::line(&remark::answer(&suppressed.by), 1000);
        let _ = writeln!(
            out,
            "{}      <skipped message=\"{}\"/>\n    </testcase>",
            case(&suppressed.finding),
            text::markup(&answer)
        );
    }
    out.push_str("  </testsuite>\n");
}

fn secret_suite(report: &Report, out: &mut String) {
    let found = secrets::all(report);
    let _ = writeln!(
        out,
        "  <testsuite name=\"Secrets\" tests=\"{0}\" failures=\"{0}\" errors=\"0\" skipped=\"0\" time=\"0\" \
         timestamp=\"{1}\">",
        found.len(),
        text::time(report.created_secs).trim_end_matches('Z'),
    );
    for finding in found {
        let line = |line: &str| text::markup(&text::line(line, 1000));
        let body = [secrets::origin(finding), secrets::ADVICE.to_owned()].join("\n");
        let _ = writeln!(
            out,
            "    <testcase classname=\"{}\" name=\"[{}] {}\" time=\"0\">\n      <failure message=\"{}\" type=\"{}\">{}\
             </failure>\n    </testcase>",
            line(&secrets::place(finding)),
            finding.severity.as_str(),
            line(&finding.rule),
            line(&format!("{}: {}", finding.title, finding.masked)),
            finding.severity.as_str(),
            text::markup(&text::block(body.trim(), 20_000)),
        );
    }
    out.push_str("  </testsuite>\n");
}

// The begin of a test case.
fn case(finding: &Finding) -> String {
    let package = &finding.package;
    let class = text::line(&format!("{}-{}", package.name, package.version), 1000);
    let name = text::line(&format!("[{}] {}", finding.severity.as_str(), finding.id), 1000);
    format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"0\">\n",
        text::markup(&class),
        text::markup(&name)
    )
}
