//! The tree: lists of statements, commands, words and their parts.

use sealift_diagnostic::Span;

use crate::{Few, Problem};

/// A parsed script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script<'a> {
    /// What was parsed.
    pub text: &'a str,
    /// Its statements.
    pub body: Body<'a>,
    /// The bodies of its heredocs, in the order of their operators; [`Redirect::heredoc`] points here.
    pub heredocs: Vec<Heredoc<'a>>,
    /// What was not understood, in the order in which it was noticed: the first may be the cause of the others.
    pub problems: Vec<Problem>,
}

/// Statements one after the other.
pub type Body<'a> = Vec<Statement<'a>>;

/// An and-or list up to `;`, `&` or the end of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The list.
    pub chain: Chain<'a>,
    /// Whether `&` follows, so that nobody waits for it.
    pub background: bool,
}

/// Pipelines with `&&` and `||` between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain<'a> {
    /// The first one.
    pub first: Pipeline<'a>,
    /// The others, each with what stands before it.
    pub rest: Vec<(Connector, Pipeline<'a>)>,
}

impl<'a> Chain<'a> {
    /// All pipelines.
    pub fn pipelines(&self) -> impl DoubleEndedIterator<Item = &Pipeline<'a>> {
        std::iter::once(&self.first).chain(self.rest.iter().map(|(_, pipeline)| pipeline))
    }

    /// From its first byte to its last.
    pub fn span(&self) -> Span {
        self.rest.last().map_or(self.first.span, |(_, last)| self.first.span.join(last.span))
    }
}

/// What stands between two pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// Commands with `|` between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline<'a> {
    /// The `!` before it.
    pub negation: Option<Span>,
    /// The commands; never empty.
    pub commands: Few<Command<'a>>,
    /// From its first byte to its last.
    pub span: Span,
}

/// A command with its redirections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command<'a> {
    /// What it is.
    pub kind: CommandKind<'a>,
    /// Its redirections, in order.
    pub redirects: Vec<Redirect<'a>>,
    /// From its first byte to its last.
    pub span: Span,
}

