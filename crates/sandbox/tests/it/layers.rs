//! The file system: what the command sees of the layers, and what it leaves in the upper one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use libtest_mimic::Trial;

use crate::bench::Bench;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an_idle_command_leaves_nothing", an_idle_command_leaves_nothing),
        trial("only_changes_are_left", only_changes_are_left),
        trial("deleted_files_become_whiteouts", deleted_files_become_whiteouts),
        trial("copied_parents_keep_their_look", copied_parents_keep_their_look),
        trial("mounts_follow_links_inside_the_image", mounts_follow_links_inside_the_image),
        trial("mounts_nest", mounts_nest),
        trial("host_files_are_not_written", host_files_are_not_written),
        trial("higher_layers_win", higher_layers_win),
        trial("many_layers", many_layers),
        trial("very_many_layers", very_many_layers),
        trial("odd_and_long_paths", odd_and_long_paths),
        trial("images_from_scratch", images_from_scratch),
        trial("upper_root_looks_like_the_image", upper_root_looks_like_the_image),
        trial("work_directory_can_be_used_again", work_directory_can_be_used_again),
    ]
}

fn an_idle_command_leaves_nothing() {
    for mut bench in [Bench::new(), Bench::bare()] {
        let secret = bench.directory.path().join("secret");
        fs::write(&secret, "hush").unwrap();
        bench.bind(&secret, "/etc/ssl/certs/ca-certificates.crt", true);
        bench.bind(&secret, "/run/secrets/token", true);
        let out = bench.shell("cat /run/secrets/token && test -e /etc/resolv.conf").success();
        assert_eq!(out, "hush");
        assert_eq!(bench.changes(), "");
    }
}

fn only_changes_are_left() {
    let mut bench = Bench::bare();
    bench.shell("mkdir -p /opt/app && echo x > /opt/app/file && echo x > /etc/new").success();
    assert_eq!(bench.changes(), "etc/ etc/new opt/ opt/app/ opt/app/file");
    // Files that are mounted over are not the image's.
    let mut bench = Bench::new();
    bench
        .shell("echo x >> /etc/resolv.conf; echo y > /etc/hosts; rm -f /etc/hosts; true")
        .success();
    assert_eq!(bench.changes(), "");
}

fn deleted_files_become_whiteouts() {
    let mut bench = Bench::new();
    fs::create_dir_all(bench.image().join("srv/old")).unwrap();
    bench.shell("rm /etc/passwd && rm -r /srv/old && mkdir /srv/old").success();
    assert_eq!(bench.changes(), "etc/ etc/passwdW srv/ srv/old/");
    let whiteout = bench.upper().join("etc/passwd").metadata().unwrap();
    assert_eq!(whiteout.rdev(), 0);
}

fn copied_parents_keep_their_look() {
    let mut bench = Bench::new();
    let etc = bench.image().join("etc");
    fs::set_permissions(&etc, fs::Permissions::from_mode(0o2751)).unwrap();
    let before = etc.metadata().unwrap();
    // Copies /etc up without changing when it was modified.
    bench.shell("chmod 600 /etc/passwd").success();
    let after = bench.upper().join("etc").metadata().unwrap();
    assert_eq!(
        (before.mode(), before.uid(), before.gid()),
        (after.mode(), after.uid(), after.gid())
    );
    assert_eq!((before.mtime(), before.mtime_nsec()), (after.mtime(), after.mtime_nsec()));
}

fn mounts_follow_links_inside_the_image() {
    let mut bench = Bench::new();
    let outside = tempfile::tempdir().unwrap();
    let image = bench.image();
    fs::create_dir_all(image.join("run")).unwrap();
    fs::create_dir_all(image.join("var")).unwrap();
    symlink("../run", image.join("var/run")).unwrap();
    symlink("../run/resolvconf/resolv.conf", image.join("etc/resolv.conf")).unwrap();
    symlink(outside.path(), image.join("escape")).unwrap();
    symlink("../../../../../../..", image.join("climb")).unwrap();
    bench.bind("/etc/passwd".as_ref(), "/var/run/token", true);
    bench.bind("/etc/passwd".as_ref(), "/escape/file", true);
    bench.bind("/etc/passwd".as_ref(), "/climb/climbed", true);
    let script = "test -s /run/token && test -s /climbed && cat /etc/resolv.conf > /dev/null \
                  && test -e /run/resolvconf/resolv.conf";
    bench.shell(script).success();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(!Path::new("/climbed").exists());
    assert_eq!(bench.changes(), "");
}

