//! The simple commands of a shell script, with the place of every word: what most rules look at.
//!
//! Invariant: the commands inside `$(…)` come before the one whose word that is.

use std::ops::Range;

use sealift_diagnostic::Span;
use sealift_dockerfile::Word;
pub(crate) use sealift_shell::base_name;
use sealift_shell::{Body, CommandKind, Part, PartKind, Script, Value, parse};

use crate::install::{Manager, plain_arguments};

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Command {
    /// Its words without quotes, wrappers such as `sudo` included.
    pub(crate) words: Vec<Word>,
    /// `NAME=value` before the command.
    pub(crate) assignments: Vec<Word>,
    /// Targets of its redirections.
    pub(crate) redirects: Vec<Word>,
    /// Whether it reads what the command before it writes.
    pub(crate) piped: bool,
    /// Whether it stands inside `$(…)`.
    pub(crate) nested: bool,
    /// The package manager that it is; many rules ask for it.
    pub(crate) manager: Option<Manager>,
    /// Which of its arguments are the verb and the operands of that.
    pub(crate) plain: Vec<usize>,
    /// Index of the word that is the command itself.
    start: usize,
    /// Where its name starts in that word, behind the folder.
    name_start: usize,
}

impl Command {
    /// Name of the program without its folder.
    #[inline]
    pub(crate) fn name(&self) -> &str {
        self.words.get(self.start).and_then(|word| word.get(self.name_start..)).unwrap_or("")
    }

    /// Words after the name.
    pub(crate) fn arguments(&self) -> &[Word] {
        self.words.get(self.start + 1..).unwrap_or(&[])
    }

    /// The word of the wrapper with this name, such as `sudo`.
    pub(crate) fn wrapper(&self, name: &str) -> Option<&Word> {
        self.words.iter().take(self.start).find(|word| word.as_str() == name)
    }

    /// From its first word to its last.
    pub(crate) fn span(&self) -> Span {
        match (self.words.first(), self.words.last()) {
            (Some(first), Some(last)) => first.span.join(last.span),
            _ => self.assignments.first().map_or(Span::default(), |word| word.span),
        }
    }

    /// The argument that is exactly this.
    pub(crate) fn argument(&self, text: &str) -> Option<&Word> {
        self.arguments().iter().find(|word| word.as_str() == text)
    }

    /// A short flag (`k` in `-fsSLk`) or a long one.
    pub(crate) fn flag(&self, short: Option<char>, long: &str) -> Option<&Word> {
        self.arguments().iter().find(|word| {
            let text = word.as_str();
            let group = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            text.strip_prefix("--").is_some_and(|name| name.split('=').next() == Some(long))
                || short.is_some_and(|short| group.is_some_and(|group| group.contains(short)))
        })
    }

    /// Find the command behind its wrappers.
    fn settle(&mut self) {
        let mut at = 0;
        while let Some(word) = self.words.get(at) {
            let takes_value: &[&str] = match word.as_str() {
                "sudo" => &["-u", "-g", "-h", "-p", "-C", "-T"],
                "env" => &["-u", "-C", "-S"],
                "nice" => &["-n"],
                "timeout" => &["-s", "-k"],
                "exec" | "command" | "time" | "nohup" | "eatmydata" | "busybox" | "builtin" => &[],
                _ => break,
            };
            let is_timeout = word.as_str() == "timeout";
            at += 1;
            while let Some(word) = self.words.get(at) {
                if takes_value.contains(&word.as_str()) {
                    at += 2;
                } else if word.starts_with('-') || is_assignment(word) {
                    at += 1;
                } else {
                    break;
                }
            }
            at += usize::from(is_timeout);
        }
        self.start = at.min(self.words.len());
        let word = self.words.get(self.start).map_or("", Word::as_str);
        self.name_start = word.len() - base_name(word).len();
        self.manager = Manager::of_program(self.name());
        if let Some(manager) = self.manager {
            self.plain = plain_arguments(manager, self.name(), self.arguments());
        }
    }
}

/// Whether a program of this name runs the text it is given.
pub(crate) fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh" | "fish")
}

/// Whether a shell does this itself, so that there may be no such program.
pub(crate) fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "." | ":"
            | "cd"
            | "eval"
            | "exec"
            | "exit"
            | "export"
            | "read"
            | "set"
            | "source"
            | "trap"
            | "ulimit"
            | "umask"
            | "wait"
    )
}

