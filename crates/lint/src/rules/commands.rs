//! `CMD`, `ENTRYPOINT`, `HEALTHCHECK` and the form of commands.

use sealift_diagnostic::{Edit, Fix, Level, Rule, Tier};
use sealift_dockerfile::{Command, Instruction, InstructionKind, Keyword, Source, Text, Word};

use crate::{Check, base::Family, edit, rule::Sink, shell, view::View};

pub(super) const SEVERAL_COMMANDS: Check = Check {
    rule: Rule {
        id: "SL3004",
        name: "several-commands",
        level: Level::Warning,
        aliases: &[
            "DL4003",
            "DL4004",
            "DL3012",
            "DS-0007",
            "DS-0016",
            "DS-0023",
            "MultipleInstructionsDisallowed",
        ],
        why: "only the last one in a stage counts",
        fix: "remove the earlier one",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nCMD [\"a\"]\nCMD [\"b\"]\n",
        good: "FROM alpine:3.22\nCMD [\"b\"]\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/multiple-instructions-disallowed/",
            "https://github.com/hadolint/hadolint/wiki/DL4003",
            "https://github.com/hadolint/hadolint/wiki/DL4004",
            "https://github.com/hadolint/hadolint/wiki/DL3012",
        ],
    },
    run: several_commands,
};

fn several_commands(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        for keyword in [Keyword::Cmd, Keyword::Entrypoint, Keyword::Healthcheck] {
            let same: Vec<&Instruction> =
                stage.stage.instructions.iter().filter(|it| it.keyword == Some(keyword)).collect();
            let Some((last, earlier)) = same.split_last() else { continue };
            for instruction in earlier {
                let message = format!("this `{}` has no effect", keyword.as_str());
                let finding = sink.add(instruction.span, message);
                finding.related.push((last.keyword_span, "this one counts".to_owned()));
                let edit = edit::delete_instruction(view.file, instruction);
                let title = format!("remove this `{}`", keyword.as_str());
                finding.fixes.push(Fix::new(Tier::Safe, title, vec![edit]));
            }
        }
    }
}

pub(super) const SHELL_FORM: Check = Check {
    rule: Rule {
        id: "SL3007",
        name: "shell-form",
        level: Level::Warning,
        aliases: &["DL3025", "JSONArgsRecommended"],
        why: "a shell stands between the container and the program and does not pass signals on, so that it is killed \
              instead of stopped",
        fix: "write a JSON array: `CMD [\"program\", \"argument\"]`",
        since: "0.1.0",
        bad: "FROM node:24\nCMD node app.js\n",
        good: "FROM node:24\nCMD [\"node\", \"app.js\"]\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/json-args-recommended/",
            "https://github.com/hadolint/hadolint/wiki/DL3025",
        ],
    },
    run: shell_form,
};

fn shell_form(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let parent = stage.parent.map(|parent| view.history(parent));
        // Who chooses the shell wants one.
        let mut is_chosen = parent.is_some_and(|mut it| it.any(sets_shell));
        for instruction in stage.stage.instructions {
            is_chosen |= sets_shell(instruction);
            let trigger = match &instruction.kind {
                InstructionKind::Onbuild(onbuild) => onbuild.instruction.as_ref(),
                _ => instruction,
            };
            let (InstructionKind::Cmd(Command::Shell(line))
            | InstructionKind::Entrypoint(Command::Shell(line))) = &trigger.kind
            else {
                continue;
            };
            // `exec` as the first word replaces the shell.
            if is_chosen || looks_like_array(line) || line.starts_with("exec ") {
                continue;
            }
            let keyword = trigger.keyword.map_or("", Keyword::as_str);
            let finding = sink.add(line.full_span(), format!("`{keyword}` is in shell form"));
            finding.fixes.extend(array(line));
        }
    }
}

fn sets_shell(instruction: &Instruction) -> bool {
    matches!(instruction.kind, InstructionKind::Shell(_))
}

/// The array of a command in which a shell has nothing to do.
fn array(line: &Text) -> Option<Fix> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || " \t-_./:,@%+=".contains(it);
    let first = line.split_whitespace().next()?;
    if !line.chars().all(is_plain) || first.contains('=') || shell::is_builtin(first) {
        return None;
    }
    let words: Vec<String> = line.split_whitespace().map(|word| format!("\"{word}\"")).collect();
    let edit = Edit::replace(line.full_span(), format!("[{}]", words.join(", ")));
    Some(Fix::new(Tier::Suggested, "write a JSON array", vec![edit]))
}

pub(super) const MALFORMED_ARRAY: Check = Check {
    rule: Rule {
        id: "SL3008",
        name: "malformed-array",
        level: Level::Error,
        aliases: &["JSONArgsRecommended"],
        why: "what is no valid JSON is given to the shell as it stands, brackets and quotes included",
        fix: "use double quotes around each argument, commas between them and none at the end",
        since: "0.1.0",
        bad: "FROM node:24\nCMD ['node', 'app.js']\n",
        good: "FROM node:24\nCMD [\"node\", \"app.js\"]\n",
        references: &["https://docs.docker.com/reference/build-checks/json-args-recommended/"],
    },
    run: malformed_array,
};

