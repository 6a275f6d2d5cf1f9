//! B1 to B3: a Dockerfile is judged, mended and made leaner, and other linters agree.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::lab::{empty_lab, lab, project};

const VULNERABLE: &str = r#"FROM ubuntu:latest
RUN apt-get update && apt-get install -y curl wget netcat
ENV API_KEY=sk_live_abcd1234
COPY . /app
WORKDIR /app
RUN chmod 777 -R /app
EXPOSE 22 80 443 3306 5432 6379 8080 9090
CMD ["python", "app.py"]
"#;

/// An application. The image that its mended file starts from is the one of the labs, under the name that the fix has.
fn application(dockerfile: &str) -> TestContext {
    let context = lab();
    let recipe = project().join("examples/secure-app/bases/python.toml");
    context.write("bases/python.toml", fs::read(recipe).unwrap());
    context.write("sealift.toml", "[base.\"python:3.13-slim\"]\nrecipe = \"bases/python.toml\"\n");
    context.write("Dockerfile", dockerfile);
    context.write("app.py", "print('hello')\n");
    context.write(".env", "PASSWORD=correct-horse-battery\n");
    context
}

/// What is wrong with it: line, rule, and a word of what is said.
const PROBLEMS: [(u64, &str, &str); 22] = [
    (1, "SL2001", "ubuntu:latest"),
    (1, "SL2002", "digest"),
    (1, "SL1012", "root"),
    (1, "SL4008", "HEALTHCHECK"),
    (2, "SL4001", "package lists"),
    (2, "SL4002", "recommended"),
    (2, "SL2003", "`curl`, `wget`, `netcat`"),
    (2, "SL4003", "`curl` and `wget`"),
    (2, "SL1013", "netcat"),
    (2, "SL3010", "netcat"),
    (3, "SL1001", "API_KEY"),
    (3, "SL1002", "Stripe"),
    (4, "SL4005", ".dockerignore"),
    (4, "SL4007", "at once"),
    (5, "SL3011", "comes after"),
    (6, "SL1006", "777"),
    (7, "SL1008", "port 22"),
    (7, "SL1009", "port 3306"),
    (7, "SL1009", "port 5432"),
    (7, "SL1009", "port 6379"),
    (7, "SL1009", "port 9090"),
    (8, "SL3009", "python"),
];

#[test]
fn b1_every_problem_of_the_vulnerable_dockerfile() {
    let context = empty_lab();
    context.write("Dockerfile", VULNERABLE);
    context.write("app.py", "print('hello')\n");
    let machine = context.expect(1, &["lint", "--format", "json", "Dockerfile"]).stdout;
    let document: Value = serde_json::from_str(&machine).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let person = context.expect(1, &["lint", "Dockerfile"]).stdout;
    for (line, rule, word) in PROBLEMS {
        let found = findings.iter().find(|finding| {
            finding["line"] == line
                && finding["rule"] == rule
                && finding["message"].as_str().unwrap().contains(word)
        });
        let found =
            found.unwrap_or_else(|| panic!("line {line}: no {rule} about {word}\n{person}"));
        // Explained: why it matters, and what to do.
        for part in ["message", "why", "help"] {
            let text = found[part].as_str().unwrap();
            assert!(text.len() > 10, "{rule}: {part} is `{text}`");
            assert!(person.contains(text), "{rule}: `{text}` is not shown to people");
        }
        assert!(person.contains(&format!("[{rule}]")), "{rule}");
        assert!(person.contains(&format!("Dockerfile:{line}:")), "{rule}: line {line}");
    }
    assert!(person.contains("EXPOSE 22 80 443 3306"), "the source is not shown: {person}");
    for text in [&machine, &person] {
        assert!(!text.contains("abcd1234"), "the key is shown");
    }
    assert!(person.contains("rotate"), "what to do about the key: {person}");
    // Neither 80 nor 443 nor 8080 is a problem, and the names of other tools' rules are known.
    for port in ["port 80 ", "port 443 ", "port 8080 "] {
        assert!(!person.contains(port), "{port}");
    }
    let fewer = context.expect(1, &["lint", "--ignore", "DL3007,SL1012", "Dockerfile"]).stdout;
    assert!(!fewer.contains("[SL2001]") && !fewer.contains("[SL1012]"), "{fewer}");
    // The example's Dockerfile is none of this.
    context.expect(0, &["lint", project().join("examples/secure-app").to_str().unwrap()]);
}

