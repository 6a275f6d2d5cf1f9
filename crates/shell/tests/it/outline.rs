//! A short form of trees to compare.

use sealift_shell::{
    Body, Chain, Command, CommandKind, Connector, Part, PartKind, Pipeline, Script, Value, Word,
};

/// The outline of a script's tree.
pub(crate) fn outline(script: &Script<'_>) -> String {
    let mut text = body(&script.body);
    for heredoc in &script.heredocs {
        let place =
            heredoc.span.map_or("none".to_owned(), |span| format!("{:?}", span.text(script.text)));
        text += &format!(" heredoc({} {place} {})", heredoc.delimiter, parts(&heredoc.parts));
    }
    text
}

fn body(body: &Body<'_>) -> String {
    let mut texts = Vec::new();
    for statement in body {
        let end = if statement.background { " &" } else { "" };
        texts.push(format!("{}{end}", chain(&statement.chain)));
    }
    texts.join("; ")
}

fn chain(chain: &Chain<'_>) -> String {
    let mut text = pipeline(&chain.first);
    for (connector, next) in &chain.rest {
        text += if *connector == Connector::And { " && " } else { " || " };
        text += &pipeline(next);
    }
    text
}

fn pipeline(pipeline: &Pipeline<'_>) -> String {
    let commands: Vec<String> = pipeline.commands.iter().map(command).collect();
    format!("{}{}", if pipeline.negation.is_some() { "! " } else { "" }, commands.join(" | "))
}

fn command(command: &Command<'_>) -> String {
    let mut text = match &command.kind {
        CommandKind::Simple(simple) => {
            let mut texts = Vec::new();
            for assignment in &simple.assignments {
                let value = match &assignment.value {
                    Value::Word(value) => word(value),
                    Value::Array(values) => format!("({})", words(values)),
                };
                let index = if assignment.indexed { "[]" } else { "" };
                let sign = if assignment.append { "+=" } else { "=" };
                texts.push(format!("{}{index}{sign}{value}", assignment.name));
            }
            texts.extend(simple.words.iter().map(word));
            texts.join(" ")
        }
        CommandKind::Subshell(it) => format!("subshell({})", body(it)),
        CommandKind::Group(it) => format!("group({})", body(it)),
        CommandKind::If { branches, otherwise } => {
            let mut text = "if".to_owned();
            for branch in branches {
                text += &format!("({} → {})", body(&branch.condition), body(&branch.body));
            }
            if let Some(otherwise) = otherwise {
                text += &format!("else({})", body(otherwise));
            }
            text
        }
        CommandKind::For(it) => {
            let values = it.values.as_ref().map_or("all".to_owned(), |values| words(values));
            let name = if it.select.is_some() { "select" } else { "for" };
            format!("{name}({} in {values} → {})", it.name, body(&it.body))
        }
        CommandKind::ArithmeticFor { header, body: it } => {
            format!("for(({}) → {})", parts(header), body(it))
        }
        CommandKind::Loop { until, condition, body: it } => {
            let name = if *until { "until" } else { "while" };
            format!("{name}({} → {})", body(condition), body(it))
        }
        CommandKind::Case { subject, arms } => {
            let mut text = format!("case({}", word(subject));
            for arm in arms {
                text += &format!(" [{} → {}{}]", words(&arm.patterns), body(&arm.body), arm.end);
            }
            text + ")"
        }
        CommandKind::Function { name, body, .. } => {
            format!("function({name} {})", command_of(body))
        }
        CommandKind::Test(it) => format!("test({})", words(it)),
        CommandKind::Arithmetic(it) => format!("arithmetic({})", parts(it)),
        CommandKind::Missing => "missing".to_owned(),
    };
    for redirect in &command.redirects {
        text +=
            &format!(" <{}{} {}>", redirect.descriptor, redirect.operator, word(&redirect.target));
    }
    text
}

fn command_of(it: &Command<'_>) -> String {
    command(it)
}

fn words(words: &[Word<'_>]) -> String {
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn word(word: &Word<'_>) -> String {
    parts(&word.parts)
}

fn parts(parts: &[Part<'_>]) -> String {
    parts.iter().map(part).collect()
}

fn part(part: &Part<'_>) -> String {
    match &part.kind {
        PartKind::Literal(text) => (*text).to_owned(),
        PartKind::Escaped(text) => format!("\\{text}"),
        PartKind::Single(text) => format!("'{text}'"),
        PartKind::AnsiC(text) => format!("$'{text}'"),
        PartKind::Double(it) => format!("\"{}\"", parts(it)),
        PartKind::Variable(name) => format!("${{{name}}}"),
        PartKind::Expansion(it) => {
            let length = if it.length { "#" } else { "" };
            let indirect = if it.indirect { "!" } else { "" };
            let index = it.index.map_or(String::new(), |index| format!("[{index}]"));
            format!(
                "${{{length}{indirect}{}{index} {} {}}}",
                it.name,
                it.operator,
                parts(&it.argument)
            )
        }
        PartKind::Substitution(it) => format!("$({})", body(it)),
        PartKind::Backquote(it) => format!("`{}`", body(it)),
        PartKind::Arithmetic(it) => format!("$(({}))", parts(it)),
        PartKind::Glob(text) => format!("glob({text})"),
        PartKind::Tilde(text) => format!("tilde({text})"),
        PartKind::Brace => "brace{".to_owned(),
        PartKind::Process(it) => format!("process({})", body(it)),
        PartKind::Array(it) => format!("({})", words(it)),
    }
}
