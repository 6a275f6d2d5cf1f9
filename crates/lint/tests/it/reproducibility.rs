//! SL2xxx.

use expect_test::expect;

use crate::check::{check, silent};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn mutable_tag() {
    check(
        "SL2001",
        "ARG TAG=latest\nFROM debian AS a\nFROM ubuntu:latest\nFROM --platform=linux/amd64 node:$TAG\nFROM reg:5000/x/y\n",
        expect![[r#"
            2:6 warning SL2001 image `debian` has no tag, so it is `latest`
            3:6 warning SL2001 the tag of `ubuntu:latest` moves with every release
            4:29 warning SL2001 the tag of `node:latest` moves with every release
            5:6 warning SL2001 image `reg:5000/x/y` has no tag, so it is `latest`
        "#]],
    );
    silent(
        "SL2001",
        &[
            "FROM debian:12 AS a\nFROM a\nFROM scratch",
            "FROM $UNKNOWN",
            &format!("FROM debian@{DIGEST}"),
        ],
    );
}

#[test]
fn no_digest() {
    check(
        "SL2002",
        "FROM debian:12\nFROM ubuntu:latest\n",
        expect![[r#"
        1:6 info SL2002 image `debian:12` is not pinned to a digest
        2:6 info SL2002 image `ubuntu:latest` is not pinned to a digest
    "#]],
    );
    silent("SL2002", &[&format!("FROM debian:12@{DIGEST} AS a\nFROM a\nFROM scratch")]);
}

#[test]
fn unpinned_packages() {
    check(
        "SL2003",
        "FROM a\nRUN apt-get update && apt-get install -y -t stable curl wget=1 git\nRUN <<E\napt-get -qq install one two three four five six\nE\n",
        expect![[r#"
            2:52 info SL2003 no version is given for `curl`, `git`
            4:21 info SL2003 no version is given for `one`, `two`, `three`, `four`, `five` and 1 more
        "#]],
    );
    silent(
        "SL2003",
        &["FROM a\nRUN apt-get install -y curl=8.* ./x.deb $PKGS libc6/stable && apt-get update"],
    );
    check(
        "SL2004",
        "FROM a\nRUN apk add --no-cache --virtual .deps curl bash=5\n",
        expect![[r#"
        2:40 info SL2004 no version is given for `curl`
    "#]],
    );
    silent("SL2004", &["FROM a\nRUN apk add curl~=8 bash@edge", "FROM a\nRUN apk del curl"]);
    check(
        "SL2005",
        "FROM a\nRUN pip install flask requests==2 && python3 -m pip install -U gunicorn>=20\n",
        expect![[r#"
            2:17 info SL2005 no version is given for `flask`
            2:64 info SL2005 no version is given for `gunicorn`
        "#]],
    );
    silent(
        "SL2005",
        &[
            "FROM a\nRUN pip install -r r.txt && pip install . && pip install x@git+https://h/x a.whl -e .",
        ],
    );
    check(
        "SL2006",
        "FROM a\nRUN npm install -g yarn @scope/x typescript@5\n",
        expect![[r#"
        2:20 info SL2006 no version is given for `yarn`, `@scope/x`
    "#]],
    );
    silent("SL2006", &["FROM a\nRUN npm ci && npm install && npm i -g @a/b@1.2.3 ./local"]);
}

#[test]
fn upgrades() {
    check(
        "SL2007",
        "FROM a\nRUN apt-get update && apt-get -y dist-upgrade\nRUN apk upgrade\nRUN yum -y update\n",
        expect![[r#"
            2:34 warning SL2007 `apt-get dist-upgrade` upgrades the whole base image
            3:9 warning SL2007 `apk upgrade` upgrades the whole base image
            4:12 warning SL2007 `yum update` upgrades the whole base image
        "#]],
    );
    silent(
        "SL2007",
        &["FROM a\nRUN apt-get update && yum -y update openssl && pip install --upgrade x"],
    );
    check(
        "SL2008",
        "FROM a\nRUN apt-get update\nRUN apt-get install -y x\n",
        expect![[r#"
        2:5 warning SL2008 the package lists are updated, but nothing is installed in this step
    "#]],
    );
    silent(
        "SL2008",
        &["FROM a\nRUN apt-get update && apt-get install -y x", "FROM a\nRUN git update"],
    );
}
