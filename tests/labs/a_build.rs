//! A: building images.

use std::collections::BTreeSet;
use std::fs;

use sealift_testkit::TestContext;

use crate::foreign::{blob, config, jq, manifest, paths, unpack};
use crate::lab::{empty_lab, lab, project, run, static_program};

#[test]
fn a1_only_what_copy_names_leaves_the_builder() {
    let context = lab();
    context.write("greet.py", "print('hello from the builder')\n");
    context.write(
        "Dockerfile",
        "FROM python:3.11-slim AS builder\n\
         WORKDIR /src\n\
         COPY greet.py .\n\
         RUN python -m compileall -b -q greet.py \\\n\
          && mkdir -p /opt/app /root/.cache \\\n\
          && mv greet.pyc /opt/app/ \\\n\
          && echo sources > /opt/app/left-behind \\\n\
          && echo cache > /root/.cache/left-behind\n\
         FROM nowhere.invalid/never:1 AS unused\n\
         RUN false\n\
         FROM python:3.11-slim\n\
         COPY --from=builder /opt/app/greet.pyc /app/greet.pyc\n\
         CMD [\"python\", \"/app/greet.pyc\"]\n",
    );
    context.expect(0, &["build", "-t", "app:multi", "."]);

    let before = paths(&unpack(&context, "python:3.11-slim"));
    let after = paths(&unpack(&context, "app:multi"));
    let added: Vec<&String> = after.difference(&before).collect();
    assert_eq!(added, ["app/", "app/greet.pyc"]);
    assert_eq!(before.difference(&after).next(), None);
    let of_base = manifest(&context, "python:3.11-slim")["layers"].as_array().unwrap().clone();
    let layers = manifest(&context, "app:multi")["layers"].as_array().unwrap().clone();
    assert_eq!(layers[..layers.len() - 1], of_base, "the base's own layers, and one more");
    let described = config(&context, "app:multi").to_string();
    assert!(
        !described.contains("compileall"),
        "the builder's steps are in the history: {described}"
    );

    // The result starts, and is itself a base.
    context.write("try/Dockerfile", "FROM app:multi\nRUN python /app/greet.pyc\n");
    let tried = context.expect(0, &["build", "--verbose", "-t", "try", "try"]);
    assert!(tried.stderr.contains("| hello from the builder"), "{}", tried.stderr);

    // A stage can be asked for by its name.
    context.expect(0, &["build", "--target", "builder", "-t", "app:builder", "."]);
    context.write("look/Dockerfile", "FROM app:builder\nRUN cat /opt/app/left-behind\n");
    let looked = context.expect(0, &["build", "--verbose", "-t", "look", "look"]);
    assert!(looked.stderr.contains("| sources"), "{}", looked.stderr);
}

#[test]
fn a3_a_static_program_from_scratch_with_certificates() {
    let context = lab();
    context.write("program", static_program());
    context.write(
        "Dockerfile.multistage",
        "FROM python:3.11-slim AS certificates\n\
         FROM scratch\n\
         COPY --from=certificates /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n\
         COPY --chmod=755 program /bin/busybox\n\
         ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n\
         USER 65532:65532\n\
         ENTRYPOINT [\"/bin/busybox\"]\n\
         CMD [\"sha256sum\", \"/etc/ssl/certs/ca-certificates.crt\"]\n",
    );
    context.expect(0, &["build", "-f", "Dockerfile.multistage", "-t", "app", "."]);

    let root = unpack(&context, "app:latest");
    let expected = [
        "bin/",
        "bin/busybox",
        "etc/",
        "etc/ssl/",
        "etc/ssl/certs/",
        "etc/ssl/certs/ca-certificates.crt",
    ];
    assert_eq!(paths(&root), expected.map(str::to_owned).into());
    let bundle = root.join("etc/ssl/certs/ca-certificates.crt");
    let script = "openssl crl2pkcs7 -nocrl -certfile \"$1\" | openssl pkcs7 -print_certs -noout";
    let certificates = run("sh", &["-c", script, "sh", bundle.to_str().unwrap()]);
    assert!(certificates.matches("subject=").count() > 100, "{certificates}");

    // The only program in the image runs, as a user that the image has no name for.
    context.write("try/Dockerfile", "FROM app\nRUN [\"/bin/busybox\", \"sha256sum\", \"/etc/ssl/certs/ca-certificates.crt\"]\nRUN [\"/bin/busybox\", \"id\", \"-u\"]\n");
    let tried = context.expect(0, &["build", "--verbose", "-t", "try", "try"]).stderr;
    let sum = run("sha256sum", &[bundle.to_str().unwrap()]);
    let sum = sum.split_whitespace().next().unwrap();
    assert!(tried.contains(&format!("| {sum}")), "{tried}");
    assert!(tried.contains("| 65532"), "{tried}");
    // There is no shell for an intruder, nor for RUN.
    context.write("shell/Dockerfile", "FROM app\nRUN true\n");
    let refused = context.expect(3, &["build", "-t", "shell", "shell"]).stderr;
    assert!(refused.contains("/bin/sh"), "{refused}");
}

