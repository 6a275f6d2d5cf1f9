//! What `FROM` names.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{InstructionKind, variables};

use crate::{
    Check,
    base::Base,
    rule::Sink,
    view::{StageView, View},
};

pub(super) const MUTABLE_TAG: Check = Check {
    rule: Rule {
        id: "SL2001",
        name: "mutable-tag",
        level: Level::Warning,
        aliases: &["DL3006", "DL3007", "DS-0001", "CKV_DOCKER_7", "DKL-DI-0006"],
        why: "the next build may start from another release, without a change to this file",
        fix: "name a release, such as `debian:bookworm-slim`, and pin it with its digest",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: mutable_tag,
};

fn mutable_tag(view: &View<'_>, sink: &mut Sink) {
    for (stage, base) in bases(view) {
        let Some(from) = stage.stage.from else { continue };
        match base.tag() {
            None => sink.add(
                from.image.span,
                format!("image `{}` has no tag, so it is `latest`", base.text),
            ),
            Some("latest") => sink.add(
                from.image.span,
                format!("the tag of `{}` moves with every release", base.text),
            ),
            Some(_) => continue,
        };
    }
}

pub(super) const NO_DIGEST: Check = Check {
    rule: Rule {
        id: "SL2002",
        name: "no-digest",
        level: Level::Info,
        aliases: &[],
        why: "a tag can be moved to other bytes by whoever may push it; a digest cannot",
        fix: "add the digest: `name:tag@sha256:…`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: no_digest,
};

fn no_digest(view: &View<'_>, sink: &mut Sink) {
    for (stage, base) in bases(view) {
        let Some(from) = stage.stage.from else { continue };
        sink.add(from.image.span, format!("image `{}` is not pinned to a digest", base.text));
    }
}

/// Base images without a digest, with their stages.
fn bases<'v, 'a>(view: &'v View<'a>) -> impl Iterator<Item = (&'v StageView<'a>, &'v Base)> {
    view.stages.iter().filter_map(|stage| {
        let base = stage.base.as_ref().filter(|base| !base.is_scratch())?;
        base.reference.as_ref()?.digest().is_none().then_some((stage, base))
    })
}

pub(super) const UNDECLARED_ARGUMENT: Check = Check {
    rule: Rule {
        id: "SL3018",
        name: "undeclared-argument",
        level: Level::Warning,
        aliases: &["UndefinedArgInFrom"],
        why: "`FROM` sees only the arguments that are declared before the first `FROM`; any other is empty",
        fix: "declare it with `ARG` at the top of the file",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: undeclared_argument,
};

/// Arguments that the builder sets by itself.
const PREDEFINED: [&str; 9] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETSTAGE",
];

fn undeclared_argument(view: &View<'_>, sink: &mut Sink) {
    let declared: Vec<&str> = view
        .global
        .iter()
        .filter_map(|instruction| match &instruction.kind {
            InstructionKind::Arg(arguments) => Some(arguments),
            _ => None,
        })
        .flatten()
        .map(|argument| argument.name.as_str())
        .collect();
    for stage in &view.stages {
        let Some(from) = stage.stage.from else { continue };
        for word in std::iter::once(&from.image).chain(&from.platform) {
            for name in variables::references(word, view.file.escape) {
                if declared.contains(&name.as_str()) || PREDEFINED.contains(&name.as_str()) {
                    continue;
                }
                let finding =
                    sink.add(word.span, format!("argument `{name}` is not declared before `FROM`"));
                let known = declared.iter().chain(&PREDEFINED).copied();
                if let Some(meant) = sealift_diagnostic::closest(&name, known) {
                    finding.help = Some(format!("did you mean `{meant}`?"));
                }
            }
        }
    }
}
