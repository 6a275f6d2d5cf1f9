//! Labels: their names, and what the user wants of them.

use std::collections::BTreeMap;

use sealift_diagnostic::{Edit, Fix, Level, Rule, Span, Tier};
use sealift_dockerfile::{InstructionKind, Pair};

use crate::{Check, rule::Sink, view::View};

/// Where names of labels are explained.
const LABELS_PAGE: &str = "https://docs.docker.com/engine/manage-resources/labels/";

pub(super) const INVALID_LABEL_NAME: Check = Check {
    rule: Rule {
        id: "SL3033",
        name: "invalid-label-name",
        level: Level::Style,
        aliases: &["DL3048"],
        why: "tools expect small letters, digits and single dots, dashes and slashes; some prefixes are Docker's own",
        fix: "begin with a letter, end with a letter or digit, and use a domain of yours as prefix",
        since: "0.2.0",
        bad: "FROM alpine:3.22\nLABEL Some..Name=x\n",
        good: "FROM alpine:3.22\nLABEL com.example.some-name=x\n",
        references: &[LABELS_PAGE],
    },
    run: invalid_label_name,
};

fn invalid_label_name(view: &View<'_>, sink: &mut Sink) {
    for pair in labels(view) {
        let name = plain(&pair.key);
        let is_known =
            |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || ".-_/".contains(it);
        let reserved = ["com.docker.", "io.docker.", "org.dockerproject."];
        let reason = if name.contains('$') {
            continue;
        } else if let Some(prefix) = reserved.iter().find(|prefix| name.starts_with(**prefix)) {
            format!("`{prefix}` is reserved for Docker")
        } else if name.contains("..") || name.contains("--") {
            "it has two separators in a row".to_owned()
        } else if !name.chars().all(is_known)
            || !name.starts_with(|it: char| it.is_ascii_lowercase())
            || name.ends_with(['.', '-', '_', '/'])
        {
            "it is not made of small letters and digits".to_owned()
        } else {
            continue;
        };
        sink.add(pair.key.span, format!("`{name}` is no good name of a label: {reason}"));
    }
}

pub(super) const MISSING_LABEL: Check = Check {
    rule: Rule {
        id: "SL3034",
        name: "missing-label",
        level: Level::Info,
        aliases: &["DL3049"],
        why: "the label schema asks for it",
        fix: "add it with `LABEL`",
        since: "0.2.0",
        bad: "# sealift.toml: lint.labels.maintainer = \"email\"\nFROM alpine:3.22\nLABEL team=a\n",
        good: "# sealift.toml: lint.labels.maintainer = \"email\"\nFROM alpine:3.22\nLABEL maintainer=team@example.com\n",
        references: &[],
    },
    run: missing_label,
};

fn missing_label(view: &View<'_>, sink: &mut Sink) {
    let Some(last) = view.last() else { return };
    for wanted in view.context.config.labels.labels.keys() {
        let is_there = view.history(last.stage.index).any(|instruction| match &instruction.kind {
            InstructionKind::Label(pairs) => {
                pairs.pairs.iter().any(|pair| plain(&pair.key) == wanted)
            }
            _ => false,
        });
        if !is_there {
            sink.add(
                last.stage.instruction.keyword_span,
                format!("the image has no label `{wanted}`"),
            );
        }
    }
}

pub(super) const SUPERFLUOUS_LABEL: Check = Check {
    rule: Rule {
        id: "SL3035",
        name: "superfluous-label",
        level: Level::Info,
        aliases: &["DL3050"],
        why: "the label schema is strict and does not name it",
        fix: "remove the label, or add it to the schema",
        since: "0.2.0",
        bad: "# sealift.toml: lint.strict_labels = true\n# sealift.toml: lint.labels.team = \"text\"\nFROM alpine:3.22\nLABEL team=a flavour=b\n",
        good: "# sealift.toml: lint.strict_labels = true\n# sealift.toml: lint.labels.team = \"text\"\nFROM alpine:3.22\nLABEL team=a\n",
        references: &[],
    },
    run: superfluous_label,
};

fn superfluous_label(view: &View<'_>, sink: &mut Sink) {
    let schema = &view.context.config.labels;
    for pair in labels(view).filter(|_| schema.is_strict) {
        let name = plain(&pair.key);
        if !schema.labels.contains_key(name) {
            sink.add(pair.key.span, format!("the label schema does not name `{name}`"));
        }
    }
}

