//! Files that a step downloads, and archives.

use std::cell::OnceCell;

use sealift_diagnostic::{Level, Rule, Tier};
use sealift_dockerfile::{InstructionKind, Word};

use crate::{
    Check,
    base::Family,
    install::{call, package_name},
    mend,
    rule::Sink,
    shell::{Command, base_name},
    view::{StageView, View},
};

pub(super) const CURL_WITHOUT_FAIL: Check = Check {
    rule: Rule {
        id: "SL2018",
        name: "curl-without-fail",
        level: Level::Info,
        aliases: &[],
        why: "curl takes an error page for the file and goes on; the image is built with it",
        fix: "add `-f`: curl then fails on an error of the server",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN curl -sSL -o /opt/tool https://example.org/tool-1.0\n",
        good: "FROM debian:13\nRUN curl -fsSL -o /opt/tool https://example.org/tool-1.0\n",
        references: &["https://curl.se/docs/manpage.html#-f"],
    },
    run: curl_without_fail,
};

fn curl_without_fail(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands().filter(|command| command.name() == "curl") {
        let words = command.arguments();
        let fetches = words.iter().any(|word| is_url(word));
        // A call that sends something, or shows only headers, is no download.
        let other = [
            (Some('X'), "request"),
            (Some('d'), "data"),
            (Some('F'), "form"),
            (Some('I'), "head"),
            (Some('T'), "upload-file"),
            (Some('w'), "write-out"),
            (Some('K'), "config"),
        ];
        let fails = command.flag(Some('f'), "fail").is_some()
            || command.flag(None, "fail-with-body").is_some()
            || command.flag(None, "fail-early").is_some();
        if !fetches
            || fails
            || other.iter().any(|(short, long)| command.flag(*short, long).is_some())
        {
            continue;
        }
        let finding = sink.add(command.span(), "an error page would be taken for the file");
        let name = command.words.iter().find(|word| word.ends_with("curl"));
        let edit = name.and_then(|word| mend::insert_after(word, " -f"));
        finding.fixes.extend(mend::fix(Tier::Suggested, "add `-f`", edit));
    }
}

fn is_url(word: &str) -> bool {
    ["https://", "http://", "ftp://"].iter().any(|scheme| word.starts_with(scheme))
}

pub(super) const WGET_PROGRESS: Check = Check {
    rule: Rule {
        id: "SL4015",
        name: "wget-progress",
        level: Level::Info,
        aliases: &["DL3047"],
        why: "without a terminal the progress bar fills the log of the build, thousands of lines for a large file",
        fix: "add `--progress=dot:giga` or `-nv` (`-q` where wget is busybox's)",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN wget https://example.org/tool-1.0.tar.gz\n",
        good: "FROM debian:13\nRUN wget --progress=dot:giga https://example.org/tool-1.0.tar.gz\n",
        references: &["https://www.gnu.org/software/wget/manual/html_node/Download-Options.html"],
    },
    run: wget_progress,
};

fn wget_progress(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let commands = stage.runs.iter().flat_map(|run| &run.commands);
        let kind = OnceCell::new();
        for command in commands.filter(|command| command.name() == "wget") {
            let quiet = [
                (Some('q'), "quiet"),
                (Some('o'), "output-file"),
                (Some('a'), "append-output"),
                (Some('h'), "help"),
                (Some('V'), "version"),
                (None, "no-verbose"),
                (None, "progress"),
            ];
            let is_quiet = command.argument("-nv").is_some()
                || quiet.iter().any(|(short, long)| short_flag(command, *short, long));
            if is_quiet || command.arguments().is_empty() {
                continue;
            }
            let finding = sink.add(command.span(), "the progress of `wget` fills the log");
            let Some(name) = command.words.iter().find(|word| word.ends_with("wget")) else {
                continue;
            };
            // Busybox's wget knows no `--progress`.
            let (tier, flag) = match kind.get_or_init(|| wget_of(view, stage)) {
                Wget::Gnu => (Tier::Safe, "--progress=dot:giga"),
                Wget::Busybox => (Tier::Safe, "-q"),
                Wget::Unknown => (Tier::Suggested, "-q"),
            };
            let edit = mend::insert_after(name, &format!(" {flag}"));
            finding.fixes.extend(mend::fix(tier, format!("add `{flag}`"), edit));
        }
    }
}

