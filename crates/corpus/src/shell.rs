//! Shell scripts.

use sealift_diagnostic::Span;
use sealift_shell::{Body, CommandKind, Dialect, Settings, Word, faults, parse};

use crate::text;

/// A script: every place in its tree lies in the text, and what it holds is read the same by itself.
pub fn shell(bytes: &[u8]) {
    let Some(script) = text(bytes) else { return };
    let parsed = parse(script);
    let spans = parsed.problems.iter().map(|problem| problem.span);
    spans.for_each(|span| check_span(script, span));
    for heredoc in &parsed.heredocs {
        heredoc.span.into_iter().for_each(|span| check_span(script, span));
    }
    check_body(script, &parsed.body);
    for dialect in [Dialect::Posix, Dialect::Busybox, Dialect::Bash] {
        for fault in faults(&parsed, &Settings { dialect, is_set: &|name| name == "A" }) {
            check_span(script, fault.span);
            let edits = fault.fix.iter().flat_map(|fix| &fix.edits);
            edits.for_each(|edit| check_span(script, edit.span));
        }
    }
}

fn check_span(script: &str, span: Span) {
    assert!(script.get(span.range()).is_some(), "{span:?} is no part of the script");
}

fn check_body(script: &str, body: &Body<'_>) {
    let mut end = 0;
    for command in body.iter().flat_map(|it| it.chain.pipelines()).flat_map(|it| &it.commands) {
        check_span(script, command.span);
        assert!(command.span.start >= end, "commands overlap at {:?}", command.span);
        end = command.span.end;
        match &command.kind {
            CommandKind::Simple(simple) => {
                simple.words.iter().for_each(|word| check_word(script, word));
            }
            CommandKind::Subshell(body) | CommandKind::Group(body) => check_body(script, body),
            _ => {}
        }
    }
}

fn check_word(script: &str, word: &Word<'_>) {
    check_span(script, word.span);
    let mut at = word.span.start;
    for part in &word.parts {
        assert_eq!(part.span.start, at, "the parts of a word leave something out");
        at = part.span.end;
    }
    assert_eq!(at, word.span.end, "the parts of a word leave something out");
    assert!(word.text(script).len() <= word.span.len(), "a word grew");
}
