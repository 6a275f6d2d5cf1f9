//! A tree as text, for the expectations of the tests.

use std::fmt::Write as _;

use sealift_dockerfile::{
    Command, Copy, Instruction, InstructionKind, Limits, Pairs, Parse, Source, Word, parse,
};

/// Parse without limits in the way.
pub(crate) fn parsed(source: &str) -> Parse {
    parse(source, &Limits::default())
}

/// One line for each instruction, then one for each problem.
pub(crate) fn dump(source: &str) -> String {
    let parse = parsed(source);
    let mut text = String::new();
    for instruction in &parse.file.instructions {
        writeln!(text, "{}", line(instruction)).unwrap();
        for heredoc in &instruction.heredocs {
            writeln!(
                text,
                "  heredoc {} tabs={} expand={} fd={} {:?}",
                heredoc.name, heredoc.strip_tabs, heredoc.expand, heredoc.descriptor, heredoc.body
            )
            .unwrap();
        }
    }
    text.push_str(&sealift_diagnostic::render_short(&parse.problems, "", source));
    text
}

fn line(instruction: &Instruction) -> String {
    let mut text = instruction.keyword.map_or("?", |keyword| keyword.as_str()).to_owned();
    for flag in &instruction.flags {
        match &flag.value {
            Some(value) => write!(text, " --{}={}", flag.name, value).unwrap(),
            None => write!(text, " --{}", flag.name).unwrap(),
        }
    }
    text.push(' ');
    text.push_str(&kind(&instruction.kind));
    text
}

fn kind(kind: &InstructionKind) -> String {
    match kind {
        InstructionKind::From(from) => match &from.name {
            Some(name) => format!("{:?} as {:?}", from.image.text, name.text),
            None => format!("{:?}", from.image.text),
        },
        InstructionKind::Run(run) => command(&run.command),
        InstructionKind::Cmd(it) | InstructionKind::Entrypoint(it) => command(it),
        InstructionKind::Copy(it) | InstructionKind::Add(it) => copy(it),
        InstructionKind::Env(it) | InstructionKind::Label(it) => pairs(it),
        InstructionKind::Arg(arguments) => arguments
            .iter()
            .map(|argument| match &argument.value {
                Some(value) => format!("{}={:?}", argument.name, value.text),
                None => argument.name.to_string(),
            })
            .collect::<Vec<_>>()
            .join(" "),
        InstructionKind::Workdir(word)
        | InstructionKind::User(word)
        | InstructionKind::Stopsignal(word)
        | InstructionKind::Maintainer(word) => format!("{:?}", word.text),
        InstructionKind::Expose(expose) => words(&expose.ports),
        InstructionKind::Volume(volume) => words(&volume.paths),
        InstructionKind::Shell(shell) => words(shell),
        InstructionKind::Healthcheck(check) => format!(
            "{} interval={} timeout={} start={} start-interval={} retries={}",
            check.test.as_ref().map_or("none".to_owned(), command),
            check.interval_nanos,
            check.timeout_nanos,
            check.start_period_nanos,
            check.start_interval_nanos,
            check.retries
        ),
        InstructionKind::Onbuild(onbuild) => {
            format!("({}) {:?}", line(&onbuild.instruction), onbuild.expression)
        }
        InstructionKind::Invalid => "invalid".to_owned(),
    }
}

fn command(command: &Command) -> String {
    match command {
        Command::Shell(line) => format!("shell {:?}", line.as_str()),
        Command::Exec(arguments) => format!("exec {}", words(arguments)),
    }
}

fn copy(copy: &Copy) -> String {
    let sources: Vec<String> = copy
        .sources
        .iter()
        .map(|source| match source {
            Source::Path(word) => format!("{:?}", word.text),
            Source::Heredoc(index) => format!("heredoc#{index}"),
        })
        .collect();
    format!("{} -> {:?}", sources.join(" "), copy.destination.text)
}

fn pairs(pairs: &Pairs) -> String {
    let list: Vec<String> =
        pairs.pairs.iter().map(|pair| format!("{}={:?}", pair.key, pair.value.text)).collect();
    format!("{}{}", if pairs.legacy { "legacy " } else { "" }, list.join(" "))
}

fn words(words: &[Word]) -> String {
    format!("{:?}", words.iter().map(Word::as_str).collect::<Vec<_>>())
}
