//! Packages that an archive does not have.

use sealift_diagnostic::{Level, Rule, Tier};
use sealift_dockerfile::InstructionKind;

use crate::{
    Check, Package,
    base::has_transitional_netcat,
    install::{Manager, call, package_name},
    mend,
    rule::Sink,
    view::{StageView, View},
};

/// Whether a stage gets packages from elsewhere than its base image does.
pub(super) fn foreign_sources(view: &View<'_>, stage: &StageView<'_>) -> bool {
    const SIGNS: [&str; 14] = [
        "sources.list",
        "add-apt-repository",
        "apt-key",
        "extrepo",
        "nodesource",
        "/etc/apt/",
        "deb http",
        "dpkg --add-architecture",
        "dpkg -i",
        "| bash",
        "| sh",
        "repositories",
        "config-manager",
        "apt_preferences",
    ];
    view.lineage(stage.stage.index).any(|stage| {
        stage.stage.instructions.iter().any(|instruction| match &instruction.kind {
            InstructionKind::Run(_) => {
                let bodies = instruction.heredocs.iter().map(|heredoc| heredoc.body.as_str());
                std::iter::once(instruction.raw.as_str())
                    .chain(bodies)
                    .any(|text| SIGNS.iter().any(|sign| text.contains(sign)))
            }
            InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
                copy.destination.starts_with("/etc/apt") || copy.destination.starts_with("/etc/apk")
            }
            _ => false,
        })
    })
}

pub(super) const PACKAGE_NOT_FOUND: Check = Check {
    rule: Rule {
        id: "SL2020",
        name: "package-not-found",
        level: Level::Error,
        aliases: &[],
        why: "the archive of the base image's release has no package of this name: the build stops",
        fix: "correct the name, or add the archive that has it; names change from release to release",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get install -y libpq4\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y libpq5\n",
        references: &["https://packages.debian.org/", "https://packages.ubuntu.com/"],
    },
    run: package_not_found,
};

fn package_not_found(view: &View<'_>, sink: &mut Sink) {
    let Some(packages) = view.context.packages else { return };
    for stage in &view.stages {
        let Some(base) = view.base(stage.stage.index) else { continue };
        if foreign_sources(view, stage) {
            continue;
        }
        for command in stage.runs.iter().flat_map(|run| &run.commands) {
            let Some(call) = call(command).filter(|call| call.manager == Manager::Apt) else {
                continue;
            };
            for word in call.operands.iter().filter(|_| call.installs()) {
                let name = package_name(word);
                if !is_name(name) || word.ends_with('-') || word.contains("${") {
                    continue;
                }
                let Some(Package::Missing { similar }) = packages.package(&base.text, name) else {
                    continue;
                };
                let finding =
                    sink.add(word.span, format!("`{}` has no package `{name}`", base.text));
                let Some(similar) = similar else { continue };
                finding.help = Some(format!("did you mean `{similar}`?").into());
                let edit = mend::replace(word, &similar);
                finding.fixes.extend(mend::fix(
                    Tier::Suggested,
                    format!("install `{similar}`"),
                    edit,
                ));
            }
        }
    }
}

/// Whether a word can be the name of a package, and not a pattern or a variable.
fn is_name(word: &str) -> bool {
    word.len() > 1
        && word.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

pub(super) const VIRTUAL_PACKAGE: Check = Check {
    rule: Rule {
        id: "SL3010",
        name: "virtual-package",
        level: Level::Error,
        aliases: &[],
        why: "the name is only one that several packages provide; apt refuses to choose, and the build stops",
        fix: "install one of the packages that provide it: `netcat-openbsd` for `netcat`, or better no netcat at all",
        since: "0.1.0",
        bad: "FROM debian:13\nRUN apt-get update && apt-get install -y netcat\n",
        good: "FROM debian:13\nRUN apt-get update && apt-get install -y netcat-openbsd\n",
        references: &["https://www.debian.org/doc/debian-policy/ch-relationships.html#s-virtual"],
    },
    run: virtual_package,
};

fn virtual_package(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let Some(base) = view.base(stage.stage.index) else { continue };
        let old = has_transitional_netcat(base.short_name(), base.tag().unwrap_or("latest"));
        for command in stage.runs.iter().flat_map(|run| &run.commands) {
            let Some(call) = call(command).filter(|call| call.manager == Manager::Apt) else {
                continue;
            };
            for word in call.operands.iter().filter(|_| call.installs()) {
                let known = view
                    .context
                    .packages
                    .and_then(|packages| packages.package(&base.text, package_name(word)));
                let providers = match known {
                    Some(Package::Virtual { providers }) => providers,
                    None if word.as_str() == "netcat" && !old => vec!["netcat-openbsd".to_owned()],
                    _ => continue,
                };
                // apt takes the only one there is.
                let certain = providers.len() > 1 || word.as_str() == "netcat";
                let Some(first) = preferred(word, &providers).filter(|_| certain) else { continue };
                let finding = sink.add(word.span, format!("package `{word}` cannot be installed"));
                let edit = mend::replace(word, first);
                finding.fixes.extend(mend::fix(
                    Tier::Suggested,
                    format!("install `{first}`, which provides it"),
                    edit,
                ));
            }
        }
    }
}

/// The package to install for a virtual one.
fn preferred<'a>(name: &str, providers: &'a [String]) -> Option<&'a str> {
    let wanted = (name == "netcat").then_some("netcat-openbsd");
    let found = providers.iter().find(|it| Some(it.as_str()) == wanted);
    found.or_else(|| providers.first()).map(String::as_str)
}