/// Whether a word is `NAME=value`.
pub(crate) fn is_assignment(word: &str) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let name = word.bytes().take_while(is_name).count();
    name > 0
        && word.as_bytes().get(name) == Some(&b'=')
        && !word.starts_with(|c: char| c.is_ascii_digit())
}

/// The command of an exec form; the script of `["sh", "-c", "…"]` is looked into.
pub(crate) fn exec(words: &[Word]) -> Vec<Command> {
    let mut command = Command { words: words.to_vec(), ..Command::default() };
    command.settle();
    with_scripts(vec![command])
}

/// Where a byte range of a script stands in the file.
pub(crate) type Place<'a> = &'a dyn Fn(Range<usize>) -> Span;

/// The commands of a script; `place` says where a byte range of it stands in the file.
pub(crate) fn commands(script: &Script<'_>, place: Place<'_>) -> Vec<Command> {
    with_scripts(simple(script, place))
}

/// The commands of a text.
pub(crate) fn split(text: &str, place: Place<'_>) -> Vec<Command> {
    commands(&parse(text), place)
}

fn simple(script: &Script<'_>, place: Place<'_>) -> Vec<Command> {
    let mut collector =
        Collector { source: script.text, place, nested: false, commands: Vec::new() };
    collector.body(&script.body, false);
    collector.nested = true;
    for heredoc in &script.heredocs {
        collector.parts(&heredoc.parts);
    }
    collector.commands
}

/// Commands, and behind each that is a shell those in the text of its `-c`.
fn with_scripts(commands: Vec<Command>) -> Vec<Command> {
    if !commands.iter().any(|command| is_shell(command.name())) {
        return commands;
    }
    let mut all = Vec::with_capacity(commands.len());
    for command in commands {
        let inner = script_of(&command).map(|script| simple(&parse(script), &|_| script.span));
        all.push(command);
        all.extend(inner.into_iter().flatten());
    }
    all
}

/// The text that a shell is given by `-c`.
fn script_of(command: &Command) -> Option<&Word> {
    if !is_shell(command.name()) {
        return None;
    }
    let is_flag =
        |word: &Word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    let at = command.arguments().iter().position(is_flag)?;
    command.arguments().get(at + 1)
}

/// Walks a tree; its depth is limited by the parser.
struct Collector<'a, 'p> {
    source: &'a str,
    place: Place<'p>,
    /// Whether this is inside `$(…)`.
    nested: bool,
    commands: Vec<Command>,
}