#[test]
fn a4_a_secret_leaves_no_trace() {
    // Put together here, so that this file does not have it either.
    let secrets = [["alice:", "Tr0ub4dor-and-3"].concat(), ["zeta-", "31415926535"].concat()];
    let mut context = lab();
    context.set("REPO_TOKEN", &secrets[1]);
    context.write("creds.txt", &secrets[0]);
    context.write(".dockerignore", "creds.txt\n");
    context.write(
        "Dockerfile",
        "FROM python:3.11-slim\n\
         COPY . /src\n\
         RUN --mount=type=secret,id=repo_creds \\\n\
             --mount=type=secret,id=token,env=TOKEN \\\n\
             test \"$(cut -d: -f1 /run/secrets/repo_creds)\" = alice && test ${#TOKEN} = 16 \\\n\
          && wc -c < /run/secrets/repo_creds > /length && echo \"marker of\" the step\n\
         RUN test ! -e /run/secrets/repo_creds && test -z \"$TOKEN\"\n",
    );
    let arguments = [
        "build",
        "--verbose",
        "-t",
        "app",
        "--secret",
        "id=repo_creds,src=creds.txt",
        "--secret",
        "id=token,env=REPO_TOKEN",
        ".",
    ];
    let built = context.expect(0, &arguments);
    assert!(built.stderr.contains("| marker of the step"), "{}", built.stderr);
    let root = unpack(&context, "app:latest");
    assert_eq!(
        fs::read_to_string(root.join("length")).unwrap().trim(),
        secrets[0].len().to_string()
    );
    assert!(!root.join("run/secrets").exists(), "the mount point is left");
    for secret in &secrets {
        assert!(!built.stdout.contains(secret) && !built.stderr.contains(secret), "it was printed");
        assert_eq!(places(&context, secret), Vec::<String>::new());
    }
    // The search does find what is there: in a layer, and in the history.
    assert_ne!(places(&context, "marker of\\\" the step"), Vec::<String>::new());
    let known = places(&context, "PRETTY_NAME=");
    assert!(known.iter().any(|place| place.ends_with("decompressed")), "{known:?}");

    // Another secret is no reason to run the step again; none is a reason to stop.
    context.write("creds.txt", "alice:another");
    let again = context.expect(0, &arguments);
    assert_eq!(again.stdout, built.stdout);
    assert!(!again.stderr.contains("| marker"), "{}", again.stderr);
    let without = ["build", "--no-cache", "-t", "app", "."];
    context
        .write("need/Dockerfile", "FROM scratch\nRUN --mount=type=secret,id=x,required [\"/x\"]\n");
    context.expect(3, &without);
    let refused = context.expect(3, &["build", "need"]).stderr;
    assert!(refused.contains("--secret id=x"), "{refused}");
    for wrong in ["id=x,src=nowhere.txt", "id=x,env=NOT_SET", "src=creds.txt", "id", "id=x,mode=1"]
    {
        let refused = context.expect(2, &["build", "--secret", wrong, "need"]).stderr;
        assert!(refused.contains("--secret"), "{wrong}: {refused}");
    }
}