pub(super) const EMPTY_LABEL: Check = Check {
    rule: Rule {
        id: "SL3036",
        name: "empty-label",
        level: Level::Warning,
        aliases: &["DL3051"],
        why: "the label schema asks for it, and an empty one says nothing",
        fix: "give it a value",
        since: "0.2.0",
        bad: "# sealift.toml: lint.labels.team = \"text\"\nFROM alpine:3.22\nLABEL team=\"\"\n",
        good: "# sealift.toml: lint.labels.team = \"text\"\nFROM alpine:3.22\nLABEL team=a\n",
        references: &[],
    },
    run: empty_label,
};

fn empty_label(view: &View<'_>, sink: &mut Sink) {
    let schema = &view.context.config.labels;
    for pair in labels(view) {
        if plain(&pair.value).is_empty() && schema.labels.contains_key(plain(&pair.key)) {
            sink.add(
                pair.key.span.join(pair.value.span),
                format!("label `{}` is empty", plain(&pair.key)),
            );
        }
    }
}

pub(super) const MALFORMED_LABEL: Check = Check {
    rule: Rule {
        id: "SL3037",
        name: "malformed-label",
        level: Level::Warning,
        aliases: &["DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058"],
        why: "the label schema says what its value is",
        fix: "write a value of that kind",
        since: "0.2.0",
        bad: "# sealift.toml: lint.labels.maintainer = \"email\"\nFROM alpine:3.22\nLABEL maintainer=me\n",
        good: "# sealift.toml: lint.labels.maintainer = \"email\"\nFROM alpine:3.22\nLABEL maintainer=team@example.com\n",
        references: &[],
    },
    run: malformed_label,
};

fn malformed_label(view: &View<'_>, sink: &mut Sink) {
    let schema = &view.context.config.labels;
    for pair in labels(view) {
        let (name, value) = (plain(&pair.key), plain(&pair.value));
        let Some(kind) = schema.labels.get(name) else { continue };
        // What a variable holds is not known here.
        if !value.is_empty() && !value.contains('$') && !kind.fits(value) {
            sink.add(pair.value.span, format!("label `{name}` is not {}", kind.describe()));
        }
    }
}

pub(super) const REPEATED_LABEL: Check = Check {
    rule: Rule {
        id: "SL3038",
        name: "repeated-key",
        level: Level::Warning,
        aliases: &[],
        why: "only the last value of a name counts, so the earlier one misleads whoever reads it",
        fix: "remove the earlier one",
        since: "0.2.0",
        bad: "FROM alpine:3.22\nLABEL team=a team=b\n",
        good: "FROM alpine:3.22\nLABEL team=b\n",
        references: &[],
    },
    run: repeated_label,
};

fn repeated_label(view: &View<'_>, sink: &mut Sink) {
    for instruction in view.instructions() {
        let (InstructionKind::Label(pairs) | InstructionKind::Env(pairs)) = &instruction.kind
        else {
            continue;
        };
        // From the end, so that the one that counts is met first.
        let mut last: BTreeMap<&str, &Pair> = BTreeMap::new();
        for (index, pair) in pairs.pairs.iter().enumerate().rev() {
            let Some(later) = last.get(plain(&pair.key)).copied() else {
                last.insert(plain(&pair.key), pair);
                continue;
            };
            let name = plain(&pair.key);
            let finding =
                sink.add(pair.key.span, format!("`{name}` is set again in this instruction"));
            finding.related.push((later.key.span, "this one counts".to_owned()));
            let next = &pairs.pairs[index + 1];
            let span = Span::new(pair.key.span.start, next.key.span.start);
            // A comment between the two stays.
            let gap = Span::new(pair.value.span.end, next.key.span.start);
            if !gap.text(&view.file.source).contains('#') {
                let title = format!("remove the first `{name}`");
                finding.fixes.push(Fix::new(Tier::Safe, title, vec![Edit::delete(span)]));
            }
        }
    }
}

/// Every label.
fn labels<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Pair> {
    view.instructions().flat_map(|instruction| match &instruction.kind {
        InstructionKind::Label(pairs) => pairs.pairs.as_slice(),
        _ => &[],
    })
}

/// A key or value without its quotes.
fn plain(word: &str) -> &str {
    let quoted = |mark: char| word.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(word)
}
