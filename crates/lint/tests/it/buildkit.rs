//! `BuildKit`'s checks: what its documentation and its tests find, on which line, and what they leave alone.

use std::collections::BTreeSet;

use sealift_diagnostic::LineIndex;
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, lint, rule};

/// The checks that are found, with all lines from the first to the last of what is pointed at.
fn found(source: &str, dockerignore: &str) -> BTreeSet<(String, usize, usize)> {
    let config = Config::default();
    let context = Context { dockerignore: Some(dockerignore), ..Context::new(&config) };
    let index = LineIndex::new(source);
    let mut all = BTreeSet::new();
    for finding in lint(&parse(source, &Limits::default()), &context) {
        let is_check = |alias: &&&str| alias.bytes().all(|it| it.is_ascii_alphabetic());
        let lines = (index.line(finding.span.start), index.line(finding.span.end));
        all.extend(
            finding.aliases.iter().filter(is_check).map(|it| ((*it).to_owned(), lines.0, lines.1)),
        );
    }
    all
}

/// Exactly these checks are found; each line is one of those that the finding points at, and the first but for blank
/// continuations, for which `BuildKit` names the end of the instruction.
#[track_caller]
fn check_with(source: &str, dockerignore: &str, expected: &[(&str, usize)]) {
    let found = found(source, dockerignore);
    for (name, line) in expected {
        assert!(rule(name).is_some(), "{name}");
        let fits = |(known, first, last): &(String, usize, usize)| {
            known == name
                && (first == line
                    || name == &"NoEmptyContinuation" && (first..=last).contains(&line))
        };
        assert!(found.iter().any(fits), "{name} is not on line {line}:\n{source}\n{found:?}");
    }
    let names: BTreeSet<&str> = expected.iter().map(|(name, _)| *name).collect();
    for (name, line, _) in &found {
        let is_expected = expected.iter().any(|(known, at)| known == name && at == line)
            || name == "NoEmptyContinuation" && names.contains("NoEmptyContinuation");
        assert!(is_expected, "{name} on line {line} is too much:\n{source}");
    }
}

#[track_caller]
fn check(source: &str, expected: &[(&str, usize)]) {
    check_with(source, "", expected);
}

#[test]
fn case_of_keywords() {
    let name = "ConsistentInstructionCasing";
    check(
        "From alpine\nRun echo hello > /greeting.txt\nEntRYpOiNT [\"cat\", \"/greeting.txt\"]\n",
        &[(name, 1), (name, 2), (name, 3)],
    );
    check("FROM alpine\nRUN echo hello > /g\nENTRYPOINT [\"cat\", \"/g\"]\n", &[]);
    check("from alpine\nrun echo hello > /g\nentrypoint [\"cat\", \"/g\"]\n", &[]);
    check("\n# x\n#\nFrom scratch as base\nFROM scratch AS base2\n", &[(name, 4)]);
    check("\nFROM scratch\n# x\ncopy Dockerfile /foo\nCOPY Dockerfile /bar\n", &[(name, 4)]);
    check("\n# x\n#\nfrOM scratch as base\nfrom scratch as base2\n", &[(name, 4)]);
    check("\nfrom scratch\n# x\nCOPY Dockerfile /foo\ncopy Dockerfile /bar\n", &[(name, 4)]);
    check("\n# x\n#\nfrom scratch\nCOPY a /foo\nCOPY a /bar\nCOPY a /baz\n", &[(name, 4)]);
    check("\n# x\n#\nFROM scratch\ncopy a /foo\ncopy a /bar\ncopy a /baz\n", &[(name, 4)]);
    check("\nfrom scratch\ncopy a /foo\ncopy a /bar\n", &[]);
}