// Every file of the store, as it is and decompressed, that has these bytes.
fn places(context: &TestContext, needle: &str) -> Vec<String> {
    let script = "grep -rlaF -- \"$2\" \"$1\"\n\
                  for blob in \"$1\"/blobs/sha256/*; do\n\
                    zcat -f -- \"$blob\" | grep -qaF -- \"$2\" && echo \"$blob, decompressed\"\n\
                  done\n\
                  true";
    let store = context.store();
    let found = run("bash", &["-c", script, "bash", store.to_str().unwrap(), needle]);
    found.lines().map(str::to_owned).collect()
}

const SECURE_APP: &str = r#"FROM python:3.11-slim
LABEL org.opencontainers.image.title="secure-app" team="platform & security"
ENV APP_ENV=production \
    GREETING="hello world"
WORKDIR /app
RUN cat /proc/sys/kernel/random/uuid > /drawn
COPY --chown=10001:20002 . .
USER 10001:20002
RUN test "$(id -u):$(id -g)" = 10001:20002 && test -O main.py && test ! -w /drawn && test "$GREETING" = "hello world"
EXPOSE 8080 9000/udp
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=2 CMD ["python", "-c", "pass"]
ENTRYPOINT ["python", "-m"]
CMD ["http.server", "8080"]
"#;

fn secure_app(context: &TestContext) {
    context.write("Dockerfile", SECURE_APP);
    context.write(".dockerignore", "# not for the image\n.git\n**/*.pyc\nsecrets/*\n!secrets/public.pem\n*.md\n!README.md\nDockerfile\n.dockerignore\n");
    for path in [
        "main.py",
        "pkg/mod.py",
        "pkg/mod.pyc",
        "secrets/private.pem",
        "secrets/public.pem",
        "notes.md",
        "README.md",
        ".git/config",
    ] {
        context.write(path, path);
    }
}

#[test]
fn a5_what_the_dockerfile_says_is_in_the_image() {
    let context = lab();
    secure_app(&context);
    context.expect(0, &["build", "-t", "secure-app:latest", "."]);

    let config = config(&context, "secure-app:latest");
    let run_config = &config["config"];
    assert_eq!(run_config["User"], "10001:20002");
    assert_eq!(run_config["WorkingDir"], "/app");
    assert_eq!(run_config["Entrypoint"], serde_json::json!(["python", "-m"]));
    assert_eq!(run_config["Cmd"], serde_json::json!(["http.server", "8080"]));
    assert_eq!(run_config["ExposedPorts"], serde_json::json!({ "8080/tcp": {}, "9000/udp": {} }));
    let labels = &run_config["Labels"];
    assert_eq!(labels["org.opencontainers.image.title"], "secure-app");
    assert_eq!(labels["team"], "platform & security");
    let variables: Vec<&str> =
        run_config["Env"].as_array().unwrap().iter().filter_map(|entry| entry.as_str()).collect();
    assert!(variables.contains(&"APP_ENV=production"), "{variables:?}");
    assert!(variables.contains(&"GREETING=hello world"), "{variables:?}");
    assert!(variables.iter().any(|entry| entry.starts_with("PATH=")), "the base's: {variables:?}");
    let check = &run_config["Healthcheck"];
    assert_eq!(check["Test"], serde_json::json!(["CMD", "python", "-c", "pass"]));
    let seconds = 1_000_000_000_u64;
    for (name, value) in [
        ("Interval", 30 * seconds),
        ("Timeout", 3 * seconds),
        ("StartPeriod", 5 * seconds),
        ("Retries", 2),
    ] {
        assert_eq!(check[name], value, "{name}");
    }

    // Owners, by GNU tar.
    let layers = manifest(&context, "secure-app:latest")["layers"].as_array().unwrap().clone();
    let listings = layers[1..].iter().map(|layer| {
        run(
            "tar",
            &["--numeric-owner", "-tvzf", blob(&context, &layer["digest"]).to_str().unwrap()],
        )
    });
    let listings: String = listings.collect();
    let files: Vec<&str> = listings
        .lines()
        .filter(|line| line.contains(" app/") && !line.ends_with(" app/"))
        .collect();
    assert!(files.iter().all(|line| line.contains(" 10001/20002 ")), "{files:#?}");
    let names: BTreeSet<&str> = files.iter().filter_map(|line| line.rsplit(' ').next()).collect();
    let expected = [
        "app/README.md",
        "app/main.py",
        "app/pkg/",
        "app/pkg/mod.py",
        "app/secrets/",
        "app/secrets/public.pem",
    ];
    assert_eq!(names, expected.into());
}

