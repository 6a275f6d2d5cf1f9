//! What the rules say and mend where names can be looked up.

use expect_test::expect;
use sealift_diagnostic::{Tier, render_short};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, Resolver, downloads, fix, lint};
use sealift_oci::{Digest, Platform};

/// Two images for two processors, and a file.
#[derive(Debug)]
pub(crate) struct Answers;

impl Resolver for Answers {
    fn digest(&self, image: &str) -> Option<Digest> {
        image.starts_with("debian:").then(|| Digest::sha256(image.as_bytes()))
    }

    fn checksum(&self, url: &str) -> Option<Digest> {
        url.ends_with("/tool.tar.gz").then(|| Digest::sha256(url.as_bytes()))
    }

    fn platforms(&self, image: &str) -> Option<Vec<Platform>> {
        let of = |architecture: &str| Platform {
            architecture: architecture.to_owned(),
            ..Platform { os: "linux".to_owned(), ..Platform::host() }
        };
        match image.split(['@', ':']).next()? {
            "debian" => Some(vec![of("arm64"), of("amd64")]),
            "arm64v8/debian" => Some(vec![of("arm64")]),
            "team/unsaid" => Some(Vec::new()),
            _ => None,
        }
    }

    fn target(&self) -> Platform {
        let os = "linux".to_owned();
        Platform { os, architecture: "amd64".to_owned(), os_version: None, variant: None }
    }
}

#[test]
fn images_for_other_platforms() {
    let text = "\
FROM debian:13 AS a
FROM arm64v8/debian:13 AS b
FROM --platform=$BUILDPLATFORM arm64v8/debian:13 AS c
FROM --platform=linux/arm64/v8 arm64v8/debian@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa AS d
FROM --platform=s390x debian:13 AS e
FROM --platform=linux/x86_64 debian:13 AS f
FROM --platform=linux debian:13 AS g
FROM --platform=windows/amd64 debian:13 AS h
FROM --platform=$OTHER arm64v8/debian:13 AS i
FROM team/unsaid:1 AS j
FROM team/unknown:1 AS k
FROM a
";
    let config = Config::default();
    let context = Context { resolver: Some(&Answers), ..Context::new(&config) };
    let mut found = lint(&parse(text, &Limits::default()), &context);
    found.retain(|it| it.rule.as_deref() == Some("SL3054"));
    expect![[r#"
        2:6 warning SL3054 image `arm64v8/debian:13` is there for linux/arm64, and linux/amd64 is wanted
        3:32 warning SL3054 image `arm64v8/debian:13` is there for linux/arm64, and linux/amd64 is wanted
        5:23 warning SL3054 image `debian:13` is there for linux/amd64, linux/arm64, and linux/s390x is wanted
        8:31 warning SL3054 image `debian:13` is there for linux/amd64, linux/arm64, and windows/amd64 is wanted
    "#]].assert_eq(&render_short(&found, "", text));
    let silent = lint(&parse(text, &Limits::default()), &Context::new(&config));
    assert!(!silent.iter().any(|it| it.rule.as_deref() == Some("SL3054")));
}

#[test]
fn files_get_the_checksum_that_they_have() {
    let text = "\
FROM debian:13
ADD https://example.com/tool.tar.gz /opt/
ADD --chown=1:1 \\
    https://example.com/tool.tar.gz /opt/
ADD [\"https://example.com/tool.tar.gz\", \"/opt/\"]
ADD https://example.com/tool.tar.gz https://example.com/b /opt/
ADD https://me:secret@example.com/tool.tar.gz /opt/
ADD https://example.com/${VERSION}/tool.tar.gz /opt/
ADD ftp://example.com/tool.tar.gz /opt/
ADD https://example.com/team/app.git /opt/
ADD https://example.com/other /opt/
";
    assert_eq!(
        downloads(&parse(text, &Limits::default())),
        ["https://example.com/other", "https://example.com/tool.tar.gz"]
    );
    let config = Config::default();
    let context =
        Context { resolver: Some(&Answers), dockerignore: Some(""), ..Context::new(&config) };
    let mended = fix(text, &context, &Limits::default(), Tier::Suggested);
    let lines: Vec<&str> = mended.text.lines().filter(|line| line.contains("sha256")).collect();
    expect![[r#"
        FROM debian:13@sha256:4ea035d1f0cfdda7660f299954022c3a974ec9e1ba5d06b3a9aa2bca24fdcfb7
        ADD --checksum=sha256:22aff12a4ac8c78e26af8ca593ff754fda066d8931a5eac58cf1680c2cad34af https://example.com/tool.tar.gz /opt/
        ADD --checksum=sha256:22aff12a4ac8c78e26af8ca593ff754fda066d8931a5eac58cf1680c2cad34af --chown=1:1 \
        ADD --checksum=sha256:22aff12a4ac8c78e26af8ca593ff754fda066d8931a5eac58cf1680c2cad34af ["https://example.com/tool.tar.gz", "/opt/"]"#]].assert_eq(&lines.join("\n"));
    // Without somebody to ask nothing is put in, and it is no safe change.
    let context = Context { resolver: None, ..context };
    let alone = fix(text, &context, &Limits::default(), Tier::Suggested);
    assert!(!alone.text.contains("--checksum"), "{}", alone.text);
    let context = Context { resolver: Some(&Answers), ..context };
    let safe = fix(text, &context, &Limits::default(), Tier::Safe);
    assert!(!safe.text.contains("--checksum"), "{}", safe.text);
}
