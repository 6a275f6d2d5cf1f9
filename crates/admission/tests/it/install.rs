//! The manifests: ours finds nothing in them, and nothing in them is ours to be misled by.

use sealift_admission::{Install, manifests};
use sealift_audit::{Beside, Context, FileKind, Limits, lint};
use sealift_diagnostic::render_short;
use sealift_lint::Config;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn install() -> Install {
    Install {
        namespace: "sealift".to_owned(),
        image: format!("registry.example.com/sealift:1.0@sha256:{}", "a".repeat(64)),
        authority: CERTIFICATE.to_owned(),
        files: vec![
            ("trust.toml".to_owned(), "[[rule]]\n\nimage = \"*\"\n".to_owned()),
            ("odd.rego".to_owned(), " \u{e4} \"x\"\n\n".to_owned()),
        ],
        options: vec!["--policy=/etc/sealift/files/trust.toml".to_owned()],
        exempt_namespaces: vec!["istio-system".to_owned()],
        replicas: 2,
        has_mutation: true,
    }
}

#[test]
fn our_own_audit_finds_nothing() {
    let text = manifests(&install()).unwrap();
    let config = Config::default();
    let read = |_: &str| Beside::Missing;
    let limits = Limits::default();
    let context =
        Context { config: &config, path: "sealift.yaml", project: &[], read: &read, limits };
    let found = lint(&text, FileKind::Kubernetes, &context);
    assert_eq!(render_short(&found, "", &text), "");
}

#[test]
fn what_is_installed() {
    let text = manifests(&install()).unwrap();
    for part in [
        "kind: ValidatingWebhookConfiguration",
        "kind: MutatingWebhookConfiguration",
        "failurePolicy: Fail",
        "pods/ephemeralcontainers",
        "values: [\"sealift\", \"kube-system\", \"istio-system\"]",
        "  \"trust.toml\": |\n    [[rule]]\n\n    image = \"*\"\n",
        "  \"odd.rego\": \" ä \\\"x\\\"\\n\\n\"\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let alone = manifests(&Install { has_mutation: false, ..install() }).unwrap();
    assert!(!alone.contains("Mutating"));
    assert!(!alone.trim_end().ends_with("---"));
    assert_eq!(alone.matches("\n---\n").count(), 7);
}

#[test]
fn what_cannot_be_installed() {
    let error = |install: Install| manifests(&install).unwrap_err().to_string();
    for namespace in ["", "A", "a b", "-a", "a\nkind: Secret"] {
        assert!(
            error(Install { namespace: namespace.to_owned(), ..install() }).contains("namespace")
        );
    }
    assert!(error(Install { image: "a b".to_owned(), ..install() }).contains("image"));
    assert!(error(Install { authority: "x".to_owned(), ..install() }).contains("certificate"));
    let file = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
    assert!(error(Install { files: file("a/b", ""), ..install() }).contains("name"));
    assert!(
        error(Install { files: file("a", &"x".repeat(1 << 20)), ..install() }).contains("large")
    );
    let twice = [file("a", "1"), file("a", "2")].concat();
    assert!(error(Install { files: twice, ..install() }).contains("another file"));
}