#[test]
fn a5_a_cached_build_runs_nothing() {
    let context = lab();
    secure_app(&context);
    // As users have it: no fixed clock.
    let build = |arguments: &[&str]| {
        let mut command =
            context.command(&[&["build", "-t", "secure-app:latest", "."], arguments].concat());
        let output = command.env_remove("SOURCE_DATE_EPOCH").output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{errors}");
        let words: Vec<&str> = errors.split_whitespace().collect();
        let before = |word: &str| {
            let place = words.iter().position(|found| *found == word).unwrap();
            words[place - 1].parse::<usize>().unwrap()
        };
        (String::from_utf8(output.stdout).unwrap(), before("steps,"), before("cached,"))
    };
    let (first, steps, cached) = build(&[]);
    assert_eq!((steps > 0, cached), (true, 0));
    assert_eq!(build(&[]), (first.clone(), steps, steps), "a second build");

    // Neither what is ignored nor a newer time of the same bytes counts.
    context.write("notes.md", "other");
    context.write(".git/config", "other");
    context.write("main.py", "main.py");
    assert_eq!(build(&[]), (first.clone(), steps, steps), "only the same bytes again");

    // A change runs what comes after it, and nothing before: what was drawn stays.
    context.write("main.py", "changed");
    let (changed, _, cached) = build(&[]);
    assert_ne!(changed, first);
    assert!(cached > 0 && cached < steps, "{cached} of {steps}");
    context.write("main.py", "main.py");
    assert_eq!(build(&[]), (first.clone(), steps, steps), "the change taken back");
    let (anew, _, cached) = build(&["--no-cache"]);
    assert_eq!(cached, 0);
    assert_ne!(anew, first, "the drawn number is the same");
}

const BASE: &str = r#"packages = ["base-files", "ca-certificates", "netbase", "python3", "tzdata"]
exclude = ["awk", "cdebconf", "debconf", "debconf-2.0", "dpkg", "openssl", "perl-base"]
user = "65532:65532"
workdir = "/home/nonroot"
cmd = ["/usr/bin/python3"]

[env]
PATH = "/usr/bin"

[[source]]
url = "http://deb.debian.org/debian"
suites = ["bookworm", "bookworm-updates"]

[[source]]
url = "http://deb.debian.org/debian-security"
suites = ["bookworm-security"]
"#;

#[test]
fn a6_a_base_image_is_the_same_to_the_bit() {
    // Two empty stores that share nothing but what was downloaded.
    let (one, other) = (empty_lab(), empty_lab());
    let pantry = lab();
    for context in [&one, &other] {
        let cache = context.store().join("cache/debian");
        fs::create_dir_all(&cache).unwrap();
        for name in ["suites", "indices", "packages"] {
            let from = pantry.store().join("cache/debian").join(name);
            run("cp", &["-rl", from.to_str().unwrap(), cache.to_str().unwrap()]);
        }
        context.write("base.toml", BASE);
    }
    let arguments = ["base", "build", "base.toml", "-t", "debian-python:3.11"];
    let digest = one.expect(0, &arguments).stdout;
    // The other is made at another place, in another time zone, and with other permissions by default.
    let words: Vec<String> = other
        .command(&arguments)
        .get_args()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let program = other.command(&arguments).get_program().to_owned();
    let output = std::process::Command::new("sh")
        .args(["-c", "umask 077; exec \"$@\"", "sh"])
        .arg(program)
        .args(words)
        .current_dir(other.work())
        .envs(other.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))))
        .envs([("TZ", "Asia/Tokyo"), ("LANG", "de_DE.UTF-8"), ("RAYON_NUM_THREADS", "1")])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        digest,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let [first, second] = [&one, &other].map(|context| {
        fs::read(blob(context, &manifest(context, "debian-python:3.11")["layers"][0]["digest"]))
            .unwrap()
    });
    assert!(first == second, "the layers differ");

    check_minimal(&one);
    check_sbom(&one);
}

