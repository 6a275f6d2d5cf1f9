//! What comes from the network: scripts piped into a shell, unchecked files, checks switched off.

use sealift_diagnostic::{Edit, Fix, Level, Rule, Span, Tier};
use sealift_dockerfile::{
    Command as Form, Instruction, InstructionKind, Pair, Pairs, Source, Word,
};

use crate::{
    Check, edit,
    rule::Sink,
    shell::{self, Command},
    view::{RunView, View},
};

pub(super) const PIPE_TO_SHELL: Check = Check {
    rule: Rule {
        id: "SL1004",
        name: "pipe-to-shell",
        level: Level::Error,
        aliases: &[],
        why: "whoever controls the server or the way to it runs commands in the build, and each build may get others",
        fix: "fetch the script with `ADD --checksum=sha256:… URL /tmp/install.sh` and run that file",
        since: "0.1.0",
        bad: "FROM debian:12\nRUN curl -fsSL https://example.com/install.sh | sh\n",
        good: "FROM debian:12\nADD --checksum=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.com/install.sh /tmp/install.sh\nRUN sh /tmp/install.sh\n",
        references: &["CWE-494", "https://docs.docker.com/reference/dockerfile/#add---checksum"],
    },
    run: pipe_to_shell,
};

fn pipe_to_shell(view: &View<'_>, sink: &mut Sink) {
    for run in view.runs() {
        for (index, command) in run.commands.iter().enumerate() {
            if !runs_its_input(command) && !evaluates_download(command) {
                continue;
            }
            let source =
                if command.piped { downloader(&run.commands[..index], command) } else { None };
            let message = format!("`{}` runs what was just downloaded", command.name());
            if let Some(source) = source {
                let finding = sink.add(source.span().join(command.span()), message);
                finding.fixes.extend(fetch_first(view, run, source, command));
            } else if evaluates_download(command) {
                sink.add(command.span(), message);
            }
        }
        if let Some(span) = process_substitution(run) {
            sink.add(span, "the shell runs what was just downloaded");
        }
    }
}

/// The script is fetched by the builder, with a checksum that somebody who has read it must put in.
fn fetch_first(
    view: &View<'_>,
    run: &RunView<'_>,
    source: &Command,
    command: &Command,
) -> Option<Fix> {
    let mut urls = source.arguments().iter().filter(|word| is_url(word));
    let url = urls.next().filter(|url| urls.next().is_none() && !url.contains(['$', '`', ' ']))?;
    let is_own = view.file.instructions.iter().any(|it| it.span == run.instruction.span);
    if !is_own || source.nested || !run.instruction.heredocs.is_empty() {
        return None;
    }
    let flags =
        command.arguments().iter().filter(|word| !matches!(word.as_str(), "-" | "-s" | "--"));
    let words: Vec<&str> =
        [command.name(), "/tmp/install.sh"].into_iter().chain(flags.map(Word::as_str)).collect();
    let add = format!("ADD --checksum=sha256:CHECKSUM_OF_WHAT_YOU_READ {url} /tmp/install.sh");
    let edits = vec![
        edit::insert_before(view.file, run.instruction, &add),
        Edit::replace(source.span().join(command.span()), words.join(" ")),
    ];
    Some(Fix::new(Tier::Manual, "fetch the script with a checksum, then run it", edits))
}

fn is_downloader(command: &Command) -> bool {
    matches!(command.name(), "curl" | "wget" | "fetch" | "aria2c")
}

/// Whether a command executes its standard input.
fn runs_its_input(command: &Command) -> bool {
    let arguments = command.arguments();
    let name = command.name();
    if shell::is_shell(name) {
        return !arguments.iter().any(|word| word.starts_with('-') && word.contains('c'));
    }
    arguments.iter().all(|word| word.as_str() == "-")
        && ["python", "perl", "ruby", "node", "php"].iter().any(|it| name.starts_with(it))
}

/// The download at the start of the pipeline that `command` ends.
fn downloader<'a>(before: &'a [Command], command: &Command) -> Option<&'a Command> {
    for earlier in before.iter().rev().filter(|earlier| earlier.nested == command.nested) {
        if is_downloader(earlier) {
            return Some(earlier);
        }
        if !earlier.piped {
            return None;
        }
    }
    None
}

/// `sh -c "$(curl …)"` and `eval "$(curl …)"`.
fn evaluates_download(command: &Command) -> bool {
    let name = command.name();
    (shell::is_shell(name) || name == "eval")
        && command.arguments().iter().any(|word| {
            ["$(curl", "$(wget", "`curl", "`wget"].iter().any(|form| word.contains(form))
        })
}

