//! The tree: one typed struct for each instruction. Texts are unexpanded, as written.

use sealift_diagnostic::Span;

use crate::{Comment, Directive, Flag, Heredoc, Keyword, Mount, Text, Word};

/// A parsed Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The text that it was parsed from; all spans are ranges of it.
    pub source: String,
    /// The escape character: a backslash, or a backtick by `# escape=`.
    pub escape: char,
    /// Parser directives, in order.
    pub directives: Vec<Directive>,
    /// Comments outside heredocs, in order; directives are not among them.
    pub comments: Vec<Comment>,
    /// Instructions, in order, [`InstructionKind::Invalid`] ones too.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// From its keyword to its last byte, heredocs included, the final line break excluded.
    pub span: Span,
    /// Where the keyword stands.
    pub keyword_span: Span,
    /// The keyword; `None` when it is no known one.
    pub keyword: Option<Keyword>,
    /// What it says.
    pub kind: InstructionKind,
    /// The line with continuations joined and comments removed, as the history shows it.
    pub raw: String,
    /// The same, with the way back to the source.
    pub line: Text,
    /// All flags as written, in order.
    pub flags: Vec<Flag>,
    /// Its heredocs, in order.
    pub heredocs: Vec<Heredoc>,
    /// Blank lines inside a continued instruction: allowed, but deprecated.
    pub blank_continuations: Vec<Span>,
    /// The line that it starts in, counted from one.
    pub line_number: usize,
}

impl Instruction {
    /// The flag with this name, the last one given.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }
}

/// What an instruction says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // Each variant is the instruction of that name.
pub enum InstructionKind {
    From(From),
    Run(Run),
    Copy(Copy),
    Add(Copy),
    Env(Pairs),
    Label(Pairs),
    Arg(Vec<Argument>),
    Workdir(Word),
    User(Word),
    Expose(Expose),
    Healthcheck(Healthcheck),
    Entrypoint(Command),
    Cmd(Command),
    Shell(Vec<Word>),
    Volume(Volume),
    Stopsignal(Word),
    Onbuild(Onbuild),
    Maintainer(Word),
    /// Not understood; [`crate::Parse::problems`] has an error for it.
    Invalid,
}

/// `FROM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// Image, stage name or `scratch`; may hold variables.
    pub image: Word,
    /// `--platform`.
    pub platform: Option<Word>,
    /// Name after `AS`, as written; names compare in lower case.
    pub name: Option<Word>,
}

/// A command in shell or exec form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One line for the shell.
    Shell(Text),
    /// A JSON array of arguments.
    Exec(Vec<Word>),
}

impl Command {
    /// The arguments to execute; a shell form is the last argument of `shell`.
    pub fn arguments(&self, shell: &[String]) -> Vec<String> {
        match self {
            Self::Shell(line) => shell.iter().cloned().chain([line.as_str().to_owned()]).collect(),
            Self::Exec(words) => words.iter().map(|word| word.text.to_string()).collect(),
        }
    }

    /// Whether it is in shell form.
    pub fn is_shell(&self) -> bool {
        matches!(self, Self::Shell(_))
    }

    /// Where it stands; `None` for an empty array.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Shell(line) => Some(line.full_span()),
            Self::Exec(words) => Some(words.first()?.span.join(words.last()?.span)),
        }
    }
}

/// `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What to run.
    pub command: Command,
    /// `--mount`s, in order.
    pub mounts: Vec<Mount>,
    /// `--network`.
    pub network: Network,
    /// `--security`.
    pub security: Security,
}

/// What a `RUN` really executes once its heredocs are put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// The arguments, no shell.
    Exec(Vec<String>),
    /// Text for the shell.
    Shell(String),
    /// A file with a `#!` line, to be made executable and run by itself.
    File {
        /// Name of the heredoc, and of the file.
        name: String,
        /// Its bytes.
        content: String,
    },
}

