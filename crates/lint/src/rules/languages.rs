//! Packages of languages whose version is left open.

use sealift_diagnostic::{Level, Rule, Tier};
use sealift_dockerfile::{InstructionKind, Word};

use super::versions::listed;
use crate::{
    Check,
    install::{Manager, call},
    mend,
    rule::Sink,
    shell::{Command, base_name},
    view::{RunView, StageView, View},
};

/// Arguments that are no flags and no values of the flags in `with_value`, up to `--`.
fn plain<'c>(command: &'c Command, with_value: &[&str]) -> Vec<&'c Word> {
    let mut words = command.arguments().iter().take_while(|word| word.as_str() != "--");
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        if with_value.contains(&word.as_str()) {
            words.next();
        } else if !word.starts_with('-') && !word.is_empty() {
            found.push(word);
        }
    }
    found
}

/// Whether a word cannot be judged, or names something that is already here.
fn is_local(word: &str) -> bool {
    word.contains(['$', '`']) || word.starts_with(['.', '/', '{'])
}

/// Report words that leave the version open.
fn report(sink: &mut Sink, open: &[&Word]) {
    let (Some(first), Some(last)) = (open.first(), open.last()) else { return };
    sink.add(first.span.join(last.span), format!("no version is given for {}", listed(open)));
}

pub(super) const UNPINNED_GEM: Check = Check {
    rule: Rule {
        id: "SL2011",
        name: "unpinned-gem",
        level: Level::Info,
        aliases: &["DL3028"],
        why: "each build may get other versions",
        fix: "write `gem install name:version`, or use a `Gemfile.lock`",
        since: "0.2.0",
        bad: "FROM ruby:3.4\nRUN gem install rails\n",
        good: "FROM ruby:3.4\nRUN gem install rails:8.0.3\n",
        references: &["https://guides.rubygems.org/command-reference/#gem-install"],
    },
    run: unpinned_gem,
};

fn unpinned_gem(view: &View<'_>, sink: &mut Sink) {
    const VALUES: [&str; 10] =
        ["-i", "--install-dir", "-n", "--bindir", "-P", "--source", "-s", "--platform", "-B", "-p"];
    for command in view.commands().filter(|command| command.name() == "gem") {
        let words = plain(command, &VALUES);
        let Some((verb, names)) = words.split_first() else { continue };
        let versioned = command.flag(Some('v'), "version").is_some();
        if !matches!(verb.as_str(), "install" | "i") || versioned {
            continue;
        }
        let open: Vec<&Word> = names
            .iter()
            .copied()
            .filter(|word| !is_local(word) && !word.contains(':') && !word.ends_with(".gem"))
            .collect();
        report(sink, &open);
    }
}

pub(super) const UNPINNED_GO: Check = Check {
    rule: Rule {
        id: "SL2012",
        name: "unpinned-go",
        level: Level::Info,
        aliases: &["DL3062"],
        why: "each build may get other versions",
        fix: "write `go install package@v1.2.3`",
        since: "0.2.0",
        bad: "FROM golang:1.25\nRUN go install golang.org/x/tools/cmd/stringer@latest\n",
        good: "FROM golang:1.25\nRUN go install golang.org/x/tools/cmd/stringer@v0.38.0\n",
        references: &["https://go.dev/ref/mod#go-install"],
    },
    run: unpinned_go,
};

fn unpinned_go(view: &View<'_>, sink: &mut Sink) {
    const VALUES: [&str; 12] = [
        "-o",
        "-ldflags",
        "-tags",
        "-gcflags",
        "-mod",
        "-p",
        "-C",
        "-asmflags",
        "-buildmode",
        "-compiler",
        "-installsuffix",
        "-modfile",
    ];
    for command in view.commands().filter(|command| command.name() == "go") {
        let words = plain(command, &VALUES);
        let Some((verb, names)) = words.split_first() else { continue };
        let names = match verb.as_str() {
            "install" | "get" => names,
            "run" => &names[..names.len().min(1)],
            _ => continue,
        };
        let open: Vec<&Word> = names.iter().copied().filter(|word| is_open_module(word)).collect();
        report(sink, &open);
    }
}

/// Whether a Go package is fetched in whatever version there is.
fn is_open_module(word: &str) -> bool {
    if is_local(word) || word.ends_with(".go") {
        return false;
    }
    match word.split_once('@') {
        Some((_, version)) => matches!(version, "latest" | "none" | "master" | "main" | "upgrade"),
        // Without a host it is one of the standard library or of the project itself.
        None => word.split('/').next().is_some_and(|host| host.contains('.')),
    }
}

pub(super) const CARGO_UNLOCKED: Check = Check {
    rule: Rule {
        id: "SL2013",
        name: "cargo-unlocked",
        level: Level::Info,
        aliases: &[],
        why: "cargo takes the newest dependencies, not those that the program was tested with",
        fix: "add `--locked`, and name the version with `--version`",
        since: "0.2.0",
        bad: "FROM rust:1.90\nRUN cargo install ripgrep --version 15.1.0\n",
        good: "FROM rust:1.90\nRUN cargo install --locked ripgrep --version 15.1.0\n",
        references: &["https://doc.rust-lang.org/cargo/commands/cargo-install.html"],
    },
    run: cargo_unlocked,
};

