//! Compose files and Kubernetes manifests.

use sealift_audit::{
    Beside, Context, FileKind, Format, Limits, builds, companions, fix, kind, lint,
};
use sealift_diagnostic::Tier;
use sealift_lint::Config;

use crate::text;

/// A file of either kind: audited and mended. All spans lie in the text, mending again changes nothing, and what could
/// be read can be read afterwards.
pub fn audit(bytes: &[u8]) {
    let Some(source) = text(bytes).filter(|text| text.len() <= 16 << 10) else { return };
    let limits = Limits { bytes: 16 << 10, nodes: 4000, depth: 32, visits: 40_000 };
    kind("a.yaml", source);
    builds(source, &limits);
    let config = Config::default();
    let read = |path: &str| {
        Beside::Text(format!(
            "include: [{path}x, a.yaml]\nservices: {{base: {{image: {path}, env_file: {path}}}}}\n"
        ))
    };
    let project = ["a.yaml".to_owned(), "b.yaml".to_owned()];
    let context =
        Context { config: &config, path: "b.yaml", project: &project, read: &read, limits };
    companions(source, &context);
    for format in [Format::Compose, Format::Raw] {
        for finding in lint(source, FileKind::Variables(format), &context) {
            assert!(source.get(finding.span.range()).is_some(), "{:?}", finding.span);
        }
    }
    for kind in [FileKind::Compose, FileKind::Kubernetes] {
        let findings = lint(source, kind, &context);
        for finding in &findings {
            let spans = finding.related.iter().map(|(span, _)| *span).chain([finding.span]);
            for span in spans {
                assert!(source.get(span.range()).is_some(), "{span:?} is no part of the text");
            }
        }
        if findings.len() > 100 {
            continue;
        }
        let fixed = fix(source, kind, &context, Tier::Suggested);
        let is_broken = |found: &[sealift_diagnostic::Diagnostic]| {
            found.iter().any(|it| it.rule.as_deref() == Some("SL0001"))
        };
        assert!(is_broken(&findings) || !is_broken(&fixed.left), "it cannot be read any more");
        let again = fix(&fixed.text, kind, &context, Tier::Suggested);
        assert_eq!(again.text, fixed.text, "mending again changes something");
    }
}
