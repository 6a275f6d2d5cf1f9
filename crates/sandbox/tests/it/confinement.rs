//! What a command must not reach, and what it must.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use libtest_mimic::Trial;
use sealift_sandbox::{Exit, Mount, Network, Privilege};

use crate::bench::Bench;
use crate::trial;

const PERL: &str = "/usr/bin/perl";

pub(crate) fn trials(privilege: Privilege) -> Vec<Trial> {
    let mut trials = vec![
        trial("kernel_files_are_masked", kernel_files_are_masked),
        trial("kernel_settings_cannot_be_written", kernel_settings_cannot_be_written),
        trial("only_own_processes_are_seen", only_own_processes_are_seen),
        trial("init_cannot_be_looked_into", init_cannot_be_looked_into),
        trial("harmless_devices_work", harmless_devices_work),
        trial("host_devices_cannot_be_changed", host_devices_cannot_be_changed),
        trial("namespaces_and_mounts_are_refused", namespaces_and_mounts_are_refused),
        trial("host_network_is_shared", host_network_is_shared),
        trial("no_network_is_isolated", no_network_is_isolated),
        trial("read_only_binds_cannot_be_written", read_only_binds_cannot_be_written),
        trial("tmpfs_is_limited", tmpfs_is_limited),
    ];
    if Path::new(PERL).exists() {
        trials.push(trial("dangerous_calls_are_refused", dangerous_calls_are_refused));
    } else {
        println!("SKIPPED: dangerous_calls_are_refused, as {PERL} is missing");
    }
    if privilege == Privilege::Root {
        trials.push(trial("made_devices_cannot_be_opened", made_devices_cannot_be_opened));
    }
    trials
}

/// Runs a script that must fail.
#[track_caller]
fn refused(bench: &mut Bench, script: &str) {
    let ran = bench.shell(script);
    assert!(
        matches!(ran.exit, Ok(Exit::Code(code)) if code != 0),
        "{script}: {:?} {} {}",
        ran.exit,
        ran.out,
        ran.err
    );
}

fn kernel_files_are_masked() {
    let mut bench = Bench::new();
    let script = "for file in kcore keys timer_list interrupts; do cat /proc/$file | wc -c; done; ls /proc/acpi /sys/firmware /proc/scsi 2>/dev/null | grep -v : ; true";
    let out = bench.shell(script).success();
    assert!(out.lines().all(|line| line.is_empty() || line == "0"), "{out}");
}

fn kernel_settings_cannot_be_written() {
    let mut bench = Bench::new();
    refused(&mut bench, "echo x > /proc/sys/kernel/hostname");
    refused(&mut bench, "echo 1 > /proc/sys/vm/drop_caches");
    refused(&mut bench, "echo h > /proc/sysrq-trigger");
    refused(&mut bench, "mkdir /sys/fs/cgroup/mine");
    refused(&mut bench, "echo 1 > /sys/kernel/mm/ksm/run");
    refused(&mut bench, "touch /sys/x");
}

fn only_own_processes_are_seen() {
    // The init process and the shell.
    assert_eq!(Bench::new().shell("echo /proc/[0-9]* $$").success(), "/proc/1 /proc/2 2\n");
}

fn init_cannot_be_looked_into() {
    let mut bench = Bench::new();
    refused(&mut bench, "cat /proc/1/exe");
    refused(&mut bench, "ls /proc/1/root/");
    refused(&mut bench, "cat /proc/1/fd/0");
    refused(&mut bench, "cat /proc/1/environ");
}

fn harmless_devices_work() {
    let mut bench = Bench::new();
    let script = "echo x > /dev/null && head -c 3 /dev/zero | wc -c && head -c 3 /dev/urandom | wc -c \
                  && echo x > /dev/shm/x && ls /dev/ptmx /dev/fd/1 && ls /dev";
    let out = bench.shell(script).success();
    for name in ["full", "mqueue", "ptmx", "pts", "random", "shm", "stderr", "stdin", "tty"] {
        assert!(out.lines().any(|line| line == name), "{name}: {out}");
    }
    refused(&mut bench, "echo x > /dev/full");
    assert_eq!(bench.changes(), "");
}

fn host_devices_cannot_be_changed() {
    use std::os::unix::fs::MetadataExt;
    let look = || {
        let status = Path::new("/dev/null").metadata().unwrap();
        (status.mode(), status.uid(), status.mtime(), status.mtime_nsec())
    };
    let before = look();
    let script =
        "for file in /dev/null /proc/kcore /proc/keys; do chmod 646 $file; touch $file; done";
    let ran = Bench::new().shell(script);
    assert_eq!(look(), before, "{}", ran.err);
}