fn cargo_unlocked(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands().filter(|command| command.name() == "cargo") {
        let words = plain(command, &[]);
        let verb = words.iter().find(|word| !word.starts_with('+'));
        let Some(verb) = verb.filter(|verb| verb.as_str() == "install") else { continue };
        let locked = ["locked", "frozen", "list"].iter().any(|it| command.flag(None, it).is_some());
        if !locked {
            let finding = sink.add(verb.span, "the lock file of the program is not used");
            let edit = mend::insert_after(verb, " --locked");
            finding.fixes.extend(mend::fix(Tier::Suggested, "add `--locked`", edit));
        }
    }
}

pub(super) const LOCK_FILE_UNUSED: Check = Check {
    rule: Rule {
        id: "SL2014",
        name: "lock-file-unused",
        level: Level::Info,
        aliases: &[],
        why: "the command may install other versions than the lock file names, and change the file",
        fix: "use `npm ci`, `yarn install --frozen-lockfile`, `pnpm install --frozen-lockfile`",
        since: "0.2.0",
        bad: "FROM node:22\nCOPY package.json package-lock.json ./\nRUN npm install\n",
        good: "FROM node:22\nCOPY package.json package-lock.json ./\nRUN npm ci\n",
        references: &["https://docs.npmjs.com/cli/commands/npm-ci"],
    },
    run: lock_file_unused,
};

fn lock_file_unused(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        // Whether the stage has each of the three files, once somebody asks.
        let mut copied = [None; 3];
        for command in stage.runs.iter().flat_map(|run| &run.commands) {
            if !matches!(command.name(), "npm" | "yarn" | "pnpm") {
                continue;
            }
            let words = plain(command, &["--prefix", "--registry", "--cache", "-w", "--workspace"]);
            let verb = words.first().map_or("", |word| word.as_str());
            let bare = words.len() <= 1 && matches!(verb, "install" | "i" | "");
            let frozen =
                ["frozen-lockfile", "immutable", "pure-lockfile", "no-lockfile", "version", "help"]
                    .iter()
                    .any(|flag| command.flag(None, flag).is_some());
            let global = command.flag(Some('g'), "global").is_some();
            let (index, file, flag) = match command.name() {
                "npm" if !verb.is_empty() => (0, "package-lock.json", None),
                "yarn" => (1, "yarn.lock", Some("--frozen-lockfile")),
                "pnpm" if !verb.is_empty() => (2, "pnpm-lock.yaml", Some("--frozen-lockfile")),
                _ => continue,
            };
            if !bare || frozen || global {
                continue;
            }
            if !*copied[index].get_or_insert_with(|| copies(view, stage, file)) {
                continue;
            }
            let name = command.name();
            let span = words.first().map_or(command.span(), |word| word.span);
            let called = if verb.is_empty() { name.to_owned() } else { format!("{name} {verb}") };
            let finding = sink.add(span, format!("`{called}` may change what `{file}` names"));
            let Some(word) = words.first().copied().or(command.words.last()) else { continue };
            // `npm ci` knows all flags of `npm install`.
            let (edit, title) = match flag {
                None => (mend::replace(word, "ci"), "use `npm ci`".to_owned()),
                Some(flag) => {
                    (mend::insert_after(word, &format!(" {flag}")), format!("add `{flag}`"))
                }
            };
            finding.fixes.extend(mend::fix(Tier::Suggested, title, edit));
        }
    }
}

/// Whether a stage copies a file: by name, or with the whole context where it is known to be.
fn copies(view: &View<'_>, stage: &StageView<'_>, file: &str) -> bool {
    let present = view.context.context_files.is_some_and(|files| files.iter().any(|it| it == file));
    view.lineage(stage.stage.index).any(|stage| {
        stage.stage.instructions.iter().any(|instruction| {
            let (InstructionKind::Copy(copy) | InstructionKind::Add(copy)) = &instruction.kind
            else {
                return false;
            };
            copy.from.is_none()
                && copy.paths().any(|word| {
                    let name = base_name(word);
                    name == file
                        || present
                            && (matches!(word.as_str(), "." | "./" | "*")
                                || (name == "package*.json" && file == "package-lock.json"))
                })
        })
    })
}

pub(super) const PIP_UNHASHED: Check = Check {
    rule: Rule {
        id: "SL2015",
        name: "pip-without-hashes",
        level: Level::Info,
        aliases: &[],
        why: "pip installs what the index gives it; with hashes it refuses a file that was replaced",
        fix: "add hashes to the list (`pip-compile --generate-hashes`, `uv pip compile --generate-hashes`), and install \
              with `--require-hashes`",
        since: "0.2.0",
        bad: "FROM python:3.13\nRUN pip install --no-cache-dir -r requirements.txt\n",
        good: "FROM python:3.13\nRUN pip install --no-cache-dir --require-hashes -r requirements.txt\n",
        references: &["https://pip.pypa.io/en/stable/topics/secure-installs/"],
    },
    run: pip_unhashed,
};

