//! What `FROM` names.

use sealift_diagnostic::{Fix, Level, Rule, Tier};
use sealift_dockerfile::{InstructionKind, Word, variables};

use crate::{
    Check,
    base::Base,
    edit,
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
        bad: "FROM ubuntu:latest\n",
        good: "FROM ubuntu:24.04\n",
        references: &[
            "https://docs.docker.com/build/building/best-practices/#pin-base-image-versions",
        ],
    },
    run: mutable_tag,
};

fn mutable_tag(view: &View<'_>, sink: &mut Sink) {
    for (stage, base) in bases(view) {
        let Some(from) = stage.stage.from else { continue };
        let finding = match base.tag() {
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
        finding.fixes.extend(release(view, base, &from.image));
    }
}

/// Releases of official images that are kept up for long.
const RELEASES: [(&str, &str); 24] = [
    ("almalinux", "9"),
    ("alpine", "3.22"),
    ("amazonlinux", "2023"),
    ("busybox", "1.37"),
    ("debian", "13"),
    ("eclipse-temurin", "21"),
    ("fedora", "43"),
    ("golang", "1.25"),
    ("httpd", "2.4"),
    ("mariadb", "11.8"),
    ("maven", "3.9"),
    ("mongo", "8.0"),
    ("mysql", "8.4"),
    ("nginx", "1.28"),
    ("node", "24"),
    ("php", "8.4"),
    ("postgres", "17"),
    ("python", "3.13"),
    ("redis", "8.2"),
    ("rockylinux", "9"),
    ("ruby", "3.4"),
    ("rust", "1.90"),
    ("tomcat", "11.0"),
    ("ubuntu", "24.04"),
];

fn release(view: &View<'_>, base: &Base, image: &Word) -> Option<Fix> {
    let name = base.text.strip_suffix(":latest").unwrap_or(&base.text);
    let (_, tag) = RELEASES.iter().find(|(known, _)| *known == name)?;
    // A name that is put together of variables is the user's own business.
    let edit = (image.as_str() == base.text)
        .then(|| edit::rewrite(view.file, image, format!("{name}:{tag}")))??;
    Some(Fix::new(Tier::Suggested, format!("start from `{name}:{tag}`"), vec![edit]))
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
        bad: "FROM debian:12\n",
        good: "FROM debian:12@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        references: &[
            "https://docs.docker.com/build/building/best-practices/#pin-base-image-versions",
        ],
    },
    run: no_digest,
};

fn no_digest(view: &View<'_>, sink: &mut Sink) {
    for (stage, base) in bases(view) {
        let Some(from) = stage.stage.from else { continue };
        let message = format!("image `{}` is not pinned to a digest", base.text);
        let finding = sink.add(from.image.span, message);
        finding.fixes.extend(pin(view, base, &from.image));
    }
}

/// The image with the digest that it has now, if somebody can say it.
fn pin(view: &View<'_>, base: &Base, image: &Word) -> Option<Fix> {
    let digest = view.context.resolver?.digest(&base.text)?;
    let edit = (image.as_str() == base.text)
        .then(|| edit::rewrite(view.file, image, format!("{}@{digest}", base.text)))??;
    let title = format!("pin `{}` to the bytes that it has now", base.text);
    Some(Fix::new(Tier::Suggested, title, vec![edit]))
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
        bad: "FROM debian:${RELEASE}\n",
        good: "ARG RELEASE=12\nFROM debian:${RELEASE}\n",
        references: &["https://docs.docker.com/reference/build-checks/undefined-arg-in-from/"],
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
        let words = std::iter::once(&from.image).chain(&from.platform);
        for word in words.filter(|word| word.contains('$')) {
            for name in variables::references(word, view.file.escape) {
                if declared.contains(&name.as_str()) || PREDEFINED.contains(&name.as_str()) {
                    continue;
                }
                let finding =
                    sink.add(word.span, format!("argument `{name}` is not declared before `FROM`"));
                let known = declared.iter().chain(&PREDEFINED).copied();
                if let Some(meant) = sealift_diagnostic::closest(&name, known) {
                    finding.help = Some(format!("did you mean `{meant}`?").into());
                }
            }
        }
    }
}
