//! What instructions do to the config.

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use sealift_oci::ImageConfig;

use crate::bench::Bench;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("config_instructions", instructions),
        trial("config_commands", commands),
        trial("config_arguments", arguments),
        trial("config_onbuild", onbuild),
        trial("config_history", history),
        trial("config_refusals", refusals),
    ]
}

fn config(bench: &mut Bench, dockerfile: &str) -> ImageConfig {
    bench.request.source_date_epoch = Some(0);
    bench.build(dockerfile).config.value().clone()
}

fn check(dockerfile: &str, expected: Expect) {
    let config = config(&mut Bench::new(), dockerfile);
    let text = serde_json::to_string_pretty(&config.config).unwrap();
    expected.assert_eq(&text);
}

const EVERY_INSTRUCTION: &str = "FROM scratch\n\
     MAINTAINER me\n\
     ENV A=1 B=\"two words\"\n\
     ENV A=2 C=$A\n\
     LABEL one=1 \"two\"=\"$B\"\n\
     EXPOSE 80 53/udp 8000-8002 127.0.0.1:90:91\n\
     VOLUME /data [\"/x\"]\n\
     VOLUME [\"/y\", \"/$A\"]\n\
     USER app:staff\n\
     STOPSIGNAL SIGINT\n\
     SHELL [\"/bin/bash\", \"-ec\"]\n\
     HEALTHCHECK --interval=5s --retries=2 CMD curl $A\n\
     ENTRYPOINT run it\n\
     CMD [\"a\", \"b\"]\n\
     ONBUILD COPY . /app\n";

