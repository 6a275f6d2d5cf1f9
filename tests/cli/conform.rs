//! Every format in every version before outside validators, of a Debian base, an image with Python's and Node's
//! packages, a small one with a Go program, and an empty one. The images are small, as some validators take minutes for
//! thousands of packages.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealift_testkit::TestContext;

use crate::context;
use crate::documents::{made_by_setup, validators};
use crate::lab::lab;

const SCRIPT: &str = include_str!("conform.py");

// What is checked of each image, by format and version.
const CHECKS: &[(&str, &[&str])] = &[
    ("cyclonedx-json@1.2", &["JsonStrictValidator"]),
    ("cyclonedx-json@1.3", &["JsonStrictValidator"]),
    ("cyclonedx-json@1.4", &["JsonStrictValidator"]),
    ("cyclonedx-json@1.5", &["JsonStrictValidator"]),
    ("cyclonedx-json@1.6", &["JsonStrictValidator"]),
    ("cyclonedx-json@1.7", &["JsonStrictValidator"]),
    ("cyclonedx-xml@1.2", &["XmlValidator"]),
    ("cyclonedx-xml@1.3", &["XmlValidator"]),
    ("cyclonedx-xml@1.4", &["XmlValidator"]),
    ("cyclonedx-xml@1.5", &["XmlValidator"]),
    ("cyclonedx-xml@1.6", &["XmlValidator"]),
    ("cyclonedx-xml@1.7", &["XmlValidator"]),
    ("spdx@2.1", &["spdx-tools"]),
    ("spdx@2.2", &["spdx-tools"]),
    ("spdx@2.3", &["spdx-tools"]),
    ("spdx-json@2.2", &["spdx-tools", "check-jsonschema"]),
    ("spdx-json@2.3", &["spdx-tools", "check-jsonschema", "ntia"]),
    ("spdx-json@3.0.1", &["ntia", "bsi", "fsct3-min"]),
];

// The checkers look at the end of a name to know what SPDX's JSON is.
fn file(name: &str, format: &str) -> String {
    let ending = if format.starts_with("spdx-json") { ".spdx.json" } else { "" };
    format!("{name}/{format}{ending}")
}

// `options` are further ones of the command.
fn write_documents(context: &TestContext, name: &str, image: &str, options: &[&str]) {
    fs::create_dir_all(context.work().join(name)).unwrap();
    let outputs: Vec<String> =
        CHECKS.iter().map(|(format, _)| format!("{format}={}", file(name, format))).collect();
    let mut arguments = [&["sbom", image], options].concat();
    arguments.extend(outputs.iter().flat_map(|output| ["-o", output]));
    context.expect(0, &arguments);
}

