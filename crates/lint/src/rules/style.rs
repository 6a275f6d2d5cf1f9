//! Old forms and matters of taste.

use sealift_diagnostic::{Edit, Fix, Level, Rule, Span, Tier};
use sealift_dockerfile::{Instruction, InstructionKind, Keyword, Pair};

use super::transport::{is_git, is_url};
use crate::{Check, rule::Sink, view::View};

pub(super) const MAINTAINER: Check = Check {
    rule: Rule {
        id: "SL3006",
        name: "maintainer",
        level: Level::Warning,
        aliases: &["DL4000", "DS-0022", "CKV_DOCKER_6", "MaintainerDeprecated"],
        why: "`MAINTAINER` is deprecated",
        fix: "write `LABEL org.opencontainers.image.authors=\"…\"`",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nMAINTAINER me@example.com\n",
        good: "FROM alpine:3.22\nLABEL org.opencontainers.image.authors=\"me@example.com\"\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/maintainer-deprecated/",
            "https://github.com/hadolint/hadolint/wiki/DL4000",
        ],
    },
    run: maintainer,
};

fn maintainer(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        if matches!(instruction.kind, InstructionKind::Maintainer(_)) {
            let finding = sink.add(instruction.keyword_span, "`MAINTAINER` is deprecated");
            finding.fixes.extend(label(view, instruction));
        }
    }
}

/// The label that took the place of `MAINTAINER`.
fn label(view: &View<'_>, instruction: &Instruction) -> Option<Fix> {
    let InstructionKind::Maintainer(name) = &instruction.kind else { return None };
    let name = name.as_str();
    // Neither variables nor escapes mean anything in `MAINTAINER`, but they would in a label.
    let span = instruction.span;
    if name.contains(['$', '\\', '`', '\n']) || span.text(&view.file.source).contains('\n') {
        return None;
    }
    let keyword = instruction.keyword_span.text(&view.file.source);
    let word = if is_small(keyword) { "label" } else { "LABEL" };
    let plain = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let text = plain.replace('"', &format!("{}\"", view.file.escape));
    let text = format!("{word} org.opencontainers.image.authors=\"{text}\"");
    Some(Fix::new(Tier::Safe, "write a label", vec![Edit::replace(span, text)]))
}

pub(super) const ADD_NOT_COPY: Check = Check {
    rule: Rule {
        id: "SL3015",
        name: "add-not-copy",
        level: Level::Warning,
        aliases: &["DL3020", "DS-0005", "CKV_DOCKER_4", "CIS-DI-0009", "CIS-4.9"],
        why: "`ADD` also unpacks archives and fetches URLs, so that a reader has to think what it does",
        fix: "use `COPY` for files of the context",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nADD app.py /app/\n",
        good: "FROM alpine:3.22\nCOPY app.py /app/\n",
        references: &["https://github.com/hadolint/hadolint/wiki/DL3020"],
    },
    run: add_not_copy,
};

fn add_not_copy(view: &View<'_>, sink: &mut Sink) {
    const ARCHIVES: [&str; 12] = [
        ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz", ".tar.zst",
        ".gz", ".bz2", ".xz",
    ];
    for instruction in view.instructions() {
        let InstructionKind::Add(add) = &instruction.kind else { continue };
        let special = add.paths().any(|word| {
            let name = word.trim_matches(['"', '\'']).to_ascii_lowercase();
            is_url(word)
                || is_git(word)
                || name.contains('$')
                || ARCHIVES.iter().any(|ending| name.ends_with(ending))
        });
        if !special && add.paths().next().is_some() {
            let finding = sink.add(instruction.keyword_span, "`ADD` is used to copy plain files");
            let own = ["checksum", "keep-git-dir", "unpack"];
            if own.iter().all(|flag| instruction.flag(flag).is_none()) {
                let keyword = instruction.keyword_span.text(&view.file.source);
                let word = if is_small(keyword) { "copy" } else { "COPY" };
                let edit = Edit::replace(instruction.keyword_span, word);
                finding.fixes.push(Fix::new(Tier::Safe, format!("write `{word}`"), vec![edit]));
            }
        }
    }
}

