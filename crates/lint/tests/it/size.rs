//! SL4xxx.

use expect_test::expect;
use sealift_diagnostic::render_short;
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, lint};

use crate::check::{check, silent};

#[test]
fn apt() {
    check(
        "SL4001",
        "FROM a\nRUN apt-get update && apt-get install -y x\n",
        expect![[r#"
        2:5 warning SL4001 the package lists stay in the image
    "#]],
    );
    silent(
        "SL4001",
        &[
            "FROM a\nRUN apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*",
            "FROM a\nRUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y x",
            "FROM a AS b\nRUN apt-get update && apt-get install -y x\nFROM c\nCOPY --from=b x y",
        ],
    );
    check(
        "SL4002",
        "FROM a\nRUN apt-get install -y x\n",
        expect![[r#"
        2:13 info SL4002 recommended packages are installed too
    "#]],
    );
    silent(
        "SL4002",
        &[
            "FROM a\nRUN apt-get install -y --no-install-recommends x",
            "FROM a\nRUN apt-get -o APT::Install-Recommends=0 install -y x",
        ],
    );
}

#[test]
fn tools_and_caches() {
    check(
        "SL4003",
        "FROM a\nRUN apt-get install -y curl=1 wget\n",
        expect![[r#"
        2:31 info SL4003 both `curl` and `wget` are installed
    "#]],
    );
    silent("SL4003", &["FROM a\nRUN apt-get install -y curl\nFROM b\nRUN apt-get install -y wget"]);
    check(
        "SL4004",
        "FROM a\nRUN pip install -r r.txt\nRUN python -m pip install x\n",
        expect![[r#"
            2:9 warning SL4004 pip keeps its cache in the image
            3:19 warning SL4004 pip keeps its cache in the image
        "#]],
    );
    silent(
        "SL4004",
        &[
            "FROM a\nRUN pip install --no-cache-dir x",
            "FROM a\nENV PIP_NO_CACHE_DIR=1\nRUN pip install x",
            "FROM a\nRUN --mount=type=cache,target=/root/.cache/pip pip install x",
            "FROM a AS b\nRUN pip install x\nFROM c\nCOPY --from=b x y",
            "FROM a\nRUN uv pip install x",
        ],
    );
}

#[test]
fn other_managers_and_build_tools() {
    check(
        "SL4009",
        "FROM a\nRUN apk add curl\n",
        expect![[r#"
        2:9 warning SL4009 apk keeps its index in the image
    "#]],
    );
    silent(
        "SL4009",
        &[
            "FROM a\nRUN apk add --no-cache curl",
            "FROM a\nRUN apk add curl && rm -rf /var/cache/apk/*",
        ],
    );
    check(
        "SL4010",
        "FROM a\nRUN apt-get install -y gcc libpq-dev curl\n",
        expect![[r#"
        2:24 info SL4010 `gcc` is a tool to build, and stays in the final image
        2:28 info SL4010 `libpq-dev` is a tool to build, and stays in the final image
    "#]],
    );
    silent(
        "SL4010",
        &[
            "FROM a AS b\nRUN apt-get install -y gcc\nFROM c\n",
            "FROM a\nRUN apk add gcc && make && apk del gcc",
        ],
    );
    check(
        "SL4011",
        "FROM a\nRUN dnf -y install x\n",
        expect![[r#"
        2:12 warning SL4011 `dnf` keeps its cache in the image
    "#]],
    );
    silent(
        "SL4011",
        &[
            "FROM a\nRUN dnf -y install x && dnf clean all",
            "FROM a\nRUN yum -y install x && rm -rf /var/cache/yum",
        ],
    );
}

#[test]
fn healthcheck() {
    check(
        "SL4008",
        "FROM a\nCMD [\"x\"]\n",
        expect![[r#"
        1:1 warning SL4008 the image has no `HEALTHCHECK`
    "#]],
    );
    silent(
        "SL4008",
        &[
            "FROM a\nHEALTHCHECK NONE",
            "FROM a AS b\nHEALTHCHECK CMD x\nFROM b\n",
            "FROM scratch\nCOPY a /",
        ],
    );
}

#[test]
fn context() {
    let files = [".git/config", ".env", "app.py", "keys/id_rsa"].map(str::to_owned);
    let run = |source: &str, dockerignore: Option<&str>| {
        let config = Config::default();
        let context =
            Context { dockerignore, context_files: Some(&files), ..Context::new(&config) };
        let mut found = lint(&parse(source, &Limits::default()), &context);
        found.retain(|it| {
            matches!(it.rule.as_deref(), Some("SL1003" | "SL4005" | "SL4006" | "SL4007"))
        });
        render_short(&found, "", source)
    };
    let source = "FROM a\nCOPY . /app\nRUN pip install -r requirements.txt\n";
    expect![[r#"
        2:6 error SL1003 this copies files that hold secrets: `.env`, `keys/id_rsa`
        2:6 warning SL4005 the whole folder is copied, and there is no `.dockerignore`
        2:6 warning SL4006 this copies `.git`
        2:6 warning SL4007 everything is copied before the dependencies are installed
    "#]]
    .assert_eq(&run(source, None));
    expect![[r#"
        2:6 error SL1003 this copies files that hold secrets: `keys/id_rsa`
        2:6 warning SL4007 everything is copied before the dependencies are installed
    "#]]
    .assert_eq(&run(source, Some(".env\n.git\n")));
    let good = "FROM a\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\n";
    expect![[""]].assert_eq(&run(good, Some(".env*\n.git\n**/id_*\n")));
    expect![[""]].assert_eq(&run("FROM a AS b\nFROM c\nCOPY --from=b . .\nCOPY app.py .\n", None));
    silent(
        "SL4007",
        &[
            "FROM a\nCOPY . .\nRUN npm install -g x",
            "FROM a\nCOPY package.json .\nRUN npm ci\nCOPY . .",
        ],
    );
    check(
        "SL4007",
        "FROM a\nCOPY . .\nRUN npm ci --omit=dev\n",
        expect![[r#"
        2:6 warning SL4007 everything is copied before the dependencies are installed
    "#]],
    );
}
