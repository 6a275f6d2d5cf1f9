//! Lines, continuations, comments, directives, heredocs, line breaks.

use expect_test::{Expect, expect};
use sealift_dockerfile::{InstructionKind, Program};

use crate::dump::{dump, parsed};

fn check(source: &str, expected: Expect) {
    expected.assert_eq(&dump(source));
}

#[test]
fn continuations_skip_comments_and_blank_lines() {
    let source =
        "FROM a\n  RUN one && \\\n# note\n\n   # other\n  two \\  \n && three \\\\\nUSER x";
    check(
        source,
        expect![[r#"
        FROM "a"
        RUN shell "one &&   two  && three \\\\"
        USER "x"
    "#]],
    );
    let parse = parsed(source);
    let comments: Vec<&str> = parse.file.comments.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(comments, ["note", "other"]);
    let run = &parse.file.instructions[1];
    assert_eq!(run.blank_continuations.len(), 1);
    assert_eq!(run.span.text(source), &source[9..source.find("\nUSER").unwrap()]);
    let two = run.line.find("two").unwrap();
    assert_eq!(run.line.span(two..two + 3).text(source), "two");
}

#[test]
fn continuation_at_the_end_of_the_file() {
    check(
        "FROM a\nRUN b \\",
        expect![[r#"
        FROM "a"
        RUN shell "b"
    "#]],
    );
    check(
        "FROM a\nRUN b \\\n# only a comment",
        expect![[r#"
        FROM "a"
        RUN shell "b"
    "#]],
    );
    check(
        "\\\nFROM a\n\\",
        expect![[r#"
        FROM "a"
    "#]],
    );
}

#[test]
fn windows_line_breaks_and_byte_order_mark() {
    check(
        "\u{feff}# escape=`\r\nFROM a\r\nRUN dir `\r\n c:\\\r\nCOPY <<E /x\r\nbody\r\nE\r\n",
        expect![[r#"
            FROM "a"
            RUN shell "dir  c:\\"
            COPY heredoc#0 -> "/x"
              heredoc E tabs=false expand=true fd=0 "body\r\n"
        "#]],
    );
}

#[test]
fn directives_stand_at_the_top_only() {
    let parse = parsed("# Syntax = docker/dockerfile:1\n# check=skip=all\n# escape=`\nFROM a\n");
    let found: Vec<_> =
        parse.file.directives.iter().map(|d| (d.name.as_str(), d.value.as_str())).collect();
    assert_eq!(found, [("syntax", "docker/dockerfile:1"), ("check", "skip=all"), ("escape", "`")]);
    assert_eq!((parse.file.escape, parse.file.comments.len()), ('`', 0));
    for late in [
        "# note\n# escape=`\n",
        "\n# escape=`\n",
        "FROM a\n# escape=`\n",
        "# other=1\n# escape=`\n",
    ] {
        let parse = parsed(&format!("{late}FROM b\n"));
        assert_eq!((parse.file.escape, parse.file.directives.len()), ('\\', 0), "{late}");
    }
}

#[test]
fn heredocs_of_every_kind() {
    check(
        "FROM a\nRUN <<EOF\napt-get update\n# no comment\n\nEOF\nCOPY --chmod=755 <<-'one' <<\"t w\" b /d/\n\t$x\n\tone\nz\nt w\nRUN 3<<A cat <<A /dev/fd/3\n1\nA\n2\nA\nADD [\"<<EOF\", \"/x\"]\nRUN echo \"<<no\" '<<no' <<<word a<<b\nUSER x\n",
        expect![[r#"
            FROM "a"
            RUN shell "<<EOF"
              heredoc EOF tabs=false expand=true fd=0 "apt-get update\n# no comment\n\n"
            COPY --chmod=755 heredoc#0 "<<\"t" "w\"" "b" -> "/d/"
              heredoc one tabs=true expand=false fd=0 "\t$x\n"
              heredoc t w tabs=false expand=false fd=0 "z\n"
            RUN shell "3<<A cat <<A /dev/fd/3"
              heredoc A tabs=false expand=true fd=3 "1\n"
              heredoc A tabs=false expand=true fd=0 "2\n"
            ADD "<<EOF" -> "/x"
            RUN shell "echo \"<<no\" '<<no' <<<word a<<b"
            USER "x"
        "#]],
    );
}

#[test]
fn program_of_a_run_with_heredocs() {
    let program = |source: &str| {
        let parse = parsed(&format!("FROM a\n{source}"));
        match &parse.file.instructions[1].kind {
            InstructionKind::Run(run) => run.program(&parse.file.instructions[1].heredocs),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(program("RUN <<-E\n\ta\n\tb\n\tE\n"), Program::Shell("a\nb\n".into()));
    assert_eq!(
        program("RUN <<E\n#!/bin/sh -e\na\nE\n"),
        Program::File { name: "E".into(), content: "#!/bin/sh -e\na\n".into() }
    );
    assert_eq!(program("RUN cat <<E > x\na\nE\n"), Program::Shell("cat <<E > x\na\nE".into()));
    assert_eq!(program("RUN [\"a\", \"<<E\"]"), Program::Exec(vec!["a".into(), "<<E".into()]));
}

#[test]
fn heredoc_without_end_is_an_error_at_its_operator() {
    check(
        "FROM a\nRUN <<EOF\nUSER x\n",
        expect![[r#"
        FROM "a"
        RUN shell "<<EOF"
          heredoc EOF tabs=false expand=true fd=0 "USER x\n"
        2:5 error SL0001 heredoc `EOF` has no end
    "#]],
    );
}
