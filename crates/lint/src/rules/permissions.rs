//! Modes of files.

use sealift_diagnostic::{Fix, Level, Rule, Tier};
use sealift_dockerfile::{InstructionKind, Word};

use crate::{Check, edit, rule::Sink, view::View};

pub(super) const WORLD_WRITABLE: Check = Check {
    rule: Rule {
        id: "SL1006",
        name: "world-writable",
        level: Level::Error,
        aliases: &[],
        why: "any process in the container, whatever its user, can replace the program or its data",
        fix: "give what is needed to whom it belongs: `COPY --chown=USER --chmod=u=rwX,go=rX …`, or mode `755`",
        since: "0.1.0",
        bad: "FROM debian:12\nRUN chmod -R 777 /srv\n",
        good: "FROM debian:12\nRUN chmod -R u=rwX,go=rX /srv\n",
        references: &["https://man7.org/linux/man-pages/man1/chmod.1.html", "CWE-732"],
    },
    run: world_writable,
};

fn world_writable(view: &View<'_>, sink: &mut Sink) {
    for mode in modes(view).filter(|mode| everyone_writes(mode)) {
        let finding = sink.add(mode.span, format!("mode `{mode}` lets every user write"));
        finding.fixes.extend(new_mode(view, mode, without_write(mode)));
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
        bad: "FROM debian:12\nCOPY tool /usr/local/bin/tool\nRUN chmod 4755 /usr/local/bin/tool\n",
        good: "FROM debian:12\nCOPY tool /usr/local/bin/tool\nRUN chmod 755 /usr/local/bin/tool\n",
        references: &[
            "CIS Docker Benchmark 4.8",
            "https://man7.org/linux/man-pages/man7/inode.7.html",
        ],
    },
    run: setuid_bit,
};

fn setuid_bit(view: &View<'_>, sink: &mut Sink) {
    for mode in modes(view).filter(|mode| sets_user(mode)) {
        let finding = sink.add(mode.span, format!("mode `{mode}` sets the setuid bit"));
        finding.fixes.extend(new_mode(view, mode, without_setuid(mode)));
    }
}

fn new_mode(view: &View<'_>, mode: &Word, better: Option<String>) -> Option<Fix> {
    let better = better?;
    let edit = edit::rewrite(view.file, mode, better.as_str())?;
    Some(Fix::new(Tier::Suggested, format!("set mode `{better}`"), vec![edit]))
}

/// The mode with which only the owner writes, and the group if it had other rights than everyone.
fn without_write(mode: &str) -> Option<String> {
    if let Some(bits) = octal(mode) {
        let (group, others) = (bits >> 3 & 0o7, bits & 0o7);
        let taken = if group == others { 0o022 } else { 0o002 };
        return Some(format!("{:0width$o}", bits & !taken, width = mode.len()));
    }
    let mut better = Vec::new();
    for (who, sign, bits) in clauses(mode) {
        if sign == '-' || !bits.contains('w') || !who.contains(['o', 'a']) {
            better.push(format!("{who}{sign}{bits}"));
            continue;
        }
        let (full, limited) =
            if who.contains('a') { ("u".to_owned(), "go") } else { (who.replace('o', ""), "o") };
        let rest = bits.replace('w', "");
        if !full.is_empty() {
            better.push(format!("{full}{sign}{bits}"));
        }
        if !rest.is_empty() || sign == '=' {
            better.push(format!("{limited}{sign}{rest}"));
        }
    }
    (!better.is_empty()).then(|| better.join(","))
}

fn without_setuid(mode: &str) -> Option<String> {
    if let Some(bits) = octal(mode) {
        return Some(format!("{:04o}", bits & !0o4000).trim_start_matches('0').to_owned())
            .filter(|mode| mode.len() >= 3);
    }
    let better: Vec<String> = clauses(mode)
        .into_iter()
        .map(|(who, sign, bits)| (who, sign, bits.replace('s', "")))
        .filter(|(_, sign, bits)| *sign == '=' || !bits.is_empty())
        .map(|(who, sign, bits)| format!("{who}{sign}{bits}"))
        .collect();
    (!better.is_empty()).then(|| better.join(","))
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