/// What a command is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CommandKind<'a> {
    /// Assignments and words.
    Simple(Simple<'a>),
    /// `( … )`.
    Subshell(Body<'a>),
    /// `{ …; }`.
    Group(Body<'a>),
    /// `if …; then …; fi`.
    If {
        /// `if` and every `elif`.
        branches: Vec<Branch<'a>>,
        /// `else`.
        otherwise: Option<Body<'a>>,
    },
    /// `for NAME in …; do …; done`, and `select`.
    For(For<'a>),
    /// `for ((…)); do …; done`.
    ArithmeticFor {
        /// What stands between the brackets.
        header: Vec<Part<'a>>,
        /// What is repeated.
        body: Body<'a>,
    },
    /// `while …; do …; done` and `until`.
    Loop {
        /// Whether it ends when the condition holds.
        until: bool,
        /// The condition.
        condition: Body<'a>,
        /// What is repeated.
        body: Body<'a>,
    },
    /// `case … in … esac`.
    Case {
        /// What is compared.
        subject: Word<'a>,
        /// The arms.
        arms: Vec<Arm<'a>>,
    },
    /// `NAME() …` and `function NAME …`.
    Function {
        /// Its name.
        name: &'a str,
        /// Where the word `function` stands.
        keyword: Option<Span>,
        /// What it does.
        body: Box<Command<'a>>,
    },
    /// `[[ … ]]`; operators are words too.
    Test(Vec<Word<'a>>),
    /// `(( … ))`.
    Arithmetic(Vec<Part<'a>>),
    /// Nothing that is understood; a problem says what.
    #[default]
    Missing,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Simple<'a> {
    /// `NAME=value` before it.
    pub assignments: Vec<Assignment<'a>>,
    /// Its words; empty when there are only assignments or redirections.
    pub words: Vec<Word<'a>>,
}

/// A condition and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch<'a> {
    /// The condition.
    pub condition: Body<'a>,
    /// What is done when it holds.
    pub body: Body<'a>,
}

/// `for NAME in …; do …; done`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct For<'a> {
    /// The variable.
    pub name: &'a str,
    /// The values; `None` for the positional parameters.
    pub values: Option<Vec<Word<'a>>>,
    /// What is repeated.
    pub body: Body<'a>,
    /// Where `select` stands, if it is that.
    pub select: Option<Span>,
}

/// An arm of `case`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm<'a> {
    /// Its patterns.
    pub patterns: Vec<Word<'a>>,
    /// What is done.
    pub body: Body<'a>,
    /// `;;`, `;&` or `;;&`; empty for the last one without.
    pub end: &'a str,
}

/// `NAME=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether it has an index: `NAME[1]=`.
    pub indexed: bool,
    /// Whether it is `+=`.
    pub append: bool,
    /// The value.
    pub value: Value<'a>,
    /// From its first byte to its last.
    pub span: Span,
}

/// What is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A word, which may be empty.
    Word(Word<'a>),
    /// `( … )`.
    Array(Vec<Word<'a>>),
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect<'a> {
    /// The file descriptor in front of it, or `{name}`.
    pub descriptor: &'a str,
    /// The operator: `<`, `>`, `>>`, `<<`, `<<-`, `<<<`, `<&`, `>&`, `<>`, `>|`, `&>`, `&>>`.
    pub operator: &'a str,
    /// Where to or from; the delimiter of a heredoc.
    pub target: Word<'a>,
    /// Which heredoc it is.
    pub heredoc: Option<usize>,
    /// From its first byte to its last.
    pub span: Span,
}

/// The body of a heredoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc<'a> {
    /// The delimiter without quotes.
    pub delimiter: String,
    /// Whether the delimiter has quotes, so that nothing in the body is expanded.
    pub quoted: bool,
    /// Whether leading tabs are taken off.
    pub strip_tabs: bool,
    /// Where the body stands; `None` when the text ends before it, as in the line of a `RUN`.
    pub span: Option<Span>,
    /// What is expanded in it.
    pub parts: Vec<Part<'a>>,
}

/// A word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word<'a> {
    /// Its parts, in order; empty for an empty value.
    pub parts: Few<Part<'a>>,
    /// From its first byte to its last.
    pub span: Span,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// What it is.
    pub kind: PartKind<'a>,
    /// From its first byte to its last.
    pub span: Span,
}

/// What a part of a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartKind<'a> {
    /// Plain text.
    Literal(&'a str),
    /// A character behind a backslash; empty for a line that is continued.
    Escaped(&'a str),
    /// `'…'`, without the quotes.
    Single(&'a str),
    /// `$'…'`, as written between the quotes.
    AnsiC(&'a str),
    /// `"…"`; `$"…"` too.
    Double(Vec<Part<'a>>),
    /// `$NAME`, `$1`, `$@`.
    Variable(&'a str),
    /// `${…}`.
    Expansion(Box<Expansion<'a>>),
    /// `$(…)`.
    Substitution(Body<'a>),
    /// `` `…` ``.
    Backquote(Body<'a>),
    /// `$((…))`, and `$[…]` of old.
    Arithmetic(Vec<Part<'a>>),
    /// `*`, `?`, `[…]`, `@(…)`.
    Glob(&'a str),
    /// `~` and the name behind it.
    Tilde(&'a str),
    /// The `{` that opens `{a,b}` or `{1..3}`.
    Brace,
    /// `<(…)` and `>(…)`.
    Process(Body<'a>),
    /// `( … )` as an argument of `declare` and its like.
    Array(Vec<Word<'a>>),
}

/// `${…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion<'a> {
    /// The parameter.
    pub name: &'a str,
    /// Whether it is `${#…}`.
    pub length: bool,
    /// Whether it is `${!…}`.
    pub indirect: bool,
    /// The index between square brackets, as written.
    pub index: Option<&'a str>,
    /// The operator: `:-`, `#`, `//` …; empty for none.
    pub operator: &'a str,
    /// What follows the operator.
    pub argument: Vec<Part<'a>>,
}