#[test]
fn names_of_stages() {
    check(
        "FROM debian:13 AS builder\nRUN a\n\nFROM golang:1 AS builder\n",
        &[("DuplicateStageName", 4)],
    );
    check("FROM debian:13 AS deb-builder\nRUN a\n\nFROM golang:1 AS go-builder\n", &[]);
    check("\nFROM scratch AS b\nFROM scratch AS b\n", &[("DuplicateStageName", 3)]);
    check(
        "FROM alpine AS scratch\nFROM alpine AS context\n",
        &[("ReservedStageName", 1), ("ReservedStageName", 2)],
    );
    check("\nFROM scratch\nFROM scratch AS a\n", &[]);
    check("FROM alpine AS BuilderBase\n", &[("StageNameCasing", 1)]);
    check("FROM alpine AS builder-base\n", &[]);
    check("FROM debian:latest as builder\n", &[("FromAsCasing", 1)]);
    check("FROM debian:latest AS deb-builder\n", &[]);
    check("from debian:latest as deb-builder\n", &[]);
    check(
        "\n# x\n#\nFROM scratch AS BadStageName\n\n# x\n#\nFROM scratch as base2\n\nFROM scratch AS base3\n",
        &[("StageNameCasing", 4), ("FromAsCasing", 8)],
    );
    check("\n# x\n#\nfrom scratch AS base\n\nfrom scratch as base2\n", &[("FromAsCasing", 4)]);
}

#[test]
fn files_that_are_ignored() {
    let name = "CopyIgnoredFile";
    check_with(
        "FROM scratch\nCOPY ./tmp/helloworld.txt /helloworld.txt\n",
        "*/helloworld.txt\n",
        &[(name, 2)],
    );
    check_with("FROM scratch\nCOPY ./forever/helloworld.txt /helloworld.txt\n", "*/tmp/*\n", &[]);
    let both = "\nFROM scratch\nCOPY Dockerfile .\nADD Dockerfile /windy\n";
    check_with(both, "\nDockerfile\n", &[(name, 3), (name, 4)]);
    check_with(&format!("# check=skip={name}\n{both}"), "\nDockerfile\n", &[]);
    check_with(
        "\nFROM scratch AS base\nCOPY Dockerfile /foobar\nADD Dockerfile /windy\n\nFROM base\nCOPY --from=base /foobar /Dockerfile\n",
        "\nfoobar\n",
        &[],
    );
    check_with("\nFROM scratch\nCOPY ./Dockerfile .\n", "\n**\n!Dockerfile\n", &[]);
    check_with("\nFROM scratch\nCOPY . .\n", "\n.*\n", &[]);
    check_with("\nFROM scratch\nCOPY . .\n", "\n*\n", &[(name, 3)]);
}

#[test]
fn ports() {
    let format = "ExposeInvalidFormat";
    check("FROM alpine\nEXPOSE 127.0.0.1:80:80\n", &[(format, 2)]);
    check("FROM alpine\nEXPOSE 80:80\n", &[(format, 2)]);
    check("FROM alpine\nEXPOSE 80\n", &[]);
    check(
        "\nFROM scratch\nEXPOSE 127.0.0.1:80:80 [::1]:8080:8080 5000:5000 8000\n",
        &[(format, 3)],
    );
    check("FROM alpine\nEXPOSE 80/TcP\n", &[("ExposeProtoCasing", 2)]);
    check("FROM alpine\nEXPOSE 80/tcp\n", &[]);
    check("\nFROM scratch\nEXPOSE 80/TcP 8080/TCP 8080/udp\n", &[("ExposeProtoCasing", 3)]);
}

#[test]
fn platforms() {
    let name = "FromPlatformFlagConstDisallowed";
    check("FROM --platform=linux/amd64 alpine AS base\nRUN a\n", &[(name, 1)]);
    check("FROM --platform=${BUILDPLATFORM} alpine AS base\nRUN a\n", &[]);
    check(
        "FROM --platform=linux/amd64 alpine AS build_amd64\nFROM --platform=linux/arm64 alpine AS build_arm64\nFROM build_${TARGETARCH} AS build\n",
        &[],
    );
    check("\nFROM --platform=linux/amd64 scratch\n", &[(name, 2)]);
    check("\nFROM --platform=linux/amd64 scratch AS my_amd64_stage\n", &[]);
    check("\nFROM --platform=linux/amd64 scratch AS linux\n", &[]);
    let name = "RedundantTargetPlatform";
    check("FROM --platform=$TARGETPLATFORM alpine AS builder\nRUN a\n", &[(name, 1)]);
    check("\nFROM --platform=${TARGETPLATFORM} scratch\n", &[(name, 2)]);
    check("\n# check=skip=RedundantTargetPlatform\nFROM --platform=$TARGETPLATFORM scratch\n", &[]);
}

