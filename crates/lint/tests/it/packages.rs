//! Packages, downloads and layers: what is found, what is left alone, and how fixes keep the form of the text.

use expect_test::{Expect, expect};
use sealift_diagnostic::{Tier, apply};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, lint};

use crate::check::{check, silent};

/// The text after the first fix of one rule, whatever its tier.
fn mended(rule: &str, source: &str, expected: Expect) {
    let config = Config::default();
    let context = Context { dockerignore: Some(""), ..Context::new(&config) };
    let found = lint(&parse(source, &Limits::default()), &context);
    let fixes: Vec<_> = found
        .iter()
        .filter(|it| it.rule.as_deref() == Some(rule))
        .filter_map(|it| it.fixes.iter().find(|fix| fix.tier < Tier::Manual))
        .collect();
    expected.assert_eq(&apply(source, &fixes).text.replace("\r\n", "␍\n"));
}

#[test]
fn commands_are_added_as_the_lines_before_them_are_written() {
    let lists = |source: &str, expected: Expect| mended("SL4001", source, expected);
    lists(
        "FROM a\nRUN apt-get update && apt-get install -y x\n",
        expect![[r#"
        FROM a
        RUN apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*
    "#]],
    );
    lists(
        "FROM a\nRUN apt-get update \\\n  && apt-get install -y \\\n    # why\n    x \\\n    y\nUSER b\n",
        expect![[r#"
            FROM a
            RUN apt-get update \
              && apt-get install -y \
                # why
                x \
                y \
              && rm -rf /var/lib/apt/lists/*
            USER b
        "#]],
    );
    lists(
        "FROM a\r\nRUN apt-get update && \\\r\n  apt-get install -y x\r\n",
        expect![[r#"
        FROM a␍
        RUN apt-get update && \␍
          apt-get install -y x && \␍
          rm -rf /var/lib/apt/lists/*␍
    "#]],
    );
    lists(
        "# escape=`\nFROM a\nRUN apt-get update `\n && apt-get install -y x\n",
        expect![[r#"
        # escape=`
        FROM a
        RUN apt-get update `
         && apt-get install -y x `
         && rm -rf /var/lib/apt/lists/*
    "#]],
    );
    lists(
        "FROM a\nRUN set -eux; \\\n\tapt-get update; \\\n\tapt-get install -y x\n",
        expect![[r#"
        FROM a
        RUN set -eux; \
        	apt-get update; \
        	apt-get install -y x; \
        	rm -rf /var/lib/apt/lists/*
    "#]],
    );
}

#[test]
fn commands_are_added_to_scripts_in_heredocs() {
    let lists = |source: &str, expected: Expect| mended("SL4001", source, expected);
    lists(
        "FROM a\nRUN <<E\napt-get update\napt-get install -y x\nE\n",
        expect![[r#"
        FROM a
        RUN <<E
        apt-get update
        apt-get install -y x && rm -rf /var/lib/apt/lists/*
        E
    "#]],
    );
    lists(
        "FROM a\nRUN <<E\nset -e\napt-get update\napt-get install -y x\nE\n",
        expect![[r#"
        FROM a
        RUN <<E
        set -e
        apt-get update
        apt-get install -y x
        rm -rf /var/lib/apt/lists/*
        E
    "#]],
    );
}

#[test]
fn commands_are_not_added_where_that_would_change_more() {
    for source in [
        "FROM a\nRUN [\"sh\", \"-c\", \"apt-get update && apt-get install -y x\"]\n",
        "FROM a\nRUN apt-get update && apt-get install -y x # why\n",
        "FROM a\nRUN apt-get update && apt-get install -y x; serve &\n",
        "FROM a\nRUN apt-get update\nRUN apt-get install -y x\n",
        "FROM a\nRUN <<E python3\nprint('apt-get update')\nE\nRUN apt-get update && sh -c 'apt-get install x' ;\n",
    ] {
        let config = Config::default();
        let found = lint(&parse(source, &Limits::default()), &Context::new(&config));
        let lists = found.iter().filter(|it| it.rule.as_deref() == Some("SL4001"));
        for finding in lists {
            assert!(finding.fixes.is_empty(), "{source}\n{finding:#?}");
        }
    }
}

#[test]
fn flags_are_put_behind_what_they_belong_to() {
    mended(
        "SL3014",
        "FROM a\nRUN apt-get -q install x && \"apt-get\" install y\n",
        expect![[r#"
        FROM a
        RUN apt-get -q install -y x && "apt-get" install -y y
    "#]],
    );
    mended(
        "SL4002",
        "FROM a\nRUN apt-get install -y -t bookworm-backports x\n",
        expect![[r#"
        FROM a
        RUN apt-get install -y --no-install-recommends -t bookworm-backports x
    "#]],
    );
    mended(
        "SL4002",
        "FROM a\nRUN apt-get install \\\n  x\n",
        expect![[r#"
        FROM a
        RUN apt-get install --no-install-recommends \
          x
    "#]],
    );
    mended(
        "SL4004",
        "FROM a\nRUN python3 -m pip install -U pip && pip3 install x\n",
        expect![[r#"
        FROM a
        RUN python3 -m pip install --no-cache-dir -U pip && pip3 install --no-cache-dir x
    "#]],
    );
    mended(
        "SL4009",
        "FROM a\nRUN apk -U add x\n",
        expect![[r#"
        FROM a
        RUN apk -U add --no-cache x
    "#]],
    );
    mended(
        "SL3013",
        "FROM a\nRUN apt update && sudo apt install -y x && apt show x\n",
        expect![[r#"
            FROM a
            RUN apt-get update && sudo apt-get install -y x && apt-cache show x
        "#]],
    );
}

#[test]
fn flags_fit_the_program() {
    mended(
        "SL4015",
        "FROM alpine:3\nRUN wget http://x/y\n",
        expect![[r#"
        FROM alpine:3
        RUN wget -q http://x/y
    "#]],
    );
    mended(
        "SL4015",
        "FROM debian:13\nRUN /usr/bin/wget http://x/y\n",
        expect![[r#"
        FROM debian:13
        RUN /usr/bin/wget --progress=dot:giga http://x/y
    "#]],
    );
    mended(
        "SL4017",
        "FROM a\nRUN useradd --uid=1000000 x && useradd -u 100 y\n",
        expect![[r#"
        FROM a
        RUN useradd -l --uid=1000000 x && useradd -u 100 y
    "#]],
    );
    mended(
        "SL4011",
        "FROM a\nRUN microdnf install x \\\n    && x\n",
        expect![[r#"
        FROM a
        RUN microdnf install x \
            && x \
            && microdnf clean all
    "#]],
    );
}

#[test]
fn commands_are_taken_away_whole() {
    mended(
        "SL4012",
        "FROM a\nRUN apk update \\\n    && apk add --no-cache x\n",
        expect![[r#"
        FROM a
        RUN apk add --no-cache x
    "#]],
    );
    mended(
        "SL4012",
        "FROM a\nRUN set -e; apk update; apk add --no-cache x\n",
        expect![[r#"
        FROM a
        RUN set -e; apk add --no-cache x
    "#]],
    );
    // What fails or is asked for by others stays.
    for source in [
        "FROM a\nRUN apk update || true && apk add --no-cache x\n",
        "FROM a\nRUN x || apk update && apk add --no-cache x\n",
        "FROM a\nRUN apk update \\\n  # why\n  && apk add --no-cache x\n",
        "FROM a\nRUN if apk update; then apk add --no-cache x; fi\n",
        "FROM a\nRUN apk update > /log && apk add --no-cache x\n",
    ] {
        let config = Config::default();
        let found = lint(&parse(source, &Limits::default()), &Context::new(&config));
        for finding in found.iter().filter(|it| it.rule.as_deref() == Some("SL4012")) {
            assert!(finding.fixes.is_empty(), "{source}\n{finding:#?}");
        }
    }
    mended(
        "SL4003",
        "FROM a\nRUN apt-get install -y curl wget && curl -f x\n",
        expect![[r#"
        FROM a
        RUN apt-get install -y curl && curl -f x
    "#]],
    );
    mended(
        "SL4003",
        "FROM a\nRUN apt-get install -y \\\n  wget \\\n  curl\nCMD wget x\n",
        expect![[r#"
            FROM a
            RUN apt-get install -y \
              wget
            CMD wget x
        "#]],
    );
}

#[test]
fn steps_are_joined_only_where_the_second_cannot_notice() {
    mended(
        "SL4018",
        "FROM a\nRUN x\nRUN y z\n",
        expect![[r#"
            FROM a
            RUN x \
                && y z
        "#]],
    );
    mended(
        "SL4018",
        "FROM a\r\nRUN x \\\r\n  b\r\n\r\nRUN y\r\n",
        expect![[r#"
        FROM a␍
        RUN x \␍
          b \␍
            && y␍
    "#]],
    );
    mended(
        "SL4018",
        "FROM a\nRUN --network=none x\nRUN --network=none y\n",
        expect![[r#"
        FROM a
        RUN --network=none x \
            && y
    "#]],
    );
    mended(
        "SL2008",
        "FROM a\nRUN apt-get update\nRUN apt-get install -y x && b\n",
        expect![[r#"
        FROM a
        RUN apt-get update \
            && apt-get install -y x && b
    "#]],
    );
    for source in [
        "FROM a\nRUN cd /x\nRUN y\n",
        "FROM a\nRUN export A=1\nRUN y\n",
        "FROM a\nRUN x\n# why\nRUN y\n",
        "FROM a\nRUN x &\nRUN y\n",
        "FROM a\nRUN A=1\nRUN y\n",
    ] {
        let config = Config::default();
        let found = lint(&parse(source, &Limits::default()), &Context::new(&config));
        for finding in found.iter().filter(|it| it.rule.as_deref() == Some("SL4018")) {
            assert!(finding.fixes.is_empty(), "{source}\n{finding:#?}");
        }
    }
    silent(
        "SL4018",
        &[
            "FROM a\nRUN x\nUSER b\nRUN y",
            "FROM a\nRUN --network=none x\nRUN y",
            "FROM a\nRUN x && y\nRUN z",
        ],
    );
}

#[test]
fn languages() {
    check(
        "SL2011",
        "FROM a\nRUN gem install rails -N bundler:2.1 && gem i x -v 1 && gem install ./x.gem\n",
        expect![[r#"
            2:17 info SL2011 no version is given for `rails`
        "#]],
    );
    check(
        "SL2012",
        "FROM a\nRUN go install x.org/a@latest x.org/b && go run ./c && go get golang.org/x/d@v1 && go install e\n",
        expect![[r#"
            2:16 info SL2012 no version is given for `x.org/a@latest`, `x.org/b`
        "#]],
    );
    check(
        "SL2013",
        "FROM a\nRUN cargo install x && cargo install --locked y && cargo build\n",
        expect![[r#"
            2:11 info SL2013 the lock file of the program is not used
        "#]],
    );
    check(
        "SL2014",
        "FROM a\nCOPY yarn.lock pnpm-lock.yaml ./\nRUN yarn && yarn install --immutable && pnpm i && npm install && yarn build\n",
        expect![[r#"
            3:5 info SL2014 `yarn` may change what `yarn.lock` names
            3:46 info SL2014 `pnpm i` may change what `pnpm-lock.yaml` names
        "#]],
    );
    mended(
        "SL2014",
        "FROM a\nCOPY yarn.lock package-lock.json ./\nRUN yarn && npm i\n",
        expect![[r#"
            FROM a
            COPY yarn.lock package-lock.json ./
            RUN yarn --frozen-lockfile && npm ci
        "#]],
    );
    check(
        "SL2016",
        "FROM a\nRUN composer require a/b c/d:^1 && composer require a/b 1.2 && composer global require e/f && composer up\n",
        expect![[r#"
            2:22 info SL2016 no version is given for `a/b`
            2:88 info SL2016 no version is given for `e/f`
            2:104 info SL2016 `composer up` passes the lock file over
        "#]],
    );
    check(
        "SL2017",
        "FROM a\nRUN git clone https://x/y && git clone -b v1 https://x/z\nRUN git clone https://x/w && cd w && git checkout 1a\n",
        expect![[r#"
            2:15 info SL2017 `https://x/y` is cloned at no fixed version
        "#]],
    );
    check(
        "SL2010",
        "FROM a\nRUN yum -y install a b-1.2-3 c.rpm && zypper -n in d=1 e && dnf -y install $X @tools\n",
        expect![[r#"
            2:20 info SL2010 no version is given for `a`
            2:56 info SL2010 no version is given for `e`
        "#]],
    );
}

#[test]
fn downloads() {
    check(
        "SL2018",
        "FROM a\nRUN curl -sSL https://x/y -o z; curl -fL https://x/y; curl -I https://x; curl -d a https://x; curl --version\n",
        expect![[r#"
            2:5 info SL2018 an error page would be taken for the file
        "#]],
    );
    check(
        "SL4019",
        "FROM a\nCOPY a.tgz b.zip c.tar.gz /x/\nRUN tar xf /x/a.tgz && unzip /x/b.zip\nRUN tar -czf /x/c.tar.gz .\n",
        expect![[r#"
            2:6 info SL4019 `a.tgz` is copied only to be unpacked
        "#]],
    );
    check(
        "SL4020",
        "FROM a\nRUN wget https://x/a.tar.gz && tar xzf a.tar.gz\nRUN curl -fL https://x/b.tgz -o /tmp/b.tgz && tar xf /tmp/b.tgz && rm -rf /tmp/*\nRUN curl -f x | tar xz\n",
        expect![[r#"
            2:5 warning SL4020 `a.tar.gz` stays in the image after it was unpacked
        "#]],
    );
    mended(
        "SL4020",
        "FROM a\nRUN curl -fL https://x/b.tgz -o /opt/b.tgz && tar xf /opt/b.tgz\n",
        expect![[r#"
            FROM a
            RUN curl -fL https://x/b.tgz -o /opt/b.tgz && tar xf /opt/b.tgz && rm /opt/b.tgz
        "#]],
    );
    check(
        "SL4021",
        "FROM a\nCOPY a.sh /tmp/\nADD b /opt/b\nRUN /tmp/a.sh && rm -f /tmp/a.sh /opt/b /opt/c\nRUN apt-get update && apt-get install -y x\nRUN rm -rf /var/lib/apt/lists/* && apt-get clean\nRUN apt-get update && apt-get install -y y && rm -rf /var/lib/apt/lists/*\n",
        expect![[r#"
            4:24 warning SL4021 `/tmp/a.sh` stays in the layer of an earlier step
            4:34 warning SL4021 `/opt/b` stays in the layer of an earlier step
            6:12 warning SL4021 the files to remove are in the layer of an earlier step
            6:36 warning SL4021 what this cleans is in the layer of an earlier step
        "#]],
    );
}

#[test]
fn caches_and_compilers() {
    check(
        "SL4013",
        "FROM a\nRUN yarn install --frozen-lockfile\nRUN yarn add x && yarn cache clean\nRUN yarn build\n",
        expect![[r#"
            2:5 info SL4013 yarn keeps its cache in the image
        "#]],
    );
    check(
        "SL4014",
        "FROM a\nRUN npm ci\nRUN npm i && rm -rf /root/.npm\nRUN npm run x\n",
        expect![[r#"
            2:5 info SL4014 npm keeps its cache in the image
        "#]],
    );
    check(
        "SL4022",
        "FROM golang:1\nRUN go mod download\nRUN --mount=type=cache,target=/go go build\nRUN npm ci && npm cache clean --force\nRUN pip install --no-cache-dir -r x\n",
        expect![[r#"
            2:5 info SL4022 no cache is mounted: each change of a dependency downloads all of them again
        "#]],
    );
    mended(
        "SL4022",
        "FROM golang:1\nRUN --network=host go mod download\n",
        expect![[r#"
        FROM golang:1
        RUN --mount=type=cache,target=/go/pkg/mod --network=host go mod download
    "#]],
    );
    check(
        "SL4023",
        "FROM rust:1 AS b\nFROM b\n",
        expect![[r#"
        1:6 info SL4023 the final image is made from a compiler's, `rust:1`
    "#]],
    );
    silent(
        "SL4023",
        &["FROM rust:1 AS b\nFROM debian:13\nCOPY --from=b x y", "FROM eclipse-temurin:21-jre"],
    );
    silent("SL4017", &["FROM a\nRUN useradd -lu 1000000 x", "FROM a\nRUN useradd -u 10001 x"]);
    silent(
        "SL4015",
        &["FROM a\nRUN wget -qO- x", "FROM a\nRUN wget -nv x", "FROM a\nRUN wget -O- x -o /log"],
    );
}
