//! SL0001 and SL3xxx.

use expect_test::expect;

use crate::check::{check, found, silent};

#[test]
fn syntax_errors_are_findings() {
    check(
        "SL0001",
        "FORM a\n",
        expect![[r#"
        1:1 error SL0001 unknown instruction `FORM`
    "#]],
    );
}

#[test]
fn stages() {
    check(
        "SL3001",
        "FROM a:1 AS builder\nCOPY --from=builder x y\nCOPY --from=1 x y\nFROM late\nCOPY --from=biulder x y\nCOPY --from=late x y\nRUN --mount=from=7,target=/x z\nFROM b:1 AS late\n",
        expect![[r#"
            2:13 error SL3001 stage `builder` cannot copy from itself
            3:13 error SL3001 stage 1 is not before this one
            4:6 error SL3001 stage `late` comes later
            5:13 error SL3001 no stage is called `biulder`
            6:13 error SL3001 stage `late` comes later
            7:13 error SL3001 stage 7 is not before this one
        "#]],
    );
    silent(
        "SL3001",
        &[
            "FROM a:1 AS b\nFROM c:1\nCOPY --from=b x y\nCOPY --from=0 x y\nCOPY --from=nginx:1 x y\nCOPY --from=r.io/x x y\nCOPY --from=$X x y",
        ],
    );
    check(
        "SL3002",
        "FROM a:1\nCOPY --from=nginx x y\n",
        expect![[r#"
            2:13 warning SL3002 no stage is called `nginx`, so it is taken for an image
        "#]],
    );
    silent("SL3002", &["FROM a:1 AS nginx\nFROM b:1\nCOPY --from=nginx x y"]);
    check(
        "SL3003",
        "FROM a:1 AS x\nFROM b:1 AS X\n",
        expect![[r#"
        2:13 error SL3003 stage `X` exists already
    "#]],
    );
    silent("SL3003", &["FROM a:1 AS x\nFROM b:1 AS y\nFROM c:1"]);
    check(
        "SL3017",
        "FROM a:1 AS scratch\nFROM b:1 AS Context\n",
        expect![[r#"
        1:13 error SL3017 `scratch` is reserved
        2:13 error SL3017 `Context` is reserved
    "#]],
    );
    silent("SL3017", &["FROM scratch AS x"]);
    check(
        "SL3018",
        "ARG VERSION=1\nFROM a:$VERSON\nFROM --platform=$BUILDPLATFORM b:${VERSION}\nARG X\nFROM c:$X\n",
        expect![[r#"
            2:6 warning SL3018 argument `VERSON` is not declared before `FROM`
            5:6 warning SL3018 argument `X` is not declared before `FROM`
        "#]],
    );
    silent("SL3018", &["ARG A=1\nARG B\nFROM x:$A$B"]);
}

#[test]
fn commands() {
    check(
        "SL3004",
        "FROM a\nCMD [\"x\"]\nHEALTHCHECK NONE\nCMD [\"y\"]\nHEALTHCHECK CMD z\n",
        expect![[r#"
            2:1 warning SL3004 this `CMD` has no effect
            3:1 warning SL3004 this `HEALTHCHECK` has no effect
        "#]],
    );
    silent("SL3004", &["FROM a\nCMD [\"x\"]\nENTRYPOINT [\"y\"]\nFROM b\nCMD [\"x\"]"]);
    check(
        "SL3007",
        "FROM a\nCMD python app.py\nENTRYPOINT run\n",
        expect![[r#"
        2:5 warning SL3007 `CMD` is in shell form
        3:12 warning SL3007 `ENTRYPOINT` is in shell form
    "#]],
    );
    silent("SL3007", &["FROM a\nCMD [\"x\"]\nENTRYPOINT exec x\nHEALTHCHECK CMD curl x\nRUN x"]);
    check(
        "SL3008",
        "FROM a\nCMD ['python', 'app.py']\nRUN [\"a\",]\nHEALTHCHECK CMD ['x']\nCOPY ['a', 'b']\n",
        expect![[r#"
            2:5 error SL3008 this is meant as an array, but it is no JSON
            3:5 error SL3008 this is meant as an array, but it is no JSON
            4:17 error SL3008 this is meant as an array, but it is no JSON
            5:6 error SL3008 this is meant as an array, but it is no JSON
        "#]],
    );
    silent(
        "SL3008",
        &["FROM a\nRUN [ -d x ] && [ \"$A\" = b ]\nCMD [\"x\"]\nRUN [ \"a\" ] && echo ]x"],
    );
}

#[test]
fn program_not_installed() {
    check(
        "SL3009",
        "FROM ubuntu:24.04\nCOPY . /app\nCMD [\"python\", \"app.py\"]\n",
        expect![[r#"
            3:6 error SL3009 nothing installs `python` on `ubuntu:24.04`
        "#]],
    );
    check(
        "SL3009",
        "FROM debian:12\nRUN apt-get install -y python3\nENTRYPOINT [\"python\"]\n",
        expect![[r#"
            3:13 error SL3009 nothing installs `python` on `debian:12`
        "#]],
    );
    check(
        "SL3009",
        "FROM alpine:3 AS a\nFROM a\nCMD node x.js\n",
        expect![[r#"
        3:5 error SL3009 nothing installs `node` on `alpine:3`
    "#]],
    );
    silent(
        "SL3009",
        &[
            "FROM python:3.11\nCMD [\"python\"]",
            "FROM debian:12\nRUN apt-get install -y python-is-python3\nCMD [\"python\"]",
            "FROM debian:12\nRUN ln -s /usr/bin/python3 /usr/local/bin/python\nCMD [\"python\"]",
            "FROM debian:12\nRUN apt-get install -y openjdk-21-jre-headless\nCMD [\"java\"]",
            "FROM ubuntu:24.04\nRUN apt-get install -y php8.3\nCMD [\"php\"]",
            "FROM a:1 AS b\nFROM debian:12\nCOPY --from=b /x /usr/local\nCMD [\"node\"]",
            "FROM debian:12\nENV PATH=/v/bin:$PATH\nCMD [\"python\"]",
            "FROM debian:12\nCMD [\"/opt/x/python\"]",
            "FROM debian:12\nCMD [\"bash\"]",
            "FROM alpine:3\nRUN apk add --no-cache nodejs\nCMD [\"node\"]",
        ],
    );
}

#[test]
fn packages() {
    check(
        "SL3010",
        "FROM ubuntu:latest\nRUN apt-get install -y curl netcat\nFROM python:3.11-slim\nRUN apt install netcat\n",
        expect![[r#"
            2:29 error SL3010 package `netcat` cannot be installed
            4:17 error SL3010 package `netcat` cannot be installed
        "#]],
    );
    silent(
        "SL3010",
        &[
            "FROM debian:bullseye\nRUN apt-get install -y netcat",
            "FROM ubuntu:22.04\nRUN apt-get install -y netcat",
            "FROM debian:12\nRUN apt-get install -y netcat-openbsd",
            "FROM alpine:3\nRUN apk add netcat",
        ],
    );
    check(
        "SL3013",
        "FROM a\nRUN apt update && apt-get install -y x\n",
        expect![[r#"
        2:5 warning SL3013 `apt` is used in a script
    "#]],
    );
    silent("SL3013", &["FROM a\nRUN apt-get update; apt-cache search x; echo apt"]);
    check(
        "SL3014",
        "FROM a\nRUN apt-get install x\nRUN yum install x\n",
        expect![[r#"
        2:13 warning SL3014 `apt-get install` waits for an answer
        3:9 warning SL3014 `yum install` waits for an answer
    "#]],
    );
    silent(
        "SL3014",
        &[
            "FROM a\nRUN apt-get install -y x; apt-get -qq install x; apt-get install --yes x; apt-get -yq install x; apt-get -q=2 -y install x; microdnf install x; apk add x",
        ],
    );
}

#[test]
fn folders() {
    check(
        "SL3005",
        "FROM a\nWORKDIR app\nWORKDIR /x\nWORKDIR y\n",
        expect![[r#"
        2:9 warning SL3005 `app` is relative to a folder that is not set here
    "#]],
    );
    silent(
        "SL3005",
        &[
            "FROM a\nWORKDIR /a\nWORKDIR b",
            "FROM a\nWORKDIR $HOME/x",
            "FROM a AS b\nWORKDIR /x\nFROM b\nWORKDIR y",
        ],
    );
    check(
        "SL3011",
        "FROM a\nCOPY . /app/\nWORKDIR /app\n",
        expect![[r#"
        3:9 info SL3011 `WORKDIR /app` comes after files were copied there
    "#]],
    );
    silent(
        "SL3011",
        &["FROM a\nWORKDIR /app\nCOPY . .\nWORKDIR /app/x", "FROM a\nCOPY x /y\nWORKDIR /app"],
    );
    check(
        "SL3012",
        "FROM a\nRUN cd /app && make\n",
        expect![[r#"
        2:5 info SL3012 the step starts with `cd`
    "#]],
    );
    silent("SL3012", &["FROM a\nRUN make && cd /x", "FROM a\nRUN cd x && make"]);
    check(
        "SL3016",
        "FROM a\nCOPY a b /x\nCOPY <<A <<B /y\nA\nB\n",
        expect![[r#"
        2:10 error SL3016 `/x` gets several files, but is not marked as a folder
        3:14 error SL3016 `/y` gets several files, but is not marked as a folder
    "#]],
    );
    silent("SL3016", &["FROM a\nCOPY a b ./\nCOPY a b .\nCOPY a /x\nCOPY a b $X"]);
    check(
        "SL3019",
        "FROM a\nEXPOSE 70000 80/http x 9-1 0\n",
        expect![[r#"
        2:8 error SL3019 `70000` is no port
        2:14 error SL3019 `80/http` is no port
        2:22 error SL3019 `x` is no port
        2:24 error SL3019 `9-1` is no port
        2:28 error SL3019 `0` is no port
    "#]],
    );
    silent("SL3019", &["FROM a\nEXPOSE 80 53/udp 1-9/TCP $P"]);
}

#[test]
fn old_forms() {
    check(
        "SL3006",
        "FROM a\nMAINTAINER me\n",
        expect![[r#"
        2:1 warning SL3006 `MAINTAINER` is deprecated
    "#]],
    );
    check(
        "SL3015",
        "FROM a\nADD x /y\nADD <<E /z\nE\n",
        expect![[r#"
        2:1 warning SL3015 `ADD` is used to copy plain files
    "#]],
    );
    silent("SL3015", &["FROM a\nADD x.tar.gz /y\nADD https://h/x /y\nADD $X /y\nCOPY a b"]);
    check(
        "SL3020",
        "FROM a\nRUN x\nrun y\nUser z\n",
        expect![[r#"
        3:1 style SL3020 `run` is written unlike the other keywords
        4:1 style SL3020 `User` is written unlike the other keywords
    "#]],
    );
    silent("SL3020", &["from a\nrun b\nuser c", "FROM a\nUSER b"]);
    check(
        "SL3021",
        "FROM a as b\nfrom c AS d\n",
        expect![[r#"
        1:11 style SL3021 `FROM` and `as` are written in different cases
        2:11 style SL3021 `from` and `AS` are written in different cases
    "#]],
    );
    silent("SL3021", &["FROM a AS b\nfrom c as d"]);
    check(
        "SL3022",
        "FROM a\nENV x y\nLABEL k v\n",
        expect![[r#"
        2:5 style SL3022 `x` is set in the old form, without `=`
        3:7 style SL3022 `k` is set in the old form, without `=`
    "#]],
    );
    silent("SL3022", &["FROM a\nENV x=y\nARG z"]);
    check(
        "SL3023",
        "FROM a\nRUN b \\\n\n  c\n",
        expect![[r#"
            3:1 warning SL3023 a blank line stands inside this instruction
        "#]],
    );
    silent("SL3023", &["FROM a\nRUN b \\\n# c\n  d\n\nUSER x"]);
    silent("SL3006", &["FROM a\nLABEL maintainer=me"]);
    assert!(found("FROM a AS b\n").iter().all(|finding| finding.rule.as_deref() != Some("SL0001")));
}