fn pip_unhashed(view: &View<'_>, sink: &mut Sink) {
    let configured = || view.instructions().any(|it| it.raw.contains("PIP_REQUIRE_HASHES"));
    for call in view.commands().filter_map(call) {
        if call.manager != Manager::Pip || !call.installs() {
            continue;
        }
        let list = call.command.flag(Some('r'), "requirement");
        let hashed = || call.command.flag(None, "require-hashes").is_some() || configured();
        if let Some(list) = list.filter(|_| !hashed()) {
            let finding = sink.add(list.span, "the list of packages is installed without hashes");
            let edit = mend::insert_after(call.verb, " --require-hashes");
            // It fails until the list has hashes.
            finding.fixes.extend(mend::fix(Tier::Manual, "add `--require-hashes`", edit));
        }
    }
}

pub(super) const UNPINNED_COMPOSER: Check = Check {
    rule: Rule {
        id: "SL2016",
        name: "unpinned-composer",
        level: Level::Info,
        aliases: &[],
        why: "each build may get other versions",
        fix: "write `composer require name:version`; install what `composer.lock` names with `composer install`",
        since: "0.2.0",
        bad: "FROM composer:2.8\nRUN composer update\n",
        good: "FROM composer:2.8\nRUN composer install\n",
        references: &["https://getcomposer.org/doc/03-cli.md#install-i"],
    },
    run: unpinned_composer,
};

fn unpinned_composer(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands().filter(|command| command.name() == "composer") {
        let words = plain(command, &["-d", "--working-dir"]);
        let words: &[&Word] = match words.as_slice() {
            [global, rest @ ..] if global.as_str() == "global" => rest,
            all => all,
        };
        let Some((verb, names)) = words.split_first() else { continue };
        match verb.as_str() {
            "require" | "req" => {
                // `composer require name 1.2` gives the version as a word of its own.
                let version = |word: &&Word| {
                    word.starts_with(|c: char| c.is_ascii_digit() || "^~><*v".contains(c))
                        && !word.contains('/')
                };
                let open: Vec<&Word> = names
                    .iter()
                    .enumerate()
                    .filter(|(at, word)| {
                        word.contains('/')
                            && !is_local(word)
                            && !word.contains([':', '=', '@'])
                            && !names.get(at + 1).is_some_and(version)
                    })
                    .map(|(_, word)| *word)
                    .collect();
                report(sink, &open);
            }
            "update" | "upgrade" | "up" | "u" => {
                sink.add(verb.span, format!("`composer {verb}` passes the lock file over"));
            }
            _ => {}
        }
    }
}

pub(super) const MOVING_CLONE: Check = Check {
    rule: Rule {
        id: "SL2017",
        name: "moving-clone",
        level: Level::Info,
        aliases: &[],
        why: "each build gets what the branch has on that day",
        fix: "clone a tag (`--branch v1.2`), check a commit out, or use `ADD https://host/repository.git#commit`",
        since: "0.2.0",
        bad: "FROM debian:13\nRUN git clone https://example.org/tool.git /src\n",
        good: "FROM debian:13\nRUN git clone --branch v1.2 https://example.org/tool.git /src\n",
        references: &[
            "https://docs.docker.com/reference/dockerfile/#adding-files-from-a-git-repository",
        ],
    },
    run: moving_clone,
};

fn moving_clone(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for (index, run) in stage.runs.iter().enumerate() {
            // The checkout may be a step of its own.
            let next = stage.runs.get(index + 1).filter(|next| !has_verb(next, &["clone"]));
            let settles = |run: &RunView<'_>| has_verb(run, &["checkout", "reset", "switch"]);
            if settles(run) || next.is_some_and(settles) {
                continue;
            }
            for command in run.commands.iter().filter(|it| it.name() == "git") {
                let words = plain(command, &["-C", "-c", "--depth", "-b", "--branch", "-o"]);
                let [verb, repository, ..] = words.as_slice() else { continue };
                let named = command.flag(Some('b'), "branch").is_some()
                    || command.flag(None, "revision").is_some();
                if verb.as_str() == "clone" && !named && !is_local(repository) {
                    sink.add(
                        repository.span,
                        format!("`{repository}` is cloned at no fixed version"),
                    );
                }
            }
        }
    }
}

/// Whether a step has git do one of these.
fn has_verb(run: &RunView<'_>, verbs: &[&str]) -> bool {
    run.commands.iter().filter(|it| it.name() == "git").any(|it| {
        plain(it, &["-C", "-c"]).first().is_some_and(|word| verbs.contains(&word.as_str()))
    })
}