/// `bash <(curl …)`.
fn process_substitution(run: &RunView<'_>) -> Option<Span> {
    let Form::Shell(line) = &run.run.command else { return None };
    let fed = run
        .commands
        .iter()
        .any(|command| shell::is_shell(command.name()) || matches!(command.name(), "source" | "."));
    let at = ["<(curl", "<(wget"].iter().filter(|_| fed).find_map(|form| line.find(form))?;
    Some(line.span(at..at + 6))
}

pub(super) const REMOTE_FILE_UNCHECKED: Check = Check {
    rule: Rule {
        id: "SL1005",
        name: "remote-file-unchecked",
        level: Level::Warning,
        aliases: &[],
        why: "the file can change on its server, and the build would not notice",
        fix: "add `--checksum=sha256:…` for a file, or the commit after `#` for a git repository",
        since: "0.1.0",
        bad: "FROM debian:12\nADD https://example.com/tool.tar.gz /opt/\n",
        good: "FROM debian:12\nADD --checksum=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.com/tool.tar.gz /opt/\n",
        references: &["CWE-494", "https://docs.docker.com/reference/dockerfile/#add---checksum"],
    },
    run: remote_file_unchecked,
};

fn remote_file_unchecked(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        let InstructionKind::Add(add) = &instruction.kind else { continue };
        if add.checksum.is_some() {
            continue;
        }
        for word in add.paths() {
            if is_git(word) {
                let commit = word.split_once('#').map_or("", |(_, rest)| rest);
                let commit = commit.split(':').next().unwrap_or("");
                if commit.len() < 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    sink.add(
                        word.span,
                        format!("git repository `{}` is not at a fixed commit", shown(word)),
                    );
                }
            } else if is_url(word) {
                let message = format!("`{}` is downloaded without a checksum", shown(word));
                let finding = sink.add(word.span, message);
                finding.fixes.extend(checksum(view, instruction, word));
            }
        }
    }
}

/// The checksum that the file has now, if somebody can say it.
fn checksum(view: &View<'_>, instruction: &Instruction, url: &Word) -> Option<Fix> {
    let resolver = view.context.resolver?;
    let is_asked =
        unchecked_files(view).any(|(known, _)| known.keyword_span == instruction.keyword_span);
    let sum = resolver.checksum(url.as_str()).filter(|_| is_asked)?;
    let edit = Edit::insert(instruction.keyword_span.end, format!(" --checksum={sum}"));
    let title = "pin the file to the bytes that it has now";
    Some(Fix::new(Tier::Suggested, title, vec![edit]))
}

/// Files that `ADD` downloads without a checksum, which a checksum could be given to: alone in their instruction, under
/// a URL that is whole and has no login.
pub(crate) fn unchecked_files<'v, 'a: 'v>(
    view: &'v View<'a>,
) -> impl Iterator<Item = (&'a Instruction, &'a str)> + 'v {
    view.instructions().filter_map(|instruction| {
        let InstructionKind::Add(add) = &instruction.kind else { return None };
        let ([Source::Path(url)], None) = (add.sources.as_slice(), &add.checksum) else {
            return None;
        };
        let is_http = url.starts_with("https://") || url.starts_with("http://");
        let is_plain = is_http && !is_git(url) && !url.contains(['$', '@', '"', '\\']);
        is_plain.then_some((instruction, url.as_str()))
    })
}

/// A URL without the login that may be in it.
fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host_end = rest.find('/').unwrap_or(rest.len());
    match rest[..host_end].rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => url.to_owned(),
    }
}

pub(super) fn is_url(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://") || word.starts_with("ftp://")
}

pub(super) fn is_git(word: &str) -> bool {
    let address = word.split('#').next().unwrap_or("");
    word.starts_with("git@")
        || word.starts_with("git://")
        || is_url(word) && address.ends_with(".git")
}

pub(super) const TLS_CHECK_OFF: Check = Check {
    rule: Rule {
        id: "SL1007",
        name: "tls-check-off",
        level: Level::Error,
        aliases: &[
            "CKV2_DOCKER_2",
            "CKV2_DOCKER_3",
            "CKV2_DOCKER_4",
            "CKV2_DOCKER_5",
            "CKV2_DOCKER_6",
            "CKV2_DOCKER_7",
            "CKV2_DOCKER_8",
            "CKV2_DOCKER_9",
            "CKV2_DOCKER_10",
            "CKV2_DOCKER_11",
            "CKV2_DOCKER_12",
            "CKV2_DOCKER_13",
            "CKV2_DOCKER_14",
            "CKV2_DOCKER_15",
            "CKV2_DOCKER_16",
        ],
        why: "without the check anyone on the way can replace what is downloaded",
        fix: "remove it; for a company's own authority give the build its certificates (`--ca-bundle`)",
        since: "0.1.0",
        bad: "FROM debian:12\nRUN curl -fsSLk -o /opt/tool https://example.com/tool\n",
        good: "FROM debian:12\nRUN curl -fsSL -o /opt/tool https://example.com/tool\n",
        references: &["CWE-295", "https://curl.se/docs/sslcerts.html"],
    },
    run: tls_check_off,
};

