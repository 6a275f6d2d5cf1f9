//! Commands that stand one after the other.

use sealift_diagnostic::{Level, Rule};
use sealift_shell::FaultKind;

use super::of_kind;
use crate::Check;

pub(in crate::rules) const USELESS_CAT: Check = Check {
    rule: Rule {
        id: "SL5026",
        name: "useless-cat",
        level: Level::Style,
        aliases: &["SC2002"],
        why: "one program more runs, and it hides that the file is not there",
        fix: "let the next command read the file: `command < file`, or name it as its argument",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN cat /etc/passwd | wc -l\n",
        good: "FROM debian:12\nRUN wc -l < /etc/passwd\n",
        references: &["https://www.shellcheck.net/wiki/SC2002"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::UselessCat),
};

pub(in crate::rules) const FOLDER_AND_BACK: Check = Check {
    rule: Rule {
        id: "SL5027",
        name: "folder-and-back",
        level: Level::Info,
        aliases: &["SC2103"],
        why: "if the first `cd` fails, the second one leaves the folder that the script was in",
        fix: "write `( cd folder && command )`: its folder is gone with it",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN cd /a; make; cd ..; ls\n",
        good: "FROM debian:12\nRUN (cd /a && make); ls\n",
        references: &["https://www.shellcheck.net/wiki/SC2103"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::FolderAndBack),
};

pub(in crate::rules) const MANY_APPENDS: Check = Check {
    rule: Rule {
        id: "SL5028",
        name: "many-appends",
        level: Level::Style,
        aliases: &["SC2129"],
        why: "the file is opened and named again for each",
        fix: "write `{ first; second; } >> file`, or a heredoc",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN echo a >> /f; echo b >> /f; echo c >> /f\n",
        good: "FROM debian:12\nRUN { echo a; echo b; echo c; } >> /f\n",
        references: &["https://www.shellcheck.net/wiki/SC2129"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::ManyAppends),
};