// It has Python and what that needs, and neither a shell nor a package manager.
fn check_minimal(context: &TestContext) {
    let root = unpack(context, "debian-python:3.11");
    for absent in ["bin/sh", "usr/bin/sh", "usr/bin/dpkg", "usr/bin/apt", "usr/bin/perl"] {
        assert!(!root.join(absent).exists(), "{absent} is in the image");
    }
    context.write("try/Dockerfile", "FROM debian-python:3.11\nRUN [\"python3\", \"-c\", \"import os, ssl, sqlite3, zoneinfo; print(os.getuid(), len(ssl.create_default_context().get_ca_certs()) > 100, zoneinfo.ZoneInfo('Asia/Tokyo'))\"]\n");
    let tried = context.expect(0, &["build", "--verbose", "-t", "try", "try"]).stderr;
    assert!(tried.contains("| 65532 True Asia/Tokyo"), "{tried}");
}

// Its SBOM has just the packages whose records are in the image.
fn check_sbom(context: &TestContext) {
    context.expect(0, &["sbom", "debian-python:3.11", "-o", "spdx-json=sbom.json"]);
    let expression = ".packages[] | select(any(.externalRefs[]?; .referenceLocator | startswith(\"pkg:deb/\"))) | \"\\(.name) \\(.versionInfo)\"";
    let listed = jq(context, expression, "sbom.json");
    let listed: BTreeSet<&str> = listed.lines().collect();
    let records = context.home().join("unpacked/debian-python-3.11/rootfs/var/lib/dpkg/status.d");
    let recorded = run("sh", &["-c", "cat \"$1\"/*", "sh", records.to_str().unwrap()]);
    let field = |name: &str| -> Vec<String> {
        recorded.lines().filter_map(|line| line.strip_prefix(name)).map(str::to_owned).collect()
    };
    let names = field("Package: ").into_iter().zip(field("Version: "));
    let recorded: BTreeSet<String> =
        names.map(|(name, version)| format!("{name} {version}")).collect();
    assert!(recorded.len() >= 20, "{recorded:?}");
    assert_eq!(listed, recorded.iter().map(String::as_str).collect());
}

#[test]
fn a7_a_stage_scans_what_the_builder_made() {
    let context = lab();
    context.copy_in(&project().join("examples/secure-app"));
    fs::copy(env!("CARGO_BIN_EXE_sealift"), context.work().join("sealift")).unwrap();
    context.write(".dockerignore", "");
    let dockerfile = |version: &str| {
        format!(
            "FROM python:3.11-slim AS builder\n\
             RUN mkdir -p /out/Flask-{version}.dist-info && \\\n    \
                 printf 'Metadata-Version: 2.1\\nName: Flask\\nVersion: {version}\\n' > /out/Flask-{version}.dist-info/METADATA\n\
             FROM builder AS scanned\n\
             RUN --mount=type=bind,source=sealift,target=/usr/local/bin/sealift \\\n    \
                 --mount=type=bind,source=advisories,target=/advisories \\\n    \
                 SEALIFT_STORE=/tmp/store HOME=/tmp sealift scan dir:/out --advisories /advisories \\\n    \
                 --exit-code 1 --severity HIGH,CRITICAL && rm -rf /tmp/store\n\
             FROM scratch\n\
             COPY --from=scanned /out /app\n"
        )
    };
    context.write("Dockerfile", dockerfile("0.12.2"));
    let refused = context.expect(3, &["build", "-t", "scanned:1", "."]).stderr;
    assert!(refused.contains("CVE-2018-1000656"), "{refused}");
    assert!(refused.contains("exit code 1"), "{refused}");
    context.write("Dockerfile", dockerfile("3.1.3"));
    context.expect(0, &["build", "-t", "scanned:1", "."]);
    let inside = context.expect(0, &["sbom", "scanned:1"]).stdout;
    assert!(inside.contains("3.1.3"), "{inside}");
    assert!(!inside.contains("sealift"), "{inside}");
}
