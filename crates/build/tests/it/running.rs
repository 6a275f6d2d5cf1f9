//! `RUN` in the sandbox.

use std::fs;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use libtest_mimic::Trial;

use crate::bench::Bench;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("run_layers", layers),
        trial("run_whiteouts", whiteouts),
        trial("run_leaves_no_trace", no_trace),
        trial("run_environment", environment),
        trial("run_users", users),
        trial("run_forms", forms),
        trial("run_mounts", mounts),
        trial("run_secret", secret),
        trial("run_ca_bundle", ca_bundle),
        trial("run_fails", fails),
        trial("run_cached", cached),
        trial("run_cancelled", cancelled),
        trial("run_parallel", parallel),
        trial("run_capability", capability),
    ]
}

// Only what the Dockerfile adds to busybox.
fn check(dockerfile: &str, expected: Expect) {
    let mut bench = Bench::with_busybox();
    let below = bench.images.0["busybox"].layers().len();
    let built = bench.build(dockerfile);
    expected.assert_eq(&bench.layers(&built, below));
}

fn layers() {
    check(
        "FROM busybox\nRUN mkdir -p /opt/app && echo hi > /opt/app/file && ln /opt/app/file /opt/hard \
         && ln -s file /opt/app/link && chmod 4755 /opt/app/file && mkfifo /opt/pipe",
        expect![[r#"
            layer
              d 0755 0:0 opt
              d 0755 0:0 opt/app
              - 4755 0:0 opt/app/file hi\n
              l 0777 0:0 opt/app/link -> file
              h 4755 0:0 opt/hard = opt/app/file
              Fifo 0644 0:0 opt/pipe
        "#]],
    );
    // Touched and put back: no change, no layer.
    check("FROM busybox\nRUN touch /bin/x && rm /bin/x", expect![[""]]);
}

fn whiteouts() {
    check(
        "FROM busybox\nRUN rm /etc/group",
        expect![[r#"
        layer
          d 0755 0:0 etc
          - 0000 0:0 etc/.wh.group
    "#]],
    );
    check(
        "FROM busybox AS base\nRUN mkdir -p /d/e && touch /d/old /d/e/old\n\
         FROM base\nRUN rm -r /d && mkdir /d && touch /d/new\nRUN rm /d/new\nRUN rmdir /d",
        expect![[r#"
            layer
              d 0755 0:0 d
              d 0755 0:0 d/e
              - 0644 0:0 d/e/old
              - 0644 0:0 d/old
            layer
              d 0755 0:0 d
              - 0000 0:0 d/.wh..wh..opq
              - 0644 0:0 d/new
            layer
              d 0755 0:0 d
              - 0000 0:0 d/.wh.new
            layer
              - 0000 0:0 .wh.d
        "#]],
    );
    // COPY onto what a RUN removed, and RUN on top of that.
    check(
        "FROM busybox AS base\nRUN mkdir /d && touch /d/old\n\
         FROM base\nRUN rm -r /d\nCOPY <<x /d/\nnew\nx\nRUN test ! -e /d/old && test -e /d/x && mv /d/x /d/y",
        expect![[r#"
            layer
              d 0755 0:0 d
              - 0644 0:0 d/old
            layer
              - 0000 0:0 .wh.d
            layer
              d 0755 0:0 d
              - 0644 0:0 d/x new\n
            layer
              d 0755 0:0 d
              - 0000 0:0 d/.wh.x
              - 0644 0:0 d/y new\n
        "#]],
    );
    // A base image with whiteouts is read back as it was.
    let mut bench = Bench::with_busybox();
    let built = bench.build(
        "FROM busybox\nRUN mkdir -p /d/e && touch /d/a /d/b /d/e/c\nRUN rm -r /d/a /d/e && mkdir /d/e\n",
    );
    bench.keep("made", &built.descriptor);
    fs::remove_dir_all(bench.store.root().join("cache")).unwrap();
    bench.build("FROM made\nRUN find /d | sort && test ! -e /d/a && test -z \"$(ls /d/e)\"");
    assert_eq!(bench.output(), ["/d", "/d/b", "/d/e"]);
}

fn no_trace() {
    check(
        "FROM busybox\nRUN --mount=type=tmpfs,target=/scratch/x --mount=type=cache,target=/var/cache/y \
         cat /etc/resolv.conf /etc/hosts > /dev/null; touch /scratch/x/1 /var/cache/y/2 /dev/shm/3",
        expect![[""]],
    );
}

fn environment() {
    let mut bench = Bench::with_busybox();
    bench.request.build_args = vec![
        ("HTTPS_PROXY".to_owned(), Some("http://user:password@proxy".to_owned())),
        ("given".to_owned(), Some("1".to_owned())),
    ];
    let built = bench.build(
        "FROM busybox\nARG given\nARG other=2\nENV own=3\nWORKDIR /made/here\n\
         RUN echo $given $other $own $HOME $HTTPS_PROXY; pwd; echo $PATH\n",
    );
    assert_eq!(
        bench.output(),
        [
            "1 2 3 /root http://user:password@proxy",
            "/made/here",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        ]
    );
    let config = String::from_utf8(built.config.bytes().to_vec()).unwrap();
    assert!(!config.contains("password"), "{config}");
    let history = built.config.value().history.last().unwrap().created_by.clone().unwrap();
    assert!(history.starts_with("RUN |2 given=1 other=2 /bin/sh -c echo"), "{history}");
}

fn users() {
    let mut bench = Bench::with_busybox();
    bench.build(
        "FROM busybox\nUSER app\nWORKDIR /home/app\nRUN id; echo $HOME; touch mine\n\
         USER app:staff\nRUN id\nUSER 4711\nRUN id; echo $HOME\n",
    );
    assert_eq!(
        bench.output(),
        [
            "uid=1000(app) gid=1001(app) groups=50(staff)",
            "/home/app",
            "uid=1000(app) gid=50(staff)",
            "uid=4711 gid=0(root)",
            "/"
        ]
    );
    let failure = bench.failure("FROM busybox\nUSER ap\nRUN id\n");
    expect![[r#"
        `CONTEXT/Dockerfile` line 3: `RUN id` failed
        caused by: there is no user `ap` in the image's `/etc/passwd`
        hint: did you mean `app`?
    "#]]
    .assert_eq(&failure);
}

fn forms() {
    let mut bench = Bench::with_busybox();
    bench.build(
        "FROM busybox\nRUN [\"echo\", \"exec $HOME\"]\nSHELL [\"/bin/sh\", \"-ec\"]\nRUN false || echo shell\n\
         RUN <<EOF\nx=here\necho $x\nEOF\n\
         RUN <<EOF\n#!/bin/cat\nthe script\nEOF\n\
         RUN cat <<one && cat <<two\nfirst\none\nsecond\ntwo\n",
    );
    assert_eq!(
        bench.output(),
        ["exec $HOME", "shell", "here", "#!/bin/cat", "the script", "first", "second"]
    );
}

fn mounts() {
    let mut bench = Bench::with_busybox();
    bench.file("in/a", "A").file("in/b", "B").file(".dockerignore", "in/b\n");
    let dockerfile = "FROM busybox AS other\nRUN echo other > /made\n\
        FROM busybox\n\
        RUN --mount=target=/ctx,rw ls /ctx/in; echo x > /ctx/new; cat /ctx/new\n\
        RUN --mount=from=other,source=/made,target=/file cat /file\n\
        RUN --mount=type=cache,id=c,target=/cache,uid=1000,mode=700 echo x >> /cache/f; wc -l < /cache/f; stat -c '%u %a' /cache\n\
        RUN --mount=type=tmpfs,target=/t,size=1m df -k /t | tail -1 | awk '{print $2}'\n\
        RUN --mount=target=/ctx if touch /ctx/x; then exit 1; fi 2> /dev/null\n";
    bench.build(dockerfile);
    assert_eq!(bench.output(), ["a", "x", "other", "1", "1000 700", "1024"]);
    assert!(!bench.in_context("new").exists());
    // A cache keeps its content, and what is mounted counts for the key.
    bench.file("in/a", "changed");
    bench.build(dockerfile);
    assert_eq!(bench.output(), ["a", "x", "other", "2", "1000 700", "1024"]);
    bench.build(dockerfile);
    assert_eq!(bench.output(), Vec::<String>::new());
}

fn secret() {
    let mut bench = Bench::with_busybox();
    let file = bench.path().join("creds");
    fs::write(&file, "hunter2").unwrap();
    bench.request.secrets = vec![("creds".to_owned(), file)];
    let built = bench.build(
        "FROM busybox\nUSER 1000\n\
         RUN --mount=type=secret,id=creds,uid=1000 wc -c < /run/secrets/creds\n\
         RUN --mount=type=secret,id=creds,env=TOKEN test ${#TOKEN} = 7\n\
         RUN --mount=type=secret,id=none test ! -e /run/secrets/none\n",
    );
    assert_eq!(bench.output(), ["7"]);
    assert_no_text_in_store(&bench, "hunter2");
    assert!(!bench.layers(&built, 0).contains("secrets"));
    bench.request.secrets.clear();
    let failure = bench.failure("FROM busybox\nRUN --mount=type=secret,id=creds,required true\n");
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `RUN --mount=type=secret,id=creds,required true` failed
        caused by: the secret `creds` is required, but was not given
        hint: give it with `--secret id=creds,src=FILE`
    "#]]
    .assert_eq(&failure);
}

fn assert_no_text_in_store(bench: &Bench, text: &str) {
    let output = std::process::Command::new("grep")
        .args(["-rl", text])
        .arg(bench.store.root())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

fn ca_bundle() {
    let mut bench = Bench::with_busybox();
    let bundle = bench.path().join("ca.pem");
    fs::write(&bundle, "corporate authority").unwrap();
    let dockerfile = "FROM busybox\nENV CURL_CA_BUNDLE=/own\n\
        RUN if [ -n \"$REQUESTS_CA_BUNDLE\" ]; then cat $SSL_CERT_FILE; echo; echo $CURL_CA_BUNDLE; fi; echo x > /x\n";
    bench.request.source_date_epoch = Some(1_500_000_000);
    let without = bench.build(dockerfile);
    bench.request.ca_bundle = Some(bundle);
    // Not in the key: what was built without is taken.
    let with = bench.build(dockerfile);
    assert_eq!((with.steps, with.cached), (1, 1));
    bench.request.no_cache = true;
    let with = bench.build(dockerfile);
    assert_eq!(bench.output(), ["corporate authority", "/own"]);
    let config = String::from_utf8(with.config.bytes().to_vec()).unwrap();
    assert!(!config.contains("sealift/ca") && !config.contains("PIP_CERT"), "{config}");
    // Not in the image.
    assert_eq!(with.descriptor, without.descriptor);
    assert_no_text_in_store(&bench, "corporate authority");
}

fn fails() {
    let mut bench = Bench::with_busybox();
    let mut check = |dockerfile: &str, expected: Expect| {
        expected.assert_eq(&bench.failure(&format!("FROM busybox\n\n{dockerfile}")));
    };
    check(
        "RUN echo out; echo err >&2; exit 3",
        expect![[r#"
        `CONTEXT/Dockerfile` line 3: `RUN echo out; echo err >&2; exit 3` failed
        caused by: the command ended with exit code 3; its last lines:
          | out
          | err
        hint: run the command in the image by hand, or add `set -x` in front of it, to see what it does
    "#]],
    );
    check(
        "RUN no-such-program",
        expect![[r#"
        `CONTEXT/Dockerfile` line 3: `RUN no-such-program` failed
        caused by: the command ended with exit code 127; its last lines:
          | /bin/sh: no-such-program: not found
        hint: the program is missing in the image or not executable; install it in an earlier step
    "#]],
    );
    check(
        "RUN [\"/no/such\"]",
        expect![[r#"
        `CONTEXT/Dockerfile` line 3: `RUN ["/no/such"]` failed
        caused by: command `/no/such` not found in the image
    "#]],
    );
    check(
        "RUN kill -9 $$",
        expect![[r#"
        `CONTEXT/Dockerfile` line 3: `RUN kill -9 $$` failed
        caused by: the command ended with signal 9; it wrote nothing
        hint: run the command in the image by hand, or add `set -x` in front of it, to see what it does
    "#]],
    );
    check(
        "RUN --network=host true",
        expect![[r#"
        `CONTEXT/Dockerfile` line 3: `RUN --network=host true` failed
        caused by: --network `host`: this build may not use the network
    "#]],
    );
    check(
        "RUN --security=insecure true",
        expect![[r#"
        `CONTEXT/Dockerfile` line 3: `RUN --security=insecure true` failed
        caused by: RUN --security=insecure is not supported
        hint: do what needs privileges outside of the build
    "#]],
    );
    check(
        "RUN --mount=type=bind,source=none,target=/x true",
        expect![[r#"
            `CONTEXT/Dockerfile` line 3: `RUN --mount=type=bind,source=none,target=/x true` failed
            caused by: `none` is not in the build context
            hint: sources are paths from the top of the context, stage or image
        "#]],
    );
    // What failed is not cached.
    let again = bench.failure("FROM busybox\nRUN exit 3");
    assert!(again.contains("exit code 3"));
    assert_eq!(again, bench.failure("FROM busybox\nRUN exit 3"));
}

fn cached() {
    let mut bench = Bench::with_busybox();
    let dockerfile = "FROM busybox\nARG v=1\nRUN date +%N > /time\nRUN cat /time\n";
    let first = bench.build(dockerfile);
    let start = Instant::now();
    let second = bench.build(dockerfile);
    let took = start.elapsed();
    assert_eq!(first.descriptor, second.descriptor);
    assert_eq!((second.steps, second.cached), (2, 2));
    assert!(took < Duration::from_millis(500), "{took:?}");
    // A changed argument counts, as the command may read it.
    assert_eq!(bench.build(&dockerfile.replace("v=1", "v=2")).cached, 0);
    // A command that ran again gives other files, and so do the steps upon it.
    bench.request.no_cache = true;
    let third = bench.build(dockerfile);
    assert_ne!(first.descriptor, third.descriptor);
    bench.request.no_cache = false;
    assert_eq!(bench.build(dockerfile).descriptor, third.descriptor);
}

fn cancelled() {
    let mut bench = Bench::with_busybox();
    "FROM busybox\nRUN echo started; sleep 600\n".clone_into(&mut bench.request.dockerfile);
    let started = || bench.output().contains(&"started".to_owned());
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !started() {
                std::thread::yield_now();
            }
            bench.cancel.store(true, Ordering::Relaxed);
        });
        let error = sealift_build::build(
            &bench.request,
            &bench.store,
            &bench.images,
            &bench.events,
            &bench.cancel,
        )
        .unwrap_err();
        assert!(error.is_cancelled(), "{error}");
    });
    assert!(start.elapsed() < Duration::from_mins(1));
    assert_eq!(fs::read_dir(bench.store.root().join("temporary")).unwrap().count(), 0);
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&bench.path().display().to_string()), "{mounts}");
}

fn parallel() {
    let mut bench = Bench::with_busybox();
    // Each stage waits for the other one through a shared cache: one after the other, they would wait for ever.
    let stage = |own: &str, other: &str| {
        format!(
            "FROM busybox AS {own}\nRUN --mount=type=cache,id=meet,target=/meet touch /meet/{own}; \
             n=0; while [ ! -e /meet/{other} ]; do n=$((n+1)); [ $n -lt 3000 ] || exit 1; usleep 10000; done; echo {own} > /{own}\n"
        )
    };
    let dockerfile = format!(
        "{}{}FROM scratch\nCOPY --from=left /left /\nCOPY --from=right /right /\n",
        stage("left", "right"),
        stage("right", "left")
    );
    let built = bench.build(&dockerfile);
    expect![[r#"
        layer
          - 0644 0:0 left left\n
        layer
          - 0644 0:0 right right\n
    "#]]
    .assert_eq(&bench.layers(&built, 0));
    // One stage fails: the other one is stopped, and the failure is what is reported.
    let dockerfile = "FROM busybox AS a\nRUN sleep 600\nFROM busybox AS b\nRUN exit 7\n\
        FROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n";
    assert!(bench.failure(dockerfile).contains("exit code 7"));
}

fn capability() {
    let mut bench = Bench::with_busybox();
    bench.file("tool", "x");
    let path = bench.in_context("tool");
    // cap_net_bind_service=ep, version 2.
    let value = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&path, "security.capability", &value, flags).unwrap();
    let built = bench.build("FROM busybox\nCOPY tool /tool\nRUN cp /tool /copy; mv /tool /moved\n");
    let below = bench.images.0["busybox"].layers().len();
    expect![[r#"
        layer
          - 0644 0:0 tool x
            security.capability
        layer
          - 0644 0:0 copy x
          - 0644 0:0 moved x
            security.capability
          - 0000 0:0 .wh.tool
    "#]]
    .assert_eq(&bench.layers(&built, below));
}