/// A flag, where `-O` and such, whose value may stick to it, are not mistaken for a group of flags.
fn short_flag(command: &Command, short: Option<char>, long: &str) -> bool {
    command.flag(None, long).is_some()
        || command.arguments().iter().any(|word| {
            let group = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            let flags = group.map_or("", |group| {
                group.split(['O', 'P', 'U', 'e', 't', 'T']).next().unwrap_or("")
            });
            short.is_some_and(|short| flags.contains(short))
        })
}

/// Which program `wget` is.
enum Wget {
    Gnu,
    Busybox,
    Unknown,
}

fn wget_of(view: &View<'_>, stage: &StageView<'_>) -> Wget {
    let lineage = view.lineage(stage.stage.index);
    let mut calls =
        lineage.flat_map(|stage| &stage.runs).flat_map(|run| &run.commands).filter_map(call);
    let installed = calls.any(|call| {
        call.manager.is_distribution()
            && call.installs()
            && call.operands.iter().any(|word| package_name(word) == "wget")
    });
    let base = view.base(stage.stage.index);
    let alpine = base.is_some_and(|base| {
        base.family() == Family::Alpine || base.tag().is_some_and(|tag| tag.contains("alpine"))
    });
    match (installed, alpine, base.map(super::super::base::Base::family)) {
        (true, ..) | (_, _, Some(Family::Debian | Family::Ubuntu)) => Wget::Gnu,
        (false, true, _) => Wget::Busybox,
        _ => Wget::Unknown,
    }
}

pub(super) const COPY_ARCHIVE: Check = Check {
    rule: Rule {
        id: "SL4019",
        name: "copied-archive",
        level: Level::Info,
        aliases: &["DL3010"],
        why: "the archive stays in a layer of its own, beside the files from it",
        fix: "unpack it with `ADD archive folder/`",
        since: "0.2.0",
        bad: "FROM debian:13\nCOPY app.tar.gz /tmp/\nRUN tar -xzf /tmp/app.tar.gz -C /srv\n",
        good: "FROM debian:13\nADD app.tar.gz /srv/\n",
        references: &["https://docs.docker.com/reference/dockerfile/#adding-local-tar-archives"],
    },
    run: copied_archive,
};

fn copied_archive(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for instruction in stage.stage.instructions {
            let InstructionKind::Copy(copy) = &instruction.kind else { continue };
            if copy.from.is_some() {
                continue;
            }
            for word in copy.paths().filter(|word| is_archive(word)) {
                let renamed = !copy.destination.ends_with('/') && is_archive(&copy.destination);
                let path = if renamed { copy.destination.as_str() } else { word.as_str() };
                let name = base_name(path);
                let later = stage
                    .runs
                    .iter()
                    .filter(|run| run.instruction.span.start > instruction.span.start)
                    .flat_map(|run| &run.commands);
                let Some(unpack) = later
                    .filter(|command| unpacks(command))
                    .find(|command| command.arguments().iter().any(|it| base_name(it) == name))
                else {
                    continue;
                };
                let finding =
                    sink.add(word.span, format!("`{word}` is copied only to be unpacked"));
                finding.related.push((unpack.span(), "unpacked here".to_owned()));
            }
        }
    }
}

