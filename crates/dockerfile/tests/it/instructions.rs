//! Every instruction in every form.

use expect_test::{Expect, expect};

use crate::dump::dump;

fn check(source: &str, expected: Expect) {
    expected.assert_eq(&dump(&format!("FROM a\n{source}")));
}

#[test]
fn from_with_platform_and_name() {
    check(
        "from --platform=$BUILDPLATFORM golang:1.22@sha256:ab As Build-1.x\nFROM ${BASE:-scratch}",
        expect![[r#"
            FROM "a"
            FROM --platform=$BUILDPLATFORM "golang:1.22@sha256:ab" as "Build-1.x"
            FROM "${BASE:-scratch}"
        "#]],
    );
}

#[test]
fn shell_and_exec_form() {
    check(
        "RUN echo [a]\nRUN [\"echo\", \"a\\tb\"]\nCMD ['python', 'app.py']\nENTRYPOINT [\"a\", ]\nCMD []\nRUN [ -d x ] || true",
        expect![[r#"
            FROM "a"
            RUN shell "echo [a]"
            RUN exec ["echo", "a\tb"]
            CMD shell "['python', 'app.py']"
            ENTRYPOINT shell "[\"a\", ]"
            CMD exec []
            RUN shell "[ -d x ] || true"
        "#]],
    );
}

#[test]
fn flags_with_quotes_and_an_end() {
    check(
        "COPY --from=0 --chown=\"a b\":c --chmod=0\\644 --link --parents=false --exclude=*.md --exclude='x y' a b c/\nCOPY -- --a b\nADD --checksum=sha256:00 --keep-git-dir=true --unpack=FALSE https://x/y z\nRUN --network=none --security=insecure --mount=type=cache,target=/c x",
        expect![[r#"
            FROM "a"
            COPY --from=0 --chown=a b:c --chmod=0644 --link --parents=false --exclude=*.md --exclude=x y "a" "b" -> "c/"
            COPY "--a" -> "b"
            ADD --checksum=sha256:00 --keep-git-dir=true --unpack=FALSE "https://x/y" -> "z"
            RUN --network=none --security=insecure --mount=type=cache,target=/c shell "x"
        "#]],
    );
}

#[test]
fn pairs_in_both_forms() {
    check(
        "ENV a=1 b=\"x y\" c='p q' d=e\\ f g=\nENV old  style  value \nLABEL \"com.x y\"=z k=\"a \\\n  b\"\nARG a b=1 c=\"x y\"\nENV é=ü",
        expect![[r#"
            FROM "a"
            ENV a="1" b="\"x y\"" c="'p q'" d="e\\ f" g=""
            ENV legacy old="style  value"
            LABEL "com.x y"="z" k="\"a   b\""
            ARG a b="1" c="\"x y\""
            ENV é="ü"
        "#]],
    );
}

#[test]
fn health_checks() {
    check(
        "HEALTHCHECK none\nHEALTHCHECK --interval=1m30s --timeout=3s --start-period=.5s --start-interval=250ms --retries=5 CMD curl -f http://x || exit 1\nHEALTHCHECK cmd [\"a\"]",
        expect![[r#"
            FROM "a"
            HEALTHCHECK none interval=0 timeout=0 start=0 start-interval=0 retries=0
            HEALTHCHECK --interval=1m30s --timeout=3s --start-period=.5s --start-interval=250ms --retries=5 shell "curl -f http://x || exit 1" interval=90000000000 timeout=3000000000 start=500000000 start-interval=250000000 retries=5
            HEALTHCHECK exec ["a"] interval=0 timeout=0 start=0 start-interval=0 retries=0
        "#]],
    );
}

#[test]
fn plain_instructions() {
    check(
        "WORKDIR /a b\nUSER 1:2\nEXPOSE 80 53/udp  $P 1-9\nVOLUME /a /b\nVOLUME [\"/a b\"]\nSTOPSIGNAL SIGTERM\nSHELL [\"/bin/bash\", \"-c\"]\nMAINTAINER A <a@b>",
        expect![[r#"
            FROM "a"
            WORKDIR "/a b"
            USER "1:2"
            EXPOSE ["80", "53/udp", "$P", "1-9"]
            VOLUME ["/a", "/b"]
            VOLUME ["/a b"]
            STOPSIGNAL "SIGTERM"
            SHELL ["/bin/bash", "-c"]
            MAINTAINER "A <a@b>"
        "#]],
    );
}

#[test]
fn onbuild_triggers() {
    check(
        "ONBUILD COPY --from=x a b\nONBUILD RUN <<E\nhello\nE\nUSER y\nONBUILD ONBUILD RUN x\nONBUILD FROM y\nONBUILD\nONBUILD FOO",
        expect![[r#"
            FROM "a"
            ONBUILD (COPY --from=x "a" -> "b") "COPY --from=x a b"
            ONBUILD (RUN shell "<<E") "RUN <<E\nhello\nE"
              heredoc E tabs=false expand=true fd=0 "hello\n"
            USER "y"
            ONBUILD invalid
            ONBUILD invalid
            ONBUILD invalid
            ONBUILD (? invalid) "FOO"
            7:9 error SL0001 `ONBUILD` cannot be triggered by `ONBUILD`
            8:9 error SL0001 `FROM` cannot be triggered by `ONBUILD`
            9:1 error SL0001 `ONBUILD` needs an argument
            10:9 error SL0001 unknown instruction `FOO`
        "#]],
    );
}
