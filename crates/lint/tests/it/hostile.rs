//! Odd and huge files: no panic, no hang.

#![allow(clippy::format_collect, reason = "short texts, made once")]

use std::time::{Duration, Instant};

use sealift_diagnostic::render_short;
use sealift_lint::render;

use crate::check::found;

#[test]
fn odd_words_are_harmless() {
    for argument in [
        "''",
        "\"",
        "'",
        "$(",
        "`",
        "${",
        "\\",
        "-",
        "--",
        "=",
        ":",
        "ä=ö",
        "\u{a0}",
        "[",
        "['",
        "🦀",
        "a\u{0}b",
        "<(",
        ">",
        "|",
        "chmod",
        "chmod ü",
        "pip install",
        "sudo",
        "env",
        "curl |",
        "| sh",
        "apt-get install ''",
        "eyJ",
        "://:@",
        "a://b:@c",
    ] {
        for keyword in [
            "FROM",
            "RUN",
            "COPY",
            "ADD",
            "ENV",
            "ARG",
            "USER",
            "EXPOSE",
            "WORKDIR",
            "VOLUME",
            "CMD",
            "ONBUILD RUN",
        ] {
            let source =
                format!("FROM debian\n{keyword} {argument}\n{keyword} a {argument} b={argument}\n");
            let found = found(&source);
            render(&found, "f", &source, true);
            render_short(&found, "f", &source);
        }
    }
}

/// A file of four times the length takes no more than about four times the time.
#[track_caller]
fn check_scaling(make: impl Fn(usize) -> String, count: usize) {
    let unit: String = make(1).chars().take(60).collect();
    sealift_testkit::check_scaling(&unit, count, |count| {
        found(&make(count));
    });
}

#[test]
fn many_instructions_take_linear_time() {
    for unit in [
        "RUN sudo curl x | sh\n",
        "RUN apt-get update && apt-get install -y curl\n",
        "RUN cd /a; make $b > $c\n",
        "ENV API_KEY=sk_live_abcd1234\n",
        "ARG a=b\n",
        "COPY --from=x . .\n",
        "COPY a b\n",
        "WORKDIR a\n",
        "USER a\n",
        "EXPOSE 22\n",
        "LABEL a=b\n",
        "ONBUILD RUN cd /a; b $c\n",
        "CMD a\n",
        "HEALTHCHECK CMD a\n",
        "SHELL [\"/bin/bash\", \"-c\"]\n",
        "# hadolint ignore=DL3008\nRUN a\n",
        "# comment\n",
        "ADD https://a/b c\n",
        "RUN <<E\ncd a; b $c\nE\n",
        "VOLUME a\n",
        "nonsense\n",
    ] {
        check_scaling(|count| format!("FROM a\n{}", unit.repeat(count)), 300);
    }
    check_scaling(|count| "FROM a AS b\n".repeat(count), 200);
    check_scaling(|count| (0..count).map(|it| format!("FROM a{it} AS b{it}\n")).collect(), 200);
    check_scaling(
        |count| {
            format!(
                "FROM a AS b0\n{}",
                (1..count)
                    .map(|it| format!("FROM b{} AS b{it}\nENV a{it}=b\nRUN c $d\n", it - 1))
                    .collect::<String>()
            )
        },
        60,
    );
}

#[test]
fn long_lines_take_linear_time() {
    for unit in [
        "$(a) ",
        "a | b; ",
        "eyJ",
        "://",
        "a='",
        "AKIA",
        "chmod 777 ",
        "a && ",
        "cd b; ",
        "$a ",
        "\"$b\" ",
        "apt-get install c; ",
        "curl d | sh; ",
        "\\\n",
        "\\\n# e\n",
        "export f=$(g) && ",
        "`h` ",
        "sh -c 'i'; ",
        "{",
        "x=1; ",
        "pip install j; ",
        "rm -rf $k/*; ",
        "ü",
        "\0",
        "--mount=type=cache ",
        "<<A ",
        "=",
        ":",
        "@",
        "-----BEGIN ",
        "a:b@",
    ] {
        check_scaling(|count| format!("FROM a\nRUN {}\n", unit.repeat(count)), 2_000);
    }
    for keyword in
        ["ENV", "LABEL", "COPY", "EXPOSE", "ARG", "VOLUME", "CMD [", "FROM", "# hadolint ignore="]
    {
        for unit in ["a=b ", "\"c\",", "$d", "e\\\n", "'"] {
            check_scaling(|count| format!("FROM a\n{keyword} {}\n", unit.repeat(count)), 1_000);
        }
    }
}

#[test]
fn files_of_every_kind_of_badness_are_read() {
    let deep_heredocs: String = (0..200).map(|it| format!("RUN <<E{it} cat <<F{it}\n")).collect();
    let onbuild = format!("FROM a\n{}RUN b\n", "ONBUILD ".repeat(10_000));
    let escapes = ["`", "\\", "/", "", "``", "\u{0}", "ü"]
        .map(|escape| format!("# escape={escape}\nFROM a\nRUN b {escape}\n  c $d; cd {escape}\n"));
    let nul = "FROM a\nRUN b\0c && cd \0 \0; d $\0\nENV \0=\0\nCOPY \0 \0\n".to_owned();
    let line = format!("FROM a\nRUN {}\n", "a ".repeat(5 << 20));
    let lines = format!("FROM a\n{}", "RUN a\n".repeat(100_001));
    for source in escapes.iter().chain([&deep_heredocs, &onbuild, &nul, &line, &lines]) {
        let start = Instant::now();
        let found = found(source);
        let shown: String = source.chars().take(40).collect();
        assert!(start.elapsed() < Duration::from_secs(30), "{shown:?} takes {:?}", start.elapsed());
        render_short(&found[..found.len().min(100)], "f", source);
    }
    // What is above a limit is said.
    assert!(found(&line).iter().any(|it| it.rule.as_deref() == Some("SL0001")));
    assert!(found(&lines).iter().any(|it| it.rule.as_deref() == Some("SL0001")));
    assert!(found(&onbuild).iter().any(|it| it.rule.as_deref() == Some("SL0001")));
}