fn mounts_nest() {
    let mut bench = Bench::new();
    let cache = tempfile::tempdir().unwrap();
    bench.bind(cache.path(), "/var/cache", false);
    bench.bind("/etc/passwd".as_ref(), "/var/cache/deep/er/file", true);
    bench.bind("/etc/passwd".as_ref(), "/dev/shm/file", true);
    bench.shell("test -s /var/cache/deep/er/file && test -s /dev/shm/file").success();
    assert_eq!(bench.changes(), "");
}

fn host_files_are_not_written() {
    let before = fs::read("/etc/hosts").unwrap_or_default();
    Bench::new().shell("echo '127.0.0.1 sealift-was-here' >> /etc/hosts").success();
    assert_eq!(fs::read("/etc/hosts").unwrap_or_default(), before);
}

fn higher_layers_win() {
    let mut bench = Bench::new();
    for name in ["second", "third"] {
        let layer = bench.directory.path().join(name);
        fs::create_dir_all(layer.join("etc")).unwrap();
        fs::write(layer.join("etc/name"), name).unwrap();
        bench.spec.lower_dirs.push(layer);
    }
    assert_eq!(bench.shell("cat /etc/name").success(), "third");
}

fn check_layers(n_layers: usize) {
    let mut bench = Bench::new();
    for index in 0..n_layers {
        let layer = bench.directory.path().join(format!("layer{index}"));
        fs::create_dir(&layer).unwrap();
        fs::write(layer.join(format!("file{index}")), "").unwrap();
        bench.spec.lower_dirs.push(layer);
    }
    let out = bench.shell("ls -d /file* | wc -l; rm /file3; touch /file0").success();
    assert_eq!(out, format!("{n_layers}\n"));
    assert_eq!(bench.changes(), "file0 file3W");
}

fn many_layers() {
    check_layers(200);
}

/// More than fit into the options of the classic mount call.
fn very_many_layers() {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    if (numbers.next(), numbers.next()) < (Some(6), Some(8)) {
        println!("SKIPPED: very_many_layers, as Linux {release} cannot stack so many");
        return;
    }
    check_layers(400);
}

fn odd_and_long_paths() {
    let mut bench = Bench::new();
    let mut odd = bench.directory.path().join("a:b,c=d\\e f\"g");
    for _ in 0..6 {
        odd.push("x".repeat(100));
    }
    for name in ["lower", "upper", "work"] {
        fs::create_dir_all(odd.join(name)).unwrap();
    }
    fs::write(odd.join("lower/odd"), "odd").unwrap();
    bench.spec.lower_dirs.push(odd.join("lower"));
    bench.spec.upper_dir = odd.join("upper");
    bench.spec.work_dir = odd.join("work");
    assert_eq!(bench.shell("cat /odd; touch /new").success(), "odd");
    assert_eq!(bench.changes(), "new");
}

fn images_from_scratch() {
    let mut bench = Bench::bare();
    bench.spec.lower_dirs.clear();
    fs::copy(crate::BUSYBOX, bench.upper().join("busybox")).unwrap();
    bench.command(&["/busybox", "mkdir", "/made"]).success();
    assert_eq!(bench.changes(), "busybox made/");
}

fn upper_root_looks_like_the_image() {
    let mut bench = Bench::new();
    fs::set_permissions(bench.image(), fs::Permissions::from_mode(0o751)).unwrap();
    fs::set_permissions(bench.upper(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(bench.shell("stat -c %a /").success(), "751\n");
    let mut bench = Bench::bare();
    bench.spec.lower_dirs.clear();
    fs::set_permissions(bench.upper(), fs::Permissions::from_mode(0o700)).unwrap();
    bench.bind(crate::BUSYBOX.as_ref(), "/busybox", true);
    assert_eq!(bench.command(&["/busybox", "stat", "-c", "%a", "/"]).success(), "755\n");
    assert_eq!(bench.changes(), "");
}

fn work_directory_can_be_used_again() {
    let mut bench = Bench::new();
    bench.shell("echo 1 > /first").success();
    bench.shell("echo 2 > /second").success();
    assert_eq!(bench.shell("cat /first /second").success(), "1\n2\n");
}
