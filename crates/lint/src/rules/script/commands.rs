//! Commands that are called in a way that goes wrong.

use sealift_diagnostic::{Level, Rule};
use sealift_shell::FaultKind;

use super::of_kind;
use crate::Check;

pub(in crate::rules) const UNCHECKED_CD: Check = Check {
    rule: Rule {
        id: "SL5004",
        name: "unchecked-cd",
        level: Level::Warning,
        aliases: &["SC2164"],
        why: "if the folder is not there the commands that follow run in another one",
        fix: "write `cd folder && command`, or start with `set -e`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN cd /src; make\n",
        good: "FROM debian:12\nRUN cd /src && make\n",
        references: &["https://www.shellcheck.net/wiki/SC2164"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::UncheckedFolder),
};

pub(in crate::rules) const PATTERN_AS_OPTION: Check = Check {
    rule: Rule {
        id: "SL5006",
        name: "pattern-as-option",
        level: Level::Info,
        aliases: &["SC2035"],
        why: "a file whose name starts with `-` is taken for an option",
        fix: "write `./*` or `-- *`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN rm *.tmp\n",
        good: "FROM debian:12\nRUN rm ./*.tmp\n",
        references: &["https://www.shellcheck.net/wiki/SC2035"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::PatternAsOption),
};

pub(in crate::rules) const ECHO_ESCAPE: Check = Check {
    rule: Rule {
        id: "SL5007",
        name: "echo-escape",
        level: Level::Info,
        aliases: &["SC2028"],
        why: "`sh` of Debian prints a tab for `\\t`, that of Alpine and bash print the two letters",
        fix: "use `printf`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN echo 'a\\tb'\n",
        good: "FROM debian:12\nRUN printf 'a\\tb\\n'\n",
        references: &["https://www.shellcheck.net/wiki/SC2028"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::EchoEscape),
};

pub(in crate::rules) const HIDDEN_STATUS: Check = Check {
    rule: Rule {
        id: "SL5008",
        name: "hidden-status",
        level: Level::Warning,
        aliases: &["SC2155"],
        why: "the status is that of `export`, which succeeds, so that the build goes on",
        fix: "assign first, then declare: `A=\"$(command)\"; export A`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN set -e; export HOME=\"$(mktemp -d)\"; ls\n",
        good: "FROM debian:12\nRUN set -e; HOME=\"$(mktemp -d)\"; export HOME; ls\n",
        references: &["https://www.shellcheck.net/wiki/SC2155"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::HiddenStatus),
};

pub(in crate::rules) const USELESS_NEGATION: Check = Check {
    rule: Rule {
        id: "SL5009",
        name: "useless-negation",
        level: Level::Info,
        aliases: &["SC2251"],
        why: "`set -e` does not heed a command with `!`, whether it fails or succeeds",
        fix: "write `command && exit 1`, or use it as a condition",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN set -e; ! grep -q x /a; make\n",
        good: "FROM debian:12\nRUN set -e; if grep -q x /a; then exit 1; fi; make\n",
        references: &["https://www.shellcheck.net/wiki/SC2251"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::UselessNegation),
};

pub(in crate::rules) const REMOVE_ROOT: Check = Check {
    rule: Rule {
        id: "SL5011",
        name: "remove-root",
        level: Level::Warning,
        aliases: &["SC2115"],
        why: "if the variable is empty, folders of the system are removed",
        fix: "write `${NAME:?}`, which stops when it is empty",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN rm -rf \"$folder/\"*\n",
        good: "FROM debian:12\nRUN rm -rf \"${folder:?}/\"*\n",
        references: &["https://www.shellcheck.net/wiki/SC2115"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::RemoveRoot),
};

pub(in crate::rules) const OLD_GREP: Check = Check {
    rule: Rule {
        id: "SL5014",
        name: "old-grep",
        level: Level::Info,
        aliases: &["SC2196", "SC2197"],
        why: "newer releases of grep warn about them, and some images do not have them",
        fix: "write `grep -E` or `grep -F`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN egrep 'a|b' /f\n",
        good: "FROM debian:12\nRUN grep -E 'a|b' /f\n",
        references: &["https://www.shellcheck.net/wiki/SC2196"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::OldGrep),
};

pub(in crate::rules) const FIND_REDIRECTION: Check = Check {
    rule: Rule {
        id: "SL5015",
        name: "find-redirection",
        level: Level::Warning,
        aliases: &["SC2227"],
        why: "the output of all of `find` goes there, once, not that of each command",
        fix: "put it at the end, or run `sh -c` for each file",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN find /a -exec echo {} > /b \\;\n",
        good: "FROM debian:12\nRUN find /a -exec echo {} \\; > /b\n",
        references: &["https://www.shellcheck.net/wiki/SC2227"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::FindRedirection),
};

pub(in crate::rules) const AND_OR: Check = Check {
    rule: Rule {
        id: "SL5017",
        name: "and-or",
        level: Level::Info,
        aliases: &["SC2015"],
        why: "it also runs when the second command fails, not only when the first does",
        fix: "write `if …; then …; else …; fi`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN id me && make || useradd me\n",
        good: "FROM debian:12\nRUN if id me; then make; else useradd me; fi\n",
        references: &["https://www.shellcheck.net/wiki/SC2015"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::AndOr),
};

pub(in crate::rules) const READ_BACKSLASH: Check = Check {
    rule: Rule {
        id: "SL5018",
        name: "read-backslash",
        level: Level::Info,
        aliases: &["SC2162"],
        why: "a backslash in the input disappears, and joins lines",
        fix: "write `read -r`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN while read line; do echo \"$line\"; done < /f\n",
        good: "FROM debian:12\nRUN while read -r line; do echo \"$line\"; done < /f\n",
        references: &["https://www.shellcheck.net/wiki/SC2162"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::ReadBackslash),
};

pub(in crate::rules) const TEST_AND_OR: Check = Check {
    rule: Rule {
        id: "SL5022",
        name: "test-and-or",
        level: Level::Warning,
        aliases: &["SC2166"],
        why: "POSIX does not say what it means, and has taken it out",
        fix: "write `[ a ] && [ b ]`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN [ -f /a -a -f /b ]\n",
        good: "FROM debian:12\nRUN [ -f /a ] && [ -f /b ]\n",
        references: &["https://www.shellcheck.net/wiki/SC2166"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::TestAndOr),
};

pub(in crate::rules) const FOLDER_MODE: Check = Check {
    rule: Rule {
        id: "SL5023",
        name: "folder-mode",
        level: Level::Warning,
        aliases: &["SC2174"],
        why: "the folders above it get the usual mode",
        fix: "make them one by one, or use `install -d -m` or `chmod`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN mkdir -p -m 700 /a/b\n",
        good: "FROM debian:12\nRUN mkdir -p /a && mkdir -m 700 /a/b\n",
        references: &["https://www.shellcheck.net/wiki/SC2174"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::FolderMode),
};

pub(in crate::rules) const STATUS_LATER: Check = Check {
    rule: Rule {
        id: "SL5024",
        name: "status-later",
        level: Level::Style,
        aliases: &["SC2181"],
        why: "a command in between changes it, and `set -e` stops before it is looked at",
        fix: "write `if command; then`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN make; if [ $? -ne 0 ]; then exit 2; fi\n",
        good: "FROM debian:12\nRUN if ! make; then exit 2; fi\n",
        references: &["https://www.shellcheck.net/wiki/SC2181"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::StatusLater),
};

pub(in crate::rules) const FIND_XARGS: Check = Check {
    rule: Rule {
        id: "SL5025",
        name: "find-xargs",
        level: Level::Warning,
        aliases: &["SC2038"],
        why: "names with blanks or quotes in them fall apart",
        fix: "write `find … -print0 | xargs -0 …` or `find … -exec … +`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN find /a -name '*.o' | xargs rm\n",
        good: "FROM debian:12\nRUN find /a -name '*.o' -exec rm {} +\n",
        references: &["https://www.shellcheck.net/wiki/SC2038"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::FindXargs),
};
