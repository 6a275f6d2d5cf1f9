//! Dockerfiles in the shapes of conftest and of trivy. Both tell of each instruction what BuildKit's parser tells:
//! `ENV` and `LABEL` are triples of key, value and sign, a shell form is one text, an exec form its words.

use sealift_dockerfile::{
    Argument, Command, Copy, Dockerfile, Instruction, InstructionKind, Keyword, Limits, Pairs,
    Parse, Source, Word, parse, stages,
};
use serde_json::{Map, Value as Json, json};

/// Which tool's policies are to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// `[[{Cmd, SubCmd, Flags, JSON, Value, Stage}, …]]`, of which policies see the inner array.
    #[default]
    Conftest,
    /// `{Stages: [{Name, Commands: [{Cmd, …, StartLine, EndLine}]}]}`.
    Trivy,
}

/// Reads a Dockerfile; an error of its syntax is an error, for a policy would not see what follows.
pub(super) fn read(shape: Shape, file: &str, text: &str) -> Result<Json, String> {
    let Parse { file: tree, problems } = parse(text, &Limits::default());
    let error = problems.iter().find(|it| it.level == sealift_diagnostic::Level::Error);
    if let Some(problem) = error {
        let (line, _) = sealift_diagnostic::line_column(text, problem.span.start);
        return Err(format!("line {line}: {}", problem.message));
    }
    Ok(dockerfile(shape, file, text, &tree))
}

/// A parsed Dockerfile in a tool's shape.
pub fn dockerfile(shape: Shape, file: &str, text: &str, tree: &Dockerfile) -> Json {
    let lines = Lines::new(text);
    let all = stages(tree);
    match shape {
        Shape::Conftest => {
            let global = all.global.iter().map(|instruction| (0, instruction));
            let staged = all.stages.iter().flat_map(|stage| {
                std::iter::once(stage.instruction)
                    .chain(stage.instructions)
                    .map(|instruction| (stage.index, instruction))
            });
            let commands = global
                .chain(staged)
                .map(|(stage, instruction)| Json::Object(command(stage, instruction)))
                .collect();
            Json::Array(vec![Json::Array(commands)])
        }
        Shape::Trivy => {
            let stages = all.stages.iter().map(|stage| {
                let commands = std::iter::once(stage.instruction).chain(stage.instructions);
                let commands: Vec<Json> = commands
                    .map(|instruction| {
                        let mut command = command(stage.index, instruction);
                        let (start, end) = lines.of(instruction);
                        command.insert("Original".to_owned(), json!(instruction.raw));
                        command.insert("Path".to_owned(), json!(file));
                        command.insert("StartLine".to_owned(), json!(start));
                        command.insert("EndLine".to_owned(), json!(end));
                        Json::Object(command)
                    })
                    .collect();
                json!({"Name": values(stage.instruction).1.join(" "), "Commands": commands})
            });
            json!({"Stages": stages.collect::<Vec<Json>>()})
        }
    }
}

// Where each line starts, so that a file is not counted through for every instruction.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn new(text: &str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { starts: std::iter::once(0).chain(after.map(|(at, _)| at + 1)).collect() }
    }

    fn of(&self, instruction: &Instruction) -> (usize, usize) {
        let line = |at: usize| self.starts.partition_point(|start| *start <= at);
        let span = instruction.span;
        (line(span.start), line(span.end.saturating_sub(1).max(span.start)))
    }
}

fn command(stage: usize, instruction: &Instruction) -> Map<String, Json> {
    let inner = match &instruction.kind {
        InstructionKind::Onbuild(onbuild) => onbuild.instruction.as_ref(),
        _ => instruction,
    };
    let (is_json, values) = values(inner);
    let flags: Vec<String> = inner
        .flags
        .iter()
        .map(|flag| match &flag.value {
            Some(value) => format!("--{}={}", flag.name, value.text),
            None => format!("--{}", flag.name),
        })
        .collect();
    let sub = if std::ptr::eq(inner, instruction) { String::new() } else { name(inner) };
    let mut object = Map::new();
    object.insert("Cmd".to_owned(), json!(name(instruction)));
    object.insert("SubCmd".to_owned(), json!(sub));
    object.insert("Flags".to_owned(), json!(flags));
    object.insert("JSON".to_owned(), json!(is_json));
    object.insert("Value".to_owned(), json!(values));
    object.insert("Stage".to_owned(), json!(stage));
    object
}

fn name(instruction: &Instruction) -> String {
    instruction.keyword.map(Keyword::as_str).unwrap_or_default().to_ascii_lowercase()
}