pub(super) const MIXED_CASE: Check = Check {
    rule: Rule {
        id: "SL3020",
        name: "mixed-case",
        level: Level::Style,
        aliases: &["ConsistentInstructionCasing"],
        why: "keywords in one case are easier to read",
        fix: "write all keywords in capitals",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nRun apk --version\n",
        good: "FROM alpine:3.22\nRUN apk --version\n",
        references: &[
            "https://docs.docker.com/reference/build-checks/consistent-instruction-casing/",
        ],
    },
    run: mixed_case,
};

fn mixed_case(view: &View<'_>, sink: &mut Sink) {
    let words = || {
        view.file.instructions.iter().filter(|it| it.keyword.is_some()).map(|instruction| {
            let written = instruction.raw.split(char::is_whitespace).next().unwrap_or("");
            (instruction, written)
        })
    };
    // Words that are in neither case do not count for the majority.
    let small = words().filter(|(_, word)| is_small(word)).count();
    let large = words().filter(|(_, word)| is_large(word)).count();
    let wants_small = small > large;
    for (instruction, written) in words() {
        let is_other = |byte: u8| {
            if wants_small { byte.is_ascii_uppercase() } else { byte.is_ascii_lowercase() }
        };
        if written.bytes().any(is_other) {
            let wanted = if wants_small {
                written.to_ascii_lowercase()
            } else {
                written.to_ascii_uppercase()
            };
            let message = format!("`{written}` is written unlike the other keywords");
            let finding = sink.add(instruction.keyword_span, message);
            finding.help = Some(format!("write `{wanted}`").into());
            let mut edits = vec![Edit::replace(instruction.keyword_span, wanted.clone())];
            let second = if wants_small { "as" } else { "AS" };
            if let Some((span, _)) = as_word(instruction).filter(|(_, found)| *found != second) {
                edits.push(Edit::replace(span, second));
            }
            finding.fixes.push(Fix::new(Tier::Safe, format!("write `{wanted}`"), edits));
        }
    }
}

fn is_small(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_large(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase())
}

pub(super) const AS_CASE: Check = Check {
    rule: Rule {
        id: "SL3021",
        name: "as-case",
        level: Level::Style,
        aliases: &["FromAsCasing"],
        why: "`FROM` and `AS` in one case are easier to read",
        fix: "write both in capitals",
        since: "0.1.0",
        bad: "FROM alpine:3.22 as base\n",
        good: "FROM alpine:3.22 AS base\n",
        references: &["https://docs.docker.com/reference/build-checks/from-as-casing/"],
    },
    run: as_case,
};

fn as_case(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.file.instructions.iter().filter(|it| it.keyword == Some(Keyword::From))
    {
        let InstructionKind::From(from) = &instruction.kind else { continue };
        let Some(name) = &from.name else { continue };
        let Some((span, found)) = as_word(instruction) else { continue };
        let keyword = instruction.keyword_span.text(&view.file.source);
        // A keyword that is in neither case is a finding of its own.
        let wanted = match (is_small(keyword), is_large(keyword)) {
            (true, _) => "as",
            (_, true) => "AS",
            _ => continue,
        };
        if found != wanted {
            let message = format!("`{keyword}` and `{found}` are written in different cases");
            let finding = sink.add(name.span, message);
            let edit = Edit::replace(span, wanted);
            finding.fixes.push(Fix::new(Tier::Safe, format!("write `{wanted}`"), vec![edit]));
        }
    }
}

/// The `AS` of a `FROM`.
fn as_word(instruction: &Instruction) -> Option<(Span, &str)> {
    let InstructionKind::From(from) = &instruction.kind else { return None };
    from.name.as_ref()?;
    let line = &instruction.line;
    let mut words = line.split_whitespace().rev();
    let (name, found) = (words.next()?, words.next()?);
    let end = line.trim_end().len().checked_sub(name.len())?;
    let at = line.get(..end)?.rfind(found)?;
    Some((line.span(at..at + found.len()), found))
}

pub(super) const LEGACY_PAIRS: Check = Check {
    rule: Rule {
        id: "SL3022",
        name: "legacy-pairs",
        level: Level::Style,
        aliases: &["LegacyKeyValueFormat"],
        why: "the old form without `=` takes the whole rest of the line as one value",
        fix: "write `KEY=value`",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nENV NAME value\n",
        good: "FROM alpine:3.22\nENV NAME=value\n",
        references: &["https://docs.docker.com/reference/build-checks/legacy-key-value-format/"],
    },
    run: legacy_pairs,
};