impl<'a> Collector<'a, '_> {
    /// The first command reads a pipe if what holds it does.
    fn body(&mut self, body: &Body<'a>, piped: bool) {
        for (index, statement) in body.iter().enumerate() {
            for pipeline in statement.chain.pipelines() {
                for (behind, command) in pipeline.commands.iter().enumerate() {
                    let is_first = index == 0 && pipeline.span == statement.chain.first.span;
                    self.command(command, behind > 0 || (piped && is_first));
                }
            }
        }
    }

    fn command(&mut self, command: &sealift_shell::Command<'a>, piped: bool) {
        let mut found = Command { piped, nested: self.nested, ..Command::default() };
        for redirect in command.redirects.iter().filter(|it| it.heredoc.is_none()) {
            found.redirects.push(self.word(&redirect.target));
        }
        match &command.kind {
            CommandKind::Simple(simple) => {
                for assignment in &simple.assignments {
                    found.assignments.push(self.assignment(assignment));
                }
                found.words.reserve_exact(simple.words.len());
                for word in &simple.words {
                    found.words.push(self.word(word));
                }
                if !found.words.is_empty() || !found.assignments.is_empty() {
                    found.settle();
                    self.commands.push(found);
                }
            }
            CommandKind::Subshell(body) | CommandKind::Group(body) => self.body(body, piped),
            CommandKind::If { branches, otherwise } => {
                for branch in branches {
                    self.body(&branch.condition, piped);
                    self.body(&branch.body, false);
                }
                if let Some(body) = otherwise {
                    self.body(body, false);
                }
            }
            CommandKind::For(it) => {
                self.words(it.values.as_deref().unwrap_or_default());
                self.body(&it.body, false);
            }
            CommandKind::ArithmeticFor { header, body } => {
                self.parts(header);
                self.body(body, false);
            }
            CommandKind::Loop { condition, body, .. } => {
                self.body(condition, piped);
                self.body(body, false);
            }
            CommandKind::Case { subject, arms } => {
                self.parts(&subject.parts);
                for arm in arms {
                    self.words(&arm.patterns);
                    self.body(&arm.body, false);
                }
            }
            CommandKind::Function { body, .. } => self.command(body, false),
            CommandKind::Test(words) => self.words(words),
            CommandKind::Arithmetic(parts) => self.parts(parts),
            CommandKind::Missing => {}
        }
    }

    fn words(&mut self, words: &[sealift_shell::Word<'a>]) {
        for word in words {
            self.parts(&word.parts);
        }
    }

    /// A word without its quotes; the commands in it are collected.
    fn word(&mut self, word: &sealift_shell::Word<'a>) -> Word {
        if !word.is_plain() {
            self.parts(&word.parts);
        }
        Word::new(word.text(self.source), (self.place)(word.span.range()))
    }

    fn assignment(&mut self, assignment: &sealift_shell::Assignment<'a>) -> Word {
        let span = (self.place)(assignment.span.range());
        let written = assignment.span.text(self.source);
        let text = match &assignment.value {
            Value::Word(value) => {
                self.parts(&value.parts);
                let name = written.len().saturating_sub(value.span.len());
                [written.get(..name).unwrap_or(""), &value.text(self.source)].concat()
            }
            Value::Array(values) => {
                self.words(values);
                written.to_owned()
            }
        };
        Word::new(text, span)
    }

    fn parts(&mut self, parts: &[Part<'a>]) {
        for part in parts {
            match &part.kind {
                PartKind::Substitution(body)
                | PartKind::Backquote(body)
                | PartKind::Process(body) => {
                    let outer = std::mem::replace(&mut self.nested, true);
                    self.body(body, false);
                    self.nested = outer;
                }
                PartKind::Double(parts) | PartKind::Arithmetic(parts) => self.parts(parts),
                PartKind::Expansion(expansion) => self.parts(&expansion.argument),
                PartKind::Array(words) => self.words(words),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<Command> {
        super::split(text, &|range| Span::new(range.start, range.end))
    }

    fn check(text: &str, expected: &[&str]) {
        let shown: Vec<String> = split(text)
            .iter()
            .map(|command| {
                let words: Vec<&str> = command.words.iter().map(Word::as_str).collect();
                let pipe = if command.piped { "| " } else { "" };
                let redirects: Vec<String> =
                    command.redirects.iter().map(|word| format!(" >{word}")).collect();
                format!("{pipe}{}{} [{}]", words.join(","), redirects.concat(), command.name())
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn lines_split_into_commands() {
        check("a && b c || d; e & f", &["a [a]", "b,c [b]", "d [d]", "e [e]", "f [f]"]);
        check("curl -fsSL x | sh -", &["curl,-fsSL,x [curl]", "| sh,- [sh]"]);
        check("A=1 B='x y' make 'a b'\"c $D\"\\ e # no && more", &["make,a bc $D e [make]"]);
        check("x 2>/dev/null >> y <z", &["x >/dev/null >y >z [x]"]);
        check("x 2>&1 | tee f", &["x >1 [x]", "| tee,f [tee]"]);
        check("if [ -f a ]; then b; fi", &["[,-f,a,] [[]", "b [b]"]);
        check("for i in a b; do c $i; done", &["c,$i [c]"]);
        check("( a; { b; } )", &["a [a]", "b [b]"]);
        check("a | while read x; do b; done", &["a [a]", "| read,x [read]", "b [b]"]);
        check(
            "x \"$(curl y | sh)\" `z`",
            &["curl,y [curl]", "| sh [sh]", "z [z]", "x,$(curl y | sh),`z` [x]"],
        );
        check(
            "sudo -u me env A=1 /usr/bin/apt-get install x",
            &["sudo,-u,me,env,A=1,/usr/bin/apt-get,install,x [apt-get]"],
        );
        check("bash -ec 'a && b'", &["bash,-ec,a && b [bash]", "a [a]", "b [b]"]);
    }

    #[test]
    fn flags_are_found_in_groups() {
        let command = &split("curl -fsSLk --proto=x y")[0];
        assert!(command.flag(Some('k'), "insecure").is_some());
        assert!(command.flag(None, "proto").is_some());
        assert!(command.flag(Some('z'), "zebra").is_none());
    }
}
