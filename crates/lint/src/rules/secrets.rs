//! Secrets in the text of the Dockerfile, in files that it copies, in passwords that it sets.

use std::collections::BTreeSet;

use sealift_diagnostic::{Diagnostic, Edit, Fix, Level, Rule, Span, Tier};
use sealift_dockerfile::{Instruction, InstructionKind, Word};
use sealift_model::Confidence;
use sealift_secrets::{Config, Scanner, Secret, can_be_secret, is_secret_name};

use super::context::{copies_context, ignored, ignoring};
use crate::{Check, edit, rule::Sink, shell, view::View};

/// Label of a finding whose source must not be shown.
pub const HIDDEN: &str = "the secret, not shown";

pub(super) const SECRET_IN_VARIABLE: Check = Check {
    rule: Rule {
        id: "SL1001",
        name: "secret-in-variable",
        level: Level::Error,
        aliases: &["DL3064", "SecretsUsedInArgOrEnv", "DS-0031", "CIS-DI-0010", "CIS-4.10"],
        why: "variables and build arguments are stored in the image and its history, for everyone who can pull it",
        fix: "remove it, and rotate the secret if it was ever real: it stays in old images and in the repository's history; \
              at run time pass it with `--env-file` or a mounted file, in a build with `RUN --mount=type=secret,id=…`",
        since: "0.1.0",
        bad: "FROM debian:12\nENV API_KEY=correct-horse-battery\n",
        good: "FROM debian:12\nRUN --mount=type=secret,id=api_key,env=API_KEY ./fetch\n",
        references: &[
            "CIS Docker Benchmark 4.10",
            "https://docs.docker.com/build/building/secrets/",
            "CWE-798",
        ],
    },
    run: secret_in_variable,
};