// Whether it is in exec form, and its words.
fn values(instruction: &Instruction) -> (bool, Vec<String>) {
    let words = |words: &[Word]| words.iter().map(|word| word.text.to_string()).collect::<Vec<_>>();
    match &instruction.kind {
        InstructionKind::From(from) => {
            let mut values = vec![from.image.text.to_string()];
            if let Some(name) = &from.name {
                let line = instruction.raw.split_whitespace();
                let sign = line.rev().find(|word| word.eq_ignore_ascii_case("as"));
                values.extend([sign.unwrap_or("AS").to_owned(), name.text.to_string()]);
            }
            (false, values)
        }
        InstructionKind::Run(run) => match &run.command {
            Command::Exec(list) => (true, words(list)),
            Command::Shell(line) => (false, vec![with_heredocs(line.as_str(), instruction)]),
        },
        InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => of_command(command),
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
            (copy.exec_form, of_copy(copy, instruction))
        }
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => (false, of_pairs(pairs)),
        InstructionKind::Arg(arguments) => (false, arguments.iter().map(of_argument).collect()),
        InstructionKind::Expose(expose) => (false, words(&expose.ports)),
        InstructionKind::Volume(volume) => (volume.exec_form, words(&volume.paths)),
        InstructionKind::Shell(list) => (true, words(list)),
        InstructionKind::Healthcheck(check) => match &check.test {
            None => (false, vec!["NONE".to_owned()]),
            Some(command) => {
                let (is_json, values) = of_command(command);
                (is_json, std::iter::once("CMD".to_owned()).chain(values).collect())
            }
        },
        InstructionKind::Workdir(word)
        | InstructionKind::User(word)
        | InstructionKind::Stopsignal(word)
        | InstructionKind::Maintainer(word) => (false, vec![word.text.to_string()]),
        InstructionKind::Onbuild(onbuild) => (false, vec![onbuild.expression.clone()]),
        InstructionKind::Invalid => (false, Vec::new()),
    }
}

fn of_command(command: &Command) -> (bool, Vec<String>) {
    match command {
        Command::Exec(list) => (true, list.iter().map(|word| word.text.to_string()).collect()),
        Command::Shell(line) => (false, vec![line.as_str().to_owned()]),
    }
}

// A policy that looks for a command must find it in a heredoc too.
fn with_heredocs(line: &str, instruction: &Instruction) -> String {
    let mut whole = line.to_owned();
    for heredoc in &instruction.heredocs {
        whole.push('\n');
        whole.push_str(heredoc.body.trim_end_matches('\n'));
        whole.push('\n');
        whole.push_str(&heredoc.name);
    }
    whole
}

fn of_copy(copy: &Copy, instruction: &Instruction) -> Vec<String> {
    let mut values: Vec<String> = copy
        .sources
        .iter()
        .map(|source| match source {
            Source::Path(word) => word.text.to_string(),
            Source::Heredoc(index) => instruction
                .heredocs
                .get(*index)
                .map_or_else(String::new, |heredoc| format!("<<{}", heredoc.name)),
        })
        .collect();
    values.push(copy.destination.text.to_string());
    values
}

fn of_pairs(pairs: &Pairs) -> Vec<String> {
    let sign = if pairs.legacy { "" } else { "=" };
    pairs
        .pairs
        .iter()
        .flat_map(|pair| [pair.key.text.to_string(), pair.value.text.to_string(), sign.to_owned()])
        .collect()
}

fn of_argument(argument: &Argument) -> String {
    match &argument.value {
        Some(value) => format!("{}={}", argument.name.text, value.text),
        None => argument.name.text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conftest() {
        let text = "ARG V=1\nFROM --platform=linux/amd64 golang:1.7 as dep\nENV A=\"b c\" D=e\n\
                    COPY --from=x a b /c\nRUN <<EOF\napt update\nEOF\nFROM scratch\nCMD [\"a\", \"b\"]\n\
                    ONBUILD RUN x y\nHEALTHCHECK CMD curl x\nEXPOSE 80 443\n";
        let expected = json!([[
            {"Cmd": "arg", "SubCmd": "", "Flags": [], "JSON": false, "Value": ["V=1"], "Stage": 0},
            {"Cmd": "from", "SubCmd": "", "Flags": ["--platform=linux/amd64"], "JSON": false,
                "Value": ["golang:1.7", "as", "dep"], "Stage": 0},
            {"Cmd": "env", "SubCmd": "", "Flags": [], "JSON": false,
                "Value": ["A", "\"b c\"", "=", "D", "e", "="], "Stage": 0},
            {"Cmd": "copy", "SubCmd": "", "Flags": ["--from=x"], "JSON": false,
                "Value": ["a", "b", "/c"], "Stage": 0},
            {"Cmd": "run", "SubCmd": "", "Flags": [], "JSON": false,
                "Value": ["<<EOF\napt update\nEOF"], "Stage": 0},
            {"Cmd": "from", "SubCmd": "", "Flags": [], "JSON": false, "Value": ["scratch"], "Stage": 1},
            {"Cmd": "cmd", "SubCmd": "", "Flags": [], "JSON": true, "Value": ["a", "b"], "Stage": 1},
            {"Cmd": "onbuild", "SubCmd": "run", "Flags": [], "JSON": false, "Value": ["x y"], "Stage": 1},
            {"Cmd": "healthcheck", "SubCmd": "", "Flags": [], "JSON": false,
                "Value": ["CMD", "curl x"], "Stage": 1},
            {"Cmd": "expose", "SubCmd": "", "Flags": [], "JSON": false, "Value": ["80", "443"], "Stage": 1},
        ]]);
        assert_eq!(read(Shape::Conftest, "Dockerfile", text).unwrap(), expected);
    }

    #[test]
    fn trivy() {
        let text = "FROM a:1 AS b\nRUN x \\\n  && y\n";
        let value = read(Shape::Trivy, "d/Dockerfile", text).unwrap();
        assert_eq!(value["Stages"][0]["Name"], "a:1 AS b");
        let run = &value["Stages"][0]["Commands"][1];
        assert_eq!((&run["StartLine"], &run["EndLine"]), (&json!(2), &json!(3)));
        assert_eq!((&run["Path"], &run["Cmd"]), (&json!("d/Dockerfile"), &json!("run")));
        assert_eq!(run["Value"], json!(["x   && y"]));
    }
}