#[test]
fn arguments_in_from() {
    let invalid = "InvalidDefaultArgInFrom";
    check("ARG TAG\nFROM busybox:${TAG}\n", &[(invalid, 2)]);
    check("ARG TAG=latest\nFROM busybox:${TAG}\n", &[]);
    check("ARG VARIANT\nFROM busybox:stable${VARIANT}\n", &[]);
    check("ARG TAG\nFROM alpine:${TAG:-3.14}\n", &[]);
    check("\nARG VERSION\nFROM busybox:$VERSION\n", &[(invalid, 3)]);
    check("\nARG IMAGE\nFROM $IMAGE\n", &[(invalid, 3)]);
    check("\nARG SFX=\"box:\"\nFROM busy${SFX}\n", &[(invalid, 3)]);
    check("\nARG VERSION=\"latest\"\nFROM busybox:${VERSION}\n", &[]);
    check("\nARG V=\"\"\nFROM busybox:stable${V}\n", &[]);
    check("\n\tARG V\n\tFROM busybox:stable${V}\n\t", &[]);
    let undefined = "UndefinedArgInFrom";
    check("FROM node:22${VARIANT} AS jsbuilder\n", &[(undefined, 1)]);
    check("ARG VARIANT=\"-alpine3.20\"\nFROM node:22${VARIANT} AS jsbuilder\n", &[]);
    check("ARG ALPINE_VERSION=3.20\n\nFROM alpine:${ALPINE_VERSION}\n", &[]);
    check("\nARG base=scratch\nFROM $base\nCOPY Dockerfile .\n", &[]);
    check(
        "\nARG BUILDPLATFORM=linux/amd64\nFROM --platform=$BUILDPLATFORM scratch\nCOPY a .\n",
        &[],
    );
    check("\nFROM --platform=$BUILDPLATFORM scratch\nCOPY a .\n", &[]);
    check("\nARG DEBUG\nFROM scratch${DEBUG}\nCOPY a .\n", &[]);
    check("\nARG DEBUG\nFROM scra${DEBUG:-tch}\nCOPY a .\n", &[]);
    check("\nARG DEBUG=\"\"\nFROM scratch${DEBUG-@bogus}\nCOPY a .\n", &[]);
    check("\nFROM --platform=$BULIDPLATFORM scratch\nCOPY a .\n", &[(undefined, 2)]);
    check(
        "\nARG MY_OS=linux\nARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH} busybox\nCOPY a .\n\t",
        &[(undefined, 4)],
    );
    check("\nARG tag=latest\nFROM busybox:${tag}${version} AS b\nCOPY a .\n", &[(undefined, 3)]);
}

#[test]
fn variables() {
    let name = "UndefinedVar";
    check("FROM alpine AS base\nCOPY $foo .\n", &[(name, 2)]);
    check("FROM alpine AS base\nARG foo\nCOPY $foo .\n", &[]);
    // In a list of JSON a dollar need not be written as one.
    check("FROM alpine AS base\nCOPY [\"\\u0024foo\", \"/app/\"]\n", &[(name, 2)]);
    check("FROM alpine AS base\nARG VERSION=$foo\n", &[(name, 2)]);
    check("FROM python AS base\nARG VERSION=$PYTHON_VERSION\n", &[]);
    check("FROM alpine\nENV PATH=$PAHT:/app/bin\n", &[(name, 2)]);
    check(
        "\nFROM scratch AS first\nCOPY $foo .\n\nFROM scratch AS second\nCOPY $bar .\n",
        &[(name, 3), (name, 6)],
    );
    check("\nFROM scratch\nARG foo\nCOPY Dockerfile${foo} .\n", &[]);
    check("\nFROM alpine AS base\nARG foo=Dockerfile\n\nFROM base\nCOPY $foo .\n", &[]);
    check("\nFROM alpine\nRUN echo $PATH\n", &[]);
    check("\nFROM alpine\nCOPY $foo .\nARG foo=bar\nRUN echo $foo\n", &[(name, 3)]);
    check(
        "\nFROM alpine\nARG DIR_BINARIES=b/\nARG DIR_ASSETS=a/\nARG DIR_CONFIG=c/\nCOPY $DIR_ASSET .\n\t",
        &[(name, 6)],
    );
    // Of a base whose variables are not known, only what is surely a slip.
    check("FROM python:3\nARG DIR_ASSETS=a/\nCOPY $DIR_ASSET $PYTHONPATH/\n", &[(name, 3)]);
}

