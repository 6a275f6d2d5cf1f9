//! Variables that nothing sets, and what a `FROM` becomes without any.

use std::collections::BTreeSet;

use sealift_diagnostic::{Diagnostic, Edit, Fix, Level, Rule, Span, Tier, closest};
use sealift_dockerfile::{Instruction, InstructionKind, Word, variables};
use sealift_oci::Reference;

use crate::{
    Check,
    rule::Sink,
    view::{StageView, View},
};

pub(super) const UNDEFINED_VARIABLE: Check = Check {
    rule: Rule {
        id: "SL3039",
        name: "undefined-variable",
        level: Level::Warning,
        aliases: &["UndefinedVar"],
        why: "a variable that nothing sets is empty, and the path or value is another than was meant",
        fix: "declare it with `ARG` or set it with `ENV` before its first use",
        since: "0.2.0",
        bad: "FROM alpine:3.22\nCOPY $folder /app/\n",
        good: "FROM alpine:3.22\nARG folder=src\nCOPY $folder /app/\n",
        references: &["https://docs.docker.com/reference/build-checks/undefined-var/"],
    },
    run: undefined_variable,
};

/// Images that set no variable but `PATH`.
const BARE: [&str; 5] = ["scratch", "alpine", "debian", "ubuntu", "busybox"];

/// What the builder sets in every stage.
const GIVEN: [&str; 12] = [
    "PATH",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SOURCE_DATE_EPOCH",
];

fn undefined_variable(view: &View<'_>, sink: &mut Sink) {
    for stage in &view.stages {
        let base = view.base(stage.stage.index);
        // The variables of another base are not known here: only what is surely a slip is reported.
        let is_bare =
            base.is_some_and(|base| base.is_scratch() || BARE.contains(&base.short_name()));
        let mut known: BTreeSet<&str> = BTreeSet::new();
        if let Some(parent) = stage.parent.and_then(|parent| view.stages.get(parent)) {
            known.extend(parent.variables.keys().copied());
        }
        for instruction in stage.stage.instructions {
            for word in words(instruction) {
                for name in unset(word, &known, view.file.escape) {
                    let meant = closest(&name, known.iter().copied().chain(GIVEN));
                    let slip = meant.filter(|meant| is_bare || is_slip(&name, meant));
                    if is_bare || slip.is_some() {
                        report(view, sink, word, &name, slip);
                    }
                }
            }
            declare(instruction, &mut known);
        }
    }
}

fn report(view: &View<'_>, sink: &mut Sink, word: &Word, name: &str, meant: Option<&str>) {
    let finding = sink.add(word.span, format!("nothing sets the variable `{name}`"));
    if let Some(meant) = meant {
        finding.help = Some(format!("did you mean `{meant}`?").into());
        let text = word.span.text(&view.file.source);
        finding.fixes.extend(rename(text, word.span.start, name, meant));
    }
}

/// Put another name in place of a variable's, where that stands in the text once.
fn rename(text: &str, start: usize, name: &str, meant: &str) -> Option<Fix> {
    let is_end = |at: usize| {
        text[at..].chars().next().is_none_or(|next| !next.is_ascii_alphanumeric() && next != '_')
    };
    let mut places = ["$", "${"].into_iter().flat_map(|mark| {
        let wanted = format!("{mark}{name}");
        let found = text.match_indices(&wanted).map(|(at, found)| at + found.len());
        found.collect::<Vec<usize>>()
    });
    let end = places.find(|end| is_end(*end))?;
    if places.any(is_end) {
        return None;
    }
    let span = Span::new(start + end - name.len(), start + end);
    Some(Fix::new(Tier::Suggested, format!("write `{meant}`"), vec![Edit::replace(span, meant)]))
}

/// The words in which the builder puts in variables.
fn words(instruction: &Instruction) -> Vec<&Word> {
    match &instruction.kind {
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            pairs.pairs.iter().flat_map(|pair| [&pair.key, &pair.value]).collect()
        }
        InstructionKind::Arg(arguments) => {
            arguments.iter().filter_map(|argument| argument.value.as_ref()).collect()
        }
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
            let others = copy.chown.iter().chain(&copy.chmod).chain([&copy.destination]);
            copy.paths().chain(others).collect()
        }
        InstructionKind::Workdir(word)
        | InstructionKind::User(word)
        | InstructionKind::Stopsignal(word) => vec![word],
        InstructionKind::Expose(expose) => expose.ports.iter().collect(),
        InstructionKind::Volume(volume) => volume.paths.iter().collect(),
        _ => Vec::new(),
    }
}

