//! What the shell that runs a script does not have.

use sealift_diagnostic::{Edit, Span, Tier};

use super::{FaultKind, walk::Walk};
use crate::{Command, CommandKind, Dialect, Part, PartKind, Redirect, Simple, Value};

/// What only some shells have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feature {
    /// `[[ … ]]`, `==`, `$'…'`, `${a:1}`, `${a//b}`, `&>`, `source`, `let`, `function`, pipefail.
    Common,
    /// `local`.
    Local,
    /// Arrays, `<<<`, `<(…)`, `(( ))`, `{a,b}`, `declare`, `select`.
    Bash,
    /// `echo -e` and `-n`.
    EchoFlags,
}

impl<'a> Walk<'a> {
    fn lacks(&self, feature: Feature) -> bool {
        match self.dialect {
            Dialect::Bash | Dialect::Ksh => false,
            Dialect::Busybox => feature == Feature::Bash,
            Dialect::Dash => matches!(feature, Feature::Common | Feature::Bash),
            Dialect::Posix => true,
        }
    }

    fn lacking(&mut self, feature: Feature, kind: FaultKind, span: Span, what: &str) {
        if self.lacks(feature) {
            self.report(kind, span, format!("{what} is not for every `sh`"));
        }
    }

    /// Constructs.
    pub(super) fn construct_extension(&mut self, command: &'a Command<'a>) {
        let span = Span::new(command.span.start, (command.span.start + 2).min(command.span.end));
        match &command.kind {
            CommandKind::Test(_) => {
                self.lacking(Feature::Common, FaultKind::BashTest, span, "`[[ … ]]`");
            }
            CommandKind::Arithmetic(_) => {
                self.lacking(Feature::Bash, FaultKind::BashArithmetic, span, "`(( … ))`");
            }
            CommandKind::ArithmeticFor { .. } => {
                self.lacking(Feature::Bash, FaultKind::BashArithmetic, command.span, "`for ((…))`");
            }
            CommandKind::For(it) => {
                if let Some(select) = it.select {
                    self.lacking(Feature::Bash, FaultKind::BashCommand, select, "`select`");
                }
            }
            CommandKind::Function { keyword: Some(keyword), .. } => {
                self.lacking(Feature::Common, FaultKind::BashCommand, *keyword, "`function`");
            }
            CommandKind::Simple(simple) => {
                for assignment in &simple.assignments {
                    if assignment.indexed || matches!(assignment.value, Value::Array(_)) {
                        self.lacking(
                            Feature::Bash,
                            FaultKind::BashArray,
                            assignment.span,
                            "an array",
                        );
                    }
                }
            }
            _ => {}
        }
    }

    /// Simple commands and their flags.
    pub(super) fn command_extension(&mut self, simple: &Simple<'_>, name: &str) {
        let Some((first, arguments)) = simple.words.split_first() else { return };
        let span = first.span;
        match name {
            "source" if self.lacks(Feature::Common) => {
                let fix = (Tier::Safe, "write `.`", vec![Edit::replace(span, ".")]);
                self.mend(FaultKind::BashCommand, span, "`source` is not for every `sh`", fix);
            }
            "let" => self.lacking(Feature::Common, FaultKind::BashCommand, span, "`let`"),
            "local" => self.lacking(Feature::Local, FaultKind::BashCommand, span, "`local`"),
            "declare" | "typeset" | "pushd" | "popd" | "shopt" | "mapfile" | "readarray"
            | "disown" => {
                self.lacking(Feature::Bash, FaultKind::BashCommand, span, &format!("`{name}`"));
            }
            "echo" => {
                let flag = arguments.first().filter(|word| {
                    let letters = word.start().strip_prefix('-').unwrap_or("");
                    word.parts.len() == 1
                        && !letters.is_empty()
                        && letters.bytes().all(|byte| b"eEsn".contains(&byte))
                });
                if let Some(flag) = flag {
                    let what = format!("`echo {}`", flag.start());
                    self.lacking(Feature::EchoFlags, FaultKind::EchoFlags, flag.span, &what);
                }
            }
            "set" => {
                if let Some(word) = arguments.iter().find(|word| word.start() == "pipefail") {
                    self.lacking(Feature::Common, FaultKind::Pipefail, word.span, "`pipefail`");
                }
            }
            "[" | "test" if self.lacks(Feature::Common) => {
                for word in arguments.iter().filter(|it| it.start() == "==" && it.parts.len() == 1)
                {
                    let fix = (Tier::Safe, "write `=`", vec![Edit::replace(word.span, "=")]);
                    self.mend(FaultKind::BashTest, word.span, "`==` is not for every `sh`", fix);
                }
            }
            _ => {}
        }
    }

    /// Redirections.
    pub(super) fn redirection(&mut self, redirect: &Redirect<'_>) {
        let what = match redirect.operator {
            "<<<" => {
                return self.lacking(
                    Feature::Bash,
                    FaultKind::BashRedirection,
                    redirect.span,
                    "`<<<`",
                );
            }
            operator @ ("&>" | "&>>") => operator,
            _ => return,
        };
        self.lacking(
            Feature::Common,
            FaultKind::BashRedirection,
            redirect.span,
            &format!("`{what}`"),
        );
    }

    /// Parts of words.
    pub(super) fn expansion_extension(&mut self, part: &Part<'_>) {
        let span = part.span;
        let (feature, kind, what) = match &part.kind {
            PartKind::AnsiC(_) => (Feature::Common, FaultKind::BashExpansion, "`$'…'`"),
            PartKind::Brace => (Feature::Bash, FaultKind::BashExpansion, "`{…,…}`"),
            PartKind::Process(_) => (Feature::Bash, FaultKind::BashRedirection, "`<(…)`"),
            PartKind::Array(_) => (Feature::Bash, FaultKind::BashArray, "an array"),
            PartKind::Expansion(it) if it.index.is_some() => {
                (Feature::Bash, FaultKind::BashArray, "an array")
            }
            PartKind::Expansion(it) if it.indirect => {
                (Feature::Bash, FaultKind::BashExpansion, "`${!…}`")
            }
            PartKind::Expansion(it) => match it.operator {
                ":" | "/" | "//" | "/#" | "/%" => {
                    (Feature::Common, FaultKind::BashExpansion, "this expansion")
                }
                "^" | "^^" | "," | ",," | "@" | "*" => {
                    (Feature::Bash, FaultKind::BashExpansion, "this expansion")
                }
                _ => return,
            },
            _ => return,
        };
        self.lacking(feature, kind, span, what);
    }
}