fn made_devices_cannot_be_opened() {
    let mut bench = Bench::new();
    for place in ["/", "/tmp", "/dev", "/dev/shm", "/dev/mqueue/..", "/mnt/open"] {
        let outside = tempfile::tempdir().unwrap();
        bench.spec.mounts.clear();
        bench.bind(outside.path(), "/mnt/open", false);
        // The harmless /dev/null: were it opened, so would be a disk.
        bench.shell(&format!("mknod {place}/made c 1 3")).success();
        refused(&mut bench, &format!("mknod {place}/made c 1 3; cat {place}/made"));
    }
}

fn namespaces_and_mounts_are_refused() {
    let mut bench = Bench::new();
    refused(&mut bench, "unshare -U true");
    refused(&mut bench, "unshare -m true");
    refused(&mut bench, "mount -t tmpfs none /tmp");
    refused(&mut bench, "mount -o remount,rw /sys");
}

/// Makes calls by number from perl, borrowed from the host.
fn dangerous_calls_are_refused() {
    const EPERM: u32 = 1;
    const ENOSYS: u32 = 38;
    let mut bench = Bench::new();
    for directory in ["/usr", "/lib", "/lib64"] {
        if Path::new(directory).exists() {
            bench.bind(directory.as_ref(), directory, true);
        }
    }
    let mut check = |name: &str, call: &str, expected: u32| {
        let script = format!("{PERL} -e '$r = syscall({call}); print $r < 0 ? $! + 0 : 0'");
        assert_eq!(bench.shell(&script).success(), expected.to_string(), "{name}");
    };
    // The numbers are those of x86-64 below 424.
    if cfg!(target_arch = "x86_64") {
        check("getpid", "39", 0);
        check("clone with a user namespace", "56, 0x10000000, 0, 0, 0, 0", EPERM);
        check("clone with a mount namespace", "56, 0x00020011, 0, 0, 0, 0", EPERM);
        check("keyctl", "250, 0, -3, 0, 0, 0", EPERM);
        check("bpf", "321, 0, 0, 0", EPERM);
        check("kexec_load", "246, 0, 0, 0, 0", EPERM);
        check("reboot", "169, 0, 0, 0, 0", EPERM);
        check("perf_event_open", "298, 0, 0, 0, 0, 0", EPERM);
        check("clock_settime", "227, 0, 0", EPERM);
        check("personality without address randomisation", "135, 0x0040000", EPERM);
        check("personality of Linux", "135, 0", 0);
        check("socket of virtual machines", "41, 40, 1, 0", EPERM);
        check("x32 getpid", "0x40000000 + 39", ENOSYS);
    }
    check("clone3", "435, 0, 0", ENOSYS);
    check("io_uring_setup", "425, 1, 0", EPERM);
    check("open_tree", "428, -100, 0, 1", EPERM);
    check("mount_setattr", "442, -100, 0, 0, 0, 0", EPERM);
    check("a call of the future", "900", ENOSYS);
}

fn host_network_is_shared() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        listener.accept().unwrap().0.write_all(b"hello").unwrap();
    });
    let mut bench = Bench::new();
    assert_eq!(bench.shell(&format!("nc 127.0.0.1 {port}")).success(), "hello");
    server.join().unwrap();
    let resolv_conf = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    assert_eq!(bench.shell("cat /etc/resolv.conf").success(), resolv_conf);
}

fn no_network_is_isolated() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut bench = Bench::new();
    bench.spec.network = Network::None;
    refused(&mut bench, &format!("nc -w 2 127.0.0.1 {port}"));
    assert_eq!(bench.shell("ls /sys/class/net").success(), "lo\n");
    let own = "(echo ok | nc -l -p 7007 &) ; for try in 1 2 3 4 5; do nc 127.0.0.1 7007 </dev/null && break; sleep 0.1; done";
    assert_eq!(bench.shell(own).success(), "ok\n");
}

fn read_only_binds_cannot_be_written() {
    let mut bench = Bench::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("file"), "content").unwrap();
    bench.bind(outside.path(), "/mnt/fixed", true);
    bench.bind(outside.path(), "/mnt/open", false);
    bench.bind(&outside.path().join("file"), "/run/secrets/token", true);
    refused(&mut bench, "echo x > /mnt/fixed/new");
    refused(&mut bench, "echo x > /run/secrets/token");
    let out = bench.shell("cat /run/secrets/token; echo x > /mnt/open/new").success();
    assert_eq!(out, "content");
    assert!(outside.path().join("new").exists());
    assert_eq!(bench.changes(), "");
}

fn tmpfs_is_limited() {
    let mut bench = Bench::new();
    let (target, size) = ("/var/scratch".into(), Some(64 * 1024));
    bench.spec.mounts.push(Mount::Tmpfs { target, size });
    bench.shell("echo x > /var/scratch/small").success();
    refused(&mut bench, "head -c 1000000 /dev/zero > /var/scratch/large");
    assert_eq!(bench.changes(), "");
}