#[test]
fn forms_of_commands() {
    let name = "JSONArgsRecommended";
    check("FROM alpine\nENTRYPOINT my-program start\n# x\n", &[(name, 2)]);
    check("FROM alpine\nENTRYPOINT [\"my-program\", \"start\"]\n", &[]);
    check(
        "FROM alpine\nRUN apk add bash\nSHELL [\"/bin/bash\", \"-c\"]\nENTRYPOINT echo \"hello world\"\n",
        &[],
    );
    check("\nFROM scratch\nCMD mycommand\n", &[(name, 3)]);
    check(
        "\nFROM scratch AS base\nSHELL [\"/usr/bin/customshell\"]\n\nFROM base\nCMD mycommand\n",
        &[],
    );
    check("\nFROM scratch\n# check=skip=JSONArgsRecommended\nCMD mycommand\n", &[]);
    let name = "MultipleInstructionsDisallowed";
    check(
        "FROM alpine\nENTRYPOINT [\"echo\", \"a\"]\nENTRYPOINT [\"echo\", \"b\"]\n",
        &[(name, 2)],
    );
    check(
        "FROM python:alpine\nHEALTHCHECK --interval=1s --timeout=3s \\\n  CMD [\"curl\", \"-f\", \"http://localhost:8080\"]\nCMD [\"python\"]\n",
        &[],
    );
    check(
        "\nFROM scratch\nENTRYPOINT [\"/a\"]\nENTRYPOINT [\"/b\"]\nCMD [\"/a\"]\nCMD [\"/b\"]\nHEALTHCHECK CMD [\"/a\"]\nHEALTHCHECK CMD [\"/b\"]\n",
        &[(name, 3), (name, 5), (name, 7)],
    );
    check(
        "\nFROM scratch\nENTRYPOINT [\"/a\"]\nCMD [\"/a\"]\nHEALTHCHECK CMD [\"/a\"]\nCOPY <<EOF /a.txt\nHello, World!\nEOF\nENTRYPOINT [\"/b\"]\nCMD [\"/b\"]\nHEALTHCHECK CMD [\"/b\"]\n",
        &[(name, 3), (name, 4), (name, 5)],
    );
    check(
        "\nFROM scratch AS a\nENTRYPOINT [\"/a\"]\nCMD [\"/a\"]\n\nFROM a AS b\nENTRYPOINT [\"/b\"]\nCMD [\"/b\"]\n",
        &[],
    );
}

#[test]
fn old_forms() {
    let name = "LegacyKeyValueFormat";
    check("FROM alpine\nARG foo bar\n", &[(name, 2)]);
    check("FROM alpine\nARG foo=bar\n", &[]);
    check("FROM alpine\nENV DEPS \\\n    curl \\\n    git \\\n    make\n", &[(name, 2)]);
    check("FROM alpine\nENV DEPS=\"\\\n    curl \\\n    git \\\n    make\"\n", &[]);
    check("\nFROM scratch\nENV testkey value\nLABEL key value\n", &[(name, 3), (name, 4)]);
    check(
        "\nFROM scratch\n# check=skip=LegacyKeyValueFormat\nENV testkey value\n# check=skip=LegacyKeyValueFormat\nLABEL key value\n",
        &[],
    );
    check("FROM scratch\nMAINTAINER moby@example.com\n", &[("MaintainerDeprecated", 2)]);
    check("FROM scratch\nLABEL org.opencontainers.image.authors=\"moby@example.com\"\n", &[]);
    check("\nFROM scratch\n# check=skip=MaintainerDeprecated\nMAINTAINER me@example.org\n", &[]);
    let name = "NoEmptyContinuation";
    check("FROM alpine\nEXPOSE \\\n\n80\n", &[(name, 4)]);
    check("FROM alpine\nEXPOSE \\\n# Port\n80\n", &[]);
    check("FROM alpine\nRUN apk add \\\n\n    gnupg \\\n\n    curl\n", &[(name, 6)]);
    check("\nFROM scratch\n# x\nCOPY Dockerfile \\\n\n.\nCOPY Dockerfile \\\n.\n", &[(name, 6)]);
    let name = "WorkdirRelativePath";
    check("FROM nginx AS web\nWORKDIR usr/share/nginx/html\nCOPY public .\n", &[(name, 2)]);
    check("FROM nginx AS web\nWORKDIR /usr/share/nginx/html\nCOPY public .\n", &[]);
    check("\nFROM scratch\nWORKDIR app/\n", &[(name, 3)]);
    check("\nFROM scratch AS a\nWORKDIR /app\n\nFROM a AS b\nWORKDIR subdir/\n", &[]);
    check("\nFROM scratch\n# check=skip=WorkdirRelativePath\nWORKDIR app/\n", &[]);
}

