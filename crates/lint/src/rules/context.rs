//! What of the build context gets into the image, and when.

use sealift_diagnostic::{Fix, Level, NewFile, Rule, Tier};
use sealift_dockerfile::{Command as Form, Instruction, InstructionKind, Word};

use crate::{
    Check, DOCKERIGNORE, IgnoreFile, edit,
    install::{Manager, call},
    rule::Sink,
    shell::Command,
    view::{StageView, View},
};

/// The source by which an instruction copies the whole context.
pub(super) fn copies_context(instruction: &Instruction) -> Option<&Word> {
    let (InstructionKind::Copy(copy) | InstructionKind::Add(copy)) = &instruction.kind else {
        return None;
    };
    if copy.from.is_some() {
        return None;
    }
    copy.paths()
        .find(|word| matches!(word.trim_matches(['"', '\'']), "." | "./" | "*" | "./*" | "/"))
}

/// Whether `.dockerignore` leaves a file out.
pub(super) fn ignored(view: &View<'_>) -> impl Fn(&str) -> bool + use<> {
    let file = IgnoreFile::parse(view.context.dockerignore.unwrap_or(""));
    move |path| file.excludes(path)
}

/// The ignore file with more patterns at its end; a new one lists what no image needs, and what holds secrets.
pub(super) fn ignoring(view: &View<'_>, patterns: &[&str]) -> NewFile {
    let all: Vec<&str> = NEVER_NEEDED.iter().chain(&SECRETS).chain(patterns).copied().collect();
    adding(view, if view.context.dockerignore.is_some() { patterns } else { &all })
}

fn adding(view: &View<'_>, patterns: &[&str]) -> NewFile {
    let mut content = view.context.dockerignore.unwrap_or("").to_owned();
    let line_break = if content.contains("\r\n") { "\r\n" } else { "\n" };
    if !content.is_empty() && !content.ends_with('\n') {
        content.push_str(line_break);
    }
    for pattern in patterns {
        if !content.lines().any(|line| line == *pattern) {
            content.push_str(pattern);
            content.push_str(line_break);
        }
    }
    NewFile { path: DOCKERIGNORE.to_owned(), content }
}

fn ignore_fix(view: &View<'_>, tier: Tier, title: &str, patterns: &[&str]) -> Fix {
    let mut fix = Fix::new(tier, title, Vec::new());
    fix.file =
        Some(if tier == Tier::Safe { adding(view, patterns) } else { ignoring(view, patterns) });
    fix
}

/// What no image needs: repositories, what tools leave behind, the files of the build itself.
const NEVER_NEEDED: [&str; 9] = [
    ".git",
    ".hg",
    ".svn",
    "**/__pycache__",
    "**/.DS_Store",
    "**/.idea",
    "**/.vscode",
    ".dockerignore",
    "Dockerfile*",
];

/// What holds secrets.
const SECRETS: [&str; 8] = [
    "**/.env",
    "**/.env.*",
    "**/id_rsa",
    "**/id_ecdsa",
    "**/id_ed25519",
    "**/.aws",
    "**/.ssh",
    "**/*.key",
];

/// Whether a step looks at the repository, as for its version.
fn uses_git(view: &View<'_>) -> bool {
    view.commands().any(|command| matches!(command.name(), "git" | "go" | "make" | "cargo"))
}

pub(super) const NO_DOCKERIGNORE: Check = Check {
    rule: Rule {
        id: "SL4005",
        name: "no-dockerignore",
        level: Level::Warning,
        aliases: &[],
        why: "everything in the folder is sent to the builder and copied: `.git`, secrets, old builds; and each change to \
              any of it undoes the cache",
        fix: "add a `.dockerignore` with at least `.git`, `.env*` and what the build makes",
        since: "0.1.0",
        bad: "FROM debian:12\nCOPY . /app\n",
        good: "FROM debian:12\nCOPY src /app\n",
        references: &["https://docs.docker.com/build/concepts/context/#dockerignore-files"],
    },
    run: no_dockerignore,
};