impl Run {
    /// The heredoc that is the script itself, which the first one is when there is nothing else.
    pub fn script<'a>(&self, heredocs: &'a [Heredoc]) -> Option<&'a Heredoc> {
        let Command::Shell(line) = &self.command else { return None };
        heredocs.first().filter(|_| Heredoc::opener(line).is_some())
    }

    /// What is executed: a lone `<<NAME` is the script itself, other heredocs are the shell's own business.
    pub fn program(&self, heredocs: &[Heredoc]) -> Program {
        let line = match &self.command {
            Command::Exec(words) => {
                return Program::Exec(words.iter().map(|word| word.text.to_string()).collect());
            }
            Command::Shell(line) => line.as_str(),
        };
        if let Some(first) = self.script(heredocs) {
            let content = first.content();
            return if first.body.starts_with("#!") {
                Program::File { name: first.name.clone(), content }
            } else {
                Program::Shell(content)
            };
        }
        let mut script = line.to_owned();
        for heredoc in heredocs {
            script.push('\n');
            script.push_str(&heredoc.body);
            script.push_str(&heredoc.name);
        }
        Program::Shell(script)
    }
}

/// `RUN --network`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// The builder's choice.
    #[default]
    Default,
    /// No network.
    None,
    /// The host's network.
    Host,
}

/// `RUN --security`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// Confined.
    #[default]
    Sandbox,
    /// Privileged.
    Insecure,
}

/// `COPY` and `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// `--from`: stage, index, image or named context.
    pub from: Option<Word>,
    /// `--chown`.
    pub chown: Option<Word>,
    /// `--chmod`.
    pub chmod: Option<Word>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`s, in order.
    pub exclude: Vec<Word>,
    /// `ADD --checksum`.
    pub checksum: Option<Word>,
    /// `ADD --keep-git-dir`.
    pub keep_git_dir: bool,
    /// `ADD --unpack`.
    pub unpack: Option<bool>,
    /// What to copy.
    pub sources: Vec<Source>,
    /// Where to.
    pub destination: Word,
    /// Whether the arguments were a JSON array.
    pub exec_form: bool,
}

impl Copy {
    /// The sources that are paths or URLs.
    pub fn paths(&self) -> impl Iterator<Item = &Word> {
        self.sources.iter().filter_map(|source| match source {
            Source::Path(word) => Some(word),
            Source::Heredoc(_) => None,
        })
    }
}

/// A source of `COPY` or `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A path or pattern; for `ADD` also a URL or git reference.
    Path(Word),
    /// Index into [`Instruction::heredocs`].
    Heredoc(usize),
}

/// Arguments of `ENV` and `LABEL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    /// The pairs, in order.
    pub pairs: Vec<Pair>,
    /// Whether it was the old form `ENV key value`.
    pub legacy: bool,
}

/// One key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Key.
    pub key: Word,
    /// Value, with its quotes.
    pub value: Word,
}

/// One argument of `ARG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Name.
    pub name: Word,
    /// Default value, with its quotes.
    pub value: Option<Word>,
}

/// `EXPOSE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expose {
    /// Ports as written: `80`, `53/udp`, `8000-8010`, `$PORT`.
    pub ports: Vec<Word>,
}

/// `VOLUME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Paths.
    pub paths: Vec<Word>,
    /// Whether they were a JSON array.
    pub exec_form: bool,
}

/// `HEALTHCHECK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    /// The check; `None` for `HEALTHCHECK NONE`.
    pub test: Option<Command>,
    /// `--interval`, in nanoseconds; zero is the default.
    pub interval_nanos: i64,
    /// `--timeout`, in nanoseconds.
    pub timeout_nanos: i64,
    /// `--start-period`, in nanoseconds.
    pub start_period_nanos: i64,
    /// `--start-interval`, in nanoseconds.
    pub start_interval_nanos: i64,
    /// `--retries`.
    pub retries: i64,
}

/// `ONBUILD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onbuild {
    /// The instruction to run later.
    pub instruction: Box<Instruction>,
    /// Its text, heredocs included, as the image configuration keeps it.
    pub expression: String,
}
