//! SBOM documents of real images, before the formats' own validators.

use std::path::PathBuf;
use std::process::Command;

use sealift_testkit::TestContext;

use crate::context;
use crate::lab::{example, lab};

const STRICT: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(error) if error else 0)
";

// `tests/setup` makes this environment; see there.
pub(crate) fn validators() -> PathBuf {
    made_by_setup("SEALIFT_VALIDATORS", "sealift-validators")
}

// A folder that `tests/setup` makes in the cache, unless a variable names another.
pub(crate) fn made_by_setup(variable: &str, name: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named.unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = PathBuf::from(std::env::var_os("HOME").unwrap());
        cache.unwrap_or_else(|| home.join(".cache")).join(name)
    })
}

// Whether a document is valid, and what is said about it.
fn validate(program: &str, arguments: &[&str], document: &std::path::Path) -> (bool, String) {
    let path = validators().join("bin").join(program);
    let output = Command::new(&path).args(arguments).arg(document).output();
    let output =
        output.unwrap_or_else(|error| panic!("{}: {error}; tests/setup makes it", path.display()));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn spdx(document: &std::path::Path) -> (bool, String) {
    validate("pyspdxtools", &["-i"], document)
}

fn cyclonedx(document: &std::path::Path) -> (bool, String) {
    validate("python", &["-c", STRICT], document)
}

#[track_caller]
fn check(context: &TestContext, image: &str) {
    let arguments = [
        "sbom",
        image,
        "-o",
        "spdx-json=a.spdx.json",
        "-o",
        "cyclonedx-json=a.cdx.json",
        "-o",
        "table",
    ];
    let first = context.expect(0, &arguments);
    assert!(first.stdout.starts_with("NAME "), "{}", first.stdout);
    let documents = ["a.spdx.json", "a.cdx.json"].map(|name| context.read(name));
    let (is_valid, said) = spdx(&context.work().join("a.spdx.json"));
    assert!(is_valid, "{image}: {said}");
    let (is_valid, said) = cyclonedx(&context.work().join("a.cdx.json"));
    assert!(is_valid, "{image}: {said}");
    // The same documents again, and on stdout.
    let printed = ["spdx-json", "cyclonedx-json"]
        .map(|format| context.expect(0, &["sbom", image, "-o", format]).stdout);
    for (document, printed) in documents.iter().zip(printed) {
        assert_eq!(String::from_utf8_lossy(document).trim_end(), printed.trim_end());
    }
}

#[test]
fn of_a_debian_base() {
    check(&lab().with_fixed_clock(), "python:3.11-slim");
}

#[test]
fn of_the_example_wherever_it_lies() {
    let context = lab().with_fixed_clock();
    example(&context);
    context.expect(0, &["build", "--quiet", "-t", "secure-app:1.0.0", "."]);
    check(&context, "secure-app:1.0.0");
    let listed = context.expect(0, &["sbom", "secure-app:1.0.0"]).stdout;
    for name in ["Flask", "gunicorn", "libc6", "python3.11"] {
        let start = format!("{name} ");
        assert!(listed.lines().any(|line| line.starts_with(&start)), "{name}\n{listed}");
    }
    context.expect(0, &["save", "secure-app:1.0.0", "-o", "app.tar"]);
    for archive in ["docker-archive:app.tar", "oci-archive:app.tar"] {
        assert_eq!(context.expect(0, &["sbom", archive]).stdout, listed, "{archive}");
    }
}

#[test]
fn of_an_image_without_anything() {
    let context = context();
    context.write("Dockerfile", "FROM scratch\n");
    context.expect(0, &["build", "--quiet", "-t", "empty:1", "."]);
    check(&context, "empty:1");
    context.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
    context.expect(0, &["build", "--quiet", "-t", "file:1", "."]);
    check(&context, "file:1");
}

#[test]
fn the_validators_do_refuse() {
    let context = context();
    context.write("a.json", r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x"}"#);
    assert!(!spdx(&context.work().join("a.json")).0);
    context.write("a.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6","nonsense":1}"#);
    assert!(!cyclonedx(&context.work().join("a.json")).0);
}