fn no_dockerignore(view: &View<'_>, sink: &mut Sink) {
    if view.context.dockerignore.is_some() {
        return;
    }
    for word in view.instructions().filter_map(copies_context) {
        let finding =
            sink.add(word.span, "the whole folder is copied, and there is no `.dockerignore`");
        let title = "write a `.dockerignore`";
        finding.fixes.push(ignore_fix(view, Tier::Suggested, title, &[]));
        if !uses_git(view) {
            finding.fixes.push(ignore_fix(view, Tier::Safe, title, &NEVER_NEEDED));
        }
    }
}

pub(super) const GIT_IN_CONTEXT: Check = Check {
    rule: Rule {
        id: "SL4006",
        name: "git-in-context",
        level: Level::Warning,
        aliases: &[],
        why: "the history of the repository, with all that was ever deleted from it, becomes part of the image",
        fix: "add `.git` to `.dockerignore`",
        since: "0.1.0",
        bad: "FROM debian:12\nCOPY . /app\n",
        good: "FROM debian:12\nCOPY src /app\n",
        references: &[
            "https://docs.docker.com/build/concepts/context/#dockerignore-files",
            "CWE-527",
        ],
    },
    run: git_in_context,
};

fn git_in_context(view: &View<'_>, sink: &mut Sink) {
    let files = view.context.context_files.unwrap_or_default();
    let excluded = ignored(view);
    let in_context = files.iter().any(|file| file.starts_with(".git/") && !excluded(file));
    for word in view.instructions().filter_map(copies_context).filter(|_| in_context) {
        let tier = if uses_git(view) { Tier::Suggested } else { Tier::Safe };
        let fix = ignore_fix(view, tier, "leave `.git` out of the context", &[".git"]);
        sink.add(word.span, "this copies `.git`").fixes.push(fix);
    }
}

pub(super) const DOCKERIGNORE_GAPS: Check = Check {
    rule: Rule {
        id: "SL1021",
        name: "dockerignore-gaps",
        level: Level::Info,
        aliases: &[],
        why: "the next secret that somebody puts into the folder is copied into the image",
        fix: "list `**/.env` and the names of private keys in `.dockerignore`",
        since: "0.2.0",
        bad: "FROM debian:12\nCOPY . /app\n",
        good: "FROM debian:12\nCOPY src /app\n",
        references: &["https://docs.docker.com/build/concepts/context/#dockerignore-files"],
    },
    run: dockerignore_gaps,
};

fn dockerignore_gaps(view: &View<'_>, sink: &mut Sink) {
    let Some(text) = view.context.dockerignore else { return };
    let file = IgnoreFile::parse(text);
    let missing: Vec<&str> = [("**/.env", ".env"), ("**/id_rsa", "id_rsa")]
        .into_iter()
        .filter(|(_, example)| !file.excludes(example))
        .map(|(pattern, _)| pattern)
        .collect();
    if missing.is_empty() {
        return;
    }
    for word in view.instructions().filter_map(copies_context) {
        let message = format!("`.dockerignore` lets `{}` through", missing.join("` and `"));
        let fix = ignore_fix(view, Tier::Suggested, "list the names of secrets", &missing);
        sink.add(word.span, message).fixes.push(fix);
    }
}

pub(super) const COPY_BEFORE_DEPENDENCIES: Check = Check {
    rule: Rule {
        id: "SL4007",
        name: "copy-before-dependencies",
        level: Level::Warning,
        aliases: &[],
        why: "each change to any file installs all dependencies again",
        fix: "copy the list of dependencies first, install them, and copy the rest after that",
        since: "0.1.0",
        bad: "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install --no-cache-dir -r requirements.txt\n",
        good: "FROM python:3.13-slim\nWORKDIR /app\nCOPY requirements.txt ./\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\n",
        references: &["https://docs.docker.com/build/cache/optimize/"],
    },
    run: copy_before_dependencies,
};

