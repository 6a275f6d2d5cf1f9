//! Files that mean harm: an error or a note, in little time and memory.

use std::time::{Duration, Instant};

use sealift_exception::{BYTES_MAX, Exceptions, VEX_BYTES_MAX};

use crate::sample::show;

fn check(file: &str, text: &str) {
    let start = Instant::now();
    let mut exceptions = Exceptions::default();
    if exceptions.read_ignores(file, text).is_ok() {
        show(&exceptions);
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{file} took too long");
}

#[test]
fn too_large() {
    let large = "a".repeat(BYTES_MAX + 1);
    let error = Exceptions::default().read_ignores(".trivyignore", &large).unwrap_err();
    assert_eq!(error.to_string(), ".trivyignore: an ignore file has at most 1 MiB");
    let many = "a\n".repeat(BYTES_MAX / 2);
    assert!(Exceptions::default().read_ignores(".trivyignore", &many).is_err());
    let large = vec![b' '; VEX_BYTES_MAX + 1];
    assert!(Exceptions::default().read_vex("x", &large).is_err());
}

#[test]
fn deep_and_wide() {
    for unit in
        ["[", "{", "- ", "a: ", "? ", "!a ", "&a ", "'", "\"", "| ", "\t", "a:\n ", "[a,", "{a: "]
    {
        check("x.yaml", &unit.repeat(20_000));
        check("x.yaml", &format!("vulnerabilities: {}", unit.repeat(20_000)));
    }
    for unit in ["[", "{a=", "a.", "[[a]]\n", "\"", "'''", "a=[", "# "] {
        check("x.toml", &unit.repeat(20_000));
        check("osv-scanner.toml", &unit.repeat(20_000));
    }
    for unit in ["[", "{\"a\":", "\"", "{\"@context\":\"https://openvex.dev/ns\",\"statements\":["]
    {
        assert!(Exceptions::default().read_vex("x", unit.repeat(20_000).as_bytes()).is_err());
    }
}

#[test]
fn patterns_cannot_make_matching_slow() {
    let glob = "**/*a".repeat(100);
    check("x.yaml", &format!("vulnerabilities:\n - id: CVE-1-1\n   paths: ['{glob}']\n"));
    let regex = "(a*)*".repeat(50);
    check("x.yaml", &format!("ignore:\n - package: {{name: '{regex}b'}}\n"));
    let rules = "- package: {name: '(x{100}){90}'}\n".repeat(2000);
    check("x.yaml", &format!("ignore:\n{rules}"));
}

#[test]
fn a_document_with_any_values_is_read() {
    let odd = r#"{"@context": ["https://openvex.dev/ns"], "@id": 5, "timestamp": [],
        "statements": [null, 1, "a", [], {"vulnerability": [], "products": {}, "status": 1},
        {"vulnerability": "CVE-1-1", "products": ["pkg:", "", 5, {"@id": {}}], "status": "fixed"}]}"#;
    let mut exceptions = Exceptions::default();
    exceptions.read_vex("x", odd.as_bytes()).unwrap();
    assert!(!show(&exceptions).contains("Fixed"));
}
