//! What Debian's maintainer scripts would have made, made from the packages' own files without running anything.

pub(crate) mod accounts;
pub(crate) mod certificates;
pub(crate) mod database;
pub(crate) mod linker_cache;

use std::fmt::Write as _;

use crate::tree::{Node, Tree, literal};

const NSSWITCH: &str = "passwd:         files\ngroup:          files\nshadow:         files\ngshadow:        files\n\n\
hosts:          files dns\nnetworks:       files\n\nprotocols:      db files\nservices:       db files\n\
ethers:         db files\nrpc:            db files\n\nnetgroup:       nis\n";

/// Group `mail` of base-passwd.
const GID_MAIL: u32 = 8;

/// Files and directories that every image has, and those that packages copy into place when they are configured.
pub(crate) fn complete(tree: &mut Tree) {
    let directories = [
        ("boot", 0o755),
        ("dev", 0o755),
        ("etc", 0o755),
        ("home", 0o755),
        ("media", 0o755),
        ("mnt", 0o755),
        ("opt", 0o755),
        ("proc", 0o755),
        ("root", 0o700),
        ("srv", 0o755),
        ("sys", 0o755),
        ("tmp", 0o1777),
        ("usr/local", 0o755),
        ("usr/local/bin", 0o755),
        ("usr/local/etc", 0o755),
        ("usr/local/games", 0o755),
        ("usr/local/include", 0o755),
        ("usr/local/lib", 0o755),
        ("usr/local/sbin", 0o755),
        ("usr/local/share", 0o755),
        ("usr/local/src", 0o755),
        ("var/cache", 0o755),
        ("var/lib", 0o755),
        ("var/log", 0o755),
        ("var/opt", 0o755),
        ("var/spool", 0o755),
        ("var/tmp", 0o1777),
    ];
    for (path, mode) in directories {
        add(tree, path, Node::directory(mode));
    }
    add(tree, "var/mail", Node::directory(0o2775).owned_by(0, GID_MAIL));
    add(tree, "var/spool/mail", Node::symlink("../mail"));
    let copies = [
        ("usr/share/base-files/profile", "etc/profile"),
        ("usr/share/base-files/motd", "etc/motd"),
        ("usr/share/base-files/dot.profile", "root/.profile"),
        ("usr/share/base-files/dot.bashrc", "root/.bashrc"),
        ("usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"),
    ];
    for (from, to) in copies {
        if let Some(bytes) = tree.read(from) {
            add(tree, to, Node::file(bytes, 0o644));
        }
    }
    add(tree, "etc/nsswitch.conf", Node::file(NSSWITCH, 0o644));
    if tree.at("etc/dpkg/origins/debian").is_some() {
        add(tree, "etc/dpkg/origins/default", Node::symlink("debian"));
    }
    if tree.at("usr/share/zoneinfo/Etc/UTC").is_some() {
        add(tree, "etc/localtime", Node::symlink("/usr/share/zoneinfo/Etc/UTC"));
        add(tree, "etc/timezone", Node::file("Etc/UTC\n", 0o644));
    }
    add_shells(tree);
    add_pam(tree);
}

/// Puts a node where nothing is yet, with the directories above it.
pub(crate) fn add(tree: &mut Tree, path: &str, node: Node) {
    let Ok(path) = tree.resolve_parent(&literal(path)) else { return };
    if tree.get(&path).is_none() && tree.make_parents(&path).is_ok() {
        tree.insert(path, node);
    }
}

// debianutils' `update-shells`.
fn add_shells(tree: &mut Tree) {
    let Some(start) = tree.read("usr/share/debianutils/shells") else { return };
    let mut text = String::from_utf8_lossy(&start).into_owned();
    let folder = literal("usr/share/debianutils/shells.d");
    let names: Vec<String> = tree.below(&folder).map(|(path, _)| path.to_string()).collect();
    for name in names {
        for line in String::from_utf8_lossy(&tree.read(&name).unwrap_or_default()).lines() {
            if !text.lines().any(|known| known == line) {
                text.push_str(line);
                text.push('\n');
                if let Some(base) = line.strip_prefix("/bin/") {
                    let _ = writeln!(text, "/usr/bin/{base}");
                }
            }
        }
    }
    add(tree, "etc/shells", Node::file(text, 0o644));
}

// libpam-runtime's `pam-auth-update` with the `unix` profile only.
fn add_pam(tree: &mut Tree) {
    if tree.at("usr/share/pam-configs/unix").is_none() {
        return;
    }
    let stack = |kind: &str, first: &str| {
        format!(
            "{kind}\t{first}\n{kind}\trequisite\tpam_deny.so\n{kind}\trequired\tpam_permit.so\n"
        )
    };
    let success = |options: &str| format!("[success=1 default=ignore]\tpam_unix.so{options}");
    let session = "session\t[default=1]\tpam_permit.so\nsession\trequisite\tpam_deny.so\n\
                   session\trequired\tpam_permit.so\nsession\trequired\tpam_unix.so\n";
    let account = "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so\n\
                   account\trequisite\tpam_deny.so\naccount\trequired\tpam_permit.so\n";
    let files = [
        ("etc/pam.d/common-auth", stack("auth", &success(" nullok"))),
        ("etc/pam.d/common-account", account.to_owned()),
        ("etc/pam.d/common-password", stack("password", &success(" obscure yescrypt"))),
        ("etc/pam.d/common-session", session.to_owned()),
        ("etc/pam.d/common-session-noninteractive", session.to_owned()),
    ];
    for (path, text) in files {
        add(tree, path, Node::file(text, 0o644));
    }
}
