//! Names and descriptions of stages, arguments and ports, and copies of files that no build sees.

use sealift_diagnostic::{Edit, Fix, Level, Rule, Tier};
use sealift_dockerfile::{Instruction, InstructionKind};

use super::transport::{is_git, is_url};
use crate::{Check, IgnoreFile, rule::Sink, view::View};

pub(super) const COPY_IGNORED: Check = Check {
    rule: Rule {
        id: "SL3043",
        name: "copy-ignored-file",
        level: Level::Warning,
        aliases: &["CopyIgnoredFile"],
        why: "`.dockerignore` keeps it from the builder, so there is nothing to copy and the build fails",
        fix: "except it in `.dockerignore` with `!`, or do not copy it",
        since: "0.2.0",
        bad: "# .dockerignore: dist\nFROM alpine:3.22\nCOPY dist/app /app\n",
        good: "# .dockerignore: .git\nFROM alpine:3.22\nCOPY dist/app /app\n",
        references: &["https://docs.docker.com/reference/build-checks/copy-ignored-file/"],
    },
    run: copy_ignored,
};

fn copy_ignored(view: &View<'_>, sink: &mut Sink) {
    let Some(text) = view.context.dockerignore else { return };
    let ignore = IgnoreFile::parse(text);
    // A folder may be ignored and a file in it excepted: what that means for a pattern nobody can tell.
    if ignore.has_exceptions() {
        return;
    }
    for instruction in view.instructions() {
        let (InstructionKind::Copy(copy) | InstructionKind::Add(copy)) = &instruction.kind else {
            continue;
        };
        if copy.from.is_some() {
            continue;
        }
        for word in copy.paths() {
            let path = word.trim_matches(['"', '\'']);
            if path.contains('$') || is_url(path) || is_git(path) {
                continue;
            }
            let parts: Vec<&str> =
                path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
            let is_out = match parts.as_slice() {
                [] => ignore.excludes_all(),
                _ => ignore.excludes(&parts.join("/")),
            };
            if is_out {
                sink.add(word.span, format!("`{path}` is ignored by `.dockerignore`"));
            }
        }
    }
}

pub(super) const DEFINITION_DESCRIPTION: Check = Check {
    rule: Rule {
        id: "SL3044",
        name: "definition-description",
        level: Level::Info,
        aliases: &["InvalidDefinitionDescription"],
        why: "the builder shows such a comment as the description of the stage or argument",
        fix: "begin it with the name, or put an empty line below it; this rule is off unless it is given a level",
        since: "0.2.0",
        bad: "# the version\nARG VERSION=1\nFROM alpine:3.22\n",
        good: "# VERSION is that of the program\nARG VERSION=1\nFROM alpine:3.22\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/invalid-definition-description/",
        ],
    },
    run: definition_description,
};

fn definition_description(view: &View<'_>, sink: &mut Sink) {
    for instruction in &view.file.instructions {
        let (keyword, names): (&str, Vec<&str>) = match &instruction.kind {
            InstructionKind::Arg(arguments) => {
                ("ARG", arguments.iter().map(|argument| argument.name.as_str()).collect())
            }
            InstructionKind::From(from) => match &from.name {
                Some(name) => ("FROM", vec![name.as_str()]),
                None => continue,
            },
            _ => continue,
        };
        let comments = &view.file.comments;
        let next = comments.partition_point(|it| it.line + 1 < instruction.line_number);
        let above = comments.get(next).filter(|it| it.line + 1 == instruction.line_number);
        let Some(comment) = above.filter(|comment| !comment.text.is_empty()) else { continue };
        let first = comment.text.split(' ').next().unwrap_or("");
        if !names.contains(&first) {
            let wanted = if names.len() == 1 { names[0] } else { "NAME" };
            sink.add(
                instruction.keyword_span,
                format!("the comment above this `{keyword}` does not describe it"),
            )
            .help = Some(
                format!("write `# {wanted} description`, or an empty line below the comment")
                    .into(),
            );
        }
    }
}

pub(super) const PROTOCOL_CASE: Check = Check {
    rule: Rule {
        id: "SL3045",
        name: "protocol-case",
        level: Level::Style,
        aliases: &["ExposeProtoCasing"],
        why: "protocols are written in small letters everywhere else",
        fix: "write `tcp`, `udp` or `sctp`",
        since: "0.2.0",
        bad: "FROM alpine:3.22\nEXPOSE 80/TCP\n",
        good: "FROM alpine:3.22\nEXPOSE 80/tcp\n",
        references: &["https://docs.docker.com/reference/build-checks/expose-proto-casing/"],
    },
    run: protocol_case,
};

fn protocol_case(view: &View<'_>, sink: &mut Sink) {
    for word in view.instructions().flat_map(exposed) {
        let Some((_, protocol)) = word.split_once('/') else { continue };
        let small = protocol.to_ascii_lowercase();
        if protocol == small || protocol.contains('$') {
            continue;
        }
        let finding =
            sink.add(word.span, format!("the protocol of `{word}` is not in small letters"));
        // The word as written may have quotes; then it is left to its author.
        if word.span.text(&view.file.source) == word.as_str() {
            let at = word.span.end - protocol.len();
            let span = sealift_diagnostic::Span::new(at, word.span.end);
            let edit = Edit::replace(span, small.clone());
            finding.fixes.push(Fix::new(Tier::Safe, format!("write `{small}`"), vec![edit]));
        }
    }
}

fn exposed(instruction: &Instruction) -> &[sealift_dockerfile::Word] {
    match &instruction.kind {
        InstructionKind::Expose(expose) => &expose.ports,
        _ => &[],
    }
}

pub(super) const STAGE_NAME_CASE: Check = Check {
    rule: Rule {
        id: "SL3046",
        name: "stage-name-case",
        level: Level::Style,
        aliases: &["StageNameCasing"],
        why: "stages are found by their names in any case, so that a difference in case makes no difference",
        fix: "write the name in small letters",
        since: "0.2.0",
        bad: "FROM alpine:3.22 AS Builder\n",
        good: "FROM alpine:3.22 AS builder\n",
        references: &["https://docs.docker.com/reference/build-checks/stage-name-casing/"],
    },
    run: stage_name_case,
};

fn stage_name_case(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let Some(name) = stage.stage.from.and_then(|from| from.name.as_ref()) else { continue };
        let small = name.to_ascii_lowercase();
        if name.as_str() != small {
            let finding = sink.add(name.span, format!("stage `{name}` has capitals in its name"));
            let edit = Edit::replace(name.span, small.clone());
            finding.fixes.push(Fix::new(Tier::Safe, format!("write `{small}`"), vec![edit]));
        }
    }
}
