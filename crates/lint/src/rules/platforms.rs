//! `FROM --platform`.

use sealift_diagnostic::{Fix, Level, Rule, Tier};

use crate::{Check, edit::remove_word, rule::Sink, view::View};

pub(super) const CONSTANT_PLATFORM: Check = Check {
    rule: Rule {
        id: "SL3041",
        name: "constant-platform",
        level: Level::Warning,
        aliases: &["DL3029", "FromPlatformFlagConstDisallowed"],
        why: "the image is for this platform only, whatever platform is built for",
        fix: "leave the flag away, or use `$BUILDPLATFORM` for a stage of tools",
        since: "0.2.0",
        bad: "FROM --platform=linux/amd64 alpine:3.22\n",
        good: "FROM --platform=$BUILDPLATFORM alpine:3.22 AS tools\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/from-platform-flag-const-disallowed/",
            "https://github.com/hadolint/hadolint/wiki/DL3029",
        ],
    },
    run: constant_platform,
};

fn constant_platform(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let Some(from) = stage.stage.from else { continue };
        let Some(platform) = from.platform.as_ref().filter(|it| !it.contains('$')) else {
            continue;
        };
        // A stage that is named after its platform is one of several, for each platform one.
        let name = stage.stage.name.as_deref().unwrap_or("");
        let is_named = platform.split('/').any(|part| part.len() > 2 && name.contains(part));
        if !is_named {
            sink.add(platform.span, format!("the stage is always built for `{platform}`"));
        }
    }
}

pub(super) const REDUNDANT_PLATFORM: Check = Check {
    rule: Rule {
        id: "SL3042",
        name: "redundant-platform",
        level: Level::Style,
        aliases: &["DL3065", "RedundantTargetPlatform"],
        why: "the platform that is built for is the default",
        fix: "leave the flag away",
        since: "0.2.0",
        bad: "FROM --platform=$TARGETPLATFORM alpine:3.22\n",
        good: "FROM alpine:3.22\n",
        references: &["https://docs.docker.com/reference/build-checks/redundant-target-platform/"],
    },
    run: redundant_platform,
};

fn redundant_platform(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let Some(platform) = stage.stage.from.and_then(|from| from.platform.as_ref()) else {
            continue;
        };
        if !matches!(platform.as_str(), "$TARGETPLATFORM" | "${TARGETPLATFORM}") {
            continue;
        }
        let finding = sink.add(platform.span, format!("`{platform}` is the default"));
        let instruction = stage.stage.instruction;
        let flag = instruction.flag("platform").map(|flag| flag.span);
        let edit = flag.and_then(|flag| remove_word(view.file, instruction.keyword_span, flag));
        let fix = edit.map(|edit| Fix::new(Tier::Safe, "remove `--platform`", vec![edit]));
        finding.fixes.extend(fix);
    }
}