fn copy_before_dependencies(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for instruction in stage.stage.instructions {
            let Some(word) = copies_context(instruction) else { continue };
            let after =
                stage.runs.iter().filter(|run| run.instruction.span.start > instruction.span.start);
            let install =
                after.flat_map(|run| &run.commands).find(|command| installs_dependencies(command));
            if let Some(install) = install {
                let finding = sink
                    .add(word.span, "everything is copied before the dependencies are installed");
                finding.related.push((install.span(), "installed here".to_owned()));
                finding.fixes.extend(dependencies_first(view, stage, instruction, install));
            } else if view.last().is_some_and(|last| last.stage.index == stage.stage.index) {
                never_installed(view, stage, instruction, word, sink);
            }
        }
    }
}

/// The list of dependencies is copied and installed before everything else: if the step does nothing else, and none
/// stands between it and the copy.
fn dependencies_first(
    view: &View<'_>,
    stage: &StageView<'_>,
    copy: &Instruction,
    install: &Command,
) -> Option<Fix> {
    let run = stage.runs.iter().find(|run| run.commands.iter().any(|other| other == install))?;
    let folder = stage
        .stage
        .instructions
        .iter()
        .take_while(|other| other.span.start < copy.span.start)
        .filter_map(|other| match &other.kind {
            InstructionKind::Workdir(folder) => Some(folder.trim_end_matches('/')),
            _ => None,
        })
        .last()?;
    let InstructionKind::Copy(copied) = &copy.kind else { return None };
    let destination = copied.destination.trim_end_matches('/');
    let between = stage.stage.instructions.iter().filter(|other| {
        other.span.start > copy.span.start && other.span.start < run.instruction.span.start
    });
    let is_quiet = between.into_iter().all(|other| {
        matches!(
            other.kind,
            InstructionKind::Env(_)
                | InstructionKind::Expose(_)
                | InstructionKind::Label(_)
                | InstructionKind::User(_)
        )
    });
    let is_plain = (matches!(destination, "." | "") || destination == folder)
        && copied.sources.len() == 1
        && run.instruction.heredocs.is_empty()
        && run.commands.iter().all(|other| installs_dependencies(other) || tidies(other));
    let lists = dependency_lists(view, install)?;
    if !is_quiet || !is_plain {
        return None;
    }
    let owner = copied.chown.as_ref().map(|owner| format!("--chown={owner} ")).unwrap_or_default();
    let step = run.instruction.span.text(&view.file.source);
    // Escapes of a step that spans lines stay as they are.
    let lines = format!("COPY {owner}{} ./\n{}", lists.join(" "), step.replace("\r\n", "\n"));
    let edits = vec![
        edit::insert_before(view.file, copy, &lines),
        edit::delete_instruction(view.file, run.instruction),
    ];
    Some(Fix::new(Tier::Suggested, "install the dependencies before the rest is copied", edits))
}

/// Languages whose programs have dependencies: what starts one, its list, and how that is installed.
const INTERPRETERS: [(&str, &str, &str); 4] = [
    ("python", "requirements.txt", "pip install --no-cache-dir -r requirements.txt"),
    ("python3", "requirements.txt", "pip install --no-cache-dir -r requirements.txt"),
    ("node", "package-lock.json", "npm ci"),
    ("npm", "package-lock.json", "npm ci"),
];

