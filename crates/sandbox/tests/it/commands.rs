//! What a command is given: arguments, environment, identity, files; and what becomes of its end.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use libtest_mimic::Trial;
use sealift_sandbox::{Error, Exit, User};

use crate::bench::Bench;
use crate::trial;

/// Docker's default fourteen.
const DEFAULT_CAPABILITIES: &str = "00000000a80425fb";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("environment_is_exact", environment_is_exact),
        trial("working_directory_and_umask", working_directory_and_umask),
        trial("root_keeps_default_capabilities", root_keeps_default_capabilities),
        trial("streams_are_told_apart", streams_are_told_apart),
        trial("much_output_arrives_whole", much_output_arrives_whole),
        trial("stdin_is_empty", stdin_is_empty),
        trial("no_descriptor_leaks", no_descriptor_leaks),
        trial("signals_have_default_effects", signals_have_default_effects),
        trial("host_name", host_name),
        trial("exit_codes_and_signals", exit_codes_and_signals),
        trial("commands_that_cannot_start", commands_that_cannot_start),
        trial("specifications_that_are_refused", specifications_that_are_refused),
    ]
}

/// Tests that need more users than root.
pub(crate) fn trials_with_users() -> Vec<Trial> {
    vec![
        trial("other_users_have_no_capabilities", other_users_have_no_capabilities),
        trial("other_users_reach_their_outputs", other_users_reach_their_outputs),
        trial("files_can_be_given_away", files_can_be_given_away),
    ]
}

fn environment_is_exact() {
    let mut bench = Bench::new();
    bench.spec.env.push(("GREETING".to_owned(), "a=b c\n\"d".to_owned()));
    let out = bench.command(&["env"]).success();
    assert_eq!(out, "PATH=/bin\nGREETING=a=b c\n\"d\n");
}

fn working_directory_and_umask() {
    let mut bench = Bench::new();
    bench.spec.cwd = "/etc".to_owned();
    assert_eq!(bench.shell("pwd; umask").success(), "/etc\n0022\n");
}

fn root_keeps_default_capabilities() {
    let mut bench = Bench::new();
    let out = bench.shell("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status").success();
    let none = "0000000000000000";
    let expected = format!(
        "CapInh:\t{none}\nCapPrm:\t{DEFAULT_CAPABILITIES}\nCapEff:\t{DEFAULT_CAPABILITIES}\n\
         CapBnd:\t{DEFAULT_CAPABILITIES}\nCapAmb:\t{none}\nNoNewPrivs:\t0\nSeccomp:\t2\n"
    );
    assert_eq!(out, expected);
}

fn other_users_have_no_capabilities() {
    let mut bench = Bench::new();
    bench.spec.user = User { uid: 33, gid: 34, groups: vec![35, 36] };
    let script = "grep -E '^(Uid|Gid|Groups|CapPrm|CapEff|CapBnd|CapAmb)' /proc/self/status";
    let none = "0000000000000000";
    let expected = format!(
        "Uid:\t33\t33\t33\t33\nGid:\t34\t34\t34\t34\nGroups:\t35 36 \nCapPrm:\t{none}\n\
         CapEff:\t{none}\nCapBnd:\t{DEFAULT_CAPABILITIES}\nCapAmb:\t{none}\n"
    );
    assert_eq!(bench.shell(script).success(), expected);
    let ran = bench.shell("touch /etc/new");
    assert_eq!(ran.exit.unwrap(), Exit::Code(1), "{}", ran.err);
}

fn other_users_reach_their_outputs() {
    let mut bench = Bench::new();
    bench.spec.user = User { uid: 33, gid: 33, groups: Vec::new() };
    let ran = bench.shell("echo a > /dev/stdout; echo b > /dev/stderr; echo c > /dev/null");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("a\n", "b\n"));
    bench.shell("echo > /tmp/mine && test $(stat -c %u /tmp/mine) = 33").success();
}