fn instructions() {
    check(
        EVERY_INSTRUCTION,
        expect![[r#"
            {
              "User": "app:staff",
              "ExposedPorts": {
                "53/udp": {},
                "80/tcp": {},
                "8000/tcp": {},
                "8001/tcp": {},
                "8002/tcp": {},
                "91/tcp": {}
              },
              "Env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "A=2",
                "B=two words",
                "C=1"
              ],
              "Entrypoint": [
                "/bin/bash",
                "-ec",
                "run it"
              ],
              "Cmd": [
                "a",
                "b"
              ],
              "Healthcheck": {
                "Test": [
                  "CMD-SHELL",
                  "curl $A"
                ],
                "Interval": 5000000000,
                "Retries": 2
              },
              "Volumes": {
                "/2": {},
                "/data": {},
                "/y": {},
                "[/x]": {}
              },
              "OnBuild": [
                "COPY . /app"
              ],
              "Labels": {
                "one": "1",
                "two": "two words"
              },
              "StopSignal": "SIGINT",
              "Shell": [
                "/bin/bash",
                "-ec"
              ]
            }"#]],
    );
}

fn commands() {
    let mut bench = Bench::new();
    let built = bench.build("FROM scratch\nENTRYPOINT [\"e\"]\nCMD [\"c\"]\nHEALTHCHECK CMD x");
    bench.keep("base", &built.descriptor);
    let mut check = |lines: &str, entrypoint: Option<&str>, cmd: Option<&str>| {
        let config = config(&mut bench, &format!("FROM base\n{lines}")).config;
        let join = |words: Option<Vec<String>>| words.map(|words| words.join(" "));
        assert_eq!(join(config.entrypoint).as_deref(), entrypoint, "{lines}");
        assert_eq!(join(config.cmd).as_deref(), cmd, "{lines}");
    };
    check("", Some("e"), Some("c"));
    check("CMD d", Some("e"), Some("/bin/sh -c d"));
    check("ENTRYPOINT f", Some("/bin/sh -c f"), None);
    check("CMD d\nENTRYPOINT [\"f\"]", Some("f"), Some("/bin/sh -c d"));
    check("ENTRYPOINT []", None, None);
    let config = config(&mut bench, "FROM base\nHEALTHCHECK NONE").config;
    assert_eq!(config.healthcheck.unwrap().test, ["NONE"]);
}

fn arguments() {
    let mut bench = Bench::new();
    bench.request.build_args = vec![
        ("given".to_owned(), Some("from outside".to_owned())),
        ("stray".to_owned(), Some("1".to_owned())),
        ("HTTP_PROXY".to_owned(), Some("http://proxy".to_owned())),
        ("unset".to_owned(), None),
    ];
    let config = config(
        &mut bench,
        "ARG base=scratch\nARG global=G$base\nARG given=default\n\
         FROM ${base} AS one\n\
         ARG global\nARG given\nARG own=${given}!\nARG unset=fallback\nARG TARGETARCH\n\
         ENV all=\"$global|$given|$own|$unset|$base|${missing:-none}|$TARGETARCH\"\n\
         FROM one\n\
         LABEL inherited=$own$HTTP_PROXY\n",
    );
    let arch = sealift_oci::Platform::host().architecture;
    let expected = format!("all=Gscratch|from outside|from outside!|fallback||none|{arch}");
    assert!(config.config.env.contains(&expected), "{:?}", config.config.env);
    assert_eq!(config.config.labels["inherited"], "from outside!");
    assert_eq!(bench.warnings(), ["the build argument `stray` is not used: no ARG declares it"]);
}

fn onbuild() {
    let mut bench = Bench::new();
    bench.file("x", "X");
    let built = bench.build("FROM scratch\nONBUILD ENV triggered=yes\nONBUILD COPY x /x");
    assert!(built.config.value().config.env.iter().all(|pair| !pair.starts_with("triggered")));
    bench.keep("base", &built.descriptor);
    let built = bench.build("FROM base\nLABEL own=1");
    let config = &built.config.value().config;
    assert!(config.env.contains(&"triggered=yes".to_owned()));
    assert!(config.on_build.is_empty());
    assert!(bench.layers(&built, 0).contains("x X"));
    std::fs::remove_file(bench.in_context("x")).unwrap();
    expect![[r#"
        `CONTEXT/Dockerfile` line 1: `ONBUILD COPY x /x` failed
        caused by: `x` is not in the build context
        hint: sources are paths from the top of the context, stage or image
    "#]]
    .assert_eq(&bench.failure("FROM base"));
}

fn history() {
    let mut bench = Bench::new();
    bench.file("x", "X");
    let config = config(
        &mut bench,
        "FROM scratch\nARG v=1\nENV A=b\nCOPY --chown=1:2 x /y\nWORKDIR /\nWORKDIR /w\nCMD [\"x\"]\n",
    );
    let lines: Vec<String> = config
        .history
        .iter()
        .map(|entry| {
            let mark = if entry.empty_layer { ' ' } else { '*' };
            let created = entry.created.as_deref().unwrap_or("-");
            format!("{mark} {created} {}", entry.created_by.as_deref().unwrap_or("-"))
        })
        .collect();
    expect![[r#"
          1970-01-01T00:00:00Z ARG v=1
          1970-01-01T00:00:00Z ENV A=b
        * 1970-01-01T00:00:00Z COPY --chown=1:2 x /y
          1970-01-01T00:00:00Z WORKDIR /
        * 1970-01-01T00:00:00Z WORKDIR /w
          1970-01-01T00:00:00Z CMD ["x"]"#]]
    .assert_eq(&lines.join("\n"));
    assert_eq!(config.rootfs.diff_ids.len(), 2);
}

fn refusals() {
    let check = |line: &str, expected: Expect| {
        expected.assert_eq(&Bench::new().failure(&format!("FROM scratch\n{line}\n")));
    };
    check(
        "EXPOSE 70000",
        expect![[r#"
        `CONTEXT/Dockerfile` line 2: `EXPOSE 70000` failed
        caused by: port `70000`: it must be a number from 0 to 65535, or a range
    "#]],
    );
    check(
        "EXPOSE 80/xxx",
        expect![[r#"
        `CONTEXT/Dockerfile` line 2: `EXPOSE 80/xxx` failed
        caused by: port `80/xxx`: the protocol must be `tcp`, `udp` or `sctp`
    "#]],
    );
    check(
        "STOPSIGNAL SIGWHAT",
        expect![[r#"
        `CONTEXT/Dockerfile` line 2: `STOPSIGNAL SIGWHAT` failed
        caused by: signal `SIGWHAT`: it must be a number from 1 to 64 or a name such as `SIGTERM`
    "#]],
    );
    check(
        "USER $nobody",
        expect![[r#"
        `CONTEXT/Dockerfile` line 2: `USER $nobody` failed
        caused by: USER `$nobody`: it is empty once its variables are expanded
    "#]],
    );
    check(
        "ENV a=${b:?give b}",
        expect![[r#"
            cannot read `CONTEXT/Dockerfile` line 2: `b}` has no `=`
            hint: write `key=value`, and quotes around a value with spaces
        "#]],
    );
}
