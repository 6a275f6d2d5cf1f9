//! Faults that can be seen in a tree: what works by luck, hides an error, or only another shell understands.
//!
//! Entry point: [`faults`]. The tree is walked once in the order in which it runs, with what is known of each variable
//! (`variables`). The faults are those of ShellCheck that scripts in real Dockerfiles have; its ids are in
//! [`FaultKind`]'s words.

mod commands;
mod lists;
mod portability;
mod quoting;
mod variables;
mod walk;

use sealift_diagnostic::{Fix, Span};

use crate::{Dialect, Script};

/// What is known beside the script.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The shell that runs it.
    pub dialect: Dialect,
    /// Whether a variable is set before it starts, to a value without blanks as far as one knows.
    pub is_set: &'a dyn Fn(&str) -> bool,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which one.
    pub kind: FaultKind,
    /// Where.
    pub span: Span,
    /// What is wrong, in one line.
    pub message: String,
    /// What would mend it, in places of the script.
    pub fix: Option<Fix>,
}

/// The faults that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// SC2086: a variable that is split into words.
    UnquotedVariable,
    /// SC2046: the output of a command that is split into words.
    UnquotedSubstitution,
    /// SC2164: `cd` that may fail, and the script goes on.
    UncheckedFolder,
    /// SC2016: a variable in single quotes.
    SingleQuotes,
    /// SC2035: a pattern that may give names that are taken for options.
    PatternAsOption,
    /// SC2028: `echo` of a backslash sequence.
    EchoEscape,
    /// SC2155: a declaration hides that the command in it failed.
    HiddenStatus,
    /// SC2251: `!` whose result `set -e` does not see.
    UselessNegation,
    /// SC2043: a loop over a single word.
    LoopOnce,
    /// SC2115: `rm -r` of the root if a variable is empty.
    RemoveRoot,
    /// SC2006: backquotes.
    Backquotes,
    /// SC2116: `$(echo …)`.
    UselessEcho,
    /// SC2196, SC2197: `egrep` and `fgrep`.
    OldGrep,
    /// SC2227: a redirection in the middle of `find`.
    FindRedirection,
    /// SC1001: a backslash that does nothing.
    PlainEscape,
    /// SC2015: `a && b || c`.
    AndOr,
    /// SC2162: `read` without `-r`.
    ReadBackslash,
    /// SC2044, SC2045: a loop over the output of `find` or `ls`.
    LoopOverNames,
    /// SC2068: `$@` that is split again.
    UnquotedArguments,
    /// SC2145: `$@` inside a larger word.
    JoinedArguments,
    /// SC2166: `-a` and `-o` inside `[ … ]`.
    TestAndOr,
    /// SC2174: `mkdir -p -m`.
    FolderMode,
    /// SC2181: `$?` that is compared later.
    StatusLater,
    /// SC2038: `find | xargs` with blanks in names.
    FindXargs,
    /// SC2002: `cat FILE |`.
    UselessCat,
    /// SC2103: `cd` there and back.
    FolderAndBack,
    /// SC2129: one file that several commands append to.
    ManyAppends,
    /// SC3037: flags of `echo`.
    EchoFlags,
    /// SC3040: `set -o pipefail`.
    Pipefail,
    /// SC3010, SC3014: `[[ … ]]` and `==`.
    BashTest,
    /// SC3030, SC3054: arrays.
    BashArray,
    /// SC3001, SC3011, SC3020: redirections of bash.
    BashRedirection,
    /// SC3003, SC3009, SC3057, SC3059, SC3060: expansions of bash.
    BashExpansion,
    /// SC3043, SC3044, SC3046: commands of bash.
    BashCommand,
    /// SC3005, SC3006: arithmetic commands of bash.
    BashArithmetic,
}

/// The faults of a script, in the order of the text. A script with problems is looked at as far as it was understood.
pub fn faults(script: &Script<'_>, settings: &Settings<'_>) -> Vec<Fault> {
    let mut walk = walk::Walk::new(script, *settings);
    walk.script(script);
    let mut faults = walk.faults;
    faults.sort_by_key(|fault| (fault.span, fault.kind));
    faults
}