fn files_can_be_given_away() {
    let mut bench = Bench::new();
    bench.shell("touch /tmp/a && chown 33:34 /tmp/a && chmod 4755 /tmp/a").success();
    let out = bench.shell("stat -c '%u %g %a' /tmp/a").success();
    assert_eq!(out, "33 34 4755\n");
}

fn streams_are_told_apart() {
    let mut bench = Bench::new();
    let ran = bench.shell("echo one; echo two >&2; echo three");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("one\nthree\n", "two\n"));
}

fn much_output_arrives_whole() {
    let mut bench = Bench::new();
    let ran = bench.shell("seq 1 300000; seq 1 100000 >&2");
    assert!(ran.out.ends_with("\n300000\n") && ran.out.lines().count() == 300_000);
    assert!(ran.err.ends_with("\n100000\n") && ran.err.lines().count() == 100_000);
}

fn stdin_is_empty() {
    assert_eq!(Bench::new().shell("cat; echo end").success(), "end\n");
}

fn no_descriptor_leaks() {
    // Descriptor 3 is the directory that `ls` reads.
    assert_eq!(Bench::new().command(&["ls", "/proc/self/fd"]).success(), "0\n1\n2\n3\n");
}

fn signals_have_default_effects() {
    let out = Bench::new().command(&["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]).success();
    assert_eq!(out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

fn host_name() {
    let mut bench = Bench::new();
    bench.spec.hostname = "builder".to_owned();
    let out = bench.shell("hostname; cat /etc/hostname; grep builder /etc/hosts").success();
    assert_eq!(out, "builder\nbuilder\n127.0.0.1\tbuilder\n");
}

fn exit_codes_and_signals() {
    let check = |script: &str, expected: Exit, code: i32| {
        let exit = Bench::new().shell(script).exit.unwrap();
        assert_eq!((exit, exit.code()), (expected, code), "{script}");
    };
    check("exit 0", Exit::Code(0), 0);
    check("exit 3", Exit::Code(3), 3);
    check("exit 255", Exit::Code(255), 255);
    check("kill -9 $$", Exit::Signal(9), 137);
    check("kill -TERM $$", Exit::Signal(15), 143);
}

fn commands_that_cannot_start() {
    let mut bench = Bench::new();
    let bin = bench.image().join("bin");
    let program = |name: &str, content: &[u8], mode| {
        fs::write(bin.join(name), content).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    program("plain", b"#!/bin/sh\n", 0o644);
    program("lost", b"#!/nowhere/interpreter\n", 0o755);
    program("foreign", b"\x7fELF\x02\x01\x01 of another machine", 0o755);
    let mut check = |name: &str, code: i32, expected: &str| {
        let error = bench.command(&[name]).error();
        assert_eq!((error.to_string().as_str(), error.exit_code()), (expected, Some(code)));
        assert!(error.hint().is_some() || name.contains('/'), "{error:?}");
    };
    check("nothing", 127, "command `nothing` not found in the image");
    check("/bin/nothing", 127, "command `/bin/nothing` not found in the image");
    check("lost", 127, "the interpreter or loader of `/bin/lost` is missing in the image");
    check("plain", 126, "cannot execute `/bin/plain`");
    check("foreign", 126, "cannot execute `/bin/foreign`");
    check("/etc", 126, "cannot execute `/etc`");
    bench.spec.cwd = "/missing".to_owned();
    let error = bench.command(&["true"]).error();
    assert_eq!(error.to_string(), "cannot enter working directory `/missing`");
}

fn specifications_that_are_refused() {
    let check = |argv: &[&str], target: &str| {
        let mut bench = Bench::new();
        bench.bind("/etc".as_ref(), target, true);
        let error = bench.command(argv).error();
        assert!(matches!(error, Error::InvalidSpec { .. }), "{error:?}");
    };
    check(&[], "/x");
    check(&["a\0b"], "/x");
    check(&["true"], "x");
    check(&["true"], "/");
    check(&["true"], "/a/../..");
    let mut bench = Bench::new();
    bench.spec.lower_dirs.push("/nonexistent/layer".into());
    let error = bench.command(&["true"]).error();
    assert_eq!(error.to_string(), "cannot open `/nonexistent/layer`");
}
