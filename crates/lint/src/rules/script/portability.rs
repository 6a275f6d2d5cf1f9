//! What the shell of the stage does not have.

use sealift_diagnostic::{Level, Rule};
use sealift_shell::FaultKind;

use super::of_kind;
use crate::Check;

pub(in crate::rules) const ECHO_FLAGS: Check = Check {
    rule: Rule {
        id: "SL5051",
        name: "echo-flags",
        level: Level::Warning,
        aliases: &["SC3037", "SC3036"],
        why: "`sh` of some images prints the flag",
        fix: "use `printf`, or choose a shell with `SHELL`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN echo -n a\n",
        good: "FROM debian:12\nRUN printf a\n",
        references: &["https://www.shellcheck.net/wiki/SC3037"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::EchoFlags),
};

pub(in crate::rules) const PIPEFAIL_IN_SH: Check = Check {
    rule: Rule {
        id: "SL5052",
        name: "pipefail-in-sh",
        level: Level::Warning,
        aliases: &["SC3040"],
        why: "`sh` of Debian does not know it and stops",
        fix: "choose bash: `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN set -o pipefail; a | b\n",
        good: "FROM debian:12\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\n",
        references: &["https://www.shellcheck.net/wiki/SC3040"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::Pipefail),
};

pub(in crate::rules) const BASH_TEST: Check = Check {
    rule: Rule {
        id: "SL5053",
        name: "bash-test",
        level: Level::Warning,
        aliases: &["SC3010", "SC3014"],
        why: "`sh` of Debian has no `[[`, and no `==`",
        fix: "write `[ … ]` with `=`, or choose bash with `SHELL`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN [ \"$a\" == b ]\n",
        good: "FROM debian:12\nRUN [ \"$a\" = b ]\n",
        references: &["https://www.shellcheck.net/wiki/SC3010"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::BashTest),
};

pub(in crate::rules) const BASH_ARRAY: Check = Check {
    rule: Rule {
        id: "SL5054",
        name: "bash-array",
        level: Level::Warning,
        aliases: &["SC3030", "SC3054"],
        why: "only bash and ksh have arrays",
        fix: "choose bash with `SHELL`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN a=(b c); echo \"${a[0]}\"\n",
        good: "FROM debian:12\nSHELL [\"/bin/bash\", \"-c\"]\nRUN a=(b c); echo \"${a[0]}\"\n",
        references: &["https://www.shellcheck.net/wiki/SC3030"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::BashArray),
};

pub(in crate::rules) const BASH_REDIRECTION: Check = Check {
    rule: Rule {
        id: "SL5055",
        name: "bash-redirection",
        level: Level::Warning,
        aliases: &["SC3001", "SC3011", "SC3020"],
        why: "`sh` takes `&>` for `&` and a redirection, and knows neither `<<<` nor `<(…)`",
        fix: "write `>file 2>&1`, or choose bash with `SHELL`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN make &> /log\n",
        good: "FROM debian:12\nRUN make > /log 2>&1\n",
        references: &["https://www.shellcheck.net/wiki/SC3001"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::BashRedirection),
};

pub(in crate::rules) const BASH_EXPANSION: Check = Check {
    rule: Rule {
        id: "SL5056",
        name: "bash-expansion",
        level: Level::Warning,
        aliases: &["SC3003", "SC3009", "SC3053", "SC3057", "SC3059", "SC3060"],
        why: "`sh` of Debian takes it for plain text, or stops",
        fix: "write it in POSIX shell, or choose bash with `SHELL`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN mkdir /a/{b,c}\n",
        good: "FROM debian:12\nRUN mkdir /a/b /a/c\n",
        references: &["https://www.shellcheck.net/wiki/SC3003"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::BashExpansion),
};

pub(in crate::rules) const BASH_COMMAND: Check = Check {
    rule: Rule {
        id: "SL5057",
        name: "bash-command",
        level: Level::Warning,
        aliases: &["SC3043", "SC3044", "SC3046", "SC3051", "SC3008", "SC2112"],
        why: "`sh` of some images does not have it",
        fix: "choose a shell that does with `SHELL`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN source /a\n",
        good: "FROM debian:12\nRUN . /a\n",
        references: &["https://www.shellcheck.net/wiki/SC3043"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::BashCommand),
};

pub(in crate::rules) const BASH_ARITHMETIC: Check = Check {
    rule: Rule {
        id: "SL5058",
        name: "bash-arithmetic",
        level: Level::Warning,
        aliases: &["SC3005", "SC3006"],
        why: "only bash and ksh have it as a command",
        fix: "write `a=$((a + 1))`, or choose bash with `SHELL`",
        since: "0.2.0",
        bad: "FROM debian:12\nRUN ((a++))\n",
        good: "FROM debian:12\nRUN a=$((a + 1))\n",
        references: &["https://www.shellcheck.net/wiki/SC3005"],
    },
    run: |view, sink| of_kind(view, sink, FaultKind::BashArithmetic),
};