/// Most `ARG`s of two names that are looked at.
const DOUBTFUL_MAX: usize = 20;

fn legacy_pairs(view: &View<'_>, sink: &mut Sink) {
    // For each of these the whole file is read.
    let mut doubtful = 0..DOUBTFUL_MAX;
    for instruction in view.instructions() {
        if let InstructionKind::Arg(arguments) = &instruction.kind
            && let [first, second] = arguments.as_slice()
            && first.value.is_none()
            && second.value.is_none()
            && doubtful.next().is_some()
            && !is_used(view, &second.name)
        {
            let message =
                format!("`{}` looks like a value, but it is an argument too", second.name);
            sink.add(second.name.span, message);
        }
        let (InstructionKind::Env(pairs) | InstructionKind::Label(pairs)) = &instruction.kind
        else {
            continue;
        };
        if let Some(pair) = pairs.pairs.first().filter(|_| pairs.legacy) {
            let message = format!("`{}` is set in the old form, without `=`", pair.key);
            let finding = sink.add(pair.key.span, message);
            finding.fixes.extend(new_form(view, pair));
        }
    }
}

/// Whether a name stands in any instruction besides the one that declares it.
fn is_used(view: &View<'_>, name: &str) -> bool {
    let has = |instruction: &Instruction| {
        instruction.raw.contains(name)
            || instruction.heredocs.iter().any(|it| it.body.contains(name))
    };
    view.file.instructions.iter().filter(|instruction| has(instruction)).count() > 1
}

/// `KEY=value`, or `KEY="value"` where it has blanks; what has quotes or escapes besides is left to its author.
fn new_form(view: &View<'_>, pair: &Pair) -> Option<Fix> {
    let (source, escape) = (&view.file.source, view.file.escape);
    let gap = source.get(pair.key.span.end..pair.value.span.start)?;
    let value = source.get(pair.value.span.range())?;
    let between = Span::new(pair.key.span.end, pair.value.span.start);
    if !gap.chars().all(|it| it.is_whitespace() || it == escape) || pair.key.contains(['"', '\'']) {
        return None;
    }
    let quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
    let inside = if quoted { &value[1..value.len() - 1] } else { value };
    let is_escaped =
        || inside.contains(escape) && inside.replace(&format!("{escape}\n"), "").contains(escape);
    if inside.contains(['"', '\'', '#']) || is_escaped() {
        return None;
    }
    let edits = if quoted || !value.contains(char::is_whitespace) {
        vec![Edit::replace(between, "=")]
    } else {
        vec![Edit::replace(between, "=\""), Edit::insert(pair.value.span.end, "\"")]
    };
    Some(Fix::new(Tier::Safe, format!("write `{}=…`", pair.key), edits))
}

pub(super) const BLANK_CONTINUATION: Check = Check {
    rule: Rule {
        id: "SL3023",
        name: "blank-continuation",
        level: Level::Warning,
        aliases: &["NoEmptyContinuation"],
        why: "blank lines inside an instruction will become an error in a later version of the language",
        fix: "remove the blank line",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nRUN apk update \\\n\n  && apk upgrade\n",
        good: "FROM alpine:3.22\nRUN apk update \\\n  && apk upgrade\n",
        references: &["https://docs.docker.com/reference/build-checks/no-empty-continuation/"],
    },
    run: blank_continuation,
};

fn blank_continuation(view: &View<'_>, sink: &mut Sink) {
    for instruction in &view.file.instructions {
        if let Some(blank) = instruction.blank_continuations.first() {
            let whole = Span::new(blank.start, instruction.span.end.max(blank.end));
            let finding = sink.add(whole, "a blank line stands inside this instruction");
            finding.related.push((instruction.keyword_span, "this instruction".to_owned()));
            let edits = instruction.blank_continuations.iter().map(|blank| Edit::delete(*blank));
            finding.fixes.push(Fix::new(Tier::Safe, "remove the blank lines", edits.collect()));
        }
    }
}
