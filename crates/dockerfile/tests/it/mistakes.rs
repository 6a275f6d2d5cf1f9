//! Mistakes: each is reported where it is, and the rest is still read.

use expect_test::{Expect, expect};

use crate::dump::{dump, parsed};

fn check(source: &str, expected: Expect) {
    expected.assert_eq(&dump(source));
}

#[test]
fn unknown_instructions() {
    check(
        "FORM a\nRUN b\nAPPEL x\nUSER y\n",
        expect![[r#"
        ? invalid
        RUN shell "b"
        ? invalid
        USER "y"
        1:1 error SL0001 unknown instruction `FORM`
        3:1 error SL0001 unknown instruction `APPEL`
    "#]],
    );
    let parse = parsed("FORM a\n");
    assert_eq!(parse.problems[0].help.as_deref(), Some("did you mean `FROM`?"));
}

#[test]
fn missing_and_wrong_arguments() {
    check(
        "FROM a AS 1x\nFROM a b\nFROM\nRUN\nRUN []\nCOPY a\nADD [\"a\"]\nCOPY a <<E\nx\nE\nENV a\nENV a=1 b\nENV =x\nLABEL\nARG =x\nSHELL bash\nVOLUME [\"\"]\nVOLUME []\nCMD [\"a\", 1]\nUSER ok\n",
        expect![[r#"
            FROM invalid
            FROM invalid
            FROM invalid
            RUN invalid
            RUN invalid
            COPY invalid
            ADD invalid
            COPY invalid
              heredoc E tabs=false expand=true fd=0 "x\n"
            ENV invalid
            ENV invalid
            ENV invalid
            LABEL invalid
            ARG invalid
            SHELL invalid
            VOLUME invalid
            VOLUME invalid
            CMD invalid
            USER "ok"
            1:11 error SL0001 `1x` cannot be the name of a stage
            2:6 error SL0001 `FROM` takes an image, or an image, `AS` and a name
            3:1 error SL0001 `FROM` needs an argument
            4:1 error SL0001 `RUN` needs an argument
            5:1 error SL0001 `RUN` has nothing to run
            6:6 error SL0001 `COPY` needs a source and a destination
            7:5 error SL0001 `ADD` needs a source and a destination
            8:8 error SL0001 a heredoc cannot be the destination
            11:5 error SL0001 `ENV` needs a key and a value
            12:9 error SL0001 `b` has no `=`
            13:5 error SL0001 a key cannot be empty
            14:1 error SL0001 `LABEL` needs an argument
            15:5 error SL0001 the name of a build argument cannot be empty
            16:7 error SL0001 `SHELL` takes a JSON array of strings
            17:9 error SL0001 the path of a volume cannot be empty
            18:1 error SL0001 `VOLUME` needs an argument
            19:11 error SL0001 the exec form is an array of strings only
        "#]],
    );
}

#[test]
fn flags() {
    check(
        "FROM a\nCOPY --form=x a b\nCOPY --user a b\nCOPY --link=maybe a b\nCOPY --from=a --from=b c d\nCOPY --from a b\nUSER --x y\nRUN --network=hots x\nRUN --security=x y\nRUN --mount=type=chace,target=/x y\nUSER ok\n",
        expect![[r#"
            FROM "a"
            COPY --form=x "a" -> "b"
            COPY --user "a" -> "b"
            COPY --link=maybe "a" -> "b"
            COPY --from=a --from=b "c" -> "d"
            COPY --from "a" -> "b"
            USER --x "y"
            RUN --network=hots invalid
            RUN --security=x invalid
            RUN --mount=type=chace,target=/x shell "y"
            USER "ok"
            2:6 error SL0001 `COPY` knows no flag `--form`
            3:6 error SL0001 `COPY` knows no flag `--user`
            4:6 error SL0001 flag `--link` is either `true` or `false`, but it is `maybe`
            5:15 error SL0001 flag `--from` is given twice
            6:6 error SL0001 flag `--from` has no value
            7:6 error SL0001 `USER` knows no flag `--x`
            8:15 error SL0001 flag `--network` cannot be `hots`
            9:16 error SL0001 flag `--security` cannot be `x`
            10:13 error SL0001 option `type` of the mount cannot be `chace`
        "#]],
    );
}

#[test]
fn health_checks() {
    check(
        "FROM a\nHEALTHCHECK NONE x\nHEALTHCHECK CMD\nHEALTHCHECK CMD []\nHEALTHCHECK curl x\nHEALTHCHECK --interval=30 CMD x\nHEALTHCHECK --interval=1ns CMD x\nHEALTHCHECK --retries=-1 CMD x\n",
        expect![[r#"
            FROM "a"
            HEALTHCHECK invalid
            HEALTHCHECK invalid
            HEALTHCHECK invalid
            HEALTHCHECK invalid
            HEALTHCHECK --interval=30 invalid
            HEALTHCHECK --interval=1ns invalid
            HEALTHCHECK --retries=-1 invalid
            2:18 error SL0001 `HEALTHCHECK NONE` takes no arguments
            3:13 error SL0001 `HEALTHCHECK CMD` needs a command
            4:13 error SL0001 `HEALTHCHECK CMD` needs a command
            5:13 error SL0001 `curl` is no kind of health check
            6:24 error SL0001 `30` is no duration
            7:24 error SL0001 flag `--interval` cannot be less than `1ms`
            8:23 error SL0001 flag `--retries` cannot be `-1`
        "#]],
    );
}

#[test]
fn order_and_directives() {
    check(
        "RUN a\nUSER b\nFROM c\n",
        expect![[r#"
        RUN shell "a"
        USER "b"
        FROM "c"
        1:1 error SL0001 `RUN` stands before the first `FROM`
    "#]],
    );
    check(
        "ARG A=1\n",
        expect![[r#"
            ARG A="1"
            1:1 error SL0001 the file has no `FROM`
        "#]],
    );
    check(
        "# escape=x\n# escape=`\nFROM a\n",
        expect![[r#"
        FROM "a"
        1:10 error SL0001 `x` cannot be the escape character
        2:1 error SL0001 directive `escape` is given twice
    "#]],
    );
    check(
        "",
        expect![[r#"
        1:1 error SL0001 the file has no instructions
    "#]],
    );
    check(
        "# nothing\n\n",
        expect![[r#"
        1:1 error SL0001 the file has no instructions
    "#]],
    );
}
