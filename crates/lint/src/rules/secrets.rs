//! Secrets in the text of the Dockerfile, in files that it copies, in passwords that it sets.

use sealift_diagnostic::{Level, Rule, Span};
use sealift_dockerfile::{InstructionKind, Word};

use super::context::{copies_context, ignored};
use crate::{Check, rule::Sink, secret, shell, view::View};

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
        bad: "",
        good: "",
        references: &[],
    },
    run: secret_in_variable,
};

fn secret_in_variable(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        match &instruction.kind {
            InstructionKind::Env(pairs) => {
                for pair in &pairs.pairs {
                    if secret::is_secret_name(&pair.key) && secret::can_be_secret(&pair.value) {
                        let message = format!("variable `{}` holds a secret", pair.key);
                        sink.add(pair.value.span, message).label = Some(HIDDEN.to_owned());
                    }
                }
            }
            InstructionKind::Arg(arguments) => {
                for argument in arguments.iter().filter(|it| secret::is_secret_name(&it.name)) {
                    match &argument.value {
                        Some(value) if secret::can_be_secret(value) => {
                            let message =
                                format!("build argument `{}` holds a secret", argument.name);
                            sink.add(value.span, message).label = Some(HIDDEN.to_owned());
                        }
                        Some(value) if !value.trim_matches(['"', '\'']).is_empty() => {}
                        _ => {
                            let message =
                                format!("build argument `{}` is made for a secret", argument.name);
                            sink.add(argument.name.span, message);
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
            if literal && secret::is_secret_name(name) && secret::can_be_secret(value) {
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
        bad: "",
        good: "",
        references: &[],
    },
    run: secret_value,
};

fn secret_value(view: &View<'_>, sink: &mut Sink) {
    for instruction in &view.file.instructions {
        for found in secret::find(&instruction.line) {
            report(sink, found.what, instruction.line.span(found.range));
        }
        for heredoc in &instruction.heredocs {
            let start = heredoc.body_span.start;
            for found in secret::find(&heredoc.body) {
                report(
                    sink,
                    found.what,
                    Span::new(start + found.range.start, start + found.range.end),
                );
            }
        }
    }
}

fn report(sink: &mut Sink, what: &str, span: Span) {
    sink.add(span, format!("this is {what}")).label = Some(HIDDEN.to_owned());
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
        bad: "",
        good: "",
        references: &[],
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
            finding.help =
                Some(format!("add `{first}` to `.dockerignore`, with all files of its kind"));
        }
    }
}

/// Whether a file of this path usually holds secrets.
fn is_secret_file(path: &str) -> bool {
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
        bad: "",
        good: "",
        references: &[],
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