fn secret_in_variable(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        match &instruction.kind {
            InstructionKind::Env(pairs) => {
                for pair in &pairs.pairs {
                    if is_secret_name(&pair.key) && can_be_secret(&pair.value) {
                        let message = format!("variable `{}` holds a secret", pair.key);
                        let finding = sink.add(pair.value.span, message);
                        finding.label = Some(HIDDEN.to_owned());
                        finding.fixes.extend(without_variable(view, instruction, &pair.key));
                    }
                }
            }
            InstructionKind::Arg(arguments) => {
                for argument in arguments.iter().filter(|it| is_secret_name(&it.name)) {
                    match &argument.value {
                        Some(value) if can_be_secret(value) => {
                            let message =
                                format!("build argument `{}` holds a secret", argument.name);
                            let finding = sink.add(value.span, message);
                            finding.label = Some(HIDDEN.to_owned());
                            finding.fixes.extend(without_variable(
                                view,
                                instruction,
                                &argument.name,
                            ));
                        }
                        Some(value) if !value.trim_matches(['"', '\'']).is_empty() => {}
                        _ => {
                            let message =
                                format!("build argument `{}` is made for a secret", argument.name);
                            let finding = sink.add(argument.name.span, message);
                            finding.fixes.extend(without_variable(
                                view,
                                instruction,
                                &argument.name,
                            ));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    for command in view.commands() {
        let exported =
            if matches!(command.name(), "export" | "declare") { command.arguments() } else { &[] };
        for word in command.assignments.iter().chain(exported) {
            let Some((name, value)) = word.split_once('=') else { continue };
            let literal = !value.contains(['$', '`']);
            if literal && is_secret_name(name) && can_be_secret(value) {
                let message = format!("variable `{name}` holds a secret");
                sink.add(word.span, message).label = Some(HIDDEN.to_owned());
            }
        }
    }
}

pub(super) const SECRET_VALUE: Check = Check {
    rule: Rule {
        id: "SL1002",
        name: "secret-value",
        level: Level::Error,
        aliases: &["DS-0031", "CIS-4.10"],
        why: "its form is that of a real secret; whoever has the image or the repository can use it",
        fix: "rotate it now: removing it here does not take it out of old images and the repository's history; \
              then pass the new one at run time, or to a build with `RUN --mount=type=secret,id=…`",
        since: "0.1.0",
        bad: "FROM debian:12\nLABEL contact=AKIAQ3EGRZ5J7KL2MN4P\n",
        good: "FROM debian:12\nLABEL contact=ops@example.com\n",
        references: &["https://docs.docker.com/build/building/secrets/", "CWE-798"],
    },
    run: secret_value,
};

fn secret_value(view: &View<'_>, sink: &mut Sink) {
    for instruction in &view.file.instructions {
        for found in find_secrets(&instruction.line) {
            let span = instruction.line.span(found.range);
            let name = variable_around(instruction, span);
            let fix = name.and_then(|name| without_variable(view, instruction, name));
            report(sink, &found.title, span).fixes.extend(fix);
        }
        for heredoc in &instruction.heredocs {
            let start = heredoc.body_span.start;
            for found in find_secrets(&heredoc.body) {
                let span = Span::new(start + found.range.start, start + found.range.end);
                report(sink, &found.title, span);
            }
        }
    }
}

// What only looks like one and has no name is left to the rule on variables, which knows names.
pub(crate) fn find_secrets(text: &str) -> Vec<Secret> {
    let config = Config { confidence_min: Confidence::Medium, ..Config::default() };
    Scanner::new(config).scan("Dockerfile", text.as_bytes()).secrets
}

fn report<'s>(sink: &'s mut Sink, what: &str, span: Span) -> &'s mut Diagnostic {
    let finding = sink.add(span, format!("this is a secret: {what}"));
    finding.label = Some(HIDDEN.to_owned());
    finding
}

/// The name of the variable or argument whose value has a span.
fn variable_around(instruction: &Instruction, span: Span) -> Option<&Word> {
    let has = |value: &Word| value.span.start <= span.start && span.end <= value.span.end;
    match &instruction.kind {
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            pairs.pairs.iter().find(|pair| has(&pair.value)).map(|pair| &pair.key)
        }
        InstructionKind::Arg(arguments) => {
            let found = arguments.iter().find(|argument| argument.value.as_ref().is_some_and(has));
            found.map(|argument| &argument.name)
        }
        _ => None,
    }
}

/// Most instructions of a file in which secrets are mended: for each of them the whole file is read.
const INSTRUCTIONS_MAX: usize = 1000;

/// The file without a variable; steps that use it get it as a secret of the build. Nothing if another instruction
/// needs it.
fn without_variable(view: &View<'_>, instruction: &Instruction, name: &Word) -> Option<Fix> {
    if view.file.instructions.len() > INSTRUCTIONS_MAX {
        return None;
    }
    let (names, spans): (Vec<&Word>, Vec<Span>) = match &instruction.kind {
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            pairs.pairs.iter().map(|pair| (&pair.key, pair.key.span.join(pair.value.span))).unzip()
        }
        InstructionKind::Arg(arguments) => arguments
            .iter()
            .map(|argument| {
                let end = argument.value.as_ref().map_or(argument.name.span, |value| value.span);
                (&argument.name, argument.name.span.join(end))
            })
            .unzip(),
        _ => return None,
    };
    let index = names.iter().position(|other| other.span == name.span)?;
    // A trigger of `ONBUILD` stands inside another instruction.
    let is_own = view.file.instructions.iter().any(|other| other.span == instruction.span);
    if !is_own {
        return None;
    }
    let mut edits = vec![edit::remove_item(view.file, instruction, &spans, index)?];
    let is_label = matches!(instruction.kind, InstructionKind::Label(_));
    for other in view.file.instructions.iter().filter(|other| other.span != instruction.span) {
        let uses = !is_label && uses_variable(other, name);
        match &other.kind {
            InstructionKind::Run(_) if uses => {
                let id = name.to_ascii_lowercase();
                let mount = format!(" --mount=type=secret,id={id},env={name}");
                edits.push(Edit::insert(other.keyword_span.end, mount));
            }
            _ if uses => return None,
            _ => {}
        }
    }
    let title = if edits.len() == 1 {
        format!("remove `{name}`; give it to the container at run time, and rotate the secret")
    } else {
        format!("mount `{name}` as a secret where it is used, and rotate the secret")
    };
    Some(Fix::new(Tier::Suggested, title, edits))
}

/// Whether `$NAME` or `${NAME…}` stands in an instruction.
fn uses_variable(instruction: &Instruction, name: &str) -> bool {
    let has = |text: &str| {
        text.match_indices(name).any(|(at, _)| {
            let before = &text[..at];
            let after = text[at + name.len()..].chars().next();
            (before.ends_with('$') || before.ends_with("${"))
                && !after.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
        })
    };
    // A declaration without a value takes the one that is declared above.
    let declares = match &instruction.kind {
        InstructionKind::Arg(arguments) => arguments.iter().any(|it| it.name.as_str() == name),
        _ => false,
    };
    declares || has(&instruction.raw) || instruction.heredocs.iter().any(|it| has(&it.body))
}

pub(super) const SECRET_FILE: Check = Check {
    rule: Rule {
        id: "SL1003",
        name: "secret-file",
        level: Level::Error,
        aliases: &["DS-0031", "CIS-DI-0010"],
        why: "a file that was copied stays in its layer, even when a later layer deletes it",
        fix: "list the file in `.dockerignore`; when a build needs it, mount it with `RUN --mount=type=secret,id=…`",
        since: "0.1.0",
        bad: "FROM debian:12\nCOPY id_rsa /root/.ssh/id_rsa\n",
        good: "FROM debian:12\nRUN --mount=type=ssh git clone git@example.com:team/app.git\n",
        references: &[
            "https://docs.docker.com/build/concepts/context/#dockerignore-files",
            "CWE-538",
        ],
    },
    run: secret_file,
};

/// Most file names that one message lists.
const NAMES_MAX: usize = 3;

fn secret_file(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        let (InstructionKind::Copy(copy) | InstructionKind::Add(copy)) = &instruction.kind else {
            continue;
        };
        if copy.from.is_some() {
            continue;
        }
        for word in copy.paths().filter(|word| is_secret_file(word)) {
            sink.add(word.span, format!("`{word}` is a file that holds secrets"));
        }
        let Some(source) = copies_context(instruction) else { continue };
        let files = view.context.context_files.unwrap_or_default();
        let excluded = ignored(view);
        let found: Vec<&String> =
            files.iter().filter(|file| is_secret_file(file) && !excluded(file)).collect();
        if let Some(first) = found.first() {
            let listed: Vec<String> =
                found.iter().take(NAMES_MAX).map(|file| format!("`{file}`")).collect();
            let more = found.len().saturating_sub(NAMES_MAX);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            let finding = sink.add(
                source.span,
                format!("this copies files that hold secrets: {}{rest}", listed.join(", ")),
            );
            finding.help = Some(
                format!("add `{first}` to `.dockerignore`, with all files of its kind").into(),
            );
            let patterns: BTreeSet<String> = found.iter().map(|file| pattern(file)).collect();
            let file = ignoring(view, &patterns.iter().map(String::as_str).collect::<Vec<_>>());
            let mut fix = Fix::new(Tier::Suggested, "leave the files out of the context", vec![]);
            fix.file = Some(file);
            finding.fixes.push(fix);
        }
    }
}

