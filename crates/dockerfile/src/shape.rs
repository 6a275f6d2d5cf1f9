//! From the joined line of an instruction to its typed struct.

use std::ops::Range;

use sealift_diagnostic::{Diagnostic, Span, closest};

use crate::{
    Argument, Command, Copy, Expose, Flag, From, Healthcheck, Heredoc, InstructionKind, Keyword,
    Network, Pair, Pairs, Run, Security, Source, Text, Volume, Word, json, parse_duration,
    parse_mount, split,
};

/// One instruction on its way to a struct.
pub(crate) struct Shaper<'a> {
    pub(crate) keyword: Keyword,
    pub(crate) keyword_span: Span,
    pub(crate) line: &'a Text,
    /// The arguments, after the flags, trimmed.
    pub(crate) arguments: Range<usize>,
    pub(crate) flags: &'a [Flag],
    pub(crate) heredocs: &'a [Heredoc],
    pub(crate) escape: char,
    pub(crate) problems: &'a mut Vec<Diagnostic>,
}

impl Shaper<'_> {
    /// The struct of the instruction, `ONBUILD` excepted; `None` after a problem was reported.
    pub(crate) fn shape(&mut self) -> Option<InstructionKind> {
        if self.arguments.is_empty() {
            let keyword = self.keyword.as_str();
            self.problem(self.keyword_span, format!("`{keyword}` needs an argument"));
            return None;
        }
        Some(match self.keyword {
            Keyword::From => InstructionKind::From(self.from()?),
            Keyword::Run => InstructionKind::Run(self.run()?),
            Keyword::Copy => InstructionKind::Copy(self.copy()?),
            Keyword::Add => InstructionKind::Add(self.copy()?),
            Keyword::Env => InstructionKind::Env(self.pairs()?),
            Keyword::Label => InstructionKind::Label(self.pairs()?),
            Keyword::Arg => InstructionKind::Arg(self.declarations()?),
            Keyword::Workdir => InstructionKind::Workdir(self.rest()),
            Keyword::User => InstructionKind::User(self.rest()),
            Keyword::Expose => InstructionKind::Expose(Expose { ports: self.words() }),
            Keyword::Healthcheck => InstructionKind::Healthcheck(self.healthcheck()?),
            Keyword::Entrypoint => {
                InstructionKind::Entrypoint(self.command(self.arguments.clone())?)
            }
            Keyword::Cmd => InstructionKind::Cmd(self.command(self.arguments.clone())?),
            Keyword::Shell => InstructionKind::Shell(self.shell()?),
            Keyword::Volume => InstructionKind::Volume(self.volume()?),
            Keyword::Stopsignal => InstructionKind::Stopsignal(self.rest()),
            Keyword::Maintainer => InstructionKind::Maintainer(self.rest()),
            Keyword::Onbuild => return None,
        })
    }

    fn problem(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.problems.push(Diagnostic::error(span, message));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    fn rest(&self) -> Word {
        self.line.word(self.arguments.clone())
    }

    fn words(&self) -> Vec<Word> {
        split::blank_delimited(self.line, self.arguments.clone())
            .map(|range| self.line.word(range))
            .collect()
    }

    fn flag(&self, name: &str) -> Option<Word> {
        self.flags.iter().rev().find(|flag| flag.name == name)?.value.clone()
    }

    fn switch(&self, name: &str) -> Option<bool> {
        let flag = self.flags.iter().rev().find(|flag| flag.name == name)?;
        Some(flag.value.as_ref().is_none_or(|value| value.eq_ignore_ascii_case("true")))
    }

    fn from(&mut self) -> Option<From> {
        let mut words = self.words().into_iter();
        let platform = self.flag("platform");
        let (image, name) = match (words.next()?, words.next(), words.next(), words.next()) {
            (image, None, ..) => (image, None),
            (image, Some(keyword), Some(name), None) if keyword.eq_ignore_ascii_case("as") => {
                if !is_stage_name(&name) {
                    let message = format!("`{name}` cannot be the name of a stage");
                    self.problem(name.span, message).help = Some(
                        "a name starts with a letter; letters, digits, `-`, `_` and `.` follow"
                            .into(),
                    );
                    return None;
                }
                (image, Some(name))
            }
            (first, ..) => {
                let span = first.span.join(self.words().last()?.span);
                self.problem(span, "`FROM` takes an image, or an image, `AS` and a name").help =
                    Some("write `FROM image` or `FROM image AS name`".into());
                return None;
            }
        };
        Some(From { image, platform, name })
    }

    fn run(&mut self) -> Option<Run> {
        let command = self.command(self.arguments.clone())?;
        if matches!(&command, Command::Exec(words) if words.is_empty()) {
            self.problem(self.keyword_span, "`RUN` has nothing to run");
            return None;
        }
        let network = match self.flag("network") {
            None => Network::Default,
            Some(word) => match word.as_str() {
                "default" => Network::Default,
                "none" => Network::None,
                "host" => Network::Host,
                _ => return self.unknown_value("network", &word, &["default", "none", "host"]),
            },
        };
        let security = match self.flag("security") {
            None => Security::Sandbox,
            Some(word) => match word.as_str() {
                "sandbox" => Security::Sandbox,
                "insecure" => Security::Insecure,
                _ => return self.unknown_value("security", &word, &["sandbox", "insecure"]),
            },
        };
        let mut mounts = Vec::new();
        for flag in self.flags.iter().filter(|flag| flag.name == "mount") {
            let Some(value) = &flag.value else { continue };
            match parse_mount(value, value.span) {
                Ok(mount) => mounts.push(mount),
                Err(error) => {
                    let mut problem = Diagnostic::error(value.span, error.to_string());
                    problem.help = error.hint().map(Into::into);
                    self.problems.push(problem);
                }
            }
        }
        Some(Run { command, mounts, network, security })
    }

    fn unknown_value<T>(&mut self, flag: &str, word: &Word, known: &[&'static str]) -> Option<T> {
        let help = match closest(word, known.iter().copied()) {
            Some(value) => format!("did you mean `{value}`?"),
            None => format!("it is one of `{}`", known.join("`, `")),
        };
        self.problem(word.span, format!("flag `--{flag}` cannot be `{word}`")).help =
            Some(help.into());
        None
    }

    /// Exec form when the text is a JSON array of strings, else shell form.
    fn command(&mut self, range: Range<usize>) -> Option<Command> {
        match json::read(self.line, range.clone()) {
            json::Array::Strings(words) => Some(Command::Exec(words)),
            json::Array::NotStrings(at) => self.not_strings(at),
            json::Array::No => Some(Command::Shell(self.line.slice(range))),
        }
    }

    fn not_strings<T>(&mut self, at: usize) -> Option<T> {
        let span = self.line.span(at..at + 1);
        self.problem(span, "the exec form is an array of strings only").help =
            Some("put the argument in double quotes".into());
        None
    }

    /// JSON array or blank-delimited words; also whether it was an array.
    fn list(&mut self) -> Option<(Vec<Word>, bool)> {
        match json::read(self.line, self.arguments.clone()) {
            json::Array::Strings(words) => Some((words, true)),
            json::Array::NotStrings(at) => self.not_strings(at),
            json::Array::No => Some((self.words(), false)),
        }
    }

    fn copy(&mut self) -> Option<Copy> {
        let (mut words, exec_form) = self.list()?;
        let keyword = self.keyword.as_str();
        let destination = words.pop();
        let Some(destination) = destination.filter(|_| !words.is_empty()) else {
            let span = self.line.span(self.arguments.clone());
            self.problem(span, format!("`{keyword}` needs a source and a destination")).help =
                Some(format!("write `{keyword} source destination`").into());
            return None;
        };
        if !exec_form && Heredoc::opener(&destination).is_some() {
            self.problem(destination.span, "a heredoc cannot be the destination");
            return None;
        }
        // A name that is used twice means the last heredoc of that name.
        let source = |word: Word| {
            let opener = if exec_form { None } else { Heredoc::opener(&word) };
            let named =
                |heredoc: &Heredoc| opener.as_ref().is_some_and(|it| it.name == heredoc.name);
            self.heredocs.iter().rposition(named).map_or(Source::Path(word), Source::Heredoc)
        };
        let sources = words.into_iter().map(source).collect();
        Some(Copy {
            from: self.flag("from"),
            chown: self.flag("chown"),
            chmod: self.flag("chmod"),
            link: self.switch("link").unwrap_or(false),
            parents: self.switch("parents").unwrap_or(false),
            exclude: self
                .flags
                .iter()
                .filter(|flag| flag.name == "exclude")
                .filter_map(|flag| flag.value.clone())
                .collect(),
            checksum: self.flag("checksum"),
            keep_git_dir: self.switch("keep-git-dir").unwrap_or(false),
            unpack: self.switch("unpack"),
            sources,
            destination,
            exec_form,
        })
    }

    fn pairs(&mut self) -> Option<Pairs> {
        let mut words = split::quoted(self.line, self.arguments.clone(), self.escape).peekable();
        let first = words.peek()?.clone();
        if !self.line[first].contains('=') {
            return self.legacy_pair();
        }
        let mut pairs = Vec::new();
        for range in words {
            let Some(equals) = self.line[range.clone()].find('=') else {
                let word = self.line.word(range);
                self.problem(word.span, format!("`{word}` has no `=`")).help =
                    Some("write `key=value`, and quotes around a value with spaces".into());
                return None;
            };
            let equals = range.start + equals;
            if equals == range.start {
                let span = self.line.span(range);
                self.problem(span, "a key cannot be empty");
                return None;
            }
            pairs.push(Pair {
                key: self.line.word(range.start..equals),
                value: self.line.word(equals + 1..range.end),
            });
        }
        Some(Pairs { pairs, legacy: false })
    }

    fn legacy_pair(&mut self) -> Option<Pairs> {
        let text = &self.line[self.arguments.clone()];
        let Some(blank) = text.find(split::is_blank) else {
            let keyword = self.keyword.as_str();
            let word = self.rest();
            self.problem(word.span, format!("`{keyword}` needs a key and a value")).help =
                Some(format!("write `{keyword} {word}=value`").into());
            return None;
        };
        let value_start = blank + text[blank..].find(|c| !split::is_blank(c)).unwrap_or(0);
        let start = self.arguments.start;
        let pair = Pair {
            key: self.line.word(start..start + blank),
            value: self.line.word(start + value_start..self.arguments.end),
        };
        Some(Pairs { pairs: vec![pair], legacy: true })
    }

    fn declarations(&mut self) -> Option<Vec<Argument>> {
        let words = split::quoted(self.line, self.arguments.clone(), self.escape);
        let mut arguments = Vec::new();
        for range in words {
            let (name, value) = match self.line[range.clone()].find('=') {
                Some(0) => {
                    let span = self.line.span(range);
                    self.problem(span, "the name of a build argument cannot be empty");
                    return None;
                }
                Some(equals) => {
                    let equals = range.start + equals;
                    (range.start..equals, Some(equals + 1..range.end))
                }
                None => (range, None),
            };
            arguments.push(Argument {
                name: self.line.word(name),
                value: value.map(|value| self.line.word(value)),
            });
        }
        Some(arguments)
    }

    fn shell(&mut self) -> Option<Vec<Word>> {
        match json::read(self.line, self.arguments.clone()) {
            json::Array::Strings(words) if !words.is_empty() => Some(words),
            json::Array::NotStrings(at) => self.not_strings(at),
            _ => {
                let span = self.line.span(self.arguments.clone());
                self.problem(span, "`SHELL` takes a JSON array of strings").help = Some(
                    r#"write, for example, `SHELL ["/bin/bash", "-o", "pipefail", "-c"]`"#.into(),
                );
                None
            }
        }
    }

    fn volume(&mut self) -> Option<Volume> {
        let (paths, exec_form) = self.list()?;
        if let Some(empty) = paths.iter().find(|path| path.text.is_empty()) {
            let span = empty.span;
            self.problem(span, "the path of a volume cannot be empty");
            return None;
        }
        if paths.is_empty() {
            self.problem(self.keyword_span, "`VOLUME` needs an argument");
            return None;
        }
        Some(Volume { paths, exec_form })
    }

    fn healthcheck(&mut self) -> Option<Healthcheck> {
        let text = &self.line[self.arguments.clone()];
        let kind_end = text.find(char::is_whitespace).unwrap_or(text.len());
        let kind = self.line.word(self.arguments.start..self.arguments.start + kind_end);
        let command = split::trim(self.line, self.arguments.start + kind_end..self.arguments.end);
        let test = if kind.eq_ignore_ascii_case("NONE") {
            if !command.is_empty() {
                let span = self.line.span(command);
                self.problem(span, "`HEALTHCHECK NONE` takes no arguments");
                return None;
            }
            None
        } else if kind.eq_ignore_ascii_case("CMD") {
            match self.command(command.clone())? {
                Command::Exec(words) if words.is_empty() => None,
                Command::Shell(line) if line.is_empty() => None,
                command => Some(command),
            }
            .or_else(|| {
                self.problem(kind.span, "`HEALTHCHECK CMD` needs a command");
                None
            })
            .map(Some)?
        } else {
            self.problem(kind.span, format!("`{kind}` is no kind of health check")).help =
                Some("write `HEALTHCHECK CMD command` or `HEALTHCHECK NONE`".into());
            return None;
        };
        Some(Healthcheck {
            test,
            interval_nanos: self.duration("interval")?,
            timeout_nanos: self.duration("timeout")?,
            start_period_nanos: self.duration("start-period")?,
            start_interval_nanos: self.duration("start-interval")?,
            retries: self.retries()?,
        })
    }

    fn duration(&mut self, name: &str) -> Option<i64> {
        let Some(word) = self.flag(name).filter(|word| !word.is_empty()) else { return Some(0) };
        match parse_duration(&word) {
            // Docker's own minimum.
            Ok(nanos) if nanos == 0 || nanos >= 1_000_000 => Some(nanos),
            Ok(_) => {
                self.problem(word.span, format!("flag `--{name}` cannot be less than `1ms`"));
                None
            }
            Err(error) => {
                self.problem(word.span, error.to_string()).help = error.hint().map(Into::into);
                None
            }
        }
    }

    fn retries(&mut self) -> Option<i64> {
        let Some(word) = self.flag("retries").filter(|word| !word.is_empty()) else {
            return Some(0);
        };
        let retries = word.parse::<i32>().ok().filter(|retries| *retries >= 0);
        if retries.is_none() {
            self.problem(word.span, format!("flag `--retries` cannot be `{word}`")).help =
                Some("write a whole number".into());
        }
        retries.map(i64::from)
    }
}

fn is_stage_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
