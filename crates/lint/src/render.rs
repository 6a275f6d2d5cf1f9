//! Findings as text, with secrets in the source masked.

use sealift_diagnostic::Diagnostic;

use crate::rules::HIDDEN;

/// Findings with their snippets; secrets that were found are shown as stars.
pub fn render(findings: &[Diagnostic], path: &str, source: &str, color: bool) -> String {
    sealift_diagnostic::render(findings, path, &mask(source, findings), color)
}

/// The source with the secrets that were found replaced by stars; every offset stays what it was.
pub fn mask(source: &str, findings: &[Diagnostic]) -> String {
    let mut bytes = source.as_bytes().to_vec();
    let secret = |finding: &&Diagnostic| finding.label.as_deref() == Some(HIDDEN);
    for finding in findings.iter().filter(secret) {
        let Some(text) = source.get(finding.span.range()) else { continue };
        // The first letters say which secret it is; a short one is hidden whole.
        let shown = if text.len() >= 12 { text.floor_char_boundary(4) } else { 0 };
        for byte in &mut bytes[finding.span.start + shown..finding.span.end] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// The secrets that were found in a source, so that they can be masked in another text too.
pub fn secrets<'a>(source: &'a str, findings: &[Diagnostic]) -> Vec<&'a str> {
    let secret = |finding: &&Diagnostic| finding.label.as_deref() == Some(HIDDEN);
    let texts = findings.iter().filter(secret).filter_map(|it| source.get(it.span.range()));
    texts.filter(|text| !text.is_empty()).collect()
}
