//! Whole files: the vulnerable one with every problem, a good one with none.

use expect_test::expect_file;
use sealift_diagnostic::Level;
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, lint, render};

use crate::check::found;

const VULNERABLE: &str = r#"FROM ubuntu:latest
RUN apt-get update && apt-get install -y curl wget netcat
ENV API_KEY=sk_live_abcd1234
COPY . /app
WORKDIR /app
RUN chmod 777 -R /app
EXPOSE 22 80 443 3306 5432 6379 8080 9090
CMD ["python", "app.py"]
"#;

#[test]
fn every_problem_of_the_vulnerable_file_is_found() {
    let config = Config::default();
    let context = Context::new(&config);
    let found = lint(&parse(VULNERABLE, &Limits::default()), &context);
    let text = render(&found, "Dockerfile", VULNERABLE, false);
    assert!(!text.contains("abcd1234"), "the secret is not repeated");
    expect_file!["vulnerable.txt"].assert_eq(&text);
    for rule in [
        "SL1001", "SL1002", "SL1006", "SL1008", "SL1009", "SL1012", "SL1013", "SL2001", "SL2002",
        "SL2003", "SL3009", "SL3010", "SL3011", "SL4001", "SL4002", "SL4003", "SL4005", "SL4008",
    ] {
        assert!(found.iter().any(|finding| finding.rule.as_deref() == Some(rule)), "{rule}");
    }
    assert!(!config.failures(&found).is_empty());
}

#[test]
fn good_files_have_no_warning() {
    for source in [GOOD_PYTHON, GOOD_STATIC, GOOD_NODE] {
        let loud: Vec<_> =
            found(source).into_iter().filter(|it| it.level >= Level::Warning).collect();
        assert!(loud.is_empty(), "{source}\n{loud:#?}");
    }
}

#[test]
fn the_example_has_no_warning() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/secure-app/Dockerfile");
    let source = std::fs::read_to_string(path).unwrap();
    let loud: Vec<_> = found(&source).into_iter().filter(|it| it.level >= Level::Warning).collect();
    assert!(loud.is_empty(), "{loud:#?}");
}

#[test]
fn passwords_in_urls_are_not_repeated() {
    let source = "FROM a:1\nADD https://me:hunter22@host/x /x\n";
    let found = found(source);
    assert!(found.iter().any(|finding| finding.rule.as_deref() == Some("SL1005")));
    let text = render(&found, "Dockerfile", source, false);
    assert!(!text.contains("hunter22"), "{text}");
}

const GOOD_PYTHON: &str = r#"# syntax=docker/dockerfile:1
FROM python:3.11-slim AS builder
WORKDIR /build
COPY requirements.txt .
RUN pip install --no-cache-dir --prefix=/install -r requirements.txt

FROM python:3.11-slim
LABEL org.opencontainers.image.title="app"
ENV PYTHONUNBUFFERED=1 PATH=/opt/venv/bin:$PATH
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=builder /install /usr/local
COPY --chown=10001:10001 . .
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8080), 2)"]
CMD ["python", "app.py"]
"#;

const GOOD_STATIC: &str = r#"ARG GO_VERSION=1.25
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-bookworm AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /app .

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /app /app
USER 65532:65532
HEALTHCHECK CMD ["/app", "health"]
ENTRYPOINT ["/app"]
"#;

const GOOD_NODE: &str = r#"FROM node:22-slim AS base
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force
COPY src ./src
USER node
EXPOSE 3000
HEALTHCHECK --start-period=5s CMD node -e "fetch('http://127.0.0.1:3000')"
CMD ["node", "src/index.js"]
"#;