/// The pattern for files of this name in any folder.
fn pattern(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    // These letters mean something in a pattern.
    let escaped = |letter: char| matches!(letter, '*' | '?' | '[' | '\\' | '!' | '#');
    let name: String =
        name.chars().flat_map(|c| escaped(c).then_some('\\').into_iter().chain([c])).collect();
    format!("**/{name}")
}

/// Whether a file of this path usually holds secrets.
pub(super) fn is_secret_file(path: &str) -> bool {
    let path = path.trim_matches(['"', '\'']).trim_end_matches('/').to_ascii_lowercase();
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or("");
    let folder = parts.next().unwrap_or("");
    const NAMES: [&str; 17] = [
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        ".npmrc",
        ".pypirc",
        ".netrc",
        ".git-credentials",
        ".dockercfg",
        ".htpasswd",
        ".aws",
        ".ssh",
        ".gnupg",
        "credentials.json",
        "privkey.pem",
        "key.pem",
        ".pgpass",
    ];
    const ENDINGS: [&str; 9] =
        [".key", ".pfx", ".p12", ".jks", ".keystore", ".kdbx", "-key.pem", ".ovpn", "_key.pem"];
    let sample = ["example", "sample", "template", "dist", "defaults", "test"]
        .iter()
        .any(|word| name.ends_with(word));
    let environment =
        name == ".env" || name.starts_with(".env.") || name.ends_with(".env") && name.len() > 4;
    let public = name.contains("public") || name.contains("pub.");
    NAMES.contains(&name)
        || environment && !sample
        || ENDINGS.iter().any(|ending| name.ends_with(ending)) && !public
        || name.starts_with("service-account") && name.ends_with(".json")
        || matches!(
            (folder, name),
            (".docker", "config.json") | (".kube", "config") | (".aws", "credentials")
        )
}

pub(super) const LITERAL_PASSWORD: Check = Check {
    rule: Rule {
        id: "SL1014",
        name: "literal-password",
        level: Level::Error,
        aliases: &["CKV2_DOCKER_17", "DKL-LI-0001"],
        why: "every container of the image has the same password, and the history shows it",
        fix: "give the account no password: a container needs no login",
        since: "0.1.0",
        bad: "FROM debian:12\nRUN echo 'root:letmein' | chpasswd\n",
        good: "FROM debian:12\nRUN passwd -l root\n",
        references: &["CWE-798"],
    },
    run: literal_password,
};

fn literal_password(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        for (index, command) in run.commands.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|index| run.commands.get(index));
            let fed = command.piped && matches!(command.name(), "chpasswd" | "passwd");
            if let Some(echo) = before.filter(|it| fed && matches!(it.name(), "echo" | "printf"))
                && let Some(text) = echo.arguments().iter().rfind(|word| is_literal(word))
            {
                let message = format!("`{}` sets a password that is written here", command.name());
                sink.add(text.span, message).label = Some(HIDDEN.to_owned());
            }
            if let Some(password) = password_argument(command) {
                let message = format!("`{}` sets a password that is written here", command.name());
                sink.add(password.span, message).label = Some(HIDDEN.to_owned());
            }
        }
    }
}

fn is_literal(word: &Word) -> bool {
    !word.contains(['$', '`']) && !word.starts_with('-') && !word.is_empty()
}

/// The value of `-p` of `useradd` and `usermod`.
fn password_argument(command: &shell::Command) -> Option<&Word> {
    if !matches!(command.name(), "useradd" | "usermod") {
        return None;
    }
    let flag =
        command.arguments().iter().position(|word| matches!(word.as_str(), "-p" | "--password"))?;
    command
        .arguments()
        .get(flag + 1)
        .filter(|word| is_literal(word) && !matches!(word.as_str(), "!" | "*"))
}