/// Whether `ADD` would unpack a file of this name.
fn is_archive(path: &str) -> bool {
    const ENDS: [&str; 9] =
        [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.zst"];
    let path = path.to_ascii_lowercase();
    ENDS.iter().any(|end| path.ends_with(end))
}

/// Whether a command unpacks an archive.
fn unpacks(command: &Command) -> bool {
    let first = command.arguments().first().map_or("", Word::as_str);
    match command.name() {
        "tar" | "bsdtar" => {
            let group = |word: &str| !word.starts_with("--") && word.contains('x');
            command.flag(None, "extract").is_some()
                || command.flag(None, "get").is_some()
                || command.arguments().iter().any(|word| word.starts_with('-') && group(word))
                || (!first.starts_with('-')
                    && !first.contains('/')
                    && !first.contains('.')
                    && group(first))
        }
        "unzip" | "gunzip" | "bunzip2" | "unxz" | "unlzma" | "uncompress" | "unzstd" => true,
        _ => false,
    }
}

pub(super) const ARCHIVE_LEFT: Check = Check {
    rule: Rule {
        id: "SL4020",
        name: "archive-left",
        level: Level::Warning,
        aliases: &[],
        why: "the archive is in the image twice: packed and unpacked",
        fix: "remove it in the same `RUN`, or unpack it from a pipe: `curl -fsSL URL | tar -xz`",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN curl -fsSLO https://example.org/a-1.0.tar.gz && tar -xzf a-1.0.tar.gz\n",
        good: "FROM debian:13\nRUN curl -fsSLO https://example.org/a-1.0.tar.gz && tar -xzf a-1.0.tar.gz && rm a-1.0.tar.gz\n",
        references: &["https://docs.docker.com/build/building/best-practices/#run"],
    },
    run: archive_left,
};

fn archive_left(view: &View<'_>, sink: &mut Sink) {
    for run in view.final_runs() {
        if run.run.mounts.iter().any(|mount| mount.target.as_deref() == Some("/tmp")) {
            continue;
        }
        let targets = run.commands.iter().filter_map(|command| Some((command, target(command)?)));
        for (command, target) in targets {
            let name = base_name(&target);
            let uses = |it: &Command| it.arguments().iter().any(|word| base_name(word) == name);
            let unpacked = run.commands.iter().any(|it| unpacks(it) && uses(it));
            // `gunzip x.gz` itself removes what it unpacks.
            let removed = run.commands.iter().any(|it| {
                let removes =
                    matches!(it.name(), "rm" | "mv" | "gunzip" | "bunzip2" | "unxz" | "unlzma");
                let wide = |word: &Word| {
                    let folder = word.trim_end_matches(['/', '*']);
                    word.contains('*')
                        || (!folder.is_empty() && target.starts_with(&format!("{folder}/")))
                };
                let deletes = it.name() == "find" && it.argument("-delete").is_some();
                deletes || removes && (uses(it) || it.arguments().iter().any(wide))
            });
            if !unpacked || removed || name.is_empty() {
                continue;
            }
            let finding = sink
                .add(command.span(), format!("`{name}` stays in the image after it was unpacked"));
            // A relative path is the same at the end only if nothing changes the folder.
            let moves = run.commands.iter().any(|it| matches!(it.name(), "cd" | "pushd"));
            let plain =
                target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
            if plain && !target.starts_with('-') && (target.starts_with('/') || !moves) {
                let edit = mend::append(view.file, run, &format!("rm {target}"));
                finding.fixes.extend(mend::fix(Tier::Suggested, "remove the archive", edit));
            }
        }
    }
}

/// The file that a command downloads to.
pub(super) fn target(command: &Command) -> Option<String> {
    let words = command.arguments();
    let short = match command.name() {
        "curl" => 'o',
        "wget" => 'O',
        _ => return None,
    };
    let url = words.iter().find(|word| is_url(word));
    let redirected =
        || command.redirects.iter().find(|word| !word.starts_with("/dev/") && word.len() > 1);
    let named = words.iter().enumerate().find_map(|(at, word)| {
        let long = if short == 'o' { "--output" } else { "--output-document" };
        if let Some(value) = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.to_owned());
        }
        let group = word.starts_with('-') && !word.starts_with("--") && word.ends_with(short);
        (group || word.as_str() == long)
            .then(|| words.get(at + 1).map(|word| word.text.to_string()))?
    });
    if let Some(named) = named {
        return Some(named).filter(|name| name != "-" && !name.is_empty());
    }
    let base = |url: &Word| {
        let path = url.split(['?', '#']).next().unwrap_or("");
        path.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
    };
    let remote_name = command.flag(Some('O'), "remote-name").is_some();
    if short == 'o' {
        let redirect = redirected().map(|word| word.text.to_string());
        return if remote_name { url.and_then(base) } else { redirect };
    }
    // `-O-` and `-qO-` write to the next command.
    let piped = words.iter().any(|word| word.starts_with('-') && word.contains("O-"));
    let folder =
        words.iter().position(|word| word.as_str() == "-P").and_then(|at| words.get(at + 1));
    let name = url.filter(|_| !piped).and_then(base)?;
    Some(match folder {
        Some(folder) => format!("{}/{name}", folder.trim_end_matches('/')),
        None => name,
    })
}
