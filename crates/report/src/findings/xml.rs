//! Findings as XML: checkstyle's, which many tools read, and JUnit's.

use std::fmt::Write as _;

use super::{Encoding, Findings, LintedFile, Places, three_levels, whole_message};
use crate::text;

/// Checkstyle's report: a `file` for each file, an `error` for each finding.
pub(super) const CHECKSTYLE: Encoding = Encoding::Each {
    head: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n",
    file: checkstyle,
    tail: "</checkstyle>\n",
};

fn checkstyle(file: &LintedFile, _: &Findings<'_>) -> String {
    let places = Places::new(&file.text);
    let mut out = format!("  <file name=\"{}\">\n", attribute(&file.shown_path(), 4096));
    for finding in &file.diagnostics {
        let region = places.region(finding.span);
        let _ = writeln!(
            out,
            "    <error line=\"{}\" column=\"{}\" severity=\"{}\" message=\"{}\" source=\"{}\"/>",
            region.line,
            region.column,
            three_levels(finding.level),
            attribute(&whole_message(finding), 1000),
            attribute(finding.rule.as_deref().unwrap_or("syntax"), 255)
        );
    }
    out.push_str("  </file>\n");
    out
}

/// JUnit's: a suite for each file, a failed case for each finding; a file without any is one case that passed.
pub(super) fn junit(findings: &Findings<'_>) -> String {
    let failures: usize = findings.files.iter().map(|file| file.diagnostics.len()).sum();
    let clean = findings.files.iter().filter(|file| file.diagnostics.is_empty()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"sealift {}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" time=\"0\">\n",
        attribute(findings.command, 40),
        failures + clean
    );
    for file in findings.files {
        let places = Places::new(&file.text);
        let path = attribute(&file.shown_path(), 1000);
        let count = file.diagnostics.len();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{path}\" tests=\"{}\" failures=\"{count}\" errors=\"0\" skipped=\"0\" time=\"0\">",
            count.max(1)
        );
        if count == 0 {
            let _ = writeln!(
                out,
                "    <testcase classname=\"{path}\" name=\"no findings\" time=\"0\"/>"
            );
        }
        for finding in &file.diagnostics {
            let region = places.region(finding.span);
            let rule = finding.rule.as_deref().unwrap_or("syntax");
            let at = match file.subject {
                None => format!(" at {}:{}", region.line, region.column),
                Some(_) => String::new(),
            };
            let lines = [finding.why.as_deref(), finding.help.as_deref()];
            let lines: Vec<&str> = lines.into_iter().flatten().collect();
            let _ = writeln!(
                out,
                "    <testcase classname=\"{path}\" name=\"{}{at}\" time=\"0\">\n      \
                 <failure message=\"{}\" type=\"{}\">{}</failure>\n    </testcase>",
                attribute(rule, 255),
                attribute(&finding.message, 1000),
                finding.level.as_str(),
                text::markup(&text::block(&lines.join("\n"), 20_000))
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn attribute(value: &str, chars_max: usize) -> String {
    text::markup(&text::line(value, chars_max))
}
