//! Names and numbers of stages.

use sealift_diagnostic::{Diagnostic, Edit, Fix, Level, Rule, Span, Tier, closest};
use sealift_dockerfile::InstructionKind;

use crate::{
    Check,
    rule::Sink,
    view::{StageView, View},
};

pub(super) const UNDEFINED_STAGE: Check = Check {
    rule: Rule {
        id: "SL3001",
        name: "undefined-stage",
        level: Level::Error,
        aliases: &["DL3022", "DL3023", "DS-0006"],
        why: "only the stages before this one can be copied from",
        fix: "name an earlier stage, or an image with its tag",
        since: "0.1.0",
        bad: "FROM golang:1.25 AS build\nFROM alpine:3.22\nCOPY --from=biuld /app /app\n",
        good: "FROM golang:1.25 AS build\nFROM alpine:3.22\nCOPY --from=build /app /app\n",
        references: &[
            "https://github.com/hadolint/hadolint/wiki/DL3022",
            "https://github.com/hadolint/hadolint/wiki/DL3023",
        ],
    },
    run: undefined_stage,
};

pub(super) const STAGE_OR_IMAGE: Check = Check {
    rule: Rule {
        id: "SL3002",
        name: "stage-or-image",
        level: Level::Warning,
        aliases: &["DL3022"],
        why: "without such a stage it is pulled from a registry, as `latest`",
        fix: "name an earlier stage, or write the image with its tag",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nCOPY --from=nginx /etc/nginx /etc/nginx\n",
        good: "FROM alpine:3.22\nCOPY --from=nginx:1.29 /etc/nginx /etc/nginx\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL3022"],
    },
    run: stage_or_image,
};

/// What is wrong with the name of a stage.
enum Wrong {
    Certain { message: String, help: Option<String> },
    Doubtful,
}

fn undefined_stage(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for (name, span) in references(stage) {
            if let Some(Wrong::Certain { message, help }) = judge(view, stage, &name) {
                let finding = sink.add(span, message);
                let meant = help.as_deref().and_then(|it| it.split('`').nth(1));
                if let Some(meant) = meant.filter(|_| span.text(&view.file.source) == name) {
                    let edit = Edit::replace(span, meant);
                    finding.fixes.push(Fix::new(
                        Tier::Suggested,
                        format!("write `{meant}`"),
                        vec![edit],
                    ));
                }
                finding.help = help.map(Into::into).or(finding.help.take());
            }
        }
        let Some(from) = stage.stage.from else { continue };
        let later = named(view, &from.image).is_some_and(|index| index > stage.stage.index);
        if stage.parent.is_none() && later {
            sink.add(from.image.span, format!("stage `{}` comes later", from.image));
        }
    }
}

fn stage_or_image(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for (name, span) in references(stage) {
            if let Some(Wrong::Doubtful) = judge(view, stage, &name) {
                sink.add(span, format!("no stage is called `{name}`, so it is taken for an image"));
            }
        }
    }
}

/// The stages or images that a stage copies from and mounts.
fn references(stage: &StageView<'_>) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    for instruction in stage.stage.instructions {
        match &instruction.kind {
            InstructionKind::Copy(copy) => {
                found.extend(copy.from.iter().map(|from| (from.text.to_string(), from.span)));
            }
            InstructionKind::Run(run) => {
                for mount in &run.mounts {
                    found.extend(mount.from.iter().map(|from| (from.clone(), mount.span)));
                }
            }
            _ => {}
        }
    }
    found.retain(|(name, _)| !name.contains('$'));
    found
}

fn named(view: &View<'_>, name: &str) -> Option<usize> {
    let same = |stage: &&StageView<'_>| {
        stage.stage.name.as_deref().is_some_and(|stage| stage.eq_ignore_ascii_case(name))
    };
    view.stages.iter().rfind(same).map(|stage| stage.stage.index)
}

fn judge(view: &View<'_>, stage: &StageView<'_>, name: &str) -> Option<Wrong> {
    let index = stage.stage.index;
    let earlier = || view.stages[..index].iter().filter_map(|stage| stage.stage.name.as_deref());
    if name.is_empty()
        || name == "scratch"
        || earlier().any(|known| known.eq_ignore_ascii_case(name))
    {
        return None;
    }
    let certain = |message: String| Some(Wrong::Certain { message, help: None });
    if let Some(known) = named(view, name) {
        return if known == index {
            certain(format!("stage `{name}` cannot copy from itself"))
        } else {
            certain(format!("stage `{name}` comes later"))
        };
    }
    if let Ok(number) = name.parse::<usize>() {
        return if number < index {
            None
        } else {
            certain(format!("stage {number} is not before this one"))
        };
    }
    if name.contains(['/', ':', '@', '.']) {
        return None;
    }
    Some(match closest(name, earlier()) {
        Some(meant) => Wrong::Certain {
            message: format!("no stage is called `{name}`"),
            help: Some(format!("did you mean `{meant}`?")),
        },
        None => Wrong::Doubtful,
    })
}

pub(super) const DUPLICATE_STAGE: Check = Check {
    rule: Rule {
        id: "SL3003",
        name: "duplicate-stage",
        level: Level::Error,
        aliases: &["DL3024", "DS-0012", "CKV_DOCKER_11", "DuplicateStageName"],
        why: "later steps mean the last stage of that name, which is seldom what was meant",
        fix: "give each stage a name of its own",
        since: "0.1.0",
        bad: "FROM alpine:3.22 AS build\nFROM debian:13 AS build\n",
        good: "FROM alpine:3.22 AS build\nFROM debian:13 AS run\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/duplicate-stage-name/",
            "https://github.com/hadolint/hadolint/wiki/DL3024",
        ],
    },
    run: duplicate_stage,
};

fn duplicate_stage(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let Some(name) = stage.stage.from.and_then(|from| from.name.as_ref()) else { continue };
        let first = view.stages[..stage.stage.index]
            .iter()
            .filter_map(|earlier| earlier.stage.from?.name.as_ref())
            .find(|earlier| earlier.eq_ignore_ascii_case(name));
        if let Some(first) = first {
            let finding: &mut Diagnostic =
                sink.add(name.span, format!("stage `{name}` exists already"));
            finding.related.push((first.span, "first here".to_owned()));
        }
    }
}

pub(super) const RESERVED_STAGE_NAME: Check = Check {
    rule: Rule {
        id: "SL3017",
        name: "reserved-stage-name",
        level: Level::Error,
        aliases: &["DL3063", "ReservedStageName"],
        why: "the builder uses this name itself, so the stage can never be reached by it",
        fix: "choose another name",
        since: "0.1.0",
        bad: "FROM alpine:3.22 AS scratch\n",
        good: "FROM alpine:3.22 AS base\n",
        references: &["https://docs.docker.com/reference/build-checks/reserved-stage-name/"],
    },
    run: reserved_stage_name,
};

fn reserved_stage_name(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let Some(name) = stage.stage.from.and_then(|from| from.name.as_ref()) else { continue };
        if ["scratch", "context"].iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            sink.add(name.span, format!("`{name}` is reserved"));
        }
    }
}
