//! What makes the final image bigger than it need be.

use sealift_diagnostic::{Level, Rule, Tier};
use sealift_dockerfile::{InstructionKind, Word};

use super::packages::installed_at_the_end;
use crate::{
    Check,
    install::{Call, Manager, call, package_name},
    mend,
    rule::Sink,
    shell::Command,
    view::View,
};

pub(super) const APT_RECOMMENDS: Check = Check {
    rule: Rule {
        id: "SL4002",
        name: "apt-recommends",
        level: Level::Info,
        aliases: &["DL3015", "DS-0029"],
        why: "recommended packages are installed too: more to carry, more to patch",
        fix: "add `--no-install-recommends`, and name what is really needed",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get install -y curl\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n",
        references: &["https://docs.docker.com/build/building/best-practices/#apt-get"],
    },
    run: apt_recommends,
};

fn apt_recommends(view: &View<'_>, sink: &mut Sink) {
    let is_configured = || {
        view.runs()
            .any(|run| run.instruction.raw.to_ascii_lowercase().contains("apt::install-recommends"))
    };
    let mut configured = None;
    for run in view.final_runs() {
        let calls = run.commands.iter().filter_map(call);
        for call in calls.filter(|call| call.manager == Manager::Apt && call.installs()) {
            let command = call.command;
            let is_bare = command.flag(None, "no-install-recommends").is_none();
            if is_bare && !*configured.get_or_insert_with(is_configured) {
                let finding = sink.add(call.verb.span, "recommended packages are installed too");
                let edit = mend::insert_flag(command, call.verb, "--no-install-recommends");
                finding.fixes.extend(mend::fix(
                    Tier::Suggested,
                    "add `--no-install-recommends`",
                    edit,
                ));
            }
        }
    }
}

pub(super) const CURL_AND_WGET: Check = Check {
    rule: Rule {
        id: "SL4003",
        name: "curl-and-wget",
        level: Level::Info,
        aliases: &["DL4001", "DS-0014"],
        why: "both do the same; one less is smaller and has fewer flaws to patch",
        fix: "choose one of the two, or fetch with `ADD` and have none",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get install -y curl wget\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y curl\n",
        references: &["https://docs.docker.com/build/building/best-practices/#add-or-copy"],
    },
    run: curl_and_wget,
};

fn curl_and_wget(view: &View<'_>, sink: &mut Sink) {
    let installed = installed_at_the_end(view);
    let is = |word: &str, name: &str| word.starts_with(name) && package_name(word) == name;
    let find = |name: &str| installed.iter().find(|word| is(word, name));
    if let (Some(curl), Some(wget)) = (find("curl"), find("wget")) {
        let finding = sink.add(wget.span, "both `curl` and `wget` are installed");
        finding.related.push((curl.span, "the other one".to_owned()));
        // The one that this file never runs can go; what runs in the container is not known.
        let unused = [wget, curl].into_iter().find(|word| !is_used(view, package_name(word)));
        let holder = view.commands().find(|command| {
            let spans = unused.map(|word| word.span);
            command.arguments().iter().any(|word| Some(word.span) == spans)
        });
        if let (Some(word), Some(command)) = (unused, holder) {
            let edit = mend::remove_word(view.file, command, word);
            let title = format!("do not install `{word}`");
            finding.fixes.extend(mend::fix(Tier::Suggested, title, edit));
        }
        return;
    }
    for stage in &view.stages {
        let commands = || stage.runs.iter().flat_map(|run| &run.commands);
        let find = |name: &str| commands().find(|command| command.name() == name);
        if let (Some(curl), Some(wget)) = (find("curl"), find("wget")) {
            let (first, second) =
                if curl.span() < wget.span() { (curl, wget) } else { (wget, curl) };
            let finding = sink.add(second.span(), "both `curl` and `wget` are used");
            finding.related.push((first.span(), "the other one".to_owned()));
        }
    }
}

/// Whether the file runs a program anywhere.
fn is_used(view: &View<'_>, name: &str) -> bool {
    let word = |text: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|it| it == name);
    view.commands().any(|command| {
        command.name() == name
            || command.nested && word(&command.words.iter().map(Word::as_str).collect::<String>())
    }) || view.instructions().any(|instruction| match &instruction.kind {
        InstructionKind::Cmd(_)
        | InstructionKind::Entrypoint(_)
        | InstructionKind::Healthcheck(_) => word(&instruction.raw),
        _ => false,
    })
}

pub(super) const BUILD_TOOLS: Check = Check {
    rule: Rule {
        id: "SL4010",
        name: "build-tools",
        level: Level::Info,
        aliases: &[],
        why: "compilers and headers are needed to build, not to run; in the image they are weight and an intruder's tools",
        fix: "build in a stage of its own, and copy the result with `COPY --from=…`",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get install -y gcc\n",
        good: "FROM debian:13 AS build\nRUN apt-get update && apt-get install -y gcc\nFROM debian:13\nCOPY --from=build /app /app\n",
        references: &["https://docs.docker.com/build/building/multi-stage/"],
    },
    run: build_tools,
};

