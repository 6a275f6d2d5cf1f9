//! Old forms and matters of taste.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{InstructionKind, Keyword};

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
        bad: "",
        good: "",
        references: &[],
    },
    run: maintainer,
};

fn maintainer(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        if matches!(instruction.kind, InstructionKind::Maintainer(_)) {
            sink.add(instruction.keyword_span, "`MAINTAINER` is deprecated");
        }
    }
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
        bad: "",
        good: "",
        references: &[],
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
            sink.add(instruction.keyword_span, "`ADD` is used to copy plain files");
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
        bad: "",
        good: "",
        references: &[],
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
    let small = words().filter(|(_, word)| word.chars().all(char::is_lowercase)).count();
    let wants_small = small * 2 > words().count();
    for (instruction, written) in words() {
        let wanted =
            if wants_small { written.to_ascii_lowercase() } else { written.to_ascii_uppercase() };
        if written != wanted {
            let message = format!("`{written}` is written unlike the other keywords");
            sink.add(instruction.keyword_span, message).help = Some(format!("write `{wanted}`"));
        }
    }
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
        bad: "",
        good: "",
        references: &[],
    },
    run: as_case,
};

fn as_case(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.file.instructions.iter().filter(|it| it.keyword == Some(Keyword::From))
    {
        let InstructionKind::From(from) = &instruction.kind else { continue };
        let Some(name) = &from.name else { continue };
        let is_small = |text: &str| text.chars().all(char::is_lowercase);
        let mut words = instruction.raw.split_whitespace();
        let keyword = words.next().unwrap_or("");
        let found = words.rev().nth(1).unwrap_or("");
        if is_small(keyword) != is_small(found) {
            sink.add(
                name.span,
                format!("`{keyword}` and `{found}` are written in different cases"),
            );
        }
    }
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
        bad: "",
        good: "",
        references: &[],
    },
    run: legacy_pairs,
};

fn legacy_pairs(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        let (InstructionKind::Env(pairs) | InstructionKind::Label(pairs)) = &instruction.kind
        else {
            continue;
        };
        if let Some(pair) = pairs.pairs.first().filter(|_| pairs.legacy) {
            sink.add(pair.key.span, format!("`{}` is set in the old form, without `=`", pair.key));
        }
    }
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
        bad: "",
        good: "",
        references: &[],
    },
    run: blank_continuation,
};

fn blank_continuation(view: &View<'_>, sink: &mut Sink) {
    for instruction in &view.file.instructions {
        if let Some(blank) = instruction.blank_continuations.first() {
            let finding =
                sink.add(instruction.keyword_span, "a blank line stands inside this instruction");
            finding.related.push((*blank, "here".to_owned()));
        }
    }
}