#[test]
fn b2_the_mended_file_is_clean_and_builds() {
    let context = application(VULNERABLE);
    // Only looking changes nothing.
    let shown = context.expect(0, &["lint", "--fix=suggested", "--diff", "."]);
    assert!(shown.stdout.contains("--- a/Dockerfile\n+++ b/Dockerfile\n@@ "), "{}", shown.stdout);
    assert!(shown.stdout.contains("+++ b/.dockerignore"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("sk_live_abcd1234"), "{}", shown.stdout);
    assert_eq!(read(&context, "Dockerfile"), VULNERABLE);

    // Safe fixes alone keep the base, the packages and the port.
    let mut command = context.command(&["lint", "--fix", "-"]);
    let output = command.stdin(File::open(context.work().join("Dockerfile")).unwrap()).output();
    let mended = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(mended.starts_with("FROM ubuntu:latest\nRUN apt-get update"), "{mended}");
    assert_eq!(read(&context, "Dockerfile"), VULNERABLE);

    context.expect(0, &["lint", "--fix=suggested", "."]);
    let mended = read(&context, "Dockerfile");
    assert!(mended.starts_with("FROM python:3.13-slim\n"), "{mended}");
    assert!(!mended.contains("sk_live"), "{mended}");
    assert!(mended.contains("EXPOSE 80 443 8080\n") && mended.contains("8080), 2)"), "{mended}");
    let ignored = read(&context, ".dockerignore");
    assert!(ignored.contains(".git\n") && ignored.contains("**/.env\n"), "{ignored}");
    context.expect(0, &["lint", "--fail-on", "warning", "."]);
    // Once more changes nothing.
    context.expect(0, &["lint", "--fix=suggested", "."]);
    assert_eq!(read(&context, "Dockerfile"), mended);

    others_agree(&context.work().join("Dockerfile"));

    context.expect(0, &["build", "-t", "mended", "."]);
    let inside = crate::foreign::paths(&crate::foreign::unpack(&context, "mended:latest"));
    assert!(inside.contains("app/app.py") && !inside.contains("app/.env"));
    let config = crate::foreign::config(&context, "mended:latest").to_string();
    assert!(config.contains("10001:10001") && !config.contains("API_KEY"), "{config}");
}

#[test]
fn b2_what_does_not_build_is_not_written() {
    // The fix is right by every rule, but there is no such command.
    let text = "FROM python:3.11-slim\nEXPOSE 22 8080\nRUN no-such-command\nUSER 10001\nHEALTHCHECK NONE\nCMD [\"python\"]\n";
    let context = application(text);
    let refused = context.expect(1, &["lint", "--fix=suggested", "--verify", "."]);
    assert!(refused.stderr.contains("does not build"), "{}", refused.stderr);
    assert_eq!(read(&context, "Dockerfile"), text);

    let text = text.replace("no-such-command", "echo built");
    context.write("Dockerfile", text.as_str());
    let verified = context.expect(0, &["lint", "--fix=suggested", "--verify", "."]);
    for row in ["before", "builds", "size", "layers", "packages", "vulnerabilities"] {
        assert!(verified.stderr.contains(row), "{row}: {}", verified.stderr);
    }
    assert!(read(&context, "Dockerfile").contains("EXPOSE 8080\n"));
}

#[test]
fn b3_order_caches_and_the_context() {
    let context = application(
        "FROM python:3.11-slim\n\
         WORKDIR /app\n\
         COPY . .\n\
         RUN pip install -r requirements.txt\n\
         RUN apt-get update && apt-get install -y libpq5\n\
         USER 10001:10001\n\
         HEALTHCHECK NONE\n\
         CMD [\"python\", \"app.py\"]\n",
    );
    context.write("requirements.txt", "flask==3.0.0\n");
    context.expect(0, &["lint", "--fix=suggested", "."]);
    let mended = read(&context, "Dockerfile");
    let at = |what: &str| mended.find(what).unwrap_or_else(|| panic!("no `{what}` in\n{mended}"));
    assert!(at("COPY requirements.txt ./") < at("pip install"), "{mended}");
    assert!(at("pip install") < at("COPY . ."), "dependencies first\n{mended}");
    assert!(mended.contains("--no-cache-dir"), "no cache of pip\n{mended}");
    assert!(mended.contains("--no-install-recommends"), "{mended}");
    assert!(mended.contains("rm -rf /var/lib/apt/lists/*"), "{mended}");
    assert!(context.work().join(".dockerignore").is_file());
    context.expect(0, &["lint", "--fail-on", "warning", "."]);
}

fn read(context: &TestContext, name: &str) -> String {
    fs::read_to_string(context.work().join(name)).unwrap()
}

/// hadolint and checkov find nothing at their level of warnings.
#[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
fn others_agree(dockerfile: &Path) {
    let path = dockerfile.to_str().unwrap();
    match linter("hadolint") {
        Some(hadolint) => {
            succeeds(&hadolint, &["--no-color", "--failure-threshold", "warning", path]);
        }
        None => eprintln!("SKIPPED: hadolint is not installed; tests/setup installs it"),
    }
    match linter("checkov") {
        Some(checkov) => {
            let framework = ["--framework", "dockerfile", "--compact", "--quiet"];
            succeeds(&checkov, &[&["--skip-download", "-f", path], &framework[..]].concat());
        }
        None => eprintln!("SKIPPED: checkov is not installed; tests/setup installs it"),
    }
}

/// A linter of the environment that tests/setup makes.
fn linter(name: &str) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let folder = variable("SEALIFT_LINTERS").or_else(|| {
        let cache = variable("XDG_CACHE_HOME");
        let cache = cache.or_else(|| Some(variable("HOME")?.join(".cache")))?;
        Some(cache.join("sealift-linters"))
    })?;
    Some(folder.join("bin").join(name)).filter(|path| path.is_file())
}

#[track_caller]
fn succeeds(program: &Path, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {text}", program.display());
}