fn tls_check_off(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        let InstructionKind::Env(pairs) = &instruction.kind else { continue };
        for pair in &pairs.pairs {
            if is_unsafe_variable(&pair.key, &pair.value) {
                let message = format!("variable `{}` switches certificate checks off", pair.key);
                let finding = sink.add(pair.key.span.join(pair.value.span), message);
                finding.fixes.extend(without_pair(view, instruction, pairs, pair));
            }
        }
    }
    tls_check_off_in_steps(view, sink);
}

fn without_pair(
    view: &View<'_>,
    instruction: &Instruction,
    pairs: &Pairs,
    pair: &Pair,
) -> Option<Fix> {
    let spans: Vec<Span> =
        pairs.pairs.iter().map(|pair| pair.key.span.join(pair.value.span)).collect();
    let index = pairs.pairs.iter().position(|other| other == pair)?;
    let is_own = view.file.instructions.iter().any(|other| other.span == instruction.span);
    let edit = is_own.then(|| edit::remove_item(view.file, instruction, &spans, index))??;
    Some(Fix::new(Tier::Suggested, format!("remove `{}`", pair.key), vec![edit]))
}

fn tls_check_off_in_steps(view: &View<'_>, sink: &mut Sink) {
    for command in view.commands() {
        let exported = if command.name() == "export" { command.arguments() } else { &[] };
        for word in command.assignments.iter().chain(exported) {
            let Some((name, value)) = word.split_once('=') else { continue };
            if is_unsafe_variable(name, value) {
                let message = format!("variable `{name}` switches certificate checks off");
                let finding = sink.add(word.span, message);
                let next = command.words.first().filter(|next| next.span.start > word.span.end);
                let edit = next.and_then(|next| plain_cut(view, word.span, next.span));
                finding.fixes.extend(
                    edit.map(|edit| {
                        Fix::new(Tier::Suggested, format!("remove `{name}`"), vec![edit])
                    }),
                );
            }
        }
        if let Some(word) = unsafe_flag(command) {
            let message = format!("`{}` switches checks of `{}` off", word, command.name());
            let finding = sink.add(word.span, message);
            finding.fixes.extend(with_check(view, command, word));
        }
    }
}

/// Take a word away with what stands between it and the next one.
fn plain_cut(view: &View<'_>, word: Span, next: Span) -> Option<Edit> {
    let gap = view.file.source.get(word.end..next.start)?;
    let is_plain = gap.chars().all(|letter| letter.is_whitespace() || letter == view.file.escape);
    is_plain.then(|| Edit::delete(Span::new(word.start, next.start)))
}

/// The command with its check on again.
fn with_check(view: &View<'_>, command: &Command, word: &Word) -> Option<Fix> {
    let at = command.words.iter().position(|other| other == word)?;
    let before = command.words.get(at.checked_sub(1)?)?;
    let source = word.span.text(&view.file.source);
    let edits = if command.name() == "curl" && !word.starts_with("--") {
        let rest = word.replacen('k', "", 1);
        if rest == "-" {
            vec![edit::remove_word(view.file, before.span, word.span)?]
        } else {
            vec![edit::rewrite(view.file, word, rest)?]
        }
    } else if matches!(source, "false" | "true") {
        let other = if source == "false" { "true" } else { "false" };
        vec![edit::rewrite(view.file, word, other)?]
    } else if word.starts_with('-') && word.as_str() == source {
        let with_value = ["--trusted-host", "--allow-insecure-host"].contains(&word.as_str());
        let end = if with_value { command.words.get(at + 1)?.span } else { word.span };
        vec![edit::remove_word(view.file, before.span, word.span.join(end))?]
    } else if matches!(before.as_str(), "-o" | "-c" | "--option") {
        let first = command.words.get(at.checked_sub(2)?)?;
        vec![edit::remove_word(view.file, first.span, before.span.join(word.span))?]
    } else {
        return None;
    };
    Some(Fix::new(Tier::Suggested, format!("let `{}` check again", command.name()), edits))
}