fn malformed_array(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        let line = match &instruction.kind {
            InstructionKind::Run(run) => &run.command,
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => command,
            InstructionKind::Healthcheck(check) => match &check.test {
                Some(command) => command,
                None => continue,
            },
            InstructionKind::Copy(copy) | InstructionKind::Add(copy) if !copy.exec_form => {
                if let Some(Source::Path(first)) = copy.sources.first()
                    && looks_like_array(&format!("{first}{}", copy.destination))
                {
                    sink.add(
                        first.span.join(copy.destination.span),
                        "this is meant as an array, but it is no JSON",
                    );
                }
                continue;
            }
            _ => continue,
        };
        if let Command::Shell(line) = line
            && looks_like_array(line)
        {
            let finding =
                sink.add(line.full_span(), "this is meant as an array, but it is no JSON");
            finding.fixes.extend(double_quoted(line));
        }
    }
}

/// The array that was meant: with double quotes, and without a comma at its end.
fn double_quoted(line: &Text) -> Option<Fix> {
    let text = line.trim();
    if text.contains(['"', '\\', '`', '“', '‘']) || !text.matches('\'').count().is_multiple_of(2)
    {
        return None;
    }
    let inside = text.strip_prefix('[')?.strip_suffix(']')?.trim().trim_end_matches(',').trim_end();
    let words: Option<Vec<&str>> =
        inside.split(',').map(|word| word.trim().strip_prefix('\'')?.strip_suffix('\'')).collect();
    let words: Vec<String> = words?.into_iter().map(|word| format!("\"{word}\"")).collect();
    if words.iter().any(|word| word.contains('\'')) {
        return None;
    }
    let edit = Edit::replace(line.full_span(), format!("[{}]", words.join(", ")));
    Some(Fix::new(Tier::Suggested, "write a JSON array", vec![edit]))
}

/// `['a', 'b']`, `["a",]`: brackets around quotes; `[ -d x ]` is the shell's own.
fn looks_like_array(text: &str) -> bool {
    let Some(inner) = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return false;
    };
    inner.trim_start().starts_with(['"', '\'', '“', '‘'])
}

pub(super) const PROGRAM_NOT_INSTALLED: Check = Check {
    rule: Rule {
        id: "SL3009",
        name: "program-not-installed",
        level: Level::Error,
        aliases: &[],
        why: "the container stops at once: the base image does not have the program, and no step installs it",
        fix: "install it, or use a base image that has it",
        since: "0.1.0",
        bad: "FROM debian:13\nCMD [\"python\", \"app.py\"]\n",
        good: "FROM python:3.13-slim\nCMD [\"python\", \"app.py\"]\n",
        references: &[],
    },
    run: program_not_installed,
};

/// Programs that the plain images of distributions do not have; what in a step tells that it is installed; an image
/// that has it.
const PROGRAMS: &[(&str, &[&str], &str)] = &[
    (
        "python",
        &["python", "python-is-python3", "python2", "python-dev-is-python3"],
        "python:3.13-slim",
    ),
    ("python3", &["python", "python3"], "python:3.13-slim"),
    ("node", &["node", "nodejs", "nvm", "n", "fnm", "volta"], "node:24-slim"),
    ("npm", &["npm", "nodejs", "nvm", "fnm", "volta"], "node:24-slim"),
    (
        "java",
        &["java", "jdk", "jre", "default-jre", "default-jdk", "sdk"],
        "eclipse-temurin:21-jre",
    ),
    ("ruby", &["ruby", "rbenv", "rvm"], "ruby:3.4-slim"),
    ("php", &["php", "php-cli", "php-fpm"], "php:8.4-cli"),
    ("go", &["go", "golang", "golang-go"], "golang:1.25"),
    ("nginx", &["nginx"], "nginx:1.29"),
    ("dotnet", &["dotnet"], "mcr.microsoft.com/dotnet/aspnet:10.0"),
    ("gunicorn", &["gunicorn", "pip", "pip3", "uv", "poetry"], "python:3.13-slim"),
    ("uvicorn", &["uvicorn", "pip", "pip3", "uv", "poetry"], "python:3.13-slim"),
    ("flask", &["flask", "pip", "pip3", "uv", "poetry"], "python:3.13-slim"),
];