/// The whole application is copied at once, and no step installs what it depends on.
fn never_installed(
    view: &View<'_>,
    stage: &StageView<'_>,
    copy: &Instruction,
    word: &Word,
    sink: &mut Sink,
) {
    let started = view.history(stage.stage.index).find_map(|instruction| match &instruction.kind {
        InstructionKind::Cmd(Form::Exec(words))
        | InstructionKind::Entrypoint(Form::Exec(words)) => words.first(),
        _ => None,
    });
    let language =
        started.and_then(|word| INTERPRETERS.iter().find(|(name, ..)| word.as_str() == *name));
    let Some((name, list, install)) = language else { return };
    let has_list = view.context.context_files.is_some_and(|it| it.iter().any(|file| file == list));
    let copies_others = view.instructions().any(|instruction| match &instruction.kind {
        InstructionKind::Copy(copy) => copy.from.is_some(),
        _ => false,
    });
    let installs = view.runs().flat_map(|run| &run.commands).any(|command| {
        installs_dependencies(command)
            || call(command).is_some_and(|call| call.installs())
                && matches!(command.name(), "pip" | "pip3" | "uv" | "npm" | "python" | "python3")
    });
    if installs || copies_others {
        return;
    }
    let message =
        format!("everything is copied at once, and nothing installs what `{name}` needs before it");
    let finding = sink.add(word.span, message);
    finding.level = if has_list { finding.level } else { Level::Info };
    let is_at_home = stage.base.as_ref().is_some_and(|base| {
        matches!(
            (*name, base.short_name()),
            ("python" | "python3", "python") | ("node" | "npm", "node")
        )
    });
    if has_list && is_at_home {
        let lists =
            if *list == "package-lock.json" { "package.json package-lock.json" } else { list };
        let lines = format!("COPY {lists} ./\nRUN {install}");
        let edit = edit::insert_before(view.file, copy, &lines);
        finding.fixes.push(Fix::new(
            Tier::Suggested,
            format!("copy `{list}` first, and install what it names"),
            vec![edit],
        ));
    }
}

/// Commands beside an installation that need nothing of the project.
fn tidies(command: &Command) -> bool {
    let first = command.arguments().first().map_or("", Word::as_str);
    match command.name() {
        "rm" => command.arguments().iter().all(|word| word.starts_with(['-', '/'])),
        "npm" | "yarn" | "pip" | "pip3" => first == "cache",
        _ => false,
    }
}

/// The files that name the dependencies; nothing if one does not know which there are.
fn dependency_lists(view: &View<'_>, install: &Command) -> Option<Vec<String>> {
    let exists = |name: &str| {
        view.context.context_files.is_none_or(|files| files.iter().any(|file| file == name))
    };
    let known = view.context.context_files.is_some();
    let first = install.arguments().first().map_or("", Word::as_str);
    let named = |needed: &str, more: &[&str]| {
        let more = more.iter().filter(|name| known && exists(name));
        exists(needed).then(|| {
            std::iter::once(needed).chain(more.copied()).map(str::to_owned).collect::<Vec<_>>()
        })
    };
    if let Some(call) = call(install) {
        return match call.manager {
            Manager::Pip if call.operands.is_empty() => {
                let words = install.arguments();
                let at =
                    words.iter().position(|it| matches!(it.as_str(), "-r" | "--requirement"))?;
                let list = words.get(at + 1).filter(|list| {
                    !list.contains(['/', '$', '*', '\'', '"']) && exists(list.as_str())
                })?;
                let only = words.iter().filter(|word| word.starts_with("-r")).count() == 1;
                only.then(|| vec![list.as_str().to_owned()])
            }
            Manager::Npm if known => {
                named("package.json", &["package-lock.json", "npm-shrinkwrap.json", ".npmrc"])
            }
            _ => None,
        };
    }
    match install.name() {
        "yarn" if known => named("package.json", &["yarn.lock"]),
        "bundle" if known => named("Gemfile", &["Gemfile.lock"]),
        "go" if first == "mod" => named("go.mod", &["go.sum"]).filter(|_| known),
        _ => None,
    }
}

/// Whether a command installs what a project's own list names.
fn installs_dependencies(command: &Command) -> bool {
    let first = command.arguments().first().map_or("", Word::as_str);
    let second = command.arguments().get(1).map_or("", Word::as_str);
    if let Some(call) = call(command) {
        return match call.manager {
            Manager::Pip => call.installs() && command.flag(Some('r'), "requirement").is_some(),
            Manager::Npm => matches!(first, "ci" | "install" | "i") && call.operands.is_empty(),
            _ => false,
        };
    }
    match command.name() {
        "yarn" => matches!(first, "" | "install"),
        "bundle" | "composer" | "poetry" | "pipenv" => first == "install",
        "go" => (first, second) == ("mod", "download"),
        "uv" => first == "sync",
        "cargo" => first == "fetch",
        "mvn" => first.starts_with("dependency:"),
        _ => false,
    }
}
