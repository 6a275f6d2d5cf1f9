//! Pipes, variables and copies: what hadolint knows too.

use expect_test::expect;
use sealift_diagnostic::Tier;

use crate::check::{check, mends, silent};

#[test]
fn pipes() {
    check(
        "SL3047",
        "FROM debian:13 AS a\nRUN curl x | sh\nRUN echo x | sh\nRUN set -eo pipefail; curl x | sh\nRUN a \\\n  && wget -O- x | tar x\nSHELL [\"bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl x | sh\nFROM a\nRUN curl x | sh\nSHELL [\"sh\", \"-c\"]\nRUN curl x | sh\n",
        expect![[r#"
            2:14 warning SL3047 what fails before this pipe goes unnoticed
            6:19 warning SL3047 what fails before this pipe goes unnoticed
            12:14 warning SL3047 what fails before this pipe goes unnoticed
        "#]],
    );
    silent(
        "SL3047",
        &[
            "FROM a:1\nRUN [\"a\", \"|\", \"b\"]",
            "FROM a:1\nRUN bash -o pipefail -c 'curl x | sh'",
            "FROM a:1\nSHELL [\"pwsh\", \"-c\"]\nRUN Get-X | Out-Y",
            "FROM a:1\nRUN <<EOF\nset -euo pipefail\ncurl x | sh\nEOF",
        ],
    );
    mends(
        "SL3047",
        Tier::Suggested,
        "FROM alpine:3.22\n# words\nRUN wget x | sh\nRUN wget y | sh\n",
        expect![[r#"
            --- a/Dockerfile
            +++ b/Dockerfile
            @@ -1,4 +1,5 @@
             FROM alpine:3.22
            +SHELL ["/bin/ash", "-o", "pipefail", "-c"]
             # words
             RUN wget x | sh
             RUN wget y | sh
        "#]],
    );
    check(
        "SL3048",
        "FROM a:1\nRUN ln -sf /bin/bash /bin/sh\n",
        expect![[r#"
        2:22 warning SL3048 `/bin/sh` becomes a link to another shell
    "#]],
    );
    silent("SL3048", &["FROM a:1\nRUN ln -s /bin/sh2 /x"]);
    check(
        "SL3049",
        "FROM a:1\nRUN service x start && ps aux; sudo systemctl start y\n",
        expect![[r#"
            2:5 info SL3049 `service` has no use while an image is built
            2:24 info SL3049 `ps` has no use while an image is built
            2:32 info SL3049 `systemctl` has no use while an image is built
        "#]],
    );
    silent(
        "SL3049",
        &["FROM a:1\nRUN systemctl enable x; x & kill 1; echo top; apt-get install -y vim"],
    );
}

#[test]
fn copies_and_variables() {
    check(
        "SL3052",
        "FROM a:1\nARG Z\nENV A=1 B=$A C=${B}x D=$C PATH=/x:$PATH Z=$Z\n",
        expect![[r#"
            3:11 error SL3052 `A` is not set yet when `B` is made
            3:16 error SL3052 `B` is not set yet when `C` is made
            3:24 error SL3052 `C` is not set yet when `D` is made
        "#]],
    );
    silent(
        "SL3052",
        &[
            "FROM a:1\nENV A=1\nENV A=2 B=$A",
            "FROM a:1 AS x\nENV A=1\nFROM x\nENV A=2 B=$A",
            "FROM a:1\nENV A=$A B='$A'",
        ],
    );
    check(
        "SL3053",
        "FROM a:1\nCOPY x y\nCOPY x /y\nCOPY x $y\nWORKDIR /z\nCOPY x y\n",
        expect![[r#"
            2:8 warning SL3053 `y` is relative, and no `WORKDIR` is set
        "#]],
    );
    silent("SL3053", &["FROM a:1 AS b\nWORKDIR /x\nFROM b\nCOPY x y"]);
}

#[test]
fn forms_are_mended() {
    mends(
        "SL3006",
        Tier::Safe,
        "FROM a:1\nMAINTAINER Jo \"J\" <a@b.c>\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,2 +1,2 @@
         FROM a:1
        -MAINTAINER Jo "J" <a@b.c>
        +LABEL org.opencontainers.image.authors="Jo \"J\" <a@b.c>"
    "#]],
    );
    mends(
        "SL3004",
        Tier::Safe,
        "FROM a:1\nCMD [\"a\"]\nCMD [\"b\"]\n",
        expect![[r#"
            --- a/Dockerfile
            +++ b/Dockerfile
            @@ -1,3 +1,2 @@
             FROM a:1
            -CMD ["a"]
             CMD ["b"]
        "#]],
    );
    mends(
        "SL3007",
        Tier::Suggested,
        "FROM a:1\nCMD  node  app.js --x=1\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,2 +1,2 @@
         FROM a:1
        -CMD  node  app.js --x=1
        +CMD  ["node", "app.js", "--x=1"]
    "#]],
    );
    mends("SL3007", Tier::Suggested, "FROM a:1\nCMD cd /x && node $Y\n", expect![[r#""#]]);
    mends(
        "SL3008",
        Tier::Suggested,
        "FROM a:1\nCMD ['a', 'b c',]\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,2 +1,2 @@
         FROM a:1
        -CMD ['a', 'b c',]
        +CMD ["a", "b c"]
    "#]],
    );
}

#[test]
fn words_are_mended() {
    mends(
        "SL3015",
        Tier::Safe,
        "FROM a:1\nADD --chown=1 x /y/\nadd z /y/\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,3 +1,3 @@
         FROM a:1
        -ADD --chown=1 x /y/
        -add z /y/
        +COPY --chown=1 x /y/
        +copy z /y/
    "#]],
    );
    mends(
        "SL3020",
        Tier::Safe,
        "FROM a:1\nrun x\nCopy a b\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,3 +1,3 @@
         FROM a:1
        -run x
        -Copy a b
        +RUN x
        +COPY a b
    "#]],
    );
    mends(
        "SL3021",
        Tier::Safe,
        "FROM as as as\r\nfrom b AS c\r\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,2 +1,2 @@
        -FROM as as as␍
        -from b AS c␍
        +FROM as AS as␍
        +from b as c␍
    "#]],
    );
}

#[test]
fn lines_are_mended() {
    mends(
        "SL3022",
        Tier::Safe,
        "FROM a:1\nENV A b\nENV B  c d \\\n   e\nLABEL c \"d e\"\nENV D e'f\n",
        expect![[r#"
            --- a/Dockerfile
            +++ b/Dockerfile
            @@ -1,6 +1,6 @@
             FROM a:1
            -ENV A b
            -ENV B  c d \
            -   e
            -LABEL c "d e"
            +ENV A=b
            +ENV B="c d \
            +   e"
            +LABEL c="d e"
             ENV D e'f
        "#]],
    );
    mends(
        "SL3023",
        Tier::Safe,
        "FROM a:1\nRUN x \\\n\n  # words\n\n  y\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,6 +1,4 @@
         FROM a:1
         RUN x \
        -
           # words
        -
           y
    "#]],
    );
    mends(
        "SL3039",
        Tier::Suggested,
        "FROM alpine:3\nARG folder\nCOPY \"${foldr}/x\" $foldr /y/\n",
        expect![[r#"
            --- a/Dockerfile
            +++ b/Dockerfile
            @@ -1,3 +1,3 @@
             FROM alpine:3
             ARG folder
            -COPY "${foldr}/x" $foldr /y/
            +COPY "${folder}/x" $folder /y/
        "#]],
    );
}

#[test]
fn names_are_mended() {
    mends(
        "SL3042",
        Tier::Safe,
        "FROM --platform=$TARGETPLATFORM a:1\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,1 +1,1 @@
        -FROM --platform=$TARGETPLATFORM a:1
        +FROM a:1
    "#]],
    );
    mends(
        "SL3045",
        Tier::Safe,
        "FROM a:1\nEXPOSE 80/TCP \"81/TCP\"\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,2 +1,2 @@
         FROM a:1
        -EXPOSE 80/TCP "81/TCP"
        +EXPOSE 80/tcp "81/tcp"
    "#]],
    );
    mends(
        "SL3046",
        Tier::Safe,
        "FROM a:1 AS Build\nFROM b:1\nCOPY --from=Build x y\n",
        expect![[r#"
            --- a/Dockerfile
            +++ b/Dockerfile
            @@ -1,3 +1,3 @@
            -FROM a:1 AS Build
            +FROM a:1 AS build
             FROM b:1
             COPY --from=Build x y
        "#]],
    );
    mends(
        "SL3001",
        Tier::Suggested,
        "FROM a:1 AS builder\nFROM b:1\nCOPY --from=biulder x y\n",
        expect![[r#"
            --- a/Dockerfile
            +++ b/Dockerfile
            @@ -1,3 +1,3 @@
             FROM a:1 AS builder
             FROM b:1
            -COPY --from=biulder x y
            +COPY --from=builder x y
        "#]],
    );
    mends(
        "SL3038",
        Tier::Safe,
        "FROM a:1\nLABEL a=1 b=2 \\\n  a=3\n",
        expect![[r#"
        --- a/Dockerfile
        +++ b/Dockerfile
        @@ -1,3 +1,3 @@
         FROM a:1
        -LABEL a=1 b=2 \
        +LABEL b=2 \
           a=3
    "#]],
    );
}