fn unset(word: &str, known: &BTreeSet<&str>, escape: char) -> BTreeSet<String> {
    if !word.contains('$') {
        return BTreeSet::new();
    }
    let options =
        variables::Options { escape, quotes: variables::Quotes::Remove, keep_unset: false };
    let is_set = |name: &str| known.contains(name) || GIVEN.contains(&name);
    let lookup = |name: &str| is_set(name).then(|| "x".to_owned());
    variables::expand_with(word, &lookup, options).map(|it| it.unmatched).unwrap_or_default()
}

fn declare<'a>(instruction: &'a Instruction, known: &mut BTreeSet<&'a str>) {
    match &instruction.kind {
        InstructionKind::Arg(arguments) => {
            known.extend(arguments.iter().map(|argument| argument.name.as_str()));
        }
        InstructionKind::Env(pairs) => {
            known.extend(pairs.pairs.iter().map(|pair| pair.key.as_str()));
        }
        _ => {}
    }
}

/// Whether two names differ in a letter or two at one place only.
fn is_slip(name: &str, meant: &str) -> bool {
    let same = |pair: &(u8, u8)| pair.0 == pair.1;
    let (a, b) = (name.as_bytes(), meant.as_bytes());
    let before = a.iter().copied().zip(b.iter().copied()).take_while(same).count();
    let (a, b) = (&a[before..], &b[before..]);
    let after = a.iter().rev().copied().zip(b.iter().rev().copied()).take_while(same).count();
    name.len() > 3 && a.len() - after <= 2 && b.len() - after <= 2
}

pub(super) const INVALID_DEFAULT: Check = Check {
    rule: Rule {
        id: "SL3040",
        name: "invalid-default-in-from",
        level: Level::Warning,
        aliases: &["InvalidDefaultArgInFrom"],
        why: "without `--build-arg` the build fails, as `FROM` then names no image",
        fix: "give the `ARG` a default",
        since: "0.2.0",
        bad: "ARG TAG\nFROM alpine:$TAG\n",
        good: "ARG TAG=3.22\nFROM alpine:$TAG\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/invalid-default-arg-in-from/",
        ],
    },
    run: invalid_default,
};

fn invalid_default(view: &View<'_>, sink: &mut Sink) {
    let mut values: Vec<(&str, String)> = Vec::new();
    for instruction in view.global {
        let InstructionKind::Arg(arguments) = &instruction.kind else { continue };
        for argument in arguments {
            let Some(value) = &argument.value else { continue };
            let Some(value) = expanded(value, &values, view.file.escape) else { return };
            values.push((argument.name.as_str(), value));
        }
    }
    for StageView { stage, .. } in &view.stages {
        let Some(from) = stage.from.filter(|from| from.image.contains('$')) else { continue };
        let Some(name) = expanded(&from.image, &values, view.file.escape) else { continue };
        if Reference::parse(&name).is_err() && name != "scratch" {
            let shown = if name.is_empty() { "nothing".to_owned() } else { format!("`{name}`") };
            let message = format!("with the defaults this names {shown}, which is no image");
            let finding: &mut Diagnostic = sink.add(from.image.span, message);
            finding.label = Some("needs a default".to_owned());
        }
    }
}

/// A word with what is set put in; what is not is empty.
fn expanded(word: &str, values: &[(&str, String)], escape: char) -> Option<String> {
    let options =
        variables::Options { escape, quotes: variables::Quotes::Remove, keep_unset: false };
    let lookup = |name: &str| {
        let set = values.iter().rfind(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let given = || {
            Some(match name {
                "TARGETPLATFORM" | "BUILDPLATFORM" => "linux/amd64",
                "TARGETOS" | "BUILDOS" => "linux",
                "TARGETARCH" | "BUILDARCH" => "amd64",
                "TARGETSTAGE" => "default",
                _ => return None,
            })
        };
        set.or_else(|| given().map(str::to_owned))
    };
    variables::expand_with(word, &lookup, options).ok().map(|found| found.text)
}