#[test]
fn secrets() {
    // Line 9 of the last text sets a variable to nothing: `BuildKit` goes by the name only, but there is no secret.
    let name = "SecretsUsedInArgOrEnv";
    check(
        "FROM alpine\nARG AWS_ACCESS_KEY_ID\nARG AWS_SECRET_ACCESS_KEY\nRUN aws s3 cp s3://my-bucket/file .\n",
        &[(name, 2), (name, 3)],
    );
    check(
        "FROM alpine\nRUN --mount=type=secret,id=aws_key_id,env=AWS_ACCESS_KEY_ID \\\n    --mount=type=secret,id=aws_secret_key,env=AWS_SECRET_ACCESS_KEY \\\n    aws s3 cp s3://my-bucket/file .\n",
        &[],
    );
    check(
        "# check=skip=InvalidDefinitionDescription\n\nFROM scratch\nARG SECRET_PASSPHRASE\nENV SUPER_Secret=foo\nENV password=bar secret=baz\nARG super_duper_secret_token=foo auth=bar\nENV apikey=bar sunflower=foo\nENV git_key=\nENV PUBLIC_KEY=\nARG public_token\nARG SECRET_PASSPHRASE_FILE\nENV password_file=bar secret_File=baz\nARG AUTH_MODULE_VERSION\n# check=skip=SecretsUsedInArgOrEnv // allow secret in environment\nENV password=bar\n# check=skip=SecretsUsedInArgOrEnv // allow secret in arg\nARG password\n# check=skip=all // is local to only this instruction\nENV alternate_password=bar\n# check=skip=all // is local to only this instruction\nARG alternate_password\n",
        &[(name, 4), (name, 5), (name, 6), (name, 7), (name, 8)],
    );
}

#[test]
fn descriptions() {
    let name = "InvalidDefinitionDescription";
    check(
        "# check=skip=all;experimental=InvalidDefinitionDescription\n# foo this is the foo\nARG foo=bar\n\n# base this is the base image\nFROM scratch AS base\n\n# version this is the version number\nARG version=latest\n\n# baz this is the baz\nARG foo=baz bar=qux baz=quux\n#\nARG bit=bat\n\n# words\nCOPY Dockerfile .\n",
        &[],
    );
    check(
        "# check=experimental=InvalidDefinitionDescription\n# bar this is the bar\nARG foo=bar\n# BasE this is the BasE image\nFROM scratch AS base\n# definitely a bad comment\nARG version=latest\n# definitely a bad comment\nARG foo=baz bar=qux baz=quux\n",
        &[(name, 3), (name, 5), (name, 7), (name, 9)],
    );
    check(
        "# check=experimental=all\n\n# a bad one\n\nFROM scratch AS base\n\n# another\n\nARG VERSION=1\n",
        &[],
    );
    check("# a bad one\nFROM scratch AS base\n", &[]);
}

#[test]
fn options() {
    let source = "FROM scratch as base\ncopy Dockerfile .\n";
    check(&format!("#check=skip=all\n{source}"), &[]);
    check(&format!("#check=skip=all;error=true\n{source}"), &[]);
    check(&format!("#check=skip=ConsistentInstructionCasing,FromAsCasing\n{source}"), &[]);
    check(
        &format!("#check=skip=ConsistentInstructionCasing;error=true\n{source}"),
        &[("FromAsCasing", 2)],
    );
    check(
        &format!("#check=error=true\n{source}"),
        &[("FromAsCasing", 2), ("ConsistentInstructionCasing", 3)],
    );
    // What comes before an error is found all the same.
    check(
        "\nFROM scratch AS BadStageName\nMAINTAINER me@example.org\nBADCMD\n",
        &[("StageNameCasing", 2), ("MaintainerDeprecated", 3)],
    );
}