/// Which values of a variable switch a check off.
#[derive(Clone, Copy)]
enum Unsafe {
    /// `0`, `false`, `no` and `off`.
    Off,
    /// All others, but no empty one.
    On,
    /// Any that is not empty.
    Any,
    /// Those with this in them.
    With(&'static str),
}

const UNSAFE_VARIABLES: [(&str, Unsafe); 20] = [
    ("NODE_TLS_REJECT_UNAUTHORIZED", Unsafe::Off),
    ("PYTHONHTTPSVERIFY", Unsafe::Off),
    ("NPM_CONFIG_STRICT_SSL", Unsafe::Off),
    ("YARN_ENABLE_STRICT_SSL", Unsafe::Off),
    ("CONDA_SSL_VERIFY", Unsafe::Off),
    ("PERL_LWP_SSL_VERIFY_HOSTNAME", Unsafe::Off),
    ("BUNDLE_SSL_VERIFY_MODE", Unsafe::Off),
    ("DOCKER_CONTENT_TRUST", Unsafe::Off),
    ("GOSUMDB", Unsafe::Off),
    ("GIT_SSL_NO_VERIFY", Unsafe::On),
    ("COMPOSER_DISABLE_TLS", Unsafe::On),
    ("VAULT_SKIP_VERIFY", Unsafe::On),
    ("GOINSECURE", Unsafe::Any),
    ("PIP_TRUSTED_HOST", Unsafe::Any),
    ("UV_INSECURE_HOST", Unsafe::Any),
    ("GONOSUMCHECK", Unsafe::With("-insecure")),
    ("GOFLAGS", Unsafe::With("-insecure")),
    ("MAVEN_OPTS", Unsafe::With("ssl.insecure=true")),
    ("JAVA_TOOL_OPTIONS", Unsafe::With("ssl.insecure=true")),
    ("GIT_SSH_COMMAND", Unsafe::With("stricthostkeychecking=no")),
];

fn is_unsafe_variable(name: &str, value: &str) -> bool {
    let known = UNSAFE_VARIABLES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let Some((_, which)) = known else { return false };
    let value = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    let off = matches!(value.as_str(), "0" | "false" | "no" | "off");
    match which {
        Unsafe::Off => off,
        Unsafe::On => !off && !value.is_empty(),
        Unsafe::Any => !value.is_empty(),
        Unsafe::With(text) => value.contains(text),
    }
}

fn unsafe_flag(command: &Command) -> Option<&Word> {
    let long = |names: &[&str]| names.iter().find_map(|name| command.flag(None, name));
    let setting = |text: &str| {
        command
            .arguments()
            .iter()
            .filter(|word| word.contains('='))
            .find(|word| word.to_ascii_lowercase().replace(' ', "").contains(text))
    };
    match command.name() {
        "curl" => command
            .arguments()
            .iter()
            .find(|word| word.as_str() == "--insecure" || curl_group(word).contains('k')),
        "wget" => long(&["no-check-certificate"]),
        "apt" | "apt-get" => {
            long(&["allow-unauthenticated", "force-yes", "allow-insecure-repositories"])
                .or_else(|| setting("verify-peer=false"))
                .or_else(|| setting("allowinsecurerepositories=true"))
        }
        "apk" => long(&["allow-untrusted"]),
        "yum" | "dnf" | "microdnf" | "tdnf" => long(&["nogpgcheck"])
            .or_else(|| setting("sslverify=false"))
            .or_else(|| setting("sslverify=0")),
        "helm" | "kubectl" | "argocd" => long(&["insecure-skip-tls-verify"]),
        "aws" => long(&["no-verify-ssl"]),
        "mvn" | "mvnw" => setting("ssl.insecure=true"),
        "ssh" | "scp" | "sftp" => setting("stricthostkeychecking=no"),
        "composer" | "conda" | "mamba" => {
            let (key, off) = if command.name() == "composer" {
                ("disable-tls", "true")
            } else {
                ("ssl_verify", "false")
            };
            let at = command.arguments().iter().position(|word| word.as_str() == key)?;
            command.arguments().get(at + 1).filter(|value| value.eq_ignore_ascii_case(off))
        }
        "zypper" => long(&["no-gpg-checks", "gpg-auto-import-keys"]),
        "rpm" => long(&["nosignature", "nodigest"]),
        "git" => setting("sslverify=false").or_else(|| {
            let key = command
                .arguments()
                .iter()
                .position(|word| word.eq_ignore_ascii_case("http.sslverify"))?;
            command.arguments().get(key + 1).filter(|value| value.as_str() == "false")
        }),
        "npm" | "yarn" | "pnpm" => setting("strict-ssl=false").or_else(|| {
            let key = command.arguments().iter().position(|word| word.as_str() == "strict-ssl")?;
            command.arguments().get(key + 1).filter(|value| value.as_str() == "false")
        }),
        name if name.starts_with("pip") || name.starts_with("python") || name == "uv" => {
            long(&["trusted-host", "allow-insecure-host"])
        }
        _ => None,
    }
}

/// The short flags of a group that take no value: `fsSLk` of `-fsSLko`.
fn curl_group(word: &str) -> &str {
    let group = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')).unwrap_or("");
    let end = group.find(|c| "oHduXAebcxmTFEKrwyYzCDtPQU".contains(c)).unwrap_or(group.len());
    &group[..end]
}
