//! Modes of files.

use sealift_diagnostic::{Level, Rule};
use sealift_dockerfile::{InstructionKind, Word};

use crate::{Check, rule::Sink, view::View};

pub(super) const WORLD_WRITABLE: Check = Check {
    rule: Rule {
        id: "SL1006",
        name: "world-writable",
        level: Level::Error,
        aliases: &[],
        why: "any process in the container, whatever its user, can replace the program or its data",
        fix: "give what is needed to whom it belongs: `COPY --chown=USER --chmod=u=rwX,go=rX …`, or mode `755`",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: world_writable,
};

fn world_writable(view: &View<'_>, sink: &mut Sink) {
    for mode in modes(view).filter(|mode| everyone_writes(mode)) {
        sink.add(mode.span, format!("mode `{mode}` lets every user write"));
    }
}

pub(super) const SETUID_BIT: Check = Check {
    rule: Rule {
        id: "SL1016",
        name: "setuid-bit",
        level: Level::Warning,
        aliases: &["CIS-4.8", "CIS-DI-0008"],
        why: "whoever starts such a program becomes its owner, which is a way to root",
        fix: "leave the bit away; a container starts as the user that it needs",
        since: "0.1.0",
        bad: "",
        good: "",
        references: &[],
    },
    run: setuid_bit,
};

fn setuid_bit(view: &View<'_>, sink: &mut Sink) {
    for mode in modes(view).filter(|mode| sets_user(mode)) {
        sink.add(mode.span, format!("mode `{mode}` sets the setuid bit"));
    }
}

/// The modes that the file gives: of `chmod`, `install -m` and `--chmod`.
fn modes<'v>(view: &'v View<'_>) -> impl Iterator<Item = &'v Word> {
    let of_commands = view.commands().filter_map(|command| match command.name() {
        "chmod" => command.arguments().iter().find(|word| is_mode(word)),
        "install" | "mkdir" => {
            let flag = command
                .arguments()
                .iter()
                .position(|word| matches!(word.as_str(), "-m" | "--mode"))?;
            command.arguments().get(flag + 1)
        }
        _ => None,
    });
    let of_copies = view.instructions().filter_map(|instruction| match &instruction.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => copy.chmod.as_ref(),
        _ => None,
    });
    of_commands.chain(of_copies)
}

fn is_mode(word: &str) -> bool {
    let octal = !word.is_empty() && word.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    octal || word.contains(['+', '=']) && word.starts_with(['u', 'g', 'o', 'a', '+', '=', ','])
}

fn octal(mode: &str) -> Option<u32> {
    u32::from_str_radix(mode, 8).ok()
}

fn everyone_writes(mode: &str) -> bool {
    if let Some(bits) = octal(mode) {
        // With the sticky bit, as on /tmp, nobody can replace another's file.
        return bits & 0o002 != 0 && bits & 0o1000 == 0;
    }
    let clauses = clauses(mode);
    let sticky = clauses.iter().any(|(_, _, bits)| bits.contains('t'));
    !sticky
        && clauses
            .iter()
            .any(|(who, sign, bits)| who.contains(['o', 'a']) && *sign != '-' && bits.contains('w'))
}

fn sets_user(mode: &str) -> bool {
    if let Some(bits) = octal(mode) {
        return bits & 0o4000 != 0;
    }
    clauses(mode).iter().any(|(who, sign, bits)| {
        (who.is_empty() || who.contains(['u', 'a'])) && *sign != '-' && bits.contains('s')
    })
}

/// `u=rwX,go+r` as who, sign, bits.
fn clauses(mode: &str) -> Vec<(&str, char, &str)> {
    mode.split(',')
        .filter_map(|clause| {
            let at = clause.find(['+', '=', '-'])?;
            let sign = clause[at..].chars().next()?;
            Some((&clause[..at], sign, &clause[at + 1..]))
        })
        .collect()
}
