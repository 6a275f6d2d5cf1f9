//! Words: quotes that are missing or in the way, expansions, loops over words.

use sealift_diagnostic::{Level, Rule};
use sealift_shell::FaultKind;

use super::of_kind;
use crate::Check;

pub(in crate::rules) const UNQUOTED_VARIABLE: Check = Check {
    rule: Rule {
        id: "SL5002",
        name: "unquoted-variable",
        level: Level::Info,
        aliases: &["SC2086"],
        why: "a value with a blank in it becomes several words, and `*` in it becomes the names of files",
        fix: "put it between double quotes: `\"$NAME\"`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN mkdir $folder\n",
        good: "FROM debian:12\nRUN mkdir \"$folder\"\n",
        references: &["https://www.shellcheck.net/wiki/SC2086"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::UnquotedVariable),
};

pub(in crate::rules) const UNQUOTED_SUBSTITUTION: Check = Check {
    rule: Rule {
        id: "SL5003",
        name: "unquoted-substitution",
        level: Level::Warning,
        aliases: &["SC2046"],
        why: "what a command prints is split at every blank",
        fix: "put it between double quotes: `\"$(command)\"`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN ls /lib/modules/$(uname -r)\n",
        good: "FROM debian:12\nRUN ls \"/lib/modules/$(uname -r)\"\n",
        references: &["https://www.shellcheck.net/wiki/SC2046"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::UnquotedSubstitution),
};

pub(in crate::rules) const SINGLE_QUOTED_EXPANSION: Check = Check {
    rule: Rule {
        id: "SL5005",
        name: "single-quoted-expansion",
        level: Level::Info,
        aliases: &["SC2016"],
        why: "between single quotes a dollar is a dollar",
        fix: "use double quotes if the value is meant",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN echo 'path is $PATH'\n",
        good: "FROM debian:12\nRUN echo \"path is $PATH\"\n",
        references: &["https://www.shellcheck.net/wiki/SC2016"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::SingleQuotes),
};

pub(in crate::rules) const LOOP_ONCE: Check = Check {
    rule: Rule {
        id: "SL5010",
        name: "loop-once",
        level: Level::Warning,
        aliases: &["SC2043", "SC2066", "SC2041"],
        why: "a loop over one word hides a mistake in quotes, or is none",
        fix: "take the quotes away if several words are meant, or the loop",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN for user in me; do id $user; done\n",
        good: "FROM debian:12\nRUN id me\n",
        references: &["https://www.shellcheck.net/wiki/SC2043"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::LoopOnce),
};

pub(in crate::rules) const BACKQUOTES: Check = Check {
    rule: Rule {
        id: "SL5012",
        name: "backquotes",
        level: Level::Style,
        aliases: &["SC2006"],
        why: "quotes and backslashes mean something else between them",
        fix: "write `$(…)`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN echo \"`date`\"\n",
        good: "FROM debian:12\nRUN echo \"$(date)\"\n",
        references: &["https://www.shellcheck.net/wiki/SC2006"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::Backquotes),
};

pub(in crate::rules) const USELESS_ECHO: Check = Check {
    rule: Rule {
        id: "SL5013",
        name: "useless-echo",
        level: Level::Style,
        aliases: &["SC2116"],
        why: "the words are printed only to be read again",
        fix: "write the words themselves",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN mkdir \"$(echo \"$folder\")\"\n",
        good: "FROM debian:12\nRUN mkdir \"$folder\"\n",
        references: &["https://www.shellcheck.net/wiki/SC2116"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::UselessEcho),
};

pub(in crate::rules) const PLAIN_ESCAPE: Check = Check {
    rule: Rule {
        id: "SL5016",
        name: "plain-escape",
        level: Level::Info,
        aliases: &["SC1001"],
        why: "outside quotes a backslash only takes the meaning from the next character",
        fix: "take the backslash away, or put the word between quotes",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN echo \\u00e9\n",
        good: "FROM debian:12\nRUN echo '\\u00e9'\n",
        references: &["https://www.shellcheck.net/wiki/SC1001"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::PlainEscape),
};

pub(in crate::rules) const LOOP_OVER_NAMES: Check = Check {
    rule: Rule {
        id: "SL5019",
        name: "loop-over-names",
        level: Level::Warning,
        aliases: &["SC2044", "SC2045"],
        why: "a name with a blank in it becomes two",
        fix: "use a pattern, or `find -exec`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN for file in $(ls /a); do cat \"$file\"; done\n",
        good: "FROM debian:12\nRUN for file in /a/*; do cat \"$file\"; done\n",
        references: &["https://www.shellcheck.net/wiki/SC2044"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::LoopOverNames),
};

pub(in crate::rules) const UNQUOTED_ARGUMENTS: Check = Check {
    rule: Rule {
        id: "SL5020",
        name: "unquoted-arguments",
        level: Level::Error,
        aliases: &["SC2068"],
        why: "arguments with blanks in them fall apart",
        fix: "write `\"$@\"`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN f() { make $@; }; f all\n",
        good: "FROM debian:12\nRUN f() { make \"$@\"; }; f all\n",
        references: &["https://www.shellcheck.net/wiki/SC2068"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::UnquotedArguments),
};

pub(in crate::rules) const JOINED_ARGUMENTS: Check = Check {
    rule: Rule {
        id: "SL5021",
        name: "joined-arguments",
        level: Level::Error,
        aliases: &["SC2145"],
        why: "the text sticks to the first and the last argument only",
        fix: "write `$*`, or put `\"$@\"` in a word of its own",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN f() { echo \"got $@\"; }; f a b\n",
        good: "FROM debian:12\nRUN f() { echo \"got $*\"; }; f a b\n",
        references: &["https://www.shellcheck.net/wiki/SC2145"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::JoinedArguments),
};
