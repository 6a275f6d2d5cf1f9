//! Dockerfiles that are hard to read.

use crate::{assert_one_error, context};

#[test]
fn one_that_is_not_utf8_says_where() {
    let context = context();
    context.write("Dockerfile", b"FROM scratch\nLABEL a=b\nLABEL name=\"M\xfcller\"\n");
    for command in [&["build", "."][..], &["lint", "."], &["lint", "Dockerfile"], &["ship"]] {
        assert_one_error(&context.run(command), 2, &["Dockerfile`", "line 3", "UTF-8"]);
    }
}

#[test]
fn one_of_another_world_still_builds() {
    let context = context();
    context.write("file", "content");
    let expected = {
        context.write("Dockerfile", "FROM scratch\nCOPY file /\nLABEL name=\"Müller 🚢\"\n");
        context.expect(0, &["build", "-t", "x", "."]).stdout
    };
    for (what, text) in [
        ("a byte order mark", "\u{feff}FROM scratch\nCOPY file /\nLABEL name=\"Müller 🚢\"\n"),
        ("Windows line ends", "FROM scratch\r\nCOPY file /\r\nLABEL name=\"Müller 🚢\"\r\n"),
        ("no last line end", "FROM scratch\nCOPY file /\nLABEL name=\"Müller 🚢\""),
        (
            "continued lines",
            "FROM \\\n  scratch\nCOPY \\\n# a word\n\n file \\\n /\nLABEL name=\"Müller 🚢\"\n",
        ),
    ] {
        context.write("Dockerfile", text);
        context.expect(0, &["lint", "--fail-on", "error", "."]);
        assert_eq!(context.expect(0, &["build", "-t", "x", "."]).stdout, expected, "{what}");
    }
}

#[test]
fn a_huge_one_ends_soon_with_one_error() {
    let context = context();
    let many = "LABEL a=b\n".repeat(200_000);
    let long = format!("LABEL a={}\n", "x".repeat(17 << 20));
    for (text, code, expected) in [(&many, 3, "100000"), (&long, 2, "16 MiB")] {
        context.write("Dockerfile", format!("FROM scratch\n{text}"));
        assert_one_error(&context.run(&["build", "--quiet", "."]), code, &[expected]);
        let linted = context.run(&["lint", "."]);
        assert!([1, 2].contains(&linted.code), "{}", linted.code);
        let said = linted.stdout + &linted.stderr;
        assert!(said.contains(expected), "{}", &said[..said.len().min(2000)]);
        assert!(said.len() < 100_000, "{} bytes of findings", said.len());
    }
    // Large, but within the limits.
    let labels: Vec<String> = (0..20_000).map(|n| format!("LABEL a{n}={n}")).collect();
    context.write("Dockerfile", format!("FROM scratch\n{}\n", labels.join("\n")));
    context.expect(0, &["build", "--quiet", "-t", "large", "."]);
}

#[test]
fn none_at_all() {
    let context = context();
    assert_one_error(&context.run(&["build", "."]), 2, &["Dockerfile", "hint:"]);
    assert_one_error(&context.run(&["lint", "."]), 2, &["Dockerfile", "hint:"]);
    context.write("Dockerfile", "");
    assert_one_error(&context.run(&["build", "."]), 3, &["Dockerfile"]);
    context.write("Dockerfile", "# only a word\n");
    assert_one_error(&context.run(&["build", "."]), 3, &["Dockerfile"]);
    context.write("Dockerfile", "RUN true\n");
    assert_one_error(&context.run(&["build", "."]), 3, &["FROM"]);
    assert_one_error(&context.run(&["build", "-f", "/dev/zero", "."]), 2, &["16 MiB"]);
}

#[test]
fn a_rule_is_explained_by_any_of_its_names() {
    let context = context();
    let text = context.expect(0, &["explain", "DL4000"]).stdout;
    assert!(text.starts_with("SL3006 maintainer (warning)\n\nWhy: "), "{text}");
    assert_eq!(context.expect(0, &["explain", "Maintainer"]).stdout, text);
    let list = context.expect(0, &["explain"]).stdout;
    assert!(list.lines().count() > 50 && list.contains("SL3006  warning  maintainer"), "{list}");
    let json = context.expect(0, &["explain", "SL3006", "-f", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rules"][0]["name"], "maintainer");
    let wrong = context.run(&["explain", "maintainr"]);
    assert_one_error(&wrong, 2, &["there is no rule `maintainr`", "did you mean `maintainer`?"]);
}