fn program_not_installed(view: &View<'_>, sink: &mut Sink) {
    let Some(last) = view.last() else { return };
    let index = last.stage.index;
    let Some(base) = view.base(index) else { return };
    let Some(word) = program(view, index) else { return };
    match view.context.packages.and_then(|packages| packages.program(&base.text, &word)) {
        Some(true) => return,
        Some(false) if !view.history(index).any(|it| may_bring(it, &word)) => {
            let text = format!("neither `{}` nor a step has the program `{word}`", base.text);
            sink.add(word.span, text);
            return;
        }
        _ if matches!(base.family(), Family::Debian | Family::Ubuntu | Family::Alpine) => {}
        _ => return,
    }
    let Some((name, evidence, image)) = PROGRAMS.iter().find(|(name, ..)| *name == word.as_str())
    else {
        return;
    };
    if view.history(index).any(|instruction| may_install(instruction, evidence)) {
        return;
    }
    let has_python3 = view.history(index).any(|it| mentions(&it.raw, &["python3"]));
    let finding = sink.add(word.span, format!("nothing installs `{name}` on `{}`", base.text));
    finding.help = Some(match *name {
        "python" if has_python3 => "start `python3`, or install `python-is-python3` too".into(),
        "python" => format!(
            "use a base image that has it, such as `{image}`, or install `python3` and start that"
        )
        .into(),
        _ => format!("use a base image that has it, such as `{image}`, or install it").into(),
    });
    if !has_python3 {
        finding.fixes.extend(other_base(view, index, image));
    }
}

/// The stage at the bottom starts from an image that has the program.
fn other_base(view: &View<'_>, index: usize, image: &str) -> Option<Fix> {
    let bottom = view.lineage(index).last()?;
    let (from, base) = (bottom.stage.from?, bottom.base.as_ref()?);
    let image = match base.family() {
        // Its packages are others.
        Family::Alpine => format!("{}-alpine", image.strip_suffix("-slim")?),
        _ => image.to_owned(),
    };
    let edit = (from.image.as_str() == base.text)
        .then(|| edit::rewrite(view.file, &from.image, image.as_str()))??;
    Some(Fix::new(
        Tier::Suggested,
        format!("start from `{image}`, which has the program"),
        vec![edit],
    ))
}

/// Whether an instruction could bring any program: a step that runs something, or a copy to where programs are.
fn may_bring(instruction: &Instruction, name: &str) -> bool {
    match &instruction.kind {
        InstructionKind::Run(_) => true,
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
            copy.destination.contains("bin")
                || matches!(
                    copy.destination.as_str(),
                    "/" | "/usr" | "/usr/" | "/usr/local" | "/usr/local/"
                )
                || instruction.raw.contains(name)
        }
        InstructionKind::Env(pairs) => pairs.pairs.iter().any(|pair| pair.key.as_str() == "PATH"),
        _ => false,
    }
}

/// The program that the container starts: of the last `ENTRYPOINT`, else of the last `CMD`.
fn program(view: &View<'_>, index: usize) -> Option<Word> {
    let last = |keyword: Keyword| view.history(index).find(|it| it.keyword == Some(keyword));
    let instruction = last(Keyword::Entrypoint).or_else(|| last(Keyword::Cmd))?;
    let (InstructionKind::Entrypoint(command) | InstructionKind::Cmd(command)) = &instruction.kind
    else {
        return None;
    };
    match command {
        Command::Exec(words) => words.first().cloned(),
        Command::Shell(line) => {
            let commands = shell::split(line, &|range| line.span(range));
            commands.first()?.words.first().cloned()
        }
    }
}

/// Whether a step may bring a program along: when in doubt it does.
fn may_install(instruction: &Instruction, evidence: &[&str]) -> bool {
    match &instruction.kind {
        InstructionKind::Run(_) => {
            const INSTALLERS: [&str; 14] = [
                "make",
                "conda",
                "mamba",
                "micromamba",
                "pyenv",
                "asdf",
                "mise",
                "nix",
                "brew",
                "sh",
                "bash",
                "dpkg",
                "tar",
                "uv",
            ];
            let text = format!(
                "{} {}",
                instruction.raw,
                instruction
                    .heredocs
                    .iter()
                    .map(|heredoc| heredoc.body.as_str())
                    .collect::<String>()
            );
            mentions(&text, evidence) || mentions(&text, &INSTALLERS)
        }
        InstructionKind::Copy(copy) => {
            let destination = copy.destination.trim_matches(['"', '\'']);
            let system = ["/usr", "/bin", "/sbin", "/opt", "/lib"]
                .iter()
                .any(|it| destination.starts_with(it));
            copy.from.is_some() || system || destination == "/"
        }
        InstructionKind::Add(_) => true,
        InstructionKind::Env(pairs) => pairs.pairs.iter().any(|pair| pair.key.as_str() == "PATH"),
        _ => false,
    }
}

/// Whether a text has one of the words, a version at its end not counted: `openjdk-21-jre` has `jre`.
fn mentions(text: &str, words: &[&str]) -> bool {
    let is_border = |c: char| {
        c.is_whitespace() || matches!(c, '/' | ';' | '=' | '"' | '\'' | '&' | '|' | '(' | ')')
    };
    text.split(is_border).any(|token| {
        words.iter().any(|word| {
            token == *word
                || token.split('-').any(|part| part == *word) && !token.starts_with("python3")
                || token.strip_prefix(word).is_some_and(|rest| {
                    *word != "python" && rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                })
        })
    })
}
