//! Comma-separated values (RFC 4180), one finding a row.

use sealift_model::{Finding, FixState, Report, SecretFinding, Suppressed};

use crate::{remark, secrets, text};

const HEADER: &str = "Severity,Vulnerability,Package,Type,Installed,Fixed,Status,CVSS,Title,Link,Path,Layer,PURL,\
                      Exploited,Ransomware,EPSS,Origin,Answer,Advisories\r\n";

const COLUMNS: usize = 19;

/// The report as comma-separated values.
pub(crate) fn csv(report: &Report) -> String {
    let mut out = String::from(HEADER);
    let findings = report.findings.iter().map(|finding| (finding, None));
    let suppressed = report.suppressed.iter().map(|it| (&it.finding, Some(it)));
    // The rows of a table may come far apart, so each says how old its advisories are.
    let age = remark::age(report).unwrap_or_default();
    for (finding, suppressed) in findings.chain(suppressed) {
        row(finding, suppressed, &age, &mut out);
    }
    for finding in secrets::all(report) {
        secret(finding, &mut out);
    }
    out
}

fn row(finding: &Finding, suppressed: Option<&Suppressed>, age: &str, out: &mut String) {
    let package = &finding.package;
    let score = text::cvss(finding).map(|(_, cvss)| cvss.score_tenths).max();
    let score = score.map(|score| format!("{}.{}", score / 10, score % 10));
    let layer = package.layer.as_ref().map(|layer| layer.diff_id.to_string());
    let kev = finding.kev.as_ref();
    let epss = finding.epss.map(|epss| format!("{:.5}", epss.score()));
    let fixed = match &finding.fix {
        FixState::Subscription(version) => version,
        fix => fix.version().unwrap_or_default(),
    };
    let answer = suppressed.map(|it| remark::answer(&it.by));
    let cells = [
        finding.severity.as_str(),
        &finding.id,
        &package.name,
        package.kind.purl_type(),
        &package.version,
        fixed,
        finding.fix.as_str(),
        score.as_deref().unwrap_or_default(),
        &finding.title,
        text::primary_url(finding).unwrap_or_default(),
        package.path.as_deref().unwrap_or_default(),
        layer.as_deref().unwrap_or_default(),
        &package.purl,
        kev.map(|kev| kev.added.as_str()).unwrap_or_default(),
        if kev.is_some_and(|kev| kev.is_used_by_ransomware) { "yes" } else { "" },
        epss.as_deref().unwrap_or_default(),
        remark::origin(finding),
        answer.as_deref().unwrap_or_default(),
        age,
    ];
    let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

// A secret in the columns that it has something for.
fn secret(finding: &SecretFinding, out: &mut String) {
    let place = secrets::place(finding);
    let commit = finding.commit.as_ref().map(|commit| commit.id.clone());
    let layer = finding.layer.as_ref().map(|layer| layer.diff_id.to_string()).or(commit);
    let mut cells = [""; COLUMNS];
    cells[..4].copy_from_slice(&[
        finding.severity.as_str(),
        &finding.rule,
        &finding.masked,
        "secret",
    ]);
    cells[8] = &finding.title;
    cells[10] = &place;
    cells[11] = layer.as_deref().unwrap_or_default();
    let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

// A cell that begins like a formula would be one for a spreadsheet (OWASP, "CSV Injection"): an apostrophe before it
// makes it a text.
fn escape(text: &str) -> String {
    let text = text::line(text, 32_000);
    let is_formula = text.starts_with(['=', '+', '-', '@']);
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', '"', '\'']) || text.contains(char::is_whitespace) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(escape("=1+1"), "\"'=1+1\"");
        assert_eq!(escape("\t@SUM(A1)"), "\"'@SUM(A1)\"");
        assert_eq!(escape("a\"b,c\nd"), "\"a\"\"b,c d\"");
        assert_eq!(escape("plain"), "plain");
    }
}