/// Packages that build other programs.
const BUILD_PACKAGES: [&str; 42] = [
    "gcc",
    "g++",
    "make",
    "cmake",
    "build-essential",
    "build-base",
    "base-devel",
    "git",
    "clang",
    "llvm",
    "autoconf",
    "automake",
    "libtool",
    "pkg-config",
    "pkgconf",
    "pkgconfig",
    "golang",
    "golang-go",
    "go",
    "cargo",
    "rustc",
    "rust",
    "rustup",
    "ninja-build",
    "ninja",
    "meson",
    "bison",
    "flex",
    "gfortran",
    "musl-dev",
    "binutils",
    "maven",
    "gradle",
    "ant",
    "default-jdk",
    "default-jdk-headless",
    "patch",
    "dpkg-dev",
    "devscripts",
    "gcc-c++",
    "nasm",
    "yasm",
];

/// Whether a package is of use only while something is built.
fn builds(name: &str) -> bool {
    BUILD_PACKAGES.contains(&name)
        || name.ends_with("-dev")
        || name.ends_with("-devel")
        || (name.starts_with("openjdk")
            && (name.ends_with("-jdk") || name.ends_with("-jdk-headless")))
        || name.strip_prefix("gcc-").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

fn build_tools(view: &View<'_>, sink: &mut Sink) {
    for run in view.final_runs() {
        let all: Vec<Call<'_>> = run.commands.iter().filter_map(call).collect();
        let removed = all.iter().any(|call| {
            matches!(call.verb.as_str(), "purge" | "remove" | "autoremove" | "del" | "erase")
        });
        for call in all.iter().filter(|call| call.installs() && !removed) {
            if !call.manager.is_distribution() {
                continue;
            }
            for word in call.operands.iter() {
                let name = package_name(word);
                if builds(name) {
                    sink.add(
                        word.span,
                        format!("`{name}` is a tool to build, and stays in the final image"),
                    );
                }
            }
        }
    }
}

pub(super) const TOOLCHAIN_BASE: Check = Check {
    rule: Rule {
        id: "SL4023",
        name: "toolchain-base",
        level: Level::Info,
        aliases: &[],
        why: "the final image is a compiler's: hundreds of megabytes that the program does not need to run, and tools for \
              an intruder",
        fix: "name this stage, and copy its result into a small image with `COPY --from=…`",
        since: "0.2.0",
        bad: "FROM golang:1.25\nCOPY . /src\nRUN go build -o /app /src\nCMD [\"/app\"]\n",
        good: "FROM golang:1.25 AS build\nCOPY . /src\nRUN go build -o /app /src\nFROM scratch\nCOPY --from=build /app /app\nCMD [\"/app\"]\n",
        references: &["https://docs.docker.com/build/building/multi-stage/"],
    },
    run: toolchain_base,
};

fn toolchain_base(view: &View<'_>, sink: &mut Sink) {
    let Some(last) = view.last() else { return };
    let bottom = view.lineage(last.stage.index).last();
    let Some((bottom, base)) = bottom.and_then(|it| Some((it, it.base.as_ref()?))) else {
        return;
    };
    let tag = base.tag().unwrap_or("");
    let compiles = match base.short_name() {
        "golang" | "rust" | "gcc" | "maven" | "gradle" | "swift" | "haskell" | "buildpack-deps" => {
            true
        }
        "eclipse-temurin" | "openjdk" | "amazoncorretto" | "sapmachine" => tag.contains("jdk"),
        "sdk" => base.text.contains("dotnet"),
        _ => false,
    };
    let from = bottom.stage.from.map(|from| from.image.span);
    if let Some(span) = from.filter(|_| compiles && !tag.contains("slim-runtime")) {
        sink.add(span, format!("the final image is made from a compiler's, `{}`", base.text));
    }
}

pub(super) const USERADD_LOG: Check = Check {
    rule: Rule {
        id: "SL4017",
        name: "useradd-log",
        level: Level::Warning,
        aliases: &["DL3046"],
        why: "`useradd` writes the log of last logins up to the number of the user: gigabytes for a high one",
        fix: "add `-l` (`--no-log-init`)",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN useradd -u 1000001 app\n",
        good: "FROM debian:13\nRUN useradd -l -u 1000001 app\n",
        references: &["https://docs.docker.com/build/building/best-practices/#user"],
    },
    run: useradd_log,
};

/// Lowest number of a user for which the log becomes large.
const USER_HIGH: u64 = 100_000;

fn useradd_log(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands().filter(|command| command.name() == "useradd") {
        let quiet = command.flag(None, "no-log-init").is_some()
            || command
                .arguments()
                .iter()
                .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('l'));
        if quiet || user_number(command).is_none_or(|number| number < USER_HIGH) {
            continue;
        }
        let finding =
            sink.add(command.span(), "the log of logins grows to the number of this user");
        let name = command.words.iter().find(|word| word.ends_with("useradd"));
        let edit = name.and_then(|word| mend::insert_after(word, " -l"));
        finding.fixes.extend(mend::fix(Tier::Safe, "add `-l`", edit));
    }
}

/// The number that `-u` or `--uid` gives.
fn user_number(command: &Command) -> Option<u64> {
    let words = command.arguments();
    words.iter().enumerate().find_map(|(at, word)| {
        let next = || words.get(at + 1).map(Word::as_str);
        let text = match word.as_str() {
            "--uid" => next(),
            text if text.starts_with("--") => text.strip_prefix("--uid="),
            text => {
                let group = text.strip_prefix('-')?;
                let value = &group[group.find('u')? + 1..];
                if value.is_empty() { next() } else { Some(value) }
            }
        };
        text?.parse().ok()
    })
}
