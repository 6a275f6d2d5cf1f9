//! `FROM --platform`.

use sealift_diagnostic::{Fix, Level, Rule, Tier};
use sealift_oci::Platform;

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

pub(super) const OTHER_PLATFORM: Check = Check {
    rule: Rule {
        id: "SL3054",
        name: "other-platform",
        level: Level::Warning,
        aliases: &["InvalidBaseImagePlatform"],
        why: "the image is for another platform than the one that is built for: its programs do not run there, or are emulated",
        fix: "use an image that is there for the platform, or say with `--platform` that the other one is meant",
        since: "0.2.0",
        bad: "FROM --platform=linux/s390x debian:13\n",
        good: "FROM --platform=linux/arm64 debian:13\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/invalid-base-image-platform/",
        ],
    },
    run: other_platform,
};

fn other_platform(view: &View<'_>, sink: &mut Sink) {
    let Some(resolver) = view.context.resolver else { return };
    let target = resolver.target();
    for stage in &view.stages {
        let (Some(from), Some(base)) = (stage.stage.from, stage.base.as_ref()) else { continue };
        let wanted = match &from.platform {
            None => (target.os.clone(), target.architecture.clone()),
            Some(text) if is_of_build(text) => (target.os.clone(), target.architecture.clone()),
            Some(text) if text.contains('$') => continue,
            Some(text) => platform(text, &target),
        };
        let Some(there) = resolver.platforms(&base.text).filter(|there| !there.is_empty()) else {
            continue;
        };
        let fits = |it: &Platform| (&it.os, &it.architecture) == (&wanted.0, &wanted.1);
        if !there.iter().any(fits) {
            let mut names: Vec<String> =
                there.iter().map(|it| format!("{}/{}", it.os, it.architecture)).collect();
            names.sort();
            names.dedup();
            let message = format!(
                "image `{}` is there for {}, and {}/{} is wanted",
                base.text,
                names.join(", "),
                wanted.0,
                wanted.1
            );
            sink.add(from.image.span, message);
        }
    }
}

/// Whether a platform is that of the build or of its result, which are the same unless somebody says otherwise.
fn is_of_build(text: &str) -> bool {
    let name = text.trim_start_matches("${").trim_start_matches('$').trim_end_matches('}');
    matches!(name, "BUILDPLATFORM" | "TARGETPLATFORM")
}

/// System and processor of `linux/amd64`, `linux/arm64/v8`, `arm64` or `linux`, as registries write them.
fn platform(text: &str, target: &Platform) -> (String, String) {
    const SYSTEMS: [&str; 5] = ["linux", "windows", "freebsd", "darwin", "wasip1"];
    let text = text.to_ascii_lowercase();
    let mut parts = text.split('/');
    let first = parts.next().unwrap_or("");
    let (os, architecture) = match parts.next() {
        Some(second) => (first, second),
        None if SYSTEMS.contains(&first) => (first, target.architecture.as_str()),
        None => (target.os.as_str(), first),
    };
    let architecture = match architecture {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "armhf" | "armel" => "arm",
        "i386" => "386",
        other => other,
    };
    (os.to_owned(), architecture.to_owned())
}

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
