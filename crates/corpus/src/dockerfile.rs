//! Dockerfiles, the words in them, and the files beside them.

use sealift_diagnostic::{Tier, apply, render_short};
use sealift_dockerfile::{
    Limits, decode, parse, parse_duration, parse_instruction, parse_mount, stages, variables,
};
use sealift_lint::{Config, Context, Error, IgnoreFile, fix, lint, read_hadolint, render, rule};

use crate::{parts, text};

fn limits() -> Limits {
    Limits {
        file_bytes_max: 64 << 10,
        line_bytes_max: 16 << 10,
        instructions_max: 500,
        problems_max: 100,
        ..Limits::default()
    }
}

/// hadolint's configuration: what it chooses are rules that exist and linting can use it; an error names a line of it.
pub fn hadolint_config(bytes: &[u8]) {
    let Some(source) = text(bytes) else { return };
    let read = match read_hadolint(source) {
        Ok(read) => read,
        Err(Error::Hadolint { line, reason }) => {
            // In YAML a carriage return ends a line too (YAML 1.2.2, 5.4).
            let lines = source.matches(['\n', '\r']).count() + 1;
            assert!(line <= lines + 1, "there is no line {line}");
            assert!(!reason.is_empty());
            return;
        }
        Err(other) => panic!("this is not about the file: {other}"),
    };
    for name in read.ignore.iter().chain(read.levels.keys()) {
        assert!(rule(name).is_some(), "there is no rule `{name}`");
    }
    let config = Config {
        ignore: read.ignore,
        levels: read.levels,
        registries: read.registries,
        labels: read.labels,
        disregards_hadolint: read.disregards_comments,
        ..Config::default()
    };
    let parse = parse("FROM a.example/b:1\nLABEL a=b created=c\nRUN apt-get update\n", &limits());
    lint(&parse, &Context::new(&config));
}

/// A Dockerfile and, behind a separator, its ignore file: parsed, linted, shown. All spans lie in the text.
pub fn dockerfile(bytes: &[u8]) {
    let parts = parts(bytes);
    let Ok(source) = decode(parts[0], &limits()) else { return };
    let parse = parse(source, &limits());
    let mut end = 0;
    for instruction in &parse.file.instructions {
        let range = instruction.span.range();
        assert!(range.start >= end, "instructions overlap at {range:?}");
        end = range.end;
        let written = source.get(range).expect("an instruction is a part of the text");
        assert!(source.get(instruction.keyword_span.range()).is_some());
        // By itself it may mean something else, as a heredoc without its end.
        let _ = parse_instruction(written, parse.file.escape);
        variables::references(instruction.line.as_str(), parse.file.escape);
        let _ = parse_mount(instruction.line.as_str(), instruction.span);
        let _ = parse_duration(instruction.line.as_str());
    }
    stages(&parse.file);
    let config = Config::default();
    let files = ["app.py".to_owned(), ".git/config".to_owned(), ".env".to_owned()];
    let context = Context {
        dockerignore: parts.get(1).and_then(|part| text(part)),
        context_files: Some(&files),
        ..Context::new(&config)
    };
    let findings = lint(&parse, &context);
    for finding in &findings {
        let spans = finding.related.iter().map(|(span, _)| *span).chain([finding.span]);
        for span in spans {
            assert!(source.get(span.range()).is_some(), "{span:?} is no part of the text");
        }
    }
    let shown = render(&findings, "Dockerfile", source, false);
    assert_eq!(shown.is_empty(), findings.is_empty(), "a finding is not shown");
    assert_eq!(render_short(&findings, "", source).lines().count(), findings.len());
    let advised = findings.iter().flat_map(|finding| &finding.fixes);
    for fix in advised {
        assert_eq!(apply(source, &[fix]).applied, [0], "a fix does not fit: {fix:?}");
    }
    mended(source, &context);
}

/// Mending ends, and mending again changes nothing. Only short texts: each try is a look at the whole of it.
fn mended(source: &str, context: &Context<'_>) {
    if source.len() > 2_000 {
        return;
    }
    let once = fix(source, context, &limits(), Tier::Suggested);
    let made = once.files.first().map(|file| file.content.as_str());
    let context = Context { dockerignore: made.or(context.dockerignore), ..*context };
    let twice = fix(&once.text, &context, &limits(), Tier::Suggested);
    assert_eq!(twice.text, once.text, "mending again changes the text");
    assert!(twice.files.is_empty(), "mending again makes files");
}

/// A word with variables and, behind a separator, the value of `A`; `B` is empty and no other variable is set.
pub fn variables(bytes: &[u8]) {
    let parts = parts(bytes);
    let value = parts.get(1).and_then(|part| text(part)).unwrap_or("value");
    let Some(word) = text(parts[0]) else { return };
    let lookup = |name: &str| match name {
        "A" => Some(value.to_owned()),
        "B" => Some(String::new()),
        _ => None,
    };
    for escape in ['\\', '`'] {
        let expanded = variables::expand(word, &lookup, escape);
        let words = variables::expand_words(word, &lookup, escape);
        assert_eq!(expanded.is_ok(), words.is_ok(), "splitting decides whether a word is one");
        variables::references(word, escape);
        if !word.contains(['$', '"', '\'', escape]) {
            assert_eq!(expanded.as_deref(), Ok(word), "a plain word changes");
        }
    }
    let _ = variables::expand_heredoc(word, &lookup);
}

/// An ignore file and, behind a separator, paths to ask it for, one a line.
pub fn ignore_file(bytes: &[u8]) {
    let parts = parts(bytes);
    let Some(ignore) = text(parts[0]) else { return };
    let paths = parts.get(1).and_then(|part| text(part)).unwrap_or("a/b.txt\n.git");
    let linted = IgnoreFile::parse(ignore);
    for path in paths.lines().take(20) {
        linted.excludes(path);
        sealift_build::fuzz::is_ignored(ignore, path);
    }
}