// What the validators say of all documents: by document and validator. One process, as starting them takes longest.
fn validate(context: &TestContext, names: &[&str]) -> BTreeMap<(String, String), String> {
    let files = names
        .iter()
        .flat_map(|name| CHECKS.iter().map(|(format, _)| file(name, format)))
        .filter(|file| context.work().join(file).exists());
    let python = validators().join("bin/python");
    let output = Command::new(&python)
        .args(["-c", SCRIPT])
        .arg(validators().join("schemas"))
        .args(files)
        .current_dir(context.work())
        .output();
    let output = output
        .unwrap_or_else(|error| panic!("{}: {error}; tests/setup makes it", python.display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}; tests/setup completes the validators");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines()
        .map(|line| {
            let mut words = line.splitn(3, ' ').map(str::to_owned);
            let mut word = || words.next().unwrap_or_default();
            ((word(), word()), word())
        })
        .collect()
}

// Each image has a name, a reference and options of the command.
#[track_caller]
fn check(context: &TestContext, images: &[(&str, &str, &[&str])], expected: &dyn Fn(&str) -> &str) {
    for (name, image, options) in images {
        write_documents(context, name, image, options);
    }
    let names: Vec<&str> = images.iter().map(|(name, ..)| *name).collect();
    let mut said = validate(context, &names);
    let mut wrong = Vec::new();
    for name in names {
        for (format, validators) in CHECKS {
            for validator in *validators {
                let key = (file(name, format), (*validator).to_owned());
                let message = said.remove(&key).unwrap_or_else(|| "not checked".to_owned());
                if message != expected(validator) {
                    wrong.push(format!("{key:?}: {message}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(said.is_empty(), "not expected: {said:?}");
}

// What tests/setup installed by pip and npm.
fn installed() -> PathBuf {
    made_by_setup("SEALIFT_INSTALLED", "sealift-installed")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}; tests/setup makes it", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

// Takes a file of what was installed into the context of a build.
fn take(context: &TestContext, from: &Path, file: &Path) {
    if let Ok(bytes) = fs::read(file) {
        let inside = file.strip_prefix(from).unwrap();
        context.write(&format!("web-files/opt/{}", inside.display()), bytes);
    }
}

// What images without a package manager have: a file for each package's status.
const STATUS: &str = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\
                      Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>\n";

fn build(context: &TestContext, name: &str, dockerfile: &str) {
    let (file, tag) = (format!("{name}.Dockerfile"), format!("{name}:1"));
    context.write(&file, dockerfile);
    context.expect(0, &["build", "--quiet", "-f", &file, "-t", &tag, "."]);
}

fn build_on_debian(context: &TestContext, name: &str) {
    context.write(&format!("{name}-files/var/lib/dpkg/status.d/libc6"), STATUS);
    context.write(&format!("{name}-files/etc/os-release"), "ID=debian\nVERSION_ID=12\n");
    build(context, name, &format!("FROM scratch\nCOPY {name}-files /\n"));
}

// The records of what pip and npm install, of some packages.
fn build_web(context: &TestContext) {
    let from = installed();
    let records = entries(&from.join("venv/lib/python3.11/site-packages"));
    let records = records.iter().filter(|path| path.join("METADATA").exists());
    for record in records.step_by(4) {
        for name in ["METADATA", "RECORD", "INSTALLER"] {
            take(context, &from, &record.join(name));
        }
    }
    let modules = from.join("npm/node_modules");
    for module in entries(&modules).into_iter().step_by(40) {
        take(context, &from, &module.join("package.json"));
    }
    build_on_debian(context, "web");
}

// With a program whose main module names no version.
fn build_slim(context: &TestContext) {
    let program = "/usr/bin/umoci";
    let bytes = fs::read(program)
        .unwrap_or_else(|error| panic!("{program}: {error}; tests/setup installs it"));
    context.write("slim-files/usr/bin/umoci", bytes);
    build_on_debian(context, "slim");
}

#[test]
fn every_format_passes_outside_validators() {
    let context = lab().with_fixed_clock();
    build_web(&context);
    build_slim(&context);
    let label = "org.opencontainers.image.vendor=\"Acme <images@acme.example>\"";
    build(&context, "empty", &format!("FROM scratch\nLABEL {label}\n"));
    let supplied: &[&str] = &["--supplier", "Acme <images@acme.example>"];
    let images: &[(&str, &str, &[&str])] = &[
        ("base", "python:3.11-slim", supplied),
        ("web", "web:1", supplied),
        ("slim", "slim:1", supplied),
        ("empty", "empty:1", &[]),
    ];
    check(&context, images, &|_| "ok");
}

// Nobody is made up: the documents stay valid, and the checkers of minimum elements say what is not there.
#[test]
fn an_image_of_nobody_lacks_only_its_supplier() {
    let context = context();
    build(&context, "empty", "FROM scratch\n");
    check(&context, &[("empty", "empty:1", &[])], &|validator| match validator {
        "ntia" | "fsct3-min" => "All component suppliers provided?: False",
        "bsi" => "Component Creators: False",
        _ => "ok",
    });
}

#[test]
fn what_does_not_conform_is_refused() {
    let context = context();
    build(&context, "broken", "FROM scratch\nCOPY broken.Dockerfile /\n");
    write_documents(&context, "broken", "broken:1", &[]);
    let damage = [
        ("CONTAINER", "SHIP"),
        ("versionInfo", "comment"),
        ("downloadLocation", "nonsense"),
        ("software_packageVersion", "comment"),
        ("bomFormat", "nonsense"),
        ("<component", "<nonsense"),
        ("PackageName:", "Nonsense:"),
    ];
    for (format, _) in CHECKS {
        let path = file("broken", format);
        let text = String::from_utf8(context.read(&path)).unwrap();
        let broken = damage.iter().fold(text, |text, (from, to)| text.replace(from, to));
        context.write(&path, broken);
    }
    let said = validate(&context, &["broken"]);
    assert_eq!(said.len(), CHECKS.iter().map(|(_, validators)| validators.len()).sum::<usize>());
    let passed: Vec<_> = said.into_iter().filter(|(_, said)| said == "ok").collect();
    assert!(passed.is_empty(), "{passed:?}");
}
