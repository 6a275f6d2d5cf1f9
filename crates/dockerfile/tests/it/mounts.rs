//! `RUN --mount`.

use expect_test::{Expect, expect};
use sealift_diagnostic::Span;
use sealift_dockerfile::{Mount, parse_mount};

fn check(text: &str, expected: Expect) {
    let found = match parse_mount(text, Span::default()) {
        Ok(mount) => shown(&mount),
        Err(error) => format!("error: {error}; {}", error.hint().unwrap_or_default()),
    };
    expected.assert_eq(&found);
}

fn shown(mount: &Mount) -> String {
    let mut text = mount.kind.as_str().to_owned();
    for (name, value) in [
        ("from", &mount.from),
        ("source", &mount.source),
        ("target", &mount.target),
        ("id", &mount.id),
        ("env", &mount.env),
    ] {
        if let Some(value) = value {
            text.push_str(&format!(" {name}={value:?}"));
        }
    }
    for (name, on) in [("ro", mount.read_only), ("required", mount.required)] {
        if on {
            text.push_str(&format!(" {name}"));
        }
    }
    text.push_str(&format!(
        " {:?} size={:?} mode={:?} uid={:?} gid={:?}",
        mount.sharing, mount.size_bytes, mount.mode, mount.uid, mount.gid
    ));
    text
}

#[test]
fn every_type() {
    check(
        "type=bind,from=build,source=/a,target=/b,rw",
        expect![[
            r#"bind from="build" source="/a" target="/b" Shared size=None mode=None uid=None gid=None"#
        ]],
    );
    check(
        "from=binaries",
        expect![[r#"bind from="binaries" ro Shared size=None mode=None uid=None gid=None"#]],
    );
    check(
        "type=cache,target=/c,id=x,sharing=locked,mode=0755,uid=1,gid=2",
        expect![[
            r#"cache target="/c" id="x" Locked size=None mode=Some(493) uid=Some(1) gid=Some(2)"#
        ]],
    );
    check(
        "type=tmpfs,dst=/t,size=64m",
        expect![[r#"tmpfs target="/t" Shared size=Some(67108864) mode=None uid=None gid=None"#]],
    );
    check(
        "type=secret,id=k,required,env=KEY,mode=0400",
        expect![[
            r#"secret id="k" env="KEY" ro required Shared size=None mode=Some(256) uid=None gid=None"#
        ]],
    );
    check(
        "type=ssh,required=true",
        expect!["ssh ro required Shared size=None mode=None uid=None gid=None"],
    );
    check(
        "TYPE=Cache,\"target=/a,b\"",
        expect![[r#"cache target="/a,b" Shared size=None mode=None uid=None gid=None"#]],
    );
    check(
        "type=cache,target=$HOME/.cache,mode=$M,readonly=$R",
        expect![[r#"cache target="$HOME/.cache" Shared size=None mode=None uid=None gid=None"#]],
    );
}

#[test]
fn mistakes() {
    check(
        "type=volume",
        expect![
            "error: option `type` of the mount cannot be `volume`; it is `bind`, `cache`, `tmpfs`, `secret` or `ssh`"
        ],
    );
    check("targt=/x", expect!["error: a mount has no option `targt`; did you mean `target`?"]);
    check("target", expect!["error: option `target` of the mount has no value; "]);
    check(
        "type=bind,size=1",
        expect!["error: option `size` does not go with a mount of type `bind`; "],
    );
    check(
        "type=cache,sharing=mine",
        expect![
            "error: option `sharing` of the mount cannot be `mine`; it is `shared`, `private` or `locked`"
        ],
    );
    check(
        "type=cache,mode=999",
        expect![
            "error: option `mode` of the mount cannot be `999`; write it in octal, such as `0755`"
        ],
    );
    check(
        "type=tmpfs,size=99999999999g",
        expect![
            "error: option `size` of the mount cannot be `99999999999g`; write bytes, or a number with `k`, `m` or `g`"
        ],
    );
    check("type=secret", expect!["error: a secret mount needs an id, a source or a target; "]);
    check(
        "type=secret,id=a,src=b",
        expect!["error: a secret mount has either an id or a source; "],
    );
    check(
        "from=$BASE",
        expect![
            "error: option `from` of the mount cannot hold a variable: `$BASE`; name a stage for it: `FROM $IMAGE AS name`, then `from=name`"
        ],
    );
    check("\"target=/x", expect!["error: quotes in the mount do not match; "]);
}

#[test]
fn variables_are_put_in_when_the_stage_is_built() {
    let mount = parse_mount("type=cache,target=$D/x,mode=${M}", Span::default()).unwrap();
    assert_eq!((mount.target.as_deref(), mount.mode), (Some("$D/x"), None));
    let lookup = |name: &str| Some(if name == "D" { "/d" } else { "0700" }.to_owned());
    let mount = mount.resolve(&lookup, '\\').unwrap();
    assert_eq!((mount.target.as_deref(), mount.mode), (Some("/d/x"), Some(0o700)));
    assert!(mount.resolve(&|_| Some("$x".to_owned()), '\\').is_ok());
    assert!(mount.resolve(&|_| Some("a,type=ssh".to_owned()), '\\').is_err());
}
